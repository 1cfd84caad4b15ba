// reply - the door's answers as JSON: {"error":{"code","message","field"}} for everything that is
// refused.
// SPDX-License-Identifier: MIT
#include "services/ingest/door/reply.h"

#include <stdio.h>
#include <string.h>

#define LITERAL(text) ((struct span){text, sizeof text - 1})

struct reply reply_error(enum reply_kind kind) {
#define REPLY_ROW(name, status, retry, code, message)                                              \
    [REPLY_##name] = {                                                                             \
        status,                                                                                    \
        LITERAL("{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\",\"field\":null}}"), \
        retry, NULL},
    static const struct reply replies[REPLY_COUNT] = {REPLIES(REPLY_ROW)};
    return replies[kind];
}

static struct reply finish_reply(arena_t *arena, unsigned status, buffer_t *json) {
    char *copy = arena_take(arena, json->length + 1);
    memcpy(copy, json->data, json->length);
    return (struct reply){.status = status, .body = {copy, json->length}};
}

// One thread; its memory is kept from call to call.
static buffer_t *clear_reply_buffer(void) {
    static buffer_t json;
    buffer_clear(&json);
    return &json;
}

static void add_string(buffer_t *out, const char *text) {
    buffer_json_string(out, text, strlen(text));
}

struct reply reply_undecodable(arena_t *arena, const char *why) {
    buffer_t *json = clear_reply_buffer();
    buffer_text(json, "{\"error\":{\"code\":\"undecodable\",\"message\":");
    add_string(json, why);
    buffer_text(json, ",\"field\":null}}");
    return finish_reply(arena, 400, json);
}

static void add_complaint(buffer_t *json, const struct complaint *c) {
    char message[256];
    (void)snprintf(message, sizeof message, "%s %s", c->field, c->rule);
    buffer_text(json, "{\"code\":");
    add_string(json, c->code);
    buffer_text(json, ",\"message\":");
    add_string(json, message);
    buffer_text(json, ",\"field\":");
    add_string(json, c->field);
    buffer_text(json, "}");
}

static void add_complaints(buffer_t *json, const struct complaints *c) {
    buffer_text(json, ",\"errors\":[");
    for (size_t i = 0; i < c->n; i++) {
        if (i) buffer_text(json, ",");
        add_complaint(json, &c->items[i]);
    }
    buffer_text(json, "]");
}

struct reply reply_invalid(arena_t *arena, const struct complaints *c) {
    buffer_t *json = clear_reply_buffer();
    if (!c->n) return reply_error(REPLY_REFUSED_BEFORE);
    buffer_text(json, "{\"error\":");
    add_complaint(json, &c->items[0]);
    add_complaints(json, c);
    buffer_text(json, "}");
    return finish_reply(arena, 422, json);
}

struct reply reply_signal(arena_t *arena, const char *signal_id, bool duplicate) {
    buffer_t *json = clear_reply_buffer();
    buffer_text(json, "{\"signal_id\":\""); // ids need no escaping
    buffer_text(json, signal_id);
    buffer_text(json, duplicate ? "\",\"status\":\"pending\",\"duplicate\":true}"
                                : "\",\"status\":\"pending\",\"duplicate\":false}");
    return finish_reply(arena, 200, json);
}

struct reply reply_prices(arena_t *arena, size_t n, const struct complaints *c) {
    buffer_t *json = clear_reply_buffer();
    buffer_format(json, "{\"prices\":%zu", n);
    if (c->n) add_complaints(json, c);
    buffer_text(json, "}");
    return finish_reply(arena, 200, json);
}

struct reply reply_documents(arena_t *arena, const struct market_taken *taken,
                             const struct complaints *c) {
    buffer_t *json = clear_reply_buffer();
    buffer_format(json, "{\"documents\":%zu,\"older\":%zu", taken->written, taken->older);
    if (c->n) add_complaints(json, c);
    buffer_text(json, "}");
    return finish_reply(arena, 200, json);
}

struct reply reply_not_allowed(arena_t *arena, const char *document) {
    buffer_t *json = clear_reply_buffer();
    buffer_format(
        json,
        "{\"error\":{\"code\":\"not_allowed\",\"message\":\"this source may not post %s: add "
        "it to market_data of its configuration\",\"field\":null}}",
        document);
    struct reply r = finish_reply(arena, 200, json);
    r.status = 403;
    return r;
}

struct reply reply_healthy(void) {
    return (struct reply){.status = 200, .body = LITERAL("{\"status\":\"ok\"}")};
}
