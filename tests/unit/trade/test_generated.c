// test_generated - the pure part against a model broker: orders, closes, fills, what the broker
// does by itself; reports and answers late, out of order, twice or never; records rolled back, and
// restarts. What always holds is checked after each step; at rest both agree.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/fills.h"
#include "tests/unit/terms.h"
#include "tests/unit/trade/memory.h"

// --- at the broker

static void submit_arrives(struct model *w) {
    if (!w->submits.n) return;
    int i = take_waiting(&w->submits, below(&w->b, w->submits.n)).order;
    struct order *o = &w->b.orders[i];
    const struct trade *t = w->m[i].t;
    if (!t || one_in(&w->b, 10)) return; // lost on the way
    if (o->there && w->checks)
        return put_waiting(&w->reports, (struct waiting){.report = REPORTS_DUPLICATE, .order = i});
    if (o->there) broken(w, "%s was sent twice", o->id);
    o->there = true;
    o->side = t->s->side;
    o->lots = t->s->terms->lot_size;
    o->state = T(working);
    o->n_plan = (int)t->s->n_closes;
    for (int k = 0; k < o->n_plan; k++) {
        o->planned[k] = t->s->closes[k]->lots;
        o->plan[k] = (struct piece){number_of(w, t->s->closes[k]->trade_id), o->planned[k], 0};
    }
    put_waiting(&w->reports, (struct waiting){.report = REPORTS_ACCEPTED, .order = i});
}

static void report_execution(struct model *w, int i, const struct execution *e) {
    enum report kind = e->by_broker ? REPORTS_CLOSED : REPORTS_FILLED;
    put_waiting(
        &w->reports,
        (struct waiting){.report = kind, .order = i, .execution = (int)(e - w->b.executions)});
}

static void broker_acts(struct model *w) {
    int i = below(&w->b, ORDERS);
    struct order *o = &w->b.orders[i];
    if (!o->there || w->b.n_executions == EXECUTIONS) return;
    if (o->open && one_in(&w->b, 4))
        return report_execution(w, i, broker_close(&w->b, i, 1 + below(&w->b, (int)o->open)));
    if (broker_is_over(o)) return;
    if (one_in(&w->b, 12)) {
        o->state = o->filled || one_in(&w->b, 2) ? T(cancelled) : T(rejected);
        if (o->filled && !o->open && !o->closes) o->state = T(closed);
        return put_waiting(&w->reports,
                           (struct waiting){.report = o->state == T(rejected) ? REPORTS_REJECTED
                                                                              : REPORTS_CANCELLED,
                                            .order = i});
    }
    int64_t left = o->lots - o->filled;
    const struct execution *e =
        broker_fill(&w->b, i, one_in(&w->b, 2) ? left : 1 + below(&w->b, (int)left));
    if (e) return report_execution(w, i, e);
    put_waiting(
        &w->reports,
        (struct waiting){.report = o->filled ? REPORTS_CANCELLED : REPORTS_REJECTED, .order = i});
}

// --- what its gateway says

static void report(struct model *w, const struct waiting *r) {
    static const Report__Kind kinds[] = {REPORT__KIND__accepted,        REPORT__KIND__filled,
                                         REPORT__KIND__position_closed, REPORT__KIND__cancelled,
                                         REPORT__KIND__rejected,        REPORT__KIND__rejected};
    const struct order *o = &w->b.orders[r->order];
    struct remembered *m = &w->m[r->order];
    bool executed = r->report == REPORTS_FILLED || r->report == REPORTS_CLOSED;
    if (!m->t) {
        m->named |= executed;
        return;
    }
    struct said said;
    struct said_plan said_plan;
    Report p = REPORT__INIT;
    Plan was = PLAN__INIT;
    p.kind = kinds[r->report];
    p.trade_id = (char *)(uintptr_t)o->id;
    p.broker_order_id = (char *)"o";
    p.has_duplicate = p.duplicate = r->report == REPORTS_DUPLICATE;
    p.fill = executed ? say_execution(&w->b, &w->b.executions[r->execution], &said) : NULL;
    was.side = o->side;
    was.lots = o->lots;
    was.n_closes = say_plan(&w->b, o, &said_plan);
    was.closes = said_plan.closes;
    p.plan = one_in(&w->b, 4) ? NULL : &was;
    struct model_step s = begin(w, r->order);
    evidence_report(m->t, &p, &s.env, &s.out);
    end(&s);
}

