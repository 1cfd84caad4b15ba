// test_recalls - what is offered to the door again: all that has no outcome, whole; after a loss
// also what ended shortly before it.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/batch/batch_commit.h"
#include "outcome.pb-c.h"
#include "services/archiver/recalls.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/slice.h"

#define NOW     (UINT64_C(1742638530) * NS_PER_S)
#define LOST_AT (NOW + 60 * NS_PER_S)

static struct outlet outlets[] = {{.name = "recalls", .topic = TOPIC_recalls},
                                  {.name = "incidents.archiver", .topic = TOPIC_incidents}};

struct world {
    char folder[64], path[96];
    sql_t *db;
    rows_t *rows;
    recalls_t *recalls;
    batch_t *batch;
    arena_t *arena;
    uint64_t now;
};

static void start(struct world *w) {
    w->recalls = recalls_new(w->db);
    assert_non_null(w->recalls);
    assert_int_equal(recalls_load(w->recalls), ERR_OK);
}

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    char notice[400] = "";
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_recalls.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof(w->path), "%s/archive.db", w->folder);
    w->db = database_open(w->path, 1 << 30, notice, sizeof(notice));
    w->rows = rows_new(w->db);
    assert_non_null(w->rows);
    w->arena = arena_new(0);
    w->batch = batch_new("archiver", archiver_slice, outlets, 2);
    w->now = LOST_AT + NS_PER_S;
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    recalls_destroy(&w->recalls);
    batch_destroy(&w->batch);
    rows_destroy(&w->rows);
    sql_destroy(&w->db);
    arena_destroy(&w->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void commit(struct world *w) {
    assert_int_equal(sql_begin(w->db), ERR_OK);
    assert_int_equal(rows_write_queued(w->rows), ERR_OK);
    assert_int_equal(sql_commit(w->db), ERR_OK);
    rows_committed(w->rows);
    rows_clear(w->rows);
}

static void archive(struct world *w, const char *id, uint64_t at) {
    Signal s = SIGNAL__INIT;
    s.signal_id = (char *)id, s.source = (char *)"tv", s.symbol = (char *)"EURUSD";
    s.order_type = SIGNAL__ORDER_TYPE__market, s.direction = SIGNAL__DIRECTION__close,
    s.created_at = at;
    s.status = SIGNAL__STATUS__pending, s.content = 4711;
    // the row has no column for it
    s.has_close_percent = true, s.close_percent = INT64_C(5000000000);
    rows_add_signal(w->rows, &s, w->arena);
    commit(w);
}

static void end(struct world *w, const char *id, Signal__Status status) {
    SignalExecutionStatus s = SIGNAL_EXECUTION_STATUS__INIT;
    s.signal_id = (char *)id, s.status = status;
    s.has_executed_at = status == SIGNAL__STATUS__completed, s.executed_at = NOW;
    rows_add(w->rows, TABLE_signal_execution_status, &s.base);
    commit(w);
}

// What is offered in one tick: "S:id status" and "O:id status", a space after each.
static const char *tick(struct world *w, uint64_t lost_at) {
    static char text[40000];
    const struct outgoing *out;
    size_t length = 0;
    batch_begin(w->batch, 1, w->now, w->now);
    assert_int_equal(recalls_tick(w->recalls, w->batch, lost_at), ERR_OK);
    text[0] = 0;
    for (size_t i = 0, n = batch_outgoing(w->batch, &out); i < n; i++) {
        const ProtobufCMessage *m = batch_opened(w->batch, &out[i]);
        const Signal *s = m->descriptor == &signal__descriptor ? (const Signal *)m : NULL;
        const Outcome *o = s ? NULL : (const Outcome *)m;
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%c:%s %d ", s ? 'S' : 'O',
                                   s ? s->signal_id : o->signal_id,
                                   (int)(s ? s->status : o->signal->status));
    }
    return text;
}

static const Signal *offered(struct world *w, unsigned n) {
    const struct outgoing *out;
    assert_true(batch_outgoing(w->batch, &out) > n);
    return (const Signal *)batch_opened(w->batch, &out[n]);
}

