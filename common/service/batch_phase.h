// batch_phase - the life of the open batch, and of the one message that a careful start tries, as
// tables with one step each.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

// Where the loop's batch stands. This is the order in which nothing is lost and nothing is done
// twice:
// no effect leaves before BATCH_COMMITTED, and a batch that was submitted is never written anew.
//
//            begin        seal          own_commit         submit            land             close
//   (none) ───────▶ open ──────▶ sealed ─────────▶ persisted ──────▶ submitted ──────▶ committed
//   ─────▶ (none)
//                    │            ↺ retry                              ↺ retry
//                    └─ close: there was nothing to commit ──▶ (none)
#define BATCH_PHASES(X)                                                                            \
    X(BATCH_NONE, "none")     /* there is no batch */                                              \
    X(BATCH_OPEN, "open")     /* handlers write into it */                                         \
    X(BATCH_SEALED, "sealed") /* nothing may be added; the service's own commit comes first */     \
    X(BATCH_PERSISTED, "persisted") /* the service has committed, if it has a commit of its own */ \
    X(BATCH_SUBMITTED,                                                                             \
      "submitted") /* the ledger has it, and lands it however often it must try */                 \
    X(BATCH_COMMITTED, "committed") /* Redis has it: send, answer, close */

#define BATCH_EVENTS(X)                                                                            \
    X(BATCH_BEGIN, "begin")           /* the first message or timer since the last batch */        \
    X(BATCH_SEAL, "seal")             /* it is to be committed */                                  \
    X(BATCH_OWN_COMMIT, "own_commit") /* struct service.persist has succeeded, or there is none */ \
    X(BATCH_SUBMIT, "submit")         /* its commands go to the ledger now */                      \
    X(BATCH_LAND, "land")             /* Redis has executed them */                                \
    X(BATCH_RETRY,                                                                                 \
      "retry") /* SQLite, another cell or Redis refuses: it waits, and input with it */            \
    X(BATCH_CLOSE, "close") /* who waited is answered; an open batch closes if it is empty */

// After an unclean start messages are taken one at a time, so that one that kills the service is
// known by the try count that is written before it. A try belongs to the batch its message is in.
//
//             count              forgive
//   (none) ────────▶ counted ───────────▶ forgiven        end, from each: (none)
#define ATTEMPTS(X)                                                                                \
    X(ATTEMPT_NONE, "none")         /* no message of the batch was counted */                      \
    X(ATTEMPT_COUNTED, "counted")   /* one is being tried, and no other is taken */                \
    X(ATTEMPT_FORGIVEN, "forgiven") /* its count was taken back: it waits for somebody else */

#define ATTEMPT_EVENTS(X)                                                                          \
    X(ATTEMPT_COUNT, "count")     /* a message is about to be handled */                           \
    X(ATTEMPT_FORGIVE, "forgive") /* Redis has an empty count again */                             \
    X(ATTEMPT_END, "end")         /* its batch was closed */

#define PHASE_NAME(name, word) name,
enum batch_phase { BATCH_PHASES(PHASE_NAME) BATCH_PHASE_COUNT };
enum batch_event { BATCH_EVENTS(PHASE_NAME) BATCH_EVENT_COUNT };
enum attempt { ATTEMPTS(PHASE_NAME) ATTEMPT_COUNT_OF };
enum attempt_event { ATTEMPT_EVENTS(PHASE_NAME) ATTEMPT_EVENT_COUNT };
#undef PHASE_NAME

// Whether the event may happen in this phase; then *phase is the one after it, else it stays.
bool batch_phase_step(enum batch_phase *phase, enum batch_event event);
bool attempt_step(enum attempt *attempt, enum attempt_event event);

// The same for the loop, which is wrong if the event may not happen: it aborts, before anything is
// sent.
void batch_phase_move(enum batch_phase *phase, enum batch_event event);
void attempt_move(enum attempt *attempt, enum attempt_event event);

// Whether nothing may be added to the batch any more, and it is not yet closed.
bool batch_phase_is_sealed(enum batch_phase phase);

const char *batch_phase_name(enum batch_phase phase);
