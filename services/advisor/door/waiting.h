// waiting - answers that are given when what they tell of is committed.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/http/http.h"

struct waiting_reply {
    exchange_t *exchange;
    unsigned status;
    char *text; // owned
};

struct waiting_answers {
    struct waiting_reply *all;
    size_t n, room;
};

// The text is copied.
void waiting_add(struct waiting_answers *self, exchange_t *x, unsigned status, struct span text);
void waiting_give(struct waiting_answers *self);      // it is committed
void waiting_turn_away(struct waiting_answers *self); // it cannot be: 503
void waiting_free(struct waiting_answers *self);
