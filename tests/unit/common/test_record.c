// test_record - every message type survives the wire, Redis pairs, JSON and SQLite; what is wrong
// is refused with its place and rule.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/delivery/envelope.h"
#include "common/sql/sql.h"
#include "config.pb-c.h"
#include "execution.pb-c.h"
#include "generated.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "proto/topics.h"
#include "signal.pb-c.h"
#include "system.pb-c.h"

#define ROUNDS 40

// What is kept but does not travel in an envelope by itself.
static const ProtobufCMessageDescriptor *const kept[] = {
    &trade_state__descriptor,     &execution_state__descriptor,
    &trade_result__descriptor,    &result_metrics__descriptor,
    &broker_state__descriptor,    &instance_metrics__descriptor,
    &instance_health__descriptor, &trade_reconciliation__descriptor,
    &signal_metrics__descriptor,  &risk_state__descriptor,
    &account_config__descriptor,  &broker_config__descriptor,
    &instance_config__descriptor, &signal_config__descriptor,
    &dead_letter__descriptor,     &signal_execution_status__descriptor,
};

static const ProtobufCMessageDescriptor *type_at(size_t i) {
    size_t travelling = 0;
    while (message_type_at(travelling)) travelling++;
    if (i < travelling) return message_type_at(i);
    return i - travelling < sizeof(kept) / sizeof(kept[0]) ? kept[i - travelling] : NULL;
}

typedef void round_fn(const ProtobufCMessage *m, arena_t *arena);

static void for_generated(round_fn *check) {
    own(arena) *arena = arena_new(0);
    struct dice d = {.state = 88172645463325252u};
    for (size_t i = 0; type_at(i); i++) {
        for (unsigned round = 0; round < ROUNDS; round++) {
            arena_reset(arena);
            check(generated(type_at(i), &d, round == 0 ? 100 : round == 1 ? 0 : 50, arena), arena);
        }
    }
}

static void check_same(const ProtobufCMessage *m, const ProtobufCMessage *back, const char *how) {
    if (back && same_message(m, back)) return;
    buffer_t json = {0};
    record_to_json(m, &json);
    buffer_text(&json, "\n");
    if (back) record_to_json(back, &json);
    fail_msg("%s does not survive %s:\n%s", m->descriptor->name, how, buffer_string(&json));
}

static void over_wire(const ProtobufCMessage *m, arena_t *arena) {
    buffer_t frame = {0};
    struct envelope e;
    if (!message_type(m->descriptor->name)) return;
    envelope_write(&frame, "t", (struct entry_id){7, 2}, (struct entry_id){7, 1}, m);
    assert_int_equal(envelope_read("t", (struct span){frame.data, frame.length}, &e), ERR_OK);
    check_same(m, envelope_open(&e, arena), "the wire");
    buffer_destroy(&frame);
}

struct pairs {
    arena_t *arena;
    struct record_pair pair[RECORD_COLUMNS_MAX + 1];
    size_t n;
};

static void keep_pair(void *arg, const ProtobufCFieldDescriptor *f, struct span value) {
    struct pairs *p = arg;
    char *copy = arena_take(p->arena, value.length + 1);
    memcpy(copy, value.data, value.length);
    p->pair[p->n++] = (struct record_pair){span_of(f->name), {copy, value.length}};
}

static void through_pairs(const ProtobufCMessage *m, arena_t *arena) {
    struct pairs p = {.arena = arena};
    record_each(m, keep_pair, &p);
    p.pair[p.n++] = (struct record_pair){span_of("not_ours"), span_of("x")};
    ProtobufCMessage *back, *loose;
    assert_int_equal(record_from_pairs(m->descriptor, p.pair, p.n, arena, &back, NULL), ERR_OK);
    check_same(m, back, "Redis");
    assert_int_equal(record_from_pairs(m->descriptor, p.pair, p.n, NULL, &loose, NULL), ERR_OK);
    check_same(m, loose, "Redis with malloc");
    protobuf_c_message_free_unpacked(loose, NULL);
}

static void through_json(const ProtobufCMessage *m, arena_t *arena) {
    buffer_t json = {0};
    struct fault fault;
    ProtobufCMessage *back, *loose;
    record_to_json(m, &json);
    err_t e =
        record_from_json(m->descriptor, (char *)json.data, json.length, "", arena, &back, &fault);
    if (e) fail_msg("%s: %s in %s", fault.path, fault.rule, buffer_string(&json));
    check_same(m, back, "JSON");
    assert_int_equal(
        record_from_json(m->descriptor, (char *)json.data, json.length, "", NULL, &loose, &fault),
        ERR_OK);
    check_same(m, loose, "JSON with malloc");
    protobuf_c_message_free_unpacked(loose, NULL);
    buffer_destroy(&json);
}

