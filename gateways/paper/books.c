// books - what this broker never forgets.
// SPDX-License-Identifier: MIT
#include "gateways/paper/books.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/own.h"
#include "common/sql.h"
#include "common/testing.h"
#include "gateways/paper/netting.h"
#include "gateways/paper/rows.h"

#define TRIM_EVERY_S 1
#define TRIM_MOST    "25000" // reports deleted at a time

enum statement {
    PUT_ORDER,
    GET_ORDER,
    GET_LIVE,
    GET_HISTORY,
    PUT_ACCOUNT,
    GET_ACCOUNTS,
    PUT_REPORT,
    GET_REPORTS,
    TRIM,
    PUT_LINK,
    PUT_BROKER,
    GET_LINK,
    GET_FIRST,
    TOTALS,
    STATEMENTS
};

struct books {
    sql_t *db;
    sql_query_t *queries[STATEMENTS];
    bool begun; // the batch's transaction is open
};

static const char other_tables[] =
    "CREATE TABLE accounts(account_id TEXT PRIMARY KEY, currency TEXT NOT NULL, leverage INTEGER NOT NULL, balance TEXT NOT NULL,"
    " realised TEXT NOT NULL, commission TEXT NOT NULL, fees TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE reports(number INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE link(id INTEGER PRIMARY KEY CHECK(id = 1), books INTEGER NOT NULL, epoch INTEGER NOT NULL, head INTEGER NOT NULL,"
    " acked INTEGER NOT NULL, broker BLOB);";

static const char second_columns[] = "ALTER TABLE accounts ADD COLUMN netting INTEGER NOT NULL DEFAULT 0;";
static const char third_columns[] = "ALTER TABLE link ADD COLUMN books_since INTEGER NOT NULL DEFAULT 0;";

static const char *const texts[STATEMENTS] = {
    [GET_HISTORY] = "SELECT history FROM orders WHERE trade_id = ?",
    [PUT_ACCOUNT] = "INSERT OR REPLACE INTO accounts(account_id, currency, leverage, balance, realised, commission, fees, netting)"
                    " VALUES(?,?,?,?,?,?,?,?)",
    [GET_ACCOUNTS] = "SELECT account_id, currency, leverage, balance, realised, commission, fees, netting FROM accounts",
    [PUT_REPORT] = "INSERT INTO reports(number, at, body) VALUES(?,?,?)",
    [GET_REPORTS] = "SELECT number, body FROM reports WHERE number > ? ORDER BY number LIMIT ?",
    [TRIM] =
        "DELETE FROM reports WHERE number IN (SELECT number FROM reports WHERE number <= ? AND at < ? ORDER BY number LIMIT " TRIM_MOST ")",
    [PUT_LINK] = "INSERT INTO link(id, books, epoch, head, acked, books_since) VALUES(1,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
                 " epoch = excluded.epoch, head = excluded.head, acked = excluded.acked, books_since = excluded.books_since",
    [PUT_BROKER] = "UPDATE link SET broker = ?",
    [GET_LINK] = "SELECT books, epoch, head, acked, broker, books_since FROM link",
    [GET_FIRST] = "SELECT ifnull(min(number), 0) FROM reports",
    [TOTALS] = "SELECT count(*), total(submissions), total(acceptances), total(executions), max(executions), total(executions > 1),"
               " total(live) FROM orders WHERE NOT orphan",
};

static err_t make_tables(sql_t *db) {
    own(buffer) schema = {0}, second = {0}, third = {0};
    rows_create(&schema);
    buffer_text(&schema, other_tables);
    rows_grow(&second, 2);
    buffer_text(&second, second_columns);
    rows_grow(&third, 3);
    buffer_text(&third, third_columns);
    const char *const steps[] = {buffer_string(&schema), buffer_string(&second), buffer_string(&third)};
    return sql_migrate(db, steps, 3);
}

