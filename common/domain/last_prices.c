// last_prices - reads the one hash that has them.
// SPDX-License-Identifier: MIT
#include "common/domain/last_prices.h"

struct last_prices_visit {
    last_price_fn *visit;
    void *arg;
};

static err_t visit_last_price(void *arg, struct span symbol, struct span value) {
    const struct last_prices_visit *v = arg;
    (void)symbol;
    Price *price = price__unpack(NULL, value.length, value.data);
    if (price && price->last > 0) v->visit(v->arg, price);
    price__free_unpacked(price, NULL);
    return ERR_OK;
}

err_t last_prices_load(store_t *store, last_price_fn *visit, void *arg) {
    return store_pairs(store, LAST_PRICES, visit_last_price,
                       &(struct last_prices_visit){visit, arg});
}
