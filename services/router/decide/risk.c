// risk - checks an entry against the risk rules of an account.
// SPDX-License-Identifier: MIT
#include "services/router/decide/risk.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/domain/sessions.h"
#include "common/schema/record.h"
#include "services/router/accounts/risks.h"
#include "services/router/decide/levels.h"

#define PRICE_AGE_S    60 // presets of RiskRules
#define ORDER_WINDOW_S 60

typedef bool stops_fn(const struct decide_input *in, struct decide_result *out);

static const RiskRules *get_risk_rules(const struct decide_input *in) { return &in->risk->rules.r; }

// --- words

static void tell_limit(struct decide_result *out, const char *const names[2], int64_t value,
                       int64_t limit) {
    char a[DECIMAL_TEXT], b[DECIMAL_TEXT];
    (void)decimal_print(D(value), a);
    (void)decimal_print(D(limit), b);
    decide_say(out, "%s %s, %s %s", names[0], a, names[1], b);
    decide_tell(out, names[0], D(value));
    decide_tell(out, names[1], D(limit));
}

static int64_t scale_count(uint64_t n) {
    return n > INT64_MAX / DECIMAL_SCALE ? INT64_MAX : (int64_t)n * DECIMAL_SCALE;
}

// Seconds, to 10 ns.
static int64_t convert_to_seconds(uint64_t ns) {
    return ns / 10 > INT64_MAX ? INT64_MAX : (int64_t)(ns / 10);
}

// --- where and when

static bool is_symbol_listed(char *const *names, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) return true;
    }
    return false;
}

static bool is_symbol_forbidden(const struct decide_input *in, struct decide_result *out) {
    const RiskRules *r = get_risk_rules(in);
    if (!r->n_allowed_symbols ||
        is_symbol_listed(r->allowed_symbols, r->n_allowed_symbols, in->signal->symbol))
        return false;
    decide_say(out, "symbol %.60s", in->signal->symbol);
    return true;
}

static bool not_traded(const struct decide_input *in, struct decide_result *out) {
    if (sessions_hold(in->symbol->sessions, in->symbol->n_sessions, in->market_zone, in->now))
        return false;
    decide_say(out, "%.60s is not traded at this hour", in->signal->symbol);
    return true;
}

static bool off_hours(const struct decide_input *in, struct decide_result *out) {
    const RiskRules *r = get_risk_rules(in);
    if (sessions_hold(r->sessions, r->n_sessions, in->risk->zone, in->now)) return false;
    decide_say(out, "not within the account's hours (%.60s)", in->risk->rules.zone);
    return true;
}

static bool has_currency(const char *symbol, const Blackout *b) {
    for (size_t i = 0; i < b->n_currencies; i++) {
        if (strstr(symbol, b->currencies[i])) return true;
    }
    return false;
}

static bool is_dark(const Blackout *b, const char *symbol, uint64_t now) {
    if (now < b->from || now >= b->to) return false;
    return (!b->n_symbols && !b->n_currencies) ||
           is_symbol_listed(b->symbols, b->n_symbols, symbol) || has_currency(symbol, b);
}

static bool is_in_blackout(const struct decide_input *in, struct decide_result *out) {
    for (unsigned layer = 0; layer < in->risk->rules.n_layers; layer++) {
        const RiskRules *r = in->risk->rules.layers[layer];
        for (size_t i = 0; i < r->n_blackouts; i++) {
            const Blackout *b = r->blackouts[i];
            if (!is_dark(b, in->signal->symbol, in->now)) continue;
            char until[TIME_TEXT];
            (void)time_print(b->to, until);
            decide_say(out, "%.60s until %s", b->note ? b->note : "blackout", until);
            decide_tell(out, "ends_in_s", D(convert_to_seconds(b->to - in->now)));
            return true;
        }
    }
    return false;
}

static bool lacks_confidence(const struct decide_input *in, struct decide_result *out) {
    static const char *const names[2] = {"confidence", "min_confidence"};
    const RiskRules *r = get_risk_rules(in);
    const Signal *s = in->signal;
    if (!r->has_min_confidence || (s->has_confidence && s->confidence >= r->min_confidence))
        return false;
    if (s->has_confidence) {
        tell_limit(out, names, s->confidence, r->min_confidence);
    } else {
        decide_say(out, "the signal tells no confidence");
        decide_tell(out, names[1], D(r->min_confidence));
    }
    return true;
}

// --- prices

static uint64_t price_age_max(const RiskRules *r) {
    return (r->has_max_price_age_s ? r->max_price_age_s : PRICE_AGE_S) * NS_PER_S;
}

static const struct rate *find_signal_rate(const struct decide_input *in) {
    uint64_t age = price_age_max(get_risk_rules(in));
    return rates_find(in->market.rates, in->signal->symbol, in->now > age ? in->now - age : 0);
}

