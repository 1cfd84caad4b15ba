// parts - what the services do, as little as the promise needs: accept, decide, execute, keep.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "tests/sim/sim.h"

#define TICK (50 * NS_PER_MS)
// A sender that has no answer sends again, but gives up before rollback_quiet is over (design:
// TradingView within 15 s, quiet for 60 s).
#define GIVES_UP_AFTER (8 * NS_PER_S)
#define ROLLBACK_QUIET (10 * NS_PER_S)

// What the door, the router and the executor remember so as to do nothing twice.
static bool remembers(bool known) { return known && !MUTATED("no_guards"); }

// --- door

static void door_load(struct world *w, struct node *n) {
    for (uint32_t t = 0; t < w->sent; t++) n->known[t] = redis_accepted(w->redis, t);
}

static void post(struct world *w, struct node *n, uint32_t trade) {
    w->resend_at[trade] = w->now + NS_PER_S / 2 + dice_below(&w->dice, 3 * NS_PER_S);
    buffer_add(&n->answers, &trade, sizeof trade);
    if (remembers(n->known[trade])) return; // answered as the first time
    struct message m = {.trade = trade, .signal_at = world_utc(w)};
    n->known[trade] = true;
    node_write(n, (struct command){.operation = ACCEPT_SIGNAL, .entry.message = m});
    node_emit(n, m);
}

static void stop_sending(struct world *w, uint32_t trade) {
    for (size_t k = 0; k < w->n_unanswered; k++) {
        if (w->unanswered[k] == trade) w->unanswered[k--] = w->unanswered[--w->n_unanswered];
    }
}

static void door_tap(struct world *w, struct node *n) {
    if (!w->calm && w->sent < w->mix.signals_max && dice_chance(&w->dice, w->mix.signals)) {
        w->unanswered[w->n_unanswered++] = w->sent;
        w->posted_at[w->sent] = w->now;
        post(w, n, w->sent++);
        w->tally->signals++;
    }
    if (!w->n_unanswered) return;
    uint32_t again = w->unanswered[dice_below(&w->dice, w->n_unanswered)];
    if (w->now - w->posted_at[again] > GIVES_UP_AFTER)
        stop_sending(w, again);
    else if (w->resend_at[again] <= w->now)
        post(w, n, again);
}

// 200: from here on the promise holds. The answer may be lost, then it is sent again.
static void door_committed(struct world *w, struct node *n) {
    const uint32_t *all = (const uint32_t *)n->answers.data;
    for (size_t i = 0; i < n->answers.length / sizeof *all; i++) {
        if (w->answered[all[i]] || world_faults(w, w->mix.drop)) continue;
        w->answered[all[i]] = true;
        w->accepted_by[all[i]] = n->incarnation;
        stop_sending(w, all[i]);
    }
}

// --- router

static void router_load(struct world *w, struct node *n) {
    for (uint32_t t = 0; t < w->sent; t++) n->known[t] = redis_decided(w->redis, t);
}

static void router_handle(struct world *w, struct node *n, enum line line,
                          const struct message *m) {
    (void)line;
    if (remembers(n->known[m->trade])) return;
    struct message order = {
        .trade = m->trade, .signal_at = m->signal_at, .ordered_at = world_utc(w)};
    n->known[m->trade] = true;
    node_write(n, (struct command){.operation = DECIDE, .entry.message = order});
    node_emit(n, order);
}

// --- executor

static void keep(struct node *n, struct trade *t) {
    node_write(n, (struct command){.operation = KEEP_TRADE,
                                   .entry.message = t->message,
                                   .sent = t->doubt.was_sent});
}

static void open_add(struct node *n, uint32_t trade) {
    for (size_t i = 0; i < n->n_open; i++) {
        if (n->open[i] == trade) return;
    }
    n->open[n->n_open++] = trade;
}

static void settle(struct node *n, struct trade *t, enum stage stage) {
    if (t->message.stage == stage) return;
    t->message.stage = stage;
    t->held = false;
    keep(n, t);
    node_emit(n, t->message);
    for (size_t i = 0; i < n->n_open; i++) {
        if (n->open[i] == t->message.trade) n->open[i--] = n->open[--n->n_open];
    }
}

