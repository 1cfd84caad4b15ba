// aside - reports about trades that are not known (yet): kept until their order comes.
// SPDX-License-Identifier: MIT
#include "services/executor/aside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/record.h"

struct aside {
    struct kept_report *first;
    size_t count;
};

aside_t *aside_new(void) {
    aside_t *self = calloc(1, sizeof *self);
    if (!self) abort();
    return self;
}

void aside_destroy(aside_t **self) {
    if (!*self) return;
    while ((*self)->first) aside_drop(*self, (*self)->first);
    free(*self);
    *self = NULL;
}

size_t aside_count(const aside_t *self) { return self->count; }

struct kept_report *aside_add(aside_t *self, const char *field, const Report *report, uint64_t mono_ns) {
    struct kept_report *k = calloc(1, sizeof *k);
    if (!k) abort();
    (void)snprintf(k->field, sizeof k->field, "%s", field);
    k->report = (Report *)record_copy(&report->base, NULL);
    k->since = mono_ns;
    DL_APPEND(self->first, k);
    self->count++;
    return k;
}

struct kept_report *aside_find(const aside_t *self, const char *trade_id) {
    for (struct kept_report *k = self->first; k; k = k->next) {
        if (strcmp(k->report->trade_id, trade_id) == 0) return k;
    }
    return NULL;
}

struct kept_report *aside_first(const aside_t *self) {
    return self->first;
}

void aside_drop(aside_t *self, struct kept_report *k) {
    DL_DELETE(self->first, k);
    self->count--;
    report__free_unpacked(k->report, NULL);
    free(k);
}
