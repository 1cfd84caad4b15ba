// test_breach - which rule a trading day breaks: every rule at its edge, the marks they are measured from, and the nights between days.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "services/router/accounts/breach.h"

#define MONEY(x) ((int64_t)(x)*DECIMAL_SCALE)
#define CENT     (DECIMAL_SCALE / 100)

static uint64_t at(const char *text) {
    uint64_t ns = 0;
    assert_int_equal(time_parse(text, strlen(text), &ns), ERR_OK);
    return ns;
}

// An account that began the day at 100,000 with one of the rules, as a case changes it.
struct world {
    struct rules rules;
    DailyLoss loss;
    Drawdown drawdown;
    ProfitLock profit;
    Consistency share;
    RiskState s;
    zone_t *zone;
    uint64_t now;
};

static void tell(struct world *w, int64_t balance, int64_t equity) {
    w->now += NS_PER_S;
    (void)breach_day(&w->rules, w->zone, &w->s, w->now);
    breach_told(&w->rules, &w->s, &(struct told){balance, equity, w->now, 0});
    (void)breach_day(&w->rules, w->zone, &w->s, w->now);
}

static void next_day(struct world *w) {
    w->now = zone_day_end(w->zone, w->now, w->rules.day_starts);
    assert_true(breach_day(&w->rules, w->zone, &w->s, w->now));
}

static void world_make(struct world *w) {
    *w = (struct world){.rules = {.r = RISK_RULES__INIT}, .s = RISK_STATE__INIT};
    daily_loss__init(&w->loss);
    drawdown__init(&w->drawdown);
    profit_lock__init(&w->profit);
    consistency__init(&w->share);
    w->zone = zone_new("America/New_York");
    w->rules.day_starts = 17 * 60;
    w->now = at("2025-03-05T12:00:00Z");
    tell(w, MONEY(100000), MONEY(100000));
}

#define HAS(message, field, value) ((message).has_##field = true, (message).field = (value))

static void loss_of_5000(struct world *w) {
    w->rules.r.daily_loss = &w->loss, HAS(w->loss, amount, MONEY(5000));
}
static void loss_of_5_percent(struct world *w) {
    w->rules.r.daily_loss = &w->loss, HAS(w->loss, percent, MONEY(5));
}
static void loss_of_both(struct world *w) { loss_of_5000(w), HAS(w->loss, percent, MONEY(4)); }
static void loss_of_balance(struct world *w) {
    loss_of_5000(w), w->loss.watched = RISK_RULES__WATCHED__balance;
}
static void floor_of_10_percent(struct world *w) {
    w->rules.r.drawdown = &w->drawdown, HAS(w->drawdown, percent, MONEY(10));
}
static void floor_by_day(struct world *w) {
    floor_of_10_percent(w), w->drawdown.kind = DRAWDOWN__KIND__end_of_day;
}
static void floor_by_high(struct world *w) {
    floor_of_10_percent(w), w->drawdown.kind = DRAWDOWN__KIND__intraday;
}
static void floor_that_stops(struct world *w) {
    floor_by_high(w), HAS(w->drawdown, stops_at_initial, true);
}
static void floor_by_amount(struct world *w) {
    floor_of_10_percent(w), HAS(w->drawdown, amount, MONEY(3000));
}
static void target_of_2000(struct world *w) {
    w->rules.r.profit_lock = &w->profit, HAS(w->profit, amount, MONEY(2000));
}
static void target_of_1_percent(struct world *w) {
    w->rules.r.profit_lock = &w->profit, HAS(w->profit, percent, MONEY(1));
}
static void gives_back_a_quarter(struct world *w) {
    target_of_2000(w), HAS(w->profit, give_back_percent, MONEY(25));
}
static void share_of_40(struct world *w) {
    w->rules.r.consistency = &w->share, w->share.percent = MONEY(40),
    HAS(w->share, target, MONEY(10000));
}
static void three_trades(struct world *w) {
    w->rules.r.has_max_trades_day = true, w->rules.r.max_trades_day = 3;
}

