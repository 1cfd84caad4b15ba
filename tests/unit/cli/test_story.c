// test_story - a signal's story is told whole, with times, and as far as it is known.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/operator/story.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "tests/unit/terms.h"

#define T0          (UINT64_C(1742638530) * NS_PER_S)
#define AFTER_US(n) (T0 + (n)*NS_PER_US)

static Signal signal_;
static Order order;
static TradeState trade;
static TradeResult result;
static TradeReconciliation reconciliation;
static Decision ordered, refused;
static Routing routing;
static SignalExecutionStatus status;

static void set_signal(void) {
    signal__init(&signal_);
    signal_.signal_id = (char *)"s-1";
    signal_.source = (char *)"demo";
    signal_.symbol = (char *)"EURUSD";
    signal_.order_type = SIGNAL__ORDER_TYPE__market;
    signal_.direction = SIGNAL__DIRECTION__buy;
    signal_.has_lot_size = signal_.has_price = true;
    signal_.lot_size = INT64_C(200000000);
    signal_.price = INT64_C(108430000);
    signal_.status = SIGNAL__STATUS__completed;
    signal_.created_at = T0;
    order__init(&order);
    order.terms = new_terms();
    order.trade_id = (char *)"t-1";
    order.broker_id = (char *)"alpha";
    order.broker_symbol = (char *)"EURUSD.m";
    order.direction = SIGNAL__DIRECTION__buy;
    order.terms->has_lot_size = true;
    order.terms->lot_size = INT64_C(10000000);
    order.ordered_at = AFTER_US(412);
}

static void set_trade(void) {
    trade_state__init(&trade);
    trade.terms = new_terms();
    trade.trade_id = (char *)"t-1";
    trade.state = TRADE_STATE__STATE__filled;
    trade.has_submitted_at = true;
    trade.submitted_at = AFTER_US(950);
    trade.instance_id = (char *)"paper-alpha";
    trade.updated_at = AFTER_US(1900);
    trade_result__init(&result);
    result.state = TRADE_RESULT__STATE__executed;
    result.lot_size = INT64_C(10000000);
    result.has_execution_price = result.has_slippage = true;
    result.execution_price = INT64_C(108432000);
    result.slippage = INT64_C(2000);
    result.executed_at = AFTER_US(1850);
    trade_reconciliation__init(&reconciliation);
    reconciliation.reconciliation_status = TRADE_RECONCILIATION__STATUS__success;
    reconciliation.has_discrepancy = true;
    reconciliation.discrepancy = INT64_C(2000);
    reconciliation.reconciled_at = AFTER_US(2600);
}

static struct story story_of(struct part parts[2]) {
    set_signal();
    set_trade();
    decision__init(&ordered);
    ordered.account_id = (char *)"anna";
    ordered.reason = REASON__CODE__ordered;
    ordered.trade_id = (char *)"t-1";
    decision__init(&refused);
    refused.account_id = (char *)"ben";
    refused.reason = REASON__CODE__filtered_symbol;
    refused.detail = (char *)"takes XAUUSD";
    routing__init(&routing);
    routing.orders = 1;
    routing.routed_at = AFTER_US(412);
    signal_execution_status__init(&status);
    status.status = SIGNAL__STATUS__completed;
    status.has_fill_percentage = status.has_execution_price = true;
    status.fill_percentage = INT64_C(10000000000);
    status.execution_price = INT64_C(108432000);
    parts[0] = (struct part){.account_id = "anna",
                             .decision = &ordered,
                             .order = &order,
                             .trade = &trade,
                             .reconciliation = &reconciliation,
                             .results = {&result},
                             .n_results = 1,
                             .archived = true};
    parts[1] = (struct part){.account_id = "ben", .decision = &refused};
    return (struct story){.signal_id = "s-1",
                          .signal = &signal_,
                          .routing = &routing,
                          .status = &status,
                          .parts = parts,
                          .n_parts = 2,
                          .archived = true,
                          .archive_known = true};
}

static void the_whole_story_has_every_step_with_its_time(void **state) {
    (void)state;
    struct part parts[2];
    struct story story = story_of(parts);
    own(buffer) out = {0};
    story_tell(&story, &out);
    assert_string_equal(
        buffer_string(&out),
        "signal s-1\n"
        "  received                  2025-03-22T10:15:30Z from demo\n"
        "  asked                     buy EURUSD market, 2 lots at 1.0843\n"
        "  routed           +412 us  1 order(s) for 2 account(s)\n"
        "  completed                 filled 100 %, average price 1.08432, slippage -\n"
        "  archived                  yes\n"
        "\n"
        "account anna, trade t-1\n"
        "  decided          +412 us  buy EURUSD.m at alpha, 0.1 lots\n"
        "  sent             +950 us  by paper-alpha\n"
        "  executed         +1.8 ms  0.1 lots at 1.08432, slippage 0.00002\n"
        "  filled           +1.9 ms  \n"
        "  reconciled       +2.6 ms  success, discrepancy 0.00002\n"
        "  archived                  yes\n"
        "\n"
        "account ben: no order, filtered_symbol: takes XAUUSD\n");
}

