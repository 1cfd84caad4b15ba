// listing - an answer of the archive as a table or as CSV.
// SPDX-License-Identifier: MIT
#include "cli/archive/listing.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "cli/archive/csv.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "services/archiver/query/query.h"

#define FIELD_TEXT 48

static const struct listing_form forms[] = {
    {"signals", "TIME|SIGNAL|SOURCE|SYMBOL|ACTION|>ENTRY|>LOTS|STRATEGY|STATUS|OUTCOME|>P/L %",
     "created_at|signal_id|source|symbol|action|entry_price|lot_size|strategy|status|outcome|"
     "profit_loss_pct"},
    {"trades",
     "TIME|TRADE|ACCOUNT|SYMBOL|SIDE|>LOTS|>FILLED|>PRICE|STATE|>P/L|CURRENCY|STRATEGY|REASON",
     "ordered_at|trade_id|account_id|symbol|side|lot_size|filled_lots|average_price|state|pnl|"
     "currency|strategy|reason"},
    {"results",
     "TIME|TRADE|ACCOUNT|SYMBOL|DIRECTION|>LOTS|>PRICE|>SLIPPAGE|>P/L|>COMMISSION|CURRENCY|STATE",
     "executed_at|trade_id|account_id|symbol|direction|lot_size|execution_price|slippage|pnl|"
     "commission|currency|state"},
    {"reconciliations", "TIME|TRADE|ACCOUNT|SYMBOL|STATUS|>DISCREPANCY|REASON",
     "reconciled_at|trade_id|account_id|symbol|reconciliation_status|discrepancy|rejection_reason"},
    {"performance",
     "OF|CURRENCY|>ORDERS|>FILLED|>REJECTED|>CLOSED|>WINS|>WIN "
     "RATE|>P/L|>COMMISSION|>NET|>FACTOR|>DRAWDOWN|>SLIP BPS|>P95|>LATENCY US P99",
     "key|currency|orders|filled|rejected|closed|wins|win_rate|pnl|commission|net_pnl|profit_"
     "factor|max_drawdown|slippage_mean|slippage_p95"
     "|execution_latency_us_p99"},
    {"failures", "TIME|ID|ACCOUNT|SYMBOL|STATE|FIELD|REASON",
     "failed_at|failure_id|account_id|symbol|state|field|reason"},
};

const struct listing_form *listing_find(const char *what) {
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].what, what) == 0) return &forms[i];
    }
    return NULL;
}

static yajl_val row_field(yajl_val row, const char *name) {
    const char *path[] = {name, NULL};
    return yajl_tree_get(row, path, yajl_t_any);
}

// A value's text; nested ones are not listed.
static const char *cell_text_of(yajl_val v) {
    if (!v) return "";
    return YAJL_IS_STRING(v)   ? YAJL_GET_STRING(v)
           : YAJL_IS_NUMBER(v) ? YAJL_GET_NUMBER(v)
           : YAJL_IS_TRUE(v)   ? "true"
           : YAJL_IS_FALSE(v)  ? "false"
                               : "";
}

// "2026-11-21T10:15:30.123456Z" to "2026-11-21 10:15:30.123": what people compare.
static void add_listing_cell(struct sheet *sheet, const char *name, const char *text) {
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, "_at") == 0 && strlen(text) >= 20)
        sheet_format(sheet, "%.10s %.8s%.*s", text, text + 11, text[19] == '.' ? 4 : 0, text + 19);
    else
        sheet_add(sheet, text);
}

static void add_listing_row(struct sheet *sheet, const char *fields, yajl_val row) {
    char name[FIELD_TEXT];
    for (const char *at = fields; *at; at += strspn(at, "|")) {
        size_t length = strcspn(at, "|");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        add_listing_cell(sheet, name, cell_text_of(row_field(row, name)));
        at += length;
    }
}

static yajl_val answer_rows(yajl_val answer) {
    yajl_val rows = answer ? row_field(answer, "rows") : NULL;
    return rows && YAJL_IS_ARRAY(rows) ? rows : NULL;
}

// What the archiver could not read of its rows.
static void warn_of_unreadable_rows(yajl_val answer) {
    yajl_val notes = answer ? row_field(answer, "unreadable") : NULL;
    for (size_t i = 0; notes && YAJL_IS_ARRAY(notes) && i < YAJL_GET_ARRAY(notes)->len; i++)
        (void)complain_of_call(DONE, "%s", cell_text_of(YAJL_GET_ARRAY(notes)->values[i]));
}

bool listing_table(const struct listing_form *form, const char *json, buffer_t *out) {
    yajl_val answer = yajl_tree_parse(json, NULL, 0), rows = answer_rows(answer);
    struct sheet sheet = {0};
    if (rows) {
        sheet_start(&sheet, form->heads);
        for (size_t i = 0; i < YAJL_GET_ARRAY(rows)->len; i++)
            add_listing_row(&sheet, form->fields, YAJL_GET_ARRAY(rows)->values[i]);
        sheet_print(&sheet, out);
        const char *next = cell_text_of(row_field(answer, "next"));
        if (*next) buffer_format(out, "\nThere is more: --after %s\n", next);
        sheet_destroy(&sheet);
    }
    warn_of_unreadable_rows(answer);
    yajl_tree_free(answer);
    return rows != NULL;
}

// CSV.

static void add_csv_cell(const ProtobufCFieldDescriptor *f, const char *text, buffer_t *out) {
    // what is not there is an empty field
    bool stranger = f && f->type == PROTOBUF_C_TYPE_STRING && *text;
    if (stranger)
        csv_text(out, text);
    else
        csv_value(out, text);
}

static void add_csv_line(const ProtobufCMessageDescriptor *type, const char *const *extras,
                         yajl_val row, buffer_t *out) {
    const struct record_columns *columns = record_columns(type);
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        if (i) buffer_text(out, ",");
        if (row)
            add_csv_cell(f, cell_text_of(row_field(row, f->name)), out);
        else
            csv_value(out, f->name);
    }
    for (; *extras; extras++) {
        if (record_field(type, span_of(*extras))) continue;
        buffer_text(out, ",");
        csv_value(out, row ? cell_text_of(row_field(row, *extras)) : *extras);
    }
    buffer_text(out, "\r\n");
}

bool listing_csv(const char *what, const char *json, buffer_t *out) {
    const char *const *extras;
    const ProtobufCMessageDescriptor *type = query_form(what, &extras);
    yajl_val answer = yajl_tree_parse(json, NULL, 0), rows = type ? answer_rows(answer) : NULL;
    if (rows) {
        add_csv_line(type, extras, NULL, out);
        for (size_t i = 0; i < YAJL_GET_ARRAY(rows)->len; i++)
            add_csv_line(type, extras, YAJL_GET_ARRAY(rows)->values[i], out);
    }
    warn_of_unreadable_rows(answer);
    yajl_tree_free(answer);
    return rows != NULL;
}
