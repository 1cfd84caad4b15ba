// rules_actions - which fields go with which action, and with each other.
// SPDX-License-Identifier: MIT
#include "services/ingest/rules/rules_actions.h"

#include <stddef.h>

#include "common/base/decimal.h"
#include "services/ingest/rules/rules.h"

#define A(name)  (1u << SIGNAL__DIRECTION__##name)
#define TRADES   (A(buy) | A(sell))
#define ENTRIES  (TRADES | A(reverse) | A(target))
#define CLOSES   (A(close) | A(close_long) | A(close_short))
#define COMMANDS (A(modify) | A(cancel))
#define HUNDRED  (100 * DECIMAL_SCALE)

static void complain_of_action(struct reading *r, enum signal_field field, const char *code,
                               const char *rule) {
    complaint_add(&r->complaints, r->sent_as[field] ? r->sent_as[field] : signal_field_name(field),
                  code, rule);
}

static bool is_rule_field_given(const struct reading *r, enum signal_field field) {
    return r->sent_as[field] || r->unreadable[field];
}

// --- which action a field is for

static const struct use {
    enum signal_field field;
    unsigned actions;
    const char *rule;
} uses[] = {
#define STOPS   ENTRIES | A(modify), "is for buy, sell, reverse, target and modify"
#define CHOOSES CLOSES | COMMANDS, "is for closes, modify and cancel"
    {SF_lot_size, ~(COMMANDS | A(target)), "is for orders; a target has target_position"},
    {SF_limit_price, TRADES | A(modify), "is for stop_limit orders"},
    {SF_close_percent, CLOSES, "is for close, close_long and close_short"},
    {SF_stop_loss_points, STOPS},
    {SF_stop_loss_percent, STOPS},
    {SF_stop_loss_distance, STOPS},
    {SF_take_profit_points, STOPS},
    {SF_take_profit_percent, STOPS},
    {SF_take_profit_distance, STOPS},
    {SF_trail_distance, STOPS},
    {SF_trail_trigger, STOPS},
    {SF_trail_step, STOPS},
    {SF_break_even_trigger, STOPS},
    {SF_break_even_offset, STOPS},
    {SF_exit_unit, STOPS},
    {SF_target_position, A(target), "is for target"},
    {SF_risk_percent, ENTRIES, "is for buy, sell, reverse and target"},
    {SF_risk_amount, ENTRIES, "is for buy, sell, reverse and target"},
    {SF_margin_percent, ENTRIES, "is for buy, sell, reverse and target"},
    {SF_provider_equity, ENTRIES | CLOSES, "is for orders"},
    {SF_provider_balance, ENTRIES | CLOSES, "is for orders"},
    {SF_target_signal_id, CHOOSES},
    {SF_time_in_force, TRADES, "is for limit, stop and stop_limit orders"},
    {SF_position_side, COMMANDS | A(target), "is for modify, cancel and target"},
};

static void check_uses(struct reading *r) {
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        if (r->sent_as[uses[i].field] && !(uses[i].actions >> r->signal.direction & 1u))
            complain_of_action(r, uses[i].field, "not_allowed", uses[i].rule);
    }
}

// --- fields that say the same

