// sample - how a process is, recorded every minute: performance_log.
// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include "common/base/clock.h"
#include "common/oplog/rate.h"
#include "common/service/loop.h"

static uint64_t used_cpu_us(void) {
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use) != 0) return 0;
    return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static void fill_rates(struct loop *l, PerformanceSample *out, uint64_t ns) {
    struct sampled *before = &l->sampled;
    uint64_t cpu_us = used_cpu_us();
    out->has_interval_ms = out->has_cpu_percent = true;
    out->interval_ms = (uint32_t)(ns / NS_PER_MS);
    out->cpu_percent = per_second_e8(cpu_us - before->cpu_us, ns) / 10000;
    out->has_messages_per_s = out->has_sent_per_s = out->has_batches_per_s = true;
    out->messages_per_s = per_second_e8(l->counts.messages - before->messages, ns);
    out->sent_per_s = per_second_e8(l->counts.sent - before->sent, ns);
    out->batches_per_s = per_second_e8(l->counts.batches - before->batches, ns);
    before->cpu_us = cpu_us;
    before->messages = l->counts.messages;
    before->sent = l->counts.sent;
    before->batches = l->counts.batches;
}

static uint64_t percentile_us(const struct histogram *h, unsigned percent) {
    int64_t us = 0;
    return histogram_percentile(h, percent, &us) ? (uint64_t)us : 0;
}

static void fill_times(struct sampled *s, PerformanceSample *out) {
    out->has_stage_us_p50 = out->has_stage_us_p95 = out->has_stage_us_p99 = true;
    out->has_stage_us_max = out->has_commit_us_p50 = out->has_commit_us_p95 = true;
    out->stage_us_p50 = percentile_us(&s->stage_us, 50);
    out->stage_us_p95 = percentile_us(&s->stage_us, 95);
    out->stage_us_p99 = percentile_us(&s->stage_us, 99);
    out->stage_us_max = percentile_us(&s->stage_us, 100);
    out->commit_us_p50 = percentile_us(&s->commit_us, 50);
    out->commit_us_p95 = percentile_us(&s->commit_us, 95);
    out->commit_us_p99 = percentile_us(&s->commit_us, 99);
    histogram_clear(&s->stage_us);
    histogram_clear(&s->commit_us);
}

static TopicSample *sample_of_topic(struct loop *l, size_t i, arena_t *arena) {
    const struct topic_out *topic = &l->outputs.topics[i];
    TopicSample *out = arena_take(arena, sizeof *out);
    *out = (TopicSample)TOPIC_SAMPLE__INIT;
    out->topic = l->outputs.outlets[i].name;
    out->entries = topic->length;
    for (size_t c = 0; c < topic->n_consumers; c++) {
        uint64_t lag = lag_between(topic->acked[c], l->outputs.outlets[i].head);
        if (out->has_lag && lag <= out->lag) continue;
        out->has_lag = true;
        out->lag = lag;
        out->consumer = l->outputs.consumers[topic->consumers[c]].who.name;
    }
    return out;
}

static void fill_lags(struct loop *l, PerformanceSample *out, arena_t *arena) {
    out->topics = arena_take(arena, (l->outputs.n + 1) * sizeof *out->topics);
    out->has_journal_entries = out->has_lag_entries = out->has_topics_behind = true;
    for (size_t i = 0; i < l->outputs.n; i++) {
        TopicSample *topic = out->topics[out->n_topics++] = sample_of_topic(l, i, arena);
        out->journal_entries += topic->entries;
        if (topic->lag > out->lag_entries) out->lag_entries = topic->lag;
    }
    for (size_t i = 0; i < l->inputs.n; i++) out->topics_behind += l->inputs.slots[i].in.behind;
}

static void record_sample(struct loop *l, uint64_t ns) {
    Heartbeat beat;
    arena_t *arena = batch_arena(l->batch);
    heartbeat_fill(l, &beat, arena);
    PerformanceSample out = PERFORMANCE_SAMPLE__INIT;
    out.service = out.instance_id = l->me.name;
    out.messages = l->counts.messages;
    out.batches = l->counts.batches;
    out.memory_bytes = beat.memory_bytes;
    out.created_at = batch_now(l->batch);
    out.has_ring_bytes = out.has_dead_letters = true;
    out.ring_bytes = beat.ring_bytes;
    out.dead_letters = beat.deadletters;
    fill_rates(l, &out, ns);
    fill_times(&l->sampled, &out);
    fill_lags(l, &out, arena);
    batch_emit(l->batch, TOPIC_incidents, 0, &out.base);
}

void run_due_sample(struct loop *l, uint64_t mono_ns) {
    if (!l->sampled.at) { // what it took to start is not counted
        l->sampled.at = mono_ns;
        l->sampled.cpu_us = used_cpu_us();
    }
    uint64_t ns = mono_ns - l->sampled.at;
    if (ns < l->context.sample_ns) return;
    l->sampled.at = mono_ns;
    record_sample(l, ns);
}
