// rows - an order as a row of the books.
// SPDX-License-Identifier: MIT
#include "gateways/paper/ledger/rows.h"

#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "common/schema/record.h"

enum kind { DECIMAL, COUNT, MOMENT, NAME, FLAG };

#define COLUMN(kind, column, member)                                                               \
    { column, kind, offsetof(struct order, member), NULL, 1 }
#define NAMED(column, member, names)                                                               \
    { column, NAME, offsetof(struct order, member), &names, 1 }
#define LATER(kind, column, member, version)                                                       \
    { column, kind, offsetof(struct order, member), NULL, version }

// Moments are UTC ns. What is not in this table: trade_id, account_id, symbol, reason, closes,
// history, live, submit.
static const struct column {
    const char *name;
    enum kind kind;
    size_t place;
    const ProtobufCEnumDescriptor *names;
    int version; // of the books, which has it first
} columns[] = {
    NAMED("side", side, signal__direction__descriptor),
    NAMED("order_type", type, signal__order_type__descriptor),
    NAMED("state", state, trade_state__state__descriptor),
    COLUMN(COUNT, "executions", executions),
    COLUMN(COUNT, "acceptances", acceptances),
    COLUMN(COUNT, "submissions", submissions),
    COLUMN(COUNT, "fills", fills),
    COLUMN(COUNT, "pieces_left", pieces_left),
    COLUMN(DECIMAL, "lots", lots),
    COLUMN(DECIMAL, "filled_lots", filled),
    COLUMN(DECIMAL, "average_price", average),
    COLUMN(DECIMAL, "open_lots", open),
    COLUMN(DECIMAL, "price", price),
    COLUMN(DECIMAL, "expected_price", expected),
    COLUMN(DECIMAL, "stop_loss", stop_loss),
    COLUMN(DECIMAL, "take_profit", take_profit),
    COLUMN(DECIMAL, "pnl", pnl),
    COLUMN(DECIMAL, "commission", commission),
    COLUMN(DECIMAL, "fees", fees),
    COLUMN(MOMENT, "ticket", ticket),
    COLUMN(MOMENT, "received_at", received_at),
    COLUMN(MOMENT, "due_at", due_at),
    COLUMN(MOMENT, "expires_at", expires_at),
    COLUMN(MOMENT, "updated_at", updated_at),
    COLUMN(FLAG, "forgotten", forgotten),
    COLUMN(FLAG, "latent", latent),
    COLUMN(FLAG, "silent", silent),
    COLUMN(FLAG, "orphan", orphan),
    LATER(DECIMAL, "limit_price", limit, 2),
    LATER(FLAG, "triggered", triggered, 2),
    LATER(DECIMAL, "attributed", attributed, 3),
    LATER(FLAG, "unheard", unheard, 3),
};
#define COLUMNS (sizeof columns / sizeof columns[0])

enum special { TRADE_ID = 1, ACCOUNT_ID, SYMBOL, REASON, CLOSES, HISTORY, LIVE, SUBMIT, SPECIALS };
static const char specials[] = "trade_id,account_id,symbol,reason,closes,history,live,submit";

static bool is_text(const struct column *c) { return c->kind == DECIMAL || c->kind == NAME; }

void rows_create(buffer_t *out) {
    buffer_text(out, "CREATE TABLE orders(trade_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, "
                     "symbol TEXT, reason TEXT, closes TEXT,"
                     " history BLOB, live INTEGER NOT NULL");
    for (size_t i = 0; i < COLUMNS; i++) {
        if (columns[i].version == 1)
            buffer_format(out, ", %s %s NOT NULL", columns[i].name,
                          is_text(&columns[i]) ? "TEXT" : "INTEGER");
    }
    buffer_text(out, ") WITHOUT ROWID; CREATE INDEX orders_live ON orders(live) WHERE live = 1;");
}

void rows_grow(buffer_t *out, int version) {
    for (size_t i = 0; i < COLUMNS; i++) {
        if (columns[i].version != version) continue;
        const char *type =
            is_text(&columns[i]) ? "TEXT NOT NULL DEFAULT '0'" : "INTEGER NOT NULL DEFAULT 0";
        buffer_format(out, "ALTER TABLE orders ADD COLUMN %s %s;", columns[i].name, type);
    }
    if (version == 3) buffer_text(out, "ALTER TABLE orders ADD COLUMN submit BLOB;");
}

static void name_columns(buffer_t *out) {
    buffer_text(out, specials);
    for (size_t i = 0; i < COLUMNS; i++) buffer_format(out, ",%s", columns[i].name);
}

