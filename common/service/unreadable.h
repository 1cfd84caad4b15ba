// unreadable - records that Redis holds and nobody can read: on file, alerted, and in no one's way.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"

// A service starts without what it cannot read, and says so: each such record becomes a dead letter
// (once, not at every start) with its key, the reason and its content, and raises the alert
// unreadable_record. What stands under the key is not touched, so that a newer version, or a mended
// record, is read at the next start. Only a key of the service's own that is of another type than
// the service writes is removed once its content is on file: writing to it would stop the service.
//
//   <service>:unreadable   hash   the key (and " <field>" of a hash, or member of a set)
//                                 -> "<digest of its content> <dead letter>"
typedef struct unreadables unreadables_t;

// DeadLetter.topic of such a letter; its id is the key, its type the message or "-".
#define UNREADABLE_TOPIC "redis"

unreadables_t *unreadables_new(const char *service);
void unreadables_destroy(unreadables_t **self);

// What is on file; before anything is noted.
err_t unreadables_load(unreadables_t *self, store_t *store);
// Remembers it until it is reported; what is on file or was noted with the same content is not
// noted again.
void unreadables_note(unreadables_t *self, store_t *store, const struct unreadable *what);
void unreadables_report(unreadables_t *self, batch_t *batch);

// The operator has dealt with the dead letter `id`: it goes, and is looked for anew at the next
// start. False: it is none of a record's.
bool unreadables_drop(unreadables_t *self, batch_t *batch, const char *id);
