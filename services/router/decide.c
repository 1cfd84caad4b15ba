// decide - what one account makes of a signal.
// SPDX-License-Identifier: MIT
#include "services/router/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

static const decimal_t lot_step_preset = {1000000}; // 0.01

static void say(struct decide_result *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct decide_result *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out->detail, sizeof out->detail, format, args); // cut when longer: it is only for reading
    va_end(args);
}

// Beyond DECIDE_NUMBERS they are left out: only for reading, too.
static void tell(struct decide_result *out, const char *name, decimal_t value) {
    if (out->n_numbers < DECIDE_NUMBERS) out->numbers[out->n_numbers++] = (struct decide_number){name, value};
}

static void tell_count(struct decide_result *out, const char *name, uint32_t count) { tell(out, name, DECIMAL_INT((int64_t)count)); }

// Seconds, to 10 ns.
static void tell_time(struct decide_result *out, const char *name, uint64_t ns) {
    tell(out, name, D(ns / 10 > INT64_MAX ? INT64_MAX : (int64_t)(ns / 10)));
}

static bool is_close(const struct decide_input *in) { return in->signal->direction == SIGNAL__DIRECTION__close; }

static bool lists(char *const *names, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        if (name && strcmp(names[i], name) == 0) return true;
    }
    return false;
}

// --- checks: each tells whether it refuses, and with which numbers

typedef bool refuses_fn(const struct decide_input *in, struct decide_result *out);

static bool only_votes(const struct decide_input *in, struct decide_result *out) {
    if (!in->signal->part_only) return false;
    say(out, "the source only votes in a consensus");
    return true;
}

static bool other_strategy(const struct decide_input *in, struct decide_result *out) {
    const Subscription *s = in->subscription;
    if (s->n_strategies == 0 || lists(s->strategies, s->n_strategies, in->signal->strategy)) return false;
    say(out, "strategy %.60s", in->signal->strategy ? in->signal->strategy : "not given");
    return true;
}

static bool other_symbol(const struct decide_input *in, struct decide_result *out) {
    const Subscription *s = in->subscription;
    if (s->n_symbols == 0 || lists(s->symbols, s->n_symbols, in->signal->symbol)) return false;
    say(out, "symbol %.60s", in->signal->symbol);
    return true;
}

static bool disabled(const struct decide_input *in, struct decide_result *out) {
    (void)out;
    return !in->account->enabled;
}

static bool all_halted(const struct decide_input *in, struct decide_result *out) {
    (void)out;
    return in->global == RISK_STATE__MODE__halted;
}

static bool account_halted(const struct decide_input *in, struct decide_result *out) {
    (void)out;
    return in->mode == RISK_STATE__MODE__halted;
}

// At the moment it expires it has expired, as for the executor.
static bool expired(const struct decide_input *in, struct decide_result *out) {
    if (!in->signal->has_expiration_time || in->now < in->signal->expiration_time) return false;
    char at[TIME_TEXT];
    (void)time_print(in->signal->expiration_time, at);
    say(out, "expired at %s", at);
    tell_time(out, "expired_for_s", in->now - in->signal->expiration_time);
    return true;
}

static bool too_old(const struct decide_input *in, struct decide_result *out) {
    uint64_t made = in->signal->created_at, age = in->now > made ? in->now - made : 0;
    if (age <= in->account->max_signal_age_s * NS_PER_S) return false;
    say(out, "age %llu.%03llu s, at most %u s", (unsigned long long)(age / NS_PER_S), (unsigned long long)(age % NS_PER_S / NS_PER_MS),
        in->account->max_signal_age_s);
    tell_time(out, "age_s", age);
    tell_count(out, "max_signal_age_s", in->account->max_signal_age_s);
    return true;
}

static bool no_broker(const struct decide_input *in, struct decide_result *out) {
    if (in->broker) return false;
    say(out, "broker %.60s", in->account->broker_id);
    return true;
}

static bool no_symbol(const struct decide_input *in, struct decide_result *out) {
    if (in->symbol) return false;
    say(out, "symbol %.60s at broker %.40s", in->signal->symbol, in->account->broker_id);
    return true;
}

static bool only_reducing(const struct decide_input *in, struct decide_result *out) {
    bool all = in->global == RISK_STATE__MODE__reduce_only;
    if (!all && in->mode != RISK_STATE__MODE__reduce_only) return false;
    say(out, "%s", all ? "global" : "account");
    return true;
}

static bool too_many_open(const struct decide_input *in, struct decide_result *out) {
    if (!in->account->has_max_open_trades || in->open_trades < in->account->max_open_trades) return false;
    say(out, "%u open, at most %u", in->open_trades, in->account->max_open_trades);
    tell_count(out, "open_trades", in->open_trades);
    tell_count(out, "max_open_trades", in->account->max_open_trades);
    return true;
}

// In this order: the first that refuses is the reason.
static const struct check {
    refuses_fn *refuses;
    Reason__Code reason;
    bool entry_only;
} checks[] = {
    {only_votes, REASON__CODE__part_only, false},         {other_strategy, REASON__CODE__filtered_strategy, false},
    {other_symbol, REASON__CODE__filtered_symbol, false}, {disabled, REASON__CODE__account_disabled, false},
    {all_halted, REASON__CODE__halted_global, false},     {account_halted, REASON__CODE__halted_account, false},
    {expired, REASON__CODE__signal_expired, false},       {too_old, REASON__CODE__signal_too_old, false},
    {no_broker, REASON__CODE__unknown_broker, false},     {no_symbol, REASON__CODE__unknown_symbol, false},
    {only_reducing, REASON__CODE__reduce_only, true},     {too_many_open, REASON__CODE__max_open_trades, true},
};

