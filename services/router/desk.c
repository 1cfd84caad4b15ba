// desk - everything that decisions depend on beside the signal and the time, and whose turn it is.
// SPDX-License-Identifier: MIT
#include "services/router/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) abort()
#include <uthash.h>

#define SYMBOLS_MOST 100000 // whose prices are held

struct seats {
    struct seat *items;
    size_t count;
    UT_hash_handle hh;
    char source[];
};

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

void desk_open(struct desk *self, const book_t *book, unsigned shards) {
    *self = (struct desk){.book = book, .shards = shards, .global = RISK_STATE__MODE__trading};
    self->accounts = accounts_new();
    self->rates = rates_new(SYMBOLS_MOST);
}

static void forget_seats(struct desk *self) {
    struct seats *s, *next;
    HASH_ITER(hh, self->seats, s, next) {
        HASH_DEL(self->seats, s);
        free(s->items);
        free(s);
    }
    for (struct venue *v = self->venues, *after; v; v = after) {
        after = v->next;
        free(v);
    }
    self->venues = NULL;
}

void desk_close(struct desk *self) {
    forget_seats(self);
    accounts_destroy(&self->accounts);
    rates_destroy(&self->rates);
}

// --- seats: made once for each version of the book, so that a turn looks nothing up by name

static struct venue *venue_of(struct desk *self, const char *broker_id) {
    for (struct venue *v = self->venues; v; v = v->next) {
        if (strcmp(v->broker_id, broker_id) == 0) return v;
    }
    struct venue *v = must(calloc(1, sizeof *v));
    v->broker_id = broker_id;
    v->broker = book_broker(self->book, broker_id);
    v->next = self->venues;
    return self->venues = v;
}

static struct seats *seats_add(struct desk *self, const char *source) {
    const struct subscriber *subscribers = NULL;
    size_t n = book_subscribers(self->book, source, &subscribers), length = strlen(source);
    struct seats *s = must(calloc(1, sizeof *s + length + 1));
    memcpy(s->source, source, length);
    s->items = must(calloc(n + 1, sizeof *s->items));
    for (size_t i = 0; i < n; i++) {
        const AccountConfig *account = subscribers[i].account;
        bool again = i > 0 && subscribers[i - 1].account == account;
        s->items[s->count++] = (struct seat){
            .account = account,
            .subscription = subscribers[i].subscription,
            .held = accounts_get(self->accounts, account->account_id),
            .venue = venue_of(self, account->broker_id),
            .leg = again ? s->items[i - 1].leg + 1 : 0,
            .shard = book_shard(account, self->shards),
        };
    }
    HASH_ADD_KEYPTR(hh, self->seats, s->source, (unsigned)length, s);
    return s;
}

static const struct seats *seats_of(struct desk *self, const char *source) {
    struct seats *s;
    if (self->version != book_version(self->book)) forget_seats(self);
    self->version = book_version(self->book);
    HASH_FIND_STR(self->seats, source, s);
    return s ? s : seats_add(self, source);
}

// --- turns

static void look_up(struct venue *v, const Signal *signal) {
    v->symbol = v->broker ? book_symbol(v->broker, signal->symbol) : NULL;
    if (v->symbol && !book_broker_symbol(v->broker, signal->symbol, v->broker_symbol)) v->symbol = NULL;
}

void decide_for(const struct desk *self, const struct seat *seat, struct turn *turn) {
    const struct decide_input in = {
        .signal = turn->signal,
        .account = seat->account,
        .subscription = seat->subscription,
        .broker = seat->venue->broker,
        .symbol = seat->venue->symbol,
        .global = self->global,
        .mode = seat->held->mode,
        .open_trades = seat->held->open,
        .now = turn->now,
    };
    turn->seat = seat;
    decide(&in, &turn->result);
}

size_t desk_fan_out(struct desk *self, const Signal *signal, uint64_t now, turn_fn *visit, void *arg) {
    const struct seats *seats = seats_of(self, signal->source);
    struct turn turn = {.signal = signal, .now = now};
    uint64_t fan_out = ++self->fan_outs;
    for (size_t i = 0; i < seats->count; i++) {
        struct venue *venue = seats->items[i].venue;
        if (venue->fan_out != fan_out) look_up(venue, signal);
        venue->fan_out = fan_out;
        decide_for(self, &seats->items[i], &turn);
        self->decided[(unsigned)turn.result.reason % REASONS_MAX]++;
        visit(arg, &turn);
    }
    return seats->count;
}

// --- what a turn becomes

static void numbers_fill(Decision *d, const struct decide_result *result, arena_t *arena) {
    Number *all = arena_take(arena, result->n_numbers * sizeof *all);
    d->numbers = arena_take(arena, result->n_numbers * sizeof *d->numbers);
    for (; d->n_numbers < result->n_numbers; d->n_numbers++) {
        Number *n = d->numbers[d->n_numbers] = &all[d->n_numbers];
        number__init(n);
        n->name = (char *)result->numbers[d->n_numbers].name;
        n->value = result->numbers[d->n_numbers].value.e8;
    }
}

Decision *turn_decision(const struct turn *t, arena_t *arena) {
    Decision *d = arena_take(arena, sizeof *d);
    decision__init(d);
    d->account_id = t->seat->account->account_id;
    d->reason = t->result.reason;
    if (t->result.detail[0]) d->detail = arena_text(arena, t->result.detail);
    if (t->result.n_numbers) numbers_fill(d, &t->result, arena);
    return d;
}

static char *trade_id_of(const struct turn *t, arena_t *arena) {
    char leg[12], *trade_id = arena_take(arena, ID_TEXT);
    (void)snprintf(leg, sizeof leg, "%u", t->seat->leg);
    const char *const parts[] = {"trade", t->signal->signal_id, t->seat->account->account_id, leg};
    id_derive(trade_id, t->signal->signal_id, 4, parts);
    return trade_id;
}

void turn_order(const struct turn *t, arena_t *arena, Order *o) {
    const Signal *s = t->signal;
    order__init(o);
    o->trade_id = trade_id_of(t, arena);
    o->signal_id = s->signal_id;
    o->account_id = t->seat->account->account_id;
    o->broker_id = t->seat->account->broker_id;
    o->symbol = s->symbol;
    o->broker_symbol = t->seat->venue->broker_symbol;
    o->order_type = s->order_type;
    o->direction = s->direction;
    o->has_lot_size = t->result.has_lots;
    o->lot_size = t->result.has_lots ? t->result.lots.e8 : 0;
    o->has_price = s->has_price && s->order_type != SIGNAL__ORDER_TYPE__market;
    o->price = o->has_price ? s->price : 0;
    o->has_requested_price = s->has_price;
    o->requested_price = s->price;
    o->has_stop_loss = s->has_stop_loss;
    o->stop_loss = s->stop_loss;
    o->has_take_profit = s->has_take_profit;
    o->take_profit = s->take_profit;
    o->has_expiration_time = s->has_expiration_time;
    o->expiration_time = s->expiration_time;
    o->signal_at = s->created_at;
    o->ordered_at = t->now;
    o->has_valid_until = true;
    o->valid_until = t->result.valid_until;
}
