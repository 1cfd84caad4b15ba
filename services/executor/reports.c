// reports - what gateways say about orders. Each report has its effect once, each execution counts
// once, and none is lost.
// SPDX-License-Identifier: MIT
#include "common/base/clock.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"
#include "services/executor/trade/in_doubt/evidence.h"
#include "services/executor/trade/in_doubt/inquiry.h"

#define T(name)   TRADE_STATE__STATE__##name
#define GAP_ALARM (10 * NS_PER_S)

// --- one report

static void apply_report(struct executor *self, batch_t *batch, struct trade *t, const Report *r) {
    struct step s = step_begin(self, batch, t);
    evidence_report(t, r, &s.env, &s.out);
    step_end(&s);
    bool answered = r->kind == REPORT__KIND__modified || r->kind == REPORT__KIND__modify_rejected;
    if (answered) follow_trade(self, batch, t); // the price has gone on meanwhile
}

// About a trade that memory does not have. A state without an execution of one that is over and
// forgotten is old news.
static void seek_trade(struct executor *self, batch_t *batch, const Report *r) {
    bool executed = r->kind == REPORT__KIND__filled || r->kind == REPORT__KIND__position_closed;
    if (!executed && guard_find(self->guard, digest_text(r->trade_id), NULL)) return;
    orphans_seek(self, batch, r->trade_id, r->account_id);
}

// --- in sequence

static void alarm_gap(struct session *s, batch_t *batch, const Report *r) {
    uint64_t mono = batch_mono(batch);
    if (!s->gap_since) s->gap_since = mono;
    if (mono - s->gap_since < GAP_ALARM) return;
    batch_alert(
        batch, ALERT__SEVERITY__critical, "report_gap", s->instance_id,
        "report %llu is missing, and report %llu came: the gateway must send the missing one first",
        (unsigned long long)s->report + 1, (unsigned long long)r->report);
}

// The next one, or (false) one that we have, or one behind a gap: the gateway sends what is not
// acknowledged again, in order.
static bool is_next(struct session *s, batch_t *batch, const Report *r) {
    if (r->report <= s->report) {
        s->acknowledged = 0; // it may not know: tell it again
        return false;
    }
    if (r->report == s->report + 1) {
        s->gap_since = 0;
        return true;
    }
    alarm_gap(s, batch, r);
    return false;
}

// Not acknowledged while it is: the gateway keeps them.
static bool has_orphan_room(struct executor *self, batch_t *batch, const struct session *s) {
    if (orphans_count(self->orphans) < (size_t)self->settings->orphans_max) return true;
    batch_alert(batch, ALERT__SEVERITY__critical, "orphans_full", s->instance_id,
                "the executor holds ORPHANS_MAX reports about unknown trades: it accepts no more "
                "until some are explained");
    return false;
}

void reports_handle(struct executor *self, batch_t *batch, struct session *s, const Report *r) {
    if (!is_next(s, batch, r)) return;
    struct trade *t = trades_find(self->trades, r->trade_id);
    if (!t && !has_orphan_room(self, batch, s)) return;
    s->report = r->report;
    s->report_moved = true;
    if (t)
        apply_report(self, batch, t, r);
    else
        seek_trade(self, batch, r);
}

// --- answers to questions

typedef void evidence_of_fill(struct trade *t, const Fill *f, const struct trade_env *env,
                              struct effects *out);

static void apply_each(struct executor *self, batch_t *batch, struct trade *t, Fill *const *fills,
                       size_t n, evidence_of_fill *apply) {
    for (size_t i = 0; i < n; i++) {
        struct step s = step_begin(self, batch, t);
        apply(t, fills[i], &s.env, &s.out);
        step_end(&s);
    }
}

static void take_submitted(struct executor *self, batch_t *batch, struct trade *t,
                           const OrderStatus *m) {
    struct step s = step_begin(self, batch, t);
    evidence_submitted(t, m, &s.env, &s.out);
    step_end(&s);
}

// Found: what the broker knows is adopted, every execution that is not counted yet with it. Where
// the broker could not be asked, what its gateway itself has.
static void adopt_order_status(struct executor *self, batch_t *batch, struct trade *t,
                               const OrderStatus *m) {
    bool was_unknown = t->s->state == T(unknown);
    take_submitted(self, batch, t, m);
    apply_each(self, batch, t, m->fills, m->n_fills, evidence_fill);
    apply_each(self, batch, t, m->closings, m->n_closings, evidence_closing);
    if (m->has_failed && m->failed && !m->has_state) return;
    struct step s = step_begin(self, batch, t);
    evidence_state(t, m, was_unknown, &s.env, &s.out);
    step_end(&s);
}

static void take_absence(struct executor *self, batch_t *batch, struct trade *t,
                         const OrderStatus *m) {
    struct step s = step_begin(self, batch, t);
    inquiry_absent(t, m->has_never_submitted && m->never_submitted, &s.env, &s.out);
    step_end(&s);
}

void reports_status(struct executor *self, batch_t *batch, struct session *s,
                    const OrderStatus *m) {
    struct trade *t = trades_find(self->trades, m->trade_id);
    if (!t) orphans_answer(self, batch, s, m);
    t = trades_find(self->trades, m->trade_id);
    bool failed = m->has_failed && m->failed, never = m->has_never_submitted && m->never_submitted;
    if (!t) return;
    if (m->found || (failed && m->submitted)) return adopt_order_status(self, batch, t, m);
    if (failed && !never)
        t->inquiry.state = INQUIRY_NONE; // says nothing: asked again in its time
    else
        take_absence(self, batch, t, m);
}
