// follow - stops that follow the price: what moves in a symbol is told to every position that asked
// for it.
// SPDX-License-Identifier: MIT
#include "common/base/testing.h"
#include "services/executor/executor.h"
#include "services/executor/trade/trailing.h"

#define DIGITS_PRESET 5

static int64_t point_of(const struct executor *self, const TradeState *s) {
    const BrokerConfig *broker =
        self->context->book ? book_broker(self->context->book, s->broker_id) : NULL;
    const SymbolConfig *symbol = broker ? book_symbol(broker, s->symbol) : NULL;
    uint32_t digits = symbol ? symbol->digits : DIGITS_PRESET;
    int64_t point = DECIMAL_SCALE;
    for (uint32_t i = 0; i < digits && i < DECIMAL_DIGITS; i++) point /= 10;
    return point;
}

static bool moves_stop(const struct effects *out) {
    const struct effect *e = out->first;
    while (e && e->kind != EFFECT_MODIFY) e = e->next;
    return e != NULL;
}

void follow_trade(struct executor *self, batch_t *batch, struct trade *t) {
    const struct symbol *symbol = t->holding->symbol;
    if (!positions_is_followed(t) || !symbol->fed) return;
    if (!t->point) t->point = point_of(self, t->s);
    struct step s = step_begin(self, batch, t);
    trailing_follow(t, t->s->side == SIGNAL__DIRECTION__sell ? symbol->ask : symbol->bid, &s.env,
                    &s.out);
    bool moved = moves_stop(&s.out);
    step_end(&s);
    if (moved) FAILPOINT("executor.stop_moved");
}

void follow_price(struct executor *self, batch_t *batch, const struct symbol *symbol) {
    struct trade *next;
    for (struct trade *t = symbol->followed; t; t = next) {
        next = t->followed_next; // what is done to one leaves the others where they are
        follow_trade(self, batch, t);
    }
}
