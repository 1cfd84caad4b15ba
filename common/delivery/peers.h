// peers - who may connect to whom: from the tables of topics and doors, by the names of keys. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "proto/topics.h"

// A key's name is its owner's: a process ("router", "executor.0", "sync-backend"),
// "gateway.<instance_id>", "bot.<name>" (a sender of signals), "operator" or "operator.<name>"; of
// another cell with "@<cell>" behind it. Letters, digits and . _ - @, at most 100, no leading dot.
bool peer_name_is_right(const char *name);

// Whether the owner of key `peer` may connect to that door of `process` (both by their keys'
// names).
bool peers_may(const char *peer, const char *process, const char *door);

// The role of a process by its name; ROLES: it is no service.
enum role peer_role(const char *name);
