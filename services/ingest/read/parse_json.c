// parse_json - a JSON body, by yajl's events; numbers stay text.
// SPDX-License-Identifier: MIT
#include <string.h>
#include <yajl/yajl_parse.h>

#include "common/base/utf8.h"
#include "services/ingest/read/fields.h"

static int on_null(void *b) { return build_value(b, FIELD_NULL, "", 0); }

static int on_bool(void *b, int value) {
    return value ? build_value(b, FIELD_BOOL, "true", 4) : build_value(b, FIELD_BOOL, "false", 5);
}

static int on_number(void *b, const char *text, size_t length) {
    return build_value(b, FIELD_NUMBER, text, length);
}

static int on_string(void *b, const unsigned char *text, size_t length) {
    return build_value(b, FIELD_TEXT, (const char *)text, length);
}

static int on_map(void *b) { return build_begin(b, true); }

static int on_name(void *b, const unsigned char *text, size_t length) {
    return build_name(b, (const char *)text, length);
}

static int on_list(void *b) { return build_begin(b, false); }

static int on_end(void *b) { return build_end(b); }

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map,
    .yajl_map_key = on_name,
    .yajl_end_map = on_end,
    .yajl_start_array = on_list,
    .yajl_end_array = on_end,
};

// yajl's memory comes from the arena: the size stands before each piece, nothing is given back.
#define HEAD 16

static void *allocate_json(void *arena, size_t size) {
    uint8_t *p = arena_take(arena, size + HEAD);
    memcpy(p, &size, sizeof size);
    return p + HEAD;
}

static void free_json(void *arena, void *p) { (void)arena, (void)p; }

static void *resize_json(void *arena, void *old, size_t size) {
    void *p = allocate_json(arena, size);
    if (!old) return p;
    size_t had;
    memcpy(&had, (uint8_t *)old - HEAD, sizeof had);
    memcpy(p, old, had < size ? had : size);
    return p;
}

bool parse_json(struct builder *b, struct span body) {
    if (!utf8_escapes_are_whole(body.data, body.length))
        return build_fail(b, "not valid JSON: an escape of half a character");
    yajl_alloc_funcs memory = {allocate_json, resize_json, free_json, b->arena};
    yajl_handle handle = yajl_alloc(&callbacks, &memory, b);
    if (!handle) return build_fail(b, "out of memory");
    bool good = yajl_parse(handle, body.data, body.length) == yajl_status_ok &&
                yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    return good || build_fail(b, "not valid JSON");
}