static void money(struct world *w, int64_t both) { tell(w, both, both); }
static void lost_4999_99(struct world *w) { money(w, MONEY(95000) + CENT); }
static void lost_5000(struct world *w) { money(w, MONEY(95000)); }
static void lost_4000(struct world *w) { money(w, MONEY(96000)); }
static void lost_3999_99(struct world *w) { money(w, MONEY(96000) + CENT); }
static void lost_on_paper(struct world *w) { tell(w, MONEY(100000), MONEY(95000)); }
static void lost_in_balance(struct world *w) { tell(w, MONEY(95000), MONEY(99000)); }
static void lost_yesterday(struct world *w) {
    lost_4000(w), next_day(w), tell(w, MONEY(95000), MONEY(95000));
}
static void lost_5_percent_of_less(struct world *w) {
    lost_4000(w), next_day(w), tell(w, MONEY(91200), MONEY(91200));
}
static void lost_a_cent_less_of_less(struct world *w) {
    lost_4000(w), next_day(w), tell(w, MONEY(91200) + CENT, MONEY(91200) + CENT);
}
static void of_initial(struct world *w) { w->loss.percent_of = DAILY_LOSS__OF__initial; }
static void lost_4800_of_initial(struct world *w) { of_initial(w), lost_5_percent_of_less(w); }
static void lost_5000_of_initial(struct world *w) {
    of_initial(w), lost_4000(w), next_day(w), tell(w, MONEY(91000), MONEY(91000));
}
// the day began with 103,000 of equity on 100,000 of balance
static void equity_carried_over(struct world *w) {
    w->loss.from = DAILY_LOSS__BASE__higher;
    tell(w, MONEY(100000), MONEY(103000));
    next_day(w);
    tell(w, MONEY(98000), MONEY(98000));
}
static void equity_carried_over_from_balance(struct world *w) {
    equity_carried_over(w), w->loss.from = DAILY_LOSS__BASE__balance;
}
static void at_90000(struct world *w) { money(w, MONEY(90000)); }
static void at_90000_01(struct world *w) { money(w, MONEY(90000) + CENT); }
static void high_then_99000(struct world *w) { money(w, MONEY(109000)), money(w, MONEY(99000)); }
static void high_then_99000_01(struct world *w) {
    money(w, MONEY(109000)), money(w, MONEY(99000) + CENT);
}
static void high_over_night_then_99000(struct world *w) {
    money(w, MONEY(109000)), next_day(w), money(w, MONEY(99000));
}
static void high_within_the_day_then_99000(struct world *w) {
    money(w, MONEY(109000)), money(w, MONEY(100000)), next_day(w), money(w, MONEY(99000));
}
static void far_above_then_100000(struct world *w) {
    money(w, MONEY(150000)), money(w, MONEY(100000));
}
static void far_above_then_100000_01(struct world *w) {
    money(w, MONEY(150000)), money(w, MONEY(100000) + CENT);
}
static void at_97000(struct world *w) { money(w, MONEY(97000)); }
static void at_102000(struct world *w) { money(w, MONEY(102000)); }
static void at_101999_99(struct world *w) { money(w, MONEY(102000) - CENT); }
static void at_101000(struct world *w) { money(w, MONEY(101000)); }
static void at_102000_next_day(struct world *w) { at_101000(w), next_day(w), at_102000(w); }
static void gave_back_1000_of_4000(struct world *w) {
    money(w, MONEY(104000)), money(w, MONEY(103000));
}
static void gave_back_a_cent_less(struct world *w) {
    money(w, MONEY(104000)), money(w, MONEY(103000) + CENT);
}
static void gave_back_before_the_target(struct world *w) {
    money(w, MONEY(101999)), money(w, MONEY(100000));
}
static void at_104000(struct world *w) { money(w, MONEY(104000)); }
static void at_103999_99(struct world *w) { money(w, MONEY(104000) - CENT); }
// 20,000 made before: 40 % of 26,000 is more than 6,000
static void late_in_a_good_month(struct world *w) {
    for (int day = 1; day <= 5; day++) money(w, MONEY(100000 + 3999 * day)), next_day(w);
    money(w, MONEY(100000 + 3999 * 5 + 6000));
}
static void too_much_late(struct world *w) {
    late_in_a_good_month(w), money(w, MONEY(100000 + 3999 * 5 + 13330));
}
static void trades(struct world *w, int n) {
    while (n--) breach_ordered(&w->s);
}
static void two_trades_done(struct world *w) { trades(w, 2); }
static void three_trades_done(struct world *w) { trades(w, 3); }
static void three_trades_yesterday(struct world *w) { trades(w, 3), next_day(w), trades(w, 2); }
static void waived(struct world *w) { lost_5000(w), HAS(w->s, waived, REASON__CODE__daily_loss); }
static void waived_yesterday(struct world *w) { waived(w), next_day(w), money(w, MONEY(90000)); }
static void another_waived(struct world *w) {
    lost_5000(w), HAS(w->s, waived, REASON__CODE__total_drawdown);
}

