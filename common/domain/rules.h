// rules - what risk rules hold for an account: its own, over those of its preset, over those of the
// preset named global.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/domain/book.h"

#define RULES_GLOBAL "global"
#define RULES_LAYERS 3

struct rules {
    // field by field the first layer that has it; blackouts: see the layers
    RiskRules r;
    const RiskRules *layers[RULES_LAYERS]; // those that are, the account's own first
    unsigned n_layers;
    const char *zone;    // of the day and of the sessions
    uint32_t day_starts; // minutes since midnight there
};

// What it points to is the book's: valid until the next book_apply. A sub-message (daily_loss) is
// one field.
void rules_of(const book_t *book, const AccountConfig *account, struct rules *out);
