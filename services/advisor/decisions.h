// decisions - what models and people decided: taken in, recorded, approved, and how far each has
// come.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/hash.h"
#include "common/batch/batch.h"
#include "common/domain/book.h"
#include "services/advisor/decision/caps.h"
#include "services/advisor/decision/lifecycle.h"
#include "services/advisor/decision/proposal.h"
#include "services/advisor/package/recent.h"

#define DECISIONS_MOST 500 // in memory; those that are final go first
#define PROPOSALS_MOST 100 // that wait for a person

struct decisions_settings {
    bool automatic; // mode auto
    bool auto_live; // also where live accounts subscribe
    decimal_t lots_most;
    struct caps caps;
    uint64_t package_for, propose_for, signal_for; // ns
    bool can_send;                                 // there is a token for the door of signals
    const char *source;
};

// One that is known here.
struct held_decision {
    LlmDecision *row; // owned
    bool committed;   // it is on record: it may be sent
    bool under_way;   // to the door of signals
    unsigned attempts;
    uint64_t due_at; // monotonic ns: when it is sent again
    char id[40];
    UT_hash_handle hh;
};

typedef struct decisions {
    struct decisions_settings settings;
    struct held_decision *all; // by id, the oldest first
    LlmUse use;
    store_t *store; // where final ones that memory has forgotten are looked up
} decisions_t;

// What has come in.
struct arrival {
    LlmDecision__Origin origin;
    struct span body;                   // of the proposal; empty with `trouble`
    struct span raw;                    // what is recorded as the raw answer; empty: the body
    const char *trouble;                // why there is no proposal; NULL: there is one
    const char *symbol;                 // client: what was asked about; NULL: the proposal says it
    const char *model, *prompt_version; // client: stand in where the proposal says nothing
    const struct package *package;      // client: what was sent; NULL: the one it names
    uint32_t tokens;                    // client; 0: not known
};

void decisions_start(decisions_t *self, const struct decisions_settings *settings, store_t *store);
void decisions_end(decisions_t *self);
err_t decisions_load(decisions_t *self); // those that are open, and the use

// Records it, whatever it is. *known: it had come before, and this is how it stands. The row lives
// until the next call. NULL: Redis did not answer, and nothing was taken.
const LlmDecision *decisions_take(decisions_t *self, batch_t *batch, const book_t *book,
                                  const struct recent_packages *recent,
                                  const struct arrival *arrival, bool *known);

// A person's word. False: *why says why not.
bool decisions_answer(decisions_t *self, batch_t *batch, const char *id, enum decision_event event,
                      const char *who, const char *reason, char why[static 200]);
// What the door of signals said: accepted with signal_id, or rejected with a reason.
void decisions_settle(decisions_t *self, batch_t *batch, struct held_decision *held,
                      enum decision_event event, const char *text);
void decisions_expire(decisions_t *self, batch_t *batch); // proposals whose time is up
void decisions_committed(decisions_t *self);              // all so far are on record

struct held_decision *decisions_find(const decisions_t *self, const char *id); // NULL: unknown
// {"decisions":[…]}, the latest first, without packages and raw answers; state NULL: all
void decisions_list(const decisions_t *self, const char *state, buffer_t *out);
