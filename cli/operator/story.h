// story - everything that is known of a signal, and how it is told. The telling is pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/decimal.h"
#include "execution.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "signal.pb-c.h"
#include "system.pb-c.h"

#define RESULTS_MAX 200 // of one trade; more are left out
#define CLOSERS_MAX 20  // of one position; likewise

// Whose word it was that no signal gave. What is NULL is not known (any more).
struct word {
    const Command *command; // an operator's
    // as it reached the account: an operator's, a signal's, a risk lock's
    const OrderCommand *for_account;
};

// A trade that closed a position, or a part of it.
struct closer {
    const TradeState *trade;
    struct word word;
};

// One account's part. What is NULL is not known (any more).
struct part {
    const char *account_id;
    const Decision *decision;
    const Order *order;
    const TradeState *trade;
    const TradeReconciliation *reconciliation;
    const TradeResult *results[RESULTS_MAX];
    size_t n_results;
    struct word word;                   // of an order that the executor has made itself
    struct closer closers[CLOSERS_MAX]; // in the order in which they were ordered
    size_t n_closers;
    bool archived;
};

// What a signal was in a consensus.
struct contribution {
    const char *config_id;
    const char *consensus; // its signal_id; NULL: none is decided yet
    // as it was weighed; NULL: it came after the others had decided, or waits
    const Vote *vote;
    const Ballot *waiting; // with what is still lacking; NULL: decided
};

struct story {
    const char *signal_id; // else a command's, or that of a trade that no signal asked for
    struct word word;      // of a command
    const Signal *signal;
    const SignalRejection *rejection;
    const Duplicates *duplicates; // NULL: it did not come again
    const Routing *routing;
    const SignalExecutionStatus *status;
    struct part *parts;
    size_t n_parts;
    const struct contribution *contributions;
    size_t n_contributions;
    bool archived, archive_known; // known: the archive could be asked
};

bool story_is_signal(const struct story *story);
void story_tell(const struct story *story, buffer_t *out); // for people
void story_json(const struct story *story, buffer_t *out); // for machines
