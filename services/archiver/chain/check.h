// chain_check - whether an archive's rows are those that its chain says were written. Reads only.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/chain/chain.h"

// What is wrong: about a row (table, key), a batch or a day. NULL: does not apply.
struct chain_fault {
    const char *what; // changed, removed, inserted, unreadable, broken
    const char *table, *key;
    int64_t batch;    // 0: none
    const char *at;   // when the batch was written
    const char *text; // in words
};
typedef void chain_fault_fn(void *arg, const struct chain_fault *fault);

struct chain_day { // one day as it was found
    char day[12];
    int64_t batches, rows;
    char hash[2 * CHAIN_HASH + 1];
    bool over, removed; // closed; and removed by retention: only its hash is left
};
typedef void chain_day_fn(void *arg, const struct chain_day *day);

struct chain_look {
    void *arg;
    chain_fault_fn *fault;
    chain_day_fn *day; // NULL: nobody wants to know
};
struct chain_sum {
    int64_t batches, rows, faults;
};
// Checks every batch and every covered row, in one read transaction. Memory: 40 bytes a row of the
// largest table. ERR_DISK, ERR_CONFIG: it could not be done (no chain in the file, for one); faults
// are told, and no error.
err_t chain_check(sql_t *db, const struct chain_look *look, struct chain_sum *sum);
