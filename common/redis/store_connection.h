// store_connection - the inside of store.h: the connection, and one command and its reply.
// SPDX-License-Identifier: MIT
#pragma once

#include <hiredis/hiredis.h>
#include <string.h>

#include "common/redis/store.h"

struct store {
    char *address, *user, *password;
    int64_t answer_within_ms;
    redisContext *redis;
    char trouble[200];
    store_unreadable_fn *note; // hears of what cannot be read
    void *note_arg;
};

static inline void release_reply(redisReply **r) {
    if (*r) freeReplyObject(*r);
}
#define reply_t __attribute__((cleanup(release_reply))) redisReply

redisReply *store_next_reply(store_t *self);             // NULL: the connection is gone
err_t store_lost(store_t *self, const char *doing);      // closes the connection; ERR_STORE
err_t store_refusal(store_t *self, const redisReply *r); // what an error reply means to the caller

// One command and its reply; an error reply becomes an error.
err_t store_ask(store_t *self, unsigned argc, const struct span *argv, redisReply **out);
void store_take_text(const redisReply *r, buffer_t *out); // a string or number

#define S(text) ((struct span){(text), strlen(text)})
#define ASK(self, out, ...)                                                                        \
    store_ask(self, sizeof((struct span[]){__VA_ARGS__}) / sizeof(struct span),                    \
              (struct span[]){__VA_ARGS__}, out)
