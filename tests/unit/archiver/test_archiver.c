// test_archiver - every message on the archiver's topics becomes its rows, and a configuration its
// keys and changes.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memmem
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>

#include "common/base/own.h"
#include "common/batch/batch_commit.h"
#include "common/delivery/envelope.h"
#include "common/sql/sql.h"
#include "execution.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/archiver/archiver.h"
#include "services/archiver/rows/schema.h"
#include "tests/unit/common/generated.h"

struct world {
    char folder[64], path[96];
    struct context context;
    void *settings, *archiver;
    struct outlet outlets[3];
    batch_t *batch;
    arena_t *arena;
};

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    char wrong[256] = "";
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_archiver.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof(w->path), "%s/archive.db", w->folder);
    setenv("TRADECAST_ARCHIVER_DATABASE", w->path, 1);
    w->settings = calloc(1, archiver_service.settings_size);
    assert_int_equal(options_read(archiver_service.options, "archiver", w->settings, wrong),
                     ERR_OK);
    w->context = (struct context){.name = "archiver", .shards = 2};
    w->archiver = archiver_service.new(&w->context, w->settings);
    assert_non_null(w->archiver);
    w->outlets[0] = (struct outlet){.name = "config", .topic = TOPIC_config};
    w->outlets[1] = (struct outlet){.name = "incidents.archiver", .topic = TOPIC_incidents};
    w->outlets[2] = (struct outlet){.name = "recalls", .topic = TOPIC_recalls};
    w->batch = batch_new("archiver", archiver_service.slice, w->outlets, 3);
    w->arena = arena_new(0);
    batch_begin(w->batch, 7, UINT64_C(1742638530000000000), 1);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    archiver_service.destroy(&w->archiver);
    batch_destroy(&w->batch);
    arena_destroy(&w->arena);
    free(w->settings);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static const struct route *route_for(const ProtobufCMessageDescriptor *type) {
    const struct route *r = archiver_service.routes;
    while (r->handle && r->type != type) r++;
    return r->handle ? r : NULL;
}

static void take(struct world *w, const ProtobufCMessage *m) {
    assert_int_equal(route_for(m->descriptor)->handle(w->archiver, w->batch, m), ERR_OK);
}

static void commit(struct world *w) {
    char why[160];
    struct inlet_position at[] = {{"signals", {7, 1}}};
    assert_int_equal(batch_fault(w->batch, why), ERR_OK);
    assert_int_equal(archiver_service.persist(w->archiver, w->batch, at, 1), ERR_OK);
    archiver_service.committed(w->archiver);
}

static int64_t count(struct world *w, const char *table) {
    char text[96], why[200];
    bool row;
    own(sql) *db = sql_open(w->path, SQL_READ, why);
    snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table);
    own(sql_query) *q = sql_prepare(db, text);
    assert_non_null(q);
    assert_int_equal(sql_step(q, &row), ERR_OK);
    return sql_integer(q, 0);
}

static void expect(struct world *w, const char *table, int64_t wanted) {
    int64_t found = count(w, table);
    if (found != wanted)
        fail_msg("%s has %lld rows instead of %lld", table, (long long)found, (long long)wanted);
}

static void every_message_becomes_its_rows(void **state) {
    struct world *w = *state;
    struct dice d = {.state = 99};
    for (const struct route *r = archiver_service.routes; r->handle; r++)
        take(w, generated(r->type, &d, 100, w->arena));
    commit(w);
    static const char *const tables[] = {"signals",
                                         "orders",
                                         "order_commands",
                                         "commands",
                                         "routings",
                                         "trades",
                                         "trade_result",
                                         "result_metrics",
                                         "trade_reconciliation",
                                         "signal_execution_status",
                                         "alert_log",
                                         "system_event_log",
                                         "performance_log"};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) expect(w, tables[i], 1);
    // the rejection, and the trade if its state says so
    assert_true(count(w, "trade_failure_log") >= 1);
    expect(w, "refused_rows", 0);
}

static void generated_messages_of_any_shape_are_archived(void **state) {
    struct world *w = *state;
    struct dice d = {.state = 4711};
    for (int round = 0; round < 200; round++) {
        arena_reset(w->arena);
        for (const struct route *r = archiver_service.routes; r->handle; r++)
            take(w, generated(r->type, &d, 50, w->arena));
        commit(w);
    }
    expect(w, "refused_rows", 0);
}

