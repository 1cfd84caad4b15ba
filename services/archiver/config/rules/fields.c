// config_fields - the table, and the walk that holds a configuration against it.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/rules/fields.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/own.h"
#include "common/base/utf8.h"
#include "common/bus/address.h"
#include "common/domain/reserved.h"
#include "common/domain/zone.h"
#include "common/schema/field.h"
#include "common/sql/column.h"
#include "services/archiver/config/walk.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

static bool is_id(const char *text) { return !reserved_word(RESERVED_NAME, text); }

// As an id, and there is one named global.
static bool is_preset(const char *text) { return strcmp(text, "index") != 0; }

static bool is_zone(const char *text) {
    zone_t *zone = zone_new(text);
    bool known = zone != NULL;
    zone_destroy(&zone);
    return known;
}

static bool is_minute(const char *text, bool midnight) {
    if (strlen(text) != 5 || strspn(text, DIGITS) != 2 || text[2] != ':' ||
        strspn(text + 3, DIGITS) != 2)
        return false;
    if (midnight && strcmp(text, "24:00") == 0) return true;
    return memcmp(text, "24", 2) < 0 && text[3] < '6';
}

static bool is_from(const char *text) { return is_minute(text, false); }
static bool is_to(const char *text) { return is_minute(text, true); }

// Empty: the token that a new source lacks is complained of already.
static bool is_hash_or_empty(const char *text) { return strlen(text) == 0 || strlen(text) == 64; }

static bool is_plain(const char *text) { return utf8_is_plain(text, ""); }

// Forms of texts. Ids are parts of keys, addresses and file names.
static const struct text_form id_form = {
    LETTERS DIGITS "_.-",
    "letters, digits, '_', '.' or '-', and not index, global, accounts or sources", NULL, is_id,
    "[A-Za-z0-9_.-]"};
static const struct text_form preset_form = {
    LETTERS DIGITS "_.-", "letters, digits, '_', '.' or '-'", NULL, is_preset, "[A-Za-z0-9_.-]"};
static const struct text_form name_form = {NULL, "bytes, without control characters", NULL,
                                           is_plain, NULL};
static const struct text_form symbol_form = {LETTERS DIGITS "_.:!/#&+-",
                                             "letters, digits or one of _.:!/#&+-", NULL, NULL,
                                             "[A-Za-z0-9_.:!/#&+-]"};
static const struct text_form currency_form = {LETTERS DIGITS, "letters or digits", NULL, NULL,
                                               "[A-Za-z0-9]"};
static const struct text_form hash_form = {DIGITS "abcdef", NULL,
                                           "must be 64 hexadecimal digits in lower case",
                                           is_hash_or_empty, "[0-9a-f]"};
static const struct text_form kind_form = {LETTERS DIGITS "_", NULL,
                                           "must be a gateway's name: paper", NULL, "[A-Za-z0-9_]"};
static const struct text_form from_form = {NULL, NULL, "must be a time of day, 00:00 to 23:59",
                                           is_from, "([01][0-9]|2[0-3]):[0-5][0-9]"};
static const struct text_form to_form = {NULL, NULL, "must be a time of day, 00:01 to 24:00", is_to,
                                         "(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)"};
static const struct text_form zone_form = {LETTERS DIGITS "_/+-", NULL,
                                           "must be an IANA time zone, as Europe/Berlin", is_zone,
                                           "[A-Za-z0-9_/+-]"};
static const struct text_form network_form = {
    NULL, NULL,
    "must be an address, a network (10.0.0.0/8; no bits behind its prefix) or tradingview",
    networks_entry_is_valid, NULL};
static const struct text_form key_form = {NULL, "bytes, without control characters", NULL, is_plain,
                                          NULL};

// Beside a token: shorter ones are guessed against it only.
static bool is_second(const char *text) { return strlen(text) == 0 || strlen(text) >= 8; }

static const struct text_form second_form = {
    LETTERS DIGITS "_.~-", NULL,
    "must be 8 to 128 letters, digits, '_', '.', '~' or '-'; or empty: none any more", is_second,
    "[A-Za-z0-9_.~-]"};
static const struct text_form credential_form = {
    LETTERS DIGITS "_.~-", "letters, digits, '_', '.', '~' or '-'", NULL, NULL, "[A-Za-z0-9_.~-]"};

