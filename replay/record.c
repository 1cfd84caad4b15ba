// record - every message of every topic, from the journals, into a file; prices as they are
// published.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/operator/stream.h"
#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/bus/port.h"
#include "common/delivery/envelope.h"
#include "common/delivery/topology.h"
#include "common/program/stop.h"
#include "replay/commands.h"
#include "replay/record_traces.h"
#include "replay/recording.h"

#define PAUSE_MS    50
#define TRACES_MS   150  // how long after a batch its trace may come
#define AT_ONCE     1000 // entries of a topic
#define FLUSH_EVERY NS_PER_S
#define TOPICS_MAX  (INSTANCES_MAX * 4)

struct followed {
    char name[64];
    struct entry_id at;
};

struct taking {
    store_t *store;
    recording_t *file;
    port_t *prices; // NULL: not wanted
    struct traces traces;
    unsigned long batches; // of traces
    struct followed topics[TOPICS_MAX];
    size_t n, current;
    uint64_t now, until, flushed_at; // now: UTC ns; the others monotonic
    unsigned long count, most, holes;
    bool refused; // by the disk
};

static bool is_over(const struct taking *t) {
    return t->refused || (t->most && t->count >= t->most) ||
           (t->until && clock_mono_ns() >= t->until);
}

static void record_message(struct taking *t, const char *topic, const struct envelope *e) {
    const struct recorded r = {.at = t->now,
                               .topic = topic,
                               .type = e->type,
                               .id = e->id,
                               .prev = e->prev,
                               .body = e->body};
    if (is_over(t)) return;
    if (recording_add(t->file, &r))
        t->count++;
    else
        t->refused = true;
}

static err_t record_journal_entry(void *arg, const struct journal_entry *entry) {
    struct taking *t = arg;
    struct followed *f = &t->topics[t->current];
    struct envelope e;
    // damaged: `journal show` says so
    if (envelope_read(f->name, entry->envelope, &e)) return ERR_OK;
    if (f->at.incarnation && entry_id_cmp(e.prev, f->at) > 0) t->holes++;
    f->at = entry->id;
    record_message(t, f->name, &e);
    return ERR_OK;
}

static err_t take_journals(struct taking *t) {
    err_t e = ERR_OK;
    for (t->current = 0; !e && t->current < t->n; t->current++) {
        size_t count = AT_ONCE;
        while (!e && count == AT_ONCE && !is_over(t)) {
            t->now = clock_utc_ns();
            e = store_journal(t->store, t->topics[t->current].name, t->topics[t->current].at,
                              AT_ONCE, record_journal_entry, t, &count);
        }
    }
    return e;
}

static void record_prices(struct taking *t) {
    struct parcel parcel;
    struct envelope e;
    t->now = clock_utc_ns();
    while (t->prices && !is_over(t) && port_receive(t->prices, &parcel)) {
        if (envelope_read(parcel.topic, parcel.frame, &e) == ERR_OK)
            record_message(t, parcel.topic, &e);
    }
}

static void flush_recording(struct taking *t) {
    uint64_t mono = clock_mono_ns();
    if (mono - t->flushed_at < FLUSH_EVERY) return;
    t->flushed_at = mono;
    t->refused |= !recording_flush(t->file);
}

// Every topic that there is and that is wanted, from its beginning or from now on.
static err_t find_topics(struct taking *t, const struct call *call) {
    struct instance all[INSTANCES_MAX];
    const char *wanted = call_flag(call, "topic");
    size_t instances = topology_instances(call->place.shards, all);
    err_t e = ERR_OK;
    for (size_t i = 0; !e && i < instances; i++) {
        struct stream topics[INSTANCES_MAX];
        size_t n = topology_outlets(&all[i], call->place.shards, topics);
        for (size_t k = 0; !e && k < n && t->n < TOPICS_MAX; k++) {
            struct journal journal;
            struct followed *f = &t->topics[t->n];
            if (wanted && strncmp(topics[k].name, wanted, strlen(wanted)) != 0) continue;
            *f = (struct followed){.at = ENTRY_ID_NONE};
            (void)snprintf(f->name, sizeof f->name, "%s", topics[k].name);
            t->n++;
            if (call_flag(call, "past")) continue;
            e = journal_look(t->store, f->name, &journal);
            if (!e && *journal.head) e = entry_id_parse(journal.head, strlen(journal.head), &f->at);
        }
    }
    return e;
}

static void follow_prices(struct taking *t, const struct call *call) {
    const char *wanted = call_flag(call, "topic");
    if (wanted && strncmp(FEED_PRICES, wanted, strlen(wanted)) != 0) return;
    struct endpoint at = endpoint_of(call->place.run, "ingest", "events");
    t->prices = port_connect(PORT_SUB, &at, AT_ONCE * 10);
    if (t->prices) port_subscribe(t->prices, FEED_PRICES);
}

