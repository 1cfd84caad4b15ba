// follow - what becomes a row of what the services say.
// SPDX-License-Identifier: MIT
#include "common/base/log.h"
#include "execution.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/archiver/archiver.h"
#include "services/archiver/recalls.h"
#include "services/archiver/rows/outcome.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/signals.h"
#include "signal.pb-c.h"

// Rows point into messages, which live until the batch is committed.

err_t archiver_handle_signal(void *arg, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *self = arg;
    rows_add_signal(self->rows, (const Signal *)m, batch_arena(batch));
    return ERR_OK;
}

err_t archiver_handle_rejection(void *arg, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *self = arg;
    rows_add(self->rows, TABLE_trade_failure_log,
             &failure_of_refusal((const SignalRejection *)m, batch_arena(batch))->base);
    return ERR_OK;
}

err_t archiver_handle_routing(void *arg, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *self = arg;
    TradeFailure **failures;
    rows_add(self->rows, TABLE_routings, m);
    size_t n = failures_of_routing((const Routing *)m, batch_arena(batch), &failures);
    for (size_t i = 0; i < n; i++)
        rows_add(self->rows, TABLE_trade_failure_log, &failures[i]->base);
    return ERR_OK;
}

err_t archiver_handle_execution(void *arg, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *self = arg;
    const Execution *e = (const Execution *)m;
    rows_add_execution(self->rows, e, batch_arena(batch));
    return ERR_OK;
}

err_t archiver_handle_outcome(void *arg, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *self = arg;
    const Outcome *o = (const Outcome *)m;
    if (o->trade) {
        rows_add(self->rows, TABLE_trade_reconciliation, &o->trade->base);
        rows_add(self->rows, TABLE_trade_reconciliation_log,
                 &reconciliation_entry(o->trade, o->signal_id, batch_arena(batch))->base);
    }
    if (o->signal) rows_add(self->rows, TABLE_signal_execution_status, &o->signal->base);
    return ERR_OK;
}

void archiver_log_recall_failure(const struct archiver *self, err_t e) {
    log_event(LOG_LEVEL_ERROR, "recall_failed", "error=%s why=%s", error_name(e),
              log_quote(sql_trouble(self->db)));
}

// It is asked again: a row that cannot be read now does not stop what comes after the question.
err_t archiver_handle_query(void *arg, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *self = arg;
    err_t e = recalls_answer(self->recalls, batch, ((const StatusQuery *)m)->trade_id);
    if (e) archiver_log_recall_failure(self, e);
    return ERR_OK;
}

// Messages that are rows as they are, each of the table that is made of its type.
err_t archiver_handle_row(void *self, batch_t *batch, const ProtobufCMessage *m) {
    size_t table = 0;
    (void)batch;
    while (table < TABLE_COUNT && table_forms[table].type != m->descriptor) table++;
    if (table == TABLE_COUNT) return ERR_MISSING;
    rows_add(((struct archiver *)self)->rows, (enum table_name)table, m);
    return ERR_OK;
}