static bool prepare(books_t *self) {
    own(buffer) put = {0}, get = {0}, live = {0};
    rows_insert(&put);
    rows_select(&get);
    buffer_text(&get, " WHERE trade_id = ?");
    rows_select(&live);
    buffer_text(&live, " WHERE live = 1");
    for (int i = 0; i < STATEMENTS; i++) {
        const char *text = i == PUT_ORDER   ? buffer_string(&put)
                           : i == GET_ORDER ? buffer_string(&get)
                           : i == GET_LIVE  ? buffer_string(&live)
                                            : texts[i];
        self->queries[i] = sql_prepare(self->db, text);
        if (!self->queries[i]) return false;
    }
    return true;
}

books_t *books_open(const char *path, char why[static 200]) {
    books_t *self = alloc_zeroed(1, sizeof *self);
    self->db = sql_open(path, SQL_WRITE, why);
    if (self->db && make_tables(self->db) == ERR_OK && prepare(self)) return self;
    if (self->db) (void)snprintf(why, 200, "%.100s: %.90s", path, sql_trouble(self->db));
    books_close(&self);
    return NULL;
}

void books_close(books_t **self) {
    if (!*self) return;
    for (int i = 0; i < STATEMENTS; i++) sql_query_destroy(&(*self)->queries[i]);
    sql_destroy(&(*self)->db);
    free(*self);
    *self = NULL;
}

// --- at start ---

static bool read_decimal(sql_query_t *q, int column, decimal_t *out) {
    const char *text = sql_text(q, column);
    return text && decimal_parse(text, strlen(text), out) == ERR_OK;
}

static err_t read_account(sql_query_t *q, paper_t *paper) {
    const char *id = sql_text(q, 0), *currency = sql_text(q, 1);
    if (!id || !currency) return ERR_INPUT;
    struct account *a = account_find(&paper->accounts, id);
    (void)snprintf(a->currency, sizeof a->currency, "%s", currency);
    a->leverage = (uint32_t)sql_integer(q, 2);
    a->in_books = a->served = true;
    a->netting = sql_integer(q, 7) != 0;
    bool right = read_decimal(q, 3, &a->balance) && read_decimal(q, 4, &a->realised) && read_decimal(q, 5, &a->commission) &&
                 read_decimal(q, 6, &a->fees);
    return right ? ERR_OK : ERR_INPUT;
}

static err_t read_live(sql_query_t *q, paper_t *paper) {
    struct order *o = rows_read(q, paper);
    if (!o) return ERR_INPUT;
    HASH_ADD_KEYPTR(hh, paper->orders, o->trade_id, strlen(o->trade_id), o);
    if (o->open.e8) account_expose(o->account, o->symbol, order_leg(o), o->average, o->open);
    if (o->open.e8 && o->account->netting) account_carry(o->account, o->symbol, o);
    paper_link_order(paper, o);
    netting_enlist(o);
    if (!o->pieces_left) { // a position: its history is read again when it changes
        buffer_destroy(&o->history);
        o->history_known = false;
    }
    return ERR_OK;
}

static err_t read_link(sql_query_t *q, paper_t *paper) {
    struct span broker = sql_bytes(q, 4);
    paper->link = (struct link_state){.books = (uint64_t)sql_integer(q, 0),
                                      .epoch = (uint64_t)sql_integer(q, 1),
                                      .head = (uint64_t)sql_integer(q, 2),
                                      .acked = (uint64_t)sql_integer(q, 3),
                                      .books_since = (uint64_t)sql_integer(q, 5)};
    paper->saved_epoch = paper->link.epoch;
    if (!broker.length) return ERR_OK;
    BrokerConfig *b = broker_config__unpack(NULL, broker.length, broker.data);
    if (!b) return ERR_INPUT;
    market_configure(&paper->market, b);
    broker_config__free_unpacked(b, NULL);
    return ERR_OK;
}

static err_t read_first(sql_query_t *q, paper_t *paper) {
    paper->link.first = (uint64_t)sql_integer(q, 0);
    return ERR_OK;
}

typedef err_t read_fn(sql_query_t *q, paper_t *paper);

static err_t each_row(paper_t *paper, enum statement statement, read_fn *read) {
    sql_query_t *q = paper->books->queries[statement];
    bool row;
    err_t e;
    while ((e = sql_step(q, &row)) == ERR_OK && row) {
        e = read(q, paper);
        if (e != ERR_OK) break;
    }
    sql_reset(q);
    return e;
}