static void what_has_no_outcome_is_offered_whole_and_once_a_start(void **state) {
    struct world *w = *state;
    archive(w, "s-1", NOW);
    archive(w, "s-2", NOW + 1000);
    archive(w, "s-3", NOW + 2000);
    end(w, "s-2", SIGNAL__STATUS__completed);
    start(w);
    assert_string_equal(tick(w, 0), "S:s-1 1 S:s-3 1 ");
    const Signal *s = offered(w, 0);
    assert_int_equal(s->created_at, NOW);
    assert_int_equal(s->content, 4711);
    assert_int_equal(s->close_percent, INT64_C(5000000000));
    assert_false(s->has_expiration_time);
    assert_string_equal(tick(w, 0), "");
    recalls_destroy(&w->recalls);
    start(w);
    assert_string_equal(tick(w, 0), "S:s-1 1 S:s-3 1 ");
}

static void after_a_loss_what_ended_shortly_before_is_offered_too(void **state) {
    struct world *w = *state;
    archive(w, "old", NOW - 11 * NS_PER_S);
    end(w, "old", SIGNAL__STATUS__completed);
    archive(w, "s-1", NOW - 9 * NS_PER_S);
    end(w, "s-1", SIGNAL__STATUS__failed);
    archive(w, "s-2", NOW);
    end(w, "s-2", SIGNAL__STATUS__completed);
    archive(w, "s-3", NOW);
    start(w);
    archive(w, "later", LOST_AT);
    // it came after the loss: what it is measured from stands
    end(w, "later", SIGNAL__STATUS__completed);
    assert_string_equal(tick(w, LOST_AT), "S:s-3 1 ");
    assert_string_equal(tick(w, LOST_AT), "O:s-2 3 S:s-2 3 O:s-1 4 S:s-1 4 ");
    // the same loss, reckoned over two clocks: no trade came to nothing, and none is not over
    assert_string_equal(tick(w, LOST_AT + 1000), "");
    assert_string_equal(tick(w, LOST_AT + 1000), "");
    assert_string_equal(tick(w, LOST_AT + 20 * NS_PER_S), "S:s-3 1 ");
    assert_string_equal(tick(w, LOST_AT + 20 * NS_PER_S), "O:later 3 S:later 3 ");
}

static void a_page_is_no_longer_than_it_may_be_and_leaves_nothing_out(void **state) {
    struct world *w = *state;
    char id[16];
    unsigned seen = 0, ticks = 0;
    for (unsigned i = 0; i < 450; i++) {
        (void)snprintf(id, sizeof id, "p-%u", i);
        archive(w, id, NOW + i / 100); // many of the same moment
        (void)snprintf(id, sizeof id, "e-%u", i);
        archive(w, id, NOW + i / 100);
        end(w, id, SIGNAL__STATUS__failed);
    }
    start(w);
    for (const char *at; ticks < 10 && *(at = tick(w, LOST_AT)); ticks++) {
        unsigned n = 0;
        for (; (at = strstr(at, "S:")) != NULL; at++) n++;
        assert_true(n <= 200);
        seen += n;
    }
    assert_int_equal(seen, 900);
}

static void what_nobody_remembers_for_sure_is_not_offered(void **state) {
    struct world *w = *state;
    archive(w, "old", NOW - 48 * UINT64_C(3600) * NS_PER_S);
    start(w);
    assert_string_equal(tick(w, LOST_AT), "");
}

// A row of an earlier version does not say everything: what it was must not become an order by
// half.
static void what_is_not_whole_has_expired(void **state) {
    struct world *w = *state;
    archive(w, "s-1", NOW);
    assert_int_equal(sql_run(w->db, "DELETE FROM pending_signals"), ERR_OK);
    start(w);
    assert_string_equal(tick(w, 0), "S:s-1 1 ");
    assert_true(offered(w, 0)->has_expiration_time);
    assert_int_equal(offered(w, 0)->expiration_time, NOW);
    assert_string_equal(offered(w, 0)->symbol, "EURUSD");
}

static void archive_trade(struct world *w, const char *id, TradeState__State state) {
    Execution e = EXECUTION__INIT;
    Terms terms = TERMS__INIT;
    TradeState t = TRADE_STATE__INIT;
    e.trade = &t;
    t.terms = &terms, t.symbol = t.broker_symbol = (char *)"EURUSD",
    t.direction = SIGNAL__DIRECTION__buy;
    t.trade_id = (char *)id, t.signal_id = (char *)"s-1", t.account_id = (char *)"a1",
    t.broker_id = (char *)"b1";
    t.state = state, t.ordered_at = t.updated_at = NOW;
    t.reason = (char *)"no_position";
    terms.order_type = SIGNAL__ORDER_TYPE__limit;
    rows_add_execution(w->rows, &e, w->arena);
    commit(w);
}

