// change - what is asked of an order that is there: cancel it, move its stop loss, take profit and
// price.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "gateways/paper/paper.h"

// What of a known order this account may see. NULL: as if it were not there.
static struct order *own_order(paper_t *self, const char *trade_id, const char *account_id) {
    struct order *o = paper_order(self, trade_id);
    return o && !o->forgotten && !o->latent && !o->orphan && strcmp(o->account->id, account_id) == 0
               ? o
               : NULL;
}

// There is no order to hang the refusal on: one that is never written down.
static void refuse_unknown(paper_t *self, const char *trade_id, const char *account_id) {
    struct order *o = order_new(trade_id);
    o->account = account_find(&self->accounts, account_id);
    paper_report(self, o, REPORT__KIND__cancel_rejected, "unknown_order", NULL);
    order_free(o);
}

void paper_cancel(paper_t *self, const CancelOrder *m) {
    struct order *o = own_order(self, m->trade_id, m->account_id);
    if (!o)
        refuse_unknown(self, m->trade_id, m->account_id);
    else if (!o->pieces_left)
        paper_report(self, o, REPORT__KIND__cancel_rejected, "not_open", NULL);
    else
        paper_end(self, o, REPORT__KIND__cancelled, "cancelled");
}

// Whose stop loss and take profit are meant: a netting account's one position carries them for all
// trades of its side.
static struct order *position_of(struct order *o) {
    if (!o->account->netting || o->pieces_left) return o;
    struct order *net = account_net(o->account, o->symbol);
    return net && net->side == o->side ? net : NULL;
}

// A stop loss or take profit that the market has reached already is refused, as brokers do.
static bool stops_are_wrong(const struct order *o, const Amendment *m) {
    const struct quote *q = o->symbol->quote;
    if (!o->open.e8 || !q->known) return false;
    bool is_long = order_leg(o) == LONG;
    int64_t out = is_long ? q->bid.e8 : q->ask.e8;
    bool stop =
        m->has_stop_loss && m->stop_loss && (is_long ? m->stop_loss >= out : m->stop_loss <= out);
    bool profit = m->has_take_profit && m->take_profit &&
                  (is_long ? m->take_profit <= out : m->take_profit >= out);
    return stop || profit;
}

static const char *change_is_wrong(const struct order *o, const struct order *position,
                                   const Amendment *m) {
    if (!position || !order_is_live(position)) return "not_open";
    if (m->stop_loss < 0 || m->take_profit < 0) return "invalid_price";
    if ((m->has_price || m->has_limit_price) && !order_is_resting(o)) return "not_resting";
    if (m->has_price && (m->price <= 0 || o->triggered)) return "invalid_price";
    if (m->has_limit_price && (m->limit_price <= 0 || o->type != SIGNAL__ORDER_TYPE__stop_limit))
        return "invalid_price";
    return stops_are_wrong(position, m) ? "invalid_stops" : NULL;
}

// A field that is not there stays as it is; 0 takes it away. All or nothing.
static void change(paper_t *self, struct order *o, struct order *position, const ModifyOrder *m) {
    const Amendment *a = m->amendment;
    decimal_t level;
    const char *reason;
    if (a->has_stop_loss) position->stop_loss = D(a->stop_loss);
    if (a->has_take_profit) position->take_profit = D(a->take_profit);
    if (a->has_price) o->price = D(a->price);
    if (a->has_limit_price) o->limit = D(a->limit_price);
    paper_touch(self, position, true);
    paper_touch(self, o, true);
    paper_link_order(self, position);
    paper_link_order(self, o);
    paper_report_change(self, o, NULL, m);
    bool moved = a->has_price || a->has_limit_price;
    if (moved && order_triggers(o, &level, &reason) && !reason) paper_reached(self, o);
}

static void refuse_change_of_unknown(paper_t *self, const ModifyOrder *m) {
    struct order *o = order_new(m->trade_id);
    o->account = account_find(&self->accounts, m->account_id);
    paper_report_change(self, o, "unknown_order", m);
    order_free(o);
}

void paper_modify(paper_t *self, const ModifyOrder *m) {
    struct order *o = own_order(self, m->trade_id, m->account_id);
    if (!o) {
        refuse_change_of_unknown(self, m);
        return;
    }
    struct order *position = position_of(o);
    const char *why = change_is_wrong(o, position, m->amendment);
    if (why)
        paper_report_change(self, o, why, m);
    else
        change(self, o, position, m);
}
