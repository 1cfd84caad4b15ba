// test_plan - which orders and commands a signal becomes, and where their stops are.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>

#include "case.h"

#define R(name)    REASON__CODE__##name
#define DIR(name)  g->signal.direction = SIGNAL__DIRECTION__##name
#define SIG(f, v)  SET(g->signal, f, v)
#define SUB(f, v)  SET(g->subscription, f, v)
#define SYM(f, v)  SET(g->symbol, f, v)
#define HOLD(f, v) g->holding.f = E8(v), g->holding.entries = 1
#define REST(f, v) HOLD(f, v), HOLD(resting_##f, v), g->holding.working = 1
#define NO_SIZE    g->signal.has_lot_size = false
#define NO_PRICE   g->signal.has_price = false
#define FEED(b, a)                                                                                 \
    g->quote = (struct rate){D(E8(b)), D(E8(a)), D(E8(a)), NOW}, g->in.quote = &g->quote
#define BY(name) g->subscription.has_sizing = true, g->subscription.sizing = SIZING__BY__##name
#define CASE(n, body)                                                                              \
    static void n(struct given *g) { body; }

// --- legs

CASE(buys, (DIR(buy)))
CASE(sells, (DIR(sell)))
CASE(long_only_buy, (DIR(buy), g->subscription.sides = SIZING__SIDES__long_only))
CASE(long_only_sell, (DIR(sell), g->subscription.sides = SIZING__SIDES__long_only))
CASE(short_only_buy, (DIR(buy), g->subscription.sides = SIZING__SIDES__short_only))
CASE(long_only_close, (DIR(close), NO_SIZE, g->subscription.sides = SIZING__SIDES__long_only))
CASE(close_l, (DIR(close_long), NO_SIZE))
CASE(close_s, (DIR(close_short), NO_SIZE))
CASE(close_half, (DIR(close), NO_SIZE, SIG(close_percent, "50")))
CASE(close_lots, (DIR(close_long), SIG(lot_size, "0.5")))
CASE(close_lots_ratio, (close_lots(g), BY(equity_ratio), SIG(provider_equity, "16000")))
CASE(close_lots_of_fixed, (close_lots(g), BY(fixed), SUB(fixed_lot, "1")))
CASE(close_lots_at_risk, (close_lots(g), BY(cash_risk), SUB(risk_cash, "1")))
CASE(close_of_signal,
     (DIR(close), NO_SIZE, g->signal.target_signal_id = (char *)"s0", g->in.meant = &g->meant))
CASE(close_of_short_signal, (close_of_signal(g), g->meant.stake.is_short = true))
CASE(close_of_gone_signal, (close_of_signal(g), g->in.meant = NULL))
CASE(close_long_of_short_signal, (close_of_short_signal(g), DIR(close_long)))
CASE(reverse_long, (DIR(reverse), HOLD(longs, "2")))
CASE(reverse_short, (DIR(reverse), NO_SIZE, HOLD(shorts, "0.7")))
CASE(reverse_under_way, (DIR(reverse), NO_SIZE, HOLD(buys, "1")))
CASE(reverse_nothing, (DIR(reverse)))
CASE(reverse_even, (DIR(reverse), HOLD(longs, "1"), HOLD(shorts, "1")))
CASE(reverse_reducing, (reverse_long(g), g->in.mode = RISK_STATE__MODE__reduce_only))
CASE(reverse_halted, (reverse_long(g), g->in.mode = RISK_STATE__MODE__halted))
CASE(reverse_only_resting, (DIR(reverse), REST(buys, "1")))
CASE(flat_one, (DIR(flat), NO_SIZE, HOLD(longs, "1")))
CASE(flat_working, (DIR(flat), NO_SIZE, REST(buys, "1")))
CASE(flat_all_of_nothing, (DIR(flat), NO_SIZE, g->signal.symbol = (char *)"*", g->in.symbol = NULL))
CASE(cancel_all, (DIR(cancel), REST(buys, "1")))
CASE(cancel_none, (DIR(cancel), HOLD(longs, "1")))
CASE(cancel_shorts, (cancel_all(g), g->signal.has_position_side = true,
                     g->signal.position_side = SIGNAL__SIDE__short))
