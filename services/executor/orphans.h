// orphans - trades that a broker reports and the executor does not know: their gateway is asked
// until its books explain them. Memory; slice.h keeps them.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orphan {
    char *trade_id, *account_id;
    uint64_t since;    // monotonic ns: when it was first heard of, in this life
    uint64_t asked_at; // monotonic ns; 0: not yet
    unsigned asks;
    bool alarmed;
    struct orphan *prev, *next;
};

typedef struct orphans orphans_t;

orphans_t *orphans_new(void);
void orphans_destroy(orphans_t **self);
size_t orphans_count(const orphans_t *self);
struct orphan *orphans_find(const orphans_t *self, const char *trade_id); // NULL: none
// there must be none
struct orphan *orphans_add(orphans_t *self, const char *trade_id, const char *account_id,
                           uint64_t mono_ns);
struct orphan *orphans_first(const orphans_t *self); // all, oldest first, then ->next
void orphans_drop(orphans_t *self, struct orphan *o);
