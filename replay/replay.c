// replay - the signals and prices of a recording, into a running paper system through its intake.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/bus/port.h"
#include "common/delivery/envelope.h"
#include "common/delivery/topology.h"
#include "common/domain/book.h"
#include "common/domain/signal_id.h"
#include "common/program/stop.h"
#include "common/schema/json_tree.h"
#include "common/schema/record.h"
#include "market.pb-c.h"
#include "price.pb-c.h"
#include "replay/commands.h"
#include "replay/offline.h"
#include "replay/recording.h"
#include "signal.pb-c.h"

#define PAUSE_MS 1
#define LOOK_MS  20
// how long the intake may take nothing, and what was sent may take to be on record
#define PATIENCE (10 * NS_PER_S)
#define ID_MOST  64
#define SOURCES  32

struct token {
    char source[80], text[200];
};

struct replay {
    const struct call *call;
    store_t *store;
    port_t *intake;
    const char *source;  // NULL: each signal's own
    char renew[24];      // put behind ids; empty: they are kept
    unsigned long speed; // times the original; 0: as fast as it goes
    struct token tokens[SOURCES];
    size_t n_tokens;
    uint64_t first_at, began; // of the recording (UTC ns) and of this replay (monotonic)
    unsigned long signals, prices, documents, missing;
    enum outcome outcome;
    arena_t *arena;
};

static const char *const offline_only[] = {"service", "config", "archive"};

// --- may it?

static void look_at_account(void *arg, const AccountConfig *a) {
    const char **live = arg;
    if (a->live && a->enabled) *live = a->account_id;
}

// Old signals must never reach an account with real money.
static bool is_paper(struct replay *r) {
    book_t *book = book_new();
    const char *live = NULL;
    bool read = book_load(book, r->store) == ERR_OK;
    if (read) book_each_account(book, look_at_account, &live);
    if (!read)
        (void)complain_of_call(NO_REACH, "the configuration cannot be read: %s",
                               store_trouble(r->store));
    else if (live)
        (void)complain_of_call(
            ANSWER_NO, "account %s is live: a recording is replayed into paper accounts only",
            live);
    book_destroy(&book);
    return read && !live;
}

// --- sending

static const char *token_of(struct replay *r, const char *source) {
    char name[96];
    for (size_t i = 0; i < r->n_tokens; i++) {
        if (strcmp(r->tokens[i].source, source) == 0) return r->tokens[i].text;
    }
    if (r->n_tokens == SOURCES) return NULL;
    struct token *t = &r->tokens[r->n_tokens];
    (void)snprintf(t->source, sizeof t->source, "%s", source);
    (void)snprintf(name, sizeof name, "webhook-%.80s", source);
    if (!place_secret(&r->call->place, name, t->text)) return NULL;
    r->n_tokens++;
    return t->text;
}

// False: the intake takes nothing.
static bool push_to_intake(struct replay *r, const char *kind, const char *source,
                           struct span body) {
    char topic[320];
    const char *token = token_of(r, source);
    if (!token) {
        r->outcome = complain_of_call(
            WRONG_USE, "no token for source %s in %s; --source NAME chooses one that has", source,
            r->call->place.secrets);
        return false;
    }
    (void)snprintf(topic, sizeof topic, "%s%s/%s", kind, source, token);
    for (uint64_t end = clock_mono_ns() + PATIENCE; !port_send(r->intake, topic, body);) {
        if (stop_asked || clock_mono_ns() > end) {
            if (!stop_asked)
                r->outcome =
                    complain_of_call(NO_REACH, "the intake accepts nothing; is ingest running?");
            return false;
        }
        (void)ports_wait(NULL, 0, PAUSE_MS);
    }
    return true;
}

static void id_now(const struct replay *r, const char *signal_id, char out[static 128]) {
    (void)snprintf(out, 128, "%.*s%s", (int)(ID_MOST - strlen(r->renew)), signal_id, r->renew);
}

// As it came in, under an id that is kept or renewed. Its own times would make it too old: it is a
// signal of now.
static bool send_signal(struct replay *r, const Signal *recorded) {
    char id[128];
    Signal s = *recorded;
    id_now(r, recorded->signal_id, id);
    s.signal_id = id;
    s.source = (char *)(r->source ? r->source : recorded->source);
    s.status = SIGNAL__STATUS__pending;
    s.has_timestamp = false;
    if (s.has_expiration_time) { // as long after now as it was after it came in
        uint64_t left = s.expiration_time > s.created_at ? s.expiration_time - s.created_at : 1;
        s.expiration_time = clock_utc_ns() + left;
    }
    size_t n = signal__get_packed_size(&s);
    uint8_t *packed = arena_take(r->arena, n);
    (void)signal__pack(&s, packed);
    bool sent = push_to_intake(r, "", s.source, (struct span){packed, n});
    r->signals += sent;
    return sent;
}

