// plan - which orders and commands a signal becomes for one account.
// SPDX-License-Identifier: MIT
#include "services/router/decide/plan.h"

#include <string.h>

#include "services/router/decide/levels.h"
#include "services/router/decide/size.h"

#define D_(name) SIGNAL__DIRECTION__##name

static decimal_t narrow_lots(__int128 lots) { return D(decimal_nearest(lots)); }

static size_t refuse_plan(struct decide_result *out, Reason__Code reason, const char *words) {
    decide_say(out, "%s", words);
    out->reason = reason;
    return 0;
}

static size_t set_single_leg(struct leg *legs, struct leg leg) {
    legs[0] = leg;
    return 1;
}

// --- an account's lots on one side, seen from a wish to be there

struct side {
    __int128 open;    // and what market orders under way will add
    __int128 resting; // what limit and stop orders may add
};

static struct side get_holding_side(const struct holding *h, bool is_short) {
    if (!h) return (struct side){0};
    __int128 resting = is_short ? h->resting_sells : h->resting_buys;
    __int128 working = is_short ? h->sells : h->buys;
    return (struct side){(is_short ? holding_short(h) : holding_long(h)) + working - resting,
                         resting};
}

static Signal__Direction of_side(bool is_short) { return is_short ? D_(sell) : D_(buy); }

// --- a position that is wanted

struct wish {
    bool is_short, none; // none: no position at all
    struct optional_price said;
};

static struct wish wish_of(const Signal *s) {
    if (s->direction != D_(target))
        return (struct wish){.is_short = s->direction == D_(sell),
                             .said = {s->has_lot_size != 0, D(s->lot_size)}};
    if (!s->has_target_position)
        return (struct wish){.is_short =
                                 s->has_position_side && s->position_side == SIGNAL__SIDE__short};
    return (struct wish){.is_short = s->target_position < 0,
                         .none = s->target_position == 0,
                         .said = {true, decimal_abs(D(s->target_position))}};
}

// So many lots are wanted. Where sizes do not follow the signal's, and where it tells none, whoever
// is on the side is where he should be.
static Reason__Code wanted_lots(const struct decide_input *in, const struct wish *w,
                                const struct side *own, struct decide_result *out,
                                decimal_t *wanted) {
    decimal_t asked;
    bool by_size = w->said.has && size_follows(in->subscription);
    *wanted = D(0);
    if (w->none) return REASON__CODE__ordered;
    if (!by_size && own->open + own->resting > 0) {
        *wanted = narrow_lots(own->open + own->resting);
        return REASON__CODE__ordered;
    }
    Reason__Code reason =
        size_is_by_risk(in) ? levels_resolve(in, of_side(w->is_short), out) : REASON__CODE__ordered;
    if (reason == REASON__CODE__ordered) reason = size_asked(in, w->said, out, &asked);
    if (reason == REASON__CODE__ordered) reason = size_round(in, asked, out, wanted);
    return reason;
}

static size_t add_close(const struct decide_input *in, bool is_short, __int128 lots, bool all,
                        struct leg *legs) {
    struct leg leg = {.kind = LEG_CLOSE,
                      .name = is_short ? "close_short" : "close_long",
                      .side = of_side(is_short),
                      .has_lots = !all};
    if (lots <= 0) return 0;
    if (!all &&
        (!decimal_to_step(narrow_lots(lots), size_step(in->symbol), ROUND_DOWN, &leg.lots) ||
         leg.lots.e8 <= 0))
        return 0;
    return set_single_leg(legs, leg);
}

static size_t add_cancel(const struct side *own, const struct side *other, bool own_too,
                         bool is_short, struct leg *legs) {
    bool cancels_own = own_too && own->resting > 0, cancels_other = other->resting > 0;
    if (!cancels_own && !cancels_other) return 0;
    Signal__Direction side =
        cancels_own && cancels_other ? D_(close) : of_side(cancels_own ? is_short : !is_short);
    return set_single_leg(legs, (struct leg){.kind = LEG_COMMAND,
                                             .name = "cancel",
                                             .side = side,
                                             .action = ORDER_COMMAND__ACTION__cancel});
}

