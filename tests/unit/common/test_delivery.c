// test_delivery - the rules of topics.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/delivery/delivery.h"

#define ID(l, s) ((struct entry_id){(l), (s)})

static void ids_are_ordered_by_incarnation_then_sequence(void **state) {
    (void)state;
    assert_true(entry_id_cmp(ID(1, 9), ID(2, 1)) < 0);
    assert_true(entry_id_cmp(ID(2, 1), ID(1, 9)) > 0);
    assert_true(entry_id_cmp(ID(2, 1), ID(2, 2)) < 0);
    assert_true(entry_id_cmp(ID(2, 3), ID(2, 2)) > 0);
    assert_int_equal(entry_id_cmp(ID(2, 2), ID(2, 2)), 0);
}

static void ids_print_as_redis_writes_them_and_read_back(void **state) {
    (void)state;
    static const struct entry_id ids[] = {
        {0, 0}, {1, 2}, {1795244255669, 10}, {UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char text[ENTRY_ID_TEXT];
        struct entry_id back;
        size_t n = entry_id_print(ids[i], text);
        assert_int_equal(n, strlen(text));
        assert_int_equal(entry_id_parse(text, n, &back), ERR_OK);
        assert_int_equal(entry_id_cmp(ids[i], back), 0);
    }
}

static void what_is_no_id_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "1",
                                      "1-",
                                      "-1",
                                      "1-2 ",
                                      "1_2",
                                      "a-1",
                                      "1-a",
                                      "18446744073709551616-1",
                                      "1-99999999999999999999",
                                      "1-2-3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct entry_id id = ID(7, 7);
        assert_int_equal(entry_id_parse(bad[i], strlen(bad[i]), &id), ERR_INPUT);
        assert_int_equal(id.incarnation, 7);
    }
}

static void an_entry_is_taken_once_and_in_order(void **state) {
    (void)state;
    assert_int_equal(delivery_accept(ID(5, 3), ID(5, 3), ID(5, 4)), ACCEPT);
    assert_int_equal(delivery_accept(ID(5, 3), ID(5, 2), ID(5, 3)), HAVE);
    assert_int_equal(delivery_accept(ID(5, 3), ID(5, 1), ID(5, 2)), HAVE);
    assert_int_equal(delivery_accept(ID(5, 3), ID(5, 4), ID(5, 5)), GAP);
}

static void
a_consumer_ahead_of_a_journal_that_lost_its_tail_goes_on_with_the_next_incarnation(void **state) {
    (void)state;
    assert_int_equal(delivery_accept(ID(5, 9), ID(5, 7), ID(6, 1)), ACCEPT);
    assert_int_equal(delivery_accept(ID(5, 9), ID(5, 7), ID(5, 8)), HAVE);
}

static void a_gap_on_the_wire_makes_the_inlet_look_into_the_journal(void **state) {
    (void)state;
    struct inlet in = {.position = ID(1, 1)};
    assert_int_equal(inlet_offer(&in, ID(1, 2), ID(1, 3), FROM_WIRE), GAP);
    assert_true(in.behind);
    assert_int_equal(in.position.sequence, 1);
    assert_true(inlet_wants_read(&in, 0, NS_PER_S));
    assert_int_equal(inlet_offer(&in, ID(1, 1), ID(1, 2), FROM_JOURNAL), ACCEPT);
    assert_int_equal(inlet_offer(&in, ID(1, 2), ID(1, 3), FROM_JOURNAL), ACCEPT);
    inlet_read_done(&in, 2, 10, 5);
    assert_false(in.behind);
    assert_int_equal(inlet_offer(&in, ID(1, 2), ID(1, 3), FROM_WIRE), HAVE);
}

static void the_wire_brings_only_what_follows_directly(void **state) {
    (void)state;
    static const struct {
        struct entry_id prev, id;
    } forged[] = {
        {ENTRY_ID_NONE, {UINT64_C(1) << 63, 1}}, // deaf for ever
        {{5, 3}, {UINT64_C(1) << 63, 1}},
        {{5, 3}, {5, 5}},
        {{5, 3}, {6, 1}}, // another incarnation: perhaps so, but then the journal has it
        {{5, 2}, {5, 4}},
        {ENTRY_ID_NONE, {5, 4}},
    };
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        struct inlet in = {.position = ID(5, 3)};
        assert_int_equal(inlet_offer(&in, forged[i].prev, forged[i].id, FROM_WIRE), GAP);
        assert_true(in.behind);
        assert_int_equal(entry_id_cmp(in.position, ID(5, 3)), 0);
    }
    struct inlet in = {.position = ID(5, 3)};
    assert_int_equal(inlet_offer(&in, ID(5, 3), ID(5, 4), FROM_WIRE), ACCEPT);
    assert_int_equal(in.position.sequence, 4);
    assert_false(in.behind);
}

