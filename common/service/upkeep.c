// upkeep - what the loop does once a second: look at its consumers, trim its journals, feel the
// pressure.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/testing.h"
#include "common/bus/keys.h"
#include "common/redis/journal.h"
#include "common/redis/store_transaction.h"
#include "common/service/loop.h"

// one part in so many of the time may go into it: where Redis is far it is done less often
#define SHARE     10
#define REST_MOST (5 * NS_PER_S)
// how long what is finished may be looked at when the store is nearly full
#define LOOK_LEAST_MS 5000

// --- consumers and trimming

struct sample {
    struct loop *l;
    size_t outlet, consumer; // where the next reply belongs
};

// What a consumer says that it has. Beyond all that was ever written here it has nothing: it passes
// over what comes, and must be given it again, so that the journal is not trimmed as long as that
// is so.
static void take_position(struct loop *l, size_t outlet, size_t consumer, struct span text) {
    struct topic_out *out = &l->outputs.topics[outlet];
    struct entry_id id = ENTRY_ID_NONE;
    if (entry_id_parse(text.data, text.length, &id)) id = ENTRY_ID_NONE;
    out->beyond[consumer] =
        position_is_beyond(id, l->outputs.outlets[outlet].head, l->context.incarnation);
    out->acked[consumer] = out->beyond[consumer] ? ENTRY_ID_NONE : id;
}

static err_t take_sample(void *arg, unsigned i, struct span text, int64_t number) {
    struct sample *s = arg;
    struct topic_out *out = &s->l->outputs.topics[s->outlet];
    (void)i;
    if (s->consumer < out->n_consumers) {
        take_position(s->l, s->outlet, s->consumer++, text);
        return ERR_OK;
    }
    out->length = (uint64_t)number;
    s->outlet++;
    s->consumer = 0;
    return ERR_OK;
}

static err_t sample_consumers(struct loop *l) {
    buffer_t *commands = &l->outputs.asking;
    buffer_clear(commands);
    unsigned n = 0;
    char key[JOURNAL_KEY_TEXT];
    for (size_t i = 0; i < l->outputs.n; i++) {
        for (size_t c = 0; c < l->outputs.topics[i].n_consumers; c++, n++) {
            snprintf(key, sizeof key, "position:%s",
                     l->outputs.consumers[l->outputs.topics[i].consumers[c]].who.name);
            store_format(commands, 3, (const char *[]){"HGET", key, l->outputs.outlets[i].name});
        }
        journal_key(l->outputs.outlets[i].name, key);
        store_format(commands, 2, (const char *[]){"XLEN", key});
        n++;
    }
    struct sample s = {.l = l};
    return store_pipeline(ledger_store(l->redis.ledger), buffer_span(commands), n, take_sample, &s);
}

static void trim_one(struct loop *l, size_t i, uint64_t mono) {
    struct entry_id upto;
    struct topic_out *out = &l->outputs.topics[i];
    trim_sample(&out->trim, out->acked, out->n_consumers, mono,
                (uint64_t)l->settings.journal_keep_ms * NS_PER_MS, &upto);
    if (entry_id_cmp(upto, ENTRY_ID_NONE) == 0) return;
    char key[JOURNAL_KEY_TEXT], from[ENTRY_ID_TEXT];
    journal_key(l->outputs.outlets[i].name, key);
    entry_id_print((struct entry_id){upto.incarnation, upto.sequence + 1}, from);
    buffer_t answer = {0};
    struct span argv[] = {span_of("XTRIM"), span_of(key),     span_of("MINID"), span_of("~"),
                          span_of(from),    span_of("LIMIT"), span_of("100000")};
    if (MUTATED("trim_at_once"))
        // and replayed
        return batch_raw(l->batch, 5,
                         (struct span[]){argv[0], argv[1], argv[2], span_of("="), argv[4]});
    err_t e = store_command(ledger_store(l->redis.ledger), 7, argv, &answer);
    if (error_policy(e) == POLICY_STOP) l->stop = e;
    buffer_destroy(&answer);
}

