// schema - the tables: each is a message's fields, so that a new field is a new column with nothing written here.
// SPDX-License-Identifier: MIT
#pragma once

#include "archive.pb-c.h"
#include "common/sql.h"

// How a row meets one with the same key: the first stays, the last one replaces, or the one with the later updated_at does.
enum meeting { KEEP, REPLACE, LATEST };

#define ARCHIVED_AT "archived_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"

// Beside these: positions (where to go on in each topic), owner (whose the file is), refused_rows (what a table would not take).
// A table with further columns says its key there.
// clang-format off
//    table                     message                  key                     meeting  further columns
#define TABLES(X) \
    X(signals,                  signal_row,              "signal_id",            KEEP, \
      "id INTEGER PRIMARY KEY AUTOINCREMENT, " ARCHIVED_AT ", UNIQUE (signal_id)") \
    X(orders,                   order,                   "trade_id",             KEEP,    NULL) \
    X(order_commands,           order_command,           "command_id",           KEEP,    NULL) \
    X(routings,                 routing,                 "signal_id",            REPLACE, NULL) \
    X(trades,                   trade_state,             "trade_id",             LATEST,  ARCHIVED_AT ", PRIMARY KEY (trade_id)") \
    X(trade_result,             trade_result,            "result_id",            REPLACE, NULL) \
    X(result_metrics,           result_metrics,          "result_id",            REPLACE, NULL) \
    X(trade_reconciliation,     trade_reconciliation,    "trade_id",             REPLACE, NULL) \
    X(signal_execution_status,  signal_execution_status, "signal_id",            REPLACE, NULL) \
    X(trade_failure_log,        trade_failure,           "failure_id",           REPLACE, NULL) \
    X(system_event_log,         system_event,            "event_id",             KEEP,    NULL) \
    X(alert_log,                alert,                   "alert_id",             KEEP,    NULL) \
    X(performance_log,          performance_sample,      "service, created_at",  KEEP,    "PRIMARY KEY (service, created_at)") \
    X(account_config,           account_config,          "account_id",           REPLACE, NULL) \
    X(broker_config,            broker_config,           "broker_id",            REPLACE, NULL) \
    X(instance_config,          instance_config,         "instance_id",          REPLACE, NULL) \
    X(signal_config,            signal_config,           "config_id",            REPLACE, NULL) \
    X(config_change,            config_change,           "version, kind, id",    KEEP,    "PRIMARY KEY (version, kind, id)")
// clang-format on

#define TABLE_ENUM(name, type, key, meeting, extra) TABLE_##name,
enum table_name { TABLES(TABLE_ENUM) TABLE_COUNT };
#undef TABLE_ENUM

struct table_form {
    const char *name;
    const ProtobufCMessageDescriptor *type;
    const char *key; // its columns
    enum meeting meeting;
    const char *extra;
};
extern const struct table_form table_forms[TABLE_COUNT];

// Creates what is missing and migrates what is older. ERR_CONFIG: the file is newer than this program.
err_t schema_prepare(sql_t *db);
