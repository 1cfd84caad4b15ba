// tallies - the performance of every account, broker and gateway, by day and in total.
// SPDX-License-Identifier: MIT
#include "services/archiver/counts/tallies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "proto/tables.h"
#include "services/archiver/counts/performance.h"

#define DAY_NS    (86400 * NS_PER_S)
#define HELD_MOST 8192 // performances in memory; beyond that all are dropped after a batch

#define KINDS(X)                                                                                   \
    X(ACCOUNT, "account_performance", account_performance, "account_id")                           \
    X(BROKER, "broker_performance", broker_performance, "broker_id")                               \
    X(INSTANCE, "instance_performance", instance_performance, "instance_id")
#define KIND_ENUM(name, table, type, key) name,
enum kind { KINDS(KIND_ENUM) KIND_COUNT };
#undef KIND_ENUM

struct kind_form {
    const char *table, *key;
    const ProtobufCMessageDescriptor *type;
};
#define KIND_FORM(name, table, type, key) [name] = {table, key, &type##__descriptor},
static const struct kind_form kinds[KIND_COUNT] = {KINDS(KIND_FORM)};
#undef KIND_FORM

#define TOTAL UINT64_MAX // in place of a day

struct tally {
    struct performance p;
    uint64_t day; // since 1970, or TOTAL
    bool dirty;
    struct entity *of;
    struct tally *next; // of its entity, the one used last first
    struct tally *next_dirty;
};

struct entity {
    struct tally *tallies;
    char currency[CURRENCY_TEXT]; // accounts; empty: not known
    enum kind kind;
    UT_hash_handle hh;
    char key[]; // the kind's digit, then the id
};

struct tallies {
    sql_query_t *put[KIND_COUNT], *get[KIND_COUNT], *currency;
    struct entity *entities; // by key
    struct tally *dirty;
    size_t held;
    arena_t *arena;
};

// Life.

static bool prepare_tallies(tallies_t *self, sql_t *db) {
    char text[160];
    for (size_t k = 0; k < KIND_COUNT; k++) {
        snprintf(text, sizeof(text), "%s, day, currency", kinds[k].key);
        const struct put_form form = {.type = kinds[k].type,
                                      .table = kinds[k].table,
                                      .key = text,
                                      .update = true,
                                      .numbered = CHANGED};
        self->put[k] = sql_prepare_put(db, &form);
        snprintf(text, sizeof(text),
                 "SELECT * FROM %s WHERE %s = ?1 AND day = ?2 AND currency = ?3", kinds[k].table,
                 kinds[k].key);
        self->get[k] = sql_prepare(db, text);
        if (!self->put[k] || !self->get[k]) return false;
    }
    self->currency = sql_prepare(db, "SELECT " ACCOUNT_CURRENCY("?1"));
    return self->currency != NULL;
}

tallies_t *tallies_new(sql_t *db) {
    tallies_t *self = alloc_zeroed(1, sizeof(*self));
    self->arena = arena_new(0);
    if (!prepare_tallies(self, db)) tallies_destroy(&self);
    return self;
}

static void free_entity(struct entity *e) {
    for (struct tally *t = e->tallies, *next; t; t = next) {
        next = t->next;
        performance_destroy(&t->p);
        free(t);
    }
    free(e);
}

void tallies_drop(tallies_t *self) {
    struct entity *e, *next;
    HASH_ITER(hh, self->entities, e, next) {
        HASH_DEL(self->entities, e);
        free_entity(e);
    }
    self->dirty = NULL;
    self->held = 0;
    arena_reset(self->arena);
}

void tallies_destroy(tallies_t **self) {
    if (!*self) return;
    tallies_drop(*self);
    for (size_t k = 0; k < KIND_COUNT; k++) {
        sql_query_destroy(&(*self)->put[k]);
        sql_query_destroy(&(*self)->get[k]);
    }
    sql_query_destroy(&(*self)->currency);
    arena_destroy(&(*self)->arena);
    free(*self);
    *self = NULL;
}

// Finding.

