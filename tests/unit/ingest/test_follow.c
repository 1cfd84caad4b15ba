// test_follow - what becomes of a signal, in whatever order it is heard, and after Redis has lost
// it.
// SPDX-License-Identifier: MIT
#include "common/schema/record.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/ingest/follow.h"
#include "services/ingest/identity/identity.h"
#include "world.h"

static void new_signal(struct world *w, const char *id) {
    char body[128];
    (void)snprintf(body, sizeof body, "buy EURUSD 1 signal_id=%s", id);
    assert_int_equal(post(w, body).status, 200);
    world_begin(w);
}

static void routed_as(struct world *w, const char *id, unsigned orders, Reason__Code refusal) {
    Decision d = DECISION__INIT;
    d.account_id = (char *)"acc-1";
    d.reason = orders ? REASON__CODE__ordered : refusal;
    d.detail = orders ? NULL : (char *)"61 s";
    Decision *decisions[] = {&d};
    Routing r = ROUTING__INIT;
    r.signal_id = (char *)id;
    r.source = (char *)"tv";
    r.orders = orders;
    r.decisions = decisions;
    r.n_decisions = 1;
    r.signal_at = NOW;
    r.routed_at = NOW + 3 * NS_PER_MS;
    r.content = 4711;
    assert_int_equal(ingest_handle_routing(w->ingest, w->batch, &r.base), ERR_OK);
}

static void routed(struct world *w, const char *id, unsigned orders) {
    routed_as(w, id, orders, REASON__CODE__signal_too_old);
}

static err_t ended(struct world *w, const char *id, Signal__Status status) {
    SignalExecutionStatus s = SIGNAL_EXECUTION_STATUS__INIT;
    s.signal_id = (char *)id;
    s.status = status;
    s.has_execution_price = true;
    s.execution_price = 112340000;
    s.has_slippage = true;
    s.slippage = -5000;
    Outcome o = OUTCOME__INIT;
    o.signal_id = (char *)id;
    o.signal = &s;
    o.has_routed_at = o.has_first_executed_at = true;
    o.routed_at = NOW + 3 * NS_PER_MS;
    o.first_executed_at = NOW + 12345 * NS_PER_US;
    o.has_signal_at = true;
    o.signal_at = NOW;
    return ingest_handle_outcome(w->ingest, w->batch, &o.base);
}

static size_t live(struct world *w) { return table_count(w->ingest->lives); }

static void a_routed_signal_is_processing(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    routed(w, "s-1", 2);
    assert_true(wrote(w, "status\r\n$10\r\nprocessing"));
    assert_true(wrote(w, "SREM\r\n$20\r\nsignal:state:pending\r\n$3\r\ns-1"));
    assert_true(wrote(w, "SADD\r\n$23\r\nsignal:state:processing\r\n$3\r\ns-1"));
    assert_true(wrote(w, "signal_execution_status:s-1"));
    assert_true(wrote(w, "trades\r\n$1\r\n2"));
    assert_false(wrote(w, "PEXPIREAT"));
    assert_int_equal(batch_commands(w->batch), 4);
    assert_int_equal(live(w), 1);
}

static void a_signal_without_orders_fails_with_the_reasons(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    routed(w, "s-1", 0);
    assert_true(wrote(w, "status\r\n$6\r\nfailed"));
    assert_true(wrote(w, "acc-1: signal_too_old (61 s)"));
    assert_true(wrote(w, "signal_execution_status:s-1"));
    assert_false(wrote(w, "signal:state:processing"));
    assert_true(wrote(w, "PEXPIREAT\r\n$10\r\nsignal:s-1"));
    assert_int_equal(live(w), 0);
}

static void a_signal_that_needs_no_order_is_complete(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    routed_as(w, "s-1", 0, REASON__CODE__in_position);
    assert_true(wrote(w, "status\r\n$9\r\ncompleted"));
    assert_true(wrote(w, "acc-1: in_position"));
    assert_false(wrote(w, "signal:state:processing"));
    assert_int_equal(live(w), 0);
    new_signal(w, "s-2");
    routed_as(w, "s-2", 0, REASON__CODE__commanded);
    assert_int_equal(live(w), 0);
}

