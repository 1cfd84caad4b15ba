// loop - wait, take what is there, hand it to handlers, commit once, then send and answer.
// SPDX-License-Identifier: MIT
#include "common/service/loop.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/testing.h"
#include "common/program/notify.h"
#include "common/program/stop.h"
#include "common/redis/store_transaction.h"

#define IDLE_MS 10 // a batch that gathers is committed when nothing has come for so long

void reactor_add_port(reactor_t *reactor, port_t *port, ready_fn *ready, enum intake intake) {
    if (reactor->n < SOURCES_MAX)
        reactor->taps[reactor->n++] = (struct tap){port, -1, ready, intake};
}

void reactor_add_fd(reactor_t *reactor, int fd, ready_fn *ready, enum intake intake) {
    if (reactor->n < SOURCES_MAX)
        reactor->taps[reactor->n++] = (struct tap){NULL, fd, ready, intake};
}

bool loop_is_held(const struct loop *l) { return l->pressure.held[0] != 0; }

// --- waiting

// How long nothing needs doing: zero while a topic is behind, short while a batch gathers, else up
// to the next tick.
static int64_t wait_ms(const struct loop *l, uint64_t mono) {
    if (loop_is_sealed(l)) return 10;
    for (size_t i = 0; i < l->inputs.n; i++) {
        if (l->inputs.slots[i].in.behind && !(l->inputs.slots[i].forward && loop_is_held(l)))
            return l->careful.left ? 0 : 1;
    }
    int64_t left = l->settings.tick_ms - (int64_t)((mono - l->schedule.ticked_at) / NS_PER_MS);
    if (l->progress.phase == BATCH_OPEN && l->progress.taken && left > IDLE_MS) left = IDLE_MS;
    return left < 0 ? 0 : left;
}

void loop_call(struct loop *l, size_t tap, batch_t *batch) {
    if (batch) trace_socket(l, tap);
    err_t e = l->sockets.reactor.taps[tap].ready(l->self, batch);
    if (e && !l->stop) l->stop = e;
}

static bool is_tap_heard(const struct loop *l, const struct tap *t) {
    if (t->intake == INTAKE_DOOR) return true;
    if (loop_is_sealed(l)) return false;
    return t->intake == INTAKE_DRAIN || !loop_is_held(l);
}

struct heard {
    // the taps first, in the order of `taps`, then the control socket and the inbox
    struct waiter waiters[SOURCES_MAX + 2];
    size_t taps[SOURCES_MAX];
    size_t n_taps;
};

static void wait_for_input(struct loop *l, struct heard *h) {
    h->n_taps = 0;
    for (size_t i = 0; i < l->sockets.reactor.n; i++) {
        const struct tap *t = &l->sockets.reactor.taps[i];
        if (!is_tap_heard(l, t)) continue;
        h->waiters[h->n_taps] = (struct waiter){.port = t->port, .fd = t->fd};
        h->taps[h->n_taps++] = i;
    }
    size_t n = h->n_taps;
    h->waiters[n++] = (struct waiter){.port = l->sockets.control};
    if (!loop_is_sealed(l)) h->waiters[n++] = (struct waiter){.port = l->sockets.inbox};
    ports_wait(h->waiters, n, wait_ms(l, clock_mono_ns()));
}

// --- the open batch

void loop_open(struct loop *l) {
    if (l->progress.phase != BATCH_NONE) return;
    uint64_t mono = clock_mono_ns();
    uint64_t utc = clock_utc_ns(), rolled = ledger_rolled_back_at(l->redis.ledger);
    l->context.rolled_back_at = rolled ? utc - (mono - rolled) : 0;
    batch_begin(l->batch, l->context.incarnation, utc, mono);
    batch_phase_move(&l->progress.phase, BATCH_BEGIN);
    l->progress.taken = 0;
    l->progress.opened_at = l->progress.taken_at = mono;
    trace_begin(l);
    unreadables_report(l->redis.unreadable, l->batch);
    events_record(&l->events, l->batch);
}

static void handle_ready_taps(struct loop *l, const struct heard *h) {
    for (size_t i = 0; i < h->n_taps; i++) {
        if (!h->waiters[i].ready) continue;
        bool away = l->sockets.reactor.taps[h->taps[i]].intake == INTAKE_DOOR && loop_is_held(l);
        loop_call(l, h->taps[i], away ? NULL : l->batch);
        l->progress.taken_at = clock_mono_ns();
    }
    if (h->waiters[h->n_taps].ready) control_take(l);
    intake_wire(l);
    if (l->inputs.drained || l->schedule.iterations % 8 == 0) intake_journals(l);
}

