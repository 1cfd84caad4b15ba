// test_batch - what a handler writes, and the envelopes that go out.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memmem
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/batch/batch_commit.h"
#include "common/delivery/envelope.h"
#include "order.pb-c.h"
#include "system.pb-c.h"

static struct outlet outlets[2];

static batch_t *a_batch(void) {
    static const char *const slice[] = {"order:", "routing:", NULL};
    outlets[0] = (struct outlet){"orders.0", TOPIC_orders, 0, {9, 5}};
    outlets[1] = (struct outlet){"incidents.router", TOPIC_incidents, 0, ENTRY_ID_NONE};
    batch_t *b = batch_new("router", slice, outlets, 2);
    batch_begin(b, 10, 1000 * NS_PER_S, 5 * NS_PER_S);
    return b;
}

static OrderCommand a_command(void) {
    OrderCommand c = ORDER_COMMAND__INIT;
    c.command_id = (char *)"c1";
    c.account_id = (char *)"a1";
    c.action = ORDER_COMMAND__ACTION__cancel;
    return c;
}

static bool holds(batch_t *b, const char *text) {
    struct span s = batch_bytes(b);
    return memmem(s.data, s.length, text, strlen(text)) != NULL;
}

static void commands_are_written_as_redis_reads_them(void **state) {
    (void)state;
    own(batch) *b = a_batch();
    batch_field(b, "order:1", "state", "new");
    batch_expire_at(b, "order:1", 2 * NS_PER_S);
    struct span s = batch_bytes(b);
    static const char want[] = "*4\r\n$4\r\nHSET\r\n$7\r\norder:1\r\n$5\r\nstate\r\n$3\r\nnew\r\n"
                               "*3\r\n$9\r\nPEXPIREAT\r\n$7\r\norder:1\r\n$4\r\n2000\r\n";
    assert_int_equal(s.length, sizeof want - 1);
    assert_memory_equal(s.data, want, s.length);
    assert_int_equal(batch_commands(b), 2);
}

static void a_message_is_kept_as_a_hash_of_its_set_fields(void **state) {
    (void)state;
    own(batch) *b = a_batch();
    OrderCommand c = a_command();
    batch_keep(b, "order:c1", &c.base);
    assert_true(holds(b, "$4\r\nHSET\r\n$8\r\norder:c1\r\n$10\r\ncommand_id\r\n$2\r\nc1\r\n"));
    assert_true(holds(b, "$6\r\naction\r\n$6\r\ncancel\r\n"));
    assert_false(holds(b, "stop_loss"));
}

static void a_foreign_key_stops_the_commit(void **state) {
    (void)state;
    own(batch) *b = a_batch();
    char why[160];
    assert_int_equal(batch_fault(b, why), ERR_OK);
    batch_set(b, "signal:1", span_of("x"));
    assert_int_equal(batch_fault(b, why), ERR_OWNER);
    assert_non_null(strstr(why, "signal:1"));
    assert_true(batch_is_empty(b));
}

static void a_foreign_topic_stops_the_commit(void **state) {
    (void)state;
    own(batch) *b = a_batch();
    char why[160];
    OrderCommand c = a_command();
    batch_emit(b, TOPIC_signals, 0, &c.base);
    assert_int_equal(batch_fault(b, why), ERR_OWNER);
    batch_begin(b, 10, 1, 1);
    batch_emit(b, TOPIC_orders, 1, &c.base); // a shard that is not there
    assert_int_equal(batch_fault(b, why), ERR_OWNER);
}

static void entries_of_a_topic_are_chained_and_journalled(void **state) {
    (void)state;
    own(batch) *b = a_batch();
    OrderCommand c = a_command();
    batch_emit(b, TOPIC_orders, 0, &c.base);
    batch_emit(b, TOPIC_orders, 0, &c.base);
    const struct outgoing *out;
    assert_int_equal(batch_outgoing(b, &out), 2);
    assert_int_equal(out[0].prev.incarnation, 9);
    assert_int_equal(out[0].prev.sequence, 5);
    assert_int_equal(out[0].id.incarnation, 10);
    assert_int_equal(out[0].id.sequence, 1);
    assert_int_equal(entry_id_cmp(out[1].prev, out[0].id), 0);
    assert_int_equal(out[1].id.sequence, 2);
    assert_true(holds(b, "$4\r\nXADD\r\n$16\r\njournal:orders.0\r\n$4\r\n10-2\r\n$1\r\ne\r\n"));
    const OrderCommand *back = (const OrderCommand *)batch_opened(b, &out[1]);
    assert_string_equal(back->account_id, "a1");
}

