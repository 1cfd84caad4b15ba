// world - an ingest with one source, and the batch that it writes into. No sockets, no store.
// SPDX-License-Identifier: MIT
#pragma once

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/batch/batch_commit.h"
#include "services/ingest/accept.h"
#include "services/ingest/slice.h"

#define NOW   (UINT64_C(1742638530) * NS_PER_S)
#define TOKEN "5ecret70ken5ecret70ken"

struct world {
    struct outlet outlets[2];
    book_t *book;
    struct context context;
    struct ingest_settings settings;
    struct ingest *ingest;
    batch_t *batch;
    uint64_t now;
    uint64_t back; // by how much the clock was set back, ns: the monotonic one was not
    unsigned sequence;
};

static inline void world_begin(struct world *w) {
    batch_begin(w->batch, 1, w->now, w->now + w->back);
    batch_look_for(w->batch, 600 * NS_PER_S);
    w->ingest->wrote = false;
}

static inline void world_configure(struct world *w, SignalConfig *source) {
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.kind = CONFIG_CHANGE__KIND__signal_config;
    change.id = source->config_id;
    change.signal = source;
    change.version = book_version(w->book) + 1;
    change.changed_at = NOW;
    assert_int_equal(book_apply(w->book, &change), ERR_OK);
}

// A broker that lists these symbols.
static inline void world_lists(struct world *w, char *const *symbols, size_t n) {
    SymbolConfig of[8], *list[8];
    BrokerConfig broker = BROKER_CONFIG__INIT;
    ConfigChange change = CONFIG_CHANGE__INIT;
    for (size_t i = 0; i < n; i++) {
        symbol_config__init(list[i] = &of[i]);
        of[i].symbol = symbols[i];
    }
    broker.broker_id = (char *)"b";
    broker.symbols = list;
    broker.n_symbols = n;
    change.kind = CONFIG_CHANGE__KIND__broker_config;
    change.id = broker.broker_id;
    change.broker = &broker;
    change.version = book_version(w->book) + 1;
    change.changed_at = NOW;
    assert_int_equal(book_apply(w->book, &change), ERR_OK);
}

static inline void world_source(struct world *w, const char *name) {
    char hash[65];
    token_hash(TOKEN, strlen(TOKEN), hash);
    SignalConfig source = SIGNAL_CONFIG__INIT;
    source.config_id = (char *)name;
    source.token_hash = hash;
    source.has_prices = source.prices = true;
    // one may; what tests send as it is then easy to find
    source.has_plain_ids = source.plain_ids = strcmp(name, "tv") == 0;
    world_configure(w, &source);
}

static inline int world_open(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->outlets[0] = (struct outlet){.name = "signals", .topic = TOPIC_signals};
    w->outlets[1] = (struct outlet){.name = "incidents.ingest", .topic = TOPIC_incidents};
    w->now = NOW;
    w->book = book_new();
    w->context = (struct context){.name = "ingest", .book = w->book, .caught_up = true};
    w->settings = (struct ingest_settings){.strangers_per_s = 100,
                                           .signals_max = 100000,
                                           .guard_max = 1000000,
                                           .price_symbols_max = 100,
                                           .consensus_ballots_max = 100,
                                           .source_signals_max = 100000,
                                           .source_guard_max = 1000000,
                                           .batch_requests = 256,
                                           .batch_bytes = 8 << 20,
                                           .refusals_memory = 60};
    w->ingest = ingest_new(&w->context, &w->settings);
    w->batch = batch_new("ingest", ingest_slice, w->outlets, 2);
    world_lists(w, (char *[]){(char *)"EURUSD", (char *)"GBPUSD", (char *)"AAPL"}, 3);
    world_source(w, "tv");
    world_source(w, "other");
    world_begin(w);
    *state = w;
    return 0;
}

static inline int world_close(void **state) {
    struct world *w = *state;
    ingest_destroy(&w->ingest);
    batch_destroy(&w->batch);
    book_destroy(&w->book);
    free(w);
    return 0;
}

// A body at the door, or at the ZeroMQ intake when `unheard`.
static inline struct request world_request(struct world *w, const char *source, const void *body,
                                           size_t length) {
    return (struct request){
        .source = book_source(w->book, source), .token = span_of(TOKEN), .body = {body, length}};
}

static inline struct reply post_as(struct world *w, const char *source, const char *body) {
    struct request r = world_request(w, source, body, strlen(body));
    return accept_signal(w->ingest, w->batch, &r);
}

static inline struct reply post(struct world *w, const char *body) {
    return post_as(w, "tv", body);
}

static inline bool wrote(struct world *w, const char *text) {
    struct span all = batch_bytes(w->batch);
    const char *at = all.data;
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= all.length; i++) {
        if (memcmp(at + i, text, length) == 0) return true;
    }
    return false;
}

// Nothing but the count of a signal that came again.
static inline bool wrote_only_the_count(struct world *w) {
    const struct outgoing *out;
    batch_gather(w->batch);
    return batch_commands(w->batch) == 1 && wrote(w, "signal:state:duplicates") &&
           batch_outgoing(w->batch, &out) == 0;
}

static inline bool says(const struct reply *r, const char *text) {
    const char *at = r->body.data;
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= r->body.length; i++) {
        if (memcmp(at + i, text, length) == 0) return true;
    }
    return false;
}

#define assert_says(answer, text)                                                                  \
    do {                                                                                           \
        const struct reply said = (answer);                                                        \
        if (!says(&said, text))                                                                    \
            fail_msg("%.*s does not say %s", (int)said.body.length, (const char *)said.body.data,  \
                     text);                                                                        \
    } while (0)

// The messages of one type in the batch.
static inline size_t count_emitted(struct world *w, const char *type,
                                   const struct outgoing **last) {
    const struct outgoing *out;
    size_t n = batch_outgoing(w->batch, &out), found = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(out[i].type, type) != 0) continue;
        found++;
        if (last) *last = &out[i];
    }
    return found;
}
