// test_doubt - may it be sent without asking, and what next for a trade in doubt: as tables.
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

#include "common/base/clock.h"
#include "services/executor/trade/in_doubt/doubt.h"

#define S       NS_PER_S
#define START   (UINT64_C(1000000) * S) // of this executor
#define NONE    HELLO__DUPLICATE_CHECK__none
#define OPEN    HELLO__DUPLICATE_CHECK__open_orders
#define WINDOW  HELLO__DUPLICATE_CHECK__window
#define SESSION HELLO__DUPLICATE_CHECK__session
#define FOREVER HELLO__DUPLICATE_CHECK__forever

// Seconds relative to the start of this executor. Window: 600 s, longest acceptance 10 s.
struct send_row {
    Hello__DuplicateCheck check;
    bool can_query;
    int signal_at, ordered_at;
    bool resend;
    int rolled_back_at; // 9999: never
    int skew, now, session_since;
    enum may_send may;
    const char *why;
};

static const struct send_row send_rows[] = {
    {NONE, true, 5, 6, false, 9999, 0, 7, 0, MAY_SEND, "its signal came in this life"},
    {NONE, true, 0, 6, false, 9999, 0, 7, 0, ASK_FIRST, "at the very start"},
    {NONE, true, -1, 6, false, 9999, 0, 7, 0, ASK_FIRST,
     "its signal came before, whenever it was ordered"},
    {NONE, false, -1, 6, false, 9999, 0, 7, 0, MAY_HOLD, "and nobody can be asked"},
    {NONE, false, 5, 6, false, 9999, 0, 7, 0, MAY_SEND, "fresh needs nobody"},
    {NONE, true, 5, 6, true, 9999, 0, 7, 0, ASK_FIRST, "re-driven by hand"},
    {NONE, false, 5, 6, true, 9999, 0, 7, 0, MAY_HOLD, "re-driven by hand, nobody to ask"},
    {NONE, true, 5, 6, false, 6, 0, 7, 0, ASK_FIRST, "Redis was rolled back a second ago"},
    {NONE, true, 109, 109, false, 50, 0, 109, 0, ASK_FIRST,
     "Redis was rolled back 59 s before its signal"},
    {NONE, true, 110, 110, false, 50, 0, 110, 0, MAY_SEND,
     "Redis was rolled back a minute before its signal"},
    {NONE, true, 100, 100, false, 50, 0, 500, 0, ASK_FIRST,
     "its signal came too soon after a rollback, however long ago"},
    {NONE, true, 100, 100, false, 200, 0, 110, 0, ASK_FIRST,
     "the clock went back after a rollback"},
    {NONE, true, 5, 6, false, 9999, 5, 7, 0, ASK_FIRST, "within the margin of clocks that differ"},
    {NONE, true, 6, 6, false, 9999, 5, 7, 0, MAY_SEND, "beyond the margin"},
    {OPEN, true, -1, 6, false, 9999, 0, 7, 0, ASK_FIRST,
     "what was filled is not among the open orders"},
    {OPEN, false, -1, 6, false, 9999, 0, 7, 0, MAY_HOLD, "likewise, nobody to ask"},
    {WINDOW, true, -1, 6, false, 9999, 0, 7, 0, MAY_SEND, "the broker still knows it"},
    {WINDOW, true, -581, 6, false, 9999, 0, 7, 0, MAY_SEND, "just, when ours is accepted late"},
    {WINDOW, true, -582, 6, false, 9999, 0, 7, 0, ASK_FIRST, "it may have forgotten it by then"},
    {WINDOW, true, -580, 6, false, 9999, 5, 7, 0, ASK_FIRST, "clocks that differ make it older"},
    {WINDOW, true, 5, 6, false, 6, 0, 7, 0, ASK_FIRST, "after a rollback it may be of any age"},
    {WINDOW, false, -700, 6, false, 9999, 0, 7, 0, MAY_HOLD, "forgotten, nobody to ask"},
    {WINDOW, true, 50, 6, true, 9999, 0, 7, 0, ASK_FIRST,
     "a signal from the future proves nothing"},
    {SESSION, true, -5, 6, false, 9999, 0, 7, -10, MAY_SEND,
     "the session is older than the signal"},
    {SESSION, true, -10, 6, false, 9999, 0, 7, -10, ASK_FIRST, "as old as the signal"},
    {SESSION, true, -50, 6, false, 9999, 0, 7, -10, ASK_FIRST,
     "an earlier session may have had it"},
    {SESSION, false, -50, 6, false, 9999, 0, 7, -10, MAY_HOLD, "likewise, nobody to ask"},
    {SESSION, true, 5, 6, false, 6, 0, 7, -10, ASK_FIRST,
     "after a rollback it may be of an earlier session"},
    {FOREVER, true, -5000, 6, false, 9999, 0, 7, 0, MAY_SEND, "a second one is always refused"},
    {FOREVER, false, -5000, 6, true, 3, 9, 7, 0, MAY_SEND, "whatever else"},
};