static void through_copy(const ProtobufCMessage *m, arena_t *arena) {
    check_same(m, record_copy(m, arena), "a copy");
    ProtobufCMessage *loose = record_copy(m, NULL);
    check_same(m, loose, "a copy with malloc");
    protobuf_c_message_free_unpacked(loose, NULL);
}

static void through_sqlite(sql_t *db, const ProtobufCMessageDescriptor *type, struct dice *d,
                           arena_t *arena) {
    char text[200];
    const char *key = type->fields[0].name; // any field will do: one row at a time
    char extra[100];
    snprintf(extra, sizeof(extra), "UNIQUE(\"%s\")", key);
    assert_int_equal(sql_table_sync(db, type, type->name, NULL, extra), ERR_OK);
    sql_query_t *upsert = sql_prepare_upsert(db, type, type->name, key, true);
    snprintf(text, sizeof(text), "SELECT * FROM \"%s\"", type->name);
    sql_query_t *select = sql_prepare(db, text);
    snprintf(text, sizeof(text), "DELETE FROM \"%s\"", type->name);
    for (unsigned round = 0; round < ROUNDS; round++) {
        arena_reset(arena);
        ProtobufCMessage *m = generated(type, d, round == 0 ? 100 : 50, arena), *back;
        bool row;
        assert_int_equal(sql_run(db, text), ERR_OK);
        assert_int_equal(sql_upsert(upsert, m), ERR_OK);
        assert_int_equal(sql_step(select, &row), ERR_OK);
        assert_true(row);
        assert_int_equal(sql_row(select, type, arena, &back), ERR_OK);
        sql_reset(select);
        check_same(m, back, "SQLite");
    }
    sql_query_destroy(&upsert);
    sql_query_destroy(&select);
}

static void every_message_type_survives_the_wire(void **state) {
    (void)state;
    for_generated(over_wire);
}
static void every_message_type_survives_redis(void **state) {
    (void)state;
    for_generated(through_pairs);
}
static void every_message_type_survives_json(void **state) {
    (void)state;
    for_generated(through_json);
}
static void every_message_type_survives_a_copy(void **state) {
    (void)state;
    for_generated(through_copy);
}

static void every_message_type_survives_sqlite(void **state) {
    (void)state;
    char why[200];
    own(sql) *db = sql_open(":memory:", SQL_WRITE, why);
    own(arena) *arena = arena_new(0);
    struct dice d = {.state = 1234567};
    for (size_t i = 0; type_at(i); i++) through_sqlite(db, type_at(i), &d, arena);
}

static void the_registry_is_sorted_and_knows_every_topics_types(void **state) {
    (void)state;
    for (size_t i = 1; message_type_at(i); i++)
        assert_true(strcmp(message_type_at(i - 1)->name, message_type_at(i)->name) < 0);
#define TYPES_OF(name, owner, split, consumers, types) " " types
    char all[] = TOPICS(TYPES_OF);
#undef TYPES_OF
    for (char *name = strtok(all, " "); name; name = strtok(NULL, " "))
        assert_non_null(message_type(name));
    assert_null(message_type("Nothing"));
    assert_null(message_type(""));
}

static void a_signal_looks_outside_as_the_spec_says(void **state) {
    (void)state;
    Signal s = SIGNAL__INIT;
    s.signal_id = (char *)"s-1", s.source = (char *)"tv", s.symbol = (char *)"EURUSD";
    s.order_type = SIGNAL__ORDER_TYPE__limit, s.direction = SIGNAL__DIRECTION__buy,
    s.status = SIGNAL__STATUS__pending;
    s.has_lot_size = true, s.lot_size = 150000000, s.has_price = true, s.price = 112345000;
    s.created_at = UINT64_C(1742638530) * NS_PER_S;
    buffer_t json = {0};
    record_to_json(&s.base, &json);
    assert_string_equal(buffer_string(&json),
                        "{\"signal_id\":\"s-1\",\"source\":\"tv\",\"symbol\":\"EURUSD\",\"order_"
                        "type\":\"limit\",\"direction\":\"buy\","
                        "\"lot_size\":1.5,\"price\":1.12345,\"status\":\"pending\",\"created_at\":"
                        "\"2025-03-22T10:15:30Z\",\"content\":0}");
    buffer_destroy(&json);
}

