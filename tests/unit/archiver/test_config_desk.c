// test_config_desk - what is asked of the configuration: looked at, changed in one place, told
// before it is done, and taken back.
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
#include "common/batch/batch_commit.h"
#include "common/schema/record.h"
#include "services/archiver/config/document.h"
#include "services/archiver/config/rules/fields.h"
#include "services/archiver/config/table.h"
#include "services/archiver/config/verbs.h"
#include "services/archiver/slice.h"

#define FIRST                                                                                      \
    "{\"sources\":[{\"config_id\":\"tv\",\"token\":\"0123456789abcdef\"},{\"config_id\":\"tv.2\"," \
    "\"token\":\"0123456789abcdef\"}],"                                                            \
    "\"brokers\":[{\"broker_id\":\"alpha\",\"symbols\":[{\"symbol\":\"EURUSD\"},{\"symbol\":"      \
    "\"BRK.B\",\"digits\":2}]}],"                                                                  \
    "\"accounts\":[{\"account_id\":\"anna\",\"broker_id\":\"alpha\",\"balance\":\"1000.50\","      \
    "\"subscriptions\":[{\"source\":\"tv\","                                                       \
    "\"fixed_lot\":"                                                                               \
    "\"0.1\",\"symbols\":[\"EURUSD\"]},{\"source\":\"tv.2\",\"multiplier\":2}]}]}"

// What FIRST lacks to trade.
#define LACKS                                                                                      \
    "\"warnings\":[{\"what\":\"account_without_gateway\",\"text\":\"account anna: no gateway "     \
    "serves it, so its orders wait until they "                                                    \
    "expire; name it in the accounts of an "                                                       \
    "instance\"},{\"what\":\"unknown_currency\",\"text\":\"symbol BRK.B of broker alpha: what "    \
    "its "                                                                                         \
    "profit is counted in is not known, so it is not sized by risk, nor filled on paper; set its " \
    "profit_currency\"},{\"what\":\"no_price_source\",\"text\":\"broker alpha: no open source "    \
    "may post the price of EURUSD, BRK.B; set prices: true for a source, or name them in its "     \
    "price_symbols\"}]"

struct world {
    struct desk desk;
    batch_t *batch;
    struct outlet outlet;
    buffer_t answer;
};

static int set_up(void **state) {
    static struct world w;
    char why[200];
    w = (struct world){.outlet = {.name = "config", .topic = TOPIC_config}};
    w.desk = (struct desk){
        .held = config_new(), .db = sql_open(":memory:", SQL_WRITE, why), .shards = {2, NULL}};
    assert_int_equal(schema_prepare(w.desk.db), ERR_OK);
    w.desk.rows = rows_new(w.desk.db);
    w.batch = batch_new("archiver", archiver_slice, &w.outlet, 1);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    rows_destroy(&w->desk.rows);
    sql_destroy(&w->desk.db);
    config_destroy(&w->desk.held);
    batch_destroy(&w->batch);
    buffer_destroy(&w->answer);
    return 0;
}

typedef bool verb_fn(struct desk *desk, batch_t *batch, const ControlRequest *request,
                     buffer_t *answer);

static bool show(struct desk *desk, batch_t *batch, const ControlRequest *request,
                 buffer_t *answer) {
    (void)batch;
    return desk_show(desk, request, answer);
}

static bool get(struct desk *desk, batch_t *batch, const ControlRequest *request,
                buffer_t *answer) {
    (void)batch;
    return desk_get(desk, request, answer);
}

