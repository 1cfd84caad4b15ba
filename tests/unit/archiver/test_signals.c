// test_signals - a signal's row has the columns of spec 004, and a digest that anybody can compute
// again.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants the first four above it
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "common/sql/sql.h"
#include "services/archiver/rows/schema.h"
#include "services/archiver/rows/signals.h"

static Signal bare(void) {
    Signal s = SIGNAL__INIT;
    s.signal_id = (char *)"abc123", s.source = (char *)"bot", s.symbol = (char *)"AAPL";
    s.order_type = SIGNAL__ORDER_TYPE__market, s.direction = SIGNAL__DIRECTION__buy,
    s.status = SIGNAL__STATUS__pending;
    s.created_at = UINT64_C(1736937000) * NS_PER_S, s.content = 7;
    return s;
}

static Signal full(void) { // the example of spec 004
    Signal s = bare();
    s.has_price = s.has_take_profit = s.has_stop_loss = s.has_confidence = s.has_timestamp =
        s.has_sources = s.has_agreement = true;
    s.price = INT64_C(15050000000), s.take_profit = INT64_C(15800000000),
    s.stop_loss = INT64_C(14600000000), s.confidence = INT64_C(8550000000);
    s.strategy = (char *)"weighted_consensus", s.asset_type = (char *)"stock",
    s.data_source = (char *)"weighted_consensus";
    s.timestamp = UINT64_C(1736937000) * NS_PER_S, s.regime = (char *)"BULL",
    s.reasoning = (char *)"AI-generated explanation";
    s.sources = 5, s.agreement = 85000000, s.extra = (char *)"{\"x\":1}";
    return s;
}

static void a_signal_fills_the_columns_of_the_spec(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    Signal s = full();
    buffer_t json = {0};
    record_to_json(&signal_row(&s, arena)->base, &json);
    assert_string_equal(buffer_string(&json),
                        "{\"signal_id\":\"abc123\",\"symbol\":\"AAPL\",\"action\":\"BUY\",\"entry_"
                        "price\":150.5,\"target_price\":158,\"stop_price\":146,"
                        "\"confidence\":85.5,\"strategy\":\"weighted_consensus\",\"asset_type\":"
                        "\"stock\",\"data_source\":\"weighted_consensus\","
                        "\"timestamp\":\"2025-01-15T10:30:00Z\",\"sha256\":"
                        "\"1a2d4d23cd7c3dfa5176bcd5c69d9e11170a8e006797f79a864030bd3f0c6929\","
                        "\"created_at\":\"2025-01-15T10:30:00Z\",\"status\":\"pending\",\"source\":"
                        "\"bot\",\"order_type\":\"market\",\"regime\":\"BULL\","
                        "\"reasoning\":\"AI-generated "
                        "explanation\",\"sources\":5,\"agreement\":0.85,\"extra\":\"{\\\"x\\\":1}"
                        "\",\"content\":7}");
    buffer_destroy(&json);
}

static void what_the_sender_left_out_has_its_stand_in(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    Signal s = bare();
    s.direction = SIGNAL__DIRECTION__close;
    const SignalRow *row = signal_row(&s, arena);
    assert_string_equal(row->action, "CLOSE");
    assert_int_equal(row->entry_price | row->target_price | row->stop_price | row->confidence, 0);
    assert_string_equal(row->strategy, "");
    assert_string_equal(row->asset_type, "unknown");
    assert_string_equal(row->data_source, "bot");
    assert_int_equal(row->timestamp, s.created_at);
    assert_null(row->order_id);
}

static void the_digest_changes_with_each_of_its_nine_columns(void **state) {
    (void)state;
    own(arena) *arena = arena_new(0);
    Signal s = full();
    const SignalRow base = *signal_row(&s, arena);
    SignalRow others[9];
    for (int i = 0; i < 9; i++) others[i] = base;
    others[0].signal_id = others[1].symbol = others[2].action = others[3].strategy =
        (char *)"other";
    others[4].entry_price++, others[5].target_price++, others[6].stop_price++,
        others[7].confidence++;
    others[8].timestamp += NS_PER_US;
    for (int i = 0; i < 9; i++) {
        char digest[SHA256_TEXT];
        signal_sha256(&others[i], digest);
        assert_string_not_equal(digest, base.sha256);
    }
    SignalRow same = base;
    char digest[SHA256_TEXT];
    same.asset_type = same.data_source = same.regime = (char *)"other"; // not part of it
    signal_sha256(&same, digest);
    assert_string_equal(digest, base.sha256);
}

// The text that is hashed, from the table alone.
static void the_digest_can_be_computed_from_the_table(void **state) {
    (void)state;
    char why[200];
    bool found;
    own(arena) *arena = arena_new(0);
    own(sql) *db = sql_open(":memory:", SQL_WRITE, why);
    assert_int_equal(schema_prepare(db), ERR_OK);
    own(sql_query) *put =
        sql_prepare_upsert(db, &signal_row__descriptor, "signals", "signal_id", false);
    own(sql_query) *canon = sql_prepare(db, "SELECT json_array(signal_id, symbol, action, "
                                            "entry_price, target_price, stop_price, confidence,"
                                            " strategy, timestamp) FROM signals");
    Signal s = full();
    s.strategy = (char *)"a \"b\" \\ \n \xe2\x82\xac";
    assert_int_equal(sql_upsert(put, &signal_row(&s, arena)->base), ERR_OK);
    assert_int_equal(sql_step(canon, &found), ERR_OK);
    assert_string_equal(sql_text(canon, 0),
                        "[\"abc123\",\"AAPL\",\"BUY\",\"150.5\",\"158\",\"146\",\"85.5\",\"a "
                        "\\\"b\\\" \\\\ \\n \xe2\x82\xac\","
                        "\"2025-01-15T10:30:00.000000Z\"]");
    assert_string_equal(signal_row(&s, arena)->sha256,
                        "a556bead6aa02e5c5b07b5d80e6cb5d329cddba715ae029cae3cdf610277f8c0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_fills_the_columns_of_the_spec),
        cmocka_unit_test(what_the_sender_left_out_has_its_stand_in),
        cmocka_unit_test(the_digest_changes_with_each_of_its_nine_columns),
        cmocka_unit_test(the_digest_can_be_computed_from_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
