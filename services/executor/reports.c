// reports - what gateways say about orders. Each report has its effect once, each execution counts once, and none is lost.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/record.h"
#include "services/executor/engine.h"
#include "services/executor/slice.h"

#define T(name)   TRADE_STATE__STATE__##name
#define GAP_ALARM (10 * NS_PER_S)

// --- one report

static void adopt_order_id(struct trade *t, const char *broker_order_id) {
    if (!broker_order_id || (t->s->broker_order_id && strcmp(t->s->broker_order_id, broker_order_id) == 0)) return;
    trade_set_text(&t->s->broker_order_id, broker_order_id);
}

// A market order is filled next: its acceptance is saved with that, or at a tick.
static void accepted(struct executor *x, struct trade *t) {
    bool market = t->s->order_type == SIGNAL__ORDER_TYPE__market, settled = t->s->state == T(submitting);
    if (t->s->state == T(expired) && t->was_sent) return resolve_ask(x, t);                             // given up too early?
    if (t->s->state != T(submitting) && t->s->state != T(unknown) && t->s->state != T(pending)) return; // older news than what we have
    if (t->waits) place_leave(x->accounts, t->place, t);
    if (!engine_move(x, t, TRADE_ACCEPT, NULL)) return;
    engine_due(x, t);
    if (market && settled)
        engine_save_later(x, t);
    else
        engine_changed(x, t, NULL, NULL);
    wishes_send(x, t);
}

// No definitive answer: in doubt if it was on its way, else looked up.
static void unsure(struct executor *x, struct trade *t, const char *reason) {
    if (t->s->state == T(submitting) || t->s->state == T(pending)) resolve_doubt(x, t, reason);
    if (t->s->state != T(unknown)) resolve_ask(x, t);
}

static void rejected(struct executor *x, struct trade *t, const Report *r) {
    if (r->has_duplicate && r->duplicate) {
        t->known_there = true;
        return unsure(x, t, "refused as a duplicate: the broker knows it");
    }
    engine_end(x, t, TRADE_REJECT, r->reason ? r->reason : "rejected by the broker");
}

static void cancelled(struct executor *x, struct trade *t, const char *reason) {
    bool expired = t->s->has_expiration_time && batch_now(x->batch) >= t->s->expiration_time;
    t->s->cancel_wanted = false;
    engine_end(x, t, expired ? TRADE_EXPIRE : TRADE_CANCEL, reason);
}

static void bare(struct executor *x, const struct trade *t) {
    batch_alert(x->batch, ALERT__SEVERITY__critical, "bad_execution", t->s->trade_id, "a report of an execution carries none");
}

static void apply(struct executor *x, struct trade *t, const Report *r) {
    if (strcmp(r->trade_id, t->s->trade_id) == 0) adopt_order_id(t, r->broker_order_id); // else it is booked on this one (netting_owner)
    if (r->has_unsure && r->unsure) return unsure(x, t, r->reason ? r->reason : "its gateway has no definitive answer");
    switch (r->kind) {
    case REPORT__KIND__accepted:
        return accepted(x, t);
    case REPORT__KIND__rejected:
        return rejected(x, t, r);
    case REPORT__KIND__filled:
        return r->fill ? fill_order(x, t, r->fill) : bare(x, t);
    case REPORT__KIND__cancelled:
        return cancelled(x, t, r->reason);
    case REPORT__KIND__expired:
        return engine_end(x, t, TRADE_EXPIRE, r->reason ? r->reason : "expired at the broker");
    case REPORT__KIND__position_closed:
        return r->fill ? fill_position(x, t, r->fill) : bare(x, t);
    case REPORT__KIND__modified:
        return wishes_done(x, t, r);
    case REPORT__KIND__cancel_rejected:
    case REPORT__KIND__modify_rejected:
        return wishes_refused(x, t, r);
    case _REPORT__KIND_IS_INT_SIZE:
        break;
    }
    batch_alert(x->batch, ALERT__SEVERITY__critical, "unknown_report", t->s->trade_id, "report kind %d is not known here", (int)r->kind);
}

// What is over is taken out of the queue of what is forgotten while it is worked on.
static void worked_on(struct executor *x, struct trade *t, bool was_retired) {
    if (was_retired && !t->retired && trade_is_final(t->s)) trades_retire(x->trades, t);
}

void reports_apply(struct executor *x, struct trade *t, const Report *r) {
    bool was_retired = t->retired;
    trades_revive(x->trades, t);
    apply(x, t, r);
    worked_on(x, t, was_retired);
}

// --- about trades that are not known

// Kept with its number acknowledged: it counts as soon as its order comes. A state without an execution of a trade that is over and
// forgotten is old news.
static void keep_aside(struct executor *x, const struct session *s, const Report *r) {
    bool executed = r->kind == REPORT__KIND__filled || r->kind == REPORT__KIND__position_closed;
    bool known = guard_find(x->guard, digest_text(r->trade_id), NULL);
    if (known && !executed) return;
    char field[160];
    (void)snprintf(field, sizeof field, "%.64s:%llu:%llu", s->instance_id, (unsigned long long)s->books, (unsigned long long)r->report);
    size_t size = report__get_packed_size(r);
    uint8_t *packed = arena_take(batch_arena(x->batch), size);
    report__pack(r, packed);
    slice_aside(x->batch, x->context->shard, field, (struct span){packed, size});
    struct kept_report *k = aside_add(x->aside, field, r, batch_mono(x->batch));
    if (!known) return;
    k->alarmed = true;
    batch_alert(x->batch, ALERT__SEVERITY__critical, "late_execution", r->trade_id,
                "the broker has executed a trade that was over long ago; the report is kept in execution_state:aside:%u",
                x->context->shard);
}

