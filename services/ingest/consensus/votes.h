// votes - the ballots that are open: which rows a source votes in, what was said, and what is kept
// of it in the slice.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/domain/book.h"
#include "common/redis/store.h"
#include "services/ingest/consensus/consensus.h"

typedef struct votes votes_t;

votes_t *votes_new(const book_t *book, size_t ballots_max);
void votes_destroy(votes_t **self);
err_t votes_load(votes_t *self, store_t *store);

// consensus rows that it is a part of: as many signals may follow from one
size_t votes_rows(votes_t *self, const char *source);
// one of them says that its parts are not routed on their own
bool votes_are_all(votes_t *self, const char *source);

// Hears a signal of a part in every row that it is a part of; `follow` takes each consensus that is
// reached, before the table moves on. What it does not hear (votes_hear of a full table) is
// alerted.
typedef void follow_fn(void *arg, const Signal *consensus);
void votes_hear(votes_t *self, batch_t *batch, const Signal *signal, follow_fn *follow, void *arg);

void votes_retire(votes_t *self, batch_t *batch); // ballots in which nothing can count any more
size_t votes_count(const votes_t *self);
