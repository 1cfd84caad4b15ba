// follow - moves signals by what comes back on routings and outcomes.
// SPDX-License-Identifier: MIT
#include "services/ingest/follow.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/domain/trade.h"
#include "common/schema/record.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/ingest/accept.h"
#include "services/ingest/identity/identity.h"
#include "services/ingest/rules/lifecycle.h"
#include "services/ingest/slice.h"
#include "system.pb-c.h"

#define REASON_MAX    500
#define FORGOTTEN_FOR (3600 * NS_PER_S) // no window is longer

static uint64_t us_between(uint64_t from, uint64_t to) {
    return to > from ? (to - from) / NS_PER_US : 0;
}

static void write_signal_metrics(batch_t *batch, const char *signal_id, const struct live *live,
                                 uint64_t executed_at) {
    SignalMetrics m = SIGNAL_METRICS__INIT;
    m.signal_id = (char *)signal_id;
    m.processing_time_us = us_between(live->created_at, live->routed_at);
    m.execution_latency_us = us_between(live->created_at, executed_at);
    m.processing_time_ms = m.processing_time_us / 1000;
    m.execution_latency_ms = m.execution_latency_us / 1000;
    m.created_at = batch_now(batch);
    slice_measured(batch, &m);
}

static const char *why_unrouted(const Routing *r, arena_t *arena) {
    static buffer_t text; // one thread; its memory is kept from call to call
    buffer_clear(&text);
    if (r->refused) return r->refused;
    if (!r->n_decisions) return "no_subscriber"; // a router of an earlier version does not say it
    for (size_t i = 0; i < r->n_decisions && text.length < REASON_MAX; i++) {
        const Decision *d = r->decisions[i];
        buffer_format(&text, "%s%s: %s", i ? "; " : "", d->account_id,
                      record_enum_name(&reason__code__descriptor, (int)d->reason));
        if (d->detail && *d->detail) buffer_format(&text, " (%s)", d->detail);
    }
    return arena_text(arena, buffer_string(&text));
}

static bool is_satisfied(const Routing *r) {
    return routed_without_order(r) == SIGNAL_EXECUTION_STATUS__OUTCOME__satisfied;
}

static Signal__Status status_unrouted(const Routing *r) {
    return is_satisfied(r) ? SIGNAL__STATUS__completed : SIGNAL__STATUS__failed;
}

// --- what is written of a signal's end, and before it

// Why a signal that was accepted came to nothing. (What the door refused is on record from there.)
static void write_rejection(batch_t *batch, const char *signal_id, const char *source,
                            const char *reason) {
    SignalRejection rejection = SIGNAL_REJECTION__INIT;
    rejection.signal_id = (char *)(uintptr_t)signal_id;
    rejection.source = (char *)(uintptr_t)(source ? source : "");
    rejection.rejection_reason = (char *)(uintptr_t)(reason ? reason : "");
    rejection.rejected_at = batch_now(batch);
    slice_came_to_nothing(batch, &rejection);
}

static void write_unrouted(batch_t *batch, const Routing *r) {
    SignalExecutionStatus s = SIGNAL_EXECUTION_STATUS__INIT;
    s.signal_id = r->signal_id;
    s.status = status_unrouted(r);
    s.has_outcome = s.has_fill_percentage = s.has_trades = true;
    s.outcome = routed_without_order(r);
    s.rejection_reason = (char *)why_unrouted(r, batch_arena(batch));
    slice_executed(batch, &s);
    if (s.status == SIGNAL__STATUS__failed && !routed_as_vote(r))
        write_rejection(batch, r->signal_id, r->source, s.rejection_reason);
}

// From now on what becomes of its orders is awaited.
static void write_processing(batch_t *batch, const Routing *r) {
    SignalExecutionStatus s = SIGNAL_EXECUTION_STATUS__INIT;
    s.signal_id = r->signal_id;
    s.status = SIGNAL__STATUS__processing;
    s.has_fill_percentage = s.has_trades = s.has_trades_executed = s.has_trades_final = true;
    s.trades = r->orders;
    slice_progress(batch, &s);
}

