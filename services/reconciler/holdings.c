// holdings - what we believe the brokers hold, against what they say they hold.
// SPDX-License-Identifier: MIT
#include "services/reconciler/holdings.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/buffer.h"
#include "common/base/hash.h"
#include "common/base/table.h"
#include "common/domain/trade.h"
#include "services/reconciler/compare.h"

#define CONSECUTIVE 2 // snapshots

// By trade_id, within its account.
struct held {
    uint64_t updated_at; // UTC ns
    uint64_t symbol;     // of the broker's name of it
    uint32_t round;      // the last snapshot that lists it
    uint8_t missing;     // consecutive snapshots that do not
    bool expected;       // false: it may be there or not
    bool position;       // nothing more will be filled: what is left is a position
};

struct account {
    table_t *held;
    uint64_t taken_at; // of the last snapshot
    uint32_t round;
    table_t *suspects; // what the last snapshot listed and nothing explained
    UT_hash_handle hh;
    char id[];
};

struct holdings {
    struct account *accounts;
};

holdings_t *holdings_new(void) { return alloc_zeroed(1, sizeof(holdings_t)); }

void holdings_destroy(holdings_t **self) {
    if (!*self) return;
    struct account *a, *next;
    HASH_ITER(hh, (*self)->accounts, a, next) {
        HASH_DEL((*self)->accounts, a);
        table_destroy(&a->held);
        table_destroy(&a->suspects);
        free(a);
    }
    free(*self);
    *self = NULL;
}

static struct account *account_get(holdings_t *self, const char *account_id) {
    struct account *a;
    HASH_FIND_STR(self->accounts, account_id, a);
    if (a) return a;
    size_t length = strlen(account_id) + 1;
    a = alloc_zeroed(1, sizeof *a + length);
    memcpy(a->id, account_id, length);
    a->held = table_new(sizeof(struct held));
    a->suspects = table_new(0);
    HASH_ADD_STR(self->accounts, id, a);
    return a;
}

// --- what a trade's state says about the broker

enum presence { ABSENT, POSSIBLE, EXPECTED };

static bool has_open_position(const TradeState *t) {
    // absent: 0
    return !trade_is_closing(t) && t->filled_lots > t->closed_lots + t->netted_lots;
}

static enum presence presence_of(const TradeState *t) {
    switch (t->state) {
    case TRADE_STATE__STATE__working:
    case TRADE_STATE__STATE__partially_filled:
        return trade_is_closing(t) ? POSSIBLE : EXPECTED;
    case TRADE_STATE__STATE__pending:
    case TRADE_STATE__STATE__submitting:
    case TRADE_STATE__STATE__unknown:
        return POSSIBLE;
    case TRADE_STATE__STATE__filled:
    case TRADE_STATE__STATE__rejected:
    case TRADE_STATE__STATE__cancelled:
    case TRADE_STATE__STATE__expired:
        return has_open_position(t) ? EXPECTED : ABSENT;
    case TRADE_STATE__STATE__closed:
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return ABSENT;
    }
    return ABSENT;
}

static uint64_t symbol_of(const char *broker_symbol) {
    return broker_symbol ? digest_u64(broker_symbol, strlen(broker_symbol)) : 0;
}

bool holdings_take(holdings_t *self, const TradeState *t) {
    struct account *a = account_get(self, t->account_id);
    struct digest key = table_key(t->trade_id);
    enum presence presence = presence_of(t);
    if (presence == ABSENT) {
        (void)table_drop(a->held, key);
        return false;
    }
    struct held *h = table_find(a->held, key);
    if (!h && presence == POSSIBLE) return false; // as long as it is on its way, that explains it
    if (!h) h = table_add(a->held, key);
    bool had = h->position;
    h->updated_at = t->updated_at;
    h->symbol = symbol_of(t->broker_symbol);
    h->missing = 0;
    h->expected = presence == EXPECTED;
    h->position = h->expected && state_is_final(t->state);
    return h->position && !had;
}

// --- the broker's list

static struct digest digest_of_holding(const Holding *h) {
    buffer_t text = {0};
    buffer_format(&text, "%d %s %s %s %d", (int)h->kind, h->trade_id ? h->trade_id : "",
                  h->broker_order_id ? h->broker_order_id : "", h->broker_symbol, (int)h->side);
    struct digest d = digest_of(text.data, text.length);
    buffer_destroy(&text);
    return d;
}

// A netting account's one position in a symbol is that of every trade of ours there, whether the
// broker lists it as one, under the order that carries it, or divided over the orders that it is
// made of.
// False: there is none.
static bool see_net(struct account *a, const Holding *h) {
    uint64_t symbol = symbol_of(h->broker_symbol);
    struct held *named = h->trade_id ? table_find(a->held, table_key(h->trade_id)) : NULL;
    if (named && named->position && named->symbol == symbol && named->round == a->round)
        return true; // another part of it has marked them all
    struct digest key;
    size_t cursor = 0;
    bool any = false;
    for (struct held *held; (held = table_next(a->held, &cursor, &key));) {
        if (!held->position || held->symbol != symbol) continue;
        held->round = a->round;
        any = true;
    }
    return any;
}

// Marks a holding of ours as seen.
static bool is_explained(struct account *a, const Holding *h,
                         const struct holdings_visitor *visitor) {
    if (h->has_net && h->net && see_net(a, h)) return true;
    if (!h->trade_id) return false;
    struct held *held = table_find(a->held, table_key(h->trade_id));
    if (held) held->round = a->round;
    return held || visitor->explains(visitor->arg, h->trade_id);
}

static void look_for_strangers(struct account *a, const BrokerSnapshot *s,
                               const struct holdings_visitor *visitor) {
    table_t *strangers = table_new(0);
    for (size_t i = 0; i < s->n_holdings; i++) {
        if (is_explained(a, s->holdings[i], visitor)) continue;
        struct digest d = digest_of_holding(s->holdings[i]);
        if (table_find(a->suspects, d)) visitor->unexplained(visitor->arg, s, s->holdings[i]);
        (void)table_add(strangers, d);
    }
    table_destroy(&a->suspects);
    a->suspects = strangers;
}

static void look_for_missing(struct account *a, const BrokerSnapshot *s,
                             const struct holdings_visitor *visitor) {
    struct digest key;
    size_t cursor = 0;
    for (struct held *h; (h = table_next(a->held, &cursor, &key));) {
        if (h->round == a->round) h->missing = 0;
        if (h->round == a->round || !h->expected || h->updated_at >= s->taken_at) continue;
        if (h->missing < CONSECUTIVE) h->missing++;
        if (h->missing < CONSECUTIVE) continue;
        char trade_id[ID_TEXT];
        table_key_print(key, trade_id);
        visitor->missing(visitor->arg, s, trade_id);
    }
}

void holdings_compare(holdings_t *self, const BrokerSnapshot *s,
                      const struct holdings_visitor *visitor) {
    struct account *a = account_get(self, s->account_id);
    if (s->taken_at <= a->taken_at) return;
    a->taken_at = s->taken_at;
    a->round++;
    look_for_strangers(a, s, visitor);
    look_for_missing(a, s, visitor);
}
