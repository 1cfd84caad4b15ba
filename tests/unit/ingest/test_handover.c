// test_handover - signals that other cells' doors have taken: new, had, unwanted, refused; and the
// same ones at this cell's own door.
// SPDX-License-Identifier: MIT
#include "common/delivery/envelope.h"
#include "services/ingest/door/handover.h"
#include "services/ingest/identity/identity.h"
#include "world.h"

#define BODY    "{\"symbol\":\"EURUSD\",\"direction\":\"buy\",\"lot_size\":1}"
#define WITH_ID "{\"signal_id\":\"s-1\",\"symbol\":\"EURUSD\",\"direction\":\"buy\",\"lot_size\":1}"

static void subscribe(struct world *w, const char *source) {
    Subscription subscription = SUBSCRIPTION__INIT, *one[] = {&subscription};
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    ConfigChange change = CONFIG_CHANGE__INIT;
    subscription.source = (char *)source;
    account.account_id = (char *)"acc";
    account.broker_id = (char *)"x";
    account.subscriptions = one;
    account.n_subscriptions = 1;
    change.kind = CONFIG_CHANGE__KIND__account_config;
    change.id = account.account_id;
    change.account = &account;
    change.version = book_version(w->book) + 1;
    assert_int_equal(book_apply(w->book, &change), ERR_OK);
}

static int open_cell(void **state) {
    world_open(state);
    struct world *w = *state;
    w->context.cell = "b";
    w->context.cells = 1;
    w->context.incarnation = 55;
    subscribe(w, "tv");
    return 0;
}

// A signal as the door of another cell, that is `later` ns ahead, would take it.
static Signal *from_another_door(struct world *w, const char *body, uint64_t later) {
    void *other_state;
    assert_int_equal(world_open(&other_state), 0);
    struct world *other = other_state;
    const struct outgoing *out;
    other->context.cells = 1;
    other->now = w->now + later;
    world_begin(other);
    assert_int_equal(post(other, body).status, 200);
    assert_int_equal(count_emitted(other, "Signal", &out), 1);
    const Signal *s = (const Signal *)batch_opened(other->batch, out);
    size_t size = signal__get_packed_size(s);
    uint8_t *packed = malloc(size);
    signal__pack(s, packed);
    Signal *copy = signal__unpack(arena_allocator(batch_arena(w->batch)), size, packed);
    free(packed);
    world_close(&other_state);
    return copy;
}

static HandoverAnswer hand(struct world *w, const Signal *s) {
    Handover h = HANDOVER__INIT;
    ProtobufCBinaryData packed = {signal__get_packed_size(s), NULL};
    HandoverAnswer answer;
    packed.data = arena_take(batch_arena(w->batch), packed.len);
    signal__pack(s, packed.data);
    h.cell = (char *)"a";
    h.number = 3;
    h.signals = &packed;
    h.n_signals = 1;
    handover_take(w->ingest, w->batch, &h, &answer);
    assert_int_equal(answer.number, 3);
    assert_int_equal(answer.incarnation, 55);
    assert_string_equal(answer.cell, "b");
    return answer;
}

static const Signal *emitted(struct world *w) {
    const struct outgoing *out;
    assert_int_equal(count_emitted(w, "Signal", &out), 1);
    return (const Signal *)batch_opened(w->batch, out);
}

static void a_new_one_is_accepted_with_the_times_of_its_first_door(void **state) {
    struct world *w = *state;
    Signal *s = from_another_door(w, WITH_ID, 0);
    w->now += 5 * NS_PER_S;
    batch_begin(w->batch, 1, w->now, w->now);
    s = from_another_door(w, WITH_ID, 0);
    s->created_at -= 5 * NS_PER_S;
    HandoverAnswer answer = hand(w, s);
    assert_int_equal(answer.taken, 1);
    const Signal *taken = emitted(w);
    assert_string_equal(taken->signal_id, "s-1");
    assert_string_equal(taken->source, "tv");
    assert_string_equal(taken->cell, "a");
    assert_int_equal(taken->created_at, w->now - 5 * NS_PER_S);
    assert_int_equal(taken->content, s->content);
    assert_int_equal(taken->status, SIGNAL__STATUS__pending);
    assert_int_equal(table_count(w->ingest->lives), 1);
    assert_true(wrote(w, "signal:state:pending"));
    assert_true(wrote(w, "signal:guard"));
}

