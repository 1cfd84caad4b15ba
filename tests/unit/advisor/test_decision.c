// test_decision - decisions of models: what may come in, what each may become, what it becomes as a signal, and what may be done without a person.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "services/advisor/decision/caps.h"
#include "services/advisor/decision/lifecycle.h"
#include "services/advisor/decision/proposal.h"
#include "services/advisor/decision/signal_body.h"

#define PACKAGE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HOUR    (3600 * NS_PER_S)
#define NOW     (1000 * 24 * HOUR)

static const char good[] =
    "{\"package_id\":\"" PACKAGE "\",\"symbol\":\"EURUSD\",\"action\":\"buy\","
    "\"reasoning\":\"trend\",\"lot_size\":0.1,\"confidence\":70}";

static LlmProposal *read_proposal(const char *json, arena_t *arena, char why[static PROPOSAL_WHY]) {
    return proposal_read(span_of(json), arena, why);
}

static void what_is_no_proposal_is_told_in_words(void **state) {
    arena_t *arena = *state;
    char why[PROPOSAL_WHY];
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"", "JSON"},
        {"buy!", "JSON"},
        {"[]", "object"},
        {"{\"package_id\":\"x\",\"symbol\":\"EURUSD\",\"action\":\"buy\"", "JSON"},
        {"{\"package_id\":\"x\",\"symbol\":\"EURUSD\",\"action\":\"buy\"}",
         "reasoning is required"},
        {"{\"package_id\":\"x\",\"symbol\":\"E\",\"action\":\"moon\",\"reasoning\":\"r\"}",
         "action"},
        {"{\"package_id\":\"x\",\"symbol\":\"E\",\"action\":\"buy\",\"reasoning\":\"r\",\"lot_"
         "size\":"
         "\"many\"}",
         "lot_size"},
        {"{\"package_id\":\"x\",\"symbol\":\"E\",\"action\":\"buy\",\"reasoning\":\"r\","
         "\"account_id\":\"a\"}",
         "account_id is not known"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (read_proposal(rows[i].json, arena, why)) fail_msg("taken: %s", rows[i].json);
        if (!strstr(why, rows[i].says)) fail_msg("%s: %s", rows[i].json, why);
    }
    assert_non_null(read_proposal(good, arena, why));
}

static void the_same_decision_has_the_same_id_however_it_is_written(void **state) {
    arena_t *arena = *state;
    char why[PROPOSAL_WHY], one[ID_TEXT], other[ID_TEXT];
    static const char spaced[] =
        "{ \"symbol\" : \"EURUSD\", \"confidence\":70, \"action\":\"buy\",\n \"lot_size\":0.1,"
        "\"reasoning\":\"trend\",\"package_id\":\"" PACKAGE "\" }";
    static const char differs[] =
        "{\"package_id\":\"" PACKAGE "\",\"symbol\":\"EURUSD\",\"action\":"
        "\"buy\",\"reasoning\":\"trend\",\"lot_size\":0.2,"
        "\"confidence\":70}";
    static const char other_numbers[] =
        "{\"package_id\":\"" PACKAGE "\",\"symbol\":\"EURUSD\",\"action\":\"buy\","
        "\"reasoning\":\"trend\",\"lot_size\":\"0.10\",\"confidence\":7e1,\"strategy\":null}";
    proposal_id(read_proposal(good, arena, why), one);
    proposal_id(read_proposal(spaced, arena, why), other);
    assert_string_equal(one, other);
    proposal_id(read_proposal(other_numbers, arena, why), other);
    assert_string_equal(one, other);
    proposal_id(read_proposal(differs, arena, why), other);
    assert_string_not_equal(one, other);
}

static void a_decision_rests_on_a_package_that_is_known_fresh_and_of_its_symbol(void **state) {
    arena_t *arena = *state;
    char why[PROPOSAL_WHY];
    const LlmProposal *p = read_proposal(good, arena, why);
    struct proposal_rules rules = {NOW, 300 * NS_PER_S, {0}};
    struct package package = {.id = PACKAGE, .symbol = "EURUSD", .as_of = NOW, .fresh_price = true};
    assert_true(proposal_check(p, &package, &rules, why));
    assert_false(proposal_check(p, NULL, &rules, why));
    package.as_of = NOW - 301 * NS_PER_S;
    assert_false(proposal_check(p, &package, &rules, why));
    package.as_of = NOW;
    package.fresh_price = false;
    assert_false(proposal_check(p, &package, &rules, why));
    package.fresh_price = true;
    memcpy(package.symbol, "GBPUSD", 7);
    assert_false(proposal_check(p, &package, &rules, why));
    memcpy(package.symbol, "EURUSD", 7);
    rules.lots_most = (decimal_t){DECIMAL_SCALE / 20};
    assert_false(proposal_check(p, &package, &rules, why));
    assert_non_null(strstr(why, "0.05"));
}

static void numbers_and_texts_have_bounds(void **state) {
    arena_t *arena = *state;
    char why[PROPOSAL_WHY];
    struct proposal_rules rules = {NOW, 300 * NS_PER_S, {0}};
    struct package package = {.id = PACKAGE, .symbol = "EURUSD", .as_of = NOW, .fresh_price = true};
    LlmProposal *p = read_proposal(good, arena, why);
    p->lot_size = 0;
    assert_false(proposal_check(p, &package, &rules, why));
    p->lot_size = 1;
    p->confidence = 101 * DECIMAL_SCALE;
    assert_false(proposal_check(p, &package, &rules, why));
    p->confidence = 100 * DECIMAL_SCALE;
    assert_true(proposal_check(p, &package, &rules, why));
    p->model = arena_text(arena, "\x1b[2J");
    assert_false(proposal_check(p, &package, &rules, why));
}

