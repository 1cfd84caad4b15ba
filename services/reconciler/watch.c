// watch - what is missing: answers, routings, explanations.
// SPDX-License-Identifier: MIT
#include "services/reconciler/watch.h"

#include "services/reconciler/slice.h"
#include "services/reconciler/verdict.h"

#define ANSWER_PRESET_MS UINT64_C(10000) // of an account or broker that is not configured any more
#define DOUBLINGS_MOST   5
#define PATIENCE         3 // questions until it is an incident

static void ask_for_status(struct reconciler *self, batch_t *batch, const char *trade_id,
                           const char *account_id) {
    StatusQuery q = STATUS_QUERY__INIT;
    q.trade_id = (char *)trade_id;
    q.account_id = (char *)account_id;
    q.asked_at = batch_now(batch);
    self->asks_left--;
    batch_emit(batch, TOPIC_outcomes, 0, &q.base);
}

// --- answers

static uint64_t answer_within(const struct reconciler *self, const char *account_id) {
    const AccountConfig *account = book_account(self->context->book, account_id);
    const BrokerConfig *broker =
        account ? book_broker(self->context->book, account->broker_id) : NULL;
    return (broker ? broker->answer_within_ms : ANSWER_PRESET_MS) * NS_PER_MS;
}

// A limit or stop order that the broker works on may take its time; one that is held waits for the
// operator.
static bool may_take_its_time(const struct live_trade *t) {
    bool works = t->facts.state == TRADE_STATE__STATE__working ||
                 t->facts.state == TRADE_STATE__STATE__partially_filled;
    return t->held || (works && t->facts.order_type != SIGNAL__ORDER_TYPE__market);
}

static bool is_overdue(const struct reconciler *self, struct live_trade *t, uint64_t now) {
    if (t->status != TRADE_RECONCILIATION__STATUS__pending || may_take_its_time(t)) return false;
    // an order that a rollback may have taken back
    if (!t->signal->routed && !t->evidence) return false;
    if (!t->ask_at)
        t->ask_at = (t->ordered_at ? t->ordered_at : now) + answer_within(self, t->account_id);
    return now >= t->ask_at;
}

void watch_overdue(struct reconciler *self, batch_t *batch) {
    uint64_t now = batch_now(batch), every = (uint64_t)self->settings->ask_every_ms * NS_PER_MS;
    for (struct live_trade *t = self->live.trades; t && self->asks_left > 0; t = t->hh.next) {
        if (!is_overdue(self, t, now)) continue;
        ask_for_status(self, batch, t->id, t->account_id);
        t->ask_at = now + (every << (t->asks < DOUBLINGS_MOST ? t->asks : DOUBLINGS_MOST));
        if (++t->asks < PATIENCE) continue;
        batch_alert(batch, ALERT__SEVERITY__critical, "trade_without_answer", t->id,
                    "account %s, signal %s: the executor was asked %u times about this trade and "
                    "has no final answer",
                    t->account_id, t->signal->id, t->asks);
    }
}

// --- routings

static void drop_unexecuted(struct reconciler *self, struct live_signal *s) {
    for (struct live_trade *t = s->trades, *next; t; t = next) {
        next = t->next;
        if (!t->evidence) live_trade_drop(&self->live, t);
    }
}

static bool is_executed(const struct live_signal *s) {
    for (const struct live_trade *t = s->trades; t; t = t->next)
        if (t->facts.filled_lots.e8 > 0) return true;
    return false;
}

// Whether the archive has its outcome, and what is known here does not show another.
static bool is_archived(const struct reconciler *self, const struct live_signal *s) {
    uint64_t status = 0;
    if (!guard_find(self->done, digest_text(s->id), &status)) return false;
    return (status & ~DONE_RECALLED) != SIGNAL__STATUS__failed || !is_executed(s);
}

bool watch_drop_archived(struct reconciler *self, batch_t *batch, struct live_signal *s) {
    if (!is_archived(self, s)) return false;
    slice_complete(batch, s);
    live_signal_drop(&self->live, s);
    return true;
}

