// decide - what one account makes of a signal.
// SPDX-License-Identifier: MIT
#include "services/router/decide/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "services/router/decide/levels.h"
#include "services/router/decide/plan.h"
#include "services/router/decide/risk.h"
#include "services/router/decide/size.h"

void decide_say(struct decide_result *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    // cut when longer: it is only for reading
    (void)vsnprintf(out->detail, sizeof out->detail, format, args);
    va_end(args);
}

// Beyond DECIDE_NUMBERS they are left out: only for reading, too.
void decide_tell(struct decide_result *out, const char *name, decimal_t value) {
    if (out->n_numbers < DECIDE_NUMBERS)
        out->numbers[out->n_numbers++] = (struct decide_number){name, value};
}

static void tell_count(struct decide_result *out, const char *name, uint32_t count) {
    decide_tell(out, name, DECIMAL_INT((int64_t)count));
}

// Seconds, to 10 ns.
static void tell_time(struct decide_result *out, const char *name, uint64_t ns) {
    decide_tell(out, name, D(ns / 10 > INT64_MAX ? INT64_MAX : (int64_t)(ns / 10)));
}

// With a size of its own: a reverse or flat that has one means the entry by it, or nothing.
static bool is_plain_close(const struct decide_input *in) {
    return in->signal->direction >= SIGNAL__DIRECTION__close &&
           in->signal->direction <= SIGNAL__DIRECTION__close_short;
}

static bool is_name_listed(char *const *names, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        if (name && strcmp(names[i], name) == 0) return true;
    }
    return false;
}

bool decide_is_for_all(const Signal *signal) { return strcmp(signal->symbol, ALL_SYMBOLS) == 0; }

// --- checks: each tells whether it refuses, and with which numbers

typedef bool refuses_fn(const struct decide_input *in, struct decide_result *out);

static bool only_votes(const struct decide_input *in, struct decide_result *out) {
    if (!in->signal->part_only) return false;
    decide_say(out, "the source only votes in a consensus");
    return true;
}

static bool other_strategy(const struct decide_input *in, struct decide_result *out) {
    const Subscription *s = in->subscription;
    if (s->n_strategies == 0 ||
        is_name_listed(s->strategies, s->n_strategies, in->signal->strategy))
        return false;
    decide_say(out, "strategy %.60s", in->signal->strategy ? in->signal->strategy : "not given");
    return true;
}

static bool is_symbol_unsubscribed(const struct decide_input *in, struct decide_result *out) {
    const Subscription *s = in->subscription;
    if (s->n_symbols == 0 || decide_is_for_all(in->signal) ||
        is_name_listed(s->symbols, s->n_symbols, in->signal->symbol))
        return false;
    decide_say(out, "symbol %.60s", in->signal->symbol);
    return true;
}

