// test_cells - one view over all cells: what this one says of itself, what was heard of others, who is silent.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "common/base/own.h"
#include "heard.h"
#include "services/monitor/cells.h"
#include "services/monitor/status.h"

struct world {
    struct watch watch;
    struct alerts alerts;
    arena_t *arena;
};

static int open_world(void **state) {
    static struct world w;
    w = (struct world){.arena = arena_new(0)};
    watch_start(&w.watch, 1, 10, AT(100));
    w.watch.cell = "a";
    cells_expect(&w.watch, "b");
    hear_all(&w.watch, AT(100));
    *state = &w;
    return 0;
}

static int close_world(void **state) {
    struct world *w = *state;
    watch_end(&w->watch);
    arena_destroy(&w->arena);
    return 0;
}

static struct view view_at(const struct world *w, uint64_t mono) {
    return (struct view){&w->watch, &w->alerts, mono, 1700000000 * NS_PER_S, AT(3), NULL};
}

static CellViews *views_at(struct world *w, uint64_t mono) {
    const struct view view = view_at(w, mono);
    return cells_view(&view, w->arena);
}

static void hear_of(struct world *w, const char *cell, uint64_t mono) {
    CellState state = CELL_STATE__INIT;
    state.cell = (char *)cell;
    state.state = CELL_STATE__STATE__halted;
    state.lag = 12;
    state.open_positions = 7;
    cells_hear(&w->watch, &state, mono);
}

static void a_cell_without_a_name_shows_no_cells(void **state) {
    struct world *w = *state;
    w->watch.cell = NULL;
    assert_int_equal(views_at(w, AT(101))->n_cells, 0);
}

static void one_that_was_never_heard_is_there_and_silent(void **state) {
    struct world *w = *state;
    CellViews *v = views_at(w, AT(101));
    assert_int_equal(v->n_cells, 2);
    assert_true(v->cells[0]->own && v->cells[0]->alive);
    assert_string_equal(v->cells[1]->cell, "b");
    assert_false(v->cells[1]->alive);
    assert_null(v->cells[1]->last);
}

static void one_that_was_heard_is_shown_and_is_silent_after_three_seconds(void **state) {
    struct world *w = *state;
    hear_of(w, "b", AT(101));
    hear_of(w, "stranger", AT(101));
    CellViews *v = views_at(w, AT(104));
    assert_int_equal(v->n_cells, 2);
    assert_true(v->cells[1]->alive);
    assert_int_equal(v->cells[1]->last->open_positions, 7);
    assert_false(views_at(w, AT(104) + 1)->cells[1]->alive);
}

static void a_cell_says_how_it_is(void **state) {
    struct world *w = *state;
    hear_account(&w->watch, "x", ACCOUNT_STATE__STATE__quarantined, "in doubt");
    hear_account(&w->watch, "y", ACCOUNT_STATE__STATE__ready, NULL);
    hear_lag(&w->watch, (const char *const[]){"signals", "ingest", "router"}, 50, 41, AT(101));
    const struct view view = view_at(w, AT(101));
    const CellState *own = cells_own(&view, w->arena);
    assert_string_equal(own->cell, "a");
    assert_int_equal(own->state, CELL_STATE__STATE__running);
    assert_int_equal(own->accounts, 2);
    assert_int_equal(own->open_positions, 4);
    assert_int_equal(own->quarantined, 1);
    assert_int_equal(own->lag, 9);
    assert_null(own->trouble);
    const struct view later = view_at(w, AT(110));
    own = cells_own(&later, w->arena);
    assert_int_equal(own->state, CELL_STATE__STATE__degraded);
    assert_non_null(own->trouble);
    w->watch.mode = RISK_STATE__MODE__halted;
    assert_int_equal(cells_own(&later, w->arena)->state, CELL_STATE__STATE__halted);
}

