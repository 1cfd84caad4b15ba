// test_utf8 - what text is well-formed, what is seen of it, which escapes name whole characters.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/utf8.h"

static void what_is_well_formed_is_told_from_what_is_not(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"", true},
        {"EURUSD", true},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\x88", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\x80", false},
        {"\xc0\xaf", false},         // overlong
        {"\xe0\x9f\xbf", false},     // overlong
        {"\xed\xa0\x80", false},     // a surrogate
        {"\xf4\x90\x80\x80", false}, // beyond U+10FFFF
        {"\xe2\x82", false},         // cut short
        {"a\xff", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(utf8_is_valid(rows[i].text, strlen(rows[i].text)), rows[i].valid);
}

static void what_is_not_seen_is_not_plain(void **state) {
    (void)state;
    static const char *const unseen[] = {"\x01",
                                         "\n",
                                         "\x7f",
                                         "\xc2\x80",
                                         "\xc2\x9f",
                                         "\xd8\x9c",
                                         "\xe2\x80\x8e",
                                         "\xe2\x80\x8f",
                                         "\xe2\x80\xa8",
                                         "\xe2\x80\xa9",
                                         "\xe2\x80\xae",
                                         "\xe2\x81\xa6",
                                         "\xe2\x81\xa9",
                                         "a\xe2\x80\xae"
                                         "b",
                                         "\xff"};
    static const char *const seen[] = {
        "", "a b", "\xc2\xa0", "\xd8\x9b", "\xe2\x80\x90", "\xe2\x81\xa5", "\xf0\x9f\x93\x88"};
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        assert_false(utf8_is_plain(unseen[i], ""));
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) assert_true(utf8_is_plain(seen[i], ""));
    assert_true(utf8_is_plain("a\nb\t", "\n\t"));
    assert_false(utf8_is_plain("a\nb\r", "\n\t"));
}

static void an_escape_of_half_a_character_is_found(void **state) {
    (void)state;
    static const struct {
        const char *json;
        bool whole;
    } rows[] = {
        {"\"\\u00e4 \\n \\\\ \\\" \\ud83d\\ude00\"", true},
        {"\"\\\\ud800\"", true}, // a backslash, and then letters
        {"\"\\ud800\"", false},
        {"\"\\uD83Dx\"", false},
        {"\"\\udc00\"", false},
        {"\"\\ud83d\\ud83d\"", false},
        {"\"\\ud83d\\u0041\"", false},
        {"\"\\ud83d\\n\"", false},
        {"\"\\ud83d", false},
        {"\"\\u12", true}, // no JSON, as its reader will say
        {"\\", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(utf8_escapes_are_whole(rows[i].json, strlen(rows[i].json)), rows[i].whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_well_formed_is_told_from_what_is_not),
        cmocka_unit_test(what_is_not_seen_is_not_plain),
        cmocka_unit_test(an_escape_of_half_a_character_is_found),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
