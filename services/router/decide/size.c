// size - how many lots an account trades.
// SPDX-License-Identifier: MIT
#include "services/router/decide/size.h"

#include <stdio.h>

#include "services/router/decide/levels.h"

#define ORDERED REASON__CODE__ordered
#define ONE     DECIMAL_INT(1)
#define HUNDRED DECIMAL_INT(100)

static const decimal_t lot_step_preset = {1000000};                     // 0.01
static const decimal_t contract_size_preset = {100000 * DECIMAL_SCALE}; // as in config.proto

decimal_t size_step(const SymbolConfig *s) {
    return s->has_lot_step && s->lot_step > 0 ? D(s->lot_step) : lot_step_preset;
}

bool size_by(const Subscription *s, Sizing__By *out) {
    *out = s->has_sizing      ? s->sizing
           : s->has_fixed_lot ? SIZING__BY__fixed
                              : SIZING__BY__multiplier;
    return s->has_sizing || s->has_fixed_lot || s->has_multiplier;
}

bool size_follows(const Subscription *s) {
    Sizing__By by;
    if (!size_by(s, &by)) return false;
    return by == SIZING__BY__multiplier || by == SIZING__BY__equity_ratio ||
           (by == SIZING__BY__target && !s->has_fixed_lot);
}

bool size_is_by_risk(const struct decide_input *in) {
    Sizing__By by;
    if (!size_by(in->subscription, &by)) return false;
    if (by == SIZING__BY__balance_percent || by == SIZING__BY__equity_percent ||
        by == SIZING__BY__cash_risk)
        return true;
    return size_follows(in->subscription) && !in->signal->has_lot_size &&
           (in->signal->has_risk_percent || in->signal->has_risk_amount);
}

static Reason__Code refuse_unsized(struct decide_result *out, const char *why) {
    decide_say(out, "%s", why);
    return REASON__CODE__no_lot_size;
}

static Reason__Code too_large(struct decide_result *out, const char *what) {
    decide_say(out, "%s is out of range", what);
    return REASON__CODE__out_of_range;
}

// --- currencies

static const char *account_currency(const struct decide_input *in) {
    return in->money && in->money->currency[0] ? in->money->currency : in->account->currency;
}

static const char *get_known_currency(const char *currency) { return *currency ? currency : NULL; }

// `from` or `to` NULL: not known.
static Reason__Code convert_amount(const struct decide_input *in, struct exchange *x,
                                   struct decide_result *out, decimal_t *result) {
    if (!x->from || !x->to) {
        decide_say(out, "the currency of %.40s is not configured", in->signal->symbol);
        return REASON__CODE__unknown_currency;
    }
    switch (rates_convert(&in->market, x, result)) {
    case CONVERTED:
        return ORDERED;
    case NO_RATE:
        decide_say(out, "no price converts %.8s to %.8s", x->from, x->to);
        return REASON__CODE__no_rate;
    case TOO_LARGE:
        break;
    }
    return too_large(out, "an amount in another currency");
}

static decimal_t contract_of(const SymbolConfig *s) {
    return s->has_contract_size ? D(s->contract_size) : contract_size_preset;
}

Reason__Code size_worth_of_lot(const struct decide_input *in, struct decide_result *out,
                               decimal_t *worth) {
    const struct symbol_currencies c = symbol_currencies_of(in->symbol, in->signal->symbol);
    struct exchange x = {contract_of(in->symbol), get_known_currency(c.margin),
                         account_currency(in), ROUND_UP};
    if (x.from) return convert_amount(in, &x, out, worth);
    if (!out->levels.entry.has) {
        decide_say(out, "no price of %.40s is known", in->signal->symbol);
        return REASON__CODE__no_price;
    }
    x.from = get_known_currency(c.profit);
    if (!decimal_mul(x.amount, out->levels.entry.value, ROUND_UP, &x.amount))
        return too_large(out, "the worth of a lot");
    return convert_amount(in, &x, out, worth);
}

// --- by risk