static bool is_account_disabled(const struct decide_input *in, struct decide_result *out) {
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
static bool is_signal_expired(const struct decide_input *in, struct decide_result *out) {
    if (!in->signal->has_expiration_time || in->now < in->signal->expiration_time) return false;
    char at[TIME_TEXT];
    (void)time_print(in->signal->expiration_time, at);
    decide_say(out, "expired at %s", at);
    tell_time(out, "expired_for_s", in->now - in->signal->expiration_time);
    return true;
}

// Since when it may be acted on: one that waited for approval is as old as the operator's word.
static uint64_t actionable_since(const Signal *s) {
    bool approved = s->has_decided_at && s->approval == SIGNAL__APPROVAL__approved;
    return approved && s->decided_at > s->created_at ? s->decided_at : s->created_at;
}

static bool too_old(const struct decide_input *in, struct decide_result *out) {
    uint64_t made = actionable_since(in->signal), age = in->now > made ? in->now - made : 0;
    if (age <= in->account->max_signal_age_s * NS_PER_S) return false;
    decide_say(out, "age %llu.%03llu s, at most %u s", (unsigned long long)(age / NS_PER_S),
               (unsigned long long)(age % NS_PER_S / NS_PER_MS), in->account->max_signal_age_s);
    tell_time(out, "age_s", age);
    tell_count(out, "max_signal_age_s", in->account->max_signal_age_s);
    return true;
}

static bool no_broker(const struct decide_input *in, struct decide_result *out) {
    if (in->broker) return false;
    decide_say(out, "broker %.60s", in->account->broker_id);
    return true;
}

static bool no_symbol(const struct decide_input *in, struct decide_result *out) {
    if (in->symbol || decide_is_for_all(in->signal)) return false;
    decide_say(out, "symbol %.60s at broker %.40s", in->signal->symbol, in->account->broker_id);
    return true;
}

static bool other_side(const struct decide_input *in, struct decide_result *out) {
    bool sells = out->leg.side == SIGNAL__DIRECTION__sell;
    if (in->subscription->sides != (sells ? SIZING__SIDES__long_only : SIZING__SIDES__short_only))
        return false;
    decide_say(out, "%s only", sells ? "long" : "short");
    return true;
}

static bool only_reducing(const struct decide_input *in, struct decide_result *out) {
    bool all = in->global == RISK_STATE__MODE__reduce_only,
         account = in->mode == RISK_STATE__MODE__reduce_only;
    if (!all && !account && in->source != RISK_STATE__MODE__reduce_only) return false;
    decide_say(out, "%s", all ? "global" : account ? "account" : "source");
    return true;
}

static bool source_halted(const struct decide_input *in, struct decide_result *out) {
    if (in->source != RISK_STATE__MODE__halted) return false;
    decide_say(out, "source %.60s", in->signal->source);
    return true;
}

static bool exceeds_account_trades(const struct decide_input *in, struct decide_result *out) {
    if (!in->account->has_max_open_trades || in->open_trades < in->account->max_open_trades)
        return false;
    decide_say(out, "%u open, at most %u", in->open_trades, in->account->max_open_trades);
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
    {only_votes, REASON__CODE__part_only, false},
    {other_strategy, REASON__CODE__filtered_strategy, false},
    {is_symbol_unsubscribed, REASON__CODE__filtered_symbol, false},
    {is_account_disabled, REASON__CODE__account_disabled, false},
    {all_halted, REASON__CODE__halted_global, false},
    {account_halted, REASON__CODE__halted_account, false},
    {source_halted, REASON__CODE__halted_source, false},
    {is_signal_expired, REASON__CODE__signal_expired, false},
    {too_old, REASON__CODE__signal_too_old, false},
    {no_broker, REASON__CODE__unknown_broker, false},
    {no_symbol, REASON__CODE__unknown_symbol, false},
    {other_side, REASON__CODE__filtered_side, true},
    {only_reducing, REASON__CODE__reduce_only, true},
    {exceeds_account_trades, REASON__CODE__max_open_trades, true},
};

// --- each leg

// Everything, unless the signal says how much and the account's sizes follow the signal's. What
// rounds to nothing cannot be closed.
static Reason__Code size_close(const struct decide_input *in, struct decide_result *out) {
    decimal_t asked, lots, step = size_step(in->symbol);
    const Signal *s = in->signal;
    if (out->leg.has_lots) {
        lots = asked = out->leg.lots;
    } else if (s->has_close_percent) {
        char percent[DECIMAL_TEXT];
        (void)decimal_print(D(s->close_percent), percent);
        decide_say(out, "%s percent of what is open", percent);
        return REASON__CODE__ordered;
    } else if (!s->has_lot_size || !is_plain_close(in) || !size_follows(in->subscription) ||
               size_scaled(in, D(s->lot_size), out, &asked) != REASON__CODE__ordered) {
        out->n_numbers = 0;
        decide_say(out, "everything");
        return REASON__CODE__ordered;
    } else if (!decimal_to_step(asked, step, ROUND_DOWN, &lots) || lots.e8 <= 0) {
        return size_too_small(out, asked, step);
    }
    size_is(out, lots, asked);
    return REASON__CODE__ordered;
}

// A pending order's time: its own, or the end of the day.
static Reason__Code set_order_expiry(const struct decide_input *in, struct decide_result *out) {
    const Signal *s = in->signal;
    out->expires_at = s->has_expiration_time ? s->expiration_time : 0;
    bool day = s->has_time_in_force && s->time_in_force == SIGNAL__TIME_IN_FORCE__day;
    if (!day || s->order_type == SIGNAL__ORDER_TYPE__market) return REASON__CODE__ordered;
    if (!in->day_ends_at) {
        decide_say(out, "the account's trading day is not known");
        return REASON__CODE__day_unsupported;
    }
    if (!out->expires_at || in->day_ends_at < out->expires_at) out->expires_at = in->day_ends_at;
    return REASON__CODE__ordered;
}

static Reason__Code decide_entry(const struct decide_input *in, struct decide_result *out) {
    decimal_t asked = out->leg.lots;
    Reason__Code reason = set_order_expiry(in, out);
    if (reason == REASON__CODE__ordered) reason = levels_resolve(in, out->leg.side, out);
    const struct optional_price said = {in->signal->has_lot_size != 0, D(in->signal->lot_size)};
    if (reason == REASON__CODE__ordered && !out->leg.has_lots)
        reason = size_asked(in, said, out, &asked);
    return reason == REASON__CODE__ordered ? size_fit(in, asked, out) : reason;
}

// Stops and prices of a modify. Without a side there is nothing to reckon from: only what is given
// as a price.
static Reason__Code decide_command(const struct decide_input *in, struct decide_result *out) {
    bool modifies = out->leg.action == ORDER_COMMAND__ACTION__modify;
    Reason__Code reason =
        modifies ? levels_modified(in, out->leg.side, out) : REASON__CODE__ordered;
    if (reason != REASON__CODE__ordered) return reason;
    decide_say(out, "%s", modifies ? "modify" : "cancel");
    return REASON__CODE__commanded;
}

static uint64_t valid_until(const struct decide_input *in) {
    uint64_t until = actionable_since(in->signal) + in->account->max_signal_age_s * NS_PER_S;
    bool sooner = in->signal->has_expiration_time && in->signal->expiration_time < until;
    return sooner ? in->signal->expiration_time : until;
}

static void reset_result(const struct decide_input *in, struct decide_result *out) {
    out->leg = (struct leg){.name = ""};
    out->reason = REASON__CODE__ordered;
    out->has_lots = false;
    out->detail[0] = 0;
    out->n_numbers = 0;
    out->expires_at = 0;
    out->levels = (struct levels)LEVELS_NONE;
    out->valid_until = valid_until(in);
}

static bool passes_checks(const struct decide_input *in, struct decide_result *out, bool entry) {
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (checks[i].entry_only != entry || !checks[i].refuses(in, out)) continue;
        out->reason = checks[i].reason;
        return false;
    }
    return true;
}

