// advisor - the service as data, its memory, its verbs.
// SPDX-License-Identifier: MIT
#include "services/advisor/advisor.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/http/url.h"
#include "common/schema/record.h"
#include "services/advisor/collect.h"
#include "services/advisor/door/door.h"
#include "services/advisor/slice.h"
#include "services/advisor/verbs.h"

#define DECISIONS_A_MINUTE 120
#define BOOK_FOR           (5 * NS_PER_S) // then the configuration is read anew before it is used

#define AT(field) offsetof(struct advisor_settings, field)
static const struct option options[] = {
    {"token_file", OPTION_FILE, AT(token), NULL,
     "File that holds the token of its HTTP and MCP door; none: there is no door", 0, 0, NULL},
    {"http_address", OPTION_TEXT, AT(http_address), "127.0.0.1", "Address of that door, numeric", 0,
     0, NULL},
    {"http_port", OPTION_INTEGER, AT(http_port), "8302", "Its port; 0: any free one", 0, 65535,
     NULL},
    {"http_names", OPTION_TEXT, AT(http_names), "",
     "Public host names that a proxy in front of it uses, with commas between them; requests under "
     "other names, or of other sites' pages, are refused",
     0, 0, NULL},
    {"source", OPTION_TEXT, AT(source), "llm",
     "The source of signals (a row of signal_config) that decisions are sent as", 0, 0, NULL},
    {"package_bytes", OPTION_SIZE, AT(package_bytes), "64k",
     "A package is cut to so many bytes, the least important first", PACKAGE_LEAST, 1 << 20, NULL},
    {"headlines", OPTION_INTEGER, AT(headlines), "10", "Most headlines in a package", 0, 100, NULL},
    {"price_age", OPTION_DURATION, AT(price_age_ms), "60s",
     "Prices, positions and accounts that are older are stale", 1000, 86400000, NULL},
    {"data_age", OPTION_DURATION, AT(data_age_ms), "1h",
     "Indicators, news, candidates, signals and the market's context that are older are stale",
     1000, INT64_C(2592000000), NULL},
    {"account_ids", OPTION_FLAG, AT(account_ids), "false",
     "A package names accounts by their ids; else they are numbered", 0, 0, NULL},
    {"mode", OPTION_CHOICE, AT(mode), "propose",
     "propose: a person approves each decision; auto: it becomes a signal at once, where only "
     "paper "
     "accounts subscribe",
     0, 0, "propose|auto"},
    {"auto_live", OPTION_FLAG, AT(auto_live), "false",
     "auto: also where live accounts subscribe; needs lots_max and decisions_per_day", 0, 0, NULL},
    {"decisions_per_hour", OPTION_INTEGER, AT(decisions_per_hour), "10",
     "auto: most decisions that become signals in an hour; what is over waits for a person", 0,
     100000, NULL},
    {"decisions_per_day", OPTION_INTEGER, AT(decisions_per_day), "50",
     "auto: likewise in a day (UTC)", 0, 1000000, NULL},
    {"lots_max", OPTION_DECIMAL, AT(lots_max), "0",
     "Largest lot_size of a decision; 0: no limit of its own", 0, INT64_C(1000000000000000), NULL},
    {"package_for", OPTION_DURATION, AT(package_for_ms), "5m",
     "A decision may rest on a package for so long", 1000, 86400000, NULL},
    {"propose_for", OPTION_DURATION, AT(propose_for_ms), "15m",
     "A person may approve a decision for so long", 1000, 86400000, NULL},
    {"signal_for", OPTION_DURATION, AT(signal_for_ms), "60s",
     "A market order, or a close, that the door of signals has not taken by then expires", 1000,
     3600000, NULL},
    {"signal_url", OPTION_TEXT, AT(signal_url), "http://127.0.0.1:8300",
     "The door of signals: the webhook of ingest", 0, 0, NULL},
    {"signal_plain", OPTION_FLAG, AT(signal_plain), "false",
     "signal_url may be http on another host: the network is private", 0, 0, NULL},
    {"signal_token_file", OPTION_FILE, AT(signal_token), NULL,
     "File that holds the token of the source; none: no decision can become a signal", 0, 0, NULL},
    {"model_url", OPTION_TEXT, AT(model.url), NULL,
     "OpenAI-compatible endpoint that is asked for decisions, whole: "
     "https://host/v1/chat/completions; none: no model is asked",
     0, 0, NULL},
    {"model_plain", OPTION_FLAG, AT(model_plain), "false",
     "model_url may be http on another host: the network is private", 0, 0, NULL},
    {"model_name", OPTION_TEXT, AT(model.name), "default", "The model that is asked for", 0, 0,
     NULL},
    {"model_key_file", OPTION_FILE, AT(model.key), NULL, "File that holds the endpoint's key", 0, 0,
     NULL},
    {"model_ca_file", OPTION_TEXT, AT(model.ca_file), NULL,
     "Certificates that the endpoint's is checked against; none: the system's", 0, 0, NULL},
    {"model_within", OPTION_DURATION, AT(model.within_ms), "30s",
     "An answer that takes longer is none", 100, 600000, NULL},
    {"model_answer_bytes", OPTION_SIZE, AT(model.answer_max), "64k",
     "An answer that is larger is none", 1024, 1 << 20, NULL},
    {"model_answer_tokens", OPTION_INTEGER, AT(model.answer_tokens), "1000",
     "Most tokens that the model may answer with", 50, 100000, NULL},
    {"model_calls_per_hour", OPTION_INTEGER, AT(calls_per_hour), "20",
     "Most questions to the model in an hour", 0, 100000, NULL},
    {"model_tokens_per_day", OPTION_INTEGER, AT(tokens_per_day), "200000",
     "No more questions in a day (UTC) when so many tokens were used", 0, INT64_C(1000000000),
     NULL},
    {"ask_every", OPTION_DURATION, AT(model.every_ms), "0s",
     "How often the model is asked about each of ask_symbols; 0: only on the operator's word", 0,
     86400000, NULL},
    {"ask_symbols", OPTION_TEXT, AT(model.symbols), NULL,
     "Symbols that it is asked about, with blanks between them", 0, 0, NULL},
    {0},
};

