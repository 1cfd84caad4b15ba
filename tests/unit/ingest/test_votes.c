// test_votes - signals of sources that are parts of a consensus, at the door.
// SPDX-License-Identifier: MIT
#include "common/delivery/envelope.h"
#include "services/ingest/identity/identity.h"
#include "world.h"

#define BUY(id)                                                                                    \
    "{\"signal_id\":\"" id "\",\"symbol\":\"EURUSD\",\"direction\":\"buy\",\"lot_size\":1}"

// The row `name` that combines tv and other, both with weight 1.
static void combine(struct world *w, const char *name, bool route_parts) {
    Consensus rule = CONSENSUS__INIT;
    Consensus__Part parts[2] = {CONSENSUS__PART__INIT, CONSENSUS__PART__INIT},
                    *listed[2] = {&parts[0], &parts[1]};
    parts[0].source = (char *)"tv";
    parts[1].source = (char *)"other";
    rule.parts = listed;
    rule.n_parts = 2;
    rule.has_route_parts = true;
    rule.route_parts = route_parts;
    SignalConfig row = SIGNAL_CONFIG__INIT;
    row.config_id = (char *)name;
    row.token_hash = (char *)"";
    row.consensus = &rule;
    world_configure(w, &row);
}

static struct reply say(struct world *w, const char *source, const char *body) {
    struct request r = world_request(w, source, body, strlen(body));
    return accept_signal(w->ingest, w->batch, &r);
}

static const Signal *emitted(struct world *w, size_t index) {
    const struct outgoing *out;
    size_t n = batch_outgoing(w->batch, &out), seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(out[i].type, "Signal") == 0 && seen++ == index)
            return (const Signal *)batch_opened(w->batch, &out[i]);
    }
    fail_msg("only %zu signals", seen);
    return NULL;
}

static void the_part_that_completes_brings_the_consensus_in_the_same_batch(void **state) {
    struct world *w = *state;
    combine(w, "both", true);
    assert_int_equal(say(w, "tv", BUY("t-1")).status, 200);
    assert_int_equal(count_emitted(w, "Signal", NULL), 1);
    assert_true(wrote(w, "signal:state:votes"));
    assert_true(wrote(w, "both EURUSD"));
    w->now += NS_PER_S;
    world_begin(w);
    assert_int_equal(say(w, "other", BUY("o-1")).status, 200);
    assert_int_equal(count_emitted(w, "Signal", NULL), 2);
    const Signal *part = emitted(w, 0), *s = emitted(w, 1);
    assert_string_equal(part->signal_id, "other:o-1");
    assert_string_equal(s->source, "both");
    assert_int_equal(s->n_parts, 2);
    assert_string_equal(s->parts[0], "t-1");
    assert_int_equal(s->created_at, part->created_at);
    assert_true(s->content != 0);
    assert_int_equal(table_count(w->ingest->lives), 3);
    assert_true(wrote(w, s->signal_id));
}

static void a_resend_is_no_second_vote(void **state) {
    struct world *w = *state;
    combine(w, "both", true);
    say(w, "tv", BUY("t-1"));
    say(w, "other", BUY("o-1"));
    world_begin(w);
    assert_says(say(w, "tv", BUY("t-1")), "\"duplicate\":true");
    assert_says(say(w, "other", BUY("o-1")), "\"duplicate\":true");
    assert_true(wrote_only_the_count(w));
}

static void what_is_refused_is_no_vote(void **state) {
    struct world *w = *state;
    combine(w, "both", true);
    assert_int_equal(
        say(w, "tv", "{\"symbol\":\"EURUSD\",\"direction\":\"buy\",\"lot_size\":-1}").status, 422);
    assert_int_equal(votes_count(w->ingest->votes), 0);
}

static void decided_again_it_is_not_given_again(void **state) {
    struct world *w = *state;
    combine(w, "both", true);
    say(w, "tv", BUY("t-1"));
    say(w, "other", BUY("o-1"));
    struct restored keys = identity_restore(emitted(w, 2)->signal_id, 0, 0);
    assert_true(guard_find(w->ingest->guard, keys.given_key, NULL));
    // The votes are lost, and the parts; that the consensus was routed is known.
    struct ingest *before = w->ingest, *another = ingest_new(&w->context, &w->settings);
    w->ingest = another;
    world_begin(w);
    assert_true(guard_put(another->guard, w->batch, keys.given_key, 0));
    say(w, "tv", BUY("t-1"));
    say(w, "other", BUY("o-1"));
    assert_int_equal(count_emitted(w, "Signal", NULL), 2);
    assert_int_equal(table_count(another->lives), 2);
    ingest_destroy(&another);
    w->ingest = before;
}