static void end_unrouted(struct reconciler *self, batch_t *batch, struct live_signal *s) {
    if (watch_drop_archived(self, batch, s)) return;
    batch_alert(batch, ALERT__SEVERITY__critical, "execution_without_routing", s->id,
                "%u trades were executed, but the router knows no such signal: it is completed "
                "from the executions",
                s->count);
    s->routed = true;
    (void)verdict_signal(self, batch, s);
}

// Orders without a routing were taken back by a rollback. What was executed is there all the same,
// and ends by what is known of it.
void watch_unrouted(struct reconciler *self, batch_t *batch) {
    uint64_t wait = (uint64_t)self->settings->evidence_wait_ms * NS_PER_MS;
    struct live_signal *s, *next;
    HASH_ITER(hh, self->live.signals, s, next) {
        if (s->routed || s->own || batch_now(batch) < s->seen_at + wait) continue;
        drop_unexecuted(self, s);
        if (!s->count)
            live_signal_drop(&self->live, s);
        else if (s->settled == s->count)
            end_unrouted(self, batch, s);
    }
}

// --- what brokers hold

// differences of one snapshot that get an alert of their own; the rest is counted in one
#define NAMED_MOST 5

struct listening {
    struct reconciler *reconciler;
    batch_t *batch;
    unsigned unexplained, missing; // in this snapshot
};

static bool explains_holding(void *arg, const char *trade_id) {
    const struct live_trade *t =
        live_trade_find(&((struct listening *)arg)->reconciler->live, trade_id);
    return t && t->status != TRADE_RECONCILIATION__STATUS__failed;
}

static void report_unexplained(void *arg, const BrokerSnapshot *s, const Holding *h) {
    struct listening *l = arg;
    if (l->unexplained++ >= NAMED_MOST) return;
    char lots[DECIMAL_TEXT];
    (void)decimal_print(D(h->lots), lots);
    const char *id = h->trade_id          ? h->trade_id
                     : h->broker_order_id ? h->broker_order_id
                                          : h->broker_symbol;
    const char *subject = arena_format(batch_arena(l->batch), "%s/%s", s->account_id, id);
    batch_alert(
        l->batch, ALERT__SEVERITY__critical, "unexplained_holding", subject,
        "%s says that account %s holds %s: %s %s lots of %s, order %s; no trade explains it",
        s->instance_id, s->account_id, h->kind == HOLDING__KIND__order ? "an order" : "a position",
        h->side == SIGNAL__DIRECTION__sell ? "sell" : "buy", lots, h->broker_symbol,
        h->broker_order_id ? h->broker_order_id : "without a number");
}

static void report_missing(void *arg, const BrokerSnapshot *s, const char *trade_id) {
    struct listening *l = arg;
    if (l->missing++ < NAMED_MOST)
        batch_alert(l->batch, ALERT__SEVERITY__critical, "missing_at_broker", trade_id,
                    "account %s: this trade is open, but %s does not list it; the executor is "
                    "asked about it",
                    s->account_id, s->instance_id);
    if (l->reconciler->asks_left > 0)
        ask_for_status(l->reconciler, l->batch, trade_id, s->account_id);
}

static void alert_counted(const struct listening *l, const BrokerSnapshot *s) {
    if (l->unexplained <= NAMED_MOST && l->missing <= NAMED_MOST) return;
    batch_alert(l->batch, ALERT__SEVERITY__critical, "holdings_differ", s->account_id,
                "account %s at %s: %u holdings that no trade explains, %u open trades that the "
                "broker does not list",
                s->account_id, s->instance_id, l->unexplained, l->missing);
}

void watch_snapshot(struct reconciler *self, batch_t *batch, const BrokerSnapshot *snapshot) {
    struct listening l = {.reconciler = self, .batch = batch};
    const struct holdings_visitor visitor = {&l, explains_holding, report_unexplained,
                                             report_missing};
    holdings_compare(self->holdings, snapshot, &visitor);
    alert_counted(&l, snapshot);
}
