// config_sizing - which fields go with which way of sizing.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/rules/rows.h"

#include <stdio.h>

#include "common/schema/record.h"

enum part { FIXED_LOT = 1, MULTIPLIER = 2, RISK_PERCENT = 4, RISK_CASH = 8, PROVIDER_EQUITY = 16 };

static const struct {
    enum part part;
    const char *name;
} parts[] = {{FIXED_LOT, "fixed_lot"},
             {MULTIPLIER, "multiplier"},
             {RISK_PERCENT, "risk_percent"},
             {RISK_CASH, "risk_cash"},
             {PROVIDER_EQUITY, "provider_equity"}};

// What each way of sizing reads: the rest would say something and do nothing.
static const struct {
    Sizing__By by;
    unsigned may, must;
} ways[] = {
    {SIZING__BY__fixed, FIXED_LOT, FIXED_LOT},
    {SIZING__BY__multiplier, MULTIPLIER, 0},
    {SIZING__BY__equity_ratio, MULTIPLIER | PROVIDER_EQUITY, 0},
    {SIZING__BY__balance_percent, RISK_PERCENT, 0},
    {SIZING__BY__equity_percent, RISK_PERCENT, 0},
    {SIZING__BY__cash_risk, RISK_CASH, 0},
    {SIZING__BY__target, FIXED_LOT | MULTIPLIER, 0},
};

static unsigned get_size_flags(const Subscription *s) {
    return (s->has_fixed_lot ? FIXED_LOT : 0) | (s->has_multiplier ? MULTIPLIER : 0) |
           (s->has_risk_percent ? RISK_PERCENT : 0) | (s->has_risk_cash ? RISK_CASH : 0) |
           (s->has_provider_equity ? PROVIDER_EQUITY : 0);
}

static void check_way(const struct config_check *c, const Subscription *s) {
    const char *name = record_enum_name(&sizing__by__descriptor, (int)s->sizing);
    char rule[120];
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (ways[i].by != s->sizing) continue;
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            snprintf(rule, sizeof rule, "%s with sizing %s",
                     ways[i].must & parts[k].part ? "is required" : "says nothing", name);
            if (get_size_flags(s) & parts[k].part ? !(ways[i].may & parts[k].part)
                                                  : ways[i].must & parts[k].part)
                config_wrong(c, parts[k].name, "%s", rule);
        }
    }
    if (s->sizing == SIZING__BY__target && s->has_fixed_lot && s->has_multiplier)
        config_wrong(c, "multiplier", "says nothing beside fixed_lot");
}

// Such a source's lots are those of somebody who has 10000: as they are they would be right for
// nobody else.
static void check_share(const struct config_check *c, const Subscription *s) {
    const struct config_row *row =
        config_find(c->config, CONFIG_CHANGE__KIND__signal_config, s->source);
    const SignalConfig *source = row ? (const SignalConfig *)row->m : NULL;
    bool as_told = s->has_sizing ? s->sizing == SIZING__BY__multiplier ||
                                       (s->sizing == SIZING__BY__target && !s->has_fixed_lot)
                                 : s->has_multiplier;
    if (source && source->dialect == SIGNAL_CONFIG__DIALECT__pineconnector &&
        source->risk_is == SIGNAL_CONFIG__RISK__percent_lots && as_told)
        config_wrong(c, "sizing",
                     "must be equity_ratio (or by risk, or fixed) for a source whose risk_is is "
                     "percent_lots");
}

void config_check_sizing(const struct config_check *c, const Subscription *s) {
    if (s->has_sizing)
        check_way(c, s);
    else if (s->has_fixed_lot == s->has_multiplier)
        config_wrong(c, "fixed_lot",
                     "exactly one of fixed_lot and multiplier must be given, or sizing");
    else if (get_size_flags(s) & ~(unsigned)(FIXED_LOT | MULTIPLIER))
        config_wrong(c, "sizing", "is required beside risk_percent, risk_cash or provider_equity");
    if (s->has_default_stop_loss_points && s->has_default_stop_loss_percent)
        config_wrong(c, "default_stop_loss_percent",
                     "is given beside default_stop_loss_points: one of them");
    if (s->has_default_take_profit_points && s->has_default_take_profit_percent)
        config_wrong(c, "default_take_profit_percent",
                     "is given beside default_take_profit_points: one of them");
    check_share(c, s);
}
