// config - the configuration in memory: its rows, what differs between two of them, and how it is
// shown.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "proto/config_kinds.h"
#include "services/archiver/rows/schema.h"

struct config_row {
    const char *id;
    const ProtobufCMessage *m;
    // where it was given, for whoever must correct it: "accounts[2]", "account_config anna"
    char path[96];
    bool given; // by the document just read
};

typedef struct config config_t;
config_t *config_new(void);
void config_destroy(config_t **self);
// Replaces the row of that id. `path` NULL: it was there before. The row is copied.
void config_put(config_t *self, config_kind_t kind, const ProtobufCMessage *m, const char *path);
void config_drop(config_t *self, config_kind_t kind, const char *id);
const struct config_row *config_find(const config_t *self, config_kind_t kind, const char *id);
// in order; first: NULL
const struct config_row *config_next(const config_t *self, config_kind_t kind,
                                     const struct config_row *before);
config_t *config_copy(const config_t *self);

uint64_t config_version(const config_t *self);            // of the last change
void config_raise(config_t *self, uint64_t version);      // it is at least that
uint64_t config_row_version(const ProtobufCMessage *row); // 0: none

// What makes `held` into `wanted`, in the arena, all with the next version. Rows that are equal
// make no change.
size_t config_diff(const config_t *held, const config_t *wanted, uint64_t utc_ns, arena_t *arena,
                   ConfigChange ***out);
// Rows of `other` that `held` lacks or has in an older version, as changes with the versions they
// have.
size_t config_newer(const config_t *held, const config_t *other, uint64_t utc_ns, arena_t *arena,
                    ConfigChange ***out);
const ProtobufCMessage *config_changed_row(const ConfigChange *change); // NULL: it went
void config_take(config_t *self, const ConfigChange *change);
// A ConfigDocument. to_export: without versions, and without the hashes of secrets.
void config_show(const config_t *self, bool to_export, buffer_t *out);
