// parse_msgpack - a MessagePack body, walked by hand: a declared length is checked against what is
// there before anything is taken.
// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "services/ingest/read/fields.h"

struct walk {
    struct builder *b;
    const uint8_t *at, *end;
};

static bool cut_short(struct walk *w) {
    return build_fail(w->b, "MessagePack that ends too early");
}

// `bytes` bytes, most significant first.
static bool take_unsigned(struct walk *w, unsigned bytes, uint64_t *out) {
    *out = 0;
    if ((size_t)(w->end - w->at) < bytes) return cut_short(w);
    for (; bytes; bytes--) *out = *out << 8 | *w->at++;
    return true;
}

static bool read_msgpack_text(struct walk *w, uint64_t length, const char **text) {
    *text = (const char *)w->at;
    if ((uint64_t)(w->end - w->at) < length) return cut_short(w);
    w->at += length;
    return true;
}

static bool build_msgpack_text(struct walk *w, uint64_t length, bool name) {
    const char *text;
    if (!read_msgpack_text(w, length, &text)) return false;
    return name ? build_name(w->b, text, (size_t)length)
                : build_value(w->b, FIELD_TEXT, text, (size_t)length);
}

static bool build_msgpack_number(struct walk *w, const char *format, uint64_t value) {
    char text[24];
    int n = snprintf(text, sizeof text, "%s%llu", format, (unsigned long long)value);
    return build_value(w->b, FIELD_NUMBER, text, (size_t)n);
}

static bool put_signed(struct walk *w, unsigned bytes) {
    uint64_t value;
    if (!take_unsigned(w, bytes, &value)) return false;
    unsigned shift = 64 - 8 * bytes;
    int64_t s = (int64_t)(value << shift) >> shift;
    return s < 0 ? build_msgpack_number(w, "-", 0 - (uint64_t)s)
                 : build_msgpack_number(w, "", (uint64_t)s);
}

// The format knows binary floats only: they become decimal text here, with the digits that such a
// float surely carries, and go on as text.
static bool put_float(struct walk *w, unsigned bytes) {
    uint64_t bits;
    if (!take_unsigned(w, bytes, &bits)) return false;
    double value;
    float small;
    uint32_t low = (uint32_t)bits;
    if (bytes == 4) {
        memcpy(&small, &low, sizeof small);
        value = (double)small;
    } else {
        memcpy(&value, &bits, sizeof value);
    }
    if (!isfinite(value)) return build_value(w->b, FIELD_TEXT, "NaN", 3);
    char text[40];
    int n = snprintf(text, sizeof text, bytes == 4 ? "%.7g" : "%.15g", value);
    return build_value(w->b, FIELD_NUMBER, text, (size_t)n);
}

static bool put_unsigned(struct walk *w, unsigned bytes) {
    uint64_t value;
    return take_unsigned(w, bytes, &value) && build_msgpack_number(w, "", value);
}

static bool put_sized_text(struct walk *w, unsigned bytes, bool name) {
    uint64_t length;
    return take_unsigned(w, bytes, &length) && build_msgpack_text(w, length, name);
}

static bool put_item(struct walk *w);

static bool put_name(struct walk *w) {
    if (w->at == w->end) return cut_short(w);
    uint8_t head = *w->at++;
    if ((head & 0xE0) == 0xA0) return build_msgpack_text(w, head & 0x1F, true);
    if (head >= 0xD9 && head <= 0xDB) return put_sized_text(w, 1u << (head - 0xD9), true);
    return build_fail(w->b, "a name that is no text");
}

// Depth is bounded by build_begin, and so is this recursion.
static bool put_many(struct walk *w, uint64_t count, bool map) {
    if (count > (uint64_t)(w->end - w->at)) return cut_short(w); // each takes a byte at least
    if (!build_begin(w->b, map)) return false;
    for (; count; count--) {
        if (map && !put_name(w)) return false;
        if (!put_item(w)) return false;
    }
    return build_end(w->b);
}

static bool put_sized_many(struct walk *w, unsigned bytes, bool map) {
    uint64_t count;
    return take_unsigned(w, bytes, &count) && put_many(w, count, map);
}

static bool put_item(struct walk *w) {
    if (w->at == w->end) return cut_short(w);
    uint8_t head = *w->at++;
    if (head < 0x80) return build_msgpack_number(w, "", head);
    if (head < 0x90) return put_many(w, head & 0x0F, true);
    if (head < 0xA0) return put_many(w, head & 0x0F, false);
    if (head < 0xC0) return build_msgpack_text(w, head & 0x1F, false);
    if (head >= 0xE0) return build_msgpack_number(w, "-", 256u - head);
    switch (head) {
    case 0xC0:
        return build_value(w->b, FIELD_NULL, "", 0);
    case 0xC2:
        return build_value(w->b, FIELD_BOOL, "false", 5);
    case 0xC3:
        return build_value(w->b, FIELD_BOOL, "true", 4);
    case 0xC4:
    case 0xC5:
    case 0xC6:
        // bin: what older writers use for text
        return put_sized_text(w, 1u << (head - 0xC4), false);
    case 0xCA:
        return put_float(w, 4);
    case 0xCB:
        return put_float(w, 8);
    case 0xCC:
    case 0xCD:
    case 0xCE:
    case 0xCF:
        return put_unsigned(w, 1u << (head - 0xCC));
    case 0xD0:
    case 0xD1:
    case 0xD2:
    case 0xD3:
        return put_signed(w, 1u << (head - 0xD0));
    case 0xD9:
    case 0xDA:
    case 0xDB:
        return put_sized_text(w, 1u << (head - 0xD9), false);
    case 0xDC:
    case 0xDD:
        return put_sized_many(w, 2u << (head - 0xDC), false);
    case 0xDE:
    case 0xDF:
        return put_sized_many(w, 2u << (head - 0xDE), true);
    default:
        return build_fail(w->b, "a MessagePack type that is not taken");
    }
}

bool parse_msgpack(struct builder *b, struct span body) {
    struct walk w = {b, body.data, (const uint8_t *)body.data + body.length};
    if (!put_item(&w)) return false;
    return w.at == w.end || build_fail(b, "something after the end of the map");
}