static void an_outcome_completes_and_measures(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    routed(w, "s-1", 1);
    world_begin(w);
    assert_int_equal(ended(w, "s-1", SIGNAL__STATUS__completed), ERR_OK);
    assert_true(wrote(w, "status\r\n$9\r\ncompleted"));
    assert_true(wrote(w, "slippage\r\n$8\r\n-0.00005"));
    assert_true(wrote(w, "processing_time_ms\r\n$1\r\n3"));
    assert_true(wrote(w, "execution_latency_ms\r\n$2\r\n12"));
    assert_true(wrote(w, "execution_latency_us\r\n$5\r\n12345"));
    assert_true(wrote(w, "SREM\r\n$23\r\nsignal:state:processing"));
    assert_int_equal(batch_commands(w->batch), 7);
    assert_int_equal(live(w), 0);
}

static void an_outcome_may_come_before_its_routing(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    assert_int_equal(ended(w, "s-1", SIGNAL__STATUS__failed), ERR_OK);
    assert_true(wrote(w, "SREM\r\n$20\r\nsignal:state:pending\r\n$3\r\ns-1"));
    assert_int_equal(live(w), 0);
    world_begin(w);
    routed(w, "s-1", 1);
    assert_true(batch_is_empty(w->batch));
}

static void an_outcome_that_is_none_is_refused(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    assert_int_equal(ended(w, "s-1", SIGNAL__STATUS__pending), ERR_RULE);
    assert_int_equal(live(w), 1);
}

static void how_far_a_signal_is_counts_until_it_is_final(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    routed(w, "s-1", 2);
    world_begin(w);
    assert_int_equal(ended(w, "s-1", SIGNAL__STATUS__processing), ERR_OK);
    assert_true(wrote(w, "signal_execution_status:s-1"));
    assert_true(wrote(w, "execution_price\r\n$6\r\n1.1234"));
    assert_int_equal(batch_commands(w->batch), 1);
    assert_int_equal(ended(w, "s-1", SIGNAL__STATUS__completed), ERR_OK);
    world_begin(w);
    assert_int_equal(ended(w, "s-1", SIGNAL__STATUS__processing), ERR_OK);
    assert_true(batch_is_empty(w->batch));
}

static void a_second_routing_changes_nothing(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    routed(w, "s-1", 1);
    world_begin(w);
    routed(w, "s-1", 0);
    assert_true(batch_is_empty(w->batch));
    assert_int_equal(live(w), 1);
}

static void the_outcome_of_one_trade_is_not_ours(void **state) {
    struct world *w = *state;
    Outcome o = OUTCOME__INIT;
    new_signal(w, "s-1");
    o.signal_id = (char *)"s-1";
    assert_int_equal(ingest_handle_outcome(w->ingest, w->batch, &o.base), ERR_OK);
    assert_true(batch_is_empty(w->batch));
}

// Its gateway's books had an order of it.
static void an_alert_that_was_lost_and_ordered_is_the_same_when_it_comes_again(void **state) {
    struct world *w = *state;
    struct losses *losses = &w->ingest->losses;
    TradeReconciliation t = TRADE_RECONCILIATION__INIT;
    Outcome o = OUTCOME__INIT;
    struct reply first = post(w, "buy EURUSD 1");
    char id[ID_TEXT];
    assert_int_equal(first.status, 200);
    assert_int_equal(sscanf(first.body.data, "{\"signal_id\":\"%36[^\"]", id), 1);
    guard_destroy(&w->ingest->guard);
    w->ingest->guard = guard_new(SIGNAL_GUARD, 100);
    lives_drop(w->ingest, id);
    losses_add(losses, w->now - NS_PER_S);
    o.signal_id = id;
    o.trade = &t;
    o.has_signal_at = true;
    o.signal_at = w->now;
    world_begin(w);
    assert_int_equal(ingest_handle_outcome(w->ingest, w->batch, &o.base), ERR_OK);
    assert_true(wrote(w, "signal:guard"));
    w->now += 19900 * NS_PER_MS; // over the edge of its bucket, and where it would be unsure
    world_begin(w);
    assert_int_equal(post(w, "buy EURUSD 1").status, 200);
    assert_true(wrote(w, id));
    assert_int_equal(live(w), 1);
}

