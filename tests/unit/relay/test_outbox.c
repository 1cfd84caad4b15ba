// test_outbox - what is on its way to another cell: in order, until it is answered, and again when somebody else answers.
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

#include "common/base/clock.h"
#include "common/delivery/envelope.h"
#include "services/relay/handed.h"
#include "services/relay/outbox.h"

#define AT(s) ((uint64_t)(s)*NS_PER_S)
#define ID(s) ((struct entry_id){7, (s)})

static char refused[256]; // what was refused, one after the other

static void note(void *arg, struct span packed, const char *reason) {
    (void)arg;
    size_t n = strlen(refused);
    snprintf(refused + n, sizeof refused - n, "[%.*s %s]", (int)packed.length,
             (const char *)packed.data, reason);
}

static void add(struct outbox *o, const char *text, uint64_t batch) {
    outbox_add(o, span_of(text), ID(batch));
}

static void answer(struct outbox *o, uint64_t number, uint64_t incarnation, uint64_t mono) {
    HandoverAnswer a = HANDOVER_ANSWER__INIT;
    a.cell = (char *)"b";
    a.number = number;
    a.incarnation = incarnation;
    a.taken = 1;
    outbox_answer(o, &a, mono, note, NULL);
}

static void hold(struct outbox *o, uint64_t number, uint64_t mono) {
    HandoverAnswer a = HANDOVER_ANSWER__INIT;
    a.cell = (char *)"b";
    a.number = number;
    a.incarnation = 100;
    a.held = (char *)"its Redis is away";
    outbox_answer(o, &a, mono, note, NULL);
}

static int open_world(void **state) {
    static struct outbox o;
    o = (struct outbox){0};
    *refused = 0;
    *state = &o;
    return 0;
}

static int close_world(void **state) {
    relay_outbox_destroy(*state);
    return 0;
}

static void what_is_added_together_goes_in_one_message(void **state) {
    struct outbox *o = *state;
    buffer_t frame = {0};
    struct envelope e;
    add(o, "one", 1);
    add(o, "two", 1);
    const struct part *part = outbox_due(o, AT(1));
    assert_int_equal(part->count, 2);
    part_write(part, "a", &frame);
    assert_int_equal(envelope_read("handover", (struct span){frame.data, frame.length}, &e),
                     ERR_OK);
    Handover *h = (Handover *)envelope_open(&e, NULL);
    assert_string_equal(h->cell, "a");
    assert_int_equal(h->n_signals, 2);
    assert_int_equal(h->signals[1].len, 3);
    assert_memory_equal(h->signals[1].data, "two", 3);
    handover__free_unpacked(h, NULL);
    buffer_destroy(&frame);
}

static void a_message_holds_only_so_many_signals_and_bytes(void **state) {
    struct outbox *o = *state;
    static char large[PART_BYTES - 10];
    for (int i = 0; i <= PART_SIGNALS; i++) add(o, "x", 1);
    assert_int_equal(outbox_due(o, AT(1))->count, PART_SIGNALS);
    answer(o, 1, 100, AT(1));
    outbox_add(o, (struct span){large, sizeof large}, ID(1));
    outbox_add(o, (struct span){large, sizeof large}, ID(1));
    assert_int_equal(outbox_due(o, AT(1))->count, 2); // the one left over, and the first large one
    answer(o, 2, 100, AT(1));
    assert_int_equal(outbox_due(o, AT(1))->count, 1);
}

static void the_next_one_goes_only_when_the_one_before_is_answered(void **state) {
    struct outbox *o = *state;
    add(o, "one", 1);
    add(o, "two", 2);
    assert_int_equal(outbox_due(o, AT(1))->number, 1);
    assert_null(outbox_due(o, AT(1)));
    answer(o, 2, 100, AT(1)); // nobody asked
    assert_null(outbox_due(o, AT(1)));
    answer(o, 1, 100, AT(1));
    assert_int_equal(outbox_due(o, AT(1))->number, 2);
    assert_false(outbox_is_clear(o));
    answer(o, 2, 100, AT(1));
    assert_true(outbox_is_clear(o));
    assert_int_equal(o->signals, 2);
}

static void without_an_answer_it_is_sent_again_ever_more_slowly(void **state) {
    struct outbox *o = *state;
    static const unsigned due[] = {0, 1, 3, 7, 11, 15};
    add(o, "one", 1);
    for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
        assert_non_null(outbox_due(o, AT(100 + due[i])));
        if (i + 1 < sizeof due / sizeof *due) assert_null(outbox_due(o, AT(100 + due[i + 1]) - 1));
    }
}

static void not_now_is_tried_again_soon_and_acknowledges_nothing(void **state) {
    struct outbox *o = *state;
    add(o, "one", 1);
    assert_non_null(outbox_due(o, AT(1)));
    hold(o, 1, AT(1));
    assert_false(outbox_is_clear(o));
    assert_null(outbox_due(o, AT(1) + 99 * NS_PER_MS));
    assert_non_null(outbox_due(o, AT(1) + 100 * NS_PER_MS));
    hold(o, 1, AT(2));
    assert_null(outbox_due(o, AT(2) + 199 * NS_PER_MS));
    assert_non_null(outbox_due(o, AT(2) + 200 * NS_PER_MS));
    assert_int_equal(o->signals, 0);
}

