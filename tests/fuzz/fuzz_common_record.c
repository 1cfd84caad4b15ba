// fuzz_common_record - any bytes as a message in JSON, and as the values of a message's fields;
// what is read or held is written, and read again as the same: in JSON, and in pairs as Redis holds
// them.
// SPDX-License-Identifier: MIT
#include "common/base/clock.h"
#include "common/schema/record_value.h"
#include "config.pb-c.h"
#include "execution.pb-c.h"
#include "gateway.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "signal.pb-c.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCMessageDescriptor *const types[] = {
    &account_config__descriptor,  &broker_config__descriptor,   &signal_config__descriptor,
    &instance_config__descriptor, &signal__descriptor,          &trade_state__descriptor,
    &config_change__descriptor,   &execution_state__descriptor, &trade_result__descriptor,
    &open_signal__descriptor,     &account_state__descriptor,   &active_position__descriptor,
    &routing__descriptor,         &report__descriptor,          &signal_rejection__descriptor,
    &instance_state__descriptor,
};

struct pairs {
    arena_t *arena;
    struct record_pair pair[RECORD_COLUMNS_MAX];
    size_t n;
};

static void keep_pair(void *arg, const ProtobufCFieldDescriptor *f, struct span value) {
    struct pairs *p = arg;
    char *copy = arena_take(p->arena, value.length + 1);
    memcpy(copy, value.data, value.length);
    p->pair[p->n++] = (struct record_pair){span_of(f->name), {copy, value.length}};
}

static void same_as_json(const ProtobufCMessage *m, const buffer_t *wanted) {
    buffer_t json = {0};
    record_to_json(m, &json);
    MUST(json.length == wanted->length && memcmp(json.data, wanted->data, json.length) == 0);
    buffer_destroy(&json);
}

static void survives(const ProtobufCMessage *m, arena_t *arena) {
    buffer_t json = {0};
    struct pairs p = {.arena = arena};
    struct fault fault;
    ProtobufCMessage *again;
    record_to_json(m, &json);
    MUST(record_from_json(m->descriptor, buffer_string(&json), json.length, "f", arena, &again,
                          &fault) == ERR_OK);
    same_as_json(again, &json);
    record_each(m, keep_pair, &p);
    MUST(record_from_pairs(m->descriptor, p.pair, p.n, arena, &again, &fault) == ERR_OK);
    same_as_json(again, &json);
    buffer_destroy(&json);
}

// --- values of fields, taken from the input as they are: 8 bytes each, or a text to its zero

struct input {
    const uint8_t *at, *end;
};

static uint64_t input_bits(struct input *in) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8 && in->at < in->end; i++) bits |= (uint64_t)*in->at++ << 8 * i;
    return bits;
}

static char *input_text(struct input *in, arena_t *arena) {
    const uint8_t *zero = memchr(in->at, 0, (size_t)(in->end - in->at)),
                  *end = zero ? zero : in->end;
    size_t length = (size_t)(end - in->at);
    char *text = arena_zero(arena, length + 1);
    memcpy(text, in->at, length);
    in->at = zero ? zero + 1 : end;
    return text;
}

static ProtobufCMessage *input_message(struct input *in, const ProtobufCMessageDescriptor *type,
                                       unsigned depth, arena_t *arena);

static void input_item(struct input *in, const ProtobufCFieldDescriptor *f, void *place,
                       unsigned depth, arena_t *arena) {
    uint64_t bits;
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        *(ProtobufCMessage **)place = input_message(in, f->descriptor, depth + 1, arena);
    } else if (f->type == PROTOBUF_C_TYPE_STRING) {
        *(char **)place = input_text(in, arena);
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        char *text = input_text(in, arena);
        *(ProtobufCBinaryData *)place = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
    } else {
        bits = input_bits(in);
        if (f->type == PROTOBUF_C_TYPE_FIXED64) bits -= bits % NS_PER_US;
        if (f->type == PROTOBUF_C_TYPE_BOOL) bits &= 1;
        if (f->type == PROTOBUF_C_TYPE_ENUM) {
            const ProtobufCEnumDescriptor *e = f->descriptor;
            bits = (uint64_t)(int64_t)e->values[bits % e->n_values].value;
        }
        memcpy(place, &bits, record_item_size(f));
    }
}

// An optional field is there when the next byte is odd; a repeated one has as many items as its
// last two bits say.
static void input_field(struct input *in, ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                        unsigned depth, arena_t *arena) {
    uint8_t how = in->at < in->end && f->label != PROTOBUF_C_LABEL_REQUIRED ? *in->at++ : 0;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = depth < 3 ? how & 3 : 0, size = record_item_size(f);
        char *items = n ? arena_zero(arena, n * size) : NULL;
        for (size_t i = 0; i < n; i++) input_item(in, f, items + i * size, depth, arena);
        *(void **)record_at(m, f->offset) = items;
        *(size_t *)record_at(m, f->quantifier_offset) = n;
    } else if (f->label == PROTOBUF_C_LABEL_REQUIRED || ((how & 1) && depth < 3)) {
        input_item(in, f, record_at(m, f->offset), depth, arena);
        record_mark_set(m, f);
    }
}

static ProtobufCMessage *input_message(struct input *in, const ProtobufCMessageDescriptor *type,
                                       unsigned depth, arena_t *arena) {
    ProtobufCMessage *m = record_new(type, arena);
    for (unsigned i = 0; i < type->n_fields; i++)
        input_field(in, m, &type->fields[i], depth, arena);
    return m;
}

// First byte: the type, and by its highest bit whether JSON follows or values.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    own(arena) *arena = arena_new(0);
    const ProtobufCMessageDescriptor *type = types[(*data & 0x7F) % (sizeof types / sizeof *types)];
    ProtobufCMessage *m;
    struct fault fault = {0};
    if (*data & 0x80) {
        survives(input_message(&(struct input){data + 1, data + size}, type, 0, arena), arena);
    } else if (record_from_json(type, (const char *)data + 1, size - 1, "f", arena, &m, &fault)) {
        MUST(*fault.rule);
    } else {
        survives(m, arena);
    }
    return 0;
}
