// node - the loop of a service as common/service/loop.c and common/batch/ledger.c run it, on played
// Redis and wires.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define BATCH_MAX  16u
#define RING_BYTES ((size_t)4 << 20)
#define RING_AGE   (10 * NS_PER_S)

void node_init(struct node *n, enum who who) {
    n->who = who;
    n->trades = who == EXECUTOR ? calloc(TRADES_MAX, sizeof *n->trades) : NULL;
    n->open = who == EXECUTOR ? calloc(TRADES_MAX, sizeof *n->open) : NULL;
    if (who == EXECUTOR && (!n->trades || !n->open)) abort();
}

static buffer_t *buffer_at(struct node *n, unsigned i) {
    buffer_t *const all[] = {&n->commands, &n->outgoing, &n->notes, &n->rows, &n->answers};
    return i < sizeof all / sizeof all[0] ? all[i] : NULL;
}

void node_clear(struct node *n) {
    ring_destroy(&n->ring);
    free(n->trades);
    free(n->open);
    for (unsigned i = 0; buffer_at(n, i); i++) buffer_destroy(buffer_at(n, i));
}

// --- what a handler writes

void node_write(struct node *n, struct command c) {
    c.who = n->who;
    buffer_add(&n->commands, &c, sizeof c);
}

void node_emit(struct node *n, struct message m) {
    struct entry e = {
        .id = {n->incarnation, n->head.incarnation == n->incarnation ? n->head.sequence + 1 : 1},
        .prev = n->head,
        .message = m};
    n->head = e.id;
    node_write(n, (struct command){.operation = APPEND, .line = parts[n->who].owns, .entry = e});
    buffer_add(&n->outgoing, &e, sizeof e);
}

void node_note(struct node *n, struct note note) { buffer_add(&n->notes, &note, sizeof note); }

// --- life and death

static void stop(struct node *n, uint64_t until) {
    ring_destroy(&n->ring);
    for (unsigned i = 0; buffer_at(n, i); i++) buffer_clear(buffer_at(n, i));
    n->up = n->connected = n->pending = n->sealed = n->submitted = false;
    n->waiting = 0; // what is in flight goes with its receiver
    n->wakes_at = until;
}

void node_crash(struct world *w, struct node *n, uint64_t until) {
    if (!n->up) return;
    stop(n, until);
    w->tally->kills++;
    world_excuse(w);
}

static bool dies(struct world *w, struct node *n) {
    if (w->calm || dice_below(&w->dice, 100000) >= w->mix.crash_inside) return false;
    node_crash(w, n, w->now + dice_below(&w->dice, NS_PER_S));
    return true;
}

static void read_positions(struct world *w, struct node *n) {
    const struct facts *f = redis_facts(w->redis);
    for (enum line l = 0; l < LINES; l++) {
        n->stored[l] = f->position[n->who][l];
        n->in[l] = (struct inlet){
            .position = n->who == ARCHIVER ? w->archive.position[l] : n->stored[l], .behind = true};
    }
}

// Above the clock, its last one (in Redis, which may have forgotten it, and in its lock file, which
// has not), its journal's and every consumer's.
static uint64_t next_incarnation(struct world *w, const struct node *n) {
    const struct facts *f = redis_facts(w->redis);
    struct entry_id seen[NODES + 1] = {n->head};
    for (int i = 0; i < NODES && parts[n->who].owns != NO_LINE; i++)
        seen[i + 1] = f->position[i][parts[n->who].owns];
    uint64_t back = w->mix.clock_jumps && !w->calm ? dice_below(&w->dice, 5 * NS_PER_S) : 0;
    uint64_t stored = f->batch[n->who].incarnation;
    return incarnation_next((world_utc(w) - back) / NS_PER_MS,
                            stored > n->incarnation ? stored : n->incarnation, seen, NODES + 1);
}

