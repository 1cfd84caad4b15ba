// testing - fail points and mutations: compiled into test builds only (-DTRADECAST_TEST), nothing elsewhere.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#ifdef TRADECAST_TEST
// Kills the process (SIGKILL) at the n-th passing: TRADECAST_FAIL=name:n
void failpoint_pass(const char *name);
// True when the mechanism named is switched off: TRADECAST_MUTATE=name
bool mutation_is(const char *name);
#define FAILPOINT(name) failpoint_pass(name)
#define MUTATED(name) mutation_is(name)
#else
#define FAILPOINT(name) ((void)0)
#define MUTATED(name) false
#endif
