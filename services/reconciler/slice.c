// slice - the keys the reconciler owns.
// SPDX-License-Identifier: MIT
//
//   reconciliation:{trade_id}  hash    ReconciledTrade; expires once its signal is complete: then
//   only for looking
//   reconciliation:open        hash    signals that are not complete: field signal_id, an
//   OpenSignal as JSON;
//                                      field signal_id/trade_id: a final trade that its signal's
//                                      field does not name
//   reconciliation:guard:*     hashes  signals that are complete, orders of the executor's own
//   (guard.h)
//   reconciliation:failed:*    hashes  trades that failed (guard.h)
#include "services/reconciler/slice.h"

#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/own.h"
#include "common/schema/record.h"

#define KEY_TEXT 256
#define OPEN     "reconciliation:open"
#define TRADE    "reconciliation:"
#define APART    '/' // no character of signal_ids

const char *const reconciler_slice[] = {"reconciliation:", NULL};

static const char *trade_key(char out[static KEY_TEXT], const char *trade_id) {
    (void)snprintf(out, KEY_TEXT, TRADE "%s", trade_id);
    return out;
}

static const char *apart_field(char out[static KEY_TEXT], const struct live_trade *t) {
    (void)snprintf(out, KEY_TEXT, "%s%c%s", t->signal->id, APART, t->id);
    return out;
}

// --- writing

void slice_reconciliation(batch_t *batch, const struct reconciled *trade) {
    char key[KEY_TEXT];
    const struct facts *f = trade->facts;
    const TradeReconciliation *r = trade->result;
    ReconciledTrade m = RECONCILED_TRADE__INIT;
    m.trade_id = r->trade_id;
    m.reconciliation_status = r->reconciliation_status;
    m.has_discrepancy = r->has_discrepancy, m.discrepancy = r->discrepancy;
    // what an earlier failure said must go
    m.rejection_reason = r->rejection_reason ? r->rejection_reason : (char *)"";
    m.reconciled_at = r->reconciled_at;
    m.signal_id = (char *)trade->signal_id;
    m.account_id = (char *)trade->account_id;
    m.state = f->state;
    m.has_lot_size = f->has_lot_size, m.lot_size = f->lot_size.e8;
    m.has_requested_price = f->has_requested_price, m.requested_price = f->requested_price.e8;
    m.has_filled_lots = true, m.filled_lots = f->filled_lots.e8;
    m.has_average_price = f->has_average_price, m.average_price = f->average_price.e8;
    m.has_executed_at = f->executed_at != 0, m.executed_at = f->executed_at;
    m.has_first_executed_at = f->first_executed_at != 0, m.first_executed_at = f->first_executed_at;
    batch_keep(batch, trade_key(key, r->trade_id), &m.base);
}

void slice_expire(batch_t *batch, const char *trade_id) {
    char key[KEY_TEXT];
    batch_expire_at(batch, trade_key(key, trade_id), batch_look_until(batch));
}

void slice_trade_apart(batch_t *batch, struct live_trade *t) {
    char field[KEY_TEXT];
    batch_entry(batch, OPEN, span_of(apart_field(field, t)), span_of(""));
    t->apart = true;
}

static void drop_apart(batch_t *batch, const struct live_signal *s) {
    char field[KEY_TEXT];
    for (struct live_trade *t = s->trades; t; t = t->next) {
        if (!t->apart) continue;
        batch_entry_drop(batch, OPEN, span_of(apart_field(field, t)));
        t->apart = false;
    }
}

void slice_signal(batch_t *batch, struct live_signal *s) {
    buffer_t *json = batch_scratch(batch);
    OpenTrade *trades = arena_take(batch_arena(batch), s->count * sizeof *trades);
    OpenTrade **list = arena_take(batch_arena(batch), s->count * sizeof *list);
    OpenSignal m = OPEN_SIGNAL__INIT;
    m.signal_id = s->id;
    m.signal_at = s->signal_at;
    m.routed_at = s->routed_at;
    m.refused = s->refused;
    m.has_satisfied = m.satisfied = s->satisfied;
    m.trades = list;
    for (struct live_trade *t = s->trades; t; t = t->next) {
        OpenTrade *o = &trades[m.n_trades];
        open_trade__init(o);
        o->trade_id = t->id;
        o->account_id = t->account_id;
        o->has_taken_back = o->taken_back = live_trade_is_taken_back(t);
        list[m.n_trades++] = o;
    }
    record_to_json(&m.base, json);
    batch_entry(batch, OPEN, span_of(s->id), (struct span){json->data, json->length});
    drop_apart(batch, s);
    s->kept = true;
}

