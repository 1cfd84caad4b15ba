// simulate - says what would become of signals, for every account, and sends nothing.
// SPDX-License-Identifier: MIT
#include "cli/simulate/simulate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/files.h"
#include "cli/text.h"
#include "cli/words.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/schema/record.h"

#define FILE_MOST (16 * 1000 * 1000)
#define SHARDS    1

struct simulation {
    const struct call *call;
    book_t *book;
    simulated_door_t *door;
    simulated_router_t *router;
    uint64_t now, every, delay; // ns
    struct sheet sheet;
    buffer_t json;
    unsigned refused;
};

static void simulation_end(struct simulation *s) {
    simulated_router_destroy(&s->router);
    simulated_door_destroy(&s->door);
    book_destroy(&s->book);
    sheet_destroy(&s->sheet);
    buffer_destroy(&s->json);
}

// --- what comes of a signal, as rows and as JSON

static const Order *find_trade_order(const struct routed *r, const char *trade_id) {
    for (size_t i = 0; trade_id && i < r->n_orders; i++) {
        if (strcmp(r->orders[i]->trade_id, trade_id) == 0) return r->orders[i];
    }
    return NULL;
}

static void add_simulated_decimal(struct sheet *sheet, bool has, int64_t e8) {
    char text[DECIMAL_TEXT];
    (void)decimal_print(D(e8), text);
    sheet_add(sheet, has ? text : NULL);
}

static void add_words(const Decision *d, struct sheet *sheet) {
    own(buffer) words = {0};
    decision_words(d, &words);
    sheet_add(sheet, buffer_string(&words));
}

static void add_signal(struct sheet *sheet, const char *id, const char *source, const Signal *s) {
    sheet_add(sheet, id);
    sheet_add(sheet, source);
    if (s)
        sheet_format(sheet, "%s %s",
                     record_enum_name(&signal__direction__descriptor, (int)s->direction),
                     s->symbol);
    else
        sheet_add(sheet, NULL);
}

static void add_decision_row(struct simulation *s, const Signal *signal, const struct routed *r,
                             const Decision *d) {
    const Order *o = find_trade_order(r, d->trade_id);
    add_signal(&s->sheet, signal->signal_id, signal->source, signal);
    sheet_add(&s->sheet, d->account_id);
    sheet_add(&s->sheet, record_enum_name(&reason__code__descriptor, (int)d->reason));
    sheet_add(&s->sheet,
              o ? record_enum_name(&signal__direction__descriptor, (int)o->direction) : NULL);
    add_simulated_decimal(&s->sheet, o && o->terms->has_lot_size, o ? o->terms->lot_size : 0);
    add_simulated_decimal(&s->sheet, o && o->terms->has_stop_loss, o ? o->terms->stop_loss : 0);
    add_simulated_decimal(&s->sheet, o && o->terms->has_take_profit, o ? o->terms->take_profit : 0);
    add_words(d, &s->sheet);
}

static void row_of_nobody(struct simulation *s, const Signal *signal, const char *id,
                          const char *source, const char *why) {
    add_signal(&s->sheet, id, source, signal);
    sheet_add(&s->sheet, NULL);
    sheet_add(&s->sheet, signal ? "nobody" : "refused");
    for (int i = 0; i < 4; i++) sheet_add(&s->sheet, NULL);
    sheet_add(&s->sheet, why);
}

static void json_list(buffer_t *out, const char *name, const ProtobufCMessage *const *all,
                      size_t n) {
    buffer_format(out, ",\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        if (i) buffer_text(out, ",");
        record_to_json(all[i], out);
    }
    buffer_text(out, "]");
}

static void json_member(buffer_t *out, const char *name, const ProtobufCMessage *m) {
    buffer_format(out, "%s\"%s\":", out->data[out->length - 1] == '{' ? "" : ",", name);
    if (m)
        record_to_json(m, out);
    else
        buffer_text(out, "null");
}

