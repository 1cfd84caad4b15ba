// test_terms - every field of Terms in an order arrives in the Submit, also one of tomorrow.
// SPDX-License-Identifier: MIT
#include "tests/unit/executor/world.h"

#include "common/own.h"
#include "common/record_part.h"
#include "services/executor/trade/evidence.h"

static int setup(void **state) {
    (void)world_setup(state);
    gateway_hello(*state, HELLO__DUPLICATE_CHECK__forever, true);
    return 0;
}

static bool is_text(const ProtobufCFieldDescriptor *f) { return f->type == PROTOBUF_C_TYPE_STRING; }
static bool is_enum(const ProtobufCFieldDescriptor *f) { return f->type == PROTOBUF_C_TYPE_ENUM; }

// A value that can be executed: another number for each field, the last of an enum's names, a time
// to come, a text that is the field's name.
static void set_field(const struct world *w, Terms *terms, const ProtobufCFieldDescriptor *f) {
    char number[DECIMAL_TEXT], time[TIME_TEXT];
    const char *text = f->name;
    if (is_enum(f)) {
        const ProtobufCEnumDescriptor *names = f->descriptor;
        text = names == &signal__direction__descriptor ? "sell"
                                                       : names->values[names->n_values - 1].name;
    } else if (f->type == PROTOBUF_C_TYPE_FIXED64) {
        time_print(w->now + 50 * NS_PER_S, time);
        text = time;
    } else if (!is_text(f)) {
        decimal_print(D((int64_t)f->id * LOT), number);
        text = number;
    }
    assert_int_equal(record_set(&terms->base, f, span_of(text), batch_arena(w->batch)), ERR_OK);
}

static void assert_same_field(const ProtobufCMessage *given, const ProtobufCMessage *got,
                              const ProtobufCFieldDescriptor *f) {
    own(buffer) a = {0}, b = {0};
    assert_true(record_field_text(given, f, &a));
    if (!record_field_text(got, f, &b)) fail_msg("%s does not arrive", f->name);
    assert_string_equal(buffer_string(&a), buffer_string(&b));
}

static void every_term_of_an_order_arrives_at_the_gateway_and_on_record(void **state) {
    struct world *w = *state;
    Order o = order_of(w, "t1");
    for (unsigned i = 0; i < terms__descriptor.n_fields; i++)
        set_field(w, o.terms, &terms__descriptor.fields[i]);
    give(w, &o);
    world_commit(w);
    const Submit *m = last_submit(w);
    const TradeState *s = trades_find(w->x->trades, "t1")->s;
    for (unsigned i = 0; i < terms__descriptor.n_fields; i++) {
        assert_same_field(&o.terms->base, &m->terms->base, &terms__descriptor.fields[i]);
        assert_same_field(&o.terms->base, &s->base, &terms__descriptor.fields[i]);
    }
}

// And back, when nobody has the order but the gateway's books.
static void every_term_comes_back_with_what_was_submitted(void **state) {
    struct world *w = *state;
    Submit m = SUBMIT__INIT;
    Origin origin = ORIGIN__INIT;
    TradeState back;
    m.trade_id = m.account_id = m.broker_symbol = origin.signal_id = origin.symbol = (char *)"x";
    m.origin = &origin;
    m.terms = new_terms();
    for (unsigned i = 0; i < terms__descriptor.n_fields; i++)
        set_field(w, m.terms, &terms__descriptor.fields[i]);
    m.lots = m.terms->lot_size;
    assert_true(evidence_trade(&m, "b1", w->now, batch_arena(w->batch), &back));
    for (unsigned i = 0; i < terms__descriptor.n_fields; i++)
        assert_same_field(&m.terms->base, &back.base, &terms__descriptor.fields[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_term_of_an_order_arrives_at_the_gateway_and_on_record,
                                        setup, world_teardown),
        cmocka_unit_test_setup_teardown(every_term_comes_back_with_what_was_submitted, setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
