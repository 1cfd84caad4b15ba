// test_sim - the simulator stays green under every mix, and turns red with any one mechanism
// switched off.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

static uint64_t violations(const char *mix, uint64_t steps, uint64_t seed, struct tally *tally) {
    const struct sim_options options = {.steps = steps, .seed = seed, .mix = mix, .verbose = true};
    return sim_run(&options, tally);
}

static void a_million_steps_with_any_faults_lose_and_double_nothing(void **state) {
    (void)state;
    struct tally tally;
    assert_int_equal(violations("any", 1000000, 1, &tally), 0);
    assert_int_equal(tally.refused, 0);
    assert_int_equal(tally.holes, 0);
    assert_true(tally.kills > 100 && tally.replays > 100 && tally.trimmed > 100 &&
                tally.forged > 100 && tally.executed > 1000);
}

static void every_mix_stays_green(void **state) {
    (void)state;
    static const char *const mixes[] = {"services", "pairs", "triple", "away", "silence"};
    for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++) {
        struct tally tally;
        assert_int_equal(violations(mixes[i], 200000, 2, &tally), 0);
    }
}

static void strict_excuses_nothing(void **state) {
    (void)state;
    struct tally tally;
    assert_int_equal(violations("strict", 200000, 3, &tally), 0);
    assert_int_equal(tally.excused, 0);
}

static void the_same_seed_gives_the_same_run(void **state) {
    (void)state;
    struct tally first, second;
    assert_int_equal(violations("any", 100000, 4, &first), violations("any", 100000, 4, &second));
    assert_memory_equal(&first, &second, sizeof first);
}

// Mutations are read once a process, so each has its own.
static bool turns_red(const char *mutation, const char *mix, uint64_t steps) {
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tally tally;
        const struct sim_options options = {.steps = steps, .seed = 3, .mix = mix};
        (void)setenv("TRADECAST_MUTATE", mutation, 1);
        exit(sim_run(&options, &tally) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 1;
}

static void each_mechanism_switched_off_turns_it_red(void **state) {
    (void)state;
    static const struct {
        const char *mutation, *mix;
    } rows[] = {
        {"no_ring", "pairs"},          {"trim_at_once", "pairs"},
        {"no_ask", "services"},        {"hop_time", "triple"},
        {"no_guards", "services"},     {"position_apart", "services"},
        {"believe_the_wire", "any"},   {"no_prev_check", "pairs"},
        {"no_idle_read", "silence"},   {"replay_on_failed_commit_only", "pairs"},
        {"keep_trim_samples", "away"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!turns_red(rows[i].mutation, rows[i].mix, 300000))
            fail_msg("%s off, and %s stays green", rows[i].mutation, rows[i].mix);
    }
    assert_false(turns_red("none_such", "pairs", 100000));
}

int main(void) {
    // The forks first: what they switch off is read once, and not in this process yet.
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mechanism_switched_off_turns_it_red),
        cmocka_unit_test(a_million_steps_with_any_faults_lose_and_double_nothing),
        cmocka_unit_test(every_mix_stays_green),
        cmocka_unit_test(strict_excuses_nothing),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
