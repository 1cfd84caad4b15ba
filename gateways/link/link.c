// link - a gateway's end of the wire to its executor.
// SPDX-License-Identifier: MIT
#include "gateways/link/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/bus/keys.h"
#include "common/delivery/envelope.h"
#include "common/domain/shard.h"
#include "gateways/link/usage.h"

#define TOPIC    "gateway"
#define QUEUE    20000 // messages either way before ZeroMQ refuses more
#define READ_MAX 1000  // reports read from the books at a time
#define HELLO_MS 250   // between greetings while not welcome
#define MOVE_MS  250   // between two executors, however often one says that it is the other

struct link {
    const struct gateway_settings *settings;
    struct endpoint executor; // the one it talks to
    struct link_abilities can;
    struct link_state *state;
    link_read_fn *read;
    void *books;
    port_t *port;
    buffer_t frame;
    char **accounts;
    size_t n_accounts;
    // of the Welcome on this connection; 0: not welcome
    uint64_t welcome_epoch;
    // reports up to here are on the connection
    uint64_t sent;
    uint64_t heard_at, greeted_at, beat_at, acked_at, dropped_until; // monotonic ns
    // the executor, and how many there are, as far as is known
    unsigned shard, shards;
    bool sent_away; // to it: connect there
    uint64_t moved_at;
    struct usage usage;
    bool degraded, declared_anew;
};

static bool link_open(link_t *self, uint64_t mono_ns) {
    self->port = port_connect_as(PORT_DEALER, &self->executor, QUEUE, self->settings->instance_id);
    self->welcome_epoch = 0;
    self->greeted_at = 0;
    self->heard_at = mono_ns;
    return self->port != NULL;
}

void link_key(const char *keys_dir, const char *instance_id) {
    char name[OWNER_TEXT];
    (void)snprintf(name, sizeof name, "gateway.%s", instance_id);
    keys_start(keys_dir, name);
}

link_t *link_new(const struct gateway_settings *settings, struct link_state *state,
                 link_read_fn *read, void *books) {
    link_t *self = alloc_zeroed(1, sizeof *self);
    self->settings = settings;
    self->executor = settings->executor_at;
    self->state = state;
    self->read = read;
    self->books = books;
    usage_start(&self->usage, clock_mono_ns());
    self->shard = (unsigned)settings->shard;
    self->shards = (unsigned)settings->shards;
    if (!link_open(self, clock_mono_ns())) link_destroy(&self);
    return self;
}

void link_destroy(link_t **self) {
    if (!*self) return;
    port_destroy(&(*self)->port);
    buffer_destroy(&(*self)->frame);
    free(*self);
    *self = NULL;
}

port_t *link_port(link_t *self) { return self->port; }
unsigned link_shard(const link_t *self) { return self->shard; }
bool link_is_welcome(const link_t *self) { return self->welcome_epoch != 0; }
void link_degraded(link_t *self, bool degraded) { self->degraded = degraded; }

static bool is_same_ability(const struct link_abilities *a, const struct link_abilities *b) {
    return a->duplicate_check == b->duplicate_check && a->can_query == b->can_query &&
           a->keeps_plans == b->keeps_plans && a->duplicate_window_s == b->duplicate_window_s &&
           a->longest_acceptance_ms == b->longest_acceptance_ms &&
           a->cannot_modify == b->cannot_modify &&
           a->cannot_modify_price == b->cannot_modify_price &&
           a->cannot_stop_limit == b->cannot_stop_limit && a->cannot_net == b->cannot_net;
}

void link_declare(link_t *self, const struct link_abilities *can) {
    if (is_same_ability(&self->can, can)) return;
    self->can = *can;
    self->declared_anew = true;
}

void link_accounts(link_t *self, char **ids, size_t n) {
    self->accounts = ids;
    self->n_accounts = n;
}

bool link_send(link_t *self, const ProtobufCMessage *m) {
    if (!self->port) return false;
    buffer_clear(&self->frame);
    envelope_write(&self->frame, TOPIC, ENTRY_ID_NONE, ENTRY_ID_NONE, m);
    return port_send(self->port, TOPIC, buffer_span(&self->frame));
}

void link_date_snapshot(const struct link_state *state, AccountSnapshot *m) {
    m->has_reports = true;
    m->reports = state->head;
}

static bool send_report(void *arg, uint64_t number, struct span report) {
    link_t *self = arg;
    struct envelope e = {.type = "Report", .body = report};
    buffer_clear(&self->frame);
    envelope_write_span(&self->frame, TOPIC, &e);
    if (!port_send(self->port, TOPIC, buffer_span(&self->frame))) return false;
    self->sent = number;
    return true;
}

void link_report(link_t *self, uint64_t number, struct span report) {
    if (self->port && self->welcome_epoch && number == self->sent + 1)
        (void)send_report(self, number, report);
}

// --- what comes from the executor ---