void node_start(struct world *w, struct node *n) {
    const struct facts *f = redis_facts(w->redis);
    enum line owns = parts[n->who].owns;
    const struct journal *j = owns == NO_LINE ? NULL : redis_journal(w->redis, owns);
    n->head = j && j->end > j->first ? j->entries[j->end - 1].id : ENTRY_ID_NONE;
    n->incarnation = next_incarnation(w, n);
    n->batch = 0;
    (void)entry_id_print(f->batch[n->who], n->at_start);
    if (!f->batch[n->who].incarnation) n->at_start[0] = 0;
    n->ring = ring_new(RING_BYTES, RING_AGE);
    n->answered_at = w->now;
    n->life = n->link = redis_life(w->redis);
    n->up = n->connected = true;
    n->connections++;
    n->started_at = world_utc(w);
    // A Redis that has just started may have forgotten something that we would have known.
    n->rolled_back_at = redis_life(w->redis) > 1 ? UTC_START + redis_started_at(w->redis) : 0;
    n->upkept_at = n->seen_connections = 0;
    memset(&n->trim, 0, sizeof n->trim);
    read_positions(w, n);
    parts[n->who].load(w, n);
}

// --- the ledger

static bool reaches_redis(struct world *w, struct node *n) {
    if (n->connected && redis_is_up(w->redis) && n->link == redis_life(w->redis)) return true;
    n->connected = false;
    return false;
}

// One transaction: it lands or not, and the answer comes or not.
static bool transact(struct world *w, struct node *n, const void *commands, size_t bytes) {
    if (!reaches_redis(w, n)) return false;
    bool breaks = world_faults(w, w->mix.lost_reply);
    if (!breaks || dice_chance(&w->dice, 500)) {
        if (!redis_apply(w->redis, commands, bytes / sizeof(struct command), w->now))
            w->tally->refused++;
    }
    if (breaks) n->connected = false;
    return !breaks;
}

static bool replay(struct world *w, struct node *n, uint64_t from) {
    for (uint64_t b = from; b <= n->batch; b++) {
        const struct ring_entry *e = ring_find(n->ring, b);
        if (!transact(w, n, e->bytes.data, e->bytes.length)) return false;
        ring_touch(n->ring, b, w->now);
        n->answered_at = w->now; // never older than an entry
        w->tally->replays++;
        if (dies(w, n)) return false;
    }
    return true;
}

static bool reconcile(struct world *w, struct node *n) {
    char has[ENTRY_ID_TEXT] = "";
    uint64_t from = 0;
    struct entry_id marker = redis_facts(w->redis)->batch[n->who];
    if (marker.incarnation) (void)entry_id_print(marker, has);
    if (n->life != n->link) n->rolled_back_at = world_utc(w);
    switch (ring_resume(n->ring, n->incarnation, n->batch, has, n->at_start, &from)) {
    case REPLAY_NOTHING:
        break;
    case REPLAY_FROM:
        if (!replay(w, n, from)) return false;
        break;
    case REPLAY_FENCED:
    case REPLAY_HOLE: // starts again from what Redis has
        w->tally->stopped++;
        stop(n, w->now + NS_PER_MS);
        // What its forerunner, killed just before Redis, wrote last: the same as both killed at
        // once. Anything else is not excused.
        if (marker.incarnation != n->incarnation && strcmp(has, n->at_start) != 0) {
            n->life = 0;
            world_excuse(w);
        }
        return false;
    }
    n->life = n->link;
    return true;
}

// Ages in the ring count from the last answer: what was written before an outage may be missing
// after it, however long it lasts.
static void answered(struct world *w, struct node *n) {
    n->pending = false;
    n->answered_at = w->now;
    ring_touch(n->ring, n->batch, w->now);
}

static bool resume(struct world *w, struct node *n) {
    if (reaches_redis(w, n)) return true;
    if (w->now < n->retry_at || !redis_is_up(w->redis)) return false;
    n->retry_at = w->now + 20 * NS_PER_MS;
    n->connected = true;
    n->link = redis_life(w->redis);
    n->connections++;
    bool replays = n->pending || !MUTATED("replay_on_failed_commit_only");
    if (replays && !reconcile(w, n)) {
        n->connected = false;
        return false;
    }
    answered(w, n);
    return true;
}

