// test_config - a configuration is taken whole or refused with everything that is wrong; what is
// equal makes no change.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// cmocka wants the first four above it
#include <cmocka.h>

#include "common/base/id.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "services/archiver/config/document.h"
#include "services/archiver/config/table.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/schema.h"

#define TOKEN "0123456789abcdef"
#define BROKER                                                                                     \
    "{\"broker_id\":\"alpha\",\"symbols\":[{\"symbol\":\"EURUSD\",\"lot_step\":\"0.01\"}]}"
#define SOURCE "{\"config_id\":\"tv\",\"token\":\"" TOKEN "\"}"
#define ACCOUNT                                                                                    \
    "{\"account_id\":\"anna\",\"broker_id\":\"alpha\",\"subscriptions\":[{\"source\":\"tv\","      \
    "\"fixed_lot\":\"0.1\"}]}"
#define INSTANCE "{\"instance_id\":\"paper-1\",\"broker_id\":\"alpha\",\"accounts\":[\"anna\"]}"
#define DOCUMENT(sources, brokers, accounts, instances)                                            \
    "{\"sources\":[" sources "],\"brokers\":[" brokers "],\"accounts\":[" accounts                 \
    "],\"instances\":[" instances "]}"
#define GOOD DOCUMENT(SOURCE, BROKER, ACCOUNT, INSTANCE)

// Reads a document that must be right, and takes its changes over. How many there were.
static size_t apply(config_t *held, const char *json, arena_t *arena, ConfigChange ***changes) {
    struct complaints complaints = {0};
    own(config) *wanted =
        config_read(&(struct config_reading){held, {2, NULL}, false}, span_of(json), &complaints);
    if (!wanted) fail_msg("%s", buffer_string(&complaints.text));
    buffer_destroy(&complaints.text);
    size_t n = config_diff(held, wanted, 1000, arena, changes);
    for (size_t i = 0; i < n; i++) config_take(held, (*changes)[i]);
    return n;
}

struct world {
    config_t *held;
    arena_t *arena;
    ConfigChange **changes;
};

static int set_up(void **state) {
    static struct world w;
    w = (struct world){.held = config_new(), .arena = arena_new(0)};
    assert_int_equal(apply(w.held, GOOD, w.arena, &w.changes), 4);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    config_destroy(&w->held);
    arena_destroy(&w->arena);
    return 0;
}

static void refuse(const config_t *held, const char *json, const char *complaint) {
    struct complaints complaints = {0};
    own(config) *wanted =
        config_read(&(struct config_reading){held, {2, NULL}, false}, span_of(json), &complaints);
    if (wanted) fail_msg("taken: %s", json);
    if (!strstr(buffer_string(&complaints.text), complaint))
        fail_msg("%s\nsays: %s\nnot: %s", json, buffer_string(&complaints.text), complaint);
    buffer_destroy(&complaints.text);
}

static void the_first_document_makes_each_row_a_change(void **state) {
    struct world *w = *state;
    assert_int_equal(config_version(w->held), 1);
    const SignalConfig *s =
        (const SignalConfig *)config_find(w->held, CONFIG_CHANGE__KIND__signal_config, "tv")->m;
    char hash[65];
    token_hash(TOKEN, strlen(TOKEN), hash);
    assert_string_equal(s->token_hash, hash);
    assert_int_equal(config_row_version(&s->base), 1);
}

static void what_is_equal_makes_no_change(void **state) {
    struct world *w = *state;
    assert_int_equal(apply(w->held, GOOD, w->arena, &w->changes), 0);
    assert_int_equal(config_version(w->held), 1);
}