static void parts_say_whether_they_are_routed(void **state) {
    struct world *w = *state;
    combine(w, "both", false);
    say(w, "tv", BUY("t-1"));
    assert_true(emitted(w, 0)->part_only);
    say(w, "other", BUY("o-1"));
    assert_false(emitted(w, 2)->part_only);
    combine(w, "both", true);
    say(w, "tv", BUY("t-2"));
    assert_false(emitted(w, 3)->part_only);
}

static void a_part_votes_in_every_row(void **state) {
    struct world *w = *state;
    combine(w, "both", true);
    combine(w, "again", true);
    say(w, "tv", BUY("t-1"));
    say(w, "other", BUY("o-1"));
    assert_int_equal(count_emitted(w, "Signal", NULL), 4);
    assert_string_not_equal(emitted(w, 2)->signal_id, emitted(w, 3)->signal_id);
    assert_int_equal(votes_count(w->ingest->votes), 2);
}

static void symbols_are_counted_apart(void **state) {
    struct world *w = *state;
    combine(w, "both", true);
    say(w, "tv", BUY("t-1"));
    say(w, "other", "{\"signal_id\":\"o-1\",\"symbol\":\"GBPUSD\",\"direction\":\"buy\"}");
    assert_int_equal(count_emitted(w, "Signal", NULL), 2);
    assert_int_equal(votes_count(w->ingest->votes), 2);
}

static void a_row_that_is_off_combines_nothing(void **state) {
    struct world *w = *state;
    combine(w, "both", true);
    SignalConfig off = SIGNAL_CONFIG__INIT;
    off.config_id = (char *)"both";
    off.token_hash = (char *)"";
    world_configure(w, &off);
    say(w, "tv", BUY("t-1"));
    say(w, "other", BUY("o-1"));
    assert_int_equal(count_emitted(w, "Signal", NULL), 2);
    assert_int_equal(votes_count(w->ingest->votes), 0);
}

static void a_full_table_says_so(void **state) {
    struct world *w = *state;
    w->settings.consensus_ballots_max = 1;
    struct ingest *before = w->ingest, *small = ingest_new(&w->context, &w->settings);
    w->ingest = small;
    combine(w, "both", true);
    say(w, "tv", BUY("t-1"));
    say(w, "tv", "{\"signal_id\":\"t-2\",\"symbol\":\"GBPUSD\",\"direction\":\"buy\"}");
    assert_int_equal(votes_count(small->votes), 1);
    assert_true(wrote(w, "consensus_full"));
    say(w, "other", BUY("o-1"));
    assert_int_equal(count_emitted(w, "Signal", NULL), 4);
    ingest_destroy(&small);
    w->ingest = before;
}

static void no_room_for_what_may_follow_is_no_room(void **state) {
    struct world *w = *state;
    w->settings.signals_max = 2;
    combine(w, "both", true);
    assert_int_equal(say(w, "tv", BUY("t-1")).status, 200);
    assert_int_equal(say(w, "other", BUY("o-1")).status, 503);
    assert_int_equal(count_emitted(w, "Signal", NULL), 1);
}

static void what_is_over_leaves(void **state) {
    struct world *w = *state;
    combine(w, "both", true);
    say(w, "tv", BUY("t-1"));
    w->now += 61 * NS_PER_S;
    world_begin(w);
    votes_retire(w->ingest->votes, w->batch);
    assert_int_equal(votes_count(w->ingest->votes), 0);
    assert_true(wrote(w, "HDEL"));
}

int main(void) {
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
    const struct CMUnitTest tests[] = {
        CLAIM(the_part_that_completes_brings_the_consensus_in_the_same_batch),
        CLAIM(a_resend_is_no_second_vote),
        CLAIM(what_is_refused_is_no_vote),
        CLAIM(decided_again_it_is_not_given_again),
        CLAIM(parts_say_whether_they_are_routed),
        CLAIM(a_part_votes_in_every_row),
        CLAIM(symbols_are_counted_apart),
        CLAIM(a_row_that_is_off_combines_nothing),
        CLAIM(a_full_table_says_so),
        CLAIM(no_room_for_what_may_follow_is_no_room),
        CLAIM(what_is_over_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