static void expect_fault(const ProtobufCMessageDescriptor *d, const char *json, const char *path,
                         const char *rule) {
    struct fault fault;
    ProtobufCMessage *m;
    own(arena) *arena = arena_new(0);
    assert_int_equal(record_from_json(d, json, strlen(json), "accounts[2]", arena, &m, &fault),
                     ERR_INPUT);
    assert_null(m);
    assert_string_equal(fault.path, path);
    if (!strstr(fault.rule, rule)) fail_msg("%s: %s, not: %s", json, fault.rule, rule);
    // leaks nothing
    assert_int_equal(record_from_json(d, json, strlen(json), "accounts[2]", NULL, &m, &fault),
                     ERR_INPUT);
}

static void a_fault_in_json_is_told_with_path_and_rule(void **state) {
    (void)state;
    const ProtobufCMessageDescriptor *d = &account_config__descriptor;
    expect_fault(d,
                 "{\"account_id\":\"a\",\"broker_id\":\"b\",\"subscriptions\":[{\"source\":\"tv\","
                 "\"fixed_lot\":\"x\"}]}",
                 "accounts[2].subscriptions[0].fixed_lot", "decimal");
    expect_fault(d,
                 "{\"account_id\":\"a\",\"broker_id\":\"b\",\"subscriptions\":[{\"source\":\"tv\","
                 "\"fixed_lot\":0.123456789}]}",
                 "accounts[2].subscriptions[0].fixed_lot", "at most 8 decimals");
    expect_fault(d, "{\"account_id\":\"a\"}", "accounts[2].broker_id", "required");
    expect_fault(d, "{\"account_id\":null,\"broker_id\":\"b\"}", "accounts[2].account_id",
                 "required");
    expect_fault(d, "{\"account_id\":\"a\",\"broker_id\":\"b\",\"colour\":1}", "accounts[2].colour",
                 "not known");
    expect_fault(d, "{\"account_id\":\"a\",\"broker_id\":\"b\",\"broker_id\":\"c\"}",
                 "accounts[2].broker_id", "twice");
    expect_fault(d, "{\"account_id\":7,\"broker_id\":\"b\"}", "accounts[2].account_id", "text");
    expect_fault(d, "{\"account_id\":\"a\",\"broker_id\":\"b\",\"live\":1}", "accounts[2].live",
                 "true or false");
    expect_fault(d, "{\"account_id\":\"a\",\"broker_id\":\"b\",\"leverage\":-1}",
                 "accounts[2].leverage", "not negative");
    expect_fault(d, "{\"account_id\":\"a\",\"broker_id\":\"b\",\"leverage\":4294967296}",
                 "accounts[2].leverage", "32 bits");
    expect_fault(d, "{\"account_id\":\"a\",\"broker_id\":\"b\",\"leverage\":1e2}",
                 "accounts[2].leverage", "integer");
    expect_fault(d, "{\"account_id\":\"a\",\"broker_id\":\"b\",\"subscriptions\":{}}",
                 "accounts[2].subscriptions", "array");
    expect_fault(d, "{\"account_id\":\"a\",\"broker_id\":\"b\",\"subscriptions\":[1]}",
                 "accounts[2].subscriptions[0]", "object");
    expect_fault(d, "{\"account_id\":\"a\\u0000b\",\"broker_id\":\"b\"}", "accounts[2]", "zero");
    expect_fault(d, "{\"account_id\":\"a\"", "accounts[2]", "not JSON");
    expect_fault(d, "", "accounts[2]", "not JSON");
    expect_fault(d, "[]", "accounts[2]", "object");
    expect_fault(d, "{} {}", "accounts[2]", "not JSON");
    expect_fault(d, "{\"account_id\":\"\xff\",\"broker_id\":\"b\"}", "accounts[2]", "not JSON");
    expect_fault(d, "[[[[[[[[[[[[[[[[[[[[", "accounts[2]", "deep");
}

static void count_fault(void *arg, const struct fault *fault) {
    (void)fault;
    ++*(unsigned *)arg;
}

static void every_fault_of_a_document_is_told(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    unsigned n = 0;
    ProtobufCMessage *m;
    struct span json = span_of("{\"account_id\":1,\"leverage\":\"x\",\"colour\":2,"
                               "\"subscriptions\":[{},{\"source\":[]}]}");
    assert_int_equal(
        record_from_json_all(&account_config__descriptor, json, arena, &m, count_fault, &n),
        ERR_INPUT);
    assert_int_equal(n, 6);
}

