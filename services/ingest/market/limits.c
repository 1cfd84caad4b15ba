// limits - the tables, and the walk over a message.
// SPDX-License-Identifier: MIT
#include "services/ingest/market/limits.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/utf8.h"
#include "common/schema/record.h"
#include "market.pb-c.h"
#include "services/ingest/market/documents.h"
#include "services/ingest/rules/rules.h"

#define PATH_MAX_BYTES 128
#define TEXT_MOST      64 // bytes, where no row says otherwise

// Decimals; a field that is not here may be any.
static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *field;
    int64_t least, most; // e8
    const char *rule;
} numbers[] = {
    {&indicators__descriptor, "rsi_14", 0, 100 * DECIMAL_SCALE, "must be 0 to 100"},
    {&indicators__descriptor, "bollinger_width", 0, INT64_MAX, "must be 0 or more"},
    {&sentiment__descriptor, "sentiment_score", -DECIMAL_SCALE, DECIMAL_SCALE,
     "must be -1 (bearish) to 1 (bullish)"},
    {&candidate__descriptor, "price", 1, INT64_MAX, "must be greater than 0"},
    {&market_context__descriptor, "vix", 0, INT64_MAX, "must be 0 or more"},
};

// Texts that may be longer.
static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *field;
    size_t most; // bytes
    const char *rule;
} texts[] = {
    {&news_item__descriptor, "headline", 500, "must be 1 to 500 bytes, without control characters"},
    {&news_item__descriptor, "url", 2048, "must be at most 2048 bytes, without control characters"},
    {&news_item__descriptor, "source", 128,
     "must be at most 128 bytes, without control characters"},
};

static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *field;
    size_t most; // items
    const char *rule;
} lists[] = {
    {&sentiment__descriptor, "latest_news", 50, "must have at most 50 items"},
    {&watchlist__descriptor, "symbols", 500, "must have at most 500 symbols"},
    {&candidates__descriptor, "candidates", 200, "must have at most 200 candidates"},
    {&candidate__descriptor, "signals", 16, "must have at most 16 names"},
    {&market_context__descriptor, "sector_performance", 64, "must have at most 64 sectors"},
};
#define ROWS(table) (sizeof(table) / sizeof *(table))

// Where the walk is.
struct limits_walk {
    const struct limits_of *of;
    char path[PATH_MAX_BYTES];
};

static void complain_of_limit(struct limits_walk *w, const char *name, const char *code,
                              const char *rule) {
    complaint_add(w->of->complaints,
                  arena_format(w->of->arena, "%s%s%s", w->of->path, w->path, name), code, rule);
}

static void check_number(struct limits_walk *w, const ProtobufCMessage *m, const char *field,
                         int64_t e8) {
    for (size_t i = 0; i < ROWS(numbers); i++) {
        if (numbers[i].type == m->descriptor && strcmp(numbers[i].field, field) == 0 &&
            (e8 < numbers[i].least || e8 > numbers[i].most))
            complain_of_limit(w, field, "out_of_range", numbers[i].rule);
    }
}

// `shown`: what it is called behind the path; of an item of a list, nothing more.
static void check_text(struct limits_walk *w, const ProtobufCMessage *m, const char *field,
                       const char *shown, const char *text) {
    size_t most = TEXT_MOST;
    const char *rule = "must be 1 to 64 bytes, without control characters";
    if (strncmp(field, "symbol", 6) == 0) {
        if (!symbol_is_valid(text))
            complain_of_limit(w, shown, "bad_characters",
                              "must be 1 to 32 letters, digits or any of . _ : / ! & ^ # + -");
        return;
    }
    for (size_t i = 0; i < ROWS(texts); i++) {
        if (texts[i].type == m->descriptor && strcmp(texts[i].field, field) == 0)
            most = texts[i].most, rule = texts[i].rule;
    }
    if (!*text || strlen(text) > most || !utf8_is_plain(text, ""))
        complain_of_limit(w, shown, "bad_text", rule);
}

static void check_time(struct limits_walk *w, const char *field, uint64_t ns) {
    if (ns > w->of->now + DOCUMENT_AHEAD_NS)
        complain_of_limit(w, field, "in_the_future", "must not be more than a minute ahead");
}

static void check_message(struct limits_walk *w, const ProtobufCMessage *m);