// clang-format off
#define ID           &id_form, 1, 64, false
#define NAME         &name_form, 0, 128, false
#define SYMBOL       &symbol_form, 1, 32, false
#define AFFIX        &symbol_form, 0, 32, false
#define CURRENCY     &currency_form, 3, 8, false
#define HASH         &hash_form, 0, 64, false
#define NETWORK      &network_form, 1, 64, false
#define ZONE         &zone_form, 1, 64, false
#define KEY          &key_form, 1, 64, false
#define POSITIVE     NULL, 0, INT64_MAX, true
#define NOT_NEGATIVE NULL, 0, INT64_MAX, false
#define RANGE(a, b)  NULL, a, b, false
// More than 0, at most so much (decimals).
#define UP_TO(most)  NULL, 0, (most) * DECIMAL_SCALE, true

// A field that is not here may be whatever its type allows. What rows say of each other is in
// config_rules.c.
static const struct field_rule rules[] = {
    {&account_config__descriptor, "account_id", ID},
    {&account_config__descriptor, "broker_id", ID},
    {&account_config__descriptor, "name", NAME},
    {&account_config__descriptor, "currency", CURRENCY},
    {&account_config__descriptor, "balance", NOT_NEGATIVE},
    {&account_config__descriptor, "leverage", RANGE(1, 10000)},
    {&account_config__descriptor, "max_open_trades", RANGE(1, 1000000)},
    {&account_config__descriptor, "max_signal_age_s", RANGE(1, 86400)},
    {&account_config__descriptor, "time_zone", ZONE},
    {&account_config__descriptor, "day_starts_at", &from_form, 5, 5, false},

    {&risk_config__descriptor, "preset_id", &preset_form, 1, 64, false},
    {&risk_config__descriptor, "name", NAME},
    {&risk_config__descriptor, "description", &name_form, 0, 1000, false},
    {&risk_rules__descriptor, "preset", &preset_form, 1, 64, false},
    {&risk_rules__descriptor, "time_zone", ZONE},
    {&risk_rules__descriptor, "reset_at", &from_form, 5, 5, false},
    {&risk_rules__descriptor, "allowed_symbols", SYMBOL},
    {&risk_rules__descriptor, "min_confidence", NULL, 0, 100 * DECIMAL_SCALE, false},
    {&risk_rules__descriptor, "max_price_age_s", RANGE(1, 86400)},
    {&risk_rules__descriptor, "max_spread_points", POSITIVE},
    {&risk_rules__descriptor, "max_deviation_points", POSITIVE},
    {&risk_rules__descriptor, "max_deviation_percent", UP_TO(100)},
    {&risk_rules__descriptor, "max_lots_order", POSITIVE},
    {&risk_rules__descriptor, "max_lots_symbol", POSITIVE},
    {&risk_rules__descriptor, "max_lots_account", POSITIVE},
    {&risk_rules__descriptor, "max_open_trades", RANGE(1, 1000000)},
    {&risk_rules__descriptor, "max_exposure", POSITIVE},
    {&risk_rules__descriptor, "max_exposure_percent", POSITIVE},
    {&risk_rules__descriptor, "max_orders", RANGE(1, 100)},
    {&risk_rules__descriptor, "order_window_s", RANGE(1, 86400)},
    {&risk_rules__descriptor, "min_margin_level", POSITIVE},
    {&risk_rules__descriptor, "max_trades_day", RANGE(1, 1000000)},
    {&risk_rules__descriptor, "initial_balance", POSITIVE},
    {&blackout__descriptor, "symbols", SYMBOL},
    {&blackout__descriptor, "currencies", CURRENCY},
    {&blackout__descriptor, "note", NAME},
    {&daily_loss__descriptor, "amount", POSITIVE},
    {&daily_loss__descriptor, "percent", UP_TO(100)},
    {&drawdown__descriptor, "amount", POSITIVE},
    {&drawdown__descriptor, "percent", UP_TO(100)},
    {&profit_lock__descriptor, "amount", POSITIVE},
    {&profit_lock__descriptor, "percent", UP_TO(1000)},
    {&profit_lock__descriptor, "give_back_percent", UP_TO(100)},
    {&consistency__descriptor, "percent", UP_TO(100)},
    {&consistency__descriptor, "target", POSITIVE},
    {&consistency__descriptor, "target_percent", UP_TO(1000)},

    {&subscription__descriptor, "source", ID},
    {&subscription__descriptor, "strategies", NAME},
    {&subscription__descriptor, "symbols", SYMBOL},
    {&subscription__descriptor, "fixed_lot", POSITIVE},
    {&subscription__descriptor, "multiplier", POSITIVE},
    {&subscription__descriptor, "min_lot", POSITIVE},
    {&subscription__descriptor, "max_lot", POSITIVE},
    {&subscription__descriptor, "risk_percent", UP_TO(100)},
    {&subscription__descriptor, "risk_cash", POSITIVE},
    {&subscription__descriptor, "provider_equity", POSITIVE},
    {&subscription__descriptor, "default_stop_loss_points", POSITIVE},
    {&subscription__descriptor, "default_stop_loss_percent", UP_TO(100)},
    {&subscription__descriptor, "default_take_profit_points", POSITIVE},
    {&subscription__descriptor, "default_take_profit_percent", POSITIVE},

    {&broker_config__descriptor, "broker_id", ID},
    {&broker_config__descriptor, "name", NAME},
    {&broker_config__descriptor, "symbol_prefix", AFFIX},
    {&broker_config__descriptor, "symbol_suffix", AFFIX},
    {&broker_config__descriptor, "price_tolerance", NOT_NEGATIVE},
    {&broker_config__descriptor, "longest_acceptance_ms", RANGE(1, 3600000)},
    {&broker_config__descriptor, "answer_within_ms", RANGE(1, 3600000)},
    {&broker_config__descriptor, "time_zone", ZONE},

    {&symbol_config__descriptor, "symbol", SYMBOL},
    {&symbol_config__descriptor, "broker_symbol", SYMBOL},
    {&symbol_config__descriptor, "lot_step", POSITIVE},
    {&symbol_config__descriptor, "min_lot", POSITIVE},
    {&symbol_config__descriptor, "max_lot", POSITIVE},
    {&symbol_config__descriptor, "digits", RANGE(0, DECIMAL_DIGITS)},
    {&symbol_config__descriptor, "contract_size", POSITIVE},
    {&symbol_config__descriptor, "price_tolerance", NOT_NEGATIVE},
    {&symbol_config__descriptor, "point", POSITIVE},
    {&symbol_config__descriptor, "tick_size", POSITIVE},
    {&symbol_config__descriptor, "tick_value", POSITIVE},
    {&symbol_config__descriptor, "max_spread", NOT_NEGATIVE},
    {&symbol_config__descriptor, "typical_spread", NOT_NEGATIVE},
    {&symbol_config__descriptor, "profit_currency", CURRENCY},
    {&symbol_config__descriptor, "margin_currency", CURRENCY},

    {&session__descriptor, "from", &from_form, 5, 5, false},
    {&session__descriptor, "to", &to_form, 5, 5, false},

    {&instance_config__descriptor, "instance_id", ID},
    {&instance_config__descriptor, "broker_id", ID},
    {&instance_config__descriptor, "kind", &kind_form, 1, 16, false},
    {&instance_config__descriptor, "accounts", ID},

    {&signal_config__descriptor, "config_id", ID},
    {&signal_config__descriptor, "token_hash", HASH},
    {&signal_config__descriptor, "old_token_hash", HASH},
    {&signal_config__descriptor, "license_hash", HASH},
    {&signal_config__descriptor, "secret_hash", HASH},
    {&signal_config__descriptor, "window_s", RANGE(1, 3600)},
    {&signal_config__descriptor, "rate_per_s", RANGE(1, 1000000)},
    {&signal_config__descriptor, "bytes_per_s", RANGE(65536, 1000000000)},
    {&signal_config__descriptor, "default_strategy", &name_form, 0, 64, false},
    {&signal_config__descriptor, "default_lots", POSITIVE},
    {&signal_config__descriptor, "replay_window_s", RANGE(1, 86400)},
    {&signal_config__descriptor, "price_symbols", SYMBOL},
    {&signal_config__descriptor, "market_symbols", SYMBOL},
    {&signal_config__descriptor, "max_jump_percent", UP_TO(100000)},
    {&signal_config__descriptor, "approve_within_s", RANGE(0, 86400)},
    {&signal_config__descriptor, "points_per_pip", RANGE(1, 1000000)},
    {&signal_config__descriptor, "allow", NETWORK},

    {&consensus__descriptor, "window_s", RANGE(1, 3600)},
    {&consensus__descriptor, "min_agreement", UP_TO(1)},
    {&consensus__descriptor, "min_confidence", NULL, 0, 100 * DECIMAL_SCALE, false},
    {&consensus__part__descriptor, "source", ID},
    {&consensus__part__descriptor, "weight", NULL, 0, 1000000 * DECIMAL_SCALE, false},

    // Secrets as they are given; kept as hashes. Nothing that a URL would change, or that separates
    // in an alert.
    // 128 bits, hard to guess
    {&config_document__source__descriptor, "token", &credential_form, 16, 128, false},
    {&config_document__source__descriptor, "license", &second_form, 0, 128, false},
    {&config_document__source__descriptor, "secret", &second_form, 0, 128, false},

    {&field_names__descriptor, NULL, KEY}, // each of its fields
};
// clang-format on

