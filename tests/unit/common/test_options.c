// test_options - settings: read by type from the environment, a wrong one named in a sentence.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/program/options.h"

struct settings {
    const char *text, *secret, *choice;
    int64_t count, wait_ms, bytes, lot_e8;
    bool flag;
};

static const struct option table[] = {
    {"text", OPTION_TEXT, offsetof(struct settings, text), "hello", "A text.", 0, 0, NULL},
    {"secret_file", OPTION_FILE, offsetof(struct settings, secret), NULL, "A secret.", 0, 0, NULL},
    {"choice", OPTION_CHOICE, offsetof(struct settings, choice), "standard", "A choice.", 0, 0,
     "standard|strict"},
    {"count", OPTION_INTEGER, offsetof(struct settings, count), "7", "A count.", 1, 100, NULL},
    {"wait", OPTION_DURATION, offsetof(struct settings, wait_ms), "50ms", "A duration.", 1, 3600000,
     NULL},
    {"bytes", OPTION_SIZE, offsetof(struct settings, bytes), "64m", "A size.", 0, 0, NULL},
    {"lot", OPTION_DECIMAL, offsetof(struct settings, lot_e8), "0.01", "A lot.", 0, 0, NULL},
    {"flag", OPTION_FLAG, offsetof(struct settings, flag), NULL, "A flag.", 0, 0, NULL},
    {0},
};

static const char *const variables[] = {"TEXT", "SECRET_FILE", "CHOICE", "COUNT",
                                        "WAIT", "BYTES",       "LOT",    "FLAG"};

static struct settings settings;
static char wrong[256];

static err_t read_all(void) {
    memset(&settings, 0xAA, sizeof settings);
    return options_read(table, "test", &settings, wrong);
}

static err_t with(const char *variable, const char *value) {
    assert_int_equal(setenv(variable, value, 1), 0);
    err_t e = read_all();
    assert_int_equal(unsetenv(variable), 0);
    return e;
}

static int no_variables(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        char name[64] = "TRADECAST_TEST_";
        strncat(name, variables[i], 40);
        (void)unsetenv(name);
    }
    return 0;
}

static void without_an_environment_the_presets_hold(void **state) {
    (void)state;
    assert_int_equal(read_all(), ERR_OK);
    assert_string_equal(settings.text, "hello");
    assert_null(settings.secret);
    assert_string_equal(settings.choice, "standard");
    assert_int_equal(settings.count, 7);
    assert_int_equal(settings.wait_ms, 50);
    assert_int_equal(settings.bytes, 64 << 20);
    assert_int_equal(settings.lot_e8, 1000000);
    assert_false(settings.flag);
}

static void the_service_s_own_variable_wins_over_the_common_one(void **state) {
    (void)state;
    assert_int_equal(setenv("TRADECAST_COUNT", "3", 1), 0);
    assert_int_equal(read_all(), ERR_OK);
    assert_int_equal(settings.count, 3);
    assert_int_equal(with("TRADECAST_TEST_COUNT", "4"), ERR_OK);
    assert_int_equal(settings.count, 4);
    assert_int_equal(with("TRADECAST_TEST_COUNT", ""), ERR_OK); // empty counts as absent
    assert_int_equal(settings.count, 3);
    assert_int_equal(unsetenv("TRADECAST_COUNT"), 0);
}

static void durations_and_sizes_have_units(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } waits[] = {{"250", 250}, {"250ms", 250}, {"5s", 5000}, {"2m", 120000}, {"1h", 3600000}};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        assert_int_equal(with("TRADECAST_TEST_WAIT", waits[i].text), ERR_OK);
        assert_int_equal(settings.wait_ms, waits[i].ms);
    }
    static const struct {
        const char *text;
        int64_t bytes;
    } sizes[] = {{"10", 10}, {"64k", 65536}, {"1M", 1 << 20}, {"2g", INT64_C(2) << 30}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(with("TRADECAST_TEST_BYTES", sizes[i].text), ERR_OK);
        assert_int_equal(settings.bytes, sizes[i].bytes);
    }
}

static void flags_have_several_words(void **state) {
    (void)state;
    static const char *const yes[] = {"true", "yes", "1", "on", "TRUE"}, *const no[] = {"false",
                                                                                        "no", "0",
                                                                                        "off"};
    for (size_t i = 0; i < 5; i++)
        assert_true(with("TRADECAST_TEST_FLAG", yes[i]) == ERR_OK && settings.flag);
    for (size_t i = 0; i < 4; i++)
        assert_true(with("TRADECAST_TEST_FLAG", no[i]) == ERR_OK && !settings.flag);
}

