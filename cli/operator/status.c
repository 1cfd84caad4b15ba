// status - how the installation is: services, topics with their consumers, what is live, what is on
// record. Needs Redis, not the monitor.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/operator/status_cells.h"
#include "cli/operator/stream.h"
#include "cli/place.h"
#include "cli/text.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/delivery/cells.h"
#include "common/delivery/topology.h"
#include "common/domain/gaps.h"
#include "execution.pb-c.h"
#include "system.pb-c.h"

#define ASK_MS 1500 // a service that does not answer sooner is shown as silent

struct status {
    const struct call *call;
    store_t *store;
    struct instance all[INSTANCES_MAX];
    size_t n;
    struct sheet services, cells, topics, counts, warnings;
    size_t n_warnings;
    unsigned silent;
    err_t failed; // what Redis said
};

static void add_heartbeat(struct sheet *sheet, const Heartbeat *h) {
    char memory[24], commit[24];
    text_bytes(h->memory_bytes, memory);
    text_between(h->commit_us_p99 * NS_PER_US, commit);
    sheet_add(sheet, h->stalled ? "stalled" : h->trouble ? "held" : "running");
    sheet_format(sheet, "%llu", (unsigned long long)h->messages);
    sheet_format(sheet, "%llu", (unsigned long long)h->batches);
    sheet_add(sheet, commit);
    sheet_add(sheet, memory);
    sheet_format(sheet, "%llu", (unsigned long long)h->deadletters);
    sheet_add(sheet, h->trouble);
}

static void add_count(struct status *s, const char *what, const char *state, const char *number) {
    sheet_add(&s->counts, what);
    sheet_add(&s->counts, state);
    sheet_add(&s->counts, number);
}

// The archiver's, of the last minute.
static void add_storage_row(struct status *s, const Heartbeat *h) {
    char p95[24];
    if (!h->storage || !h->storage->p95_us) return;
    text_between(h->storage->p95_us * NS_PER_US, p95);
    add_count(s, "storage latency", "p95", p95);
}

// The router's, by reason, since it started.
static void add_decision_rows(struct status *s, const Heartbeat *h) {
    for (size_t i = 0; i < h->n_decisions; i++) {
        char number[24];
        snprintf(number, sizeof number, "%llu", (unsigned long long)h->decisions[i]->count);
        add_count(s, "decisions",
                  record_enum_name(&reason__code__descriptor, (int)h->decisions[i]->reason),
                  number);
    }
}

static void look_at_service(struct status *s, const char *name) {
    const struct question question = {.service = name, .verb = "status", .within_ms = ASK_MS};
    own(buffer) answer = {0};
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *m = NULL;
    struct fault fault;
    enum outcome outcome = ask_service(&s->call->place, &question, &answer);
    sheet_add(&s->services, name);
    if (outcome == DONE && !record_from_json(&heartbeat__descriptor, buffer_string(&answer),
                                             answer.length, "", arena, &m, &fault)) {
        add_heartbeat(&s->services, (const Heartbeat *)m);
        add_decision_rows(s, (const Heartbeat *)m);
        add_storage_row(s, (const Heartbeat *)m);
        return;
    }
    s->silent++;
    sheet_add(&s->services, "silent");
    for (int i = 0; i < 5; i++) sheet_add(&s->services, NULL);
    sheet_add(&s->services, outcome == DONE ? fault.rule : buffer_string(&answer));
}

static void add_consumer(struct status *s, const char *topic, const struct journal *journal,
                         const char *consumer) {
    struct entry_id position;
    char text[ENTRY_ID_TEXT];
    uint64_t lag = 0;
    bool known;
    err_t e = journal_position(s->store, consumer, topic, &position, &known);
    if (!e) e = journal_lag(s->store, topic, position, journal, &lag);
    if (e) s->failed = e;
    sheet_add(&s->topics, consumer);
    entry_id_print(position, text);
    sheet_add(&s->topics, known ? text : NULL);
    sheet_format(&s->topics, "%llu", (unsigned long long)lag);
}

