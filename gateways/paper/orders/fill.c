// fill - executions, exact: pieces, prices, charges, positions.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "gateways/paper/ledger/closed.h"
#include "gateways/paper/ledger/money.h"
#include "gateways/paper/ledger/netting.h"
#include "gateways/paper/paper.h"

bool paper_side_price(const struct symbol *s, int leg, decimal_t *out) {
    if (!s->quote->known) return false;
    *out = leg == LONG ? s->quote->ask : s->quote->bid;
    return true;
}

// The feed's price; without one what the order itself says.
static bool base_price(const struct order *o, decimal_t *out) {
    if (!paper_side_price(o->symbol, order_leg(o), out))
        *out = o->expected.e8 ? o->expected : o->price;
    if (order_is_limit(o)) { // never worse than its limit
        decimal_t limit = order_level(o);
        bool worse = order_leg(o) == LONG ? out->e8 > limit.e8 : out->e8 < limit.e8;
        if (worse) *out = limit;
    }
    return out->e8 > 0;
}

// Slippage is whole points, even within the bound on both sides.
static bool execution_price(const paper_t *self, const struct order *o, decimal_t *out) {
    if (!base_price(o, out)) return false;
    int64_t point = market_point(o->symbol).e8, most = self->settings->slippage / point;
    if (most <= 0 || order_is_limit(o)) return true;
    struct chance c = paper_chance(self, o);
    int64_t points = (int64_t)chance_up_to(&c, ASK_SLIPPAGE, o->fills, 2 * (uint64_t)most) - most;
    if (out->e8 + points * point > 0) out->e8 += points * point;
    return true;
}

// A step or more for each piece that is still to come, this one by chance, the last one all that is
// left.
static decimal_t piece_of(const paper_t *self, const struct order *o) {
    int64_t left = o->lots.e8 - o->filled.e8, step = o->symbol->lot_step.e8, steps = left / step;
    if (o->pieces_left <= 1 || steps <= (int64_t)o->pieces_left)
        return D(o->pieces_left <= 1 || steps < 2 ? left : step);
    struct chance c = paper_chance(self, o);
    uint64_t spare = (uint64_t)(steps - (int64_t)o->pieces_left);
    return D(step * (1 + (int64_t)chance_up_to(&c, ASK_PIECE, o->fills, spare)));
}

// --- a closing order ---

// The position, if this order may take from it.
static struct order *position_for(paper_t *self, const struct order *o, const struct reduction *r) {
    struct order *position = paper_live(self, r->trade_id);
    bool fits = position && position->account == o->account && position->symbol == o->symbol &&
                position->side != o->side;
    return fits && position->open.e8 && r->lots.e8 > 0 ? position : NULL;
}

// A netting account's one position, if this order is of the other side: it reduces that, whichever
// trades it names.
static struct order *net_against(const struct order *o) {
    struct order *net = o->account->netting ? account_net(o->account, o->symbol) : NULL;
    return net && net->side != o->side ? net : NULL;
}

static int64_t closable(paper_t *self, const struct order *o) {
    int64_t sum = 0;
    if (o->account->netting) return net_against(o) ? net_against(o)->open.e8 : 0;
    for (size_t i = 0; i < o->n_closes; i++) {
        const struct order *position = position_for(self, o, &o->closes[i]);
        if (position) sum += decimal_min(position->open, o->closes[i].lots).e8;
    }
    return sum;
}

// Takes lots off a position; returns what that realised. Whose lots those were is closed_add's and
// netting_divide's to say.
static decimal_t realise(paper_t *self, struct order *position, decimal_t lots, decimal_t price) {
    int leg = order_leg(position);
    decimal_t gain = money_profit(&self->market, position->account, position->symbol,
                                  (struct passage){leg, position->average, price, lots});
    account_expose(position->account, position->symbol, leg, position->average, decimal_neg(lots));
    position->open.e8 -= lots.e8;
    account_add(&position->account->balance, gain);
    account_add(&position->account->realised, gain);
    if (!position->open.e8 && position->account->netting)
        account_carry(position->account, position->symbol, NULL);
    paper_touch(self, position, true);
    paper_touch_account(self, position->account);
    paper_link_order(self, position);
    return gain;
}

static void reduce(paper_t *self, struct order *position, decimal_t lots, decimal_t price,
                   struct closed *closed) {
    closed_add(self, closed, position, lots, realise(self, position, lots, price));
}

// The same of a netting account's one position: at its average price, whichever of the orders in it
// give their lots.
static void reduce_net(paper_t *self, struct order *net, struct reduction *named, size_t n,
                       decimal_t lots, decimal_t price, struct closed *closed) {
    decimal_t gain = realise(self, net, lots, price);
    netting_divide(self, net, named, n, lots, gain, closed);
    paper_link_order(self, net); // nothing may be left of it now
}