static void write_end(batch_t *batch, const Outcome *o, const char *source) {
    slice_executed(batch, o->signal);
    if (o->signal->status == SIGNAL__STATUS__failed)
        write_rejection(batch, o->signal_id, source, o->signal->rejection_reason);
}

// --- signals that Redis, and with it this service, has lost

static bool is_remembered(const struct ingest *self, const struct restored *keys) {
    return guard_find(self->guard, keys->given_key, NULL) ||
           guard_find(self->guard, keys->derived_key, NULL);
}

static void put_guard_value(struct ingest *self, batch_t *batch, struct digest key,
                            uint64_t value) {
    if (guard_put(self->guard, batch, key, value)) return;
    batch_alert(batch, ALERT__SEVERITY__critical, "guard_full", "signal:guard",
                "the door remembers GUARD_MAX signals and takes no more: raise GUARD_MAX");
}

// Somebody downstream has orders of a signal that is not known here: its gateway's books had them.
// Then an alert without an id that comes again is known by when it first came.
static void note_forgotten(struct ingest *self, batch_t *batch, const Outcome *o) {
    struct restored keys = identity_restore(o->signal_id, 0, 0);
    bool is_recent = batch_now(batch) < o->signal_at + FORGOTTEN_FOR;
    if (!o->has_signal_at || !is_recent || is_remembered(self, &keys)) return;
    if (guard_find(self->guard, identity_forgotten(o->signal_id), NULL)) return;
    put_guard_value(self, batch, identity_forgotten(o->signal_id), o->signal_at);
}

// What the outcome of a signal that was lost here has said of it; 0: there was none.
static Signal__Status status_over(const struct ingest *self, const char *signal_id) {
    uint64_t status = 0;
    return guard_find(self->guard, identity_over(signal_id), &status) ? (Signal__Status)status : 0;
}

static void remember_restored(struct ingest *self, batch_t *batch, const struct restored *keys) {
    put_guard_value(self, batch, keys->given_key, keys->given_value);
    put_guard_value(self, batch, keys->derived_key, keys->derived_value);
}

static void write_life(batch_t *batch, const Routing *r, Signal__Status status) {
    SignalLife life = SIGNAL_LIFE__INIT;
    life.signal_id = r->signal_id;
    life.status = status;
    life.created_at = r->signal_at;
    life.has_content = true;
    life.content = r->content;
    life.source = r->source;
    slice_restored(batch, &life);
}

// Routed, and unknown here: a resend of it must be recognised, and its outcome must find it. Not
// remembered means lost; remembered and not live means final.
static err_t restore_routed_signal(struct ingest *self, batch_t *batch, const Routing *r) {
    struct restored keys = identity_restore(r->signal_id, r->content, r->signal_at);
    Signal__Status status = status_over(self, r->signal_id);
    bool over = status != 0;
    if (is_remembered(self, &keys)) return ERR_OK;
    remember_restored(self, batch, &keys);
    batch_alert(batch, ALERT__SEVERITY__warning, "signal_restored", r->signal_id,
                "the router has routed this signal, and Redis has lost it: the door restores it "
                "from the routing");
    if (!over) status = r->orders ? SIGNAL__STATUS__processing : status_unrouted(r);
    write_life(batch, r, status);
    if (over) return ERR_OK; // its outcome came first, and is told
    if (!r->orders) {
        write_unrouted(batch, r);
        return ERR_OK;
    }
    struct live *live = lives_add(self, r->signal_id, r->source);
    live->created_at = r->signal_at;
    live->routed_at = r->routed_at;
    live->status = (uint64_t)status;
    return ERR_OK;
}

// --- signals that the archive has

