// world - rounds: faults drawn from a seed, calm, and the oracle.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define STORM_STEPS 20000u
#define CALM_STEPS  60000u
#define CALM_STEP   (8 * NS_PER_MS)

// splitmix64
uint64_t dice_roll(struct dice *d) {
    uint64_t z = d->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint64_t dice_one_of(struct dice *d, size_t n, const uint64_t *values) {
    return values[dice_below(d, n)];
}

// --- faults

// What was answered, is not in Redis, and is in no ring of a living door: only the standard profile
// may lose it (design, section 7).
void world_excuse(struct world *w) {
    const struct node *door = &w->nodes[DOOR];
    for (uint32_t t = 0; t < w->sent; t++) {
        if (!w->answered[t] || w->excused[t] || redis_accepted(w->redis, t)) continue;
        if (door->up && door->incarnation == w->accepted_by[t]) continue;
        if (!door->up && door->life == redis_life(w->redis)) continue; // it had the time to replay
        w->excused[t] = true;
        w->tally->excused++;
    }
}

static uint64_t a_while(struct world *w) {
    return w->now + ONE_OF(&w->dice, 5, 100, 1000, 3000) * NS_PER_MS;
}

static void kill_redis(struct world *w, uint64_t until) {
    if (!redis_is_up(w->redis)) return;
    redis_crash(w->redis, &w->dice);
    w->redis_wakes_at = until;
    w->tally->kills++;
    world_excuse(w);
}

static struct node *any_node(struct world *w) { return &w->nodes[dice_below(&w->dice, NODES)]; }

// One roll of the dice a statement: the same seed must give the same run with any compiler.
static void strike_one(struct world *w) {
    struct node *n = any_node(w);
    node_crash(w, n, a_while(w));
}

static void strike_alone(struct world *w) {
    uint64_t which = dice_below(&w->dice, NODES + 2);
    if (which < NODES)
        node_crash(w, &w->nodes[which], a_while(w));
    else if (which == NODES)
        kill_redis(w, a_while(w));
    else
        broker_crash(w);
}

static void strike_redis_and_one(struct world *w) {
    kill_redis(w, a_while(w));
    strike_one(w);
}

// Router and executor lose what they knew; the router may come back long after the executor has
// found its feet again.
static void strike_redis_and_two(struct world *w) {
    kill_redis(w, w->now + 50 * NS_PER_MS);
    node_crash(w, &w->nodes[EXECUTOR], a_while(w));
    node_crash(w, &w->nodes[ROUTER],
               dice_chance(&w->dice, 300) ? w->now + 14 * NS_PER_S : a_while(w));
}

static void strike_everything(struct world *w) {
    kill_redis(w, a_while(w));
    for (int i = 0; i < NODES; i++) node_crash(w, &w->nodes[i], a_while(w));
    broker_crash(w);
}

// Away for as long as trimming or ageing takes; one service dies meanwhile.
static void strike_redis_away(struct world *w) {
    kill_redis(w, w->now + ONE_OF(&w->dice, 5, 12, 16) * NS_PER_S);
    if (dice_chance(&w->dice, 700)) strike_one(w);
}

static void strike_pause(struct world *w) {
    struct node *n = any_node(w);
    n->wakes_at = w->now + ONE_OF(&w->dice, 200, 3000, 12000) * NS_PER_MS;
}

static void strike(struct world *w) {
    static void (*const kinds[])(struct world *) = {strike_alone,         strike_redis_and_one,
                                                    strike_redis_and_two, strike_everything,
                                                    strike_redis_away,    strike_pause};
    const struct mix *m = &w->mix;
    const unsigned weights[] = {m->alone,      m->redis_and_one, m->redis_and_two,
                                m->everything, m->redis_away,    m->pause};
    unsigned sum = 0, i = 0;
    for (size_t k = 0; k < sizeof weights / sizeof weights[0]; k++) sum += weights[k];
    for (uint64_t at = dice_below(&w->dice, sum); at >= weights[i]; i++) at -= weights[i];
    kinds[i](w);
}

static void wake(struct world *w) {
    if (!redis_is_up(w->redis)) {
        if (w->redis_wakes_at > w->now) return;
        redis_start(w->redis, w->now);
    }
    for (int i = 0; i < NODES; i++) {
        if (!w->nodes[i].up && w->nodes[i].wakes_at <= w->now) node_start(w, &w->nodes[i]);
    }
}

static void step(struct world *w) {
    w->now += w->calm ? CALM_STEP : dice_below(&w->dice, 2 * w->mix.step);
    bool flushed = dice_chance(&w->dice, w->mix.flush) || w->mix.unwritten == 0;
    redis_written(w->redis, flushed                     ? w->now + 1
                            : w->now > w->mix.unwritten ? w->now - w->mix.unwritten
                                                        : 0);
    if (!w->calm && dice_below(&w->dice, 100000) < w->mix.strike) strike(w);
    wake(w);
    struct node *n = any_node(w);
    if (n->up && n->wakes_at <= w->now) node_step(w, n);
    broker_step(w);
    w->tally->steps++;
}

// --- the oracle

// NULL, or what is wrong with a signal when nothing moves any more.
static const char *verdict_on(const struct world *w, uint32_t t) {
    unsigned executions = w->broker.executions[t];
    const struct trade *trade = &w->nodes[EXECUTOR].trades[t];
    uint8_t rows = w->archive.rows[t];
    if (executions > 1) return "executed twice";
    if (executions && w->archive.final[t] != STAGE_FILLED)
        return "executed, but the archive does not say so";
    if (!executions && w->archive.final[t] == STAGE_FILLED)
        return "never executed, but the archive says so";
    if (w->excused[t] || !w->answered[t]) return NULL;
    if (rows != (ROW_SIGNAL | ROW_ORDER)) return "lost before the archive had it";
    if (executions || w->archive.final[t] == STAGE_EXPIRED) return NULL;
    return trade->held ? NULL : "no outcome";
}

static bool is_quiet(const struct world *w) {
    if (w->broker.n_down || w->broker.n_up || w->broker.acknowledged < w->broker.n_reports ||
        !redis_is_up(w->redis))
        return false;
    for (int i = 0; i < NODES; i++) {
        const struct node *n = &w->nodes[i];
        if (!n->up || n->sealed || n->waiting) return false;
        for (enum line l = 0; l < LINES; l++) {
            bool reads = parts[i].consumes & 1u << l;
            if (reads && entry_id_cmp(n->in[l].position, redis_facts(w->redis)->last[l]) < 0)
                return false;
        }
    }
    if (w->n_unanswered) return false;
    for (uint32_t t = 0; t < w->sent; t++) {
        if (verdict_on(w, t)) return false;
    }
    return true;
}

static void judge(struct world *w, uint64_t seed, bool verbose) {
    unsigned told = 0;
    for (uint32_t t = 0; t < w->sent; t++) {
        const char *wrong = verdict_on(w, t);
        w->tally->expired += w->archive.final[t] == STAGE_EXPIRED;
        w->tally->held += w->nodes[EXECUTOR].trades[t].held;
        if (!wrong) continue;
        w->tally->violations++;
        if (verbose && told++ < 3)
            (void)printf("round seed %llu: signal %u: %s\n", (unsigned long long)seed, t, wrong);
    }
    if (verbose && told > 3)
        (void)printf("round seed %llu: and %u more\n", (unsigned long long)seed, told - 3);
}

static void round_run(const struct sim_options *o, uint64_t seed, uint64_t steps,
                      struct tally *tally) {
    struct world *w = calloc(1, sizeof *w);
    if (!w) abort();
    w->dice.state = seed;
    w->mix = mix_draw(&w->dice, o->mix);
    w->now = NS_PER_S;
    w->redis = redis_new();
    w->tally = tally;
    for (int i = 0; i < NODES; i++) node_init(&w->nodes[i], (enum who)i);
    wake(w);
    for (uint64_t i = 0; i < steps; i++) step(w);
    w->calm = true;
    for (unsigned i = 0; i < CALM_STEPS && (i % 256 != 255 || !is_quiet(w)); i++) step(w);
    judge(w, seed, o->verbose);
    for (int i = 0; i < NODES; i++) node_clear(&w->nodes[i]);
    redis_destroy(&w->redis);
    free(w);
}

uint64_t sim_run(const struct sim_options *options, struct tally *tally) {
    *tally = (struct tally){0};
    struct dice seeds = {options->seed};
    while (tally->steps < options->steps) {
        uint64_t left = options->steps - tally->steps;
        uint64_t seed = options->only ? options->seed : dice_roll(&seeds);
        round_run(options, seed, left < STORM_STEPS && !options->only ? left : STORM_STEPS, tally);
        tally->rounds++;
        if (options->only) break;
    }
    return tally->violations;
}
