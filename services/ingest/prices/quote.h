// quote - one price of a body: its names, its forms and its rules. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "price.pb-c.h"
#include "services/ingest/read/signal_of.h"

// One price on its way in. In the form of spec 003 its numbers stand in a map of their own.
struct quote {
    const struct fields *fields;
    struct fields within; // that map
    const char *symbol;   // of the address, or NULL
    arena_t *arena;
    struct complaints *complaints;
    size_t index;
    bool many, has_last, has_time;
    Price price;
};

// Reads `fields`, in the flat form or in that of spec 003, into `price`; what is wrong is among the
// complaints. `now` in UTC ns.
void quote_read(struct quote *q, uint64_t now);
// `field` of this price, whose place in the body goes before it.
void complain_of_price(struct quote *q, const char *field, const char *code, const char *rule);