CASE(cancel_longs, (cancel_all(g), g->signal.has_position_side = true,
                    g->signal.position_side = SIGNAL__SIDE__long))
CASE(cancel_signal, (DIR(cancel), g->signal.target_signal_id = (char *)"s0",
                     g->in.meant = &g->meant, g->meant.stake.rest = 1))
CASE(cancel_filled_signal, (cancel_signal(g), g->meant.stake.rest = 0))
CASE(modify_open, (DIR(modify), HOLD(longs, "1"), SIG(stop_loss, "1.09")))
CASE(modify_nothing, (DIR(modify), SIG(stop_loss, "1.09")))

// --- targets, by multiplier unless said otherwise

CASE(target, (DIR(target), NO_SIZE))
CASE(to, (target(g)))
#define TO(lots) to(g), SIG(target_position, lots)
CASE(t_from_flat, (TO("2")))
CASE(t_short_from_flat, (TO("-2")))
CASE(t_there, (TO("2"), HOLD(longs, "2")))
CASE(t_add, (TO("2"), HOLD(longs, "0.5")))
CASE(t_add_under_way, (TO("2"), HOLD(longs, "0.5"), HOLD(buys, "1.5")))
CASE(t_reduce, (TO("2"), HOLD(longs, "3")))
CASE(t_reduce_under_way, (TO("2"), HOLD(longs, "3"), HOLD(closing_longs, "1")))
CASE(t_flip, (TO("-1"), HOLD(longs, "3")))
CASE(t_flat, (TO("0"), HOLD(longs, "3")))
CASE(t_flat_hedged, (TO("0"), HOLD(longs, "3"), HOLD(shorts, "1")))
CASE(t_flat_already, (TO("0")))
CASE(t_flat_closing, (TO("0"), HOLD(longs, "3"), HOLD(closing_longs, "3")))
CASE(t_resting_counts, (TO("2"), REST(buys, "2")))
CASE(t_resting_too_large, (TO("1"), REST(buys, "2")))
CASE(t_resting_other, (TO("1"), REST(sells, "2")))
CASE(t_flat_resting_both, (TO("0"), REST(sells, "2"), REST(buys, "1")))
CASE(t_less_than_a_step, (TO("2.009"), HOLD(longs, "2")))
CASE(t_one_step, (TO("2.01"), HOLD(longs, "2")))
CASE(t_below_min_entry, (TO("2.05"), HOLD(longs, "2"), SYM(min_lot, "0.1")))
CASE(t_close_below_min, (TO("2"), HOLD(longs, "2.05"), SYM(min_lot, "0.1")))
CASE(t_too_small, (TO("0.005")))
CASE(t_too_small_on_other_side, (TO("0.005"), HOLD(shorts, "1")))
CASE(t_too_small_closes, (TO("0.005"), HOLD(longs, "1")))
CASE(t_too_small_up, (TO("0.005"), g->subscription.below_min = SIZING__BELOW_MIN__round_up))
CASE(t_position_over_most, (TO("5"), HOLD(longs, "4"), SYM(max_lot, "2")))
CASE(t_order_over_most, (TO("5"), SYM(max_lot, "2")))
CASE(t_capped, (TO("5"), SUB(max_lot, "2")))
CASE(t_half, (TO("2"), SUB(multiplier, "0.5")))
CASE(t_fixed, (TO("7"), BY(fixed), SUB(fixed_lot, "0.3")))
CASE(t_fixed_there, (t_fixed(g), HOLD(longs, "9")))
CASE(t_fixed_flip, (t_fixed(g), HOLD(shorts, "0.3")))
CASE(t_risk, (TO("7"), BY(cash_risk), SUB(risk_cash, "250"), SIG(stop_loss, "1.095")))
CASE(t_risk_no_stop_flip, (TO("7"), BY(cash_risk), SUB(risk_cash, "250"), HOLD(shorts, "1")))
CASE(t_side_only, (target(g), g->signal.has_position_side = true,
                   g->signal.position_side = SIGNAL__SIDE__short, BY(fixed), SUB(fixed_lot, "0.3")))