#define NOTHING    REASON__CODE__ordered
#define LOSS       REASON__CODE__daily_loss
#define DRAWDOWN   REASON__CODE__total_drawdown
#define PROFIT     REASON__CODE__profit_lock
#define SHARE      REASON__CODE__consistency
#define TRADES_DAY REASON__CODE__max_trades_day

static const struct example {
    const char *claim;
    void (*rule)(struct world *w);
    void (*happens)(struct world *w);
    Reason__Code broken;
} examples[] = {
    {"a cent less than the day's loss", loss_of_5000, lost_4999_99, NOTHING},
    {"exactly the day's loss", loss_of_5000, lost_5000, LOSS},
    {"equity is watched unless said otherwise", loss_of_5000, lost_on_paper, LOSS},
    {"balance, if said", loss_of_balance, lost_on_paper, NOTHING},
    {"balance lost, equity still high", loss_of_balance, lost_in_balance, LOSS},
    {"in percent", loss_of_5_percent, lost_5000, LOSS},
    {"in percent, a cent less", loss_of_5_percent, lost_4999_99, NOTHING},
    {"of both limits the smaller", loss_of_both, lost_4000, LOSS},
    {"of both, a cent less", loss_of_both, lost_3999_99, NOTHING},
    {"yesterday's loss is yesterday's", loss_of_5000, lost_yesterday, NOTHING},
    {"percent of what the day began with", loss_of_5_percent, lost_5_percent_of_less, LOSS},
    {"percent of that, a cent less", loss_of_5_percent, lost_a_cent_less_of_less, NOTHING},
    {"percent of the initial balance is more", loss_of_5_percent, lost_4800_of_initial, NOTHING},
    {"percent of the initial balance, reached", loss_of_5_percent, lost_5000_of_initial, LOSS},
    {"measured from the higher of balance and equity", loss_of_5000, equity_carried_over, LOSS},
    {"measured from balance", loss_of_5000, equity_carried_over_from_balance, NOTHING},
    {"the floor itself", floor_of_10_percent, at_90000, DRAWDOWN},
    {"a cent above the floor", floor_of_10_percent, at_90000_01, NOTHING},
    {"a static floor does not follow", floor_of_10_percent, high_then_99000, NOTHING},
    {"a floor by amount, the nearer", floor_by_amount, at_97000, DRAWDOWN},
    {"trailing within the day", floor_by_high, high_then_99000, DRAWDOWN},
    {"trailing, a cent above", floor_by_high, high_then_99000_01, NOTHING},
    {"trailing by day ends: not within the day", floor_by_day, high_then_99000, NOTHING},
    {"trailing by day ends: over night", floor_by_day, high_over_night_then_99000, DRAWDOWN},
    {"trailing by day ends: a high of noon is none", floor_by_day, high_within_the_day_then_99000,
     NOTHING},
    {"it stops at the initial balance", floor_that_stops, far_above_then_100000_01, NOTHING},
    {"and breaks there", floor_that_stops, far_above_then_100000, DRAWDOWN},
    {"without stopping it would have", floor_by_high, far_above_then_100000_01, DRAWDOWN},
    {"the target of a day", target_of_2000, at_102000, PROFIT},
    {"a cent short of it", target_of_2000, at_101999_99, NOTHING},
    {"in percent", target_of_1_percent, at_101000, PROFIT},
    {"of the day, not of all days", target_of_2000, at_102000_next_day, NOTHING},
    {"with giving back the target alone is none", gives_back_a_quarter, at_102000, NOTHING},
    {"a quarter of the highest given back", gives_back_a_quarter, gave_back_1000_of_4000, PROFIT},
    {"a cent less given back", gives_back_a_quarter, gave_back_a_cent_less, NOTHING},
    {"given back what never was the target", gives_back_a_quarter, gave_back_before_the_target,
     NOTHING},
    {"a day's share of the target", share_of_40, at_104000, SHARE},
    {"a cent less", share_of_40, at_103999_99, NOTHING},
    {"when more has been made a day may bring more", share_of_40, late_in_a_good_month, NOTHING},
    {"but not any amount", share_of_40, too_much_late, SHARE},
    {"fewer trades", three_trades, two_trades_done, NOTHING},
    {"as many trades as there may be", three_trades, three_trades_done, TRADES_DAY},
    {"a new day counts anew", three_trades, three_trades_yesterday, NOTHING},
    {"a waived rule is not looked at", loss_of_5000, waived, NOTHING},
    {"the next day it is", loss_of_5000, waived_yesterday, LOSS},
    {"another rule's waiver is another's", loss_of_5000, another_waived, LOSS},
};