// One row for each consumer; a topic is named in the first one only, unless a machine reads it.
static void look_at_topic(struct status *s, const struct stream *topic) {
    struct journal journal;
    struct instance consumers[INSTANCES_MAX];
    err_t e = journal_look(s->store, topic->name, &journal);
    if (e) s->failed = e;
    size_t n = topology_consumers(topic, s->call->place.shards, consumers);
    for (size_t i = 0; i < n; i++) {
        bool named = i == 0 || s->call->json;
        sheet_add(&s->topics, named ? topic->name : NULL);
        sheet_add(&s->topics, named ? journal.head : NULL);
        sheet_format(&s->topics, named ? "%llu" : "", (unsigned long long)journal.length);
        add_consumer(s, topic->name, &journal, consumers[i].name);
    }
}

static void look_at_topics(struct status *s) {
    for (size_t i = 0; i < s->n; i++) {
        struct stream topics[INSTANCES_MAX];
        size_t n = topology_outlets(&s->all[i], s->call->place.shards, topics);
        for (size_t t = 0; t < n; t++) look_at_topic(s, &topics[t]);
    }
}

// `command`: how many members (SCARD) or fields (HLEN).
static void count_key(struct status *s, const char *const words[2], const char *command,
                      const char *key) {
    own(buffer) reply = {0};
    err_t e = REDIS(s->store, &reply, command, key);
    if (e) {
        s->failed = e;
        return;
    }
    const char *text = buffer_string(&reply);
    char number[24];
    snprintf(number, sizeof number, "%.*s", (int)strcspn(text, "\n"), text);
    add_count(s, words[0], words[1], number);
}

// How many members of a set have which state in their hash.
struct tally {
    const ProtobufCEnumDescriptor *states;
    const char *field;
    uint64_t counts[32];
};

static err_t tally_one(void *arg, const ProtobufCMessage *m) {
    struct tally *t = arg;
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, t->field);
    int value;
    memcpy(&value, (const char *)m + f->offset, sizeof value);
    if (value >= 0 && value < 32) t->counts[value]++;
    return ERR_OK;
}

static void count_states(struct status *s, const char *what, struct tally *tally) {
    for (unsigned i = 0; i < tally->states->n_values; i++) {
        int value = tally->states->values[i].value;
        char number[24];
        if (value < 0 || value >= 32 || !tally->counts[value]) continue;
        snprintf(number, sizeof number, "%llu", (unsigned long long)tally->counts[value]);
        add_count(s, what, record_enum_name(tally->states, value), number);
    }
}

static void look_at_live(struct status *s) {
    count_key(s, (const char *[]){"live signals", "pending"}, "SCARD", "signal:state:pending");
    count_key(s, (const char *[]){"live signals", "processing"}, "SCARD",
              "signal:state:processing");
    count_key(s, (const char *[]){"live signals", "awaiting approval"}, "HLEN",
              "signal:state:approvals");
    struct tally trades = {&trade_state__state__descriptor, "state", {0}};
    for (unsigned shard = 0; shard < s->call->place.shards; shard++) {
        char key[64];
        snprintf(key, sizeof key, "trade_state:open:%u", shard);
        err_t e = store_records(s->store, key, "trade_state:", &trade_state__descriptor, tally_one,
                                &trades);
        if (e) s->failed = e;
    }
    count_states(s, "live trades", &trades);
    count_key(s, (const char *[]){"reconciliations", "open"}, "HLEN", "reconciliation:open");
    struct tally accounts = {&account_state__state__descriptor, "state", {0}},
                 gateways = {&instance_state__state__descriptor, "state", {0}};
    err_t e = store_records(s->store, "account_config:index",
                            "account_state:", &account_state__descriptor, tally_one, &accounts);
    if (!e)
        e = store_records(s->store, "instance_config:index",
                          "instance_state:", &instance_state__descriptor, tally_one, &gateways);
    if (e) s->failed = e;
    count_states(s, "accounts", &accounts);
    count_states(s, "gateways", &gateways);
}

