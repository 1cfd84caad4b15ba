// state - accounts and brokers: what is published about them, at most once a tick.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/domain/rules.h"
#include "gateway.pb-c.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"

// how often an account is told at most whose risk rules look at its balance and equity
#define WATCHED_EVERY (NS_PER_S / 4)
#define SPREADS_EVERY NS_PER_S
#define A(name)       ACCOUNT_STATE__STATE__##name

// --- brokers

static struct broker *broker_get(struct executor *self, const char *broker_id) {
    struct broker *b = self->brokers;
    while (b && strcmp(b->id, broker_id) != 0) b = b->next;
    if (b) return b;
    b = alloc_zeroed(1, sizeof *b);
    b->id = alloc_text(broker_id);
    broker_state__init(&b->state);
    b->state.broker_id = b->id;
    b->next = self->brokers;
    return self->brokers = b;
}

void state_mark_broker(struct executor *self, const char *broker_id) {
    broker_get(self, broker_id)->dirty = true;
}

static void add_optional_amount(protobuf_c_boolean *has, int64_t *sum, protobuf_c_boolean charged,
                                int64_t amount) {
    decimal_t total;
    if (!charged || !decimal_add(D(*sum), D(amount), &total)) return;
    *has = true;
    *sum = total.e8;
}

void state_charge(struct executor *self, const TradeState *t, const Fill *f) {
    struct broker *b = broker_get(self, t->broker_id);
    add_optional_amount(&b->state.has_commission, &b->state.commission, f->has_commission,
                        f->commission);
    add_optional_amount(&b->state.has_fees, &b->state.fees, f->has_fees, f->fees);
    if (f->has_received_at && f->executed_at >= f->received_at) {
        b->state.has_broker_latency_us = true;
        b->state.broker_latency_us = (f->executed_at - f->received_at) / NS_PER_US;
    }
    b->dirty = true;
}

// What was last seen is our own, where we have seen it.
static void add_other(BrokerState *all, const BrokerState *o) {
    all->instances += o->instances;
    add_optional_amount(&all->has_commission, &all->commission, o->has_commission, o->commission);
    add_optional_amount(&all->has_fees, &all->fees, o->has_fees, o->fees);
    if (o->has_spread && !all->has_spread) all->has_spread = true, all->spread = o->spread;
    if (o->has_broker_latency_us && !all->has_broker_latency_us)
        all->has_broker_latency_us = true, all->broker_latency_us = o->broker_latency_us;
}

static BrokerState over_all(const struct broker *b) {
    BrokerState all = b->state;
    for (unsigned k = 0; b->others && k < SHARDS_MOST; k++) {
        if (b->others[k].updated_at) add_other(&all, &b->others[k]);
    }
    return all;
}

void state_other_broker(struct executor *self, unsigned shard, const BrokerState *told) {
    struct broker *b = broker_get(self, told->broker_id);
    if (!b->others) b->others = alloc_zeroed(SHARDS_MOST, sizeof *b->others);
    if (b->others[shard].updated_at == told->updated_at) return;
    b->others[shard] = *told;
    b->others[shard].broker_id = b->id;
    b->dirty = true;
}

// Spreads move with every price: they are written about once a second.
static bool are_spreads_due(struct executor *self, uint64_t mono) {
    if (!spreads_moved(self->spreads) || mono - self->spreads_at < SPREADS_EVERY) return false;
    self->spreads_at = mono;
    spreads_mark_written(self->spreads);
    return true;
}

static void write_brokers(struct executor *self, batch_t *batch) {
    bool spreads = are_spreads_due(self, batch_mono(batch));
    for (struct broker *b = self->brokers; b; b = b->next) {
        if (!b->dirty && !spreads) continue;
        b->dirty = false;
        b->state.instances = 0;
        for (const struct session *s = sessions_first(self->sessions); s; s = s->next) {
            if (session_is_ready(s) && strcmp(s->broker_id, b->id) == 0) b->state.instances++;
        }
        b->state.updated_at = batch_now(batch);
        if (self->context->shard) continue; // executor 0 hears of it (sums.c)
        BrokerState all = over_all(b);
        spreads_list(self->spreads, book_broker(self->context->book, b->id), batch_arena(batch),
                     &all);
        slice_broker(batch, &all);
    }
}

