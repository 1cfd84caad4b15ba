// test_endpoint - where doors are: by the environment, the same for both ends; what is local, and
// which port is whose.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bus/endpoint.h"
#include "common/delivery/topology.h"
#include "proto/doors.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SETTINGS     4

static void set_all(const char *const settings[SETTINGS]) {
    for (size_t i = 0; i < SETTINGS && settings[i]; i++) {
        char name[128];
        const char *equals = strchr(settings[i], '=');
        (void)snprintf(name, sizeof name, "%.*s", (int)(equals - settings[i]), settings[i]);
        setenv(name, equals + 1, 1);
    }
}

static void unset_all(const char *const settings[SETTINGS]) {
    for (size_t i = 0; i < SETTINGS && settings[i]; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(settings[i], "="), settings[i]);
        unsetenv(name);
    }
}

static void a_door_is_where_the_environment_says(void **state) {
    static const struct {
        const char *settings[SETTINGS], *name, *door, *address;
    } rows[] = {
        {{0}, "router", "inbox", "ipc:///run/x/router.inbox"},
        // empty is not set
        {{"TRADECAST_HOST_ROUTER="}, "router", "inbox", "ipc:///run/x/router.inbox"},
        {{0}, "paper-1", "control", "ipc:///run/x/paper-1.control"},
        {{"TRADECAST_ENDPOINT_ROUTER_INBOX=tcp://h:1"}, "router", "inbox", "tcp://h:1"},
        {{"TRADECAST_ENDPOINT_ROUTER_INBOX=tcp://h:1"},
         "router",
         "events",
         "ipc:///run/x/router.events"},
        {{"TRADECAST_ENDPOINT_ROUTER_INBOX=tcp://h:1", "TRADECAST_HOST_ROUTER=10.0.0.2"},
         "router",
         "inbox",
         "tcp://h:1"},
        {{"TRADECAST_HOST_ROUTER=10.0.0.2"}, "router", "inbox", "tcp://10.0.0.2:7408"},
        {{"TRADECAST_HOST_ROUTER=10.0.0.2"}, "router", "control", "tcp://10.0.0.2:7410"},
        {{"TRADECAST_HOST_ROUTER=10.0.0.2", "TRADECAST_PORTS=9000"},
         "router",
         "inbox",
         "tcp://10.0.0.2:9008"},
        {{"TRADECAST_HOST_ROUTER=fd00::2"}, "router", "inbox", "tcp://[fd00::2]:7408"},
        {{"TRADECAST_HOST_ROUTER=[fd00::2]"}, "router", "inbox", "tcp://[fd00::2]:7408"},
        {{"TRADECAST_HOST_ROUTER=trade1.lan"}, "router", "inbox", "tcp://trade1.lan:7408"},
        {{"TRADECAST_HOST_EXECUTOR_3=h"}, "executor.3", "gateways", "tcp://h:7491"},
        {{"TRADECAST_HOST_EXECUTOR_3=h"},
         "executor.30",
         "gateways",
         "ipc:///run/x/executor.30.gateways"},
        {{"TRADECAST_HOST_SYNC_BACKEND=h"}, "sync-backend", "events", "tcp://h:7441"},
        // has no port
        {{"TRADECAST_HOST_PAPER_1=h"}, "paper-1", "control", "ipc:///run/x/paper-1.control"},
        {{"TRADECAST_ENDPOINT_PAPER_1_CONTROL=tcp://h:2"}, "paper-1", "control", "tcp://h:2"},
        {{"TRADECAST_HOST_RELAY_C=h", "TRADECAST_CELLS=b c"}, "relay.c", "inbox", "tcp://h:7728"},
        // no such cell
        {{"TRADECAST_HOST_RELAY_D=h", "TRADECAST_CELLS=b c"},
         "relay.d",
         "inbox",
         "ipc:///run/x/relay.d.inbox"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        set_all(rows[i].settings);
        struct endpoint at = endpoint_of("/run/x", rows[i].name, rows[i].door);
        assert_string_equal(at.address, rows[i].address);
        assert_string_equal(at.owner, rows[i].name);
        assert_string_equal(at.door, rows[i].door);
        unset_all(rows[i].settings);
    }
}

static void a_door_of_another_cell_is_where_its_own_variables_say(void **state) {
    static const struct {
        const char *settings[SETTINGS], *address;
    } rows[] = {
        {{0}, ""},
        {{"TRADECAST_HOST_INGEST=10.0.0.1"}, ""}, // that is ours
        {{"TRADECAST_CELL_B_RUN_DIR=/run/b"}, "ipc:///run/b/ingest.handover"},
        {{"TRADECAST_CELL_B_HOST=10.0.1.1"}, "tcp://10.0.1.1:7405"},
        {{"TRADECAST_CELL_B_HOST=10.0.1.1", "TRADECAST_CELL_B_PORTS=7900", "TRADECAST_PORTS=9000"},
         "tcp://10.0.1.1:7905"},
        {{"TRADECAST_CELL_B_HOST=10.0.1.1", "TRADECAST_CELL_B_ENDPOINT_INGEST_HANDOVER=tcp://h:1"},
         "tcp://h:1"},
        {{"TRADECAST_CELL_B_HOST=10.0.1.1", "TRADECAST_CELL_B_RUN_DIR=/run/b"},
         "tcp://10.0.1.1:7405"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        set_all(rows[i].settings);
        struct endpoint at = endpoint_of_cell("b", "ingest", "handover");
        assert_string_equal(at.address, rows[i].address);
        assert_string_equal(at.owner, "ingest@b");
        unset_all(rows[i].settings);
    }
}

static void only_what_stays_on_this_host_is_local(void **state) {
    static const struct {
        const char *address;
        bool local;
    } rows[] = {
        {"ipc:///run/x/router.inbox", true},
        {"inproc://x", true},
        {"tcp://127.0.0.1:7400", true},
        {"tcp://127.8.9.1:7400", true},
        {"tcp://localhost:7400", true},
        {"tcp://[::1]:7400", true},
        {"tcp://[::ffff:127.0.0.1]:7400", true},
        {"tcp://[::ffff:10.0.0.1]:7400", false},
        {"tcp://10.0.0.1:7400", false},
        {"tcp://0.0.0.0:7400", false},
        {"tcp://*:7400", false},
        {"tcp://[::]:7400", false},
        {"tcp://128.0.0.1:7400", false},
        {"tcp://[fd00::1]:7400", false},
        {"tcp://trade1.lan:7400", false},
        {"tcp://localhost.example.com:7400", false},
        {"tcp://127.0.0.1.example.com:7400", false},
        {"tcp://127.0.0.1;10.0.0.1:7400", false}, // a source address before the peer's
        {"tcp://lo:7400", false},
        {"tcp://127.0.0.1", true},
        {"udp://127.0.0.1:7400", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (endpoint_is_local(rows[i].address) != rows[i].local) fail_msg("%s", rows[i].address);
    }
}

// Every process that there can be, at every door: no two at one port, and all within 512.
static void every_door_of_every_process_has_a_port_of_its_own(void **state) {
#define DOOR_NAME(name, number) #name,
    static const char *const doors[] = {DOORS(DOOR_NAME)};
#undef DOOR_NAME
#define SYNC_NAME(name) name,
    static const char *const syncs[] = {SYNCS(SYNC_NAME)};
#undef SYNC_NAME
    struct instance all[INSTANCES_MAX];
    bool taken[512] = {false};
    size_t n = topology_instances(32, all);
    (void)state;
    for (size_t i = 0; i < COUNT(syncs); i++)
        (void)snprintf(all[n++].name, NAME_TEXT, "%s", syncs[i]);
    setenv("TRADECAST_CELLS", "b c, d", 1);
    for (const char *cell = "bcd"; *cell; cell++)
        (void)snprintf(all[n++].name, NAME_TEXT, "relay.%c", *cell);
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < COUNT(doors); d++) {
            int port = endpoint_port(all[i].name, doors[d]);
            if (port < 0 || port >= 512 || taken[port])
                fail_msg("%s %s: %d", all[i].name, doors[d], port);
            taken[port] = true;
        }
    }
    unsetenv("TRADECAST_CELLS");
    static const char *const without[] = {
        "paper-1", "executor", "executor.32", "executor.x", "routers", "relay.b", ""};
    for (size_t i = 0; i < COUNT(without); i++)
        assert_int_equal(endpoint_port(without[i], "inbox"), -1);
    assert_int_equal(endpoint_port("router", "window"), -1);
}

static void a_process_is_given_by_its_host_or_its_control_door(void **state) {
    static const char *const host[SETTINGS] = {"TRADECAST_HOST_EXECUTOR_1=h"},
                             *const door[SETTINGS] = {"TRADECAST_ENDPOINT_EXECUTOR_1_CONTROL=x"};
    (void)state;
    assert_false(endpoint_is_given("executor.1"));
    set_all(host);
    assert_true(endpoint_is_given("executor.1"));
    unset_all(host);
    set_all(door);
    assert_true(endpoint_is_given("executor.1"));
    unset_all(door);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_door_is_where_the_environment_says),
        cmocka_unit_test(a_door_of_another_cell_is_where_its_own_variables_say),
        cmocka_unit_test(only_what_stays_on_this_host_is_local),
        cmocka_unit_test(every_door_of_every_process_has_a_port_of_its_own),
        cmocka_unit_test(a_process_is_given_by_its_host_or_its_control_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
