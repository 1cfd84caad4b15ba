// canon - a row as the bytes that are hashed: its columns as they stand in the table.
// SPDX-License-Identifier: MIT
#include "services/archiver/chain/canon.h"

#include <sodium.h>
#include <string.h>

#include "common/base/integer.h"
#include "common/schema/record_value.h"
#include "common/sql/sql_statement.h"

#define NAME_TEXT 64

// Not covered: what is counted up from other tables (it can be counted again) and the samples of
// the system's own speed.
const struct cover canon_cover[TABLE_COUNT] = {
    [TABLE_signals] = {1, "|status|outcome|exit_price|profit_loss_pct|order_id|"},
    [TABLE_orders] = {2, ""},
    [TABLE_order_commands] = {3, ""},
    [TABLE_routings] = {4, ""},
    [TABLE_trades] = {5, ""},
    [TABLE_trade_result] = {6, ""},
    [TABLE_result_metrics] = {7, ""},
    [TABLE_trade_reconciliation] = {8, ""},
    [TABLE_signal_execution_status] = {9, ""},
    [TABLE_trade_failure_log] = {10, ""},
    [TABLE_system_event_log] = {11, ""},
    [TABLE_alert_log] = {12, ""},
    [TABLE_account_config] = {13, ""},
    [TABLE_broker_config] = {14, ""},
    [TABLE_instance_config] = {15, ""},
    [TABLE_signal_config] = {16, ""},
    [TABLE_config_change] = {17, ""},
    [TABLE_risk_config] = {64, ""},
    [TABLE_commands] = {65, ""},
    [TABLE_llm_decision] = {70, ""},
    [TABLE_pending_signals] = {0, ""},
    [TABLE_performance_log] = {0, ""},
    [TABLE_trade_reconciliation_log] = {0, ""},
    [TABLE_commission_log] = {0, ""},
    [TABLE_trade_performance] = {0, ""},
    [TABLE_account_performance] = {0, ""},
    [TABLE_broker_performance] = {0, ""},
    [TABLE_instance_performance] = {0, ""},
    // for looking at: nothing was decided by anybody, and they go after some days
    [TABLE_market_bars] = {0, ""},
    [TABLE_market_indicators] = {0, ""},
    [TABLE_market_sentiment] = {0, ""},
    [TABLE_watchlist_log] = {0, ""},
    [TABLE_candidates_log] = {0, ""},
    [TABLE_market_context] = {0, ""},
};

bool canon_table(unsigned char code, enum table_name *out) {
    for (size_t i = 0; code && i < TABLE_COUNT; i++) {
        if (canon_cover[i].code != code) continue;
        *out = (enum table_name)i;
        return true;
    }
    return false;
}

// Whether `name` stands in "|a|b|".
static bool is_in(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at++) {
        if (at > list && at[-1] == '|' && at[length] == '|') return true;
    }
    return false;
}

static bool is_covered(enum table_name table, const ProtobufCFieldDescriptor *f) {
    const char *left_out = canon_cover[table].left_out;
    return !*left_out || !is_in(left_out, f->name);
}

static void add_column(buffer_t *out, const char *name, struct span text) {
    buffer_text(out, name);
    buffer_add(out, "=", 1);
    out->length += integer_print(text.length, (char *)buffer_reserve(out, INTEGER_TEXT));
    buffer_add(out, ":", 1);
    if (text.length) buffer_add(out, text.data, text.length);
    buffer_add(out, "\n", 1);
}

// The text of a set field as its column has it; in `text`, or where it is.
static struct span column_text(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                               buffer_t *text) {
    const void *place = record_place(m, f);
    buffer_clear(text);
    if (f->label == PROTOBUF_C_LABEL_REPEATED || f->type == PROTOBUF_C_TYPE_MESSAGE) {
        record_print_nested(m, f, text);
    } else if (f->type == PROTOBUF_C_TYPE_STRING) {
        return span_of(*(const char *const *)place);
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *bytes = place;
        return (struct span){bytes->data, bytes->len};
    } else if (f->type == PROTOBUF_C_TYPE_FIXED64) {
        text->length +=
            sql_time_print(*(const uint64_t *)place, (char *)buffer_reserve(text, SQL_TIME_TEXT));
    } else if (f->type == PROTOBUF_C_TYPE_UINT64) {
        // a column has 63 bits and a sign
        buffer_format(text, "%lld", (long long)*(const int64_t *)place);
    } else {
        record_print_value(f, place, text);
    }
    return (struct span){text->data, text->length};
}

void canon_of_message(enum table_name table, const ProtobufCMessage *m, buffer_t *scratch,
                      buffer_t *out) {
    buffer_text(out, table_forms[table].name);
    buffer_add(out, "\n", 1);
    const struct record_columns *columns = record_columns(m->descriptor);
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        if (!record_is_set(m, f) || !is_covered(table, f)) continue;
        add_column(out, f->name, column_text(m, f, scratch));
    }
}

void canon_select(sql_t *db, enum table_name table, buffer_t *out) {
    const struct table_form *t = &table_forms[table];
    const struct record_columns *columns = record_columns(t->type);
    buffer_text(out, "SELECT ");
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        bool there = true;
        if (!is_covered(table, f)) continue;
        // If it cannot be told, the statement will not be prepared either.
        if (!sql_has_column(db, t->name, f->name, &there) && !there)
            buffer_text(out, "NULL, ");
        else
            buffer_format(out, "\"%s\", ", f->name);
    }
    buffer_format(out, "%s FROM \"%s\"", t->key, t->name);
}

void canon_of_columns(enum table_name table, sql_query_t *q, buffer_t *out) {
    const struct record_columns *columns = record_columns(table_forms[table].type);
    int column = 0;
    buffer_text(out, table_forms[table].name);
    buffer_add(out, "\n", 1);
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        if (!is_covered(table, f)) continue;
        if (!sql_is_null(q, column)) add_column(out, f->name, sql_bytes(q, column));
        column++;
    }
}

// The name at the head of "service, created_at"; returns where the next one begins.
static const char *next_key(const char *at, char name[static NAME_TEXT]) {
    size_t length = strcspn(at, ",");
    if (length >= NAME_TEXT) length = NAME_TEXT - 1;
    memcpy(name, at, length);
    name[length] = 0;
    at += length;
    return at + strspn(at, ", ");
}

void canon_key_of_message(enum table_name table, const ProtobufCMessage *m, buffer_t *scratch,
                          buffer_t *out) {
    char name[NAME_TEXT];
    size_t n = 0;
    for (const char *at = table_forms[table].key; *at; n++) {
        at = next_key(at, name);
        const ProtobufCFieldDescriptor *f = record_field(m->descriptor, span_of(name));
        if (n) buffer_add(out, "|", 1);
        struct span value = column_text(m, f, scratch);
        if (value.length) buffer_add(out, value.data, value.length);
    }
}

void canon_key_of_columns(enum table_name table, sql_query_t *q, buffer_t *out) {
    int columns = 1;
    for (const char *at = table_forms[table].key; *at; at++) columns += *at == ',';
    for (int n = 0; n < columns; n++) {
        struct span value = sql_bytes(q, sql_columns(q) - columns + n);
        if (n) buffer_add(out, "|", 1);
        if (value.length) buffer_add(out, value.data, value.length);
    }
}

void canon_digest(const buffer_t *canon, unsigned char out[static CANON_DIGEST]) {
    crypto_generichash(out, CANON_DIGEST, canon->data, canon->length, NULL, 0);
}
