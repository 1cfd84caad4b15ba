// orphans - trades that a broker reports and the executor does not know: their gateway is asked
// until its books explain them.
// SPDX-License-Identifier: MIT
//
// After a rollback the broker may have executed what is on no record any more. Its gateway has kept
// what it was told: that is adopted, whole. An order that comes meanwhile under the same id is not
// sent; it is asked about like any other in doubt.
#include "services/executor/orphans.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/table.h"
#include "common/base/testing.h"
#include "common/domain/trade.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"
#include "services/executor/trade/in_doubt/evidence.h"

#define DOUBLINGS_MOST 4 // questions come twice as seldom each time, up to sixteen times
#define ID_MOST        64
#define ASK_MOST       500 // questions in one look

struct orphans {
    table_t *by_id; // struct orphan *
    struct orphan *first;
};

orphans_t *orphans_new(void) {
    orphans_t *self = alloc_zeroed(1, sizeof *self);
    self->by_id = table_new(sizeof(struct orphan *));
    return self;
}

static void orphan_free(struct orphan *o) {
    free(o->trade_id);
    free(o->account_id);
    free(o);
}

void orphans_destroy(orphans_t **self) {
    if (!*self) return;
    struct orphan *o, *next;
    DL_FOREACH_SAFE((*self)->first, o, next) orphan_free(o);
    table_destroy(&(*self)->by_id);
    free(*self);
    *self = NULL;
}

size_t orphans_count(const orphans_t *self) { return table_count(self->by_id); }
struct orphan *orphans_first(const orphans_t *self) {
    return self->first;
}

struct orphan *orphans_find(const orphans_t *self, const char *trade_id) {
    if (!self->first) return NULL;
    struct orphan **o = table_find(self->by_id, table_key(trade_id));
    return o ? *o : NULL;
}

struct orphan *orphans_add(orphans_t *self, const char *trade_id, const char *account_id,
                           uint64_t mono_ns) {
    struct orphan *o = alloc_zeroed(1, sizeof *o);
    o->trade_id = alloc_text(trade_id);
    o->account_id = alloc_text(account_id);
    o->since = mono_ns;
    DL_APPEND(self->first, o);
    struct orphan **slot = table_add(self->by_id, table_key(trade_id));
    return *slot = o;
}

void orphans_drop(orphans_t *self, struct orphan *o) {
    DL_DELETE(self->first, o);
    (void)table_drop(self->by_id, table_key(o->trade_id));
    orphan_free(o);
}

// --- asking

static void query_orphan(struct executor *self, batch_t *batch, struct orphan *o) {
    const struct account *a = accounts_find(self->accounts, o->account_id);
    struct session *s = a ? a->session : NULL;
    if (!s || !s->welcomed) return;
    o->asked_at = batch_mono(batch);
    o->asks++;
    QueryOrder m = QUERY_ORDER__INIT;
    m.epoch = self->context->epoch;
    m.trade_id = o->trade_id;
    m.account_id = o->account_id;
    outbox_put(self->outbox, s, &m.base);
}

// No order of ours has such a name (orders.c).
static bool is_strange(batch_t *batch, const char *trade_id, const char *account_id) {
    if (strlen(trade_id) <= ID_MOST && strlen(account_id) <= ID_MOST) return false;
    batch_alert(
        batch, ALERT__SEVERITY__critical, "strange_trade_id", "gateway",
        "a broker reports trade %.64s... of account %.64s; a trade_id has at most %d characters",
        trade_id, account_id, ID_MOST);
    return true;
}

void orphans_seek(struct executor *self, batch_t *batch, const char *trade_id,
                  const char *account_id) {
    if (MUTATED("no_seek")) return;
    if (orphans_find(self->orphans, trade_id) || is_strange(batch, trade_id, account_id)) return;
    struct orphan *o = orphans_add(self->orphans, trade_id, account_id, batch_mono(batch));
    slice_orphan(batch, self->context->shard, trade_id, account_id);
    query_orphan(self, batch, o);
}

static void alarm_unexplained(struct executor *self, batch_t *batch, struct orphan *o) {
    uint64_t patience = (uint64_t)self->settings->orphan_alarm_ms * NS_PER_MS;
    if (o->alarmed || batch_mono(batch) - o->since < patience) return;
    o->alarmed = true;
    batch_alert(batch, ALERT__SEVERITY__critical, "unexplained_report", o->trade_id,
                "account %s: the broker reports an order that the executor does not know, and the "
                "gateway cannot say what it was; the report is kept in execution_state:orphans:%u",
                o->account_id, self->context->shard);
}

