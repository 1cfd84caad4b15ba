// config_rules - what a configuration must be beside well-formed: ids, ranges, and rows that refer to each other.
// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/decimal.h"
#include "services/archiver/config_document.h"

#define ID_MOST 64

struct check {
    const config_t *config;
    unsigned shards;
    struct complaints *to;
    const char *path; // of the row
};

// Complains of a part of the row.
static void wrong(const struct check *c, const char *part, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void wrong(const struct check *c, const char *part, const char *format, ...) {
    char path[220], rule[256];
    va_list args;
    va_start(args, format);
    vsnprintf(rule, sizeof(rule), format, args);
    va_end(args);
    snprintf(path, sizeof(path), "%s.%s", c->path, part);
    complain_of(c->to, path, "%s", rule);
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

static bool is_made_of(const char *text, size_t least, size_t most, const char *characters) {
    size_t length = strlen(text);
    return length >= least && length <= most && strspn(text, characters) == length;
}

// Ids are parts of keys, addresses and file names; a few words are other keys' names.
static void check_id(const struct check *c, const char *field, const char *id) {
    if (!is_made_of(id, 1, ID_MOST, LETTERS DIGITS "_.-"))
        wrong(c, field, "must be 1 to %d letters, digits, '_', '.' or '-'", ID_MOST);
    else if (strcmp(id, "index") == 0 || strcmp(id, "global") == 0 || strcmp(id, "accounts") == 0)
        wrong(c, field, "may not be %s", id);
}

static void check_symbol(const struct check *c, const char *field, const char *symbol, size_t least) {
    if (!is_made_of(symbol, least, 32, LETTERS DIGITS "_.:!/#&+-"))
        wrong(c, field, "must be %zu to 32 letters, digits or one of _.:!/#&+-", least);
}

static void check_name(const struct check *c, const char *field, const char *text) {
    if (text && strlen(text) > 128) wrong(c, field, "must be at most 128 bytes long");
}

static void check_range(const struct check *c, const char *field, uint64_t value, uint64_t least, uint64_t most) {
    if (value < least || value > most) wrong(c, field, "must be %llu to %llu", (unsigned long long)least, (unsigned long long)most);
}

static void check_positive(const struct check *c, const char *field, bool given, int64_t e8) {
    if (given && e8 <= 0) wrong(c, field, "must be more than 0");
}

static void check_not_negative(const struct check *c, const char *field, bool given, int64_t e8) {
    if (given && e8 < 0) wrong(c, field, "must not be negative");
}

static void check_order(const struct check *c, const char *field, bool both, int64_t least, int64_t most) {
    if (both && least > most) wrong(c, field, "must not be less than min_lot");
}

static bool is_listed_before(char *const *list, size_t n, const char *text) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], text) == 0) return true;
    return false;
}

// Brokers.

static void check_one_symbol(const struct check *broker, const SymbolConfig *s, size_t index) {
    char path[160];
    snprintf(path, sizeof(path), "%s.symbols[%zu]", broker->path, index);
    struct check c = *broker;
    c.path = path;
    check_symbol(&c, "symbol", s->symbol, 1);
    if (s->broker_symbol) check_symbol(&c, "broker_symbol", s->broker_symbol, 1);
    check_positive(&c, "lot_step", s->has_lot_step, s->lot_step);
    check_positive(&c, "min_lot", s->has_min_lot, s->min_lot);
    check_positive(&c, "max_lot", s->has_max_lot, s->max_lot);
    check_order(&c, "max_lot", s->has_min_lot && s->has_max_lot, s->min_lot, s->max_lot);
    if (s->has_digits) check_range(&c, "digits", s->digits, 0, DECIMAL_DIGITS);
    check_positive(&c, "contract_size", s->has_contract_size, s->contract_size);
    check_not_negative(&c, "price_tolerance", s->has_price_tolerance, s->price_tolerance);
}