// One request in a batch of its own, committed.
static bool ask(struct world *w, verb_fn *verb, const char *body, const char *const words[]) {
    ControlRequest r = CONTROL_REQUEST__INIT;
    r.args = (char **)(uintptr_t)words;
    while (words && words[r.n_args]) r.n_args++;
    r.has_body = body != NULL;
    r.body.data = (uint8_t *)(uintptr_t)body;
    r.body.len = body ? strlen(body) : 0;
    batch_begin(w->batch, 7, UINT64_C(1742638530000000000), 1);
    buffer_clear(&w->answer);
    bool done = verb(&w->desk, w->batch, &r, &w->answer);
    assert_int_equal(sql_begin(w->desk.db), ERR_OK);
    assert_int_equal(rows_write_queued(w->desk.rows), ERR_OK);
    assert_int_equal(sql_commit(w->desk.db), ERR_OK);
    rows_committed(w->desk.rows);
    rows_clear(w->desk.rows);
    return done;
}
#define ASK(w, verb, body, ...) ask(w, verb, body, (const char *const[]){__VA_ARGS__, NULL})
#define MUST(w, verb, body, ...)                                                                   \
    do {                                                                                           \
        if (!ASK(w, verb, body, __VA_ARGS__))                                                      \
            fail_msg("refused: %s", buffer_string(&(w)->answer));                                  \
    } while (0)

static void says(struct world *w, const char *text) {
    if (!strstr(buffer_string(&w->answer), text))
        fail_msg("%s\ndoes not say %s", buffer_string(&w->answer), text);
}

static const AccountConfig *anna(struct world *w) {
    return (const AccountConfig *)config_find(w->desk.held, CONFIG_CHANGE__KIND__account_config,
                                              "anna")
        ->m;
}

static const SignalConfig *source(struct world *w, const char *id) {
    return (const SignalConfig *)config_find(w->desk.held, CONFIG_CHANGE__KIND__signal_config, id)
        ->m;
}

static void a_place_is_found_by_names_also_by_those_with_dots(void **state) {
    struct world *w = *state;
    static const char *const places[][2] = {
        {"path=accounts.anna.balance", "1000.5"},
        {"path=accounts.anna.name", "null"},
        {"path=accounts.anna.live", "null"},
        {"path=accounts.anna.subscriptions.tv.fixed_lot", "0.1"},
        {"path=accounts.anna.subscriptions.tv.2.multiplier", "2"},
        {"path=accounts.anna.subscriptions[1].source", "\"tv.2\""},
        {"path=accounts.anna.subscriptions.tv.symbols", "[\"EURUSD\"]"},
        {"path=brokers.alpha.symbols.BRK.B.digits", "2"},
        {"path=brokers.alpha.symbols.BRK.B", "{\"symbol\":\"BRK.B\",\"digits\":2}"},
        {"path=sources.tv.2.config_id", "\"tv.2\""},
        {"path=instances", "[]"},
    };
    static const char *const wrong[][2] = {
        {"path=", "a path begins with"},
        {"path=colours.red", "a path begins with"},
        {"path=accounts.ben", "accounts has no ben"},
        {"path=accounts.anna.colour", "there is no field colour"},
        {"path=accounts.anna.balance.more", "balance has nothing within it"},
        {"path=accounts.anna.subscriptions.x", "subscriptions has no x"},
        {"path=accounts.anna.subscriptions[2]", "subscriptions has no such index"},
        {"path=accounts.anna.subscriptions[", "subscriptions has no such index"},
    };
    MUST(w, desk_apply, FIRST, NULL);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        MUST(w, get, NULL, places[i][0]);
        assert_string_equal(buffer_string(&w->answer), places[i][1]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(ASK(w, get, NULL, wrong[i][0]));
        says(w, wrong[i][1]);
    }
    assert_false(ASK(w, get, NULL, "path="));
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) says(w, config_kinds[i].section);
}

