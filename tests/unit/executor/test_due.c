// test_due - the heap of what is due, against a plain search; and the gate.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "services/executor/due.h"
#include "services/executor/trade/gate.h"

#define ITEMS 300

static uint64_t chance(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static uint64_t earliest(const struct due *items) {
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < ITEMS; i++) {
        if (items[i].index && items[i].at < at) at = items[i].at;
    }
    return at;
}

static void what_is_due_first_comes_out_first(void **state) {
    (void)state;
    static struct due items[ITEMS];
    due_heap_t *heap = due_heap_new();
    uint64_t seed = 7;
    for (unsigned n = 0; n < 20000; n++) {
        struct due *item = &items[chance(&seed) % ITEMS];
        switch (chance(&seed) % 4) {
        case 0:
            due_clear(heap, item);
            break;
        case 1: {
            uint64_t at = earliest(items), now = chance(&seed) % 1000;
            struct due *first = due_pop(heap, now);
            if (at <= now)
                assert_int_equal(first->at, at);
            else
                assert_null(first);
            break;
        }
        default:
            due_set(heap, item, chance(&seed) % 1000);
        }
    }
    size_t left = 0;
    for (size_t i = 0; i < ITEMS; i++) left += items[i].index != 0;
    assert_int_equal(due_count(heap), left);
    due_heap_destroy(&heap);
}

#define TRADING    RISK_STATE__MODE__trading
#define REDUCE     RISK_STATE__MODE__reduce_only
#define LOCK(name) ORDER_COMMAND__LOCK__##name
#define VIEW(everywhere, here, ...)                                                                \
    { .global = (everywhere), .account = (here), __VA_ARGS__ }
#define HALTED RISK_STATE__MODE__halted

static void the_last_look_follows_the_table(void **state) {
    (void)state;
    const struct {
        struct gate_view view;
        enum gate gate;
    } rows[] = {
        {VIEW(TRADING, TRADING, .unknown = 0, .submitting = 0, .closing = false,
              .has_positions = false),
         GATE_OPEN},
        {VIEW(TRADING, TRADING, .unknown = 0, .submitting = 9, .closing = false,
              .has_positions = false),
         GATE_OPEN},
        {VIEW(TRADING, TRADING, .unknown = 1, .submitting = 0, .closing = false,
              .has_positions = false),
         GATE_WAIT},
        {VIEW(HALTED, TRADING, .unknown = 0, .submitting = 0, .closing = false,
              .has_positions = false),
         GATE_HALTED_GLOBAL},
        {VIEW(TRADING, HALTED, .unknown = 1, .submitting = 0, .closing = false,
              .has_positions = false),
         GATE_HALTED_ACCOUNT},
        {VIEW(HALTED, HALTED, .unknown = 0, .submitting = 0, .closing = false,
              .has_positions = false),
         GATE_HALTED_GLOBAL},
        {VIEW(REDUCE, TRADING, .unknown = 0, .submitting = 0, .closing = false,
              .has_positions = false),
         GATE_REDUCE_ONLY},
        {VIEW(TRADING, REDUCE, .unknown = 0, .submitting = 0, .closing = false,
              .has_positions = false),
         GATE_REDUCE_ONLY},
        {VIEW(HALTED, HALTED, .unknown = 3, .submitting = 0, .closing = true,
              .has_positions = true),
         GATE_OPEN}, // closing is always allowed
        {VIEW(TRADING, TRADING, .source = HALTED), GATE_HALTED_SOURCE},
        {VIEW(TRADING, HALTED, .source = HALTED), GATE_HALTED_ACCOUNT},
        {VIEW(TRADING, TRADING, .source = REDUCE), GATE_REDUCE_ONLY},
        {VIEW(TRADING, TRADING, .lock = LOCK(open)), GATE_OPEN},
        {VIEW(TRADING, TRADING, .lock = LOCK(blocked)), GATE_LOCKED},
        {VIEW(TRADING, TRADING, .lock = LOCK(reduce_only)), GATE_LOCKED},
        {VIEW(TRADING, TRADING, .lock = LOCK(flattened)), GATE_LOCKED},
        {VIEW(HALTED, HALTED, .lock = LOCK(flattened), .source = HALTED, .closing = true),
         GATE_OPEN},
        {VIEW(TRADING, TRADING, .lots = 5, .max_lots = 5), GATE_OPEN},
        {VIEW(TRADING, TRADING, .lots = 6, .max_lots = 5), GATE_MAX_LOTS},
        {VIEW(TRADING, TRADING, .lots = 6), GATE_OPEN},
        {VIEW(TRADING, TRADING, .lots = 6, .max_lots = 5, .closing = true, .has_positions = true),
         GATE_OPEN},
        {VIEW(TRADING, TRADING, .unknown = 0, .submitting = 1, .closing = true,
              .has_positions = true),
         GATE_WAIT}, // but what is on its way is waited for
        {VIEW(TRADING, TRADING, .unknown = 1, .submitting = 0, .closing = true,
              .has_positions = false),
         GATE_WAIT}, // and what may turn out to be there
        {VIEW(TRADING, TRADING, .unknown = 0, .submitting = 0, .closing = true,
              .has_positions = false),
         GATE_OPEN}, // nothing to close: decided at once
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(gate_pass(&rows[i].view), rows[i].gate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_first_comes_out_first),
        cmocka_unit_test(the_last_look_follows_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
