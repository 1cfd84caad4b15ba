// duckdb - DuckDB's C library, loaded when it is asked for: nothing else needs it.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

// As in DuckDB's duckdb.h (stable since 1.0), but for what is not looked into.
typedef struct duckdb_handle *duckdb_database, *duckdb_connection, *duckdb_appender;
typedef struct {
    void *inside[16]; // 48 bytes in 1.x
} duckdb_result;
typedef struct {
    int64_t micros;
} duckdb_timestamp;
enum duckdb_state { DUCKDB_GOOD = 0, DUCKDB_ERROR = 1 };

//    what it gives            name             what it takes
#define DUCKDB_FUNCTIONS(X)                                                                        \
    X(enum duckdb_state, open, (const char *path, duckdb_database *out))                           \
    X(void, close, (duckdb_database * self))                                                       \
    X(enum duckdb_state, connect, (duckdb_database self, duckdb_connection * out))                 \
    X(void, disconnect, (duckdb_connection * self))                                                \
    X(enum duckdb_state, query, (duckdb_connection self, const char *text, duckdb_result *out))    \
    X(const char *, result_error, (duckdb_result * result))                                        \
    X(void, destroy_result, (duckdb_result * result))                                              \
    X(enum duckdb_state, appender_create,                                                          \
      (duckdb_connection self, const char *schema, const char *table, duckdb_appender *out))       \
    X(const char *, appender_error, (duckdb_appender self))                                        \
    X(enum duckdb_state, appender_end_row, (duckdb_appender self))                                 \
    X(enum duckdb_state, appender_close, (duckdb_appender self))                                   \
    X(enum duckdb_state, appender_destroy, (duckdb_appender * self))                               \
    X(enum duckdb_state, append_null, (duckdb_appender self))                                      \
    X(enum duckdb_state, append_bool, (duckdb_appender self, bool value))                          \
    X(enum duckdb_state, append_int64, (duckdb_appender self, int64_t value))                      \
    X(enum duckdb_state, append_uint64, (duckdb_appender self, uint64_t value))                    \
    X(enum duckdb_state, append_timestamp, (duckdb_appender self, duckdb_timestamp value))         \
    X(enum duckdb_state, append_varchar_length,                                                    \
      (duckdb_appender self, const char *text, uint64_t length))                                   \
    X(enum duckdb_state, append_blob, (duckdb_appender self, const void *data, uint64_t length))

struct duckdb {
    void *library;
#define DUCKDB_MEMBER(type, name, takes) type(*name) takes;
    DUCKDB_FUNCTIONS(DUCKDB_MEMBER)
#undef DUCKDB_MEMBER
};

// From the file that TRADECAST_DUCKDB names, else where the loader finds libduckdb.so. False: *why
// is a sentence that says what to do.
bool duckdb_load(struct duckdb *self, char why[static 320]);
