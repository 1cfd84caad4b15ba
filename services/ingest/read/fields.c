// fields - builds the map, holds every body to the same limits, leaves secrets out.
// SPDX-License-Identifier: MIT
#include "services/ingest/read/fields.h"

#include <string.h>
#include <strings.h>

#include "common/base/utf8.h"

// --- text

bool name_is_secret(const char *name, size_t length) {
    static const char *const secrets[] = {"token",        "secret",        "password",   "passwd",
                                          "passphrase",   "api_key",       "apikey",     "api-key",
                                          "access_token", "authorization", "secret_key", "auth"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (strlen(secrets[i]) == length && strncasecmp(secrets[i], name, length) == 0) return true;
    }
    return false;
}

static char *copy_text_to_arena(arena_t *arena, const char *text, size_t length) {
    char *copy = arena_take(arena, length + 1);
    if (length) memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

static void render_value(buffer_t *out, enum field_kind kind, const char *text, size_t length) {
    switch (kind) {
    case FIELD_NULL:
        buffer_text(out, "null");
        break;
    case FIELD_TEXT:
        buffer_json_string(out, text, length);
        break;
    case FIELD_BOOL:
    case FIELD_NUMBER:
    case FIELD_NESTED:
        buffer_add(out, text, length);
        break;
    }
}

void field_render(const struct field *f, buffer_t *out) {
    buffer_json_string(out, f->name, f->name_length);
    buffer_text(out, ":");
    render_value(out, f->kind, f->text, f->length);
}

// --- the builder

bool build_fail(struct builder *b, const char *why) {
    if (!b->why) b->why = why;
    return false;
}

static void *grow_array(arena_t *arena, const void *old, size_t n, size_t size) {
    void *p = arena_take(arena, 2 * n * size);
    memcpy(p, old, n * size);
    return p;
}

static bool add_map(struct builder *b) {
    struct document *d = &b->document;
    if (d->n == MAPS_MAX) return build_fail(b, "at most 256 maps");
    if (!d->maps) d->maps = arena_take(b->arena, (b->room = 4) * sizeof *d->maps);
    if (d->n == b->room) {
        d->maps = grow_array(b->arena, d->maps, b->room, sizeof *d->maps);
        b->room *= 2;
    }
    b->fields_room = 16;
    d->maps[d->n++] =
        (struct fields){arena_take(b->arena, b->fields_room * sizeof(struct field)), 0};
    return true;
}

static void add_field(struct builder *b, enum field_kind kind, const char *text, size_t length) {
    struct fields *map = &b->document.maps[b->document.n - 1];
    if (map->n == b->fields_room) {
        map->items = grow_array(b->arena, map->items, b->fields_room, sizeof *map->items);
        b->fields_room *= 2;
    }
    map->items[map->n++] = (struct field){b->keys[b->n_keys - 1].text,
                                          copy_text_to_arena(b->arena, text, length),
                                          b->keys[b->n_keys - 1].length,
                                          (uint32_t)length,
                                          kind,
                                          NULL};
}

static void write_comma(struct builder *b) {
    if (b->open[b->depth].written++) buffer_text(&b->nested, ",");
}

// A nested value starts: what must stand before it.
static void before_value(struct builder *b) {
    if (b->depth > b->top && !b->open[b->depth].map) write_comma(b);
}

static bool open_nested_level(struct builder *b, bool map) {
    b->depth++;
    b->open[b->depth].map = map;
    b->open[b->depth].written = 0;
    b->open[b->depth].first_key = b->n_keys;
    return true;
}

bool build_begin(struct builder *b, bool map) {
    if (b->depth == DEPTH_MAX) return build_fail(b, "nested deeper than 8");
    if (b->depth == 0) {
        b->top = map ? 1 : 2;
        b->document.many = !map;
        return map && !add_map(b) ? false : open_nested_level(b, map);
    }
    if (b->depth < b->top)
        return map ? add_map(b) && open_nested_level(b, true)
                   : build_fail(b, "must be a map or a list of maps");
    if (b->skipping) return open_nested_level(b, map);
    if (b->depth == b->top)
        buffer_clear(&b->nested);
    else
        before_value(b);
    buffer_text(&b->nested, map ? "{" : "[");
    return open_nested_level(b, map);
}

bool build_end(struct builder *b) {
    bool map = b->open[b->depth].map;
    b->n_keys = b->open[b->depth].first_key;
    b->depth--;
    if (b->depth < b->top) return true;
    if (b->skipping) {
        if (b->depth == b->skipping) b->skipping = 0;
        return true;
    }
    buffer_text(&b->nested, map ? "}" : "]");
    if (b->nested.length > FIELD_NESTED_MAX) return build_fail(b, "a nested value over 16 KiB");
    if (b->depth == b->top) add_field(b, FIELD_NESTED, buffer_string(&b->nested), b->nested.length);
    return true;
}

static bool text_is_clean(struct builder *b, const char *text, size_t length) {
    if (length && memchr(text, 0, length))
        return build_fail(b, "a text with a zero character in it");
    return utf8_is_valid(text, length) || build_fail(b, "a text that is not UTF-8");
}

bool build_name(struct builder *b, const char *text, size_t length) {
    unsigned first = b->open[b->depth].first_key;
    if (length == 0) return build_fail(b, "an empty name");
    if (length > FIELD_NAME_MAX) return build_fail(b, "a name over 64 bytes");
    if (b->n_keys - first == FIELDS_MAX) return build_fail(b, "more than 64 names in a map");
    if (!text_is_clean(b, text, length)) return false;
    for (unsigned i = first; i < b->n_keys; i++) {
        if (b->keys[i].length == length && memcmp(b->keys[i].text, text, length) == 0)
            return build_fail(b, "a name that is there twice");
    }
    b->keys[b->n_keys].text = copy_text_to_arena(b->arena, text, length);
    b->keys[b->n_keys++].length = (uint32_t)length;
    if (b->skipping) return true;
    if (name_is_secret(text, length)) {
        b->skipping = b->depth;
    } else if (b->depth > b->top) {
        write_comma(b);
        buffer_json_string(&b->nested, text, length);
        buffer_text(&b->nested, ":");
    }
    return true;
}

bool build_value(struct builder *b, enum field_kind kind, const char *text, size_t length) {
    if (b->depth == 0 || b->depth < b->top) return build_fail(b, "must be a map or a list of maps");
    if (length > FIELD_TEXT_MAX) return build_fail(b, "a value over 8 KiB");
    if (kind == FIELD_TEXT && !text_is_clean(b, text, length)) return false;
    if (b->skipping) {
        if (b->depth == b->skipping) b->skipping = 0;
        return true;
    }
    if (b->depth == b->top) {
        add_field(b, kind, text, length);
        return true;
    }
    before_value(b);
    render_value(&b->nested, kind, text, length);
    return b->nested.length <= FIELD_NESTED_MAX || build_fail(b, "a nested value over 16 KiB");
}

// --- a body

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

typedef bool parse_fn(struct builder *b, struct span body);

static parse_fn *parser_for(struct span *body) {
    const uint8_t *at = body->data, *end = at + body->length;
    // map or array
    if (at < end && ((*at >= 0x80 && *at <= 0x9F) || (*at >= 0xDC && *at <= 0xDF)))
        return parse_msgpack;
    // byte order mark
    if (end - at >= 3 && at[0] == 0xEF && at[1] == 0xBB && at[2] == 0xBF) at += 3;
    while (at < end && is_space(*at)) at++;
    *body = (struct span){at, (size_t)(end - at)};
    return at < end && (*at == '{' || *at == '[') ? parse_json : parse_text;
}

struct builder *builder_new(arena_t *arena) {
    struct builder *b = arena_take(arena, sizeof *b);
    // the keys are as long as the rest is short, and counted
    memset(b, 0, offsetof(struct builder, keys));
    b->arena = arena;
    return b;
}

err_t document_read(struct span body, arena_t *arena, struct document *out, const char **why) {
    struct builder *b = builder_new(arena);
    parse_fn *parse = parser_for(&body);
    bool good = body.length ? parse(b, body) : build_fail(b, "the body is empty");
    buffer_destroy(&b->nested);
    *out = b->document;
    *why = good ? NULL : b->why ? b->why : "cannot be decoded";
    return good ? ERR_OK : ERR_INPUT;
}