static void a_report_comes(struct model *w) {
    if (!w->reports.n) return;
    int i = one_in(&w->b, 4) ? below(&w->b, w->reports.n) : 0;
    struct waiting r = w->reports.items[i];
    if (!one_in(&w->b, 6)) (void)take_waiting(&w->reports, i); // else it comes again
    if (!one_in(&w->b, 12)) report(w, &r);
}

// What it said of the trade, as of `cut`.
static void adopt(struct model *w, int i, int cut, TradeState__State state) {
    const struct order *o = &w->b.orders[i];
    struct trade *t = w->m[i].t;
    bool was_unknown = t->s->state == T(unknown);
    OrderStatus m = ORDER_STATUS__INIT;
    Submit submitted = SUBMIT__INIT;
    submitted.terms = new_terms();
    struct said_plan said_plan;
    struct said said;
    m.found = m.has_state = true;
    m.state = state;
    m.submitted = &submitted;
    submitted.side = o->side;
    submitted.lots = o->lots;
    submitted.n_closes = say_plan(&w->b, o, &said_plan);
    submitted.closes = said_plan.closes;
    struct model_step s = begin(w, i);
    evidence_submitted(t, &m, &s.env, &s.out);
    end(&s);
    for (int round = 0, from = below(&w->b, cut + 1); round < 2 * cut;
         round++) { // in any order, each of both kinds
        const struct execution *e = &w->b.executions[(from + round / 2) % cut];
        bool own = e->owner == i && !e->by_broker;
        Fill *f = round % 2 ? say_closing(&w->b, e, i, &said)
                  : own     ? say_execution(&w->b, e, &said)
                            : NULL;
        if (!f) continue;
        m.n_fills += round % 2 == 0;
        s = begin(w, i);
        (round % 2 ? evidence_closing : evidence_fill)(t, f, &s.env, &s.out);
        end(&s);
    }
    s = begin(w, i);
    evidence_state(t, &m, was_unknown, &s.env, &s.out);
    end(&s);
}

static void take_up(struct model *w, int i) {
    const struct order *o = &w->b.orders[i];
    Submit m = SUBMIT__INIT;
    m.terms = new_terms();
    Origin origin = ORIGIN__INIT;
    TradeState s;
    struct said_plan said_plan;
    m.trade_id = (char *)(uintptr_t)o->id;
    m.account_id = m.broker_symbol = origin.signal_id = origin.symbol = (char *)"x";
    m.side = o->side;
    m.terms->order_type = i % 3 ? SIGNAL__ORDER_TYPE__market : SIGNAL__ORDER_TYPE__limit;
    m.lots = o->lots;
    m.n_closes = say_plan(&w->b, o, &said_plan);
    m.closes = said_plan.closes;
    origin.direction = o->closes ? SIGNAL__DIRECTION__close : o->side;
    origin.signal_at = origin.ordered_at = 900;
    m.origin = &origin;
    assert_true(evidence_trade(&m, "x", w->now, w->arena, &s));
    w->m[i].t = new_trade(&s);
    w->m[i].t->sending = SENDING_EARLIER;
    w->m[i].named = false;
    w->m[i].ordered = true;
    doubt(w, i, "known from its gateway only");
}

static void answer(struct model *w, const struct waiting *q) {
    struct remembered *m = &w->m[q->order];
    if (!m->t && m->named && q->there) take_up(w, q->order);
    if (!m->t) return;
    if (q->there) return adopt(w, q->order, q->cut, q->state);
    struct model_step s = begin(w, q->order);
    inquiry_absent(m->t, true, &s.env, &s.out);
    end(&s);
}

