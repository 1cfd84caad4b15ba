// test_link - a gateway's end of the wire: greets, beats, reports in sequence until acknowledged,
// and hears the newest executor only.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka needs those before it
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/delivery/envelope.h"
#include "gateways/link/link.h"
#include "tests/unit/terms.h"

#define BOUND_MS 5000 // nothing here takes so long
#define REPORTS  16

struct wire { // an executor's end, and a gateway with reports that a test keeps
    char directory[64];
    struct endpoint endpoint;
    struct gateway_settings settings;
    struct link_abilities can;
    struct link_state state;
    link_t *link;
    port_t *executor;
    arena_t *arena;
    Report reports[REPORTS];
    buffer_t packed[REPORTS]; // number 1 is [0]
    uint64_t ahead;           // ns that the test's clock is ahead
};

static uint64_t now_of(const struct wire *w) { return clock_mono_ns() + w->ahead; }

static err_t read_reports(void *books, uint64_t after, unsigned limit, link_visit_fn *visit,
                          void *arg) {
    struct wire *w = books;
    for (uint64_t n = after + 1; n <= w->state.head && limit--; n++) {
        if (!visit(arg, n, (struct span){w->packed[n - 1].data, w->packed[n - 1].length})) break;
    }
    return ERR_OK;
}

static void open_link(struct wire *w) {
    w->link = link_new(&w->settings, &w->state, read_reports, w);
    assert_non_null(w->link);
    link_declare(w->link, &w->can);
}