// --- memory

// What would be found wrong only when it is too late. NULL: nothing.
static const char *wrong_together(const struct advisor_settings *s) {
    if (s->auto_live && (!s->lots_max || !s->decisions_per_day))
        return "TRADECAST_ADVISOR_AUTO_LIVE needs TRADECAST_ADVISOR_LOTS_MAX and "
               "TRADECAST_ADVISOR_DECISIONS_PER_DAY";
    if (s->signal_token && !s->signal_plain && !url_is_private(s->signal_url))
        return "TRADECAST_ADVISOR_SIGNAL_URL would carry a token over a network: https, or "
               "TRADECAST_ADVISOR_SIGNAL_PLAIN=true where the network is private";
    if (s->model.url && !s->model_plain && !url_is_private(s->model.url))
        return "TRADECAST_ADVISOR_MODEL_URL would carry packages and a key over a network: https, "
               "or TRADECAST_ADVISOR_MODEL_PLAIN=true where the network is private";
    return NULL;
}

static struct decisions_settings decisions_settings_of(const struct advisor_settings *s) {
    return (struct decisions_settings){.automatic = strcmp(s->mode, "auto") == 0,
                                       .auto_live = s->auto_live,
                                       .lots_most = {s->lots_max},
                                       .caps = {.decisions_hour = (uint32_t)s->decisions_per_hour,
                                                .decisions_day = (uint32_t)s->decisions_per_day,
                                                .calls_hour = (uint32_t)s->calls_per_hour,
                                                .tokens_day = (uint64_t)s->tokens_per_day},
                                       .package_for = (uint64_t)s->package_for_ms * NS_PER_MS,
                                       .propose_for = (uint64_t)s->propose_for_ms * NS_PER_MS,
                                       .signal_for = (uint64_t)s->signal_for_ms * NS_PER_MS,
                                       .can_send = s->signal_token != NULL,
                                       .source = s->source};
}