static void a_rule_is_broken_exactly_at_its_limit(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct world w;
        struct breach b = {.rule = NOTHING};
        world_make(&w);
        examples[i].rule(&w);
        examples[i].happens(&w);
        if (!breach_find(&w.rules, &w.s, &b)) b.rule = NOTHING;
        zone_destroy(&w.zone);
        if (b.rule != examples[i].broken)
            fail_msg("%s: %d, expected %d", examples[i].claim, (int)b.rule,
                     (int)examples[i].broken);
    }
}

static void the_strongest_of_several_is_told(void **state) {
    (void)state;
    struct world w;
    struct breach b;
    world_make(&w);
    three_trades(&w);
    trades(&w, 3);
    assert_true(breach_find(&w.rules, &w.s, &b) && b.rule == TRADES_DAY);
    loss_of_5000(&w);
    w.loss.breach = RISK_RULES__BREACH__reduce_only;
    lost_5000(&w);
    assert_true(breach_find(&w.rules, &w.s, &b) && b.rule == LOSS);
    assert_int_equal(b.value, MONEY(5000));
    assert_int_equal(b.limit, MONEY(5000));
    floor_by_amount(&w);
    assert_true(breach_find(&w.rules, &w.s, &b) && b.rule == DRAWDOWN);
    // equal in what they do: the one until the operator's word
    w.drawdown.breach = RISK_RULES__BREACH__reduce_only;
    assert_true(breach_find(&w.rules, &w.s, &b) && b.rule == DRAWDOWN);
    w.drawdown.until = RISK_RULES__UNTIL__reset;
    w.loss.until = RISK_RULES__UNTIL__hand;
    assert_true(breach_find(&w.rules, &w.s, &b) && b.rule == LOSS);
    zone_destroy(&w.zone);
}

static void a_lock_gives_way_only_to_a_stronger_one(void **state) {
    (void)state;
    RiskState s = RISK_STATE__INIT;
    struct breach b = {.action = RISK_RULES__BREACH__block, .until = RISK_RULES__UNTIL__reset};
    assert_true(breach_is_stronger(&s, &b));
    HAS(s, lock, ORDER_COMMAND__LOCK__blocked);
    HAS(s, locked_until, 1);
    assert_false(breach_is_stronger(&s, &b));
    b.until = RISK_RULES__UNTIL__hand;
    assert_true(breach_is_stronger(&s, &b));
    s.has_locked_until = false;
    assert_false(breach_is_stronger(&s, &b));
    b.action = RISK_RULES__BREACH__flatten;
    assert_true(breach_is_stronger(&s, &b));
    s.lock = ORDER_COMMAND__LOCK__flattened;
    b.action = RISK_RULES__BREACH__reduce_only;
    assert_false(breach_is_stronger(&s, &b));
}