static bool send_price(struct replay *r, const Price *p) {
    own(buffer) json = {0};
    if (!r->source) return true; // whose token prices come with is not on record
    Price now = *p;
    now.timestamp = clock_utc_ns();
    record_to_json(&now.base, &json);
    bool sent = push_to_intake(r, "prices/", r->source, buffer_span(&json));
    r->prices += sent;
    return sent;
}

// A document as a source posted it; what was calculated is calculated again.
static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *door;
} documents[] = {
    {&indicators__descriptor, "indicators/"},  {&sentiment__descriptor, "sentiment/"},
    {&watchlist__descriptor, "watchlist/"},    {&candidates__descriptor, "candidates/"},
    {&market_context__descriptor, "context/"},
};

static const char *door_of_document(const ProtobufCMessage *m) {
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
        if (documents[i].type == m->descriptor) return documents[i].door;
    return NULL;
}

static bool is_calculated(const ProtobufCMessage *m) {
    return m->descriptor == &indicators__descriptor &&
           strcmp(((const Indicators *)m)->source, "calculated") == 0;
}

// By its own source, or the one that is named; now, so that it is newer than what is there.
static bool send_document(struct replay *r, const ProtobufCMessage *m) {
    static const char *const times[] = {"timestamp", NULL};
    own(buffer) json = {0}, own_source = {0};
    (void)record_field_text(m, record_field(m->descriptor, span_of("source")), &own_source);
    const char *source = r->source ? r->source : buffer_string(&own_source);
    const struct record_mask but = record_mask(m->descriptor, times);
    record_to_json_but(m, &but, &json);
    const bool sent = push_to_intake(r, door_of_document(m), source, buffer_span(&json));
    r->documents += sent;
    return sent;
}

static void wait_for_its_time(const struct replay *r, uint64_t at) {
    if (!r->speed || at <= r->first_at) return;
    uint64_t due = r->began + (at - r->first_at) / r->speed;
    for (uint64_t now; !stop_asked && (now = clock_mono_ns()) < due;) {
        uint64_t ms = (due - now) / NS_PER_MS;
        (void)ports_wait(NULL, 0, ms > 100 ? 100 : (int64_t)ms + 1);
    }
}

// A consensus comes of its parts again, and what was refused would be refused again.
static bool is_replayed(const ProtobufCMessage *m) {
    return m &&
           (m->descriptor == &price__descriptor || (door_of_document(m) && !is_calculated(m)) ||
            (m->descriptor == &signal__descriptor && !((const Signal *)m)->n_parts &&
             !((const Signal *)m)->has_decided_at && // it came before
             ((const Signal *)m)->status != SIGNAL__STATUS__failed));
}

typedef bool record_fn(struct replay *r, const ProtobufCMessage *m);

static bool visit_replayed_records(struct replay *r, const char *path, record_fn *visit,
                                   bool in_time) {
    char why[200];
    struct recorded record;
    own(recording) *file = recording_open(path, why);
    if (!file) return r->outcome = complain_of_call(WRONG_USE, "%s", why), false;
    while (!stop_asked && recording_next(file, &record)) {
        struct envelope e = {.body = record.body};
        (void)snprintf(e.type, sizeof e.type, "%s", record.type);
        if (strcmp(record.topic, "signals") != 0 && strcmp(record.topic, FEED_PRICES) != 0 &&
            strcmp(record.topic, "market") != 0)
            continue;
        arena_reset(r->arena);
        const ProtobufCMessage *m = envelope_open(&e, r->arena);
        if (!is_replayed(m)) continue;
        if (!r->first_at) r->first_at = record.at;
        if (in_time) wait_for_its_time(r, record.at);
        if (!visit(r, m)) return false;
    }
    return true;
}

static bool send_one(struct replay *r, const ProtobufCMessage *m) {
    if (m->descriptor == &signal__descriptor) return send_signal(r, (const Signal *)m);
    return m->descriptor == &price__descriptor ? send_price(r, (const Price *)m)
                                               : send_document(r, m);
}

// --- what became of them

