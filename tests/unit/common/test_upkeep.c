// test_upkeep - how often a service looks after its topics.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/service/loop.h"

// Where Redis is far one turn takes a second and more; with a fixed pace nothing else would be
// done.
static void what_takes_long_is_done_less_often_down_to_once_in_five_seconds(void **state) {
    (void)state;
    static const struct {
        uint64_t took_ms, rest_ms;
    } cases[] = {{0, 1000},   {1, 1000},   {100, 1000}, {101, 1010},
                 {300, 3000}, {500, 5000}, {2000, 5000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(upkeep_rest(cases[i].took_ms * NS_PER_MS), cases[i].rest_ms * NS_PER_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_takes_long_is_done_less_often_down_to_once_in_five_seconds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
