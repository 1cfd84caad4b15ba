// ingest - the service as data, its memory, its sockets.
// SPDX-License-Identifier: MIT
#include "services/ingest/ingest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/ingest/door/door.h"
#include "services/ingest/door/handover.h"
#include "services/ingest/follow.h"
#include "services/ingest/slice.h"

#define BODY_MAX       (64 * 1024)
#define FILES_LEAST    128   // descriptors that are not connections
#define DUPLICATES_MAX 10000 // signals that came again, of which that is held
#define CHORES_EVERY   NS_PER_S

#define AT(name) offsetof(struct ingest_settings, name)
const struct option ingest_options[] = {
    {"http_address", OPTION_TEXT, AT(http_address), "127.0.0.1", "Address of the webhook, numeric",
     0, 0, NULL},
    {"http_port", OPTION_INTEGER, AT(http_port), "8300", "Port of the webhook; 0: any free one", 0,
     65535, NULL},
    {"http_connections", OPTION_INTEGER, AT(http_connections), "2048",
     "Connections at once; when all are taken the longest idle gives its place", 1, 16384, NULL},
    {"http_connections_per_ip", OPTION_INTEGER, AT(http_connections_per_ip), "0",
     "Connections at once from one address; 0: 64, or no limit on a loopback address, where a "
     "proxy stands before it",
     0, 16384, NULL},
    {"trusted_proxies", OPTION_TEXT, AT(trusted_proxies), "",
     "Proxies whose X-Forwarded-For says who sends: addresses and networks, with commas between "
     "them",
     0, 0, NULL},
    {"http_idle", OPTION_DURATION, AT(http_idle_ms), "30s",
     "A connection that says nothing for so long is closed", 1000, 3600000, NULL},
    {"loss_wait", OPTION_DURATION, AT(loss_wait_ms), "2s",
     "After a start beside a Redis that was restarted, too: how long the door waits for what the "
     "others give back",
     0, 60000, NULL},
    {"http_request", OPTION_DURATION, AT(http_request_ms), "5s",
     "A request must be whole so long after its first line, and that so long after the connection",
     1000, 60000, NULL},
    {"strangers_per_s", OPTION_INTEGER, AT(strangers_per_s), "100",
     "Wrong tokens a second from one address before 429", 1, 1000000, NULL},
    {"signals_max", OPTION_INTEGER, AT(signals_max), "500000",
     "Signals that are not final at once; beyond, 503", 1, 100000000, NULL},
    {"guard_max", OPTION_INTEGER, AT(guard_max), "8000000",
     "Signals remembered (48 h of them) so that a resend is recognised; beyond, 503", 1000,
     INT32_MAX, NULL},
    {"source_signals_max", OPTION_INTEGER, AT(source_signals_max), "200000",
     "Of signals_max, what one source may have; beyond, 503 for it", 1, 100000000, NULL},
    {"source_guard_max", OPTION_INTEGER, AT(source_guard_max), "2000000",
     "Of guard_max, what one source may have remembered at once and again in every 48 h; beyond, "
     "503 for it",
     1, INT32_MAX, NULL},
    {"batch_requests", OPTION_INTEGER, AT(batch_requests), "256",
     "Requests in one transaction; beyond, 503", 1, 16384, NULL},
    {"batch_bytes", OPTION_SIZE, AT(batch_bytes), "8m", "Bodies in one transaction; beyond, 503",
     BODY_MAX, 1 << 30, NULL},
    {"refusals_memory", OPTION_INTEGER, AT(refusals_memory), "60",
     "Percent of Redis' memory: above, refusals are counted and not recorded", 1, 100, NULL},
    {"price_symbols_max", OPTION_INTEGER, AT(price_symbols_max), "10000",
     "Symbols whose latest price is held", 1, 1000000, NULL},
    {"bar", OPTION_DURATION, AT(bar_ms), "1m",
     "Length of the bars that indicators are calculated from, in whole seconds; 0s: none are", 0,
     86400000, NULL},
    {"price_ttl", OPTION_DURATION, AT(price_ttl_ms), "96h",
     "A price that no other follows for so long goes; longer than markets are closed", 1000,
     2592000000, NULL},
    {"indicators_ttl", OPTION_DURATION, AT(indicators_ttl_ms), "1h",
     "Indicators stay so long; those of a source are in force meanwhile, and after that calculated "
     "ones again",
     1000, 2592000000, NULL},
    {"sentiment_ttl", OPTION_DURATION, AT(sentiment_ttl_ms), "24h", "Sentiment stays so long", 1000,
     2592000000, NULL},
    {"watchlist_ttl", OPTION_DURATION, AT(watchlist_ttl_ms), "24h", "The watchlist stays so long",
     1000, 2592000000, NULL},
    {"candidates_ttl", OPTION_DURATION, AT(candidates_ttl_ms), "24h",
     "Ranked candidates stay so long", 1000, 2592000000, NULL},
    {"context_ttl", OPTION_DURATION, AT(context_ttl_ms), "24h", "Market context stays so long",
     1000, 2592000000, NULL},
    {"signal_view_ttl", OPTION_DURATION, AT(signal_view_ttl_ms), "24h",
     "signals:entry:{symbol} and signals:exit:{symbol} stay so long", 1000, 2592000000, NULL},
    {"consensus_ballots_max", OPTION_INTEGER, AT(consensus_ballots_max), "20000",
     "Open ballots (a consensus and a symbol each); votes that would open more are not counted", 1,
     10000000, NULL},
    {0},
};

