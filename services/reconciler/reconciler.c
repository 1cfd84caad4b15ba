// reconciler - compares what was ordered with what was executed, and reports complete signals.
// SPDX-License-Identifier: MIT
#include "services/reconciler/reconciler.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/domain/trade.h"
#include "common/schema/record.h"
#include "services/reconciler/progress.h"
#include "services/reconciler/slice.h"
#include "services/reconciler/sum.h"
#include "services/reconciler/verdict.h"
#include "services/reconciler/watch.h"

#define CHORES_EVERY NS_PER_S
#define AT(field)    offsetof(struct reconciler_settings, field)

static const struct option options[] = {
    {"guard_max", OPTION_INTEGER, AT(guard_max), "8000000",
     "Most signals remembered as complete (for 48 h); beyond, no more are accepted", 1000,
     INT32_MAX, NULL},
    {"ask_every", OPTION_DURATION, AT(ask_every_ms), "10s",
     "Time until the next question about an overdue trade; each time twice as long", 100, 3600000,
     NULL},
    {"asks_most", OPTION_INTEGER, AT(asks_most), "200", "Most questions a second, over all trades",
     1, 100000, NULL},
    {"evidence_wait", OPTION_DURATION, AT(evidence_wait_ms), "5m",
     "How long an execution waits for its signal's routing", 1000, 86400000, NULL},
    {0},
};

static void *reconciler_new(const struct context *context, const void *settings) {
    struct reconciler *self = alloc_zeroed(1, sizeof *self);
    self->context = context;
    self->settings = settings;
    self->done = guard_new(DONE_GUARD, (size_t)self->settings->guard_max);
    self->failed = guard_new(FAILED_GUARD, (size_t)self->settings->guard_max);
    self->holdings = holdings_new();
    self->asks_left = self->settings->asks_most;
    return self;
}

static void reconciler_destroy(void **arg) {
    struct reconciler *self = *arg;
    if (!self) return;
    live_clear(&self->live);
    guard_destroy(&self->done);
    guard_destroy(&self->failed);
    holdings_destroy(&self->holdings);
    free(self);
    *arg = NULL;
}

// --- what executions say

static void take_evidence(struct live_trade *trade, const TradeState *t) {
    trade->evidence = true;
    trade->own = t->has_cause;
    trade->held = t->has_held && t->held;
    trade->ordered_at = t->ordered_at;
}

// Complete, as far as we know: remembered as such, or so old that it is remembered no longer.
static bool is_signal_done(const struct reconciler *self, uint64_t now, const char *signal_id,
                           uint64_t signal_at) {
    return guard_find(self->done, digest_text(signal_id), NULL) || signal_at + REMEMBER_FOR < now;
}

// Of an order that the executor has made itself: it has no routing. The other side of a close
// belongs to its signal as long as that is not complete; each of the others ends by itself.
static struct live_signal *signal_for_own(struct reconciler *self, uint64_t now,
                                          const TradeState *t) {
    struct live_signal *s = live_signal_find(&self->live, t->signal_id);
    if (is_signal_done(self, now, t->trade_id, t->ordered_at)) return NULL;
    if (s) return s;
    bool own = t->cause != TRADE_STATE__CAUSE__other_side ||
               is_signal_done(self, now, t->signal_id, t->signal_at);
    s = live_signal_get(&self->live, t->signal_id, now);
    s->own = own;
    return s;
}

// NULL: it is complete.
static struct live_signal *signal_for(struct reconciler *self, uint64_t now, const TradeState *t) {
    if (t->has_cause) return signal_for_own(self, now, t);
    struct live_signal *s = live_signal_find(&self->live, t->signal_id);
    if (s ? s->own : is_signal_done(self, now, t->signal_id, t->signal_at)) return NULL;
    return s ? s : live_signal_get(&self->live, t->signal_id, now);
}