void state_destroy(struct executor *self) {
    for (struct broker *b = self->brokers, *next; b; b = next) {
        next = b->next;
        free(b->id);
        free(b->others);
        free(b);
    }
    self->brokers = NULL;
}

// --- accounts

const struct limits *state_limits(const struct executor *self, struct account *a) {
    uint64_t version = book_version(self->context->book);
    if (a->limits.version == version) return &a->limits;
    const AccountConfig *config = book_account(self->context->book, a->id);
    struct rules rules = {.r = RISK_RULES__INIT};
    if (config) rules_of(self->context->book, config, &rules);
    a->limits =
        (struct limits){.version = version,
                        .max_lots_order = rules.r.has_max_lots_order ? rules.r.max_lots_order : 0,
                        .watched = rules.r.daily_loss || rules.r.drawdown || rules.r.profit_lock ||
                                   rules.r.consistency};
    return &a->limits;
}

static bool serves_watched(const struct executor *self, const struct session *s) {
    for (struct account *a = accounts_first(self->accounts); a; a = a->next) {
        if (a->session == s && state_limits(self, a)->watched) return true;
    }
    return false;
}

void state_ask(struct executor *self) {
    SnapshotRequest m = SNAPSHOT_REQUEST__INIT;
    m.epoch = self->context->epoch;
    for (struct session *s = sessions_first(self->sessions); s; s = s->next) {
        if (session_is_ready(s) && serves_watched(self, s)) outbox_put(self->outbox, s, &m.base);
    }
}

static const char *derive_account_state(const struct executor *self, const struct account *a,
                                        AccountState__State *state) {
    bool halted = self->global == RISK_STATE__MODE__halted || a->mode == RISK_STATE__MODE__halted;
    bool reduce =
        self->global == RISK_STATE__MODE__reduce_only || a->mode == RISK_STATE__MODE__reduce_only;
    bool locked = a->lock != ORDER_COMMAND__LOCK__open;
    *state = halted || a->lock == ORDER_COMMAND__LOCK__flattened ? A(halted)
             : a->unknown                                        ? A(quarantined)
                                                                 : A(ready);
    if (halted)
        return self->global == RISK_STATE__MODE__halted ? "halted_global" : "halted_account";
    if (*state == A(quarantined)) return "trades in doubt";
    if (locked) return "locked";
    return reduce ? "reduce_only" : NULL;
}

static bool is_same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void write_account(struct executor *self, batch_t *batch, struct account *a) {
    AccountState__State state;
    const char *reason = derive_account_state(self, a, &state);
    uint64_t mono = batch_mono(batch),
             every = state_limits(self, a)->watched
                         ? WATCHED_EVERY
                         : (uint64_t)self->settings->snapshot_every_ms * NS_PER_MS;
    bool moved = state != a->state->state || !is_same_text(reason, a->state->reason);
    const AccountConfig *config =
        *a->state->broker_id ? NULL : book_account(self->context->book, a->id);
    if (config) trade_set_text(&a->state->broker_id, config->broker_id);
    a->dirty = false;
    if (moved) trade_set_text(&a->state->reason, reason);
    a->state->state = state;
    a->state->updated_at = batch_now(batch);
    slice_account(batch, a->state);
    if (moved && state == A(quarantined)) {
        batch_alert(batch, ALERT__SEVERITY__warning, "account_quarantined", a->id,
                    "%u trades of the account are in doubt: their symbols get no new exposure "
                    "until they are resolved",
                    a->unknown);
    }
    // without it nothing can be sized by it
    bool news = moved || (a->state->has_balance && !a->told_money);
    if (!news && a->told_at && mono - a->told_at < every) return;
    a->told_at = mono;
    a->told_money = a->state->has_balance;
    batch_emit(batch, TOPIC_executions, self->context->shard, &a->state->base);
}