// It has ended, and was lost here since: a resend of it is recognised again.
static void restore_ended(struct ingest *self, batch_t *batch, const Signal *s,
                          Signal__Status status) {
    struct restored keys = identity_restore(s->signal_id, s->content, s->created_at);
    remember_restored(self, batch, &keys);
    Signal ended = *s;
    ended.status = status;
    slice_ended(batch, &ended);
}

// It has no outcome, and was lost here: it is given again, with its id and times, as from its first
// door.
static bool accept_lost_signal(struct ingest *self, batch_t *batch, const Signal *s) {
    struct restored keys = identity_restore(s->signal_id, s->content, s->created_at);
    const struct identity identity = {
        .known = IDENTITY_NEW, .key = keys.given_key, .value = keys.given_value};
    Signal again = *s;
    again.status = SIGNAL__STATUS__pending;
    if (!accept_new(self, batch, &again, &identity)) return false;
    put_guard_value(self, batch, keys.derived_key, keys.derived_value);
    return true;
}

err_t ingest_handle_recall(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct ingest *self = arg;
    const Signal *s = (const Signal *)body;
    struct restored keys = identity_restore(s->signal_id, s->content, s->created_at);
    if (is_remembered(self, &keys)) return ERR_OK;
    Signal__Status over = status_over(self, s->signal_id), status = over ? over : s->status;
    if (lifecycle_is_final(status))
        restore_ended(self, batch, s, status);
    else if (!accept_lost_signal(self, batch, s))
        return ERR_BUSY;
    batch_alert(batch, ALERT__SEVERITY__warning, "signals_recalled", s->source,
                "Redis has lost signals of this source: the door restores them from the archive");
    return ERR_OK;
}

// --- moves

// Steps a copy, so that a move that is not in the table changes nothing.
static bool step_signal_status(batch_t *batch, const char *signal_id, Signal__Status *status,
                               enum signal_event event) {
    Signal__Status from = *status;
    if (!lifecycle_step(status, event)) return true;
    batch_alert(batch, ALERT__SEVERITY__warning, "signal_move_refused", signal_id,
                "the event %s is not allowed for a signal that is %s: it stays as it is",
                signal_event_name(event), record_enum_name(&signal__status__descriptor, (int)from));
    return false;
}

// Whether the signal ended otherwise meanwhile, or the command was meant for another cell, it changes
// nothing: the operator is told.
err_t ingest_handle_command(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct ingest *self = arg;
    const Command *c = (const Command *)body;
    bool approves = c->action == COMMAND__ACTION__approve;
    if (!approves && c->action != COMMAND__ACTION__refuse) return ERR_OK;
    if (!c->signal_id) return ERR_INPUT;
    const struct approval_verdict verdict = {.approval = approves ? SIGNAL__APPROVAL__approved
                                                                  : SIGNAL__APPROVAL__refused,
                                             .at = c->created_at,
                                             .by = c->operator_,
                                             .note = c->reason};
    if (!approvals_decide(self->approvals, batch, c->signal_id, &verdict))
        batch_alert(batch, ALERT__SEVERITY__warning, "nothing_to_approve", c->signal_id,
                    "it does not wait for approval (any more)");
    return ERR_OK;
}

err_t ingest_handle_routing(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct ingest *self = arg;
    const Routing *r = (const Routing *)body;
    struct live *live = table_find(self->lives, table_key(r->signal_id));
    approvals_drop(self->approvals, batch, r->signal_id); // decided, and forgotten here since
    if (!live) return restore_routed_signal(self, batch, r);
    Signal__Status from = (Signal__Status)live->status, to = from;
    // decided again after a rollback: what was decided first has gone its way
    if (from != SIGNAL__STATUS__pending) return ERR_OK;
    bool done = !r->orders && is_satisfied(r);
    if (!step_signal_status(batch, r->signal_id, &to,
                            r->orders || done ? SIGNAL_ROUTED : SIGNAL_UNROUTED))
        return ERR_OK;
    if (done && !step_signal_status(batch, r->signal_id, &to, SIGNAL_EXECUTED)) return ERR_OK;
    live->routed_at = r->routed_at;
    live->status = (uint64_t)to;
    slice_moved(batch, r->signal_id, from, to);
    if (!lifecycle_is_final(to)) return write_processing(batch, r), ERR_OK;
    write_unrouted(batch, r);
    write_signal_metrics(batch, r->signal_id, live, 0);
    lives_drop(self, r->signal_id);
    return ERR_OK;
}