#define RULES (sizeof rules / sizeof *rules)

const struct field_rule *config_field_rule_at(size_t i) { return i < RULES ? &rules[i] : NULL; }

const struct field_rule *config_field_rule(const ProtobufCMessageDescriptor *d, const char *field) {
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].type == d && (!rules[i].field || strcmp(rules[i].field, field) == 0))
            return &rules[i];
    return NULL;
}

bool config_field_is_secret(const char *field) {
    static const char *const secrets[] = {"token",        "token_hash", "old_token_hash", "license",
                                          "license_hash", "secret",     "secret_hash"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (strcmp(field, secrets[i]) == 0) return true;
    return false;
}

// Words.

static bool is_decimal(const struct field_rule *rule) {
    return rule->field &&
           column_kind_of(record_field(rule->type, span_of(rule->field))) == COLUMN_DECIMAL;
}

static void print_bound(const struct field_rule *rule, int64_t bound,
                        char out[static DECIMAL_TEXT]) {
    if (is_decimal(rule))
        decimal_print(D(bound), out);
    else
        snprintf(out, DECIMAL_TEXT, "%lld", (long long)bound);
}

static void number_words(const struct field_rule *rule, char out[static 200]) {
    char least[DECIMAL_TEXT], most[DECIMAL_TEXT];
    bool bounded = rule->most != INT64_MAX;
    print_bound(rule, rule->least, least);
    print_bound(rule, rule->most, most);
    if (rule->above)
        snprintf(out, 200, "must be more than %s%s%s", least, bounded ? " and at most " : "",
                 bounded ? most : "");
    else if (bounded)
        snprintf(out, 200, "must be %s to %s", least, most);
    else if (rule->least == 0)
        snprintf(out, 200, "must not be negative");
    else
        snprintf(out, 200, "must be at least %s", least);
}

void config_field_rule_words(const struct field_rule *rule, char out[static 200]) {
    if (!rule->text)
        number_words(rule, out);
    else if (rule->text->sentence)
        snprintf(out, 200, "%s", rule->text->sentence);
    else
        snprintf(out, 200, "must be %lld to %lld %s", (long long)rule->least, (long long)rule->most,
                 rule->text->unit);
}

// The check.

bool config_field_fits(const struct field_rule *rule, const char *text) {
    size_t length = strlen(text);
    const struct text_form *form = rule->text;
    return length >= (size_t)rule->least && length <= (size_t)rule->most &&
           (!form->characters || strspn(text, form->characters) == length) &&
           (!form->fits || form->fits(text));
}

static bool number_fits(const struct field_rule *rule, int64_t value) {
    return value <= rule->most && (rule->above ? value > rule->least : value >= rule->least);
}

static int64_t number_at(const ProtobufCFieldDescriptor *f, const void *place) {
    if (record_item_size(f) == sizeof(uint32_t)) return *(const uint32_t *)place;
    int64_t value = *(const int64_t *)place;
    return column_kind_of(f) == COLUMN_UNSIGNED && value < 0 ? INT64_MAX : value;
}

static void complain_of_value(struct complaints *to, const struct field_rule *rule,
                              const char *path, const char *value) {
    char words[200];
    config_field_rule_words(rule, words);
    if (rule->field && config_field_is_secret(rule->field))
        complain_of(to, path, "%s", words);
    else
        complain_of(to, path, "%s, not \"%.80s\"", words, value);
}

static bool check_value(void *arg, const struct config_spot *spot) {
    struct complaints *to = arg;
    const ProtobufCFieldDescriptor *f = spot->field;
    const struct field_rule *rule = config_field_rule(spot->after->descriptor, f->name);
    if (field_is_message(f)) return true;
    if (column_kind_of(f) == COLUMN_TIME && *(const uint64_t *)spot->is >= TIME_END)
        complain_of(to, spot->path, "%s", TIME_RANGE);
    if (!rule) return false;
    if (rule->text && !config_field_fits(rule, field_text(spot->is)))
        complain_of_value(to, rule, spot->path, field_text(spot->is));
    if (rule->text || number_fits(rule, number_at(f, spot->is))) return false;
    own(buffer) value = {0};
    record_print_value(f, spot->is, &value);
    complain_of_value(to, rule, spot->path, buffer_string(&value));
    return false;
}

void config_fields_check(const ProtobufCMessage *m, const char *path, struct complaints *to) {
    config_walk(NULL, m, path, CONFIG_BY_INDEX, check_value, to);
}
