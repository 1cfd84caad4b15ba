// query_performance - what a time amounted to.
// SPDX-License-Identifier: MIT
#include "services/archiver/query/query_performance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/decimal.h"
#include "common/base/hash.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "services/archiver/counts/performance.h"

#define GROUPS_MAX 1000
#define KEY_TEXT   100

// Where the days of a kind are, and which of a question's conditions they know.
struct source {
    const char *by, *table, *key; // key: of the group; NULL: all are one
    const ProtobufCMessageDescriptor *type;
};
static const struct source sources[] = {
    {"account", "account_performance", "account_id", &account_performance__descriptor},
    {"broker", "broker_performance", "broker_id", &broker_performance__descriptor},
    {"gateway", "instance_performance", "instance_id", &instance_performance__descriptor},
    {"day", "broker_performance", "day", &broker_performance__descriptor},
    {"all", "broker_performance", NULL, &broker_performance__descriptor},
};
static const struct source accounts_days = {"day", "account_performance", "day",
                                            &account_performance__descriptor};
static const struct source accounts_all = {"all", "account_performance", NULL,
                                           &account_performance__descriptor};

struct group {                          // of one currency
    char key[KEY_TEXT + CURRENCY_TEXT]; // the key, a line feed (which no id has), the currency
    char name[KEY_TEXT];
    struct performance p;
    UT_hash_handle hh;
};

struct groups {
    struct group *all;
    bool too_many;
};

static void groups_destroy(struct groups *self) {
    struct group *g, *next;
    HASH_ITER(hh, self->all, g, next) {
        HASH_DEL(self->all, g);
        performance_destroy(&g->p);
        free(g);
    }
}

static struct performance *group_of(struct groups *self, const char *name, const char *currency) {
    struct group *g;
    char key[KEY_TEXT + CURRENCY_TEXT];
    snprintf(key, sizeof(key), "%.*s\n%.*s", KEY_TEXT - 1, name, CURRENCY_TEXT - 1, currency);
    HASH_FIND_STR(self->all, key, g);
    if (g) return &g->p;
    self->too_many = HASH_COUNT(self->all) >= GROUPS_MAX;
    if (self->too_many) return NULL;
    g = alloc_zeroed(1, sizeof(*g));
    memcpy(g->key, key, sizeof(key));
    snprintf(g->name, sizeof(g->name), "%s", name);
    performance_init(&g->p, g->name, "", currency);
    HASH_ADD_STR(self->all, key, g);
    return &g->p;
}

// Days.

static const struct source *find_group_source(const ArchiveQuery *q) {
    const char *by = q->by ? q->by : "all";
    if (q->account_id && strcmp(by, "day") == 0) return &accounts_days;
    if (q->account_id && strcmp(by, "all") == 0) return &accounts_all;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        if (strcmp(sources[i].by, by) == 0) return &sources[i];
    return NULL;
}

// The condition that the days of this kind know; *value: of it. False: the question has one that
// they do not.
static bool condition_of(const struct source *s, const ArchiveQuery *q, const char **column,
                         const char **value) {
    bool of_accounts = strcmp(s->table, "account_performance") == 0,
         of_brokers = strcmp(s->table, "broker_performance") == 0;
    *column = of_accounts ? "account_id" : of_brokers ? "broker_id" : "instance_id";
    *value = of_accounts ? q->account_id : of_brokers ? q->broker_id : NULL;
    return !((q->account_id && !of_accounts) || (q->broker_id && !of_brokers) || q->symbol ||
             q->strategy || q->state || q->signal_id);
}

