// price_owner - whose price of a symbol counts.
// SPDX-License-Identifier: MIT
#include "common/domain/price_owner.h"

#include <string.h>

struct looking {
    const char *symbol;
    struct symbol_owners *owners;
};

static bool names_symbol(const SignalConfig *source, const char *symbol) {
    for (size_t i = 0; i < source->n_price_symbols; i++) {
        if (strcmp(source->price_symbols[i], symbol) == 0) return true;
    }
    return false;
}

static void look_at_broker(void *arg, const BrokerConfig *broker) {
    const struct looking *l = arg;
    l->owners->listed |= book_symbol(broker, l->symbol) != NULL;
}

static void weigh_source(void *arg, const SignalConfig *source) {
    const struct looking *l = arg;
    l->owners->named |= source->enabled && source->prices && names_symbol(source, l->symbol);
}

bool price_is_named(const book_t *book, const char *symbol) {
    struct symbol_owners owners = {0};
    book_each_source(book, weigh_source, &(struct looking){symbol, &owners});
    return owners.named;
}

struct symbol_owners price_owners(const book_t *book, const char *symbol) {
    struct symbol_owners owners = {.named = price_is_named(book, symbol)};
    book_each_broker(book, look_at_broker, &(struct looking){symbol, &owners});
    return owners;
}

bool price_is_from(const SignalConfig *source, const char *symbol, struct symbol_owners owners) {
    if (!source->prices) return false;
    if (source->n_price_symbols) return names_symbol(source, symbol);
    return owners.listed && !owners.named;
}
