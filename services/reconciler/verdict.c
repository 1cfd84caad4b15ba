// verdict - when a trade is final it is compared; when all of a signal's trades are, the signal is
// complete.
// SPDX-License-Identifier: MIT
#include "services/reconciler/verdict.h"

#include <stdio.h>
#include <string.h>

#include "common/schema/record.h"
#include "services/reconciler/progress.h"
#include "services/reconciler/slice.h"
#include "services/reconciler/sum.h"

#define S(name) TRADE_RECONCILIATION__STATUS__##name

static void compare_with_book(const struct reconciler *self, const struct facts *f,
                              const TradeState *t, struct comparison *out) {
    const BrokerConfig *broker = book_broker(self->context->book, t->broker_id);
    const SymbolConfig *symbol = broker ? book_symbol(broker, t->symbol) : NULL;
    decimal_t tolerance;
    bool limited = true;
    if (symbol && symbol->has_price_tolerance)
        tolerance = D(symbol->price_tolerance);
    else if (broker && broker->has_price_tolerance)
        tolerance = D(broker->price_tolerance);
    else
        limited = false;
    compare_facts(f, limited ? &tolerance : NULL, out);
}

static void fill_reconciliation(TradeReconciliation *out, const char *trade_id,
                                const struct comparison *c, uint64_t now) {
    trade_reconciliation__init(out);
    out->trade_id = (char *)trade_id;
    out->reconciliation_status = c->status;
    out->has_discrepancy = c->has_discrepancy;
    out->discrepancy = c->has_discrepancy ? c->discrepancy.e8 : 0;
    out->rejection_reason = c->reason[0] ? (char *)c->reason : NULL;
    out->reconciled_at = now;
}

// --- a whole signal

// The sum over its trades. Why something was not executed is said when nothing was, and of the
// trades also when others were.
static void sum_signal(const struct live_signal *s, SignalExecutionStatus *out, uint64_t *first,
                       char why[static TALLY_TEXT]) {
    struct sum sum = {0};
    struct tally tally = {0};
    for (const struct live_trade *t = s->trades; t; t = t->next) {
        sum_add(&sum, &t->facts);
        if (t->facts.filled_lots.e8 <= 0) tally_add(&tally, t->why);
    }
    sum_status(&sum, out);
    // what it wants is so, or was told to be
    if (s->satisfied) out->status = SIGNAL__STATUS__completed;
    if (s->satisfied && !sum.executed) out->outcome = SIGNAL_EXECUTION_STATUS__OUTCOME__satisfied;
    if (s->skipped && !s->count) out->outcome = SIGNAL_EXECUTION_STATUS__OUTCOME__skipped;
    *first = sum.first_executed_at;
    size_t length = tally_print(&tally, why);
    if (!sum.executed && s->refused)
        (void)snprintf(why + length, TALLY_TEXT - length, "%s%s", length ? ", " : "", s->refused);
    if (!sum.executed && !why[0]) (void)snprintf(why, TALLY_TEXT, "no_subscriber");
    if (why[0]) out->rejection_reason = why;
}

static void remember_failure(struct reconciler *self, batch_t *batch, const char *trade_id,
                             const struct facts *f) {
    (void)guard_put(self->failed, batch, digest_text(trade_id),
                    f->filled_lots.e8 > 0 ? FAILED_EXECUTED : FAILED_NOT_EXECUTED);
}

// What is known of a trade once it is not live any more. One that its signal's routing does not
// name has nothing else to be known by.
static void remember_trade(struct reconciler *self, batch_t *batch, const struct live_trade *t) {
    Signal__Status status =
        t->facts.filled_lots.e8 > 0 ? SIGNAL__STATUS__completed : SIGNAL__STATUS__failed;
    if (t->own) (void)guard_put(self->done, batch, digest_text(t->id), (uint64_t)status);
    if (t->status == S(failed)) remember_failure(self, batch, t->id, &t->facts);
}

static bool is_complete(const struct live_signal *s) { return s->routed && s->settled == s->count; }