static void rates_are_what_the_topics_grew_by(void **state) {
    struct world *w = *state;
    cells_turn(&w->watch, AT(100));
    hear_lag(&w->watch, (const char *const[]){"signals", "ingest", "router"}, 100, 100, AT(101));
    cells_turn(&w->watch, AT(102));
    hear_lag(&w->watch, (const char *const[]){"signals", "ingest", "router"}, 350, 350, AT(103));
    cells_turn(&w->watch, AT(103)); // too soon
    cells_turn(&w->watch, AT(104));
    const struct view view = view_at(w, AT(104));
    assert_int_equal(cells_own(&view, w->arena)->signals_per_s, 125 * INT64_C(100000000));
    // counted anew after a restart
    hear_lag(&w->watch, (const char *const[]){"signals", "ingest", "router"}, 5, 5, AT(105));
    cells_turn(&w->watch, AT(106));
    assert_int_equal(cells_own(&view, w->arena)->signals_per_s, 0);
}

static void status_and_metrics_tell_of_cells(void **state) {
    struct world *w = *state;
    own(buffer) status = {0};
    own(buffer) metrics = {0};
    hear_of(w, "b", AT(101));
    const struct view view = view_at(w, AT(101));
    status_write(&view, &status);
    metrics_write(&view, &metrics);
    assert_non_null(strstr(buffer_string(&status), "\"cells\":[{\"cell\":\"a\",\"own\":true"));
    assert_non_null(strstr(buffer_string(&metrics), "tradecast_cell_up{cell=\"b\"} 1\n"));
    assert_non_null(
        strstr(buffer_string(&metrics), "tradecast_cell_state{cell=\"b\",state=\"halted\"} 1\n"));
    assert_non_null(strstr(buffer_string(&metrics), "tradecast_cell_lag_entries{cell=\"b\"} 12\n"));
    assert_non_null(
        strstr(buffer_string(&metrics), "tradecast_cell_open_positions{cell=\"b\"} 7\n"));
}

static void signals_that_wait_too_long_for_a_cell_are_an_alert_until_they_are_taken(void **state) {
    struct world *w = *state;
    static struct condition found[CONDITIONS_MAX];
    const struct limits limits = {.silent_ns = AT(3000), .lag_for_ns = AT(5), .cell_ns = AT(30)};
    Heartbeat beat = HEARTBEAT__INIT;
    CellLink link = CELL_LINK__INIT, *links[] = {&link};
    beat.service = w->watch.services[0].name;
    beat.sent_at = 1000 * NS_PER_S;
    beat.links = links;
    beat.n_links = 1;
    link.cell = (char *)"b";
    link.sends = true;
    link.has_waiting_since = true;
    link.waiting_since = 980 * NS_PER_S;
    link.trouble = (char *)"cell b has not answered for 20 s";
    watch_heartbeat(&w->watch, &beat, AT(200));
    assert_int_equal(alerts_judge(&w->watch, &limits, AT(209), found), 0);
    assert_int_equal(alerts_judge(&w->watch, &limits, AT(210), found), 1);
    assert_int_equal(found[0].kind, CELL_BEHIND);
    assert_string_equal(found[0].subject, "b");
    assert_non_null(strstr(found[0].text, "has not answered"));
    link.has_waiting_since = false;
    watch_heartbeat(&w->watch, &beat, AT(211));
    assert_int_equal(alerts_judge(&w->watch, &limits, AT(300), found), 0);
}

#define CELLS_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        CELLS_TEST(a_cell_without_a_name_shows_no_cells),
        CELLS_TEST(one_that_was_never_heard_is_there_and_silent),
        CELLS_TEST(one_that_was_heard_is_shown_and_is_silent_after_three_seconds),
        CELLS_TEST(a_cell_says_how_it_is),
        CELLS_TEST(rates_are_what_the_topics_grew_by),
        CELLS_TEST(status_and_metrics_tell_of_cells),
        CELLS_TEST(signals_that_wait_too_long_for_a_cell_are_an_alert_until_they_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