static void day_text(uint64_t day, char out[static DAY_TEXT]) {
    char time[TIME_TEXT];
    time_print(day == TOTAL ? 0 : day * DAY_NS, time);
    snprintf(out, DAY_TEXT, "%.10s", day == TOTAL ? "total" : time);
}

static err_t read_currency(tallies_t *self, struct entity *e) {
    bool row;
    sql_bind_text(self->currency, 1, e->key + 1);
    err_t error = sql_step(self->currency, &row);
    const char *found = !error && row ? sql_text(self->currency, 0) : CURRENCY_UNKNOWN;
    if (strcmp(found, CURRENCY_UNKNOWN) != 0)
        snprintf(e->currency, sizeof(e->currency), "%s", found);
    sql_reset(self->currency);
    return error;
}

static struct entity *find_entity(tallies_t *self, enum kind kind, const char *id) {
    char key[256];
    int n = snprintf(key, sizeof(key), "%c%s", '0' + (int)kind, id);
    // ids are at most 64 long: config_rules.c
    size_t length = (size_t)n < sizeof(key) ? (size_t)n : sizeof(key) - 1;
    struct entity *e;
    HASH_FIND(hh, self->entities, key, length, e);
    if (e) return e;
    e = alloc_zeroed(1, sizeof(*e) + length + 1);
    e->kind = kind;
    memcpy(e->key, key, length);
    HASH_ADD(hh, self->entities, key, length, e);
    return e;
}

// What the table holds; nothing: it begins.
static err_t load_tally(tallies_t *self, struct tally *t) {
    sql_query_t *q = self->get[t->of->kind];
    ProtobufCMessage *stored;
    bool row;
    sql_bind_text(q, 1, t->of->key + 1);
    sql_bind_text(q, 2, t->p.day);
    sql_bind_text(q, 3, t->p.currency);
    err_t e = sql_step(q, &row);
    if (!e && row) e = sql_row(q, kinds[t->of->kind].type, self->arena, &stored);
    // The three types are laid out alike.
    if (!e && row && !performance_resume(&t->p, (const AccountPerformance *)stored))
        log_event(LOG_LEVEL_ERROR, "performance_unreadable", "table=%s id=%s day=%s",
                  kinds[t->of->kind].table, log_quote(t->of->key + 1), t->p.day);
    sql_reset(q);
    return e;
}

static err_t add_tally(tallies_t *self, struct entity *of, uint64_t day, const char *currency,
                       struct tally **out) {
    char text[DAY_TEXT];
    struct tally *t = alloc_zeroed(1, sizeof(*t));
    t->of = of;
    t->day = day;
    day_text(day, text);
    performance_init(&t->p, of->key + 1, text, currency);
    err_t e = load_tally(self, t);
    if (e) {
        performance_destroy(&t->p);
        free(t);
        return e;
    }
    t->next = of->tallies;
    of->tallies = t;
    self->held++;
    *out = t;
    return ERR_OK;
}

static err_t find_tally(tallies_t *self, struct entity *of, uint64_t day, const char *currency,
                        struct tally **out) {
    struct tally **link = &of->tallies;
    while (*link && ((*link)->day != day || strcmp((*link)->p.currency, currency) != 0))
        link = &(*link)->next;
    if (!*link) return add_tally(self, of, day, currency, out);
    *out = *link;
    *link = (*out)->next;
    (*out)->next = of->tallies;
    of->tallies = *out;
    return ERR_OK;
}

// Counting.

struct tally_change { // of one day's performance, and of the total, in the account's currency
    void (*apply)(struct performance *p, const struct tally_change *c);
    const TradeState *trade;
    struct executed executed;
    int sign;
    bool settle; // peak and drawdown too
    uint64_t day;
};

static void apply_order(struct performance *p, const struct tally_change *c) {
    performance_order(p, c->trade, c->sign);
}
static void apply_close(struct performance *p, const struct tally_change *c) {
    performance_close(p, c->trade, c->sign);
}
static void apply_execution(struct performance *p, const struct tally_change *c) {
    if (c->sign) performance_execution(p, c->executed.result, c->executed.metrics, c->sign);
    if (c->settle) performance_settle(p);
}

struct where { // whom a trade or an execution counts for; NULL: nobody is known
    const char *id[KIND_COUNT];
};

