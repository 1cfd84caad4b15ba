// presence - which gateways are there: their greeting, what they can do, and their silence.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/clock.h"
#include "common/oplog/rate.h"
#include "common/schema/record.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"
#include "services/executor/trade/in_doubt/inquiry.h"

#define T(name)     TRADE_STATE__STATE__##name
#define ASK_AT_ONCE 500
#define NUDGE_EVERY (200 * NS_PER_MS)

// --- instances

static void publish_instance(struct executor *self, batch_t *batch, const struct session *s) {
    const InstanceConfig *config = book_instance(self->context->book, s->instance_id);
    InstanceState m = INSTANCE_STATE__INIT;
    m.instance_id = s->instance_id;
    m.broker_id = s->broker_id;
    m.state = s->state;
    m.kind = s->kind;
    m.has_connected_at = s->connected_at != 0;
    m.connected_at = s->connected_at;
    m.updated_at = batch_now(batch);
    m.n_accounts = config ? config->n_accounts : 0;
    m.accounts = config ? config->accounts : NULL;
    m.duplicate_check = (char *)(uintptr_t)record_enum_name(&hello__duplicate_check__descriptor,
                                                            (int)s->can.checks.check);
    m.has_can_query = true;
    m.can_query = s->can.checks.can_query;
    m.has_books = true;
    m.books = s->books;
    slice_instance(batch, &m);
    batch_emit(batch, TOPIC_executions, self->context->shard, &m.base);
    state_mark_broker(self, s->broker_id);
}

// Steps and tells; nothing when the state stays.
static void instance_move(struct executor *self, batch_t *batch, struct session *s,
                          enum instance_event event) {
    InstanceState__State before = s->state;
    if (!instance_step(&s->state, event)) {
        batch_alert(batch, ALERT__SEVERITY__warning, "unlisted_move", s->instance_id,
                    "an instance in state %s cannot make the move %d: it stays as it is",
                    record_enum_name(&instance_state__state__descriptor, (int)before), (int)event);
        return;
    }
    if (s->state != before) publish_instance(self, batch, s);
}

static bool is_held_back(const struct trade *t) {
    return t->sending == SENDING_HELD_BACK || t->sending == SENDING_HELD_BACK_AGAIN;
}

// What has for certain not left is no doubt: it is looked at in the next tick.
static void doubt_in_flight(struct executor *self, batch_t *batch, const struct session *s,
                            const char *reason) {
    size_t cursor = 0;
    for (struct trade *t; (t = trades_next(self->trades, &cursor)) != NULL;) {
        if (t->s->state == T(submitting) && t->session == s && !is_held_back(t))
            engine_doubt(self, batch, t, reason);
    }
}

// --- hello

static bool is_account_served(const struct executor *self, const char *account_id,
                              const AccountConfig **out) {
    *out = book_account(self->context->book, account_id);
    return *out &&
           book_shard(self->context->book, *out, self->context->shards) == self->context->shard;
}

void presence_map(struct executor *self) {
    for (struct account *a = accounts_first(self->accounts); a; a = a->next) a->session = NULL;
    for (struct session *s = sessions_first(self->sessions); s; s = s->next) {
        const InstanceConfig *config = book_instance(self->context->book, s->instance_id);
        for (size_t i = 0; config && i < config->n_accounts; i++) {
            const AccountConfig *account;
            if (is_account_served(self, config->accounts[i], &account))
                accounts_get(self->accounts, config->accounts[i])->session = s;
        }
    }
    self->awake_behind = true;
}

static void send_welcome(struct executor *self, batch_t *batch, struct session *s) {
    const InstanceConfig *config = book_instance(self->context->book, s->instance_id);
    if (!config) return;
    Welcome m = WELCOME__INIT;
    m.epoch = self->context->epoch;
    m.last_report = s->report;
    m.accounts = arena_take(batch_arena(batch), (config->n_accounts + 1) * sizeof *m.accounts);
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountConfig *account;
        if (is_account_served(self, config->accounts[i], &account))
            m.accounts[m.n_accounts++] = (AccountConfig *)(uintptr_t)account;
    }
    m.broker = (BrokerConfig *)(uintptr_t)book_broker(self->context->book, config->broker_id);
    outbox_put(self->outbox, s, &m.base);
    s->acknowledged = s->report;
}

