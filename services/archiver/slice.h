// slice - the keys the archiver owns: the cache of its configuration tables.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"
#include "services/archiver/config/config.h"

extern const char *const archiver_slice[];

// The row's key and the index; and the change on the topic config.
void slice_config_changed(batch_t *batch, const ConfigChange *change);
void slice_config_version(batch_t *batch, uint64_t version); // that Redis has everything up to it

err_t slice_read_version(store_t *store, uint64_t *version); // 0: Redis knows of no configuration
err_t slice_read_config(store_t *store, config_t *out);      // the cache as it is