static void an_answer_comes(struct model *w) {
    if (!w->questions.n) return;
    int i = below(&w->b, w->questions.n);
    struct waiting *q = &w->questions.items[i];
    if (q->cut < 0) {
        q->cut = w->b.n_executions;
        q->state = w->b.orders[q->order].state;
        q->there = w->b.orders[q->order].there;
        if (one_in(&w->b, 2)) return; // on its way, while others happen
    }
    struct waiting taken = take_waiting(&w->questions, i);
    if (!one_in(&w->b, 12)) answer(w, &taken);
}

// --- in the executor

static void look(struct model *w, int i) {
    struct trade *t = w->m[i].t;
    if (t->s->state == T(pending)) return send(w, i);
    if (t->s->state == T(submitting) && sending_may_be_there(t->sending))
        return doubt(w, i, "no answer");
    struct model_step s = begin(w, i);
    bool resend = false;
    if (t->s->state == T(submitting)) {
        (void)sending_step(&t->sending, SENDING_RECONSIDER);
        if (trade_move(t, TRADE_UNSENT, NULL, &s.env, &s.out)) effects_add(&s.out, EFFECT_KEEP);
    } else if (t->s->state == T(unknown)) {
        resend = inquiry_due(t, &s.env, &s.out);
    } else {
        inquiry_ask(t, &s.env, &s.out);
    }
    end(&s);
    if (resend) send(w, i);
}

// The books are compared while reports are on their way: what the broker has no more is closed
// here.
static void compare_books(struct model *w, int i) {
    int64_t more = fills_open_lots(w->m[i].t->s).e8 - w->b.orders[i].open;
    if (more <= 0) return;
    struct model_step s = begin(w, i);
    evidence_gone(w->m[i].t, more, "the books", &s.env, &s.out);
    end(&s);
}

static void load(struct model *w, int i, int copy) {
    struct remembered *m = &w->m[i];
    free_trade(&m->t);
    m->n_copies = copy + 1;
    TradeState *s =
        copy < 0 ? NULL : trade_state__unpack(NULL, m->copies[copy].length, m->copies[copy].bytes);
    if (s && !trade_is_final(s)) {
        m->t = new_trade(s);
        m->t->sending = s->has_submitted_at ? SENDING_EARLIER : SENDING_NEVER;
        if (s->state == T(unknown)) m->t->s->not_found = 0;
        if (s->state == T(submitting) || s->state == T(pending))
            doubt(w, i, "the executor was restarted");
    }
    if (s) trade_state__free_unpacked(s, NULL);
}

// What was on its way under the epoch before is not taken any more; what the gateway has to report
// it reports again.
static void restart(struct model *w) {
    w->submits.n = w->questions.n = 0;
    for (int i = 0; i < ORDERS; i++) {
        int newest = w->m[i].n_copies - 1;
        load(w, i, one_in(&w->b, 4) ? below(&w->b, newest + 2) - 1 : newest);
    }
}

// --- at rest

static void ask_all(struct model *w) {
    for (int i = 0; i < ORDERS; i++) {
        if (!w->b.orders[i].there) continue;
        if (!w->m[i].t) take_up(w, i);
        adopt(w, i, w->b.n_executions, w->b.orders[i].state);
    }
}

static TradeState__State end_of(const struct order *o) {
    if (!broker_is_over(o)) return o->state;
    if (!o->filled) return o->state;
    return o->closes || o->open ? T(filled) : T(closed);
}

