// query - a question to the archive becomes a page of JSON.
// SPDX-License-Identifier: MIT
#include "services/archiver/query/query.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "common/schema/record.h"
#include "execution.pb-c.h"
#include "outcome.pb-c.h"
#include "services/archiver/counts/performance.h"
#include "services/archiver/query/query_performance.h"

#define CURSOR_TEXT 400
#define EXTRAS_MAX  6

// What rows can be asked by, each an expression; NULL: they cannot.
struct listing {
    const char *what;
    const ProtobufCMessageDescriptor *type;
    const char *columns, *from, *time, *key; // columns: the extras, then the table's
    const char *account, *symbol, *strategy, *state, *signal, *broker;
    const char *extras[EXTRAS_MAX]; // names of what comes before the message's own columns
};

// A signal is asked for by its signal_id, or by the id that its sender gave it.
#define NAMED(column)                                                                              \
    column                                                                                         \
        " IN (WITH g(id) AS (SELECT ?) SELECT id FROM g UNION ALL SELECT c.config_id || ':' || "   \
        "g.id FROM g, signal_config c)"
#define OF_ORDER(column)                                                                           \
    "EXISTS (SELECT 1 FROM orders o WHERE o.signal_id = s.signal_id AND o." column " = ?)"
#define OF_TRADE                                                                                   \
    " LEFT JOIN trades t ON t.trade_id = r.trade_id LEFT JOIN signals s ON s.signal_id = "         \
    "t.signal_id"

// Why a trade is as it is; of an order that the executor has made itself at least why it was made.
#define WORD_OF(table)                                                                             \
    "(SELECT ': ' || nullif(c.reason, '') FROM " table " c WHERE c.command_id = t.cause_id)"
#define REASON_OF_TRADE                                                                            \
    "coalesce(nullif(t.reason, ''), t.cause || coalesce(" WORD_OF("order_commands") ", " WORD_OF(  \
        "commands") ", ''))"

static const struct listing listings[] = {
    {"signals",
     &signal_row__descriptor,
     "s.*",
     "signals s",
     "s.created_at",
     "s.signal_id",
     OF_ORDER("account_id"),
     "s.symbol = ?",
     "s.strategy = ?",
     "s.status = ?",
     NAMED("s.signal_id"),
     OF_ORDER("broker_id"),
     {NULL}},
    {"trades",
     &trade_state__descriptor,
     "s.strategy, s.source, " ACCOUNT_CURRENCY("t.account_id") ", t.*, " REASON_OF_TRADE
                                                               " AS reason",
     "trades t LEFT JOIN signals s ON s.signal_id = t.signal_id",
     "t.ordered_at",
     "t.trade_id",
     "t.account_id = ?",
     "t.symbol = ?",
     "s.strategy = ?",
     "t.state = ?",
     NAMED("t.signal_id"),
     "t.broker_id = ?",
     {"strategy", "source", "currency", NULL}},
    {"results",
     &trade_result__descriptor,
     "t.signal_id, t.broker_id, s.strategy, " ACCOUNT_CURRENCY("r.account_id") ", r.*",
     "trade_result r" OF_TRADE,
     "r.executed_at",
     "r.result_id",
     "r.account_id = ?",
     "r.symbol = ?",
     "s.strategy = ?",
     "r.state = ?",
     NAMED("t.signal_id"),
     "t.broker_id = ?",
     {"signal_id", "broker_id", "strategy", "currency", NULL}},
    {"reconciliations",
     &trade_reconciliation__descriptor,
     "t.signal_id, t.account_id, t.broker_id, t.symbol, s.strategy, r.*",
     "trade_reconciliation r" OF_TRADE,
     "r.reconciled_at",
     "r.trade_id",
     "t.account_id = ?",
     "t.symbol = ?",
     "s.strategy = ?",
     "r.reconciliation_status = ?",
     NAMED("t.signal_id"),
     "t.broker_id = ?",
     {"signal_id", "account_id", "broker_id", "symbol", "strategy", NULL}},
    {"failures",
     &trade_failure__descriptor,
     "f.*",
     "trade_failure_log f",
     "f.failed_at",
     "f.failure_id",
     "f.account_id = ?",
     "f.symbol = ?",
     NULL,
     "f.state = ?",
     NAMED("f.signal_id"),
     "f.broker_id = ?",
     {NULL}},
};

