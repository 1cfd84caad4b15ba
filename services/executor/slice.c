// slice - the keys the executor owns.
// SPDX-License-Identifier: MIT
//
//   trade_state:{trade_id}         hash    TradeState; expires once it is over
//   trade_state:open:{shard}       set     trade_ids that are not over; loaded at start
//   trade_state:watched:{shard}    set     trade_ids that were given up and may come to light yet;
//   likewise
//   trade_state:guard:{shard}:*    hashes  trade_ids that were taken on (guard.h)
//   execution_state:{trade_id}     hash    ExecutionState; expires once nothing more will be
//   executed
//   execution_state:reports        hash    instance_id -> books:number of the last report that has
//   had its effect: one hash for all
//                                          executors, a gateway's field being its executor's,
//                                          whichever that is
//   execution_state:risk:{shard}   hash    global, source:{source} or account_id -> trading,
//   reduce_only, halted; lock:{account_id} ->
//   Lock;
//                                          flatten:{scope} -> the command that asked for it
//   execution_state:orphans:{shard} hash   trade_id -> account_id: trades that a broker names and
//   nobody here knows (yet)
//   execution_state:views:{shard}  set     views of positions that are in Redis
//   execution_state:sums:{shard}   hash    with several executors: what this one has open, by
//   symbol (SymbolSum); executor 0 adds them up
//   result:{result_id}             hash    TradeResult, expires: only for looking
//   result_metrics:{result_id}     hash    ResultMetrics, likewise
//   account_state:{account_id}     hash    AccountState
//   broker_state:{broker_id}       hash    BrokerState
//   instance_state:{instance_id}   hash    InstanceState; likewise instance_metrics,
//   instance_health
//   positions:active:{symbol}      JSON    ActivePosition over all accounts;
//   positions:active:{account_id}:{symbol} of one
#include "services/executor/slice.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/schema/record.h"

#define KEY_TEXT 256
#define REPORTS  "execution_state:reports"
#define SUMS     "execution_state:sums:"
#define ORPHANS  "execution_state:orphans:"
#define ASIDE    "execution_state:aside:" // of versions before

const char *const executor_slice[] = {"trade_state:",
                                      "execution_state:",
                                      "result:",
                                      "result_metrics:",
                                      "account_state:",
                                      "broker_state:",
                                      "instance_state:",
                                      "instance_metrics:",
                                      "instance_health:",
                                      "positions:active:",
                                      NULL};

static const char *format_executor_key(char out[static KEY_TEXT], const char *prefix,
                                       const char *id) {
    (void)snprintf(out, KEY_TEXT, "%s%s", prefix, id); // ids have at most 64 characters
    return out;
}

static const char *shard_key(char out[static KEY_TEXT], const char *prefix, unsigned shard) {
    (void)snprintf(out, KEY_TEXT, "%s%u", prefix, shard);
    return out;
}

void slice_guard_prefix(unsigned shard, char out[static 64]) {
    (void)snprintf(out, 64, "trade_state:guard:%u", shard);
}

// --- trades

// What the order said and nothing changes: written once, with the trade's first state.
static const struct record_mask *said_once(void) {
    static const char *const names[] = {
        "trade_id",        "signal_id",       "account_id", "broker_id",
        "symbol",          "broker_symbol",   "order_type", "direction",
        "requested_price", "expiration_time", "signal_at",  "ordered_at",
        "valid_until",     "close_percent",   "close_side", NULL};
    static struct record_mask mask;
    static bool known;
    if (!known) mask = record_mask(&trade_state__descriptor, names);
    known = true;
    return &mask;
}

void slice_trade(batch_t *batch, const TradeState *t) {
    char k[KEY_TEXT];
    batch_keep(batch, format_executor_key(k, "trade_state:", t->trade_id), &t->base);
}

