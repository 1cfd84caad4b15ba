// locks - an account that breaks a rule is locked: in memory, in Redis and at the executor, and reported.
// SPDX-License-Identifier: MIT
#include "services/router/accounts/locks.h"

#include <stdio.h>
#include <string.h>

#include "common/schema/record.h"
#include "services/router/accounts/breach.h"
#include "services/router/slice.h"

// balance and equity as last told, when nothing else is to be kept
#define KEEP_EVERY (10 * NS_PER_S)

static const char *rule_name(const RiskState *s) {
    return s->has_rule ? record_enum_name(&reason__code__descriptor, (int)s->rule) : "no rule";
}

// Older than a window can be long is of no use.
static void fill_recent(struct risk *k, RiskState *out) {
    const uint64_t *first =
        k->recent + k->n_recent -
        (k->n_recent < k->rules.r.max_orders ? k->n_recent : k->rules.r.max_orders);
    out->has_recent_orders = k->rules.r.has_max_orders && k->n_recent > 0;
    out->recent_orders.data = (uint8_t *)(uintptr_t)first;
    out->recent_orders.len = (size_t)(k->recent + k->n_recent - first) * sizeof *first;
}

void locks_keep(batch_t *batch, struct account *account, uint64_t changed_at) {
    struct risk *k = account->risk;
    RiskState s = RISK_STATE__INIT;
    if (k) s = k->s;
    if (k) fill_recent(k, &s);
    if (k) k->kept_at = batch_now(batch);
    s.scope = account->id;
    s.mode = account->mode;
    s.changed_at = changed_at;
    router_slice_risk(batch, &s, account);
}

// --- the lock

struct at {
    struct router *router;
    batch_t *batch;
    const AccountConfig *config;
    struct account *account;
};

// The executor hears of it in the order of the account's orders.
static void send_lock(const struct at *at, OrderCommand__Lock lock) {
    const RiskState *s = &at->account->risk->s;
    char id[ID_TEXT], when[24];
    (void)snprintf(when, sizeof when, "%llu", (unsigned long long)batch_now(at->batch));
    const char *const parts[] = {"lock", at->account->id, rule_name(s), when};
    id_derive_at(id, batch_now(at->batch) / NS_PER_MS, 4, parts);
    OrderCommand c = ORDER_COMMAND__INIT;
    c.command_id = id;
    c.account_id = at->account->id;
    c.action = ORDER_COMMAND__ACTION__set_lock;
    c.has_lock = true;
    c.lock = lock;
    c.reason = s->detail;
    c.created_at = batch_now(at->batch);
    batch_emit(at->batch, TOPIC_orders,
               book_shard(at->router->context->book, at->config, at->router->context->shards),
               &c.base);
}

static void say_breach(struct risk *k, const struct breach *b) {
    char value[DECIMAL_TEXT], limit[DECIMAL_TEXT];
    (void)decimal_print(D(b->value), value);
    (void)decimal_print(D(b->limit), limit);
    (void)snprintf(k->detail, sizeof k->detail, "%s: %s, limit %s", rule_name(&k->s), value, limit);
    k->s.detail = k->detail;
}

static void tell_lock(const struct at *at) {
    const RiskState *s = &at->account->risk->s;
    char until[TIME_TEXT] = "the operator unlocks it";
    if (s->has_locked_until) (void)time_print(s->locked_until, until);
    batch_alert(at->batch, ALERT__SEVERITY__critical, "account_locked", at->account->id,
                "%s; %s until %s", s->detail,
                record_enum_name(&order_command__lock__descriptor, (int)s->lock), until);
}

// A number of trades that is reached stops entries here only: the last of them may still be on its
// way to the broker.
static bool is_for_executor(const RiskState *s) { return s->rule != REASON__CODE__max_trades_day; }

static void lock_account(const struct at *at, const struct breach *b) {
    struct risk *k = at->account->risk;
    RiskState *s = &k->s;
    s->has_lock = s->has_rule = s->has_locked_at = s->has_limit = s->has_value = true;
    s->lock = breach_lock(b);
    s->rule = b->rule;
    s->locked_at = batch_now(at->batch);
    s->has_locked_until = b->until == RISK_RULES__UNTIL__reset;
    s->locked_until = s->has_locked_until ? k->day_ends_at : 0;
    s->limit = b->limit;
    s->value = b->value;
    say_breach(k, b);
    if (is_for_executor(s)) send_lock(at, s->lock);
    tell_lock(at);
}

