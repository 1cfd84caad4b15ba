// test_identity - a resend is known, the next bar's equal alert is not swallowed.
// SPDX-License-Identifier: MIT
#include "services/ingest/identity/identity.h"
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

static struct arrival arrival_of(const char *source, const char *id, const char *body,
                                 uint64_t now) {
    char scratch[256];
    struct arrival a = {.source = source, .signal_id = id, .now = now, .window_ns = WINDOW};
    a.content = content_digest(source, body, strlen(body), scratch);
    return a;
}

static struct identity arrive_from(struct memory *m, const char *source, const char *id,
                                   const char *body, uint64_t now) {
    struct arrival a = arrival_of(source, id, body, now);
    return arrive_as(m, &a);
}

static struct identity arrive(struct memory *m, const char *id, const char *body, uint64_t now) {
    return arrive_from(m, "tv", id, body, now);
}

static void equal_bodies_within_the_window_are_one_signal(void **state) {
    (void)state;
    struct memory m = {0};
    struct identity first = arrive(&m, NULL, "buy", NOW),
                    again = arrive(&m, NULL, "buy", NOW + 15 * NS_PER_S);
    assert_int_equal(first.known, IDENTITY_NEW);
    assert_int_equal(again.known, IDENTITY_RESEND);
    assert_string_equal(first.id, again.id);
    assert_int_equal(strlen(first.id), 36);
}

static void equal_bodies_after_the_window_are_two_signals(void **state) {
    (void)state;
    struct memory m = {0};
    struct identity first = arrive(&m, NULL, "buy", NOW),
                    next = arrive(&m, NULL, "buy", NOW + WINDOW);
    assert_int_equal(next.known, IDENTITY_NEW);
    assert_string_not_equal(first.id, next.id);
}