static void the_day_begins_by_its_zone_on_short_and_long_days(void **state) {
    (void)state;
    static const char *const begins[] = {"2025-03-07T22:00:00Z", "2025-03-08T22:00:00Z",
                                         "2025-03-09T21:00:00Z", "2025-03-10T21:00:00Z"};
    struct world w;
    world_make(&w);
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        trades(&w, 1);
        (void)breach_day(&w.rules, w.zone, &w.s, at(begins[i]) - 1);
        trades(&w, 1);
        assert_false(breach_day(&w.rules, w.zone, &w.s, at(begins[i]) - 1)); // once
        assert_true(breach_day(&w.rules, w.zone, &w.s, at(begins[i])));
        assert_int_equal(w.s.day_started_at, at(begins[i]));
        assert_int_equal(w.s.trades_today, 0);
    }
    zone_destroy(&w.zone);
}

// The router was away over the reset: what was told before it is what the day began with, though it
// is heard late.
static void a_restart_over_the_reset_loses_no_loss(void **state) {
    (void)state;
    struct world w;
    struct breach b;
    world_make(&w);
    loss_of_5000(&w);
    uint64_t reset = zone_day_end(w.zone, w.now, w.rules.day_starts);
    assert_true(breach_day(&w.rules, w.zone, &w.s, reset + NS_PER_S));
    breach_told(&w.rules, &w.s, &(struct told){MONEY(98000), MONEY(98000), reset - NS_PER_S, 0});
    assert_int_equal(w.s.day_start_equity, MONEY(98000));
    breach_told(&w.rules, &w.s,
                &(struct told){MONEY(93000), MONEY(93000), reset + 2 * NS_PER_S, 0});
    assert_int_equal(w.s.day_start_equity, MONEY(98000));
    // older than what is known
    breach_told(&w.rules, &w.s,
                &(struct told){MONEY(99000), MONEY(99000), reset - 2 * NS_PER_S, 0});
    assert_int_equal(w.s.equity, MONEY(93000));
    assert_true(breach_find(&w.rules, &w.s, &b) && b.rule == LOSS);
    zone_destroy(&w.zone);
}

static void before_the_broker_has_told_anything_nothing_is_lost(void **state) {
    (void)state;
    struct world w;
    struct breach b;
    world_make(&w);
    risk_state__init(&w.s);
    loss_of_5000(&w);
    floor_by_high(&w);
    assert_true(breach_day(&w.rules, w.zone, &w.s, w.now));
    assert_false(breach_find(&w.rules, &w.s, &b));
    w.rules.r.has_initial_balance = true;
    w.rules.r.initial_balance = MONEY(110000); // the account was larger before it came to us
    tell(&w, MONEY(99000), MONEY(99000));
    assert_true(breach_find(&w.rules, &w.s, &b) && b.rule == DRAWDOWN);
    zone_destroy(&w.zone);
}

static void amounts_of_any_size_do_not_overflow(void **state) {
    (void)state;
    struct world w;
    struct breach b;
    world_make(&w);
    loss_of_5_percent(&w);
    floor_of_10_percent(&w);
    tell(&w, INT64_MAX, INT64_MAX);
    next_day(&w);
    tell(&w, INT64_MIN, INT64_MIN);
    assert_true(breach_find(&w.rules, &w.s, &b));
    zone_destroy(&w.zone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_broken_exactly_at_its_limit),
        cmocka_unit_test(the_strongest_of_several_is_told),
        cmocka_unit_test(a_lock_gives_way_only_to_a_stronger_one),
        cmocka_unit_test(the_day_begins_by_its_zone_on_short_and_long_days),
        cmocka_unit_test(a_restart_over_the_reset_loses_no_loss),
        cmocka_unit_test(before_the_broker_has_told_anything_nothing_is_lost),
        cmocka_unit_test(amounts_of_any_size_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