static void *advisor_new(const struct context *context, const void *settings) {
    const struct advisor_settings *s = settings;
    const char *wrong = wrong_together(s);
    if (wrong) {
        log_event(LOG_LEVEL_ERROR, "wrong_option", "why=%s", log_quote(wrong));
        return NULL;
    }
    struct advisor *self = alloc_zeroed(1, sizeof *self);
    const struct decisions_settings decisions = decisions_settings_of(s);
    self->context = context;
    self->settings = s;
    self->book = book_new();
    decisions_start(&self->decisions, &decisions, NULL);
    self->courier = (courier_t){.decisions = &self->decisions,
                                .url = s->signal_url,
                                .source = s->source,
                                .token = s->signal_token};
    self->asker = (asker_t){.settings = s->model, .advisor = self};
    return self;
}

static void advisor_destroy(void **handle) {
    struct advisor *self = *handle;
    if (!self) return;
    http_destroy(&self->http);
    courier_close(&self->courier);
    asker_close(&self->asker);
    waiting_free(&self->waiting);
    decisions_end(&self->decisions);
    recent_free(&self->recent);
    book_destroy(&self->book);
    free(self);
    *handle = NULL;
}

static err_t advisor_load(void *arg, store_t *store) {
    struct advisor *self = arg;
    self->store = self->decisions.store = store;
    return decisions_load(&self->decisions);
}

// --- packages

// It is no consumer of `config`: whether it runs or not changes nothing for the others. So it reads
// the rows when it needs them.
static err_t refresh_book(struct advisor *self) {
    uint64_t now = clock_mono_ns();
    if (!store_connected(self->store)) return ERR_STORE;
    if (self->book_read_at && now - self->book_read_at < BOOK_FOR) return ERR_OK;
    book_t *book = book_new();
    err_t e = book_load(book, self->store);
    book_t *unused = e ? book : self->book;
    if (!e) self->book = book;
    if (!e) self->book_read_at = now;
    book_destroy(&unused);
    return e;
}

static struct collect_from collect_here(const struct advisor *self) {
    return (struct collect_from){self->store, self->book, self->settings->source,
                                 self->settings->account_ids};
}

struct listing {
    const char *symbol;
    bool listed;
};

static void look_for_symbol(void *arg, const BrokerConfig *broker) {
    struct listing *l = arg;
    l->listed = l->listed || book_symbol(broker, l->symbol);
}

static bool is_listed_anywhere(const struct advisor *self, const char *symbol) {
    struct listing l = {symbol, false};
    book_each_broker(self->book, look_for_symbol, &l);
    return l.listed;
}

err_t advisor_package(struct advisor *self, const char *symbol, const struct package **out) {
    const struct advisor_settings *s = self->settings;
    if (!package_symbol_is_valid(symbol)) return ERR_RULE;
    own(arena) *arena = arena_new(0);
    struct package_input input = {.symbol = symbol,
                                  .now = clock_utc_ns(),
                                  .price_age = (uint64_t)s->price_age_ms * NS_PER_MS,
                                  .data_age = (uint64_t)s->data_age_ms * NS_PER_MS,
                                  .headlines = (size_t)s->headlines,
                                  .bytes = (size_t)s->package_bytes};
    struct collect_from from = collect_here(self);
    err_t e = refresh_book(self);
    from.book = self->book;
    if (!e) e = collect_parts(&from, arena, &input);
    if (e) return e;
    struct package package;
    package_compose(&input, &package);
    if (!package.about_symbol && !is_listed_anywhere(self, symbol)) {
        package_destroy(&package);
        return ERR_MISSING;
    }
    char id[PACKAGE_ID_TEXT];
    memcpy(id, package.id, sizeof id);
    recent_add(&self->recent, &package);
    *out = recent_find(&self->recent, id);
    return ERR_OK;
}