void reports_apply_kept(struct executor *x, struct trade *t) {
    resolve_doubt(x, t, "its broker reported it before it was known here");
    for (struct kept_report *k; (k = aside_find(x->aside, t->s->trade_id)) != NULL;) {
        reports_apply(x, t, k->report);
        slice_aside(x->batch, x->context->shard, k->field, (struct span){0});
        aside_drop(x->aside, k);
    }
}

void reports_watch_aside(struct executor *x) {
    uint64_t mono = batch_mono(x->batch), patience = (uint64_t)x->settings->aside_alarm_ms * NS_PER_MS;
    for (struct kept_report *k = aside_first(x->aside); k && mono - k->since >= patience; k = k->next) {
        if (k->alarmed) continue;
        k->alarmed = true;
        batch_alert(x->batch, ALERT__SEVERITY__critical, "unexplained_report", k->report->trade_id,
                    "account %s: the broker reports an order for which there is none here; kept in execution_state:aside:%u",
                    k->report->account_id, x->context->shard);
    }
}

// --- in sequence

// The next one, or (false) one that we have, or one behind a gap: the gateway sends what is not acknowledged again, in order.
static bool is_next(struct executor *x, struct session *s, const Report *r) {
    if (r->report <= s->report) {
        s->acknowledged = 0; // it may not know: tell it again
        return false;
    }
    if (r->report == s->report + 1) {
        s->gap_since = 0;
        return true;
    }
    uint64_t mono = batch_mono(x->batch);
    if (!s->gap_since) s->gap_since = mono;
    if (mono - s->gap_since >= GAP_ALARM) {
        batch_alert(x->batch, ALERT__SEVERITY__critical, "report_gap", s->instance_id, "report %llu does not come; %llu does",
                    (unsigned long long)s->report + 1, (unsigned long long)r->report);
    }
    return false;
}

void reports_handle(struct executor *x, struct session *s, const Report *r) {
    if (!is_next(x, s, r)) return;
    struct trade *t = trades_find(x->trades, r->trade_id), *owner;
    if ((!t || trade_is_final(t->s)) && (owner = netting_owner(x, r)) != NULL) t = owner;
    if (!t && aside_count(x->aside) >= (size_t)x->settings->aside_max) {
        batch_alert(x->batch, ALERT__SEVERITY__critical, "aside_full", s->instance_id,
                    "too many reports about unknown trades: taking no more");
        return; // not acknowledged
    }
    s->report = r->report;
    s->report_moved = true;
    if (t)
        reports_apply(x, t, r);
    else
        keep_aside(x, s, r);
}

// --- answers to questions

// It works at the broker, without an execution so far.
static void found(struct executor *x, struct trade *t) {
    TradeState__State before = t->s->state;
    bool was_over = trade_is_final(t->s);
    if (!engine_move(x, t, TRADE_FOUND, NULL) || t->s->state == before) return;
    if (was_over) {
        batch_alert(x->batch, ALERT__SEVERITY__critical, "evidence_overrides", t->s->trade_id, "was %s, and works at the broker",
                    record_enum_name(&trade_state__state__descriptor, (int)before));
    }
    engine_changed(x, t, NULL, NULL);
}

static void settle(struct executor *x, struct trade *t, const OrderStatus *m) {
    switch (m->has_state ? m->state : T(working)) {
    case T(rejected):
        return engine_end(x, t, TRADE_REJECT, m->reason ? m->reason : "rejected by the broker");
    case T(cancelled):
        return cancelled(x, t, m->reason);
    case T(expired):
        return engine_end(x, t, TRADE_EXPIRE, m->reason ? m->reason : "expired at the broker");
    case T(partially_filled):
        if (t->s->state == T(filled) && t->s->filled_lots < t->s->lot_size) return engine_end(x, t, TRADE_REOPEN, NULL);
        return;
    case T(pending):
    case T(submitting):
    case T(working):
        if (!m->n_fills) found(x, t);
        return;
    case T(unknown): // the gateway does not know either
    case T(filled):
    case T(closed):
        return; // its fills have said so
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return;
    }
}

// Found: what the broker knows is adopted, every execution that is not counted yet with it.
static void adopt(struct executor *x, struct trade *t, const OrderStatus *m) {
    TradeState__State before = t->s->state;
    adopt_order_id(t, m->broker_order_id);
    t->asking = false;
    t->asked_since = 0;
    t->s->not_found = 0;
    for (size_t i = 0; i < m->n_fills; i++) fill_order(x, t, m->fills[i]);
    for (size_t i = 0; i < m->n_closings; i++) fill_position(x, t, m->closings[i]);
    settle(x, t, m);
    if (before == T(unknown) && t->s->state == T(unknown)) {
        batch_alert(x->batch, ALERT__SEVERITY__warning, "found_unclear", t->s->trade_id,
                    "the broker has it, and does not say what became of it");
        due_set(x->due, &t->due, t->asked_at + x->patience.interval);
    }
    if (trade_is_live(t->s)) wishes_send(x, t);
}

void reports_status(struct executor *x, struct session *s, const OrderStatus *m) {
    struct trade *t = trades_find(x->trades, m->trade_id);
    (void)s;
    if (!t) return;
    if (m->has_failed && m->failed) {
        t->asking = false; // says nothing: asked again in its time
        return;
    }
    if (!m->found) return resolve_not_found(x, t);
    bool was_retired = t->retired;
    trades_revive(x->trades, t);
    adopt(x, t, m);
    worked_on(x, t, was_retired);
}
