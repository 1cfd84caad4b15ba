// live - signals that are not complete, and their trades. Memory only; slice.h keeps them.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/hash.h"
#include "services/reconciler/compare.h"

struct live_trade {
    struct live_signal *signal;
    struct live_trade *next; // of the same signal
    char *account_id;
    struct facts facts;
    TradeReconciliation__Status status; // pending: not final yet
    char why[REASON_TEXT];              // when it failed
    bool listed;                        // named by the routing
    bool own;                           // an order that the executor has made itself
    bool evidence;                      // an execution of it has been seen
    bool apart;                         // it stands in a field of its own, not in its signal's
    bool written;                       // reconciliation:{trade_id} is there
    bool held;                          // it waits for the operator
    uint32_t asks;                      // how often its state was asked for
    uint64_t ordered_at;                // UTC ns
    uint64_t ask_at;                    // UTC ns: when an answer is overdue; 0: not reckoned yet
    UT_hash_handle hh;
    char id[];
};

struct live_signal {
    bool routed;
    // no routing comes: its trades are orders that the executor has made itself
    bool own;
    bool kept;                     // it stands in reconciliation:open
    uint64_t signal_at, routed_at; // UTC ns, when routed
    uint64_t seen_at;              // UTC ns: first heard of
    unsigned count, settled;       // trades, and those that are not pending
    bool satisfied;                // an account needed no order for what the signal wants
    bool skipped;                  // no account was to trade it
    char *refused;                 // why other accounts got no order; NULL: none
    uint64_t noted_at;             // monotonic ns: it changed, and that is not told; 0: told
    struct live_signal *noted_before, *noted_next;
    struct live_trade *trades;
    UT_hash_handle hh;
    char id[];
};

// {0} is empty.
struct live {
    struct live_signal *signals;
    struct live_trade *trades;
    struct live_signal *noted; // progress.h, the oldest first
};

void live_clear(struct live *live);
struct live_signal *live_signal_find(const struct live *live, const char *signal_id);
// made when new
struct live_signal *live_signal_get(struct live *live, const char *signal_id, uint64_t now);
// with its trades
void live_signal_drop(struct live *live, struct live_signal *signal);
void live_signal_unnote(struct live *live, struct live_signal *signal);
// copied; empty: none
void live_signal_refused(struct live_signal *signal, const char *why);
struct live_trade *live_trade_find(const struct live *live, const char *trade_id);
struct live_trade *live_trade_add(struct live *live, struct live_signal *signal,
                                  const char *trade_id, const char *account_id);
void live_trade_drop(struct live *live, struct live_trade *trade);
// its signal was decided again, and not for it
bool live_trade_is_taken_back(const struct live_trade *trade);