// What signals were decided by, without what is secret. Without an archiver the recording lacks it,
// and says so.
static void take_configuration(struct taking *t, const struct call *call) {
    const struct question question = {
        .service = "archiver", .verb = "config-show", .args = {"export"}, .n_args = 1};
    own(buffer) json = {0};
    if (ask_service(&call->place, &question, &json) != DONE) {
        (void)complain_of_call(NO_REACH, "the configuration is not in the recording: %s",
                               buffer_string(&json));
        return;
    }
    const struct recorded r = {.at = clock_utc_ns(),
                               .topic = "config",
                               .type = RECORDED_CONFIGURATION,
                               .body = {json.data, json.length}};
    t->refused |= !recording_add(t->file, &r);
}

// What traces are about is in the file before them.
static err_t record_all_input(struct taking *t) {
    traces_take(&t->traces);
    record_prices(t);
    err_t e = take_journals(t);
    t->refused |= !traces_write(&t->traces, t->file, clock_utc_ns(), &t->batches);
    return e;
}

// Where services can be run from again. Without it only what is recorded from a service's start on
// can.
static void take_state(struct taking *t) {
    static const char *const why[] = {[STATE_BUSY] = "the services never rested",
                                      [STATE_LARGE] = "it is too large",
                                      [STATE_FAILED] = "it could not be read"};
    enum state_taken taken = record_state_write(&t->traces, t->store, t->file);
    if (taken != STATE_TAKEN)
        (void)complain_of_call(NO_REACH,
                               "what was open before is not in the recording: %s (docs/replay.md)",
                               why[taken]);
}

static err_t follow_journals(struct taking *t, bool only_past) {
    stop_on_signals(0);
    err_t e = take_journals(t);
    while (!e && !only_past && !stop_asked && !is_over(t)) {
        struct waiter waiter = {.port = t->prices};
        (void)ports_wait(&waiter, t->prices ? 1 : 0, PAUSE_MS);
        e = record_all_input(t);
        flush_recording(t);
    }
    if (!e && stop_asked) { // what was there when the word came
        e = take_journals(t);
        (void)ports_wait(NULL, 0, t->traces.n ? TRACES_MS : 0);
        if (!e) e = record_all_input(t);
    }
    t->refused |= !recording_flush(t->file);
    return e;
}

static enum outcome report_recording(const struct call *call, const struct taking *t, err_t e) {
    const char *path = call->args[0];
    if (t->refused)
        return complain_of_call(NO_REACH, "%s: %s; what was written before can be read", path,
                                strerror(errno));
    if (e)
        return complain_of_call(NO_REACH, "%s; what was written before can be read",
                                store_trouble(t->store));
    if (call->json)
        printf("{\"file\":\"%s\",\"messages\":%lu,\"holes\":%lu}\n", path, t->count, t->holes);
    else
        printf("%lu messages of %zu topics in %s\n", t->count, t->n, path);
    if (!t->holes) return DONE;
    return complain_of_call(
        ANSWER_NO,
        "%lu times entries had left their journal before they could be read: they are missing",
        t->holes);
}

enum outcome run_record(struct call *call) {
    struct taking t = {.n = 0};
    unsigned long seconds;
    char why[200];
    if (!call_number(call, "count", 0, &t.most) || !call_number(call, "for", 0, &seconds))
        return WRONG_USE;
    own(store) *store = place_store(&call->place, "viewer");
    if (!store) return NO_REACH;
    t.store = store;
    own(recording) *file =
        recording_create(call->args[0], call_flag(call, "compress") != NULL, why);
    if (!file) return complain_of_call(WRONG_USE, "%s", why);
    t.file = file;
    if (seconds) t.until = clock_mono_ns() + seconds * NS_PER_S;
    err_t e = find_topics(&t, call);
    bool past = call_flag(call, "past") != NULL, only_past = past && !seconds && !t.most;
    bool whole = !past && !call_flag(call, "topic"); // enough to run services again
    if (!e && whole) traces_open(&t.traces, &call->place);
    take_configuration(&t, call);
    if (!e && whole) take_state(&t);
    t.refused |= !recording_flush(t.file);
    if (!e && !only_past && !call->json)
        (void)fprintf(stderr, "tradecast: recording into %s; Ctrl-C ends it\n", call->args[0]);
    if (!e && !only_past) follow_prices(&t, call);
    if (!e) e = follow_journals(&t, only_past);
    port_destroy(&t.prices);
    traces_close(&t.traces);
    return report_recording(call, &t, e);
}
