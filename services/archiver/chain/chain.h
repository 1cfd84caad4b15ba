// chain - every row written is hashed, every commit's rows are chained to the commit before: later
// changes, removals and insertions can be detected.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/chain/canon.h"

// Tables (chain_prepare makes them):
//   chain      (batch, at, rows, hash, entries): one row a commit that wrote covered rows. hash is
//   BLAKE2b-256 over the hash before (32
//              bytes; at first all zero), "<batch> <at>" with a line feed, and entries. `at` never
//              goes back.
//   chain_day  (day, first, last, rows, hash, removed_at): one row a day (UTC) that is over; hash
//   is that of its last batch. It stays when
//              retention removes the day.
//   chain_start (batch, hash): the last batch that retention removed, with its hash. None: the
//   chain is there from the beginning. entries: for each row written, one after the other,
//   1 byte   the table (canon_cover)
//   1 byte   ENTRY_ROW or ENTRY_GONE
//   2 bytes  length of the key, big endian; or CHAIN_UUID: 16 bytes follow, a UUID
//   …        the key
//   16 bytes ENTRY_ROW: BLAKE2b-128 over the row's canonical form
// A row that is written again has a later entry, which is the one that counts; one that was deleted
// has ENTRY_GONE.
enum entry_kind { ENTRY_ROW = 1, ENTRY_GONE = 2 };
#define CHAIN_UUID 0xffff
#define CHAIN_HASH 32

struct chain_entry {
    unsigned char code;
    enum entry_kind kind;
    struct span key;
    char uuid[40]; // what key points to when it was packed
    const unsigned char *digest;
};

// Reads the entry at *at and moves on. False: the end, or (then *at is before the end) bytes that
// are no entry.
bool chain_entry_read(struct span entries, size_t *at, struct chain_entry *out);
// The hash of a batch.
void chain_hash(const unsigned char before[CHAIN_HASH], const char *head, struct span entries,
                unsigned char out[CHAIN_HASH]);

err_t chain_prepare(sql_t *db); // the tables

typedef struct chain chain_t;
chain_t *chain_new(sql_t *db); // NULL: a statement does not fit the tables
void chain_destroy(chain_t **self);
// Rows written before there was a chain are chained now, as they are. Its own transactions.
err_t chain_adopt(chain_t *self);

// One batch: begin (again, when it is tried again), add what was written, write into the open
// transaction, and once that is committed, say so.
void chain_begin(chain_t *self);
void chain_add(chain_t *self, enum table_name table, const ProtobufCMessage *m);
// a row as canon_select's statement gives it
void chain_add_columns(chain_t *self, enum table_name table, sql_query_t *q);
void chain_gone(chain_t *self, enum table_name table, const char *key);
err_t chain_write(chain_t *self, uint64_t now);
void chain_committed(chain_t *self);