static void a_resend_over_the_edge_of_a_bucket_is_known(void **state) {
    (void)state;
    struct memory m = {0};
    uint64_t edge = NOW / WINDOW * WINDOW + WINDOW;
    struct identity first = arrive(&m, NULL, "buy", edge - NS_PER_US),
                    again = arrive(&m, NULL, "buy", edge + WINDOW - 2 * NS_PER_US);
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
    struct digest a = content_digest("c", "ab", 2, scratch),
                  b = content_digest("ca", "b", 1, scratch);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void a_given_id_with_the_same_body_is_a_resend_for_ever(void **state) {
    (void)state;
    struct memory m = {0};
    assert_int_equal(arrive(&m, "x-1", "buy", NOW).known, IDENTITY_NEW);
    struct identity again = arrive(&m, "x-1", "buy", NOW + 3600 * NS_PER_S);
    assert_int_equal(again.known, IDENTITY_RESEND);
    assert_string_equal(again.id, "tv:x-1");
}

static void a_given_id_with_another_body_is_a_conflict(void **state) {
    (void)state;
    struct memory m = {0};
    arrive(&m, "x-1", "buy", NOW);
    assert_int_equal(arrive(&m, "x-1", "sell", NOW).known, IDENTITY_CONFLICT);
    assert_int_equal(arrive(&m, "x-2", "buy", NOW).known, IDENTITY_NEW);
}

// --- no source takes, foresees or silences another's

static void the_same_id_of_two_sources_is_two_signals_whoever_is_first(void **state) {
    (void)state;
    const char *const order[][2] = {{"tv", "bot"}, {"bot", "tv"}};
    for (int i = 0; i < 2; i++) {
        struct memory m = {0};
        struct identity first = arrive_from(&m, order[i][0], "x-1", "buy", NOW),
                        next = arrive_from(&m, order[i][1], "x-1", "sell", NOW);
        assert_int_equal(first.known, IDENTITY_NEW);
        assert_int_equal(next.known, IDENTITY_NEW);
        assert_string_equal(i ? next.id : first.id, "tv:x-1");
        assert_string_equal(i ? first.id : next.id, "bot:x-1");
    }
}

static void an_id_that_was_computed_beforehand_takes_nothing_from_its_owner(void **state) {
    (void)state;
    struct memory alone = {0}, m = {0};
    struct identity wanted = arrive(&alone, NULL, "buy", NOW);
    for (int plain = 0; plain < 2; plain++) {
        struct arrival forged = arrival_of("bot", wanted.id, "sell", NOW);
        forged.plain = plain;
        assert_int_equal(arrive_as(&m, &forged).known, plain ? IDENTITY_RESEND : IDENTITY_NEW);
    }
    struct identity got = arrive(&m, NULL, "buy", NOW);
    assert_int_equal(got.known, IDENTITY_NEW);
    assert_string_equal(got.id, wanted.id);
}

// As a recording is played again: what a signal was called here names that one, and is no new
// signal.
static void the_signal_id_of_a_signal_names_it(void **state) {
    (void)state;
    struct memory m = {0};
    struct identity own = arrive(&m, "x-1", "buy", NOW), derived = arrive(&m, NULL, "buy", NOW);
    assert_int_equal(arrive(&m, own.id, "buy", NOW + 1).known, IDENTITY_RESEND);
    assert_int_equal(arrive(&m, own.id, "the same, packed otherwise", NOW).known,
                     IDENTITY_CONFLICT);
    assert_int_equal(arrive(&m, derived.id, "the same, packed otherwise", NOW).known,
                     IDENTITY_CONFLICT);
    assert_int_equal(arrive_from(&m, "bot", derived.id, "buy", NOW).known, IDENTITY_CONFLICT);
    assert_int_equal(arrive(&m, NULL, "buy", NOW + NS_PER_S).known, IDENTITY_RESEND);
}

static void no_plain_id_is_one_that_is_scoped_to_another(void **state) {
    (void)state;
    struct memory m = {0};
    struct arrival forged = arrival_of("bot", "tv:x-1", "sell", NOW);
    forged.plain = true;
    assert_string_equal(arrive_as(&m, &forged).id, "bot:tv:x-1");
    assert_int_equal(arrive(&m, "x-1", "buy", NOW).known, IDENTITY_NEW);
}

static void ids_too_long_to_be_scoped_are_told_apart(void **state) {
    (void)state;
    struct memory m = {0};
    const char *id = "0123456789012345678901234567890123456789012345678901234567890123";
    struct identity a = arrive(&m, id, "buy", NOW), b = arrive_from(&m, "bot", id, "buy", NOW);
    assert_int_equal(strlen(a.id), 36);
    assert_string_not_equal(a.id, b.id);
    assert_int_equal(arrive(&m, id, "buy", NOW + 3600 * NS_PER_S).known, IDENTITY_RESEND);
    assert_int_equal(arrive(&m, id, "sell", NOW).known, IDENTITY_CONFLICT);
    // A source named as a key of ours.
    assert_int_equal(strlen(arrive_from(&m, "state", "pending", "buy", NOW).id), 36);
}

// What a version wrote that took every id as it was sent.
static void a_resend_over_an_upgrade_or_another_plain_ids_is_known(void **state) {
    (void)state;
    struct memory m = {0};
    struct arrival a = arrival_of("tv", "x-1", "buy", NOW),
                   other = arrival_of("bot", "x-1", "buy", NOW);
    a.plain = true;
    assert_string_equal(arrive_as(&m, &a).id, "x-1");
    a.plain = false;
    struct identity again = arrive_as(&m, &a);
    assert_int_equal(again.known, IDENTITY_RESEND);
    assert_string_equal(again.id, "x-1");
    assert_int_equal(arrive_as(&m, &other).known, IDENTITY_NEW);
    struct memory scoped = {0};
    assert_string_equal(arrive_as(&scoped, &a).id, "tv:x-1");
    a.plain = true;
    again = arrive_as(&scoped, &a);
    assert_int_equal(again.known, IDENTITY_RESEND);
    assert_string_equal(again.id, "tv:x-1");
    struct arrival changed = arrival_of("tv", "x-1", "sell", NOW);
    changed.plain = true;
    assert_int_equal(arrive_as(&scoped, &changed).known, IDENTITY_CONFLICT);
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

// By an hour, as a time server does that was away; the process goes on, or is started again.
static void identity_time_never_goes_back(void **state) {
    (void)state;
    struct identity_time t = {0};
    uint64_t mono = 5 * NS_PER_S, hour = 3600 * NS_PER_S;
    assert_int_equal(identity_time_now(&t, NOW, mono), NOW);
    assert_int_equal(identity_time_now(&t, NOW - hour, mono + 15 * NS_PER_S), NOW + 15 * NS_PER_S);
    assert_int_equal(identity_time_now(&t, NOW + hour, mono + 16 * NS_PER_S), NOW + hour);
    struct identity_time restarted = {.at = t.at};
    assert_int_equal(identity_time_now(&restarted, NOW, NS_PER_S), NOW + hour);
    assert_int_equal(identity_time_now(&restarted, NOW, 3 * NS_PER_S), NOW + hour + 2 * NS_PER_S);
}

// A time that was ahead and was not stored: the first arrival lies in the bucket after.
static void a_first_arrival_in_the_bucket_after_is_found(void **state) {
    (void)state;
    struct memory m = {0};
    uint64_t edge = NOW / WINDOW * WINDOW + WINDOW;
    struct identity first = arrive(&m, NULL, "buy", edge + NS_PER_S),
                    again = arrive(&m, NULL, "buy", edge - NS_PER_S);
    assert_int_equal(again.known, IDENTITY_RESEND);
    assert_string_equal(again.id, first.id);
    assert_int_equal(arrive(&m, NULL, "buy", edge + NS_PER_S - WINDOW).known, IDENTITY_NEW);
}

static void a_window_that_was_changed_still_counts_for_what_came_under_it(void **state) {
    (void)state;
    const uint64_t widths[][2] = {{20, 5}, {5, 20}, {20, 3600}, {3600, 7}};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        struct memory m = {0};
        struct arrival a = arrival_of("tv", NULL, "buy", NOW);
        a.window_ns = widths[i][0] * NS_PER_S;
        struct identity first = arrive_as(&m, &a);
        a.now += 4 * NS_PER_S;
        a.old_ns[i % 3] = a.window_ns;
        a.window_ns = widths[i][1] * NS_PER_S;
        struct identity again = arrive_as(&m, &a);
        assert_int_equal(again.known, IDENTITY_RESEND);
        assert_string_equal(again.id, first.id);
        a.now = NOW + widths[i][0] * NS_PER_S;
        assert_int_equal(arrive_as(&m, &a).known, IDENTITY_NEW);
    }
}

static void without_a_window_every_arrival_is_a_signal(void **state) {
    (void)state;
    struct memory m = {0};
    char scratch[64];
    struct arrival a = {.source = "tv",
                        .now = NOW,
                        .window_ns = 0,
                        .content = content_digest("tv", "buy", 3, scratch)};
    assert_int_equal(arrive_as(&m, &a).known, IDENTITY_NEW);
    a.now += NS_PER_US;
    assert_int_equal(arrive_as(&m, &a).known, IDENTITY_NEW);
}

static void a_lost_signal_is_known_again_from_its_routing(void **state) {
    (void)state;
    struct memory before = {0}, after = {0};
    char scratch[64];
    uint64_t content = content_number(content_digest("tv", "buy", 3, scratch));
    struct identity derived = arrive(&before, NULL, "buy", NOW),
                    given = arrive(&before, "x-1", "buy", NOW);
    for (int i = 0; i < 2; i++) {
        struct restored r = identity_restore(i ? given.id : derived.id, content, NOW);
        keep(&after, r.given_key, r.given_value);
        keep(&after, r.derived_key, r.derived_value);
    }
    assert_int_equal(arrive(&after, NULL, "buy", NOW + 15 * NS_PER_S).known, IDENTITY_RESEND);
    assert_int_equal(arrive(&after, "x-1", "buy", NOW + 15 * NS_PER_S).known, IDENTITY_RESEND);
    assert_int_equal(arrive(&after, "x-1", "sell", NOW).known, IDENTITY_CONFLICT);
}

// Over random arrivals of one body: two are one signal exactly when the later came less than a
// window after the first of its signal.
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

// --- what was forgotten with Redis

// Everything after `from` is forgotten, and the door knows that it may be.
static void forget(struct memory *m, struct losses *losses, uint64_t from) {
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        if ((m->values[i] & ~UINT64_C(1)) > from) continue;
        m->keys[n] = m->keys[i];
        m->values[n++] = m->values[i];
    }
    m->n = n;
    losses_add(losses, from);
}

