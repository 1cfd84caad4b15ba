// retention - rows of days long past are removed, what is not final stays, and the chain goes on.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/chain/chain.h"

// Removes, batch by batch from the beginning of the chain, every row that such a batch was the last
// to write and that is final: a trade that is over with all that belongs to it, a signal all of
// whose trades are. What is not final is chained again, now, and so looked at again when that is
// old. The chain then begins later (table chain_start); the days' hashes stay. Configuration and
// what is counted by day stay.
typedef struct retention retention_t;

struct retention_options {
    sql_t *db;
    chain_t *chain;
    // What was written before the last so many whole days (UTC) is old; 0: nothing is. Of the
    // system's own logs (system_event_log, performance_log, alert_log) it is log_days that count.
    int64_t days, log_days;
};
// NULL: a statement does not fit the tables (it is logged)
retention_t *retention_new(const struct retention_options *options);
void retention_destroy(retention_t **self);

// One transaction of its own, of some hundred rows, and pages given back. `signals_to`: rows of
// signals up to this id may go. *more: there is more to do now. `removed` counts rows up.
struct retention_step {
    uint64_t now; // UTC ns
    int64_t signals_to;
    bool more;
    int64_t removed;
};
err_t retention_step(retention_t *self, struct retention_step *step);
