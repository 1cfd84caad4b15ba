// config_path - a place in the configuration by name: "accounts.anna.subscriptions.demo.fixed_lot".
// Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/config/config.h"

// The section, the row's id, then fields; in lists what lies there by the text it is known by, or
// by [index]. Ids may hold dots.

// What is there, as JSON; a field that is not set says its preset. False: `out` says in a sentence
// what is wrong with the path.
bool config_get(const config_t *held, const char *path, buffer_t *out);
// A document of one row that differs from the one held in this place. "null" takes the value, or
// what lies in the list, away; what is not there is made. False: `out` says in a sentence what is
// wrong.
bool config_set(const config_t *held, const char *path, const char *value, buffer_t *out);
// The row that the path names by itself, with nothing behind it. NULL: it says more, or there is
// none.
const struct config_row *config_row_at(const config_t *held, const char *path, config_kind_t *kind);
