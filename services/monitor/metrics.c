// metrics - what was heard, in Prometheus' text format.
// SPDX-License-Identifier: MIT
#include "metrics.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/program/version.h"
#include "common/schema/record.h"

// One family of metrics: the samples under its name.
struct family {
    const char *name, *type, *help;
    void (*write)(const struct family *family, const struct view *view, buffer_t *out);
    size_t place; // for those that share a writer: where in the heartbeat or in the counts
    const ProtobufCEnumDescriptor *states;
};

// A label's value: backslash, quote and line feed are escaped.
static void write_label(buffer_t *out, const char *before, const char *name, const char *value) {
    buffer_format(out, "%s%s=\"", before, name);
    for (; *value; value++) {
        if (*value == '\n')
            buffer_add(out, "\\n", 2);
        else if (*value == '"' || *value == '\\')
            buffer_format(out, "\\%c", *value);
        else
            buffer_add(out, value, 1);
    }
    buffer_add(out, "\"", 1);
}

static void write_sample(buffer_t *out, const struct family *family, const char *name,
                         const char *value, uint64_t number) {
    buffer_text(out, family->name);
    write_label(out, "{", name, value);
    buffer_format(out, "} %llu\n", (unsigned long long)number);
}

static void sample_of_two(buffer_t *out, const struct family *family, const char *const labels[4],
                          uint64_t number) {
    buffer_text(out, family->name);
    write_label(out, "{", labels[0], labels[1]);
    write_label(out, ",", labels[2], labels[3]);
    buffer_format(out, "} %llu\n", (unsigned long long)number);
}

static void write_build(const struct family *family, const struct view *view, buffer_t *out) {
    (void)view;
    write_sample(out, family, "version", TRADECAST_VERSION, 1);
}

static void write_ready(const struct family *family, const struct view *view, buffer_t *out) {
    bool ready = watch_troubles(view->watch, view->mono_ns, view->silent_ns, NULL, NULL) == 0;
    buffer_format(out, "%s %d\n", family->name, ready);
}

static void write_up(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_services; i++) {
        const struct watched *service = &view->watch->services[i];
        write_sample(out, family, "service", service->name,
                     watch_is_alive(service, view->mono_ns, view->silent_ns));
    }
}

static void write_stalled(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_services; i++) {
        const struct watched *service = &view->watch->services[i];
        if (service->last)
            write_sample(out, family, "service", service->name, service->last->stalled != 0);
    }
}

static void write_of_service(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_services; i++) {
        const struct watched *service = &view->watch->services[i];
        if (!service->last) continue;
        uint64_t number;
        memcpy(&number, (const char *)service->last + family->place, sizeof number);
        write_sample(out, family, "service", service->name, number);
    }
}

static void write_door(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_services; i++) {
        const struct watched *service = &view->watch->services[i];
        const DoorCounts *door = service->last ? service->last->door : NULL;
        for (unsigned f = 0; door && f < door_counts__descriptor.n_fields; f++) {
            const ProtobufCFieldDescriptor *field = &door_counts__descriptor.fields[f];
            uint64_t number;
            memcpy(&number, (const char *)door + field->offset, sizeof number);
            sample_of_two(out, family,
                          (const char *const[4]){"service", service->name, "what", field->name},
                          number);
        }
    }
}

static void write_quantile(buffer_t *out, const char *name, const char *service,
                           const char *quantile, uint64_t us) {
    buffer_text(out, name);
    write_label(out, "{", "service", service);
    write_label(out, ",", "quantile", quantile);
    buffer_format(out, "} %llu.%06llu\n", (unsigned long long)us / 1000000,
                  (unsigned long long)us % 1000000);
}

static void write_latency(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_services; i++) {
        const struct watched *service = &view->watch->services[i];
        if (!service->last) continue;
        write_quantile(out, family->name, service->name, "0.5", service->last->commit_us_p50);
        write_quantile(out, family->name, service->name, "0.99", service->last->commit_us_p99);
    }
}