static bool needs_price(const RiskRules *r) {
    return r->has_max_spread_points || r->has_max_deviation_points || r->has_max_deviation_percent;
}

static void tell_stale_price(const struct decide_input *in, struct decide_result *out,
                             uint64_t age_max) {
    static const char *const names[2] = {"price_age_s", "max_price_age_s"};
    const struct rate *old = rates_find(in->market.rates, in->signal->symbol, 0);
    int64_t most = convert_to_seconds(age_max);
    if (old) {
        tell_limit(out, names, convert_to_seconds(in->now > old->at ? in->now - old->at : 0), most);
    } else {
        decide_say(out, "no price of %.60s was ever told", in->signal->symbol);
        decide_tell(out, names[1], D(most));
    }
}

static bool no_fresh_price(const struct decide_input *in, struct decide_result *out) {
    if (!needs_price(get_risk_rules(in)) || find_signal_rate(in)) return false;
    tell_stale_price(in, out, price_age_max(get_risk_rules(in)));
    return true;
}

// The symbol's own limit stands for all accounts of its broker, whatever their rules.
static Reason__Code check_symbol_spread(const struct decide_input *in, struct decide_result *out) {
    static const char *const names[2] = {"spread", "max_spread"};
    uint64_t age = in->risk ? price_age_max(get_risk_rules(in)) : PRICE_AGE_S * NS_PER_S;
    const struct rate *p =
        rates_find(in->market.rates, in->signal->symbol, in->now > age ? in->now - age : 0);
    if (!p) {
        tell_stale_price(in, out, age);
        return REASON__CODE__stale_price;
    }
    int64_t spread = p->ask.e8 - p->bid.e8;
    if (spread <= in->symbol->max_spread) return REASON__CODE__ordered;
    tell_limit(out, names, spread, in->symbol->max_spread);
    return REASON__CODE__wide_spread;
}

static int64_t in_points(const struct decide_input *in, int64_t distance) {
    int64_t point = symbol_point(in->symbol).e8;
    return point > 0 ? decimal_nearest((__int128)distance * DECIMAL_SCALE / point) : INT64_MAX;
}

static bool is_spread_wide(const struct decide_input *in, struct decide_result *out) {
    static const char *const names[2] = {"spread_points", "max_spread_points"};
    const RiskRules *r = get_risk_rules(in);
    if (!r->has_max_spread_points) return false;
    const struct rate *p = find_signal_rate(in);
    int64_t spread = in_points(in, p->ask.e8 - p->bid.e8);
    if (spread <= r->max_spread_points) return false;
    tell_limit(out, names, spread, r->max_spread_points);
    return true;
}

// A market order that expects no price deviates from none.
static bool far_off(const struct decide_input *in, struct decide_result *out) {
    static const char *const points[2] = {"deviation_points", "max_deviation_points"};
    static const char *const percent[2] = {"deviation_percent", "max_deviation_percent"};
    const RiskRules *r = get_risk_rules(in);
    if ((!r->has_max_deviation_points && !r->has_max_deviation_percent) || !in->signal->has_price)
        return false;
    int64_t last = find_signal_rate(in)->last.e8, off = decimal_abs(D(in->signal->price - last)).e8,
            by_points = in_points(in, off);
    int64_t by_percent = decimal_nearest((__int128)off * 100 * DECIMAL_SCALE / last);
    bool over_points = r->has_max_deviation_points && by_points > r->max_deviation_points;
    // Compared without rounding.
    bool over_percent =
        r->has_max_deviation_percent &&
        (__int128)off * 100 * DECIMAL_SCALE > (__int128)r->max_deviation_percent * last;
    if (over_points)
        tell_limit(out, points, by_points, r->max_deviation_points);
    else if (over_percent)
        tell_limit(out, percent, by_percent, r->max_deviation_percent);
    if (over_points || over_percent) decide_tell(out, "last_price", D(last));
    return over_points || over_percent;
}

// --- what is open

static bool exceeds_rule_trades(const struct decide_input *in, struct decide_result *out) {
    static const char *const names[2] = {"open_trades", "max_open_trades"};
    const RiskRules *r = get_risk_rules(in);
    if (!r->has_max_open_trades || in->open_trades < r->max_open_trades) return false;
    tell_limit(out, names, scale_count(in->open_trades), scale_count(r->max_open_trades));
    return true;
}

