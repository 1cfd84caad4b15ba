// mix - what goes wrong in a round: anything, or what catches a certain mechanism when it is
// switched off.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "tests/sim/sim.h"

static struct gateway_checks draw_broker(struct dice *d, uint64_t delay) {
    struct gateway_checks g = {.longest_acceptance = delay};
    g.check = (Hello__DuplicateCheck)ONE_OF(
        d, HELLO__DUPLICATE_CHECK__none, HELLO__DUPLICATE_CHECK__none,
        HELLO__DUPLICATE_CHECK__forever, HELLO__DUPLICATE_CHECK__window,
        HELLO__DUPLICATE_CHECK__session, HELLO__DUPLICATE_CHECK__open_orders);
    g.can_query = dice_chance(d, 900);
    g.window = ONE_OF(d, 1, 5, 60) * NS_PER_S;
    return g;
}

// One roll a statement, so that the order is the same with any compiler.
static void draw_faults(struct dice *d, struct mix *m) {
    bool mild = dice_chance(d, 200);
    m->strike = (unsigned)ONE_OF(d, 5, 20, 60);
    m->alone = 3;
    m->redis_and_one = (unsigned)ONE_OF(d, 0, 3);
    m->redis_and_two = (unsigned)ONE_OF(d, 0, 3);
    m->everything = (unsigned)ONE_OF(d, 0, 0, 1);
    m->redis_away = (unsigned)ONE_OF(d, 0, 2);
    m->pause = (unsigned)ONE_OF(d, 0, 2);
    m->crash_inside = (unsigned)ONE_OF(d, 0, 5, 30);
    m->lost_reply = (unsigned)ONE_OF(d, 0, 1, 5);
    m->drop = (unsigned)(mild ? 0 : ONE_OF(d, 0, 10, 200));
    m->repeat = (unsigned)(mild ? 0 : ONE_OF(d, 0, 10, 100));
    m->swap = (unsigned)(mild ? 0 : ONE_OF(d, 0, 10, 100));
    m->forge = (unsigned)(mild ? 0 : ONE_OF(d, 0, 1, 20));
    m->drop_order = (unsigned)ONE_OF(d, 0, 0, 10, 100);
}

static struct mix draw_any(struct dice *d) {
    struct mix whole = {0}, *m = &whole;
    draw_faults(d, m);
    m->order_delay = ONE_OF(d, 2, 100, 1000) * NS_PER_MS;
    m->queue = (size_t)ONE_OF(d, 4, 50, 1000);
    m->unwritten = ONE_OF(d, 0, 50, 500, 2000, 2000) * NS_PER_MS;
    m->flush = (unsigned)ONE_OF(d, 0, 5);
    m->keep = ONE_OF(d, 3, 5, 15) * NS_PER_S;
    m->idle_read = ONE_OF(d, 100, 500) * NS_PER_MS;
    m->step = ONE_OF(d, 1, 2, 4) * NS_PER_MS;
    m->expire_after = ONE_OF(d, 0, 0, 1, 20) * NS_PER_S;
    m->signals = (unsigned)ONE_OF(d, 2, 20, 200, 800);
    m->signals_max = (size_t)ONE_OF(d, 300, 2000, TRADES_MAX);
    m->clock_jumps = dice_chance(d, 300);
    m->broker = draw_broker(d, m->order_delay);
    return whole;
}

// A broker that checks nothing but can be asked: the hardest one to do nothing twice with.
static void bare_broker(struct mix *m) {
    m->broker.check = HELLO__DUPLICATE_CHECK__none;
    m->broker.can_query = true;
    m->expire_after = 0;
}

static void only(struct mix *m, const struct mix *weights) {
    m->alone = weights->alone;
    m->redis_and_one = weights->redis_and_one;
    m->redis_and_two = weights->redis_and_two;
    m->everything = weights->everything;
    m->redis_away = weights->redis_away;
    m->pause = weights->pause;
}

static void slow_fsync(struct mix *m) {
    m->unwritten = 2 * NS_PER_S;
    m->flush = 0;
}

// Redis with router and executor; the router comes back late.
static void draw_triple(struct mix *m) {
    only(m, &(struct mix){.redis_and_two = 1});
    slow_fsync(m);
    bare_broker(m);
    m->strike = 15;
    m->signals = 800;
    m->signals_max = TRADES_MAX;
    m->step = 4 * NS_PER_MS;
}

// Redis away for longer than journals are kept, and a service killed meanwhile.
static void draw_away(struct mix *m) {
    only(m, &(struct mix){.redis_away = 1});
    slow_fsync(m);
    m->strike = 20;
    m->keep = 3 * NS_PER_S;
    m->step = 4 * NS_PER_MS;
}

static void draw_pairs(struct mix *m) {
    only(m, &(struct mix){.redis_and_one = 3, .redis_and_two = 1, .alone = 1});
    slow_fsync(m);
    bare_broker(m);
    m->strike = 60;
}

static void draw_services(struct mix *m) {
    only(m, &(struct mix){.alone = 1, .pause = 1});
    bare_broker(m);
    m->strike = m->crash_inside = 60;
    m->unwritten = 0;
}

// Traffic that ends while messages are lost.
static void draw_silence(struct mix *m) {
    only(m, &(struct mix){.pause = 1});
    m->strike = 5;
    m->drop = 200;
    m->signals_max = 300;
    m->signals = 800;
}

// Everything at once, with a Redis that has written whatever it has answered for.
static void draw_strict(struct mix *m) {
    only(m, &(struct mix){.alone = 1,
                          .redis_and_one = 1,
                          .redis_and_two = 1,
                          .everything = 3,
                          .redis_away = 1,
                          .pause = 1});
    m->unwritten = 0;
}

static const struct {
    const char *name;
    void (*draw)(struct mix *m);
} mixes[] = {
    {"any", NULL},           {"services", draw_services}, {"pairs", draw_pairs},
    {"triple", draw_triple}, {"away", draw_away},         {"silence", draw_silence},
    {"strict", draw_strict},
};

bool mix_exists(const char *name) {
    for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++) {
        if (strcmp(mixes[i].name, name) == 0) return true;
    }
    return false;
}

struct mix mix_draw(struct dice *d, const char *name) {
    struct mix m = draw_any(d);
    for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++) {
        if (mixes[i].draw && strcmp(mixes[i].name, name) == 0) mixes[i].draw(&m);
    }
    return m;
}