static void check_limits_of(struct limits_walk *w, const ProtobufCMessage *m,
                            const ProtobufCFieldDescriptor *f, const void *place) {
    switch ((int)f->type) {
    case PROTOBUF_C_TYPE_SFIXED64:
        return check_number(w, m, f->name, *(const int64_t *)place);
    case PROTOBUF_C_TYPE_FIXED64:
        return check_time(w, f->name, *(const uint64_t *)place);
    case PROTOBUF_C_TYPE_STRING:
        return check_text(w, m, f->name, f->label == PROTOBUF_C_LABEL_REPEATED ? "" : f->name,
                          *(const char *const *)place);
    case PROTOBUF_C_TYPE_MESSAGE:
        return check_message(w, *(const ProtobufCMessage *const *)place);
    }
}

static bool is_list_too_long(struct limits_walk *w, const ProtobufCMessage *m,
                             const ProtobufCFieldDescriptor *f, size_t n) {
    for (size_t i = 0; i < ROWS(lists); i++) {
        if (lists[i].type != m->descriptor || strcmp(lists[i].field, f->name) != 0 ||
            n <= lists[i].most)
            continue;
        complain_of_limit(w, f->name, "too_many", lists[i].rule);
        return true;
    }
    return false;
}

// The walk goes down into the item `i`; what it returns leads back up.
static size_t enter_item(struct limits_walk *w, const ProtobufCFieldDescriptor *f, size_t i) {
    size_t back = strlen(w->path);
    (void)snprintf(w->path + back, sizeof w->path - back, "%s[%zu]%s", f->name, i,
                   f->type == PROTOBUF_C_TYPE_MESSAGE ? "." : "");
    return back;
}

static void check_list(struct limits_walk *w, const ProtobufCMessage *m,
                       const ProtobufCFieldDescriptor *f) {
    size_t n = *(const size_t *)(const void *)((const char *)m + f->quantifier_offset);
    void *const *items = *(void *const *const *)(const void *)((const char *)m + f->offset);
    if (is_list_too_long(w, m, f, n)) return;
    for (size_t i = 0; i < n; i++) { // of texts or messages: there are no other lists
        size_t back = enter_item(w, f, i);
        check_limits_of(w, m, f, &items[i]);
        w->path[back] = 0;
    }
}

static void check_message(struct limits_walk *w, const ProtobufCMessage *m) {
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            check_list(w, m, f);
        else if (record_is_set(m, f))
            check_limits_of(w, m, f, (const char *)m + f->offset);
    }
}

// --- beside each field for itself

static void check_listed_twice(struct limits_walk *w, const Watchlist *list) {
    for (size_t i = 1; i < list->n_symbols; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(list->symbols[i], list->symbols[k]) != 0) continue;
            complain_of_limit(w, arena_format(w->of->arena, "symbols[%zu]", i), "duplicate",
                              "is in the list already");
            break;
        }
    }
}

static void check_bands(struct limits_walk *w, const Indicators *in) {
    if (in->has_bollinger_upper && in->has_bollinger_lower &&
        in->bollinger_lower > in->bollinger_upper)
        complain_of_limit(w, "bollinger_lower", "wrong_side", "must not be above bollinger_upper");
}

// A document that says nothing but its name and time.
static bool is_hollow(const ProtobufCMessage *m) {
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        bool frame = strcmp(f->name, "symbol") == 0 || strcmp(f->name, "source") == 0 ||
                     strcmp(f->name, "timestamp") == 0 || strcmp(f->name, "bar_s") == 0;
        if (!frame && record_is_set(m, f)) return false;
    }
    return true;
}

void limits_check(const ProtobufCMessage *m, const struct limits_of *of) {
    struct limits_walk walk = {of, ""};
    size_t before = of->complaints->n;
    bool list = m->descriptor == &watchlist__descriptor || m->descriptor == &candidates__descriptor;
    check_message(&walk, m);
    if (of->complaints->n != before) return;
    if (m->descriptor == &watchlist__descriptor) check_listed_twice(&walk, (const Watchlist *)m);
    if (m->descriptor == &indicators__descriptor) check_bands(&walk, (const Indicators *)m);
    if (!list && is_hollow(m)) // an empty list says something
        complain_of_limit(&walk, "body", "required",
                          "says nothing: give at least one of its fields");
}
