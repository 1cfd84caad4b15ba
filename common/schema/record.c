// record - one walker over message descriptors: Redis hashes, JSON and SQLite rows from the same
// .proto.
// SPDX-License-Identifier: MIT
#include "common/schema/record.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/integer.h"
#include "common/schema/record_value.h"

#define NAME_MAX_ENUM 48

void *record_take(arena_t *arena, size_t size) {
    if (arena) return arena_zero(arena, size ? size : 1);
    void *p = alloc_zeroed(1, size ? size : 1);
    return p;
}

ProtobufCMessage *record_new(const ProtobufCMessageDescriptor *d, arena_t *arena) {
    ProtobufCMessage *m = record_take(arena, d->sizeof_message);
    protobuf_c_message_init(d, m);
    const struct record_columns *columns = record_columns(d);
    for (unsigned i = 0; i < columns->n_inlined; i++) {
        const ProtobufCFieldDescriptor *holder = columns->inlined[i].holder;
        *(ProtobufCMessage **)record_at(m, holder->offset) = record_new(holder->descriptor, arena);
    }
    return m;
}

size_t record_item_size(const ProtobufCFieldDescriptor *f) {
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    }
    return 0;
}

const char *record_enum_name(const ProtobufCEnumDescriptor *d, int value) {
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);
    return v ? v->name : "?";
}

static bool is_set(const ProtobufCMessage *owner, const ProtobufCFieldDescriptor *f) {
    if (!owner) return false;
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)record_at(owner, f->quantifier_offset) > 0;
    if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE) {
        const void *value = *(void *const *)record_at(owner, f->offset);
        return value && value != f->default_value;
    }
    return f->label == PROTOBUF_C_LABEL_REQUIRED ||
           *(const protobuf_c_boolean *)record_at(owner, f->quantifier_offset);
}

bool record_is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    return is_set(record_owner(m, f), f);
}

bool record_any_set(const ProtobufCMessage *m) {
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        if (is_set(m, &m->descriptor->fields[i])) return true;
    }
    return false;
}

void record_mark_set(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    if (f->label != PROTOBUF_C_LABEL_OPTIONAL || f->type == PROTOBUF_C_TYPE_STRING ||
        f->type == PROTOBUF_C_TYPE_MESSAGE)
        return;
    *(protobuf_c_boolean *)record_at(record_owner(m, f), f->quantifier_offset) = true;
}

// Out.

static size_t print_signed(int64_t value, char out[static 24]) {
    if (value >= 0) return integer_print((uint64_t)value, out);
    out[0] = '-';
    return 1 + integer_print(0 - (uint64_t)value, out + 1);
}

static void add_hex(const ProtobufCBinaryData *bytes, buffer_t *out) {
    static const char digits[] = "0123456789abcdef";
    uint8_t *to = buffer_reserve(out, bytes->len * 2 + 1);
    for (size_t i = 0; i < bytes->len; i++) {
        *to++ = (uint8_t)digits[bytes->data[i] >> 4];
        *to++ = (uint8_t)digits[bytes->data[i] & 15];
    }
    out->length += bytes->len * 2;
}

// A number, time, flag or enum as text; longest is a time or an enum's name.
#define SCALAR_TEXT 64
static_assert(SCALAR_TEXT > TIME_TEXT && SCALAR_TEXT > DECIMAL_TEXT && SCALAR_TEXT > NAME_MAX_ENUM);

static struct span print_scalar(const ProtobufCFieldDescriptor *f, const void *place,
                                char out[static SCALAR_TEXT]) {
    size_t n = 0;
    switch (f->type) {
    case PROTOBUF_C_TYPE_SFIXED64:
        n = decimal_print(D(*(const int64_t *)place), out);
        break;
    case PROTOBUF_C_TYPE_FIXED64:
        n = time_print(*(const uint64_t *)place, out);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
        n = print_signed(*(const int64_t *)place, out);
        break;
    case PROTOBUF_C_TYPE_UINT64:
        n = integer_print(*(const uint64_t *)place, out);
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        n = print_signed(*(const int32_t *)place, out);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        n = integer_print(*(const uint32_t *)place, out);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        n = integer_print(*(const protobuf_c_boolean *)place != 0, out);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        return span_of(record_enum_name(f->descriptor, *(const int *)place));
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        break; // the first three are not scalars; proto/README.md knows no floating point
    }
    return (struct span){out, n};
}