// The trade's place among the live ones; NULL: its signal is complete.
static struct live_trade *place_for(struct reconciler *self, uint64_t now, const TradeState *t) {
    struct live_trade *trade = live_trade_find(&self->live, t->trade_id);
    if (trade) return trade;
    struct live_signal *s = signal_for(self, now, t);
    return s ? live_trade_add(&self->live, s, t->trade_id, t->account_id) : NULL;
}

// Its signal waits for it as well, also after a restart.
static void join_signal(batch_t *batch, struct live_trade *trade) {
    trade->listed = true;
    slice_signal(batch, trade->signal);
}

static bool has_guard_room(const struct reconciler *self) {
    return guard_count(self->done) < (size_t)self->settings->guard_max;
}

static err_t reconciler_handle_execution(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct reconciler *self = arg;
    const TradeState *t = ((const Execution *)body)->trade;
    if (!has_guard_room(self)) return ERR_BUSY;
    bool new_position = holdings_take(self->holdings, t);
    struct live_trade *trade = place_for(self, batch_now(batch), t);
    if (!trade) {
        verdict_late(self, batch, t, new_position);
        return ERR_OK;
    }
    take_evidence(trade, t);
    if (trade->own && trade->signal->routed && !trade->listed) join_signal(batch, trade);
    verdict_trade(self, batch, trade, t);
    return ERR_OK;
}

static err_t reconciler_handle_snapshot(void *self, batch_t *batch, const ProtobufCMessage *body) {
    watch_snapshot(self, batch, (const BrokerSnapshot *)body);
    return ERR_OK;
}

// An order of a decision that a rollback took back, and that never came to its executor, or was
// forgotten there before it was sent: its signal waits for it no longer. Should it have been
// executed after all, that is late evidence.
static err_t reconciler_handle_unknown(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct reconciler *self = arg;
    struct live_trade *t = live_trade_find(&self->live, ((const TradeUnknown *)body)->trade_id);
    if (!has_guard_room(self)) return ERR_BUSY;
    if (!t || !live_trade_is_taken_back(t) || t->status != TRADE_RECONCILIATION__STATUS__pending)
        return ERR_OK;
    struct live_signal *s = t->signal;
    live_trade_drop(&self->live, t);
    if (!verdict_signal(self, batch, s)) slice_signal(batch, s);
    return ERR_OK;
}

// --- what the router says

// Kept in memory only: the routing, and the executor's repetition of the order, say all that a
// restart needs.
static err_t reconciler_handle_order(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct reconciler *self = arg;
    const Order *o = (const Order *)body;
    struct live_trade *trade = live_trade_find(&self->live, o->trade_id);
    if (!trade) {
        struct live_signal *s = live_signal_find(&self->live, o->signal_id);
        // decided otherwise since, or done
        if (s ? s->routed || s->own
              : is_signal_done(self, batch_now(batch), o->signal_id, o->signal_at))
            return ERR_OK;
        if (!s) s = live_signal_get(&self->live, o->signal_id, batch_now(batch));
        trade = live_trade_add(&self->live, s, o->trade_id, o->account_id);
    }
    facts_order(&trade->facts, o);
    trade->ordered_at = o->ordered_at;
    return ERR_OK;
}

// Why accounts got no order, in one line.
static void take_refusals(struct live_signal *s, const Routing *routing) {
    struct tally tally = {0};
    char why[TALLY_TEXT];
    SignalExecutionStatus__Outcome outcome = routed_without_order(routing);
    s->satisfied = outcome == SIGNAL_EXECUTION_STATUS__OUTCOME__satisfied;
    s->skipped = outcome == SIGNAL_EXECUTION_STATUS__OUTCOME__skipped;
    if (routing->elsewhere || routing->has_reason)
        return live_signal_refused(s, routing->refused ? routing->refused : "");
    if (routing->refused) tally_add(&tally, routing->refused);
    for (size_t i = 0; i < routing->n_decisions; i++) {
        const Decision *d = routing->decisions[i];
        if (d->reason != REASON__CODE__ordered)
            tally_add(&tally, record_enum_name(&reason__code__descriptor, (int)d->reason));
    }
    (void)tally_print(&tally, why);
    live_signal_refused(s, why);
}