static bool commit_batch(struct world *w, struct node *n) {
    if (n->submitted) return resume(w, n) && !n->pending;
    if (parts[n->who].persist) parts[n->who].persist(w, n);
    if (dies(w, n)) return false;
    node_write(n,
               (struct command){.operation = SET_BATCH, .entry.id = {n->incarnation, ++n->batch}});
    ring_push(n->ring, n->batch, n->commands.data, n->commands.length,
              (unsigned)(n->commands.length / sizeof(struct command)), n->answered_at);
    n->submitted = n->pending = true;
    if (!n->connected) return resume(w, n);
    if (!transact(w, n, n->commands.data, n->commands.length)) return false;
    answered(w, n);
    return true;
}

// --- sending

// Somebody who reaches the inbox says whatever would do most harm, but for the very next entry:
// that would be the owner's own word.
static void forge(struct world *w, struct node *to, enum line line) {
    struct entry_id at = to->in[line].position;
    struct entry e = {.prev = dice_chance(&w->dice, 500) ? at : ENTRY_ID_NONE};
    const struct entry_id ids[] = {{UINT64_C(1) << 63, 1},
                                   {UINT64_MAX, UINT64_MAX},
                                   {world_utc(w) / NS_PER_MS + 1000, 1},
                                   {at.incarnation, at.sequence + 2}};
    e.id = ids[dice_below(&w->dice, sizeof ids / sizeof *ids)];
    to->inbox[to->waiting++] = (struct wire_message){line, e};
    w->tally->forged++;
}

static void deliver(struct world *w, struct node *to, enum line line, const struct entry *e) {
    if (!to->up || to->waiting >= w->mix.queue || world_faults(w, w->mix.drop)) return;
    if (world_faults(w, w->mix.forge)) forge(w, to, line);
    if (to->waiting >= w->mix.queue) return;
    to->inbox[to->waiting++] = (struct wire_message){line, *e};
    if (to->waiting > 1 && world_faults(w, w->mix.swap)) {
        size_t other = (size_t)dice_below(&w->dice, to->waiting - 1);
        struct wire_message last = to->inbox[to->waiting - 1];
        to->inbox[to->waiting - 1] = to->inbox[other];
        to->inbox[other] = last;
    }
    if (world_faults(w, w->mix.repeat) && to->waiting < w->mix.queue) {
        to->inbox[to->waiting] = to->inbox[dice_below(&w->dice, to->waiting)];
        to->waiting++;
    }
}

static bool send_all(struct world *w, struct node *n) {
    const struct entry *all = (const struct entry *)n->outgoing.data;
    size_t count = n->outgoing.length / sizeof *all;
    enum line line = parts[n->who].owns;
    for (size_t i = 0; i < count; i++) {
        if (dies(w, n)) return false;
        for (int to = 0; to < NODES; to++) {
            if (parts[to].consumes & 1u << line) deliver(w, &w->nodes[to], line, &all[i]);
        }
    }
    const struct note *notes = (const struct note *)n->notes.data;
    for (size_t i = 0; i < n->notes.length / sizeof *notes; i++) {
        if (notes[i].kind != SUBMIT || doubt_may_leave(notes[i].number, w->now))
            broker_send(w, notes[i]);
        else
            n->trades[notes[i].trade].unsent = true;
        if (dies(w, n)) return false;
    }
    return true;
}

static void begin(struct node *n) {
    for (unsigned i = 0; buffer_at(n, i); i++) buffer_clear(buffer_at(n, i));
    n->sealed = n->submitted = false;
}

static void finish(struct world *w, struct node *n) {
    n->sealed = n->submitted = false;
    if (dies(w, n) || !send_all(w, n)) return;
    if (parts[n->who].committed) parts[n->who].committed(w, n);
}

// --- taking

static bool offer(struct world *w, struct node *n, enum line line, const struct entry *e,
                  enum source source) {
    enum verdict v = inlet_offer(&n->in[line], e->prev, e->id, source);
    if (v == GAP && source == FROM_JOURNAL) w->tally->holes++;
    if (v != ACCEPT) return false;
    n->in[line].looked_at = w->now;
    parts[n->who].handle(w, n, line, &e->message);
    return true;
}

