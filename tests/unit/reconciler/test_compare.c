// test_compare - asked against done: rules, edges, and every pair of its life cycle.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "services/reconciler/compare.h"
#include "tests/unit/terms.h"

#define SUCCESS TRADE_RECONCILIATION__STATUS__success
#define FAILED  TRADE_RECONCILIATION__STATUS__failed
#define LOT     DECIMAL_SCALE
#define TICK    1000 // 0.00001
#define PRICE   INT64_C(112345000)

static struct facts filled(void) {
    return (struct facts){
        .state = TRADE_STATE__STATE__filled,
        .has_requested_price = true,
        .requested_price = {PRICE},
        .has_lot_size = true,
        .lot_size = {LOT},
        .filled_lots = {LOT},
        .has_average_price = true,
        .average_price = {PRICE},
    };
}

static struct comparison compared(const struct facts *f, int64_t tolerance) {
    struct comparison c;
    decimal_t d = {tolerance};
    compare_facts(f, tolerance < 0 ? NULL : &d, &c);
    return c;
}

static void what_was_executed_as_asked_is_a_success(void **state) {
    (void)state;
    struct facts f = filled();
    struct comparison c = compared(&f, 0);
    assert_int_equal(c.status, SUCCESS);
    assert_true(c.has_discrepancy);
    assert_int_equal(c.discrepancy.e8, 0);
    assert_string_equal(c.reason, "");
}

static void a_discrepancy_is_executed_minus_requested(void **state) {
    (void)state;
    struct facts f = filled();
    f.average_price.e8 = PRICE - 5 * TICK;
    assert_int_equal(compared(&f, -1).discrepancy.e8, -5 * TICK);
}

static void a_price_exactly_at_the_tolerance_is_a_success_and_one_beyond_is_not(void **state) {
    (void)state;
    struct facts f = filled();
    for (int sign = -1; sign <= 1; sign += 2) {
        f.average_price.e8 = PRICE + sign * 10 * TICK;
        assert_int_equal(compared(&f, 10 * TICK).status, SUCCESS);
        f.average_price.e8 += sign;
        assert_int_equal(compared(&f, 10 * TICK).status, FAILED);
    }
    assert_string_equal(compared(&f, 10 * TICK).reason, "discrepancy 0.00010001, at most 0.0001");
}

static void without_a_tolerance_any_price_is_a_success(void **state) {
    (void)state;
    struct facts f = filled();
    f.average_price.e8 = 3 * PRICE;
    assert_int_equal(compared(&f, -1).status, SUCCESS);
    assert_int_equal(compared(&f, -1).discrepancy.e8, 2 * PRICE);
}

static void without_a_requested_price_there_is_no_discrepancy(void **state) {
    (void)state;
    struct facts f = filled();
    f.has_requested_price = false;
    assert_int_equal(compared(&f, 0).status, SUCCESS);
    assert_false(compared(&f, 0).has_discrepancy);
}

static void another_size_than_asked_is_a_failure(void **state) {
    (void)state;
    struct facts f = filled();
    f.filled_lots.e8 = LOT - 1;
    assert_int_equal(compared(&f, -1).status, FAILED);
    f.filled_lots.e8 = LOT / 2;
    assert_string_equal(compared(&f, -1).reason, "filled 0.5 of 1 lots");
    f.filled_lots.e8 = LOT + 1;
    assert_int_equal(compared(&f, -1).status, FAILED);
    f.has_lot_size = false; // a close of everything
    assert_int_equal(compared(&f, -1).status, SUCCESS);
}

