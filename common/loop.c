// loop - wait, take what is there, hand it to handlers, commit once, then send and answer.
// SPDX-License-Identifier: MIT
#include "common/loop.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/store_io.h"
#include "common/testing.h"

#define IDLE_MS 10 // a batch that gathers is committed when nothing has come for so long

volatile int loop_stop_asked;

void reactor_add_port(reactor_t *reactor, port_t *port, ready_fn *ready, enum intake intake) {
    if (reactor->n < SOURCES_MAX) reactor->taps[reactor->n++] = (struct tap){port, -1, ready, intake};
}

void reactor_add_fd(reactor_t *reactor, int fd, ready_fn *ready, enum intake intake) {
    if (reactor->n < SOURCES_MAX) reactor->taps[reactor->n++] = (struct tap){NULL, fd, ready, intake};
}

bool loop_is_held(const struct loop *l) { return l->held[0] != 0; }

static void failpoint(struct loop *l, const char *where) {
#ifdef TRADECAST_TEST
    char name[96];
    snprintf(name, sizeof name, "%s.%s", role_name(l->me.role), where);
    FAILPOINT(name);
#else
    (void)l;
    (void)where;
#endif
}

// --- waiting

// How long nothing needs doing: zero while a topic is behind, short while a batch gathers, else up to the next tick.
static int64_t patience(const struct loop *l, uint64_t mono) {
    if (l->sealed) return 10;
    for (size_t i = 0; i < l->n_slots; i++) {
        if (l->slots[i].in.behind && !(l->slots[i].forward && loop_is_held(l))) return l->careful ? 0 : 1;
    }
    int64_t left = l->settings.tick_ms - (int64_t)((mono - l->ticked_at) / NS_PER_MS);
    if (l->open && l->taken && left > IDLE_MS) left = IDLE_MS;
    return left < 0 ? 0 : left;
}

void loop_call(struct loop *l, size_t tap, batch_t *batch) {
    if (batch) trace_socket(l, tap);
    err_t e = l->reactor.taps[tap].ready(l->self, batch);
    if (e && !l->stop) l->stop = e;
}

static bool listens(const struct loop *l, const struct tap *t) {
    if (t->intake == INTAKE_DOOR) return true;
    if (l->sealed) return false;
    return t->intake == INTAKE_DRAIN || !loop_is_held(l);
}

struct heard {
    struct waiter waiters[SOURCES_MAX + 2]; // the taps first, in the order of `taps`, then the control socket and the inbox
    size_t taps[SOURCES_MAX];
    size_t n_taps;
};

static void wait_for_input(struct loop *l, struct heard *h) {
    h->n_taps = 0;
    for (size_t i = 0; i < l->reactor.n; i++) {
        const struct tap *t = &l->reactor.taps[i];
        if (!listens(l, t)) continue;
        h->waiters[h->n_taps] = (struct waiter){.port = t->port, .fd = t->fd};
        h->taps[h->n_taps++] = i;
    }
    size_t n = h->n_taps;
    h->waiters[n++] = (struct waiter){.port = l->control};
    if (!l->sealed) h->waiters[n++] = (struct waiter){.port = l->inbox};
    ports_wait(h->waiters, n, patience(l, clock_mono_ns()));
}

// --- the open batch

void loop_open(struct loop *l) {
    if (l->open) return;
    uint64_t mono = clock_mono_ns();
    uint64_t utc = clock_utc_ns(), rolled = ledger_rolled_back_at(l->ledger);
    l->context.rolled_back_at = rolled ? utc - (mono - rolled) : 0;
    batch_begin(l->batch, l->context.incarnation, utc, mono);
    l->open = true;
    l->taken = 0;
    l->opened_at = l->taken_at = mono;
    trace_begin(l);
    unreadables_report(l->unreadable, l->batch);
}

static void listen(struct loop *l, const struct heard *h) {
    for (size_t i = 0; i < h->n_taps; i++) {
        if (!h->waiters[i].ready) continue;
        bool away = l->reactor.taps[h->taps[i]].intake == INTAKE_DOOR && loop_is_held(l);
        loop_call(l, h->taps[i], away ? NULL : l->batch);
        l->taken_at = clock_mono_ns();
    }
    if (h->waiters[h->n_taps].ready) control_take(l);
    intake_wire(l);
    if (l->drained || l->iterations % 8 == 0) intake_journals(l);
}

