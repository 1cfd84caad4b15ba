// advisor - gives language models one package to read about a symbol, and takes their decisions as
// proposals that become signals like any other. Nothing depends on it.
// SPDX-License-Identifier: MIT
//
// In:   HTTP and MCP (door/), the operator's verbs; others' keys of Redis, read when asked
// Out:  decisions (LlmDecision); signals, to the door of ingest
// Keys: slice.c. Read package/package.h and decision/desk.h next.
#pragma once

#include "common/domain/book.h"
#include "common/service/service.h"
#include "services/advisor/package/recent.h"

struct advisor_settings {
    const char *http_address, *http_names, *token;
    int64_t http_port;
    const char *source;
    int64_t package_bytes, headlines, price_age_ms, data_age_ms;
    bool account_ids;
};

struct advisor {
    const struct context *context;
    const struct advisor_settings *settings;
    store_t *store;
    book_t *book;          // of others' configuration, read anew now and then
    uint64_t book_read_at; // monotonic ns
    struct recent_packages recent;
    http_t *http;   // NULL: no token is set, and nobody listens
    batch_t *batch; // while the door is answering; NULL: nothing can be committed
};

extern const struct service advisor_service;

// A package about a symbol as it stands now, remembered as given out. ERR_RULE: no such symbol;
// ERR_MISSING: nothing is known of it; else Redis did not answer.
err_t advisor_package(struct advisor *self, const char *symbol, const struct package **out);
err_t advisor_symbols(struct advisor *self, buffer_t *out); // {"symbols":[…]}