static size_t add_entry_leg(const struct decide_input *in, bool is_short, __int128 lots,
                            struct leg *legs) {
    struct leg leg = {.kind = LEG_ENTRY, .name = "", .side = of_side(is_short), .has_lots = true};
    if (lots <= 0 ||
        !decimal_to_step(narrow_lots(lots), size_step(in->symbol), ROUND_DOWN, &leg.lots))
        return 0;
    return decimal_cmp(leg.lots, size_least(in)) < 0 ? 0 : set_single_leg(legs, leg);
}

static void tell_target(struct decide_result *out, decimal_t held, decimal_t wanted) {
    char have[DECIMAL_TEXT], want[DECIMAL_TEXT];
    (void)decimal_print(held, have);
    (void)decimal_print(wanted, want);
    decide_say(out, "%s lots, target %s", have, want);
    decide_tell(out, "position_lots", held);
    decide_tell(out, "target_lots", wanted);
}

// What is on the other side goes; on its own side the difference is bought or closed. Resting
// orders stay only while the target wants them. A size that cannot be had still closes what is on
// the wrong side.
static size_t plan_target(const struct decide_input *in, struct decide_result *out,
                          struct leg legs[static DECIDE_LEGS]) {
    const struct wish w = wish_of(in->signal);
    struct side own = get_holding_side(in->holding, w.is_short),
                other = get_holding_side(in->holding, !w.is_short);
    decimal_t wanted;
    __int128 net = own.open + own.resting - other.open - other.resting;
    const decimal_t held = narrow_lots(w.is_short ? -net : net);
    size_t n = 0;
    Reason__Code reason = wanted_lots(in, &w, &own, out, &wanted);
    bool small = reason == REASON__CODE__below_min_lot,
         sized = reason == REASON__CODE__ordered || small;
    if (small) wanted = D(0); // less than the smallest order: none of it
    bool drop_resting = sized && own.open + own.resting > wanted.e8;
    n += add_cancel(&own, &other, drop_resting, w.is_short, legs);
    if (drop_resting) own.resting = 0;
    n += add_close(in, !w.is_short, other.open, true, &legs[n]);
    if (sized) n += add_close(in, w.is_short, own.open - wanted.e8, wanted.e8 == 0, &legs[n]);
    if (sized) n += add_entry_leg(in, w.is_short, wanted.e8 - own.open - own.resting, &legs[n]);
    if (n || reason == REASON__CODE__ordered)
        tell_target(out, held, w.is_short ? decimal_neg(wanted) : wanted);
    out->reason = reason == REASON__CODE__ordered ? REASON__CODE__in_position : reason;
    return n;
}

// --- reverse

static size_t plan_reverse(const struct decide_input *in, struct decide_result *out,
                           struct leg legs[static DECIDE_LEGS]) {
    struct side longs = get_holding_side(in->holding, false),
                shorts = get_holding_side(in->holding, true);
    if (longs.open == shorts.open)
        return refuse_plan(out, REASON__CODE__no_position,
                           longs.open ? "as much is long as short"
                                      : "nothing is open to be reversed");
    bool was_short = shorts.open > longs.open;
    legs[0] = (struct leg){.kind = LEG_CLOSE, .name = "close", .side = D_(close)};
    legs[1] = (struct leg){.kind = LEG_ENTRY, .name = "", .side = of_side(!was_short)};
    const Signal *s = in->signal;
    bool as_large = size_follows(in->subscription) && !s->has_lot_size && !s->has_risk_percent &&
                    !s->has_risk_amount && !s->has_margin_percent;
    if (!as_large) return 2;
    legs[1].has_lots = true;
    legs[1].lots = narrow_lots(was_short ? shorts.open - longs.open : longs.open - shorts.open);
    return 2;
}

// --- closing