// --- memory

static void open_market(struct ingest *self) {
    const struct ingest_settings *s = self->settings;
    const struct market_limits market = {
        .ttl_ms = {[SIGNAL_CONFIG__DOCUMENT__indicators] = s->indicators_ttl_ms,
                   [SIGNAL_CONFIG__DOCUMENT__sentiment] = s->sentiment_ttl_ms,
                   [SIGNAL_CONFIG__DOCUMENT__watchlist] = s->watchlist_ttl_ms,
                   [SIGNAL_CONFIG__DOCUMENT__candidates] = s->candidates_ttl_ms,
                   [SIGNAL_CONFIG__DOCUMENT__context] = s->context_ttl_ms},
        .documents_max = 2 * (size_t)s->price_symbols_max + 3, // of a symbol two
    };
    const struct price_limits prices = {
        .symbols_max = (size_t)s->price_symbols_max,
        .ttl_ns = (uint64_t)s->price_ttl_ms * NS_PER_MS,
        .bar_s = (uint64_t)s->bar_ms / 1000,
    };
    self->market = market_new(self->context->book, &market);
    self->prices = prices_new(self->context->book, self->market, &prices);
}

struct ingest *ingest_new(const struct context *context, const struct ingest_settings *settings) {
    struct ingest *self = calloc(1, sizeof *self);
    if (!self) return NULL;
    self->context = context;
    self->settings = settings;
    char wrong[64];
    const char *proxies = settings->trusted_proxies ? settings->trusted_proxies : "";
    if (!proxies_read(proxies, &self->proxies, wrong)) {
        log_event(LOG_LEVEL_ERROR, "wrong_option",
                  "option=TRADECAST_INGEST_TRUSTED_PROXIES why=%s is not an address or a network",
                  log_quote(wrong));
        free(self);
        return NULL;
    }
    self->sources = sources_new((uint64_t)settings->strangers_per_s);
    self->guard = guard_new(SIGNAL_GUARD, (size_t)settings->guard_max);
    self->lives = table_new(sizeof(struct live));
    open_market(self);
    self->duplicates = duplicates_new(DUPLICATES_MAX);
    self->approvals = approvals_new();
    self->votes = votes_new(context->book, (size_t)settings->consensus_ballots_max);
    door_counts__init(&self->counts);
    if (!self->sources || !self->prices) ingest_destroy(&self);
    return self;
}

