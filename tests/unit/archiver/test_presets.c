// test_presets - the shipped presets are taken and usable by name; rules that make no sense are refused with path and reason.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "services/archiver/config/document.h"

#define PRESETS "deploy/presets"

static config_t *read_text(const config_t *held, const char *json, struct complaints *complaints) {
    return config_read(&(struct config_reading){held, {1, NULL}, false}, span_of(json), complaints);
}

static void read_file(const char *name, char text[static 8192]) {
    char path[512];
    (void)snprintf(path, sizeof path, PRESETS "/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, 8191, file);
    text[n] = 0;
    (void)fclose(file);
}

static void use(const config_t *with_preset, const char *id) {
    char json[512];
    struct complaints complaints = {0};
    (void)snprintf(json, sizeof json,
                   "{\"brokers\":[{\"broker_id\":\"b\"}],\"accounts\":[{\"account_id\":\"a\","
                   "\"broker_id\":\"b\",\"risk\":{\"preset\":\"%s\","
                   "\"daily_loss\":{\"amount\":100}}}]}",
                   id);
    own(config) *wanted = read_text(with_preset, json, &complaints);
    if (!wanted) fail_msg("%s: %s", id, buffer_string(&complaints.text));
    buffer_destroy(&complaints.text);
}

static void every_shipped_preset_is_taken_and_usable_by_its_name(void **state) {
    (void)state;
    DIR *folder = opendir(PRESETS);
    assert_non_null(folder);
    unsigned n = 0;
    own(config) *empty = config_new();
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char text[8192], id[256];
        const char *dot = strstr(entry->d_name, ".json");
        if (!dot) continue;
        struct complaints complaints = {0};
        read_file(entry->d_name, text);
        own(config) *held = read_text(empty, text, &complaints);
        if (!held) fail_msg("%s: %s", entry->d_name, buffer_string(&complaints.text));
        (void)snprintf(id, sizeof id, "%.*s", (int)(dot - entry->d_name), entry->d_name);
        const struct config_row *row = config_find(held, CONFIG_CHANGE__KIND__risk_config, id);
        if (!row) fail_msg("%s holds no preset of that name", entry->d_name);
        assert_non_null(((const RiskConfig *)row->m)->description);
        use(held, id);
        buffer_destroy(&complaints.text);
        n++;
    }
    (void)closedir(folder);
    assert_true(n >= 4);
}

#define ACCOUNT(risk)                                                                              \
    "{\"brokers\":[{\"broker_id\":\"b\"}],\"accounts\":[{\"account_id\":\"a\",\"broker_id\":"      \
    "\"b\",\"risk\":{" risk "}}]}"
#define PRESET(rules) "{\"presets\":[{\"preset_id\":\"p\",\"rules\":{" rules "}}]}"
#define DARK(from, to)                                                                             \
    "\"blackouts\":[{\"from\":\"2025-01-01T00:00:" from "Z\",\"to\":\"2025-01-01T00:00:" to "Z\"}" \
    "]"
#define HOURS(days, from, to)                                                                      \
    "\"sessions\":[{\"days\":[" days "],\"from\":\"" from "\",\"to\":\"" to "\"}]"

static const struct {
    const char *json, *complaint;
} wrong[] = {
    {ACCOUNT("\"preset\":\"none\""), "accounts[0].risk.preset: none is not a preset"},
    {PRESET("\"preset\":\"p\""), "presets[0].rules.preset: may not be given in a preset"},
    {PRESET("\"time_zone\":\"Mars/Olympus\""),
     "presets[0].rules.time_zone: must be an IANA time zone"},
    {PRESET("\"reset_at\":\"24:00\""), "presets[0].rules.reset_at: must be a time of day"},
    {PRESET("\"daily_loss\":{}"), "presets[0].rules.daily_loss: must say amount or percent"},
    {PRESET("\"daily_loss\":{\"percent\":100.01}"),
     "presets[0].rules.daily_loss.percent: must be more than 0 and at most 100"},
    {PRESET("\"drawdown\":{\"kind\":\"fixed\"}"),
     "presets[0].rules.drawdown: must say amount or percent"},
    {PRESET("\"profit_lock\":{\"give_back_percent\":5}"),
     "presets[0].rules.profit_lock: must say amount or percent"},
    {PRESET("\"consistency\":{\"percent\":50}"),
     "presets[0].rules.consistency: must say target or target_percent"},
    {PRESET("\"max_lots_order\":0"), "presets[0].rules.max_lots_order: must be more than 0"},
    {PRESET("\"max_orders\":101"), "presets[0].rules.max_orders: must be 1 to 100"},
    {PRESET(DARK("10", "10")), "presets[0].rules.blackouts[0]: must end after it begins"},
    {PRESET("\"blackouts\":[{\"from\":\"2025-01-01T00:00:00Z\",\"to\":\"2262-01-01T00:00:00Z\"}]"),
     "presets[0].rules.blackouts[0].to: must be from 1970-01-01T00:00:00Z to 2261-12-31T23:59:59Z"},
    {"{\"presets\":[{\"preset_id\":\"p\",\"name\":\"a\xe2\x80\xae\",\"rules\":{}}]}",
     "presets[0].name: must be"},
    {PRESET(HOURS("", "10:00", "11:00")),
     "presets[0].rules.sessions[0]: must be on one day at least"},
    {PRESET(HOURS("\"mon\"", "22:00", "06:00")),
     "presets[0].rules.sessions[0]: must end after it begins"},
    {"{\"presets\":[{\"preset_id\":\"index\",\"rules\":{}}]}", "presets[0].preset_id: must be"},
};

static void rules_that_make_no_sense_are_refused(void **state) {
    (void)state;
    own(config) *empty = config_new();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct complaints complaints = {0};
        own(config) *wanted = read_text(empty, wrong[i].json, &complaints);
        if (wanted) fail_msg("taken: %s", wrong[i].json);
        if (!strstr(buffer_string(&complaints.text), wrong[i].complaint))
            fail_msg("%s\nsays: %s\nnot: %s", wrong[i].json, buffer_string(&complaints.text),
                     wrong[i].complaint);
        buffer_destroy(&complaints.text);
    }
}

static void a_preset_may_be_named_global(void **state) {
    (void)state;
    own(config) *empty = config_new();
    struct complaints complaints = {0};
    own(config) *wanted = read_text(
        empty, "{\"presets\":[{\"preset_id\":\"global\",\"rules\":{" DARK("10", "11") "}}]}",
        &complaints);
    assert_non_null(wanted);
    buffer_destroy(&complaints.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shipped_preset_is_taken_and_usable_by_its_name),
        cmocka_unit_test(rules_that_make_no_sense_are_refused),
        cmocka_unit_test(a_preset_may_be_named_global),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
