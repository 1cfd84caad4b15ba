// engine - the executor's memory, and what its handlers do with each other. Only the executor's own files include this.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/guard.h"
#include "common/service.h"
#include "common/shard.h"
#include "order.pb-c.h"
#include "services/executor/accounts/accounts.h"
#include "services/executor/aside.h"
#include "services/executor/trade/fills.h"
#include "services/executor/halts.h"
#include "services/executor/trade/lifecycle.h"
#include "services/executor/gateway/outbox.h"
#include "services/executor/accounts/positions.h"
#include "services/executor/gateway/session.h"
#include "services/executor/trade/trades.h"

struct executor_settings {
    int64_t order_answer_within_ms, doubt_asks, doubt_interval_ms, doubt_least_ms, doubt_held_ms, skew_margin_ms, rollback_quiet_ms;
    int64_t gateway_strained_ms, gateway_lost_ms, in_flight_max, guard_max, retired_max, expire_grace_ms, snapshot_every_ms, late_for_ms;
    int64_t pending_for_ms, aside_max, aside_alarm_ms;
    const char *partial_rest;
};

struct broker {
    char *id;
    BrokerState state;   // broker_id is `id`; of this executor's gateways
    BrokerState *others; // of other executors, by shard; in executor 0, where there are several. NULL: none has told
    bool dirty;
    struct broker *next;
};

// How a frame leaves: to a gateway by its name. False: it could not be queued.
typedef bool send_fn(void *arg, const struct session *to, struct span frame);

struct executor {
    const struct context *context;
    const struct executor_settings *settings;
    batch_t *batch; // the open one: set by every entry point
    trades_t *trades;
    accounts_t *accounts;
    positions_t *positions;
    sessions_t *sessions;
    outbox_t *outbox;
    due_heap_t *due;
    guard_t *guard;
    aside_t *aside;
    struct broker *brokers;
    struct surplus *surplus; // netting.c
    struct trade *unsaved;   // through unsaved_prev, unsaved_next; oldest first
    unsigned unreadable;     // open trades of which not even the account can be read
    RiskState__Mode global;
    halts_t *halts;
    struct doubt_patience patience;
    bool started;                  // what was loaded has been looked at
    bool reconfigured;             // the book changed
    uint64_t sequence;             // of the last trade
    bool awake;                    // something that orders waited for has happened
    uint64_t ticked_at, chores_at; // monotonic ns
    port_t *gateways, *prices;
    port_t *sums[SHARDS_MOST];        // of other executors
    uint64_t sums_epoch[SHARDS_MOST]; // the newest of each that was heard
    uint64_t sums_told_at;            // monotonic ns
    send_fn *send;
    void *send_arg;
};

// steps.c - every change of a trade goes through here: step, count, keep, tell.
void engine_begin(struct executor *x, batch_t *batch); // every entry point first
void engine_drop(struct executor *x, struct trade *t); // out of memory, whatever it is
void engine_keep(struct executor *x, struct trade *t); // its hash only
struct place *engine_place(struct executor *x, const TradeState *s);
void engine_count(struct executor *x, struct trade *t, int sign); // takes a trade out of (-1) or into (+1) all that is counted
[[nodiscard]] bool engine_move(struct executor *x, struct trade *t, enum trade_event event, const char *reason);
void engine_changed(struct executor *x, struct trade *t, TradeResult *result, ResultMetrics *metrics); // keeps and tells
void engine_end(struct executor *x, struct trade *t, enum trade_event event, const char *reason);      // move and changed
void engine_save_later(struct executor *x, struct trade *t);
void engine_save(struct executor *x);                 // what was to be saved later, and has waited long enough
void engine_due(struct executor *x, struct trade *t); // sets when to look at it again, by its state
bool engine_too_old(const struct executor *x, const TradeState *s);
void engine_forget(struct executor *x, struct trade *t); // a late watch is over

// fill.c - executions.
void fill_order(struct executor *x, struct trade *t, const Fill *f);              // of its order
void fill_position(struct executor *x, struct trade *t, const Fill *f);           // the broker closed (part of) its position
void fill_take_off(struct executor *x, const struct share *share, const Fill *f); // from the position that it names

// netting.c - accounts with one position in a symbol.
void netting_fill(struct executor *x, struct trade *t, const Fill *f); // of its order: nets, opens, closes
void netting_closed(struct executor *x, struct place *p, Signal__Direction side, const Fill *f);
struct trade *netting_owner(struct executor *x, const Report *r); // on whom a position that the broker closed is booked; NULL: nobody
void netting_load(struct executor *x, const char *place, const char *value);
void netting_destroy(struct executor *x);

// orders.c - new orders, and those that wait.
err_t orders_handle(void *self, batch_t *batch, const ProtobufCMessage *body);
void orders_buried(void *self, batch_t *batch, const ProtobufCMessage *body, const char *reason);
void orders_take(struct executor *x, const TradeState *s, bool resend); // a trade that is not known yet, its id guarded here
void orders_wake(struct executor *x);
void orders_submit(struct executor *x, struct trade *t);
void orders_again(struct executor *x, struct trade *t); // recorded as submitting, and for certain not sent: decided again
void orders_note_origin(struct executor *x, struct trade *t);
bool orders_dispatch(struct executor *x, struct trade *t);                   // false: it waits
const char *orders_refused(const struct executor *x, const struct trade *t); // NULL: it is not
enum gate orders_gate(const struct executor *x, const struct trade *t);