static void the_same_again_is_had(void **state) {
    struct world *w = *state;
    Signal *s = from_another_door(w, WITH_ID, 0);
    assert_int_equal(hand(w, s).taken, 1);
    HandoverAnswer again = hand(w, s);
    assert_int_equal(again.had, 1);
    assert_int_equal(again.taken, 0);
    assert_int_equal(count_emitted(w, "Signal", NULL), 1);
}

static void the_same_at_this_cells_door_is_a_resend_and_the_other_way_round(void **state) {
    struct world *w = *state;
    assert_int_equal(hand(w, from_another_door(w, WITH_ID, 0)).taken, 1);
    assert_says(post(w, WITH_ID), "\"duplicate\":true");
    assert_says(post(w, BODY), "\"duplicate\":false");
    assert_int_equal(hand(w, from_another_door(w, BODY, 0)).had, 1);
    assert_int_equal(count_emitted(w, "Signal", NULL), 2);
}

// NOW is 10 s after a bucket of 20 s began.
static void equal_content_without_an_id_is_one_signal_also_over_the_edge_of_a_bucket(void **state) {
    struct world *w = *state;
    Signal *first = from_another_door(w, BODY, 0),
           *later = from_another_door(w, BODY, 15 * NS_PER_S);
    assert_string_not_equal(first->signal_id, later->signal_id);
    assert_int_equal(hand(w, later).taken, 1); // by the faster way
    assert_int_equal(hand(w, first).had, 1);
    Signal *next_bar = from_another_door(w, BODY, 45 * NS_PER_S);
    assert_int_equal(hand(w, next_bar).taken, 1);
}

static void another_signal_under_a_known_id_is_refused_for_good(void **state) {
    struct world *w = *state;
    Signal *s = from_another_door(w, WITH_ID, 0);
    assert_int_equal(hand(w, s).taken, 1);
    s->content ^= 2;
    HandoverAnswer answer = hand(w, s);
    assert_int_equal(answer.n_refused, 1);
    assert_int_equal(answer.refused[0]->place, 0);
    assert_non_null(strstr(answer.refused[0]->reason, "other content"));
}

static void what_nobody_here_subscribes_to_is_dropped_and_not_remembered(void **state) {
    struct world *w = *state;
    Signal *s = from_another_door(w, WITH_ID, 0);
    s->source = (char *)"other";
    assert_int_equal(hand(w, s).unwanted, 1);
    assert_int_equal(count_emitted(w, "Signal", NULL), 0);
    assert_int_equal(guard_count(w->ingest->guard), 0);
    subscribe(w, "other");
    assert_int_equal(hand(w, s).taken, 1);
}

static void a_source_that_is_switched_off_here_is_not_wanted(void **state) {
    struct world *w = *state;
    SignalConfig off = SIGNAL_CONFIG__INIT;
    off.config_id = (char *)"tv";
    off.token_hash = (char *)"";
    off.has_enabled = true;
    off.enabled = false;
    world_configure(w, &off);
    assert_int_equal(hand(w, from_another_door(w, WITH_ID, 0)).unwanted, 1);
}

static void a_vote_of_a_consensus_is_wanted_and_counted_here(void **state) {
    struct world *w = *state;
    Consensus rule = CONSENSUS__INIT;
    Consensus__Part parts[2] = {CONSENSUS__PART__INIT, CONSENSUS__PART__INIT},
                    *listed[2] = {&parts[0], &parts[1]};
    SignalConfig row = SIGNAL_CONFIG__INIT;
    parts[0].source = (char *)"tv";
    parts[1].source = (char *)"other";
    rule.parts = listed;
    rule.n_parts = 2;
    row.config_id = (char *)"both";
    row.token_hash = (char *)"";
    row.consensus = &rule;
    world_configure(w, &row);
    Signal *s = from_another_door(w, WITH_ID, 0);
    assert_int_equal(hand(w, s).taken, 1);
    s->signal_id = (char *)"s-2";
    s->source = (char *)"other";
    assert_int_equal(hand(w, s).taken, 1);
    assert_int_equal(count_emitted(w, "Signal", NULL), 3); // and the consensus
}

