// executor - places orders at brokers through their gateways: recorded before they are sent, asked
// about and never repeated.
// SPDX-License-Identifier: MIT
#include "services/executor/executor.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/delivery/envelope.h"
#include "common/delivery/topology.h"
#include "outcome.pb-c.h"
#include "services/executor/slice.h"

#define T(name)   TRADE_STATE__STATE__##name
#define AT(field) offsetof(struct executor_settings, field)
// how long what was done is remembered at least
#define GUARD_FOR     (48 * UINT64_C(3600) * NS_PER_S)
#define DUE_MOST      500 // looked at in one tick
#define PRICES_MOST   2000
#define GATEWAY_QUEUE 50000

#define DAY INT64_C(86400000)
static const struct option options[] = {
    {"order_answer_within", OPTION_DURATION, AT(order_answer_within_ms), "5s",
     "An order that its gateway does not answer for so long becomes unknown.", 10, DAY, NULL},
    {"doubt_asks", OPTION_INTEGER, AT(doubt_asks), "5",
     "How many times in a row a broker must not know an order in doubt before it counts as not "
     "found.",
     1, 1000, NULL},
    {"doubt_interval", OPTION_DURATION, AT(doubt_interval_ms), "2s",
     "Time between two of these questions.", 1, DAY, NULL},
    {"doubt_least", OPTION_DURATION, AT(doubt_least_ms), "30s",
     "Least time over all of them; twice the broker's longest acceptance if that is more.", 1, DAY,
     NULL},
    {"doubt_held_interval", OPTION_DURATION, AT(doubt_held_ms), "30s",
     "Time between questions about an order that waits for the operator.", 1, DAY, NULL},
    {"skew_margin", OPTION_DURATION, AT(skew_margin_ms), "0s",
     "How far the clocks of the services' hosts may differ.", 0, DAY, NULL},
    {"rollback_quiet", OPTION_DURATION, AT(rollback_quiet_ms), "1m",
     "For so long after Redis lost something, the broker is asked before an order is sent.", 0, DAY,
     NULL},
    {"gateway_strained", OPTION_DURATION, AT(gateway_strained_ms), "3s",
     "A gateway that is silent for so long is degraded: new orders wait.", 10, DAY, NULL},
    {"gateway_lost", OPTION_DURATION, AT(gateway_lost_ms), "10s",
     "A gateway that is silent for so long is lost, and its unanswered orders become unknown.", 20,
     DAY, NULL},
    {"in_flight_max", OPTION_INTEGER, AT(in_flight_max), "4000",
     "Orders at one gateway that are not answered yet; more wait.", 1, 1000000, NULL},
    {"guard_max", OPTION_INTEGER, AT(guard_max), "8000000",
     "Most trades remembered (for 48 h) so that none is accepted twice; more are refused.", 1000,
     INT32_MAX, NULL},
    {"retired_max", OPTION_INTEGER, AT(retired_max), "4096",
     "Trades that are over and still in memory, for what arrives late.", 16, 1000000, NULL},
    {"expire_grace", OPTION_DURATION, AT(expire_grace_ms), "5s",
     "A working order that its broker has not ended so long after its expiry is cancelled.", 0, DAY,
     NULL},
    {"snapshot_every", OPTION_DURATION, AT(snapshot_every_ms), "5s",
     "A broker's snapshot is published at most so often.", 1, DAY, NULL},
    {"late_for", OPTION_DURATION, AT(late_for_ms), "10m",
     "A trade that was given up is watched for so long, in case the broker has it after all.", 1,
     DAY, NULL},
    {"pending_for", OPTION_DURATION, AT(pending_for_ms), "1m",
     "How long an order without an expiry waits for its gateway.", 1, DAY, NULL},
    {"orphans_max", OPTION_INTEGER, AT(orphans_max), "10000",
     "Most trades that brokers name and the executor does not know; reports of more are not "
     "accepted.",
     1, 1000000, NULL},
    {"orphan_alarm", OPTION_DURATION, AT(orphan_alarm_ms), "10s",
     "Such a trade raises an alert when it is still not known after this.", 1, DAY, NULL},
    {"partial_rest", OPTION_CHOICE, AT(partial_rest), "close",
     "A partial close that would leave less than the symbol's smallest order: closes all, or so "
     "much less that the smallest order stays.",
     0, 0, "close|leave"},
    {0},
};

// --- as a whole

static bool send_out(void *arg, const struct session *to, struct span frame) {
    struct executor *self = arg;
    return self->gateways &&
           port_send_to(self->gateways, span_of(to->instance_id), GATEWAY_TOPIC, frame);
}

