// test_values - whatever is printed is read again: each field of each message with millions of
// values, as text and as JSON.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants the first four above it
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/base/utf8.h"
#include "common/delivery/delivery.h"
#include "common/delivery/envelope.h"
#include "common/schema/record_value.h"
#include "dice.h"
#include "execution.pb-c.h"
#include "gateway.pb-c.h"
#include "tests/unit/terms.h"

#define VALUES 10000 // of each field of each message: some two million

static bool is_scalar(const ProtobufCFieldDescriptor *f) {
    return f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_BYTES &&
           f->type != PROTOBUF_C_TYPE_MESSAGE;
}

// Any value of the field's type; times to the microsecond, as they are kept.
static uint64_t any_value(const ProtobufCFieldDescriptor *f, struct dice *d) {
    uint64_t bits = dice_bits(d);
    if (f->type == PROTOBUF_C_TYPE_FIXED64) return bits / NS_PER_US * NS_PER_US;
    if (f->type == PROTOBUF_C_TYPE_BOOL) return bits & 1;
    if (f->type != PROTOBUF_C_TYPE_ENUM) return bits;
    const ProtobufCEnumDescriptor *e = f->descriptor;
    return (uint64_t)(int64_t)e->values[bits % e->n_values].value;
}

static void check_field(const ProtobufCFieldDescriptor *f, struct dice *d, buffer_t *text) {
    size_t size = record_item_size(f);
    for (unsigned i = 0; i < VALUES; i++) {
        uint64_t value = any_value(f, d), back = 0;
        const char *rule = "";
        buffer_clear(text);
        record_print_value(f, &value, text);
        err_t e = record_read_value(f, (struct span){text->data, text->length}, NULL, &back, &rule);
        if (e || memcmp(&value, &back, size) != 0)
            fail_msg("%s of value %s: %s", f->name, buffer_string(text), rule);
    }
}

static void every_value_of_every_field_reads_back_as_it_is_printed(void **state) {
    (void)state;
    struct dice d = {.state = 2463534242};
    buffer_t text = {0};
    size_t fields = 0;
    for (size_t i = 0; message_type_at(i); i++) {
        const struct record_columns *columns = record_columns(message_type_at(i));
        for (unsigned k = 0; k < columns->n; k++) {
            if (!is_scalar(columns->fields[k])) continue;
            check_field(columns->fields[k], &d, &text);
            fields++;
        }
    }
    buffer_destroy(&text);
    print_message("%zu fields, %zu values\n", fields, fields * VALUES);
    assert_true(fields > 200);
}

static void entry_ids_read_back_as_they_are_printed(void **state) {
    (void)state;
    struct dice d = {.state = 88172645463325252u};
    char text[ENTRY_ID_TEXT];
    for (int i = 0; i < 1000000; i++) {
        struct entry_id id = {dice_bits(&d), dice_bits(&d)}, back;
        assert_int_equal(entry_id_parse(text, entry_id_print(id, text), &back), ERR_OK);
        assert_int_equal(entry_id_cmp(id, back), 0);
    }
}

// A text of any characters but zero, or any bytes but zero.
static void any_text(struct dice *d, bool well_formed, buffer_t *out) {
    buffer_clear(out);
    for (uint64_t n = dice_roll(d) % 12; n; n--) {
        uint32_t c = 1 + (uint32_t)(dice_roll(d) % (dice_roll(d) % 2 ? 0x100 : 0x10FFFF));
        if (c >= 0xD800 && c <= 0xDFFF) c = 0x202E;
        if (!well_formed || c < 0x80)
            buffer_add(out, (uint8_t[]){(uint8_t)(c & 0xFF ? c : 1)}, 1);
        else if (c < 0x800)
            buffer_add(out, (uint8_t[]){(uint8_t)(0xC0 | c >> 6), (uint8_t)(0x80 | (c & 0x3F))}, 2);
        else if (c < 0x10000)
            buffer_add(out,
                       (uint8_t[]){(uint8_t)(0xE0 | c >> 12), (uint8_t)(0x80 | (c >> 6 & 0x3F)),
                                   (uint8_t)(0x80 | (c & 0x3F))},
                       3);
        else
            buffer_add(out,
                       (uint8_t[]){(uint8_t)(0xF0 | c >> 18), (uint8_t)(0x80 | (c >> 12 & 0x3F)),
                                   (uint8_t)(0x80 | (c >> 6 & 0x3F)), (uint8_t)(0x80 | (c & 0x3F))},
                       4);
    }
}

