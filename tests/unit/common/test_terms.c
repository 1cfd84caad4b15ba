// test_terms - the terms of an order and its amendments as columns, and from frames of the version
// before.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/decimal.h"
#include "common/base/own.h"
#include "common/delivery/envelope.h"
#include "common/schema/former.h"
#include "common/schema/record_value.h"
#include "execution.pb-c.h"
#include "gateway.pb-c.h"
#include "order.pb-c.h"
#include "proto/moved.h"

// --- columns

// As the tables of the version before have them. The record's chain covers rows column by column,
// in this order.
static const char order_columns[] =
    "trade_id signal_id account_id broker_id symbol broker_symbol order_type direction lot_size "
    "price requested_price stop_loss take_profit expiration_time signal_at ordered_at "
    "valid_until resend limit_price close_side close_percent close_trade_id trail_distance "
    "trail_trigger trail_step break_even_trigger break_even_offset source ";
static const char trade_columns[] =
    "trade_id signal_id account_id broker_id symbol broker_symbol order_type direction side "
    "lot_size price requested_price stop_loss take_profit expiration_time state reason "
    "filled_lots average_price closed_lots pnl commission fees signal_at ordered_at "
    "submitted_at executed_at closed_at updated_at instance_id broker_order_id valid_until "
    "closes not_found asked_at doubt_at held executions cancel_wanted stop_loss_wanted "
    "take_profit_wanted exit_price limit_price close_percent close_side trail_distance "
    "trail_trigger trail_step break_even_trigger break_even_offset trail_high trail_stop "
    "price_wanted limit_price_wanted wanted_at modify_rejected netted_lots residual "
    "close_trade_id source cause cause_id unseen_lots ";
static const char command_columns[] =
    "command_id account_id action trade_id stop_loss take_profit reason created_at price "
    "limit_price percent lots side symbol signal_id trail_distance trail_trigger trail_step "
    "break_even_trigger break_even_offset lock operator of_command ";

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *d,
                                                const char *name) {
    return protobuf_c_message_descriptor_get_field_by_name(d, name);
}

// New columns stand behind those.
static void check_columns(const ProtobufCMessageDescriptor *d, const char *expected) {
    own(buffer) names = {0};
    for (unsigned i = 0; i < record_columns(d)->n; i++)
        buffer_format(&names, "%s ", record_columns(d)->fields[i]->name);
    if (strncmp(buffer_string(&names), expected, strlen(expected)) != 0)
        fail_msg("%s has %s", d->name, buffer_string(&names));
}

static void columns_stand_as_they_always_stood(void **state) {
    (void)state;
    check_columns(&order__descriptor, order_columns);
    check_columns(&trade_state__descriptor, trade_columns);
    check_columns(&order_command__descriptor, command_columns);
}

static void terms_are_seen_outside_under_their_own_names_only(void **state) {
    (void)state;
    const ProtobufCMessageDescriptor *all[] = {&order__descriptor, &trade_state__descriptor,
                                               &submit__descriptor};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_null(record_field(all[i], span_of("terms")));
        for (unsigned k = 0; k < terms__descriptor.n_fields; k++)
            assert_ptr_equal(record_field(all[i], span_of(terms__descriptor.fields[k].name)),
                             &terms__descriptor.fields[k]);
    }
}

// What is wanted stands beside what is, under names of its own.
static void what_is_wanted_is_seen_outside_with_that_behind_its_name(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    const ProtobufCMessageDescriptor *d = &trade_state__descriptor;
    TradeState *s = (TradeState *)record_new(d, arena);
    assert_null(record_field(d, span_of("wanted")));
    assert_null(record_field(d, span_of("trail_step_wanted")));
    assert_null(record_field(d, span_of("_wanted")));
    for (unsigned k = 0; k < amendment__descriptor.n_fields; k++) {
        char name[64], number[32];
        const ProtobufCFieldDescriptor *f = &amendment__descriptor.fields[k];
        snprintf(name, sizeof name, "%s_wanted", f->name);
        snprintf(number, sizeof number, "%u", k + 1);
        const ProtobufCFieldDescriptor *column = record_field(d, span_of(name));
        assert_non_null(column);
        assert_string_equal(column->name, name);
        assert_int_equal(record_set(&s->base, column, span_of(number), arena), ERR_OK);
        assert_true(record_is_set(&s->wanted->base, f) && record_is_set(&s->base, column));
        assert_false(record_is_set(&s->base, record_field(d, span_of(f->name)))); // Terms'
        assert_int_equal(*(int64_t *)record_place(&s->base, column), (k + 1) * DECIMAL_SCALE);
    }
    own(buffer) json = {0};
    record_to_json(&s->base, &json);
    assert_non_null(strstr(buffer_string(&json), "\"stop_loss_wanted\":1,"));
    assert_null(strstr(buffer_string(&json), "\"stop_loss\":"));
}