static struct identity arrive_after(struct memory *m, const struct losses *losses, uint64_t now) {
    struct arrival a = arrival_of("tv", NULL, "buy", now);
    a.losses = losses;
    return arrive_as(m, &a);
}

#define EDGE ((NOW / WINDOW + 1) * WINDOW)

static void what_was_forgotten_comes_again_under_its_id_in_the_next_bucket_too(void **state) {
    (void)state;
    const uint64_t sent[] = {EDGE + NS_PER_S, EDGE + 10 * NS_PER_S, EDGE + WINDOW - 2 * NS_PER_S};
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        for (uint64_t after = 3 * NS_PER_S; after < WINDOW - NS_PER_S; after += NS_PER_S / 4) {
            struct memory m = {0};
            struct losses losses = {0};
            struct identity first = arrive_after(&m, &losses, sent[i]);
            forget(&m, &losses, sent[i] - NS_PER_S / 2);
            struct identity again = arrive_after(&m, &losses, sent[i] + after);
            assert_int_equal(again.known, IDENTITY_NEW);
            assert_string_equal(again.id, first.id);
            again = arrive_after(&m, &losses, sent[i] + after + WINDOW - 1000);
            assert_int_equal(again.known, IDENTITY_RESEND);
            assert_string_equal(again.id, first.id);
        }
    }
}

