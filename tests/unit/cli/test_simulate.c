// test_simulate - the door and the router without sockets, clock and store: what they say of a
// signal, in the situation that they are told.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/simulate/simulate.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/log.h"
#include "common/base/own.h"

#define NOW (UINT64_C(1742638530) * NS_PER_S)

static const char config[] = "{\"sources\":[{\"config_id\":\"tv\"},{\"config_id\":\"bot\"},{"
                             "\"config_id\":\"both\",\"consensus\":{\"parts\":[{\"source\":\"tv\"},"
                             "{\"source\":\"bot\"}]}}],\"brokers\":[{\"broker_id\":\"a\","
                             "\"symbols\":[{\"symbol\":\"EURUSD\"}]}],\"accounts\":["
                             "{\"account_id\":\"anna\",\"broker_id\":\"a\",\"balance\":1000,\"max_"
                             "open_trades\":1,\"subscriptions\":[{\"source\":\"tv\","
                             "\"multiplier\":1}]},"
                             "{\"account_id\":\"ben\",\"broker_id\":\"a\",\"subscriptions\":[{"
                             "\"source\":\"both\",\"fixed_lot\":0.3}]}]}";

struct world {
    book_t *book;
    simulated_door_t *door;
    simulated_router_t *router;
    Situation situation;
    unsigned signals, orders; // that came of it
    Reason__Code last;        // decision
    buffer_t answer;
};

static int open_world(void **state) {
    static struct world w;
    own(buffer) why = {0};
    char wrong[256];
    log_start("test", LOG_LEVEL_ERROR);
    w = (struct world){.book = book_new()};
    situation__init(&w.situation);
    assert_true(simulated_book(span_of(config), NOW, w.book, &why));
    w.door = simulated_door_new(w.book, wrong);
    w.router = simulated_router_new(w.book, 1, wrong);
    assert_non_null(w.door);
    assert_non_null(w.router);
    *state = &w;
    return 0;
}

static int close_world(void **state) {
    struct world *w = *state;
    simulated_router_destroy(&w->router);
    simulated_door_destroy(&w->door);
    book_destroy(&w->book);
    buffer_destroy(&w->answer);
    return 0;
}

static void take(void *arg, const ProtobufCMessage *m) {
    struct world *w = arg;
    if (m->descriptor != &signal__descriptor) return;
    const struct routed r = simulated_route(w->router, (const Signal *)m, NOW);
    assert_non_null(r.routing);
    w->signals++;
    w->orders += (unsigned)r.n_orders;
    for (size_t i = 0; i < r.routing->n_decisions; i++) w->last = r.routing->decisions[i]->reason;
}

static unsigned send(struct world *w, const char *source, const char *body) {
    buffer_clear(&w->answer);
    return simulated_post(w->door, &(struct sent){source, span_of(body), NOW}, &w->answer, take, w);
}

static void begin(struct world *w) {
    char why[256];
    if (!simulated_begin(w->router, &w->situation, NOW, why)) fail_msg("%s", why);
}

#define BUY "{\"symbol\":\"EURUSD\",\"action\":\"buy\",\"lots\":1}"

static void an_order_comes_of_a_signal_and_counts_for_the_next(void **state) {
    struct world *w = *state;
    begin(w);
    assert_int_equal(send(w, "tv", BUY), 200);
    assert_int_equal(w->last, REASON__CODE__ordered);
    assert_int_equal(
        send(w, "tv",
             "{\"signal_id\":\"next\",\"symbol\":\"EURUSD\",\"action\":\"buy\",\"lots\":1}"),
        200);
    assert_int_equal(w->last, REASON__CODE__max_open_trades);
    assert_int_equal(w->orders, 1);
}

static void a_position_that_is_open_counts(void **state) {
    struct world *w = *state;
    Situation__Position position = SITUATION__POSITION__INIT, *positions[] = {&position};
    Situation__Account account = SITUATION__ACCOUNT__INIT, *accounts[] = {&account};
    position.symbol = (char *)"EURUSD";
    position.direction = SIGNAL__DIRECTION__buy;
    position.lots = DECIMAL_SCALE;
    account.account_id = (char *)"anna";
    account.positions = positions;
    account.n_positions = 1;
    w->situation.accounts = accounts;
    w->situation.n_accounts = 1;
    begin(w);
    send(w, "tv", BUY);
    assert_int_equal(w->last, REASON__CODE__max_open_trades);
}

static void a_halted_account_gets_nothing(void **state) {
    struct world *w = *state;
    Situation__Account account = SITUATION__ACCOUNT__INIT, *accounts[] = {&account};
    account.account_id = (char *)"anna";
    account.has_mode = true;
    account.mode = RISK_STATE__MODE__halted;
    w->situation.accounts = accounts;
    w->situation.n_accounts = 1;
    begin(w);
    send(w, "tv", BUY);
    assert_int_equal(w->last, REASON__CODE__halted_account);
}

static void what_holds_for_all_is_told(void **state) {
    struct world *w = *state;
    w->situation.mode = RISK_STATE__MODE__reduce_only;
    begin(w);
    send(w, "tv", BUY);
    assert_int_equal(w->last, REASON__CODE__reduce_only);
}

static void two_sources_that_agree_are_routed_as_one(void **state) {
    struct world *w = *state;
    begin(w);
    send(w, "tv", BUY);
    assert_int_equal(send(w, "bot", BUY), 200);
    assert_int_equal(w->signals, 3);
    assert_int_equal(w->orders, 2); // anna's of tv, ben's of both
}

static void what_the_door_refuses_is_told(void **state) {
    struct world *w = *state;
    begin(w);
    assert_int_equal(send(w, "tv", "{\"symbol\":\"EURUSD\",\"action\":\"hold\"}"), 422);
    assert_int_equal(w->signals, 0);
    assert_non_null(strstr(buffer_string(&w->answer), "must be one of"));
}

static void a_state_that_does_not_fit_is_refused(void **state) {
    struct world *w = *state;
    char why[256];
    Situation__Account account = SITUATION__ACCOUNT__INIT, *accounts[] = {&account};
    account.account_id = (char *)"nobody";
    w->situation.accounts = accounts;
    w->situation.n_accounts = 1;
    assert_false(simulated_begin(w->router, &w->situation, NOW, why));
    assert_string_equal(why, "accounts[0].account_id: nobody is not in the configuration");
}

static void a_wrong_configuration_is_refused_with_the_archivers_words(void **state) {
    (void)state;
    own(buffer) why = {0};
    own(book) *book = book_new();
    assert_false(
        simulated_book(span_of("{\"accounts\":[{\"account_id\":\"x\",\"broker_id\":\"none\"}]}"),
                       NOW, book, &why));
    assert_non_null(strstr(buffer_string(&why), "accounts[0].broker_id: none is not a broker"));
}

int main(void) {
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        CLAIM(an_order_comes_of_a_signal_and_counts_for_the_next),
        CLAIM(a_position_that_is_open_counts),
        CLAIM(a_halted_account_gets_nothing),
        CLAIM(what_holds_for_all_is_told),
        CLAIM(two_sources_that_agree_are_routed_as_one),
        CLAIM(what_the_door_refuses_is_told),
        CLAIM(a_state_that_does_not_fit_is_refused),
        cmocka_unit_test(a_wrong_configuration_is_refused_with_the_archivers_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