// Whether every topic was read to its end, once since the start.
static bool has_caught_up(const struct loop *l) {
    for (size_t i = 0; i < l->n_slots; i++) {
        if (!l->slots[i].in.looked_at || l->slots[i].in.behind) return false;
    }
    return true;
}

void loop_tick(struct loop *l) {
    trace_tick(l);
    err_t e = l->service->tick ? l->service->tick(l->self, l->batch) : ERR_OK;
    if (e) l->stop = e;
}

static void tick(struct loop *l, uint64_t mono) {
    if (!l->context.caught_up) l->context.caught_up = has_caught_up(l);
    if (mono - l->ticked_at < (uint64_t)l->settings.tick_ms * NS_PER_MS) return;
    l->ticked_at = mono;
    loop_tick(l);
}

// A batch that is still small waits a little for more, as long as something keeps coming (the archiver: 50 or 5 s).
static bool still_gathering(const struct loop *l, uint64_t mono) {
    if (l->stop || loop_stop_asked || l->taken >= l->settings.gather_count || intake_full(l)) return false;
    if (mono - l->opened_at >= (uint64_t)l->settings.gather_for_ms * NS_PER_MS) return false;
    return l->taken && mono - l->taken_at < IDLE_MS * NS_PER_MS;
}

static void add_positions(struct loop *l) {
    char key[80], id[ENTRY_ID_TEXT];
    snprintf(key, sizeof key, "position:%s", l->me.name);
    for (size_t i = 0; i < l->n_slots; i++) {
        struct slot *s = &l->slots[i];
        if (entry_id_cmp(s->in.position, s->stored) == 0) continue;
        entry_id_print(s->in.position, id);
        batch_field(l->batch, key, s->stream.name, id);
        s->stored = s->in.position;
    }
}

#ifdef TRADECAST_TEST
// The mutation: positions in a transaction of their own, before the effects.
static void positions_apart(struct loop *l) {
    if (!MUTATED("position_apart") || l->service->persist) return; // the archiver's are in SQLite, and it has the same mutation
    struct batch_mark mark = batch_mark_now(l->batch);
    add_positions(l);
    struct span all = batch_bytes(l->batch);
    unsigned n = batch_commands(l->batch) - mark.commands;
    if (n) (void)!store_transaction(ledger_store(l->ledger), (struct span){(const uint8_t *)all.data + mark.bytes, all.length - mark.bytes}, n);
    batch_back_to(l->batch, mark);
}
#endif

// --- committing

// What waits for others is killed while it waits, however good the message is.
static void forget_try(struct loop *l) {
    char key[96];
    buffer_t answer = {0};
    if (!l->trying || l->forgiven) return;
    snprintf(key, sizeof key, "%s:trying", l->me.name);
    if (!store_command(ledger_store(l->ledger), 3, (struct span[]){span_of("SET"), span_of(key), span_of("")}, &answer)) l->forgiven = true;
    buffer_destroy(&answer);
}

static err_t persist(struct loop *l) {
    struct inlet_position at[INLETS_MAX];
    if (!l->service->persist || l->persisted) return ERR_OK;
    for (size_t i = 0; i < l->n_slots; i++) at[i] = (struct inlet_position){l->slots[i].stream.name, l->slots[i].in.position};
    if (l->service->waits_for_others) forget_try(l);
    err_t e = l->service->persist(l->self, l->batch, at, l->n_slots);
    l->persisted = e == ERR_OK;
    return e;
}

static err_t write_batch(struct loop *l) {
    uint64_t mono = clock_mono_ns();
    l->sealed = true;
    if (l->submitted) return ledger_resume(l->ledger, mono);
    err_t e = persist(l);
    if (e) return e;
    failpoint(l, "before_commit");
    l->submitted = true;
    e = ledger_commit(l->ledger, batch_bytes(l->batch), batch_commands(l->batch), mono);
    l->commit_us[l->samples++ % COMMIT_SAMPLES] = (uint32_t)((clock_mono_ns() - mono) / NS_PER_US);
    return e;
}

static void send_all(struct loop *l) {
    const struct outgoing *out;
    size_t n = batch_outgoing(l->batch, &out);
    for (size_t i = 0; i < n; i++) {
        const char *topic = out[i].outlet ? out[i].outlet->name : out[i].feed;
        const struct topic_out *to = out[i].outlet ? &l->outs[out[i].outlet - l->outlets] : NULL;
        for (size_t c = 0; to && c < to->n_consumers; c++) {
            struct consumer *consumer = &l->consumers[to->consumers[c]];
            if (!port_send(consumer->inbox, topic, out[i].envelope)) consumer->failed++;
        }
        port_send(l->events, topic, out[i].envelope);
    }
}