// So that it passes from stage to stage without being spelled there.
static void check_names(const ProtobufCMessageDescriptor *d, const ProtobufCMessageDescriptor *in) {
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i], *same = field_of(in, f->name);
        if (!same) fail_msg("%s has no %s of %s", in->name, f->name, d->name);
        assert_int_equal(same->type, f->type);
        assert_int_equal(f->type, PROTOBUF_C_TYPE_SFIXED64);
        assert_int_equal(f->label, PROTOBUF_C_LABEL_OPTIONAL);
    }
}

static void what_can_be_amended_has_the_name_of_a_term(void **state) {
    (void)state;
    check_names(&amendment__descriptor, &terms__descriptor);
    check_names(&amendment__descriptor, &signal__descriptor);
    check_names(&trailing__descriptor, &terms__descriptor);
    check_names(&trailing__descriptor, &signal__descriptor);
}

static void what_is_set_is_merged_and_nothing_else(void **state) {
    (void)state;
    Terms terms = TERMS__INIT;
    Amendment a = AMENDMENT__INIT;
    terms.has_stop_loss = terms.has_price = terms.has_lot_size = true;
    terms.stop_loss = 1, terms.price = 2, terms.lot_size = 3;
    assert_false(record_merge(&a.base, &terms.base));
    assert_false(record_any_set(&a.base));
    a.has_price = a.has_take_profit = true;
    a.price = 4;
    a.take_profit = 0; // takes it away
    assert_true(record_any_set(&a.base));
    assert_true(record_merge(&a.base, &terms.base));
    assert_int_equal(terms.stop_loss, 1);
    assert_int_equal(terms.price, 4);
    assert_int_equal(terms.lot_size, 3);
    assert_true(terms.has_take_profit && terms.take_profit == 0);
    assert_false(terms.has_limit_price);
}

static void a_record_without_what_terms_must_have_is_refused(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    static const char json[] =
        "{\"trade_id\":\"t\",\"signal_id\":\"s\",\"account_id\":\"a\",\"broker_id\":\"b\","
        "\"symbol\":\"X\","
        "\"broker_symbol\":\"X\",\"direction\":\"buy\",\"signal_at\":\"2025-03-22T10:15:30Z\","
        "\"ordered_at\":\"2025-03-22T10:15:30Z\",\"price\":1}";
    ProtobufCMessage *out;
    struct fault fault;
    assert_int_equal(
        record_from_json(&order__descriptor, json, sizeof json - 1, "", arena, &out, &fault),
        ERR_INPUT);
    assert_string_equal(fault.path, "order_type");
}

// --- frames of the version before

// Made by protoc from that version's .proto: every field of Terms is set.
static const char former_order[] = "0a027431120273311a026131220262312a06455552555344320845555255534"
                                   "42e6d3804400149010000000000000051"
                                   "020000000000000059030000000000000061040000000000000069050000000"
                                   "00000007170170000000000007940420f"
                                   "0000000000810180841e00000000008901c0c62d0000000000900101a101070"
                                   "0000000000000a80102b1010800000000"
                                   "000000ba01027430c1010900000000000000c9010a00000000000000d1010b0"
                                   "0000000000000d9010c00000000000000"
                                   "e1010d00000000000000ba0203626f74";
static const char former_execution[] = "0af7010a027431120273311a026131220262312a0645555255534432084"
                                       "555525553442e6d3804400148015101000000"
                                       "00000000590200000000000000610300000000000000690400000000000"
                                       "0007105000000000000007970170000000000"
                                       "00800103c10140420f0000000000c90180841e0000000000e901c0c62d0"
                                       "0000000008a020d0a027439110e0000000000"
                                       "0000f102100000000000000091030700000000000000990308000000000"
                                       "00000a00302a9030900000000000000b1030a"
                                       "00000000000000b9030b00000000000000c1030c00000000000000c9030"
                                       "d00000000000000d1030f0000000000000092"
                                       "04027430aa0403626f74";
static const char former_status[] = "0a02743112026131180120035293010807120274311a026131220845555255"
                                    "53442e6d28043001390100000000000000"
                                    "41020000000000000049030000000000000051040000000000000059050000"
                                    "000000000061701700000000000069c0c6"
                                    "2d0000000000720d0a027439110e00000000000000a1010700000000000000"
                                    "aa01200a02733112064555525553442140"
                                    "420f00000000002980841e00000000003001";
