// archiver - keeps everything on record, in SQLite, and is where the configuration lives.
// SPDX-License-Identifier: MIT
//
// In:   signals, orders.*, routings, executions.*, outcomes, incidents.*
// Out:  config (ConfigChange)
// Keys: slice.c. Tables: schema.h. What each message becomes: follow.c. Read rows.h next.
#pragma once

#include "common/base/arena.h"
#include "common/domain/shard.h"
#include "common/service/service.h"
#include "common/sql/sql.h"
#include "services/archiver/config/verbs.h"
#include "services/archiver/curator.h"
#include "services/archiver/recalls.h"
#include "services/archiver/rows/owner.h"
#include "services/archiver/rows/positions.h"
#include "services/archiver/rows/rows.h"

struct archiver_settings {
    const char *database;
    int64_t check_below;
    bool copied;
    struct curator_options curator;
};

struct archiver {
    const struct context *context;
    sql_t *db;
    rows_t *rows;
    positions_t *positions;
    owner_t *owner;
    curator_t *curator;
    config_t *config;
    shard_record_t *record; // which executor has whom
    struct desk desk;       // where it is changed
    store_t *store;         // while starting
    arena_t *arena;         // of `untold`
    // changes that Redis, or SQLite, does not have yet: the first tick writes them
    ConfigChange **untold;
    size_t n_untold;
    char notice[400]; // to be alerted by the first tick
    char cell[300];   // of a row that cannot be read whole, to be alerted by the next tick
    bool refused;     // the last transaction was
    recalls_t *recalls;
};

// follow.c: what becomes a row.
handle_fn archiver_handle_signal, archiver_handle_rejection, archiver_handle_routing,
    archiver_handle_execution, archiver_handle_outcome, archiver_handle_query, archiver_handle_row;
void archiver_log_recall_failure(const struct archiver *self, err_t e);

extern const struct service archiver_service;
