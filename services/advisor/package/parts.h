// parts - what a package is made of: one table.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>

// How soon a part is stale.
enum freshness {
    FRESH_AS_PRICE, // after price_age: what follows the market from moment to moment
    FRESH_AS_DATA,  // after data_age
    FRESH_ALWAYS,   // its key is written only when it changes
};

// What it means that there is no such key.
enum absence {
    ABSENT_UNKNOWN, // it is not known: the part is missing
    ABSENT_NONE,    // there is none: no position, no signal
};

enum shape { AN_OBJECT, A_LIST };

// In the order of their names, as they stand in a package (spec 003 has the keys). Rank: what is
// left out first when a package would be too large has the highest.
// clang-format off
//    name          key                      it is    of a symbol  its time        stale            absent          rank
#define PARTS(X) \
    X(accounts,     NULL,                    A_LIST,  false,       "updated_at",   FRESH_AS_PRICE,  ABSENT_UNKNOWN, 6) \
    X(candidates,   "candidates:ranked",     A_LIST,  false,       "timestamp",    FRESH_AS_DATA,   ABSENT_UNKNOWN, 12) \
    X(entry_signal, "signals:entry:",        AN_OBJECT,true,        "timestamp",    FRESH_AS_DATA,   ABSENT_NONE,    4) \
    X(exit_signal,  "signals:exit:",         AN_OBJECT,true,        "timestamp",    FRESH_AS_DATA,   ABSENT_NONE,    5) \
    X(indicators,   "stocks:indicators:",    AN_OBJECT,true,        "timestamp",    FRESH_AS_DATA,   ABSENT_UNKNOWN, 2) \
    X(market,       "context:market",        AN_OBJECT,false,       "timestamp",    FRESH_AS_DATA,   ABSENT_UNKNOWN, 8) \
    X(monitoring,   "positions:monitoring:", AN_OBJECT,true,        "timestamp",    FRESH_AS_PRICE,  ABSENT_NONE,    3) \
    X(performance,  "metrics:performance",   AN_OBJECT,false,       "timestamp",    FRESH_ALWAYS,    ABSENT_UNKNOWN, 9) \
    X(position,     "positions:active:",     AN_OBJECT,true,        "last_update",  FRESH_AS_PRICE,  ABSENT_NONE,    1) \
    X(price,        "stocks:price:",         AN_OBJECT,true,        "timestamp",    FRESH_AS_PRICE,  ABSENT_UNKNOWN, 0) \
    X(sentiment,    "stocks:sentiment:",     AN_OBJECT,true,        "timestamp",    FRESH_AS_DATA,   ABSENT_UNKNOWN, 10) \
    X(system,       "system:state",          AN_OBJECT,false,       "timestamp",    FRESH_ALWAYS,    ABSENT_UNKNOWN, 7) \
    X(watchlist,    "watchlist:current",     A_LIST,  false,       NULL,           FRESH_ALWAYS,    ABSENT_UNKNOWN, 11)
// clang-format on

#define PART_ENUM(name, ...) PART_##name,
enum part { PARTS(PART_ENUM) PART_COUNT };
#undef PART_ENUM

struct part_form {
    const char *name;
    const char *key; // NULL: made of several keys
    enum shape shape;
    bool of_symbol;   // the symbol stands behind the key
    const char *time; // the member that says how old it is; NULL: it has none
    enum freshness freshness;
    enum absence absence;
    unsigned rank;
};
extern const struct part_form part_forms[PART_COUNT];
