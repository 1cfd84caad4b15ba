// executor - places orders at brokers through their gateways: recorded before they are sent, asked
// about and never repeated.
// SPDX-License-Identifier: MIT
//
// In:   orders.<shard> (Order, OrderCommand), commands (Command), outcomes (StatusQuery), config,
//       prices (feed), gateways (proto/gateway.proto)
// Out:  executions.<shard> (Execution, AccountState, InstanceState, BrokerSnapshot)
// Keys: slice.c.
//
// A handler looks up the trade that a message is about, lets the pure part step it (trade/), and
// works off the effects (apply.c). Read trade/in_doubt/doubt.h next, then orders.c.
#pragma once

#include "common/batch/guard.h"
#include "common/domain/shard.h"
#include "common/service/service.h"
#include "gateway.pb-c.h"
#include "order.pb-c.h"
#include "services/executor/accounts/accounts.h"
#include "services/executor/accounts/positions.h"
#include "services/executor/accounts/spreads.h"
#include "services/executor/gateway/outbox.h"
#include "services/executor/gateway/session.h"
#include "services/executor/halts.h"
#include "services/executor/orphans.h"
#include "services/executor/trade/plan.h"
#include "services/executor/trades.h"

struct executor_settings {
    int64_t order_answer_within_ms, doubt_asks, doubt_interval_ms, doubt_least_ms, doubt_held_ms,
        skew_margin_ms, rollback_quiet_ms;
    int64_t gateway_strained_ms, gateway_lost_ms, in_flight_max, guard_max, retired_max,
        expire_grace_ms, snapshot_every_ms, late_for_ms;
    int64_t pending_for_ms, orphans_max, orphan_alarm_ms;
    const char *partial_rest;
};

struct broker {
    char *id;
    BrokerState state; // broker_id is `id`; of this executor's gateways
    // of other executors, by shard; in executor 0, where there are several. NULL: none has told
    BrokerState *others;
    bool dirty;
    struct broker *next;
};

// How a frame leaves: to a gateway by its name. False: it could not be queued.
typedef bool send_fn(void *arg, const struct session *to, struct span frame);

struct executor {
    const struct context *context;
    const struct executor_settings *settings;
    trades_t *trades;
    accounts_t *accounts;
    positions_t *positions;
    sessions_t *sessions;
    outbox_t *outbox;
    due_heap_t *due;
    guard_t *guard;
    orphans_t *orphans;
    struct broker *brokers;
    spreads_t *spreads;
    uint64_t spreads_at; // monotonic ns when they were last written
    unsigned unreadable; // open trades of which not even the account can be read
    RiskState__Mode global;
    halts_t *halts;
    struct doubt_patience patience;
    bool started;                  // what was loaded has been looked at
    bool reconfigured;             // the book changed
    uint64_t sequence;             // of the last trade
    bool closes_unknown;           // a close under way names a position that was not known then
    bool awake;                    // something that orders waited for has happened
    bool awake_behind;             // likewise, and those that wait behind others are looked at, too
    uint64_t ticked_at, chores_at; // monotonic ns
    Price **last_prices;           // as ingest had them at the start; until the first batch
    size_t n_last_prices, last_prices_room;
    port_t *gateways, *prices;
    port_t *sums[SHARDS_MOST];        // of other executors
    uint64_t sums_epoch[SHARDS_MOST]; // the newest of each that was heard
    uint64_t sums_told_at;            // monotonic ns
    send_fn *send;
    void *send_arg;
};

void engine_begin(struct executor *self, batch_t *batch); // every entry point first
// configured, and with this executor
bool engine_is_ours(const struct executor *self, const char *account_id);

