// fill - executions: of an order, and of positions that it or the broker closes. Each counts once.
// SPDX-License-Identifier: MIT
#include "common/testing.h"
#include "services/executor/engine.h"
#include "services/executor/trade/fills.h"

#define T(name) TRADE_STATE__STATE__##name

static bool is_closing(const TradeState *s) { return s->direction == SIGNAL__DIRECTION__close; }

static void close_if_gone(struct executor *x, struct trade *t) {
    if (t->s->state != T(filled) || is_closing(t->s) || fills_open_lots(t->s).e8) return;
    (void)!engine_move(x, t, TRADE_CLOSE, NULL);
}

// The name under which an execution counts that took something off a position: it must not be taken for one of the order itself.
static char *closing_name(struct executor *x, const char *execution_id) {
    return arena_format(batch_arena(x->batch), "closed:%s", execution_id);
}

void fill_take_off(struct executor *x, const struct share *share, const Fill *f) {
    struct trade *opened = share->lots.e8 ? trades_find(x->trades, share->closing->trade_id) : NULL;
    char *name = opened ? closing_name(x, f->execution_id) : NULL;
    if (!opened || fills_is_counted(opened->s, name)) return;
    engine_count(x, opened, -1);
    fills_reduce(opened->s, share->lots, share->pnl, f);
    trade_add_execution(opened, name);
    opened->s->updated_at = batch_now(x->batch);
    engine_count(x, opened, 1);
    close_if_gone(x, opened);
    engine_changed(x, opened, NULL, NULL);
}

// What a closing trade executed comes off the positions it was to close, oldest first.
static void take_off_positions(struct executor *x, struct trade *t, const Fill *f) {
    size_t n = t->s->n_closes;
    if (!n) return;
    struct share *shares = arena_take(batch_arena(x->batch), n * sizeof *shares);
    fills_share_lots(t->s, D(t->s->filled_lots - f->lots), D(f->lots), shares);
    for (size_t i = 0; i < n; i++) {
        const struct trade *opened = trades_find(x->trades, shares[i].closing->trade_id);
        shares[i].entry = D(opened ? opened->s->average_price : f->price);
    }
    fills_share_pnl(shares, n, f);
    for (size_t i = 0; i < n; i++) fill_take_off(x, &shares[i], f);
}

static void tell_execution(struct executor *x, struct trade *t, const Fill *f) {
    char id[ID_TEXT];
    TradeResult result;
    ResultMetrics metrics;
    result_id_of(t->s->trade_id, f->execution_id, id);
    fills_result(t->s, f, id, &result);
    fills_metrics(t->s, f, id, batch_now(x->batch), &metrics);
    engine_changed(x, t, &result, &metrics);
}

static void say_over(struct executor *x, const struct trade *t, const Fill *f) {
    char lots[DECIMAL_TEXT], all[DECIMAL_TEXT];
    decimal_print(D(f->lots), lots);
    decimal_print(D(t->s->filled_lots), all);
    batch_alert(x->batch, ALERT__SEVERITY__critical, "overfilled", t->s->trade_id, "another %s lots make %s, more than was ordered", lots,
                all);
}

static bool refuse(struct executor *x, const struct trade *t, const Fill *f) {
    batch_alert(x->batch, ALERT__SEVERITY__critical, "bad_execution", t->s->trade_id, "execution %.64s has lots or a price that cannot be",
                f->execution_id);
    return false;
}

static bool add(struct executor *x, struct trade *t, const Fill *f, enum trade_event *event) {
    bool over = false;
    engine_count(x, t, -1);
    err_t e = fills_add(t->s, f, event, &over);
    if (!e) trade_add_execution(t, f->execution_id);
    engine_count(x, t, 1);
    if (e) return refuse(x, t, f);
    if (over) say_over(x, t, f);
    return true;
}

// Evidence beats decision: what was thought to be over, or never sent, has been executed.
static void say_overridden(struct executor *x, const struct trade *t, TradeState__State before) {
    batch_alert(x->batch, ALERT__SEVERITY__critical, "evidence_overrides", t->s->trade_id, "was %s, and the broker has executed it",
                record_enum_name(&trade_state__state__descriptor, (int)before));
}

void fill_order(struct executor *x, struct trade *t, const Fill *f) {
    enum trade_event event;
    TradeState__State before = t->s->state;
    bool was_over = trade_is_final(t->s) && before != T(filled);
    if (fills_is_counted(t->s, f->execution_id) || !add(x, t, f, &event)) return;
    trades_revive(x->trades, t); // others may be forgotten meanwhile
    if (t->waits) place_leave(x->accounts, t->place, t);
    (void)!engine_move(x, t, event, NULL);
    if (was_over) say_overridden(x, t, before);
    state_charge(x, t->s, f);
    if (f->has_net && f->net)
        netting_fill(x, t, f);
    else if (is_closing(t->s))
        take_off_positions(x, t, f);
    close_if_gone(x, t);
    tell_execution(x, t, f);
    if (wishes_are_open(t->s)) wishes_send(x, t);
    if (was_over && t->s->state == T(partially_filled)) resolve_ask(x, t); // what of the rest?
    FAILPOINT("executor.before_fill_commit");
}

static Signal__Direction opposite(const TradeState *s) {
    return s->side == SIGNAL__DIRECTION__sell ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell;
}

// The broker closed (part of) what this trade opened.
static void reduce_position(struct executor *x, struct trade *t, const Fill *f) {
    engine_count(x, t, -1);
    fills_reduce(t->s, D(f->lots), D(f->has_pnl ? f->pnl : 0), f);
    engine_count(x, t, 1);
}

void fill_position(struct executor *x, struct trade *t, const Fill *f) {
    char *name = closing_name(x, f->execution_id), id[ID_TEXT];
    if (fills_is_counted(t->s, name)) return;
    if (f->lots <= 0 || f->price <= 0) {
        (void)refuse(x, t, f);
        return;
    }
    t->pinned = true;
    if (f->has_net && f->net)
        netting_closed(x, t->place, t->s->side, f);
    else
        reduce_position(x, t, f);
    t->pinned = false;
    trades_revive(x->trades, t);
    fills_charge(t->s, f);
    if (!fills_is_counted(t->s, name)) trade_add_execution(t, name);
    t->s->updated_at = batch_now(x->batch);
    close_if_gone(x, t);
    TradeResult result;
    result_id_of(t->s->trade_id, name, id);
    fills_result(t->s, f, id, &result);
    result.direction = opposite(t->s);
    result.has_requested_price = result.has_slippage = false;
    state_charge(x, t->s, f);
    engine_changed(x, t, &result, NULL);
    FAILPOINT("executor.before_fill_commit");
}