static void complete_signal(struct reconciler *self, batch_t *batch, struct live_signal *s,
                            Outcome *o) {
    char why[TALLY_TEXT];
    SignalExecutionStatus status = SIGNAL_EXECUTION_STATUS__INIT;
    status.signal_id = s->id;
    sum_signal(s, &status, &o->first_executed_at, why);
    o->signal = &status;
    o->has_first_executed_at = o->first_executed_at != 0;
    o->has_routed_at = s->routed_at != 0;
    o->routed_at = s->routed_at;
    o->has_signal_at = s->signal_at != 0;
    o->signal_at = s->signal_at;
    batch_emit(batch, TOPIC_outcomes, 0, &o->base);
    o->signal = NULL; // it lives here only
    slice_complete(batch, s);
    // the handlers have seen that there is room
    (void)guard_put(self->done, batch, digest_text(s->id), (uint64_t)status.status);
    for (const struct live_trade *t = s->trades; t; t = t->next) remember_trade(self, batch, t);
    live_signal_drop(&self->live, s);
}

bool verdict_signal(struct reconciler *self, batch_t *batch, struct live_signal *s) {
    Outcome o = OUTCOME__INIT;
    o.signal_id = s->id;
    if (!is_complete(s)) return false;
    complete_signal(self, batch, s, &o);
    return true;
}

// --- what was said before

// The signal had come to nothing, and this trade shows otherwise: what is known of the signal now
// is this trade.
static void revive_signal(struct reconciler *self, batch_t *batch, const TradeState *t,
                          const struct facts *f, Outcome *o, SignalExecutionStatus *status) {
    struct sum sum = {0};
    sum_add(&sum, f);
    sum_status(&sum, status);
    status->signal_id = o->signal_id;
    o->signal = status;
    o->has_first_executed_at = sum.first_executed_at != 0;
    o->first_executed_at = sum.first_executed_at;
    o->has_routed_at = o->has_signal_at = true;
    o->routed_at = t->ordered_at; // its routing was of the same moment
    o->signal_at = t->signal_at;
    (void)guard_put(self->done, batch, digest_text(o->signal_id), (uint64_t)status->status);
}

// What was said of the trade and of its signal when that was complete.
struct said {
    uint64_t trade; // enum failure
    bool signal_failed;
};

static struct said recall_said(const struct reconciler *self, const TradeState *t) {
    struct said said = {0};
    uint64_t status = 0;
    if (!guard_find(self->failed, digest_text(t->trade_id), &said.trade))
        said.trade = FAILED_NO_LONGER;
    said.signal_failed = guard_find(self->done, digest_text(t->signal_id), &status) &&
                         (status & ~DONE_RECALLED) == SIGNAL__STATUS__failed;
    return said;
}

// --- a trade

static void refuse_move(batch_t *batch, const char *trade_id, TradeReconciliation__Status from,
                        TradeReconciliation__Status to) {
    const ProtobufCEnumDescriptor *d = &trade_reconciliation__status__descriptor;
    batch_alert(batch, ALERT__SEVERITY__warning, "reconciliation_move_refused", trade_id,
                "a reconciliation may not go from %s to %s: it stays as it is",
                record_enum_name(d, (int)from), record_enum_name(d, (int)to));
}

// True when the comparison says something new. A failure may turn into another one (rejected, then
// executed at a wrong price): that is no move.
static bool take_comparison(batch_t *batch, struct live_trade *t, const struct comparison *c) {
    if (t->status == c->status && strcmp(t->why, c->reason) == 0) return false;
    if (t->status != c->status && !reconciliation_may(t->status, c->status)) {
        refuse_move(batch, t->id, t->status, c->status);
        return false;
    }
    if (t->status == S(pending)) t->signal->settled++;
    t->status = c->status;
    memcpy(t->why, c->reason, sizeof t->why);
    return true;
}

// An order of the executor's own ends by itself. Only the other side of a close may show that its
// signal, which had failed, was executed.
static void end_own(struct reconciler *self, batch_t *batch, struct live_trade *t,
                    const TradeState *state, Outcome *o) {
    SignalExecutionStatus status = SIGNAL_EXECUTION_STATUS__INIT;
    struct live_signal *s = t->signal;
    bool of_signal = state->cause == TRADE_STATE__CAUSE__other_side;
    if (of_signal && t->facts.filled_lots.e8 > 0 && recall_said(self, state).signal_failed)
        revive_signal(self, batch, state, &t->facts, o, &status);
    batch_emit(batch, TOPIC_outcomes, 0, &o->base);
    o->signal = NULL; // it lives here only
    slice_expire(batch, t->id);
    remember_trade(self, batch, t);
    live_trade_drop(&self->live, t);
    if (!s->count) live_signal_drop(&self->live, s);
}