static void the_journal_brings_what_a_new_incarnation_wrote(void **state) {
    (void)state;
    struct inlet in = {.position = ID(5, 9)};
    assert_int_equal(inlet_offer(&in, ID(5, 7), ID(6, 1), FROM_WIRE), GAP);
    assert_int_equal(inlet_offer(&in, ID(5, 7), ID(6, 1), FROM_JOURNAL), ACCEPT);
    assert_int_equal(inlet_offer(&in, ID(6, 1), ID(6, 2), FROM_WIRE), ACCEPT);
}

static void nobody_writes_an_id_that_is_more_than_an_hour_ahead(void **state) {
    (void)state;
    assert_false(entry_id_is_ahead(ID(1000, 1), 1000));
    assert_false(entry_id_is_ahead(ID(1000 + 3600000, 1), 1000));
    assert_true(entry_id_is_ahead(ID(1000 + 3600001, 1), 1000));
    assert_true(entry_id_is_ahead(ID(UINT64_MAX, 1), 1000));
    assert_false(entry_id_is_ahead(ID(UINT64_MAX, 1), UINT64_MAX));
}

static void a_position_beyond_all_that_its_owner_wrote_is_known(void **state) {
    (void)state;
    assert_false(position_is_beyond(ID(5, 3), ID(5, 3), 5));
    assert_false(position_is_beyond(ID(5, 2), ID(5, 3), 5));
    assert_true(position_is_beyond(ID(5, 4), ID(5, 3), 5));
    assert_true(position_is_beyond(ID(UINT64_C(1) << 63, 0), ID(5, 3), 5));
    // Ahead of a journal that lost its tail, before the next incarnation has written anything: so
    // it may be.
    assert_false(position_is_beyond(ID(5, 9), ID(5, 3), 6));
    assert_true(position_is_beyond(ID(6, 1), ID(5, 3), 6));
}

static void a_hole_in_the_journal_is_not_passed_over(void **state) {
    (void)state;
    struct inlet in = {.position = ID(1, 1)};
    assert_int_equal(inlet_offer(&in, ID(1, 2), ID(1, 3), FROM_JOURNAL), GAP);
    assert_int_equal(in.position.sequence, 1);
    assert_false(in.behind);
}

static void a_full_answer_of_the_journal_means_that_there_may_be_more(void **state) {
    (void)state;
    struct inlet in = {.behind = true};
    inlet_read_done(&in, 10, 10, 1);
    assert_true(in.behind);
    inlet_read_done(&in, 9, 10, 1);
    assert_false(in.behind);
}

static void a_silent_topic_is_looked_up_after_the_idle_time(void **state) {
    (void)state;
    struct inlet in = {.looked_at = 1000};
    assert_false(inlet_wants_read(&in, 1999, 1000));
    assert_true(inlet_wants_read(&in, 2000, 1000));
}

static void an_incarnation_is_above_the_clock_the_stored_one_and_every_consumer(void **state) {
    (void)state;
    struct entry_id at[] = {{50, 1}, {80, 2}};
    assert_int_equal(incarnation_next(100, 40, at, 2), 100);
    assert_int_equal(incarnation_next(100, 100, at, 2), 101);
    assert_int_equal(incarnation_next(70, 40, at, 2), 81);
    assert_int_equal(incarnation_next(10, 0, NULL, 0), 10);
}

static void a_position_that_nobody_can_have_written_moves_no_incarnation(void **state) {
    (void)state;
    struct entry_id at[] = {
        {UINT64_MAX, 1}, {UINT64_C(1) << 63, 0}, {5000000, 1}, {3600000 + 100, 1}};
    assert_int_equal(incarnation_next(100, 40, at, 3), 100);
    assert_int_equal(incarnation_next(100, 40, at, 4),
                     3600000 + 101); // a clock that was set back by less than an hour
    assert_int_equal(incarnation_next(100, 4000000, at, 4),
                     5000001); // and one whose own last incarnation says more
}