static void the_next_equal_alert_is_another_signal_after_a_loss_too(void **state) {
    (void)state;
    for (uint64_t early = 1; early < LOSS_SPAN; early += NS_PER_S / 7) {
        for (uint64_t after = WINDOW; after < 3 * WINDOW; after += NS_PER_S / 3) {
            struct memory m = {0};
            struct losses losses = {0};
            struct identity first = arrive_after(&m, &losses, EDGE + 5 * NS_PER_S);
            forget(&m, &losses, EDGE + 5 * NS_PER_S - early);
            struct identity next = arrive_after(&m, &losses, EDGE + 5 * NS_PER_S + after);
            if (next.known == IDENTITY_UNSURE) {
                assert_true(after < WINDOW + LOSS_SPAN);
                continue;
            }
            assert_int_equal(next.known, IDENTITY_NEW);
            assert_string_not_equal(next.id, first.id);
        }
    }
}

static void near_the_end_of_its_window_nobody_can_tell_for_some_seconds(void **state) {
    (void)state;
    struct memory m = {0};
    struct losses losses = {0};
    forget(&m, &losses, NOW);
    assert_int_equal(arrive_after(&m, &losses, NOW + WINDOW).known, IDENTITY_UNSURE);
    assert_int_equal(arrive_after(&m, &losses, NOW + WINDOW + LOSS_SPAN - 1).known,
                     IDENTITY_UNSURE);
    struct arrival given = arrival_of("tv", "x-1", "buy", NOW + WINDOW);
    struct arrival each = arrival_of("tv", NULL, "buy", NOW + WINDOW);
    given.losses = each.losses = &losses;
    each.window_ns = 0; // every arrival is a signal
    assert_int_equal(arrive_as(&m, &given).known, IDENTITY_NEW);
    assert_int_equal(arrive_as(&m, &each).known, IDENTITY_NEW);
    assert_int_equal(arrive_after(&m, &losses, NOW + WINDOW + LOSS_SPAN).known, IDENTITY_NEW);
}

