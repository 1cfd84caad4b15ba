// settings - what a paper broker is told before it starts.
// SPDX-License-Identifier: MIT
#include "gateways/paper/settings.h"

#include "common/base/decimal.h"

#define AT(field) offsetof(struct paper_settings, field)
#define ONE       DECIMAL_SCALE
#define DAY       86400000
#define LARGE     (INT64_MAX / 4)

const struct option paper_options[] = {
    {"prices", OPTION_TEXT, AT(prices), NULL,
     "Where prices are published; preset: ingest's events door", 0, 0, NULL},
    {"seed", OPTION_INTEGER, AT(seed), "1",
     "What befalls an order depends on this and its id alone", 0, 0, NULL},
    {"spread", OPTION_DECIMAL, AT(spread), "0",
     "Ask - bid, in price, where the feed has a last price only", 0, LARGE, NULL},
    {"slippage", OPTION_DECIMAL, AT(slippage), "0",
     "Market and stop orders: most by which the price moves, either way, in price", 0, LARGE, NULL},
    {"latency_min", OPTION_DURATION, AT(latency_min), "0ms", "From order to fill, at least", 0, DAY,
     NULL},
    {"latency_max", OPTION_DURATION, AT(latency_max), "0ms", "From order to fill, at most", 0, DAY,
     NULL},
    {"reject_probability", OPTION_DECIMAL, AT(reject_probability), "0",
     "How likely an order is rejected, 0 to 1", 0, ONE, NULL},
    {"requote_probability", OPTION_DECIMAL, AT(requote_probability), "0",
     "How likely an order is requoted (rejected), 0 to 1", 0, ONE, NULL},
    {"partial_probability", OPTION_DECIMAL, AT(partial_probability), "0",
     "How likely an order is filled in pieces, 0 to 1", 0, ONE, NULL},
    {"partial_count", OPTION_INTEGER, AT(partial_count), "3", "Pieces, at most", 1, 100, NULL},
    {"partial_gap", OPTION_DURATION, AT(partial_gap), "0ms", "Time between pieces", 0, DAY, NULL},
    {"commission", OPTION_DECIMAL, AT(commission), "0",
     "Per lot and fill, in the account's currency", 0, LARGE, NULL},
    {"fee", OPTION_DECIMAL, AT(fee), "0", "Per fill, in the account's currency", 0, LARGE, NULL},
    {"balance", OPTION_DECIMAL, AT(balance), "100000",
     "Opening balance of an account whose configuration names none", 0, INT64_MAX, NULL},
    {"check_margin", OPTION_FLAG, AT(check_margin), "true",
     "Reject orders that free margin does not cover", 0, 0, NULL},
    {"duplicate_check", OPTION_CHOICE, AT(duplicate_check_name), "forever",
     "Which second orders under a known client order id are recognised", 0, 0,
     "none|open_orders|window|session|forever"},
    {"duplicate_window", OPTION_DURATION, AT(duplicate_window), "10m", "For duplicate_check=window",
     1000, DAY, NULL},
    {"duplicate_answer", OPTION_CHOICE, AT(duplicate_answer), "state",
     "A recognised one is answered with the first order's state, or only refused", 0, 0,
     "state|refuse"},
    {"can_query", OPTION_FLAG, AT(can_query), "true", "Whether it can be asked about an order", 0,
     0, NULL},
    {0},
};

bool paper_settle(struct gateway_settings *settings, char wrong[static 256]) {
    (void)wrong;
    struct paper_settings *s = (struct paper_settings *)settings;
    if (s->latency_max < s->latency_min) s->latency_max = s->latency_min;
    s->prices_at = s->prices && *s->prices ? endpoint_at(s->prices, "ingest", "events")
                                           : endpoint_of(settings->run_dir, "ingest", "events");
    return true;
}

Hello__DuplicateCheck paper_duplicate_check(const struct paper_settings *s) {
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value_by_name(
        &hello__duplicate_check__descriptor, s->duplicate_check_name);
    return v ? (Hello__DuplicateCheck)v->value : HELLO__DUPLICATE_CHECK__forever;
}