static void *executor_new(const struct context *context, const void *settings) {
    struct executor *self = calloc(1, sizeof *self);
    if (!self) return NULL;
    const struct executor_settings *s = settings;
    char prefix[64];
    slice_guard_prefix(context->shard, prefix);
    self->context = context;
    self->settings = s;
    self->trades = trades_new((size_t)s->retired_max);
    self->accounts = accounts_new();
    self->positions = positions_new(context->shard, context->shards);
    self->spreads = spreads_new();
    self->sessions = sessions_new();
    self->outbox = outbox_new();
    self->due = due_heap_new();
    self->guard = guard_new(prefix, (size_t)s->guard_max);
    self->orphans = orphans_new();
    self->halts = halts_new();
    self->global = RISK_STATE__MODE__trading;
    self->patience =
        (struct doubt_patience){.asks = (uint32_t)s->doubt_asks,
                                .interval = (uint64_t)s->doubt_interval_ms * NS_PER_MS,
                                .least = (uint64_t)s->doubt_least_ms * NS_PER_MS,
                                .answer_within = (uint64_t)s->order_answer_within_ms * NS_PER_MS,
                                .held_interval = (uint64_t)s->doubt_held_ms * NS_PER_MS,
                                .skew_margin = (uint64_t)s->skew_margin_ms * NS_PER_MS};
    self->send = send_out;
    self->send_arg = self;
    return self;
}

static void executor_destroy(void **arg) {
    struct executor *self = *arg;
    if (!self) return;
    port_destroy(&self->gateways);
    port_destroy(&self->prices);
    sums_close(self);
    trades_destroy(&self->trades);
    accounts_destroy(&self->accounts);
    load_end(self);
    positions_destroy(&self->positions);
    spreads_destroy(&self->spreads);
    sessions_destroy(&self->sessions);
    gateway_outbox_destroy(&self->outbox);
    due_heap_destroy(&self->due);
    guard_destroy(&self->guard);
    orphans_destroy(&self->orphans);
    halts_destroy(&self->halts);
    state_destroy(self);
    free(self);
    *arg = NULL;
}

static void executor_configured(void *self) { ((struct executor *)self)->reconfigured = true; }
static void executor_committed(void *self) { wire_committed(self); }

// --- prices: the latest value wins; something is committed only for a stop that moves

static err_t handle_executor_prices(void *arg, batch_t *batch) {
    struct executor *self = arg;
    struct parcel p;
    struct envelope e;
    engine_begin(self, batch);
    for (unsigned n = 0; n < PRICES_MOST && port_receive(self->prices, &p); n++) {
        if (strcmp(p.topic, FEED_PRICES) != 0 || envelope_read(p.topic, p.frame, &e) ||
            strcmp(e.type, price__descriptor.name) != 0)
            continue;
        const ProtobufCMessage *m = envelope_open(&e, batch_arena(batch));
        if (m) spreads_note(self->spreads, (const Price *)m);
        const struct symbol *moved = m ? positions_price(self->positions, (const Price *)m) : NULL;
        if (moved) follow_price(self, batch, moved);
    }
    return ERR_OK;
}

// A signal's age is told by the clock of the door that took it (doubt.h).
static void mind_the_clocks(const struct executor *self) {
    const char *ours = endpoint_host(self->context->name), *theirs = endpoint_host("ingest");
    if (self->settings->skew_margin_ms || !theirs || (ours && strcmp(ours, theirs) == 0)) return;
    log_event(LOG_LEVEL_WARNING, "no_skew_margin", "ingest=%s why=%s", log_quote(theirs),
              "\"it is on another host: set TRADECAST_EXECUTOR_SKEW_MARGIN to how far the clocks "
              "may differ\"");
}

static err_t executor_open(void *arg, reactor_t *reactor) {
    struct executor *self = arg;
    mind_the_clocks(self);
    struct endpoint gateways = endpoint_of(self->context->run_dir, self->context->name, "gateways");
    self->gateways =
        transport_bind(self->context->transport, PORT_ROUTER, &gateways, GATEWAY_QUEUE);
    if (!self->gateways) {
        log_event(LOG_LEVEL_ERROR, "cannot_bind", "endpoint=%s why=%s", gateways.address,
                  log_quote(port_why()));
        return ERR_SYSTEM;
    }
    struct endpoint prices = endpoint_of(self->context->run_dir, "ingest", "events");
    self->prices = transport_connect(self->context->transport, PORT_SUB, &prices, PRICES_MOST);
    if (!self->prices || !port_subscribe(self->prices, FEED_PRICES)) return ERR_SYSTEM;
    reactor_add_port(reactor, self->gateways, wire_ready, INTAKE_DRAIN);
    reactor_add_port(reactor, self->prices, handle_executor_prices, INTAKE_DRAIN);
    return sums_open(self, reactor);
}