static void only_what_differs_changes(void **state) {
    struct world *w = *state;
    assert_int_equal(apply(w->held,
                           "{\"accounts\":[{\"account_id\":\"anna\",\"broker_id\":\"alpha\"}]}",
                           w->arena, &w->changes),
                     1);
    assert_string_equal(w->changes[0]->id, "anna");
    assert_int_equal(w->changes[0]->version, 2);
    assert_int_equal(w->changes[0]->account->version, 2);
    assert_int_equal(w->changes[0]->account->n_subscriptions, 0);
    assert_non_null(config_find(w->held, CONFIG_CHANGE__KIND__broker_config, "alpha"));
}

static void rows_that_are_missing_stay_unless_the_document_replaces(void **state) {
    struct world *w = *state;
    assert_int_equal(apply(w->held, "{}", w->arena, &w->changes), 0);
    const char *only = "{\"replace\":true,\"brokers\":[" BROKER "]}";
    assert_int_equal(apply(w->held, only, w->arena, &w->changes), 3);
    for (size_t i = 0; i < 3; i++) assert_true(w->changes[i]->removed);
    assert_null(config_find(w->held, CONFIG_CHANGE__KIND__account_config, "anna"));
    assert_int_equal(apply(w->held, only, w->arena, &w->changes), 0);
}

static void what_show_prints_can_be_applied(void **state) {
    struct world *w = *state;
    buffer_t shown = {0};
    config_show(w->held, false, &shown);
    assert_null(strstr(buffer_string(&shown), TOKEN));
    assert_int_equal(apply(w->held, buffer_string(&shown), w->arena, &w->changes), 0);
    config_t *fresh = config_new();
    assert_int_equal(apply(fresh, buffer_string(&shown), w->arena, &w->changes), 4);
    config_destroy(&fresh);
    buffer_destroy(&shown);
}

static void a_source_keeps_its_token_when_none_is_given(void **state) {
    struct world *w = *state;
    assert_int_equal(apply(w->held, "{\"sources\":[{\"config_id\":\"tv\",\"window_s\":30}]}",
                           w->arena, &w->changes),
                     1);
    char hash[65];
    token_hash(TOKEN, strlen(TOKEN), hash);
    assert_string_equal(w->changes[0]->signal->token_hash, hash);
    assert_int_equal(w->changes[0]->signal->window_s, 30);
    refuse(w->held, "{\"sources\":[{\"config_id\":\"new\"}]}",
           "sources[0].token: is required for a new source");
}

static void a_consensus_needs_no_token_and_is_kept_whole(void **state) {
    struct world *w = *state;
    const char *document = "{\"sources\":[{\"config_id\":\"both\",\"consensus\":{\"parts\":[{"
                           "\"source\":\"tv\",\"weight\":0.5}],"
                           "\"window_s\":5,\"min_agreement\":0.75,\"take\":\"weighted_mean\","
                           "\"route_parts\":false}}]}";
    assert_int_equal(apply(w->held, document, w->arena, &w->changes), 1);
    const SignalConfig *row = w->changes[0]->signal;
    assert_string_equal(row->token_hash, "");
    assert_int_equal(row->consensus->parts[0]->weight, 50000000);
    assert_int_equal(row->consensus->min_agreement, 75000000);
    assert_int_equal(row->consensus->take, CONSENSUS__TAKE__weighted_mean);
    assert_false(row->consensus->route_parts);
    assert_int_equal(apply(w->held, document, w->arena, &w->changes), 0);
}

static void a_source_in_a_document_has_every_field_of_a_source(void **state) {
    (void)state;
    for (unsigned i = 0; i < signal_config__descriptor.n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &signal_config__descriptor.fields[i];
        const ProtobufCFieldDescriptor *g =
            record_field(&config_document__source__descriptor, span_of(f->name));
        if (!g || g->type != f->type) fail_msg("ConfigDocument.Source lacks %s", f->name);
    }
}

#define SUBSCRIBED(subscription)                                                                   \
    "{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"alpha\",\"subscriptions\":"            \
    "[" subscription "]}]}"
#define TRADED(symbols) "{\"brokers\":[{\"broker_id\":\"b\",\"symbols\":[" symbols "]}]}"

