// market - one entry for each document that stands in Redis: how new it is, whose, and until when.
// SPDX-License-Identifier: MIT
#include "services/ingest/market/market.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/domain/price_owner.h"
#include "services/ingest/slice_market.h"

#define DOCUMENT_NAME 64 // "indicators EURUSD"
#define CALCULATED    "calculated"

struct document_held {
    char name[DOCUMENT_NAME];
    uint64_t timestamp, expires_at; // UTC ns
    bool calculated;
    Indicators shown; // of indicators: their numbers
    UT_hash_handle hh;
};

struct market {
    const book_t *book;
    struct market_limits limits;
    struct document_held *all;
};

market_t *market_new(const book_t *book, const struct market_limits *limits) {
    market_t *self = alloc_zeroed(1, sizeof *self);
    self->book = book;
    self->limits = *limits;
    return self;
}

static void drop_document(market_t *self, struct document_held *d) {
    HASH_DEL(self->all, d);
    free(d);
}

void market_destroy(market_t **handle) {
    market_t *self = *handle;
    struct document_held *d, *next;
    if (!self) return;
    HASH_ITER(hh, self->all, d, next) drop_document(self, d);
    free(self);
    *handle = NULL;
}

size_t market_count(const market_t *self) { return HASH_COUNT(self->all); }

// --- whose

bool market_is_allowed(const SignalConfig *source, const struct document_form *form) {
    for (size_t i = 0; i < source->n_market_data; i++)
        if (source->market_data[i] == form->kind) return true;
    return false;
}

static bool is_market_symbol(const market_t *self, const SignalConfig *source, const char *symbol,
                             bool listed_only) {
    for (size_t i = 0; i < source->n_market_symbols; i++)
        if (strcmp(source->market_symbols[i], symbol) == 0) return true;
    if (source->n_market_symbols) return false;
    return !listed_only || price_owners(self->book, symbol).listed;
}

// NULL: every symbol in the document is this source's to say; else the first that is not.
static const char *find_foreign_symbol(const market_t *self, const SignalConfig *source,
                                       const struct posted_document *d) {
    if (d->symbol) return is_market_symbol(self, source, d->symbol, true) ? NULL : d->symbol;
    if (d->m->descriptor == &watchlist__descriptor) {
        const Watchlist *list = (const Watchlist *)d->m;
        for (size_t i = 0; i < list->n_symbols; i++)
            if (!is_market_symbol(self, source, list->symbols[i], false)) return list->symbols[i];
    }
    if (d->m->descriptor == &candidates__descriptor) {
        const Candidates *list = (const Candidates *)d->m;
        for (size_t i = 0; i < list->n_candidates; i++)
            if (!is_market_symbol(self, source, list->candidates[i]->symbol, false))
                return list->candidates[i]->symbol;
    }
    return NULL;
}

// --- held

static void name_document(char out[static DOCUMENT_NAME], document_kind_t kind,
                          const char *symbol) {
    (void)snprintf(out, DOCUMENT_NAME, "%s%s%s", document_form(kind)->name, symbol ? " " : "",
                   symbol ? symbol : "");
}

static struct document_held *find_document(const market_t *self, document_kind_t kind,
                                           const char *symbol) {
    char name[DOCUMENT_NAME];
    struct document_held *d;
    name_document(name, kind, symbol);
    HASH_FIND_STR(self->all, name, d);
    return d;
}

// NULL: as many as may be.
static struct document_held *hold_document(market_t *self, document_kind_t kind,
                                           const char *symbol) {
    struct document_held *d = find_document(self, kind, symbol);
    if (d || HASH_COUNT(self->all) >= self->limits.documents_max) return d;
    d = alloc_zeroed(1, sizeof *d);
    name_document(d->name, kind, symbol);
    HASH_ADD_STR(self->all, name, d);
    return d;
}

static void show_indicators(struct document_held *d, const Indicators *in) {
    d->shown = *in;
    d->shown.symbol = d->name; // those of `in` do not last
    d->shown.source = d->name;
}

static void write_document(market_t *self, batch_t *batch, struct document_held *d,
                           const struct posted_document *posted, document_kind_t kind) {
    uint64_t ttl_ns = (uint64_t)self->limits.ttl_ms[kind] * NS_PER_MS;
    d->timestamp = posted->timestamp;
    d->expires_at = batch_now(batch) + ttl_ns;
    d->calculated = false;
    if (kind == SIGNAL_CONFIG__DOCUMENT__indicators) {
        const Indicators *in = (const Indicators *)posted->m;
        d->calculated = strcmp(in->source, CALCULATED) == 0;
        show_indicators(d, in);
    }
    slice_document(batch, document_form(kind), posted->m, posted->symbol, d->expires_at);
    DocumentState state = DOCUMENT_STATE__INIT;
    state.timestamp = d->timestamp;
    state.expires_at = d->expires_at;
    state.has_calculated = state.calculated = d->calculated;
    if (d->shown.base.descriptor) state.shown = &d->shown;
    slice_document_state(batch, d->name, &state);
    batch_emit(batch, TOPIC_market, 0, posted->m);
}