static void one_place_is_changed_and_nothing_else(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, NULL);
    MUST(w, desk_set, NULL, "path=accounts.anna.subscriptions.tv.fixed_lot", "value=0.2");
    says(w, "{\"version\":2,\"changes\":[{\"table\":\"account_config\",\"id\":\"anna\",\"edits\":[{"
            "\"path\":\"subscriptions.tv.fixed_lot\","
            "\"before\":\"0.1\",\"after\":\"0.2\"}]}]," LACKS "}");
    MUST(w, desk_set, NULL, "path=accounts.anna.enabled", "value=false");
    says(w, "{\"path\":\"enabled\",\"after\":\"false\"}");
    MUST(w, desk_set, NULL, "path=accounts.anna.name", "value=Anna \"A\"");
    assert_string_equal(anna(w)->name, "Anna \"A\"");
    MUST(w, desk_set, NULL, "path=accounts.anna.name", "value=null");
    assert_null(anna(w)->name);
    MUST(w, desk_set, NULL, "path=accounts.anna.subscriptions.tv.symbols",
         "value=[\"EURUSD\",\"BRK.B\"]");
    says(w, "\"before\":\"[\\\"EURUSD\\\"]\",\"after\":\"[\\\"EURUSD\\\",\\\"BRK.B\\\"]\"");
    MUST(w, desk_set, NULL, "path=accounts.anna.subscriptions.tv.symbols", "value=BRK.B");
    assert_int_equal(anna(w)->subscriptions[0]->n_symbols, 1);
    MUST(w, desk_set, NULL, "path=brokers.alpha.symbols.GBPUSD.digits", "value=3"); // makes it
    says(w, "{\"path\":\"symbols.GBPUSD\",\"after\":\"{\\\"symbol\\\":\\\"GBPUSD\\\","
            "\\\"digits\\\":3}\"}");
    MUST(w, desk_set, NULL, "path=brokers.alpha.symbols.GBPUSD", "value=null"); // takes it away
    says(w, "{\"path\":\"symbols.GBPUSD\",\"before\":");
    MUST(w, desk_set, NULL, "path=accounts.ben.broker_id", "value=alpha"); // makes the row
    MUST(w, desk_set, NULL, "path=accounts.ben", "value=null");
    says(w, "\"id\":\"ben\",\"removed\":true");
    assert_null(config_find(w->desk.held, CONFIG_CHANGE__KIND__account_config, "ben"));
    assert_int_equal(anna(w)->balance, INT64_C(100050000000));
}

static void what_is_set_wrong_is_refused(void **state) {
    struct world *w = *state;
    static const char *const wrong[][3] = {
        {"path=accounts.anna.leverage", "value=0", "leverage: must be 1 to 10000, not \"0\""},
        {"path=accounts.anna.leverage", "value=fast",
         "leverage: must be an integer of 32 bits, not negative, not \"fast\""},
        {"path=accounts.anna.enabled", "value=yes", "enabled: must be true or false, not \"yes\""},
        {"path=accounts.anna.colour", "value=red", "accounts[0].colour: is not known"},
        {"path=accounts.anna", "value={}", "the path must name a field"},
        {"path=accounts.anna.subscriptions.tv", "value={", "must be a JSON object"},
        {"path=accounts.anna.subscriptions", "value=[1],\"x\":[2]", "is not JSON"},
        {"path=accounts.anna.subscriptions[7].multiplier", "value=1", "no such index"},
        {"path=accounts.anna.balance.x", "value=1", "nothing within it"},
        {"path=brokers.alpha", "value=null", "accounts.anna"}, // it is an account's
        {"path=sources.tv", "value=null", "tv is not a source"},
        {"path=accounts", "value=null", "a path begins with"},
        {"path=", "value=", "a path begins with"},
    };
    MUST(w, desk_apply, FIRST, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(ASK(w, desk_set, NULL, wrong[i][0], wrong[i][1]));
        if (i != 9) says(w, wrong[i][2]);
    }
    assert_int_equal(config_version(w->desk.held), 1);
}

static void a_dry_run_tells_and_does_nothing(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, "dry-run");
    says(w, "{\"version\":0,\"dry_run\":true,\"changes\":[{");
    assert_int_equal(config_version(w->desk.held), 0);
    MUST(w, desk_apply, FIRST, "if=0");
    assert_false(ASK(w, desk_apply, "{}", "if=0"));
    says(w, "the configuration is at version 1 by now, not 0");
    MUST(w, desk_rollback, NULL, "to=1", "dry-run");
    assert_string_equal(buffer_string(&w->answer), "{\"version\":1,\"dry_run\":true," LACKS "}");
}