static uint64_t at(int seconds) { return START + (uint64_t)(seconds * (int64_t)S); }

static void
an_order_is_sent_without_asking_only_when_it_cannot_be_there_or_would_be_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof send_rows / sizeof *send_rows; i++) {
        const struct send_row *r = &send_rows[i];
        const struct gateway_checks g = {
            r->check, r->can_query, 600 * S, 10 * S, at(r->session_since), false, 0};
        const struct order_origin o = {at(r->signal_at), at(r->ordered_at), r->resend, false};
        const struct doubt_context c = {at(r->now), START,
                                        r->rolled_back_at == 9999 ? 0 : at(r->rolled_back_at),
                                        (uint64_t)r->skew * S, 60 * S};
        enum may_send may = doubt_may_send(&g, &o, &c);
        if (may != r->may)
            fail_msg("row %zu (%s): %d, expected %d", i, r->why, (int)may, (int)r->may);
    }
}

static void an_unknown_session_covers_nothing(void **state) {
    (void)state;
    const struct gateway_checks g = {.check = SESSION, .can_query = true};
    assert_false(doubt_covered(&g, at(5), at(7)));
}

static void a_window_shorter_than_the_longest_acceptance_covers_nothing(void **state) {
    (void)state;
    const struct gateway_checks g = {
        .check = WINDOW, .window = 5 * S, .longest_acceptance = 10 * S};
    assert_false(doubt_covered(&g, at(7), at(7)));
}

static void an_order_whose_commit_took_long_is_decided_again(void **state) {
    (void)state;
    assert_true(doubt_may_leave(100 * S, 100 * S));
    assert_true(doubt_may_leave(100 * S, 100 * S + DOUBT_LEAVES_WITHIN));
    assert_false(doubt_may_leave(100 * S, 100 * S + DOUBT_LEAVES_WITHIN + 1));
}

// All combinations of gateway, age and resend: without cover, what may be there is never just sent.
static void nothing_old_is_sent_unasked_without_cover(void **state) {
    (void)state;
    for (int check = NONE; check <= (int)FOREVER; check++) {
        for (int bits = 0; bits < 32; bits++) {
            const struct gateway_checks g = {
                (Hello__DuplicateCheck)check, bits & 1, 600 * S, 10 * S, at(-10), false, 0};
            const struct order_origin o = {at(bits & 2 ? 5 : -50), at(6), bits & 4, false};
            const struct doubt_context c = {at(bits & 8 ? 7 : 3000), START, bits & 16 ? at(2) : 0,
                                            0, 60 * S};
            bool near = c.rolled_back_at && (o.signal_at < c.rolled_back_at ||
                                             o.signal_at - c.rolled_back_at < c.rollback_quiet);
            bool fresh = o.signal_at > START && !o.resend && !near;
            bool covered = doubt_covered(&g, doubt_first_at(&o, &c), c.now);
            assert_true(doubt_first_at(&o, &c) <= o.signal_at);
            assert_int_equal(doubt_may_send(&g, &o, &c), fresh || covered ? MAY_SEND
                                                         : g.can_query    ? ASK_FIRST
                                                                          : MAY_HOLD);
        }
    }
}

// --- what next: times in seconds after the first question at 100 s; patience 5 asks, 2 s, 30 s,
// answers within 5 s, held 60 s

struct next_row {
    bool can_query;
    int longest_acceptance;
    struct doubt_state d; // since and asked_at are filled in from the numbers that follow
    int since, asked_at, now;
    enum doubt_step step;
    int again; // 0: not looked at
    const char *why;
};