// The broker's name of a symbol, as common/book.h makes it.
static void broker_name(const BrokerConfig *b, const SymbolConfig *s, char out[static 128]) {
    if (s->broker_symbol)
        snprintf(out, 128, "%s", s->broker_symbol);
    else
        snprintf(out, 128, "%s%s%s", b->symbol_prefix ? b->symbol_prefix : "", s->symbol, b->symbol_suffix ? b->symbol_suffix : "");
}

static void check_twins(const struct check *c, const BrokerConfig *b, size_t index) {
    char part[48], name[128], other[128];
    broker_name(b, b->symbols[index], name);
    snprintf(part, sizeof(part), "symbols[%zu].symbol", index);
    if (strlen(name) > 63) wrong(c, part, "is longer than 63 characters as the broker names it");
    for (size_t i = 0; i < index; i++) {
        broker_name(b, b->symbols[i], other);
        if (strcmp(b->symbols[i]->symbol, b->symbols[index]->symbol) == 0)
            wrong(c, part, "is given twice, first by symbols[%zu]", i);
        else if (strcmp(other, name) == 0)
            wrong(c, part, "has the broker's name %s, which symbols[%zu] has already", name, i);
    }
}

static void check_broker(const struct check *c, const ProtobufCMessage *m) {
    const BrokerConfig *b = (const BrokerConfig *)m;
    check_id(c, "broker_id", b->broker_id);
    check_name(c, "name", b->name);
    if (b->symbol_prefix) check_symbol(c, "symbol_prefix", b->symbol_prefix, 0);
    if (b->symbol_suffix) check_symbol(c, "symbol_suffix", b->symbol_suffix, 0);
    check_not_negative(c, "price_tolerance", b->has_price_tolerance, b->price_tolerance);
    check_range(c, "longest_acceptance_ms", b->longest_acceptance_ms, 1, 3600000);
    check_range(c, "answer_within_ms", b->answer_within_ms, 1, 3600000);
    for (size_t i = 0; i < b->n_symbols; i++) {
        check_one_symbol(c, b->symbols[i], i);
        check_twins(c, b, i);
    }
}

// Sources.

static void check_source(const struct check *c, const ProtobufCMessage *m) {
    const SignalConfig *s = (const SignalConfig *)m;
    check_id(c, "config_id", s->config_id);
    if (s->token_hash[0] && (strlen(s->token_hash) != 64 || !is_made_of(s->token_hash, 64, 64, DIGITS "abcdef")))
        wrong(c, "token_hash", "must be 64 hexadecimal digits in lower case");
    check_range(c, "window_s", s->window_s, 1, 3600);
    if (s->has_rate_per_s) check_range(c, "rate_per_s", s->rate_per_s, 1, 1000000);
    check_name(c, "default_strategy", s->default_strategy);
}

// Accounts.

static void check_subscription(const struct check *account, const AccountConfig *a, size_t index) {
    const Subscription *s = a->subscriptions[index];
    char path[160];
    snprintf(path, sizeof(path), "%s.subscriptions[%zu]", account->path, index);
    struct check c = *account;
    c.path = path;
    if (!config_find(c.config, CONFIG_CHANGE__KIND__signal_config, s->source)) wrong(&c, "source", "%.64s is not a source", s->source);
    for (size_t i = 0; i < index; i++)
        if (strcmp(a->subscriptions[i]->source, s->source) == 0)
            wrong(&c, "source", "%.64s is given twice, first by subscriptions[%zu]", s->source, i);
    if (s->has_fixed_lot == s->has_multiplier) wrong(&c, "fixed_lot", "exactly one of fixed_lot and multiplier must be given");
    check_positive(&c, "fixed_lot", s->has_fixed_lot, s->fixed_lot);
    check_positive(&c, "multiplier", s->has_multiplier, s->multiplier);
    check_positive(&c, "min_lot", s->has_min_lot, s->min_lot);
    check_positive(&c, "max_lot", s->has_max_lot, s->max_lot);
    check_order(&c, "max_lot", s->has_min_lot && s->has_max_lot, s->min_lot, s->max_lot);
    for (size_t i = 0; i < s->n_symbols; i++) check_symbol(&c, "symbols", s->symbols[i], 1);
    for (size_t i = 0; i < s->n_strategies; i++) check_name(&c, "strategies", s->strategies[i]);
}

