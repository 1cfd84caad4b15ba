// config_risk - what risk rules must be as a whole.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/rules/rows.h"

#include <stdio.h>
#include <string.h>

#define BLACKOUTS_MOST 1000

// Times of day are compared as texts: "09:30" < "24:00".
static void check_sessions(const struct config_check *c, const RiskRules *r) {
    char part[48];
    for (size_t i = 0; i < r->n_sessions; i++) {
        const Session *s = r->sessions[i];
        (void)snprintf(part, sizeof part, "sessions[%zu]", i);
        if (s->n_days == 0) config_wrong(c, part, "must be on one day at least");
        if (strcmp(s->from, s->to) >= 0)
            config_wrong(c, part, "must end after it begins; hours over midnight are two sessions");
    }
}

static void check_blackouts(const struct config_check *c, const RiskRules *r) {
    char part[48];
    if (r->n_blackouts > BLACKOUTS_MOST)
        config_wrong(c, "blackouts", "may be at most %d", BLACKOUTS_MOST);
    for (size_t i = 0; i < r->n_blackouts; i++) {
        (void)snprintf(part, sizeof part, "blackouts[%zu]", i);
        if (r->blackouts[i]->from >= r->blackouts[i]->to)
            config_wrong(c, part, "must end after it begins");
    }
}

static void check_limits(const struct config_check *c, const RiskRules *r) {
    const DailyLoss *loss = r->daily_loss;
    const Drawdown *drawdown = r->drawdown;
    const ProfitLock *profit = r->profit_lock;
    const Consistency *share = r->consistency;
    if (loss && !loss->has_amount && !loss->has_percent)
        config_wrong(c, "daily_loss", "must say amount or percent");
    if (drawdown && !drawdown->has_amount && !drawdown->has_percent)
        config_wrong(c, "drawdown", "must say amount or percent");
    if (profit && !profit->has_amount && !profit->has_percent)
        config_wrong(c, "profit_lock", "must say amount or percent");
    if (share && !share->has_target && !share->has_target_percent)
        config_wrong(c, "consistency", "must say target or target_percent");
}

void config_check_risk(const struct config_check *c, const RiskRules *r, bool in_preset) {
    if (!r) return;
    if (r->preset && in_preset)
        config_wrong(c, "preset", "may not be given in a preset");
    else if (r->preset && !config_find(c->config, CONFIG_CHANGE__KIND__risk_config, r->preset))
        config_wrong(c, "preset", "%.64s is not a preset", r->preset);
    check_sessions(c, r);
    check_blackouts(c, r);
    check_limits(c, r);
}