// What to do about it depends on where the consumer keeps its positions.
static void alert_beyond(struct loop *l, const char *topic, const struct instance *who,
                         const char *from) {
    char what[200];
    const char *name = who->name;
    switch (role_positions(who->role)) {
    case IN_REDIS:
        (void)snprintf(what, sizeof what, "HSET position:%s %s %s in Redis, as admin", name, topic,
                       from);
        break;
    case IN_DATABASE:
        (void)snprintf(what, sizeof what,
                       "UPDATE positions SET position = '%s' WHERE topic = '%s' in its database",
                       from, topic);
        break;
    }
    batch_alert(l->batch, ALERT__SEVERITY__critical, "position_beyond", topic,
                "%s has a position beyond all that was ever written to %s, and passes over what "
                "comes: stop it, %s, start it; nothing is "
                "trimmed until then, and what it did already it does not do again",
                name, topic, what);
}

static void alert_who_is_beyond(struct loop *l, size_t i) {
    const struct topic_out *out = &l->outputs.topics[i];
    char from[ENTRY_ID_TEXT];
    struct entry_id before;
    for (size_t c = 0; c < out->n_consumers; c++) {
        if (!out->beyond[c] ||
            journal_beginning(ledger_store(l->redis.ledger), l->outputs.outlets[i].name, &before))
            continue;
        entry_id_print(before, from);
        alert_beyond(l, l->outputs.outlets[i].name, &l->outputs.consumers[out->consumers[c]].who,
                     from);
    }
}

static void alert_who_holds(struct loop *l, size_t i) {
    const struct topic_out *out = &l->outputs.topics[i];
    if (out->length < 1000) return;
    for (size_t c = 0; c < out->n_consumers; c++) {
        if (out->beyond[c]) continue;
        if (entry_id_cmp(out->acked[c], ENTRY_ID_NONE) != 0) continue;
        batch_alert(
            l->batch, ALERT__SEVERITY__warning, "consumer_missing", l->outputs.outlets[i].name,
            "%s has never registered a position: journal:%s cannot be trimmed (%llu entries)",
            l->outputs.consumers[out->consumers[c]].who.name, l->outputs.outlets[i].name,
            (unsigned long long)out->length);
    }
}

static bool all_have(const struct loop *l) {
    for (size_t i = 0; i < l->outputs.n; i++) {
        for (size_t c = 0; c < l->outputs.topics[i].n_consumers; c++) {
            if (entry_id_cmp(l->outputs.topics[i].acked[c], l->outputs.checkpoint[i]) < 0)
                return false;
        }
    }
    return true;
}

static void move_checkpoint(struct loop *l) {
    if (!all_have(l)) return;
    if (l->outputs.checkpoint_at) l->context.consumed_until = l->outputs.checkpoint_at;
    l->outputs.checkpoint_at = clock_utc_ns();
    for (size_t i = 0; i < l->outputs.n; i++) l->outputs.checkpoint[i] = l->outputs.outlets[i].head;
}

static void look_after_topics(struct loop *l, uint64_t mono) {
    if (ledger_connections(l->redis.ledger) != l->redis.connections) {
        l->redis.connections = ledger_connections(l->redis.ledger);
        for (size_t i = 0; i < l->outputs.n; i++) trim_forget(&l->outputs.topics[i].trim);
    }
    if (sample_consumers(l)) return;
    for (size_t i = 0; i < l->outputs.n; i++) {
        trim_one(l, i, mono);
        alert_who_is_beyond(l, i);
        alert_who_holds(l, i);
    }
    move_checkpoint(l);
}

// --- pressure