static const TradeState *answered(struct world *w, const char *id) {
    const struct outgoing *out;
    batch_begin(w->batch, 1, w->now, w->now);
    assert_int_equal(recalls_answer(w->recalls, w->batch, id), ERR_OK);
    return batch_outgoing(w->batch, &out) ? (const TradeState *)batch_opened(w->batch, &out[0])
                                          : NULL;
}

static void after_a_loss_trades_that_came_to_nothing_shortly_before_are_offered_too(void **state) {
    struct world *w = *state;
    const struct outgoing *out;
    archive(w, "s-1", NOW);
    start(w);
    archive_trade(w, "t-1", TRADE_STATE__STATE__cancelled);
    archive_trade(w, "t-2", TRADE_STATE__STATE__filled);
    for (int i = 0; i < 6; i++) {
        batch_begin(w->batch, 1, w->now, w->now);
        assert_int_equal(recalls_tick(w->recalls, w->batch, 0), ERR_OK);
        for (size_t k = 0, n = batch_outgoing(w->batch, &out); k < n; k++)
            assert_string_equal(out[k].type, "Signal"); // nothing was lost
    }
    unsigned found = 0;
    for (int i = 0; i < 6; i++) {
        batch_begin(w->batch, 1, w->now, w->now);
        assert_int_equal(recalls_tick(w->recalls, w->batch, LOST_AT), ERR_OK);
        for (size_t k = 0, n = batch_outgoing(w->batch, &out); k < n; k++) {
            if (strcmp(out[k].type, "TradeState") != 0) continue;
            assert_string_equal(((const TradeState *)batch_opened(w->batch, &out[k]))->trade_id,
                                "t-1");
            found++;
        }
    }
    assert_int_equal(found, 1);
}

static void who_asks_about_a_trade_that_is_over_is_told_how_it_ended(void **state) {
    struct world *w = *state;
    start(w);
    archive_trade(w, "t-1", TRADE_STATE__STATE__submitting);
    assert_null(answered(w, "t-1"));
    assert_null(answered(w, "t-2"));
    archive_trade(w, "t-1", TRADE_STATE__STATE__rejected);
    const TradeState *t = answered(w, "t-1");
    assert_int_equal(t->state, TRADE_STATE__STATE__rejected);
    assert_string_equal(t->reason, "no_position");
    assert_int_equal(t->terms->order_type, SIGNAL__ORDER_TYPE__limit);
}

static void a_signal_is_kept_whole_until_it_has_an_outcome(void **state) {
    struct world *w = *state;
    own(sql_query) *q = sql_prepare(w->db, "SELECT count(*) FROM pending_signals");
    static const int64_t wanted[] = {1, 0, 0, 0};
    bool row;
    for (unsigned i = 0; i < 4; i++) {
        if (i == 0 || i == 2) archive(w, "s-1", NOW); // again: it has ended
        if (i == 1) end(w, "s-1", SIGNAL__STATUS__completed);
        // its outcome was here first
        if (i == 3) end(w, "s-2", SIGNAL__STATUS__failed), archive(w, "s-2", NOW);
        assert_int_equal(sql_step(q, &row), ERR_OK);
        assert_int_equal(sql_integer(q, 0), wanted[i]);
        sql_reset(q);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_has_no_outcome_is_offered_whole_and_once_a_start),
        TEST(after_a_loss_what_ended_shortly_before_is_offered_too),
        TEST(a_page_is_no_longer_than_it_may_be_and_leaves_nothing_out),
        TEST(what_nobody_remembers_for_sure_is_not_offered),
        TEST(what_is_not_whole_has_expired),
        TEST(after_a_loss_trades_that_came_to_nothing_shortly_before_are_offered_too),
        TEST(who_asks_about_a_trade_that_is_over_is_told_how_it_ended),
        TEST(a_signal_is_kept_whole_until_it_has_an_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