// However the edge of a bucket lies to the loss, and how late it comes again.
static void when_a_forgotten_one_came_is_told_by_its_orders(void **state) {
    (void)state;
    for (uint64_t sent = EDGE - 4 * NS_PER_S; sent < EDGE + 4 * NS_PER_S; sent += NS_PER_S / 2) {
        for (uint64_t after = 3 * NS_PER_S; after < 2 * WINDOW; after += NS_PER_S / 2) {
            struct memory m = {0};
            struct losses losses = {0};
            struct identity first = arrive_after(&m, &losses, sent);
            forget(&m, &losses, sent - NS_PER_S);
            keep(&m, identity_forgotten(first.id), sent);
            struct identity again = arrive_after(&m, &losses, sent + after);
            if (after >= WINDOW) { // then it is another one
                assert_string_not_equal(again.id, first.id);
                continue;
            }
            assert_int_equal(again.known, IDENTITY_NEW); // taken, so that it comes to an outcome
            assert_string_equal(again.id, first.id);
            assert_int_equal(arrive_after(&m, &losses, sent + WINDOW - 1).known, IDENTITY_RESEND);
        }
    }
}

static void a_forgotten_one_whose_outcome_is_on_record_is_a_resend(void **state) {
    (void)state;
    struct memory m = {0};
    struct losses losses = {0};
    struct arrival given = arrival_of("tv", "x-1", "buy", NOW + 5 * NS_PER_S);
    given.losses = &losses;
    struct identity first = arrive_after(&m, &losses, EDGE - 5 * NS_PER_S);
    forget(&m, &losses, EDGE - 6 * NS_PER_S);
    keep(&m, identity_over(first.id), 1);
    keep(&m, identity_over("tv:x-1"), 1);
    assert_int_equal(arrive_after(&m, &losses, EDGE + 5 * NS_PER_S).known, IDENTITY_RESEND);
    assert_int_equal(arrive_as(&m, &given).known, IDENTITY_RESEND);
}

// The content was there already, and is remembered: the alert after its window is the next one.
static void an_id_that_is_remembered_is_not_given_again_after_a_loss(void **state) {
    (void)state;
    struct memory m = {0};
    struct losses losses = {0};
    struct identity first = arrive_after(&m, &losses, EDGE + NS_PER_S);
    forget(&m, &losses, EDGE + 15 * NS_PER_S);
    struct identity next = arrive_after(&m, &losses, EDGE + WINDOW + 2 * NS_PER_S);
    assert_int_equal(next.known, IDENTITY_NEW);
    assert_string_not_equal(next.id, first.id);
}

static void another_loss_changes_no_id_that_was_given_after_the_first(void **state) {
    (void)state;
    struct memory m = {0};
    struct losses losses = {0};
    struct identity first = arrive_after(&m, &losses, EDGE - 3 * NS_PER_S);
    forget(&m, &losses, EDGE - 4 * NS_PER_S);
    struct identity again = arrive_after(&m, &losses, EDGE + 2 * NS_PER_S);
    forget(&m, &losses, EDGE + NS_PER_S);
    losses_add(&losses, EDGE + NS_PER_S); // noted already
    assert_int_equal(losses.n, 2);
    struct identity third = arrive_after(&m, &losses, EDGE + 12 * NS_PER_S);
    assert_string_equal(again.id, first.id);
    assert_string_equal(third.id, first.id);
    third = arrive_after(&m, &losses, EDGE + WINDOW + 10 * NS_PER_S); // two buckets on
    assert_int_equal(third.known, IDENTITY_RESEND);
    assert_string_equal(third.id, first.id);
}

