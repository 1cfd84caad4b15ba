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
    struct executor *x = arg;
    return x->gateways && port_send_to(x->gateways, span_of(to->instance_id), GATEWAY_TOPIC, frame);
}

static void *executor_new(const struct context *context, const void *settings) {
    struct executor *x = calloc(1, sizeof *x);
    if (!x) return NULL;
    const struct executor_settings *s = settings;
    char prefix[64];
    slice_guard_prefix(context->shard, prefix);
    x->context = context;
    x->settings = s;
    x->trades = trades_new((size_t)s->retired_max);
    x->accounts = accounts_new();
    x->positions = positions_new(context->shard, context->shards);
    x->spreads = spreads_new();
    x->sessions = sessions_new();
    x->outbox = outbox_new();
    x->due = due_heap_new();
    x->guard = guard_new(prefix, (size_t)s->guard_max);
    x->orphans = orphans_new();
    x->halts = halts_new();
    x->global = RISK_STATE__MODE__trading;
    x->patience =
        (struct doubt_patience){.asks = (uint32_t)s->doubt_asks,
                                .interval = (uint64_t)s->doubt_interval_ms * NS_PER_MS,
                                .least = (uint64_t)s->doubt_least_ms * NS_PER_MS,
                                .answer_within = (uint64_t)s->order_answer_within_ms * NS_PER_MS,
                                .held_interval = (uint64_t)s->doubt_held_ms * NS_PER_MS,
                                .skew_margin = (uint64_t)s->skew_margin_ms * NS_PER_MS};
    x->send = send_out;
    x->send_arg = x;
    return x;
}

static void executor_destroy(void **self) {
    struct executor *x = *self;
    if (!x) return;
    port_destroy(&x->gateways);
    port_destroy(&x->prices);
    sums_close(x);
    trades_destroy(&x->trades);
    accounts_destroy(&x->accounts);
    load_end(x);
    positions_destroy(&x->positions);
    spreads_destroy(&x->spreads);
    sessions_destroy(&x->sessions);
    gateway_outbox_destroy(&x->outbox);
    due_heap_destroy(&x->due);
    guard_destroy(&x->guard);
    orphans_destroy(&x->orphans);
    halts_destroy(&x->halts);
    state_destroy(x);
    free(x);
    *self = NULL;
}

static void executor_configured(void *self) { ((struct executor *)self)->reconfigured = true; }
static void executor_committed(void *self) { wire_committed(self); }

// --- prices: the latest value wins; something is committed only for a stop that moves

static err_t handle_executor_prices(void *self, batch_t *batch) {
    struct executor *x = self;
    struct parcel p;
    struct envelope e;
    engine_begin(x, batch);
    for (unsigned n = 0; n < PRICES_MOST && port_receive(x->prices, &p); n++) {
        if (strcmp(p.topic, FEED_PRICES) != 0 || envelope_read(p.topic, p.frame, &e) ||
            strcmp(e.type, price__descriptor.name) != 0)
            continue;
        const ProtobufCMessage *m = envelope_open(&e, batch_arena(batch));
        if (m) spreads_note(x->spreads, (const Price *)m);
        const struct symbol *moved = m ? positions_price(x->positions, (const Price *)m) : NULL;
        if (moved) follow_price(x, batch, moved);
    }
    return ERR_OK;
}

// A signal's age is told by the clock of the door that took it (doubt.h).
static void mind_the_clocks(const struct executor *x) {
    const char *ours = endpoint_host(x->context->name), *theirs = endpoint_host("ingest");
    if (x->settings->skew_margin_ms || !theirs || (ours && strcmp(ours, theirs) == 0)) return;
    log_event(LOG_LEVEL_WARNING, "no_skew_margin", "ingest=%s why=%s", log_quote(theirs),
              "\"it is on another host: set TRADECAST_EXECUTOR_SKEW_MARGIN to how far the clocks "
              "may differ\"");
}

