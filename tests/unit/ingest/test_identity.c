// test_identity - a resend is known, the next bar's equal alert is not swallowed.
// SPDX-License-Identifier: MIT
#include "services/ingest/identity.h"
#include "world.h"

#define WINDOW   (20 * NS_PER_S)
#define KEPT_MAX 4096

// What is remembered, in a plain list.
struct memory {
    struct digest keys[KEPT_MAX];
    uint64_t values[KEPT_MAX];
    size_t n;
};

static bool find(const void *arg, struct digest key, uint64_t *value) {
    const struct memory *m = arg;
    for (size_t i = 0; i < m->n; i++) {
        if (memcmp(&m->keys[i], &key, sizeof key) != 0) continue;
        if (value) *value = m->values[i];
        return true;
    }
    return false;
}

static void keep(struct memory *m, struct digest key, uint64_t value) {
    assert_true(m->n < KEPT_MAX);
    m->keys[m->n] = key;
    m->values[m->n++] = value;
}

static struct identity arrive_as(struct memory *m, const struct arrival *a) {
    struct identity i;
    identity_of(a, find, m, &i);
    if (i.known == IDENTITY_NEW) keep(m, i.key, i.value);
    return i;
}

static struct identity arrive(struct memory *m, const char *id, const char *body, uint64_t now) {
    char scratch[256];
    struct arrival a = {.source = "tv", .signal_id = id, .now = now, .window_ns = WINDOW};
    a.content = content_digest("tv", body, strlen(body), scratch);
    return arrive_as(m, &a);
}

static void equal_bodies_within_the_window_are_one_signal(void **state) {
    (void)state;
    struct memory m = {0};
    struct identity first = arrive(&m, NULL, "buy", NOW), again = arrive(&m, NULL, "buy", NOW + 15 * NS_PER_S);
    assert_int_equal(first.known, IDENTITY_NEW);
    assert_int_equal(again.known, IDENTITY_RESEND);
    assert_string_equal(first.id, again.id);
    assert_int_equal(strlen(first.id), 36);
}

static void equal_bodies_after_the_window_are_two_signals(void **state) {
    (void)state;
    struct memory m = {0};
    struct identity first = arrive(&m, NULL, "buy", NOW), next = arrive(&m, NULL, "buy", NOW + WINDOW);
    assert_int_equal(next.known, IDENTITY_NEW);
    assert_string_not_equal(first.id, next.id);
}

static void a_resend_over_the_edge_of_a_bucket_is_known(void **state) {
    (void)state;
    struct memory m = {0};
    uint64_t edge = NOW / WINDOW * WINDOW + WINDOW;
    struct identity first = arrive(&m, NULL, "buy", edge - NS_PER_US), again = arrive(&m, NULL, "buy", edge + WINDOW - 2 * NS_PER_US);
    assert_int_equal(again.known, IDENTITY_RESEND);
    assert_string_equal(first.id, again.id);
    assert_int_equal(arrive(&m, NULL, "buy", edge + WINDOW - NS_PER_US).known, IDENTITY_NEW);
}

static void other_bodies_and_other_sources_are_other_signals(void **state) {
    (void)state;
    struct memory m = {0};
    char scratch[64];
    struct arrival other = {.source = "bot", .now = NOW, .window_ns = WINDOW};
    other.content = content_digest("bot", "buy", 3, scratch);
    struct identity first = arrive(&m, NULL, "buy", NOW);
    assert_int_equal(arrive(&m, NULL, "sell", NOW).known, IDENTITY_NEW);
    struct identity bot = arrive_as(&m, &other);
    assert_int_equal(bot.known, IDENTITY_NEW);
    assert_string_not_equal(first.id, bot.id);
}