// The first loss is past its window, the second is not.
static void the_next_equal_alert_is_another_signal_after_two_losses_too(void **state) {
    (void)state;
    struct memory m = {0};
    struct losses losses = {0};
    struct identity first = arrive_after(&m, &losses, EDGE + 3 * NS_PER_S);
    forget(&m, &losses, EDGE + 2 * NS_PER_S);
    forget(&m, &losses, EDGE + 19 * NS_PER_S);
    struct identity next = arrive_after(&m, &losses, EDGE + 3 * NS_PER_S + WINDOW + LOSS_SPAN);
    assert_int_equal(next.known, IDENTITY_NEW);
    assert_string_not_equal(next.id, first.id);
}

static void only_so_many_losses_are_remembered(void **state) {
    (void)state;
    struct losses losses = {0};
    for (uint64_t i = 1; i <= LOSSES_MAX + 3; i++) losses_add(&losses, i * WINDOW);
    assert_int_equal(losses.n, LOSSES_MAX);
    assert_int_equal(losses.from[0], 4 * WINDOW);
    assert_int_equal(losses.from[LOSSES_MAX - 1], (LOSSES_MAX + 3) * WINDOW);
}

// Another cell took it before the loss here: its id is not the one that it gets here after that.
static void what_another_cell_hands_over_is_known_after_a_loss_too(void **state) {
    (void)state;
    struct memory m = {0}, there = {0};
    struct losses losses = {0};
    forget(&m, &losses, EDGE - 4 * NS_PER_S);
    struct arrival a = arrival_of("tv", NULL, "buy", EDGE + 5 * NS_PER_S);
    struct identity other = arrive_as(&there, &a), own, got;
    const struct handed h = {.signal_id = other.id,
                             .source = "tv",
                             .created_at = a.now,
                             .derived_from = &a.content,
                             .window_ns = WINDOW,
                             .losses = &losses};
    own = arrive_after(&m, &losses, a.now);
    assert_string_not_equal(own.id, other.id);
    identity_of_handed(&h, find, &m, &got);
    assert_int_equal(got.known, IDENTITY_RESEND);
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
        cmocka_unit_test(the_same_id_of_two_sources_is_two_signals_whoever_is_first),
        cmocka_unit_test(an_id_that_was_computed_beforehand_takes_nothing_from_its_owner),
        cmocka_unit_test(the_signal_id_of_a_signal_names_it),
        cmocka_unit_test(no_plain_id_is_one_that_is_scoped_to_another),
        cmocka_unit_test(ids_too_long_to_be_scoped_are_told_apart),
        cmocka_unit_test(a_resend_over_an_upgrade_or_another_plain_ids_is_known),
        cmocka_unit_test(what_was_refused_stays_refused),
        cmocka_unit_test(a_clock_set_back_makes_no_second_signal),
        cmocka_unit_test(identity_time_never_goes_back),
        cmocka_unit_test(a_first_arrival_in_the_bucket_after_is_found),
        cmocka_unit_test(a_window_that_was_changed_still_counts_for_what_came_under_it),
        cmocka_unit_test(without_a_window_every_arrival_is_a_signal),
        cmocka_unit_test(a_lost_signal_is_known_again_from_its_routing),
        cmocka_unit_test(random_arrivals_follow_the_window_from_the_first_one),
        cmocka_unit_test(what_was_forgotten_comes_again_under_its_id_in_the_next_bucket_too),
        cmocka_unit_test(the_next_equal_alert_is_another_signal_after_a_loss_too),
        cmocka_unit_test(near_the_end_of_its_window_nobody_can_tell_for_some_seconds),
        cmocka_unit_test(when_a_forgotten_one_came_is_told_by_its_orders),
        cmocka_unit_test(a_forgotten_one_whose_outcome_is_on_record_is_a_resend),
        cmocka_unit_test(an_id_that_is_remembered_is_not_given_again_after_a_loss),
        cmocka_unit_test(another_loss_changes_no_id_that_was_given_after_the_first),
        cmocka_unit_test(the_next_equal_alert_is_another_signal_after_two_losses_too),
        cmocka_unit_test(only_so_many_losses_are_remembered),
        cmocka_unit_test(what_another_cell_hands_over_is_known_after_a_loss_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