// How far the stop is; `ordered` when it is somewhere.
static Reason__Code stop_distance(const struct decide_input *in, struct decide_result *out,
                                  decimal_t *distance) {
    const struct levels *l = &out->levels;
    if (!l->stop_loss.has) {
        decide_say(out, "sized by risk, and there is no stop loss");
        return REASON__CODE__no_stop_loss;
    }
    if (!l->entry.has) {
        decide_say(out, "no price of %.40s is known", in->signal->symbol);
        return REASON__CODE__no_price;
    }
    if (!decimal_sub(l->entry.value, l->stop_loss.value, distance))
        return too_large(out, "the stop distance");
    *distance = decimal_abs(*distance);
    if (!decimal_is_zero(*distance)) return ORDERED;
    decide_say(out, "the stop loss is at the entry price");
    decide_tell(out, "price", l->entry.value);
    decide_tell(out, "stop_loss", l->stop_loss.value);
    return REASON__CODE__zero_stop_distance;
}

// So many lots lose at most `budget`, in the symbol's currency. What is at risk is converted, not
// the loss: that keeps what comes out even.
static Reason__Code lots_for(const struct decide_input *in, decimal_t budget, decimal_t distance,
                             struct decide_result *out, decimal_t *lots) {
    const SymbolConfig *s = in->symbol;
    decimal_t loss, unit = s->has_tick_value ? symbol_tick(s) : ONE;
    bool ok = decimal_mul(distance, s->has_tick_value ? D(s->tick_value) : contract_of(s), ROUND_UP,
                          &loss);
    if (!ok || !decimal_scale(budget, unit, loss, ROUND_DOWN, lots))
        return too_large(out, "the size");
    decimal_t per_lot;
    if (decimal_div(loss, unit, ROUND_UP, &per_lot)) decide_tell(out, "loss_per_lot", per_lot);
    return ORDERED;
}

static Reason__Code by_amount(const struct decide_input *in, decimal_t amount,
                              struct decide_result *out, decimal_t *lots) {
    const struct symbol_currencies c = symbol_currencies_of(in->symbol, in->signal->symbol);
    struct exchange x = {amount, account_currency(in), get_known_currency(c.profit), ROUND_DOWN};
    decimal_t distance, budget;
    decide_tell(out, "risk_amount", amount);
    Reason__Code reason = stop_distance(in, out, &distance);
    if (reason == ORDERED) reason = convert_amount(in, &x, out, &budget);
    if (reason != ORDERED) return reason;
    if (budget.e8 != amount.e8) decide_tell(out, "risk_in_quote", budget);
    decide_tell(out, "stop_distance", distance);
    return lots_for(in, budget, distance, out, lots);
}

static Reason__Code no_money(struct decide_result *out) {
    decide_say(out, "the account's balance and equity are not known, or not above zero");
    return REASON__CODE__no_account_state;
}

static bool has_money(const struct decide_input *in) { return in->money && in->money->known; }

static Reason__Code by_percent(const struct decide_input *in, decimal_t base, decimal_t percent,
                               struct decide_result *out, decimal_t *lots) {
    decimal_t amount;
    if (!has_money(in) || base.e8 <= 0) return no_money(out);
    decide_tell(out, "risk_percent", percent);
    if (!decimal_scale(base, percent, HUNDRED, ROUND_DOWN, &amount))
        return too_large(out, "the amount at risk");
    return by_amount(in, amount, out, lots);
}

static Reason__Code by_margin(const struct decide_input *in, decimal_t percent,
                              struct decide_result *out, decimal_t *lots) {
    decimal_t amount, worth;
    if (!has_money(in) || in->money->balance.e8 <= 0) return no_money(out);
    Reason__Code reason = size_worth_of_lot(in, out, &worth);
    if (reason != ORDERED) return reason;
    uint32_t leverage = in->money->leverage ? in->money->leverage : in->account->leverage;
    bool ok = decimal_scale(in->money->balance, percent, HUNDRED, ROUND_DOWN, &amount) &&
              worth.e8 > 0 &&
              decimal_scale(amount, DECIMAL_INT((int64_t)leverage), worth, ROUND_DOWN, lots);
    decide_tell(out, "margin_percent", percent);
    return ok ? ORDERED : too_large(out, "the size");
}