void verdict_trade(struct reconciler *self, batch_t *batch, struct live_trade *t,
                   const TradeState *state) {
    struct comparison c;
    TradeReconciliation result;
    struct facts facts = t->facts;
    bool final = state_is_final(state->state);
    // an executor that lost its memory goes through the states again
    if (t->status != S(pending) && !final) return;
    facts_state(&facts, state);
    if (final) compare_with_book(self, &facts, state, &c);
    bool news = final && take_comparison(batch, t, &c);
    if (!final && facts.filled_lots.e8 != t->facts.filled_lots.e8)
        progress_note(self, batch, t->signal);
    if (!final || t->status == c.status) t->facts = facts; // what was refused changes nothing
    if (!news) return;
    fill_reconciliation(&result, t->id, &c, batch_now(batch));
    slice_reconciliation(batch,
                         &(struct reconciled){t->signal->id, t->account_id, &t->facts, &result});
    t->written = true;
    Outcome o = OUTCOME__INIT;
    o.signal_id = t->signal->id;
    o.trade = &result;
    // Neither routed nor ordered, as far as is known here: the door may have lost its signal, and
    // then knows it by this.
    o.has_signal_at = !t->signal->own && !t->signal->routed && !t->facts.ordered;
    o.signal_at = o.has_signal_at ? state->signal_at : 0;
    if (t->signal->own) {
        end_own(self, batch, t, state, &o);
        return;
    }
    if (is_complete(t->signal)) { // one message for both
        complete_signal(self, batch, t->signal, &o);
        return;
    }
    if (!t->listed && !t->apart) slice_trade_apart(batch, t);
    progress_note(self, batch, t->signal);
    batch_emit(batch, TOPIC_outcomes, 0, &o.base);
}

// --- late evidence

static void tell_late(struct reconciler *self, batch_t *batch, const TradeState *t,
                      const struct said *said, const struct facts *f, TradeReconciliation *result) {
    SignalExecutionStatus status = SIGNAL_EXECUTION_STATUS__INIT;
    Outcome o = OUTCOME__INIT;
    o.signal_id = t->signal_id;
    o.trade = result;
    slice_reconciliation(batch, &(struct reconciled){t->signal_id, t->account_id, f, result});
    slice_expire(batch, t->trade_id);
    if (said->signal_failed) revive_signal(self, batch, t, f, &o, &status);
    batch_emit(batch, TOPIC_outcomes, 0, &o.base);
    if (said->signal_failed || said->trade == FAILED_NOT_EXECUTED)
        batch_alert(batch, ALERT__SEVERITY__critical, "late_evidence", t->trade_id,
                    "account %s, signal %s: the trade was %s, but the broker has executed it",
                    t->account_id, t->signal_id, said->trade ? "given up" : "not ordered");
}

void verdict_late(struct reconciler *self, batch_t *batch, const TradeState *t, bool new_position) {
    struct facts f = {0};
    struct comparison c;
    TradeReconciliation result;
    struct said said = recall_said(self, t);
    if (!state_is_final(t->state) || !t->has_filled_lots || t->filled_lots <= 0) return;
    if (!said.trade && !said.signal_failed && !new_position) return; // what was said stands
    facts_state(&f, t);
    compare_with_book(self, &f, t, &c);
    // likewise
    if (said.trade == FAILED_EXECUTED && c.status == S(failed) && !said.signal_failed) return;
    if (c.status == S(failed))
        remember_failure(self, batch, t->trade_id, &f);
    else if (said.trade)
        (void)guard_put(self->failed, batch, digest_text(t->trade_id), FAILED_NO_LONGER);
    fill_reconciliation(&result, t->trade_id, &c, batch_now(batch));
    tell_late(self, batch, t, &said, &f, &result);
}