// Also when there was nothing to commit: what the service hears now is a moment of its own.
static void tell_committed(struct loop *l, bool committed) {
    l->context.committed_at = clock_utc_ns();
    l->context.committed_mono = clock_mono_ns();
    if (l->service->committed) l->service->committed(l->self);
    trace_end(l, committed);
    control_answer(l);
}

static void finish(struct loop *l) {
    if (l->stalled) log_event(LOG_LEVEL_INFO, "recovered", "batch=%llu", (unsigned long long)ledger_batch(l->ledger));
    l->stalled = NULL;
    l->sealed = l->persisted = l->submitted = l->open = false;
    l->batches++;
    l->commands += batch_commands(l->batch);
    failpoint(l, "after_commit");
    send_all(l);
    failpoint(l, "after_send");
    tell_committed(l, true);
    if (l->careful && l->trying && --l->careful == 0) log_event(LOG_LEVEL_INFO, "careful_start_done", "tries=ok");
    l->trying = l->forgiven = false;
}

static const char *trouble_of(struct loop *l, err_t e) {
    const char *said = store_trouble(ledger_store(l->ledger));
    return e == ERR_DISK || e == ERR_PEER || !*said ? error_words(e) : said;
}

static void stall(struct loop *l, err_t e) {
    const char *why = trouble_of(l, e);
    enum log_level level = e == ERR_PEER ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
    if (!l->stalled) log_event(level, "stalled", "error=%s why=%s", error_name(e), log_quote(why));
    l->stalled = why;
    if (l->service->stalled) l->service->stalled(l->self, why);
    control_turn_away(l, why);
}

// Nothing to commit: those who wait get their answer all the same.
static void close_empty(struct loop *l) {
    tell_committed(l, false);
    l->open = false;
}

static void seal(struct loop *l) {
    char why[160];
    err_t fault = batch_fault(l->batch, why);
    if (fault) {
        log_event(LOG_LEVEL_ERROR, "batch_refused", "why=%s", log_quote(why));
        l->stop = fault;
        return;
    }
    batch_gather(l->batch);
#ifdef TRADECAST_TEST
    positions_apart(l);
#endif
    add_positions(l);
}

void loop_commit(struct loop *l) {
    if (!l->sealed) seal(l);
    if (l->stop) return;
    if (!l->sealed && batch_is_empty(l->batch)) return close_empty(l);
    err_t e = write_batch(l);
    switch (error_policy(e)) {
    case POLICY_GO: finish(l); break;
    case POLICY_RETRY: stall(l, e); break;
    case POLICY_REJECT:
    case POLICY_STOP: l->stop = e; break;
    }
}

// While a batch waits: try again, and turn away whoever knocks.
static void iterate_sealed(struct loop *l) {
    loop_commit(l);
    if (l->sealed) control_take(l);
    for (size_t i = 0; l->sealed && i < l->reactor.n; i++) {
        if (l->reactor.taps[i].intake == INTAKE_DOOR) loop_call(l, i, NULL);
    }
}

// A connection that something idle lost is made good before anything is read: the ring first.
static bool connected(struct loop *l) {
    err_t e = ledger_resume(l->ledger, clock_mono_ns());
    if (error_policy(e) == POLICY_STOP) l->stop = e;
    return e == ERR_OK;
}

static void iterate(struct loop *l) {
    struct heard heard;
    wait_for_input(l, &heard);
    l->iterations++;
    if (l->sealed) return iterate_sealed(l);
    loop_open(l);
    listen(l, &heard);
    uint64_t mono = clock_mono_ns();
    tick(l, mono);
    if (connected(l)) upkeep(l, mono);
    if (l->stop || still_gathering(l, mono)) return;
    loop_commit(l);
}

err_t loop_run(struct loop *l) {
    notify_ready();
    while (!l->stop && !loop_stop_asked) {
        iterate(l);
        uint64_t mono = clock_mono_ns();
        upkeep_heartbeat(l, mono);
        notify_alive(mono);
        notify_status(l->stalled ? l->stalled : "running");
    }
    notify_stopping();
    uint64_t until = clock_mono_ns() + 5 * NS_PER_S;
    while (!l->stop && (l->open || l->sealed) && clock_mono_ns() < until) {
        loop_commit(l);
        if (l->sealed) ports_wait(NULL, 0, 20);
    }
    return l->stop;
}
