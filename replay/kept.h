// kept - entries of a recording's topics, kept until everybody who wants them has had them.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/delivery/envelope.h"

#define KEPT_READERS 64

typedef struct kept kept_t;

// beyond them the oldest of the fullest topic go, whoever wants them
kept_t *kept_new(size_t bytes_most);
void kept_destroy(kept_t **self);
unsigned long kept_lost(const kept_t *self); // how many went so

// Wanted from here on. Readers are numbered from 0.
void kept_want(kept_t *self, const char *topic, unsigned reader);
// In the order of a topic's ids; what nobody wants is not kept, nor what is there already.
void kept_add(kept_t *self, const char *topic, const struct envelope *e);
// The reader's next entry up to `upto`, valid until kept_sweep. False: there is none.
bool kept_next(kept_t *self, const char *topic, unsigned reader, struct entry_id upto,
               struct envelope *out);
void kept_sweep(kept_t *self); // lets go of what all have had
