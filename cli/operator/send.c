// send - a signal to the door: a file, stdin or options; through the webhook, or the ZeroMQ intake.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files.h"
#include "cli/http_post.h"
#include "cli/operator/stream.h"
#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/bus/port.h"
#include "common/delivery/envelope.h"
#include "common/delivery/topology.h"
#include "signal.pb-c.h"

#define BODY_MAX         (64 * 1024)
#define ANSWER_WITHIN_NS (5 * NS_PER_S)
#define PAUSE_MS         5

// Where to: the source and its token.
struct door {
    char source[80], token[200];
};

// The only source whose token is in the secrets.
static bool find_only_source(const struct place *place, char out[static 80]) {
    char pattern[260];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/webhook-*", place->secrets);
    bool one = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1;
    if (one) snprintf(out, 80, "%s", strrchr(found.gl_pathv[0], '/') + sizeof "/webhook-" - 1);
    globfree(&found);
    return one;
}

// Tokens come from files or the environment, never from an argument: those are seen by everybody on
// the machine.
static bool read_token(const struct call *call, struct door *door) {
    const char *file = call_flag(call, "token-file"), *given = getenv("TRADECAST_TOKEN");
    char name[96];
    if (file) {
        own(buffer) text = {0};
        if (!file_read(file, sizeof door->token - 1, &text)) return false;
        const char *token = buffer_string(&text);
        snprintf(door->token, sizeof door->token, "%.*s", (int)strcspn(token, "\r\n"), token);
        return true;
    }
    if (given && *given) {
        snprintf(door->token, sizeof door->token, "%s", given);
        return true;
    }
    snprintf(name, sizeof name, "webhook-%s", door->source);
    return place_secret(&call->place, name, door->token);
}

static bool find_door(const struct call *call, struct door *door) {
    const char *source = call_flag(call, "source");
    if (source)
        snprintf(door->source, sizeof door->source, "%s", source);
    else if (!find_only_source(&call->place, door->source)) {
        (void)complain_of_call(WRONG_USE,
                               "say which --source; the tokens of sources are in %s/webhook-*",
                               call->place.secrets);
        return false;
    }
    if (read_token(call, door)) return true;
    (void)complain_of_call(
        WRONG_USE, "no token for source %s: give --token-file or TRADECAST_TOKEN, or set --dir",
        door->source);
    return false;
}

// The signal from the options, by the fields' names at the door.
static bool from_options(const struct call *call, buffer_t *out) {
    static const struct {
        const char *flag, *field;
    } fields[] = {{"symbol", "symbol"},   {"action", "action"},     {"lots", "quantity"},
                  {"type", "order_type"}, {"price", "price"},       {"sl", "stop_loss"},
                  {"tp", "take_profit"},  {"strategy", "strategy"}, {"id", "signal_id"}};
    const char *before = "{";
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *value = call_flag(call, fields[i].flag);
        if (!value) continue;
        buffer_format(out, "%s\"%s\":", before, fields[i].field);
        buffer_json_string(out, value, strlen(value));
        before = ",";
    }
    if (*before == '{') return false;
    buffer_text(out, "}");
    return true;
}

static bool find_body(const struct call *call, buffer_t *out) {
    if (call->n_args == 1) {
        if (file_read(call->args[0], BODY_MAX, out)) return true;
        (void)complain_of_call(WRONG_USE, "%s: %s", call->args[0],
                               errno == EFBIG ? "larger than the 64 KiB that the door takes"
                                              : strerror(errno));
        return false;
    }
    if (from_options(call, out)) return true;
    (void)complain_of_call(WRONG_USE, "say what to send: a FILE, - for stdin, or --symbol EURUSD "
                                      "--action buy --lots 1 --price 1.0843");
    return false;
}