CASE(t_side_only_there, (t_side_only(g), BY(multiplier), HOLD(shorts, "1")))
CASE(t_side_only_unsized, (t_side_only(g), BY(multiplier), HOLD(longs, "1")))
CASE(t_reducing, (TO("-1"), HOLD(longs, "3"), g->in.mode = RISK_STATE__MODE__reduce_only))
CASE(t_inverted_in_subscription, (BY(target), DIR(buy), SIG(lot_size, "2"), HOLD(shorts, "1")))
CASE(t_buy_there, (BY(target), DIR(buy), SIG(lot_size, "2"), HOLD(longs, "2")))
CASE(t_huge, (TO("90000000000"), SUB(multiplier, "2")))

static const struct example {
    const char *name;
    change_fn *change;
    const char *legs; // kind and side, lots; refusals by name
} examples[] = {
#define IS(name, legs)                                                                             \
    { #name, name, legs }
    IS(buys, "buy 1"),
    IS(sells, "sell 1"),
    IS(long_only_buy, "buy 1"),
    IS(long_only_sell, "filtered_side"),
    IS(short_only_buy, "filtered_side"),
    IS(long_only_close, "close"),
    IS(close_l, "close_long"),
    IS(close_s, "close_short"),
    IS(close_half, "close"),
    IS(close_lots, "close_long 0.5"),
    IS(close_lots_ratio, "close_long 0.25"),
    IS(close_lots_of_fixed, "close_long"),
    IS(close_lots_at_risk, "close_long"),
    IS(close_of_signal, "close_long"),
    IS(close_of_short_signal, "close_short"),
    IS(close_of_gone_signal, "no_position"),
    IS(close_long_of_short_signal, "no_position"),
    IS(reverse_long, "close; sell 1"),
    IS(reverse_short, "close; buy 0.7"),
    IS(reverse_under_way, "close; sell 1"),
    IS(reverse_nothing, "no_position"),
    IS(reverse_even, "no_position"),
    IS(reverse_reducing, "close; reduce_only"),
    IS(reverse_halted, "halted_account"),
    IS(reverse_only_resting, "no_position"),
    IS(flat_one, "close"),
    IS(flat_working, "cancel; close"),
    IS(flat_all_of_nothing, "no_position"),
    IS(cancel_all, "cancel"),
    IS(cancel_none, "nothing_to_change"),
    IS(cancel_shorts, "nothing_to_change"),
    IS(cancel_longs, "cancel long"),
    IS(cancel_signal, "cancel"),
    IS(cancel_filled_signal, "nothing_to_change"),
    IS(modify_open, "modify"),
    IS(modify_nothing, "nothing_to_change"),
    IS(t_from_flat, "buy 2"),
    IS(t_short_from_flat, "sell 2"),
    IS(t_there, "in_position"),
    IS(t_add, "buy 1.5"),
    IS(t_add_under_way, "in_position"),
    IS(t_reduce, "close_long 1"),
    IS(t_reduce_under_way, "in_position"),
    IS(t_flip, "close_long; sell 1"),
    IS(t_flat, "close_long"),
    IS(t_flat_hedged, "close_short; close_long"),
    IS(t_flat_already, "in_position"),
    IS(t_flat_closing, "in_position"),
    IS(t_resting_counts, "in_position"),
    IS(t_resting_too_large, "cancel long; buy 1"),
    IS(t_resting_other, "cancel short; buy 1"),
    IS(t_flat_resting_both, "cancel"),
    IS(t_less_than_a_step, "in_position"),
    IS(t_one_step, "buy 0.01"),
    IS(t_below_min_entry, "in_position"),
    IS(t_close_below_min, "close_long 0.05"),
    IS(t_too_small, "below_min_lot"),
    IS(t_too_small_on_other_side, "close_short"),
    IS(t_too_small_closes, "close_long"),
    IS(t_too_small_up, "buy 0.01"),
    IS(t_position_over_most, "buy 1"),
    IS(t_order_over_most, "above_max_lot"),
    IS(t_capped, "buy 2"),
    IS(t_half, "buy 1"),
    IS(t_fixed, "buy 0.3"),
    IS(t_fixed_there, "in_position"),
    IS(t_fixed_flip, "close_short; buy 0.3"),
    IS(t_risk, "buy 0.5"),
    IS(t_risk_no_stop_flip, "close_short"),
    IS(t_side_only, "sell 0.3"),
    IS(t_side_only_there, "in_position"),
    IS(t_side_only_unsized, "close_long"),
    IS(t_reducing, "close_long; reduce_only"),
    IS(t_inverted_in_subscription, "close_short; buy 2"),
    IS(t_buy_there, "in_position"),
    IS(t_huge, "above_max_lot"),
};

static const char *reason_name(Reason__Code reason) {
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value(&reason__code__descriptor, (int)reason);
    return v ? v->name : "?";
}

static void print_leg(const struct decide_result *r, char out[static 64]) {
    char lots[DECIMAL_TEXT + 1] = "";
    const struct leg *leg = &r->leg;
    bool longs = leg->side == SIGNAL__DIRECTION__buy, shorts = leg->side == SIGNAL__DIRECTION__sell;
    if (r->has_lots) lots[0] = ' ', (void)decimal_print(r->lots, lots + 1);
    if (r->reason == R(commanded))
        (void)snprintf(out, 64, "%s%s",
                       leg->action == ORDER_COMMAND__ACTION__cancel ? "cancel" : "modify",
                       longs    ? " long"
                       : shorts ? " short"
                                : "");
    else if (r->reason != R(ordered))
        (void)snprintf(out, 64, "%s", reason_name(r->reason));
    else if (leg->kind == LEG_CLOSE)
        (void)snprintf(out, 64, "close%s%s", longs ? "_long" : shorts ? "_short" : "", lots);
    else
        (void)snprintf(out, 64, "%s%s", longs ? "buy" : "sell", lots);
}

static void every_signal_becomes_what_is_written(void **state) {
    (void)state;
    bool ok = true;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct given g;
        struct decide_result got[DECIDE_LEGS];
        char legs[256] = "", leg[64];
        given_make(&g);
        examples[i].change(&g);
        size_t n = decide_signal(&g.in, got);
        for (size_t k = 0; k < n; k++) {
            print_leg(&got[k], leg);
            (void)snprintf(legs + strlen(legs), sizeof legs - strlen(legs), "%s%s", k ? "; " : "",
                           leg);
        }
        if (strcmp(legs, examples[i].legs) != 0)
            ok = false, print_error("%s: %s, not %s\n", examples[i].name, legs, examples[i].legs);
        given_free(&g);
    }
    assert_true(ok);
}

