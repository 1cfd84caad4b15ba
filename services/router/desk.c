// desk - everything that decisions depend on beside the signal and the time, and whose turn it is.
// SPDX-License-Identifier: MIT
#include "services/router/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/own.h"
#include "common/domain/signal_id.h"
#include "common/domain/zone.h"

#define SYMBOLS_MOST     100000 // whose prices are held
#define ALL_SYMBOLS_MOST 4096   // of one account, for a signal that means all
#define PRICE_AGE_MAX    (60 * NS_PER_S)
#define RATE_AGE_MAX     (UINT64_C(96) * 3600 * NS_PER_S)

struct seats {
    struct seat *items;
    size_t count;
    UT_hash_handle hh;
    char source[];
};

void desk_open(struct desk *self, const book_t *book, unsigned shards) {
    *self = (struct desk){.book = book, .shards = shards, .global = RISK_STATE__MODE__trading};
    self->accounts = router_accounts_new();
    self->rates = rates_new(SYMBOLS_MOST);
    self->price_age_max = PRICE_AGE_MAX;
    self->rate_age_max = RATE_AGE_MAX;
    self->risks = risks_new();
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
    router_accounts_destroy(&self->accounts);
    rates_destroy(&self->rates);
    risks_destroy(&self->risks);
}

// --- seats: made once for each version of the book, so that a turn looks nothing up by name

static struct venue *venue_of(struct desk *self, const char *broker_id) {
    for (struct venue *v = self->venues; v; v = v->next) {
        if (strcmp(v->broker_id, broker_id) == 0) return v;
    }
    struct venue *v = alloc_zeroed(1, sizeof *v);
    v->broker_id = broker_id;
    v->broker = book_broker(self->book, broker_id);
    v->zone = v->broker ? risks_zone(self->risks, v->broker->time_zone) : NULL;
    v->next = self->venues;
    return self->venues = v;
}