void record_print_value(const ProtobufCFieldDescriptor *f, const void *place, buffer_t *out) {
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *)place;
        if (text) buffer_text(out, text);
        return;
    }
    if (f->type == PROTOBUF_C_TYPE_BYTES) {
        add_hex(place, out);
        return;
    }
    char scratch[SCALAR_TEXT];
    struct span s = print_scalar(f, place, scratch);
    buffer_add(out, s.data, s.length);
}

bool record_field_text(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                       buffer_t *out) {
    if (!record_is_set(m, f)) return false;
    if (record_is_nested(f))
        record_print_nested(m, f, out);
    else
        record_print_value(f, record_place(m, f), out);
    return true;
}

void record_each(const ProtobufCMessage *m, record_visit_fn *visit, void *arg) {
    record_each_but(m, NULL, visit, arg);
}

void record_each_but(const ProtobufCMessage *m, const struct record_mask *but,
                     record_visit_fn *visit, void *arg) {
    const struct record_columns *columns = record_columns(m->descriptor);
    // only nested fields and bytes need it
    __attribute__((cleanup(buffer_destroy))) buffer_t large = {0};
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        const ProtobufCMessage *owner = record_owner_at(columns, m, i);
        if ((but && record_mask_has(but, columns->slots[i])) || !is_set(owner, f)) continue;
        const void *place = record_at(owner, f->offset);
        if (record_is_nested(f) || f->type == PROTOBUF_C_TYPE_BYTES) {
            buffer_clear(&large);
            record_field_text(owner, f, &large);
            visit(arg, f, (struct span){large.data ? (const void *)large.data : "", large.length});
        } else if (f->type == PROTOBUF_C_TYPE_STRING) {
            visit(arg, f, span_of(*(const char *const *)place));
        } else {
            char scratch[SCALAR_TEXT];
            visit(arg, f, print_scalar(f, place, scratch));
        }
    }
}

// In.

static err_t parse_magnitude(struct span text, bool *negative, uint64_t *out) {
    const char *p = text.data, *end = p + text.length;
    *negative = p < end && *p == '-';
    if (*negative) p++;
    if (p == end) return ERR_INPUT;
    uint64_t value = 0;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9') return ERR_INPUT;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return ERR_INPUT;
    }
    *out = value;
    return ERR_OK;
}

static err_t parse_unsigned(struct span text, uint64_t most, uint64_t *out) {
    bool negative;
    err_t e = parse_magnitude(text, &negative, out);
    if (e) return e;
    return (negative && *out != 0) || *out > most ? ERR_INPUT : ERR_OK;
}

static err_t parse_signed(struct span text, int64_t most, int64_t *out) {
    bool negative;
    uint64_t magnitude;
    err_t e = parse_magnitude(text, &negative, &magnitude);
    if (e) return e;
    if (magnitude > (uint64_t)most + negative) return ERR_INPUT;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return ERR_OK;
}

static err_t read_bool(struct span text, protobuf_c_boolean *out) {
    const char *t = text.data;
    bool yes = (text.length == 1 && *t == '1') || (text.length == 4 && memcmp(t, "true", 4) == 0);
    bool no = (text.length == 1 && *t == '0') || (text.length == 5 && memcmp(t, "false", 5) == 0);
    if (!yes && !no) return ERR_INPUT;
    *out = yes;
    return ERR_OK;
}

// "must be one of buy, sell": in the arena; as many names as people read. Nobody reads it without
// an arena.
static const char *enum_rule(const ProtobufCEnumDescriptor *d, arena_t *arena) {
    enum { SIZE = 200 }; // as struct fault has room
    if (!arena) return "must be one of its names";
    char *rule = arena_take(arena, SIZE);
    size_t length = (size_t)snprintf(rule, SIZE, "must be one of");
    for (unsigned i = 0; i < d->n_values; i++) {
        const char *name = d->values[i].name;
        if (length + strlen(name) + sizeof(", …") > SIZE) {
            (void)snprintf(rule + length, SIZE - length, " …");
            break;
        }
        length += (size_t)snprintf(rule + length, SIZE - length, "%s %s", i ? "," : "", name);
    }
    return rule;
}

