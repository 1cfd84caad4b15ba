// testing - fail points and mutations: compiled into test builds only (-DTRADECAST_TEST), nothing
// elsewhere.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#ifdef TRADECAST_TEST
// Kills the process (SIGKILL) at the n-th passing: TRADECAST_FAIL=name:n. Where
// TRADECAST_FAIL_FROM=FILE is set, passings count from when there is such a file.
void failpoint_pass(const char *name);
// True when the mechanism named is switched off: TRADECAST_MUTATE=name
bool mutation_is(const char *name);
// Kills the process when a message's body holds the word "poison.<role>": the message that kills
// its consumer.
void poison_taste(const char *role, const void *body, unsigned long length);
#define FAILPOINT(name)           failpoint_pass(name)
#define TASTE(role, body, length) poison_taste(role, body, length)
#define MUTATED(name)             mutation_is(name)
#else
#define FAILPOINT(name)           ((void)0)
#define TASTE(role, body, length) ((void)0)
#define MUTATED(name)             false
#endif