static void decide_leg(const struct decide_input *in, struct decide_result *out) {
    switch (out->leg.kind) {
    case LEG_NONE:
        break;
    case LEG_ENTRY:
        if (!passes_checks(in, out, true)) break;
        out->reason = risk_before(in, out);
        if (out->reason == REASON__CODE__ordered) out->reason = decide_entry(in, out);
        if (out->reason == REASON__CODE__ordered) out->reason = risk_sized(in, out);
        break;
    case LEG_CLOSE:
        out->reason = size_close(in, out);
        break;
    case LEG_COMMAND:
        out->reason = decide_command(in, out);
        break;
    }
}

size_t decide_signal(const struct decide_input *in, struct decide_result out[static DECIDE_LEGS]) {
    struct leg legs[DECIDE_LEGS];
    struct decide_number numbers[DECIDE_NUMBERS];
    reset_result(in, out);
    size_t n = passes_checks(in, out, false) ? plan_legs(in, out, legs) : 0;
    unsigned n_numbers = out->n_numbers; // of the plan: they led to all of its legs
    if (n && n_numbers) memcpy(numbers, out->numbers, sizeof numbers);
    for (size_t i = 0; i < n; i++) {
        reset_result(in, &out[i]);
        out[i].leg = legs[i];
        out[i].n_numbers = n_numbers;
        if (n_numbers) memcpy(out[i].numbers, numbers, sizeof numbers);
        decide_leg(in, &out[i]);
    }
    return n ? n : 1;
}

void decide_inverted(const Signal *s, Signal *out) {
    static const Signal__Direction opposite[] = {
        [SIGNAL__DIRECTION__buy] = SIGNAL__DIRECTION__sell,
        [SIGNAL__DIRECTION__sell] = SIGNAL__DIRECTION__buy,
        [SIGNAL__DIRECTION__close_long] = SIGNAL__DIRECTION__close_short,
        [SIGNAL__DIRECTION__close_short] = SIGNAL__DIRECTION__close_long,
    };
    static const Signal__OrderType across[] = {
        [SIGNAL__ORDER_TYPE__limit] = SIGNAL__ORDER_TYPE__stop,
        [SIGNAL__ORDER_TYPE__stop] = SIGNAL__ORDER_TYPE__limit,
        [SIGNAL__ORDER_TYPE__stop_limit] = SIGNAL__ORDER_TYPE__limit,
    };
    *out = *s;
    if (s->direction <= SIGNAL__DIRECTION__close_short && opposite[s->direction])
        out->direction = opposite[s->direction];
    if (s->order_type <= SIGNAL__ORDER_TYPE__stop_limit && across[s->order_type])
        out->order_type = across[s->order_type];
    out->has_limit_price = false;
    if (s->has_target_position) out->target_position = -s->target_position;
    if (s->has_position_side)
        out->position_side =
            s->position_side == SIGNAL__SIDE__long ? SIGNAL__SIDE__short : SIGNAL__SIDE__long;
#define CHANGE_PLACES(a, b)                                                                        \
    out->has_##a = s->has_##b, out->a = s->b, out->has_##b = s->has_##a, out->b = s->a
    CHANGE_PLACES(stop_loss, take_profit);
    CHANGE_PLACES(stop_loss_points, take_profit_points);
    CHANGE_PLACES(stop_loss_percent, take_profit_percent);
    CHANGE_PLACES(stop_loss_distance, take_profit_distance);
#undef CHANGE_PLACES
}