// "ab" from source "c" is not "b" from source "ca".
static void source_and_body_are_kept_apart(void **state) {
    (void)state;
    char scratch[64];
    struct digest a = content_digest("c", "ab", 2, scratch), b = content_digest("ca", "b", 1, scratch);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void a_given_id_with_the_same_body_is_a_resend_for_ever(void **state) {
    (void)state;
    struct memory m = {0};
    assert_int_equal(arrive(&m, "x-1", "buy", NOW).known, IDENTITY_NEW);
    struct identity again = arrive(&m, "x-1", "buy", NOW + 3600 * NS_PER_S);
    assert_int_equal(again.known, IDENTITY_RESEND);
    assert_string_equal(again.id, "x-1");
}

static void a_given_id_with_another_body_is_a_conflict(void **state) {
    (void)state;
    struct memory m = {0};
    arrive(&m, "x-1", "buy", NOW);
    assert_int_equal(arrive(&m, "x-1", "sell", NOW).known, IDENTITY_CONFLICT);
    assert_int_equal(arrive(&m, "x-2", "buy", NOW).known, IDENTITY_NEW);
}

static void an_id_of_ours_given_for_other_content_is_a_conflict(void **state) {
    (void)state;
    struct memory m = {0};
    struct identity ours = arrive(&m, NULL, "buy", NOW);
    assert_int_equal(arrive(&m, ours.id, "sell", NOW).known, IDENTITY_CONFLICT);
}

static void what_was_refused_stays_refused(void **state) {
    (void)state;
    struct memory m = {0};
    struct identity first = arrive(&m, "x-1", "bad", NOW), derived = arrive(&m, NULL, "bad", NOW);
    m.values[0] = identity_refused(first.value);
    m.values[1] = identity_refused(derived.value);
    assert_true(arrive(&m, "x-1", "bad", NOW + 1).refused);
    assert_true(arrive(&m, NULL, "bad", NOW + 1).refused);
    assert_int_equal(arrive(&m, "x-1", "good", NOW + 1).known, IDENTITY_CONFLICT);
}

static void a_clock_set_back_makes_no_second_signal(void **state) {
    (void)state;
    struct memory m = {0};
    uint64_t edge = NOW / WINDOW * WINDOW + WINDOW;
    arrive(&m, NULL, "buy", edge - 1 + WINDOW);
    arrive(&m, NULL, "buy", edge - 1 + WINDOW); // in the bucket of `edge`
    assert_int_equal(arrive(&m, NULL, "buy", edge).known, IDENTITY_RESEND);
}

static void without_a_window_every_arrival_is_a_signal(void **state) {
    (void)state;
    struct memory m = {0};
    char scratch[64];
    struct arrival a = {.source = "tv", .now = NOW, .window_ns = 0, .content = content_digest("tv", "buy", 3, scratch)};
    assert_int_equal(arrive_as(&m, &a).known, IDENTITY_NEW);
    a.now += NS_PER_US;
    assert_int_equal(arrive_as(&m, &a).known, IDENTITY_NEW);
}

static void a_lost_signal_is_known_again_from_its_routing(void **state) {
    (void)state;
    struct memory before = {0}, after = {0};
    char scratch[64];
    uint64_t content = content_number(content_digest("tv", "buy", 3, scratch));
    struct identity derived = arrive(&before, NULL, "buy", NOW), given = arrive(&before, "x-1", "buy", NOW);
    for (int i = 0; i < 2; i++) {
        struct restored r = identity_restore(i ? given.id : derived.id, content, NOW);
        keep(&after, r.given_key, r.given_value);
        keep(&after, r.derived_key, r.derived_value);
    }
    assert_int_equal(arrive(&after, NULL, "buy", NOW + 15 * NS_PER_S).known, IDENTITY_RESEND);
    assert_int_equal(arrive(&after, "x-1", "buy", NOW + 15 * NS_PER_S).known, IDENTITY_RESEND);
    assert_int_equal(arrive(&after, "x-1", "sell", NOW).known, IDENTITY_CONFLICT);
}

// Over random arrivals of one body: two are one signal exactly when the later came less than a window after the first of its signal.
static void random_arrivals_follow_the_window_from_the_first_one(void **state) {
    (void)state;
    struct memory m = {0};
    uint64_t now = NOW, first = 0, seed = 7;
    char current[SIGNAL_ID_TEXT] = "";
    for (int i = 0; i < 20000 && m.n < KEPT_MAX; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        now += (seed >> 33) % (12 * NS_PER_S) / 1000 * 1000;
        struct identity got = arrive(&m, NULL, "buy", now);
        bool is_new = !first || now - first >= WINDOW;
        assert_int_equal(got.known, is_new ? IDENTITY_NEW : IDENTITY_RESEND);
        if (is_new)
            assert_string_not_equal(current, got.id);
        else
            assert_string_equal(current, got.id);
        if (is_new) first = now;
        memcpy(current, got.id, sizeof current);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_bodies_within_the_window_are_one_signal),
        cmocka_unit_test(equal_bodies_after_the_window_are_two_signals),
        cmocka_unit_test(a_resend_over_the_edge_of_a_bucket_is_known),
        cmocka_unit_test(other_bodies_and_other_sources_are_other_signals),
        cmocka_unit_test(source_and_body_are_kept_apart),
        cmocka_unit_test(a_given_id_with_the_same_body_is_a_resend_for_ever),
        cmocka_unit_test(a_given_id_with_another_body_is_a_conflict),
        cmocka_unit_test(an_id_of_ours_given_for_other_content_is_a_conflict),
        cmocka_unit_test(what_was_refused_stays_refused),
        cmocka_unit_test(a_clock_set_back_makes_no_second_signal),
        cmocka_unit_test(without_a_window_every_arrival_is_a_signal),
        cmocka_unit_test(a_lost_signal_is_known_again_from_its_routing),
        cmocka_unit_test(random_arrivals_follow_the_window_from_the_first_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
