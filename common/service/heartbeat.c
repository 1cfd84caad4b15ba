// heartbeat - how a service says, about once a second, how it is.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/service/loop.h"

static uint64_t memory_bytes(void) {
    unsigned long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    int n = fscanf(f, "%lu %lu", &total, &resident);
    fclose(f);
    return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static int compare_sizes(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void fill_latency(const struct loop *l, Heartbeat *out) {
    uint32_t sorted[COMMIT_SAMPLES];
    unsigned n = l->counts.samples < COMMIT_SAMPLES ? l->counts.samples : COMMIT_SAMPLES;
    if (!n) return;
    memcpy(sorted, l->counts.commit_us, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_sizes);
    out->commit_us_p50 = sorted[n / 2];
    out->commit_us_p99 = sorted[n * 99 / 100];
}

static char *id_text(arena_t *arena, struct entry_id id) {
    char *text = arena_take(arena, ENTRY_ID_TEXT);
    entry_id_print(id, text);
    return text;
}

static void fill_topics(struct loop *l, Heartbeat *out, arena_t *arena) {
    out->topics = arena_take(arena, (l->outputs.n + 1) * sizeof *out->topics);
    for (size_t i = 0; i < l->outputs.n; i++) {
        TopicHead *head = arena_take(arena, sizeof *head);
        *head = (TopicHead)TOPIC_HEAD__INIT;
        head->topic = l->outputs.outlets[i].name;
        head->head = id_text(arena, l->outputs.outlets[i].head);
        head->length = l->outputs.topics[i].length;
        out->topics[out->n_topics++] = head;
    }
    out->inputs = arena_take(arena, (l->inputs.n + 1) * sizeof *out->inputs);
    for (size_t i = 0; i < l->inputs.n; i++) {
        TopicLag *lag = arena_take(arena, sizeof *lag);
        *lag = (TopicLag)TOPIC_LAG__INIT;
        lag->topic = l->inputs.slots[i].stream.name;
        lag->position = id_text(arena, l->inputs.slots[i].in.position);
        lag->behind = l->inputs.slots[i].in.behind;
        out->inputs[out->n_inputs++] = lag;
    }
}

void heartbeat_fill(struct loop *l, Heartbeat *out, arena_t *arena) {
    *out = (Heartbeat)HEARTBEAT__INIT;
    out->service = l->me.name;
    out->sent_at = clock_utc_ns();
    out->incarnation = l->context.incarnation;
    out->batches = l->counts.batches;
    out->messages = l->counts.messages;
    out->stalled = l->progress.stalled != NULL;
    out->trouble = l->progress.stalled ? (char *)l->progress.stalled
                   : loop_is_held(l)   ? l->pressure.held
                                       : NULL;
    out->ring_bytes = ledger_ring_bytes(l->redis.ledger);
    out->memory_bytes = memory_bytes();
    uint64_t buried = batch_buried(l->batch);
    out->deadletters = buried > l->counts.redriven ? buried - l->counts.redriven : 0;
    out->corrupt = l->counts.corrupt;
    out->has_disbelieved = l->counts.disbelieved != 0;
    out->disbelieved = l->counts.disbelieved;
    out->has_redis_commands = true;
    out->redis_commands = l->counts.commands;
    out->has_cut_off = out->cut_off = l->redis.cut_off;
    out->has_refused = l->counts.refused != 0;
    out->refused = l->counts.refused;
    fill_latency(l, out);
    fill_topics(l, out, arena);
    if (l->service->beat) l->service->beat(l->self, out, arena);
}

void heartbeat_send(struct loop *l, uint64_t mono_ns) {
    struct heartbeat *h = &l->heartbeat;
    if (mono_ns - l->schedule.beat_at < (uint64_t)l->settings.heartbeat_ms * NS_PER_MS) return;
    l->schedule.beat_at = mono_ns;
    if (!h->arena) h->arena = arena_new(16384);
    Heartbeat beat;
    heartbeat_fill(l, &beat, h->arena);
    buffer_clear(&h->frame);
    envelope_write(&h->frame, FEED_HEARTBEAT, ENTRY_ID_NONE, ENTRY_ID_NONE, &beat.base);
    port_send(l->sockets.events, FEED_HEARTBEAT, buffer_span(&h->frame));
    arena_reset(h->arena);
}