static void check_rest(struct model *w, int i, const char *when) {
    const struct order *o = &w->b.orders[i];
    const TradeState *s = w->m[i].t->s;
    if (s->state != end_of(o))
        broken(w, "%s: %s is %d here, %d there", when, o->id, (int)s->state, (int)end_of(o));
    if (s->filled_lots != o->filled)
        broken(w, "%s: %s has %lld filled, there %lld", when, o->id, (long long)s->filled_lots,
               (long long)o->filled);
    if (fills_open_lots(s).e8 != o->open)
        broken(w, "%s: %s has %lld open, there %lld", when, o->id, (long long)fills_open_lots(s).e8,
               (long long)o->open);
    if (s->unseen_lots) broken(w, "%s: %s was closed unseen, and all is seen", when, o->id);
    if (s->terms->lot_size != o->lots || s->side != o->side || s->n_closes != (size_t)o->n_plan)
        broken(w, "%s: %s has another plan", when, o->id);
}

// Whatever copy of a record is the one that is left, its gateway's answer makes the same of it.
static void redo_all(struct model *w) {
    w->submits.n = w->questions.n = 0;
    for (int i = 0; i < ORDERS; i++) load(w, i, below(&w->b, w->m[i].n_copies + 1) - 1);
    ask_all(w);
    for (int i = 0; i < ORDERS; i++) {
        if (w->b.orders[i].there) check_rest(w, i, "redone");
    }
}

static void rest(struct model *w) {
    ask_all(w);
    for (int i = 0; i < ORDERS; i++) {
        if (w->b.orders[i].there) check_rest(w, i, "at rest");
    }
    redo_all(w);
}

// --- all of it

static void step(struct model *w) {
    int i = below(&w->b, ORDERS);
    w->mono += (uint64_t)below(&w->b, 400) * NS_PER_MS;
    w->now += 1000;
    switch (below(&w->b, 16)) {
    case 0:
        return order_comes(w, i);
    case 1:
    case 2:
        return submit_arrives(w);
    case 3:
    case 4:
    case 5:
        return broker_acts(w);
    case 6:
    case 7:
    case 8:
    case 9:
        return a_report_comes(w);
    case 10:
    case 11:
        return an_answer_comes(w);
    case 12:
    case 13:
    case 14:
        if (w->m[i].t) look(w, i);
        return;
    default:
        if (one_in(&w->b, 8)) return restart(w);
        if (w->m[i].t && one_in(&w->b, 3)) compare_books(w, i);
    }
}

static void live(uint64_t seed, uint64_t n) {
    struct model *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->seed = w->b.seed = seed;
    w->b.netting = one_in(&w->b, 2);
    w->checks = one_in(&w->b, 2);
    w->arena = arena_new(0);
    w->now = 5000;
    w->mono = NS_PER_S;
    w->patience =
        (struct doubt_patience){5, 100 * NS_PER_MS, NS_PER_S, 200 * NS_PER_MS, NS_PER_S, 0};
    w->gateway.checks = (struct gateway_checks){.check = w->checks ? HELLO__DUPLICATE_CHECK__forever
                                                                   : HELLO__DUPLICATE_CHECK__none,
                                                .can_query = true,
                                                .keeps_plans = true,
                                                .books_since = one_in(&w->b, 4) ? 0 : 1};
    for (int i = 0; i < ORDERS; i++) {
        (void)snprintf(w->b.orders[i].id, sizeof w->b.orders[i].id, "t%d", i);
        w->b.orders[i].closes = i >= ORDERS / 2;
    }
    for (; w->steps < n; w->steps++) {
        step(w);
        arena_reset(w->arena);
    }
    rest(w);
    for (int i = 0; i < ORDERS; i++) free_trade(&w->m[i].t);
    arena_destroy(&w->arena);
    free(w);
}

// GENERATED_SEED=n: other ones.
static void a_million_steps_leave_what_the_broker_has(void **state) {
    (void)state;
    const char *given = getenv("GENERATED_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : 1, lives = 4000, steps = 250;
    print_message("seeds %llu to %llu\n", (unsigned long long)first,
                  (unsigned long long)(first + lives - 1));
    learn_moves();
    for (uint64_t i = 0; i < lives; i++) live(first + i, steps);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_million_steps_leave_what_the_broker_has)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
