// commit - the batch's way from sealed to closed: the service's own commit, Redis, then sends and
// answers.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/base/testing.h"
#include "common/redis/store_transaction.h"
#include "common/service/loop.h"

static void add_positions(struct loop *l) {
    char key[80], id[ENTRY_ID_TEXT];
    snprintf(key, sizeof key, "position:%s", l->me.name);
    for (size_t i = 0; i < l->inputs.n; i++) {
        struct slot *s = &l->inputs.slots[i];
        if (entry_id_cmp(s->in.position, s->stored) == 0) continue;
        entry_id_print(s->in.position, id);
        batch_field(l->batch, key, s->stream.name, id);
        s->stored = s->in.position;
    }
}

#ifdef TRADECAST_TEST
// The mutation: positions in a transaction of their own, before the effects.
static void commit_positions_apart(struct loop *l) {
    // the archiver's are in SQLite, and it has the same mutation
    if (!MUTATED("position_apart") || l->service->persist) return;
    struct batch_mark mark = batch_mark_now(l->batch);
    add_positions(l);
    struct span all = batch_bytes(l->batch);
    unsigned n = batch_commands(l->batch) - mark.commands;
    if (n)
        (void)!store_transaction(
            ledger_store(l->redis.ledger),
            (struct span){(const uint8_t *)all.data + mark.bytes, all.length - mark.bytes}, n);
    batch_back_to(l->batch, mark);
}
#endif

// --- where it stands

bool loop_is_sealed(const struct loop *l) { return batch_phase_is_sealed(l->progress.phase); }
bool loop_has_landed(const struct loop *l) { return l->progress.phase != BATCH_SUBMITTED; }

static void move_batch(struct loop *l, enum batch_event event) {
    batch_phase_move(&l->progress.phase, event);
}

static void reach_failpoint(struct loop *l, const char *where) {
#ifdef TRADECAST_TEST
    char name[96];
    snprintf(name, sizeof name, "%s.%s", role_name(l->me.role), where);
    FAILPOINT(name);
#else
    (void)l;
    (void)where;
#endif
}

// --- writing it

// A message whose batch waits for others may wait until this process is killed, and is as good as
// any:
// the count that was written before it is taken back.
static void forgive_attempt(struct loop *l) {
    char key[96];
    own(buffer) answer = {0};
    if (l->careful.attempt != ATTEMPT_COUNTED) return;
    snprintf(key, sizeof key, "%s:trying", l->me.name);
    const struct span argv[] = {span_of("SET"), span_of(key), span_of("")};
    if (store_command(ledger_store(l->redis.ledger), 3, argv, &answer)) return;
    attempt_move(&l->careful.attempt, ATTEMPT_FORGIVE);
}

static err_t persist_batch(struct loop *l) {
    struct inlet_position at[INLETS_MAX];
    err_t e = ERR_OK;
    for (size_t i = 0; l->service->persist && i < l->inputs.n; i++)
        at[i] =
            (struct inlet_position){l->inputs.slots[i].stream.name, l->inputs.slots[i].in.position};
    if (l->service->waits_for_others) forgive_attempt(l);
    if (l->service->persist) e = l->service->persist(l->self, l->batch, at, l->inputs.n);
    if (!e) move_batch(l, BATCH_OWN_COMMIT);
    return e;
}

static err_t submit_batch(struct loop *l, uint64_t mono) {
    reach_failpoint(l, "before_commit");
    move_batch(l, BATCH_SUBMIT);
    err_t e = ledger_commit(l->redis.ledger, batch_bytes(l->batch), batch_commands(l->batch), mono);
    uint64_t us = (clock_mono_ns() - mono) / NS_PER_US;
    l->counts.commit_us[l->counts.samples++ % COMMIT_SAMPLES] = (uint32_t)us;
    histogram_add(&l->sampled.commit_us, (int64_t)us);
    return e;
}

// As far as it goes now, from where it stands.
static err_t write_batch(struct loop *l) {
    uint64_t mono = clock_mono_ns();
    err_t e = l->progress.phase == BATCH_SEALED ? persist_batch(l) : ERR_OK;
    if (e) return e;
    e = l->progress.phase == BATCH_PERSISTED ? submit_batch(l, mono)
                                             : ledger_resume(l->redis.ledger, mono);
    if (!e) move_batch(l, BATCH_LAND);
    return e;
}

// --- afterwards

