// test_partial - partial closes: whole steps, and nothing lost to rounding.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/base/decimal.h"
#include "services/executor/trade/partial.h"

static int64_t e8(const char *text) {
    decimal_t d;
    assert_int_equal(decimal_parse(text, strlen(text), &d), ERR_OK);
    return d.e8;
}

static void a_partial_close_takes_whole_steps_and_keeps_the_rest(void **state) {
    (void)state;
    static const struct {
        const char *name, *open, *asked, *residual, *step, *least;
        bool rest_closes;
        const char *lots, *kept;
    } cases[] = {
        {"whole steps", "1", "0.25", "0", "0.01", "0.01", true, "0.25", "0"},
        {"rounded down, the rest is kept", "0.1", "0.033", "0", "0.01", "0.01", true, "0.03",
         "0.003"},
        {"what was kept is closed with the next", "0.07", "0.0231", "0.007", "0.01", "0.01", true,
         "0.03", "0.0001"},
        {"what was kept makes the step exactly", "0.07", "0.005", "0.005", "0.01", "0.01", true,
         "0.01", "0"},
        {"one under a step: nothing yet", "0.07", "0.005", "0.00499999", "0.01", "0.01", true, "0",
         "0.00999999"},
        {"all of it", "0.07", "0.07", "0.003", "0.01", "0.01", true, "0.07", "0"},
        {"more than all", "0.07", "5", "0", "0.01", "0.01", false, "0.07", "0"},
        {"all, with what was kept", "0.07", "0.068", "0.002", "0.01", "0.01", true, "0.07", "0"},
        {"all of what is in no step", "0.0155", "0.0155", "0", "0.01", "0.01", true, "0.0155", "0"},
        {"the rest would be too small: closed too", "1", "0.95", "0", "0.01", "0.1", true, "1",
         "0"},
        {"exactly the smallest order stays", "1", "0.9", "0", "0.01", "0.1", true, "0.9", "0"},
        {"the rest would be too small: less is closed", "1", "0.95", "0", "0.01", "0.1", false,
         "0.9", "0.05"},
        {"too small to be ordered", "1", "0.05", "0", "0.01", "0.1", true, "0", "0.05"},
        {"kept until it can be ordered", "1", "0.05", "0.05", "0.01", "0.1", true, "0.1", "0"},
        {"leaving: neither part can be ordered", "0.15", "0.1", "0", "0.01", "0.1", false, "0",
         "0.1"},
        {"closing: neither part can be ordered", "0.15", "0.1", "0", "0.01", "0.1", true, "0.15",
         "0"},
        {"lots of 1 and 10", "25", "12", "0", "1", "10", true, "12", "0"},
        {"earlier closes took more", "1", "0.02", "-0.01", "0.01", "0.01", true, "0.01", "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct partial p = {e8(cases[i].open), e8(cases[i].asked), e8(cases[i].residual),
                                  e8(cases[i].step), e8(cases[i].least), cases[i].rest_closes};
        struct partial_plan plan = partial_plan(&p);
        if (plan.lots != e8(cases[i].lots) || plan.residual != e8(cases[i].kept)) {
            fail_msg("%s: %lld lots, %lld kept", cases[i].name, (long long)plan.lots,
                     (long long)plan.residual);
        }
    }
}

static void a_percentage_is_rounded_down_to_the_last_digit(void **state) {
    (void)state;
    assert_int_equal(partial_of(e8("0.1"), e8("33")), e8("0.033"));
    assert_int_equal(partial_of(e8("0.1"), e8("33.33333333")), e8("0.03333333"));
    assert_int_equal(partial_of(1, e8("99.99999999")), 0);
    assert_int_equal(partial_of(e8("0.1"), e8("100")), e8("0.1"));
    assert_int_equal(partial_of(e8("0.1"), e8("250")), e8("0.1"));
    assert_int_equal(partial_of(e8("0.1"), 0), 0);
    assert_int_equal(partial_of(INT64_MAX, e8("50")), INT64_MAX / 2);
}

static uint64_t seed = 11;
static int64_t next(int64_t most) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)(most + 1));
}

static void whatever_is_asked_the_sums_are_exact(void **state) {
    (void)state;
    for (int run = 0; run < 20000; run++) {
        int64_t step = 1 + next(2000000), least = step * (1 + next(20)),
                open = least + next(400) * step / 3;
        int64_t asked = 0, closed = 0, residual = 0;
        const bool rest_closes = next(1);
        while (open) {
            const int64_t wanted =
                next(3) ? 1 + next(open / 2) : partial_of(open, 1 + next(100 * DECIMAL_SCALE));
            const struct partial p = {open,       wanted > 0 ? wanted : 1, residual, step, least,
                                      rest_closes};
            const struct partial_plan plan = partial_plan(&p);
            bool all = plan.lots == open;
            asked += p.asked;
            closed += plan.lots;
            open -= plan.lots;
            residual = plan.residual;
            assert_in_range((uint64_t)plan.lots, 0, (uint64_t)p.open);
            if (all) {
                assert_int_equal(residual, 0);
                break;
            }
            assert_int_equal(closed + residual, asked);
            assert_int_equal(plan.lots % step, 0);
            // what is left can be closed as well
            assert_true(!plan.lots || (plan.lots >= least && open >= least));
            assert_true(residual >= 0);
        }
        assert_int_equal(open, 0); // it ends, whatever the pieces
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partial_close_takes_whole_steps_and_keeps_the_rest),
        cmocka_unit_test(a_percentage_is_rounded_down_to_the_last_digit),
        cmocka_unit_test(whatever_is_asked_the_sums_are_exact),
    };
    return cmocka_run_group_tests_name("executor: partial", tests, NULL, NULL);
}