static const struct listing *find_listing(const char *what) {
    for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++)
        if (strcmp(listings[i].what, what) == 0) return &listings[i];
    return NULL;
}

const ProtobufCMessageDescriptor *query_form(const char *what, const char *const **extras) {
    const struct listing *l = find_listing(what);
    static const char *const performance_extras[] = {"by", "key", NULL};
    if (!l && strcmp(what, "performance") != 0) return NULL;
    *extras = l ? l->extras : performance_extras;
    return l ? l->type : &account_performance__descriptor;
}

// Conditions.

struct conditions {
    buffer_t text;
    const char *values[10];
    int n;
};

static void add_condition(struct conditions *c, const char *expression, const char *value) {
    buffer_format(&c->text, "%s%s", c->text.length ? " AND " : " WHERE ", expression);
    c->values[c->n++] = value;
}

static bool add_filters(struct conditions *c, const struct listing *l, const ArchiveQuery *q,
                        buffer_t *wrong) {
    const struct {
        const char *name, *value, *expression;
    } filters[] = {{"account", q->account_id, l->account}, {"symbol", q->symbol, l->symbol},
                   {"strategy", q->strategy, l->strategy}, {"state", q->state, l->state},
                   {"signal", q->signal_id, l->signal},    {"broker", q->broker_id, l->broker}};
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        if (!filters[i].value) continue;
        if (!filters[i].expression) {
            buffer_format(wrong, "%s cannot be asked for by %s", l->what, filters[i].name);
            return false;
        }
        add_condition(c, filters[i].expression, filters[i].value);
    }
    return true;
}

// Cursors: "<time>|<key>" of the last row, in base64url, so that nobody takes them for something to
// write by hand.