static void list_ordered_trades(struct reconciler *self, struct live_signal *s,
                                const Routing *routing) {
    for (size_t i = 0; i < routing->n_decisions; i++) {
        const Decision *d = routing->decisions[i];
        if (!d->trade_id) continue;
        struct live_trade *t = live_trade_find(&self->live, d->trade_id);
        if (!t) t = live_trade_add(&self->live, s, d->trade_id, d->account_id);
        t->listed = true;
        if (!t->ordered_at) t->ordered_at = routing->routed_at;
    }
}

// A routing that comes again has been decided again: it takes the place of the first, and what was
// executed by the first counts all the same.
static void take_routing(struct reconciler *self, batch_t *batch, const Routing *routing) {
    struct live_signal *s = live_signal_get(&self->live, routing->signal_id, batch_now(batch));
    for (struct live_trade *t = s->trades; t; t = t->next) t->listed = false;
    s->routed = true;
    s->signal_at = routing->signal_at;
    s->routed_at = routing->routed_at;
    take_refusals(s, routing);
    list_ordered_trades(self, s, routing);
    for (struct live_trade *t = s->trades, *next; t; t = next) {
        next = t->next;
        if (!t->listed && !t->evidence) live_trade_drop(&self->live, t);
    }
    if (verdict_signal(self, batch, s)) return;
    slice_signal(batch, s);
    progress_note(self, batch, s);
}

// Whether its routing changes nothing any more. One that the archive recalled may be decided again
// all the same: it came to the door before the archive had told it, and waits for its outcome
// there.
static bool is_routing_over(const struct reconciler *self, const char *signal_id) {
    uint64_t status = 0;
    return guard_find(self->done, digest_text(signal_id), &status) && !(status & DONE_RECALLED);
}

static err_t reconciler_handle_routing(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct reconciler *self = arg;
    const Routing *routing = (const Routing *)body;
    if (!has_guard_room(self)) return ERR_BUSY;
    if (!is_routing_over(self, routing->signal_id)) take_routing(self, batch, routing);
    return ERR_OK;
}

// A signal that ended before Redis forgot it: what executors take up of its trades is not news. It
// may be decided again all the same; how its trades ended, the archive says then.
static err_t reconciler_handle_recall(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct reconciler *self = arg;
    const Outcome *o = (const Outcome *)body;
    struct live_signal *s = live_signal_find(&self->live, o->signal_id);
    if (!has_guard_room(self)) return ERR_BUSY;
    if (!o->signal || (s && s->routed) || guard_find(self->done, digest_text(o->signal_id), NULL))
        return ERR_OK;
    (void)guard_put(self->done, batch, digest_text(o->signal_id),
                    (uint64_t)o->signal->status | DONE_RECALLED);
    if (s) (void)watch_drop_archived(self, batch, s);
    return ERR_OK;
}

// The answer to a question about a trade that is over and that its executor has forgotten. What is
// not over, executors take up.
static err_t reconciler_handle_trade_recall(void *arg, batch_t *batch,
                                            const ProtobufCMessage *body) {
    struct reconciler *self = arg;
    const TradeState *t = (const TradeState *)body;
    struct live_trade *trade = live_trade_find(&self->live, t->trade_id);
    if (!has_guard_room(self)) return ERR_BUSY;
    if (!trade || !state_is_final(t->state)) return ERR_OK;
    take_evidence(trade, t);
    verdict_trade(self, batch, trade, t);
    return ERR_OK;
}

// A routing that cannot be handled must not leave its signal open for ever: nobody was ordered,
// unless executions say otherwise.
static void reconciler_buried(void *arg, batch_t *batch, const ProtobufCMessage *body,
                              const char *reason) {
    struct reconciler *self = arg;
    if (body->descriptor != &routing__descriptor) return;
    Routing nobody = *(const Routing *)body;
    nobody.n_decisions = 0;
    nobody.refused = (char *)reason;
    if (has_guard_room(self) && !is_routing_over(self, nobody.signal_id))
        take_routing(self, batch, &nobody);
}