void orphans_look(struct executor *self, batch_t *batch) {
    unsigned asked = 0;
    for (struct orphan *o = self->orphans->first; o; o = o->next) {
        unsigned doublings = o->asks < DOUBLINGS_MOST ? o->asks : DOUBLINGS_MOST;
        bool is_due = !o->asked_at || batch_mono(batch) - o->asked_at >= self->patience.interval
                                                                             << doublings;
        if (is_due && asked++ < ASK_MOST) query_orphan(self, batch, o);
        alarm_unexplained(self, batch, o);
    }
}

// --- the answer

static struct trade *adopt_orphan_order(struct executor *self, batch_t *batch,
                                        const struct session *s, const OrderStatus *m) {
    TradeState state;
    if (!m->submitted || strcmp(m->submitted->trade_id, m->trade_id) != 0) return NULL;
    if (!evidence_trade(m->submitted, s->broker_id, batch_now(batch), batch_arena(batch), &state))
        return NULL;
    // full: it is in memory all the same
    (void)!guard_put(self->guard, batch, digest_text(state.trade_id), state.signal_at);
    struct trade *t = engine_add(self, batch, &state);
    t->sending = SENDING_EARLIER;
    orders_note_origin(self, batch, t, false);
    trade_set_text(&t->s->instance_id, s->instance_id);
    batch_alert(batch, ALERT__SEVERITY__warning, "order_adopted", t->s->trade_id,
                "account %s: the gateway was given this order, and the executor has no record of "
                "it: the executor adopts it from the gateway's books",
                t->s->account_id);
    return t;
}

void orphans_answer(struct executor *self, batch_t *batch, struct session *s,
                    const OrderStatus *m) {
    struct orphan *o = orphans_find(self->orphans, m->trade_id);
    struct trade *t = o ? adopt_orphan_order(self, batch, s, m) : NULL;
    if (!t) return; // asked again, and alarmed, in its time
    slice_orphan(batch, self->context->shard, o->trade_id, NULL);
    orphans_drop(self->orphans, o);
    engine_doubt(self, batch, t, "known from its gateway only");
}

// --- what only the archive has any more

// What it was ordered as; what became of it since, the broker says.
static TradeState as_ordered(const struct executor *self, const TradeState *t) {
    TradeState s = *t;
    s.state = TRADE_STATE__STATE__pending;
    s.has_filled_lots = s.has_average_price = s.has_closed_lots = s.has_netted_lots =
        s.has_exit_price = s.has_unseen_lots = false;
    s.filled_lots = s.average_price = s.closed_lots = s.netted_lots = s.exit_price = s.unseen_lots =
        0;
    s.has_pnl = s.has_commission = s.has_fees = s.has_executed_at = s.has_closed_at = false;
    s.pnl = s.commission = s.fees = 0;
    s.n_executions = 0;
    s.held = s.cancel_wanted = false;
    s.not_found = 0;
    if (!s.has_valid_until)
        s.valid_until = s.ordered_at + (uint64_t)self->settings->pending_for_ms * NS_PER_MS;
    s.has_valid_until = true;
    return s;
}

static bool came_to_nothing(const TradeState *t) {
    return trade_state_is_given_up(t->state) && t->filled_lots <= 0 && !t->n_executions;
}

// Nobody need be asked: it is known again as what it became.
static void keep_given_up(struct executor *self, batch_t *batch, const TradeState *t) {
    (void)guard_put(self->guard, batch, digest_text(t->trade_id), t->signal_at);
    slice_trade(batch, t);
    slice_trade_over(batch, t->trade_id);
}

err_t executor_handle_recall(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *self = arg;
    const TradeState *t = (const TradeState *)body;
    engine_begin(self, batch);
    bool known = trades_find(self->trades, t->trade_id) ||
                 guard_find(self->guard, digest_text(t->trade_id), NULL);
    if (known || orphans_find(self->orphans, t->trade_id) || !engine_is_ours(self, t->account_id))
        return ERR_OK;
    if (came_to_nothing(t)) return keep_given_up(self, batch, t), ERR_OK;
    // executed, and an answer to the reconciler: what the broker has of it, its gateway says
    if (trade_is_final(t) || t->state == TRADE_STATE__STATE__filled) return ERR_OK;
    const TradeState ordered = as_ordered(self, t);
    (void)guard_put(self->guard, batch, digest_text(t->trade_id), t->signal_at);
    struct trade *taken = engine_add(self, batch, &ordered);
    taken->sending = SENDING_EARLIER;
    orders_note_origin(self, batch, taken, false);
    batch_alert(batch, ALERT__SEVERITY__warning, "order_recalled", t->trade_id,
                "account %s: the archive has this order as open, and the executor has no record of "
                "it: the executor asks its gateway about it",
                t->account_id);
    engine_doubt(self, batch, taken, "known from the archive only");
    return ERR_OK;
}
