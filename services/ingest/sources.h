// sources - who may knock: tokens checked in constant time, rates of sources, floods of strangers.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/book.h"

typedef struct sources sources_t;

sources_t *sources_new(uint64_t strangers_per_s);
void sources_destroy(sources_t **self);

// The source that `name` and `token` together say; NULL: there is none, or it is not enabled. Takes the same time for every wrong token.
const SignalConfig *source_check(const book_t *book, const char *name, struct span token);
// False: this source sends more than its rate.
bool sources_within_rate(sources_t *self, const SignalConfig *source, uint64_t mono_ns);
// After a wrong token: false when too many come from that address.
bool sources_bear(sources_t *self, const char *peer, uint64_t mono_ns);
