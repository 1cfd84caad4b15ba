// test_terms - what a signal says under the names of Terms, Amendment and Trailing arrives in its
// orders and commands; also fields of tomorrow.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "common/schema/record_value.h"
#include "services/router/desk.h"

// The turn that the signal becomes; there is one.
struct made {
    struct given g;
    struct venue venue;
    struct seat seat;
    struct decide_result result[DECIDE_LEGS];
    struct turn turn;
    arena_t *arena;
};

static void make(struct made *m) {
    m->venue = (struct venue){.broker = &m->g.broker, .symbol = &m->g.symbol};
    m->seat = (struct seat){
        .account = &m->g.account, .subscription = &m->g.subscription, .venue = &m->venue};
    m->turn =
        (struct turn){.seat = &m->seat, .signal = &m->g.signal, .now = NOW, .result = m->result};
    assert_int_equal(decide_signal(&m->g.in, m->result), 1);
}

static int setup(void **state) {
    struct made *m = calloc(1, sizeof *m);
    given_make(&m->g);
    m->arena = arena_new(0);
    *state = m;
    return 0;
}

static int teardown(void **state) {
    struct made *m = *state;
    given_free(&m->g);
    arena_destroy(&m->arena);
    free(m);
    return 0;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *d,
                                                const char *name) {
    return protobuf_c_message_descriptor_get_field_by_name(d, name);
}

// Every decimal of the signal that the message has, too; by so little that all are possible at
// once: stop loss, and all else above the entry.
static void say_all_of(Signal *s, const ProtobufCMessageDescriptor *d, arena_t *arena) {
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = field_of(&signal__descriptor, d->fields[i].name);
        if (!f || f->type != PROTOBUF_C_TYPE_SFIXED64) continue;
        char text[32];
        (void)snprintf(text, sizeof text, "1.2%u", i + 11);
        assert_int_equal(record_set(&s->base, f, span_of(text), arena), ERR_OK);
    }
    SET(*s, stop_loss, "1.1");
    s->has_exit_unit = true;
    s->exit_unit = SIGNAL__UNIT__distance;
}

static void assert_all_of(const Signal *s, const ProtobufCMessage *m, const char *but) {
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i],
                                       *said = field_of(&signal__descriptor, f->name);
        if (!said || f->type != PROTOBUF_C_TYPE_SFIXED64 || strcmp(f->name, but) == 0) continue;
        if (!record_is_set(m, f)) fail_msg("%s does not arrive", f->name);
        assert_int_equal(*(int64_t *)record_place(m, f), *(int64_t *)record_place(&s->base, said));
    }
}

static void what_a_signal_says_under_the_name_of_a_term_arrives(void **state) {
    struct made *m = *state;
    Order o;
    m->g.signal.order_type = SIGNAL__ORDER_TYPE__stop_limit;
    say_all_of(&m->g.signal, &terms__descriptor, m->arena);
    SET(m->g.signal, lot_size, "1");
    SET(m->g.signal, price, "1.15");
    SET(m->g.signal, limit_price, "1.151");
    make(m);
    assert_int_equal(m->result->reason, REASON__CODE__ordered);
    turn_order(&m->turn, m->arena, &o);
    assert_int_equal(o.terms->order_type, SIGNAL__ORDER_TYPE__stop_limit);
    assert_all_of(&m->g.signal, &o.terms->base, "close_percent"); // which is for closes
    assert_false(o.terms->has_close_percent);
}

static void an_order_at_the_market_has_no_price_and_a_limit_no_second_one(void **state) {
    struct made *m = *state;
    Order o;
    SET(m->g.signal, limit_price, "1.151");
    make(m);
    turn_order(&m->turn, m->arena, &o);
    assert_false(o.terms->has_price || o.terms->has_limit_price);
    assert_int_equal(o.terms->requested_price, m->g.signal.price);
    m->g.signal.order_type = SIGNAL__ORDER_TYPE__limit;
    make(m);
    turn_order(&m->turn, m->arena, &o);
    assert_int_equal(o.terms->price, m->g.signal.price);
    assert_false(o.terms->has_limit_price);
}

// A close says what a close means: stops are of what it closes.
static void a_close_takes_no_stops_over(void **state) {
    struct made *m = *state;
    Order o;
    say_all_of(&m->g.signal, &trailing__descriptor, m->arena);
    m->g.signal.direction = SIGNAL__DIRECTION__close;
    m->g.holding.longs = E8("1"), m->g.holding.entries = 1;
    make(m);
    assert_int_equal(m->result->leg.kind, LEG_CLOSE);
    turn_order(&m->turn, m->arena, &o);
    assert_int_equal(o.terms->order_type, SIGNAL__ORDER_TYPE__market);
    assert_false(o.terms->has_stop_loss || o.terms->has_trail_distance || o.terms->has_price);
}

static void what_a_modify_says_arrives_in_its_command(void **state) {
    struct made *m = *state;
    OrderCommand c;
    m->g.signal.direction = SIGNAL__DIRECTION__modify;
    m->g.holding.longs = E8("1"), m->g.holding.entries = 1;
    say_all_of(&m->g.signal, &amendment__descriptor, m->arena);
    say_all_of(&m->g.signal, &trailing__descriptor, m->arena);
    make(m);
    assert_int_equal(m->result->reason, REASON__CODE__commanded);
    turn_command(&m->turn, m->arena, &c);
    assert_all_of(&m->g.signal, &c.amendment->base, "");
    assert_all_of(&m->g.signal, &c.trailing->base, "");
}

static void a_cancel_changes_nothing_else(void **state) {
    struct made *m = *state;
    OrderCommand c;
    m->g.signal.direction = SIGNAL__DIRECTION__cancel;
    m->g.holding.buys = m->g.holding.resting_buys = E8("1");
    m->g.holding.entries = m->g.holding.working = 1;
    say_all_of(&m->g.signal, &amendment__descriptor, m->arena);
    make(m);
    assert_int_equal(m->result->reason, REASON__CODE__commanded);
    turn_command(&m->turn, m->arena, &c);
    assert_false(record_any_set(&c.amendment->base) || record_any_set(&c.trailing->base));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_a_signal_says_under_the_name_of_a_term_arrives),
        TEST(an_order_at_the_market_has_no_price_and_a_limit_no_second_one),
        TEST(a_close_takes_no_stops_over),
        TEST(what_a_modify_says_arrives_in_its_command),
        TEST(a_cancel_changes_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
