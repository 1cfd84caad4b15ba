// names - what senders call the fields of a signal.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/read/signal_of.h"

// Not fields of a Signal: the position that is wanted afterwards, and how large it is, signed or by
// its amount.
enum { SF_POSITION = SF_COUNT, SF_POSITION_SIZE, SF_POSITION_AMOUNT, SF_ALL };

// Names that are accepted, any case. Rank 0 names say it outright (two of them must agree); higher
// ranks stand in when no lower one is there. TradingView's placeholders are taken under their own
// names, with dots or underscores.
struct alias {
    const char *name;
    int field;
    unsigned rank;
};
#define RANKS 3

const struct alias *names_find(const struct field *f); // NULL: none of ours