// The row of answers starts again; the question leaves with the welcome, or (there are many) at a
// tick.
static void wonder_again(struct executor *self, batch_t *batch, struct trade *t, bool now) {
    inquiry_restart(t);
    if (now)
        orders_look(self, batch, t);
    else
        due_set(self->due, &t->due, 0);
}

// What it may know of our open trades, and we do not: each is asked about once, a tick's worth at a
// time.
static void ask_once(struct executor *self, batch_t *batch, struct trade *t, bool all) {
    bool asked = t->inquiry.state != INQUIRY_NONE; // and the answer was lost with the session
    if ((all || asked) && t->s->state != T(submitting) && t->s->state != T(pending)) {
        t->inquiry.state = INQUIRY_WANTED;
        due_set(self->due, &t->due, 0);
    } else {
        engine_send_amendments(self, batch, t);
    }
}

static void ask_about_open(struct executor *self, batch_t *batch, struct session *s) {
    struct trade **list =
        arena_take(batch_arena(batch), (trades_count(self->trades) + 1) * sizeof(struct trade *));
    size_t cursor = 0, n = 0, asked = 0;
    bool all = !s->queried;
    s->queried = true;
    for (struct trade *t; (t = trades_next(self->trades, &cursor)) != NULL;) {
        if (t->holding->account->session == s && t->queue != QUEUE_RETIRED)
            list[n++] = t; // what is not retired is not forgotten meanwhile
    }
    for (size_t i = 0; i < n; i++) {
        if (list[i]->s->state == T(unknown))
            wonder_again(self, batch, list[i], asked++ < ASK_AT_ONCE);
        else
            ask_once(self, batch, list[i], all);
    }
}

static uint64_t longest_acceptance(const struct executor *self, const Hello *h) {
    const BrokerConfig *broker = book_broker(self->context->book, h->broker_id);
    uint64_t ours = broker ? broker->longest_acceptance_ms : 0,
             theirs = h->has_longest_acceptance_ms ? h->longest_acceptance_ms : 0;
    return (ours > theirs ? ours : theirs) * NS_PER_MS;
}

static void record_hello(struct executor *self, batch_t *batch, struct session *s, const Hello *h) {
    if (strcmp(s->broker_id, h->broker_id) != 0) trade_set_text(&s->broker_id, h->broker_id);
    if (strcmp(s->kind, h->kind) != 0) trade_set_text(&s->kind, h->kind);
    s->can.checks = (struct gateway_checks){
        .check = h->duplicate_check,
        .can_query = h->can_query,
        .window = (uint64_t)(h->has_duplicate_window_s ? h->duplicate_window_s : 0) * NS_PER_S,
        .longest_acceptance = longest_acceptance(self, h),
        .session_since = s->can.checks.session_since,
        .keeps_plans = h->has_keeps_plans && h->keeps_plans,
        .books_since = h->has_books_since ? h->books_since : 0};
    s->can.can_modify = h->can_modify;
    s->can.can_modify_price = h->can_modify_price;
    s->can.can_stop_limit = h->can_stop_limit;
    s->can.can_net = h->can_net;
    if (s->books == h->books) return;
    if (s->books) {
        batch_alert(batch, ALERT__SEVERITY__warning, "new_books", s->instance_id,
                    "the gateway has other books than before: the executor asks it for all its "
                    "reports, and about every open trade");
    }
    s->books = h->books;
    s->report = 0;
    s->queried = false;
    s->report_moved = true;
}