// --- by the signal

static Reason__Code scale_by_equity(const struct decide_input *in, decimal_t said,
                                    struct decide_result *out, decimal_t *lots) {
    const Signal *s = in->signal;
    decimal_t provider = s->has_provider_equity    ? D(s->provider_equity)
                         : s->has_provider_balance ? D(s->provider_balance)
                         : in->subscription->has_provider_equity
                             ? D(in->subscription->provider_equity)
                             : D(0);
    if (!has_money(in) || in->money->equity.e8 <= 0) return no_money(out);
    if (provider.e8 <= 0) {
        decide_say(out, "the provider's equity is not known");
        return REASON__CODE__no_provider_equity;
    }
    decide_tell(out, "equity", in->money->equity);
    decide_tell(out, "provider_equity", provider);
    return decimal_scale(said, in->money->equity, provider, ROUND_DOWN, lots)
               ? ORDERED
               : too_large(out, "size times equity ratio");
}

static Reason__Code multiply_lots(const struct decide_input *in, decimal_t lots,
                                  struct decide_result *out, decimal_t *product) {
    decimal_t by = in->subscription->has_multiplier ? D(in->subscription->multiplier) : ONE;
    if (decimal_mul(lots, by, ROUND_DOWN, product)) return ORDERED;
    decide_say(out, "size times multiplier is out of range");
    return REASON__CODE__above_max_lot;
}

Reason__Code size_scaled(const struct decide_input *in, decimal_t said, struct decide_result *out,
                         decimal_t *lots) {
    Sizing__By by;
    Reason__Code reason = ORDERED;
    *lots = said;
    if (size_by(in->subscription, &by) && by == SIZING__BY__equity_ratio)
        reason = scale_by_equity(in, said, out, lots);
    return reason == ORDERED ? multiply_lots(in, *lots, out, lots) : reason;
}

static Reason__Code by_signal(const struct decide_input *in, struct optional_price said,
                              struct decide_result *out, decimal_t *lots) {
    const Signal *s = in->signal;
    Reason__Code reason;
    if (said.has) return size_scaled(in, said.value, out, lots);
    decimal_t balance = has_money(in) ? in->money->balance : D(0);
    if (s->has_risk_percent)
        reason = by_percent(in, balance, D(s->risk_percent), out, lots);
    else if (s->has_risk_amount)
        reason = by_amount(in, D(s->risk_amount), out, lots);
    else if (s->has_margin_percent)
        reason = by_margin(in, D(s->margin_percent), out, lots);
    else
        return refuse_unsized(out, "the signal has no size to multiply");
    return reason == ORDERED ? multiply_lots(in, *lots, out, lots) : reason;
}

// --- all of them

static Reason__Code by_share(const struct decide_input *in, bool of_equity,
                             struct decide_result *out, decimal_t *lots) {
    const Subscription *sub = in->subscription;
    if (!sub->has_risk_percent && !in->signal->has_risk_percent)
        return refuse_unsized(out, "neither subscription nor signal says what is at risk");
    decimal_t percent = sub->has_risk_percent ? D(sub->risk_percent) : D(in->signal->risk_percent);
    decimal_t base = !has_money(in) ? D(0) : of_equity ? in->money->equity : in->money->balance;
    return by_percent(in, base, percent, out, lots);
}

Reason__Code size_asked(const struct decide_input *in, struct optional_price said,
                        struct decide_result *out, decimal_t *asked) {
    const Subscription *sub = in->subscription;
    Sizing__By by;
    if (!size_by(sub, &by)) return refuse_unsized(out, "neither fixed_lot nor multiplier");
    switch (by) {
    case SIZING__BY__target:
        if (!sub->has_fixed_lot) return by_signal(in, said, out, asked);
        [[fallthrough]];
    case SIZING__BY__fixed:
        *asked = D(sub->fixed_lot);
        return sub->has_fixed_lot ? ORDERED
                                  : refuse_unsized(out, "sized by fixed_lot, and it is not set");
    case SIZING__BY__multiplier:
    case SIZING__BY__equity_ratio:
        return by_signal(in, said, out, asked);
    case SIZING__BY__balance_percent:
        return by_share(in, false, out, asked);
    case SIZING__BY__equity_percent:
        return by_share(in, true, out, asked);
    case SIZING__BY__cash_risk:
        if (!sub->has_risk_cash && !in->signal->has_risk_amount)
            return refuse_unsized(out, "neither subscription nor signal says what is at risk");
        return by_amount(in, sub->has_risk_cash ? D(sub->risk_cash) : D(in->signal->risk_amount),
                         out, asked);
    case _SIZING__BY_IS_INT_SIZE:
        break;
    }
    return refuse_unsized(out, "a sizing that is not known here");
}