static void what_was_not_executed_is_a_failure_with_its_reason(void **state) {
    static const struct {
        TradeState__State state;
        const char *reason, *says;
    } cases[] = {
        {TRADE_STATE__STATE__rejected, "no money", "rejected: no money"},
        {TRADE_STATE__STATE__cancelled, "", "cancelled"},
        {TRADE_STATE__STATE__expired, "too old", "expired: too old"},
        {TRADE_STATE__STATE__filled, "", "filled"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct facts f = filled();
        f.state = cases[i].state;
        f.filled_lots.e8 = 0;
        memcpy(f.reason, cases[i].reason, strlen(cases[i].reason) + 1);
        struct comparison c = compared(&f, -1);
        assert_int_equal(c.status, FAILED);
        assert_false(c.has_discrepancy);
        assert_string_equal(c.reason, cases[i].says);
    }
}

static void what_the_order_asked_counts_before_what_the_executor_repeats(void **state) {
    (void)state;
    struct facts f = {0};
    Order o = ORDER__INIT;
    o.terms = new_terms();
    o.direction = SIGNAL__DIRECTION__buy;
    o.terms->has_lot_size = o.terms->has_requested_price = true;
    o.terms->lot_size = LOT;
    o.terms->requested_price = PRICE;
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.state = TRADE_STATE__STATE__filled;
    t.terms->has_lot_size = t.terms->has_requested_price = t.has_filled_lots = true;
    t.terms->lot_size = LOT / 2;
    t.filled_lots = LOT / 2;
    t.terms->requested_price = 2 * PRICE;
    facts_order(&f, &o);
    facts_state(&f, &t);
    assert_int_equal(f.lot_size.e8, LOT);
    assert_int_equal(f.requested_price.e8, PRICE);
    assert_int_equal(f.filled_lots.e8, LOT / 2);
    t.has_wanted_at = true; // its price was moved by command
    t.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    facts_state(&f, &t);
    assert_int_equal(f.requested_price.e8, 2 * PRICE);
    struct facts g = {0}; // no order seen: after a restart, say
    facts_state(&g, &t);
    assert_int_equal(g.lot_size.e8, LOT / 2);
    assert_int_equal(g.requested_price.e8, 2 * PRICE);
}

static void how_much_a_close_closes_is_the_executors_to_know(void **state) {
    (void)state;
    struct facts f = {0};
    Order o = ORDER__INIT;
    o.terms = new_terms();
    o.direction = SIGNAL__DIRECTION__close;
    o.terms->has_lot_size = true;
    o.terms->lot_size = LOT;
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.direction = SIGNAL__DIRECTION__close;
    t.terms->has_lot_size = true;
    t.terms->lot_size = LOT / 4;
    facts_order(&f, &o);
    facts_state(&f, &t);
    assert_int_equal(f.lot_size.e8, LOT / 4);
}

static void the_first_fills_time_is_kept(void **state) {
    (void)state;
    struct facts f = {0};
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.has_executed_at = true;
    t.executed_at = 5;
    facts_state(&f, &t);
    t.executed_at = 9;
    facts_state(&f, &t);
    assert_int_equal(f.first_executed_at, 5);
    assert_int_equal(f.executed_at, 9);
}

static void every_pair_of_the_life_cycle_is_allowed_or_refused_as_written(void **state) {
    (void)state;
    for (int from = 0; from <= 4; from++) {
        for (int to = 0; to <= 4; to++) {
            bool allowed = (from == TRADE_RECONCILIATION__STATUS__pending &&
                            (to == SUCCESS || to == FAILED)) ||
                           (from == FAILED && to == SUCCESS);
            assert_int_equal(reconciliation_may((TradeReconciliation__Status)from,
                                                (TradeReconciliation__Status)to),
                             allowed);
        }
    }
}

static void only_what_nothing_more_is_awaited_for_is_final(void **state) {
    (void)state;
    static const char *const final[] = {"filled", "closed", "rejected", "cancelled", "expired"};
    for (unsigned i = 0; i < trade_state__state__descriptor.n_values; i++) {
        const ProtobufCEnumValue *v = &trade_state__state__descriptor.values[i];
        bool listed = false;
        for (size_t k = 0; k < sizeof final / sizeof *final; k++)
            listed = listed || strcmp(v->name, final[k]) == 0;
        assert_int_equal(state_is_final((TradeState__State)v->value), listed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_executed_as_asked_is_a_success),
        cmocka_unit_test(a_discrepancy_is_executed_minus_requested),
        cmocka_unit_test(a_price_exactly_at_the_tolerance_is_a_success_and_one_beyond_is_not),
        cmocka_unit_test(without_a_tolerance_any_price_is_a_success),
        cmocka_unit_test(without_a_requested_price_there_is_no_discrepancy),
        cmocka_unit_test(another_size_than_asked_is_a_failure),
        cmocka_unit_test(what_was_not_executed_is_a_failure_with_its_reason),
        cmocka_unit_test(what_the_order_asked_counts_before_what_the_executor_repeats),
        cmocka_unit_test(how_much_a_close_closes_is_the_executors_to_know),
        cmocka_unit_test(the_first_fills_time_is_kept),
        cmocka_unit_test(every_pair_of_the_life_cycle_is_allowed_or_refused_as_written),
        cmocka_unit_test(only_what_nothing_more_is_awaited_for_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
