// shards - moving accounts between executors: what is kept of them in Redis, and the one
// transaction that moves it.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/cli.h"
#include "cli/cluster/shards_plan.h"
#include "common/delivery/topology.h"
#include "common/redis/store.h"

#define WHY_TEXT 400

// Redis as it is found.
struct shards {
    store_t *store;
    const struct place *place;
    book_t *book;
    shard_record_t *record;
    unsigned recorded, retired; // executors; 0: nothing is recorded
    struct shard_plan plan;
    const char *why; // said with ERR_CONFIG, ERR_BUSY
};

// One thing that an executor keeps of an account, or of all.
struct kept {
    const struct kept_key *key;
    unsigned at, to; // executors
    struct span name, value;
};
// All that is with another executor than the plan says, found anew; names and values are in
// `arena`.
err_t shards_find(const struct shards *s, arena_t *arena, struct kept **out, size_t *n);
// The commands that move it, appended: *commands counts them.
void shards_move_kept(const struct kept *list, size_t n, buffer_t *out, unsigned *commands);

// What an executor has seen is known to whoever takes over from it (guard.h). May be done at any
// time, and again.
err_t shards_copy_guards(const struct shards *s, const struct kept *list, size_t n,
                         char why[static WHY_TEXT]);
// The commands that forget what an executor that goes has remembered.
err_t shards_forget_guards(const struct shards *s, unsigned shard, buffer_t *out,
                           unsigned *commands);
// The commands by which a new executor obeys what is halted, and hears only of what comes from now
// on.
err_t shards_begin(const struct shards *s, unsigned shard, buffer_t *out, unsigned *commands);

// orders and commands that an executor has not taken
err_t shards_to_take(store_t *store, unsigned shard, uint64_t *out);
// "0-0": nothing was ever written
err_t shards_head(store_t *store, const char *topic, char id[static ENTRY_ID_TEXT]);
// 0: there is none
err_t shards_number(store_t *store, const char *key, unsigned *out);
void shards_command(buffer_t *out, unsigned *commands, unsigned argc, const struct span *argv);

// shards_apply.c: nobody runs, what was on its way is done, and then it is moved at once.
enum outcome shards_apply(struct shards *s, bool fence);
// Until Redis has it on disk; false: it has not within ten seconds.
bool shards_durable(store_t *store);