// What is on record, by state; an archive that is not there yet has nothing.
static void add_archive_rows(struct status *s) {
    static const struct {
        const char *what, *query;
    } rows[] = {
        {"archived signals", "SELECT 'all', count(*) FROM signals"},
        {"archived outcomes",
         "SELECT status, count(*) FROM signal_execution_status GROUP BY status"},
        {"archived trades", "SELECT state, count(*) FROM trades GROUP BY state"},
        {"archived results", "SELECT state, count(*) FROM trade_result GROUP BY state"},
        {"archived reconciliations", "SELECT reconciliation_status, count(*) FROM "
                                     "trade_reconciliation GROUP BY reconciliation_status"},
    };
    char why[200];
    own(sql) *archive = place_archive(&s->call->place, why);
    for (size_t i = 0; archive && i < sizeof rows / sizeof *rows; i++) {
        own(sql_query) *query = sql_prepare(archive, rows[i].query);
        bool row = true;
        while (query && !sql_step(query, &row) && row) {
            char number[24];
            snprintf(number, sizeof number, "%lld", (long long)sql_integer(query, 1));
            add_count(s, rows[i].what, sql_text(query, 0), number);
        }
    }
}

static void add_warning_row(void *arg, const struct gap *gap) { sheet_add(arg, gap->text); }

// What the configuration lacks. Prices are not asked for: Redis has none.
static void look_at_configuration(struct status *s) {
    own(book) *book = book_new();
    err_t e = book_load(book, s->store);
    if (e) s->failed = e;
    s->n_warnings =
        gaps_each(book, &(struct gaps_asked){NULL, NULL}, add_warning_row, &s->warnings);
}

static void print_part(const struct status *s, const char *name, const struct sheet *sheet,
                       buffer_t *out) {
    if (s->call->json) {
        buffer_format(out, "%s\"%s\":", out->length ? "," : "{", name);
        sheet_json(sheet, out);
        return;
    }
    if (out->length) buffer_text(out, "\n");
    sheet_print(sheet, out);
}

static void print_all(const struct status *s) {
    own(buffer) out = {0};
    print_part(s, "services", &s->services, &out);
    if (cell_own()) print_part(s, "cells", &s->cells, &out);
    print_part(s, "topics", &s->topics, &out);
    print_part(s, "counts", &s->counts, &out);
    if (s->n_warnings || s->call->json) print_part(s, "warnings", &s->warnings, &out);
    if (s->call->json) buffer_text(&out, "}\n");
    print_out(&out);
}

enum outcome run_status(struct call *call) {
    own(store) *store = place_store(&call->place, "viewer");
    if (!store) return NO_REACH;
    struct status s = {.call = call, .store = store};
    s.n = topology_instances(call->place.shards, s.all);
    sheet_start(&s.services,
                "SERVICE|STATE|>MESSAGES|>BATCHES|>COMMIT P99|>MEMORY|>DEAD LETTERS|TROUBLE");
    sheet_start(&s.topics, "TOPIC|HEAD|>LENGTH|CONSUMER|POSITION|>LAG");
    sheet_start(&s.counts, "WHAT|STATE|>COUNT");
    sheet_start(&s.warnings, "WARNING");
    for (size_t i = 0; i < s.n; i++) look_at_service(&s, s.all[i].name);
    if (cell_own()) status_cells(call, &s.cells);
    look_at_topics(&s);
    look_at_live(&s);
    add_archive_rows(&s);
    look_at_configuration(&s);
    print_all(&s);
    sheet_destroy(&s.services);
    sheet_destroy(&s.cells);
    sheet_destroy(&s.topics);
    sheet_destroy(&s.counts);
    sheet_destroy(&s.warnings);
    if (s.failed)
        return complain_of_call(NO_REACH, "Redis did not answer everything: %s",
                                store_trouble(store));
    return s.silent ? ANSWER_NO : DONE;
}
