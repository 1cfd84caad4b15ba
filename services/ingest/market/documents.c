// documents - a body of any format becomes JSON, that a message, and that is held against its limits.
// SPDX-License-Identifier: MIT
#include "services/ingest/market/documents.h"

#include <string.h>
#include <strings.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "services/ingest/market/limits.h"

#define FORM(kind, ...)                                                                            \
    [SIGNAL_CONFIG__DOCUMENT__##kind] = {SIGNAL_CONFIG__DOCUMENT__##kind, #kind, __VA_ARGS__}
static const struct document_form forms[] = {
    FORM(indicators, "stocks:indicators:", &indicators__descriptor, true, NULL),
    FORM(sentiment, "stocks:sentiment:", &sentiment__descriptor, true, NULL),
    FORM(watchlist, "watchlist:current", &watchlist__descriptor, false, "symbols"),
    FORM(candidates, "candidates:ranked", &candidates__descriptor, false, "candidates"),
    FORM(context, "context:market", &market_context__descriptor, false, NULL),
};
#undef FORM

const struct document_form *document_form(document_kind_t kind) { return &forms[kind]; }

// One document on its way.
struct intake {
    const struct document_post *post;
    struct complaints *complaints;
    const char *path; // what stands before a field's name in a complaint
};

static void complain_of_document(const struct intake *in, const char *field, const char *code,
                                 const char *rule) {
    arena_t *arena = in->post->arena;
    complaint_add(in->complaints, arena_format(arena, "%s%s", in->path, field), code,
                  arena_text(arena, rule));
}

// --- a body becomes JSON

static bool is_map_of_names(uint8_t first) { return first >= 0x80 && first <= 0x8F; }

// A list alone (["AAPL", …]) as the one field of a map, in the format that it came in.
static struct span wrap_list(const struct document_post *post) {
    static const char pack[] = "\x81"; // MessagePack: a map of one
    const char *name = post->form->list;
    const uint8_t *at = post->body.data, *end = at + post->body.length;
    if (!name || at == end || is_map_of_names(*at)) return post->body;
    bool packed = (*at >= 0x90 && *at <= 0x9F) || *at == 0xDC || *at == 0xDD;
    if (!packed && end - at >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) at += 3;
    while (!packed && at < end && *at && strchr(" \t\r\n", *at)) at++;
    if (!packed && (at == end || *at != '[')) return post->body;
    size_t named = strlen(name), length = (size_t)(end - at);
    uint8_t *out = arena_take(post->arena, named + length + 5);
    size_t n = 0;
    if (packed)
        out[n++] = (uint8_t)pack[0], out[n++] = (uint8_t)(0xA0 + named);
    else
        out[n++] = '{', out[n++] = '"';
    memcpy(out + n, name, named), n += named;
    if (!packed) out[n++] = '"', out[n++] = ':';
    memcpy(out + n, at, length), n += length;
    if (!packed) out[n++] = '}';
    return (struct span){out, n};
}

// What senders call a field, beside its own name.
static const char *name_of_field(const char *name) {
    static const char *const others[][2] = {{"ticker", "symbol"}, {"time", "timestamp"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(others[i][0], name) == 0) return others[i][1];
    return name;
}

// The symbol may stand in the address, in the body, or in both alike.
static bool needs_symbol(const struct intake *in, const struct fields *map) {
    const char *symbol = in->post->symbol;
    if (!symbol || !*symbol) return false;
    for (size_t i = 0; i < map->n; i++) {
        const struct field *f = &map->items[i];
        if (strcmp(name_of_field(f->name), "symbol") != 0 || f->kind == FIELD_NULL) continue;
        if (f->kind != FIELD_TEXT || strcmp(f->text, symbol) != 0)
            complain_of_document(in, f->name, "conflict", "is not the symbol of the address");
        return false;
    }
    return true;
}

// What the door adds: whose it is, and when, where the body does not say.
static void write_frame(const struct intake *in, bool symbol, bool timestamp, buffer_t *out) {
    char time[TIME_TEXT];
    buffer_text(out, "{\"source\":");
    buffer_json_string(out, in->post->source, strlen(in->post->source));
    if (symbol) {
        buffer_text(out, ",\"symbol\":");
        buffer_json_string(out, in->post->symbol, strlen(in->post->symbol));
    }
    (void)time_print(in->post->now, time);
    if (timestamp) buffer_format(out, ",\"timestamp\":\"%s\"", time);
}

static bool has_timestamp(const struct fields *map) {
    for (size_t i = 0; i < map->n; i++) {
        const struct field *f = &map->items[i];
        if (strcmp(name_of_field(f->name), "timestamp") == 0 && f->kind != FIELD_NULL) return true;
    }
    return false;
}

static void write_map(const struct intake *in, const struct fields *map, buffer_t *out) {
    write_frame(in, in->post->form->of_symbol && needs_symbol(in, map), !has_timestamp(map), out);
    for (size_t i = 0; i < map->n; i++) {
        struct field f = map->items[i];
        f.name = name_of_field(f.name);
        f.name_length = (uint32_t)strlen(f.name);
        // whose it is, the token has said
        if (strcmp(f.name, "source") == 0 || f.kind == FIELD_NULL) continue;
        buffer_text(out, ",");
        field_render(&f, out);
    }
    buffer_text(out, "}");
}

// --- JSON becomes a message

static const char *code_of_fault(const char *rule) {
    if (strcmp(rule, "is required") == 0) return "required";
    return strcmp(rule, "is not known") == 0 ? "unknown" : "invalid";
}

static void note_fault(void *arg, const struct fault *fault) {
    const char *rule = fault->rule;
    if (strcmp(rule, "is not known") == 0)
        rule = "is no field of this document: leave it out (docs/market-data.md lists them)";
    complain_of_document(arg, fault->path[0] ? fault->path : "body", code_of_fault(fault->rule),
                         rule);
}

static void *field_place(ProtobufCMessage *m, const char *name) {
    const ProtobufCFieldDescriptor *f = record_field(m->descriptor, span_of(name));
    return f ? (char *)m + f->offset : NULL;
}

static void complete_document(ProtobufCMessage *m) {
    uint64_t *at = field_place(m, "timestamp");
    *at -= *at % NS_PER_US;
    if (m->descriptor != &sentiment__descriptor) return;
    Sentiment *s = (Sentiment *)m;
    if (!s->has_news_count) s->news_count = (uint32_t)s->n_latest_news;
    s->has_news_count = true;
}

// The highest score first; equal ones as they came.
static void rank_candidates(Candidates *c) {
    for (size_t i = 1; i < c->n_candidates; i++) {
        Candidate *moved = c->candidates[i];
        size_t to = i;
        for (; to && c->candidates[to - 1]->score < moved->score; to--)
            c->candidates[to] = c->candidates[to - 1];
        c->candidates[to] = moved;
    }
}

static void read_document_map(struct intake *in, const struct fields *map,
                              struct posted_document *out) {
    const struct document_post *post = in->post;
    own(buffer) json = {0};
    ProtobufCMessage *m = NULL;
    size_t before = in->complaints->n;
    write_map(in, map, &json);
    (void)record_from_json_all(post->form->type, (struct span){json.data, json.length}, post->arena,
                               &m, note_fault, in);
    *out = (struct posted_document){.path = in->path};
    if (!m || in->complaints->n != before) return;
    complete_document(m);
    if (m->descriptor == &candidates__descriptor) rank_candidates((Candidates *)m);
    limits_check(m, &(struct limits_of){in->path, post->now, post->arena, in->complaints});
    char *const *symbol = post->form->of_symbol ? field_place(m, "symbol") : NULL;
    *out = (struct posted_document){m, symbol ? *symbol : NULL,
                                    *(uint64_t *)field_place(m, "timestamp"), in->path};
}

size_t documents_read(const struct document_post *post, struct posted_document **out,
                      struct complaints *complaints, const char **undecodable) {
    struct document body;
    complaints->n = 0;
    *undecodable = NULL;
    if (document_read(wrap_list(post), post->arena, &body, undecodable)) return 0;
    if (body.many && !post->form->of_symbol) {
        *undecodable = "must be one document";
        return 0;
    }
    if (!body.n) complaint_add(complaints, "body", "required", "is empty: there is no document");
    *out = arena_zero(post->arena, (body.n + 1) * sizeof **out);
    for (size_t i = 0; i < body.n; i++) {
        const char *path = body.many ? arena_format(post->arena, "[%zu].", i) : "";
        read_document_map(&(struct intake){post, complaints, path}, &body.maps[i], &(*out)[i]);
    }
    return body.n;
}

// --- as it stands in Redis

void document_print(const struct document_form *form, const ProtobufCMessage *m, buffer_t *out) {
    static const char *const by_key[] = {"symbol", NULL}, *const none[] = {NULL};
    if (form->list) {
        if (!record_field_text(m, record_field(m->descriptor, span_of(form->list)), out))
            buffer_text(out, "[]");
        return;
    }
    struct record_mask but = record_mask(m->descriptor, form->of_symbol ? by_key : none);
    record_to_json_but(m, &but, out);
}
