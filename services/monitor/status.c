// status - what was heard, as the JSON of /api/v1/status.
// SPDX-License-Identifier: MIT
#include "status.h"

#include <string.h>

#include "cells.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/domain/gaps.h"
#include "common/program/version.h"
#include "common/schema/record.h"

static void write_text(buffer_t *out, const char *before, const char *value) {
    buffer_text(out, before);
    buffer_json_string(out, value, strlen(value));
}

static void write_moment(buffer_t *out, const char *before, uint64_t utc_ns) {
    char at[TIME_TEXT];
    time_print(utc_ns, at);
    buffer_format(out, "%s\"%s\"", before, at);
}

static void write_number(buffer_t *out, const char *before, uint64_t value) {
    buffer_format(out, "%s%llu", before, (unsigned long long)value);
}

static void write_flag(buffer_t *out, const char *before, bool value) {
    buffer_format(out, "%s%s", before, value ? "true" : "false");
}

static void write_service(const struct view *view, const struct watched *service, buffer_t *out) {
    const Heartbeat *last = service->last;
    write_text(out, "{\"name\":", service->name);
    write_flag(out, ",\"alive\":", watch_is_alive(service, view->mono_ns, view->silent_ns));
    if (last) {
        write_number(
            out, ",\"heard_ms_ago\":", watch_since(service->heard_at, view->mono_ns) / NS_PER_MS);
        buffer_text(out, ",\"heartbeat\":");
        record_to_json(&last->base, out);
    }
    buffer_text(out, "}");
}

static void write_consumers(const struct view *view, const char *topic, buffer_t *out) {
    const char *before = "";
    for (size_t i = 0; i < view->watch->n_lags; i++) {
        const struct lag *lag = &view->watch->lags[i];
        if (strcmp(lag->topic, topic) != 0) continue;
        const char *position = "";
        for (size_t s = 0; s < view->watch->n_services; s++) {
            const Heartbeat *last = view->watch->services[s].last;
            if (!last || strcmp(last->service, lag->consumer) != 0) continue;
            for (size_t t = 0; t < last->n_inputs; t++) {
                if (strcmp(last->inputs[t]->topic, topic) == 0)
                    position = last->inputs[t]->position;
            }
        }
        buffer_text(out, before);
        write_text(out, "{\"consumer\":", lag->consumer);
        write_text(out, ",\"position\":", position);
        write_number(out, ",\"lag\":", lag->entries);
        write_flag(out, ",\"behind\":", lag->behind);
        buffer_text(out, "}");
        before = ",";
    }
}

static void write_topics_json(const struct view *view, buffer_t *out) {
    const char *before = "";
    for (size_t i = 0; i < view->watch->n_services; i++) {
        const Heartbeat *last = view->watch->services[i].last;
        for (size_t t = 0; last && t < last->n_topics; t++) {
            buffer_text(out, before);
            write_text(out, "{\"topic\":", last->topics[t]->topic);
            write_text(out, ",\"owner\":", last->service);
            write_text(out, ",\"head\":", last->topics[t]->head);
            write_number(out, ",\"length\":", last->topics[t]->length);
            buffer_text(out, ",\"consumers\":[");
            write_consumers(view, last->topics[t]->topic, out);
            buffer_text(out, "]}");
            before = ",";
        }
    }
}

static void write_states_json(buffer_t *out, const char *before,
                              const ProtobufCEnumDescriptor *states,
                              const uint64_t counts[STATES_MAX]) {
    buffer_text(out, before);
    const char *comma = "{";
    for (unsigned i = 0; i < states->n_values; i++) {
        int value = states->values[i].value;
        if (value < 0 || value >= STATES_MAX || !counts[value]) continue;
        write_text(out, comma, record_enum_name(states, value));
        write_number(out, ":", counts[value]);
        comma = ",";
    }
    buffer_text(out, *comma == '{' ? "{}" : "}");
}

static void write_decisions_json(const struct watch *watch, buffer_t *out) {
    const ProtobufCEnumDescriptor *codes = &reason__code__descriptor;
    const char *comma = "";
    buffer_text(out, ",\"decisions\":{");
    for (unsigned i = 0; i < codes->n_values; i++) {
        uint64_t count = watch_decisions(watch, (Reason__Code)codes->values[i].value);
        if (!count) continue;
        write_text(out, comma, codes->values[i].name);
        write_number(out, ":", count);
        comma = ",";
    }
    buffer_text(out, "}");
}