static sql_query_t *prepare_days(sql_t *db, const struct source *s, const ArchiveQuery *q) {
    // after every day, before "total"
    char text[300], since[SQL_TIME_TEXT] = "", until[SQL_TIME_TEXT] = "a";
    const char *column, *value;
    if (!condition_of(s, q, &column, &value)) return NULL;
    bool total = !q->has_since && !q->has_until && (!s->key || strcmp(s->key, "day") != 0);
    snprintf(text, sizeof(text),
             "SELECT %s, * FROM %s WHERE %s AND (?3 IS NULL OR %s = ?3) ORDER BY day",
             s->key ? s->key : "'all'", s->table,
             total ? "day = 'total'"
                   : "day || 'T00:00:00.000000Z' >= ?1 AND day || 'T00:00:00.000000Z' < ?2",
             column);
    if (q->has_since) sql_time_print(q->since, since);
    if (q->has_until) sql_time_print(q->until, until);
    sql_query_t *out = sql_prepare(db, text);
    if (out && !total) sql_bind_text(out, 1, since), sql_bind_text(out, 2, until);
    if (out) sql_bind_text(out, 3, value);
    return out;
}

static err_t take_days(sql_t *db, const struct source *s, const ArchiveQuery *q,
                       struct groups *groups) {
    own(sql_query) *days = prepare_days(db, s, q);
    own(arena) *arena = arena_new(0);
    bool row = true;
    err_t e = days ? ERR_OK : ERR_RULE;
    for (ProtobufCMessage *m; !e && !(e = sql_step(days, &row)) && row;) {
        arena_reset(arena);
        e = sql_row(days, s->type, arena, &m);
        // the three messages are alike
        const AccountPerformance *day = e ? NULL : (const AccountPerformance *)m;
        struct performance *p = day ? group_of(groups, sql_text(days, 0),
                                               day->currency ? day->currency : CURRENCY_UNKNOWN)
                                    : NULL;
        if (!e && (!p || !performance_add_day(p, day))) e = ERR_RULE;
    }
    return e;
}

// Trades.

static void add_trade(struct performance *p, const TradeState *t) {
    int64_t relative;
    bool buy =
        t->has_side ? t->side == SIGNAL__DIRECTION__buy : t->direction == SIGNAL__DIRECTION__buy;
    if (trade_is_opening(t)) performance_order(p, t, 1);
    if (trade_is_closed(t)) performance_close(p, t, 1);
    if (t->has_filled_lots) performance_add_amount(&p->row.lots, t->filled_lots);
    if (t->has_pnl) performance_add_amount(&p->row.pnl, t->pnl);
    if (t->has_commission) performance_add_amount(&p->row.commission, t->commission);
    if (t->has_fees) performance_add_amount(&p->row.fees, t->fees);
    performance_settle(p);
    if (!t->has_average_price || !t->terms->has_requested_price ||
        !relative_slippage(t->average_price, t->terms->requested_price, buy, &relative))
        return;
    histogram_add(&p->histograms[SLIPPAGE], relative);
    performance_add_amount(&p->row.slippage_sum, relative * 10000);
    if (p->row.has_slippage_worst && p->row.slippage_worst >= relative * 10000) return;
    p->row.has_slippage_worst = true;
    p->row.slippage_worst = relative * 10000;
}

static sql_query_t *prepare_trades(sql_t *db, const ArchiveQuery *q) {
    char text[1000], since[SQL_TIME_TEXT] = "", until[SQL_TIME_TEXT] = "a";
    snprintf(text, sizeof(text),
             "SELECT %s, " ACCOUNT_CURRENCY(
                 "t.account_id") ", t.* FROM trades t LEFT JOIN signals s ON s.signal_id = "
                                 "t.signal_id WHERE t.ordered_at >= ?1 AND"
                                 " t.ordered_at < ?2 AND (?3 IS NULL OR t.account_id = ?3) AND (?4 "
                                 "IS NULL OR t.symbol = ?4) AND (?5 IS "
                                 "NULL OR s.strategy = ?5)"
                                 " AND (?6 IS NULL OR t.broker_id = ?6) ORDER BY t.ordered_at, "
                                 "t.trade_id",
             strcmp(q->by, "symbol") == 0 ? "t.symbol" : "s.strategy");
    if (q->has_since) sql_time_print(q->since, since);
    if (q->has_until) sql_time_print(q->until, until);
    sql_query_t *out = sql_prepare(db, text);
    const char *const values[] = {since,     until,       q->account_id,
                                  q->symbol, q->strategy, q->broker_id};
    for (int i = 0; out && i < 6; i++) sql_bind_text(out, i + 1, values[i]);
    return out;
}