#define AGREED(consensus) "{\"sources\":[{\"config_id\":\"both\",\"consensus\":{" consensus "}}]}"

// The document, and what must be said of it.
static const char *const wrong[][2] = {
    {"", "document: is not JSON"},
    {"[]", "document: must be an object"},
    {"{\"accounts\":{}}", "accounts: must be an array"},
    {"{\"colours\":[]}", "colours: is not known"},
    {"{\"brokers\":[{}]}", "brokers[0].broker_id: is required"},
    {"{\"brokers\":[{\"broker_id\":\"\"}]}", "brokers[0].broker_id: must be 1 to 64 letters"},
    {"{\"brokers\":[{\"broker_id\":\"a:b\"}]}", "brokers[0].broker_id: must be 1 to 64 letters"},
    {"{\"brokers\":[{\"broker_id\":\"a/b\"}]}", "brokers[0].broker_id: must be 1 to 64 letters"},
    {"{\"brokers\":[{\"broker_id\":"
     "\"0123456789012345678901234567890123456789012345678901234567890123x\"}]}",
     "broker_id: must be 1 to 64"},
    {"{\"brokers\":[{\"broker_id\":\"index\"}]}",
     "brokers[0].broker_id: must be 1 to 64 letters, digits, '_', '.' or '-', and not index"},
    {"{\"brokers\":[" BROKER "," BROKER "]}",
     "brokers[1]: alpha is given twice, first by brokers[0]"},
    {"{\"brokers\":[{\"broker_id\":\"b\",\"price_tolerance\":-1}]}",
     "brokers[0].price_tolerance: must not be negative"},
    {"{\"brokers\":[{\"broker_id\":\"b\",\"answer_within_ms\":0}]}",
     "brokers[0].answer_within_ms: must be 1 to 3600000"},
    {TRADED("{\"symbol\":\"\"}"), "brokers[0].symbols[0].symbol: must be 1 to 32"},
    {TRADED("{\"symbol\":\"A\"},{\"symbol\":\"A\"}"),
     "brokers[0].symbols[1].symbol: is given twice, first by symbols[0]"},
    {TRADED("{\"symbol\":\"A\"},{\"symbol\":\"B\",\"broker_symbol\":\"A\"}"),
     "has the broker's name A"},
    {TRADED("{\"symbol\":\"A\",\"lot_step\":0}"),
     "brokers[0].symbols[0].lot_step: must be more than 0"},
    {TRADED("{\"symbol\":\"A\",\"lot_step\":\"0.000000001\"}"),
     "brokers[0].symbols[0].lot_step: must be a decimal number"},
    {TRADED("{\"symbol\":\"A\",\"min_lot\":2,\"max_lot\":1}"),
     "brokers[0].symbols[0].max_lot: must not be less than min_lot"},
    {TRADED("{\"symbol\":\"A\",\"digits\":9}"), "brokers[0].symbols[0].digits: must be 0 to 8"},
    {"{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"zulu\"}]}",
     "accounts[0].broker_id: zulu is not a broker"},
    {"{\"accounts\":[{\"account_id\":\"sources\",\"broker_id\":\"alpha\"}]}",
     "not index, global, accounts or sources"},
    {"{\"accounts\":[{\"account_id\":\"global\",\"broker_id\":\"alpha\"}]}",
     "accounts[0].account_id: must be 1 to 64"},
    {"{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"alpha\",\"leverage\":0}]}",
     "accounts[0].leverage: must be 1 to 10000"},
    {"{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"alpha\",\"balance\":-1}]}",
     "accounts[0].balance: must not be negative"},
    {"{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"alpha\",\"balance\":\"1e99\"}]}",
     "accounts[0].balance: must be a decimal number"},
    {"{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"alpha\",\"shard\":2}]}",
     "accounts[0].shard: must be less than 2"},
    {"{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"alpha\",\"max_signal_age_s\":0}]}",
     "accounts[0].max_signal_age_s: must be 1"},
    {"{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"alpha\",\"currency\":\"\\u20ac\"}]}",
     "accounts[0].currency: must be 3 to 8"},
    {SUBSCRIBED("{\"source\":\"none\",\"fixed_lot\":1}"),
     "accounts[0].subscriptions[0].source: none is not a source"},
    {SUBSCRIBED("{\"source\":\"tv\"}"), "accounts[0].subscriptions[0].fixed_lot: exactly one of"},
    {SUBSCRIBED("{\"source\":\"tv\",\"fixed_lot\":1,\"multiplier\":1}"),
     "accounts[0].subscriptions[0].fixed_lot: exactly one of"},
    {SUBSCRIBED("{\"source\":\"tv\",\"fixed_lot\":0}"),
     "accounts[0].subscriptions[0].fixed_lot: must be more than 0"},
    {SUBSCRIBED("{\"source\":\"tv\",\"multiplier\":-2}"),
     "accounts[0].subscriptions[0].multiplier: must be more than 0"},
    {SUBSCRIBED("{\"source\":\"tv\",\"fixed_lot\":1,\"min_lot\":2,\"max_lot\":1}"),
     "subscriptions[0].max_lot: must not be less"},
    {SUBSCRIBED("{\"source\":\"tv\",\"fixed_lot\":1},{\"source\":\"tv\",\"fixed_lot\":2}"),
     "subscriptions[1].source: tv is given twice"},
    {SUBSCRIBED("{\"source\":\"tv\",\"sizing\":\"fixed\"}"),
     "subscriptions[0].fixed_lot: is required with sizing fixed"},
    {SUBSCRIBED("{\"source\":\"tv\",\"sizing\":\"fixed\",\"fixed_lot\":1,\"multiplier\":1}"),
     "subscriptions[0].multiplier: says nothing with sizing fixed"},
    {SUBSCRIBED("{\"source\":\"tv\",\"sizing\":\"balance_percent\",\"risk_cash\":1}"),
     "risk_cash: says nothing with sizing balance_percent"},
    {SUBSCRIBED("{\"source\":\"tv\",\"sizing\":\"cash_risk\",\"risk_percent\":1}"),
     "risk_percent: says nothing with sizing cash_risk"},
    {SUBSCRIBED("{\"source\":\"tv\",\"sizing\":\"equity_percent\",\"risk_percent\":101}"),
     "risk_percent: must be more than 0 and at most 100, not"},
    {SUBSCRIBED("{\"source\":\"tv\",\"sizing\":\"target\",\"fixed_lot\":1,\"multiplier\":1}"),
     "multiplier: says nothing beside fixed_lot"},
    {SUBSCRIBED("{\"source\":\"tv\",\"fixed_lot\":1,\"risk_percent\":1}"),
     "sizing: is required beside risk_percent"},
    {SUBSCRIBED("{\"source\":\"tv\",\"fixed_lot\":1,\"default_stop_loss_points\":1,\"default_stop_"
                "loss_percent\":1}"),
     "default_stop_loss_percent: is given beside default_stop_loss_points"},
    {"{\"sources\":[{\"config_id\":\"tv\",\"dialect\":\"pineconnector\",\"risk_is\":\"percent_"
     "lots\"}],"
     "\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":"
     "\"alpha\",\"subscriptions\":[{\"source\":\"tv\",\"multiplier\":1}]}]}",
     "subscriptions[0].sizing: must be equity_ratio"},
    {"{\"sources\":[{\"config_id\":\"tv\",\"price_is\":\"pips\"}]}",
     "sources[0].price_is: must be price"},
    {"{\"sources\":[{\"config_id\":\"tv\",\"allow\":[\"10.0.0.1/8\"]}]}",
     "sources[0].allow[0]: must be an address"},
    {"{\"sources\":[{\"config_id\":\"tv\",\"names\":{\"price\":\"p\",\"lot_size\":\"P\"}}]}",
     "sources[0].names.price: p is the name of lot_size already"},
    {"{\"sources\":[{\"config_id\":\"tv\",\"dialect\":\"traderspost\",\"names\":{\"price\":\"p\"}}]"
     "}",
     "sources[0].names: are for dialect tradecast"},
    {"{\"sources\":[{\"config_id\":\"tv\",\"license\":\"12345678\"}]}",
     "sources[0].license: is for dialect pineconnector"},
    {"{\"sources\":[{\"config_id\":\"tv\",\"dialect\":\"pineconnector\",\"license\":\"1234567\"}]}",
     "sources[0].license: must be 8 to 128"},
    {TRADED("{\"symbol\":\"A\",\"sessions\":[{\"days\":[\"mon\"],\"from\":\"09:00\",\"to\":\"17:"
            "00\"},{\"days\":[\"sun\",\"mon\"],\"from\":"
            "\"16:59\",\"to\":\"18:00\"}]}"),
     "sessions[1]: overlaps sessions[0]"},
    {TRADED("{\"symbol\":\"A\",\"sessions\":[{\"from\":\"09:00\",\"to\":\"17:00\"}]}"),
     "sessions[0]: must be on one day at least"},
    {TRADED("{\"symbol\":\"A\",\"sessions\":[{\"days\":[\"mon\"],\"from\":\"24:00\",\"to\":\"24:"
            "00\"}]}"),
     "sessions[0].from: must be a time of day, 00:00 to 23:59"},
    {TRADED("{\"symbol\":\"A\",\"tick_value\":0}"), "tick_value: must be more than 0"},
    {"{\"instances\":[{\"instance_id\":\"i\",\"broker_id\":\"zulu\"}]}",
     "instances[0].broker_id: zulu is not a broker"},
    {"{\"instances\":[{\"instance_id\":\"i\",\"broker_id\":\"alpha\",\"accounts\":[\"ben\"]}]}",
     "instances[0].accounts[0]: ben is not an account"},
    {"{\"instances\":[{\"instance_id\":\"i\",\"broker_id\":\"alpha\",\"accounts\":[\"anna\"]}]}",
     "instances[0].accounts[0]: anna is served by instance_config paper-1 already"},
    {"{\"instances\":[{\"instance_id\":\"i\",\"broker_id\":\"alpha\",\"accounts\":[\"anna\","
     "\"anna\"]}]}",
     "instances[0].accounts[1]: anna is given twice"},
    {"{\"instances\":[{\"instance_id\":\"i\",\"broker_id\":\"alpha\",\"kind\":\"\"}]}",
     "instances[0].kind: must be a gateway's name"},
    {"{\"brokers\":[{\"broker_id\":\"b\"}],\"accounts\":[{\"account_id\":\"anna\",\"broker_id\":"
     "\"b\"}]}",
     "instance_config paper-1.accounts[0]: anna is an account at b, not at alpha"},
    {"{\"sources\":[{\"config_id\":\"x\",\"token\":\"short\"}]}",
     "sources[0].token: must be 16 to 128"},
    {"{\"sources\":[{\"config_id\":\"x\",\"token\":\"with/slash/0123456\"}]}",
     "sources[0].token: must be 16 to 128"},
    {"{\"sources\":[{\"config_id\":\"x\",\"token_hash\":\"abc\"}]}",
     "sources[0].token_hash: must be 64 hexadecimal"},
    {"{\"sources\":[{\"config_id\":\"tv\",\"window_s\":0}]}",
     "sources[0].window_s: must be 1 to 3600"},
    {"{\"sources\":[{\"config_id\":\"tv\",\"rate_per_s\":0}]}", "sources[0].rate_per_s: must be 1"},
    {"{\"replace\":true,\"accounts\":[" ACCOUNT "]}",
     "accounts[0].broker_id: alpha is not a broker"},
    {AGREED(""), "sources[0].consensus.parts: must be 1 to 32 sources, not 0"},
    {AGREED("\"parts\":[{\"source\":\"none\"}]"),
     "sources[0].consensus.parts[0].source: none is not a source"},
    {AGREED("\"parts\":[{\"source\":\"both\"}]"),
     "sources[0].consensus.parts[0].source: both is a consensus itself"},
    {AGREED("\"parts\":[{\"source\":\"tv\"},{\"source\":\"tv\"}]"),
     "parts[1].source: tv is given twice, first by parts[0]"},
    {AGREED("\"parts\":[{\"source\":\"tv\",\"weight\":0}]"),
     "sources[0].consensus.parts: must have weight"},
    {AGREED("\"parts\":[{\"source\":\"tv\",\"weight\":-1}]"),
     "sources[0].consensus.parts[0].weight: must be 0 to 1000000"},
    {AGREED("\"parts\":[{\"source\":\"tv\"}],\"window_s\":0"),
     "sources[0].consensus.window_s: must be 1 to 3600"},
    {AGREED("\"parts\":[{\"source\":\"tv\"}],\"min_agreement\":0"),
     "sources[0].consensus.min_agreement: must be more than 0"},
    {AGREED("\"parts\":[{\"source\":\"tv\"}],\"min_agreement\":1.01"),
     "min_agreement: must be more than 0 and at most 1"},
    {AGREED("\"parts\":[{\"source\":\"tv\"}],\"min_confidence\":101"),
     "sources[0].consensus.min_confidence: must be 0 to 100"},
    {AGREED("\"parts\":[{\"source\":\"tv\"}],\"take\":\"best\""),
     "sources[0].consensus.take: must be one of first, latest, weighted_mean"},
};

