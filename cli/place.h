// place - where the installation is, and the ways to look into it: Redis, the archive, the
// services' control sockets.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/cli.h"
#include "common/redis/store.h"
#include "common/schema/record.h"
#include "common/sql/sql.h"

#define PLACE_SHARDS_MAX 64

// DIR: the option, else TRADECAST_DIR, else where TRADECAST_RUN_DIR's directory is, else var. In it
// run/, secrets/, data/archive.db; each of TRADECAST_RUN_DIR, TRADECAST_REDIS,
// TRADECAST_ARCHIVER_DATABASE and TRADECAST_SHARDS goes before.
void place_find(struct place *out, const char *dir);

// The path of a program of ours, beside this one. False: it is not there.
#define PROGRAM_PATH 512
bool place_program(const char *name, char out[static PROGRAM_PATH]);

// As whom the command connects to doors on tcp: TRADECAST_KEYS_NAME, else operator; `health` as the
// process that it asks, where only that one's key is.
void place_keys(const struct call *call);

// A secret of the installation (a Redis user's password, "webhook-<source>"). False: it cannot be
// read.
bool place_secret(const struct place *place, const char *name, char out[static 200]);

// Redis as `user`, connected; NULL: it has been said why, the outcome is NO_REACH.
store_t *place_store(const struct place *place, const char *user);
store_t *place_store_quietly(const struct place *place, const char *user, char why[static 240]);
sql_t *place_archive(const struct place *place, char why[static 200]); // read-only; NULL: *why

// A request to a service's control socket.
struct question {
    const char *service, *verb;
    const char *args[8];
    size_t n_args;
    struct span body;
    int64_t within_ms; // 0: 5000
    const char *door;  // NULL: "control"
    const char *cell;  // another one; NULL: this one
};
// DONE: `out` holds the answer's JSON; ANSWER_NO: the service's sentence; NO_REACH: ours.
enum outcome ask_service(const struct place *place, const struct question *question, buffer_t *out);
void say_refused(void); // on stderr, by whom we were turned away since this was last said
// and prints the answer or complains
enum outcome ask_and_say(const struct call *call, const struct question *question);

// One command to Redis whose reply is text (a line for each element).
err_t ask_redis(store_t *store, buffer_t *out, unsigned n, const char *const words[]);
#define REDIS(store, out, ...)                                                                     \
    ask_redis(store, out, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                  \
              (const char *[]){__VA_ARGS__})