static void the_numbers_of_a_target_are_told_with_each_leg(void **state) {
    (void)state;
    struct given g;
    struct decide_result got[DECIDE_LEGS];
    given_make(&g);
    t_flip(&g);
    assert_int_equal(decide_signal(&g.in, got), 2);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(got[i].numbers[0].name, "position_lots");
        assert_int_equal(got[i].numbers[0].value.e8, E8("3"));
        assert_string_equal(got[i].numbers[1].name, "target_lots");
        assert_int_equal(got[i].numbers[1].value.e8, E8("-1"));
    }
    assert_string_not_equal(got[0].leg.name, got[1].leg.name); // so do their ids differ
    given_free(&g);
}

// --- levels

CASE(price_given, (SIG(stop_loss, "1.09"), SIG(take_profit, "1.12")))
CASE(sell_given, (DIR(sell), SIG(stop_loss, "1.12"), SIG(take_profit, "1.09")))
CASE(points, (SIG(stop_loss_points, "500"), SIG(take_profit_points, "1000")))
CASE(points_sell, (points(g), DIR(sell)))
CASE(point_configured, (points(g), SYM(point, "0.0001")))
CASE(percent, (SIG(stop_loss_percent, "1"), SIG(take_profit_percent, "2")))
CASE(distances, (SIG(stop_loss_distance, "0.005"), SIG(take_profit_distance, "0.01")))
CASE(to_tick_near, (SIG(stop_loss_distance, "0.0055"), SIG(take_profit_distance, "0.0105"),
                    SYM(tick_size, "0.001")))
