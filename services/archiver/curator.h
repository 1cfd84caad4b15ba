// curator - what is done with the archive beside writing rows: the audit log, questions, removing
// what is old.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/service/service.h"
#include "common/sql/sql.h"
#include "services/archiver/chain/chain.h"

struct curator_options {
    const char *database;
    const char *audit_log;                // NULL: signals.log beside the database; "off": none
    int64_t audit_rotate;                 // bytes
    int64_t retain_days, retain_log_days; // 0: nothing is removed
    int64_t market_days;                  // of market data; 0: nothing of that
    int64_t readers, answer_ms;           // of questions
};

err_t curator_prepare(sql_t *db); // its tables

typedef struct curator curator_t;
// The chain is the writer's. NULL: it has been logged.
curator_t *curator_new(const struct curator_options *options, sql_t *db, chain_t *chain);
void curator_destroy(curator_t **self);
err_t curator_open(curator_t *self, const struct context *context); // begins to answer questions

// Whether `tradecast restore` has put this file here since the archiver last ran, and from where.
// Then journals may begin after it ends.
bool curator_restored(const curator_t *self, char from[static 200]);

// Into the batch's transaction; once it is committed; and at every tick.
err_t curator_write(curator_t *self);
void curator_committed(curator_t *self);
void curator_beat(const curator_t *self, Heartbeat *out); // when the last backup was made
err_t curator_tick(curator_t *self, batch_t *batch);
