// copy - what every program that copies the archive elsewhere is: it reads the archive and never
// writes it, keeps how far it came in a SQLite file of its own, says how it is, and stops when
// asked.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/bus/port.h"
#include "common/program/options.h"
#include "common/sql/sql.h"

struct copy_settings { // the options that each has
    const char *run_dir, *archive, *state, *log_level, *keys_dir;
    int64_t look_ms, heartbeat_ms;
};

struct copy {
    const struct copy_program *program;
    struct copy_settings settings;
    sql_t *state; // its own file: written by it alone
    port_t *events;
    uint64_t beat_at;  // monotonic ns
    uint64_t began_at; // UTC us
    unsigned in_vain;  // rounds without success since the last that had one
    char trouble[240]; // empty: none

    // What SyncState tells.
    uint64_t delivered, failed, unsynced;
    uint64_t oldest; // `changed` of the oldest row that is not delivered; 0: none
};

struct copy_program {
    const char *name;    // "sync-clickhouse"; the sockets' and the log's name
    const char *section; // "clickhouse": TRADECAST_CLICKHOUSE_<NAME>
    const char *purpose; // one sentence
    const char *usage;   // of further arguments, for --help; NULL: none
    const char *state_preset;
    const struct option *options; // its own
    size_t settings_size;
    const char *const *steps; // schema of the state file, by version
    size_t n_steps;
    // *wrong says what does not go together. NULL: it has said why (log).
    bool (*check)(const void *settings, char wrong[static 256]);
    void *(*new)(struct copy *copy, const void *settings);
    void (*destroy)(void **self);
    // Does some work; returns after how many ms there may be more (0: at once).
    int64_t (*round)(void *self);
    // A further argument ("--init"): its exit status. NULL: there are none.
    int (*other)(const char *argument, const void *settings);
};

int copy_main(const struct copy_program *program, int argc, char **argv);

// The archive, read-only; opened anew each round, for it may be replaced. NULL: there is trouble,
// noted.
sql_t *copy_archive(struct copy *self);
// Whether the archive has the indexes of changes, without which every look at it would read all of
// it; else there is trouble, noted.
bool copy_is_indexed(struct copy *self, sql_t *archive);
// Says how it is when that is due. False: it was asked to stop.
bool copy_goes_on(void *copy);
// Notes what keeps it from going on (logged when it is another than before), or that nothing does
// any more.
void copy_trouble(struct copy *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void copy_no_trouble(struct copy *self);

// How long to wait after the n-th failure in a row (from 1): twice as long each time, up to
// most_ms, and from that half to the whole by chance, so that those who failed together do not come
// back together. chance: any number.
int64_t copy_backoff_ms(unsigned n, int64_t first_ms, int64_t most_ms, uint32_t chance);
uint32_t copy_chance(void);