static struct seats *seats_add(struct desk *self, const char *source) {
    const struct subscriber *subscribers = NULL;
    size_t n = book_subscribers(self->book, source, &subscribers), length = strlen(source);
    struct seats *s = alloc_zeroed(1, sizeof *s + length + 1);
    memcpy(s->source, source, length);
    s->items = alloc_zeroed(n + 1, sizeof *s->items);
    for (size_t i = 0; i < n; i++) {
        const AccountConfig *account = subscribers[i].account;
        bool again = i > 0 && subscribers[i - 1].account == account;
        struct account *held = router_accounts_get(self->accounts, account->account_id);
        (void)risks_of(self->risks, self->book, account, held);
        s->items[s->count++] = (struct seat){
            .account = account,
            .subscription = subscribers[i].subscription,
            .held = held,
            .venue = venue_of(self, account->broker_id),
            .leg = again ? s->items[i - 1].leg + 1 : 0,
            .shard = book_shard(self->book, account, self->shards),
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
    if (v->symbol && !book_broker_symbol(v->broker, signal->symbol, v->broker_symbol))
        v->symbol = NULL;
}

// What is the same for everybody in one fan-out.
struct ask {
    struct desk *desk;
    const Signal *signal;
    const char *symbol; // the one text for it
    const struct rate *quote;
    RiskState__Mode source;
    bool everything; // one of all symbols
    uint64_t now;
    turn_fn *visit;
    void *arg;
};

static uint64_t subtract_age(uint64_t now, uint64_t age_max) {
    return now > age_max ? now - age_max : 0;
}

static void set_ask_signal(struct ask *a, struct desk *self, const Signal *signal) {
    a->signal = signal;
    a->symbol = accounts_symbol(self->accounts, signal->symbol);
    a->quote = rates_find(self->rates, signal->symbol, subtract_age(a->now, self->price_age_max));
}

static uint64_t day_end(const AccountConfig *account, uint64_t now) {
    own(zone) *zone = zone_new(account->time_zone);
    uint32_t minutes;
    return zone && zone_minutes(account->day_starts_at, &minutes) ? zone_day_end(zone, now, minutes)
                                                                  : 0;
}

static const struct trade *meant_by(const struct ask *a, const struct seat *seat) {
    char trade_id[ID_TEXT];
    if (!a->signal->target_signal_id) return NULL;
    trade_id_of(&(struct leg_id){a->signal->target_signal_id, seat, "", NULL}, trade_id);
    return accounts_trade(a->desk->accounts, trade_id);
}

static void decide_for(const struct ask *a, const struct seat *seat) {
    struct desk *desk = a->desk;
    Signal inverted;
    struct decide_result results[DECIDE_LEGS];
    if (seat->subscription->invert) decide_inverted(a->signal, &inverted);
    const struct decide_input in = {
        .signal = seat->subscription->invert ? &inverted : a->signal,
        .account = seat->account,
        .subscription = seat->subscription,
        .broker = seat->venue->broker,
        .symbol = seat->venue->symbol,
        .global = desk->global,
        .mode = seat->held->mode,
        .open_trades = seat->held->open,
        .source = a->source,
        .held = seat->held,
        .risk = seat->held->risk,
        .market_zone =
            seat->venue->symbol && seat->venue->symbol->n_sessions ? seat->venue->zone : NULL,
        .now = a->now,
        .holding = account_holding(seat->held, a->symbol),
        .meant = meant_by(a, seat),
        .money = &seat->held->money,
        .quote = a->quote,
        .market = {desk->rates, subtract_age(a->now, desk->rate_age_max)},
        .day_ends_at = a->signal->has_time_in_force ? day_end(seat->account, a->now) : 0,
    };
    size_t n = decide_signal(&in, results);
    for (size_t i = 0; i < n; i++) {
        const struct turn turn = {.seat = seat,
                                  .signal = in.signal,
                                  .now = a->now,
                                  .everything = a->everything,
                                  .result = &results[i]};
        desk->decided[(unsigned)results[i].reason % REASONS_MAX]++;
        a->visit(a->arg, &turn);
    }
}

static bool subscribes_symbol(const Subscription *s, const char *symbol) {
    for (size_t i = 0; i < s->n_symbols; i++) {
        if (strcmp(s->symbols[i], symbol) == 0) return true;
    }
    return s->n_symbols == 0;
}

// A signal for all symbols is one for each in which the account has something open or under way, as
// far as the subscription takes them. The symbols are listed first: what becomes of one may add to
// the account.
static void decide_for_all(struct ask *a, struct desk *self, const struct seat *seat) {
    const char *symbols[ALL_SYMBOLS_MOST];
    const Signal *whole = a->signal;
    size_t n = 0;
    for (const struct holding *h = seat->held->holdings; h && n < ALL_SYMBOLS_MOST; h = h->next) {
        if (!holding_is_empty(h) && subscribes_symbol(seat->subscription, h->symbol))
            symbols[n++] = h->symbol;
    }
    for (size_t i = 0; i < n; i++) {
        Signal one = *whole;
        one.symbol = (char *)symbols[i];
        look_up(seat->venue, &one);
        set_ask_signal(a, self, &one);
        a->everything = true;
        decide_for(a, seat);
    }
    set_ask_signal(a, self, whole);
    a->everything = false;
    if (!n) decide_for(a, seat);
}

// A sender names an earlier signal by the id that it gave it, which is not the signal_id where that
// was scoped; or by the signal_id.
static const char *target_of(const struct desk *self, const struct seats *seats,
                             const Signal *signal, char scoped[static SIGNAL_ID_TEXT]) {
    char trade_id[ID_TEXT];
    signal_id_scoped(signal->source, signal->target_signal_id, scoped);
    for (size_t i = 0; i < seats->count; i++) {
        trade_id_of(&(struct leg_id){scoped, &seats->items[i], "", NULL}, trade_id);
        if (accounts_trade(self->accounts, trade_id)) return scoped;
    }
    return signal->target_signal_id;
}

size_t desk_fan_out(struct desk *self, const Signal *sent, uint64_t now, turn_fn *visit,
                    void *arg) {
    const struct seats *seats = seats_of(self, sent->source);
    const Signal *signal = sent;
    char scoped[SIGNAL_ID_TEXT];
    Signal resolved;
    if (sent->target_signal_id) {
        resolved = *sent;
        resolved.target_signal_id = (char *)(uintptr_t)target_of(self, seats, sent, scoped);
        signal = &resolved;
    }
    struct ask ask = {.desk = self, .now = now, .visit = visit, .arg = arg};
    uint64_t fan_out = ++self->fan_outs;
    ask.source = risks_source(self->risks, signal->source);
    set_ask_signal(&ask, self, signal);
    for (size_t i = 0; i < seats->count; i++) {
        struct venue *venue = seats->items[i].venue;
        if (venue->fan_out != fan_out) look_up(venue, signal);
        venue->fan_out = fan_out;
        if (decide_is_for_all(signal))
            decide_for_all(&ask, self, &seats->items[i]);
        else
            decide_for(&ask, &seats->items[i]);
    }
    return seats->count;
}
