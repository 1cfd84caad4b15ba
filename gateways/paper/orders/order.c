// order - one client order id at this broker.
// SPDX-License-Identifier: MIT
#include "gateways/paper/orders/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/alloc.h"

struct order *order_new(const char *trade_id) {
    size_t length = strlen(trade_id);
    struct order *o = alloc_zeroed(1, sizeof *o + length + 1);
    memcpy(o->trade_id, trade_id, length);
    return o;
}

void order_drop_closes(struct order *o) {
    for (size_t i = 0; i < o->n_closes; i++) free(o->closes[i].trade_id);
    free(o->closes);
    o->closes = NULL;
    o->n_closes = 0;
}

void order_free(struct order *o) {
    order_drop_closes(o);
    buffer_destroy(&o->submit);
    buffer_destroy(&o->history);
    free(o);
}

void order_because(struct order *o, const char *reason) {
    (void)snprintf(o->reason, sizeof o->reason, "%s", reason);
}

void order_add_close(struct order *o, const char *trade_id, size_t length, decimal_t lots) {
    o->closes = alloc_resized(o->closes, o->n_closes + 1, sizeof *o->closes);
    o->closes[o->n_closes++] = (struct reduction){alloc_part(trade_id, length), lots};
}

void order_print_closes(const struct order *o, buffer_t *out) {
    for (size_t i = 0; i < o->n_closes; i++) {
        char lots[DECIMAL_TEXT];
        (void)decimal_print(o->closes[i].lots, lots);
        buffer_format(out, "%s%s=%s", i ? " " : "", o->closes[i].trade_id, lots);
    }
}

err_t order_parse_closes(struct order *o, const char *text) {
    while (*text) {
        const char *sign = strchr(text, '=');
        if (!sign) return ERR_INPUT;
        size_t length = strcspn(sign + 1, " ");
        decimal_t lots;
        err_t e = decimal_parse(sign + 1, length, &lots);
        if (e != ERR_OK) return e;
        order_add_close(o, text, (size_t)(sign - text), lots);
        text = sign + 1 + length;
        if (*text) text++;
    }
    return ERR_OK;
}

// --- what waits for a price ---

static bool wants_price(const struct order *o) {
    return !o->latent &&
           (order_is_resting(o) || (o->open.e8 && (o->stop_loss.e8 || o->take_profit.e8)));
}

void order_unwatch(struct order *o) {
    if (!o->watched) return;
    DL_DELETE2(o->symbol->watched, o, watched_prev, watched_next);
    o->watched = false;
}

void order_watch(struct order *o) {
    if (!wants_price(o)) {
        order_unwatch(o);
        return;
    }
    if (!o->watched) DL_APPEND2(o->symbol->watched, o, watched_prev, watched_next);
    o->watched = true;
    symbol_narrow(o->symbol, o);
}

static void raise_to(decimal_t *low, decimal_t level) {
    if (level.e8 && level.e8 > low->e8) *low = level;
}

static void lower_to(decimal_t *high, decimal_t level) {
    if (level.e8 && level.e8 < high->e8) *high = level;
}

void symbol_narrow(struct symbol *s, const struct order *o) {
    bool buys = order_leg(o) == LONG, stop = !order_is_limit(o);
    decimal_t level = order_level(o);
    if (order_is_resting(o)) { // buys at the ask, sells at the bid
        if (buys && stop)
            lower_to(&s->ask_high, level);
        else if (buys)
            raise_to(&s->ask_low, level);
        else if (stop)
            raise_to(&s->bid_low, level);
        else
            lower_to(&s->bid_high, level);
    }
    if (!o->open.e8) return;
    if (buys) { // a long position closes at the bid, a short one at the ask
        raise_to(&s->bid_low, o->stop_loss);
        lower_to(&s->bid_high, o->take_profit);
    } else {
        lower_to(&s->ask_high, o->stop_loss);
        raise_to(&s->ask_low, o->take_profit);
    }
}

static bool resting_triggers(const struct order *o, const struct quote *q) {
    bool stop = !order_is_limit(o);
    int64_t level = order_level(o).e8;
    if (order_leg(o) == LONG) return stop ? q->ask.e8 >= level : q->ask.e8 <= level;
    return stop ? q->bid.e8 <= level : q->bid.e8 >= level;
}

bool order_triggers(const struct order *o, decimal_t *level, const char **reason) {
    const struct quote *q = o->symbol->quote;
    *reason = NULL;
    *level = order_level(o);
    if (!q->known) return false;
    if (order_is_resting(o) && resting_triggers(o, q)) return true;
    if (!o->open.e8) return false;
    bool is_long = order_leg(o) == LONG;
    int64_t out = is_long ? q->bid.e8 : q->ask.e8, sl = o->stop_loss.e8, tp = o->take_profit.e8;
    if (sl && (is_long ? out <= sl : out >= sl))
        *reason = "stop_loss", *level = o->stop_loss;
    else if (tp && (is_long ? out >= tp : out <= tp))
        *reason = "take_profit", *level = o->take_profit;
    return *reason != NULL;
}
