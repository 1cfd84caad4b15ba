// test_cells - names of cells, and the relays that they make in the topology.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/delivery/cells.h"
#include "common/delivery/topology.h"

static size_t count_of(enum role role) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_instances(1, all), found = 0;
    for (size_t i = 0; i < n; i++) found += all[i].role == role;
    return found;
}

static void without_cells_there_is_no_relay_and_nothing_else_changes(void **state) {
    (void)state;
    char wrong[256];
    struct instance all[INSTANCES_MAX], consumers[INSTANCES_MAX];
    const struct stream signals = {TOPIC_signals, 0, "signals"};
    assert_true(cells_set(NULL, NULL, wrong));
    assert_null(cell_own());
    assert_int_equal(cells_count(), 0);
    assert_int_equal(topology_instances(1, all), 6);
    assert_int_equal(topology_consumers(&signals, 1, consumers), 2);
}

static void each_cell_named_has_a_relay_that_consumes_signals(void **state) {
    (void)state;
    char wrong[256];
    struct instance consumers[INSTANCES_MAX];
    const struct stream signals = {TOPIC_signals, 0, "signals"};
    assert_true(cells_set("a", " b,  west-2 ", wrong));
    assert_string_equal(cell_own(), "a");
    assert_string_equal(cell_at(0), "b");
    assert_string_equal(cell_at(1), "west-2");
    assert_null(cell_at(2));
    assert_int_equal(count_of(RELAY), 2);
    assert_int_equal(topology_consumers(&signals, 1, consumers), 4);
    assert_string_equal(consumers[2].name, "relay.b");
    assert_string_equal(consumers[3].name, "relay.west-2");
}

static void a_relay_reads_signals_alone_and_writes_incidents_alone(void **state) {
    (void)state;
    char wrong[256];
    struct stream streams[2 * INSTANCES_MAX];
    struct instance relay = {.role = RELAY, .shard = 0};
    assert_true(cells_set("a", "b", wrong));
    instance_name(RELAY, 0, relay.name);
    assert_string_equal(relay.name, "relay.b");
    assert_int_equal(topology_inlets(&relay, 4, streams), 1);
    assert_string_equal(streams[0].name, "signals");
    assert_int_equal(topology_outlets(&relay, 4, streams), 1);
    assert_string_equal(streams[0].name, "incidents.relay.b");
}

static void an_optional_service_is_there_only_where_it_is_named(void **state) {
    (void)state;
    char wrong[256];
    const struct stream decisions = {TOPIC_decisions, 0, "decisions"};
    struct instance consumers[INSTANCES_MAX];
    assert_true(cells_set(NULL, NULL, wrong) && topology_want("", wrong));
    assert_int_equal(count_of(ADVISOR), 0);
    assert_true(topology_is_wanted(ROUTER) && !topology_is_wanted(ADVISOR));
    assert_true(topology_want(" advisor,", wrong));
    assert_int_equal(count_of(ADVISOR), 1);
    assert_int_equal(topology_consumers(&decisions, 1, consumers), 1);
    assert_false(topology_want("advisor router", wrong));
    assert_non_null(strstr(wrong, "\"router\""));
    assert_true(topology_want(NULL, wrong));
    assert_int_equal(count_of(ADVISOR), 0);
}

static void the_largest_installation_fits(void **state) {
    (void)state;
    char wrong[256], others[512] = "";
    struct instance all[INSTANCES_MAX];
    const struct instance archiver = {.role = ARCHIVER};
    struct stream streams[2 * INSTANCES_MAX];
    for (int i = 0; i < CELLS_MAX; i++)
        snprintf(others + strlen(others), sizeof others - strlen(others), "cell-%d ", i);
    assert_true(cells_set("front", others, wrong));
    assert_int_equal(topology_instances(32, all), 5 + 32 + CELLS_MAX);
    assert_int_equal(topology_inlets(&archiver, 32, streams), 6 + 2 * 32 + 5 + 32 + CELLS_MAX);
}

static void names_that_would_be_misunderstood_are_refused_with_their_variable(void **state) {
    (void)state;
    static const struct {
        const char *own, *others, *says;
    } rows[] = {
        {NULL, "b", "TRADECAST_CELL: "},
        {"a", "a", "is this cell itself"},
        {"a", "b b", "is there twice"},
        {"A", "", "TRADECAST_CELL: \"A\" is not a name"},
        {"a", "b_c", "\"b_c\" is not a name"},
        {"a", "-b", "is not a name"},
        {"a", "b.c", "is not a name"},
        {"a", "abcdefghijklmnopqrstuvwxy", "is not a name"},
        {"a", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "\"17\" is one more"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char wrong[256];
        assert_false(cells_set(rows[i].own, rows[i].others, wrong));
        assert_non_null(strstr(wrong, rows[i].says));
        assert_int_equal(cells_count(), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_cells_there_is_no_relay_and_nothing_else_changes),
        cmocka_unit_test(each_cell_named_has_a_relay_that_consumes_signals),
        cmocka_unit_test(a_relay_reads_signals_alone_and_writes_incidents_alone),
        cmocka_unit_test(an_optional_service_is_there_only_where_it_is_named),
        cmocka_unit_test(the_largest_installation_fits),
        cmocka_unit_test(names_that_would_be_misunderstood_are_refused_with_their_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
