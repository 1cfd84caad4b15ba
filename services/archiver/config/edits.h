// config_edits - what differs between two versions of a row, field by field. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/config/config.h"

// The step from `before` to `after`, in the arena; either may be NULL (added, removed). Secrets'
// hashes are not told, the versions not compared.
ConfigStep *config_step(config_kind_t kind, const char *id, const ProtobufCMessage *before,
                        const ProtobufCMessage *after, arena_t *arena);