// For every topic a service owns: its length, or the sequence of its head.
static void write_topic_metrics(const struct family *family, const struct view *view,
                                buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_services; i++) {
        const Heartbeat *last = view->watch->services[i].last;
        for (size_t t = 0; last && t < last->n_topics; t++) {
            const TopicHead *topic = last->topics[t];
            struct entry_id head = ENTRY_ID_NONE;
            if (entry_id_parse(topic->head, strlen(topic->head), &head)) continue;
            write_sample(out, family, "topic", topic->topic,
                         family->place ? head.sequence : topic->length);
        }
    }
}

static void write_lags(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_lags; i++) {
        const struct lag *lag = &view->watch->lags[i];
        const char *const labels[4] = {"topic", lag->topic, "consumer", lag->consumer};
        sample_of_two(out, family, labels, family->place ? lag->behind : lag->entries);
    }
}

static void write_copies_up(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_copies; i++) {
        const struct copy_seen *copy = &view->watch->copies[i];
        write_sample(out, family, "copy", copy->last->name,
                     watch_since(copy->heard_at, view->mono_ns) <= view->silent_ns);
    }
}

static void write_copy_metrics(const struct family *family, const struct view *view,
                               buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_copies; i++) {
        const SyncState *last = view->watch->copies[i].last;
        uint64_t number;
        memcpy(&number, (const char *)last + family->place, sizeof number);
        write_sample(out, family, "copy", last->name, number);
    }
}

static void write_copies_lag(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_copies; i++) {
        const SyncState *last = view->watch->copies[i].last;
        buffer_text(out, family->name);
        write_label(out, "{", "copy", last->name);
        buffer_format(out, "} %llu.%03u\n", (unsigned long long)(last->lag_ms / 1000),
                      (unsigned)(last->lag_ms % 1000));
    }
}

static void write_count(const struct family *family, const struct view *view, buffer_t *out) {
    uint64_t number;
    memcpy(&number, (const char *)&view->watch->counts + family->place, sizeof number);
    buffer_format(out, "%s %llu\n", family->name, (unsigned long long)number);
}

static void write_signals(const struct family *family, const struct view *view, buffer_t *out) {
    const struct counts *c = &view->watch->counts;
    const uint64_t of[] = {c->accepted, c->rejected, c->completed, c->failed, c->skipped};
    static const char *const states[] = {"accepted", "rejected", "completed", "failed", "skipped"};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        write_sample(out, family, "state", states[i], of[i]);
}

static void write_by_state(const struct family *family, const struct view *view, buffer_t *out) {
    const char *counts = (const char *)&view->watch->counts + family->place;
    for (unsigned i = 0; i < family->states->n_values; i++) {
        int value = family->states->values[i].value;
        if (value < 0 || value >= STATES_MAX) continue;
        uint64_t number;
        memcpy(&number, counts + (size_t)value * sizeof number, sizeof number);
        write_sample(out, family, "state", record_enum_name(family->states, value), number);
    }
}

// Every reason, also those that never came: a rate needs its zero.
static void write_decision_metrics(const struct family *family, const struct view *view,
                                   buffer_t *out) {
    for (unsigned i = 0; i < family->states->n_values; i++) {
        int value = family->states->values[i].value;
        write_sample(out, family, "reason", record_enum_name(family->states, value),
                     watch_decisions(view->watch, (Reason__Code)value));
    }
}

static void write_alert_metrics(const struct family *family, const struct view *view,
                                buffer_t *out) {
    for (const struct alerts_heard *heard = view->watch->alerts; heard; heard = heard->hh.next) {
        char service[64], severity[16], code[96];
        if (sscanf(heard->key, "%63s %15s %95s", service, severity, code) != 3) continue;
        buffer_text(out, family->name);
        write_label(out, "{", "service", service);
        write_label(out, ",", "severity", severity);
        write_label(out, ",", "code", code);
        buffer_format(out, "} %llu\n", (unsigned long long)heard->count);
    }
}

