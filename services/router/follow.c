// follow - what became of the orders, what accounts have, what symbols cost.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/decimal.h"
#include "common/delivery/envelope.h"
#include "common/delivery/topology.h"
#include "services/router/accounts/locks.h"
#include "services/router/router.h"
#include "services/router/slice.h"

#define PRICES_MOST 2000 // taken at once

// --- prices: the latest value wins, so nothing is committed for them

void router_price(void *self, const Price *price) {
    rates_take(((struct router *)self)->desk.rates, price);
}

static err_t handle_router_prices(void *arg, batch_t *batch) {
    struct router *self = arg;
    struct parcel p;
    struct envelope e;
    for (unsigned n = 0; n < PRICES_MOST && port_receive(self->prices, &p); n++) {
        if (strcmp(p.topic, FEED_PRICES) != 0 || envelope_read(p.topic, p.frame, &e) ||
            strcmp(e.type, price__descriptor.name) != 0)
            continue;
        const ProtobufCMessage *m = envelope_open(&e, batch_arena(batch));
        if (m) router_price(self, (const Price *)m);
    }
    return ERR_OK;
}

err_t follow_open(void *arg, reactor_t *reactor) {
    struct router *self = arg;
    struct endpoint prices = endpoint_of(self->context->run_dir, "ingest", "events");
    self->prices = transport_connect(self->context->transport, PORT_SUB, &prices, PRICES_MOST);
    if (!self->prices || !port_subscribe(self->prices, FEED_PRICES)) return ERR_SYSTEM;
    reactor_add_port(reactor, self->prices, handle_router_prices, INTAKE_DRAIN);
    return ERR_OK;
}

// --- trades

// What it will hold. A close of everything takes all that is open now; one of so many lots, of the
// side that it names or that prevails.
static struct stake stake_of_order(const Order *o, const struct holding *h) {
    __int128 longs = h ? h->longs : 0, shorts = h ? h->shorts : 0;
    struct stake s = {.closing = o->direction == SIGNAL__DIRECTION__close,
                      .is_short = o->direction == SIGNAL__DIRECTION__sell};
    s.resting = o->terms->order_type != SIGNAL__ORDER_TYPE__market;
    if (s.closing)
        s.is_short = o->terms->has_close_side ? o->terms->close_side == SIGNAL__DIRECTION__sell
                                              : shorts > longs;
    if (!s.closing || o->terms->has_lot_size) {
        s.rest = o->terms->lot_size;
        return s;
    }
    s.rest = decimal_nearest(s.is_short ? shorts : longs);
    if (!o->terms->has_close_side) s.other = decimal_nearest(s.is_short ? longs : shorts);
    return s;
}

// Not when it ended before its order was decided again (after a rollback). A close of everything is
// not written down: asked for twice it comes to the same. A partial one is.
void follow_order(struct router *self, batch_t *batch, const Order *o, struct account *account) {
    accounts_t *accounts = self->desk.accounts;
    // mostly there are none
    bool ended =
        guard_count(self->ended) && guard_find(self->ended, digest_text(o->trade_id), NULL);
    if (ended || accounts_trade(accounts, o->trade_id)) return;
    const char *symbol = accounts_symbol(accounts, o->symbol);
    const struct stake stake = stake_of_order(o, account_holding(account, symbol));
    (void)accounts_hold(accounts, o->trade_id, account, symbol, &stake);
    if (!stake.closing || o->terms->has_lot_size)
        router_slice_trade(batch, o->trade_id, accounts_trade(accounts, o->trade_id));
}

// It is over. When it was not known here, and neither is its signal, its order may be decided
// again: that must not count it.
static err_t trade_over(struct router *self, batch_t *batch, const TradeState *t) {
    const struct trade *known = accounts_trade(self->desk.accounts, t->trade_id);
    if (known && known->kept) slice_over(batch, t->account_id, t->trade_id);
    if (accounts_drop(self->desk.accounts, t->trade_id)) return ERR_OK;
    bool again = t->signal_at + GUARD_FOR > batch_now(batch) &&
                 !guard_find(self->routed, digest_text(t->signal_id), NULL);
    return !again || guard_put(self->ended, batch, digest_text(t->trade_id), 0) ? ERR_OK : ERR_BUSY;
}

// Evidence counts, not memory: after a rollback of Redis a trade may be heard of whose order is
// decided again later, or never. What is filled is not written here: the executor's records have
// it.
err_t router_handle_execution(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct router *self = arg;
    accounts_t *accounts = self->desk.accounts;
    const TradeState *t = ((const Execution *)body)->trade;
    const struct stake stake = stake_of(t);
    if (stake.closing ? !trade_may_fill(t) : !trade_is_open(t)) return trade_over(self, batch, t);
    bool is_new = accounts_hold(accounts, t->trade_id, router_accounts_get(accounts, t->account_id),
                                accounts_symbol(accounts, t->symbol), &stake);
    bool ended = !trade_may_fill(t) && t->state != TRADE_STATE__STATE__filled; // its record expires
    if ((is_new || ended) && !stake.closing)
        router_slice_trade(batch, t->trade_id, accounts_trade(accounts, t->trade_id));
    return ERR_OK;
}

// --- accounts

err_t router_handle_account(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct router *self = arg;
    const AccountState *s = (const AccountState *)body;
    account_take(router_accounts_get(self->desk.accounts, s->account_id), s);
    locks_told(self, batch, s);
    return ERR_OK;
}