static err_t take_trades(sql_t *db, const ArchiveQuery *q, struct groups *groups) {
    own(sql_query) *trades = prepare_trades(db, q);
    own(arena) *arena = arena_new(0);
    bool row = true;
    err_t e = trades ? ERR_OK : ERR_CONFIG;
    for (ProtobufCMessage *m; !e && !(e = sql_step(trades, &row)) && row;) {
        arena_reset(arena);
        e = sql_row(trades, &trade_state__descriptor, arena, &m);
        const char *key = sql_text(trades, 0);
        struct performance *p = e ? NULL : group_of(groups, key ? key : "", sql_text(trades, 1));
        if (p)
            add_trade(p, (const TradeState *)m);
        else if (!e)
            e = ERR_RULE;
    }
    return e;
}

// Telling.

static int order_group_keys(struct group *a, struct group *b) { return strcmp(a->key, b->key); }

// The fields after the first two, which name an account and a day.
static void tell_group(struct group *g, const char *by, arena_t *arena, buffer_t *out) {
    buffer_t json = {0};
    performance_finish(&g->p, 0, arena);
    g->p.row.has_histograms = false;
    g->p.row.account_id = (char *)"";
    record_to_json(&g->p.row.base, &json);
    size_t skipped = strlen("{\"account_id\":\"\",\"day\":\"\"");
    buffer_format(out, "{\"by\":\"%s\",\"key\":", by);
    buffer_json_string(out, g->name, strlen(g->name));
    buffer_add(out, json.data + skipped, json.length - skipped);
    buffer_destroy(&json);
}

static void write_groups_json(struct groups *groups, const char *by, buffer_t *out) {
    own(arena) *arena = arena_new(0);
    const char *before = "{\"rows\":[";
    HASH_SORT(groups->all, order_group_keys);
    for (struct group *g = groups->all; g; g = g->hh.next) {
        buffer_text(out, before);
        tell_group(g, by, arena, out);
        before = ",";
    }
    buffer_text(out, groups->all ? "]}" : "{\"rows\":[]}");
}

static void tell_wrong(sql_t *db, const struct groups *groups, err_t e, buffer_t *out) {
    if (e == ERR_BUSY)
        buffer_text(out, "this takes too long: ask for a shorter time (since, until), or by day, "
                         "account or broker");
    else if (groups->too_many)
        buffer_format(out, "there are more than %d of them: ask for one", GROUPS_MAX);
    else if (e == ERR_RULE)
        buffer_text(out, "it is not kept by these conditions: by account goes with an account, by "
                         "broker with a broker; with a symbol or a"
                         " strategy ask by symbol or strategy");
    else
        buffer_format(out, "the archive cannot be read: %s", sql_trouble(db));
}

bool query_performance(sql_t *db, const ArchiveQuery *q, buffer_t *out) {
    struct groups groups = {0};
    bool by_trades = q->by && (strcmp(q->by, "strategy") == 0 || strcmp(q->by, "symbol") == 0);
    const struct source *s = by_trades ? NULL : find_group_source(q);
    if (!by_trades && !s) {
        buffer_format(out, "by is account, broker, gateway, day, strategy or symbol, not %.40s",
                      q->by);
        return false;
    }
    err_t e = by_trades ? take_trades(db, q, &groups) : take_days(db, s, q, &groups);
    if (e)
        tell_wrong(db, &groups, e, out);
    else
        write_groups_json(&groups, q->by ? q->by : "all", out);
    groups_destroy(&groups);
    return !e;
}
