// test_peers - who may connect to whom.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/delivery/peers.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void a_key_opens_the_doors_that_its_owner_has_to_do_with(void **state) {
    static const struct {
        const char *peer, *process, *door;
        bool may;
    } rows[] = {
        // topics: from owner to consumer, and not back
        {"ingest", "router", "inbox", true},
        {"router", "executor.0", "inbox", true},
        {"router", "executor.7", "inbox", true},
        {"executor.3", "reconciler", "inbox", true},
        {"reconciler", "ingest", "inbox", true},
        {"executor.0", "archiver", "inbox", true},
        {"ingest", "executor.0", "inbox", false},
        {"ingest", "reconciler", "inbox", false},
        {"executor.0", "executor.1", "inbox", false},
        {"router", "monitor", "inbox", false},
        {"archiver", "monitor", "inbox", true}, // config
        {"gateway.p", "router", "inbox", false},
        {"bot.x", "ingest", "inbox", false},
        {"operator", "ingest", "inbox", false},
        {"ingest@b", "router", "inbox", false}, // of another cell
        {"ingest", "router@b", "inbox", false},
        {"ingest", "operator", "inbox", false},
        // what is published
        {"monitor", "executor.0", "events", true},
        {"operator", "sync-backend", "events", true},
        {"router", "ingest", "events", true},
        {"executor.5", "ingest", "events", true},
        {"gateway.p", "ingest", "events", true},
        {"gateway.p", "router", "events", false},
        {"monitor@b", "monitor", "events", true},
        {"monitor@b", "router", "events", false},
        {"bot.x", "ingest", "events", false},
        // the rest
        {"operator", "executor.0", "control", true},
        {"operator.jane", "executor.0", "control", true},
        {"operators", "executor.0", "control", false},
        {"router", "router", "control", true}, // its health check
        {"router", "ingest", "control", false},
        {"operator@b", "router", "control", false},
        {"gateway.p", "executor.0", "gateways", true},
        {"gateway.p", "executor.0", "control", false},
        {"gateway", "executor.0", "gateways", true},
        {"gateway.p@b", "executor.0", "gateways", false},
        {"executor.0", "executor.0", "gateways", false},
        {"bot.x", "ingest", "intake", true},
        {"operator", "ingest", "intake", true},
        {"gateway.p", "ingest", "intake", false},
        {"relay.b@a", "ingest", "handover", true},
        {"relay.b", "ingest", "handover", false},
        {"operator", "archiver", "query", true},
        {"operator", "archiver", "window", false},
        {"", "ingest", "intake", false},
        {"../operator", "router", "control", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (peers_may(rows[i].peer, rows[i].process, rows[i].door) != rows[i].may)
            fail_msg("%s to %s.%s", rows[i].peer, rows[i].process, rows[i].door);
    }
}

static void a_name_can_be_a_file_and_nothing_else(void **state) {
    static const char *const right[] = {"router", "executor.0", "gateway.paper-1", "relay.b@a",
                                        "bot.A_1"};
    static const char *const wrong[] = {"",
                                        ".",
                                        "..",
                                        ".hidden",
                                        "a/b",
                                        "a b",
                                        "a\n",
                                        "ü",
                                        "a*",
                                        "a:b",
                                        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) assert_true(peer_name_is_right(right[i]));
    for (size_t i = 0; i < COUNT(wrong); i++) assert_false(peer_name_is_right(wrong[i]));
}

static void a_role_is_known_by_its_process_name(void **state) {
    (void)state;
    assert_int_equal(peer_role("executor.12"), EXECUTOR);
    assert_int_equal(peer_role("ingest"), INGEST);
    assert_int_equal(peer_role("ingest@b"), ROLES);
    assert_int_equal(peer_role("exec"), ROLES);
    assert_int_equal(peer_role("gateway.router"), ROLES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_opens_the_doors_that_its_owner_has_to_do_with),
        cmocka_unit_test(a_name_can_be_a_file_and_nothing_else),
        cmocka_unit_test(a_role_is_known_by_its_process_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
