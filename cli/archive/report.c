// report - reads the trades closed in a time from the archive and writes the page about them.
// SPDX-License-Identifier: MIT
#include "cli/archive/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive.pb-c.h"
#include "cli/period.h"
#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "services/archiver/counts/performance.h"

#define DAYS_30 (30 * 86400 * NS_PER_S)

#define CURRENCIES_MAX 64

static const char query[] = "SELECT s.strategy, " ACCOUNT_CURRENCY(
    "p.account_id") " AS currency, p.* FROM trade_performance p LEFT JOIN signals s ON s.signal_id "
                    "= p.signal_id"
                    " WHERE p.closed_at >= ?1 AND p.closed_at < ?2 AND p.closing = 0 AND (?3 IS "
                    "NULL OR p.account_id = ?3)"
                    " AND (?4 IS NULL OR p.broker_id = ?4) AND (?5 IS NULL OR p.symbol = ?5) AND "
                    "(?6 IS NULL OR s.strategy = ?6)"
                    " ORDER BY currency, p.closed_at, p.trade_id";

struct span_of_time {
    uint64_t since, until;
    char since_text[SQL_TIME_TEXT], until_text[SQL_TIME_TEXT];
};

static bool read_period(const struct call *call, struct span_of_time *out) {
    const char *since = call_flag(call, "since"), *until = call_flag(call, "until");
    uint64_t now = clock_utc_ns();
    out->until = now;
    out->since = now - DAYS_30;
    if (until && !period_read(until, now, &out->until)) return false;
    if (until) out->since = out->until > DAYS_30 ? out->until - DAYS_30 : 0;
    if (since && !period_read(since, now, &out->since)) return false;
    sql_time_print(out->since, out->since_text);
    sql_time_print(out->until, out->until_text);
    return out->since < out->until;
}

struct parts { // in the order of their currencies
    struct report_part all[CURRENCIES_MAX];
    char currencies[CURRENCIES_MAX][CURRENCY_TEXT];
    size_t n;
};

static void parts_destroy(struct parts *self) {
    for (size_t i = 0; i < self->n; i++) report_data_destroy(&self->all[i].data);
}

// Rows come by currency. NULL: there are too many.
static report_data_t *get_currency_data(struct parts *self, const char *currency) {
    if (self->n && strcmp(self->currencies[self->n - 1], currency) == 0)
        return self->all[self->n - 1].data;
    if (self->n == CURRENCIES_MAX) return NULL;
    snprintf(self->currencies[self->n], CURRENCY_TEXT, "%s", currency);
    self->all[self->n] = (struct report_part){self->currencies[self->n], report_data_new()};
    return self->all[self->n++].data;
}

static void add_performance_row(report_data_t *data, const TradePerformance *p,
                                const char *strategy) {
    struct closed_trade t = {.at = p->closed_at,
                             .pnl = p->pnl,
                             .slippage = p->slippage_bps,
                             .has_slippage = p->has_slippage_bps};
    t.costs = (p->has_pnl ? p->pnl : 0) - p->net_pnl;
    t.keys[BY_STRATEGY] = strategy;
    t.keys[BY_ACCOUNT] = p->account_id;
    t.keys[BY_BROKER] = p->broker_id;
    t.keys[BY_SYMBOL] = p->symbol;
    report_take(data, &t);
}

static err_t read_closed_trades(const struct call *call, sql_t *db, const struct span_of_time *time,
                                struct parts *parts) {
    own(sql_query) *q = sql_prepare(db, query);
    own(arena) *arena = arena_new(0);
    const char *const values[] = {time->since_text,           time->until_text,
                                  call_flag(call, "account"), call_flag(call, "broker"),
                                  call_flag(call, "symbol"),  call_flag(call, "strategy")};
    bool row = true;
    err_t e = q ? ERR_OK : ERR_CONFIG;
    for (int i = 0; q && i < 6; i++) sql_bind_text(q, i + 1, values[i]);
    for (ProtobufCMessage *m; !e && !(e = sql_step(q, &row)) && row;) {
        arena_reset(arena);
        e = sql_row(q, &trade_performance__descriptor, arena, &m);
        report_data_t *data = e ? NULL : get_currency_data(parts, sql_text(q, 1));
        if (!e && !data) e = ERR_RULE;
        if (data) add_performance_row(data, (const TradePerformance *)m, sql_text(q, 0));
    }
    return e;
}

static void say_what(const struct call *call, buffer_t *out) {
    static const char *const flags[] = {"account", "broker", "symbol", "strategy"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (call_flag(call, flags[i]))
            buffer_format(out, "%s%s %s", out->length ? ", " : "", flags[i],
                          call_flag(call, flags[i]));
    }
    if (!out->length) buffer_text(out, "All accounts");
}

static enum outcome write_page(const char *path, const buffer_t *page) {
    FILE *f = fopen(path, "we");
    bool good = f && fwrite(page->data, 1, page->length, f) == page->length;
    if (f) good = fclose(f) == 0 && good;
    return good ? DONE : complain_of_call(NO_REACH, "%s: %s", path, strerror(errno));
}

static void say_sums(const struct parts *parts, const char *path, size_t bytes, bool json) {
    unsigned long long trades = 0;
    own(buffer) net = {0};
    for (size_t i = 0; i < parts->n; i++) {
        char amount[DECIMAL_TEXT];
        const struct tally *all = report_all(parts->all[i].data);
        trades += all->trades;
        (void)decimal_print(D(all->net), amount);
        if (json)
            buffer_format(&net, "%s\"%s\":\"%s\"", i ? "," : "", parts->currencies[i], amount);
        else
            buffer_format(&net, "%s %s %s", i ? "," : "; net", amount, parts->currencies[i]);
    }
    if (json)
        printf("{\"trades\":%llu,\"net\":{%s},\"bytes\":%zu}\n", trades, buffer_string(&net),
               bytes);
    else
        printf("%s: %llu closed trades%s.\n", path, trades, buffer_string(&net));
}

static enum outcome write_report(struct call *call, sql_t *db, const struct span_of_time *time,
                                 struct parts *parts) {
    char made[TIME_TEXT];
    own(buffer) of = {0}, page = {0};
    if (read_closed_trades(call, db, time, parts))
        return complain_of_call(NO_REACH, "the archive cannot be read: %s", sql_trouble(db));
    time_print(clock_utc_ns() / NS_PER_S * NS_PER_S, made);
    say_what(call, &of);
    const struct report_words words = {time->since_text, time->until_text, made,
                                       buffer_string(&of)};
    report_html(parts->all, parts->n, &words, &page);
    enum outcome outcome = write_page(call->args[0], &page);
    if (outcome == DONE) say_sums(parts, call->args[0], page.length, call->json);
    return outcome;
}

enum outcome run_report(struct call *call) {
    char why[200];
    struct span_of_time time;
    struct parts parts = {0};
    if (!read_period(call, &time))
        return complain_of_call(
            WRONG_USE,
            "--since and --until are times such as 2026-11-01 or 30d, the first before the second");
    if (access(call->place.archive, R_OK) != 0)
        return complain_of_call(NO_REACH, "%s cannot be read; is --dir right?",
                                call->place.archive);
    own(sql) *db = place_archive(&call->place, why);
    if (!db) return complain_of_call(NO_REACH, "%s", why);
    enum outcome outcome = write_report(call, db, &time, &parts);
    parts_destroy(&parts);
    return outcome;
}