static uint64_t epoch_of(const ProtobufCMessage *m) {
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(m->descriptor, 1);
    uint64_t epoch = 0;
    if (f && f->type == PROTOBUF_C_TYPE_UINT64 && strcmp(f->name, "epoch") == 0)
        memcpy(&epoch, (const uint8_t *)m + f->offset, sizeof epoch);
    return epoch;
}

// Less than it acknowledged before: an executor that has forgotten, and may have its epoch again,
// for a rollback takes the epoch back with the rest. It does not know this gateway either: it is
// greeted, and says where it stands.
static bool has_forgotten(const link_t *self, uint64_t report) {
    return self->welcome_epoch && report < self->state->acked;
}

static void acknowledged(link_t *self, uint64_t report) {
    self->acked_at = self->heard_at;
    if (report <= self->state->acked || report > self->state->head) return;
    self->state->acked = report;
    self->state->changed = true;
}

// The executor says where it stands, and that may be before what an earlier one had acknowledged:
// Redis forgets, books do not.
static void welcomed(link_t *self, const Welcome *m) {
    // never a number twice
    if (m->last_report > self->state->head)
        self->state->head = m->last_report, self->state->changed = true;
    if (self->welcome_epoch != m->epoch || has_forgotten(self, m->last_report)) {
        log_event(LOG_LEVEL_INFO, "welcome", "executor=%s epoch=%llu last_report=%llu head=%llu",
                  log_quote(self->executor.address), (unsigned long long)m->epoch,
                  (unsigned long long)m->last_report, (unsigned long long)self->state->head);
        self->welcome_epoch = m->epoch;
        self->sent = m->last_report;
        if (self->state->acked != self->sent)
            self->state->acked = self->sent, self->state->changed = true;
    }
    acknowledged(self, m->last_report);
}

static void heard_ack(link_t *self, uint64_t report) {
    if (has_forgotten(self, report))
        self->welcome_epoch = 0;
    else
        acknowledged(self, report);
}

// False: a replaced executor speaks, or somebody who is no executor.
static bool listen_to(link_t *self, const ProtobufCMessage *m) {
    uint64_t epoch = epoch_of(m);
    if (!epoch || epoch < self->state->epoch) return false;
    if (epoch > self->state->epoch) {
        self->state->epoch = epoch;
        self->state->changed = true;
    }
    // a new executor: greet it
    if (self->welcome_epoch && epoch != self->welcome_epoch) self->welcome_epoch = 0;
    return true;
}

// Our accounts are with another executor. Its word about the epoch is not ours to keep: each
// executor counts its own.
static void sent_away(link_t *self, const Elsewhere *m) {
    self->heard_at = clock_mono_ns();
    if (m->shard == self->shard || m->shard >= SHARDS_MOST || self->sent_away) return;
    if (settings_name_executor(self->settings)) {
        log_event(LOG_LEVEL_ERROR, "elsewhere",
                  "executor=%s why=\"our accounts are with executor %u; this gateway was told "
                  "where to connect\"",
                  log_quote(self->executor.address), m->shard);
        return;
    }
    log_event(LOG_LEVEL_INFO, "elsewhere", "from=%u to=%u executors=%u", self->shard, m->shard,
              m->shards);
    self->shard = m->shard;
    self->shards = m->shards;
    self->sent_away = true;
}

const ProtobufCMessage *link_receive(link_t *self, arena_t *arena) {
    struct parcel parcel;
    struct envelope e;
    while (self->port && port_receive(self->port, &parcel)) {
        if (strcmp(parcel.topic, TOPIC) != 0 || envelope_read(TOPIC, parcel.frame, &e) != ERR_OK)
            continue; // damaged: it will be asked about
        const ProtobufCMessage *m = envelope_open(&e, arena);
        if (m && m->descriptor == &elsewhere__descriptor) sent_away(self, (const Elsewhere *)m);
        if (!m || m->descriptor == &elsewhere__descriptor || !listen_to(self, m)) continue;
        self->heard_at = clock_mono_ns();
        if (m->descriptor == &report_ack__descriptor) {
            heard_ack(self, ((const ReportAck *)m)->report);
            continue;
        }
        if (m->descriptor == &welcome__descriptor) welcomed(self, (const Welcome *)m);
        return m;
    }
    return NULL;
}

// --- what is due ---

static void declare_abilities(const struct link_abilities *s, Hello *hello) {
    hello->duplicate_check = s->duplicate_check;
    hello->can_query = s->can_query;
    hello->has_duplicate_window_s = s->duplicate_window_s != 0;
    hello->duplicate_window_s = s->duplicate_window_s;
    hello->has_longest_acceptance_ms = s->longest_acceptance_ms != 0;
    hello->longest_acceptance_ms = s->longest_acceptance_ms;
    hello->has_keeps_plans = hello->keeps_plans = hello->has_books_since = s->keeps_plans;
    hello->has_can_modify = s->cannot_modify;
    hello->can_modify = !s->cannot_modify;
    hello->has_can_modify_price = s->cannot_modify_price;
    hello->can_modify_price = !s->cannot_modify_price;
    hello->has_can_stop_limit = s->cannot_stop_limit;
    hello->can_stop_limit = !s->cannot_stop_limit;
    hello->has_can_net = s->cannot_net;
    hello->can_net = !s->cannot_net;
}