static void print_cursor(const char *time, const char *key, buffer_t *out) {
    char plain[CURSOR_TEXT / 2], text[CURSOR_TEXT];
    int n = snprintf(plain, sizeof(plain), "%s|%s", time, key);
    if (n < 0 || n >= (int)sizeof(plain)) return; // no id is so long
    sodium_bin2base64(text, sizeof(text), (const unsigned char *)plain, (size_t)n,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buffer_text(out, text);
}

struct cursor {
    char plain[CURSOR_TEXT];
    const char *key; // in it; the time ends before it
};

static bool read_cursor(const char *text, struct cursor *out) {
    size_t length;
    if (sodium_base642bin((unsigned char *)out->plain, sizeof(out->plain) - 1, text, strlen(text),
                          NULL, &length, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING))
        return false;
    out->plain[length] = 0;
    char *bar = strchr(out->plain, '|');
    if (!bar) return false;
    *bar = 0;
    out->key = bar + 1;
    return true;
}

// Rows.

static void write_listed_row(const ProtobufCMessage *m, const struct listing *l, sql_query_t *q,
                             buffer_t *out) {
    record_to_json(m, out);
    for (int i = 0; l->extras[i]; i++) {
        const char *text = sql_text(q, i);
        if (!text) continue;
        out->length--; // the closing brace
        buffer_format(out, ",\"%s\":", l->extras[i]);
        buffer_json_string(out, text, strlen(text));
        buffer_text(out, "}");
    }
}

static const char *column_name(const char *expression) { return strchr(expression, '.') + 1; }

// Up to `limit` rows; there is one more in the statement when there is another page.
static err_t add_rows(sql_query_t *q, const struct listing *l, uint32_t limit, buffer_t *out) {
    own(arena) *arena = arena_new(0);
    char time[SQL_TIME_TEXT] = "", key[CURSOR_TEXT / 2] = "";
    bool row = true;
    uint32_t n = 0;
    size_t from = out->length;
    err_t e = ERR_OK;
    buffer_text(out, "{\"rows\":[");
    for (ProtobufCMessage *m; !(e = sql_step(q, &row)) && row; n++) {
        if (n == limit || out->length - from > QUERY_BYTES) break;
        arena_reset(arena);
        e = sql_row(q, l->type, arena, &m);
        if (e) break;
        if (n) buffer_text(out, ",");
        write_listed_row(m, l, q, out);
        const ProtobufCFieldDescriptor *at = record_field(l->type, span_of(column_name(l->time))),
                                       *id = record_field(l->type, span_of(column_name(l->key)));
        sql_time_print(*(const uint64_t *)record_place(m, at), time);
        snprintf(key, sizeof(key), "%s", *(const char *const *)record_place(m, id));
    }
    buffer_text(out, "]");
    if (!e && row && n) {
        buffer_text(out, ",\"next\":\"");
        print_cursor(time, key, out);
        buffer_text(out, "\"");
    }
    buffer_text(out, "}");
    return e;
}

static sql_query_t *prepare_listing(sql_t *db, const struct listing *l, const struct conditions *c,
                                    uint32_t limit) {
    own(buffer) text = {0};
    buffer_format(&text, "SELECT %s FROM %s%.*s ORDER BY %s DESC, %s DESC LIMIT %u", l->columns,
                  l->from, (int)c->text.length, c->text.length ? (const char *)c->text.data : "",
                  l->time, l->key, limit + 1);
    sql_query_t *q = sql_prepare(db, buffer_string(&text));
    for (int i = 0; q && i < c->n; i++) sql_bind_text(q, i + 1, c->values[i]);
    return q;
}

static bool answer_listing(sql_t *db, const struct listing *l, const struct conditions *c,
                           const ArchiveQuery *query, buffer_t *out) {
    uint32_t limit = query->limit < 1                ? 1
                     : query->limit > QUERY_ROWS_MAX ? QUERY_ROWS_MAX
                                                     : query->limit;
    own(sql_query) *q = prepare_listing(db, l, c, limit);
    err_t e = q ? add_rows(q, l, limit, out) : ERR_CONFIG;
    if (!e) return true;
    buffer_clear(out);
    if (e == ERR_BUSY)
        buffer_text(
            out, "this takes too long: ask for a shorter time (since, until), or for an account");
    else
        buffer_format(out, "the archive cannot be read: %s", sql_trouble(db));
    return false;
}

static bool run_listing_query(sql_t *db, const struct listing *l, const ArchiveQuery *query,
                              buffer_t *out) {
    char since[SQL_TIME_TEXT], until[SQL_TIME_TEXT], from[80], to[80], after[120];
    struct cursor cursor;
    struct conditions c = {0};
    bool good = add_filters(&c, l, query, out);
    snprintf(from, sizeof(from), "%s >= ?", l->time);
    snprintf(to, sizeof(to), "%s < ?", l->time);
    snprintf(after, sizeof(after), "(%s, %s) < (?, ?)", l->time, l->key);
    if (query->has_since) sql_time_print(query->since, since), add_condition(&c, from, since);
    if (query->has_until) sql_time_print(query->until, until), add_condition(&c, to, until);
    if (good && query->after && !read_cursor(query->after, &cursor)) {
        buffer_text(out, "after is not what an earlier answer gave as next");
        good = false;
    } else if (good && query->after) {
        add_condition(&c, after, cursor.plain);
        c.values[c.n++] = cursor.key;
    }
    if (good) good = answer_listing(db, l, &c, query, out);
    buffer_destroy(&c.text);
    return good;
}

// The first few; whoever asks is told that there is something.
static void add_cell_note(void *arg, const struct unreadable_cell *cell) {
    buffer_t *notes = arg;
    char words[300];
    if (notes->length > NOTES_BYTES) return;
    sql_cell_words(cell, words);
    if (notes->length) buffer_text(notes, ",");
    buffer_json_string(notes, words, strlen(words));
}

static bool answer_archive_query(sql_t *db, const ArchiveQuery *query, buffer_t *out) {
    const struct listing *l = find_listing(query->what);
    if (l) return run_listing_query(db, l, query, out);
    if (strcmp(query->what, "performance") == 0) return query_performance(db, query, out);
    buffer_format(out,
                  "there are no %.40s here; ask for signals, trades, results, reconciliations, "
                  "failures or performance",
                  query->what);
    return false;
}

bool query_answer(sql_t *db, const ArchiveQuery *query, buffer_t *out) {
    own(buffer) notes = {0};
    sql_on_unreadable(db, add_cell_note, &notes);
    bool good = answer_archive_query(db, query, out);
    sql_on_unreadable(db, NULL, NULL);
    if (!good || !notes.length || out->data[out->length - 1] != '}') return good;
    out->length--; // the closing brace
    buffer_text(out, ",\"unreadable\":[");
    buffer_add(out, notes.data, notes.length);
    buffer_text(out, "]}");
    return true;
}
