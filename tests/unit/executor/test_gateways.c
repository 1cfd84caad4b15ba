// test_gateways - sessions: hello, welcome, silence, strangers; what is told about accounts and
// instances.
// SPDX-License-Identifier: MIT
#include "tests/unit/terms.h"
#include "world.h"

static const struct session *session(const struct world *w) {
    return sessions_find(w->x->sessions, "g1");
}

static void a_gateway_is_welcomed_with_its_accounts_and_broker(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    const Welcome *m = (const Welcome *)w->letters[0];
    assert_true(w->letters[0]->descriptor == &welcome__descriptor);
    assert_int_equal(m->epoch, 3);
    assert_int_equal(m->last_report, 0);
    assert_int_equal(m->n_accounts, 2);
    assert_string_equal(m->broker->broker_id, "b1");
    assert_int_equal(session(w)->state, INSTANCE_STATE__STATE__ready);
    assert_non_null(strstr(w->committed, "instance_state:g1"));
}

static void a_repeated_hello_changes_nothing(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    give_market(w, "t1");
    world_commit(w);
    size_t told = w->n_told;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    assert_state(w, "t1", submitting);
    assert_int_equal(w->n_told, told);
    assert_int_equal(letters_of(w, &welcome__descriptor, NULL), 2);
    assert_string_equal(w->committed, "");
}

static void a_stranger_is_not_welcomed(void **state) {
    struct world *w = *state;
    Hello h = HELLO__INIT;
    h.instance_id = (char *)"g1";
    h.broker_id = (char *)"another";
    h.kind = (char *)"paper";
    h.duplicate_check = HELLO__DUPLICATE_CHECK__none;
    h.can_query = true;
    h.books = 1;
    gateway_says(w, &h.base);
    buffer_t frame = {0};
    envelope_write(&frame, GATEWAY_TOPIC, ENTRY_ID_NONE, ENTRY_ID_NONE, &h.base);
    wire_take(w->x, w->batch, span_of("nobody"), (struct span){frame.data, frame.length});
    frame.data[9] ^= 1;
    wire_take(w->x, w->batch, span_of("g1"), (struct span){frame.data, frame.length});
    wire_take(
        w->x, w->batch,
        span_of(
            "a name that is longer than sixty-four characters, which none of our instances has"),
        (struct span){frame.data, frame.length});
    buffer_destroy(&frame);
    world_commit(w);
    assert_int_equal(w->n_letters, 0);
    assert_null(sessions_find(w->x->sessions, "nobody"));
    assert_int_equal(alerts(w, "unknown_gateway"), 1);
    assert_int_equal(alerts(w, "strange_frame"), 3);
}

// Recorded as it came, a time in 2522 could once not be read back, and the executor did not start
// again.
static void a_time_that_cannot_be_is_recorded_as_now_and_reported(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    give_market(w, "t1");
    world_commit(w);
    Report r = report_of(w, REPORT__KIND__filled, "t1");
    Fill fill = fill_of(w, "e1", LOT, 110000000);
    fill.executed_at = UINT64_C(17426385310) * NS_PER_S;
    r.fill = &fill;
    uint64_t now = batch_now(w->batch);
    gateway_says(w, &r.base);
    world_commit(w);
    assert_state(w, "t1", filled);
    assert_int_equal(last_told(w, "t1")->executed_at, now);
    assert_int_equal(alerts(w, "impossible_value"), 1);
}

// A record that could not be read when it started: its trade may be at the broker.
static void where_a_trade_that_cannot_be_read_may_be_nothing_new_goes(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    TradeState part = TRADE_STATE__INIT;
    part.terms = new_terms();
    Order here = order_of(w, "t1"), elsewhere = order_of(w, "t2");
    part.trade_id = (char *)"lost", part.account_id = here.account_id,
    part.broker_id = here.broker_id;
    part.symbol = here.symbol, part.broker_symbol = here.broker_symbol;
    unreadable_trade(w->x, &(struct unreadable){.key = "trade_state:lost",
                                                .type = &trade_state__descriptor,
                                                .part = &part.base});
    elsewhere.symbol = elsewhere.broker_symbol = (char *)"GBPUSD";
    give(w, &here);
    give(w, &elsewhere);
    world_commit(w);
    assert_state(w, "t1", pending);
    assert_state(w, "t2", submitting);
    part.broker_symbol = (char *)""; // the symbol cannot be read: none of the account's
    unreadable_trade(w->x, &(struct unreadable){.key = "trade_state:lost",
                                                .type = &trade_state__descriptor,
                                                .part = &part.base});
    elsewhere.trade_id = (char *)"t3";
    give(w, &elsewhere);
    world_commit(w);
    assert_state(w, "t3", pending);
}

static void a_gateway_that_was_welcomed_by_another_life_is_made_to_say_hello(void **state) {
    struct world *w = *state;
    gateway_beat(w);
    gateway_fills(w, "t1", "e1", LOT);
    world_commit(w);
    assert_int_equal(w->n_letters, 1);
    assert_true(w->letters[0]->descriptor == &report_ack__descriptor);
    assert_int_equal(((const ReportAck *)w->letters[0])->report, 0);
    assert_int_equal(((const ReportAck *)w->letters[0])->epoch, 3);
    // it sends the report again once it is welcome
    assert_int_equal(orphans_count(w->x->orphans), 0);
}