static void a_lost_signal_is_taken_up_again_from_its_routing(void **state) {
    struct world *w = *state;
    routed(w, "lost-1", 1);
    assert_true(wrote(w, "signal:lost-1"));
    assert_true(wrote(w, "signal:guard:"));
    assert_true(wrote(w, "signal:state:processing"));
    assert_int_equal(post(w, "buy EURUSD signal_id=lost-1").status, 409); // its content was 4711
    world_begin(w);
    assert_int_equal(ended(w, "lost-1", SIGNAL__STATUS__completed), ERR_OK);
    assert_true(wrote(w, "status\r\n$9\r\ncompleted"));
    assert_int_equal(live(w), 0);
}

static void a_lost_signal_that_is_over_does_not_come_to_life(void **state) {
    struct world *w = *state;
    assert_int_equal(ended(w, "lost-1", SIGNAL__STATUS__completed), ERR_OK);
    assert_true(wrote(w, "signal_execution_status:lost-1"));
    world_begin(w);
    routed(w, "lost-1", 1);
    assert_int_equal(live(w), 0);
    assert_false(wrote(w, "signal:state"));
    world_begin(w);
    routed(w, "lost-1", 1);
    assert_true(batch_is_empty(w->batch));
}

static void the_routing_of_a_signal_that_is_final_changes_nothing(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    routed(w, "s-1", 0);
    world_begin(w);
    routed(w, "s-1", 1);
    assert_true(batch_is_empty(w->batch));
    assert_int_equal(live(w), 0);
}

// --- late evidence

static void what_was_executed_after_all_completes_what_had_failed(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    routed(w, "s-1", 0);
    world_begin(w);
    assert_int_equal(ended(w, "s-1", SIGNAL__STATUS__completed), ERR_OK);
    assert_true(wrote(w, "HSET\r\n$10\r\nsignal:s-1\r\n$6\r\nstatus\r\n$9\r\ncompleted"));
    assert_true(wrote(w, "PEXPIREAT\r\n$10\r\nsignal:s-1"));
    assert_true(wrote(w, "signal_execution_status:s-1"));
    assert_true(wrote(w, "signal_metrics:s-1"));
    assert_true(wrote(w, "processing_time_ms\r\n$1\r\n3"));
    assert_true(wrote(w, "execution_latency_ms\r\n$2\r\n12"));
    assert_false(wrote(w, "signal:state:"));
}

static void what_is_completed_never_goes_back(void **state) {
    struct world *w = *state;
    new_signal(w, "s-1");
    routed(w, "s-1", 1);
    assert_int_equal(ended(w, "s-1", SIGNAL__STATUS__completed), ERR_OK);
    world_begin(w);
    assert_int_equal(ended(w, "s-1", SIGNAL__STATUS__failed), ERR_OK);
    routed(w, "s-1", 0);
    assert_true(batch_is_empty(w->batch));
}

// The routing of a lost signal comes last: what it becomes is what its outcomes said, the best of
// them.
static void a_lost_signal_has_the_status_of_its_outcomes(void **state) {
    static const struct {
        Signal__Status outcomes[2];
        const char *status;
    } orders[] = {
        {{SIGNAL__STATUS__failed, SIGNAL__STATUS__failed}, "status\r\n$6\r\nfailed"},
        {{SIGNAL__STATUS__failed, SIGNAL__STATUS__completed}, "status\r\n$9\r\ncompleted"},
        {{SIGNAL__STATUS__completed, SIGNAL__STATUS__failed}, "status\r\n$9\r\ncompleted"},
    };
    struct world *w = *state;
    for (unsigned i = 0; i < sizeof orders / sizeof *orders; i++) {
        char id[16], key[32];
        (void)snprintf(id, sizeof id, "lost-%u", i);
        (void)snprintf(key, sizeof key, "signal:%s\r\n", id);
        for (unsigned n = 0; n < 2; n++)
            assert_int_equal(ended(w, id, orders[i].outcomes[n]), ERR_OK);
        world_begin(w);
        routed(w, id, i == 2 ? 0 : 1);
        assert_true(wrote(w, key));
        assert_true(wrote(w, orders[i].status));
        assert_false(wrote(w, "signal_execution_status:"));
        assert_int_equal(live(w), 0);
    }
}