static void submit(struct world *w, struct node *n, struct trade *t) {
    t->message.stage = STAGE_SUBMITTING;
    t->submitted_at = w->now;
    t->held = false;
    t->doubt = (struct doubt_state){.was_sent = true};
    keep(n, t);
    node_note(n, (struct note){.kind = SUBMIT, .trade = t->message.trade, .number = w->now});
    open_add(n, t->message.trade);
}

static void wonder(struct world *w, struct node *n, struct trade *t, bool was_sent) {
    t->message.stage = STAGE_UNKNOWN;
    t->look_at = w->now;
    t->doubt = (struct doubt_state){.was_sent = was_sent};
    open_add(n, t->message.trade);
}

static void executor_load(struct world *w, struct node *n) {
    memset(n->trades, 0, TRADES_MAX * sizeof *n->trades);
    n->n_open = 0;
    for (uint32_t i = 0; i < w->sent; i++) {
        const struct trade_record *r = redis_trade(w->redis, i);
        n->trades[i].message = r->message;
        bool in_doubt = r->message.stage == STAGE_SUBMITTING || r->message.stage == STAGE_UNKNOWN;
        if (in_doubt) wonder(w, n, &n->trades[i], r->sent);
    }
    n->last_report = redis_facts(w->redis)->report;
    broker_hello(w, n->last_report);
}

static bool is_too_old(const struct world *w, const struct message *m) {
    return w->mix.expire_after && world_utc(w) - m->signal_at > w->mix.expire_after;
}

// Sent, or asked about first. What was sent before, as far as we know, is never sent here again.
static void decide(struct world *w, struct node *n, struct trade *t, bool was_sent) {
    struct order_origin origin = {.signal_at = t->message.signal_at,
                                  .ordered_at = t->message.ordered_at};
    struct doubt_context context = {world_utc(w), n->started_at, n->rolled_back_at, 0,
                                    ROLLBACK_QUIET};
    struct gateway_checks checks = w->mix.broker;
    checks.session_since = w->broker.session_since;
    t->first_at = doubt_first_at(&origin, &context);
    enum may_send may = doubt_may_send(&checks, &origin, &context);
    if (may == MAY_SEND && !is_too_old(w, &t->message) && !was_sent) return submit(w, n, t);
    w->tally->asked++;
    wonder(w, n, t, was_sent);
    keep(n, t);
}

static void executor_handle(struct world *w, struct node *n, enum line line,
                            const struct message *m) {
    (void)line;
    struct trade *t = &n->trades[m->trade];
    if (remembers(t->message.stage != STAGE_NONE)) return;
    *t = (struct trade){.message = *m};
    decide(w, n, t, false);
}

// What is there overrides whatever was decided without knowing it.
static void adopt(struct node *n, struct trade *t, uint32_t trade) {
    t->message.trade = trade;
    settle(n, t, STAGE_FILLED);
}

static void hear(struct world *w, struct node *n, const struct note *note) {
    struct trade *t = &n->trades[note->trade];
    switch (note->kind) {
    case REPORT:
        if (note->number <= n->last_report)
            node_note(n, (struct note){.kind = ACKNOWLEDGE, .number = n->last_report});
        if (note->number != n->last_report + 1) return;
        n->last_report = note->number;
        node_write(n, (struct command){.operation = SET_REPORT, .number = n->last_report});
        node_note(n, (struct note){.kind = ACKNOWLEDGE, .number = n->last_report});
        adopt(n, t, note->trade);
        return;
    case FOUND:
        adopt(n, t, note->trade);
        return;
    case NOT_FOUND:
        if (!t->doubt.asking || t->doubt.asked_at != note->number) return;
        if (!t->doubt.not_found++) t->doubt.since = t->doubt.asked_at;
        t->doubt.asking = false;
        t->look_at = w->now;
        return;
    case SUBMIT:
    case ASK:
    case ACKNOWLEDGE:
        return; // these go the other way
    }
}

