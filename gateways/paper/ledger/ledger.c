// ledger - orders and accounts in the paper broker's books.
// SPDX-License-Identifier: MIT
#include "gateways/paper/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/own.h"
#include "common/sql/sql.h"
#include "gateways/paper/ledger/netting.h"
#include "gateways/paper/ledger/rows.h"

enum statement {
    PUT_ORDER,
    GET_ORDER,
    GET_LIVE,
    GET_HISTORY,
    PUT_ACCOUNT,
    GET_ACCOUNTS,
    TOTALS,
    STATEMENTS
};

struct ledger {
    sql_query_t *queries[STATEMENTS];
};

static const char accounts_table[] =
    "CREATE TABLE accounts(account_id TEXT PRIMARY KEY, currency TEXT NOT NULL, leverage INTEGER "
    "NOT NULL, balance TEXT NOT NULL,"
    " realised TEXT NOT NULL, commission TEXT NOT NULL, fees TEXT NOT NULL) WITHOUT ROWID;";
static const char second_columns[] =
    "ALTER TABLE accounts ADD COLUMN netting INTEGER NOT NULL DEFAULT 0;";

static const char *const texts[STATEMENTS] = {
    [GET_HISTORY] = "SELECT history FROM orders WHERE trade_id = ?",
    [PUT_ACCOUNT] = "INSERT OR REPLACE INTO accounts(account_id, currency, leverage, balance, "
                    "realised, commission, fees, netting)"
                    " VALUES(?,?,?,?,?,?,?,?)",
    [GET_ACCOUNTS] = "SELECT account_id, currency, leverage, balance, realised, commission, fees, "
                     "netting FROM accounts",
    [TOTALS] = "SELECT count(*), total(submissions), total(acceptances), total(executions), "
               "max(executions), total(executions > 1),"
               " total(live) FROM orders WHERE NOT orphan",
};

void ledger_schema(buffer_t *out, int version) {
    if (version == 1) {
        rows_create(out);
        buffer_text(out, accounts_table);
    } else {
        rows_grow(out, version);
        if (version == 2) buffer_text(out, second_columns);
    }
}

struct ledger *ledger_open(paper_t *paper) {
    struct ledger *self = alloc_zeroed(1, sizeof *self);
    own(buffer) put = {0}, get = {0}, live = {0};
    rows_insert(&put);
    rows_select(&get);
    buffer_text(&get, " WHERE trade_id = ?");
    rows_select(&live);
    buffer_text(&live, " WHERE live = 1");
    bool right = true;
    for (int i = 0; right && i < STATEMENTS; i++) {
        const char *text = i == PUT_ORDER   ? buffer_string(&put)
                           : i == GET_ORDER ? buffer_string(&get)
                           : i == GET_LIVE  ? buffer_string(&live)
                                            : texts[i];
        self->queries[i] = sql_prepare(books_sql(paper->context->books), text);
        right = self->queries[i] != NULL;
    }
    if (!right) ledger_close(&self);
    return self;
}

void ledger_close(struct ledger **self) {
    if (!*self) return;
    sql_query_destroy_all((*self)->queries, STATEMENTS);
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
    bool right = read_decimal(q, 3, &a->balance) && read_decimal(q, 4, &a->realised) &&
                 read_decimal(q, 5, &a->commission) && read_decimal(q, 6, &a->fees);
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

typedef err_t read_fn(sql_query_t *q, paper_t *paper);

static err_t each_row(paper_t *paper, enum statement statement, read_fn *read) {
    sql_query_t *q = paper->ledger->queries[statement];
    bool row;
    err_t e;
    while ((e = sql_step(q, &row)) == ERR_OK && row) {
        e = read(q, paper);
        if (e != ERR_OK) break;
    }
    sql_reset(q);
    return e;
}

err_t ledger_load(paper_t *paper) {
    err_t e = each_row(paper, GET_ACCOUNTS, read_account);
    if (e == ERR_OK) e = each_row(paper, GET_LIVE, read_live);
    if (e == ERR_OK) netting_complete(paper->accounts);
    return e;
}

// --- while running ---

// To be reset by whoever reads it. Inside the transaction that this batch will want anyway: a read
// alone would lock and unlock the file every time.
static sql_query_t *find_row(paper_t *paper, enum statement statement, const char *trade_id,
                             bool *row) {
    sql_query_t *q = paper->ledger->queries[statement];
    (void)books_begin(paper->context->books); // if not now, the write will say why
    sql_bind_text(q, 1, trade_id);
    if (sql_step(q, row) != ERR_OK) books_give_up(paper->context->books);
    return q;
}

struct order *ledger_order(paper_t *paper, const char *trade_id) {
    bool row;
    sql_query_t *q = find_row(paper, GET_ORDER, trade_id, &row);
    struct order *o = row ? rows_read(q, paper) : NULL;
    sql_reset(q);
    if (row && !o) books_give_up(paper->context->books);
    return o;
}

void ledger_history(paper_t *paper, struct order *o) {
    bool row;
    sql_query_t *q = find_row(paper, GET_HISTORY, o->trade_id, &row);
    if (row) {
        struct span history = sql_bytes(q, 0);
        buffer_add(&o->history, history.data, history.length);
    }
    sql_reset(q);
    o->history_known = true;
}

void ledger_totals(paper_t *paper, buffer_t *json) {
    static const char *const names[] = {"orders",     "submissions",     "acceptances",
                                        "executions", "most_executions", "executed_twice",
                                        "live"};
    sql_query_t *q = paper->ledger->queries[TOTALS];
    bool row;
    if (sql_step(q, &row) != ERR_OK) books_give_up(paper->context->books);
    for (int i = 0; row && i < 7; i++)
        buffer_format(json, "%s\"%s\":%lld", i ? "," : "", names[i], (long long)sql_integer(q, i));
    sql_reset(q);
}

// --- the transaction ---

static err_t write_orders(paper_t *paper) {
    err_t e = ERR_OK;
    for (struct order *o = paper->touched_orders; o && e == ERR_OK; o = o->touched_next) {
        if (!o->save) continue;
        if (!o->history_known) ledger_history(paper, o); // the whole row is written
        e = rows_write(paper->ledger->queries[PUT_ORDER], o);
    }
    return e;
}

static err_t write_accounts(paper_t *paper) {
    sql_query_t *q = paper->ledger->queries[PUT_ACCOUNT];
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

err_t ledger_write(paper_t *paper) {
    err_t e = write_orders(paper);
    return e == ERR_OK ? write_accounts(paper) : e;
}
