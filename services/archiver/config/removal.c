// config_removal - what a change of the configuration would take away that is still needed.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/removal.h"

#include "common/base/own.h"

static const char count_open[] = "SELECT count(*) FROM trades t WHERE t.account_id = ?1 AND "
                                 "t.state IN ('pending', 'submitting', 'unknown', 'working', "
                                 "'partially_filled', 'filled') AND " TRADE_OPEN;

static int64_t open_trades(sql_query_t *q, const char *account) {
    bool row = false;
    sql_reset(q);
    sql_bind_text(q, 1, account);
    return !sql_step(q, &row) && row
               ? sql_integer(q, 0)
               : -1; // -1: the archive cannot be asked, and then nothing is taken away
}

static bool is_row_removed(const ConfigChange *c) { return c->has_removed && c->removed; }

static bool nothing_is_left(const config_t *wanted) {
    for (size_t k = 0; k < CONFIG_KIND_COUNT; k++) {
        if (config_next(wanted, config_kinds[k].kind, NULL)) return false;
    }
    return true;
}

// "accounts.anna has 3 open trades"
static void name_account(const ConfigChange *c, int64_t open, buffer_t *why) {
    if (why->length) buffer_text(why, "\n");
    if (open < 0)
        buffer_format(why, "accounts.%s: whether it has open trades cannot be told", c->id);
    else
        buffer_format(why, "accounts.%s has %lld open trade%s", c->id, (long long)open,
                      open == 1 ? "" : "s");
}

bool removal_may(sql_t *db, ConfigChange *const *changes, size_t n, const config_t *wanted,
                 buffer_t *why) {
    own(sql_query) *q = sql_prepare(db, count_open);
    size_t removed = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_row_removed(changes[i])) continue;
        removed++;
        int64_t open = !q ? -1
                       : changes[i]->kind == CONFIG_CHANGE__KIND__account_config
                           ? open_trades(q, changes[i]->id)
                           : 0;
        if (open) name_account(changes[i], open, why);
    }
    if (why->length)
        buffer_text(why, "\nnothing was changed: close them first (tradecast close, or halt "
                         "--flatten), or say --force");
    else if (removed && nothing_is_left(wanted))
        buffer_format(why,
                      "nothing would be left of the configuration (%zu rows would go); nothing was "
                      "changed: say --force if that is meant",
                      removed);
    return why->length == 0;
}