static enum outcome by_http(const struct call *call, const struct door *door, struct span body) {
    const char *base = call_flag(call, "url"), *port = getenv("TRADECAST_INGEST_HTTP_PORT");
    char local[64], url[600], why[256];
    own(buffer) answer = {0};
    snprintf(local, sizeof local, "http://127.0.0.1:%.8s", port && *port ? port : "8300");
    snprintf(url, sizeof url, "%.200s/webhook/%s/%s", base ? base : local, door->source,
             door->token);
    unsigned status = http_post(url, body, &answer, why);
    explicit_bzero(url, sizeof url);
    if (!status)
        return complain_of_call(NO_REACH, "no answer from %.200s: %s; is ingest running?",
                                base ? base : local, why);
    if (!answer.length || answer.data[answer.length - 1] != '\n') buffer_text(&answer, "\n");
    if (!call->json) printf("HTTP %u ", status);
    print_out(&answer);
    return status >= 200 && status < 300 ? DONE : status >= 500 ? NO_REACH : ANSWER_NO;
}

// The intake gives no answer; what became of it stands in the journal.
struct wanted {
    const char *source;
    bool json, found;
    enum outcome outcome;
};

static void say_accepted(struct wanted *w, const char *id, const char *rejection) {
    own(buffer) out = {0};
    w->found = true;
    w->outcome = rejection ? ANSWER_NO : DONE;
    buffer_text(&out, w->json ? "{\"signal_id\":" : rejection ? "refused " : "accepted ");
    if (w->json)
        buffer_json_string(&out, id, strlen(id));
    else
        buffer_text(&out, id);
    if (w->json) buffer_format(&out, ",\"status\":\"%s\"", rejection ? "failed" : "pending");
    if (rejection) buffer_text(&out, w->json ? ",\"reason\":" : ": ");
    if (rejection && w->json)
        buffer_json_string(&out, rejection, strlen(rejection));
    else if (rejection)
        buffer_text(&out, rejection);
    buffer_text(&out, w->json ? "}\n" : "\n");
    print_out(&out);
}

static err_t look_for(void *arg, const struct journal_entry *entry) {
    struct wanted *w = arg;
    struct envelope e;
    own(arena) *arena = arena_new(0);
    if (w->found || envelope_read("signals", entry->envelope, &e)) return ERR_OK;
    const ProtobufCMessage *m = envelope_open(&e, arena);
    if (!m) return ERR_OK;
    if (m->descriptor == &signal_rejection__descriptor) {
        const SignalRejection *r = (const SignalRejection *)m;
        if (strcmp(r->source, w->source) == 0) say_accepted(w, r->signal_id, r->rejection_reason);
    } else if (m->descriptor == &signal__descriptor) {
        const Signal *s = (const Signal *)m;
        if (strcmp(s->source, w->source) == 0) say_accepted(w, s->signal_id, NULL);
    }
    return ERR_OK;
}

static enum outcome by_zmq(const struct call *call, const struct door *door, struct span body) {
    own(store) *store = place_store(&call->place, "viewer");
    struct journal journal;
    struct entry_id head = ENTRY_ID_NONE;
    char topic[300];
    if (!store || journal_look(store, "signals", &journal)) return NO_REACH;
    if (*journal.head && entry_id_parse(journal.head, strlen(journal.head), &head)) return NO_REACH;
    struct endpoint at = endpoint_of(call->place.run, "ingest", "intake");
    snprintf(topic, sizeof topic, "%s/%s", door->source, door->token);
    own(port) *port = port_connect(PORT_PUSH, &at, 0);
    if (!port || !port_send(port, topic, body))
        return complain_of_call(NO_REACH, "cannot send to %s; is ingest running?", at.address);
    struct wanted wanted = {.source = door->source, .json = call->json};
    for (uint64_t end = clock_mono_ns() + ANSWER_WITHIN_NS;
         !wanted.found && clock_mono_ns() < end;) {
        size_t count;
        ports_wait(NULL, 0, PAUSE_MS);
        if (store_journal(store, "signals", head, 1000, look_for, &wanted, &count))
            return complain_of_call(NO_REACH, "%s", store_trouble(store));
    }
    if (wanted.found) return wanted.outcome;
    return complain_of_call(NO_REACH, "the signal did not appear within 5 s: the token is wrong, "
                                      "it is a known resend, or ingest is not running");
}

enum outcome run_send(struct call *call) {
    struct door door = {0};
    own(buffer) body = {0};
    if (!find_body(call, &body) || !find_door(call, &door)) return WRONG_USE;
    struct span content = {body.data, body.length};
    return call_flag(call, "zmq") ? by_zmq(call, &door, content) : by_http(call, &door, content);
}
