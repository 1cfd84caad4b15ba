// settings - what a paper broker is told before it starts.
// SPDX-License-Identifier: MIT
#include "gateways/paper/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/decimal.h"

#define AT(field) offsetof(struct paper_settings, field)
#define ONE       DECIMAL_SCALE
#define DAY       86400000
#define LARGE     (INT64_MAX / 4)

const struct option settings_table[] = {
    {"run_dir", OPTION_TEXT, AT(run_dir), "var/run", "Directory of sockets and lock files, private to the user", 0, 0, NULL},
    {"instance_id", OPTION_TEXT, AT(instance_id), "paper-1", "This instance's name in the configuration", 0, 0, NULL},
    {"shard", OPTION_INTEGER, AT(shard), "0", "Which executor it asks first; each says which one has its accounts", 0, 31, NULL},
    {"shards", OPTION_INTEGER, AT(shards), "1", "How many executors it knows of, until one tells", 1, 32, NULL},
    {"broker_id", OPTION_TEXT, AT(broker_id), "paper", "The broker that it is", 0, 0, NULL},
    {"executor", OPTION_TEXT, AT(executor), NULL, "The executor's endpoint, if it is to stay with that one; else each one's gateways door", 0, 0, NULL},
    {"prices", OPTION_TEXT, AT(prices), NULL, "Where prices are published; preset: ingest's events door", 0, 0, NULL},
    {"books", OPTION_TEXT, AT(books), NULL, "The SQLite file of its books; preset <run_dir>/<instance_id>.books", 0, 0, NULL},
    {"keys_dir", OPTION_TEXT, AT(keys_dir), NULL, "Directory of keys, for doors on tcp, with gateway.<instance_id>.key; see tradecast keys", 0, 0, NULL},
    {"seed", OPTION_INTEGER, AT(seed), "1", "What befalls an order depends on this and its id alone", 0, 0, NULL},
    {"spread", OPTION_DECIMAL, AT(spread), "0", "Ask - bid, in price, where the feed has a last price only", 0, LARGE, NULL},
    {"slippage", OPTION_DECIMAL, AT(slippage), "0", "Market and stop orders: most by which the price moves, either way, in price", 0, LARGE,
     NULL},
    {"latency_min", OPTION_DURATION, AT(latency_min), "0ms", "From order to fill, at least", 0, DAY, NULL},
    {"latency_max", OPTION_DURATION, AT(latency_max), "0ms", "From order to fill, at most", 0, DAY, NULL},
    {"reject_probability", OPTION_DECIMAL, AT(reject_probability), "0", "How likely an order is rejected, 0 to 1", 0, ONE, NULL},
    {"requote_probability", OPTION_DECIMAL, AT(requote_probability), "0", "How likely an order is requoted (rejected), 0 to 1", 0, ONE,
     NULL},
    {"partial_probability", OPTION_DECIMAL, AT(partial_probability), "0", "How likely an order is filled in pieces, 0 to 1", 0, ONE, NULL},
    {"partial_count", OPTION_INTEGER, AT(partial_count), "3", "Pieces, at most", 1, 100, NULL},
    {"partial_gap", OPTION_DURATION, AT(partial_gap), "0ms", "Time between pieces", 0, DAY, NULL},
    {"commission", OPTION_DECIMAL, AT(commission), "0", "Per lot and fill, in the account's currency", 0, LARGE, NULL},
    {"fee", OPTION_DECIMAL, AT(fee), "0", "Per fill, in the account's currency", 0, LARGE, NULL},
    {"balance", OPTION_DECIMAL, AT(balance), "100000", "Opening balance of an account whose configuration names none", 0, INT64_MAX, NULL},
    {"check_margin", OPTION_FLAG, AT(check_margin), "true", "Reject orders that free margin does not cover", 0, 0, NULL},
    {"duplicate_check", OPTION_CHOICE, AT(duplicate_check_name), "forever",
     "Which second orders under a known client order id are recognised", 0, 0, "none|open_orders|window|session|forever"},
    {"duplicate_window", OPTION_DURATION, AT(duplicate_window), "10m", "For duplicate_check=window", 1000, DAY, NULL},
    {"duplicate_answer", OPTION_CHOICE, AT(duplicate_answer), "state",
     "A recognised one is answered with the first order's state, or only refused", 0, 0, "state|refuse"},
    {"can_query", OPTION_FLAG, AT(can_query), "true", "Whether it can be asked about an order", 0, 0, NULL},
    {"longest_acceptance", OPTION_DURATION, AT(longest_acceptance), "5s",
     "Longest time from sending an order to seeing it, as it is declared", 0, DAY, NULL},
    {"snapshot", OPTION_DURATION, AT(snapshot), "5s", "How often accounts and holdings are told; 0: when asked", 0, DAY, NULL},
    {"heartbeat", OPTION_DURATION, AT(heartbeat), "1s", "How often it says how it is", 50, 60000, NULL},
    {"silent", OPTION_DURATION, AT(silent), "5s", "An executor silent for so long is connected to again", 100, 600000, NULL},
    {"resend", OPTION_DURATION, AT(resend), "1s", "When reports that are not acknowledged go out again", 50, 600000, NULL},
    {"batch_max", OPTION_INTEGER, AT(batch_max), "256", "Most messages in one transaction", 1, 4096, NULL},
    {"report_keep", OPTION_DURATION, AT(report_keep), "1h", "How long acknowledged reports are kept", 1000, INT64_C(365) * DAY, NULL},
    {"log_level", OPTION_CHOICE, AT(log_level), "info", "Least level that is logged", 0, 0, "debug|info|warning|error"},
    {0},
};

// What was not given, made of what was.
static bool find_books(struct paper_settings *s) {
    if (s->books && *s->books) return true;
    s->books = s->books_preset;
    return snprintf(s->books_preset, sizeof s->books_preset, "%s/%s.books", s->run_dir, s->instance_id) < (int)sizeof s->books_preset;
}

static struct endpoint given_or(const char *address, const struct paper_settings *s, const char *owner, const char *door) {
    return address && *address ? endpoint_at(address, owner, door) : endpoint_of(s->run_dir, owner, door);
}

static bool find_endpoints(struct paper_settings *s) {
    char executor[32];
    (void)snprintf(executor, sizeof executor, "executor.%lld", (long long)s->shard);
    s->executor_at = given_or(s->executor, s, executor, "gateways");
    s->prices_at = given_or(s->prices, s, "ingest", "events");
    s->control_at = endpoint_of(s->run_dir, s->instance_id, "control");
    return strlen(s->run_dir) + strlen(s->instance_id) < ENDPOINT_TEXT - sizeof "ipc:///executor.31.gateways";
}

err_t settings_read(struct paper_settings *s, char wrong[static 256]) {
    err_t e = options_read(settings_table, PAPER_SERVICE, s, wrong);
    if (e != ERR_OK) return e;
    if (s->latency_max < s->latency_min) s->latency_max = s->latency_min;
    bool fits = find_books(s) && find_endpoints(s);
    if (!fits) (void)snprintf(wrong, 256, "TRADECAST_RUN_DIR or TRADECAST_PAPER_INSTANCE_ID is too long");
    return fits ? ERR_OK : ERR_CONFIG;
}

Hello__DuplicateCheck settings_duplicate_check(const struct paper_settings *s) {
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value_by_name(&hello__duplicate_check__descriptor, s->duplicate_check_name);
    return v ? (Hello__DuplicateCheck)v->value : HELLO__DUPLICATE_CHECK__forever;
}