static const struct {
    enum signal_field field, other;
    const char *rule;
} same[] = {
#define ONE_STOP(field)                                                                            \
    { SF_##field, SF_stop_loss, "must not be given beside stop_loss" }
#define ONE_TARGET(field)                                                                          \
    { SF_##field, SF_take_profit, "must not be given beside take_profit" }
#define ONE_SIZE(field)                                                                            \
    { SF_##field, SF_lot_size, "must not be given beside lot_size" }
    ONE_STOP(stop_loss_points),
    ONE_STOP(stop_loss_percent),
    ONE_STOP(stop_loss_distance),
    {SF_stop_loss_percent, SF_stop_loss_points, "must not be given beside stop_loss_points"},
    {SF_stop_loss_distance, SF_stop_loss_points, "must not be given beside stop_loss_points"},
    {SF_stop_loss_distance, SF_stop_loss_percent, "must not be given beside stop_loss_percent"},
    ONE_TARGET(take_profit_points),
    ONE_TARGET(take_profit_percent),
    ONE_TARGET(take_profit_distance),
    {SF_take_profit_percent, SF_take_profit_points, "must not be given beside take_profit_points"},
    {SF_take_profit_distance, SF_take_profit_points, "must not be given beside take_profit_points"},
    {SF_take_profit_distance, SF_take_profit_percent,
     "must not be given beside take_profit_percent"},
    ONE_SIZE(close_percent),
    ONE_SIZE(risk_percent),
    ONE_SIZE(risk_amount),
    ONE_SIZE(margin_percent),
    {SF_risk_amount, SF_risk_percent, "must not be given beside risk_percent"},
    {SF_margin_percent, SF_risk_percent, "must not be given beside risk_percent"},
    {SF_margin_percent, SF_risk_amount, "must not be given beside risk_amount"},
    {SF_position_side, SF_target_position, "must not be given beside target_position"},
};

static void check_same(struct reading *r) {
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (r->sent_as[same[i].field] && r->sent_as[same[i].other])
            complain_of_action(r, same[i].field, "contradiction", same[i].rule);
    }
}

// --- fields that need another

static bool has_exits(const struct reading *r) {
    return is_rule_field_given(r, SF_trail_distance) || is_rule_field_given(r, SF_trail_trigger) ||
           is_rule_field_given(r, SF_trail_step) || is_rule_field_given(r, SF_break_even_trigger) ||
           is_rule_field_given(r, SF_break_even_offset);
}

static void check_needs(struct reading *r) {
    const Signal *s = &r->signal;
    bool modifies = s->direction == SIGNAL__DIRECTION__modify,
         trails = is_rule_field_given(r, SF_trail_distance) || modifies;
    if (r->sent_as[SF_trail_trigger] && !trails)
        complain_of_action(r, SF_trail_trigger, "not_allowed", "needs trail_distance beside it");
    if (r->sent_as[SF_trail_step] && !trails)
        complain_of_action(r, SF_trail_step, "not_allowed", "needs trail_distance beside it");
    if (r->sent_as[SF_break_even_offset] && !is_rule_field_given(r, SF_break_even_trigger))
        complain_of_action(r, SF_break_even_offset, "not_allowed",
                           "needs break_even_trigger beside it");
    if (r->sent_as[SF_exit_unit] && !has_exits(r))
        complain_of_action(r, SF_exit_unit, "not_allowed",
                           "needs a trail or break_even field beside it");
    if (r->sent_as[SF_limit_price] && !modifies && s->order_type != SIGNAL__ORDER_TYPE__stop_limit)
        complain_of_action(r, SF_limit_price, "not_allowed",
                           "is for stop_limit orders; a limit order has its price");
    if (r->sent_as[SF_time_in_force] && s->order_type == SIGNAL__ORDER_TYPE__market)
        complain_of_action(r, SF_time_in_force, "not_allowed",
                           "is for limit, stop and stop_limit orders");
}

static void check_target(struct reading *r) {
    const Signal *s = &r->signal;
    if (s->direction != SIGNAL__DIRECTION__target || s->has_target_position || s->has_position_side)
        return;
    if (!is_rule_field_given(r, SF_target_position) && !is_rule_field_given(r, SF_position_side) &&
        !r->complaints.n)
        complain_of_action(r, SF_target_position, "required",
                           "is required for target, or position_side");
}

static bool is_relative(const struct reading *r) {
    return is_rule_field_given(r, SF_stop_loss_points) ||
           is_rule_field_given(r, SF_stop_loss_percent) ||
           is_rule_field_given(r, SF_stop_loss_distance) ||
           is_rule_field_given(r, SF_take_profit_points) ||
           is_rule_field_given(r, SF_take_profit_percent) ||
           is_rule_field_given(r, SF_take_profit_distance);
}

static void check_modify(struct reading *r) {
    if (r->signal.direction != SIGNAL__DIRECTION__modify) return;
    bool changes = is_rule_field_given(r, SF_price) || is_rule_field_given(r, SF_limit_price) ||
                   is_rule_field_given(r, SF_stop_loss) || is_rule_field_given(r, SF_take_profit);
    if (!changes && !is_relative(r) && !has_exits(r))
        complain_of_action(r, SF_direction, "required",
                           "needs what is to change: price, limit_price, stop loss, take profit, "
                           "trailing or break-even");
    if (is_relative(r) && !is_rule_field_given(r, SF_position_side))
        complain_of_action(r, SF_position_side, "required",
                           "is required to modify by points, percent or distance");
}

// --- numbers

static const struct range {
    enum signal_field field;
    size_t has, value;
    bool zero;    // 0 is allowed
    int64_t most; // 0: any
    const char *rule;
} ranges[] = {
#define AT(field, zero, most, rule)                                                                \
    { SF_##field, offsetof(Signal, has_##field), offsetof(Signal, field), zero, most, rule }
#define POSITIVE(field) AT(field, false, 0, "must be greater than 0")
#define SHARE(field)    AT(field, false, HUNDRED, "must be greater than 0 and at most 100")
    POSITIVE(limit_price),
    SHARE(close_percent),
    POSITIVE(stop_loss_points),
    SHARE(stop_loss_percent),
    POSITIVE(stop_loss_distance),
    POSITIVE(take_profit_points),
    POSITIVE(take_profit_percent),
    POSITIVE(take_profit_distance),
    POSITIVE(trail_trigger),
    POSITIVE(trail_step),
    AT(break_even_offset, true, 0, "must be 0 or more"),
    SHARE(risk_percent),
    POSITIVE(risk_amount),
    SHARE(margin_percent),
    POSITIVE(provider_equity),
    POSITIVE(provider_balance),
};

static bool is_within_range(const struct range *range, int64_t value) {
    return (range->zero ? value >= 0 : value > 0) && (!range->most || value <= range->most);
}

// To modify, 0 takes a level away.
static void check_removable(struct reading *r) {
    const Signal *s = &r->signal;
    const struct {
        enum signal_field field;
        bool has;
        int64_t value;
    } levels[] = {{SF_stop_loss, s->has_stop_loss, s->stop_loss},
                  {SF_take_profit, s->has_take_profit, s->take_profit},
                  {SF_trail_distance, s->has_trail_distance, s->trail_distance},
                  {SF_break_even_trigger, s->has_break_even_trigger, s->break_even_trigger}};
    bool modifies = r->sent_as[SF_direction] && s->direction == SIGNAL__DIRECTION__modify;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (!levels[i].has || levels[i].value > 0 || (modifies && levels[i].value == 0)) continue;
        complain_of_action(r, levels[i].field, "out_of_range",
                           modifies ? "must be 0 or more" : "must be greater than 0");
    }
}

static void check_ranges(struct reading *r) {
    const Signal *s = &r->signal;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const struct range *range = &ranges[i];
        const char *at = (const char *)s;
        bool has = *(const protobuf_c_boolean *)(const void *)(at + range->has);
        int64_t value = *(const int64_t *)(const void *)(at + range->value);
        if (has && !is_within_range(range, value))
            complain_of_action(r, range->field, "out_of_range", range->rule);
    }
    if (s->has_target_position && decimal_cmp(decimal_abs(D(s->target_position)), LOTS_MAX) > 0)
        complain_of_action(r, SF_target_position, "out_of_range", "must be within +-10000000");
}

void rules_actions(struct reading *r) {
    check_ranges(r);
    check_removable(r);
    if (r->signal.target_signal_id && !id_is_valid(r->signal.target_signal_id))
        complain_of_action(r, SF_target_signal_id, "bad_characters", "must be the id of a signal");
    check_same(r);
    if (!r->sent_as[SF_direction]) return;
    check_uses(r);
    check_needs(r);
    check_target(r);
    check_modify(r);
}