static void what_was_written_since_a_mark_is_taken_back_heads_included(void **state) {
    (void)state;
    own(batch) *b = a_batch();
    OrderCommand c = a_command();
    batch_emit(b, TOPIC_orders, 0, &c.base);
    struct batch_mark mark = batch_mark_now(b);
    batch_emit(b, TOPIC_orders, 0, &c.base);
    batch_member(b, "order:set", "x");
    batch_back_to(b, mark);
    assert_int_equal(outlets[0].head.sequence, 1);
    assert_int_equal(batch_commands(b), 1);
    batch_emit(b, TOPIC_orders, 0, &c.base);
    const struct outgoing *out;
    assert_int_equal(batch_outgoing(b, &out), 2);
    assert_int_equal(out[1].id.sequence, 2);
    assert_non_null(batch_opened(b, &out[1]));
}

static void the_same_alert_is_raised_once_a_minute(void **state) {
    (void)state;
    own(batch) *b = a_batch();
    const struct outgoing *out;
    for (int i = 0; i < 3; i++)
        batch_alert(b, ALERT__SEVERITY__warning, "test_code", "s", "text %d", i);
    assert_int_equal(batch_outgoing(b, &out), 1);
    batch_alert(b, ALERT__SEVERITY__warning, "test_code", "other", "text");
    assert_int_equal(batch_outgoing(b, &out), 2);
    batch_begin(b, 10, 1100 * NS_PER_S, 66 * NS_PER_S);
    batch_alert(b, ALERT__SEVERITY__warning, "test_code", "s", "later");
    assert_int_equal(batch_outgoing(b, &out), 1);
    assert_string_equal(((const Alert *)batch_opened(b, &out[0]))->text, "later");
}

static void a_damaged_envelope_is_noticed_whichever_bit_is_hit(void **state) {
    (void)state;
    buffer_t frame = {0};
    OrderCommand c = a_command();
    envelope_write(&frame, "orders.0", (struct entry_id){10, 2}, (struct entry_id){10, 1}, &c.base);
    struct span whole = {frame.data, frame.length};
    struct envelope e;
    assert_int_equal(envelope_read("orders.0", whole, &e), ERR_OK);
    assert_string_equal(e.type, "OrderCommand");
    assert_int_equal(envelope_read("orders.1", whole, &e), ERR_INPUT); // a frame of another topic
    for (size_t bit = 0; bit < frame.length * 8; bit++) {
        frame.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(envelope_read("orders.0", whole, &e), ERR_INPUT);
        frame.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < frame.length; n++) {
        uint8_t *cut = malloc(n ? n : 1); // so that a read past its end is seen
        memcpy(cut, frame.data, n);
        assert_int_equal(envelope_read("orders.0", (struct span){cut, n}, &e), ERR_INPUT);
        free(cut);
    }
    buffer_destroy(&frame);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_written_as_redis_reads_them),
        cmocka_unit_test(a_message_is_kept_as_a_hash_of_its_set_fields),
        cmocka_unit_test(a_foreign_key_stops_the_commit),
        cmocka_unit_test(a_foreign_topic_stops_the_commit),
        cmocka_unit_test(entries_of_a_topic_are_chained_and_journalled),
        cmocka_unit_test(what_was_written_since_a_mark_is_taken_back_heads_included),
        cmocka_unit_test(the_same_alert_is_raised_once_a_minute),
        cmocka_unit_test(a_damaged_envelope_is_noticed_whichever_bit_is_hit),
    };
    return cmocka_run_group_tests_name("common/batch", tests, NULL, NULL);
}
