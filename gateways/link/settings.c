// settings - what every gateway is told before it starts.
// SPDX-License-Identifier: MIT
#include "gateways/link/settings.h"

#include <string.h>

#include "common/base/own.h"
#include "gateways/link/gateway.h"

#define AT(field) offsetof(struct gateway_settings, field)
#define DAY       86400000

// instance_id and broker_id have presets made of the gateway's kind.
static const struct option common_options[] = {
    {"run_dir", OPTION_TEXT, AT(run_dir), "var/run",
     "Directory of sockets and lock files, private to the user", 0, 0, NULL},
    {"instance_id", OPTION_TEXT, AT(instance_id), "%s-1",
     "This instance's name in the configuration", 0, 0, NULL},
    {"shard", OPTION_INTEGER, AT(shard), "0",
     "Which executor it asks first; each says which one has its accounts", 0, 31, NULL},
    {"shards", OPTION_INTEGER, AT(shards), "1", "How many executors it knows of, until one tells",
     1, 32, NULL},
    {"broker_id", OPTION_TEXT, AT(broker_id), "%s", "The broker that it is", 0, 0, NULL},
    {"executor", OPTION_TEXT, AT(executor), NULL,
     "The executor's endpoint, if it is to stay with that one; else each one's gateways door", 0, 0,
     NULL},
    {"books", OPTION_TEXT, AT(books), NULL,
     "The SQLite file of its books; preset <run_dir>/<instance_id>.books", 0, 0, NULL},
    {"keys_dir", OPTION_TEXT, AT(keys_dir), NULL,
     "Directory of keys, for doors on tcp, with gateway.<instance_id>.key; see tradecast keys", 0,
     0, NULL},
    {"longest_acceptance", OPTION_DURATION, AT(longest_acceptance), "5s",
     "Longest time from sending an order to seeing it, as it is declared", 0, DAY, NULL},
    {"snapshot", OPTION_DURATION, AT(snapshot), "5s",
     "How often accounts and holdings are told; 0: when asked", 0, DAY, NULL},
    {"heartbeat", OPTION_DURATION, AT(heartbeat), "1s", "How often it says how it is", 50, 60000,
     NULL},
    {"silent", OPTION_DURATION, AT(silent), "5s",
     "An executor silent for so long is connected to again", 100, 600000, NULL},
    {"resend", OPTION_DURATION, AT(resend), "1s",
     "When reports that are not acknowledged go out again", 50, 600000, NULL},
    {"batch_max", OPTION_INTEGER, AT(batch_max), "256", "Most messages in one transaction", 1, 4096,
     NULL},
    {"report_keep", OPTION_DURATION, AT(report_keep), "1h",
     "How long acknowledged reports are kept", 1000, INT64_C(365) * DAY, NULL},
    {"log_level", OPTION_CHOICE, AT(log_level), "info", "Least level that is logged", 0, 0,
     "debug|info|warning|error"},
};
#define COMMON (sizeof common_options / sizeof common_options[0])

static const char *preset_of(const char *preset, const char *kind, arena_t *arena) {
    const char *place = preset ? strstr(preset, "%s") : NULL;
    return place ? arena_format(arena, "%s%s", kind, place + 2) : preset;
}

static struct option *whole_table(const struct gateway *gateway, arena_t *arena) {
    size_t own_rows = 0;
    while (gateway->options && gateway->options[own_rows].name) own_rows++;
    struct option *table = arena_zero(arena, (COMMON + own_rows + 1) * sizeof *table);
    memcpy(table, common_options, sizeof common_options);
    for (size_t i = 0; i < COMMON; i++)
        table[i].preset = preset_of(table[i].preset, gateway->kind, arena);
    if (own_rows) memcpy(table + COMMON, gateway->options, own_rows * sizeof *table);
    return table;
}

// What was not given, made of what was.
static bool preset_books(struct gateway_settings *s) {
    if (s->books && *s->books) return true;
    s->books = s->books_preset;
    size_t room = sizeof s->books_preset;
    return snprintf(s->books_preset, room, "%s/%s.books", s->run_dir, s->instance_id) < (int)room;
}

static bool place_doors(struct gateway_settings *s) {
    char executor[32];
    (void)snprintf(executor, sizeof executor, "executor.%lld", (long long)s->shard);
    s->executor_at = settings_name_executor(s) ? endpoint_at(s->executor, executor, "gateways")
                                               : endpoint_of(s->run_dir, executor, "gateways");
    s->control_at = endpoint_of(s->run_dir, s->instance_id, "control");
    size_t room = ENDPOINT_TEXT - sizeof "ipc:///executor.31.gateways";
    return strlen(s->run_dir) + strlen(s->instance_id) < room;
}

err_t settings_read(const struct gateway *gateway, void *settings, char wrong[static 256]) {
    own(arena) *arena = arena_new(0);
    struct gateway_settings *s = settings;
    err_t e = options_read(whole_table(gateway, arena), gateway->kind, settings, wrong);
    if (e != ERR_OK) return e;
    s->kind = gateway->kind;
    bool fits = preset_books(s) && place_doors(s);
    if (!fits) (void)snprintf(wrong, 256, "run_dir or instance_id is too long");
    return fits && (!gateway->settle || gateway->settle(s, wrong)) ? ERR_OK : ERR_CONFIG;
}

void settings_print(const struct gateway *gateway, settings_print_fn *print) {
    own(arena) *arena = arena_new(0);
    print(whole_table(gateway, arena), gateway->kind, stdout);
}
