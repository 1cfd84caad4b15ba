// votes - the ballots that are open.
// SPDX-License-Identifier: MIT
#include "services/ingest/consensus/votes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/hash.h"
#include "services/ingest/slice.h"
#include "system.pb-c.h"

struct ballot_held {
    Ballot *ballot; // owned
    UT_hash_handle hh;
    char name[]; // "{config_id} {symbol}"
};

// A source that is a part of something.
struct source_parts {
    const SignalConfig **rows;
    size_t n;
    bool only; // it is not routed on its own
    UT_hash_handle hh;
    const char *source; // in the book
};

struct votes {
    const book_t *book;
    size_t most;
    struct ballot_held *ballots;
    struct source_parts *parts;
    uint64_t version; // of the book that they were made from
};

votes_t *votes_new(const book_t *book, size_t ballots_max) {
    votes_t *self = alloc_zeroed(1, sizeof *self);
    self->book = book;
    self->most = ballots_max;
    return self;
}

static void forget_parts(votes_t *self) {
    struct source_parts *p, *next;
    HASH_ITER(hh, self->parts, p, next) {
        HASH_DEL(self->parts, p);
        free(p->rows);
        free(p);
    }
}

static void delete_ballot(votes_t *self, struct ballot_held *held) {
    HASH_DEL(self->ballots, held);
    ballot__free_unpacked(held->ballot, NULL);
    free(held);
}

void votes_destroy(votes_t **self) {
    struct ballot_held *held, *next;
    if (!*self) return;
    HASH_ITER(hh, (*self)->ballots, held, next) delete_ballot(*self, held);
    forget_parts(*self);
    free(*self);
    *self = NULL;
}

size_t votes_count(const votes_t *self) { return HASH_COUNT(self->ballots); }

// --- who is a part of what

static struct source_parts *part_add(votes_t *self, const char *source) {
    struct source_parts *p;
    HASH_FIND_STR(self->parts, source, p);
    if (p) return p;
    p = alloc_zeroed(1, sizeof *p);
    p->source = source;
    HASH_ADD_KEYPTR(hh, self->parts, p->source, (unsigned)strlen(source), p);
    return p;
}

static void add_consensus_row(void *arg, const SignalConfig *row) {
    const Consensus *rule = row->consensus;
    if (!rule || !row->enabled) return;
    for (size_t i = 0; i < rule->n_parts && i < CONSENSUS_PARTS_MAX; i++) {
        if (consensus_part(rule, rule->parts[i]->source) != rule->parts[i]) continue; // given twice
        struct source_parts *p = part_add(arg, rule->parts[i]->source);
        p->rows = alloc_resized(p->rows, p->n + 1, sizeof(SignalConfig *));
        p->rows[p->n++] = row;
        p->only |= !rule->route_parts;
    }
}

static const struct source_parts *source_parts(votes_t *self, const char *source) {
    if (self->version != book_version(self->book)) {
        forget_parts(self);
        book_each_source(self->book, add_consensus_row, self);
        self->version = book_version(self->book);
    }
    struct source_parts *p;
    HASH_FIND_STR(self->parts, source, p);
    return p;
}

size_t votes_rows(votes_t *self, const char *source) {
    const struct source_parts *p = source_parts(self, source);
    return p ? p->n : 0;
}

bool votes_are_all(votes_t *self, const char *source) {
    const struct source_parts *p = source_parts(self, source);
    return p && p->only;
}

// --- ballots

#define NAME_MOST 200 // a row's id and a symbol, both far shorter

static const char *name_of(char out[static NAME_MOST], const char *config_id, const char *symbol) {
    (void)snprintf(out, NAME_MOST, "%s %s", config_id, symbol);
    return out;
}

static struct ballot_held *ballot_find(const votes_t *self, const char *name) {
    struct ballot_held *held;
    HASH_FIND_STR(self->ballots, name, held);
    return held;
}

static struct ballot_held *ballot_add(votes_t *self, const char *name) {
    size_t length = strlen(name);
    struct ballot_held *held = alloc_zeroed(1, sizeof *held + length + 1);
    memcpy(held->name, name, length);
    HASH_ADD_KEYPTR(hh, self->ballots, held->name, (unsigned)length, held);
    return held;
}

// Packed once: what is kept in the slice, and what memory holds, are the same bytes.
static void replace_ballot(votes_t *self, batch_t *batch, const char *name, const Ballot *ballot) {
    size_t length = ballot__get_packed_size(ballot);
    uint8_t *bytes = arena_take(batch_arena(batch), length + 1);
    (void)ballot__pack(ballot, bytes);
    slice_ballot(batch, name, (struct span){bytes, length});
    struct ballot_held *held = ballot_find(self, name);
    if (!held) held = ballot_add(self, name);
    ballot__free_unpacked(held->ballot, NULL);
    held->ballot = alloc_checked(ballot__unpack(NULL, length, bytes));
}

static void alert_ballots_full(const votes_t *self, batch_t *batch, const SignalConfig *row) {
    batch_alert(batch, ALERT__SEVERITY__critical, "consensus_full", row->config_id,
                "%zu ballots are open, which is the most: this vote is not counted; raise "
                "CONSENSUS_BALLOTS_MAX",
                self->most);
}

void votes_hear(votes_t *self, batch_t *batch, const Signal *signal, follow_fn *follow, void *arg) {
    const struct source_parts *p = source_parts(self, signal->source);
    char name[NAME_MOST];
    if (!p || !consensus_hears(signal)) return;
    for (size_t i = 0; i < p->n; i++) {
        const struct ballot_held *held =
            ballot_find(self, name_of(name, p->rows[i]->config_id, signal->symbol));
        if (!held && votes_count(self) >= self->most) {
            alert_ballots_full(self, batch, p->rows[i]);
            continue;
        }
        struct heard heard;
        consensus_hear(&(struct hearing){p->rows[i], held ? held->ballot : NULL, signal},
                       batch_arena(batch), &heard);
        if (heard.signal) follow(arg, heard.signal);
        replace_ballot(self, batch, name, heard.ballot);
    }
}

// A row that is gone may come back (an older configuration is put in force again): as long as any
// window may be.
static const Consensus *find_ballot_rule(const votes_t *self, const Ballot *ballot) {
    static Consensus longest;
    const SignalConfig *row = book_source(self->book, ballot->config_id);
    if (row && row->consensus) return row->consensus;
    consensus__init(&longest);
    longest.window_s = CONSENSUS_WINDOW_MAX_S;
    return &longest;
}

void votes_retire(votes_t *self, batch_t *batch) {
    struct ballot_held *held, *next;
    HASH_ITER(hh, self->ballots, held, next) {
        if (!ballot_is_over(held->ballot, find_ballot_rule(self, held->ballot), batch_now(batch)))
            continue;
        slice_ballot_over(batch, held->name);
        delete_ballot(self, held);
    }
}

// --- at start

static err_t load_ballot(void *arg, struct span name, struct span value) {
    votes_t *self = arg;
    char text[NAME_MOST];
    if (name.length >= sizeof text) return ERR_INPUT;
    memcpy(text, name.data, name.length);
    text[name.length] = 0;
    Ballot *ballot = ballot__unpack(NULL, value.length, value.data);
    if (!ballot) return ERR_INPUT;
    struct ballot_held *held = ballot_find(self, text);
    if (!held) held = ballot_add(self, text);
    ballot__free_unpacked(held->ballot, NULL);
    held->ballot = ballot;
    return ERR_OK;
}

err_t votes_load(votes_t *self, store_t *store) { return slice_ballots(store, load_ballot, self); }