void rows_insert(buffer_t *out) {
    buffer_text(out, "INSERT OR REPLACE INTO orders(");
    name_columns(out);
    buffer_text(out, ") VALUES(?");
    for (size_t i = 1; i < COLUMNS + SPECIALS - 1; i++) buffer_text(out, ",?");
    buffer_text(out, ")");
}

void rows_select(buffer_t *out) {
    buffer_text(out, "SELECT ");
    name_columns(out);
    buffer_text(out, " FROM orders");
}

// --- writing ---

static void bind_column(sql_query_t *q, int at, const struct column *c, const struct order *o) {
    const uint8_t *place = (const uint8_t *)o + c->place;
    switch (c->kind) {
    case DECIMAL:
        sql_bind_decimal(q, at, *(const decimal_t *)place);
        break;
    case COUNT:
        sql_bind_integer(q, at, *(const uint32_t *)place);
        break;
    case MOMENT:
        sql_bind_integer(q, at, (int64_t) * (const uint64_t *)place);
        break;
    case NAME:
        sql_bind_text(q, at, record_enum_name(c->names, *(const int *)place));
        break;
    case FLAG:
        sql_bind_integer(q, at, *(const bool *)place);
        break;
    }
}

err_t rows_write(sql_query_t *q, const struct order *o) {
    own(buffer) closes = {0};
    // what an order that is over has not closed, it will not
    bool closes_more = o->n_closes && o->pieces_left;
    if (closes_more) order_print_closes(o, &closes);
    sql_bind_text(q, TRADE_ID, o->trade_id);
    sql_bind_text(q, ACCOUNT_ID, o->account->id);
    sql_bind_text(q, SYMBOL, o->symbol ? o->symbol->name : NULL);
    sql_bind_text(q, REASON, o->reason[0] ? o->reason : NULL);
    sql_bind_text(q, CLOSES, closes_more ? buffer_string(&closes) : NULL);
    sql_bind_bytes(q, HISTORY, buffer_span(&o->history));
    sql_bind_integer(q, LIVE, order_is_live(o));
    sql_bind_bytes(q, SUBMIT, buffer_span(&o->submit));
    for (size_t i = 0; i < COLUMNS; i++) bind_column(q, SPECIALS + (int)i, &columns[i], o);
    return sql_execute(q);
}

// --- reading ---

static bool read_column(sql_query_t *q, int at, const struct column *c, struct order *o) {
    uint8_t *place = (uint8_t *)o + c->place;
    const char *text = c->kind == DECIMAL || c->kind == NAME ? sql_text(q, at) : "";
    if (!text) return false;
    switch (c->kind) {
    case DECIMAL:
        return decimal_parse(text, strlen(text), (decimal_t *)place) == ERR_OK;
    case COUNT:
        *(uint32_t *)place = (uint32_t)sql_integer(q, at);
        return true;
    case MOMENT:
        *(uint64_t *)place = (uint64_t)sql_integer(q, at);
        return true;
    case FLAG:
        *(bool *)place = sql_integer(q, at) != 0;
        return true;
    case NAME:
        break;
    }
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value_by_name(c->names, text);
    if (v) *(int *)place = v->value;
    return v != NULL;
}

static bool read_specials(sql_query_t *q, paper_t *paper, struct order *o) {
    const char *account = sql_text(q, ACCOUNT_ID - 1), *symbol = sql_text(q, SYMBOL - 1);
    const char *reason = sql_text(q, REASON - 1), *closes = sql_text(q, CLOSES - 1);
    struct span history = sql_bytes(q, HISTORY - 1), submit = sql_bytes(q, SUBMIT - 1);
    if (!account) return false;
    o->account = account_find(&paper->accounts, account);
    o->symbol = symbol ? market_symbol(&paper->market, symbol) : NULL;
    if (reason) order_because(o, reason);
    buffer_add(&o->history, history.data, history.length);
    buffer_add(&o->submit, submit.data, submit.length);
    o->history_known = true;
    return !closes || order_parse_closes(o, closes) == ERR_OK;
}

struct order *rows_read(sql_query_t *q, paper_t *paper) {
    const char *trade_id = sql_text(q, TRADE_ID - 1);
    if (!trade_id) return NULL;
    struct order *o = order_new(trade_id);
    bool right = read_specials(q, paper, o);
    for (size_t i = 0; right && i < COLUMNS; i++)
        right = read_column(q, SPECIALS - 1 + (int)i, &columns[i], o);
    if (right) return o;
    order_free(o);
    return NULL;
}
