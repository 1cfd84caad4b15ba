// test_log - an event is one line, whatever a stranger put into its values.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/log.h"

static void what_would_end_a_line_or_a_value_is_escaped(void **state) {
    (void)state;
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"plain", "\"plain\""},
        {"two\nlines", "\"two\\nlines\""},
        {"\r\x1b[2J", "\"\\x0d\\x1b[2J\""},
        {"x\" level=error event=\"y", "\"x\\\" level=error event=\\\"y\""},
        {"\\", "\"\\\\\""},
        {"\x7f", "\"\\x7f\""},
        {NULL, "\"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(log_quote(cases[i].text), cases[i].quoted);
}

static void a_long_value_is_cut(void **state) {
    (void)state;
    char text[5000];
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = 0;
    const char *quoted = log_quote(text);
    assert_int_equal(strlen(quoted), 300 * 2 + 5);
    assert_string_equal(quoted + 600, "n...\"");
}

// What an event writes to stderr.
static ssize_t write_of(const char *value, char *out, size_t room) {
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    log_event(LOG_LEVEL_ERROR, "tried", "value=%s", value);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(ends[1]);
    ssize_t n = read(ends[0], out, room);
    (void)close(ends[0]);
    (void)close(kept);
    return n;
}

static void an_event_is_one_line_even_where_a_value_was_not_quoted(void **state) {
    (void)state;
    char line[8192];
    ssize_t n = write_of("a\nts=2025-01-01T00:00:00Z level=info service=ingest event=forged\x1b",
                         line, sizeof line);
    assert_true(n > 0);
    assert_ptr_equal(memchr(line, '\n', (size_t)n), line + n - 1);
    assert_null(memchr(line, 0x1b, (size_t)n));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_would_end_a_line_or_a_value_is_escaped),
        cmocka_unit_test(a_long_value_is_cut),
        cmocka_unit_test(an_event_is_one_line_even_where_a_value_was_not_quoted),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