void slice_complete(batch_t *batch, const struct live_signal *s) {
    drop_apart(batch, s);
    if (s->kept) batch_entry_drop(batch, OPEN, span_of(s->id));
    for (const struct live_trade *t = s->trades; t; t = t->next) {
        if (t->written) slice_expire(batch, t->id);
    }
}

// --- at start

struct loading {
    struct live *live;
    arena_t *arena;
    uint64_t now;
};

static err_t load_apart(struct loading *l, const char *field, const char *slash) {
    char *signal_id = arena_text(l->arena, field);
    signal_id[slash - field] = 0;
    struct live_trade *t = live_trade_find(l->live, slash + 1);
    if (!t) t = live_trade_add(l->live, live_signal_get(l->live, signal_id, l->now), slash + 1, "");
    t->apart = true;
    return ERR_OK;
}

static err_t load_signal(struct loading *l, struct span json) {
    ProtobufCMessage *m = NULL;
    struct fault fault;
    err_t e = record_from_json(&open_signal__descriptor, json.data, json.length, "", l->arena, &m,
                               &fault);
    if (e) return e;
    const OpenSignal *open = (const OpenSignal *)m;
    struct live_signal *s = live_signal_get(l->live, open->signal_id, l->now);
    s->routed = s->kept = true;
    s->signal_at = open->signal_at;
    s->routed_at = open->routed_at;
    s->satisfied = open->satisfied;
    live_signal_refused(s, open->refused);
    for (size_t i = 0; i < open->n_trades; i++) {
        const OpenTrade *o = open->trades[i];
        struct live_trade *t = live_trade_find(l->live, o->trade_id);
        if (!t) t = live_trade_add(l->live, s, o->trade_id, o->account_id);
        t->listed = !o->taken_back;
        t->ordered_at = open->routed_at;
    }
    return ERR_OK;
}

static err_t load_field(void *arg, struct span name, struct span value) {
    struct loading *l = arg;
    const char *field = arena_format(l->arena, "%.*s", (int)name.length, (const char *)name.data);
    const char *slash = strchr(field, APART);
    return slash ? load_apart(l, field, slash) : load_signal(l, value);
}

// What was final already. A trade without a hash was not.
static void restore_trade(struct live_trade *t, const ReconciledTrade *m) {
    struct facts *f = &t->facts;
    f->state = m->state;
    f->has_lot_size = m->has_lot_size, f->lot_size = D(m->lot_size);
    f->has_requested_price = m->has_requested_price, f->requested_price = D(m->requested_price);
    f->filled_lots = D(m->filled_lots);
    f->has_average_price = m->has_average_price, f->average_price = D(m->average_price);
    f->executed_at = m->executed_at;
    f->first_executed_at = m->first_executed_at;
    if (m->rejection_reason) (void)snprintf(t->why, sizeof t->why, "%s", m->rejection_reason);
    t->status = m->reconciliation_status;
    t->evidence = t->written = true;
    if (t->status != TRADE_RECONCILIATION__STATUS__pending) t->signal->settled++;
    if (!t->account_id[0]) {
        free(t->account_id);
        t->account_id = alloc_text(m->account_id);
    }
}

static err_t load_reconciled_trade(store_t *store, struct live_trade *t, arena_t *arena) {
    char key[KEY_TEXT];
    ProtobufCMessage *m = NULL;
    arena_reset(arena);
    err_t e = store_record(store, trade_key(key, t->id), &reconciled_trade__descriptor, arena, &m);
    if (!e && m) restore_trade(t, (const ReconciledTrade *)m);
    return e;
}

err_t reconciler_slice_load(store_t *store, struct live *live, uint64_t now) {
    own(arena) *arena = arena_new(0);
    struct loading l = {live, arena, now};
    err_t e = store_pairs(store, OPEN, load_field, &l);
    for (struct live_trade *t = live->trades; !e && t; t = t->hh.next)
        e = load_reconciled_trade(store, t, arena);
    return e;
}

err_t slice_load_open(store_t *store, unsigned shards, store_record_fn *visit, void *arg) {
    err_t e = ERR_OK;
    for (unsigned shard = 0; !e && shard < shards; shard++) {
        char key[KEY_TEXT];
        (void)snprintf(key, sizeof key, "trade_state:open:%u", shard);
        e = store_records(store, key, "trade_state:", &trade_state__descriptor, visit, arg);
    }
    return e;
}