// A modify with every field; a cancel has none that is moved but its action.
static const char former_modify[] =
    "0a026b31120261311802220274312901000000000000003102000000000000003a0172410300000000000000510400"
    "00"
    "000000000059050000000000000061060000000000000069070000000000000070017a015882010273318901080000"
    "00"
    "000000009101090000000000000099010a00000000000000a1010b00000000000000a9010c00000000000000f0010"
    "2fa01016f8202026b30";
static const char former_cancel[] = "0a026b31120261311801410300000000000000";
// What an executor of the version before asks a gateway of today.
static const char former_change[] =
    "0807120274311a026131210100000000000000290200000000000000a1010400000"
    "000000000a9010500000000000000b1010900000000000000";

// Between the two: the terms are nested, what is wanted is not.
static const char terms_without_wanted[] =
    "0a510a027431120273311a026131220262312a01583201584001800103c10140420f0000000000c90140420f00"
    "00000000e90140420f0000000000f102100000000000000082050b0802190300000000000000";

#define TERMS_TEXT                                                                                 \
    "{\"order_type\":\"stop_limit\",\"lot_size\":0.00000001,\"price\":0.00000002,\"limit_price\":" \
    "0.00000007,"                                                                                  \
    "\"requested_price\":0.00000003,\"stop_loss\":0.00000004,\"take_profit\":0.00000005,"          \
    "\"expiration_time\":\"1970-01-01T00:00:00.000006Z\",\"close_side\":\"sell\",\"close_"         \
    "percent\":0.00000008,"                                                                        \
    "\"close_trade_id\":\"t0\",\"trail_distance\":0.00000009,\"trail_trigger\":0.0000001,\"trail_" \
    "step\":0.00000011,"                                                                           \
    "\"break_even_trigger\":0.00000012,\"break_even_offset\":0.00000013}"
// Submit had no more of them.
#define SUBMIT_TEXT                                                                                \
    "{\"order_type\":\"stop_limit\",\"price\":0.00000002,\"limit_price\":0.00000007,\"requested_"  \
    "price\":0.00000003,"                                                                          \
    "\"stop_loss\":0.00000004,\"take_profit\":0.00000005,\"expiration_time\":\"1970-01-01T00:00:"  \
    "00.000006Z\"}"

static struct span bytes_of(const char *hex, arena_t *arena) {
    ProtobufCFieldDescriptor f = {.type = PROTOBUF_C_TYPE_BYTES};
    ProtobufCBinaryData bytes = {0};
    const char *rule;
    assert_int_equal(record_read_value(&f, span_of(hex), arena, &bytes, &rule), ERR_OK);
    return (struct span){bytes.data, bytes.len};
}

static void *opened(const char *type, const char *hex, arena_t *arena) {
    struct envelope e = {.body = bytes_of(hex, arena)};
    (void)snprintf(e.type, sizeof e.type, "%s", type);
    ProtobufCMessage *loose = envelope_open(&e, NULL), *m = envelope_open(&e, arena);
    assert_non_null(loose);
    protobuf_c_message_free_unpacked(loose, NULL);
    return m;
}

static void assert_json(const ProtobufCMessage *m, const char *expected) {
    own(buffer) json = {0};
    record_to_json(m, &json);
    assert_string_equal(buffer_string(&json), expected);
}

static void an_order_that_waited_in_a_journal_is_opened(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    const Order *o = opened("Order", former_order, arena);
    assert_json(&o->terms->base, TERMS_TEXT);
    assert_string_equal(o->source, "bot");
    assert_true(o->resend);
    assert_int_equal(o->base.n_unknown_fields, 0);
}

static void a_trade_in_an_execution_is_opened(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    const Execution *e = opened("Execution", former_execution, arena);
    assert_json(&e->trade->terms->base, TERMS_TEXT);
    assert_int_equal(e->trade->wanted->stop_loss, 16);
    assert_false(e->trade->wanted->has_price);
    assert_string_equal(e->trade->closes[0]->trade_id, "t9");
}

static void a_trade_with_terms_whose_wanted_values_stand_beside_them_is_opened(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    const Execution *e = opened("Execution", terms_without_wanted, arena);
    assert_non_null(e);
    assert_int_equal(e->trade->terms->order_type, SIGNAL__ORDER_TYPE__limit);
    assert_int_equal(e->trade->terms->price, 3);
    assert_int_equal(e->trade->wanted->stop_loss, 16);
}

static void a_submit_in_an_answer_is_opened(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    const OrderStatus *s = opened("OrderStatus", former_status, arena);
    assert_json(&s->submitted->terms->base, SUBMIT_TEXT);
    assert_int_equal(s->submitted->lots, 1);
    assert_string_equal(s->submitted->origin->signal_id, "s1");
}

