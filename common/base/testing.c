// testing - fail points and mutations; this file is empty in a release.
// SPDX-License-Identifier: MIT
#include "common/base/testing.h"

#ifdef TRADECAST_TEST

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 32

static struct plan {
    char fail_text[1024], mutate_text[1024];
    struct {
        const char *name;
        unsigned long left;
    } fails[NAMES_MAX];
    const char *mutations[NAMES_MAX];
    unsigned n_fails, n_mutations;
    const char *from; // NULL: from the start
    bool read;
} plan;

// The environment's value, cut at commas into `visit`ed words. A plan that does not fit would test
// less than it says: stop.
static void each_word(const char *variable, char *text, size_t size, void (*visit)(char *word)) {
    const char *value = getenv(variable);
    if (!value) return;
    if (snprintf(text, size, "%s", value) >= (int)size) abort();
    char *rest = text;
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        if (*word) visit(word);
    }
}

static void add_fail(char *word) {
    if (plan.n_fails == NAMES_MAX) abort();
    char *colon = strrchr(word, ':');
    unsigned long n = 1;
    if (colon) *colon = 0, n = strtoul(colon + 1, NULL, 10);
    plan.fails[plan.n_fails].name = word;
    plan.fails[plan.n_fails++].left = n ? n : 1;
}

static void add_mutation(char *word) {
    if (plan.n_mutations == NAMES_MAX) abort();
    plan.mutations[plan.n_mutations++] = word;
}

static void read_plan(void) {
    if (plan.read) return;
    plan.read = true;
    plan.from = getenv("TRADECAST_FAIL_FROM");
    each_word("TRADECAST_FAIL", plan.fail_text, sizeof plan.fail_text, add_fail);
    each_word("TRADECAST_MUTATE", plan.mutate_text, sizeof plan.mutate_text, add_mutation);
}

void failpoint_pass(const char *name) {
    read_plan();
    if (plan.from && access(plan.from, F_OK) != 0) return;
    for (unsigned i = 0; i < plan.n_fails; i++) {
        if (strcmp(plan.fails[i].name, name) == 0 && --plan.fails[i].left == 0)
            (void)kill(getpid(), SIGKILL);
    }
}

void poison_taste(const char *role, const void *body, unsigned long length) {
    char word[64];
    int n = snprintf(word, sizeof word, "poison.%s", role);
    for (unsigned long at = 0; at + (unsigned long)n <= length; at++) {
        if (memcmp((const char *)body + at, word, (size_t)n) == 0) (void)kill(getpid(), SIGKILL);
    }
}

bool mutation_is(const char *name) {
    read_plan();
    for (unsigned i = 0; i < plan.n_mutations; i++) {
        if (strcmp(plan.mutations[i], name) == 0) return true;
    }
    return false;
}

#endif