static void a_story_that_has_only_begun_says_so(void **state) {
    (void)state;
    struct part parts[2];
    struct story story = story_of(parts);
    own(buffer) out = {0};
    story.routing = NULL;
    story.status = NULL;
    story.n_parts = 0;
    story.archive_known = false;
    signal_.status = SIGNAL__STATUS__pending;
    story_tell(&story, &out);
    assert_non_null(strstr(buffer_string(&out), "not routed"));
    assert_non_null(strstr(buffer_string(&out), "the archive cannot be read"));
}

// --- orders that no signal asked for

static Command command;
static OrderCommand for_account;
static TradeState closer;
static Closing closing;

static void set_closer(TradeState__Cause cause, const char *cause_id) {
    static Closing *closings[] = {&closing};
    closing__init(&closing);
    closing.trade_id = (char *)"t-1";
    closing.lots = INT64_C(10000000);
    trade_state__init(&closer);
    closer.terms = new_terms();
    closer.trade_id = (char *)"t-9";
    closer.signal_id = closer.cause_id = (char *)cause_id;
    closer.has_cause = true;
    closer.cause = cause;
    closer.state = TRADE_STATE__STATE__filled;
    closer.ordered_at = AFTER_US(5000);
    closer.has_executed_at = true;
    closer.executed_at = closer.updated_at = AFTER_US(6000);
    closer.closes = closings;
    closer.n_closes = 1;
    command__init(&command);
    command.command_id = (char *)"c-1";
    command.action = COMMAND__ACTION__halt;
    command.has_flatten = command.flatten = true;
    command.account_id = (char *)"anna";
    command.operator_ = (char *)"root";
    command.reason = (char *)"the desk said so";
    command.created_at = AFTER_US(4000);
    order_command__init(&for_account);
    for_account.command_id = (char *)"c-2";
    for_account.account_id = (char *)"anna";
    for_account.action = ORDER_COMMAND__ACTION__close;
    for_account.operator_ = (char *)"ben";
    for_account.created_at = AFTER_US(4000);
}

static void expect_told(const struct story *story, const char *wanted) {
    own(buffer) out = {0};
    story_tell(story, &out);
    if (!strstr(buffer_string(&out), wanted))
        fail_msg("%s: not in %s", wanted, buffer_string(&out));
}

static void a_command_tells_what_it_closed_for_whom_and_why(void **state) {
    (void)state;
    set_closer(TRADE_STATE__CAUSE__flatten, "c-1");
    set_trade();
    struct part part = {.account_id = "anna",
                        .trade = &closer,
                        .results = {&result},
                        .n_results = 1,
                        .word = {.command = &command}};
    struct story story = {
        .signal_id = "c-1", .word = {.command = &command}, .parts = &part, .n_parts = 1};
    own(buffer) out = {0};
    story_tell(&story, &out);
    assert_string_equal(
        buffer_string(&out),
        "command c-1\n"
        "  given                     2025-03-22T10:15:30.004Z halt and flatten, anna, by root: the "
        "desk said so\n"
        "\n"
        "account anna, trade t-9\n"
        "  made             +1.0 ms  flattened on command c-1, by root: the desk said so\n"
        "  executed         earlier  0.1 lots at 1.08432, slippage 0.00002\n"
        "  filled           +2.0 ms  \n");
    story.n_parts = 0;
    expect_told(&story, "nothing was closed by it");
}

static void a_position_tells_who_closed_it(void **state) {
    (void)state;
    static const struct {
        TradeState__Cause cause;
        const char *cause_id;
        struct word word;
        const char *told;
    } causes[] = {
        {TRADE_STATE__CAUSE__command,
         "c-2",
         {&command, &for_account},
         "on command c-2, by root: the desk said so"},
        {TRADE_STATE__CAUSE__command, "c-2", {NULL, &for_account}, "on command c-2, by ben"},
        {TRADE_STATE__CAUSE__stop, "t-1", {NULL, NULL}, "its stop was reached, trade t-1"},
        {TRADE_STATE__CAUSE__other_side, "t-1", {NULL, NULL}, "the other side of trade t-1"},
    };
    struct part parts[2];
    struct story story = story_of(parts);
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        set_closer(causes[i].cause, causes[i].cause_id);
        parts[0].closers[0] = (struct closer){&closer, causes[i].word};
        parts[0].n_closers = 1;
        expect_told(&story, "  closing          +6.0 ms  0.1 lots by trade t-9, filled; ");
        expect_told(&story, causes[i].told);
    }
    closer.has_cause = false; // another signal's
    closer.signal_id = (char *)"s-2";
    expect_told(&story, "filled; signal s-2\n");
}