static err_t change_one(tallies_t *self, struct entity *of, uint64_t day,
                        const struct tally_change *c, const char *currency) {
    struct tally *t;
    err_t e = find_tally(self, of, day, currency, &t);
    if (e) return e;
    c->apply(&t->p, c);
    if (t->dirty) return ERR_OK;
    t->dirty = true;
    t->next_dirty = self->dirty;
    self->dirty = t;
    return ERR_OK;
}

static err_t tally_change(tallies_t *self, const struct where *where,
                          const struct tally_change *c) {
    const char *currency = CURRENCY_UNKNOWN;
    err_t e = ERR_OK;
    for (int k = 0; !e && k < KIND_COUNT; k++) { // the account first: it knows the currency
        if (!where->id[k] || !*where->id[k]) continue;
        struct entity *of = find_entity(self, (enum kind)k, where->id[k]);
        // its configuration may come after its first trade
        if (k == ACCOUNT && !of->currency[0]) e = read_currency(self, of);
        if (e) break;
        if (k == ACCOUNT && of->currency[0]) currency = of->currency;
        e = change_one(self, of, c->day, c, currency);
        if (!e) e = change_one(self, of, TOTAL, c, currency);
    }
    return e;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_effect(const TradeState *a, const TradeState *b) {
    return a->state == b->state && a->filled_lots == b->filled_lots &&
           a->terms->lot_size == b->terms->lot_size && a->closed_lots == b->closed_lots &&
           a->pnl == b->pnl && a->closed_at == b->closed_at && a->ordered_at == b->ordered_at &&
           same_text(a->reason, b->reason) && same_text(a->instance_id, b->instance_id);
}

static err_t tally_trade(tallies_t *self, const TradeState *t, int sign) {
    const struct where where = {{t->account_id, t->broker_id, t->instance_id}};
    struct tally_change c = {
        .apply = apply_order, .trade = t, .sign = sign, .day = t->ordered_at / DAY_NS};
    err_t e = tally_change(self, &where, &c);
    if (e || !trade_is_closed(t)) return e;
    c.apply = apply_close;
    c.day = t->closed_at / DAY_NS;
    return tally_change(self, &where, &c);
}

err_t tallies_trade(tallies_t *self, const TradeState *old, const TradeState *t) {
    if (old && same_effect(old, t)) return ERR_OK;
    err_t e = old ? tally_trade(self, old, -1) : ERR_OK;
    return e ? e : tally_trade(self, t, 1);
}

static err_t tally_execution(tallies_t *self, struct executed x, int sign, bool settle) {
    const TradeResult *r = x.result;
    const struct where where = {{r->account_id, r->broker_id, r->instance_id}};
    const struct tally_change c = {.apply = apply_execution,
                                   .executed = x,
                                   .sign = sign,
                                   .settle = settle,
                                   .day = r->executed_at / DAY_NS};
    return result_is_execution(r) ? tally_change(self, &where, &c) : ERR_OK;
}

// Peak and drawdown only once both have been counted: between them is no moment that was.
err_t tallies_execution(tallies_t *self, struct executed old, struct executed new) {
    err_t e = old.result ? tally_execution(self, old, -1, false) : ERR_OK;
    if (!e) e = tally_execution(self, new, 1, true);
    return e || !old.result ? e : tally_execution(self, old, 0, true);
}

// Writing.

static err_t write_one(tallies_t *self, struct tally *t, uint64_t utc_ns) {
    performance_finish(&t->p, utc_ns, self->arena);
    AccountPerformance row = t->p.row;
    row.base.descriptor = kinds[t->of->kind].type; // the three types are laid out alike
    return sql_upsert(self->put[t->of->kind], &row.base);
}

err_t tallies_write(tallies_t *self, uint64_t utc_ns) {
    err_t e = ERR_OK;
    while (!e && self->dirty) {
        struct tally *t = self->dirty;
        self->dirty = t->next_dirty;
        t->dirty = false;
        e = write_one(self, t, utc_ns);
    }
    arena_reset(self->arena);
    if (!e && self->held > HELD_MOST) tallies_drop(self);
    return e;
}
