// config_edits - what differs between two versions of a row, field by field. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/config.h"

// Of what lies in a list, the text that it is known by (a subscription's source, a symbol's name). NULL: it has none.
const ProtobufCFieldDescriptor *config_key_field(const ProtobufCMessageDescriptor *d);
const char *config_key_of(const ProtobufCMessage *m); // NULL: none

// The step from `before` to `after`, in the arena; either may be NULL (added, removed). Secrets' hashes are not told, the versions not
// compared.
ConfigStep *config_step(config_kind_t kind, const char *id, const ProtobufCMessage *before, const ProtobufCMessage *after, arena_t *arena);
