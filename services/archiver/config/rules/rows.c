// config_rules - fields of a row that depend on each other, and rows that refer to each other.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/rules/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "services/archiver/config/rules/fields.h"

void config_wrong(const struct config_check *c, const char *part, const char *format, ...) {
    char path[260], rule[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(rule, sizeof rule, format, args);
    va_end(args);
    (void)snprintf(path, sizeof path, "%s.%s", c->path, part);
    complain_of(c->to, path, "%s", rule);
}

static void check_order(const struct config_check *c, const char *field, bool both, int64_t least,
                        int64_t most) {
    if (both && least > most) config_wrong(c, field, "must not be less than min_lot");
}

static bool is_listed_before(char *const *list, size_t n, const char *text) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], text) == 0) return true;
    return false;
}

// Brokers.

static bool has_day(const Session *s, Session__Day day) {
    for (size_t i = 0; i < s->n_days; i++)
        if (s->days[i] == day) return true;
    return false;
}

// Times of day are compared as texts: "09:30" < "24:00".
static bool is_session_overlapping(const Session *a, const Session *b) {
    if (strcmp(a->from, b->to) >= 0 || strcmp(b->from, a->to) >= 0) return false;
    for (size_t i = 0; i < a->n_days; i++)
        if (has_day(b, a->days[i])) return true;
    return false;
}

static void check_session(const struct config_check *c, const SymbolConfig *s, size_t index) {
    const Session *session = s->sessions[index];
    char part[48];
    snprintf(part, sizeof(part), "sessions[%zu]", index);
    if (session->n_days == 0) config_wrong(c, part, "must be on one day at least");
    if (strcmp(session->from, session->to) >= 0)
        config_wrong(
            c, part,
            "must end after it begins, not %.5s to %.5s; hours over midnight are two sessions",
            session->from, session->to);
    for (size_t i = 0; i < index; i++)
        if (is_session_overlapping(session, s->sessions[i]))
            config_wrong(c, part, "overlaps sessions[%zu]", i);
}

static void check_one_symbol(const struct config_check *broker, const SymbolConfig *s,
                             size_t index) {
    char path[160];
    snprintf(path, sizeof(path), "%s.symbols[%zu]", broker->path, index);
    struct config_check c = *broker;
    c.path = path;
    check_order(&c, "max_lot", s->has_min_lot && s->has_max_lot, s->min_lot, s->max_lot);
    check_order(&c, "max_spread", s->has_typical_spread && s->has_max_spread, s->typical_spread,
                s->max_spread);
    for (size_t i = 0; i < s->n_sessions; i++) check_session(&c, s, i);
}

// The broker's name of a symbol, as common/domain/book.h makes it.
static void broker_name(const BrokerConfig *b, const SymbolConfig *s, char out[static 128]) {
    if (s->broker_symbol)
        snprintf(out, 128, "%s", s->broker_symbol);
    else
        snprintf(out, 128, "%s%s%s", b->symbol_prefix ? b->symbol_prefix : "", s->symbol,
                 b->symbol_suffix ? b->symbol_suffix : "");
}

static void check_twins(const struct config_check *c, const BrokerConfig *b, size_t index) {
    char part[48], name[128], other[128];
    broker_name(b, b->symbols[index], name);
    snprintf(part, sizeof(part), "symbols[%zu].symbol", index);
    if (strlen(name) > 63)
        config_wrong(c, part, "is longer than 63 characters as the broker names it");
    for (size_t i = 0; i < index; i++) {
        broker_name(b, b->symbols[i], other);
        if (strcmp(b->symbols[i]->symbol, b->symbols[index]->symbol) == 0)
            config_wrong(c, part, "is given twice, first by symbols[%zu]", i);
        else if (strcmp(other, name) == 0)
            config_wrong(c, part, "has the broker's name %s, which symbols[%zu] has already", name,
                         i);
    }
}

static void check_broker(const struct config_check *c, const ProtobufCMessage *m) {
    const BrokerConfig *b = (const BrokerConfig *)m;
    for (size_t i = 0; i < b->n_symbols; i++) {
        check_one_symbol(c, b->symbols[i], i);
        check_twins(c, b, i);
    }
}

// Sources.

// Of two of our fields called the same only one could be read.
static void check_field_names(const struct config_check *c, const FieldNames *names) {
    const ProtobufCMessageDescriptor *d = names->base.descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const char *name = *(char *const *)((const char *)names + d->fields[i].offset);
        char part[80];
        snprintf(part, sizeof(part), "names.%.60s", d->fields[i].name);
        for (unsigned k = 0; name && k < i; k++) {
            const char *other = *(char *const *)((const char *)names + d->fields[k].offset);
            if (other && strcasecmp(name, other) == 0)
                config_wrong(c, part, "%.64s is the name of %s already", name, d->fields[k].name);
        }
    }
}

// Of two sources whose ids are taken as they are, one could take the other's.
static void check_plain(const struct config_check *c, const SignalConfig *s) {
    const struct config_row *row = NULL;
    while (s->plain_ids &&
           (row = config_next(c->config, CONFIG_CHANGE__KIND__signal_config, row)) &&
           strcmp(row->id, s->config_id) != 0) {
        if (((const SignalConfig *)row->m)->plain_ids)
            config_wrong(c, "plain_ids", "is said of %.64s already: one source at most", row->id);
    }
}