static int start(void **state) {
    struct wire *w = calloc(1, sizeof *w);
    assert_non_null(w);
    *state = w;
    (void)snprintf(w->directory, sizeof w->directory, "/tmp/link-test-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    w->endpoint = endpoint_of(w->directory, "executor.0", "gateways");
    w->settings = (struct gateway_settings){.executor = w->endpoint.address,
                                            .executor_at = w->endpoint,
                                            .run_dir = w->directory,
                                            .instance_id = "p1",
                                            .broker_id = "paper",
                                            .kind = "paper",
                                            .heartbeat = 1000,
                                            .silent = 5000,
                                            .resend = 1000};
    w->can = (struct link_abilities){.duplicate_check = HELLO__DUPLICATE_CHECK__forever,
                                     .can_query = true};
    w->state.books = 99;
    w->arena = arena_new(0);
    w->executor = port_bind(PORT_ROUTER, &w->endpoint, 0);
    assert_non_null(w->executor);
    open_link(w);
    return 0;
}

static int end(void **state) {
    struct wire *w = *state;
    char command[128];
    link_destroy(&w->link);
    port_destroy(&w->executor);
    arena_destroy(&w->arena);
    for (int i = 0; i < REPORTS; i++) buffer_destroy(&w->packed[i]);
    (void)snprintf(command, sizeof command, "rm -rf %s", w->directory);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

// The next message of this type that the executor gets; others in between are passed over. The link
// ticks meanwhile.
static const ProtobufCMessage *executor_gets(struct wire *w,
                                             const ProtobufCMessageDescriptor *type) {
    uint64_t until = clock_mono_ns() + BOUND_MS * NS_PER_MS;
    struct waiter waiter = {.port = w->executor, .fd = -1};
    struct parcel parcel;
    struct envelope e;
    while (clock_mono_ns() < until) {
        link_tick(w->link, now_of(w));
        (void)ports_wait(&waiter, 1, 10);
        while (port_receive(w->executor, &parcel)) {
            assert_int_equal(envelope_read(parcel.topic, parcel.frame, &e), ERR_OK);
            const ProtobufCMessage *m = envelope_open(&e, w->arena);
            assert_non_null(m);
            if (m->descriptor == type) return m;
        }
    }
    fail_msg("no %s", type->name);
    return NULL;
}

static void executor_says(struct wire *w, const ProtobufCMessage *m) {
    buffer_t frame = {0};
    envelope_write(&frame, "gateway", ENTRY_ID_NONE, ENTRY_ID_NONE, m);
    assert_true(port_send_to(w->executor, span_of("p1"), "gateway",
                             (struct span){frame.data, frame.length}));
    buffer_destroy(&frame);
}

static const ProtobufCMessage *gateway_gets(struct wire *w) {
    uint64_t until = clock_mono_ns() + BOUND_MS * NS_PER_MS;
    struct waiter waiter = {.port = link_port(w->link), .fd = -1};
    while (clock_mono_ns() < until) {
        const ProtobufCMessage *m = link_receive(w->link, w->arena);
        if (m) return m;
        (void)ports_wait(&waiter, 1, 10);
    }
    fail_msg("nothing came");
    return NULL;
}

static void say_welcome(struct wire *w, uint64_t epoch, uint64_t last_report) {
    Welcome m = WELCOME__INIT;
    m.epoch = epoch;
    m.last_report = last_report;
    executor_says(w, &m.base);
}

static void welcome(struct wire *w, uint64_t epoch, uint64_t last_report) {
    (void)executor_gets(w, &hello__descriptor);
    say_welcome(w, epoch, last_report);
    assert_ptr_equal(gateway_gets(w)->descriptor, &welcome__descriptor);
    assert_true(link_is_welcome(w->link));
}

static uint64_t commit_report(struct wire *w) {
    Report r = REPORT__INIT;
    uint64_t n = ++w->state.head;
    char id[24];
    (void)snprintf(id, sizeof id, "t%llu", (unsigned long long)n);
    r.report = n;
    r.kind = REPORT__KIND__accepted;
    r.trade_id = id;
    r.account_id = id;
    buffer_t *b = &w->packed[n - 1];
    b->length = report__pack(&r, buffer_reserve(b, report__get_packed_size(&r)));
    return n;
}

static void tell_report(struct wire *w) {
    uint64_t n = commit_report(w);
    link_report(w->link, n, (struct span){w->packed[n - 1].data, w->packed[n - 1].length});
}

static void assert_gets_report(struct wire *w, uint64_t number) {
    assert_int_equal(((const Report *)executor_gets(w, &report__descriptor))->report, number);
}

static void acknowledge(struct wire *w, uint64_t epoch, uint64_t report) {
    ReportAck ack = REPORT_ACK__INIT;
    QueryOrder after = QUERY_ORDER__INIT; // handed out, so that we know the ack has been heard
    ack.epoch = after.epoch = epoch;
    ack.report = report;
    after.trade_id = after.account_id = (char *)(uintptr_t) "t";
    executor_says(w, &ack.base);
    executor_says(w, &after.base);
    assert_ptr_equal(gateway_gets(w)->descriptor, &query_order__descriptor);
}

static void a_gateway_greets_until_it_is_welcome(void **state) {
    struct wire *w = *state;
    char *accounts[] = {(char *)(uintptr_t) "A"};
    link_accounts(w->link, accounts, 1);
    for (int i = 0; i < 3; i++) {
        const Hello *hello = (const Hello *)executor_gets(w, &hello__descriptor);
        assert_string_equal(hello->instance_id, "p1");
        assert_int_equal(hello->books, 99);
        assert_int_equal(hello->n_accounts, 1);
        assert_false(link_is_welcome(w->link));
        w->ahead += 300 * NS_PER_MS;
    }
    welcome(w, 3, 0);
    assert_int_equal(w->state.epoch, 3);
    assert_true(w->state.changed);
}

// Only a gateway that was built to keep plans says so, and since when it has them.
static void a_gateway_says_whether_it_keeps_plans(void **state) {
    struct wire *w = *state;
    const Hello *hello = (const Hello *)executor_gets(w, &hello__descriptor);
    assert_false(hello->keeps_plans);
    assert_false(hello->has_books_since);
    link_destroy(&w->link);
    w->can.keeps_plans = true;
    w->state.books_since = 1234;
    open_link(w);
    do { // the first one's are still on their way
        hello = (const Hello *)executor_gets(w, &hello__descriptor);
    } while (!hello->has_keeps_plans || !hello->keeps_plans);
    assert_int_equal(hello->books_since, 1234);
}

// What it can is the preset, and so that gateways of earlier versions can it; only what it cannot
// is said.
static void a_gateway_says_what_it_cannot(void **state) {
    struct wire *w = *state;
    const Hello *hello = (const Hello *)executor_gets(w, &hello__descriptor);
    assert_true(hello->can_modify && hello->can_modify_price && hello->can_stop_limit &&
                hello->can_net);
    assert_false(hello->has_can_modify || hello->has_can_modify_price ||
                 hello->has_can_stop_limit || hello->has_can_net);
    link_destroy(&w->link);
    w->settings.heartbeat = 60000; // so that no greeting is due
    open_link(w);
    welcome(w, 3, 0);
    w->can.cannot_modify = w->can.cannot_net = true;
    link_declare(w->link, &w->can); // at once, and not only to whoever greets it next
    do {                            // those of before are still on their way
        hello = (const Hello *)executor_gets(w, &hello__descriptor);
    } while (!hello->has_can_modify);
    assert_false(hello->can_modify || hello->can_net);
    assert_true(hello->can_modify_price && hello->can_stop_limit);
}

static void a_gateway_says_that_its_way_on_is_down(void **state) {
    struct wire *w = *state;
    for (int degraded = 0; degraded < 2; degraded++) {
        link_degraded(w->link, degraded != 0);
        w->ahead += NS_PER_S;
        const GatewayHeartbeat *m =
            (const GatewayHeartbeat *)executor_gets(w, &gateway_heartbeat__descriptor);
        assert_int_equal(m->has_degraded && m->degraded, degraded);
    }
}

static void a_snapshot_says_which_reports_are_in_it(void **state) {
    struct wire *w = *state;
    AccountSnapshot m = ACCOUNT_SNAPSHOT__INIT;
    w->state.head = 17;
    link_date_snapshot(&w->state, &m);
    assert_true(m.has_reports);
    assert_int_equal(m.reports, 17);
}

static void it_beats_every_second(void **state) {
    struct wire *w = *state;
    welcome(w, 3, 0);
    const GatewayHeartbeat *first =
        (const GatewayHeartbeat *)executor_gets(w, &gateway_heartbeat__descriptor);
    assert_true(first->memory_bytes > 1000000);
    w->ahead += NS_PER_S;
    const GatewayHeartbeat *second =
        (const GatewayHeartbeat *)executor_gets(w, &gateway_heartbeat__descriptor);
    assert_true(second->uptime_s > first->uptime_s);
    assert_true(second->cpu_percent >= 0);
}

static void reports_go_out_in_sequence(void **state) {
    struct wire *w = *state;
    commit_report(w); // before anybody listens
    welcome(w, 3, 0);
    tell_report(w);
    tell_report(w);
    for (uint64_t n = 1; n <= 3; n++) assert_gets_report(w, n);
}

static void what_comes_after_the_last_report_is_sent_again(void **state) {
    struct wire *w = *state;
    welcome(w, 3, 0);
    for (int i = 0; i < 4; i++) tell_report(w);
    for (uint64_t n = 1; n <= 4; n++) assert_gets_report(w, n);
    acknowledge(w, 3, 4);
    assert_int_equal(w->state.acked, 4);
    say_welcome(w, 4, 2); // a new executor, whose Redis has forgotten the last two
    (void)gateway_gets(w);
    assert_gets_report(w, 3);
    assert_gets_report(w, 4);
    assert_int_equal(w->state.acked, 2);
}

// A rollback takes the epoch back with the rest, so that the next executor may have the same again.
static void an_executor_that_has_its_epoch_again_is_told_what_it_forgot(void **state) {
    struct wire *w = *state;
    welcome(w, 3, 0);
    for (int i = 0; i < 4; i++) tell_report(w);
    for (uint64_t n = 1; n <= 4; n++) assert_gets_report(w, n);
    acknowledge(w, 3, 4);
    say_welcome(w, 3, 2);
    (void)gateway_gets(w);
    assert_gets_report(w, 3);
    assert_gets_report(w, 4);
    assert_int_equal(w->state.acked, 2);
}

static void an_acknowledgement_of_less_than_before_is_greeted(void **state) {
    struct wire *w = *state;
    welcome(w, 3, 0);
    tell_report(w);
    assert_gets_report(w, 1);
    acknowledge(w, 3, 1);
    assert_true(link_is_welcome(w->link));
    acknowledge(w, 3, 0); // what an executor says to whom it has not welcomed
    assert_false(link_is_welcome(w->link));
    (void)executor_gets(w, &hello__descriptor);
}

static void reports_are_sent_again_until_they_are_acknowledged(void **state) {
    struct wire *w = *state;
    welcome(w, 3, 0);
    tell_report(w);
    tell_report(w);
    assert_gets_report(w, 1);
    assert_gets_report(w, 2);
    acknowledge(w, 3, 1);
    w->ahead += 1100 * NS_PER_MS;
    assert_gets_report(w, 2);
    w->ahead += 1100 * NS_PER_MS;
    assert_gets_report(w, 2);
    acknowledge(w, 3, 2);
    w->ahead += 1100 * NS_PER_MS;
    tell_report(w);
    assert_gets_report(w, 3); // and not 2
}

static void a_replaced_executor_is_not_listened_to(void **state) {
    struct wire *w = *state;
    Submit m = SUBMIT__INIT;
    m.terms = new_terms();
    m.trade_id = m.account_id = m.broker_symbol = (char *)(uintptr_t) "old";
    m.terms->order_type = SIGNAL__ORDER_TYPE__market;
    m.side = SIGNAL__DIRECTION__buy;
    w->state.epoch = 8; // as the books have it
    (void)executor_gets(w, &hello__descriptor);
    say_welcome(w, 7, 0);
    m.epoch = 7;
    executor_says(w, &m.base);
    m.epoch = 8;
    m.trade_id = (char *)(uintptr_t) "new";
    executor_says(w, &m.base);
    const ProtobufCMessage *got = gateway_gets(w);
    assert_ptr_equal(got->descriptor, &submit__descriptor);
    assert_string_equal(((const Submit *)got)->trade_id, "new");
    assert_false(link_is_welcome(w->link));
    assert_int_equal(w->state.epoch, 8);
}

static void a_higher_epoch_is_greeted_and_remembered(void **state) {
    struct wire *w = *state;
    SnapshotRequest m = SNAPSHOT_REQUEST__INIT;
    welcome(w, 3, 0);
    m.epoch = 4;
    executor_says(w, &m.base);
    assert_ptr_equal(gateway_gets(w)->descriptor, &snapshot_request__descriptor);
    assert_int_equal(w->state.epoch, 4);
    assert_false(link_is_welcome(w->link));
    w->ahead += 300 * NS_PER_MS;
    welcome(w, 4, 0);
}

static void a_silent_executor_is_connected_to_again(void **state) {
    struct wire *w = *state;
    welcome(w, 3, 0);
    port_destroy(&w->executor); // it dies, and another one comes to the same place
    w->executor = port_bind(PORT_ROUTER, &w->endpoint, 0);
    assert_non_null(w->executor);
    w->ahead += 6 * NS_PER_S;
    welcome(w, 4, 0);
    assert_int_equal(w->state.epoch, 4);
}

static void a_number_that_the_executor_has_is_never_used_again(void **state) {
    struct wire *w = *state;
    welcome(w, 3, 7);
    tell_report(w);
    assert_gets_report(w, 8);
}

static void damage_and_strangers_are_passed_over(void **state) {
    struct wire *w = *state;
    Report not_for_us = REPORT__INIT; // a message without an epoch
    not_for_us.kind = REPORT__KIND__accepted;
    not_for_us.trade_id = not_for_us.account_id = (char *)(uintptr_t) "x";
    SnapshotRequest m = SNAPSHOT_REQUEST__INIT;
    welcome(w, 3, 0);
    assert_true(port_send_to(w->executor, span_of("p1"), "gateway", span_of("not an envelope")));
    assert_true(port_send_to(w->executor, span_of("p1"), "elsewhere", span_of("")));
    executor_says(w, &not_for_us.base);
    m.epoch = 3;
    executor_says(w, &m.base);
    assert_ptr_equal(gateway_gets(w)->descriptor, &snapshot_request__descriptor);
}

static void a_cut_connection_stays_cut_as_long_as_asked(void **state) {
    struct wire *w = *state;
    welcome(w, 3, 0);
    link_drop(w->link, now_of(w), 2000);
    assert_null(link_port(w->link));
    assert_false(link_is_welcome(w->link));
    w->ahead += 1900 * NS_PER_MS;
    link_tick(w->link, now_of(w));
    assert_null(link_port(w->link));
    w->ahead += 200 * NS_PER_MS;
    welcome(w, 3, 0);
}

static void elsewhere(struct wire *w, uint64_t epoch, uint32_t shard) {
    Elsewhere m = ELSEWHERE__INIT;
    m.epoch = epoch;
    m.shard = shard;
    m.shards = 2;
    executor_says(w, &m.base);
    (void)link_receive(w->link, w->arena);
}

// The executor that has our accounts is found by asking any.
static void start_following(struct wire *w) {
    link_destroy(&w->link);
    w->settings.executor = NULL; // each one's door
    w->settings.shards = 1;
    open_link(w);
}

static void take_over_door(struct wire *w, unsigned shard) {
    char name[16];
    (void)snprintf(name, sizeof name, "executor.%u", shard);
    port_destroy(&w->executor);
    w->endpoint = endpoint_of(w->directory, name, "gateways");
    w->executor = port_bind(PORT_ROUTER, &w->endpoint, 0);
    assert_non_null(w->executor);
}

static void until_at(struct wire *w, unsigned shard) {
    uint64_t until = clock_mono_ns() + BOUND_MS * NS_PER_MS;
    while (link_shard(w->link) != shard && clock_mono_ns() < until) {
        (void)link_receive(w->link, w->arena);
        link_tick(w->link, now_of(w));
    }
    assert_int_equal(link_shard(w->link), shard);
    link_tick(w->link, now_of(w)); // and connected there
}

static void it_goes_to_the_executor_that_has_its_accounts_and_keeps_its_numbers(void **state) {
    struct wire *w = *state;
    start_following(w);
    (void)executor_gets(w, &hello__descriptor);
    elsewhere(w, 9, 1); // executor 0 counts its epochs, executor 1 its own
    until_at(w, 1);
    assert_int_equal(w->state.epoch, 0);
    take_over_door(w, 1);
    w->ahead += NS_PER_S;
    welcome(w, 4, 0);
    tell_report(w);
    assert_gets_report(w, 1);
    assert_int_equal(w->state.epoch, 4);
}

static void where_an_executor_is_gone_another_one_knows_more(void **state) {
    struct wire *w = *state;
    start_following(w);
    (void)executor_gets(w, &hello__descriptor);
    elsewhere(w, 9, 1);
    until_at(w, 1);
    w->ahead += 6 * NS_PER_S; // there is no executor 1
    until_at(w, 0);
    w->ahead += NS_PER_S;
    welcome(w, 10, 0);
}

static void one_that_was_told_where_to_connect_stays_there(void **state) {
    struct wire *w = *state;
    (void)executor_gets(w, &hello__descriptor);
    elsewhere(w, 9, 1);
    w->ahead += NS_PER_S;
    (void)executor_gets(w, &hello__descriptor);
    assert_int_equal(link_shard(w->link), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_gateway_greets_until_it_is_welcome, start, end),
        cmocka_unit_test_setup_teardown(a_gateway_says_whether_it_keeps_plans, start, end),
        cmocka_unit_test_setup_teardown(a_gateway_says_what_it_cannot, start, end),
        cmocka_unit_test_setup_teardown(a_gateway_says_that_its_way_on_is_down, start, end),
        cmocka_unit_test_setup_teardown(a_snapshot_says_which_reports_are_in_it, start, end),
        cmocka_unit_test_setup_teardown(it_beats_every_second, start, end),
        cmocka_unit_test_setup_teardown(reports_go_out_in_sequence, start, end),
        cmocka_unit_test_setup_teardown(what_comes_after_the_last_report_is_sent_again, start, end),
        cmocka_unit_test_setup_teardown(an_executor_that_has_its_epoch_again_is_told_what_it_forgot,
                                        start, end),
        cmocka_unit_test_setup_teardown(an_acknowledgement_of_less_than_before_is_greeted, start,
                                        end),
        cmocka_unit_test_setup_teardown(reports_are_sent_again_until_they_are_acknowledged, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_replaced_executor_is_not_listened_to, start, end),
        cmocka_unit_test_setup_teardown(a_higher_epoch_is_greeted_and_remembered, start, end),
        cmocka_unit_test_setup_teardown(a_silent_executor_is_connected_to_again, start, end),
        cmocka_unit_test_setup_teardown(a_number_that_the_executor_has_is_never_used_again, start,
                                        end),
        cmocka_unit_test_setup_teardown(damage_and_strangers_are_passed_over, start, end),
        cmocka_unit_test_setup_teardown(a_cut_connection_stays_cut_as_long_as_asked, start, end),
        cmocka_unit_test_setup_teardown(
            it_goes_to_the_executor_that_has_its_accounts_and_keeps_its_numbers, start, end),
        cmocka_unit_test_setup_teardown(where_an_executor_is_gone_another_one_knows_more, start,
                                        end),
        cmocka_unit_test_setup_teardown(one_that_was_told_where_to_connect_stays_there, start, end),
    };
    return cmocka_run_group_tests_name("gateway link", tests, NULL, NULL);
}
