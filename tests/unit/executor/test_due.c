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
#include "services/executor/gate.h"

#define ITEMS 300

static uint64_t chance(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static uint64_t earliest(const struct due *items) {
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < ITEMS; i++) {
        if (items[i].place && items[i].at < at) at = items[i].at;
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
    for (size_t i = 0; i < ITEMS; i++) left += items[i].place != 0;
    assert_int_equal(due_count(heap), left);
    due_heap_destroy(&heap);
}

#define TRADING RISK_STATE__MODE__trading
#define REDUCE  RISK_STATE__MODE__reduce_only
#define HALTED  RISK_STATE__MODE__halted

static void the_last_look_follows_the_table(void **state) {
    (void)state;
    const struct {
        struct gate_view view;
        enum gate gate;
    } rows[] = {
        {{TRADING, TRADING, 0, 0, false, false}, GATE_OPEN},
        {{TRADING, TRADING, 0, 9, false, false}, GATE_OPEN},
        {{TRADING, TRADING, 1, 0, false, false}, GATE_WAIT},
        {{HALTED, TRADING, 0, 0, false, false}, GATE_HALTED_GLOBAL},
        {{TRADING, HALTED, 1, 0, false, false}, GATE_HALTED_ACCOUNT},
        {{HALTED, HALTED, 0, 0, false, false}, GATE_HALTED_GLOBAL},
        {{REDUCE, TRADING, 0, 0, false, false}, GATE_REDUCE_ONLY},
        {{TRADING, REDUCE, 0, 0, false, false}, GATE_REDUCE_ONLY},
        {{HALTED, HALTED, 3, 0, true, true}, GATE_OPEN},    // closing is always allowed
        {{TRADING, TRADING, 0, 1, true, true}, GATE_WAIT},  // but what is on its way is waited for
        {{TRADING, TRADING, 1, 0, true, false}, GATE_WAIT}, // and what may turn out to be there
        {{TRADING, TRADING, 0, 0, true, false}, GATE_OPEN}, // nothing to close: decided at once
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_int_equal(gate_pass(&rows[i].view), rows[i].gate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_first_comes_out_first),
        cmocka_unit_test(the_last_look_follows_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