static void history_says_who_when_and_what(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, "by=alice", "note=first");
    MUST(w, desk_set, NULL, "path=accounts.anna.leverage", "value=30", "by=bob");
    MUST(w, desk_set, NULL, "path=accounts.anna.leverage", "value=20", "by=alice");
    MUST(w, desk_history, NULL, "count=2");
    assert_string_equal(
        buffer_string(&w->answer),
        "{\"versions\":[{\"version\":3,\"changed_at\":\"2025-03-22T10:15:30Z\",\"changed_by\":"
        "\"alice\",\"changes\":"
        "[{\"table\":\"account_config\",\"id\":\"anna\",\"edits\":[{\"path\":\"leverage\","
        "\"before\":\"30\",\"after\":\"20\"}]}]},"
        "{\"version\":2,\"changed_at\":\"2025-03-22T10:15:30Z\",\"changed_by\":\"bob\",\"changes\":"
        "[{\"table\":\"account_config\",\"id\":\"anna\",\"edits\":[{\"path\":\"leverage\","
        "\"after\":\"30\"}]}]}]}");
    MUST(w, desk_history, NULL, NULL);
    says(w, "\"changed_by\":\"alice\",\"note\":\"first\"");
    says(w, "\"path\":\"token_hash\",\"after\":\"(hidden)\"");
}

static void a_rollback_is_a_new_version_that_is_as_the_old_one(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, NULL);
    MUST(w, desk_set, NULL, "path=accounts.anna.leverage", "value=30");
    MUST(w, desk_set, NULL, "path=accounts.ben.broker_id", "value=alpha");
    MUST(w, desk_rollback, NULL, "to=1", "by=alice");
    says(w, "{\"version\":4,");
    says(w, "\"id\":\"ben\",\"removed\":true");
    says(w, "{\"path\":\"leverage\",\"before\":\"30\"}");
    assert_false(anna(w)->has_leverage);
    MUST(w, desk_rollback, NULL, "to=3");
    assert_int_equal(anna(w)->leverage, 30);
    assert_int_equal(config_version(w->desk.held), 5);
    own(config) *stored = config_new();
    assert_int_equal(config_table_load(w->desk.db, stored), ERR_OK);
    own(arena) *arena = arena_new(0);
    ConfigChange **changes;
    assert_int_equal(config_diff(w->desk.held, stored, 1, arena, &changes), 0);
    assert_int_equal(config_version(stored), 5);
    assert_false(ASK(w, desk_rollback, NULL, "to=9"));
    says(w, "there is no version 9 on record; versions 1 to 5 are");
    assert_false(ASK(w, desk_rollback, NULL, "to=0"));
    assert_false(ASK(w, desk_rollback, NULL, "to=x"));
}

// Rows that came back from Redis have their own, older versions: what stood beside them then is not
// known.
static void what_was_before_a_loss_is_not_made_up(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, NULL);
    MUST(w, desk_set, NULL, "path=accounts.anna.leverage", "value=30");
    assert_int_equal(sql_run(w->desk.db, "UPDATE config_change SET recovered = 1"), ERR_OK);
    MUST(w, desk_set, NULL, "path=accounts.anna.leverage", "value=40");
    assert_false(ASK(w, desk_rollback, NULL, "to=1"));
    says(w, "versions 2 to 3 are");
    MUST(w, desk_rollback, NULL, "to=2");
    assert_int_equal(anna(w)->leverage, 30);
}

static void is_hash_of(const char *hash, const char *text) {
    char wanted[65];
    token_hash(text, strlen(text), wanted);
    assert_string_equal(hash, wanted);
}

