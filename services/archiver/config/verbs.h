// config_desk - the verbs of the configuration: what is asked for becomes changes, or an answer
// that says everything that is wrong.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/service/service.h"
#include "common/sql/sql.h"
#include "services/archiver/config/config.h"
#include "services/archiver/config/document.h"
#include "services/archiver/rows/rows.h"

struct desk {
    config_t *held;
    sql_t *db;
    rows_t *rows;
    struct shards_of shards;
};

// On record, in Redis and on the topic, in the batch's transactions.
void desk_change(struct desk *desk, batch_t *batch, const ConfigChange *change);

// Words of a request: dry-run, by=WHO, note=TEXT, if=VERSION (refused when another one is in
// force), replace, force (also what takes away an account with open trades, or all there is).
// body: a document
bool desk_apply(struct desk *desk, batch_t *batch, const ControlRequest *request, buffer_t *answer);
// path=, value=
bool desk_set(struct desk *desk, batch_t *batch, const ControlRequest *request, buffer_t *answer);
// to=VERSION
bool desk_rollback(struct desk *desk, batch_t *batch, const ControlRequest *request,
                   buffer_t *answer);
// export: without versions and secrets
bool desk_show(struct desk *desk, const ControlRequest *request, buffer_t *answer);
bool desk_get(struct desk *desk, const ControlRequest *request, buffer_t *answer); // path=
bool desk_history(struct desk *desk, batch_t *batch, const ControlRequest *request,
                  buffer_t *answer); // count=N