static bool too_often(const struct decide_input *in, struct decide_result *out) {
    static const char *const names[2] = {"orders", "max_orders"};
    const RiskRules *r = get_risk_rules(in);
    uint64_t window_s = r->has_order_window_s ? r->order_window_s : ORDER_WINDOW_S,
             window = window_s * NS_PER_S;
    if (!r->has_max_orders) return false;
    unsigned n = risk_orders_since(in->risk, in->now > window ? in->now - window : 0);
    if (n < r->max_orders) return false;
    tell_limit(out, names, scale_count(n), scale_count(r->max_orders));
    decide_tell(out, "order_window_s", D(scale_count(window_s)));
    return true;
}

static bool needs_account(const struct decide_input *in) {
    return in->risk->is_watched || get_risk_rules(in)->has_max_exposure_percent ||
           get_risk_rules(in)->has_min_margin_level;
}

static bool nothing_told(const struct decide_input *in, struct decide_result *out) {
    if (!needs_account(in) || (in->money && in->money->known)) return false;
    decide_say(out, "the broker has not told the account's balance and equity");
    return true;
}

static bool margin_low(const struct decide_input *in, struct decide_result *out) {
    static const char *const names[2] = {"margin_level", "min_margin_level"};
    const RiskRules *r = get_risk_rules(in);
    if (!r->has_min_margin_level || !in->money->has_margin_level ||
        in->money->margin_level.e8 >= r->min_margin_level)
        return false;
    tell_limit(out, names, in->money->margin_level.e8, r->min_margin_level);
    return true;
}

// Open lots of a side, and what may still be filled of it.
static __int128 sum_side_lots(const struct holding *h, bool is_short) {
    return is_short ? h->shorts + h->sells : h->longs + h->buys;
}

static bool is_side_open(const struct decide_input *in, struct decide_result *out) {
    const RiskRules *r = get_risk_rules(in);
    if (!r->has_one_per_direction || !r->one_per_direction || !in->holding) return false;
    int64_t open =
        decimal_nearest(sum_side_lots(in->holding, out->leg.side == SIGNAL__DIRECTION__sell));
    if (open <= 0) return false;
    char lots[DECIMAL_TEXT];
    (void)decimal_print(D(open), lots);
    decide_say(out, "%s lots are open on this side", lots);
    decide_tell(out, "open_lots", D(open));
    return true;
}

// --- the lock, and the table

// Which rule it was is the reason.
static Reason__Code find_lock_reason(const struct decide_input *in, struct decide_result *out) {
    const RiskState *s = &in->risk->s;
    if (!s->has_lock) return REASON__CODE__ordered;
    char until[TIME_TEXT] = "it is unlocked";
    if (s->has_locked_until) (void)time_print(s->locked_until, until);
    decide_say(out, "%.80s; until %s", s->detail ? s->detail : "", until);
    decide_tell(out, "value", D(s->value));
    decide_tell(out, "limit", D(s->limit));
    return s->has_rule ? s->rule : REASON__CODE__daily_loss;
}

// In this order: the first that stops is the reason.
static const struct {
    stops_fn *stops;
    Reason__Code reason;
} table[] = {
    {is_symbol_forbidden, REASON__CODE__symbol_not_allowed},
    {off_hours, REASON__CODE__outside_session},
    {is_in_blackout, REASON__CODE__blackout},
    {lacks_confidence, REASON__CODE__low_confidence},
    {no_fresh_price, REASON__CODE__stale_price},
    {is_spread_wide, REASON__CODE__wide_spread},
    {far_off, REASON__CODE__price_deviation},
    {exceeds_rule_trades, REASON__CODE__max_open_trades},
    {too_often, REASON__CODE__order_rate},
    {nothing_told, REASON__CODE__no_account_state},
    {margin_low, REASON__CODE__low_margin_level},
    {is_side_open, REASON__CODE__duplicate_direction},
};

Reason__Code risk_before(const struct decide_input *in, struct decide_result *out) {
    if (in->symbol->n_sessions && not_traded(in, out)) return REASON__CODE__market_closed;
    Reason__Code reason = in->risk ? find_lock_reason(in, out) : REASON__CODE__ordered;
    if (reason == REASON__CODE__ordered && in->symbol->has_max_spread)
        reason = check_symbol_spread(in, out);
    if (!in->risk) return reason;
    for (size_t i = 0; reason == REASON__CODE__ordered && i < sizeof table / sizeof *table; i++) {
        if (table[i].stops(in, out)) reason = table[i].reason;
    }
    return reason;
}

// --- once the size is known

struct lots_limit {
    bool is_set;
    int64_t most;
    __int128 open;
    const char *name;
    Reason__Code reason;
};

static __int128 open_in(const struct holding *h) {
    return h ? sum_side_lots(h, false) + sum_side_lots(h, true) : 0;
}

static __int128 open_everywhere(const struct account *a) {
    __int128 sum = 0;
    for (const struct holding *h = a ? a->holdings : NULL; h; h = h->next) sum += open_in(h);
    return sum;
}

