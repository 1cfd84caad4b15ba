// test_csv - texts of strangers in CSV: whole, quoted, and no formula to a spreadsheet.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>

#include "cli/archive/csv.h"

static void a_text_that_would_be_calculated_has_an_apostrophe_in_front(void **state) {
    (void)state;
    static const struct {
        const char *text, *csv;
    } rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"say \"=1\"", "\"say \"\"=1\"\"\""},
        {"=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""},
        {"+1", "\"'+1\""},
        {"-1", "\"'-1\""},
        {"@SUM(1)", "\"'@SUM(1)\""},
        {"\t=1", "\"'\t=1\""},
        {"\r=1", "\"'\r=1\""},
        {"'=1", "\"''=1\""}, // so that taking one away gives what it was
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buffer_t out = {0};
        csv_text(&out, rows[i].text);
        assert_string_equal(buffer_string(&out), rows[i].csv);
        buffer_destroy(&out);
    }
}

static void a_number_stays_one(void **state) {
    (void)state;
    buffer_t out = {0};
    csv_value(&out, "-1.5");
    buffer_text(&out, ",");
    csv_value(&out, "[\"a\",1]");
    assert_string_equal(buffer_string(&out), "-1.5,\"[\"\"a\"\",1]\"");
    buffer_destroy(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_would_be_calculated_has_an_apostrophe_in_front),
        cmocka_unit_test(a_number_stays_one),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
