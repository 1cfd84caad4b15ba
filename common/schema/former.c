// former - messages of the version before, which had the fields of Terms and Amendment among their
// own.
// SPDX-License-Identifier: MIT
#include "common/schema/former.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/own.h"
#include "common/schema/record.h"
#include "proto/moved.h"

#define DEPTH_MAX 4 // a Submit in an OrderStatus

struct reader {
    const uint8_t *at, *end;
};

// One field as it stands on the wire.
struct field {
    uint32_t number, wire;
    struct span key, value; // the value of a text or message: with its length in front
    struct span content;    // of a text or message
};

static bool read_wire_varint(struct reader *r, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

static bool skip_bytes(struct reader *r, uint64_t n) {
    if (n > (uint64_t)(r->end - r->at)) return false;
    r->at += n;
    return true;
}

static bool read_wire_value(struct reader *r, struct field *f) {
    uint64_t n;
    switch (f->wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return read_wire_varint(r, &n);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return skip_bytes(r, 8);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return skip_bytes(r, 4);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_wire_varint(r, &n)) return false;
        f->content = (struct span){r->at, n};
        return skip_bytes(r, n);
    default:
        return false;
    }
}

static bool read_wire_field(struct reader *r, struct field *f) {
    uint64_t key;
    const uint8_t *start = r->at;
    if (!read_wire_varint(r, &key) || key >> 3 > UINT32_MAX) return false;
    *f = (struct field){
        .number = (uint32_t)(key >> 3), .wire = key & 7, .key = {start, (size_t)(r->at - start)}};
    start = r->at;
    if (!read_wire_value(r, f)) return false;
    f->value = (struct span){start, (size_t)(r->at - start)};
    return true;
}

static void former_put_varint(buffer_t *b, uint64_t n) {
    uint8_t *at = buffer_reserve(b, 10);
    size_t used = 0;
    for (; n >= 0x80; n >>= 7) at[used++] = (uint8_t)(n | 0x80);
    at[used++] = (uint8_t)n;
    b->length += used;
}

static void put_nested(buffer_t *out, uint32_t number, const buffer_t *content) {
    former_put_varint(out, (uint64_t)number << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    former_put_varint(out, content->length);
    if (content->length) buffer_add(out, content->data, content->length);
}

// A message as it is written anew.
struct rewriting {
    const ProtobufCMessageDescriptor *type;
    unsigned depth;
    buffer_t *out;
    buffer_t inlined[RECORD_INLINED_MAX]; // the messages within whose fields are moved
};

static bool rewrite_message(const ProtobufCMessageDescriptor *d, struct span packed, unsigned depth,
                            buffer_t *out);

// A field that is moved: to a message within, or to another number.
static void rewrite_moved(struct rewriting *w, const struct field *f, const char *name) {
    const ProtobufCFieldDescriptor *to = record_field(w->type, span_of(name));
    assert(to);
    const struct record_inlined *of = record_inlined_of(w->type, to);
    buffer_t *out = of ? &w->inlined[of - record_columns(w->type)->inlined] : w->out;
    former_put_varint(out, (uint64_t)to->id << 3 | f->wire);
    buffer_add(out, f->value.data, f->value.length);
}

// A message that is nested is rewritten itself. What is there already of one whose fields are moved
// stands with them: it may be there once only, for each is read alone.
static bool rewrite_nested(struct rewriting *w, const struct field *f,
                           const ProtobufCMessageDescriptor *type) {
    const struct record_columns *columns = record_columns(w->type);
    own(buffer) nested = {0};
    for (unsigned i = 0; i < columns->n_inlined; i++) {
        if (columns->inlined[i].holder->id == f->number)
            return rewrite_message(type, f->content, w->depth + 1, &w->inlined[i]);
    }
    if (!rewrite_message(type, f->content, w->depth + 1, &nested)) return false;
    put_nested(w->out, f->number, &nested);
    return true;
}

// What is not moved stays as it is.
static bool rewrite_field(struct rewriting *w, const struct field *f) {
    const char *moved = moved_name(w->type, f->number);
    if (moved) return rewrite_moved(w, f, moved), true;
    const ProtobufCFieldDescriptor *known =
        protobuf_c_message_descriptor_get_field(w->type, f->number);
    if (known && known->type == PROTOBUF_C_TYPE_MESSAGE &&
        f->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return rewrite_nested(w, f, known->descriptor);
    buffer_add(w->out, f->key.data, f->key.length);
    buffer_add(w->out, f->value.data, f->value.length);
    return true;
}

static bool rewrite_fields(struct rewriting *w, struct span packed) {
    struct reader r = {packed.data, (const uint8_t *)packed.data + packed.length};
    struct field f;
    while (r.at < r.end) {
        if (!read_wire_field(&r, &f) || !rewrite_field(w, &f)) return false;
    }
    return true;
}

// A message within is required, so it is there also when none of its fields was.
static bool rewrite_message(const ProtobufCMessageDescriptor *d, struct span packed, unsigned depth,
                            buffer_t *out) {
    const struct record_columns *columns = record_columns(d);
    struct rewriting w = {.type = d, .depth = depth, .out = out};
    bool ok = depth <= DEPTH_MAX && rewrite_fields(&w, packed);
    for (unsigned i = 0; i < columns->n_inlined; i++) {
        if (ok) put_nested(out, columns->inlined[i].holder->id, &w.inlined[i]);
        buffer_destroy(&w.inlined[i]);
    }
    return ok;
}

// A message of the version before lacks what is required today: so only what cannot be unpacked is
// looked at again.
ProtobufCMessage *former_unpack(const ProtobufCMessageDescriptor *d, struct span packed,
                                arena_t *arena) {
    ProtobufCAllocator *allocator = arena ? arena_allocator(arena) : NULL;
    ProtobufCMessage *m = protobuf_c_message_unpack(d, allocator, packed.length, packed.data);
    own(buffer) today = {0};
    if (m || !rewrite_message(d, packed, 0, &today)) return m;
    return protobuf_c_message_unpack(d, allocator, today.length, today.data);
}