static void write_active(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->alerts->n; i++) {
        const struct condition *active = &view->alerts->active[i];
        const char *const labels[4] = {"code", alert_code(active->kind), "subject",
                                       active->subject};
        sample_of_two(out, family, labels, 1);
    }
}

static void write_state_metrics(const struct family *family, const uint64_t counts[STATES_MAX],
                                buffer_t *out) {
    for (unsigned i = 0; i < family->states->n_values; i++) {
        int value = family->states->values[i].value;
        if (value >= 0 && value < STATES_MAX)
            write_sample(out, family, "state", record_enum_name(family->states, value),
                         counts[value]);
    }
}

static void write_instances(const struct family *family, const struct view *view, buffer_t *out) {
    uint64_t counts[STATES_MAX] = {0};
    for (const struct instance_seen *i = view->watch->instances; i; i = i->hh.next) {
        if (i->state) counts[i->state->state % STATES_MAX]++;
    }
    write_state_metrics(family, counts, out);
}

static void write_account_metrics(const struct family *family, const struct view *view,
                                  buffer_t *out) {
    uint64_t counts[STATES_MAX] = {0};
    for (const struct account_seen *a = view->watch->accounts; a; a = a->hh.next)
        counts[a->state->state % STATES_MAX]++;
    write_state_metrics(family, counts, out);
}

static void write_positions(const struct family *family, const struct view *view, buffer_t *out) {
    for (const struct account_seen *a = view->watch->accounts; a; a = a->hh.next) {
        if (a->state->has_open_positions)
            write_sample(out, family, "account", a->id, a->state->open_positions);
    }
}

// --- cells

static const CellState *service_state_of(const struct view *view, size_t i) {
    return view->watch->cells[i].last;
}

static void write_cells_up(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_cells; i++) {
        const struct cell_seen *seen = &view->watch->cells[i];
        write_sample(out, family, "cell", seen->name,
                     seen->last && watch_since(seen->heard_at, view->mono_ns) <= view->silent_ns);
    }
}

static void write_cells_state(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_cells; i++) {
        const CellState *last = service_state_of(view, i);
        if (!last) continue;
        const char *const labels[4] = {
            "cell", last->cell, "state",
            record_enum_name(&cell_state__state__descriptor, (int)last->state)};
        sample_of_two(out, family, labels, 1);
    }
}

static void write_cells_rate(const struct family *family, const struct view *view, buffer_t *out) {
    char number[DECIMAL_TEXT];
    for (size_t i = 0; i < view->watch->n_cells; i++) {
        const CellState *last = service_state_of(view, i);
        int64_t per_s;
        if (!last) continue;
        memcpy(&per_s, (const char *)last + family->place, sizeof per_s);
        buffer_text(out, family->name);
        write_label(out, "{", "cell", last->cell);
        (void)decimal_print(D(per_s), number);
        buffer_format(out, "} %s\n", number);
    }
}

static void write_cells_count(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_cells; i++) {
        const CellState *last = service_state_of(view, i);
        uint32_t number;
        if (!last) continue;
        memcpy(&number, (const char *)last + family->place, sizeof number);
        write_sample(out, family, "cell", last->cell, number);
    }
}

static void write_cells_lag(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_cells; i++) {
        if (service_state_of(view, i))
            write_sample(out, family, "cell", service_state_of(view, i)->cell,
                         service_state_of(view, i)->lag);
    }
}

// What goes to other cells (place 1) or comes from them (0), by what became of it there or here.
static void write_links(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_services; i++) {
        const Heartbeat *last = view->watch->services[i].last;
        for (size_t k = 0; last && k < last->n_links; k++) {
            const CellLink *link = last->links[k];
            if (link->sends != (family->place == 1)) continue;
            sample_of_two(out, family,
                          (const char *const[4]){"cell", link->cell, "became", "taken"},
                          link->signals);
            sample_of_two(out, family, (const char *const[4]){"cell", link->cell, "became", "had"},
                          link->had);
            sample_of_two(out, family,
                          (const char *const[4]){"cell", link->cell, "became", "unwanted"},
                          link->unwanted);
            sample_of_two(out, family,
                          (const char *const[4]){"cell", link->cell, "became", "refused"},
                          link->refused);
        }
    }
}