// --- what a gateway says about an account

static void set_amount(protobuf_c_boolean *has, int64_t *field, int64_t value) {
    *has = true;
    *field = value;
}

static void set_level(AccountState *to, const AccountSnapshot *m) {
    decimal_t share, percent;
    to->has_margin_level = m->margin > 0 &&
                           decimal_div(D(m->equity), D(m->margin), ROUND_HALF_EVEN, &share) &&
                           decimal_mul(share, DECIMAL_INT(100), ROUND_HALF_EVEN, &percent);
    if (to->has_margin_level) to->margin_level = percent.e8;
}

static uint32_t count_positions(const AccountSnapshot *m) {
    uint32_t n = 0;
    for (size_t i = 0; i < m->n_holdings; i++) n += m->holdings[i]->kind == HOLDING__KIND__position;
    return n;
}

static void copy_account_snapshot(AccountState *to, const AccountSnapshot *m) {
    if (!is_same_text(to->currency, m->currency)) trade_set_text(&to->currency, m->currency);
    set_amount(&to->has_balance, &to->balance, m->balance);
    set_amount(&to->has_equity, &to->equity, m->equity);
    set_amount(&to->has_margin, &to->margin, m->margin);
    set_amount(&to->has_free_margin, &to->free_margin, m->free_margin);
    set_level(to, m);
    to->has_leverage = to->has_open_positions = true;
    to->leverage = m->leverage;
    if (!m->has_holdings_left_out || !m->holdings_left_out) to->open_positions = count_positions(m);
}

static void publish_holdings(struct executor *self, batch_t *batch, const struct session *s,
                             const AccountSnapshot *m) {
    BrokerSnapshot out = BROKER_SNAPSHOT__INIT;
    out.instance_id = s->instance_id;
    out.account_id = m->account_id;
    out.taken_at = m->taken_at;
    out.n_holdings = m->n_holdings;
    out.holdings = m->holdings;
    batch_emit(batch, TOPIC_executions, self->context->shard, &out.base);
}

void state_snapshot(struct executor *self, batch_t *batch, struct session *s,
                    const AccountSnapshot *m) {
    struct account *a = accounts_find(self->accounts, m->account_id);
    if (!a || a->session != s) return; // another shard's, or not configured
    if (strcmp(a->state->broker_id, s->broker_id) != 0)
        trade_set_text(&a->state->broker_id, s->broker_id);
    copy_account_snapshot(a->state, m);
    a->dirty = true;
    if (m->has_spread) {
        struct broker *b = broker_get(self, s->broker_id);
        set_amount(&b->state.has_spread, &b->state.spread, m->spread);
        b->dirty = true;
    }
    healing_compare(self, batch, s, a, m);
    if (m->has_holdings_left_out && m->holdings_left_out) return;
    uint64_t mono = batch_mono(batch),
             every = (uint64_t)self->settings->snapshot_every_ms * NS_PER_MS;
    if (a->snapshot_at && mono - a->snapshot_at < every) return;
    a->snapshot_at = mono;
    publish_holdings(self, batch, s, m);
}

// A halt names accounts of other executors, too: these write what is said of them.
static bool is_mine(const struct executor *self, const struct account *a) {
    if (self->context->shards <= 1) return true;
    const AccountConfig *config = book_account(self->context->book, a->id);
    return config ? book_shard(self->context->book, config, self->context->shards) ==
                        self->context->shard
                  : *a->state->broker_id != 0;
}

void state_write(struct executor *self, batch_t *batch) {
    for (struct account *a = accounts_first(self->accounts); a; a = a->next) {
        if (a->dirty && is_mine(self, a)) write_account(self, batch, a);
        a->dirty = false;
    }
    write_brokers(self, batch);
}