static void check_signal(const struct config_check *c, const ProtobufCMessage *m) {
    const SignalConfig *s = (const SignalConfig *)m;
    bool pineconnector = s->dialect == SIGNAL_CONFIG__DIALECT__pineconnector;
    check_plain(c, s);
    if (s->n_price_symbols && !s->prices)
        config_wrong(c, "price_symbols", "is given, but prices is not true");
    if (s->names) check_field_names(c, s->names);
    if (s->consensus) config_check_consensus(c, s);
    if (s->names && s->dialect != SIGNAL_CONFIG__DIALECT__tradecast)
        config_wrong(c, "names", "are for dialect tradecast; the others have their own");
    if (s->has_old_token_until && !s->old_token_hash)
        config_wrong(c, "old_token_until", "is given, but there is no token before this one");
    if (s->old_token_hash && !s->has_old_token_until)
        config_wrong(c, "old_token_until", "is required beside old_token_hash");
    if (s->license_hash && !pineconnector)
        config_wrong(c, "license", "is for dialect pineconnector");
    if (s->secret_hash && !pineconnector) config_wrong(c, "secret", "is for dialect pineconnector");
    if (s->price_is != SIGNAL_CONFIG__DISTANCE__price)
        config_wrong(c, "price_is",
                     "must be price: a distance from the market differs between brokers");
    if (pineconnector && s->has_replay_window_s)
        config_wrong(c, "replay_window_s", "is given, but dialect pineconnector carries no time");
}

// Accounts.

static void check_subscription(const struct config_check *account, const AccountConfig *a,
                               size_t index) {
    const Subscription *s = a->subscriptions[index];
    char path[160];
    snprintf(path, sizeof(path), "%s.subscriptions[%zu]", account->path, index);
    struct config_check c = *account;
    c.path = path;
    if (!config_find(c.config, CONFIG_CHANGE__KIND__signal_config, s->source))
        config_wrong(&c, "source", "%.64s is not a source", s->source);
    for (size_t i = 0; i < index; i++)
        if (strcmp(a->subscriptions[i]->source, s->source) == 0)
            config_wrong(&c, "source", "%.64s is given twice, first by subscriptions[%zu]",
                         s->source, i);
    config_check_sizing(&c, s);
    check_order(&c, "max_lot", s->has_min_lot && s->has_max_lot, s->min_lot, s->max_lot);
}

static void check_rules_at(const struct config_check *row, const char *part, const RiskRules *rules,
                           bool in_preset) {
    char path[160];
    struct config_check c = *row;
    (void)snprintf(path, sizeof path, "%s.%s", row->path, part);
    c.path = path;
    config_check_risk(&c, rules, in_preset);
}

static void check_account(const struct config_check *c, const ProtobufCMessage *m) {
    const AccountConfig *a = (const AccountConfig *)m;
    if (!config_find(c->config, CONFIG_CHANGE__KIND__broker_config, a->broker_id))
        config_wrong(c, "broker_id", "%.64s is not a broker", a->broker_id);
    for (size_t i = 0; i < a->n_subscriptions; i++) check_subscription(c, a, i);
    check_rules_at(c, "risk", a->risk, false);
}

// Presets. The one named global is the base of every account's rules.

static void check_risk(const struct config_check *c, const ProtobufCMessage *m) {
    const RiskConfig *p = (const RiskConfig *)m;
    check_rules_at(c, "rules", p->rules, true);
}

// Instances.

// An order goes to one gateway: no account may be served by two.
static void check_served_once(const struct config_check *c, const InstanceConfig *self,
                              const char *account, const char *part) {
    const struct config_row *row = NULL;
    while ((row = config_next(c->config, CONFIG_CHANGE__KIND__instance_config, row)) &&
           strcmp(row->id, self->instance_id) != 0) {
        const InstanceConfig *other = (const InstanceConfig *)row->m;
        if (is_listed_before(other->accounts, other->n_accounts, account))
            config_wrong(c, part, "%.64s is served by %s already", account, row->path);
    }
}

static void check_instance(const struct config_check *c, const ProtobufCMessage *m) {
    const InstanceConfig *s = (const InstanceConfig *)m;
    char part[48];
    if (!config_find(c->config, CONFIG_CHANGE__KIND__broker_config, s->broker_id))
        config_wrong(c, "broker_id", "%.64s is not a broker", s->broker_id);
    for (size_t i = 0; i < s->n_accounts; i++) {
        const struct config_row *account =
            config_find(c->config, CONFIG_CHANGE__KIND__account_config, s->accounts[i]);
        snprintf(part, sizeof(part), "accounts[%zu]", i);
        if (!account)
            config_wrong(c, part, "%.64s is not an account", s->accounts[i]);
        else if (strcmp(((const AccountConfig *)account->m)->broker_id, s->broker_id) != 0)
            config_wrong(c, part, "%s is an account at %s, not at %s", s->accounts[i],
                         ((const AccountConfig *)account->m)->broker_id, s->broker_id);
        if (is_listed_before(s->accounts, i, s->accounts[i]))
            config_wrong(c, part, "%.64s is given twice", s->accounts[i]);
        check_served_once(c, s, s->accounts[i], part);
    }
}

typedef void check_fn(const struct config_check *c, const ProtobufCMessage *m);
#define CHECK_OF(table, row, section, id, ...) [CONFIG_KIND_##table] = check_##row,

void config_check(const config_t *config, struct complaints *complaints) {
    static check_fn *const checks[CONFIG_KIND_COUNT] = {CONFIG_KINDS(CHECK_OF)};
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) {
        const struct config_row *row = NULL;
        while ((row = config_next(config, config_kinds[i].kind, row))) {
            struct config_check c = {config, complaints, row->path};
            config_fields_check(row->m, row->path, complaints);
            checks[i](&c, row->m);
        }
    }
}