// Books that are new, or of an earlier version, have every Submit from now on.
static void keep_since(struct link_state *link, uint64_t now) {
    if (link->books_since) return;
    link->books_since = now;
    link->changed = true;
}

err_t books_load(paper_t *paper, char why[static 200]) {
    err_t e = each_row(paper, GET_LINK, read_link); // first: the symbols' sizes
    if (e == ERR_OK) e = each_row(paper, GET_FIRST, read_first);
    if (e == ERR_OK) e = each_row(paper, GET_ACCOUNTS, read_account);
    if (e == ERR_OK) e = each_row(paper, GET_LIVE, read_live);
    if (e == ERR_OK) netting_complete(paper->accounts);
    while (!paper->link.books) randombytes_buf(&paper->link.books, sizeof paper->link.books);
    keep_since(&paper->link, paper->now);
    if (e != ERR_OK)
        (void)snprintf(why, 200, "the books cannot be read: %.100s",
                       e == ERR_INPUT ? "a row makes no sense" : sql_trouble(paper->books->db));
    return e;
}

// --- while running ---

static void give_up(paper_t *paper) {
    log_event(LOG_LEVEL_ERROR, "books_unreadable", "why=%s", log_quote(sql_trouble(paper->books->db)));
    exit(1);
}

static err_t begin(books_t *self) {
    if (self->begun) return ERR_OK;
    err_t e = sql_begin(self->db);
    self->begun = e == ERR_OK;
    return e;
}

void books_leave(paper_t *paper) {
    if (paper->books->begun) sql_rollback(paper->books->db);
    paper->books->begun = false;
}

// Inside the transaction that this batch will want anyway: a read alone would lock and unlock the file every time.
struct order *books_order(paper_t *paper, const char *trade_id) {
    sql_query_t *q = paper->books->queries[GET_ORDER];
    bool row;
    (void)begin(paper->books); // if not now, the write will say why
    sql_bind_text(q, 1, trade_id);
    if (sql_step(q, &row) != ERR_OK) give_up(paper);
    struct order *o = row ? rows_read(q, paper) : NULL;
    sql_reset(q);
    if (row && !o) give_up(paper);
    return o;
}

void books_history(paper_t *paper, struct order *o) {
    sql_query_t *q = paper->books->queries[GET_HISTORY];
    bool row;
    (void)begin(paper->books); // as above
    sql_bind_text(q, 1, o->trade_id);
    if (sql_step(q, &row) != ERR_OK) give_up(paper);
    if (row) {
        struct span history = sql_bytes(q, 0);
        buffer_add(&o->history, history.data, history.length);
    }
    sql_reset(q);
    o->history_known = true;
}

err_t books_reports(void *arg, uint64_t after, unsigned limit, link_visit_fn *visit, void *visitor) {
    sql_query_t *q = ((paper_t *)arg)->books->queries[GET_REPORTS];
    bool row, more = true;
    err_t e = ERR_OK;
    sql_bind_integer(q, 1, (int64_t)after);
    sql_bind_integer(q, 2, limit);
    while (more && (e = sql_step(q, &row)) == ERR_OK && row) more = visit(visitor, (uint64_t)sql_integer(q, 0), sql_bytes(q, 1));
    sql_reset(q);
    return e;
}

void books_ledger(paper_t *paper, buffer_t *json) {
    static const char *const names[] = {"orders", "submissions", "acceptances", "executions", "most_executions", "executed_twice", "live"};
    sql_query_t *q = paper->books->queries[TOTALS];
    bool row;
    if (sql_step(q, &row) != ERR_OK) give_up(paper);
    for (int i = 0; row && i < 7; i++) buffer_format(json, "%s\"%s\":%lld", i ? "," : "", names[i], (long long)sql_integer(q, i));
    sql_reset(q);
}

// --- the transaction ---

static err_t write_orders(paper_t *paper) {
    err_t e = ERR_OK;
    for (struct order *o = paper->touched_orders; o && e == ERR_OK; o = o->touched_next) {
        if (!o->save) continue;
        if (!o->history_known) books_history(paper, o); // the whole row is written
        e = rows_write(paper->books->queries[PUT_ORDER], o);
    }
    return e;
}