static void send_outgoing(struct loop *l) {
    const struct outgoing *out;
    size_t n = batch_outgoing(l->batch, &out);
    l->counts.sent += n;
    for (size_t i = 0; i < n; i++) {
        const char *topic = out[i].outlet ? out[i].outlet->name : out[i].feed;
        const struct topic_out *to =
            out[i].outlet ? &l->outputs.topics[out[i].outlet - l->outputs.outlets] : NULL;
        for (size_t c = 0; to && c < to->n_consumers; c++) {
            struct consumer *consumer = &l->outputs.consumers[to->consumers[c]];
            if (!port_send(consumer->inbox, topic, out[i].envelope)) consumer->failed++;
        }
        port_send(l->sockets.events, topic, out[i].envelope);
    }
}

// Also when there was nothing to commit: what the service hears now is a moment of its own.
static void announce_commit(struct loop *l, bool committed) {
    l->context.committed_at = clock_utc_ns();
    l->context.committed_mono = clock_mono_ns();
    if (l->service->committed) l->service->committed(l->self);
    trace_end(l, committed);
    control_answer(l);
}

static void close_batch(struct loop *l) {
    move_batch(l, BATCH_CLOSE);
    attempt_move(&l->careful.attempt, ATTEMPT_END);
}

// One more message is known not to kill this service.
static void count_down_careful(struct loop *l) {
    if (!l->careful.left || l->careful.attempt == ATTEMPT_NONE) return;
    if (--l->careful.left == 0) log_event(LOG_LEVEL_INFO, "careful_start_done", "tries=ok");
}

static void end_stall(struct loop *l) {
    unsigned long long ms = (clock_mono_ns() - l->progress.stalled_at) / NS_PER_MS;
    log_event(LOG_LEVEL_INFO, "recovered", "batch=%llu ms=%llu",
              (unsigned long long)ledger_batch(l->redis.ledger), ms);
    events_note(&l->events, SYSTEM_EVENT_recovered, "stall", "it commits again after %llu ms: %s",
                ms, l->progress.stalled);
    l->progress.stalled = NULL;
}

static void finish_commit(struct loop *l) {
    if (l->progress.stalled) end_stall(l);
    l->counts.batches++;
    l->counts.commands += batch_commands(l->batch);
    reach_failpoint(l, "after_commit");
    send_outgoing(l);
    reach_failpoint(l, "after_send");
    announce_commit(l, true);
    message_log_batch(&l->message_log, l->batch, l->context.committed_mono);
    uint64_t took_ns = l->context.committed_mono - l->progress.opened_at;
    histogram_add(&l->sampled.stage_us, (int64_t)(took_ns / NS_PER_US));
    count_down_careful(l);
    close_batch(l);
}

static const char *trouble_of(struct loop *l, err_t e) {
    const char *said = store_trouble(ledger_store(l->redis.ledger));
    return e == ERR_DISK || e == ERR_PEER || !*said ? error_words(e) : said;
}

static void begin_stall(struct loop *l, enum log_level level, err_t e, const char *why) {
    log_event(level, "stalled", "error=%s why=%s", error_name(e), log_quote(why));
    events_note(&l->events, SYSTEM_EVENT_stalled, NULL, "%s: %s", error_words(e), why);
    l->progress.stalled_at = clock_mono_ns();
}

static void stall_batch(struct loop *l, err_t e) {
    const char *why = trouble_of(l, e);
    move_batch(l, BATCH_RETRY);
    enum log_level level = e == ERR_PEER ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
    if (!l->progress.stalled) begin_stall(l, level, e, why);
    l->progress.stalled = why;
    if (l->service->stalled) l->service->stalled(l->self, why);
    control_turn_away(l, why);
}

// Nothing to commit: those who wait get their answer all the same.
static void close_empty(struct loop *l) {
    announce_commit(l, false);
    close_batch(l);
}

// --- from open to closed

static err_t complete_batch(struct loop *l) {
    char why[160];
    err_t fault = batch_fault(l->batch, why);
    if (fault) {
        log_event(LOG_LEVEL_ERROR, "batch_refused", "why=%s", log_quote(why));
        return fault;
    }
    batch_gather(l->batch);
#ifdef TRADECAST_TEST
    commit_positions_apart(l);
#endif
    add_positions(l);
    return ERR_OK;
}

static void go_on(struct loop *l) {
    err_t e = write_batch(l);
    switch (error_policy(e)) {
    case POLICY_GO:
        finish_commit(l);
        break;
    case POLICY_RETRY:
        stall_batch(l, e);
        break;
    case POLICY_REJECT:
    case POLICY_STOP:
        l->stop = e;
        break;
    }
}

void loop_commit(struct loop *l) {
    if (loop_is_sealed(l)) return go_on(l);
    err_t fault = complete_batch(l);
    if (fault) l->stop = fault;
    if (l->stop) return;
    if (batch_is_empty(l->batch)) return close_empty(l);
    move_batch(l, BATCH_SEAL);
    go_on(l);
}