CASE(to_tick_sell, (to_tick_near(g), DIR(sell)))
CASE(given_to_tick, (SIG(stop_loss, "1.0951"), SIG(take_profit, "1.1049"), SYM(tick_size, "0.001")))
CASE(on_tick, (SIG(stop_loss, "1.095"), SIG(take_profit, "1.105"), SYM(tick_size, "0.001")))
CASE(within_a_tick, (SIG(stop_loss_distance, "0.0005"), SYM(tick_size, "0.001")))
CASE(presets, (SUB(default_stop_loss_points, "100"), SUB(default_take_profit_percent, "1")))
CASE(preset_gives_way, (presets(g), SIG(stop_loss, "1.05")))
CASE(wrong_stop, (SIG(stop_loss, "1.1")))
CASE(wrong_take, (SIG(take_profit, "1.1")))
CASE(wrong_stop_sell, (DIR(sell), SIG(stop_loss, "1.1")))
CASE(below_zero, (SIG(stop_loss_distance, "2")))
CASE(no_price_at_all, (NO_PRICE, SIG(stop_loss_points, "10")))
CASE(price_needs_none, (NO_PRICE, SIG(stop_loss, "1.05")))
CASE(ask_of_feed, (NO_PRICE, FEED("1.0999", "1.1001"), SIG(stop_loss_points, "10")))
CASE(bid_of_feed, (ask_of_feed(g), DIR(sell)))
CASE(feed_shows_wrong_side, (NO_PRICE, FEED("1.0999", "1.1001"), SIG(stop_loss, "1.2")))
CASE(of_limit_price,
     (points(g), g->signal.order_type = SIGNAL__ORDER_TYPE__stop_limit, SIG(limit_price, "1.2")))
CASE(inverse, (price_given(g)))
CASE(levels_huge, (SIG(take_profit_percent, "90000"), SIG(price, "9000000000")))