// Reports that it can no longer send had been acknowledged, and the record of that is lost: the
// first that it has is next, and what the others said is asked about.
static bool skip_gone_reports(batch_t *batch, struct session *s, const Hello *h) {
    if (!h->has_first_report || s->report + 1 >= h->first_report) return false;
    batch_alert(batch, ALERT__SEVERITY__warning, "reports_gone", s->instance_id,
                "the gateway no longer has reports %llu to %llu: the executor asks it about every "
                "open trade",
                (unsigned long long)s->report + 1, (unsigned long long)h->first_report - 1);
    s->report = h->first_report - 1;
    s->queried = false;
    s->report_moved = true;
    return true;
}

static bool is_ours(struct executor *self, batch_t *batch, const struct session *s,
                    const Hello *h) {
    const InstanceConfig *config = book_instance(self->context->book, h->instance_id);
    if (config && strcmp(config->broker_id, h->broker_id) == 0 &&
        strcmp(s->instance_id, h->instance_id) == 0)
        return true;
    batch_alert(batch, ALERT__SEVERITY__warning, "unknown_gateway", s->instance_id,
                "a gateway greets as instance %.64s of broker %.64s, which is not configured: it "
                "gets no orders",
                h->instance_id, h->broker_id);
    return false;
}

// A gateway greets until it is welcomed, and again whenever we have been silent for a while: only a
// first word, or one after a loss, begins a session.
void presence_greet(struct executor *self, batch_t *batch, struct session *s, const Hello *h) {
    if (!is_ours(self, batch, s, h)) return;
    if (ownership_sent_away(self, s)) return;
    bool begins = !s->welcomed || s->state == INSTANCE_STATE__STATE__lost || s->books != h->books;
    record_hello(self, batch, s, h);
    begins |= skip_gone_reports(batch, s, h);
    if (!begins) return send_welcome(self, batch, s);
    doubt_in_flight(self, batch, s, "the link to its gateway was lost");
    s->connected_at = s->can.checks.session_since = batch_now(batch);
    s->welcomed = true;
    s->gap_since = 0;
    if (!instance_step(&s->state, INSTANCE_HELLO) || !instance_step(&s->state, INSTANCE_WELCOME))
        return;
    publish_instance(self, batch, s);
    presence_map(self);
    send_welcome(self, batch, s); // before anything else goes to it
    ask_about_open(self, batch, s);
}

// --- heartbeats

// metrics: NULL: none came, and it was last seen when something last did.
static void keep_health(batch_t *batch, const struct session *s, const InstanceMetrics *metrics,
                        const char *health) {
    InstanceHealth m = INSTANCE_HEALTH__INIT;
    m.instance_id = s->instance_id;
    m.health = (char *)(uintptr_t)health;
    m.uptime_s = s->uptime_s;
    m.last_seen = batch_now(batch) - (metrics ? 0 : batch_mono(batch) - s->seen_at);
    slice_metrics(batch, metrics, &m);
}

// It has no journal of its own; what it says of itself is recorded here.
static void record_gateway_sample(const struct executor *self, batch_t *batch, struct session *s,
                                  const GatewayHeartbeat *h) {
    uint64_t mono = batch_mono(batch), ns = mono - s->sampled_at;
    bool first = !s->sampled_at;
    if (!first && ns < self->context->sample_ns) return;
    PerformanceSample out = PERFORMANCE_SAMPLE__INIT;
    out.service = out.instance_id = s->instance_id;
    out.messages = s->report;
    out.memory_bytes = h->memory_bytes;
    out.created_at = batch_now(batch);
    out.has_cpu_percent = out.has_interval_ms = out.has_messages_per_s = true;
    out.cpu_percent = h->cpu_percent;
    out.interval_ms = (uint32_t)(ns / NS_PER_MS);
    out.messages_per_s = first ? 0 : per_second_e8(s->report - s->sampled_report, ns);
    s->sampled_at = mono;
    s->sampled_report = s->report;
    if (!first) batch_emit(batch, TOPIC_incidents, 0, &out.base);
}

