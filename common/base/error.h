// error - one table gives every error its name, its policy and its words.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

// What the loop does with a handler's error. Only the loop reads this, and only the loop logs.
enum policy {
    POLICY_GO,     // no error
    POLICY_REJECT, // the message goes to the dead letters with its reason; go on
    POLICY_RETRY,  // keep the batch, take no input, try again
    POLICY_STOP,   // stop the process with a clear sentence; the supervisor starts it again
};

#define ERRORS(X)                                                                                  \
    X(ERR_OK, POLICY_GO, "done")                                                                   \
    X(ERR_INPUT, POLICY_REJECT, "message cannot be decoded")                                       \
    X(ERR_RULE, POLICY_REJECT, "message breaks a rule")                                            \
    X(ERR_STATE, POLICY_REJECT, "move is not in the life cycle")                                   \
    X(ERR_MISSING, POLICY_REJECT, "message refers to something unknown")                           \
    X(ERR_STORE, POLICY_RETRY, "store did not answer")                                             \
    X(ERR_REFUSED, POLICY_RETRY, "store refused the transaction")                                  \
    X(ERR_BUSY, POLICY_RETRY, "no room for more at the moment")                                    \
    X(ERR_DISK, POLICY_RETRY, "disk refused the transaction")                                      \
    X(ERR_PEER, POLICY_RETRY, "the other system has not accepted it yet")                          \
    X(ERR_MEMORY, POLICY_STOP, "out of memory")                                                    \
    X(ERR_OWNER, POLICY_STOP, "key belongs to another service")                                    \
    X(ERR_FENCED, POLICY_STOP, "another process has taken this service over")                      \
    X(ERR_FORGOTTEN, POLICY_STOP,                                                                  \
      "store holds something else than what was written: the next start goes on from that")        \
    X(ERR_ACCESS, POLICY_STOP, "store refused the login or a permission")                          \
    X(ERR_CONFIG, POLICY_STOP, "configuration is wrong")                                           \
    X(ERR_SYSTEM, POLICY_STOP, "operating system refused")

#define ERROR_NAME(name, policy, words) name,
typedef enum [[nodiscard]] err{ERRORS(ERROR_NAME)} err_t;
#undef ERROR_NAME

enum policy error_policy(err_t e);
const char *error_name(err_t e);  // "ERR_RULE"
const char *error_words(err_t e); // "message breaks a rule"