err_t advisor_symbols(struct advisor *self, buffer_t *out) {
    err_t e = refresh_book(self);
    struct collect_from from = collect_here(self);
    return e ? e : collect_symbols(&from, out);
}

// --- decisions

// Whoever has the token may fill the record; not faster than this.
static bool has_decision_room(struct advisor *self) {
    uint64_t now = clock_mono_ns();
    if (now - self->minute > 60 * NS_PER_S) self->minute = now, self->taken = 0;
    return self->taken++ < DECISIONS_A_MINUTE;
}

const LlmDecision *advisor_decide(struct advisor *self, const struct arrival *arrival, bool *known,
                                  bool *busy) {
    self->book_read_at = 0; // who is live is looked up anew
    *busy = !has_decision_room(self);
    if (*busy || !self->batch || refresh_book(self)) return NULL;
    return decisions_take(&self->decisions, self->batch, self->book, &self->recent, arrival, known);
}

// If who is live cannot be looked up, what was read last counts; it was read for the package.
void advisor_take_answer(struct advisor *self, batch_t *batch, const struct arrival *arrival) {
    bool known;
    self->book_read_at = 0;
    (void)!refresh_book(self);
    if (!decisions_take(&self->decisions, batch, self->book, &self->recent, arrival, &known))
        batch_alert(batch, ALERT__SEVERITY__warning, "decision_unrecorded", arrival->symbol,
                    "Redis does not answer: what the model said is not on record");
}

void advisor_write_decision(const LlmDecision *row, bool known, buffer_t *out) {
    LlmDecision shown = *row;
    shown.package = shown.raw_answer = NULL;
    record_to_json(&shown.base, out);
    out->length--; // its closing brace
    buffer_format(out, ",\"duplicate\":%s}", known ? "true" : "false");
}

static err_t tick_advisor(void *arg, batch_t *batch) {
    struct advisor *self = arg;
    decisions_expire(&self->decisions, batch);
    asker_tick(&self->asker, batch);
    return ERR_OK;
}

static void answer_advisor_committed(void *arg) {
    struct advisor *self = arg;
    decisions_committed(&self->decisions);
    waiting_give(&self->waiting);
    courier_send_due(&self->courier, clock_mono_ns());
    asker_send(&self->asker);
}

static void answer_advisor_stalled(void *self, const char *why) {
    (void)why;
    waiting_turn_away(&((struct advisor *)self)->waiting);
}

// --- sockets

static err_t run_advisor_calls(void *arg, batch_t *batch) {
    struct advisor *self = arg;
    if (batch) courier_run(&self->courier, batch);
    return ERR_OK;
}

static err_t run_advisor_asks(void *arg, batch_t *batch) {
    struct advisor *self = arg;
    if (batch) asker_run(&self->asker, batch);
    return ERR_OK;
}

static err_t advisor_open(void *arg, reactor_t *reactor) {
    struct advisor *self = arg;
    courier_open(&self->courier);
    reactor_add_fd(reactor, web_calls_fd(self->courier.calls), run_advisor_calls, INTAKE_DRAIN);
    asker_open(&self->asker);
    reactor_add_fd(reactor, web_calls_fd(self->asker.calls), run_advisor_asks, INTAKE_DRAIN);
    return advisor_serve(self, reactor);
}

const struct service advisor_service = {
    .role = ADVISOR,
    .purpose = "Gives language models a package to read, and takes their decisions as proposals.",
    .options = options,
    .settings_size = sizeof(struct advisor_settings),
    .slice = advisor_slice,
    .controls = advisor_controls,
    .new = advisor_new,
    .destroy = advisor_destroy,
    .load = advisor_load,
    .open = advisor_open,
    .tick = tick_advisor,
    .committed = answer_advisor_committed,
    .stalled = answer_advisor_stalled,
};
