// reserved - words that no id may be, since keys in Redis have them in an id's place.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

// Whose id it would be.
enum reserved_for {
    RESERVED_NAME, // an account, broker, gateway or source: risk:<account>, account_config:<id>, …
    RESERVED_SIGNAL, // a signal: signal:<id>, routing:<id>, reconciliation:<id>, …
};

// One list for whoever checks an id and whoever makes a key of it: the configuration, the door, the
// router's slice.
bool reserved_word(enum reserved_for who, const char *id);