static void what_is_wrong_is_refused_with_path_and_rule(void **state) {
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refuse(w->held, wrong[i][0], wrong[i][1]);
}

static void everything_that_is_wrong_is_said_at_once(void **state) {
    struct world *w = *state;
    struct complaints complaints = {0};
    const char *json =
        "{\"brokers\":[{\"broker_id\":\"a "
        "b\"}],\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"x\",\"leverage\":0}]}";
    assert_null(config_read(&(struct config_reading){w->held, {2, NULL}, false}, span_of(json),
                            &complaints));
    assert_int_equal(complaints.count, 3);
    buffer_destroy(&complaints.text);
    // What is not even of its type does not keep the rest from being looked at.
    complaints = (struct complaints){0};
    json = "{\"brokers\":[{\"broker_id\":5,\"symbols\":[7,{\"symbol\":\"A\",\"lot_step\":-1}]},{}],"
           "\"accounts\":[{\"account_id\":\"ben\","
           "\"broker_id\":\"x\",\"balance\":{},\"subscriptions\":[{\"source\":[],\"symbols\":["
           "\"A\",1]}]}],\"sources\":[{\"token\":1}]}";
    assert_null(config_read(&(struct config_reading){w->held, {2, NULL}, false}, span_of(json),
                            &complaints));
    assert_string_equal(
        buffer_string(&complaints.text),
        "brokers[0].broker_id: must be text, not 5\n"
        "brokers[0].symbols[0]: must be an object, not 7\n"
        "brokers[1].broker_id: is required\n"
        "accounts[0].balance: must be a decimal number with at most 8 decimals, not an object\n"
        "accounts[0].subscriptions[0].source: must be text, not an array\n"
        "accounts[0].subscriptions[0].symbols[1]: must be text, not 1\n"
        "sources[0].token: must be text\n"
        "sources[0].config_id: is required\n"
        "brokers[0].symbols[1].lot_step: must be more than 0, not \"-1\"\n"
        "accounts[0].broker_id: x is not a broker\n"
        "accounts[0].subscriptions[0].fixed_lot: exactly one of fixed_lot and multiplier must be "
        "given, or sizing");
    buffer_destroy(&complaints.text);
}