void ingest_destroy(struct ingest **handle) {
    struct ingest *self = *handle;
    if (!self) return;
    http_destroy(&self->http);
    port_destroy(&self->intake);
    port_destroy(&self->handover);
    sources_destroy(&self->sources);
    guard_destroy(&self->guard);
    table_destroy(&self->lives);
    prices_destroy(&self->prices);
    market_destroy(&self->market);
    duplicates_destroy(&self->duplicates);
    votes_destroy(&self->votes);
    approvals_destroy(&self->approvals);
    free(self->waiting);
    free(self);
    *handle = NULL;
}

static void *service_new(const struct context *context, const void *settings) {
    return ingest_new(context, settings);
}

static void service_destroy(void **self) {
    struct ingest *ingest = *self;
    ingest_destroy(&ingest);
    *self = NULL;
}

// --- signals that are not final

struct live *lives_add(struct ingest *self, const char *signal_id, const char *source) {
    struct live *live = table_add(self->lives, table_key(signal_id));
    if (live->sender) live->sender->open--;
    *live = (struct live){.sender = sources_sender(self->sources, source)};
    live->sender->open++;
    return live;
}

void lives_drop(struct ingest *self, const char *signal_id) {
    struct live *live = table_find(self->lives, table_key(signal_id));
    if (!live) return;
    live->sender->open--;
    (void)table_drop(self->lives, table_key(signal_id));
}

// --- at start

static err_t load_life(void *arg, const ProtobufCMessage *m) {
    struct ingest *self = arg;
    const SignalLife *life = (const SignalLife *)m;
    struct live *live = lives_add(self, life->signal_id, life->source ? life->source : "");
    live->created_at = life->created_at;
    live->status = (uint64_t)life->status;
    return ERR_OK;
}

static err_t load_ingest_state(void *arg, store_t *store) {
    struct ingest *self = arg;
    err_t e = guard_load(self->guard, store);
    if (!e)
        e = store_records(store, STATE_PENDING, SIGNAL_PREFIX, &signal_life__descriptor, load_life,
                          self);
    if (!e)
        e = store_records(store, STATE_PROCESSING, SIGNAL_PREFIX, &signal_life__descriptor,
                          load_life, self);
    if (!e) e = votes_load(self->votes, store);
    if (!e) e = approvals_load(self->approvals, store);
    if (!e) e = duplicates_load(self->duplicates, store);
    if (!e) e = slice_identities(store, self->sources, &self->time.at, &self->losses);
    if (!e) e = prices_load(self->prices, store);
    if (!e) e = market_load(self->market, store);
    self->time_found = self->time.at;
    if (self->time.at) self->time.at += IDENTITY_TIME_STEP; // it may have been so much further
    log_event(LOG_LEVEL_INFO, "loaded", "signals=%zu guards=%zu ballots=%zu approvals=%zu",
              table_count(self->lives), guard_count(self->guard), votes_count(self->votes),
              approvals_count(self->approvals));
    return e;
}

// --- sockets

// Descriptors for as many connections as are wanted, or as many connections as there are
// descriptors for: libzmq aborts without one.
static int64_t limit_connections(int64_t wanted) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
    rlim_t needed = (rlim_t)wanted + FILES_LEAST;
    if (files.rlim_cur < needed) {
        files.rlim_cur = needed < files.rlim_max ? needed : files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < needed) {
            int64_t fit = (int64_t)files.rlim_cur - FILES_LEAST;
            log_event(LOG_LEVEL_WARNING, "few_descriptors", "connections=%lld wanted=%lld",
                      (long long)fit, (long long)wanted);
            return fit > 0 ? fit : 1;
        }
    }
    return wanted;
}

static int64_t connections_per_ip(const struct ingest_settings *s) {
    if (s->http_connections_per_ip) return s->http_connections_per_ip;
    bool loopback = strncmp(s->http_address, "127.", 4) == 0 || strcmp(s->http_address, "::1") == 0;
    return loopback ? 0 : 64;
}

