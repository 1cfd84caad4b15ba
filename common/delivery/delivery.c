// delivery - the rules of topics, pure.
// SPDX-License-Identifier: MIT
#include "common/delivery/delivery.h"

#include <stdio.h>
#include <string.h>

#include "common/base/integer.h"
#include "common/base/testing.h"

int entry_id_cmp(struct entry_id a, struct entry_id b) {
    if (a.incarnation != b.incarnation) return a.incarnation < b.incarnation ? -1 : 1;
    return (a.sequence > b.sequence) - (a.sequence < b.sequence);
}

size_t entry_id_print(struct entry_id id, char out[static ENTRY_ID_TEXT]) {
    size_t n = integer_print(id.incarnation, out);
    out[n++] = '-';
    return n + integer_print(id.sequence, out + n);
}

// Digits up to the first other byte; false when there are none or too many.
static bool take_u64(const char **at, const char *end, uint64_t *out) {
    const char *start = *at;
    uint64_t n = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(**at - '0'), &n))
            return false;
    }
    *out = n;
    return *at > start;
}

err_t entry_id_parse(const char *text, size_t length, struct entry_id *out) {
    const char *at = text, *end = text + length;
    struct entry_id id;
    if (!take_u64(&at, end, &id.incarnation) || at == end || *at++ != '-') return ERR_INPUT;
    if (!take_u64(&at, end, &id.sequence) || at != end) return ERR_INPUT;
    *out = id;
    return ERR_OK;
}

enum verdict delivery_accept(struct entry_id position, struct entry_id prev, struct entry_id id) {
    if (entry_id_cmp(id, position) <= 0) return HAVE;
    if (entry_id_cmp(prev, position) > 0 && !MUTATED("no_prev_check")) return GAP;
    return ACCEPT;
}

enum verdict delivery_follows(struct entry_id position, struct entry_id prev, struct entry_id id) {
    struct entry_id next = {position.incarnation, position.sequence + 1};
    enum verdict v = delivery_accept(position, prev, id);
    if (MUTATED("no_prev_check") || MUTATED("believe_the_wire")) return v;
    bool follows = entry_id_cmp(prev, position) == 0 && entry_id_cmp(id, next) == 0;
    return v == ACCEPT && !follows ? GAP : v;
}

bool entry_id_is_ahead(struct entry_id id, uint64_t clock_ms) {
    return id.incarnation > clock_ms && id.incarnation - clock_ms > AHEAD_MOST_MS;
}

uint64_t lag_between(struct entry_id position, struct entry_id head) {
    if (entry_id_cmp(position, head) >= 0) return 0;
    return position.incarnation == head.incarnation ? head.sequence - position.sequence
                                                    : head.sequence;
}

bool position_is_beyond(struct entry_id position, struct entry_id head, uint64_t incarnation) {
    struct entry_id start = {incarnation, 0};
    return entry_id_cmp(position, head) > 0 && entry_id_cmp(position, start) > 0;
}

enum verdict inlet_offer(struct inlet *in, struct entry_id prev, struct entry_id id,
                         enum source source) {
    enum verdict v = source == FROM_WIRE ? delivery_follows(in->position, prev, id)
                                         : delivery_accept(in->position, prev, id);
    if (v == ACCEPT) in->position = id;
    if (v == GAP && source == FROM_WIRE) in->behind = true;
    return v;
}

void inlet_read_done(struct inlet *in, size_t count, size_t limit, uint64_t mono_ns) {
    in->behind = count >= limit;
    in->looked_at = mono_ns;
}

bool inlet_wants_read(const struct inlet *in, uint64_t mono_ns, uint64_t idle_ns) {
    if (in->behind) return true;
    return mono_ns - in->looked_at >= idle_ns && !MUTATED("no_idle_read");
}

uint64_t incarnation_next(uint64_t clock_ms, uint64_t stored, const struct entry_id *positions,
                          size_t n) {
    uint64_t next = clock_ms <= stored ? stored + 1 : clock_ms, own = next;
    for (size_t i = 0; i < n; i++) {
        if (entry_id_is_ahead(positions[i], own)) continue;
        if (next <= positions[i].incarnation) next = positions[i].incarnation + 1;
    }
    return next;
}

void trim_forget(struct trim *t) {
    if (!MUTATED("keep_trim_samples")) t->count = 0;
}

static struct entry_id least_position(const struct entry_id *positions, size_t n) {
    struct entry_id low = n ? positions[0] : ENTRY_ID_NONE;
    for (size_t i = 1; i < n; i++) {
        if (entry_id_cmp(positions[i], low) < 0) low = positions[i];
    }
    return low;
}

// Samples are spaced so that the array always reaches back further than keep_ns.
static void remember_sample(struct trim *t, struct entry_id acked, uint64_t mono_ns,
                            uint64_t keep_ns) {
    if (t->count && mono_ns - t->samples[t->count - 1].mono_ns < keep_ns / (TRIM_SAMPLES / 2))
        return;
    if (t->count == TRIM_SAMPLES)
        memmove(t->samples, t->samples + 1, sizeof t->samples[0] * --t->count);
    t->samples[t->count].acked = acked;
    t->samples[t->count++].mono_ns = mono_ns;
}

void trim_sample(struct trim *t, const struct entry_id *positions, size_t n, uint64_t mono_ns,
                 uint64_t keep_ns, struct entry_id *upto) {
    if (MUTATED("trim_at_once")) keep_ns = 0;
    remember_sample(t, least_position(positions, n), mono_ns, keep_ns);
    *upto = ENTRY_ID_NONE;
    for (unsigned i = 0; i < t->count && mono_ns - t->samples[i].mono_ns >= keep_ns; i++) {
        if (entry_id_cmp(t->samples[i].acked, t->done) > 0) *upto = t->samples[i].acked;
    }
    if (entry_id_cmp(*upto, t->done) > 0) t->done = *upto;
}