// As it was sent, or as its source's own id is called.
static err_t find_status(struct replay *r, const Signal *recorded, buffer_t *status) {
    char id[128], scoped[SIGNAL_ID_TEXT], key[160];
    id_now(r, recorded->signal_id, id);
    signal_id_scoped(r->source ? r->source : recorded->source, id, scoped);
    const char *const ids[] = {id, scoped};
    err_t e = ERR_OK;
    for (size_t i = 0; !e && !status->length && i < 2; i++) {
        (void)snprintf(key, sizeof key, "signal:%s", ids[i]);
        e = store_field(r->store, key, "status", status);
    }
    return e;
}

static bool look_at_one(struct replay *r, const ProtobufCMessage *m) {
    own(buffer) status = {0};
    if (m->descriptor != &signal__descriptor) return true;
    for (uint64_t end = clock_mono_ns() + PATIENCE; !stop_asked;) {
        if (find_status(r, (const Signal *)m, &status))
            return r->outcome = complain_of_call(NO_REACH, "%s", store_trouble(r->store)), false;
        if (status.length) return true;
        // one wait is enough to know
        if (clock_mono_ns() > end || r->missing) return r->missing++, true;
        (void)ports_wait(NULL, 0, LOOK_MS);
    }
    return true;
}

// How many documents ingest has had, taken or refused.
static unsigned long long ask_documents(const struct replay *r) {
    static const char *const counts[] = {"documents_taken", "documents_refused"};
    const struct question question = {.service = "ingest", .verb = "signals"};
    own(buffer) answer = {0};
    char why[JSON_WHY];
    unsigned long long sum = 0;
    if (ask_service(&r->call->place, &question, &answer) != DONE) return 0;
    yajl_val root = json_tree_parse(buffer_span(&answer), why);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        yajl_val v = json_tree_member(root, counts[i]);
        if (v && YAJL_IS_NUMBER(v)) sum += strtoull(YAJL_GET_NUMBER(v), NULL, 10);
    }
    yajl_tree_free(root);
    return sum;
}

// What is still in the socket when it is closed is gone.
static void wait_for_documents(const struct replay *r, unsigned long long before) {
    const uint64_t end = clock_mono_ns() + PATIENCE;
    if (!r->documents) return;
    while (!stop_asked && clock_mono_ns() < end && ask_documents(r) < before + r->documents)
        (void)ports_wait(NULL, 0, LOOK_MS);
}

static enum outcome report_replay(const struct replay *r) {
    if (r->outcome != DONE) return r->outcome;
    if (r->call->json)
        printf("{\"signals\":%lu,\"prices\":%lu,\"documents\":%lu,\"not_on_record\":%lu}\n",
               r->signals, r->prices, r->documents, r->missing);
    else
        printf("%lu signals, %lu prices and %lu documents sent%s\n", r->signals, r->prices,
               r->documents, *r->renew ? ", under new ids" : "");
    if (!r->missing) return DONE;
    return complain_of_call(ANSWER_NO,
                            "%lu signals are not on record: the source's rate or its token refused "
                            "them, or their ids are held back",
                            r->missing);
}

static enum outcome run_replay_file(struct replay *r) {
    const char *path = r->call->args[0];
    struct endpoint at = endpoint_of(r->call->place.run, "ingest", "intake");
    if (!is_paper(r)) return ANSWER_NO;
    r->intake = port_connect(PORT_PUSH, &at, 0);
    if (!r->intake)
        return complain_of_call(NO_REACH, "cannot connect to %s: %s", at.address, port_why());
    r->began = clock_mono_ns();
    const unsigned long long had = ask_documents(r);
    if (visit_replayed_records(r, path, send_one, true))
        (void)visit_replayed_records(r, path, look_at_one, false);
    wait_for_documents(r, had);
    port_destroy(&r->intake);
    return report_replay(r);
}

enum outcome run_replay(struct call *call) {
    if (call_flag(call, "offline")) return replay_offline(call);
    for (size_t i = 0; i < sizeof offline_only / sizeof *offline_only; i++) {
        if (call_flag(call, offline_only[i]))
            return complain_of_call(WRONG_USE, "--%s goes with --offline", offline_only[i]);
    }
    struct replay r = {.call = call, .source = call_flag(call, "source")};
    if (!call_number(call, "speed", 0, &r.speed)) return WRONG_USE;
    if (!call_flag(call, "keep-ids"))
        (void)snprintf(r.renew, sizeof r.renew, ".%llx",
                       (unsigned long long)(clock_utc_ns() / NS_PER_MS));
    own(store) *store = place_store(&call->place, "viewer");
    if (!store) return NO_REACH;
    stop_on_signals(0);
    r.store = store;
    r.arena = arena_new(0);
    enum outcome outcome = run_replay_file(&r);
    explicit_bzero(r.tokens, sizeof r.tokens);
    arena_destroy(&r.arena);
    return outcome;
}