// closing.c - closing trades.
enum closing_choice { CLOSING_CHOSEN, CLOSING_NOTHING, CLOSING_TOO_LITTLE };
bool closing_has_positions(const struct trade *t);                                                // named, or open and meant by it
enum closing_choice closing_choose(struct executor *x, struct trade *t, Signal__Direction *side); // *side: of the positions
void closing_undo(struct executor *x, struct trade *t);
void closing_other_side(struct executor *x, const TradeState *whole, Signal__Direction done);
void closing_trade(struct executor *x, struct trade *t, const OrderCommand *c); // on command: this position
void closing_places(struct executor *x, const OrderCommand *c);                 // … what is open at the account
void closing_at_stop(struct executor *x, struct trade *t);

// wishes.c - changes to what is at the broker: kept with the trade, sent until they are answered.
bool wishes_are_open(const TradeState *s);
void wishes_send(struct executor *x, struct trade *t); // what is asked for and not answered
void wishes_cancel(struct executor *x, struct trade *t, const char *reason);
void wishes_modify(struct executor *x, struct trade *t, const OrderCommand *c);
void wishes_stop(struct executor *x, struct trade *t, int64_t stop_loss); // by trailing or break-even
void wishes_done(struct executor *x, struct trade *t, const Report *r);
void wishes_refused(struct executor *x, struct trade *t, const Report *r);

// follow.c - stops that follow the price.
void follow_price(struct executor *x, const struct symbol *symbol);
void follow_trade(struct executor *x, struct trade *t); // by the last price

// resolve.c - trades in doubt.
void resolve_doubt(struct executor *x, struct trade *t, const char *reason);
void resolve_hold(struct executor *x, struct trade *t, const char *reason);
void resolve_ask(struct executor *x, struct trade *t);
void resolve_due(struct executor *x, struct trade *t);
void resolve_not_found(struct executor *x, struct trade *t);
void resolve_release(struct executor *x, struct trade *t); // by the operator
const struct gateway_checks *resolve_checks(const struct trade *t);

// reports.c - what gateways say about orders.
void reports_handle(struct executor *x, struct session *s, const Report *r);
void reports_status(struct executor *x, struct session *s, const OrderStatus *m);
void reports_apply(struct executor *x, struct trade *t, const Report *r);
void reports_apply_kept(struct executor *x, struct trade *t); // what was kept aside for it
void reports_watch_aside(struct executor *x);

// commands.c - changes to what is at the broker, and the operator's word.
err_t commands_order(void *self, batch_t *batch, const ProtobufCMessage *body);
err_t commands_operator(void *self, batch_t *batch, const ProtobufCMessage *body);
err_t commands_query(void *self, batch_t *batch, const ProtobufCMessage *body);

// wire.c - the socket of the gateways.
err_t wire_ready(void *self, batch_t *batch);
void wire_take(struct executor *x, struct span peer, struct span frame);
void wire_done(struct executor *x); // at the end of a turn
void wire_committed(struct executor *x);
void wire_map(struct executor *x);  // accounts to sessions, from the book
void wire_tick(struct executor *x); // silence

// again.c - what a recording that begins later needs.
void again_keep(struct executor *x, struct session *s, const ProtobufCMessage *m, struct span frame);
void executor_again(void *self, again_fn *say, void *arg);

// state.c - accounts and brokers: what is told about them.
void state_snapshot(struct executor *x, struct session *s, const AccountSnapshot *m);
void state_charge(struct executor *x, const TradeState *t, const Fill *f);
void state_soil_broker(struct executor *x, const char *broker_id);
void state_other_broker(struct executor *x, unsigned shard, const BrokerState *told); // by another executor
void state_write(struct executor *x);                                                 // what is dirty
const struct limits *state_limits(const struct executor *x, struct account *a);
void state_ask(struct executor *x); // about once a second: accounts whose balance and equity are watched
void state_destroy(struct executor *x);

// whose.c - several executors: what is another one's.
bool whose_sent_away(struct executor *x, struct session *s); // its accounts are elsewhere: it was told where
const struct trade *whose_misplaced(const struct executor *x,
                                    unsigned *shard); // an open one whose account is with that other executor; NULL: none
err_t whose_check(const struct executor *x);          // at start: there is none
void whose_tell(struct executor *x);                  // when the configuration has changed

// sums.c - the views over all accounts, where there are several executors.
void sums_tell(struct executor *x); // at each tick
void sums_take(struct executor *x, const ExecutorSums *m);
err_t sums_load(struct executor *x, store_t *store); // what the others had
err_t sums_open(struct executor *x, reactor_t *reactor);
void sums_close(struct executor *x);

// unreadable.c - open trades that cannot be read.
void unreadable_trade(void *self, const struct unreadable *what);
unsigned unreadable_here(const struct executor *x, const struct place *p); // how many may be at this place, its own not counted

// load.c - at start.
err_t load_all(void *self, store_t *store);
void load_start(struct executor *x); // in the first tick
