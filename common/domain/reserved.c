// reserved - words that no id may be, since keys in Redis have them in an id's place.
// SPDX-License-Identifier: MIT
#include "common/domain/reserved.h"

#include <stddef.h>
#include <string.h>

#define NAME   (1u << RESERVED_NAME)
#define SIGNAL (1u << RESERVED_SIGNAL)

// A word that ends with ':' is one with whatever follows it.
static const struct {
    const char *word;
    unsigned who;
} words[] = {
    {"index", NAME},          // account_config:index, and of the other tables
    {"global", NAME},         // risk:global; a field of execution_state:risk
    {"accounts", NAME},       // risk:accounts
    {"sources", NAME},        // risk:sources
    {"source:", NAME},        // risk:source:<source>
    {"trades:", NAME},        // risk:trades:<account>
    {"lock:", NAME},          // fields of execution_state:risk
    {"flatten:", NAME},       //
    {"open:", NAME | SIGNAL}, // risk:open:<account>; trade_state:open:<shard>
    {"state:", SIGNAL},       // signal:state:pending
    {"guard:", SIGNAL},       // signal:guard:<hour>, routing:guard:<hour>
    {"ended:", SIGNAL},       // routing:ended:<hour>
    {"index:", SIGNAL},
};

bool reserved_word(enum reserved_for who, const char *id) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].word);
        bool begins = words[i].word[length - 1] == ':';
        if (!(words[i].who & 1u << who)) continue;
        if (begins ? strncmp(id, words[i].word, length) == 0 : strcmp(id, words[i].word) == 0)
            return true;
    }
    return false;
}
