// config_document - a configuration as somebody wrote it: read, checked against every rule, refused
// whole when anything is wrong. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/domain/shard.h"
#include "services/archiver/config/config.h"

#define COMPLAINTS_MAX 50 // told in full; more are counted

// What is wrong, one line each: "accounts[2].broker_id: is not a broker". {0} is empty; free
// `text`.
struct complaints {
    buffer_t text;
    unsigned count;
};
void complain_of(struct complaints *c, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The executors, and which of them has whom.
struct shards_of {
    unsigned executors;           // 0: nobody knows; accounts may be anywhere
    const shard_record_t *record; // NULL: nothing is recorded
};

// What a document is read against.
struct config_reading {
    const config_t *held;
    struct shards_of shards;
    bool replace; // as the document's own "replace": rows that it lacks go
};

// The configuration as it would be with this document; the caller destroys it. NULL: see the
// complaints.
config_t *config_read(const struct config_reading *reading, struct span json,
                      struct complaints *complaints);

// config_rules.c: each row by itself, and what they say of each other.
void config_check(const config_t *c, struct complaints *complaints);
// config_shards.c: where accounts begin, and that none would be with another executor than in
// `held`.
void config_check_shards(const config_t *held, const config_t *wanted,
                         const struct shards_of *shards, struct complaints *complaints);