static void what_is_older_than_what_is_remembered_is_refused_for_good(void **state) {
    struct world *w = *state;
    Signal *s = from_another_door(w, WITH_ID, 0);
    s->created_at -= UINT64_C(47) * 3600 * NS_PER_S + 1;
    assert_int_equal(hand(w, s).n_refused, 1);
    s->created_at += 1;
    assert_int_equal(hand(w, s).taken, 1);
}

static void what_this_version_cannot_read_is_refused_for_good(void **state) {
    struct world *w = *state;
    Signal *s = from_another_door(w, WITH_ID, 0);
    Handover h = HANDOVER__INIT;
    HandoverAnswer answer;
    ProtobufCBinaryData damaged = {3, (uint8_t *)"\xff\xff\xff"};
    h.cell = (char *)"a";
    h.signals = &damaged;
    h.n_signals = 1;
    handover_take(w->ingest, w->batch, &h, &answer);
    assert_int_equal(answer.n_refused, 1);
    s->direction = (Signal__Direction)77;
    assert_int_equal(hand(w, s).n_refused, 1);
    s->direction = SIGNAL__DIRECTION__buy;
    s->signal_id = (char *)"state:pending";
    assert_int_equal(hand(w, s).n_refused, 1);
    assert_int_equal(count_emitted(w, "Signal", NULL), 0);
}

static void without_room_all_of_it_comes_again(void **state) {
    struct world *w = *state;
    w->settings.signals_max = 0;
    HandoverAnswer answer = hand(w, from_another_door(w, WITH_ID, 0));
    assert_non_null(answer.held);
    assert_int_equal(answer.taken, 0);
    w->settings.signals_max = 10;
    assert_int_equal(hand(w, from_another_door(w, WITH_ID, 0)).taken, 1);
}

static void where_there_is_one_cell_nothing_is_stamped_for_others(void **state) {
    struct world *w = *state;
    w->context.cells = 0;
    assert_int_equal(post(w, BODY).status, 200);
    assert_false(emitted(w)->has_content_digest);
    assert_null(emitted(w)->cell);
}

static void counts_by_cell_are_in_the_heartbeat(void **state) {
    struct world *w = *state;
    Heartbeat beat = HEARTBEAT__INIT;
    Signal *s = from_another_door(w, WITH_ID, 0);
    (void)hand(w, s);
    (void)hand(w, s);
    handover_beat(w->ingest, &beat, batch_arena(w->batch));
    assert_int_equal(beat.n_links, 1);
    assert_string_equal(beat.links[0]->cell, "a");
    assert_false(beat.links[0]->sends);
    assert_int_equal(beat.links[0]->signals, 1);
    assert_int_equal(beat.links[0]->had, 1);
}

#define CELL_TEST(name) cmocka_unit_test_setup_teardown(name, open_cell, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        CELL_TEST(a_new_one_is_accepted_with_the_times_of_its_first_door),
        CELL_TEST(the_same_again_is_had),
        CELL_TEST(the_same_at_this_cells_door_is_a_resend_and_the_other_way_round),
        CELL_TEST(equal_content_without_an_id_is_one_signal_also_over_the_edge_of_a_bucket),
        CELL_TEST(another_signal_under_a_known_id_is_refused_for_good),
        CELL_TEST(what_nobody_here_subscribes_to_is_dropped_and_not_remembered),
        CELL_TEST(a_source_that_is_switched_off_here_is_not_wanted),
        CELL_TEST(a_vote_of_a_consensus_is_wanted_and_counted_here),
        CELL_TEST(what_is_older_than_what_is_remembered_is_refused_for_good),
        CELL_TEST(what_this_version_cannot_read_is_refused_for_good),
        CELL_TEST(without_room_all_of_it_comes_again),
        CELL_TEST(where_there_is_one_cell_nothing_is_stamped_for_others),
        CELL_TEST(counts_by_cell_are_in_the_heartbeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