static void check_account(const struct check *c, const ProtobufCMessage *m) {
    const AccountConfig *a = (const AccountConfig *)m;
    check_id(c, "account_id", a->account_id);
    check_name(c, "name", a->name);
    if (!config_find(c->config, CONFIG_CHANGE__KIND__broker_config, a->broker_id))
        wrong(c, "broker_id", "%.64s is not a broker", a->broker_id);
    if (!is_made_of(a->currency, 3, 8, LETTERS DIGITS)) wrong(c, "currency", "must be 3 to 8 letters or digits");
    check_not_negative(c, "balance", a->has_balance, a->balance);
    check_range(c, "leverage", a->leverage, 1, 10000);
    if (a->has_max_open_trades) check_range(c, "max_open_trades", a->max_open_trades, 1, 1000000);
    check_range(c, "max_signal_age_s", a->max_signal_age_s, 1, 86400);
    if (a->has_shard && a->shard >= c->shards) wrong(c, "shard", "must be less than %u, the number of executors", c->shards);
    for (size_t i = 0; i < a->n_subscriptions; i++) check_subscription(c, a, i);
}

// Instances.

// An order goes to one gateway: no account may be served by two.
static void check_served_once(const struct check *c, const InstanceConfig *self, const char *account, const char *part) {
    const struct config_row *row = NULL;
    while ((row = config_next(c->config, CONFIG_CHANGE__KIND__instance_config, row)) && strcmp(row->id, self->instance_id) != 0) {
        const InstanceConfig *other = (const InstanceConfig *)row->m;
        if (is_listed_before(other->accounts, other->n_accounts, account))
            wrong(c, part, "%.64s is served by %s already", account, row->path);
    }
}

static void check_instance(const struct check *c, const ProtobufCMessage *m) {
    const InstanceConfig *s = (const InstanceConfig *)m;
    char part[48];
    check_id(c, "instance_id", s->instance_id);
    if (!is_made_of(s->kind, 1, 16, LETTERS DIGITS "_")) wrong(c, "kind", "must be a gateway's name: paper");
    if (!config_find(c->config, CONFIG_CHANGE__KIND__broker_config, s->broker_id))
        wrong(c, "broker_id", "%.64s is not a broker", s->broker_id);
    for (size_t i = 0; i < s->n_accounts; i++) {
        const struct config_row *account = config_find(c->config, CONFIG_CHANGE__KIND__account_config, s->accounts[i]);
        snprintf(part, sizeof(part), "accounts[%zu]", i);
        if (!account)
            wrong(c, part, "%.64s is not an account", s->accounts[i]);
        else if (strcmp(((const AccountConfig *)account->m)->broker_id, s->broker_id) != 0)
            wrong(c, part, "%s is an account at %s, not at %s", s->accounts[i], ((const AccountConfig *)account->m)->broker_id,
                  s->broker_id);
        if (is_listed_before(s->accounts, i, s->accounts[i])) wrong(c, part, "%.64s is given twice", s->accounts[i]);
        check_served_once(c, s, s->accounts[i], part);
    }
}

typedef void check_fn(const struct check *c, const ProtobufCMessage *m);

void config_check(const config_t *config, unsigned shards, struct complaints *complaints) {
    static const struct {
        config_kind_t kind;
        check_fn *check;
    } rules[CONFIG_KINDS] = {
        {CONFIG_CHANGE__KIND__signal_config, check_source},
        {CONFIG_CHANGE__KIND__broker_config, check_broker},
        {CONFIG_CHANGE__KIND__account_config, check_account},
        {CONFIG_CHANGE__KIND__instance_config, check_instance},
    };
    for (size_t i = 0; i < CONFIG_KINDS; i++) {
        const struct config_row *row = NULL;
        while ((row = config_next(config, rules[i].kind, row))) {
            struct check c = {config, shards, complaints, row->path};
            rules[i].check(&c, row->m);
        }
    }
}
