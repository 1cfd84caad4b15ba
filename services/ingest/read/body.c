// body - the bytes that a source posted, in its dialect, become fields of ours.
// SPDX-License-Identifier: MIT
#include "services/ingest/read/body.h"

#include <string.h>

#include "common/schema/record.h"
#include "signal.pb-c.h"

// A Signal that came as protobuf: its fields as text, so that one table reads and one set of rules
// checks them all.
static void put_message_field(void *arg, const ProtobufCFieldDescriptor *f, struct span value) {
    static const char *const ours[] = {"source", "status", "created_at", "content", "extra"};
    struct builder *b = arg;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcmp(ours[i], f->name) == 0) return;
    }
    if (!b->why && build_name(b, f->name, strlen(f->name)))
        (void)build_value(b, FIELD_TEXT, value.data, value.length);
}

static void put_extra(struct builder *b, const char *extra) {
    struct document more;
    const char *why;
    if (document_read(span_of(extra), b->arena, &more, &why) || more.many)
        return (void)build_fail(b, "extra must be a JSON object");
    for (size_t i = 0; !b->why && i < more.maps[0].n; i++) {
        const struct field *f = &more.maps[0].items[i];
        if (build_name(b, f->name, f->name_length))
            (void)build_value(b, f->kind, f->text, f->length);
    }
}

static bool read_message(struct span body, arena_t *arena, struct document *out, const char **why) {
    Signal *signal = signal__unpack(arena_allocator(arena), body.length, body.data);
    if (!signal) return false;
    struct builder *b = builder_new(arena);
    (void)build_begin(b, true);
    record_each(&signal->base, put_message_field, b);
    if (signal->extra && *signal->extra) put_extra(b, signal->extra);
    (void)build_end(b);
    buffer_destroy(&b->nested);
    *out = b->document;
    *why = b->why;
    return true;
}

// Over ZeroMQ a packed Signal comes as well; it begins with the tag of its first field.
static err_t read_document(const struct signal_body *b, arena_t *arena, struct document *out,
                           const char **why) {
    const uint8_t *first = b->bytes.data;
    bool packed = b->may_be_packed && b->bytes.length && *first == 0x0A;
    if (packed && read_message(b->bytes, arena, out, why)) return *why ? ERR_INPUT : ERR_OK;
    return document_read(b->bytes, arena, out, why);
}

struct translation *body_translate(const struct signal_body *b, arena_t *arena, const char **why) {
    struct translation *t = arena_take(arena, sizeof *t);
    struct document document;
    translation_start(t, b->source, arena);
    if (b->source->dialect == SIGNAL_CONFIG__DIALECT__pineconnector)
        return dialect_pineconnector(t, b->bytes, why) ? NULL : t;
    if (read_document(b, arena, &document, why)) return NULL;
    *why = document.many ? "must be one map; lists are for prices" : NULL;
    if (document.many) return NULL;
    if (b->source->dialect == SIGNAL_CONFIG__DIALECT__traderspost)
        dialect_traderspost(t, &document.maps[0]);
    else
        dialect_tradecast(t, &document.maps[0]);
    return t;
}
