// test_terms - every field of Terms in an order arrives in the Submit, and every one that can be
// amended in a ModifyOrder; also those of tomorrow.
// SPDX-License-Identifier: MIT
#include "tests/unit/executor/world.h"

#include "common/base/own.h"
#include "common/schema/record_value.h"
#include "services/executor/trade/in_doubt/evidence.h"

static int setup(void **state) {
    (void)world_setup(state);
    gateway_hello(*state, HELLO__DUPLICATE_CHECK__forever, true);
    return 0;
}

static bool is_text(const ProtobufCFieldDescriptor *f) { return f->type == PROTOBUF_C_TYPE_STRING; }
static bool is_enum(const ProtobufCFieldDescriptor *f) { return f->type == PROTOBUF_C_TYPE_ENUM; }

// A value that can be executed: another number for each field, the last of an enum's names, a time
// to come, a text that is the field's name.
static void set_field(const struct world *w, void *message, const ProtobufCFieldDescriptor *f) {
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
    assert_int_equal(record_set(message, f, span_of(text), batch_arena(w->batch)), ERR_OK);
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

// --- amendments

static void have_limit(struct world *w, const char *id) {
    Order o = order_of(w, id);
    o.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    o.terms->has_price = true;
    o.terms->price = 9 * LOT;
    give(w, &o);
    world_commit(w);
}

static void change_all(struct world *w, const char *trade_id) {
    OrderCommand c = ORDER_COMMAND__INIT;
    c.command_id = (char *)"k1";
    c.account_id = (char *)"a1";
    c.action = ORDER_COMMAND__ACTION__modify;
    c.trade_id = (char *)(uintptr_t)trade_id;
    c.created_at = w->now;
    c.amendment = new_amendment();
    c.trailing = new_trailing();
    for (unsigned i = 0; i < amendment__descriptor.n_fields; i++)
        set_field(w, c.amendment, &amendment__descriptor.fields[i]);
    for (unsigned i = 0; i < trailing__descriptor.n_fields; i++)
        set_field(w, c.trailing, &trailing__descriptor.fields[i]);
    assert_int_equal(handle(w, TOPIC_orders, &c.base), ERR_OK);
    world_commit(w);
}

static const ModifyOrder *last_change(const struct world *w) {
    for (size_t i = w->n_letters; i > 0; i--) {
        if (w->letters[i - 1]->descriptor == &modify_order__descriptor)
            return (const ModifyOrder *)w->letters[i - 1];
    }
    fail_msg("nothing was changed");
    return NULL;
}

// Its number, as set_field makes it.
static void assert_terms_have(const TradeState *s, const ProtobufCMessageDescriptor *d) {
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f =
            record_field(s->base.descriptor, span_of(d->fields[i].name));
        if (!record_is_set(&s->base, f)) fail_msg("%s does not arrive", f->name);
        assert_int_equal(*(int64_t *)record_place(&s->base, f), d->fields[i].id * LOT);
    }
}

static void everything_that_is_amended_is_wanted_asked_for_and_becomes_a_term(void **state) {
    struct world *w = *state;
    have_limit(w, "t1");
    gateway_reports(w, REPORT__KIND__accepted, "t1");
    world_commit(w);
    change_all(w, "t1");
    const TradeState *s = trades_find(w->x->trades, "t1")->s;
    const ModifyOrder *m = last_change(w);
    for (unsigned i = 0; i < amendment__descriptor.n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &amendment__descriptor.fields[i];
        char name[64];
        (void)snprintf(name, sizeof name, "%s_wanted", f->name);
        assert_same_field(&s->wanted->base, &m->amendment->base, f);
        if (!strstr(w->committed, name)) fail_msg("%s is not on record", name);
        assert_int_equal(*(int64_t *)record_place(&m->amendment->base, f), f->id * LOT);
    }
    assert_terms_have(s, &trailing__descriptor); // at once
    Report r = report_of(w, REPORT__KIND__modified, "t1");
    r.has_wanted_at = true;
    r.wanted_at = m->wanted_at;
    gateway_says(w, &r.base);
    world_commit(w);
    s = trades_find(w->x->trades, "t1")->s;
    assert_terms_have(s, &amendment__descriptor);
    assert_false(record_any_set(&s->wanted->base));
    for (unsigned i = 0; i < amendment__descriptor.n_fields; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s_wanted", amendment__descriptor.fields[i].name);
        if (!strstr(w->committed, name)) fail_msg("%s stays on record", name); // its HDEL
    }
}

static void everything_that_is_amended_before_it_leaves_goes_with_it(void **state) {
    struct world *w = *state;
    w->wire_full = true;
    have_limit(w, "t1");
    world_tick(w); // it did not leave
    change_all(w, "t1");
    w->wire_full = false;
    world_live(w, 2);
    const TradeState *s = trades_find(w->x->trades, "t1")->s;
    assert_terms_have(s, &amendment__descriptor);
    assert_terms_have(s, &trailing__descriptor);
    assert_false(record_any_set(&s->wanted->base));
    const Submit *m = last_submit(w);
    assert_int_equal(m->terms->price, s->terms->price);
    assert_int_equal(m->terms->stop_loss, s->terms->stop_loss);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_term_of_an_order_arrives_at_the_gateway_and_on_record,
                                        setup, world_teardown),
        cmocka_unit_test_setup_teardown(every_term_comes_back_with_what_was_submitted, setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(
            everything_that_is_amended_is_wanted_asked_for_and_becomes_a_term, setup,
            world_teardown),
        cmocka_unit_test_setup_teardown(everything_that_is_amended_before_it_leaves_goes_with_it,
                                        setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