static void unlock_account(const struct at *at, const char *why) {
    RiskState *s = &at->account->risk->s;
    if (is_for_executor(s)) send_lock(at, ORDER_COMMAND__LOCK__open);
    batch_alert(at->batch, ALERT__SEVERITY__info, "account_unlocked", at->account->id,
                "%s; it was locked by %s", why, rule_name(s));
    s->has_lock = s->has_rule = s->has_locked_at = s->has_locked_until = s->has_limit =
        s->has_value = false;
    s->detail = NULL;
}

// --- days, and what they break

static bool begin_account_day(const struct at *at) {
    struct risk *k = at->account->risk;
    uint64_t now = batch_now(at->batch);
    if (now < k->day_ends_at || !breach_day(&k->rules, k->zone, &k->s, now)) return false;
    k->day_ends_at = zone_day_end(k->zone, k->s.day_started_at, k->rules.day_starts);
    if (k->s.has_lock && k->s.has_locked_until) unlock_account(at, "a new trading day");
    return true;
}

static bool lock_on_breach(const struct at *at) {
    struct risk *k = at->account->risk;
    struct breach b;
    if (!breach_find(&k->rules, &k->s, &b) || !breach_is_stronger(&k->s, &b)) return false;
    lock_account(at, &b);
    return true;
}

static struct risk *risk_at(const struct at *at) {
    return risks_of(at->router->desk.risks, at->router->context->book, at->config, at->account);
}

void locks_told(struct router *self, batch_t *batch, const AccountState *state) {
    const AccountConfig *config = book_account(self->context->book, state->account_id);
    if (!config || !state->has_balance || !state->has_equity) return;
    const struct at at = {self, batch, config,
                          router_accounts_get(self->desk.accounts, state->account_id)};
    struct risk *k = risk_at(&at);
    if (!k || !k->is_watched) return;
    const struct told told = {state->balance, state->equity, state->updated_at,
                              config->has_balance ? config->balance : 0};
    int64_t high = k->s.peak_equity, day_high = k->s.peak_day_profit;
    bool is_first = !k->s.has_day_start_balance, moved = begin_account_day(&at);
    breach_told(&k->rules, &k->s, &told);
    moved = lock_on_breach(&at) || moved || is_first || k->s.peak_equity != high ||
            k->s.peak_day_profit != day_high;
    if (moved || batch_now(batch) >= k->kept_at + KEEP_EVERY)
        locks_keep(batch, at.account, batch_now(batch));
}

void locks_ordered(struct router *self, batch_t *batch, const AccountConfig *config,
                   struct account *account) {
    const struct at at = {self, batch, config, account};
    struct risk *k = risk_at(&at);
    if (!k) return;
    (void)begin_account_day(&at); // an order counts in the day in which it is given
    risk_note_order(k, batch_now(batch));
    breach_ordered(&k->s);
    // nobody looks at either
    if (!k->rules.r.has_max_trades_day && !k->rules.r.has_max_orders) return;
    (void)lock_on_breach(&at);
    locks_keep(batch, account, batch_now(batch));
}

void locks_tick(struct router *self, batch_t *batch) {
    for (struct account *a = router_accounts_first(self->desk.accounts); a; a = a->next) {
        const AccountConfig *config = book_account(self->context->book, a->id);
        const struct at at = {self, batch, config, a};
        if (config && risk_at(&at) && begin_account_day(&at))
            locks_keep(batch, a, batch_now(batch));
    }
}

err_t locks_unlock(struct router *self, batch_t *batch, const Command *c) {
    const AccountConfig *config =
        c->account_id ? book_account(self->context->book, c->account_id) : NULL;
    if (!config) return ERR_MISSING;
    const struct at at = {self, batch, config,
                          router_accounts_get(self->desk.accounts, c->account_id)};
    struct risk *k = risk_at(&at);
    if (!k) risks_note_reason(at.account, NULL);
    // Not locked here: after a rollback of Redis the executor may be, still.
    if (!k || !k->s.has_lock) return send_lock(&at, ORDER_COMMAND__LOCK__open), ERR_OK;
    k->s.has_waived = true;
    k->s.waived = k->s.rule;
    unlock_account(&at, c->operator_ ? c->operator_ : "an operator");
    (void)lock_on_breach(&at); // another rule may be broken as well
    locks_keep(batch, at.account, c->created_at);
    return ERR_OK;
}