static void json_of(buffer_t *out, const Signal *signal, const struct routed *r) {
    json_member(out, "signal", &signal->base);
    json_member(out, "routing", r->routing ? &r->routing->base : NULL);
    json_list(out, "orders", (const ProtobufCMessage *const *)r->orders, r->n_orders);
    json_list(out, "commands", (const ProtobufCMessage *const *)r->commands, r->n_commands);
}

static void route_signal(struct simulation *s, const Signal *signal) {
    const struct routed r = simulated_route(s->router, signal, s->now + s->delay);
    if (s->call->json) {
        json_of(&s->json, signal, &r);
        return;
    }
    for (size_t i = 0; r.routing && i < r.routing->n_decisions; i++)
        add_decision_row(s, signal, &r, r.routing->decisions[i]);
    if (!r.routing)
        row_of_nobody(s, signal, signal->signal_id, signal->source,
                      "the router cannot handle it: a dead letter");
    else if (!r.routing->n_decisions)
        row_of_nobody(s, signal, signal->signal_id, signal->source,
                      "no account is subscribed to this source");
}

static void handle_simulated_output(void *arg, const ProtobufCMessage *m) {
    struct simulation *s = arg;
    if (s->call->json) buffer_text(&s->json, s->json.length > 1 ? ",{" : "{");
    if (m->descriptor == &signal__descriptor) {
        route_signal(s, (const Signal *)m);
    } else {
        const SignalRejection *r = (const SignalRejection *)m;
        s->refused++;
        if (s->call->json)
            json_member(&s->json, "rejection", m);
        else
            row_of_nobody(s, NULL, r->signal_id, r->source, r->rejection_reason);
    }
    if (s->call->json) buffer_text(&s->json, "}");
}

// --- signals: [SOURCE=]FILE, with one of them in it or (--lines) one a line

static void only_source(void *arg, const SignalConfig *source) {
    const char **only = arg;
    if (source->consensus) return;
    *only = *only ? "" : source->config_id;
}

// The option, else the only source that sends.
static const char *preset_source(const struct simulation *s) {
    const char *given = call_flag(s->call, "source"), *only = NULL;
    if (given) return given;
    book_each_source(s->book, only_source, &only);
    return only && *only ? only : NULL;
}

static const char *split_source_argument(const struct simulation *s, const char *arg,
                                         const char **path, char name[static 80]) {
    const char *equals = strchr(arg, '=');
    *path = equals ? equals + 1 : arg;
    if (!equals) return preset_source(s);
    (void)snprintf(name, 80, "%.*s", (int)(equals - arg), arg);
    return name;
}

static void post_simulated_body(struct simulation *s, const char *source, struct span body) {
    own(buffer) answer = {0};
    unsigned refused = s->refused;
    const struct sent sent = {source, body, s->now};
    unsigned status = simulated_post(s->door, &sent, &answer, handle_simulated_output, s);
    s->now += s->every;
    if (status == 200 || refused != s->refused) return;
    s->refused++; // nothing is recorded of it: the answer is all there is
    (void)complain_of_call(ANSWER_NO, "%u %s", status, buffer_string(&answer));
}

static void post_lines(struct simulation *s, const char *source, const char *text) {
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        if (strspn(text, " \t\r") < length)
            post_simulated_body(s, source, (struct span){text, length});
    }
}

static enum outcome post_file(struct simulation *s, const char *arg) {
    own(buffer) file = {0};
    const char *path;
    char name[80];
    const char *source = split_source_argument(s, arg, &path, name);
    if (!source)
        return complain_of_call(WRONG_USE, "which source sends %s? Say SOURCE=%s, or --source NAME",
                                path, path);
    if (!book_source(s->book, source))
        return complain_of_call(ANSWER_NO, "%s is not a source of this configuration", source);
    if (!file_read(path, FILE_MOST, &file))
        return complain_of_call(WRONG_USE, "%s: %s", path, strerror(errno));
    if (call_flag(s->call, "lines"))
        post_lines(s, source, buffer_string(&file));
    else
        post_simulated_body(s, source, buffer_span(&file));
    return DONE;
}