#define KNOWN .reachable = true
static const struct next_row next_rows[] = {
    {true, 0, {KNOWN, .found = true}, 0, 0, 1, DOUBT_ADOPT, 0, "found"},
    {false, 0, {KNOWN, .found = true}, 0, 0, 1, DOUBT_ADOPT, 0, "found, by a report"},
    {true, 0, {.reachable = false}, 0, 0, 1, DOUBT_WAIT, 3, "its gateway is not there"},
    {false,
     0,
     {.reachable = false, .covered = true},
     0,
     0,
     1,
     DOUBT_WAIT,
     3,
     "its gateway is not there, whatever it can"},
    {true, 0, {KNOWN}, -100, -100, 1, DOUBT_ASK, 0, "never asked"},
    {true, 0, {KNOWN, .asking = true}, 0, 0, 4, DOUBT_WAIT, 5, "the answer is on its way"},
    {true, 0, {KNOWN, .asking = true}, 0, 0, 5, DOUBT_ASK, 0, "no answer says nothing: again"},
    {true, 0, {KNOWN, .not_found = 1}, 0, 0, 1, DOUBT_WAIT, 2, "the next question has time"},
    {true, 0, {KNOWN, .not_found = 1}, 0, 0, 2, DOUBT_ASK, 0, "the next question"},
    {true,
     0,
     {KNOWN, .not_found = 4, .too_old = true},
     0,
     40,
     41,
     DOUBT_WAIT,
     42,
     "four times is not five, however long"},
    {true, 0, {KNOWN, .not_found = 4, .too_old = true}, 0, 40, 42, DOUBT_ASK, 0, "the fifth"},
    {true,
     0,
     {KNOWN, .not_found = 5, .too_old = true},
     0,
     28,
     29,
     DOUBT_WAIT,
     30,
     "five times within 29 s are not enough"},
    {true,
     0,
     {KNOWN, .not_found = 14, .too_old = true},
     0,
     27,
     29,
     DOUBT_ASK,
     0,
     "so it is asked on"},
    {true,
     0,
     {KNOWN, .not_found = 5, .too_old = true},
     0,
     28,
     30,
     DOUBT_EXPIRE,
     0,
     "five times over 30 s, too old"},
    {true,
     20,
     {KNOWN, .not_found = 15, .too_old = true},
     0,
     38,
     39,
     DOUBT_WAIT,
     40,
     "not before twice the longest acceptance"},
    {true,
     20,
     {KNOWN, .not_found = 15, .too_old = true},
     0,
     38,
     40,
     DOUBT_EXPIRE,
     0,
     "twice the longest acceptance"},
    {true,
     0,
     {KNOWN, .not_found = 5, .was_sent = true, .covered = true},
     0,
     28,
     30,
     DOUBT_RESEND,
     0,
     "a second one would be refused"},
    {true,
     0,
     {KNOWN, .not_found = 5, .was_sent = true},
     0,
     28,
     30,
     DOUBT_HOLD,
     88,
     "it would not: the operator"},
    {true,
     0,
     {KNOWN, .not_found = 5, .was_sent = true},
     0,
     28,
     88,
     DOUBT_ASK,
     0,
     "it is asked on while it is held"},
    {true,
     0,
     {KNOWN, .not_found = 6, .was_sent = true, .too_old = true},
     0,
     88,
     89,
     DOUBT_EXPIRE,
     0,
     "held until it was too old"},
    {true,
     0,
     {KNOWN, .not_found = 5},
     0,
     28,
     30,
     DOUBT_RESEND,
     0,
     "never sent as far as is known, and positively not there"},
    {true,
     0,
     {KNOWN, .not_found = 5, .covered = true, .was_sent = true, .asking = true},
     0,
     28,
     30,
     DOUBT_WAIT,
     33,
     "an answer is awaited"},
    {true,
     0,
     {KNOWN, .covered = true},
     -100,
     -100,
     1,
     DOUBT_ASK,
     0,
     "even with cover it is asked first"},
    {false,
     0,
     {KNOWN, .covered = true, .was_sent = true},
     0,
     0,
     1,
     DOUBT_RESEND,
     0,
     "nobody to ask, but a second one would be refused"},
    {false,
     0,
     {KNOWN, .covered = true, .known_there = true},
     0,
     0,
     1,
     DOUBT_HOLD,
     61,
     "it was refused as known, and nobody says what it became"},
    {false,
     0,
     {KNOWN, .covered = true, .too_old = true},
     0,
     0,
     1,
     DOUBT_HOLD,
     61,
     "too old, and nobody says whether it is there"},
    {false, 0, {KNOWN, .was_sent = true}, 0, 0, 1, DOUBT_HOLD, 61, "neither check nor query"},
};

static const struct doubt_patience patience = {
    .asks = 5, .interval = 2 * S, .least = 30 * S, .answer_within = 5 * S, .held_interval = 60 * S};

static void a_trade_in_doubt_goes_the_way_of_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof next_rows / sizeof *next_rows; i++) {
        const struct next_row *r = &next_rows[i];
        const struct gateway_checks g = {.check = NONE,
                                         .can_query = r->can_query,
                                         .longest_acceptance = (uint64_t)r->longest_acceptance * S};
        struct doubt_state d = r->d;
        uint64_t again = 0;
        d.since = (uint64_t)(100 + r->since) * S;
        d.asked_at = (uint64_t)(100 + r->asked_at) * S;
        enum doubt_step step = doubt_next(&d, &g, &patience, (uint64_t)(100 + r->now) * S, &again);
        if (step != r->step)
            fail_msg("row %zu (%s): %d, expected %d", i, r->why, (int)step, (int)r->step);
        if (r->again && again != (uint64_t)(100 + r->again) * S)
            fail_msg("row %zu (%s): again at %llu s", i, r->why,
                     (unsigned long long)(again / S) - 100);
    }
}