static void a_command_that_waited_in_a_journal_is_opened(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    const OrderCommand *c = opened("OrderCommand", former_modify, arena);
    assert_json(&c->base,
                "{\"command_id\":\"k1\",\"account_id\":\"a1\",\"action\":\"modify\",\"trade_id\":"
                "\"t1\",\"stop_loss\":0.00000001,\"take_profit\":0.00000002,\"reason\":\"r\","
                "\"created_at\":\"1970-01-01T00:00:00Z\",\"price\":0.00000004,"
                "\"limit_price\":0.00000005,\"percent\":0.00000006,\"lots\":0.00000007,"
                "\"side\":\"buy\",\"symbol\":\"X\",\"signal_id\":\"s1\","
                "\"trail_distance\":0.00000008,\"trail_trigger\":0.00000009,"
                "\"trail_step\":0.0000001,\"break_even_trigger\":0.00000011,"
                "\"break_even_offset\":0.00000012,\"lock\":\"blocked\",\"operator\":\"o\","
                "\"of_command\":\"k0\"}");
    assert_int_equal(c->base.n_unknown_fields, 0);
    c = opened("OrderCommand", former_cancel, arena);
    assert_int_equal(c->action, ORDER_COMMAND__ACTION__cancel);
    assert_false(record_any_set(&c->amendment->base) || record_any_set(&c->trailing->base));
}

static void a_change_from_an_executor_of_the_version_before_is_opened(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    const ModifyOrder *m = opened("ModifyOrder", former_change, arena);
    assert_json(&m->amendment->base, "{\"stop_loss\":0.00000001,\"take_profit\":0.00000002,"
                                     "\"price\":0.00000004,\"limit_price\":0.00000005}");
    assert_string_equal(m->account_id, "a1");
    assert_int_equal(m->wanted_at, 9);
    assert_int_equal(m->base.n_unknown_fields, 0);
}

// It would read a change of nothing, and report it as done: so what it requires is not there.
static void a_program_of_the_version_before_refuses_what_is_amended(void **state) {
    (void)state;
    const struct {
        const ProtobufCMessageDescriptor *type;
        const char *required;
    } all[] = {{&order_command__descriptor, "action"}, {&modify_order__descriptor, "account_id"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        uint32_t number = moved_number(all[i].type, all[i].required);
        assert_int_equal(number, 3);
        assert_null(protobuf_c_message_descriptor_get_field(all[i].type, number));
        assert_int_equal(field_of(all[i].type, all[i].required)->label, PROTOBUF_C_LABEL_REQUIRED);
    }
}

// What is cut is refused, and nothing is read behind its end.
static void a_former_frame_that_is_cut_is_refused(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    const struct span whole = bytes_of(former_status, arena);
    assert_non_null(former_unpack(&order_status__descriptor, whole, arena));
    for (size_t n = 13; n < whole.length; n++) { // its head is 12 bytes
        uint8_t *part = memcpy(malloc(n), whole.data, n);
        assert_null(former_unpack(&order_status__descriptor, (struct span){part, n}, arena));
        free(part);
    }
}

// A number that is moved belongs to no field any more, and to a column.
static void every_moved_number_has_its_column(void **state) {
    (void)state;
    const ProtobufCMessageDescriptor *all[] = {&order__descriptor, &trade_state__descriptor,
                                               &submit__descriptor, &order_command__descriptor,
                                               &modify_order__descriptor};
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (uint32_t number = 1; number < 1000; number++) {
            const char *name = moved_name(all[i], number);
            if (!name) continue;
            n++;
            assert_null(protobuf_c_message_descriptor_get_field(all[i], number));
            assert_non_null(record_field(all[i], span_of(name)));
        }
    }
    assert_int_equal(n, 58);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_stand_as_they_always_stood),
        cmocka_unit_test(terms_are_seen_outside_under_their_own_names_only),
        cmocka_unit_test(what_is_wanted_is_seen_outside_with_that_behind_its_name),
        cmocka_unit_test(what_can_be_amended_has_the_name_of_a_term),
        cmocka_unit_test(what_is_set_is_merged_and_nothing_else),
        cmocka_unit_test(a_record_without_what_terms_must_have_is_refused),
        cmocka_unit_test(an_order_that_waited_in_a_journal_is_opened),
        cmocka_unit_test(a_trade_in_an_execution_is_opened),
        cmocka_unit_test(a_trade_with_terms_whose_wanted_values_stand_beside_them_is_opened),
        cmocka_unit_test(a_submit_in_an_answer_is_opened),
        cmocka_unit_test(a_command_that_waited_in_a_journal_is_opened),
        cmocka_unit_test(a_change_from_an_executor_of_the_version_before_is_opened),
        cmocka_unit_test(a_program_of_the_version_before_refuses_what_is_amended),
        cmocka_unit_test(a_former_frame_that_is_cut_is_refused),
        cmocka_unit_test(every_moved_number_has_its_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