// What the signal named is closed, if it is open.
static size_t plan_close_leg(const struct decide_input *in, struct decide_result *out,
                             Signal__Direction side, struct leg *legs) {
    struct leg leg = {.kind = LEG_CLOSE, .name = "", .side = side};
    if (!in->signal->target_signal_id) return set_single_leg(legs, leg);
    if (!in->meant || (side != D_(close) && of_side(in->meant->stake.is_short) != side))
        return refuse_plan(out, REASON__CODE__no_position, "that signal has no position open here");
    leg.side = of_side(in->meant->stake.is_short);
    leg.whole_signal = true;
    return set_single_leg(legs, leg);
}

// The cancel goes first, so that nothing is opened after the close.
static size_t plan_flat(const struct decide_input *in, struct decide_result *out,
                        struct leg legs[static DECIDE_LEGS]) {
    size_t n = 0;
    if (decide_is_for_all(in->signal))
        return refuse_plan(out, REASON__CODE__no_position, "nothing is open");
    if (in->holding && in->holding->working)
        legs[n++] = (struct leg){.kind = LEG_COMMAND,
                                 .name = "cancel",
                                 .side = D_(close),
                                 .action = ORDER_COMMAND__ACTION__cancel};
    legs[n++] = (struct leg){.kind = LEG_CLOSE, .name = "", .side = D_(close)};
    return n;
}

// --- modify and cancel

static bool is_concerned(const struct decide_input *in, bool working_only) {
    const struct holding *h = in->holding;
    const Signal *s = in->signal;
    if (s->target_signal_id) return in->meant && (!working_only || in->meant->stake.rest > 0);
    if (!h) return false;
    __int128 longs = h->buys + (working_only ? 0 : h->longs),
             shorts = h->sells + (working_only ? 0 : h->shorts);
    if (!s->has_position_side) return longs > 0 || shorts > 0;
    return s->position_side == SIGNAL__SIDE__long ? longs > 0 : shorts > 0;
}

static size_t plan_command(const struct decide_input *in, struct decide_result *out,
                           OrderCommand__Action action, struct leg *legs) {
    const Signal *s = in->signal;
    if (!is_concerned(in, action == ORDER_COMMAND__ACTION__cancel))
        return refuse_plan(out, REASON__CODE__nothing_to_change,
                           "no order or position of the account is concerned");
    return set_single_leg(
        legs,
        (struct leg){.kind = LEG_COMMAND,
                     .name = "",
                     .side = s->has_position_side ? of_side(s->position_side == SIGNAL__SIDE__short)
                                                  : D_(close),
                     .whole_signal = s->target_signal_id != NULL,
                     .action = action});
}

size_t plan_legs(const struct decide_input *in, struct decide_result *out,
                 struct leg legs[static DECIDE_LEGS]) {
    Sizing__By by;
    switch (in->signal->direction) {
    case D_(buy):
    case D_(sell):
        if (size_by(in->subscription, &by) && by == SIZING__BY__target)
            return plan_target(in, out, legs);
        return set_single_leg(
            legs, (struct leg){.kind = LEG_ENTRY, .name = "", .side = in->signal->direction});
    case D_(target):
        return plan_target(in, out, legs);
    case D_(close):
        return plan_close_leg(in, out, D_(close), legs);
    case D_(close_long):
        return plan_close_leg(in, out, D_(buy), legs);
    case D_(close_short):
        return plan_close_leg(in, out, D_(sell), legs);
    case D_(reverse):
        return plan_reverse(in, out, legs);
    case D_(flat):
        return plan_flat(in, out, legs);
    case D_(modify):
        return plan_command(in, out, ORDER_COMMAND__ACTION__modify, legs);
    case D_(cancel):
        return plan_command(in, out, ORDER_COMMAND__ACTION__cancel, legs);
    case _SIGNAL__DIRECTION_IS_INT_SIZE:
        break;
    }
    return refuse_plan(out, REASON__CODE__out_of_range, "an action that is not known here");
}