// --- what is due

static bool has_expired(const TradeState *s, uint64_t now) {
    return s->terms->has_expiration_time && now >= s->terms->expiration_time;
}

static void forget_trade(struct executor *self, batch_t *batch, struct trade *t) {
    struct step s = step_begin(self, batch, t);
    effects_add(&s.out, EFFECT_FORGET);
    step_end(&s);
    trades_retire(self->trades, t);
}

static void save_trade(struct executor *self, batch_t *batch, struct trade *t) {
    struct step s = step_begin(self, batch, t);
    effects_publish(&s.out, NULL, NULL);
    step_end(&s);
}

static void ask_wanted(struct executor *self, batch_t *batch, struct trade *t) {
    engine_ask(self, batch, t);
    engine_send_amendments(self, batch, t);
    engine_restore(self, batch, t);
}

static void look_at_working(struct executor *self, batch_t *batch, struct trade *t) {
    if (t->s->cancel_wanted || has_expired(t->s, batch_now(batch)))
        return engine_cancel(self, batch, t, "expired");
    engine_send_amendments(self, batch, t);
    engine_restore(self, batch, t);
}

static void look_at(struct executor *self, batch_t *batch, struct trade *t) {
    if (t->unsaved) return save_trade(self, batch, t);
    if (t->inquiry.state == INQUIRY_WANTED && t->s->state != T(unknown))
        return ask_wanted(self, batch, t);
    switch (t->s->state) {
    case T(pending):
        return orders_give_up(self, batch, t, TRADE_EXPIRE,
                              "its gateway, or its turn, did not come in time");
    case T(submitting):
        if (t->sending == SENDING_HELD_BACK || t->sending == SENDING_HELD_BACK_AGAIN)
            return orders_reconsider(self, batch, t);
        return engine_doubt(self, batch, t, "no answer");
    case T(unknown):
        return orders_look(self, batch, t);
    case T(working):
    case T(partially_filled):
        return look_at_working(self, batch, t);
    case T(filled):
        engine_send_amendments(self, batch, t);
        return engine_restore(self, batch, t);
    case T(expired):
        return forget_trade(self, batch, t);
    case T(closed):
    case T(rejected):
    case T(cancelled):
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return;
    }
}

static void look_at_due(struct executor *self, batch_t *batch) {
    struct due *d;
    for (unsigned n = 0; n < DUE_MOST && (d = due_pop(self->due, batch_mono(batch))) != NULL; n++)
        look_at(self, batch, (struct trade *)d);
}

static void do_chores(struct executor *self, batch_t *batch) {
    if (batch_mono(batch) - self->chores_at < NS_PER_S) return;
    self->chores_at = batch_mono(batch);
    uint64_t now = batch_now(batch), before = now > GUARD_FOR ? now - GUARD_FOR : 0;
    guard_retire(self->guard, batch,
                 self->context->consumed_until < before ? self->context->consumed_until : before);
    orphans_look(self, batch);
    halts_enforce(self, batch);
    state_ask(self);
}

static err_t executor_tick(void *arg, batch_t *batch) {
    struct executor *self = arg;
    engine_begin(self, batch);
    presence_tick(self, batch);
    look_at_due(self, batch);
    orders_wake(self, batch);
    state_write(self, batch);
    positions_write(self->positions, batch);
    sums_tell(self, batch);
    do_chores(self, batch);
    self->ticked_at = batch_mono(batch);
    return ERR_OK;
}

// --- data

static const struct route routes[] = {
    {TOPIC_orders, &order__descriptor, executor_handle_order, true},
    {TOPIC_orders, &order_command__descriptor, executor_handle_order_command, false},
    {TOPIC_commands, &command__descriptor, executor_handle_command, false},
    {TOPIC_outcomes, &status_query__descriptor, executor_handle_query, false},
    {TOPIC_recalls, &trade_state__descriptor, executor_handle_recall, false},
    {0},
};

const struct service executor_service = {
    .role = EXECUTOR,
    .purpose = "Places orders at brokers through their gateways, and knows what became of each.",
    .options = options,
    .settings_size = sizeof(struct executor_settings),
    .routes = routes,
    .slice = executor_slice,
    .traced = true,
    .again = executor_again,
    .new = executor_new,
    .destroy = executor_destroy,
    .load = load_all,
    .open = executor_open,
    .configured = executor_configured,
    .tick = executor_tick,
    .committed = executor_committed,
    .buried = orders_buried,
    .unreadable = unreadable_trade,
};