// --- what can be ordered

decimal_t size_least(const struct decide_input *in) {
    decimal_t step = size_step(in->symbol),
              least = in->symbol->has_min_lot ? D(in->symbol->min_lot) : step;
    if (in->subscription->has_min_lot && in->subscription->min_lot > least.e8)
        least = D(in->subscription->min_lot);
    return least.e8 > 0 ? least : step;
}

struct bound {
    const char *words, *name;
    decimal_t lots;
};

static Reason__Code refuse_lots(struct decide_result *out, Reason__Code reason, decimal_t lots,
                                struct bound bound) {
    char a[DECIMAL_TEXT], b[DECIMAL_TEXT];
    (void)decimal_print(lots, a);
    (void)decimal_print(bound.lots, b);
    decide_say(out, "%s lots, %s %s", a, bound.words, b);
    decide_tell(out, "lots", lots);
    decide_tell(out, bound.name, bound.lots);
    return reason;
}

void size_is(struct decide_result *out, decimal_t lots, decimal_t asked) {
    char a[DECIMAL_TEXT], b[DECIMAL_TEXT];
    (void)decimal_print(lots, a);
    (void)decimal_print(asked, b);
    if (lots.e8 == asked.e8)
        decide_say(out, "%s lots", a);
    else
        decide_say(out, "%s lots, from %s", a, b);
    decide_tell(out, "lots", lots);
    decide_tell(out, "asked_lots", asked);
    out->has_lots = true;
    out->lots = lots;
}

Reason__Code size_too_small(struct decide_result *out, decimal_t lots, decimal_t step) {
    return refuse_lots(out, REASON__CODE__below_min_lot, lots,
                       (struct bound){"step", "lot_step", step});
}

// The least, on the grid of steps. False: the subscription's own most is below it.
static bool round_up(const struct decide_input *in, decimal_t least, decimal_t step,
                     decimal_t *lots) {
    const Subscription *s = in->subscription;
    if (s->below_min != SIZING__BELOW_MIN__round_up ||
        !decimal_to_step(least, step, ROUND_UP, &least))
        return false;
    if (s->has_max_lot && least.e8 > s->max_lot) return false;
    *lots = least;
    return true;
}

Reason__Code size_round(const struct decide_input *in, decimal_t asked, struct decide_result *out,
                        decimal_t *lots) {
    const Subscription *s = in->subscription;
    decimal_t step = size_step(in->symbol), least = size_least(in);
    *lots = s->has_max_lot ? decimal_min(asked, D(s->max_lot)) : asked;
    if (!decimal_to_step(*lots, step, ROUND_DOWN, lots)) return size_too_small(out, asked, step);
    if (decimal_cmp(*lots, least) < 0 && !(asked.e8 > 0 && round_up(in, least, step, lots)))
        return refuse_lots(out, REASON__CODE__below_min_lot, *lots,
                           (struct bound){"at least", "min_lot", least});
    return ORDERED;
}

Reason__Code size_fit(const struct decide_input *in, decimal_t asked, struct decide_result *out) {
    decimal_t lots;
    Reason__Code reason = size_round(in, asked, out, &lots);
    if (reason != ORDERED) return reason;
    if (in->symbol->has_max_lot && lots.e8 > in->symbol->max_lot)
        return refuse_lots(out, REASON__CODE__above_max_lot, lots,
                           (struct bound){"at most", "max_lot", D(in->symbol->max_lot)});
    size_is(out, lots, asked);
    return ORDERED;
}