static bool exceeds_lots_limit(const struct lots_limit *l, struct decide_result *out) {
    if (!l->is_set || l->open + out->lots.e8 <= l->most) return false;
    char lots[DECIMAL_TEXT], open[DECIMAL_TEXT], most[DECIMAL_TEXT];
    (void)decimal_print(out->lots, lots);
    (void)decimal_print(D(decimal_nearest(l->open)), open);
    (void)decimal_print(D(l->most), most);
    decide_say(out, "%s lots, %s open, %s %s", lots, open, l->name, most);
    if (l->reason != REASON__CODE__max_lots_order)
        decide_tell(out, "open_lots", D(decimal_nearest(l->open)));
    decide_tell(out, l->name, D(l->most));
    return true;
}

static Reason__Code too_many_lots(const struct decide_input *in, struct decide_result *out) {
    const RiskRules *r = get_risk_rules(in);
    const struct lots_limit limits[] = {
        {r->has_max_lots_order, r->max_lots_order, 0, "max_lots_order",
         REASON__CODE__max_lots_order},
        {r->has_max_lots_symbol, r->max_lots_symbol, open_in(in->holding), "max_lots_symbol",
         REASON__CODE__max_lots_symbol},
        {r->has_max_lots_account, r->max_lots_account, open_everywhere(in->held),
         "max_lots_account", REASON__CODE__max_lots_account},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (exceeds_lots_limit(&limits[i], out)) return limits[i].reason;
    }
    return REASON__CODE__ordered;
}

// --- exposure: notional value in the account's currency

// Lots of a symbol at its last price, whichever side they are on. False: there is no rate, or
// nothing to convert by.
static bool compute_notional(const struct decide_input *in, const char *name, __int128 lots,
                             int64_t *out) {
    const SymbolConfig *s = book_symbol(in->broker, name);
    decimal_t units, value;
    if (!s) return false;
    const struct symbol_currencies c = symbol_currencies_of(s, name);
    const struct rate *last = rates_find(in->market.rates, name, in->market.since);
    decimal_t contract = s->has_contract_size ? D(s->contract_size) : DECIMAL_INT(100000);
    if (!c.profit[0] || !last || !decimal_mul(D(decimal_nearest(lots)), contract, ROUND_UP, &units))
        return false;
    if (!decimal_mul(units, last->last, ROUND_UP, &value)) return false;
    decimal_t converted;
    const struct exchange x = {value, c.profit, in->account->currency, ROUND_UP};
    if (rates_convert(&in->market, &x, &converted) != CONVERTED) return false;
    *out = converted.e8;
    return true;
}

static bool sum_exposure(const struct decide_input *in, int64_t *sum) {
    __int128 all = 0;
    for (const struct holding *h = in->held ? in->held->holdings : NULL; h; h = h->next) {
        int64_t one = 0;
        if (open_in(h) > 0 && !compute_notional(in, h->symbol, open_in(h), &one)) return false;
        all += one;
    }
    *sum = decimal_nearest(all);
    return true;
}

// The smaller of both limits.
static int64_t exposure_limit(const struct decide_input *in) {
    const RiskRules *r = get_risk_rules(in);
    int64_t most = r->has_max_exposure ? r->max_exposure : INT64_MAX;
    if (!r->has_max_exposure_percent) return most;
    int64_t share = decimal_nearest((__int128)in->money->equity.e8 * r->max_exposure_percent /
                                    (100 * (__int128)DECIMAL_SCALE));
    return share < most ? share : most;
}

static Reason__Code too_exposed(const struct decide_input *in, struct decide_result *out) {
    static const char *const names[2] = {"exposure", "max_exposure"};
    if (!get_risk_rules(in)->has_max_exposure && !get_risk_rules(in)->has_max_exposure_percent)
        return REASON__CODE__ordered;
    int64_t open = 0, own = 0;
    if (!sum_exposure(in, &open) || !compute_notional(in, in->signal->symbol, out->lots.e8, &own)) {
        decide_say(out, "no price says what this, or what is open, is in %.8s",
                   in->account->currency);
        return REASON__CODE__no_rate;
    }
    int64_t limit = exposure_limit(in), all = decimal_nearest((__int128)open + own);
    if (all <= limit) return REASON__CODE__ordered;
    tell_limit(out, names, all, limit);
    decide_tell(out, "open_exposure", D(open));
    return REASON__CODE__max_exposure;
}

Reason__Code risk_sized(const struct decide_input *in, struct decide_result *out) {
    if (!in->risk) return REASON__CODE__ordered;
    Reason__Code reason = too_many_lots(in, out);
    if (reason == REASON__CODE__ordered) reason = too_exposed(in, out);
    if (reason != REASON__CODE__ordered) out->has_lots = false;
    return reason;
}