static void an_entry_leaves_only_after_every_consumer_has_had_it_for_the_keep_time(void **state) {
    (void)state;
    struct trim t = {0};
    struct entry_id upto, at[] = {{1, 5}, {1, 3}};
    trim_sample(&t, at, 2, 0, 15 * NS_PER_S, &upto);
    assert_int_equal(upto.sequence, 0);
    trim_sample(&t, at, 2, 14 * NS_PER_S, 15 * NS_PER_S, &upto);
    assert_int_equal(upto.sequence, 0);
    trim_sample(&t, at, 2, 15 * NS_PER_S, 15 * NS_PER_S, &upto);
    assert_int_equal(upto.sequence, 3);
    trim_sample(&t, at, 2, 30 * NS_PER_S, 15 * NS_PER_S, &upto);
    assert_int_equal(upto.sequence, 0); // nothing new
}

static void a_consumer_without_a_position_holds_everything(void **state) {
    (void)state;
    struct trim t = {0};
    struct entry_id upto, at[] = {{1, 5}, ENTRY_ID_NONE};
    for (uint64_t s = 0; s < 60; s++) {
        trim_sample(&t, at, 2, s * NS_PER_S, 15 * NS_PER_S, &upto);
        assert_int_equal(upto.sequence, 0);
    }
    trim_sample(&t, NULL, 0, 99 * NS_PER_S, 15 * NS_PER_S, &upto);
    assert_int_equal(upto.sequence, 0);
}

static void samples_from_before_a_reconnect_say_nothing(void **state) {
    (void)state;
    struct trim t = {0};
    struct entry_id upto, at[] = {{1, 5}};
    trim_sample(&t, at, 1, 0, 15 * NS_PER_S, &upto);
    trim_forget(&t);
    trim_sample(&t, at, 1, 16 * NS_PER_S, 15 * NS_PER_S, &upto);
    assert_int_equal(upto.sequence, 0);
    trim_sample(&t, at, 1, 31 * NS_PER_S, 15 * NS_PER_S, &upto);
    assert_int_equal(upto.sequence, 5);
}

static void samples_reach_back_over_any_keep_time(void **state) {
    (void)state;
    struct trim t = {0};
    struct entry_id upto = ENTRY_ID_NONE, last = ENTRY_ID_NONE;
    for (uint64_t s = 0; s < 1000; s++) {
        struct entry_id at[] = {{1, s + 1}};
        trim_sample(&t, at, 1, s * NS_PER_S, 100 * NS_PER_S, &upto);
        if (!upto.sequence) continue;
        assert_true(upto.sequence + 100 <= s + 1);
        assert_true(upto.sequence > last.sequence);
        last = upto;
    }
    assert_true(last.sequence > 880);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_ordered_by_incarnation_then_sequence),
        cmocka_unit_test(ids_print_as_redis_writes_them_and_read_back),
        cmocka_unit_test(what_is_no_id_is_refused),
        cmocka_unit_test(an_entry_is_taken_once_and_in_order),
        cmocka_unit_test(
            a_consumer_ahead_of_a_journal_that_lost_its_tail_goes_on_with_the_next_incarnation),
        cmocka_unit_test(a_gap_on_the_wire_makes_the_inlet_look_into_the_journal),
        cmocka_unit_test(the_wire_brings_only_what_follows_directly),
        cmocka_unit_test(the_journal_brings_what_a_new_incarnation_wrote),
        cmocka_unit_test(nobody_writes_an_id_that_is_more_than_an_hour_ahead),
        cmocka_unit_test(a_position_beyond_all_that_its_owner_wrote_is_known),
        cmocka_unit_test(a_hole_in_the_journal_is_not_passed_over),
        cmocka_unit_test(a_full_answer_of_the_journal_means_that_there_may_be_more),
        cmocka_unit_test(a_silent_topic_is_looked_up_after_the_idle_time),
        cmocka_unit_test(an_incarnation_is_above_the_clock_the_stored_one_and_every_consumer),
        cmocka_unit_test(a_position_that_nobody_can_have_written_moves_no_incarnation),
        cmocka_unit_test(an_entry_leaves_only_after_every_consumer_has_had_it_for_the_keep_time),
        cmocka_unit_test(a_consumer_without_a_position_holds_everything),
        cmocka_unit_test(samples_from_before_a_reconnect_say_nothing),
        cmocka_unit_test(samples_reach_back_over_any_keep_time),
    };
    return cmocka_run_group_tests_name("common/delivery", tests, NULL, NULL);
}