void ingest_flush(struct ingest *self, batch_t *batch) {
    const struct signal_views_known known = {
        self->prices, self->market, (uint64_t)self->settings->signal_view_ttl_ms * NS_PER_MS};
    prices_flush(self->prices, batch);
    signal_views_flush(&self->views, batch, &known);
}

static err_t door_ready(void *arg, batch_t *batch) {
    struct ingest *self = arg;
    self->batch = batch;
    http_run(self->http);
    self->batch = NULL;
    if (batch) ingest_flush(self, batch);
    return ERR_OK;
}

static err_t intake_ready(void *self, batch_t *batch) { return door_parcels(self, batch); }

static err_t handover_ready(void *self, batch_t *batch) {
    err_t e = handover_parcels(self, batch);
    if (batch) ingest_flush(self, batch);
    return e;
}

// Where there is one cell only, there is no such door.
static bool open_handover(struct ingest *self, reactor_t *reactor) {
    if (!self->context->cell) return true;
    struct endpoint at = endpoint_of(self->context->run_dir, self->context->name, "handover");
    self->handover = transport_bind(self->context->transport, PORT_ROUTER, &at, 0);
    if (!self->handover)
        log_event(LOG_LEVEL_ERROR, "cannot_bind", "endpoint=%s why=%s", log_quote(at.address),
                  log_quote(port_why()));
    if (self->handover) reactor_add_port(reactor, self->handover, handover_ready, INTAKE_DOOR);
    return self->handover != NULL;
}

static void service_door(const void *settings, struct http_options *out) {
    const struct ingest_settings *s = settings;
    *out = (struct http_options){
        .address = s->http_address,
        .port = s->http_port,
        .body_max = BODY_MAX,
        .connections_max = limit_connections(s->http_connections),
        .connections_per_ip_max = connections_per_ip(s),
        .idle_s = s->http_idle_ms / 1000,
        .request_s = s->http_request_ms / 1000,
    };
}

static bool open_http(struct ingest *self) {
    const struct ingest_settings *s = self->settings;
    struct http_options options;
    service_door(s, &options);
    options.listener = self->context->listener;
    self->http = http_new(&options, door_request, self);
    if (!self->http)
        log_event(LOG_LEVEL_ERROR, "cannot_listen", "address=%s port=%lld why=%s",
                  log_quote(s->http_address), (long long)s->http_port, log_quote(strerror(errno)));
    return self->http != NULL;
}

static err_t service_open(void *arg, reactor_t *reactor) {
    struct ingest *self = arg;
    struct endpoint at = endpoint_of(self->context->run_dir, self->context->name, "intake");
    self->intake = transport_bind(self->context->transport, PORT_PULL, &at, 0);
    if (!self->intake)
        log_event(LOG_LEVEL_ERROR, "cannot_bind", "endpoint=%s why=%s", log_quote(at.address),
                  log_quote(port_why()));
    if (!self->intake || !open_http(self) || !open_handover(self, reactor)) return ERR_SYSTEM;
    reactor_add_fd(reactor, http_fd(self->http), door_ready, INTAKE_DOOR);
    reactor_add_port(reactor, self->intake, intake_ready, INTAKE_FORWARD);
    log_event(LOG_LEVEL_INFO, "listening", "address=%s port=%u",
              log_quote(self->settings->http_address), http_port(self->http));
    return ERR_OK;
}

// --- in the loop

static uint64_t oldest_live(const struct ingest *self) {
    uint64_t oldest = UINT64_MAX;
    size_t cursor = 0;
    const struct live *live;
    while ((live = table_next(self->lives, &cursor, NULL))) {
        if (live->created_at < oldest) oldest = live->created_at;
    }
    return oldest;
}

// Every second, whether or not something comes in: after a loss it says how far back that reaches.
// Seldomer, and the door would have to be unsure for as much longer.
static void store_passing_time(struct ingest *self, batch_t *batch) {
    struct identity_time *t = &self->time;
    if (!door_knows_losses(self, batch) || self->context->strict) return;
    t->stored = identity_time_now(t, batch_now(batch), batch_mono(batch));
    slice_identity_time(batch, t->stored);
}