// The signal is final. What was executed counts whenever it comes to light, and a failure takes
// nothing back: decided again after a rollback, the same signal may be told either way, in any
// order.
static err_t outcome_of_final(batch_t *batch, const Outcome *o) {
    const struct live life = {.created_at = o->signal_at, .routed_at = o->routed_at};
    Signal__Status status = SIGNAL__STATUS__failed; // at worst
    if (o->signal->status != SIGNAL__STATUS__completed ||
        !step_signal_status(batch, o->signal_id, &status, SIGNAL_PROVEN))
        return ERR_OK;
    slice_moved(batch, o->signal_id, SIGNAL__STATUS__failed, status);
    slice_executed(batch, o->signal);
    slice_nothing_no_longer(batch, o->signal_id);
    if (o->has_signal_at) write_signal_metrics(batch, o->signal_id, &life, o->first_executed_at);
    return ERR_OK;
}

// An outcome of what is not live: final already, or lost and its routing still to come.
static err_t outcome_of_unknown(struct ingest *self, batch_t *batch, const Outcome *o) {
    struct restored keys = identity_restore(o->signal_id, 0, 0);
    if (!lifecycle_is_final(o->signal->status)) return ERR_RULE;
    if (is_remembered(self, &keys)) return outcome_of_final(batch, o);
    if (status_over(self, o->signal_id) == SIGNAL__STATUS__completed) return ERR_OK;
    put_guard_value(self, batch, identity_over(o->signal_id), (uint64_t)o->signal->status);
    note_forgotten(self, batch, o);
    write_end(batch, o, NULL);
    return ERR_OK;
}

// How far it is: said of one that is final, or not known here (any more), it says nothing.
static err_t follow_progress(batch_t *batch, const struct live *live, const Outcome *o) {
    if (live && live->status == SIGNAL__STATUS__processing) slice_progress(batch, o->signal);
    return ERR_OK;
}

err_t ingest_handle_outcome(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct ingest *self = arg;
    const Outcome *o = (const Outcome *)body;
    if (!o->signal) return note_forgotten(self, batch, o), ERR_OK; // of one trade
    struct live *live = table_find(self->lives, table_key(o->signal_id));
    if (o->signal->status == SIGNAL__STATUS__processing) return follow_progress(batch, live, o);
    if (!live) return outcome_of_unknown(self, batch, o);
    Signal__Status from = (Signal__Status)live->status, to = from;
    // There is no order between topics: the outcome may be here before the routing that it follows
    // from.
    if (to == SIGNAL__STATUS__pending &&
        !step_signal_status(batch, o->signal_id, &to, SIGNAL_ROUTED))
        return ERR_OK;
    enum signal_event event =
        o->signal->status == SIGNAL__STATUS__completed ? SIGNAL_EXECUTED : SIGNAL_UNEXECUTED;
    if (!lifecycle_is_final(o->signal->status) ||
        !step_signal_status(batch, o->signal_id, &to, event))
        return ERR_RULE;
    if (o->has_routed_at) live->routed_at = o->routed_at;
    slice_moved(batch, o->signal_id, from, to);
    write_end(batch, o, live->sender->name);
    write_signal_metrics(batch, o->signal_id, live,
                         o->has_first_executed_at ? o->first_executed_at : 0);
    lives_drop(self, o->signal_id);
    return ERR_OK;
}