static void greet(link_t *self, uint64_t mono_ns) {
    Hello hello = HELLO__INIT;
    const struct gateway_settings *s = self->settings;
    hello.instance_id = (char *)(uintptr_t)s->instance_id;
    hello.broker_id = (char *)(uintptr_t)s->broker_id;
    hello.kind = (char *)(uintptr_t)s->kind;
    hello.accounts = self->accounts;
    hello.n_accounts = self->n_accounts;
    hello.books = self->state->books;
    hello.has_first_report = true;
    hello.first_report = self->state->first ? self->state->first : self->state->head + 1;
    hello.books_since = self->state->books_since;
    declare_abilities(&self->can, &hello);
    self->declared_anew = false;
    self->greeted_at = mono_ns;
    (void)link_send(self, &hello.base);
}

static void beat(link_t *self, uint64_t mono_ns) {
    GatewayHeartbeat m = GATEWAY_HEARTBEAT__INIT;
    m.cpu_percent = usage_cpu_percent(&self->usage, mono_ns).e8;
    m.memory_bytes = usage_memory_bytes();
    m.uptime_s = (mono_ns - self->usage.started_at) / NS_PER_S;
    m.has_degraded = self->degraded;
    m.degraded = self->degraded;
    self->beat_at = mono_ns;
    (void)link_send(self, &m.base);
}

static bool passed(uint64_t since, int64_t ms, uint64_t mono_ns) {
    return mono_ns >= since + (uint64_t)ms * NS_PER_MS;
}

// Everything that is not on the connection yet; and everything again, once acknowledgements stay
// away.
static void send_missing(link_t *self, uint64_t mono_ns) {
    const struct link_state *s = self->state;
    if (s->acked < self->sent && passed(self->acked_at, self->settings->resend, mono_ns)) {
        self->sent = s->acked;
        self->acked_at = mono_ns; // the same patience again
    }
    if (s->acked == self->sent) self->acked_at = mono_ns;
    if (self->sent >= s->head) return;
    if (self->read(self->books, self->sent, READ_MAX, send_report, self) != ERR_OK)
        log_event(LOG_LEVEL_WARNING, "reports_unread", "after=%llu",
                  (unsigned long long)self->sent);
}

static void point_to_shard(link_t *self) {
    char name[32];
    (void)snprintf(name, sizeof name, "executor.%u", self->shard);
    self->executor = endpoint_of(self->settings->run_dir, name, "gateways");
}

// Where one was silent, another may know more; it says so at once.
static void ask_the_next(link_t *self) {
    unsigned known = self->shards > self->shard + 1 ? self->shards : self->shard + 1;
    if (!settings_name_executor(self->settings) && known > 1)
        self->shard = (self->shard + 1) % known;
}

static void reconnect(link_t *self, uint64_t mono_ns) {
    port_destroy(&self->port);
    if (!settings_name_executor(self->settings)) point_to_shard(self);
    self->moved_at = mono_ns;
    self->sent_away = false;
    if (!link_open(self, mono_ns))
        log_event(LOG_LEVEL_ERROR, "no_link", "executor=%s", log_quote(self->executor.address));
}

void link_drop(link_t *self, uint64_t mono_ns, int64_t for_ms) {
    port_destroy(&self->port);
    self->welcome_epoch = 0;
    self->dropped_until = mono_ns + (uint64_t)for_ms * NS_PER_MS;
}

void link_tick(link_t *self, uint64_t mono_ns) {
    const struct gateway_settings *s = self->settings;
    if (mono_ns < self->dropped_until) return;
    bool silent = passed(self->heard_at, s->silent, mono_ns);
    if (silent && !self->sent_away) ask_the_next(self);
    if (!self->port || silent || (self->sent_away && passed(self->moved_at, MOVE_MS, mono_ns)))
        reconnect(self, mono_ns);
    if (!self->port) return;
    bool quiet = passed(self->heard_at, s->heartbeat, mono_ns);
    if (self->declared_anew ||
        (!self->welcome_epoch && passed(self->greeted_at, HELLO_MS, mono_ns)) ||
        (quiet && passed(self->greeted_at, s->heartbeat, mono_ns)))
        greet(self, mono_ns);
    if (passed(self->beat_at, s->heartbeat, mono_ns)) {
        (void)keys_log_refused(mono_ns);
        beat(self, mono_ns);
    }
    if (self->welcome_epoch) send_missing(self, mono_ns);
}
