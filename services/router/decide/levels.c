// levels - stop loss, take profit and trailing of an entry, as prices.
// SPDX-License-Identifier: MIT
#include "services/router/decide/levels.h"

#include "common/schema/record.h"
#include "services/router/decide/size.h"

#define HUNDRED DECIMAL_INT(100)

static decimal_t last_digit(const SymbolConfig *s) {
    int64_t e8 = DECIMAL_SCALE;
    for (uint32_t i = 0; i < s->digits && e8 > 1; i++) e8 /= 10;
    return D(e8);
}

decimal_t symbol_point(const SymbolConfig *s) {
    return s->has_point && s->point > 0 ? D(s->point) : last_digit(s);
}
decimal_t symbol_tick(const SymbolConfig *s) {
    return s->has_tick_size && s->tick_size > 0 ? D(s->tick_size) : last_digit(s);
}

static bool is_buy_side(Signal__Direction side) { return side == SIGNAL__DIRECTION__buy; }

struct optional_price levels_entry(const struct decide_input *in, Signal__Direction side) {
    const Signal *s = in->signal;
    if (s->order_type == SIGNAL__ORDER_TYPE__stop_limit && s->has_limit_price)
        return (struct optional_price){true, D(s->limit_price)};
    if (s->has_price) return (struct optional_price){true, D(s->price)};
    if (in->quote)
        return (struct optional_price){true, is_buy_side(side) ? in->quote->ask : in->quote->bid};
    return (struct optional_price){0};
}

// --- one level

// As the signal gives it: at most one of them is set.
struct given {
    struct optional_price price, points, percent, distance;
};

#define GIVEN(has, value)                                                                          \
    { (has) != 0, D(value) }

static struct given stop_given(const Signal *s, const Subscription *preset) {
    struct given g = {GIVEN(s->has_stop_loss, s->stop_loss),
                      GIVEN(s->has_stop_loss_points, s->stop_loss_points),
                      GIVEN(s->has_stop_loss_percent, s->stop_loss_percent),
                      GIVEN(s->has_stop_loss_distance, s->stop_loss_distance)};
    if (g.price.has || g.points.has || g.percent.has || g.distance.has) return g;
    g.points = (struct optional_price)GIVEN(preset->has_default_stop_loss_points,
                                            preset->default_stop_loss_points);
    g.percent = (struct optional_price)GIVEN(preset->has_default_stop_loss_percent,
                                             preset->default_stop_loss_percent);
    return g;
}

static struct given take_given(const Signal *s, const Subscription *preset) {
    struct given g = {GIVEN(s->has_take_profit, s->take_profit),
                      GIVEN(s->has_take_profit_points, s->take_profit_points),
                      GIVEN(s->has_take_profit_percent, s->take_profit_percent),
                      GIVEN(s->has_take_profit_distance, s->take_profit_distance)};
    if (g.price.has || g.points.has || g.percent.has || g.distance.has) return g;
    g.points = (struct optional_price)GIVEN(preset->has_default_take_profit_points,
                                            preset->default_take_profit_points);
    g.percent = (struct optional_price)GIVEN(preset->has_default_take_profit_percent,
                                             preset->default_take_profit_percent);
    return g;
}

enum outcome { RESOLVED, NEEDS_PRICE, OUT_OF_RANGE };

// A distance in price. Percent is of the entry.
static enum outcome distance_of(const struct decide_input *in, const struct given *g,
                                struct optional_price entry, struct optional_price *out) {
    bool ok = true;
    out->has = true;
    if (g->points.has) {
        ok = decimal_mul(g->points.value, symbol_point(in->symbol), ROUND_DOWN, &out->value);
    } else if (g->percent.has) {
        if (!entry.has) return NEEDS_PRICE;
        ok = decimal_scale(entry.value, g->percent.value, HUNDRED, ROUND_DOWN, &out->value);
    } else if (g->distance.has) {
        out->value = g->distance.value;
    } else {
        out->has = false;
    }
    return ok ? RESOLVED : OUT_OF_RANGE;
}

// A price on the grid of ticks, `below` the entry or above it, and never further from it than said.
static bool to_tick(const struct decide_input *in, bool below, decimal_t *price) {
    if (!in->symbol->has_tick_size && !in->symbol->has_digits) return true; // the grid is not known
    return decimal_to_step(*price, symbol_tick(in->symbol), below ? ROUND_UP : ROUND_DOWN, price);
}

// below: the level belongs below the entry.
static enum outcome level_of(const struct decide_input *in, const struct given *g,
                             struct optional_price entry, bool below, struct optional_price *out) {
    struct optional_price away = {0};
    *out = g->price;
    if (out->has) return to_tick(in, below, &out->value) ? RESOLVED : OUT_OF_RANGE;
    enum outcome o = distance_of(in, g, entry, &away);
    if (o || !away.has) return o;
    if (!entry.has) return NEEDS_PRICE;
    if (!(below ? decimal_sub(entry.value, away.value, &out->value)
                : decimal_add(entry.value, away.value, &out->value)))
        return OUT_OF_RANGE;
    out->has = true;
    return to_tick(in, below, &out->value) ? RESOLVED : OUT_OF_RANGE;
}