static const struct level {
    const char *name;
    change_fn *change;
    Reason__Code reason;
    const char *stop_loss, *take_profit; // "": none
} levels[] = {
#define AT(name, stop, take)                                                                       \
    { #name, name, R(ordered), stop, take }
#define NOT(name, reason_)                                                                         \
    { #name, name, R(reason_), "", "" }
    AT(price_given, "1.09", "1.12"),
    AT(sell_given, "1.12", "1.09"),
    AT(points, "1.095", "1.11"),
    AT(points_sell, "1.105", "1.09"),
    AT(point_configured, "1.05", "1.2"),
    AT(percent, "1.089", "1.122"),
    AT(distances, "1.095", "1.11"),
    AT(to_tick_near, "1.095", "1.11"),
    AT(to_tick_sell, "1.105", "1.09"),
    AT(given_to_tick, "1.096", "1.104"),
    AT(on_tick, "1.095", "1.105"),
    NOT(within_a_tick, wrong_side),
    AT(presets, "1.099", "1.111"),
    AT(preset_gives_way, "1.05", "1.111"),
    NOT(wrong_stop, wrong_side),
    NOT(wrong_take, wrong_side),
    NOT(wrong_stop_sell, wrong_side),
    NOT(below_zero, wrong_side),
    NOT(no_price_at_all, no_price),
    AT(price_needs_none, "1.05", ""),
    AT(ask_of_feed, "1.1", ""),
    AT(bid_of_feed, "1.1", ""),
    NOT(feed_shows_wrong_side, wrong_side),
    AT(of_limit_price, "1.195", "1.21"),
    NOT(levels_huge, out_of_range),
    AT(inverse, "1.09", "1.12"),
};

static bool is_level(struct optional_price level, const char *text) {
    return *text ? level.has && level.value.e8 == E8(text) : !level.has;
}

static void every_level_is_where_it_is_written(void **state) {
    (void)state;
    bool ok = true;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        const struct level *l = &levels[i];
        struct given g;
        struct decide_result got[DECIDE_LEGS];
        given_make(&g);
        l->change(&g);
        (void)decide_signal(&g.in, got);
        bool good =
            got->reason == l->reason &&
            (l->reason != R(ordered) || (is_level(got->levels.stop_loss, l->stop_loss) &&
                                         is_level(got->levels.take_profit, l->take_profit)));
        if (!good)
            print_error("%s: reason %s, stop %lld, take %lld\n", l->name, reason_name(got->reason),
                        (long long)got->levels.stop_loss.value.e8,
                        (long long)got->levels.take_profit.value.e8);
        ok = ok && good;
        given_free(&g);
    }
    assert_true(ok);
}

static void exits_are_distances_in_price_whatever_their_unit(void **state) {
    (void)state;
    static const struct {
        Signal__Unit unit;
        const char *said;
    } units[] = {{SIGNAL__UNIT__points, "110"},
                 {SIGNAL__UNIT__distance, "0.0011"},
                 {SIGNAL__UNIT__percent, "0.1"}};
    for (int i = 0; i < 3; i++) {
        struct given g;
        struct decide_result got[DECIDE_LEGS];
        given_make(&g);
        g.signal.has_exit_unit = i > 0;
        if (i) g.signal.exit_unit = units[i].unit;
        SET(g.signal, trail_distance, units[i].said),
            SET(g.signal, break_even_trigger, units[i].said);
        (void)decide_signal(&g.in, got);
        assert_int_equal(got->levels.trailing.trail_distance, E8("0.0011"));
        assert_int_equal(got->levels.trailing.break_even_trigger, E8("0.0011"));
        assert_false(got->levels.trailing.has_trail_step);
        given_free(&g);
    }
}

static void a_modify_may_take_levels_away_and_needs_a_side_for_points(void **state) {
    (void)state;
    struct given g;
    struct decide_result got[DECIDE_LEGS];
    given_make(&g);
    modify_open(&g);
    SET(g.signal, stop_loss, "0");
    SET(g.subscription, default_take_profit_points, "10");
    (void)decide_signal(&g.in, got);
    assert_int_equal(got->reason, R(commanded));
    assert_true(got->levels.stop_loss.has && got->levels.stop_loss.value.e8 == 0 &&
                !got->levels.take_profit.has);
    g.signal.has_stop_loss = false;
    SET(g.signal, stop_loss_points, "500");
    g.signal.has_position_side = true, g.signal.position_side = SIGNAL__SIDE__long;
    (void)decide_signal(&g.in, got);
    assert_int_equal(got->levels.stop_loss.value.e8, E8("1.095"));
    given_free(&g);
}

static void an_order_for_the_day_ends_with_it(void **state) {
    (void)state;
    struct given g;
    struct decide_result got[DECIDE_LEGS];
    given_make(&g);
    g.signal.order_type = SIGNAL__ORDER_TYPE__limit;
    g.signal.has_time_in_force = true, g.signal.time_in_force = SIGNAL__TIME_IN_FORCE__day;
    (void)decide_signal(&g.in, got);
    assert_int_equal(got->reason, R(day_unsupported));
    g.in.day_ends_at = NOW + 1000;
    (void)decide_signal(&g.in, got);
    assert_int_equal(got->expires_at, NOW + 1000);
    g.signal.has_expiration_time = true, g.signal.expiration_time = NOW + 999;
    (void)decide_signal(&g.in, got);
    assert_int_equal(got->expires_at, NOW + 999);
    given_free(&g);
}

static void the_inverse_of_the_inverse_is_the_signal(void **state) {
    (void)state;
    struct given g;
    Signal once, twice;
    given_make(&g);
    price_given(&g);
    SET(g.signal, stop_loss_points, "7");
    SET(g.signal, target_position, "-3");
    g.signal.order_type = SIGNAL__ORDER_TYPE__limit;
    decide_inverted(&g.signal, &once);
    assert_int_equal(once.direction, SIGNAL__DIRECTION__sell);
    assert_int_equal(once.order_type, SIGNAL__ORDER_TYPE__stop);
    assert_true(once.stop_loss == E8("1.12") && once.take_profit == E8("1.09") &&
                once.target_position == E8("3"));
    assert_true(once.has_take_profit_points && !once.has_stop_loss_points);
    decide_inverted(&once, &twice);
    assert_memory_equal(&twice, &g.signal, sizeof twice);
    given_free(&g);
}

// --- properties over generated positions and targets

static uint64_t draw(uint64_t *seed, uint64_t below) { // xorshift
    *seed ^= *seed << 13, *seed ^= *seed >> 7, *seed ^= *seed << 17;
    return *seed % below;
}

// An account's net after all legs were done, resting orders cancelled where a leg says so.
static __int128 net_after(const struct given *g, const struct decide_result *got, size_t n) {
    __int128 longs = g->holding.longs + g->holding.buys,
             shorts = g->holding.shorts + g->holding.sells;
    for (size_t i = 0; i < n; i++) {
        const struct leg *leg = &got[i].leg;
        bool is_short = leg->side == SIGNAL__DIRECTION__sell,
             both = leg->side == SIGNAL__DIRECTION__close;
        if (got[i].reason == R(commanded)) {
            if (both || !is_short) longs -= g->holding.resting_buys;
            if (both || is_short) shorts -= g->holding.resting_sells;
        }
        if (got[i].reason != R(ordered)) continue;
        __int128 *side = is_short ? &shorts : &longs;
        if (leg->kind == LEG_ENTRY) *side += got[i].lots.e8;
        if (leg->kind == LEG_CLOSE) *side -= got[i].has_lots ? got[i].lots.e8 : *side;
        assert_true(*side >= 0);
    }
    return longs - shorts;
}

static int sign_of(__int128 lots) { return (lots > 0) - (lots < 0); }

static void a_target_is_reached_and_never_overshot(void **state) {
    (void)state;
    uint64_t seed = 2463534242;
    for (unsigned i = 0; i < 20000; i++) {
        struct given g;
        struct decide_result got[DECIDE_LEGS];
        given_make(&g);
        t_from_flat(&g);
        int64_t target = ((int64_t)draw(&seed, 401) - 200) * 1000000, lots[4]; // in steps of 0.01
        for (int k = 0; k < 4; k++)
            lots[k] = draw(&seed, 3) ? 0 : (int64_t)draw(&seed, 300) * 1000000;
        g.signal.target_position = target;
        g.holding = (struct holding){
            .longs = lots[0], .shorts = lots[1], .buys = lots[2], .sells = lots[3]};
        if (draw(&seed, 2)) g.holding.resting_buys = lots[2], g.holding.resting_sells = lots[3];
        size_t n = decide_signal(&g.in, got);
        __int128 net = net_after(&g, got, n);
        if (net != target) print_error("case %u: target %lld\n", i, (long long)target);
        assert_true(net == target);
        assert_true(sign_of(net) == sign_of(target));
        given_free(&g);
    }
}

static void what_is_open_can_always_be_closed_unless_halted(void **state) {
    (void)state;
    uint64_t seed = 521288629;
    static const Signal__Direction closes[] = {
        SIGNAL__DIRECTION__close, SIGNAL__DIRECTION__close_long, SIGNAL__DIRECTION__close_short,
        SIGNAL__DIRECTION__flat};
    for (unsigned i = 0; i < 5000; i++) {
        struct given g;
        struct decide_result got[DECIDE_LEGS];
        given_make(&g);
        g.signal.direction = closes[draw(&seed, 4)];
        g.signal.has_lot_size = false;
        g.holding.longs = (int64_t)draw(&seed, 3), g.holding.shorts = (int64_t)draw(&seed, 3);
        g.subscription.has_sizing = draw(&seed, 2) == 1;
        g.subscription.sizing = (Sizing__By)(1 + draw(&seed, 7));
        g.subscription.sides = (Sizing__Sides)(1 + draw(&seed, 3));
        g.subscription.has_multiplier = draw(&seed, 2) == 1;
        g.money.known = draw(&seed, 2);
        g.in.mode = draw(&seed, 2) ? RISK_STATE__MODE__trading : RISK_STATE__MODE__reduce_only;
        g.account.has_max_open_trades = true;
        SET(g.symbol, min_lot, "100"), SET(g.symbol, max_lot, "0.00000001");
        size_t n = decide_signal(&g.in, got);
        assert_int_equal(got[n - 1].reason, R(ordered));
        assert_int_equal(got[n - 1].leg.kind, LEG_CLOSE);
        assert_false(got[n - 1].has_lots);
        given_free(&g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_signal_becomes_what_is_written),
        cmocka_unit_test(the_numbers_of_a_target_are_told_with_each_leg),
        cmocka_unit_test(every_level_is_where_it_is_written),
        cmocka_unit_test(exits_are_distances_in_price_whatever_their_unit),
        cmocka_unit_test(a_modify_may_take_levels_away_and_needs_a_side_for_points),
        cmocka_unit_test(an_order_for_the_day_ends_with_it),
        cmocka_unit_test(the_inverse_of_the_inverse_is_the_signal),
        cmocka_unit_test(a_target_is_reached_and_never_overshot),
        cmocka_unit_test(what_is_open_can_always_be_closed_unless_halted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