static void machines_get_whose_word_it_was(void **state) {
    (void)state;
    struct part parts[2];
    struct story story = story_of(parts);
    own(buffer) out = {0};
    set_closer(TRADE_STATE__CAUSE__flatten, "c-1");
    parts[0].closers[0] = (struct closer){&closer, {.command = &command}};
    parts[0].n_closers = 1;
    story_json(&story, &out);
    assert_non_null(strstr(buffer_string(&out), "\"closed_by\":[{\"trade\":{\"trade_id\":\"t-9\""));
    assert_non_null(strstr(buffer_string(&out), "\"command\":{\"command_id\":\"c-1\""));
}

static void a_refused_signal_says_which_rule(void **state) {
    (void)state;
    SignalRejection rejection = SIGNAL_REJECTION__INIT;
    rejection.field = (char *)"stop_loss";
    rejection.rejection_reason = (char *)"must be below the price of a buy";
    struct story story = {.signal_id = "s-2", .rejection = &rejection};
    own(buffer) out = {0};
    story_tell(&story, &out);
    assert_non_null(strstr(buffer_string(&out), "rejected"));
    assert_non_null(strstr(buffer_string(&out), "stop_loss: must be below the price of a buy"));
}

static void machines_get_everything(void **state) {
    (void)state;
    struct part parts[2];
    struct story story = story_of(parts);
    own(buffer) out = {0};
    story_json(&story, &out);
    static const char *const wanted[] = {"\"signal_id\":\"s-1\",\"signal\":{",
                                         "\"rejection\":null",
                                         "\"accounts\":[{\"account_id\":\"anna\"",
                                         "\"results\":[{",
                                         "\"archived\":true",
                                         "{\"account_id\":\"ben\",\"decision\":{",
                                         "\"trade\":null"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_non_null(strstr(buffer_string(&out), wanted[i]));
}

static void a_consensus_tells_its_votes_and_a_part_what_it_came_to(void **state) {
    (void)state;
    struct part parts[2];
    struct story story = story_of(parts);
    Vote agreed = VOTE__INIT, against = VOTE__INIT;
    agreed.source = (char *)"tv";
    agreed.signal_id = (char *)"tv-1";
    agreed.direction = SIGNAL__DIRECTION__buy;
    agreed.weight = INT64_C(200000000);
    agreed.agrees = agreed.has_confidence = true;
    agreed.confidence = INT64_C(9000000000);
    against = agreed;
    against.source = (char *)"bot";
    against.direction = SIGNAL__DIRECTION__sell;
    against.agrees = against.has_confidence = false;
    signal_.votes = (Vote *[]){&agreed, &against};
    signal_.n_votes = 2;
    signal_.sources = 1;
    signal_.agreement = INT64_C(66666667);
    Ballot waiting = BALLOT__INIT;
    waiting.waiting = (char *)"agreement";
    waiting.agreement = INT64_C(50000000);
    const struct contribution contributions[] = {
        {.config_id = "both", .consensus = "c-1", .vote = &agreed},
        {.config_id = "other", .consensus = "c-2"},
        {.config_id = "third", .waiting = &waiting}};
    story.contributions = contributions;
    story.n_contributions = 3;
    static const char *const lines[] = {
        "1 sources, agreement 0.66666667",
        "tv buy, weight 2, confidence 90, signal tv-1",
        "bot sell, weight 2, signal tv-1",
        "for signal c-1 of both, weight 2",
        "for signal c-2 of other, after it was decided",
        "in third, which lacks agreement: agreement 0.5",
    };
    own(buffer) out = {0};
    story_tell(&story, &out);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(buffer_string(&out), lines[i]))
            fail_msg("%s: not in %s", lines[i], buffer_string(&out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_story_has_every_step_with_its_time),
        cmocka_unit_test(a_story_that_has_only_begun_says_so),
        cmocka_unit_test(a_command_tells_what_it_closed_for_whom_and_why),
        cmocka_unit_test(a_position_tells_who_closed_it),
        cmocka_unit_test(machines_get_whose_word_it_was),
        cmocka_unit_test(a_refused_signal_says_which_rule),
        cmocka_unit_test(machines_get_everything),
        cmocka_unit_test(a_consensus_tells_its_votes_and_a_part_what_it_came_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