// --- size

static decimal_t lot_step(const SymbolConfig *s) { return s->has_lot_step && s->lot_step > 0 ? D(s->lot_step) : lot_step_preset; }

static decimal_t least_lots(const struct decide_input *in, decimal_t step) {
    decimal_t least = in->symbol->has_min_lot ? D(in->symbol->min_lot) : step;
    if (in->subscription->has_min_lot && in->subscription->min_lot > least.e8) least = D(in->subscription->min_lot);
    return least.e8 > 0 ? least : step;
}

struct bound {
    const char *words, *name;
    decimal_t lots;
};

static Reason__Code refuse(struct decide_result *out, Reason__Code reason, decimal_t lots, struct bound bound) {
    char a[DECIMAL_TEXT], b[DECIMAL_TEXT];
    (void)decimal_print(lots, a);
    (void)decimal_print(bound.lots, b);
    say(out, "%s lots, %s %s", a, bound.words, b);
    tell(out, "lots", lots);
    tell(out, bound.name, bound.lots);
    return reason;
}

static Reason__Code ordered(struct decide_result *out, decimal_t lots, decimal_t asked) {
    char a[DECIMAL_TEXT], b[DECIMAL_TEXT];
    (void)decimal_print(lots, a);
    (void)decimal_print(asked, b);
    if (lots.e8 == asked.e8)
        say(out, "%s lots", a);
    else
        say(out, "%s lots, from %s", a, b);
    tell(out, "lots", lots);
    tell(out, "asked_lots", asked);
    out->has_lots = true;
    out->lots = lots;
    return REASON__CODE__ordered;
}

// What is asked for before rounding: a fixed size, or the signal's times the multiplier. `ordered` when there is one.
static Reason__Code asked_lots(const struct decide_input *in, struct decide_result *out, decimal_t *asked) {
    const Subscription *s = in->subscription;
    if (s->has_fixed_lot) {
        *asked = D(s->fixed_lot);
        return REASON__CODE__ordered;
    }
    if (!in->signal->has_lot_size || !s->has_multiplier) {
        say(out, "%s", s->has_multiplier ? "the signal has no size to multiply" : "neither fixed_lot nor multiplier");
        return REASON__CODE__no_lot_size;
    }
    if (decimal_mul(D(in->signal->lot_size), D(s->multiplier), ROUND_DOWN, asked)) return REASON__CODE__ordered;
    say(out, "size times multiplier is out of range");
    return REASON__CODE__above_max_lot;
}

// Capped at the subscription's max_lot (the owner's wish for this account), then rounded down to the step; refused when below the least,
// or above the symbol's max_lot (the broker's rule: cutting an order silently to it is not ours to decide).
static Reason__Code size_entry(const struct decide_input *in, struct decide_result *out) {
    decimal_t asked, lots, step = lot_step(in->symbol);
    Reason__Code reason = asked_lots(in, out, &asked);
    if (reason != REASON__CODE__ordered) return reason;
    lots = in->subscription->has_max_lot ? decimal_min(asked, D(in->subscription->max_lot)) : asked;
    if (!decimal_to_step(lots, step, ROUND_DOWN, &lots))
        return refuse(out, REASON__CODE__below_min_lot, asked, (struct bound){"step", "lot_step", step});
    decimal_t least = least_lots(in, step);
    if (decimal_cmp(lots, least) < 0) return refuse(out, REASON__CODE__below_min_lot, lots, (struct bound){"at least", "min_lot", least});
    if (in->symbol->has_max_lot && lots.e8 > in->symbol->max_lot)
        return refuse(out, REASON__CODE__above_max_lot, lots, (struct bound){"at most", "max_lot", D(in->symbol->max_lot)});
    return ordered(out, lots, asked);
}

// Everything, unless the signal says how much and the account's sizes follow the signal's. What rounds to nothing cannot be closed.
static Reason__Code size_close(const struct decide_input *in, struct decide_result *out) {
    const Subscription *s = in->subscription;
    decimal_t asked, lots, step = lot_step(in->symbol);
    if (s->has_fixed_lot || !s->has_multiplier || !in->signal->has_lot_size ||
        !decimal_mul(D(in->signal->lot_size), D(s->multiplier), ROUND_DOWN, &asked)) {
        say(out, "everything");
        return REASON__CODE__ordered;
    }
    if (!decimal_to_step(asked, step, ROUND_DOWN, &lots) || lots.e8 <= 0)
        return refuse(out, REASON__CODE__below_min_lot, asked, (struct bound){"step", "lot_step", step});
    return ordered(out, lots, asked);
}

static uint64_t valid_until(const struct decide_input *in) {
    uint64_t until = in->signal->created_at + in->account->max_signal_age_s * NS_PER_S;
    bool sooner = in->signal->has_expiration_time && in->signal->expiration_time < until;
    return sooner ? in->signal->expiration_time : until;
}

void decide(const struct decide_input *in, struct decide_result *out) {
    out->has_lots = false;
    out->detail[0] = 0;
    out->n_numbers = 0;
    out->valid_until = valid_until(in);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if ((checks[i].entry_only && is_close(in)) || !checks[i].refuses(in, out)) continue;
        out->reason = checks[i].reason;
        return;
    }
    out->reason = is_close(in) ? size_close(in, out) : size_entry(in, out);
}
