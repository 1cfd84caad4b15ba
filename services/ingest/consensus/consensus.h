// consensus - whether sources agree: a table of votes and a new signal in; the table after it, a
// reckoning with its numbers, and the signal that follows from it out. Pure: times are the signals'
// own. The rules in words:
// docs/consensus.md.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/decimal.h"
#include "config.pb-c.h"
#include "signal.pb-c.h"

#define CONSENSUS_PARTS_MAX 32 // of a row; what is beyond has no vote

#define CONSENSUS_WINDOW_MAX_S 3600

// Whether it says what its source thinks of a symbol: buy, sell, a close. Changes of orders and
// what concerns one signal's orders only do not.
bool consensus_hears(const Signal *signal);
// NULL: it is none of them
const Consensus__Part *consensus_part(const Consensus *rule, const char *source);

struct reckoning {
    bool reached;
    // agrees with the last consensus, which was reached without it: it belongs to that, and counts
    // for no other
    bool late;
    // (weight for - weight against) / weight of all parts, to the nearest 10^-8
    decimal_t agreement;
    decimal_t weight_for, weight_against;
    bool has_confidence;  // whether any of those that agree gives one
    decimal_t confidence; // their weighted mean
};

struct hearing {
    const SignalConfig *row; // with a consensus
    const Ballot *ballot;    // of this row and the signal's symbol; NULL: none yet
    const Signal *signal;    // of one of its parts; consensus_hears
};

struct heard {
    Ballot *ballot; // as it is from now on
    struct reckoning reckoning;
    Signal *signal; // the consensus, pending, without content; NULL: not reached
};

// What comes out lies in the arena and points into what went in.
void consensus_hear(const struct hearing *h, arena_t *arena, struct heard *out);

// Whether anything in it can still count at `now`.
bool ballot_is_over(const Ballot *ballot, const Consensus *rule, uint64_t now);
