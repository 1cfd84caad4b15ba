// reply - what the door answers: status, body, headers.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "services/ingest/market/market.h"
#include "services/ingest/read/signal_of.h"

struct reply {
    unsigned status;
    struct span body;       // JSON, constant or in the arena
    unsigned retry_after_s; // 0: none
    const char *header;     // one more, or NULL
};

// Errors whose words are always the same: one table.
//    name            status  retry after s  code                    message
#define REPLIES(X)                                                                                 \
    X(WRONG_TOKEN, 401, 0, "wrong_token", "unknown source or wrong token")                         \
    X(WRONG_TOKENS, 429, 5, "too_many_wrong_tokens",                                               \
      "too many requests with a wrong token from this address")                                    \
    X(WRONG_ADDRESS, 403, 0, "address_not_allowed", "this source may not send from this address")  \
    X(NOT_FOUND, 404, 0, "not_found",                                                              \
      "there is nothing here; signals go to /webhook/<source>/<token>")                            \
    X(NOT_METHOD, 405, 0, "method_not_allowed", "this address takes another method")               \
    X(CONFLICT, 409, 0, "conflict", "this signal_id was used for other content")                   \
    X(TOO_LARGE, 413, 0, "too_large", "the body is over 64 KiB")                                   \
    X(OVER_RATE, 503, 1, "over_rate", "this source sends more than its rate; send it again")       \
    X(HELD_BACK, 503, 2, "held_back", "nothing can be committed at the moment; send it again")     \
    X(FULL, 503, 5, "full",                                                                        \
      "as many signals are open or remembered as may be; send it again later")                     \
    X(SHARE_FULL, 503, 5, "source_full",                                                           \
      "this source has as many signals open or remembered as it may; send it again later")         \
    X(BATCH_FULL, 503, 1, "busy", "too much at once; send it again")                               \
    X(NO_PRICES, 422, 0, "not_allowed", "this source may not post prices")                         \
    X(REFUSED_BEFORE, 422, 0, "invalid", "this signal was refused before")

#define REPLY_NAME(name, status, retry, code, message) REPLY_##name,
enum reply_kind { REPLIES(REPLY_NAME) REPLY_COUNT };
#undef REPLY_NAME

struct reply reply_error(enum reply_kind kind);
struct reply reply_undecodable(arena_t *arena, const char *why);                  // 400
struct reply reply_invalid(arena_t *arena, const struct complaints *c);           // 422
struct reply reply_signal(arena_t *arena, const char *signal_id, bool duplicate); // 200
struct reply reply_prices(arena_t *arena, size_t n,
                          const struct complaints *c); // 200; with those that were left out
// 200; with those that were left out
struct reply reply_documents(arena_t *arena, const struct market_taken *taken,
                             const struct complaints *c);
struct reply reply_not_allowed(arena_t *arena, const char *document); // 403
struct reply reply_healthy(void);                                     // 200