// --- start and chores

// What brokers should hold, and what works there. What is final is told by its execution, which is
// still to come if it was not handled.
static err_t load_open(void *arg, const ProtobufCMessage *m) {
    struct reconciler *self = arg;
    const TradeState *t = (const TradeState *)m;
    (void)holdings_take(self->holdings, t);
    if (state_is_final(t->state)) return ERR_OK;
    struct live_trade *trade = live_trade_find(&self->live, t->trade_id);
    if (!trade && t->has_cause) trade = place_for(self, self->context->started_at, t);
    if (!trade) return ERR_OK;
    take_evidence(trade, t);
    if (trade->status == TRADE_RECONCILIATION__STATUS__pending) facts_state(&trade->facts, t);
    return ERR_OK;
}

static err_t reconciler_load(void *arg, store_t *store) {
    struct reconciler *self = arg;
    err_t e = guard_load(self->done, store);
    if (!e) e = guard_load(self->failed, store);
    if (!e) e = reconciler_slice_load(store, &self->live, self->context->started_at);
    if (!e) e = slice_load_open(store, self->context->shards, load_open, self);
    return e;
}

static void retire_forgotten(struct reconciler *self, batch_t *batch) {
    uint64_t now = batch_now(batch), before = now > REMEMBER_FOR ? now - REMEMBER_FOR : 0;
    if (self->context->consumed_until < before) before = self->context->consumed_until;
    guard_retire(self->done, batch, before);
    guard_retire(self->failed, batch, before);
    size_t count = guard_count(self->done), most = (size_t)self->settings->guard_max;
    if (count > most / 10 * 9)
        batch_alert(batch, ALERT__SEVERITY__critical, "guard_nearly_full", DONE_GUARD,
                    "the reconciler remembers %zu of at most %zu signals: raise GUARD_MAX", count,
                    most);
}

static err_t reconciler_tick(void *arg, batch_t *batch) {
    struct reconciler *self = arg;
    progress_tell(self, batch);
    if (batch_mono(batch) - self->chores_at < CHORES_EVERY) return ERR_OK;
    self->chores_at = batch_mono(batch);
    self->asks_left = self->settings->asks_most;
    watch_overdue(self, batch);
    if (has_guard_room(self)) watch_unrouted(self, batch);
    retire_forgotten(self, batch);
    return ERR_OK;
}

static void reconciler_again(void *self, again_fn *say, void *arg) {
    (void)say, (void)arg;
    ((struct reconciler *)self)->chores_at = 0;
    progress_clear(self);
}

static const struct route routes[] = {
    {TOPIC_orders, &order__descriptor, reconciler_handle_order, false},
    {TOPIC_routings, &routing__descriptor, reconciler_handle_routing, false},
    {TOPIC_executions, &execution__descriptor, reconciler_handle_execution, false},
    {TOPIC_executions, &broker_snapshot__descriptor, reconciler_handle_snapshot, false},
    {TOPIC_executions, &trade_unknown__descriptor, reconciler_handle_unknown, false},
    {TOPIC_recalls, &outcome__descriptor, reconciler_handle_recall, false},
    {TOPIC_recalls, &trade_state__descriptor, reconciler_handle_trade_recall, false},
    {0},
};

const struct service reconciler_service = {
    .role = RECONCILER,
    .purpose = "Compares what was asked with what was done, and says when a signal is complete.",
    .options = options,
    .settings_size = sizeof(struct reconciler_settings),
    .routes = routes,
    .slice = reconciler_slice,
    .traced = true,
    .again = reconciler_again,
    .new = reconciler_new,
    .destroy = reconciler_destroy,
    .load = reconciler_load,
    .tick = reconciler_tick,
    .buried = reconciler_buried,
};