static err_t executor_open(void *self, reactor_t *reactor) {
    struct executor *x = self;
    mind_the_clocks(x);
    struct endpoint gateways = endpoint_of(x->context->run_dir, x->context->name, "gateways");
    x->gateways = transport_bind(x->context->transport, PORT_ROUTER, &gateways, GATEWAY_QUEUE);
    if (!x->gateways) {
        log_event(LOG_LEVEL_ERROR, "cannot_bind", "endpoint=%s why=%s", gateways.address,
                  log_quote(port_why()));
        return ERR_SYSTEM;
    }
    struct endpoint prices = endpoint_of(x->context->run_dir, "ingest", "events");
    x->prices = transport_connect(x->context->transport, PORT_SUB, &prices, PRICES_MOST);
    if (!x->prices || !port_subscribe(x->prices, FEED_PRICES)) return ERR_SYSTEM;
    reactor_add_port(reactor, x->gateways, wire_ready, INTAKE_DRAIN);
    reactor_add_port(reactor, x->prices, handle_executor_prices, INTAKE_DRAIN);
    return sums_open(x, reactor);
}

// --- what is due

static bool has_expired(const TradeState *s, uint64_t now) {
    return s->terms->has_expiration_time && now >= s->terms->expiration_time;
}

static void forget_trade(struct executor *x, batch_t *batch, struct trade *t) {
    struct step s = step_begin(x, batch, t);
    effects_add(&s.out, EFFECT_FORGET);
    step_end(&s);
    trades_retire(x->trades, t);
}

static void save_trade(struct executor *x, batch_t *batch, struct trade *t) {
    struct step s = step_begin(x, batch, t);
    effects_publish(&s.out, NULL, NULL);
    step_end(&s);
}

static void ask_wanted(struct executor *x, batch_t *batch, struct trade *t) {
    engine_ask(x, batch, t);
    engine_send_amendments(x, batch, t);
    engine_restore(x, batch, t);
}

static void look_at_working(struct executor *x, batch_t *batch, struct trade *t) {
    if (t->s->cancel_wanted || has_expired(t->s, batch_now(batch)))
        return engine_cancel(x, batch, t, "expired");
    engine_send_amendments(x, batch, t);
    engine_restore(x, batch, t);
}

static void look_at(struct executor *x, batch_t *batch, struct trade *t) {
    if (t->unsaved) return save_trade(x, batch, t);
    if (t->inquiry.state == INQUIRY_WANTED && t->s->state != T(unknown))
        return ask_wanted(x, batch, t);
    switch (t->s->state) {
    case T(pending):
        return orders_give_up(x, batch, t, TRADE_EXPIRE,
                              "its gateway, or its turn, did not come in time");
    case T(submitting):
        if (t->sending == SENDING_HELD_BACK || t->sending == SENDING_HELD_BACK_AGAIN)
            return orders_reconsider(x, batch, t);
        return engine_doubt(x, batch, t, "no answer");
    case T(unknown):
        return orders_look(x, batch, t);
    case T(working):
    case T(partially_filled):
        return look_at_working(x, batch, t);
    case T(filled):
        engine_send_amendments(x, batch, t);
        return engine_restore(x, batch, t);
    case T(expired):
        return forget_trade(x, batch, t);
    case T(closed):
    case T(rejected):
    case T(cancelled):
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return;
    }
}

static void look_at_due(struct executor *x, batch_t *batch) {
    struct due *d;
    for (unsigned n = 0; n < DUE_MOST && (d = due_pop(x->due, batch_mono(batch))) != NULL; n++)
        look_at(x, batch, (struct trade *)d);
}

static void do_chores(struct executor *x, batch_t *batch) {
    if (batch_mono(batch) - x->chores_at < NS_PER_S) return;
    x->chores_at = batch_mono(batch);
    uint64_t now = batch_now(batch), before = now > GUARD_FOR ? now - GUARD_FOR : 0;
    guard_retire(x->guard, batch,
                 x->context->consumed_until < before ? x->context->consumed_until : before);
    orphans_look(x, batch);
    halts_enforce(x, batch);
    state_ask(x);
}

static err_t executor_tick(void *self, batch_t *batch) {
    struct executor *x = self;
    engine_begin(x, batch);
    presence_tick(x, batch);
    look_at_due(x, batch);
    orders_wake(x, batch);
    state_write(x, batch);
    positions_write(x->positions, batch);
    sums_tell(x, batch);
    do_chores(x, batch);
    x->ticked_at = batch_mono(batch);
    return ERR_OK;
}

// --- data

static const struct route routes[] = {
    {TOPIC_orders, &order__descriptor, orders_handle, true},
    {TOPIC_orders, &order_command__descriptor, commands_order, false},
    {TOPIC_commands, &command__descriptor, commands_operator, false},
    {TOPIC_outcomes, &status_query__descriptor, commands_query, false},
    {TOPIC_recalls, &trade_state__descriptor, orphans_recalled, false},
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