static err_t write_accounts(paper_t *paper) {
    sql_query_t *q = paper->books->queries[PUT_ACCOUNT];
    err_t e = ERR_OK;
    for (struct account *a = paper->touched_accounts; a && e == ERR_OK; a = a->touched_next) {
        if (!a->served && !a->in_books) continue; // a name that somebody used
        sql_bind_text(q, 1, a->id);
        sql_bind_text(q, 2, a->currency);
        sql_bind_integer(q, 3, a->leverage);
        sql_bind_decimal(q, 4, a->balance);
        sql_bind_decimal(q, 5, a->realised);
        sql_bind_decimal(q, 6, a->commission);
        sql_bind_decimal(q, 7, a->fees);
        sql_bind_integer(q, 8, a->netting);
        e = sql_execute(q);
    }
    return e;
}

static err_t write_reports(paper_t *paper) {
    sql_query_t *q = paper->books->queries[PUT_REPORT];
    err_t e = ERR_OK;
    for (struct told *t = paper->told; t && e == ERR_OK; t = t->next) {
        sql_bind_integer(q, 1, (int64_t)t->number);
        sql_bind_integer(q, 2, (int64_t)paper->now);
        sql_bind_bytes(q, 3, t->report);
        e = sql_execute(q);
    }
    if (paper->told && !paper->link.first) paper->link.first = paper->told->number;
    return e;
}

static err_t write_link(paper_t *paper) {
    sql_query_t *q = paper->books->queries[PUT_LINK];
    const struct link_state *l = &paper->link;
    sql_bind_integer(q, 1, (int64_t)l->books);
    sql_bind_integer(q, 2, (int64_t)l->epoch);
    sql_bind_integer(q, 3, (int64_t)l->head);
    sql_bind_integer(q, 4, (int64_t)l->acked);
    sql_bind_integer(q, 5, (int64_t)l->books_since);
    return sql_execute(q);
}

static err_t write_broker(paper_t *paper) {
    if (!paper->broker_changed) return ERR_OK;
    sql_query_t *q = paper->books->queries[PUT_BROKER];
    own(buffer) broker = {0};
    size_t size = broker_config__get_packed_size(paper->market.broker);
    broker.length = broker_config__pack(paper->market.broker, buffer_reserve(&broker, size));
    sql_bind_bytes(q, 1, (struct span){broker.data, broker.length});
    return sql_execute(q);
}

static err_t trim_reports(paper_t *paper) {
    sql_query_t *q = paper->books->queries[TRIM];
    uint64_t keep = (uint64_t)paper->settings->report_keep * NS_PER_MS;
    if (paper->now < paper->trimmed_at + TRIM_EVERY_S * NS_PER_S || paper->now < keep) return ERR_OK;
    paper->trimmed_at = paper->now;
    sql_bind_integer(q, 1, (int64_t)paper->link.acked);
    sql_bind_integer(q, 2, (int64_t)(paper->now - keep));
    err_t e = sql_execute(q);
    return e == ERR_OK ? each_row(paper, GET_FIRST, read_first) : e;
}

err_t books_write(paper_t *paper) {
    sql_t *db = paper->books->db;
    err_t e = begin(paper->books);
    if (e == ERR_OK) e = write_orders(paper);
    if (e == ERR_OK) e = write_accounts(paper);
    if (e == ERR_OK) e = write_reports(paper);
    if (e == ERR_OK) e = write_link(paper);
    if (e == ERR_OK) e = write_broker(paper);
    if (e == ERR_OK) e = trim_reports(paper);
    FAILPOINT("paper.before_commit");
    if (e == ERR_OK) {
        e = sql_commit(db); // when it fails it has rolled back
        paper->books->begun = false;
    }
    if (e == ERR_OK) return ERR_OK;
    log_event(LOG_LEVEL_ERROR, "books_refused", "why=%s", log_quote(sql_trouble(db)));
    books_leave(paper);
    return e;
}