// What travels on its topics and has no route is looked at by others only.
static void every_type_on_its_topics_is_known(void **state) {
    (void)state;
    static const char *const left_out[] = {"AccountState", "InstanceState", "BrokerSnapshot",
                                           "TradeUnknown"};
#define TYPES_OF(name, owner, split, consumers, types) ((consumers)&TO(ARCHIVER) ? " " types : ""),
    const char *const all[] = {TOPICS(TYPES_OF)};
#undef TYPES_OF
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char types[160];
        snprintf(types, sizeof(types), "%s", all[i]);
        for (char *name = strtok(types, " "); name; name = strtok(NULL, " ")) {
            bool routed = route_for(message_type(name)) != NULL, skipped = false;
            for (size_t k = 0; k < sizeof(left_out) / sizeof(left_out[0]); k++)
                skipped = skipped || strcmp(left_out[k], name) == 0;
            if (routed == skipped)
                fail_msg("%s is %s", name,
                         routed ? "archived although it is listed as left out" : "not archived");
        }
    }
}

static bool ask(struct world *w, const char *verb, const char *body, buffer_t *answer) {
    ControlRequest request = CONTROL_REQUEST__INIT;
    request.verb = (char *)(uintptr_t)verb;
    if (body)
        request.has_body = true, request.body.data = (uint8_t *)(uintptr_t)body,
        request.body.len = strlen(body);
    buffer_clear(answer);
    for (const struct control *c = archiver_service.controls; c->verb; c++)
        if (strcmp(c->verb, verb) == 0) return c->run(w->archiver, w->batch, &request, answer);
    fail_msg("no verb %s", verb);
    return false;
}

static bool writes(struct world *w, const char *text) {
    struct span bytes = batch_bytes(w->batch);
    return memmem(bytes.data, bytes.length, text, strlen(text)) != NULL;
}

static void a_configuration_becomes_keys_changes_and_rows(void **state) {
    struct world *w = *state;
    buffer_t answer = {0};
    const struct outgoing *out;
    assert_true(ask(w, "config-apply",
                    "{\"brokers\":[{\"broker_id\":\"alpha\"}],\"sources\":[{\"config_id\":\"tv\","
                    "\"token\":\"0123456789abcdef\"}]}",
                    &answer));
    assert_non_null(strstr(buffer_string(&answer),
                           "{\"version\":1,\"changes\":[{\"table\":\"broker_config\","
                           "\"id\":\"alpha\",\"added\":true,"));
    assert_non_null(
        strstr(buffer_string(&answer), "{\"path\":\"token_hash\",\"after\":\"(hidden)\"}"));
    assert_int_equal(batch_outgoing(w->batch, &out), 3);
    assert_string_equal(out[0].type, "ConfigChange");
    assert_string_equal(out[2].type, "SystemEvent");
    assert_true(writes(w, "broker_config:alpha") && writes(w, "broker_config:index") &&
                writes(w, "archiver:config_version"));
    assert_false(writes(w, "0123456789abcdef"));
    commit(w);
    expect(w, "broker_config", 1);
    expect(w, "signal_config", 1);
    expect(w, "config_change", 2);
    assert_true(ask(w, "config-show", NULL, &answer));
    assert_non_null(strstr(buffer_string(&answer),
                           "\"version\":1,\"brokers\":[{\"broker_id\":\"alpha\",\"version\":1}]"));
    buffer_destroy(&answer);
}

static void a_wrong_configuration_writes_nothing(void **state) {
    struct world *w = *state;
    buffer_t answer = {0};
    assert_false(ask(w, "config-apply",
                     "{\"accounts\":[{\"account_id\":\"anna\",\"broker_id\":\"none\"}]}", &answer));
    assert_string_equal(buffer_string(&answer), "accounts[0].broker_id: none is not a broker");
    assert_false(ask(w, "config-apply", NULL, &answer));
    assert_non_null(strstr(buffer_string(&answer), "not JSON"));
    assert_true(batch_is_empty(w->batch));
    commit(w);
    expect(w, "account_config", 0);
    buffer_destroy(&answer);
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_message_becomes_its_rows),
        TEST(generated_messages_of_any_shape_are_archived),
        TEST(every_type_on_its_topics_is_known),
        TEST(a_configuration_becomes_keys_changes_and_rows),
        TEST(a_wrong_configuration_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