static void complaints_without_end_are_counted(void **state) {
    struct world *w = *state;
    buffer_t json = {0};
    buffer_text(&json, "{\"brokers\":[");
    for (int i = 0; i < 200; i++) buffer_text(&json, i ? ",{}" : "{}");
    buffer_text(&json, "]}");
    refuse(w->held, buffer_string(&json), "brokers[49].broker_id: is required");
    buffer_destroy(&json);
}

static void the_tables_give_back_the_configuration_and_its_changes(void **state) {
    struct world *w = *state;
    char why[200];
    own(sql) *db = sql_open(":memory:", SQL_WRITE, why);
    assert_int_equal(schema_prepare(db), ERR_OK);
    rows_t *rows = rows_new(db);
    assert_non_null(rows);
    for (int step = 0; step < 3; step++) {
        size_t n = 4; // of set_up
        if (step == 1)
            n = apply(w->held, "{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"alpha\"}]}",
                      w->arena, &w->changes);
        if (step == 2)
            n = apply(w->held, "{\"replace\":true,\"brokers\":[" BROKER "]}", w->arena,
                      &w->changes);
        for (size_t i = 0; i < n; i++) rows_add(rows, TABLE_config_change, &w->changes[i]->base);
        assert_int_equal(rows_write_queued(rows), ERR_OK);
        rows_committed(rows);
        rows_clear(rows);
        own(config) *back = config_new();
        ConfigChange **changes;
        assert_int_equal(config_table_load(db, back), ERR_OK);
        assert_int_equal(config_version(back), step + 1);
        assert_int_equal(config_diff(w->held, back, 0, w->arena, &changes), 0);
    }
    size_t n;
    assert_int_equal(config_table_changes(db, 1, w->arena, &w->changes, &n), ERR_OK);
    assert_int_equal(n, 1 + 4);
    assert_string_equal(w->changes[0]->account->account_id, "ben");
    assert_int_equal(config_table_changes(db, 3, w->arena, &w->changes, &n), ERR_OK);
    assert_int_equal(n, 0);
    rows_destroy(&rows);
}

