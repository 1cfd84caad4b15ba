// tables - the archive's tables: each is a message's fields, so that a new field is a new column
// with nothing written here.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

// How a row meets one with the same key: the first stays, the last one replaces, or the one with
// the later updated_at does.
enum meeting { KEEP, REPLACE, LATEST };

#define ARCHIVED_AT "archived_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"

// Whether copies elsewhere (ClickHouse, an export) have the table: what happened is copied, what is
// in force now is not.
enum copying { LOCAL, COPIED };

// Beside these: positions (where to go on in each topic), owner (whose the file is), refused_rows
// (what a table would not take), change_count and removed_rows (services/archiver/README.md). A
// table with further columns says its key there.
// Every table also has the column CHANGED: a number that grows with every write to any table, in
// the order of the commits.
#define CHANGED "changed"
// A table that is looked up by its key alone is kept in the key's order.
#define IN_ORDER(key) CHANGED " INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (" key ")) WITHOUT ROWID"
// clang-format off
//    table                     message                  key                     meeting  copied  further columns
#define TABLES(X) \
    X(signals,                  signal_row,              "signal_id",            KEEP,    COPIED, \
      "id INTEGER PRIMARY KEY AUTOINCREMENT, " ARCHIVED_AT ", UNIQUE (signal_id)") \
    X(pending_signals,          pending_signal,          "signal_id",            KEEP,    LOCAL,  IN_ORDER("signal_id")) \
    X(orders,                   order,                   "trade_id",             KEEP,    COPIED, NULL) \
    X(order_commands,           order_command,           "command_id",           KEEP,    COPIED, NULL) \
    X(commands,                 command,                 "command_id",           KEEP,    COPIED, NULL) \
    X(routings,                 routing,                 "signal_id",            REPLACE, COPIED, NULL) \
    X(trades,                   trade_state,             "trade_id",             LATEST,  COPIED, ARCHIVED_AT ", PRIMARY KEY (trade_id)") \
    X(trade_result,             trade_result,            "result_id",            REPLACE, COPIED, NULL) \
    X(result_metrics,           result_metrics,          "result_id",            REPLACE, COPIED, NULL) \
    X(trade_reconciliation,     trade_reconciliation,    "trade_id",             REPLACE, COPIED, NULL) \
    X(signal_execution_status,  signal_execution_status, "signal_id",            REPLACE, COPIED, NULL) \
    X(trade_failure_log,        trade_failure,           "failure_id",           REPLACE, COPIED, NULL) \
    X(trade_reconciliation_log, reconciliation_entry,    "trade_id, reconciled_at", KEEP, COPIED, IN_ORDER("trade_id, reconciled_at")) \
    X(commission_log,           commission_charge,       "result_id",            REPLACE, COPIED, IN_ORDER("result_id")) \
    X(trade_performance,        trade_performance,       "trade_id",             REPLACE, COPIED, IN_ORDER("trade_id")) \
    X(account_performance,      account_performance,     "account_id, day, currency", REPLACE, COPIED, IN_ORDER("account_id, day, currency")) \
    X(broker_performance,       broker_performance,      "broker_id, day, currency", REPLACE, COPIED, IN_ORDER("broker_id, day, currency")) \
    X(instance_performance,     instance_performance,    "instance_id, day, currency", REPLACE, COPIED, IN_ORDER("instance_id, day, currency")) \
    X(system_event_log,         system_event,            "event_id",             KEEP,    COPIED, NULL) \
    X(alert_log,                alert,                   "alert_id",             KEEP,    COPIED, NULL) \
    X(llm_decision,             llm_decision,            "decision_id",          REPLACE, COPIED, NULL) \
    X(performance_log,          performance_sample,      "service, created_at",  KEEP,    COPIED, "PRIMARY KEY (service, created_at)") \
    X(market_bars,              bar,                     "symbol, length_s, opened_at", KEEP, LOCAL, "PRIMARY KEY (symbol, length_s, opened_at)") \
    X(market_indicators,        indicators,              "symbol, source, timestamp", KEEP, LOCAL, "PRIMARY KEY (symbol, source, timestamp)") \
    X(market_sentiment,         sentiment,               "symbol, source, timestamp", KEEP, LOCAL, "PRIMARY KEY (symbol, source, timestamp)") \
    X(watchlist_log,            watchlist,               "source, timestamp",    KEEP,    LOCAL,  "PRIMARY KEY (source, timestamp)") \
    X(candidates_log,           candidates,              "source, timestamp",    KEEP,    LOCAL,  "PRIMARY KEY (source, timestamp)") \
    X(market_context,           market_context,          "source, timestamp",    KEEP,    LOCAL,  "PRIMARY KEY (source, timestamp)") \
    X(account_config,           account_config,          "account_id",           REPLACE, LOCAL,  NULL) \
    X(broker_config,            broker_config,           "broker_id",            REPLACE, LOCAL,  NULL) \
    X(instance_config,          instance_config,         "instance_id",          REPLACE, LOCAL,  NULL) \
    X(signal_config,            signal_config,           "config_id",            REPLACE, LOCAL,  NULL) \
    X(risk_config,              risk_config,             "preset_id",            REPLACE, LOCAL,  NULL) \
    X(config_change,            config_change,           "version, kind, id",    KEEP,    LOCAL,  "PRIMARY KEY (version, kind, id)")
// clang-format on

#define TABLE_ENUM(name, type, key, meeting, copying, extra) TABLE_##name,
enum table_name { TABLES(TABLE_ENUM) TABLE_COUNT };
#undef TABLE_ENUM

struct table_form {
    const char *name;
    const ProtobufCMessageDescriptor *type;
    const char *key; // its columns
    enum meeting meeting;
    enum copying copying;
    const char *extra;
};
extern const struct table_form table_forms[TABLE_COUNT];