static void texts_of_any_characters_survive_json(void **state) {
    (void)state;
    struct dice d = {.state = 5};
    buffer_t text = {0}, json = {0};
    arena_t *arena = arena_new(0);
    for (int i = 0; i < 200000; i++) {
        bool well_formed = i % 4 != 0;
        struct fault fault;
        ProtobufCMessage *m;
        any_text(&d, well_formed, &text);
        BrokerState b = BROKER_STATE__INIT;
        b.broker_id = (char *)buffer_string(&text);
        buffer_clear(&json);
        record_to_json(&b.base, &json);
        err_t e = record_from_json(b.base.descriptor, buffer_string(&json), json.length, "", arena,
                                   &m, &fault);
        if (e) fail_msg("%s %s: %s", fault.path, fault.rule, buffer_string(&json));
        if (well_formed) assert_string_equal(((BrokerState *)m)->broker_id, b.broker_id);
        arena_reset(arena);
    }
    arena_destroy(&arena);
    buffer_destroy(&text);
    buffer_destroy(&json);
}

// --- what comes from a peer

static ProtobufCMessage *open_body(const char *type, const void *body, size_t length,
                                   arena_t *arena) {
    struct envelope e = {.body = {body, length}};
    memcpy(e.type, type, strlen(type) + 1);
    return envelope_open(&e, arena);
}

static void a_value_that_no_name_is_known_for_is_not_opened(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    uint8_t packed[512];
    Hello h = HELLO__INIT;
    h.instance_id = (char *)"g", h.broker_id = (char *)"b", h.kind = (char *)"paper";
    assert_non_null(open_body("Hello", packed, hello__pack(&h, packed), arena));
    h.duplicate_check = (Hello__DuplicateCheck)99;
    size_t length = hello__pack(&h, packed);
    assert_null(open_body("Hello", packed, length, arena));
    struct envelope e = {.body = {packed, length}, .type = "Hello"};
    ProtobufCMessage *m = envelope_unpack(&e, arena);
    assert_non_null(m);
    assert_string_equal(record_tame(m, 1), "duplicate_check");
    assert_true(record_is_sound(m));
}

// Field 0 in the long form 80 00, its value 00: protobuf-c keeps it, writes it as 00 00, and
// refuses that.
static void a_field_without_a_number_is_not_opened(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    uint8_t packed[512];
    Hello h = HELLO__INIT;
    h.instance_id = (char *)"g", h.broker_id = (char *)"b", h.kind = (char *)"paper";
    size_t n = hello__pack(&h, packed);
    memcpy(packed + n, "\x80\x00\x00", 3);
    assert_null(open_body("Hello", packed, n + 3, arena));
    memcpy(packed + n, "\xf8\x07\x00", 3); // one that a newer version may know is kept
    assert_non_null(open_body("Hello", packed, n + 3, arena));
}

static void what_a_gateway_cannot_mean_is_replaced(void **state) {
    (void)state;
    const uint64_t now = UINT64_C(1742638530) * NS_PER_S, day = 86400 * NS_PER_S;
    Fill fill = FILL__INIT;
    fill.execution_id = (char *)"e", fill.lots = INT64_MIN, fill.price = INT64_MAX;
    fill.executed_at = UINT64_C(17426385310) * NS_PER_S; // 2522
    Report r = REPORT__INIT;
    r.trade_id = (char *)"t", r.fill = &fill, r.reported_at = now + day;
    assert_true(record_is_sound(&r.base));
    assert_string_equal(record_tame(&r.base, now), "lots");
    assert_int_equal(fill.lots, -INT64_MAX);
    assert_int_equal(fill.price, INT64_MAX);
    assert_int_equal(fill.executed_at, now);
    assert_int_equal(r.reported_at, now + day);
    assert_null(record_tame(&r.base, now));
    r.reported_at++;
    assert_string_equal(record_tame(&r.base, now), "reported_at");
    Submit s = SUBMIT__INIT; // what is to come may be far ahead
    s.terms = new_terms();
    s.terms->has_expiration_time = true, s.terms->expiration_time = TIME_END - 1, s.sent_at = now;
    assert_null(record_tame(&s.base, now));
    s.terms->expiration_time++;
    assert_string_equal(record_tame(&s.base, now), "expiration_time");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_every_field_reads_back_as_it_is_printed),
        cmocka_unit_test(entry_ids_read_back_as_they_are_printed),
        cmocka_unit_test(texts_of_any_characters_survive_json),
        cmocka_unit_test(a_value_that_no_name_is_known_for_is_not_opened),
        cmocka_unit_test(a_field_without_a_number_is_not_opened),
        cmocka_unit_test(what_a_gateway_cannot_mean_is_replaced),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