static void a_lost_signal_that_was_not_routed_again_is_completed_by_evidence(void **state) {
    struct world *w = *state;
    routed(w, "lost-1", 0);
    world_begin(w);
    assert_int_equal(ended(w, "lost-1", SIGNAL__STATUS__completed), ERR_OK);
    assert_true(wrote(w, "HSET\r\n$13\r\nsignal:lost-1\r\n$6\r\nstatus\r\n$9\r\ncompleted"));
}

// --- what the archive has

static Signal archived(const char *id, Signal__Status status) {
    Signal s = SIGNAL__INIT;
    s.signal_id = (char *)id;
    s.source = (char *)"tv";
    s.symbol = (char *)"EURUSD";
    s.order_type = SIGNAL__ORDER_TYPE__market;
    s.direction = SIGNAL__DIRECTION__buy;
    s.has_lot_size = true;
    s.lot_size = 100000000;
    s.status = status;
    s.created_at = NOW - 5 * NS_PER_S;
    s.content = 4711;
    return s;
}

static err_t recalled(struct world *w, const Signal *s) {
    return ingest_handle_recall(w->ingest, w->batch, &s->base);
}

static void a_lost_signal_without_an_outcome_is_given_again_as_it_came(void **state) {
    struct world *w = *state;
    const struct outgoing *given;
    Signal s = archived("lost-1", SIGNAL__STATUS__pending);
    assert_int_equal(recalled(w, &s), ERR_OK);
    assert_int_equal(count_emitted(w, "Signal", &given), 1);
    const Signal *again = (const Signal *)batch_opened(w->batch, given);
    assert_string_equal(again->signal_id, "lost-1");
    assert_int_equal(again->created_at, s.created_at);
    assert_int_equal(again->lot_size, s.lot_size);
    assert_int_equal(again->content, s.content);
    assert_true(wrote(w, "SADD\r\n$20\r\nsignal:state:pending\r\n$6\r\nlost-1"));
    assert_int_equal(live(w), 1);
    world_begin(w);
    assert_int_equal(recalled(w, &s), ERR_OK); // it is offered at least once
    assert_true(batch_is_empty(w->batch));
    routed(w, "lost-1", 1);
    assert_int_equal(ended(w, "lost-1", SIGNAL__STATUS__completed), ERR_OK);
    assert_int_equal(live(w), 0);
    world_begin(w);
    assert_int_equal(recalled(w, &s), ERR_OK); // the archive has not heard of that yet
    assert_true(batch_is_empty(w->batch));
}

static void what_is_known_is_not_given_again(void **state) {
    struct world *w = *state;
    Signal s = archived("s-1", SIGNAL__STATUS__pending);
    routed(w, "s-1", 1);
    world_begin(w);
    assert_int_equal(recalled(w, &s), ERR_OK);
    assert_true(batch_is_empty(w->batch));
}

static void a_lost_signal_that_has_ended_is_remembered_as_it_ended(void **state) {
    static const Signal__Status statuses[] = {SIGNAL__STATUS__completed, SIGNAL__STATUS__failed};
    static const char *const written[] = {"status\r\n$9\r\ncompleted", "status\r\n$6\r\nfailed"};
    struct world *w = *state;
    for (unsigned i = 0; i < 2; i++) {
        Signal s = archived(i ? "lost-2" : "lost-1", statuses[i]);
        world_begin(w);
        assert_int_equal(ended(w, s.signal_id, statuses[i]), ERR_OK);
        assert_int_equal(recalled(w, &s), ERR_OK);
        assert_true(wrote(w, i ? "signal:lost-2\r\n" : "signal:lost-1\r\n"));
        assert_true(wrote(w, "symbol\r\n$6\r\nEURUSD"));
        assert_true(wrote(w, written[i]));
        assert_true(wrote(w, "signal_execution_status:"));
        assert_int_equal(count_emitted(w, "Signal", NULL), 0);
        assert_int_equal(live(w), 0);
        world_begin(w);
        routed(w, s.signal_id, 1);
        assert_int_equal(recalled(w, &s), ERR_OK);
        assert_true(batch_is_empty(w->batch));
    }
}