static void only_moves_of_the_table_are_made(void **state) {
    (void)state;
    static const struct {
        LlmDecision__State from;
        enum decision_event event;
        LlmDecision__State to;
    } good_moves[] = {
        {LLM_DECISION__STATE__proposed, DECISION_APPROVED, LLM_DECISION__STATE__submitting},
        {LLM_DECISION__STATE__proposed, DECISION_REFUSED, LLM_DECISION__STATE__refused},
        {LLM_DECISION__STATE__proposed, DECISION_TIME_UP, LLM_DECISION__STATE__expired},
        {LLM_DECISION__STATE__submitting, DECISION_ACCEPTED, LLM_DECISION__STATE__accepted},
        {LLM_DECISION__STATE__submitting, DECISION_REJECTED, LLM_DECISION__STATE__rejected}};
    for (unsigned i = 0; i < llm_decision__state__descriptor.n_values; i++) {
        for (enum decision_event e = 0; e < DECISION_EVENTS; e++) {
            LlmDecision__State from = (LlmDecision__State)llm_decision__state__descriptor.values[i]
                                          .value,
                               is = from, should = from;
            for (size_t g = 0; g < 5; g++)
                if (good_moves[g].from == from && good_moves[g].event == e)
                    should = good_moves[g].to;
            assert_int_equal(decision_step(&is, e), should != from);
            assert_int_equal(is, should);
        }
    }
}

static void a_decision_is_always_the_same_signal(void **state) {
    (void)state;
    LlmDecision d = LLM_DECISION__INIT;
    buffer_t one = {0}, other = {0};
    d.decision_id = (char *)"0190-x";
    d.symbol = (char *)"EURUSD";
    d.has_action = true;
    d.action = LLM_PROPOSAL__ACTION__buy;
    d.has_lot_size = true;
    d.lot_size = DECIMAL_SCALE / 10;
    d.reasoning = (char *)"a \"trend\"";
    d.created_at = NOW;
    d.has_expires_at = true;
    d.expires_at = NOW + NS_PER_S;
    signal_body_write(&d, &one);
    d.updated_at = NOW + 7; // how often it was tried says nothing
    d.state = LLM_DECISION__STATE__submitting;
    signal_body_write(&d, &other);
    assert_string_equal(buffer_string(&one), buffer_string(&other));
    assert_string_equal(
        buffer_string(&one),
        "{\"signal_id\":\"0190-x\",\"symbol\":\"EURUSD\",\"action\":\"buy\",\"lot_size\":0.1,"
        "\"reasoning\":\"a \\\"trend\\\"\",\"timestamp\":\"1972-09-27T00:00:00Z\","
        "\"expiration_time\":\"1972-09-27T00:00:01Z\"}");
    buffer_destroy(&one);
    buffer_destroy(&other);
}

static void
what_is_over_a_limit_is_not_counted_and_comes_back_with_the_hour_and_the_day(void **state) {
    (void)state;
    LlmUse use = LLM_USE__INIT;
    const struct caps caps = {2, 3, 1, 100};
    const char *why;
    caps_turn(&use, NOW);
    assert_true(caps_count_decision(&use, &caps, &why) && caps_count_decision(&use, &caps, &why));
    assert_false(caps_count_decision(&use, &caps, &why));
    assert_non_null(strstr(why, "hour"));
    caps_turn(&use, NOW - HOUR); // a clock that is set back gives nothing back
    assert_false(caps_count_decision(&use, &caps, &why));
    caps_turn(&use, NOW + HOUR);
    assert_true(caps_count_decision(&use, &caps, &why));
    assert_false(caps_count_decision(&use, &caps, &why));
    assert_non_null(strstr(why, "day"));
    assert_true(caps_count_call(&use, &caps, &why));
    assert_false(caps_count_call(&use, &caps, &why));
    caps_turn(&use, NOW + 2 * HOUR);
    caps_count_tokens(&use, 100);
    assert_false(caps_count_call(&use, &caps, &why));
    assert_non_null(strstr(why, "tokens"));
    caps_turn(&use, NOW + 24 * HOUR);
    assert_true(caps_count_call(&use, &caps, &why) && caps_count_decision(&use, &caps, &why));
}

static int open_arena(void **state) {
    *state = arena_new(0);
    return 0;
}

static int close_arena(void **state) {
    arena_t *arena = *state;
    arena_destroy(&arena);
    return 0;
}

int main(void) {
#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)
    const struct CMUnitTest tests[] = {
        WITH_ARENA(what_is_no_proposal_is_told_in_words),
        WITH_ARENA(the_same_decision_has_the_same_id_however_it_is_written),
        WITH_ARENA(a_decision_rests_on_a_package_that_is_known_fresh_and_of_its_symbol),
        WITH_ARENA(numbers_and_texts_have_bounds),
        cmocka_unit_test(only_moves_of_the_table_are_made),
        cmocka_unit_test(a_decision_is_always_the_same_signal),
        cmocka_unit_test(
            what_is_over_a_limit_is_not_counted_and_comes_back_with_the_hour_and_the_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