// apply.c - one step of one trade: counted out, stepped by the pure part, counted in again, and its
// effects worked off.
struct step {
    struct executor *executor;
    batch_t *batch;
    struct trade *t;
    struct trade_env env;
    struct effects out;
};
struct step step_begin(struct executor *self, batch_t *batch, struct trade *t);
void step_end(struct step *step);
// for looking, without a step
struct trade_env step_env(struct executor *self, batch_t *batch, const struct trade *t);
// made when new
struct holding *engine_get_holding(struct executor *self, const TradeState *s);
// a copy, counted
struct trade *engine_add(struct executor *self, batch_t *batch, const TradeState *s);
// out of memory, whatever it is
void engine_drop(struct executor *self, batch_t *batch, struct trade *t);
// out of (-1), into (+1) all that is counted
void engine_count(struct executor *self, batch_t *batch, struct trade *t, int sign);
// one that was loaded: what the next look at it is
void engine_restore(struct executor *self, batch_t *batch, struct trade *t);

// One step each, of one event.
void engine_end(struct executor *self, batch_t *batch, struct trade *t, enum trade_event event,
                const char *reason);
void engine_doubt(struct executor *self, batch_t *batch, struct trade *t, const char *reason);
void engine_ask(struct executor *self, batch_t *batch, struct trade *t);
void engine_cancel(struct executor *self, batch_t *batch, struct trade *t, const char *reason);
void engine_send_amendments(struct executor *self, batch_t *batch, struct trade *t);

// orders.c - new orders, and those that wait.
err_t executor_handle_order(void *self, batch_t *batch, const ProtobufCMessage *body);
void orders_buried(void *self, batch_t *batch, const ProtobufCMessage *body, const char *reason);
// one that is not known; its id is guarded here
void orders_take(struct executor *self, batch_t *batch, const TradeState *s, bool resend);
void orders_wake(struct executor *self, batch_t *batch);
void orders_look(struct executor *self, batch_t *batch, struct trade *t); // one in doubt is due
// in doubt, and may be sent again
void orders_resend(struct executor *self, batch_t *batch, struct trade *t);
// recorded as submitting, and held back for certain
void orders_reconsider(struct executor *self, batch_t *batch, struct trade *t);
// Ends a pending one; one that an earlier life may have sent is asked about first.
void orders_give_up(struct executor *self, batch_t *batch, struct trade *t, enum trade_event event,
                    const char *reason);
void orders_note_origin(struct executor *self, batch_t *batch, struct trade *t, bool on_record);
// by the gate; NULL: it is not
const char *orders_refused(const struct executor *self, const struct trade *t);

// closing.c - closes: their plans, and those that the executor makes itself.
bool closing_has_positions(const struct trade *t); // named, or open and meant by it
enum plan_choice closing_plan(struct executor *self, batch_t *batch, struct trade *t,
                              Signal__Direction *side);
// it came to nothing
void closing_give_back(struct executor *self, batch_t *batch, const struct trade *t,
                       int64_t residual);
void closing_other_side(struct executor *self, batch_t *batch, const TradeState *whole,
                        Signal__Direction done);
// on command
void closing_trade(struct executor *self, batch_t *batch, struct trade *t, const OrderCommand *c);
// once a round
void closing_flatten(struct executor *self, batch_t *batch, struct trade *t, const OrderCommand *c,
                     const char *round);
// what is open at the account
void closing_close_holdings(struct executor *self, batch_t *batch, const OrderCommand *c);
void closing_at_stop(struct executor *self, batch_t *batch, struct trade *t);

// follow.c - stops that follow the price.
void follow_price(struct executor *self, batch_t *batch, const struct symbol *symbol);
void follow_trade(struct executor *self, batch_t *batch, struct trade *t); // by the last price

// reports.c - what gateways say about orders.
void reports_handle(struct executor *self, batch_t *batch, struct session *s, const Report *r);
void reports_status(struct executor *self, batch_t *batch, struct session *s, const OrderStatus *m);

// orphans.c - trades that a broker names and nobody here knows.
void orphans_seek(struct executor *self, batch_t *batch, const char *trade_id,
                  const char *account_id);
void orphans_answer(struct executor *self, batch_t *batch, struct session *s, const OrderStatus *m);
void orphans_look(struct executor *self, batch_t *batch); // about once a second
// one that only the archive may have any more
err_t executor_handle_recall(void *self, batch_t *batch, const ProtobufCMessage *body);

