// doubt - may this order be sent without asking first, and what to do about a trade that is in
// doubt. Pure: no I/O, no clock.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway.pb-c.h"

// What a gateway can do to keep an order from happening twice. Times in ns.
struct gateway_checks {
    Hello__DuplicateCheck check;
    bool can_query;
    uint64_t window;             // check window: how long an id is known
    uint64_t longest_acceptance; // an order that is not there after this will not come
    uint64_t session_since;      // check session: UTC ns since when the session with us has lasted
    // its gateway has every Submit in its books and says so, whether or not the broker can be asked
    bool keeps_plans;
    uint64_t books_since; // UTC ns: since when; 0: it does not say
};

// What a gateway can do, as it said in its Hello. {.checks.check = none}: nothing.
struct gateway_abilities {
    struct gateway_checks checks;
    bool can_modify, can_modify_price, can_stop_limit, can_net;
};

// Where an order comes from. UTC ns.
struct order_origin {
    uint64_t signal_at;  // stamped at the door, carried unchanged
    uint64_t ordered_at; // when the router decided: says nothing, a redone decision looks new
    bool resend;         // re-driven by hand
    // a close whose plan is not on record: an earlier life may have sent another plan under its id
    bool planless;
};

// Where we stand. UTC ns.
struct doubt_context {
    uint64_t now;
    uint64_t started_at;     // this executor
    uint64_t rolled_back_at; // Redis last started, or was found to have lost something; 0: never
    uint64_t skew_margin;    // how far clocks of the hosts that services run on may differ
    uint64_t rollback_quiet; // for how long after a rollback no signal counts as fresh
};

enum may_send {
    MAY_SEND,  // it cannot be there yet, or a second one would be refused
    ASK_FIRST, // an earlier life of ours may have sent it
    MAY_HOLD,  // the same, and nobody can be asked: the operator decides
};

// Whether it cannot have been here before: its signal is younger than this life, and than what a
// rollback may have taken.
bool doubt_is_fresh(const struct order_origin *o, const struct doubt_context *c);

// Whether an order that was decided at `decided_at` may leave now, after its commit (monotonic ns).
// If not it is decided again: the commit took so long that the gateway may have forgotten the id
// meanwhile, or the order has become too old.
#define DOUBT_LEAVES_WITHIN UINT64_C(1000000000)
bool doubt_may_leave(uint64_t decided_at, uint64_t mono);
// Whether the gateway would refuse a second order under an id that was first sent at `first_at`
// (UTC ns) or later, if ours is decided now.
bool doubt_covered(const struct gateway_checks *g, uint64_t first_at, uint64_t now);
// Since when (UTC ns) it may have been sent, for doubt_covered: to be taken when the order comes
// in, and kept with it.
uint64_t doubt_first_at(const struct order_origin *o, const struct doubt_context *c);
// A second close under a known id would be refused; but what the first one closes must be known, so
// that is asked about all the same.
enum may_send doubt_may_send(const struct gateway_checks *g, const struct order_origin *o,
                             const struct doubt_context *c);

// Whether its gateway's word that it was never submitted is certain: its books are older than the
// order can be.
bool doubt_books_reach(const struct gateway_checks *g, uint64_t signal_at, uint64_t skew_margin);

// How patiently a trade in doubt is asked about. Durations in ns.
struct doubt_patience {
    uint32_t asks;     // so many times in a row not found
    uint64_t interval; // so far apart
    uint64_t least;    // over at least this, or twice the gateway's longest acceptance
    // a question without an answer says nothing: it is asked again after this
    uint64_t answer_within;
    uint64_t held_interval; // between questions about one that waits for the operator
    uint64_t skew_margin;   // how far clocks of the hosts that services run on may differ
};

// A trade in doubt. Times on the monotonic clock, ns; what is remembered of them in Redis is for
// looking only.
struct doubt_state {
    bool found;         // the broker has it
    bool asking;        // a question is out
    bool reachable;     // its gateway is there to be asked
    uint32_t not_found; // answers in a row that the broker does not have it
    uint64_t since;     // of the first question in that row
    uint64_t asked_at;  // the last question; 0: none yet
    bool was_sent;      // recorded as submitted, in this life or an earlier one
    bool covered;       // a second order under its id would be refused (doubt_covered)
    bool too_old;       // its signal, or the order itself, has expired
    bool unwanted;      // it is to be cancelled
    bool known_there;   // a second order was refused because the id is known
};

enum doubt_step {
    DOUBT_WAIT,
    DOUBT_ASK,
    DOUBT_ADOPT,
    DOUBT_EXPIRE,
    DOUBT_CANCEL,
    DOUBT_RESEND,
    DOUBT_HOLD
};

// What to do now. *again: when to look next if nothing happens (monotonic ns; WAIT and HOLD).
enum doubt_step doubt_next(const struct doubt_state *d, const struct gateway_checks *g,
                           const struct doubt_patience *p, uint64_t mono, uint64_t *again);