static void a_token_is_changed_while_the_old_one_still_counts(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, NULL);
    MUST(w, desk_apply,
         "{\"sources\":[{\"config_id\":\"tv\",\"token\":\"new-token-0123456789\",\"old_token_"
         "until\":\"2030-01-01T00:00:00Z\"}]}",
         NULL);
    is_hash_of(source(w, "tv")->token_hash, "new-token-0123456789");
    is_hash_of(source(w, "tv")->old_token_hash, "0123456789abcdef");
    MUST(w, desk_set, NULL, "path=sources.tv.window_s", "value=30"); // touches neither
    is_hash_of(source(w, "tv")->token_hash, "new-token-0123456789");
    is_hash_of(source(w, "tv")->old_token_hash, "0123456789abcdef");
    MUST(w, desk_rollback, NULL, "to=1"); // nor does a step back
    is_hash_of(source(w, "tv")->token_hash, "new-token-0123456789");
    MUST(w, desk_set, NULL, "path=sources.tv.old_token_until", "value=null");
    assert_null(source(w, "tv")->old_token_hash);
    MUST(w, desk_set, NULL, "path=sources.tv.token", "value=third-token-0123456789");
    is_hash_of(source(w, "tv")->token_hash, "third-token-0123456789");
    assert_false(ASK(w, desk_set, NULL, "path=sources.tv.token", "value=short"));
    assert_null(strstr(buffer_string(&w->answer), "\"short\""));
    assert_false(
        ASK(w, desk_apply,
            "{\"sources\":[{\"config_id\":\"tv.2\",\"old_token_until\":\"2030-01-01T00:00:00Z\"}]}",
            NULL));
    says(w, "sources[0].old_token_until: is given, but there is no token before this one");
}

static void a_license_stays_until_it_is_taken_away(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, NULL);
    assert_false(ASK(w, desk_set, NULL, "path=sources.tv.license", "value=6012345678901"));
    says(w, "license: is for dialect pineconnector");
    MUST(w, desk_apply,
         "{\"sources\":[{\"config_id\":\"tv\",\"dialect\":\"pineconnector\",\"license\":"
         "\"6012345678901\",\"secret\":\"abcdefgh\"}]}",
         NULL);
    is_hash_of(source(w, "tv")->license_hash, "6012345678901");
    MUST(w, desk_set, NULL, "path=sources.tv.sl_is", "value=percent");
    is_hash_of(source(w, "tv")->secret_hash, "abcdefgh");
    MUST(w, desk_set, NULL, "path=sources.tv.license", "value=");
    assert_null(source(w, "tv")->license_hash);
    MUST(w, desk_set, NULL, "path=sources.tv.dialect", "value=tradecast");
    assert_null(source(w, "tv")->secret_hash);
}

static void what_is_exported_can_be_applied_and_holds_no_secret(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, NULL);
    MUST(w, desk_set, NULL, "path=sources.tv.dialect", "value=pineconnector");
    MUST(w, desk_set, NULL, "path=sources.tv.license", "value=6012345678901");
    MUST(w, show, NULL, "export");
    buffer_t exported = {0};
    buffer_add(&exported, w->answer.data, w->answer.length);
    assert_null(strstr(buffer_string(&exported), "hash"));
    assert_null(strstr(buffer_string(&exported), "version"));
    MUST(w, desk_apply, buffer_string(&exported), "replace");
    assert_string_equal(buffer_string(&w->answer), "{\"version\":3," LACKS "}");
    buffer_destroy(&exported);
}

static void a_document_may_replace_all_by_word_as_well(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, NULL);
    MUST(w, desk_apply, "{\"brokers\":[{\"broker_id\":\"bravo\"}]}", "replace");
    assert_null(config_find(w->desk.held, CONFIG_CHANGE__KIND__account_config, "anna"));
    assert_non_null(config_find(w->desk.held, CONFIG_CHANGE__KIND__broker_config, "bravo"));
}

static void open_a_trade(struct world *w, const char *trade, const char *account, const char *state,
                         const char *closes) {
    own(buffer) sql = {0};
    buffer_format(&sql,
                  "INSERT INTO trades (trade_id, signal_id, account_id, broker_id, symbol, "
                  "broker_symbol, order_type, direction, lot_size, state, "
                  "reason, signal_at, ordered_at, updated_at, closes) VALUES ('%s', 's', '%s', "
                  "'alpha', 'EURUSD', 'EURUSD', 'market', 'buy', '1', "
                  "'%s', "
                  "'ordered', 't', 't', 't', %s)",
                  trade, account, state, closes);
    assert_int_equal(sql_run(w->desk.db, buffer_string(&sql)), ERR_OK);
}