// Takes lots off the positions in their order; returns how many were there.
static decimal_t close_piece(paper_t *self, struct order *o, decimal_t piece, decimal_t price,
                             struct closed *closed) {
    decimal_t left = piece;
    struct order *net = net_against(o);
    if (o->account->netting) {
        decimal_t lots = net ? decimal_min(piece, net->open) : D(0);
        if (lots.e8) reduce_net(self, net, o->closes, o->n_closes, lots, price, closed);
        return lots;
    }
    for (size_t i = 0; i < o->n_closes && left.e8; i++) {
        struct reduction *r = &o->closes[i];
        struct order *position = position_for(self, o, r);
        if (!position) continue;
        decimal_t lots = decimal_min(left, decimal_min(position->open, r->lots));
        reduce(self, position, lots, price, closed);
        r->lots.e8 -= lots.e8;
        left.e8 -= lots.e8;
    }
    return D(piece.e8 - left.e8);
}

// --- an opening order ---

static void open_piece(struct order *o, decimal_t piece, decimal_t price) {
    int leg = order_leg(o);
    decimal_t average = price;
    if (o->open.e8 && !decimal_mean(o->average, o->open, price, piece, &average)) average = price;
    account_expose(o->account, o->symbol, leg, o->average, decimal_neg(o->open));
    o->average = average;
    o->open.e8 += piece.e8;
    account_expose(o->account, o->symbol, leg, o->average, o->open);
}

// Netting account: it adds to the one position, or becomes it, and its stop loss and take profit,
// where the order has some, become the position's.
void paper_open(paper_t *self, struct order *o, decimal_t lots, decimal_t price) {
    struct order *net = o->account->netting ? account_net(o->account, o->symbol) : o;
    if (!net) account_carry(o->account, o->symbol, net = o);
    open_piece(net, lots, price);
    if (o->account->netting) netting_attribute(o, lots);
    if (net == o) return;
    if (o->stop_loss.e8) net->stop_loss = o->stop_loss;
    if (o->take_profit.e8) net->take_profit = o->take_profit;
    paper_touch(self, net, true);
    paper_link_order(self, net);
}

// Netting account: what is open on the other side is closed first; the rest opens.
static void net_piece(paper_t *self, struct order *o, decimal_t piece, decimal_t price,
                      struct closed *closed) {
    struct order *against = net_against(o);
    decimal_t lots = against ? decimal_min(piece, against->open) : D(0),
              left = D(piece.e8 - lots.e8);
    if (lots.e8) reduce_net(self, against, NULL, 0, lots, price, closed);
    bool carries = account_net(o->account, o->symbol) == o;
    if (!carries &&
        (!o->filled.e8 || !decimal_mean(o->average, o->filled, price, piece, &o->average)))
        o->average = price;
    if (left.e8) paper_open(self, o, left, price);
}

// What an opening order adds to the margin: what it takes off a netting account's position gives
// some back.
static decimal_t margin_of(const struct market *m, const struct order *o, decimal_t price) {
    const struct order *against = net_against(o);
    decimal_t left = D(o->lots.e8 - o->filled.e8),
              closed = against ? decimal_min(left, against->open) : D(0);
    decimal_t more = money_margin(m, o->account, o->symbol, price, D(left.e8 - closed.e8));
    if (!closed.e8) return more;
    return D(more.e8 - money_margin(m, o->account, o->symbol, against->average, closed).e8);
}

const char *paper_hindrance(paper_t *self, const struct order *o) {
    decimal_t price;
    if (o->n_closes && !closable(self, o)) return "no_position";
    if (!execution_price(self, o, &price)) return "no_price";
    const char *lacks = money_lacks(&self->market, o->account, o->symbol, price, o->n_closes != 0);
    if (lacks) return lacks;
    if (o->n_closes || !self->settings->check_margin || o->state != TRADE_STATE__STATE__working)
        return NULL;
    decimal_t more = margin_of(&self->market, o, price);
    return more.e8 <= 0 ? NULL : money_refuses(&self->market, o->account, more);
}

// --- both ---

static void charge(const paper_t *self, struct order *o, decimal_t lots, Fill *fill) {
    decimal_t commission =
        account_amount(account_value(D(self->settings->commission), lots), DECIMAL_INT(1));
    decimal_t fee = D(self->settings->fee);
    struct account *a = o->account;
    fill->has_commission = fill->has_fees = true;
    fill->commission = commission.e8;
    fill->fees = fee.e8;
    account_add(&o->commission, commission);
    account_add(&o->fees, fee);
    account_add(&a->commission, commission);
    account_add(&a->fees, fee);
    account_add(&a->balance, decimal_neg(commission));
    account_add(&a->balance, decimal_neg(fee));
}

static void name_fill(struct order *o, Fill *fill, char id[static 40]) {
    (void)snprintf(id, 40, "%016llx-%u", (unsigned long long)o->ticket, ++o->fills);
    fill->execution_id = id;
}

