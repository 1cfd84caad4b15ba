// load - at start, reads the slice into memory and restores what follows from it.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/domain/last_prices.h"
#include "common/schema/record.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"

#define T(name)  TRADE_STATE__STATE__##name
#define TEXT_MAX 256

static const char *copy_field_text(struct span s, char out[static TEXT_MAX]) {
    (void)snprintf(out, TEXT_MAX, "%.*s", (int)s.length, (const char *)s.data);
    return out;
}

static err_t load_trade_state(void *arg, const ProtobufCMessage *m) {
    struct executor *self = arg;
    const TradeState *s = (const TradeState *)m;
    if (trades_find(self->trades, s->trade_id)) return ERR_OK;
    struct trade *t = trades_add(self->trades, s);
    t->record = trade_is_final(s) ? RECORD_WATCHED : RECORD_OPEN; // what is over by now leaves it
    t->sending = s->has_submitted_at ? SENDING_EARLIER : SENDING_NEVER;
    return ERR_OK;
}

static err_t load_risk_field(void *arg, struct span name, struct span value) {
    char field[TEXT_MAX], text[TEXT_MAX];
    return halts_load(arg, copy_field_text(name, field), copy_field_text(value, text)) ? ERR_OK
                                                                                       : ERR_INPUT;
}

// "books:number"
static err_t load_reports(void *arg, struct span name, struct span value) {
    struct executor *self = arg;
    char instance[TEXT_MAX], text[TEXT_MAX], *end;
    struct session *s = sessions_get(self->sessions, copy_field_text(name, instance));
    s->books = strtoull(copy_field_text(value, text), &end, 10);
    s->report = *end == ':' ? strtoull(end + 1, NULL, 10) : 0;
    return ERR_OK;
}

static err_t load_orphan(void *arg, struct span name, struct span value) {
    struct executor *self = arg;
    char trade_id[TEXT_MAX], account_id[TEXT_MAX];
    copy_field_text(name, trade_id);
    if (!orphans_find(self->orphans, trade_id))
        (void)orphans_add(self->orphans, trade_id, copy_field_text(value, account_id), 0);
    return ERR_OK;
}

// What the version before kept: the whole report. What it says is asked for again.
static err_t load_report_aside(void *arg, struct span name, struct span value) {
    struct executor *self = arg;
    (void)name;
    Report *r = report__unpack(NULL, value.length, value.data);
    if (!r) return ERR_INPUT;
    if (!orphans_find(self->orphans, r->trade_id))
        (void)orphans_add(self->orphans, r->trade_id, r->account_id, 0);
    report__free_unpacked(r, NULL);
    return ERR_OK;
}

// "<account_id>:<symbol>", or ":<symbol>"
static err_t load_view(void *arg, struct span member) {
    struct executor *self = arg;
    char text[TEXT_MAX];
    copy_field_text(member, text);
    char *colon = strrchr(text, ':');
    if (!colon) return ERR_OK;
    *colon = 0;
    positions_remember(self->positions, text, colon + 1);
    return ERR_OK;
}

static void keep_last_price(void *arg, const Price *price) {
    struct executor *self = arg;
    array_reserve(self->last_prices, self->n_last_prices, self->last_prices_room);
    self->last_prices[self->n_last_prices++] = (Price *)record_copy(&price->base, NULL);
}

void load_end(struct executor *self) {
    for (size_t i = 0; i < self->n_last_prices; i++)
        price__free_unpacked(self->last_prices[i], NULL);
    free(self->last_prices);
    self->last_prices = NULL;
    self->n_last_prices = self->last_prices_room = 0;
}

// Once it is known what is open: the price of nothing else is held.
static void apply_last_prices(struct executor *self) {
    for (size_t i = 0; i < self->n_last_prices; i++)
        (void)positions_price(self->positions, self->last_prices[i]);
    load_end(self);
}

err_t load_all(void *arg, store_t *store) {
    struct executor *self = arg;
    const struct slice_loading l = {.shard = self->context->shard,
                                    .arg = self,
                                    .trade = load_trade_state,
                                    .risk = load_risk_field,
                                    .reports = load_reports,
                                    .orphan = load_orphan,
                                    .report_aside = load_report_aside,
                                    .position = load_view};
    err_t e = guard_load(self->guard, store);
    if (!e) e = slice_load(store, &l);
    if (!e) e = sums_load(self, store);
    if (!e) e = last_prices_load(store, keep_last_price, self);
    return e ? e : ownership_check(self);
}

// --- in the first batch

static int by_order(const void *a, const void *b) {
    const struct trade *one = *(struct trade *const *)a, *other = *(struct trade *const *)b;
    if (one->s->ordered_at != other->s->ordered_at)
        return one->s->ordered_at < other->s->ordered_at ? -1 : 1;
    return strcmp(one->s->trade_id, other->s->trade_id);
}

static void place_trade(struct executor *self, batch_t *batch, struct trade *t) {
    t->holding = engine_get_holding(self, t->s);
    t->sequence = ++self->sequence;
    orders_note_origin(self, batch, t, true);
}

static void forget_finished_trade(struct executor *self, batch_t *batch, struct trade *t) {
    struct step s = step_begin(self, batch, t);
    effects_add(&s.out, EFFECT_FORGET);
    step_end(&s);
}

// An earlier life may have sent what it recorded as submitting: nobody knows. What was in doubt
// stays in doubt, and is asked about anew.
static void start_trade(struct executor *self, batch_t *batch, struct trade *t) {
    switch (t->s->state) {
    case T(submitting):
        return engine_doubt(self, batch, t, "the executor was restarted while it was being sent");
    case T(unknown):
        t->s->not_found = 0;
        return engine_restore(self, batch, t);
    case T(pending):
        holding_add_waiting(self->accounts, t->holding, t);
        return engine_restore(self, batch, t);
    case T(working):
    case T(partially_filled):
    case T(filled):
    case T(expired):
        return engine_restore(self, batch, t);
    case T(closed):
    case T(rejected):
    case T(cancelled):
        return forget_finished_trade(self, batch, t);
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return;
    }
}

static void start_all(struct executor *self, batch_t *batch, struct trade **list, size_t n) {
    for (size_t i = 0; i < n; i++) place_trade(self, batch, list[i]);
    apply_last_prices(self);
    for (size_t i = 0; i < n; i++) engine_count(self, batch, list[i], 1);
    for (size_t i = 0; i < n; i++) start_trade(self, batch, list[i]);
}

// Every report that the version before had put aside has been taken up as an orphan by now.
static void keep_orphans(struct executor *self, batch_t *batch) {
    for (const struct orphan *o = orphans_first(self->orphans); o; o = o->next)
        slice_orphan(batch, self->context->shard, o->trade_id, o->account_id);
    slice_forget_aside(batch, self->context->shard);
}

void load_start(struct executor *self, batch_t *batch) {
    self->started = true;
    size_t n = 0, cursor = 0, all = trades_count(self->trades);
    struct trade **list = alloc_zeroed(all + 1, sizeof(struct trade *));
    for (struct trade *t; (t = trades_next(self->trades, &cursor)) != NULL;) list[n++] = t;
    qsort(list, n, sizeof(struct trade *), by_order);
    start_all(self, batch, list, n);
    keep_orphans(self, batch);
    free(list);
    for (struct account *a = accounts_first(self->accounts); a; a = a->next) a->dirty = true;
    presence_map(self);
}
