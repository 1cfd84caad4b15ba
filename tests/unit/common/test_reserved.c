// test_reserved - one list of words that are no ids: what the configuration takes, the router's
// keys never meet.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>

#include "common/domain/reserved.h"

static void an_account_is_not_named_as_a_key_is(void **state) {
    (void)state;
    static const char *const words[] = {"index",    "global", "accounts", "sources",  "source:tv",
                                        "trades:a", "open:a", "lock:a",   "flatten:a"};
    static const char *const names[] = {"",        "a",    "source",        "sources2",
                                        "Sources", "open", "state:pending", "indexes"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(reserved_word(RESERVED_NAME, words[i]));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(reserved_word(RESERVED_NAME, names[i]));
}

static void a_signal_is_not_named_as_a_key_is(void **state) {
    (void)state;
    static const char *const words[] = {"state:pending", "guard:", "ended:1", "open:0", "index:x"};
    static const char *const names[] = {"state", "sources", "global", "a:state:", "opens:"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(reserved_word(RESERVED_SIGNAL, words[i]));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(reserved_word(RESERVED_SIGNAL, names[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_not_named_as_a_key_is),
        cmocka_unit_test(a_signal_is_not_named_as_a_key_is),
    };
    return cmocka_run_group_tests_name("reserved", tests, NULL, NULL);
}
