// test_answers - what models and their programs send: JSON-RPC messages, sessions, an endpoint's replies; and the question that it is asked.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <sodium.h>
#include <string.h>

#include "common/base/own.h"
#include "services/advisor/mcp/rpc.h"
#include "services/advisor/mcp/session.h"
#include "services/advisor/model/question.h"
#include "services/advisor/model/reply.h"

static void a_message_is_what_it_says_it_is(void **state) {
    (void)state;
    static const struct {
        const char *json;
        enum rpc_kind kind;
        enum rpc_code code;
        const char *id;
    } rows[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", RPC_REQUEST, 0, "1"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\\\"b\",\"method\":\"ping\"}", RPC_REQUEST, 0,
         "\"a\\\"b\""},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", RPC_NOTIFICATION, 0, ""},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", RPC_RESPONSE, 0, ""},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", RPC_WRONG, RPC_INVALID, ""},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", RPC_WRONG, RPC_INVALID, ""},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", RPC_WRONG, RPC_INVALID, ""},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", RPC_WRONG, RPC_INVALID, ""},
        {"null", RPC_WRONG, RPC_INVALID, ""},
        {"", RPC_WRONG, RPC_PARSE, ""},
        {"{\"jsonrpc\":\"2.0\",", RPC_WRONG, RPC_PARSE, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rpc_message m;
        rpc_read(span_of(rows[i].json), &m);
        if (m.kind != rows[i].kind || m.code != rows[i].code ||
            strcmp(buffer_string(&m.id), rows[i].id) != 0)
            fail_msg("%s: kind %d code %d", rows[i].json, (int)m.kind, (int)m.code);
        rpc_free(&m);
    }
}

static void an_answer_has_the_id_of_its_question(void **state) {
    (void)state;
    struct rpc_message m;
    buffer_t out = {0};
    rpc_read(span_of("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\"}"), &m);
    rpc_write_result(&m, span_of("{}"), &out);
    assert_string_equal(buffer_string(&out), "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}");
    buffer_clear(&out);
    rpc_free(&m);
    rpc_read(span_of("?"), &m);
    rpc_write_error(&m, RPC_PARSE, "a \"b\"", &out);
    assert_string_equal(buffer_string(&out),
                        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":"
                        "\"a \\\"b\\\"\"}}");
    rpc_free(&m);
    buffer_destroy(&out);
}

static void the_session_that_was_used_least_lately_goes(void **state) {
    (void)state;
    static struct mcp_sessions sessions;
    char first[MCP_SESSION_TEXT], second[MCP_SESSION_TEXT];
    memcpy(first, mcp_session_begin(&sessions, 1), sizeof first);
    memcpy(second, mcp_session_begin(&sessions, 2), sizeof second);
    assert_string_not_equal(first, second);
    for (uint64_t i = 3; i <= MCP_SESSIONS_MOST; i++) (void)mcp_session_begin(&sessions, i);
    assert_true(mcp_session_use(&sessions, first, 1000));
    (void)mcp_session_begin(&sessions, 1001);
    assert_true(mcp_session_use(&sessions, first, 1002));
    assert_false(mcp_session_use(&sessions, second, 1002));
    assert_true(mcp_session_end(&sessions, first));
    assert_false(mcp_session_end(&sessions, first) || mcp_session_use(&sessions, first, 1003) ||
                 mcp_session_use(&sessions, "", 1003));
}

static void a_reply_gives_its_text_or_says_why_there_is_none(void **state) {
    (void)state;
    static const struct {
        unsigned status;
        const char *body, *content, *why;
        uint64_t tokens;
    } rows[] = {
        {200,
         "{\"model\":\"m\",\"usage\":{\"total_tokens\":12},\"choices\":[{\"finish_reason\":"
         "\"stop\","
         "\"message\":{\"content\":\"{}\"}}]}",
         "{}", "", 12},
        {200, "{\"choices\":[{\"message\":{\"content\":\"x\"}}]}", "x", "", 0},
        {200, "{\"choices\":[{\"finish_reason\":\"length\",\"message\":{\"content\":\"x\"}}]}",
         NULL, "did not finish: length", 0},
        {200, "{\"choices\":[{\"message\":{\"refusal\":\"no\",\"content\":\"x\"}}]}", NULL,
         "refuses: no", 0},
        {200, "{\"choices\":[]}", NULL, "no text", 0},
        {200, "{\"choices\":{}}", NULL, "no text", 0},
        {200, "{\"choices\":[{\"message\":{\"content\":7}}]}", NULL, "no text", 0},
        {200, "<html>", NULL, "not JSON", 0},
        {200, "", NULL, "not JSON", 0},
        {429, "{\"error\":{\"message\":\"slow down\"}}", NULL, "429: slow down", 0},
        {500, "oops", NULL, "500", 0},
        {200, "{\"usage\":{\"total_tokens\":-5},\"choices\":[]}", NULL, "no text", 0},
        {200, "{\"usage\":{\"total_tokens\":99999999999999999999},\"choices\":[]}", NULL, "no text",
         1000000000},
        {0, "{\"choices\":[{\"message\":{\"content\":\"half\"}}]}", NULL, "no answer: timeout", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        own(arena) *arena = arena_new(0);
        struct model_reply reply;
        reply_read(rows[i].status, "timeout", span_of(rows[i].body), arena, &reply);
        bool same = rows[i].content ? reply.content && !strcmp(reply.content, rows[i].content)
                                    : !reply.content;
        if (!same || !strstr(reply.why, rows[i].why) || reply.tokens != rows[i].tokens)
            fail_msg("%s: %s", rows[i].body, reply.why);
    }
}

static void a_question_has_the_package_and_the_schema_of_a_decision(void **state) {
    (void)state;
    buffer_t out = {0};
    char why[JSON_WHY];
    const struct question_form form = {"a\"b", span_of("{\"symbol\":\"EURUSD\"}"), 100};
    question_write(&form, &out);
    yajl_val root = json_tree_parse((struct span){out.data, out.length}, why);
    assert_non_null(root);
    assert_string_equal(json_tree_text(root, "model"), "a\"b");
    yajl_val messages = json_tree_member(root, "messages");
    assert_string_equal(json_tree_text(messages->u.array.values[1], "content"),
                        "{\"symbol\":\"EURUSD\"}");
    yajl_val schema = json_tree_member(
        json_tree_member(json_tree_member(root, "response_format"), "json_schema"), "schema");
    assert_non_null(json_tree_member(json_tree_member(schema, "properties"), "package_id"));
    yajl_tree_free(root);
    buffer_destroy(&out);
}

int main(void) {
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_what_it_says_it_is),
        cmocka_unit_test(an_answer_has_the_id_of_its_question),
        cmocka_unit_test(the_session_that_was_used_least_lately_goes),
        cmocka_unit_test(a_reply_gives_its_text_or_says_why_there_is_none),
        cmocka_unit_test(a_question_has_the_package_and_the_schema_of_a_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
