// envelope - what every message travels in; the same bytes on ZeroMQ and in the journal.
// SPDX-License-Identifier: MIT
#include "common/delivery/envelope.h"

#include <sodium.h>
#include <string.h>

#include "common/schema/former.h"
#include "common/schema/record.h"

// Not a secret: the check finds damage, CURVE keeps strangers out.
static const uint8_t check_key[crypto_shorthash_KEYBYTES] = "tradecast-frame";

static void envelope_put_varint(buffer_t *b, uint64_t n) {
    uint8_t *at = buffer_reserve(b, 10);
    size_t used = 0;
    for (; n >= 0x80; n >>= 7) at[used++] = (uint8_t)(n | 0x80);
    at[used++] = (uint8_t)n;
    b->length += used;
}

static void put_field_number(buffer_t *b, unsigned field, uint64_t n) {
    envelope_put_varint(b, field << 3);
    envelope_put_varint(b, n);
}

// Over the topic and everything of the envelope before the check itself.
static uint64_t compute_envelope_check(const char *topic, const uint8_t *data, size_t length) {
    uint8_t both[2 * crypto_shorthash_BYTES], sum[crypto_shorthash_BYTES];
    crypto_shorthash(both, (const uint8_t *)topic, strlen(topic), check_key);
    crypto_shorthash(both + crypto_shorthash_BYTES, data, length, check_key);
    crypto_shorthash(sum, both, sizeof both, check_key);
    uint64_t n;
    memcpy(&n, sum, sizeof n);
    return n;
}

static void put_head(buffer_t *out, struct entry_id id, struct entry_id prev, const char *type) {
    put_field_number(out, 1, id.incarnation);
    put_field_number(out, 2, id.sequence);
    put_field_number(out, 3, prev.incarnation);
    put_field_number(out, 4, prev.sequence);
    envelope_put_varint(out, 5 << 3 | 2);
    envelope_put_varint(out, strlen(type));
    buffer_text(out, type);
}

static void put_check(buffer_t *out, const char *topic, size_t start) {
    uint64_t check = compute_envelope_check(topic, out->data + start, out->length - start);
    envelope_put_varint(out, 7 << 3 | 1);
    buffer_add(out, &check, sizeof check); // little-endian, as protobuf has it
}

void envelope_write(buffer_t *out, const char *topic, struct entry_id id, struct entry_id prev,
                    const ProtobufCMessage *m) {
    size_t start = out->length, size = protobuf_c_message_get_packed_size(m);
    put_head(out, id, prev, m->descriptor->name);
    envelope_put_varint(out, 6 << 3 | 2);
    envelope_put_varint(out, size);
    protobuf_c_message_pack(m, buffer_reserve(out, size));
    out->length += size;
    put_check(out, topic, start);
}

void envelope_write_span(buffer_t *out, const char *topic, const struct envelope *e) {
    size_t start = out->length;
    put_head(out, e->id, e->prev, e->type);
    envelope_put_varint(out, 6 << 3 | 2);
    envelope_put_varint(out, e->body.length);
    buffer_add(out, e->body.data, e->body.length);
    put_check(out, topic, start);
}

struct reader {
    const uint8_t *at, *end;
};

static bool take_varint(struct reader *r, uint64_t *out) {
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = n;
            return true;
        }
    }
    return false;
}

static bool take_field_number(struct reader *r, unsigned field, uint64_t *out) {
    uint64_t key;
    return take_varint(r, &key) && key == field << 3 && take_varint(r, out);
}

static bool take_span(struct reader *r, unsigned field, struct span *out) {
    uint64_t key, length;
    if (!take_varint(r, &key) || key != (field << 3 | 2) || !take_varint(r, &length)) return false;
    if (length > (uint64_t)(r->end - r->at)) return false;
    *out = (struct span){r->at, length};
    r->at += length;
    return true;
}

// Our own writers write the fields in order, so they are read in order; anything else is damage.
err_t envelope_read(const char *topic, struct span frame, struct envelope *out) {
    struct reader r = {frame.data, (const uint8_t *)frame.data + frame.length};
    struct span type;
    uint64_t key, check;
    if (!take_field_number(&r, 1, &out->id.incarnation) ||
        !take_field_number(&r, 2, &out->id.sequence) ||
        !take_field_number(&r, 3, &out->prev.incarnation) ||
        !take_field_number(&r, 4, &out->prev.sequence))
        return ERR_INPUT;
    if (!take_span(&r, 5, &type) || type.length >= sizeof out->type ||
        !take_span(&r, 6, &out->body))
        return ERR_INPUT;
    size_t checked = (size_t)(r.at - (const uint8_t *)frame.data);
    if (!take_varint(&r, &key) || key != (7 << 3 | 1) || r.end - r.at != sizeof check)
        return ERR_INPUT;
    memcpy(&check, r.at, sizeof check);
    if (check != compute_envelope_check(topic, frame.data, checked)) return ERR_INPUT;
    memcpy(out->type, type.data, type.length);
    out->type[type.length] = 0;
    return ERR_OK;
}

ProtobufCMessage *envelope_open(const struct envelope *e, arena_t *arena) {
    ProtobufCMessage *m = envelope_unpack(e, arena);
    if (!m || record_is_sound(m)) return m;
    if (!arena) protobuf_c_message_free_unpacked(m, NULL);
    return NULL;
}

ProtobufCMessage *envelope_unpack(const struct envelope *e, arena_t *arena) {
    const ProtobufCMessageDescriptor *d = message_type(e->type);
    return d ? former_unpack(d, e->body, arena) : NULL;
}