static void what_is_refused_is_told_and_the_rest_is_done(void **state) {
    struct outbox *o = *state;
    HandoverRefusal second = HANDOVER_REFUSAL__INIT, none = HANDOVER_REFUSAL__INIT,
                    *both[] = {&second, &none};
    HandoverAnswer a = HANDOVER_ANSWER__INIT;
    add(o, "one", 1);
    add(o, "two", 1);
    assert_non_null(outbox_due(o, AT(1)));
    second.place = 1;
    second.reason = (char *)"is too old";
    none.place = 2; // there is none
    none.reason = (char *)"?";
    a.cell = (char *)"b";
    a.number = 1;
    a.incarnation = 100;
    a.refused = both;
    a.n_refused = 2;
    outbox_answer(o, &a, AT(1), note, NULL);
    assert_string_equal(refused, "[two is too old]");
    assert_true(outbox_is_clear(o));
}

static void
another_incarnation_is_offered_what_the_last_one_took_of_late_before_the_rest(void **state) {
    struct outbox *o = *state;
    add(o, "one", 1);
    assert_non_null(outbox_due(o, AT(1)));
    answer(o, 1, 100, AT(1));
    add(o, "two", 2);
    assert_non_null(outbox_due(o, AT(2)));
    answer(o, 2, 101, AT(3)); // it was killed in between; what it answered is its own
    const struct part *part = outbox_due(o, AT(3));
    assert_int_equal(part->number, 1);
    answer(o, 1, 101, AT(3));
    part = outbox_due(o, AT(3));
    assert_int_equal(part->number, 2); // offered twice: known there
    answer(o, 2, 101, AT(3));
    assert_true(outbox_is_clear(o));
}

static void nothing_is_forgotten_while_the_other_side_is_silent(void **state) {
    struct outbox *o = *state;
    add(o, "one", 1);
    assert_non_null(outbox_due(o, AT(1)));
    answer(o, 1, 100, AT(1));
    hold(o, 0, AT(4000));        // "not now" is no word that it still has it
    answer(o, 0, 101, AT(5000)); // an hour later, and another one
    assert_int_equal(outbox_due(o, AT(5000))->number, 1);
}

static void what_the_same_one_has_had_for_ten_seconds_is_forgotten(void **state) {
    struct outbox *o = *state;
    add(o, "one", 1);
    assert_non_null(outbox_due(o, AT(1)));
    answer(o, 1, 100, AT(1));
    answer(o, 0, 100, AT(10));
    assert_int_equal(entry_id_cmp(outbox_since(o, ID(9)), ID(1)), 0);
    answer(o, 0, 100, AT(11));
    assert_int_equal(entry_id_cmp(outbox_since(o, ID(9)), ID(9)), 0);
    answer(o, 0, 101, AT(12));
    assert_true(outbox_is_clear(o));
}

static void what_is_kept_has_a_limit(void **state) {
    struct outbox *o = *state;
    static char large[PART_BYTES];
    for (uint64_t i = 1; i <= 300; i++) {
        outbox_add(o, (struct span){large, sizeof large}, ID(i));
        assert_non_null(outbox_due(o, AT(1)));
        answer(o, i, 100, AT(1));
    }
    assert_true(o->recent_bytes <= (size_t)64 << 20);
    assert_int_equal(entry_id_cmp(outbox_since(o, ID(999)), ID(300 - 255)), 0);
}

static void what_was_answered_before_a_restart_is_offered_to_a_new_incarnation_only(void **state) {
    struct outbox *o = *state;
    o->peer = 100; // as it was stored
    outbox_recall(o, span_of("one"), ID(1), AT(1));
    answer(o, 0, 100, AT(1));
    assert_true(outbox_is_clear(o));
    answer(o, 0, 101, AT(2));
    assert_int_equal(outbox_due(o, AT(2))->count, 1);
}

static void the_first_answer_ever_brings_nothing_back(void **state) {
    struct outbox *o = *state;
    add(o, "one", 1);
    assert_non_null(outbox_due(o, AT(1)));
    answer(o, 1, 100, AT(1));
    assert_true(outbox_is_clear(o));
}

static void only_what_this_cells_door_took_is_handed_on(void **state) {
    (void)state;
    char *parts[] = {(char *)"x"};
    Signal own = SIGNAL__INIT, handed = SIGNAL__INIT, consensus = SIGNAL__INIT;
    handed.cell = (char *)"c";
    consensus.parts = parts;
    consensus.n_parts = 1;
    assert_true(is_handed_on(&own));
    assert_false(is_handed_on(&handed));
    assert_false(is_handed_on(&consensus));
}

#define OUTBOX_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        OUTBOX_TEST(what_is_added_together_goes_in_one_message),
        OUTBOX_TEST(a_message_holds_only_so_many_signals_and_bytes),
        OUTBOX_TEST(the_next_one_goes_only_when_the_one_before_is_answered),
        OUTBOX_TEST(without_an_answer_it_is_sent_again_ever_more_slowly),
        OUTBOX_TEST(not_now_is_tried_again_soon_and_acknowledges_nothing),
        OUTBOX_TEST(what_is_refused_is_told_and_the_rest_is_done),
        OUTBOX_TEST(another_incarnation_is_offered_what_the_last_one_took_of_late_before_the_rest),
        OUTBOX_TEST(nothing_is_forgotten_while_the_other_side_is_silent),
        OUTBOX_TEST(what_the_same_one_has_had_for_ten_seconds_is_forgotten),
        OUTBOX_TEST(what_is_kept_has_a_limit),
        OUTBOX_TEST(what_was_answered_before_a_restart_is_offered_to_a_new_incarnation_only),
        OUTBOX_TEST(the_first_answer_ever_brings_nothing_back),
        cmocka_unit_test(only_what_this_cells_door_took_is_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