static void an_account_with_open_trades_is_not_taken_away_unless_forced(void **state) {
    struct world *w = *state;
    static const char ben[] = "{\"accounts\":[{\"account_id\":\"ben\",\"broker_id\":\"alpha\"},{"
                              "\"account_id\":\"carl\",\"broker_id\":\"alpha\"}]}";
    MUST(w, desk_apply, FIRST, NULL);
    MUST(w, desk_apply, ben, NULL);
    open_a_trade(w, "t1", "anna", "filled", "NULL");
    open_a_trade(w, "t2", "anna", "unknown", "NULL");
    open_a_trade(w, "t3", "ben", "closed", "NULL");
    open_a_trade(w, "t4", "ben", "filled", "'t3'"); // what closed it
    open_a_trade(w, "t5", "ben", "rejected", "NULL");
    open_a_trade(w, "t6", "carl", "working", "NULL");
    uint64_t version = config_version(w->desk.held);
    static const char lacks[] = "{\"brokers\":[{\"broker_id\":\"alpha\"}]}";
    assert_false(ASK(w, desk_apply, lacks, "replace"));
    says(w, "accounts.anna has 2 open trades\naccounts.carl has 1 open trade\n");
    says(w, "--force");
    assert_null(strstr(buffer_string(&w->answer), "accounts.ben"));
    assert_false(ASK(w, desk_set, NULL, "path=accounts.carl", "value=null"));
    assert_false(ASK(w, desk_rollback, NULL, "to=1"));
    assert_int_equal(config_version(w->desk.held), version);
    MUST(w, desk_apply, lacks, "replace", "dry-run");
    says(w, "\"id\":\"anna\",\"removed\":true");
    MUST(w, desk_set, NULL, "path=accounts.ben", "value=null");
    MUST(w, desk_apply, lacks, "replace", "force");
    assert_null(config_find(w->desk.held, CONFIG_CHANGE__KIND__account_config, "anna"));
}

static void nothing_at_all_is_no_configuration_unless_forced(void **state) {
    struct world *w = *state;
    MUST(w, desk_apply, FIRST, NULL);
    assert_false(ASK(w, desk_apply, "{\"replace\":true}", NULL));
    says(w, "nothing would be left of the configuration (4 rows would go)");
    assert_non_null(anna(w));
    MUST(w, desk_apply, "{\"replace\":true}", "force");
    MUST(w, desk_apply, "{\"replace\":true}", NULL); // there is nothing to take away
}

static void every_row_of_the_rules_names_a_field_that_it_fits(void **state) {
    (void)state;
    const struct field_rule *r;
    for (size_t i = 0; (r = config_field_rule_at(i)); i++) {
        const ProtobufCFieldDescriptor *f =
            r->field ? record_field(r->type, span_of(r->field)) : NULL;
        char words[200] = "";
        if (!r->field) continue; // it is for every field
        if (!f) fail_msg("%s has no field %s", r->type->name, r->field);
        if ((f->type == PROTOBUF_C_TYPE_STRING) != (r->text != NULL))
            fail_msg("%s.%s: wrong kind of rule", r->type->name, r->field);
        if (config_field_rule(r->type, r->field) != r)
            fail_msg("%s.%s has two rules", r->type->name, r->field);
        config_field_rule_words(r, words);
        assert_int_equal(strncmp(words, "must ", 5), 0);
    }
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_place_is_found_by_names_also_by_those_with_dots),
        TEST(one_place_is_changed_and_nothing_else),
        TEST(what_is_set_wrong_is_refused),
        TEST(a_dry_run_tells_and_does_nothing),
        TEST(history_says_who_when_and_what),
        TEST(a_rollback_is_a_new_version_that_is_as_the_old_one),
        TEST(what_was_before_a_loss_is_not_made_up),
        TEST(a_token_is_changed_while_the_old_one_still_counts),
        TEST(a_license_stays_until_it_is_taken_away),
        TEST(what_is_exported_can_be_applied_and_holds_no_secret),
        TEST(a_document_may_replace_all_by_word_as_well),
        TEST(an_account_with_open_trades_is_not_taken_away_unless_forced),
        TEST(nothing_at_all_is_no_configuration_unless_forced),
        TEST(every_row_of_the_rules_names_a_field_that_it_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
