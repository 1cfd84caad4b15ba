// advisor - gives language models one package to read about a symbol, and takes their decisions as
// proposals that become signals like any other. Nothing depends on it.
// SPDX-License-Identifier: MIT
//
// In:   HTTP and MCP (door/), the operator's verbs; others' keys of Redis, read when asked
// Out:  decisions (LlmDecision); signals, to the door of ingest
// Keys: slice.c. Read package/package.h and decisions.h next.
#pragma once

#include "common/domain/book.h"
#include "common/service/service.h"
#include "services/advisor/asker.h"
#include "services/advisor/courier.h"
#include "services/advisor/door/waiting.h"
#include "services/advisor/mcp/session.h"
#include "services/advisor/package/recent.h"

struct advisor_settings {
    const char *http_address, *http_names, *token;
    int64_t http_port;
    const char *source;
    int64_t package_bytes, headlines, price_age_ms, data_age_ms;
    bool account_ids;
    const char *mode, *signal_url, *signal_token;
    int64_t package_for_ms, propose_for_ms, signal_for_ms, decisions_per_hour, decisions_per_day;
    int64_t lots_max; // e8
    bool auto_live, signal_plain, model_plain;
    struct asker_settings model;
    int64_t calls_per_hour, tokens_per_day;
};

struct advisor {
    const struct context *context;
    const struct advisor_settings *settings;
    store_t *store;
    book_t *book;          // of others' configuration, read anew now and then
    uint64_t book_read_at; // monotonic ns
    struct recent_packages recent;
    decisions_t decisions;
    courier_t courier;
    asker_t asker;
    uint64_t minute; // monotonic ns: since when `taken` is counted
    unsigned taken;  // decisions of this minute
    struct mcp_sessions sessions;
    struct waiting_answers waiting; // until the batch that they tell of is committed
    http_t *http;                   // NULL: no token is set, and nobody listens
    batch_t *batch;                 // while the door is answering; NULL: nothing can be committed
};

extern const struct service advisor_service;

// A package about a symbol as it stands now, remembered as given out. ERR_RULE: no such symbol;
// ERR_MISSING: nothing is known of it; else Redis did not answer.
err_t advisor_package(struct advisor *self, const char *symbol, const struct package **out);
err_t advisor_symbols(struct advisor *self, buffer_t *out); // {"symbols":[…]}

// A decision as it comes in: recorded, whatever it is. *known: it had come before. NULL: it was not
// taken, for Redis does not answer (then *busy is false), or because there were too many.
const LlmDecision *advisor_decide(struct advisor *self, const struct arrival *arrival, bool *known,
                                  bool *busy);
// What a model answered; recorded like what comes in by itself.
void advisor_take_answer(struct advisor *self, batch_t *batch, const struct arrival *arrival);
// The row as JSON, without what is long.
void advisor_write_decision(const LlmDecision *row, bool known, buffer_t *out);