static unsigned take_wire(struct world *w, struct node *n) {
    size_t looked = 0;
    unsigned taken = 0;
    for (; looked < n->waiting && taken < BATCH_MAX; looked++)
        taken += offer(w, n, n->inbox[looked].line, &n->inbox[looked].entry, FROM_WIRE);
    n->waiting -= looked;
    memmove(n->inbox, n->inbox + looked, n->waiting * sizeof *n->inbox);
    return taken;
}

static void read_journal(struct world *w, struct node *n, enum line line, size_t limit) {
    const struct journal *j = redis_journal(w->redis, line);
    size_t low = j->first, high = j->end, count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entry_id_cmp(j->entries[middle].id, n->in[line].position) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < j->end && count < limit; low++, count++)
        (void)offer(w, n, line, &j->entries[low], FROM_JOURNAL);
    inlet_read_done(&n->in[line], count, limit, w->now);
}

static void take_journals(struct world *w, struct node *n, unsigned taken) {
    for (enum line l = 0; l < LINES && taken < BATCH_MAX; l++) {
        if (!(parts[n->who].consumes & 1u << l) ||
            !inlet_wants_read(&n->in[l], w->now, w->mix.idle_read))
            continue;
        if (!reaches_redis(w, n)) return;
        read_journal(w, n, l, BATCH_MAX - taken);
    }
}

// --- once a second

static void upkeep(struct world *w, struct node *n) {
    enum line owns = parts[n->who].owns;
    if (w->now - n->upkept_at < NS_PER_S || owns == NO_LINE) return;
    n->upkept_at = w->now;
    if (n->connections != n->seen_connections) trim_forget(&n->trim);
    n->seen_connections = n->connections;
    if (!reaches_redis(w, n)) return;
    struct entry_id acked[NODES], upto;
    size_t count = 0;
    for (int i = 0; i < NODES; i++) {
        if (parts[i].consumes & 1u << owns)
            acked[count++] = redis_facts(w->redis)->position[i][owns];
    }
    trim_sample(&n->trim, acked, count, w->now, w->mix.keep, &upto);
    if (!entry_id_cmp(upto, ENTRY_ID_NONE)) return;
    struct command c = {.operation = TRIM, .who = n->who, .line = owns, .entry.id = upto};
    // The mutation: at once, and in the batch, so that a replay trims what a consumer that was
    // rolled back still needs.
    if (MUTATED("trim_at_once")) return node_write(n, c);
    if (transact(w, n, &c, sizeof c)) w->tally->trimmed++;
}

// --- the loop

static void add_positions(struct node *n) {
    for (enum line l = 0; l < LINES; l++) {
        if (entry_id_cmp(n->in[l].position, n->stored[l]) == 0) continue;
        node_write(n, (struct command){
                          .operation = SET_POSITION, .line = l, .entry.id = n->in[l].position});
        n->stored[l] = n->in[l].position;
    }
}

// The mutation: positions in a transaction of their own, before the effects.
static void positions_apart(struct world *w, struct node *n) {
    size_t before = n->commands.length;
    add_positions(n);
    if (n->commands.length > before)
        (void)transact(w, n, n->commands.data + before, n->commands.length - before);
    n->commands.length = before;
}

void node_step(struct world *w, struct node *n) {
    if (n->sealed) {
        if (commit_batch(w, n)) finish(w, n);
        return;
    }
    begin(n);
    if (parts[n->who].tap) parts[n->who].tap(w, n);
    unsigned taken = take_wire(w, n);
    if (!n->waiting || dice_chance(&w->dice, 125)) take_journals(w, n, taken);
    if (resume(w, n)) upkeep(w, n);
    if (!n->up) return;
    if (MUTATED("position_apart")) positions_apart(w, n);
    add_positions(n);
    if (!n->commands.length && !n->notes.length && !n->answers.length) return;
    n->sealed = true;
    if (commit_batch(w, n)) finish(w, n);
}
