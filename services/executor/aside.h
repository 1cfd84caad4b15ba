// aside - reports about trades that are not known (yet): kept until their order comes, so that no execution is lost. Memory; slice.h keeps
// it. SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway.pb-c.h"

struct kept_report {
    char field[160]; // its name in Redis: "<instance_id>:<books>:<number>"
    Report *report;  // owned
    uint64_t since;  // monotonic ns
    bool alarmed;
    struct kept_report *prev, *next;
};

typedef struct aside aside_t;

aside_t *aside_new(void);
void aside_destroy(aside_t **self);
size_t aside_count(const aside_t *self);
struct kept_report *aside_add(aside_t *self, const char *field, const Report *report, uint64_t mono_ns); // copied
// The oldest about this trade; NULL: none. Walks over what is kept: ask only when aside_count says that there is something.
struct kept_report *aside_find(const aside_t *self, const char *trade_id);
struct kept_report *aside_first(const aside_t *self); // all, oldest first, then ->next
void aside_drop(aside_t *self, struct kept_report *k);