// --- the beginning

static enum outcome read_config(struct simulation *s) {
    const char *path = call_flag(s->call, "config");
    own(buffer) json = {0};
    own(buffer) why = {0};
    if (!path)
        return complain_of_call(
            WRONG_USE, "--config FILE is required: the configuration to try, as for config apply");
    enum outcome outcome = file_read_document(path, FILE_MOST, &json);
    if (outcome != DONE) return outcome;
    if (simulated_book(buffer_span(&json), s->now, s->book, &why)) return DONE;
    return complain_of_call(ANSWER_NO, "%s:\n%s", path, buffer_string(&why));
}

static enum outcome read_state(struct simulation *s, arena_t *arena, Situation **out) {
    const char *path = call_flag(s->call, "state");
    own(buffer) json = {0};
    struct fault fault;
    ProtobufCMessage *m;
    *out = arena_take(arena, sizeof **out);
    situation__init(*out);
    if (!path) return DONE;
    enum outcome outcome = file_read_document(path, FILE_MOST, &json);
    if (outcome != DONE) return outcome;
    if (record_from_json(&situation__descriptor, (const char *)json.data, json.length, "", arena,
                         &m, &fault))
        return complain_of_call(ANSWER_NO, "%s: %s: %s", path, fault.path, fault.rule);
    *out = (Situation *)m;
    return DONE;
}

static enum outcome prepare_simulation(struct simulation *s) {
    own(arena) *arena = arena_new(0);
    Situation *situation;
    char why[256] = "";
    enum outcome outcome = read_config(s);
    if (outcome == DONE) outcome = read_state(s, arena, &situation);
    if (outcome != DONE) return outcome;
    s->door = simulated_door_new(s->book, why);
    if (s->door) s->router = simulated_router_new(s->book, SHARDS, why);
    if (!s->router) return complain_of_call(WRONG_USE, "%s", why);
    if (!simulated_begin(s->router, situation, s->now, why))
        return complain_of_call(ANSWER_NO, "%s", why);
    return DONE;
}

static bool read_times(struct simulation *s) {
    unsigned long every, delay;
    const char *at = call_flag(s->call, "at");
    s->now = clock_utc_ns();
    if (at && time_parse(at, strlen(at), &s->now)) {
        (void)complain_of_call(WRONG_USE, "--at must be an ISO 8601 time with a zone, not \"%s\"",
                               at);
        return false;
    }
    if (!call_number(s->call, "every", 0, &every) || !call_number(s->call, "delay", 0, &delay))
        return false;
    s->every = every * NS_PER_MS;
    s->delay = delay * NS_PER_MS;
    return true;
}

static enum outcome run_simulation(struct simulation *s) {
    enum outcome outcome = read_times(s) ? prepare_simulation(s) : WRONG_USE;
    buffer_text(&s->json, "[");
    for (unsigned i = 0; i < s->call->n_args && outcome == DONE; i++)
        outcome = post_file(s, s->call->args[i]);
    if (outcome != DONE) return outcome;
    own(buffer) out = {0};
    buffer_text(&s->json, "]\n");
    if (s->call->json)
        buffer_add(&out, s->json.data, s->json.length);
    else
        sheet_print(&s->sheet, &out);
    print_out(&out);
    return s->refused ? ANSWER_NO : DONE;
}

enum outcome run_simulate(struct call *call) {
    struct simulation s = {.call = call, .book = book_new()};
    // the handlers' alerts are part of the story, not of this terminal
    log_start("simulate", LOG_LEVEL_ERROR);
    sheet_start(&s.sheet,
                "SIGNAL|SOURCE|ASKED|ACCOUNT|DECISION|ORDER|>LOTS|>STOP LOSS|>TAKE PROFIT|WHY");
    enum outcome outcome = run_simulation(&s);
    simulation_end(&s);
    return outcome;
}
