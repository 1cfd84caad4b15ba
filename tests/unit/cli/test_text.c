// test_text - tables line up, machines get JSON, and nothing from outside reaches the terminal's
// controls.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/text.h"
#include "common/base/clock.h"
#include "common/base/own.h"

static void fill(struct sheet *sheet) {
    sheet_start(sheet, "NAME|>BATCHES|TOLD AT");
    sheet_add(sheet, "ingest");
    sheet_format(sheet, "%d", 7);
    sheet_add(sheet, "now");
    sheet_add(sheet, "é");
    sheet_format(sheet, "%d", 12345678);
    sheet_add(sheet, NULL);
}

static void columns_line_up_and_numbers_stand_right(void **state) {
    (void)state;
    struct sheet sheet = {0};
    own(buffer) out = {0};
    fill(&sheet);
    sheet_print(&sheet, &out);
    assert_string_equal(buffer_string(&out), "NAME     BATCHES  TOLD AT\n"
                                             "ingest         7  now\n"
                                             "é       12345678  \n");
    sheet_destroy(&sheet);
}

static void machines_get_objects_with_numbers_and_nulls(void **state) {
    (void)state;
    struct sheet sheet = {0};
    own(buffer) out = {0};
    fill(&sheet);
    sheet_json(&sheet, &out);
    assert_string_equal(buffer_string(&out),
                        "[{\"name\":\"ingest\",\"batches\":7,\"told_at\":\"now\"},"
                        "{\"name\":\"é\",\"batches\":12345678,\"told_at\":null}]");
    sheet_destroy(&sheet);
}

static void a_table_without_rows_is_an_empty_list(void **state) {
    (void)state;
    struct sheet sheet = {0};
    own(buffer) out = {0};
    sheet_start(&sheet, "A|B");
    sheet_json(&sheet, &out);
    assert_string_equal(buffer_string(&out), "[]");
    sheet_destroy(&sheet);
}

static void control_characters_do_not_reach_the_terminal(void **state) {
    (void)state;
    own(buffer) out = {0};
    text_clean(&out, "a\x1b[2Jb\nc\xc2\x9b", 10);
    assert_string_equal(buffer_string(&out), "a?[2Jb?c?");
}

static void times_and_sizes_are_short(void **state) {
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } times[] = {{999, "0 us"},
                 {412 * NS_PER_US, "412 us"},
                 {1900 * NS_PER_US, "1.9 ms"},
                 {250 * NS_PER_MS, "250 ms"},
                 {3200 * NS_PER_MS, "3.2 s"},
                 {150 * NS_PER_S, "2.5 min"},
                 {7200 * NS_PER_S, "2.0 h"}};
    char text[24];
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        text_between(times[i].ns, text);
        assert_string_equal(text, times[i].text);
    }
    text_bytes(64225280, text);
    assert_string_equal(text, "61.2 MiB");
    text_bytes(17, text);
    assert_string_equal(text, "17 B");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up_and_numbers_stand_right),
        cmocka_unit_test(machines_get_objects_with_numbers_and_nulls),
        cmocka_unit_test(a_table_without_rows_is_an_empty_list),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(times_and_sizes_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