static void a_wrong_value_is_named_with_what_it_may_be(void **state) {
    (void)state;
    static const struct {
        const char *variable, *value, *words;
    } rows[] = {
        {"TRADECAST_TEST_COUNT", "0", "a whole number from 1 to 100"},
        {"TRADECAST_TEST_COUNT", "101", "from 1 to 100"},
        {"TRADECAST_TEST_COUNT", "abc", "a whole number"},
        {"TRADECAST_TEST_COUNT", "7x", "a whole number"},
        {"TRADECAST_TEST_COUNT", " 7", "a whole number"},
        {"TRADECAST_TEST_COUNT", "1e3", "a whole number"},
        {"TRADECAST_TEST_COUNT", "99999999999999999999", "a whole number"},
        {"TRADECAST_COUNT", "-1", "from 1 to 100"},
        {"TRADECAST_TEST_WAIT", "5 s", "a duration such as"},
        {"TRADECAST_TEST_WAIT", "2h", "from 1ms to 1h"},
        {"TRADECAST_TEST_WAIT", "9223372036854775807h", "a duration"},
        {"TRADECAST_TEST_BYTES", "64kb", "a size"},
        {"TRADECAST_TEST_LOT", "0.000000001", "a decimal"},
        {"TRADECAST_TEST_LOT", "nan", "a decimal"},
        {"TRADECAST_TEST_FLAG", "maybe", "true or false"},
        {"TRADECAST_TEST_CHOICE", "str", "one of standard, strict"},
        {"TRADECAST_TEST_CHOICE", "standard|strict", "one of standard, strict"},
        {"TRADECAST_TEST_SECRET_FILE", "/nowhere/at/all", "No such file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(with(rows[i].variable, rows[i].value), ERR_CONFIG);
        assert_non_null(strstr(wrong, rows[i].variable));
        assert_non_null(strstr(wrong, rows[i].value));
        assert_non_null(strstr(wrong, rows[i].words));
    }
}

static err_t with_secret(const char *content, size_t length, mode_t mode) {
    char path[] = "/tmp/tradecast-options-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, length), length);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    err_t e = with("TRADECAST_TEST_SECRET_FILE", path);
    assert_int_equal(unlink(path), 0);
    return e;
}

static void a_secret_is_read_from_its_file_and_never_told(void **state) {
    (void)state;
    assert_int_equal(with_secret("s3cret word\r\n", 13, 0600), ERR_OK);
    assert_string_equal(settings.secret, "s3cret word");
    assert_int_equal(with_secret("\n\n", 2, 0600), ERR_CONFIG);
    assert_non_null(strstr(wrong, "it is empty"));
    assert_int_equal(with_secret("s3c\0ret", 7, 0600), ERR_CONFIG);
    assert_int_equal(with_secret("s3cret", 6, 0644), ERR_CONFIG);
    assert_non_null(strstr(wrong, "everybody may read it"));
    assert_null(strstr(wrong, "s3cret"));
}

static const char *written_by(void (*write_out)(const struct option *, const char *, FILE *)) {
    static char text[8192];
    memset(text, 0, sizeof text);
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    assert_non_null(out);
    write_out(table, "test", out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void every_option_is_in_help_env_file_and_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        char name[64] = "TRADECAST_TEST_";
        strncat(name, variables[i], 40);
        assert_non_null(strstr(written_by(options_help), name));
        assert_non_null(strstr(written_by(options_env_file), name));
        assert_non_null(strstr(written_by(options_reference), name));
    }
    assert_non_null(strstr(written_by(options_help), "default 64m"));
    assert_non_null(strstr(written_by(options_env_file), "#TRADECAST_TEST_WAIT=50ms\n"));
    assert_non_null(
        strstr(written_by(options_reference),
               "| `TRADECAST_TEST_COUNT` | a whole number from 1 to 100 | `7` | A count. |\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_environment_the_presets_hold),
        cmocka_unit_test(the_service_s_own_variable_wins_over_the_common_one),
        cmocka_unit_test(durations_and_sizes_have_units),
        cmocka_unit_test(flags_have_several_words),
        cmocka_unit_test(a_wrong_value_is_named_with_what_it_may_be),
        cmocka_unit_test(a_secret_is_read_from_its_file_and_never_told),
        cmocka_unit_test(every_option_is_in_help_env_file_and_reference),
    };
    return cmocka_run_group_tests_name("options", tests, no_variables, NULL);
}