static bool keep_posted_document(market_t *self, const struct market_post *post,
                                 const struct posted_document *posted, struct complaints *out,
                                 bool *older) {
    arena_t *arena = batch_arena(post->batch);
    document_kind_t kind = post->form->kind;
    const char *foreign = find_foreign_symbol(self, post->source, posted);
    const char *field = posted->symbol                               ? "symbol"
                        : kind == SIGNAL_CONFIG__DOCUMENT__watchlist ? "symbols"
                                                                     : "candidates";
    const char *place = arena_format(arena, "%s%s", posted->path, field);
    *older = false;
    if (foreign)
        return complaint_add(out, place, "not_allowed",
                             arena_format(arena,
                                          "has %s, which is not this source's to write: name it in "
                                          "market_symbols of its configuration",
                                          foreign)),
               false;
    struct document_held *d = hold_document(self, kind, posted->symbol);
    if (!d) return complaint_add(out, place, "full", "would be one more than can be held"), false;
    *older = !d->calculated && posted->timestamp < d->timestamp;
    if (!*older) write_document(self, post->batch, d, posted, kind);
    return !*older;
}

struct market_taken market_take(market_t *self, const struct market_post *post,
                                struct complaints *out) {
    struct market_taken taken = {0};
    struct posted_document *documents = NULL;
    size_t n = documents_read(&(struct document_post){.form = post->form,
                                                      .body = post->body,
                                                      .source = post->source->config_id,
                                                      .symbol = post->symbol,
                                                      .now = batch_now(post->batch),
                                                      .arena = batch_arena(post->batch)},
                              &documents, out, &taken.undecodable);
    if (taken.undecodable || out->n) return taken;
    for (size_t i = 0; i < n; i++) {
        bool older;
        taken.written += keep_posted_document(self, post, &documents[i], out, &older);
        taken.older += older;
    }
    return taken;
}

// --- calculated

bool market_calculated(market_t *self, batch_t *batch, const Indicators *in) {
    const document_kind_t kind = SIGNAL_CONFIG__DOCUMENT__indicators;
    struct document_held *d = hold_document(self, kind, in->symbol);
    bool posted = d && d->timestamp && !d->calculated && d->expires_at > batch_now(batch);
    if (!d || posted || (d->calculated && in->timestamp < d->timestamp)) return false;
    Indicators whole = *in;
    whole.source = (char *)CALCULATED;
    write_document(self, batch, d,
                   &(struct posted_document){&whole.base, in->symbol, in->timestamp, ""}, kind);
    return true;
}

const Indicators *market_indicators(const market_t *self, const char *symbol, uint64_t now) {
    const struct document_held *d =
        find_document(self, SIGNAL_CONFIG__DOCUMENT__indicators, symbol);
    return d && d->expires_at > now && d->shown.base.descriptor ? &d->shown : NULL;
}

// --- over restarts, and out of the way

static err_t load_document(void *arg, struct span name, const DocumentState *state) {
    market_t *self = arg;
    char text[DOCUMENT_NAME];
    if (name.length >= sizeof text) return ERR_OK;
    memcpy(text, name.data, name.length);
    text[name.length] = 0;
    struct document_held *d = alloc_zeroed(1, sizeof *d), *there;
    HASH_FIND_STR(self->all, text, there);
    if (there) drop_document(self, there);
    (void)snprintf(d->name, sizeof d->name, "%s", text);
    d->timestamp = state->timestamp;
    d->expires_at = state->expires_at;
    d->calculated = state->calculated;
    if (state->shown) show_indicators(d, state->shown);
    HASH_ADD_STR(self->all, name, d);
    return ERR_OK;
}

err_t market_load(market_t *self, store_t *store) {
    return slice_document_states(store, load_document, self);
}

void market_retire(market_t *self, batch_t *batch) {
    struct document_held *d, *next;
    HASH_ITER(hh, self->all, d, next) {
        if (d->expires_at > batch_now(batch)) continue;
        slice_document_over(batch, d->name);
        drop_document(self, d);
    }
}
