// fields - a map of names and values: what a body becomes, whichever of the three formats it came
// in.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/error.h"

#define DEPTH_MAX        8     // maps and lists within each other
#define FIELDS_MAX       64    // names in one map
#define MAPS_MAX         256   // maps in one body (prices)
#define FIELD_NAME_MAX   64    // bytes
#define FIELD_TEXT_MAX   8192  // bytes
#define FIELD_NESTED_MAX 16384 // bytes, as JSON

enum field_kind {
    FIELD_NULL,
    FIELD_BOOL,   // "true", "false"
    FIELD_NUMBER, // as written: no binary floating point in between
    FIELD_TEXT,
    FIELD_NESTED, // a map or list, as JSON
};

// Both texts end with a zero, have none inside, are UTF-8, and live in the arena.
struct field {
    const char *name;
    char *text;
    uint32_t name_length, length;
    enum field_kind kind;
    // our name for it; NULL: what its own name says; "": it is read as nothing, and kept
    const char *as;
};

struct fields {
    struct field *items;
    size_t n;
};

struct document {
    struct fields *maps;
    size_t n;
    bool many; // a list of maps
};

// Reads a body by its content, not by what a header says: JSON, MessagePack or plain text.
// ERR_INPUT: *why says in words what is wrong with it. Names that hold secrets (token, secret,
// password, …) are left out, at any depth.
err_t document_read(struct span body, arena_t *arena, struct document *out, const char **why);

// --- for the parsers: what they meet, in order. False: stop, it is refused.

struct builder {
    arena_t *arena;
    struct document document;
    size_t room; // for maps, and for fields of the last map
    size_t fields_room;
    unsigned depth;    // maps and lists that are open
    unsigned top;      // depth at which fields are; deeper is nested
    unsigned skipping; // depth of the map whose secret is being left out; 0: none
    struct {
        bool map;
        unsigned written; // members rendered (nested only)
        unsigned first_key;
    } open[DEPTH_MAX + 1];
    unsigned n_keys;
    buffer_t nested; // JSON of the value that is open; the builder's owner destroys it
    const char *why;
    struct {
        const char *text;
        uint32_t length;
    } keys[DEPTH_MAX * FIELDS_MAX]; // of the open maps
};

struct builder *builder_new(arena_t *arena);
bool build_begin(struct builder *b, bool map);
bool build_end(struct builder *b);
bool build_name(struct builder *b, const char *text, size_t length);
bool build_value(struct builder *b, enum field_kind kind, const char *text, size_t length);
bool build_fail(struct builder *b, const char *why); // always false

bool parse_json(struct builder *b, struct span body);
bool parse_msgpack(struct builder *b, struct span body);
bool parse_text(struct builder *b, struct span body);

bool name_is_secret(const char *name, size_t length);
void field_render(const struct field *f, buffer_t *out); // "name":value, as JSON