static void numbers_may_be_written_as_text(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    struct fault fault;
    ProtobufCMessage *m;
    const char *json = "{\"source\":\"tv\",\"fixed_lot\":\"1.50\",\"multiplier\":2}";
    assert_int_equal(
        record_from_json(&subscription__descriptor, json, strlen(json), "", arena, &m, &fault),
        ERR_OK);
    assert_int_equal(((Subscription *)m)->fixed_lot, 150000000);
    assert_int_equal(((Subscription *)m)->multiplier, 200000000);
}

static void refuse_pair(const char *name, const char *value) {
    struct record_pair pairs[] = {
        {span_of("instance_id"), span_of("i")},
        {span_of("broker_id"), span_of("b")},
        {span_of("state"), span_of("ready")},
        {span_of("updated_at"), span_of("2025-03-22T10:15:30Z")},
        {span_of(name), span_of(value)},
    };
    ProtobufCMessage *m;
    assert_int_equal(record_from_pairs(&instance_state__descriptor, pairs, 5, NULL, &m, NULL),
                     ERR_INPUT);
    assert_null(m);
}

static void a_damaged_hash_is_refused(void **state) {
    (void)state;
    refuse_pair("state", "sleeping");
    refuse_pair("state", "");
    refuse_pair("updated_at", "yesterday");
    refuse_pair("can_query", "maybe");
    refuse_pair("accounts", "[1]");
    refuse_pair("accounts", "[\"a\"");
    refuse_pair("accounts", "");
    struct record_pair short_of[] = {{span_of("instance_id"), span_of("i")}};
    ProtobufCMessage *m;
    assert_int_equal(record_from_pairs(&instance_state__descriptor, short_of, 1, NULL, &m, NULL),
                     ERR_INPUT);
}

static void a_name_is_a_fields_only_when_all_of_it_is(void **state) {
    (void)state;
    const ProtobufCMessageDescriptor *d = &instance_state__descriptor;
    assert_non_null(record_field(d, span_of("state")));
    assert_null(record_field(d, span_of("stat")));
    assert_null(record_field(d, span_of("states")));
    assert_null(record_field(d, span_of("")));
    assert_null(record_field(d, (struct span){"state\0and more", 14}));
}

static void a_field_given_again_replaces_what_was_there(void **state) {
    (void)state;
    struct record_pair pairs[] = {{span_of("instance_id"), span_of("i")},
                                  {span_of("broker_id"), span_of("b")},
                                  {span_of("accounts"), span_of("[\"a\",\"b\"]")},
                                  {span_of("accounts"), span_of("[\"c\"]")},
                                  {span_of("broker_id"), span_of("c")}};
    ProtobufCMessage *m;
    assert_int_equal(record_from_pairs(&instance_config__descriptor, pairs, 5, NULL, &m, NULL),
                     ERR_OK);
    InstanceConfig *i = (InstanceConfig *)m;
    assert_int_equal(i->n_accounts, 1);
    assert_string_equal(i->accounts[0], "c");
    assert_string_equal(i->broker_id, "c");
    protobuf_c_message_free_unpacked(m, NULL);
}

static void a_preset_is_not_a_value_that_was_given(void **state) {
    (void)state;
    AccountConfig a = ACCOUNT_CONFIG__INIT;
    a.account_id = (char *)"a", a.broker_id = (char *)"b";
    buffer_t json = {0};
    record_to_json(&a.base, &json);
    assert_string_equal(buffer_string(&json), "{\"account_id\":\"a\",\"broker_id\":\"b\"}");
    assert_string_equal(a.currency, "USD");
    buffer_destroy(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_type_survives_the_wire),
        cmocka_unit_test(every_message_type_survives_redis),
        cmocka_unit_test(every_message_type_survives_json),
        cmocka_unit_test(every_message_type_survives_a_copy),
        cmocka_unit_test(every_message_type_survives_sqlite),
        cmocka_unit_test(the_registry_is_sorted_and_knows_every_topics_types),
        cmocka_unit_test(a_signal_looks_outside_as_the_spec_says),
        cmocka_unit_test(a_fault_in_json_is_told_with_path_and_rule),
        cmocka_unit_test(every_fault_of_a_document_is_told),
        cmocka_unit_test(numbers_may_be_written_as_text),
        cmocka_unit_test(a_damaged_hash_is_refused),
        cmocka_unit_test(a_name_is_a_fields_only_when_all_of_it_is),
        cmocka_unit_test(a_field_given_again_replaces_what_was_there),
        cmocka_unit_test(a_preset_is_not_a_value_that_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