static void a_cache_that_is_newer_gives_back_what_the_file_lost(void **state) {
    struct world *w = *state;
    own(config) *lost = config_new();
    own(config) *older = config_copy(w->held);
    assert_int_equal(config_newer(lost, w->held, 0, w->arena, &w->changes), 4);
    assert_int_equal(w->changes[0]->version, 1);
    assert_int_equal(apply(w->held,
                           "{\"accounts\":[{\"account_id\":\"anna\",\"broker_id\":\"alpha\"}]}",
                           w->arena, &w->changes),
                     1);
    assert_int_equal(config_newer(older, w->held, 0, w->arena, &w->changes), 1);
    assert_int_equal(w->changes[0]->version, 2);
    assert_int_equal(config_newer(w->held, older, 0, w->arena, &w->changes), 0);
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_first_document_makes_each_row_a_change),
        TEST(what_is_equal_makes_no_change),
        TEST(only_what_differs_changes),
        TEST(rows_that_are_missing_stay_unless_the_document_replaces),
        TEST(what_show_prints_can_be_applied),
        TEST(a_source_keeps_its_token_when_none_is_given),
        TEST(a_consensus_needs_no_token_and_is_kept_whole),
        TEST(a_source_in_a_document_has_every_field_of_a_source),
        TEST(what_is_wrong_is_refused_with_path_and_rule),
        TEST(everything_that_is_wrong_is_said_at_once),
        TEST(complaints_without_end_are_counted),
        TEST(the_tables_give_back_the_configuration_and_its_changes),
        TEST(a_cache_that_is_newer_gives_back_what_the_file_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