void presence_beat(struct executor *self, batch_t *batch, struct session *s,
                   const GatewayHeartbeat *h) {
    if (h->uptime_s < s->uptime_s) doubt_in_flight(self, batch, s, "its gateway was restarted");
    s->uptime_s = h->uptime_s;
    bool strained = h->has_degraded && h->degraded;
    if (strained || s->state != INSTANCE_STATE__STATE__ready)
        instance_move(self, batch, s, strained ? INSTANCE_STRAIN : INSTANCE_BEAT);
    if (s->state == INSTANCE_STATE__STATE__ready) self->awake_behind = true;
    InstanceMetrics metrics = INSTANCE_METRICS__INIT;
    metrics.instance_id = s->instance_id;
    metrics.cpu_percent = h->cpu_percent;
    metrics.memory_bytes = h->memory_bytes;
    metrics.updated_at = batch_now(batch);
    keep_health(batch, s, &metrics, strained ? "degraded" : "healthy");
    record_gateway_sample(self, batch, s, h);
}

// It was welcomed by an executor that is gone, or we had lost it: an acknowledgement of nothing,
// under the new epoch, makes it say hello.
void presence_nudge(struct executor *self, batch_t *batch, struct session *s) {
    if (s->nudged_at && batch_mono(batch) - s->nudged_at < NUDGE_EVERY) return;
    s->nudged_at = batch_mono(batch);
    if (ownership_sent_away(self, s)) return;
    ReportAck m = REPORT_ACK__INIT;
    m.epoch = self->context->epoch;
    outbox_put(self->outbox, s, &m.base);
}

// It is heard again without having noticed that it was lost: the session begins anew.
void presence_resume(struct executor *self, batch_t *batch, struct session *s) {
    if (s->state != INSTANCE_STATE__STATE__lost || !s->welcomed) return;
    if (!instance_step(&s->state, INSTANCE_HELLO) || !instance_step(&s->state, INSTANCE_WELCOME))
        return;
    publish_instance(self, batch, s);
    send_welcome(self, batch, s);
    ask_about_open(self, batch, s);
    self->awake_behind = true;
}

// --- silence

// While we did not listen nobody was silent.
static void forgive_silence(struct executor *self, uint64_t mono) {
    bool away = self->ticked_at && mono - self->ticked_at > NS_PER_S;
    for (struct session *s = away ? sessions_first(self->sessions) : NULL; s; s = s->next)
        s->seen_at = mono;
}

static void mark_instance_lost(struct executor *self, batch_t *batch, struct session *s) {
    instance_move(self, batch, s, INSTANCE_SILENCE);
    keep_health(batch, s, NULL, "lost");
    batch_alert(
        batch, ALERT__SEVERITY__critical, "instance_lost", s->instance_id,
        "the gateway of this instance no longer answers: its accounts get no orders until it does");
    doubt_in_flight(self, batch, s, "the link to its gateway was lost");
}

void presence_tick(struct executor *self, batch_t *batch) {
    uint64_t mono = batch_mono(batch);
    forgive_silence(self, mono);
    for (struct session *s = sessions_first(self->sessions); s; s = s->next) {
        if (!s->welcomed || s->state == INSTANCE_STATE__STATE__lost || mono < s->seen_at) continue;
        uint64_t silent = mono - s->seen_at;
        if (silent >= (uint64_t)self->settings->gateway_lost_ms * NS_PER_MS)
            mark_instance_lost(self, batch, s);
        else if (silent >= (uint64_t)self->settings->gateway_strained_ms * NS_PER_MS &&
                 s->state == INSTANCE_STATE__STATE__ready) {
            instance_move(self, batch, s, INSTANCE_STRAIN);
            keep_health(batch, s, NULL, "degraded");
        }
    }
}

void presence_configure(struct executor *self, batch_t *batch) {
    self->reconfigured = false;
    presence_map(self);
    ownership_alert(self, batch);
    for (struct session *s = sessions_first(self->sessions); s; s = s->next) {
        if (s->welcomed && !ownership_sent_away(self, s)) send_welcome(self, batch, s);
    }
}
