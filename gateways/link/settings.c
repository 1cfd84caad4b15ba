// settings - what every gateway is told before it starts.
// SPDX-License-Identifier: MIT
#include "gateways/link/settings.h"

#include <string.h>

#include "common/base/own.h"
#include "gateways/link/gateway.h"

#define AT(field) offsetof(struct gateway_settings, field)
#define DAY       86400000

// The presets of instance_id and broker_id are made of the gateway's kind.
static const struct option common_options[] = {
    OPTION_RUN_DIR(AT(run_dir)),
    {"instance_id", OPTION_TEXT, AT(instance_id), NULL, "This instance's name in the configuration",
     0, 0, NULL},
    {"shard", OPTION_INTEGER, AT(shard), "0",
     "The executor that the gateway greets first; any executor says which one owns its accounts", 0,
     31, NULL},
    {"shards", OPTION_INTEGER, AT(shards), "1",
     "Number of executors, until an executor has told the gateway", 1, 32, NULL},
    {"broker_id", OPTION_TEXT, AT(broker_id), NULL, "The broker that this gateway trades with", 0,
     0, NULL},
    {"executor", OPTION_TEXT, AT(executor), NULL,
     "Endpoint of the one executor that the gateway stays with; unset: it finds each executor's "
     "gateways door in run_dir",
     0, 0, NULL},
    {"books", OPTION_TEXT, AT(books), NULL,
     "SQLite file of the gateway's books; preset <run_dir>/<instance_id>.books", 0, 0, NULL},
    {"keys_dir", OPTION_TEXT, AT(keys_dir), NULL,
     "Directory of keys, for doors on tcp, with gateway.<instance_id>.key; see tradecast keys", 0,
     0, NULL},
    {"longest_acceptance", OPTION_DURATION, AT(longest_acceptance), "5s",
     "Longest time from sending an order until the broker shows it; the executor is told this", 0,
     DAY, NULL},
    {"snapshot", OPTION_DURATION, AT(snapshot), "5s",
     "How often the gateway reports accounts and holdings; 0: only when the executor asks", 0, DAY,
     NULL},
    {"heartbeat", OPTION_DURATION, AT(heartbeat), "1s",
     "How often the gateway publishes its heartbeat", 50, 60000, NULL},
    {"silent", OPTION_DURATION, AT(silent), "5s",
     "The gateway connects again to an executor that has been silent for so long", 100, 600000,
     NULL},
    {"resend", OPTION_DURATION, AT(resend), "1s",
     "After this, the gateway sends an unacknowledged report again", 50, 600000, NULL},
    OPTION_BATCH_MAX(AT(batch_max)),
    {"report_keep", OPTION_DURATION, AT(report_keep), "1h",
     "How long the gateway keeps reports that the executor has acknowledged", 1000,
     INT64_C(365) * DAY, NULL},
    OPTION_LOG_LEVEL(AT(log_level)),
};
#define COMMON (sizeof common_options / sizeof common_options[0])

static struct option *whole_table(const struct gateway *gateway, arena_t *arena) {
    size_t own_rows = 0;
    while (gateway->options && gateway->options[own_rows].name) own_rows++;
    struct option *table = arena_zero(arena, (COMMON + own_rows + 1) * sizeof *table);
    memcpy(table, common_options, sizeof common_options);
    if (own_rows) memcpy(table + COMMON, gateway->options, own_rows * sizeof *table);
    option_set_preset(table, "instance_id", arena_format(arena, "%s-1", gateway->kind));
    option_set_preset(table, "broker_id", gateway->kind);
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

void settings_print(const struct gateway *gateway, options_print_fn *print) {
    own(arena) *arena = arena_new(0);
    print(whole_table(gateway, arena), gateway->kind, stdout);
}