// --- trailing and break-even: distances

static enum outcome exit_of(const struct decide_input *in, struct optional_price said,
                            struct optional_price entry, struct optional_price *out) {
    struct given g = {0};
    switch (in->signal->has_exit_unit ? in->signal->exit_unit : SIGNAL__UNIT__points) {
    case SIGNAL__UNIT__points:
        g.points = said;
        break;
    case SIGNAL__UNIT__distance:
        g.distance = said;
        break;
    case SIGNAL__UNIT__percent:
        g.percent = said;
        break;
    case _SIGNAL__UNIT_IS_INT_SIZE:
        return OUT_OF_RANGE;
    }
    return distance_of(in, &g, entry, out);
}

// Each as the Signal says it becomes a distance in price.
static enum outcome exits_of(const struct decide_input *in, struct levels *l) {
    if (!record_merge(&in->signal->base, &l->trailing.base)) return RESOLVED;
    for (unsigned i = 0; i < trailing__descriptor.n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &trailing__descriptor.fields[i];
        int64_t *value = record_place(&l->trailing.base, f);
        struct optional_price said = {record_is_set(&l->trailing.base, f), D(*value)},
                              resolved = {0};
        if (!said.has) continue;
        enum outcome o = exit_of(in, said, l->entry, &resolved);
        if (o) return o;
        *value = resolved.value.e8;
    }
    return RESOLVED;
}

// --- all of them

static bool is_beyond(struct optional_price level, struct optional_price entry, bool below) {
    return level.has && entry.has &&
           (level.value.e8 <= 0 ||
            (below ? level.value.e8 >= entry.value.e8 : level.value.e8 <= entry.value.e8));
}

// A risk that is nothing at all is a reason of its own where lots are made of it (size.h).
static bool is_at_entry(const struct decide_input *in, const struct levels *l) {
    return size_is_by_risk(in) && l->stop_loss.has && l->entry.has &&
           l->stop_loss.value.e8 == l->entry.value.e8;
}

static Reason__Code refuse_levels(struct decide_result *out, enum outcome o) {
    if (o == OUT_OF_RANGE) {
        decide_say(out, "stop loss, take profit or trailing is out of range");
        return REASON__CODE__out_of_range;
    }
    decide_say(out, "no price to reckon stop loss or take profit from");
    return REASON__CODE__no_price;
}

static Reason__Code wrong_side(struct decide_result *out, const char *what, bool below) {
    const struct levels *l = &out->levels;
    char entry[DECIMAL_TEXT];
    (void)decimal_print(l->entry.value, entry);
    decide_say(out, "%s must be %s %s", what, below ? "below" : "above", entry);
    decide_tell(out, "price", l->entry.value);
    if (l->stop_loss.has) decide_tell(out, "stop_loss", l->stop_loss.value);
    if (l->take_profit.has) decide_tell(out, "take_profit", l->take_profit.value);
    return REASON__CODE__wrong_side;
}

Reason__Code levels_resolve(const struct decide_input *in, Signal__Direction side,
                            struct decide_result *out) {
    struct levels *l = &out->levels;
    bool buy = is_buy_side(side);
    const struct given stop = stop_given(in->signal, in->subscription),
                       take = take_given(in->signal, in->subscription);
    *l = (struct levels)LEVELS_NONE;
    l->entry = levels_entry(in, side);
    enum outcome o = level_of(in, &stop, l->entry, buy, &l->stop_loss);
    if (!o) o = level_of(in, &take, l->entry, !buy, &l->take_profit);
    if (!o) o = exits_of(in, l);
    if (o) return refuse_levels(out, o);
    if (is_beyond(l->stop_loss, l->entry, buy) && !is_at_entry(in, l))
        return wrong_side(out, "stop loss", buy);
    if (is_beyond(l->take_profit, l->entry, !buy)) return wrong_side(out, "take profit", !buy);
    return REASON__CODE__ordered;
}

// --- modify

// Without a side only what is given as a price; 0 takes a level away.
static void only_prices(const Signal *s, struct levels *l) {
    l->stop_loss = (struct optional_price)GIVEN(s->has_stop_loss, s->stop_loss);
    l->take_profit = (struct optional_price)GIVEN(s->has_take_profit, s->take_profit);
}

static bool removes_level(const Signal *s) {
    return (s->has_stop_loss && !s->stop_loss) || (s->has_take_profit && !s->take_profit);
}

Reason__Code levels_modified(const struct decide_input *in, Signal__Direction side,
                             struct decide_result *out) {
    static const Subscription no_presets = SUBSCRIPTION__INIT;
    struct decide_input bare = *in;
    bare.subscription = &no_presets;
    bool sided = side == SIGNAL__DIRECTION__buy || side == SIGNAL__DIRECTION__sell;
    if (sided && !removes_level(in->signal)) return levels_resolve(&bare, side, out);
    out->levels = (struct levels)LEVELS_NONE;
    only_prices(in->signal, &out->levels);
    enum outcome o = exits_of(&bare, &out->levels);
    return o ? refuse_levels(out, o) : REASON__CODE__ordered;
}