static void feel_memory(struct loop *l) {
    if (ledger_memory(l->redis.ledger, &l->pressure.memory_percent)) return;
    l->context.memory_percent = l->pressure.memory_percent;
    int64_t look = l->settings.look_for_ms, full = l->settings.memory_most;
    int64_t used = (int64_t)l->pressure.memory_percent;
    if (used > full / 2 && look > LOOK_LEAST_MS) {
        // 100 at half of the limit, 0 at the limit
        int64_t share = used >= full ? 0 : (full - used) * 100 / (full - full / 2);
        look = LOOK_LEAST_MS + (look - LOOK_LEAST_MS) * share / 100 / 4;
    }
    batch_look_for(l->batch, (uint64_t)look * NS_PER_MS);
}

static bool journal_is_long(const struct loop *l, size_t *which) {
    for (size_t i = 0; i < l->outputs.n; i++) {
        if (l->outputs.topics[i].length <= (uint64_t)l->settings.journal_max) continue;
        *which = i;
        return true;
    }
    return false;
}

static void feel_pressure(struct loop *l, uint64_t mono) {
    bool was = loop_is_held(l);
    size_t which;
    l->pressure.held[0] = 0;
    if (ledger_is_tight(l->redis.ledger, mono))
        snprintf(l->pressure.held, sizeof l->pressure.held,
                 "the replay ring is full: Redis is slow to write");
    else if (journal_is_long(l, &which))
        snprintf(l->pressure.held, sizeof l->pressure.held,
                 JOURNAL "%s is at its limit: a consumer is behind",
                 l->outputs.outlets[which].name);
    else if (l->pressure.busy_at && mono - l->pressure.busy_at < NS_PER_S)
        snprintf(l->pressure.held, sizeof l->pressure.held, "a handler has no room for more");
    else if (l->pressure.memory_percent >= (unsigned)l->settings.memory_most)
        snprintf(l->pressure.held, sizeof l->pressure.held, "Redis uses %u %% of its memory",
                 l->pressure.memory_percent);
    l->context.held = loop_is_held(l) ? l->pressure.held : NULL;
    if (was != loop_is_held(l)) {
        log_event(LOG_LEVEL_WARNING, was ? "input_resumed" : "input_held", "why=%s",
                  was ? "-" : log_quote(l->pressure.held));
        events_note(&l->events, was ? SYSTEM_EVENT_input_resumed : SYSTEM_EVENT_input_held, NULL,
                    "%s", was ? "what held it back is over" : l->pressure.held);
    }
}

// --- Redis' socket

// Nobody but Redis can make it anew, and only when it starts.
static void look_for_socket(struct loop *l) {
    l->redis.cut_off = store_connected(ledger_store(l->redis.ledger)) &&
                       store_is_cut_off(ledger_store(l->redis.ledger));
    if (!l->redis.cut_off) return;
    batch_alert(
        l->batch, ALERT__SEVERITY__critical, "redis_socket_gone", l->settings.redis,
        "the socket of Redis was removed: what is connected goes on, but nothing that starts can "
        "reach it: restart Redis (systemctl "
        "restart tradecast-redis); it writes what it has, and every service goes on by itself");
}

// --- who came without the right key

static void tell_refused(void *arg, const struct refused *what) {
    struct loop *l = arg;
    batch_alert(l->batch, ALERT__SEVERITY__warning, "refused", what->door,
                "%llu times since this was last said; the last: %s",
                (unsigned long long)(what->count - what->before), what->last);
}

uint64_t upkeep_rest(uint64_t took_ns) {
    uint64_t rest = SHARE * took_ns;
    return rest < NS_PER_S ? NS_PER_S : rest > REST_MOST ? REST_MOST : rest;
}

void run_upkeep(struct loop *l, uint64_t mono_ns) {
    feel_pressure(l, mono_ns);
    if (mono_ns < l->schedule.upkeep_at) return;
    l->counts.refused = keys_refused(mono_ns, tell_refused, l);
    look_for_socket(l);
    look_after_topics(l, mono_ns);
    feel_memory(l);
    uint64_t now = clock_mono_ns();
    l->schedule.upkeep_at = now + upkeep_rest(now - mono_ns);
}
