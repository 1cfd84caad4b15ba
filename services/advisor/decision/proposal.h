// proposal - a decision as it comes in: read, and held against the rules of the advisor. Pure. (The
// rules of trading are the door's and the router's, for it as for every signal.)
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/decimal.h"
#include "llm.pb-c.h"
#include "services/advisor/package/package.h"

#define REASONING_MOST 4000 // characters
#define PROPOSAL_WHY   400

// Reads JSON. NULL: *why says everything that is wrong, as far as there is room.
LlmProposal *proposal_read(struct span json, arena_t *arena, char why[static PROPOSAL_WHY]);

// The same proposal always has the same id, however it was written: 0.1 is 0.10, and null is absent.
void proposal_id(const LlmProposal *proposal, char out[static 37]);

struct proposal_rules {
    uint64_t now;         // UTC ns
    uint64_t package_for; // ns: a package counts for so long
    decimal_t lots_most;  // 0: no limit
};

// `package`: the one that it names; NULL: it was not given out, or is forgotten. False: *why says
// which rule it breaks.
bool proposal_check(const LlmProposal *proposal, const struct package *package,
                    const struct proposal_rules *rules, char why[static PROPOSAL_WHY]);

bool proposal_is_entry(const LlmProposal *proposal); // it may add exposure