static void silence_strains_and_then_loses_an_instance(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    world_live(w, 3);
    for (int i = 0; i < 35; i++) {
        world_pass(w, 100 * MS);
        world_tick(w);
    }
    assert_int_equal(session(w)->state, INSTANCE_STATE__STATE__degraded);
    give_market(w, "t1");
    world_commit(w);
    assert_state(w, "t1", pending);
    for (int i = 0; i < 70; i++) {
        world_pass(w, 100 * MS);
        world_tick(w);
    }
    assert_int_equal(session(w)->state, INSTANCE_STATE__STATE__lost);
    gateway_beat(w); // it had not noticed
    world_commit(w);
    assert_int_equal(session(w)->state, INSTANCE_STATE__STATE__ready);
    assert_int_equal(submits(w, "t1"), 1);
}

static void while_we_did_not_listen_nobody_was_silent(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    world_live(w, 2);
    world_pass(w, 60 * NS_PER_S); // a commit took so long
    world_tick(w);
    assert_int_equal(session(w)->state, INSTANCE_STATE__STATE__ready);
}

static void a_restarted_gateway_leaves_what_it_was_given_unknown(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    world_live(w, 1);
    give_market(w, "t1");
    world_commit(w);
    GatewayHeartbeat h = GATEWAY_HEARTBEAT__INIT;
    h.uptime_s = 0;
    gateway_says(w, &h.base);
    world_commit(w);
    assert_state(w, "t1", unknown);
}

static void other_books_start_at_the_first_report_and_are_asked_about_everything(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    have_position(w, "t1");
    assert_int_equal(session(w)->report, 1);
    Hello h = HELLO__INIT;
    h.instance_id = (char *)"g1";
    h.broker_id = (char *)"b1";
    h.kind = (char *)"paper";
    h.duplicate_check = HELLO__DUPLICATE_CHECK__none;
    h.can_query = true;
    h.books = 78;
    gateway_says(w, &h.base);
    world_commit(w);
    assert_int_equal(session(w)->report, 0);
    assert_int_equal(alerts(w, "new_books"), 1);
    world_live(w, 1);
    assert_int_equal(questions(w, "t1"), 1);
}

static void reports_that_are_gone_are_not_waited_for(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    have_position(w, "t1");
    Hello h = HELLO__INIT;
    h.instance_id = (char *)"g1";
    h.broker_id = (char *)"b1";
    h.kind = (char *)"paper";
    h.duplicate_check = HELLO__DUPLICATE_CHECK__none;
    h.can_query = true;
    h.books = session(w)->books;
    h.has_first_report = true;
    h.first_report = 2; // what comes next: nothing is missing
    gateway_says(w, &h.base);
    world_commit(w);
    assert_int_equal(alerts(w, "reports_gone"), 0);
    h.first_report = 50;
    gateway_says(w, &h.base);
    world_commit(w);
    assert_int_equal(session(w)->report, 49);
    assert_int_equal(alerts(w, "reports_gone"), 1);
    world_live(w, 1);
    assert_int_equal(questions(w, "t1"), 1);
}

static void a_new_configuration_is_told_to_the_gateway(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    executor_service.configured(w->x);
    world_tick(w);
    assert_int_equal(letters_of(w, &welcome__descriptor, NULL), 2);
}

static void a_snapshot_becomes_the_accounts_state_and_is_told_now_and_then(void **state) {
    struct world *w = *state;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    AccountSnapshot m = ACCOUNT_SNAPSHOT__INIT;
    m.account_id = (char *)"a1";
    m.currency = (char *)"USD";
    m.balance = m.equity = 1000 * LOT;
    m.margin = 400 * LOT;
    m.free_margin = 600 * LOT;
    m.leverage = 100;
    m.taken_at = w->now;
    size_t snapshots = 0;
    for (int i = 0; i < 12; i++) {
        gateway_says(w, &m.base);
        world_commit(w);
        world_live(w, 1);
    }
    for (size_t i = 0; i < w->n_told; i++)
        snapshots += w->told[i]->descriptor == &broker_snapshot__descriptor;
    assert_int_equal(snapshots, 3);
    const AccountState *a = accounts_find(w->x->accounts, "a1")->state;
    assert_int_equal(a->margin_level, 250 * LOT);
    assert_int_equal(a->balance, 1000 * LOT);
    m.has_holdings_left_out = m.holdings_left_out = true;
    world_live(w, 10);
    gateway_says(w, &m.base);
    world_commit(w);
    size_t after = 0;
    for (size_t i = 0; i < w->n_told; i++)
        after += w->told[i]->descriptor == &broker_snapshot__descriptor;
    assert_int_equal(after, 3); // half a list would look like missing positions
}

int main(void) {
#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WORLD(a_gateway_is_welcomed_with_its_accounts_and_broker),
        WORLD(a_repeated_hello_changes_nothing),
        WORLD(a_stranger_is_not_welcomed),
        WORLD(a_time_that_cannot_be_is_recorded_as_now_and_reported),
        WORLD(where_a_trade_that_cannot_be_read_may_be_nothing_new_goes),
        WORLD(a_gateway_that_was_welcomed_by_another_life_is_made_to_say_hello),
        WORLD(silence_strains_and_then_loses_an_instance),
        WORLD(while_we_did_not_listen_nobody_was_silent),
        WORLD(a_restarted_gateway_leaves_what_it_was_given_unknown),
        WORLD(other_books_start_at_the_first_report_and_are_asked_about_everything),
        WORLD(reports_that_are_gone_are_not_waited_for),
        WORLD(a_new_configuration_is_told_to_the_gateway),
        WORLD(a_snapshot_becomes_the_accounts_state_and_is_told_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
