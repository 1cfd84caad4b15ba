// breach - the result of a trading day so far, and which risk rule it breaks.
// SPDX-License-Identifier: MIT
#include "services/router/accounts/breach.h"

#include "common/base/decimal.h"

#define SET(message, field, value)                                                                 \
    ((void)((message)->has_##field = true), (message)->field = (value))

static int64_t max_amount(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min_amount(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t percent_of_amount(int64_t amount, int64_t percent) {
    return decimal_nearest((__int128)amount * percent / (100 * (__int128)DECIMAL_SCALE));
}

static int64_t subtract_amount(int64_t a, int64_t b) { return decimal_nearest((__int128)a - b); }

// --- the day

static void raise_mark(protobuf_c_boolean *has, int64_t *mark, int64_t value) {
    if (!*has || value > *mark) *mark = value;
    *has = true;
}

static int64_t day_profit(const RiskState *s, RiskRules__Watched watched) {
    return watched == RISK_RULES__WATCHED__balance
               ? subtract_amount(s->balance, s->day_start_balance)
               : subtract_amount(s->equity, s->day_start_equity);
}

static RiskRules__Watched profit_watched(const struct rules *rules) {
    return rules->r.profit_lock ? rules->r.profit_lock->watched : RISK_RULES__WATCHED__equity;
}

static void set_day_start(RiskState *s) {
    SET(s, day_start_balance, s->balance);
    SET(s, day_start_equity, s->equity);
}

void breach_told(const struct rules *rules, RiskState *s, const struct told *told) {
    if (s->has_told_at && told->at < s->told_at) return;
    bool late = s->has_day_started_at && told->at < s->day_started_at;
    SET(s, told_at, told->at);
    SET(s, balance, told->balance);
    SET(s, equity, told->equity);
    if (rules->r.has_initial_balance)
        SET(s, initial_balance, rules->r.initial_balance);
    else if (told->opening > 0)
        SET(s, initial_balance, told->opening);
    else if (!s->has_initial_balance)
        SET(s, initial_balance, told->balance);
    raise_mark(&s->has_peak_equity, &s->peak_equity, told->equity);
    if (!s->has_day_started_at) return;
    if (late || !s->has_day_start_balance) set_day_start(s);
    raise_mark(&s->has_peak_day_profit, &s->peak_day_profit, day_profit(s, profit_watched(rules)));
}

// What the day that ends leaves behind.
static void record_day_end(const struct rules *rules, RiskState *s) {
    raise_mark(&s->has_best_day_profit, &s->best_day_profit, day_profit(s, profit_watched(rules)));
    raise_mark(&s->has_peak_day_end, &s->peak_day_end, max_amount(s->balance, s->equity));
}

bool breach_day(const struct rules *rules, const zone_t *zone, RiskState *s, uint64_t now) {
    uint64_t began = zone_day_start(zone, now, rules->day_starts);
    if (s->has_day_started_at && began <= s->day_started_at) return false;
    if (s->has_day_start_balance) record_day_end(rules, s);
    SET(s, day_started_at, began);
    if (s->has_told_at) set_day_start(s);
    SET(s, peak_day_profit, 0);
    SET(s, trades_today, 0);
    s->has_waived = false;
    return true;
}

void breach_ordered(RiskState *s) { SET(s, trades_today, s->trades_today + 1); }

// --- the rules: each tells whether it is broken, and by what

typedef bool broken_fn(const RiskRules *r, const RiskState *s, struct breach *out);

static int64_t watched_value(const RiskState *s, RiskRules__Watched watched) {
    return watched == RISK_RULES__WATCHED__balance ? s->balance : s->equity;
}

// The smaller of an amount and a percentage of something.
static int64_t limit_of(bool has_amount, int64_t amount, bool has_percent, int64_t share) {
    if (has_amount && has_percent) return min_amount(amount, share);
    return has_amount ? amount : share;
}

static bool breaches_drawdown(const RiskRules *r, const RiskState *s, struct breach *out) {
    const Drawdown *d = r->drawdown;
    if (!d) return false;
    int64_t mark = s->initial_balance;
    if (d->kind == DRAWDOWN__KIND__end_of_day && s->has_peak_day_end)
        mark = max_amount(mark, s->peak_day_end);
    if (d->kind == DRAWDOWN__KIND__intraday && s->has_peak_equity)
        mark = max_amount(mark, s->peak_equity);
    int64_t floor =
        subtract_amount(mark, limit_of(d->has_amount, d->amount, d->has_percent,
                                       percent_of_amount(s->initial_balance, d->percent)));
    if (d->has_stops_at_initial && d->stops_at_initial)
        floor = min_amount(floor, s->initial_balance);
    *out = (struct breach){REASON__CODE__total_drawdown, d->breach, d->until,
                           watched_value(s, d->watched), floor};
    return out->value <= floor;
}

static bool breaches_daily_loss(const RiskRules *r, const RiskState *s, struct breach *out) {
    const DailyLoss *l = r->daily_loss;
    if (!l) return false;
    int64_t base = l->from == DAILY_LOSS__BASE__equity ? s->day_start_equity
                   : l->from == DAILY_LOSS__BASE__balance
                       ? s->day_start_balance
                       : max_amount(s->day_start_balance, s->day_start_equity);
    int64_t whole = l->percent_of == DAILY_LOSS__OF__initial ? s->initial_balance : base;
    int64_t limit =
        limit_of(l->has_amount, l->amount, l->has_percent, percent_of_amount(whole, l->percent));
    *out = (struct breach){REASON__CODE__daily_loss, l->breach, l->until,
                           subtract_amount(base, watched_value(s, l->watched)), limit};
    return out->value >= limit;
}

static bool breaches_profit_lock(const RiskRules *r, const RiskState *s, struct breach *out) {
    const ProfitLock *p = r->profit_lock;
    if (!p) return false;
    int64_t target = limit_of(p->has_amount, p->amount, p->has_percent,
                              percent_of_amount(s->day_start_balance, p->percent));
    *out = (struct breach){REASON__CODE__profit_lock, p->breach, p->until,
                           day_profit(s, p->watched), target};
    if (target <= 0) return false; // a percentage of nothing
    if (!p->has_give_back_percent) return out->value >= target;
    out->limit = subtract_amount(s->peak_day_profit,
                                 percent_of_amount(s->peak_day_profit, p->give_back_percent));
    return s->peak_day_profit >= target && out->value <= out->limit;
}

static bool breaches_consistency(const RiskRules *r, const RiskState *s, struct breach *out) {
    const Consistency *c = r->consistency;
    if (!c) return false;
    int64_t target = limit_of(c->has_target, c->target, c->has_target_percent,
                              percent_of_amount(s->initial_balance, c->target_percent));
    int64_t all = subtract_amount(watched_value(s, c->watched), s->initial_balance);
    int64_t limit = percent_of_amount(max_amount(target, all), c->percent);
    *out = (struct breach){REASON__CODE__consistency, c->breach, c->until,
                           day_profit(s, c->watched), limit};
    return limit > 0 && out->value >= limit;
}

static bool breaches_max_trades(const RiskRules *r, const RiskState *s, struct breach *out) {
    *out = (struct breach){REASON__CODE__max_trades_day, RISK_RULES__BREACH__block,
                           RISK_RULES__UNTIL__reset, (int64_t)s->trades_today * DECIMAL_SCALE,
                           (int64_t)r->max_trades_day * DECIMAL_SCALE};
    return r->has_max_trades_day && s->trades_today >= r->max_trades_day;
}

// In this order among equals.
static const struct {
    Reason__Code rule;
    broken_fn *broken;
    bool needs_day; // balance and equity, and those that the day began with
} table[] = {
    {REASON__CODE__total_drawdown, breaches_drawdown, true},
    {REASON__CODE__daily_loss, breaches_daily_loss, true},
    {REASON__CODE__profit_lock, breaches_profit_lock, true},
    {REASON__CODE__consistency, breaches_consistency, true},
    {REASON__CODE__max_trades_day, breaches_max_trades, false},
};

static bool outweighs_breach(const struct breach *a, const struct breach *b) {
    return a->action != b->action ? a->action > b->action : a->until > b->until;
}

bool breach_find(const struct rules *rules, const RiskState *s, struct breach *out) {
    bool found = false;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct breach b;
        if (s->has_waived && s->waived == table[i].rule) continue;
        if ((table[i].needs_day && !s->has_day_start_balance) || !table[i].broken(&rules->r, s, &b))
            continue;
        if (!found || outweighs_breach(&b, out)) *out = b;
        found = true;
    }
    return found;
}

bool breach_is_watched(const struct rules *rules) {
    return rules->r.daily_loss || rules->r.drawdown || rules->r.profit_lock || rules->r.consistency;
}

OrderCommand__Lock breach_lock(const struct breach *b) {
    switch (b->action) {
    case RISK_RULES__BREACH__block:
        return ORDER_COMMAND__LOCK__blocked;
    case RISK_RULES__BREACH__reduce_only:
        return ORDER_COMMAND__LOCK__reduce_only;
    case RISK_RULES__BREACH__flatten:
    case _RISK_RULES__BREACH_IS_INT_SIZE:
        break;
    }
    return ORDER_COMMAND__LOCK__flattened;
}

bool breach_is_stronger(const RiskState *s, const struct breach *b) {
    if (!s->has_lock || breach_lock(b) != s->lock) return !s->has_lock || breach_lock(b) > s->lock;
    return s->has_locked_until && b->until == RISK_RULES__UNTIL__hand;
}