static void write_waiting(const struct family *family, const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < view->watch->n_services; i++) {
        const Heartbeat *last = view->watch->services[i].last;
        for (size_t k = 0; last && k < last->n_links; k++) {
            const CellLink *link = last->links[k];
            uint64_t since = link->has_waiting_since ? link->waiting_since : last->sent_at;
            if (link->sends)
                write_sample(out, family, "cell", link->cell,
                             watch_since(since, last->sent_at) / NS_PER_S);
        }
    }
}

#define HEARD                    "(heard since the monitor started)"
#define OF_HEARTBEAT(field)      write_of_service, offsetof(Heartbeat, field), NULL
#define OF_COUNTS(field, states) write_by_state, offsetof(struct counts, field), &states

static const struct family families[] = {
    {"tradecast_build_info", "gauge", "The version of the monitor.", write_build, 0, NULL},
    {"tradecast_ready", "gauge",
     "1 when every service is heard, none is stalled and every configured gateway is ready.",
     write_ready, 0, NULL},
    {"tradecast_up", "gauge", "1 when the service's heartbeat is fresh.", write_up, 0, NULL},
    {"tradecast_stalled", "gauge", "1 when the service cannot commit.", write_stalled, 0, NULL},
    {"tradecast_messages_total", "counter", "Messages handled.", OF_HEARTBEAT(messages)},
    {"tradecast_batches_total", "counter", "Batches committed.", OF_HEARTBEAT(batches)},
    {"tradecast_redis_commands_total", "counter", "Commands sent to Redis.",
     OF_HEARTBEAT(redis_commands)},
    {"tradecast_corrupt_frames_total", "counter",
     "Frames dropped because their check did not hold.", OF_HEARTBEAT(corrupt)},
    {"tradecast_disbelieved_total", "counter",
     "Messages dropped: not from their topic's owner, or with an id of the future.",
     OF_HEARTBEAT(disbelieved)},
    {"tradecast_refused_total", "counter",
     "Connections without a key, or with an unknown or a wrong one.", OF_HEARTBEAT(refused)},
    {"tradecast_door_total", "counter",
     "What came to the door and became no signal, by what it was (since ingest started).",
     write_door, 0, NULL},
    {"tradecast_signals_awaiting_approval", "gauge", "Signals that wait for an operator; ingest's.",
     OF_HEARTBEAT(awaiting)},
    {"tradecast_dead_letters", "gauge", "Dead letters held.", OF_HEARTBEAT(deadletters)},
    {"tradecast_ring_bytes", "gauge", "Bytes of the replay ring.", OF_HEARTBEAT(ring_bytes)},
    {"tradecast_memory_bytes", "gauge", "Resident memory.", OF_HEARTBEAT(memory_bytes)},
    {"tradecast_commit_latency_seconds", "summary", "How long commits took lately.", write_latency,
     0, NULL},
    {"tradecast_journal_entries", "gauge", "Entries that the topic's journal holds.",
     write_topic_metrics, 0, NULL},
    {"tradecast_topic_head_sequence", "gauge",
     "Sequence of the topic's newest entry within its incarnation.", write_topic_metrics, 1, NULL},
    {"tradecast_topic_lag_entries", "gauge",
     "Entries between the topic's head and the consumer's position.", write_lags, 0, NULL},
    {"tradecast_topic_behind", "gauge", "1 while the consumer has to read the journal.", write_lags,
     1, NULL},
    {"tradecast_sync_up", "gauge", "1 when the program that copies the archive there is heard.",
     write_copies_up, 0, NULL},
    {"tradecast_sync_delivered_total", "counter",
     "Rows (ClickHouse) or posts (backend) that the other side has taken.", write_copy_metrics,
     offsetof(SyncState, delivered), NULL},
    {"tradecast_sync_failed_total", "counter", "Tries to deliver that came to nothing.",
     write_copy_metrics, offsetof(SyncState, failed), NULL},
    {"tradecast_sync_unsynced", "gauge", "What is kept for later after all tries.",
     write_copy_metrics, offsetof(SyncState, unsynced), NULL},
    {"tradecast_sync_lag_seconds", "gauge",
     "Age of the oldest change that the other side does not have.", write_copies_lag, 0, NULL},
    {"tradecast_sync_memory_bytes", "gauge", "Resident memory.", write_copy_metrics,
     offsetof(SyncState, memory_bytes), NULL},
    {"tradecast_cell_up", "gauge", "1 when the other cell's monitor is heard.", write_cells_up, 0,
     NULL},
    {"tradecast_cell_state", "gauge", "1 for the state that the other cell is in.",
     write_cells_state, 0, NULL},
    {"tradecast_cell_signals_per_second", "gauge", "Signals that come in there.", write_cells_rate,
     offsetof(CellState, signals_per_s), NULL},
    {"tradecast_cell_orders_per_second", "gauge", "Orders that they become there.",
     write_cells_rate, offsetof(CellState, orders_per_s), NULL},
    {"tradecast_cell_accounts", "gauge", "Accounts there.", write_cells_count,
     offsetof(CellState, accounts), NULL},
    {"tradecast_cell_open_positions", "gauge", "Open positions there.", write_cells_count,
     offsetof(CellState, open_positions), NULL},
    {"tradecast_cell_quarantined_accounts", "gauge", "Accounts there with an order in doubt.",
     write_cells_count, offsetof(CellState, quarantined), NULL},
    {"tradecast_cell_alerts", "gauge", "Alerts that hold there.", write_cells_count,
     offsetof(CellState, alerts), NULL},
    {"tradecast_cell_lag_entries", "gauge",
     "How far the consumer there that is furthest behind is behind.", write_cells_lag, 0, NULL},
    {"tradecast_cell_handed_to_total", "counter",
     "Signals handed to the other cell (since the relay started).", write_links, 1, NULL},
    {"tradecast_cell_taken_from_total", "counter",
     "Signals that the other cell handed over (since ingest started).", write_links, 0, NULL},
    {"tradecast_cell_waiting_seconds", "gauge", "How long signals have waited for the other cell.",
     write_waiting, 0, NULL},
    {"tradecast_signals_total", "counter", "Signals by state " HEARD ".", write_signals, 0, NULL},
    {"tradecast_orders_total", "counter", "Orders that signals became " HEARD ".", write_count,
     offsetof(struct counts, orders), NULL},
    {"tradecast_decisions_total", "counter",
     "Decisions for accounts by reason (since the router started).", write_decision_metrics, 0,
     &reason__code__descriptor},
    {"tradecast_trade_changes_total", "counter",
     "Changes of trades by the state they led to " HEARD ".",
     OF_COUNTS(trades, trade_state__state__descriptor)},
    {"tradecast_executions_total", "counter", "Execution results by state " HEARD ".",
     OF_COUNTS(results, trade_result__state__descriptor)},
    {"tradecast_reconciliations_total", "counter", "Reconciliations by status " HEARD ".",
     OF_COUNTS(reconciliations, trade_reconciliation__status__descriptor)},
    {"tradecast_alerts_total", "counter", "Alerts raised by service, severity and code " HEARD ".",
     write_alert_metrics, 0, NULL},
    {"tradecast_alert_active", "gauge", "1 for every condition of the monitor that holds now.",
     write_active, 0, NULL},
    {"tradecast_instances", "gauge", "Gateways by state.", write_instances, 0,
     &instance_state__state__descriptor},
    {"tradecast_accounts", "gauge", "Accounts by state.", write_account_metrics, 0,
     &account_state__state__descriptor},
    {"tradecast_open_positions", "gauge", "Open positions of the account.", write_positions, 0,
     NULL},
};

void metrics_write(const struct view *view, buffer_t *out) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct family *family = &families[i];
        buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                      family->type);
        family->write(family, view, out);
    }
}