static err_t retire_old_entries(void *arg, batch_t *batch) {
    struct ingest *self = arg;
    uint64_t now = batch_now(batch), before = now > GUARD_FOR ? now - GUARD_FOR : 0, oldest;
    if (self->prices_wanted) prices_say_again(self->prices, batch); // they cannot fill without
    self->prices_wanted = false;
    if (batch_mono(batch) - self->chores_at < CHORES_EVERY) return ERR_OK;
    self->chores_at = batch_mono(batch);
    store_passing_time(self, batch);
    approvals_expire(self->approvals, batch);
    oldest = oldest_live(self);
    if (oldest < before) before = oldest;
    if (self->context->consumed_until < before) before = self->context->consumed_until;
    guard_retire(self->guard, batch, before);
    duplicates_retire(self->duplicates, batch, now > GUARD_FOR ? now - GUARD_FOR : 0);
    votes_retire(self->votes, batch);
    prices_retire(self->prices, batch);
    market_retire(self->market, batch);
    return ERR_OK;
}

// A gateway that was started again, say: it hears at the next tick what every symbol costs.
static void note_price_listener(void *arg, const char *prefix) {
    struct ingest *self = arg;
    self->prices_wanted |= strncmp(FEED_PRICES, prefix, strlen(prefix)) == 0;
}

static void answer_committed(void *self) {
    door_answer(self);
    handover_answer(self);
}

static void answer_stalled(void *self, const char *why) {
    door_turn_away(self);
    handover_turn_away(self, why);
}

static bool tell_signals(void *arg, batch_t *batch, const ControlRequest *request, buffer_t *out) {
    (void)batch, (void)request;
    struct ingest *self = arg;
    size_t pending = 0, cursor = 0;
    const struct live *live;
    while ((live = table_next(self->lives, &cursor, NULL)))
        pending += live->status == SIGNAL__STATUS__pending;
    buffer_format(out,
                  "{\"pending\":%zu,\"processing\":%zu,\"remembered\":%zu,\"prices\":%zu,"
                  "\"documents\":%zu,\"documents_taken\":%llu,\"documents_refused\":%llu}",
                  pending, table_count(self->lives) - pending, guard_count(self->guard),
                  prices_count(self->prices), market_count(self->market),
                  (unsigned long long)self->counts.documents,
                  (unsigned long long)self->counts.documents_refused);
    return true;
}

static void fill_ingest_heartbeat(void *arg, Heartbeat *out, arena_t *arena) {
    const struct ingest *self = arg;
    handover_beat(self, out, arena);
    out->door = arena_take(arena, sizeof *out->door);
    *out->door = self->counts;
    out->has_awaiting = true;
    out->awaiting = approvals_count(self->approvals);
}

static const struct route routes[] = {
    {TOPIC_routings, &routing__descriptor, ingest_handle_routing, false},
    {TOPIC_outcomes, &outcome__descriptor, ingest_handle_outcome, false},
    {TOPIC_commands, &command__descriptor, ingest_handle_command, false},
    {TOPIC_recalls, &signal__descriptor, ingest_handle_recall, false},
    {TOPIC_recalls, &outcome__descriptor, ingest_handle_outcome, false},
    {0},
};

static const struct control controls[] = {
    {"signals",
     "counts of signals that are not final, of those remembered, of prices and of market data",
     tell_signals},
    {0},
};

const struct service ingest_service = {
    .role = INGEST,
    .purpose = "The door: takes signals and prices in, and follows what becomes of them.",
    .options = ingest_options,
    .settings_size = sizeof(struct ingest_settings),
    .routes = routes,
    .slice = ingest_slice,
    .controls = controls,
    .new = service_new,
    .destroy = service_destroy,
    .door = service_door,
    .load = load_ingest_state,
    .open = service_open,
    .tick = retire_old_entries,
    .committed = answer_committed,
    .stalled = answer_stalled,
    .beat = fill_ingest_heartbeat,
    .listened = note_price_listener,
};
