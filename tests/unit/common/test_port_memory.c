// test_port_memory - ports in memory: what they are given, what does not leave, beside real sockets.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/bus/port_memory.h"

static const struct endpoint nowhere = {.address = "ipc:///nowhere/at/all"};
static const struct span body = {"body", 4};

static void a_port_receives_what_it_is_given_and_nothing_that_is_sent(void **state) {
    (void)state;
    struct memory_transport t;
    const struct parcel given[] = {{.topic = "a", .frame = body}, {.topic = "b", .frame = body}};
    struct parcel got;
    memory_transport_init(&t);
    port_t *port = transport_bind(&t.transport, PORT_PULL, &nowhere, 0);
    assert_non_null(port);
    assert_false(port_receive(port, &got));
    assert_true(port_send(port, "sent", body));
    assert_false(port_receive(port, &got));
    memory_port_give(port, given, 2);
    assert_true(port_receive(port, &got));
    assert_string_equal(got.topic, "a");
    assert_true(port_receive(port, &got));
    assert_string_equal(got.topic, "b");
    assert_false(port_receive(port, &got));
    assert_false(port_listener(port, &(struct listener){0}));
    assert_true(port_subscribe(port, ""));
    port_destroy(&port);
    assert_null(port);
}

// Whether each of four messages to peers leaves, by two ports of one transport in turn.
static void check_four(struct memory_transport *t, port_t *ports[2], const uint32_t *refused,
                       size_t n, const char *expected) {
    char left[5] = "";
    memory_transport_refuse(t, refused, n);
    for (size_t i = 0; i < 4; i++)
        left[i] = port_send_to(ports[i % 2], body, "topic", body) ? '+' : '-';
    assert_string_equal(left, expected);
}

static void what_did_not_leave_is_counted_over_all_ports_of_a_transport_and_no_other(void **state) {
    (void)state;
    struct memory_transport one, other;
    memory_transport_init(&one);
    memory_transport_init(&other);
    port_t *ports[] = {transport_bind(&one.transport, PORT_ROUTER, &nowhere, 0),
                       transport_connect(&one.transport, PORT_ROUTER, &nowhere, 0)};
    port_t *others[] = {transport_bind(&other.transport, PORT_ROUTER, &nowhere, 0),
                        transport_bind(&other.transport, PORT_ROUTER, &nowhere, 0)};
    memory_transport_refuse(&other, (const uint32_t[]){0}, 1);
    check_four(&one, ports, NULL, 0, "++++");
    check_four(&one, ports, (const uint32_t[]){0, 2}, 2, "-+-+");
    check_four(&one, ports, (const uint32_t[]){1, 3}, 2, "+-+-"); // counted anew
    check_four(&other, others, (const uint32_t[]){3}, 1, "+++-");
    for (size_t i = 0; i < 2; i++) port_destroy(&ports[i]), port_destroy(&others[i]);
}

static void send_until_it_is_there(port_t *to, port_t *from, struct parcel *got) {
    struct waiter waiter = {.port = from};
    for (int i = 0; i < 200; i++) {
        (void)port_send(to, "topic", body);
        if (ports_wait(&waiter, 1, 50) > 0 && port_receive(from, got)) return;
    }
    fail_msg("nothing came");
}

static void real_sockets_and_ports_in_memory_work_beside_each_other(void **state) {
    (void)state;
    struct memory_transport t;
    struct endpoint at = {0};
    struct parcel got;
    memory_transport_init(&t);
    snprintf(at.address, sizeof at.address, "ipc:///tmp/tc-port-memory-%d", (int)getpid());
    port_t *memory = transport_connect(&t.transport, PORT_SUB, &nowhere, 0);
    port_t *in = port_bind(PORT_PULL, &at, 0), *out = port_connect(PORT_PUSH, &at, 0);
    assert_non_null(in);
    assert_non_null(out);
    send_until_it_is_there(out, in, &got);
    assert_string_equal(got.topic, "topic");
    assert_false(port_receive(memory, &got));
    port_destroy(&memory);
    port_destroy(&out);
    port_destroy(&in);
    (void)unlink(at.address + strlen("ipc://"));
}

static void nobody_waits_for_a_port_in_memory(void **state) {
    (void)state;
    struct memory_transport t;
    memory_transport_init(&t);
    port_t *memory = transport_bind(&t.transport, PORT_PULL, &nowhere, 0);
    int fd = eventfd(1, 0);
    struct waiter waiters[] = {{.port = memory, .ready = true}, {.fd = fd}};
    assert_int_equal(ports_wait(waiters, 2, 1000), 1);
    assert_false(waiters[0].ready);
    assert_true(waiters[1].ready);
    (void)close(fd);
    port_destroy(&memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_receives_what_it_is_given_and_nothing_that_is_sent),
        cmocka_unit_test(what_did_not_leave_is_counted_over_all_ports_of_a_transport_and_no_other),
        cmocka_unit_test(real_sockets_and_ports_in_memory_work_beside_each_other),
        cmocka_unit_test(nobody_waits_for_a_port_in_memory),
    };
    return cmocka_run_group_tests_name("port_memory", tests, NULL, NULL);
}