void slice_trade_moved(batch_t *batch, const TradeState *t) {
    char k[KEY_TEXT];
    batch_keep_but(batch, format_executor_key(k, "trade_state:", t->trade_id), &t->base,
                   said_once());
}

void slice_trade_over(batch_t *batch, const char *trade_id) {
    char k[KEY_TEXT];
    batch_expire_at(batch, format_executor_key(k, "trade_state:", trade_id),
                    batch_look_until(batch));
}

void slice_trade_again(batch_t *batch, const TradeState *t) {
    char k[KEY_TEXT];
    batch_drop(batch, format_executor_key(k, "trade_state:", t->trade_id));
    batch_keep(batch, k, &t->base);
    batch_drop(batch, format_executor_key(k, "execution_state:", t->trade_id)); // written anew
}

static void set_member(batch_t *batch, const char *set, const char *trade_id, bool member) {
    if (member)
        batch_member(batch, set, trade_id);
    else
        batch_member_drop(batch, set, trade_id);
}

void slice_trade_open(batch_t *batch, unsigned shard, const char *trade_id, bool member) {
    char k[KEY_TEXT];
    set_member(batch, shard_key(k, "trade_state:open:", shard), trade_id, member);
}

void slice_trade_watched(batch_t *batch, unsigned shard, const char *trade_id, bool member) {
    char k[KEY_TEXT];
    set_member(batch, shard_key(k, "trade_state:watched:", shard), trade_id, member);
}

void slice_trade_without(batch_t *batch, const char *trade_id, const char *field) {
    char k[KEY_TEXT];
    batch_field_drop(batch, format_executor_key(k, "trade_state:", trade_id), field);
}

void slice_execution(batch_t *batch, const ExecutionState *e, bool over) {
    char k[KEY_TEXT];
    batch_keep(batch, format_executor_key(k, "execution_state:", e->trade_id), &e->base);
    if (over) batch_expire_at(batch, k, batch_look_until(batch));
}

void slice_result(batch_t *batch, const TradeResult *r, const ResultMetrics *m) {
    char k[KEY_TEXT];
    batch_keep(batch, format_executor_key(k, "result:", r->result_id), &r->base);
    batch_expire_at(batch, k, batch_look_until(batch));
    batch_keep(batch, format_executor_key(k, "result_metrics:", r->result_id), &m->base);
    batch_expire_at(batch, k, batch_look_until(batch));
}

// --- accounts, brokers, instances

void slice_account(batch_t *batch, const AccountState *a) {
    char k[KEY_TEXT];
    format_executor_key(k, "account_state:", a->account_id);
    if (!a->reason) batch_field_drop(batch, k, "reason");
    if (!a->has_margin_level) batch_field_drop(batch, k, "margin_level");
    batch_keep(batch, k, &a->base);
}

void slice_broker(batch_t *batch, const BrokerState *b) {
    char k[KEY_TEXT];
    batch_keep(batch, format_executor_key(k, "broker_state:", b->broker_id), &b->base);
}

void slice_instance(batch_t *batch, const InstanceState *i) {
    char k[KEY_TEXT];
    batch_keep(batch, format_executor_key(k, "instance_state:", i->instance_id), &i->base);
}

void slice_metrics(batch_t *batch, const InstanceMetrics *m, const InstanceHealth *h) {
    char k[KEY_TEXT];
    if (m) batch_keep(batch, format_executor_key(k, "instance_metrics:", m->instance_id), &m->base);
    batch_keep(batch, format_executor_key(k, "instance_health:", h->instance_id), &h->base);
}

// --- what is remembered

void slice_risk(batch_t *batch, unsigned shard, const char *name, const char *value) {
    char k[KEY_TEXT];
    shard_key(k, "execution_state:risk:", shard);
    if (value)
        batch_field(batch, k, name, value);
    else
        batch_field_drop(batch, k, name);
}