static void fill_piece(paper_t *self, struct order *o, decimal_t piece, decimal_t price) {
    Fill fill = FILL__INIT;
    struct closed closed = {0};
    char id[40];
    if (o->n_closes) {
        piece = close_piece(self, o, piece, price, &closed);
        account_add(&o->pnl, closed.pnl);
        if (!o->filled.e8 || !decimal_mean(o->average, o->filled, price, piece, &o->average))
            o->average = price;
    } else if (o->account->netting) {
        net_piece(self, o, piece, price, &closed);
    } else {
        paper_open(self, o, piece, price);
    }
    closed_list(self, &closed, &fill);
    fill.has_net = fill.net = o->account->netting;
    fill.lots = piece.e8;
    fill.price = price.e8;
    fill.executed_at = self->context->now;
    fill.has_received_at = true;
    fill.received_at = o->received_at;
    charge(self, o, piece, &fill);
    name_fill(o, &fill, id);
    o->filled.e8 += piece.e8;
    o->executions = o->acceptances;
    o->pieces_left--;
    o->state = o->filled.e8 == o->lots.e8 ? TRADE_STATE__STATE__filled
                                          : TRADE_STATE__STATE__partially_filled;
    if (o->state == TRADE_STATE__STATE__filled) o->pieces_left = 0;
    paper_remember(self, o, &fill, false);
    closed_remember(self, &closed, &fill, o);
    paper_report(self, o, REPORT__KIND__filled, NULL, &fill);
}

// A closing order whose positions are gone (a stop loss came first) ends with what it got.
static bool piece_is_there(paper_t *self, struct order *o, decimal_t *piece) {
    *piece = piece_of(self, o);
    if (!o->n_closes) return true;
    int64_t most = closable(self, o);
    if (piece->e8 > most) *piece = D(most);
    return most > 0;
}

void paper_fill(paper_t *self, struct order *o) {
    decimal_t piece, price;
    paper_touch(self, o, true);
    paper_touch_account(self, o->account);
    o->due_at = 0;
    const char *why = paper_hindrance(self, o);
    while (!why && o->pieces_left) {
        if (!execution_price(self, o, &price) || !piece_is_there(self, o, &piece)) break;
        fill_piece(self, o, piece, price);
        if (o->pieces_left && self->settings->partial_gap) {
            paper_at(self, o,
                     self->context->now + (uint64_t)self->settings->partial_gap * NS_PER_MS);
            return;
        }
    }
    if (o->filled.e8 == o->lots.e8) {
        o->silent = false;
        paper_link_order(self, o);
    } else {
        paper_end(self, o, o->filled.e8 ? REPORT__KIND__cancelled : REPORT__KIND__rejected,
                  why ? why : "no_position");
    }
}

// A stop-limit order works as a limit order from then on.
void paper_reached(paper_t *self, struct order *o) {
    decimal_t level;
    const char *reason;
    if (o->type == SIGNAL__ORDER_TYPE__stop_limit && !o->triggered) {
        o->triggered = true;
        paper_touch(self, o, true);
        paper_link_order(self, o);
        if (!order_triggers(o, &level, &reason) || reason) return;
    }
    paper_fill(self, o);
}

// A second order under an id (duplicate_check=none) that is rejected leaves the first one as it
// was.
static TradeState__State end_of(struct order *o, Report__Kind kind) {
    if (kind == REPORT__KIND__expired) return TRADE_STATE__STATE__expired;
    if (kind == REPORT__KIND__cancelled) return TRADE_STATE__STATE__cancelled;
    if (!o->filled.e8) return TRADE_STATE__STATE__rejected;
    o->lots = o->filled;
    return order_position(o).e8 || o->n_closes ? TRADE_STATE__STATE__filled
                                               : TRADE_STATE__STATE__closed;
}

void paper_end(paper_t *self, struct order *o, Report__Kind kind, const char *reason) {
    o->state = end_of(o, kind);
    o->pieces_left = 0;
    o->due_at = 0;
    o->latent = false;
    order_because(o, reason);
    paper_touch(self, o, true);
    paper_report(self, o, kind, reason, NULL);
    o->silent = false;
    paper_link_order(self, o);
}

// A netting account's position is closed as a whole or, by hand, in part: the lots are this order's
// first. Reported under the order that carries it, if some of them are its own.
void paper_close_position(paper_t *self, struct order *o, decimal_t lots, decimal_t price,
                          const char *reason) {
    Fill fill = FILL__INIT;
    struct closed closed = {0};
    struct reduction first = {o->trade_id, lots};
    char id[40];
    if (o->account->netting)
        reduce_net(self, account_net(o->account, o->symbol), &first, 1, lots, price, &closed);
    else
        reduce(self, o, lots, price, &closed);
    o = closed_foremost(&closed);
    fill.lots = lots.e8;
    fill.price = price.e8;
    fill.executed_at = self->context->now;
    fill.has_net = fill.net = o->account->netting;
    closed_list(self, &closed, &fill);
    charge(self, o, lots, &fill);
    name_fill(o, &fill, id);
    order_because(o, reason);
    closed_remember(self, &closed, &fill, o);
    paper_report(self, o, REPORT__KIND__position_closed, reason, &fill);
}