// The broker had executed it, and the reconciler said so before the archive was asked.
static void a_lost_signal_whose_outcome_is_here_is_not_given_again(void **state) {
    struct world *w = *state;
    Signal s = archived("lost-1", SIGNAL__STATUS__pending);
    assert_int_equal(ended(w, "lost-1", SIGNAL__STATUS__completed), ERR_OK);
    assert_int_equal(recalled(w, &s), ERR_OK);
    assert_int_equal(count_emitted(w, "Signal", NULL), 0);
    assert_true(wrote(w, "status\r\n$9\r\ncompleted"));
}

// A sender that has heard nothing sends it again: the id was made here, of content and time.
static void a_recalled_signal_is_known_when_it_is_sent_again(void **state) {
    struct world *w = *state;
    const struct outgoing *given;
    assert_int_equal(post(w, "buy EURUSD 1").status, 200);
    assert_int_equal(count_emitted(w, "Signal", &given), 1);
    Signal *first = (Signal *)record_copy(batch_opened(w->batch, given), NULL);
    for (unsigned i = 0; i < 2; i++) {
        ingest_destroy(&w->ingest);
        w->ingest = ingest_new(&w->context, &w->settings);
        world_begin(w);
        first->status = i ? SIGNAL__STATUS__failed : SIGNAL__STATUS__pending;
        assert_int_equal(recalled(w, first), ERR_OK);
        w->now = NOW + 15 * NS_PER_S; // another bucket
        world_begin(w);
        assert_says(post(w, "buy EURUSD 1"), "\"duplicate\":true");
        w->now = NOW;
    }
    signal__free_unpacked(first, NULL);
}

static void without_room_a_recall_waits(void **state) {
    struct world *w = *state;
    Signal s = archived("lost-1", SIGNAL__STATUS__pending);
    w->settings.signals_max = 0;
    assert_int_equal(recalled(w, &s), ERR_BUSY);
    assert_true(batch_is_empty(w->batch));
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(a_routed_signal_is_processing),
        world_test(a_signal_without_orders_fails_with_the_reasons),
        world_test(a_signal_that_needs_no_order_is_complete),
        world_test(an_outcome_completes_and_measures),
        world_test(an_outcome_may_come_before_its_routing),
        world_test(an_outcome_that_is_none_is_refused),
        world_test(how_far_a_signal_is_counts_until_it_is_final),
        world_test(a_second_routing_changes_nothing),
        world_test(the_outcome_of_one_trade_is_not_ours),
        world_test(an_alert_that_was_lost_and_ordered_is_the_same_when_it_comes_again),
        world_test(a_lost_signal_is_taken_up_again_from_its_routing),
        world_test(a_lost_signal_that_is_over_does_not_come_to_life),
        world_test(the_routing_of_a_signal_that_is_final_changes_nothing),
        world_test(a_lost_signal_without_an_outcome_is_given_again_as_it_came),
        world_test(what_is_known_is_not_given_again),
        world_test(a_lost_signal_that_has_ended_is_remembered_as_it_ended),
        world_test(a_lost_signal_whose_outcome_is_here_is_not_given_again),
        world_test(a_recalled_signal_is_known_when_it_is_sent_again),
        world_test(without_room_a_recall_waits),
        world_test(what_was_executed_after_all_completes_what_had_failed),
        world_test(what_is_completed_never_goes_back),
        world_test(a_lost_signal_has_the_status_of_its_outcomes),
        world_test(a_lost_signal_that_was_not_routed_again_is_completed_by_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