void slice_reports(batch_t *batch, const char *instance_id, uint64_t books, uint64_t report) {
    char value[48];
    (void)snprintf(value, sizeof value, "%llu:%llu", (unsigned long long)books,
                   (unsigned long long)report);
    batch_field(batch, REPORTS, instance_id, value);
}

void slice_orphan(batch_t *batch, unsigned shard, const char *trade_id, const char *account_id) {
    char k[KEY_TEXT];
    shard_key(k, ORPHANS, shard);
    if (account_id)
        batch_field(batch, k, trade_id, account_id);
    else
        batch_field_drop(batch, k, trade_id);
}

void slice_forget_aside(batch_t *batch, unsigned shard) {
    char k[KEY_TEXT];
    batch_drop(batch, shard_key(k, ASIDE, shard));
    batch_drop(batch, shard_key(k, "execution_state:surplus:", shard));
}

// --- positions

static const char *view_key(char out[static KEY_TEXT], const char *account_id, const char *symbol) {
    (void)snprintf(out, KEY_TEXT, "positions:active:%s%s%s", account_id ? account_id : "",
                   account_id ? ":" : "", symbol);
    return out;
}

void slice_position(batch_t *batch, const char *account_id, const char *symbol,
                    const ActivePosition *view) {
    buffer_t *json = batch_scratch(batch);
    char k[KEY_TEXT];
    record_to_json(&view->base, json);
    batch_set(batch, view_key(k, account_id, symbol), (struct span){json->data, json->length});
}

void slice_view(batch_t *batch, unsigned shard, const char *account_id, const char *symbol,
                bool shown) {
    char k[KEY_TEXT], index[KEY_TEXT], member[KEY_TEXT];
    (void)snprintf(member, sizeof member, "%s:%s", account_id ? account_id : "", symbol);
    shard_key(index, "execution_state:views:", shard);
    if (shown) return batch_member(batch, index, member);
    batch_drop(batch, view_key(k, account_id, symbol));
    batch_member_drop(batch, index, member);
}

void slice_sum(batch_t *batch, unsigned shard, const char *symbol, const SymbolSum *sum) {
    char k[KEY_TEXT];
    shard_key(k, SUMS, shard);
    if (!sum) return batch_field_drop(batch, k, symbol);
    size_t size = symbol_sum__get_packed_size(sum);
    uint8_t *packed = arena_take(batch_arena(batch), size);
    symbol_sum__pack(sum, packed);
    batch_field_bytes(batch, k, span_of(symbol), (struct span){packed, size});
}

void slice_sums_forget(batch_t *batch, unsigned shard) {
    char k[KEY_TEXT];
    batch_drop(batch, shard_key(k, SUMS, shard));
}

// --- at start

err_t slice_load_sums(store_t *store, unsigned shard, store_pair_fn *visit, void *arg) {
    char k[KEY_TEXT];
    return store_pairs(store, shard_key(k, SUMS, shard), visit, arg);
}

err_t slice_load(store_t *store, const struct slice_loading *l) {
    char k[KEY_TEXT];
    err_t e = store_records(store, shard_key(k, "trade_state:open:", l->shard),
                            "trade_state:", &trade_state__descriptor, l->trade, l->arg);
    if (!e)
        e = store_records(store, shard_key(k, "trade_state:watched:", l->shard),
                          "trade_state:", &trade_state__descriptor, l->trade, l->arg);
    if (!e)
        e = store_pairs(store, shard_key(k, "execution_state:risk:", l->shard), l->risk, l->arg);
    if (!e) e = store_pairs(store, REPORTS, l->reports, l->arg);
    if (!e) e = store_pairs(store, shard_key(k, ORPHANS, l->shard), l->orphan, l->arg);
    if (!e) e = store_pairs(store, shard_key(k, ASIDE, l->shard), l->report_aside, l->arg);
    if (!e)
        e = store_members(store, shard_key(k, "execution_state:views:", l->shard), l->position,
                          l->arg);
    return e;
}