// Every combination: what was sent is repeated only under cover, and nothing is given up before it
// was positively not there long enough.
static void nothing_is_repeated_without_cover_nor_given_up_early(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 2048; bits++) {
        struct doubt_state d = {.found = bits & 1,
                                .asking = bits & 2,
                                .reachable = bits & 4,
                                .was_sent = bits & 8,
                                .covered = bits & 16,
                                .too_old = bits & 32,
                                .unwanted = bits & 1024,
                                .known_there = bits & 64,
                                .not_found = bits & 128 ? 5 : 4,
                                .since = 100 * S,
                                .asked_at = 120 * S};
        const struct gateway_checks g = {.check = NONE, .can_query = bits & 256};
        uint64_t again, now = (bits & 512 ? 131 : 129) * S;
        bool absent = g.can_query && d.not_found >= 5 && now - d.since >= 30 * S && !d.asking;
        switch (doubt_next(&d, &g, &patience, now, &again)) {
        case DOUBT_RESEND:
            assert_true(d.reachable && !d.found && !d.too_old && !d.unwanted &&
                        (d.covered || !d.was_sent));
            assert_true(absent || (!g.can_query && d.covered && !d.known_there));
            break;
        case DOUBT_EXPIRE:
            assert_true(absent && d.too_old && !d.found);
            break;
        case DOUBT_CANCEL:
            assert_true(absent && d.unwanted && !d.found);
            break;
        case DOUBT_ADOPT:
            assert_true(d.found);
            break;
        case DOUBT_ASK:
            assert_true(g.can_query && d.reachable);
            break;
        case DOUBT_HOLD:
        case DOUBT_WAIT:
            assert_true(again > now);
            break;
        }
    }
}

// --- the mutations that the kill harness must see

static void the_mutation_no_ask_sends_everything(void **state) {
    (void)state;
    const struct gateway_checks g = {.check = NONE, .can_query = true};
    const struct order_origin o = {at(-50), at(6), true, false};
    const struct doubt_context c = {at(7), START, at(6), 0, 60 * S};
    const struct doubt_state d = {.reachable = true, .was_sent = true};
    uint64_t again;
    assert_int_equal(doubt_may_send(&g, &o, &c), MAY_SEND);
    assert_int_equal(doubt_next(&d, &g, &patience, 100 * S, &again), DOUBT_RESEND);
}

static void the_mutation_hop_time_takes_a_redone_decision_for_a_new_one(void **state) {
    (void)state;
    const struct gateway_checks g = {.check = NONE, .can_query = true};
    const struct order_origin o = {at(-50), at(6), false, false};
    const struct doubt_context c = {at(7), START, 0, 0, 60 * S};
    assert_int_equal(doubt_may_send(&g, &o, &c), MAY_SEND);
}

// Mutations are read once a process: this program runs itself again for each.
static int run_mutated(const char *self, const char *name) {
    char command[512];
    (void)snprintf(command, sizeof command, "TRADECAST_MUTATE=%s '%s'", name, self);
    return system(command);
}

static const char *self_path;

static void the_mutations_bite(void **state) {
    (void)state;
    assert_int_equal(run_mutated(self_path, "no_ask"), 0);
    assert_int_equal(run_mutated(self_path, "hop_time"), 0);
}

int main(int argc, char **argv) {
    (void)argc;
    self_path = argv[0];
    const char *mutation = getenv("TRADECAST_MUTATE");
    const struct CMUnitTest no_ask[] = {cmocka_unit_test(the_mutation_no_ask_sends_everything)};
    const struct CMUnitTest hop_time[] = {
        cmocka_unit_test(the_mutation_hop_time_takes_a_redone_decision_for_a_new_one)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            an_order_is_sent_without_asking_only_when_it_cannot_be_there_or_would_be_refused),
        cmocka_unit_test(an_unknown_session_covers_nothing),
        cmocka_unit_test(a_window_shorter_than_the_longest_acceptance_covers_nothing),
        cmocka_unit_test(an_order_whose_commit_took_long_is_decided_again),
        cmocka_unit_test(nothing_old_is_sent_unasked_without_cover),
        cmocka_unit_test(a_trade_in_doubt_goes_the_way_of_the_table),
        cmocka_unit_test(nothing_is_repeated_without_cover_nor_given_up_early),
        cmocka_unit_test(the_mutations_bite),
    };
    if (mutation && mutation[0] == 'n') return cmocka_run_group_tests(no_ask, NULL, NULL);
    if (mutation && mutation[0] == 'h') return cmocka_run_group_tests(hop_time, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
