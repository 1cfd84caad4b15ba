// test_yaml - a document in YAML says what it says in JSON, digit by digit; what YAML makes of
// words by itself is not believed.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// cmocka wants the first four above it
#include <cmocka.h>

#include "cli/operator/config_print.h"
#include "cli/yaml.h"

static void reads(const char *yaml, const char *json) {
    buffer_t out = {0};
    char wrong[240] = "";
    if (!yaml_to_json(span_of(yaml), &out, wrong)) fail_msg("%s\nrefused: %s", yaml, wrong);
    assert_string_equal(buffer_string(&out), json);
    buffer_destroy(&out);
}

static void what_is_written_in_yaml_is_the_same_in_json(void **state) {
    (void)state;
    static const char *const same[][2] = {
        {"a: 1", "{\"a\":1}"},
        {"a: 0.10000000", "{\"a\":0.10000000}"},
        {"a: 12345678901234567.12345678", "{\"a\":12345678901234567.12345678}"},
        {"a: -5", "{\"a\":-5}"},
        {"a: \"0.1\"", "{\"a\":\"0.1\"}"},
        {"a: '5'", "{\"a\":\"5\"}"},
        {"a: 007", "{\"a\":\"007\"}"},
        {"a: 0x10", "{\"a\":\"0x10\"}"},
        {"a: 1e5", "{\"a\":\"1e5\"}"},
        {"a: 1_000", "{\"a\":\"1_000\"}"},
        {"a: +1", "{\"a\":\"+1\"}"},
        {"a: .5", "{\"a\":\".5\"}"},
        {"a: 5.", "{\"a\":\"5.\"}"},
        {"a: .inf", "{\"a\":\".inf\"}"},
        {"a: true", "{\"a\":true}"},
        {"a: no", "{\"a\":\"no\"}"},
        {"a: NO", "{\"a\":\"NO\"}"},
        {"a: 22:30", "{\"a\":\"22:30\"}"},
        {"a: 2025-01-01", "{\"a\":\"2025-01-01\"}"},
        {"a:", "{\"a\":null}"},
        {"a: ~", "{\"a\":null}"},
        {"a: \"\"", "{\"a\":\"\"}"},
        {"1: x", "{\"1\":\"x\"}"},
        {"a: []\nb: {}", "{\"a\":[],\"b\":{}}"},
        {"a:\n  - x: 1\n    y: [2, three]\n  - x: 2",
         "{\"a\":[{\"x\":1,\"y\":[2,\"three\"]},{\"x\":2}]}"},
        {"a: |\n  two\n  lines", "{\"a\":\"two\\nlines\"}"},
        {"a: &x {b: 1}\nc: *x", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"},
        {"# only said\na: \"quote \\\" and \\u00e9\"", "{\"a\":\"quote \\\" and \xC3\xA9\"}"},
        {"a: 1\na: 2", "{\"a\":1,\"a\":2}"}, // whoever reads the document refuses it
        {"{\"a\": [1, 2.50]}", "{\"a\":[1,2.50]}"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) reads(same[i][0], same[i][1]);
}

static void what_cannot_be_read_is_refused_with_its_line(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"", "there is nothing in it"},
        {"# nothing", "there is nothing in it"},
        {"a: [1", "line 2"},
        {"a: 1\n b: 2", "line 2"},
        {"a: 1\n---\nb: 2", "line 2: a second document begins"},
        {"a: !secret x", "line 1: tags"},
        {"a: !!int 5", "line 1: tags"},
        {"a: &x {b: 1}\nc:\n  <<: *x", "line 3: merge keys"},
        {"? [a]\n: 1", "line 1: a name must be text"},
        {"a: *nobody", "line 1"},
        {"a: &x [*x]", "nested too deeply"},
        {"\t- a", "line 1"},
        {"a: \xFF", "UTF-8"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        buffer_t out = {0};
        char why[240] = "";
        if (yaml_to_json(span_of(wrong[i][0]), &out, why))
            fail_msg("taken: %s as %s", wrong[i][0], buffer_string(&out));
        if (!strstr(why, wrong[i][1]))
            fail_msg("%s\nsays: %s\nnot: %s", wrong[i][0], why, wrong[i][1]);
        buffer_destroy(&out);
    }
}

// Nine levels of nine: 400 million values of four letters each.
static void aliases_without_end_come_to_one(void **state) {
    (void)state;
    buffer_t yaml = {0}, out = {0};
    char why[240] = "";
    buffer_text(
        &yaml,
        "a0: &a0 [\"lol\",\"lol\",\"lol\",\"lol\",\"lol\",\"lol\",\"lol\",\"lol\",\"lol\"]\n");
    for (int i = 1; i < 10; i++)
        buffer_format(&yaml, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
                      i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_false(yaml_to_json((struct span){yaml.data, yaml.length}, &out, why));
    assert_non_null(strstr(why, "aliases make more of it than may be"));
    buffer_destroy(&yaml);
    buffer_destroy(&out);
}

static void what_is_written_as_yaml_is_read_the_same(void **state) {
    (void)state;
    static const char *const documents[] = {
        "{\"a\":0.10,\"b\":\"0.10\",\"c\":true,\"d\":\"true\",\"e\":null,\"f\":\"null\",\"g\":\"\","
        "\"h\":\"no\",\"i\":\"~\"}",
        "{\"sources\":[{\"config_id\":\"tv\",\"allow\":[\"tradingview\",\"10.0.0.0/"
        "8\"]}],\"accounts\":[]}",
        "{\"a\":\"- x\",\"b\":\": \",\"c\":\"#\",\"d\":\"two\\nlines\",\"e\":\" spaces "
        "\",\"f\":\"\xC3\xA9\",\"g\":\"'\\\"\",\"h\":\"*x\"}",
        "{\"from\":\"00:00\",\"to\":\"24:00\",\"id\":\"12345\",\"n\":-1,\"nested\":{\"a\":{\"b\":[["
        "1],[2,3]]}}}",
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        buffer_t yaml = {0};
        assert_true(yaml_from_json(span_of(documents[i]), &yaml));
        reads(buffer_string(&yaml), documents[i]);
        buffer_destroy(&yaml);
    }
}

static void a_difference_is_told_line_by_line(void **state) {
    (void)state;
    buffer_t out = {0};
    uint64_t version;
    bool differs;
    struct span answer = span_of("{\"version\":3,\"dry_run\":true,\"changes\":[{\"table\":"
                                 "\"account_config\",\"id\":\"anna\",\"edits\":[{\"path\":"
                                 "\"leverage\",\"before\":\"30\",\"after\":\"20\"},{\"path\":"
                                 "\"name\",\"before\":\"A\\u001b[2J\"}]},{\"table\":"
                                 "\"signal_config\",\"id\":\"tv\",\"added\":true,\"edits\":[{"
                                 "\"path\":\"config_id\",\"after\":\"tv\"}]},"
                                 "{\"table\":\"broker_config\",\"id\":\"b\",\"removed\":true}]}");
    assert_true(config_print_difference(answer, &out));
    assert_string_equal(buffer_string(&out), "~ accounts.anna\n"
                                             "    leverage: 30 -> 20\n"
                                             "    name: A?[2J -> (not set)\n"
                                             "+ sources.tv\n"
                                             "    config_id: tv\n"
                                             "- brokers.b\n");
    assert_true(config_read_difference(answer, &version, &differs));
    assert_int_equal(version, 3);
    assert_true(differs);
    buffer_clear(&out);
    assert_true(config_print_difference(span_of("{\"version\":3}"), &out));
    assert_string_equal(buffer_string(&out), "nothing differs from version 3\n");
    assert_false(config_print_difference(span_of("[]"), &out));
    buffer_destroy(&out);
}

static void history_is_told_newest_first(void **state) {
    (void)state;
    buffer_t out = {0};
    assert_true(config_print_history(
        span_of("{\"versions\":[{\"version\":2,\"changed_at\":\"2026-01-01T00:00:00Z\",\"changed_"
                "by\":\"bob\",\"note\":"
                "\"less\",\"changes\":[{\"table\":\"account_config\",\"id\":\"anna\",\"removed\":"
                "true}]},{\"version\":1,"
                "\"changed_at\":\"2025-01-01T00:00:00Z\",\"recovered\":true}]}"),
        &out));
    assert_string_equal(buffer_string(&out),
                        "version 2  2026-01-01T00:00:00Z  bob  less\n"
                        "  - accounts.anna\n"
                        "\n"
                        "version 1  2025-01-01T00:00:00Z  taken back from Redis\n");
    buffer_clear(&out);
    assert_true(config_print_value(span_of("\"tv\""), &out));
    assert_string_equal(buffer_string(&out), "tv\n");
    buffer_clear(&out);
    assert_true(config_print_value(span_of("0.10"), &out));
    assert_string_equal(buffer_string(&out), "0.10\n");
    buffer_destroy(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_in_yaml_is_the_same_in_json),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_its_line),
        cmocka_unit_test(aliases_without_end_come_to_one),
        cmocka_unit_test(what_is_written_as_yaml_is_read_the_same),
        cmocka_unit_test(a_difference_is_told_line_by_line),
        cmocka_unit_test(history_is_told_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