static void write_counts(const struct watch *watch, buffer_t *out) {
    const struct counts *counts = &watch->counts;
    write_number(out, "{\"signals\":{\"accepted\":", counts->accepted);
    write_number(out, ",\"rejected\":", counts->rejected);
    write_number(out, ",\"completed\":", counts->completed);
    write_number(out, ",\"failed\":", counts->failed);
    write_number(out, ",\"skipped\":", counts->skipped);
    write_number(out, "},\"orders\":", counts->orders);
    write_decisions_json(watch, out);
    write_states_json(out, ",\"trade_changes\":", &trade_state__state__descriptor, counts->trades);
    write_states_json(out, ",\"executions\":", &trade_result__state__descriptor, counts->results);
    write_states_json(out, ",\"reconciliations\":", &trade_reconciliation__status__descriptor,
                      counts->reconciliations);
    buffer_text(out, "}");
}

static void write_copies_json(const struct view *view, buffer_t *out) {
    buffer_text(out, ",\"copies\":[");
    for (size_t i = 0; i < view->watch->n_copies; i++) {
        const struct copy_seen *copy = &view->watch->copies[i];
        if (i) buffer_text(out, ",");
        write_flag(out,
                   "{\"alive\":", watch_since(copy->heard_at, view->mono_ns) <= view->silent_ns);
        buffer_text(out, ",\"state\":");
        record_to_json(&copy->last->base, out);
        buffer_text(out, "}");
    }
    buffer_text(out, "]");
}

static void write_cells(const struct view *view, buffer_t *out) {
    own(arena) *arena = arena_new(0);
    const CellViews *views = cells_view(view, arena);
    buffer_text(out, ",\"cells\":[");
    for (size_t i = 0; i < views->n_cells; i++) {
        if (i) buffer_text(out, ",");
        record_to_json(&views->cells[i]->base, out);
    }
    buffer_text(out, "]");
}

static void write_alerts_json(const struct alerts *alerts, buffer_t *out) {
    for (size_t i = 0; i < alerts->n; i++) {
        const struct condition *active = &alerts->active[i];
        if (i) buffer_text(out, ",");
        write_text(out, "{\"code\":", alert_code(active->kind));
        write_text(out, ",\"subject\":", active->subject);
        write_text(out, ",\"severity\":",
                   record_enum_name(&alert__severity__descriptor, alert_severity(active->kind)));
        write_text(out, ",\"text\":", active->text);
        buffer_text(out, "}");
    }
}

static void write_subjects(const struct watch *watch, buffer_t *out) {
    buffer_text(out, ",\"accounts\":[");
    for (const struct account_seen *a = watch->accounts; a; a = a->hh.next) {
        record_to_json(&a->state->base, out);
        if (a->hh.next) buffer_text(out, ",");
    }
    buffer_text(out, "],\"instances\":[");
    const char *before = "";
    for (const struct instance_seen *i = watch->instances; i; i = i->hh.next) {
        if (!i->state) continue;
        buffer_text(out, before);
        record_to_json(&i->state->base, out);
        before = ",";
    }
    buffer_text(out, "]");
}

static void add_trouble(void *arg, const char *why) {
    buffer_t *out = arg;
    if (out->data[out->length - 1] != '[') buffer_text(out, ",");
    buffer_json_string(out, why, strlen(why));
}

static bool is_priced(const void *watch, const char *symbol) {
    return watch_has_price(watch, symbol);
}

static void write_warning(void *arg, const struct gap *gap) { add_trouble(arg, gap->text); }

bool troubles_write(const struct view *view, buffer_t *out) {
    buffer_text(out, "\"wrong\":[");
    bool ready = watch_troubles(view->watch, view->mono_ns, view->silent_ns, add_trouble, out) == 0;
    buffer_text(out, "],\"warnings\":[");
    if (view->book)
        (void)gaps_each(view->book, &(struct gaps_asked){is_priced, view->watch}, write_warning,
                        out);
    write_flag(out, "],\"ready\":", ready);
    return ready;
}

void status_write(const struct view *view, buffer_t *out) {
    write_text(out, "{\"version\":", TRADECAST_VERSION);
    write_moment(out, ",\"timestamp\":", view->utc_ns);
    buffer_text(out, ",");
    troubles_write(view, out);
    write_text(
        out, ",\"mode\":", record_enum_name(&risk_state__mode__descriptor, (int)view->watch->mode));
    buffer_text(out, ",\"services\":[");
    for (size_t i = 0; i < view->watch->n_services; i++) {
        if (i) buffer_text(out, ",");
        write_service(view, &view->watch->services[i], out);
    }
    buffer_text(out, "],\"topics\":[");
    write_topics_json(view, out);
    buffer_text(out, "],\"counts\":");
    write_counts(view->watch, out);
    buffer_text(out, ",\"alerts\":[");
    write_alerts_json(view->alerts, out);
    buffer_text(out, "]");
    write_copies_json(view, out);
    write_cells(view, out);
    write_subjects(view->watch, out);
    buffer_text(out, "}");
}
