// test_saturation - sums that do not fit end where they can be read again: the archiver reads rows
// that it adds to.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>

#include "common/base/decimal.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "services/archiver/counts/performance.h"
#include "services/archiver/rows/outcome.h"
#include "tests/unit/terms.h"

static TradeState lost_trade(void) {
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.trade_id = t.signal_id = t.account_id = t.broker_id = t.symbol = t.broker_symbol =
        (char *)"x";
    t.state = TRADE_STATE__STATE__closed;
    t.direction = SIGNAL__DIRECTION__buy;
    t.has_filled_lots = t.has_closed_lots = true, t.filled_lots = t.closed_lots = DECIMAL_SCALE;
    t.has_pnl = true, t.pnl = -INT64_MAX;
    t.has_commission = true, t.commission = INT64_MAX;
    t.has_fees = true, t.fees = INT64_MAX;
    return t;
}

static void a_row_of_sums_that_do_not_fit_can_be_read_again(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    own(buffer) json = {0};
    struct performance p;
    struct fault fault;
    ProtobufCMessage *again;
    TradeState t = lost_trade();
    performance_init(&p, "a", "total", "USD");
    for (int i = 0; i < 3; i++) performance_order(&p, &t, 1), performance_close(&p, &t, 1);
    performance_finish(&p, 1, arena);
    assert_true(p.row.gross_loss == -INT64_MAX);
    record_to_json(&p.row.base, &json);
    err_t e = record_from_json(p.row.base.descriptor, buffer_string(&json), json.length, "", arena,
                               &again, &fault);
    if (e) fail_msg("%s %s", fault.path, fault.rule);
    assert_true(performance_resume(&p, (const AccountPerformance *)again));
    performance_destroy(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_sums_that_do_not_fit_can_be_read_again)};
    return cmocka_run_group_tests_name("saturation", tests, NULL, NULL);
}