// Whether every topic was read to its end, once since the start.
static bool has_caught_up(const struct loop *l) {
    for (size_t i = 0; i < l->inputs.n; i++) {
        if (!l->inputs.slots[i].in.looked_at || l->inputs.slots[i].in.behind) return false;
    }
    return true;
}

void loop_tick(struct loop *l) {
    trace_tick(l);
    err_t e = l->service->tick ? l->service->tick(l->self, l->batch) : ERR_OK;
    if (e) l->stop = e;
}

static void run_due_tick(struct loop *l, uint64_t mono) {
    if (!l->context.caught_up) l->context.caught_up = has_caught_up(l);
    if (mono - l->schedule.ticked_at < (uint64_t)l->settings.tick_ms * NS_PER_MS) return;
    l->schedule.ticked_at = mono;
    loop_tick(l);
}

// A batch that is still small waits a little for more, as long as something keeps coming (the
// archiver: 50 or 5 s).
static bool still_gathering(const struct loop *l, uint64_t mono) {
    if (l->stop || stop_asked || l->progress.taken >= l->settings.gather_count || intake_full(l))
        return false;
    if (mono - l->progress.opened_at >= (uint64_t)l->settings.gather_for_ms * NS_PER_MS)
        return false;
    return l->progress.taken && mono - l->progress.taken_at < IDLE_MS * NS_PER_MS;
}

// While a batch waits: try again, and turn away whoever knocks.
static void iterate_sealed(struct loop *l) {
    loop_commit(l);
    if (loop_is_sealed(l)) control_take(l);
    for (size_t i = 0; loop_is_sealed(l) && i < l->sockets.reactor.n; i++) {
        if (l->sockets.reactor.taps[i].intake == INTAKE_DOOR) loop_call(l, i, NULL);
    }
}

static void note_healed(struct loop *l) {
    struct ledger_healed healed;
    if (!ledger_take_healed(l->redis.ledger, &healed)) return;
    events_note(
        &l->events, SYSTEM_EVENT_recovered, "redis", "%s; it has got %llu batches from the ring",
        healed.restarts ? "Redis was started again" : "the connection to Redis was made anew",
        (unsigned long long)healed.batches);
}

// A connection that something idle lost is made good before anything is read: the ring first.
static bool resume_ledger(struct loop *l) {
    err_t e = ledger_resume(l->redis.ledger, clock_mono_ns());
    if (error_policy(e) == POLICY_STOP) l->stop = e;
    if (!e) note_healed(l);
    return e == ERR_OK;
}

static void run_iteration(struct loop *l) {
    struct heard heard;
    wait_for_input(l, &heard);
    l->schedule.iterations++;
    if (loop_is_sealed(l)) return iterate_sealed(l);
    loop_open(l);
    handle_ready_taps(l, &heard);
    uint64_t mono = clock_mono_ns();
    run_due_tick(l, mono);
    if (resume_ledger(l)) run_upkeep(l, mono);
    run_due_sample(l, mono);
    if (l->stop || still_gathering(l, mono)) return;
    loop_commit(l);
}

// With what is still open, or in a batch of its own.
static void record_stop(struct loop *l) {
    if (l->stop || loop_is_sealed(l)) return;
    loop_open(l);
    batch_system_event(l->batch, (struct system_event_about){SYSTEM_EVENT_stop, NULL, NULL},
                       "it was asked to; %llu batches, %llu messages since its start",
                       (unsigned long long)l->counts.batches,
                       (unsigned long long)l->counts.messages);
}

err_t loop_run_until_stop(struct loop *l) {
    notify_ready();
    while (!l->stop && !stop_asked) {
        run_iteration(l);
        uint64_t mono = clock_mono_ns();
        heartbeat_send(l, mono);
        message_log_tick(&l->message_log, mono);
        notify_alive(mono);
        notify_status(l->progress.stalled ? l->progress.stalled : "running");
    }
    notify_stopping();
    record_stop(l);
    uint64_t until = clock_mono_ns() + 5 * NS_PER_S;
    while (!l->stop && l->progress.phase != BATCH_NONE && clock_mono_ns() < until) {
        loop_commit(l);
        if (loop_is_sealed(l)) ports_wait(NULL, 0, 20);
    }
    return l->stop;
}