static void look_at(struct world *w, struct node *n, struct trade *t) {
    static const struct doubt_patience patience = {.asks = 5,
                                                   .interval = NS_PER_S / 5,
                                                   .least = 3 * NS_PER_S,
                                                   .answer_within = NS_PER_S,
                                                   .held_interval = 2 * NS_PER_S};
    struct gateway_checks checks = w->mix.broker;
    checks.session_since = w->broker.session_since;
    t->doubt.reachable = true;
    t->doubt.too_old = is_too_old(w, &t->message);
    t->doubt.covered = doubt_covered(&checks, t->first_at, world_utc(w));
    switch (doubt_next(&t->doubt, &checks, &patience, w->now, &t->look_at)) {
    case DOUBT_WAIT:
        return;
    case DOUBT_ASK:
        t->doubt.asking = true;
        t->doubt.asked_at = w->now;
        t->look_at = w->now + patience.answer_within;
        node_note(n, (struct note){.kind = ASK, .trade = t->message.trade, .number = w->now});
        return;
    case DOUBT_ADOPT:
        settle(n, t, STAGE_FILLED);
        return;
    case DOUBT_CANCEL: // nobody cancels here
    case DOUBT_EXPIRE:
        settle(n, t, STAGE_EXPIRED);
        return;
    case DOUBT_RESEND:
        w->tally->redone++;
        t->resent = t->resent || t->doubt.was_sent;
        submit(w, n, t);
        return;
    case DOUBT_HOLD:
        t->held = true;
        return;
    }
}

static void executor_tap(struct world *w, struct node *n) {
    struct note note;
    for (int i = 0; i < 16 && broker_receive(w, &note); i++) hear(w, n, &note);
    if (w->now - n->ticked_at < TICK) return;
    n->ticked_at = w->now;
    for (size_t i = n->n_open; i-- > 0;) {
        struct trade *t = &n->trades[n->open[i]];
        if (t->unsent) {
            t->unsent = false;
            if (t->message.stage == STAGE_SUBMITTING) decide(w, n, t, t->resent);
        }
        bool silent = t->message.stage == STAGE_SUBMITTING && w->now - t->submitted_at > NS_PER_S;
        if (silent) {
            wonder(w, n, t, true);
            keep(n, t);
        }
        if (t->message.stage == STAGE_UNKNOWN && t->look_at <= w->now) look_at(w, n, t);
    }
}

// --- archiver

static void archiver_load(struct world *w, struct node *n) { (void)w, (void)n; }

static void archiver_handle(struct world *w, struct node *n, enum line line,
                            const struct message *m) {
    (void)w;
    struct wire_message row = {line, {.message = *m}};
    buffer_add(&n->rows, &row, sizeof row);
}

// Rows and positions in one transaction of its own.
static void archiver_persist(struct world *w, struct node *n) {
    const struct wire_message *all = (const struct wire_message *)n->rows.data;
    for (size_t i = 0; i < n->rows.length / sizeof *all; i++) {
        const struct message *m = &all[i].entry.message;
        if (all[i].line == SIGNALS) w->archive.rows[m->trade] |= ROW_SIGNAL;
        if (all[i].line == ORDERS) w->archive.rows[m->trade] |= ROW_ORDER;
        if (all[i].line == EXECUTIONS && w->archive.final[m->trade] != STAGE_FILLED)
            w->archive.final[m->trade] = m->stage;
    }
    for (enum line l = 0; l < LINES; l++) w->archive.position[l] = n->in[l].position;
}

const struct part parts[NODES] = {
    [DOOR] = {SIGNALS, 0, door_load, NULL, door_tap, NULL, door_committed},
    [ROUTER] = {ORDERS, 1u << SIGNALS, router_load, router_handle, NULL, NULL, NULL},
    [EXECUTOR] = {EXECUTIONS, 1u << ORDERS, executor_load, executor_handle, executor_tap, NULL,
                  NULL},
    [ARCHIVER] = {NO_LINE, 1u << SIGNALS | 1u << ORDERS | 1u << EXECUTIONS, archiver_load,
                  archiver_handle, NULL, archiver_persist, NULL},
};
