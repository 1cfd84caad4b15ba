// ingest - the door: takes signals and prices in, answers when they are committed, follows what
// becomes of them.
// SPDX-License-Identifier: MIT
//
//   HTTP                 POST /webhook/<source>/<token>, POST /prices/<source>/<token>, GET
//   /healthz
//   ZeroMQ               ingest.intake (PULL): topic "<source>/<token>" or
//   "prices/<source>/<token>"
//                        ingest.handover (ROUTER): signals from other cells (handover.h)
//   topics in            routings (Routing), outcomes (Outcome), commands (Command: approve, refuse)
//   topics out           signals (Signal, SignalRejection); feed prices (Price)
//   keys                 slice.c
#pragma once

#include "cell.pb-c.h"
#include "common/base/clock.h"
#include "common/base/table.h"
#include "common/batch/guard.h"
#include "common/bus/port.h"
#include "common/delivery/cells.h"
#include "common/http/http.h"
#include "common/service/service.h"
#include "services/ingest/approvals/approvals.h"
#include "services/ingest/consensus/votes.h"
#include "services/ingest/door/reply.h"
#include "services/ingest/door/sources.h"
#include "services/ingest/identity/duplicates.h"
#include "services/ingest/identity/identity.h"
#include "services/ingest/market/market.h"
#include "services/ingest/market/signal_views.h"
#include "services/ingest/prices/prices.h"

#define GUARD_FOR     (48 * UINT64_C(3600) * NS_PER_S) // how long a signal is remembered at least
#define HANDOVERS_MAX 32                               // taken in one batch

struct ingest_settings {
    const char *http_address, *trusted_proxies;
    int64_t http_port, http_connections, http_connections_per_ip, http_idle_ms, http_request_ms;
    int64_t loss_wait_ms;
    int64_t strangers_per_s, signals_max, guard_max, price_symbols_max, consensus_ballots_max;
    int64_t source_signals_max, source_guard_max, batch_requests, batch_bytes, refusals_memory;
    int64_t bar_ms, price_ttl_ms, indicators_ttl_ms, sentiment_ttl_ms, watchlist_ttl_ms;
    int64_t candidates_ttl_ms, context_ttl_ms, signal_view_ttl_ms;
};

// A signal that is not final.
struct live {
    uint64_t created_at, routed_at; // UTC ns; routed_at 0: not yet
    uint64_t status;                // Signal__Status
    struct sender *sender;          // whose it is
};

// One request that waits for the commit.
struct waiting {
    exchange_t *exchange;
    struct reply reply;
};

// How often which cell handed what over, since the start.
struct from_cell {
    char cell[CELL_TEXT];
    uint64_t taken, had, unwanted, refused;
};

// A Handover that waits for the commit.
struct handed_over {
    uint8_t peer[64];
    size_t peer_length;
    HandoverAnswer answer; // refused: in the batch's arena
};

struct ingest {
    DoorCounts counts; // since the start
    const struct context *context;
    const struct ingest_settings *settings;
    http_t *http;
    port_t *intake;
    sources_t *sources;
    struct proxies proxies; // whose X-Forwarded-For is believed
    guard_t *guard;
    struct identity_time time; // what identities are made of
    uint64_t time_found;       // that of it which the store had at the start; 0: none
    struct losses losses;      // when what the store had was not all
    table_t *lives;            // signal_id -> struct live
    market_t *market;
    prices_t *prices;
    struct signal_views views;
    bool prices_wanted; // somebody has begun to listen to them
    duplicates_t *duplicates;
    struct bucket spoken;               // of lines about duplicates in the log
    votes_t *votes;                     // of sources that are parts of a consensus
    approvals_t *approvals;             // signals that wait for an operator
    batch_t *batch;                     // while the door takes requests; NULL: they are turned away
    bool wrote;                         // something was taken into the open batch
    size_t batch_requests, batch_bytes; // that the door has taken into the open batch
    struct waiting *waiting;
    size_t n_waiting, waiting_room;
    port_t *handover; // where other cells hand signals over
    struct from_cell from[CELLS_MAX];
    size_t n_from;
    struct handed_over handed[HANDOVERS_MAX];
    size_t n_handed;
    uint64_t chores_at; // monotonic ns
    uint64_t open_at;   // monotonic ns: new signals are taken from then on; 0: not known yet
    bool knows_losses;  // those of this start are noted
};

// A signal that is not final any more, or not yet.
struct live *lives_add(struct ingest *self, const char *signal_id, const char *source);
void lives_drop(struct ingest *self, const char *signal_id);

extern const struct service ingest_service;
extern const struct option ingest_options[];
struct ingest *ingest_new(const struct context *context, const struct ingest_settings *settings);
void ingest_destroy(struct ingest **self);
// At the end of what came in at a door: what is written once a batch.
void ingest_flush(struct ingest *self, batch_t *batch);