static err_t read_enum(const ProtobufCEnumDescriptor *d, struct span text, int *out) {
    char name[NAME_MAX_ENUM];
    if (text.length >= sizeof(name)) return ERR_INPUT;
    memcpy(name, text.data, text.length);
    name[text.length] = 0;
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value_by_name(d, name);
    if (!v || strlen(name) != text.length) return ERR_INPUT;
    *out = v->value;
    return ERR_OK;
}

static err_t read_string(const ProtobufCFieldDescriptor *f, struct span text, arena_t *arena,
                         char **out) {
    if (text.length && memchr(text.data, 0, text.length)) return ERR_INPUT;
    if (!arena && *out && *out != f->default_value) free(*out);
    *out = record_take(arena, text.length + 1);
    if (text.length) memcpy(*out, text.data, text.length);
    return ERR_OK;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static err_t read_bytes(struct span text, arena_t *arena, ProtobufCBinaryData *out) {
    const char *t = text.data;
    if (text.length % 2) return ERR_INPUT;
    for (size_t i = 0; i < text.length; i++)
        if (hex_digit(t[i]) < 0) return ERR_INPUT;
    if (!arena) free(out->data);
    *out =
        (ProtobufCBinaryData){.len = text.length / 2, .data = record_take(arena, text.length / 2)};
    for (size_t i = 0; i < out->len; i++)
        out->data[i] = (uint8_t)(hex_digit(t[2 * i]) * 16 + hex_digit(t[2 * i + 1]));
    return ERR_OK;
}

static err_t read_int32(struct span text, int32_t *out) {
    int64_t wide = 0;
    err_t e = parse_signed(text, INT32_MAX, &wide);
    if (!e) *out = (int32_t)wide;
    return e;
}

static err_t read_uint32(struct span text, uint32_t *out) {
    uint64_t wide = 0;
    err_t e = parse_unsigned(text, UINT32_MAX, &wide);
    if (!e) *out = (uint32_t)wide;
    return e;
}

static err_t read_decimal_field(struct span text, int64_t *out, const char **rule) {
    decimal_t d;
    *rule = "must be a decimal number with at most 8 decimals";
    if (decimal_parse(text.data, text.length, &d)) return ERR_INPUT;
    *out = d.e8;
    return ERR_OK;
}

err_t record_read_value(const ProtobufCFieldDescriptor *f, struct span text, arena_t *arena,
                        void *place, const char **rule) {
    switch (f->type) {
    case PROTOBUF_C_TYPE_SFIXED64:
        return read_decimal_field(text, place, rule);
    case PROTOBUF_C_TYPE_FIXED64:
        *rule = "must be a time like 2025-03-22T10:15:30Z";
        return time_parse(text.data, text.length, place);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
        *rule = "must be an integer";
        return parse_signed(text, INT64_MAX, place);
    case PROTOBUF_C_TYPE_UINT64:
        *rule = "must be an integer, not negative";
        return parse_unsigned(text, UINT64_MAX, place);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        *rule = "must be an integer of 32 bits";
        return read_int32(text, place);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        *rule = "must be an integer of 32 bits, not negative";
        return read_uint32(text, place);
    case PROTOBUF_C_TYPE_BOOL:
        *rule = "must be true or false";
        return read_bool(text, place);
    case PROTOBUF_C_TYPE_ENUM:
        if (!read_enum(f->descriptor, text, place)) return ERR_OK;
        *rule = enum_rule(f->descriptor, arena);
        return ERR_INPUT;
    case PROTOBUF_C_TYPE_STRING:
        *rule = "must be text";
        return read_string(f, text, arena, place);
    case PROTOBUF_C_TYPE_BYTES:
        *rule = "must be hexadecimal";
        return read_bytes(text, arena, place);
    case PROTOBUF_C_TYPE_MESSAGE:
        *rule = "must be an object";
        return ERR_INPUT;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        break; // proto/README.md knows no floating point
    }
    *rule = "has a type that is not read";
    return ERR_INPUT;
}