// healing.c - the broker's books against ours.
void healing_compare(struct executor *self, batch_t *batch, struct session *s, struct account *a,
                     const AccountSnapshot *m);

// commands.c - changes to what is at the broker, and the operator's word.
err_t executor_handle_order_command(void *self, batch_t *batch, const ProtobufCMessage *body);
err_t executor_handle_command(void *self, batch_t *batch, const ProtobufCMessage *body);
err_t executor_handle_query(void *self, batch_t *batch, const ProtobufCMessage *body);

// gateway/presence.c - which gateways are there.
void presence_greet(struct executor *self, batch_t *batch, struct session *s, const Hello *h);
void presence_beat(struct executor *self, batch_t *batch, struct session *s,
                   const GatewayHeartbeat *h);
// it does not know that it is to say hello
void presence_nudge(struct executor *self, batch_t *batch, struct session *s);
// it is heard again, and was lost
void presence_resume(struct executor *self, batch_t *batch, struct session *s);
// accounts to sessions, from the book
void presence_map(struct executor *self);
void presence_tick(struct executor *self, batch_t *batch); // silence
// before anything that was decided by the new configuration goes out
void presence_configure(struct executor *self, batch_t *batch);

// gateway/wire.c - the socket of the gateways.
err_t wire_ready(void *self, batch_t *batch);
void wire_take(struct executor *self, batch_t *batch, struct span peer, struct span frame);
void wire_done(struct executor *self, batch_t *batch); // at the end of a turn
void wire_committed(struct executor *self);

// gateway/requests.c - EFFECT_SUBMIT, EFFECT_ASK, EFFECT_CANCEL, EFFECT_MODIFY.
void requests_send(const struct step *step, enum effect_kind kind);

// gateway/again.c - what a recording that begins later needs.
void again_keep(struct executor *self, struct session *s, const ProtobufCMessage *m,
                struct span frame);
void executor_again(void *self, again_fn *say, void *arg);

// accounts/state.c - accounts and brokers: what is told about them.
void state_snapshot(struct executor *self, batch_t *batch, struct session *s,
                    const AccountSnapshot *m);
void state_charge(struct executor *self, const TradeState *t, const Fill *f);
void state_mark_broker(struct executor *self, const char *broker_id);
// by another executor
void state_other_broker(struct executor *self, unsigned shard, const BrokerState *told);
// what is dirty
void state_write(struct executor *self, batch_t *batch);
const struct limits *state_limits(const struct executor *self, struct account *a);
// about once a second: accounts whose balance and equity are watched
void state_ask(struct executor *self);
void state_destroy(struct executor *self);

// accounts/shard_ownership.c - several executors: what is another one's.
// its accounts are elsewhere: it was told where
bool ownership_sent_away(struct executor *self, struct session *s);
// An open trade whose account is with that other executor; NULL: none.
const struct trade *ownership_misplaced(const struct executor *self, unsigned *shard);
err_t ownership_check(const struct executor *self); // at start: there is none
// when the configuration has changed
void ownership_alert(struct executor *self, batch_t *batch);

// accounts/sums.c - the views over all accounts, where there are several executors.
void sums_tell(struct executor *self, batch_t *batch); // at each tick
void sums_take(struct executor *self, const ExecutorSums *m);
void load_end(struct executor *self);                   // frees what the first batch has not used
err_t sums_load(struct executor *self, store_t *store); // what the others had
err_t sums_open(struct executor *self, reactor_t *reactor);
void sums_close(struct executor *self);

// unreadable.c - open trades that cannot be read.
void unreadable_trade(void *self, const struct unreadable *what);
// how many may be in this holding, its own not counted
unsigned unreadable_here(const struct executor *self, const struct holding *p);

// load.c - at start.
err_t load_all(void *self, store_t *store);
void load_start(struct executor *self, batch_t *batch); // in the first tick

extern const struct service executor_service;
