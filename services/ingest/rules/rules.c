// rules - the rules at the door, one function a rule.
// SPDX-License-Identifier: MIT
#include "services/ingest/rules/rules.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/utf8.h"
#include "common/domain/signal_id.h"
#include "services/ingest/rules/rules_actions.h"
#include "services/ingest/slice.h"

#define PLAIN "must have no control characters and no marks that turn its direction"

static bool is_alnum(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_made_of(const char *text, const char *others) {
    for (; *text; text++) {
        if (!is_alnum(*text) && !strchr(others, *text)) return false;
    }
    return true;
}

bool symbol_is_valid(const char *symbol) {
    size_t length = strlen(symbol);
    return length > 0 && length <= SYMBOL_MAX &&
           (is_alnum(*symbol) || *symbol == '^' || *symbol == '#') &&
           is_made_of(symbol, "._:/!&^#+-");
}

bool id_is_valid(const char *id) {
    size_t length = strlen(id);
    return length > 0 && length <= 64 && is_made_of(id, "_.:-") && !signal_id_is_reserved(id);
}

static void complain_of_signal(struct reading *r, enum signal_field field, const char *code,
                               const char *rule) {
    complaint_add(&r->complaints, r->sent_as[field] ? r->sent_as[field] : signal_field_name(field),
                  code, rule);
}

// A field that was sent but could not be read is complained about once, by its reader.
static bool is_missing(const struct reading *r, enum signal_field field) {
    return !r->sent_as[field] && !r->unreadable[field];
}

static void check_signal_names(struct reading *r) {
    const Signal *s = &r->signal;
    if (r->sent_as[SF_signal_id] && !id_is_valid(s->signal_id))
        complain_of_signal(r, SF_signal_id, "bad_characters",
                           "must be 1 to 64 letters, digits, '_', '.', ':' or '-', and not begin "
                           "as a key of ours");
    bool all = s->symbol && strcmp(s->symbol, "*") == 0 && s->direction == SIGNAL__DIRECTION__flat;
    if (s->symbol && r->sent_as[SF_symbol] && !all && !symbol_is_valid(s->symbol))
        complain_of_signal(r, SF_symbol, "bad_characters",
                           "must be 1 to 32 letters, digits or any of . _ : / ! & ^ # + -");
    if (is_missing(r, SF_symbol)) complain_of_signal(r, SF_symbol, "required", "is required");
    if (is_missing(r, SF_direction))
        complain_of_signal(r, SF_direction, "required", "is required: one of " ACTIONS);
}

// To be flat without a symbol is to be flat in all of them.
static void mean_all_symbols(struct reading *r) {
    static char all[] = "*";
    if (!is_missing(r, SF_symbol) || !r->sent_as[SF_direction] ||
        r->signal.direction != SIGNAL__DIRECTION__flat)
        return;
    r->signal.symbol = all;
    r->sent_as[SF_symbol] = r->sent_as[SF_direction];
}

static void check_positive(struct reading *r, enum signal_field field, bool has, int64_t e8) {
    if (has && e8 <= 0) complain_of_signal(r, field, "out_of_range", "must be greater than 0");
}

static void check_numbers(struct reading *r) {
    const Signal *s = &r->signal;
    check_positive(r, SF_lot_size, s->has_lot_size, s->lot_size);
    check_positive(r, SF_price, s->has_price, s->price);
    if (s->has_lot_size && decimal_cmp(D(s->lot_size), LOTS_MAX) > 0)
        complain_of_signal(r, SF_lot_size, "out_of_range", "must be at most 10000000");
    if (s->has_confidence && (s->confidence < 0 || s->confidence > 100 * DECIMAL_SCALE))
        complain_of_signal(r, SF_confidence, "out_of_range", "must be from 0 to 100");
    if (s->has_agreement && (s->agreement < 0 || s->agreement > 100 * DECIMAL_SCALE))
        complain_of_signal(r, SF_agreement, "out_of_range", "must be from 0 to 100");
}

static void check_order_type(struct reading *r) {
    const Signal *s = &r->signal;
    bool stop_limit = s->order_type == SIGNAL__ORDER_TYPE__stop_limit;
    if (s->order_type == SIGNAL__ORDER_TYPE__market) return;
    if (is_missing(r, SF_price))
        complain_of_signal(r, SF_price, "required", "is required for limit and stop orders");
    if (stop_limit && is_missing(r, SF_limit_price))
        complain_of_signal(r, SF_limit_price, "required", "is required for stop_limit orders");
    if (!r->sent_as[SF_direction] || s->direction == SIGNAL__DIRECTION__buy ||
        s->direction == SIGNAL__DIRECTION__sell)
        return;
    bool closes =
        s->direction >= SIGNAL__DIRECTION__close && s->direction <= SIGNAL__DIRECTION__close_short;
    complain_of_signal(r, SF_order_type, "not_allowed",
                       closes ? "must be market to close a position"
                              : "must be market for this action");
}

// 1: the signal leads to a long position, -1: to a short one, 0: it is not known here.
static int get_signal_side(const struct reading *r) {
    const Signal *s = &r->signal;
    if (!r->sent_as[SF_direction]) return 0;
    if (s->direction == SIGNAL__DIRECTION__buy) return 1;
    if (s->direction == SIGNAL__DIRECTION__sell) return -1;
    if (s->direction != SIGNAL__DIRECTION__target) return 0;
    if (s->has_position_side) return s->position_side == SIGNAL__SIDE__long ? 1 : -1;
    return s->has_target_position ? (s->target_position > 0) - (s->target_position < 0) : 0;
}

// A close has no stops of its own: those that come with it (as the spec's signals always have them)
// say nothing.
static void check_sides(struct reading *r) {
    const Signal *s = &r->signal;
    int side = get_signal_side(r);
    bool buy = side > 0, stop_limit = s->order_type == SIGNAL__ORDER_TYPE__stop_limit;
    bool has_entry = stop_limit ? s->has_limit_price : s->has_price;
    int64_t entry = stop_limit ? s->limit_price : s->price;
    if (!side) return;
    if (has_entry && s->has_stop_loss && (buy ? s->stop_loss >= entry : s->stop_loss <= entry))
        complain_of_signal(r, SF_stop_loss, "wrong_side",
                           buy ? "must be below the price for a buy"
                               : "must be above the price for a sell");
    if (has_entry && s->has_take_profit &&
        (buy ? s->take_profit <= entry : s->take_profit >= entry))
        complain_of_signal(r, SF_take_profit, "wrong_side",
                           buy ? "must be above the price for a buy"
                               : "must be below the price for a sell");
    if (!has_entry && s->has_stop_loss && s->has_take_profit &&
        (buy ? s->stop_loss >= s->take_profit : s->stop_loss <= s->take_profit))
        complain_of_signal(r, SF_stop_loss, "wrong_side",
                           buy ? "must be below the take profit for a buy"
                               : "must be above the take profit for a sell");
}

static void check_times(struct reading *r, uint64_t now) {
    const Signal *s = &r->signal;
    if (s->has_expiration_time && s->expiration_time <= now)
        complain_of_signal(r, SF_expiration_time, "in_the_past", "must be in the future");
}

static void check_texts(struct reading *r) {
    const Signal *s = &r->signal;
    const struct {
        enum signal_field field;
        const char *text, *others; // control characters that may be in it
        const char *rule;
    } plain[] = {{SF_strategy, s->strategy, "", PLAIN},
                 {SF_asset_type, s->asset_type, "", PLAIN},
                 {SF_data_source, s->data_source, "", PLAIN},
                 {SF_regime, s->regime, "", PLAIN},
                 {SF_reasoning, s->reasoning, "\t\r\n", PLAIN ", save tabs and ends of lines"}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (plain[i].text && !utf8_is_plain(plain[i].text, plain[i].others))
            complain_of_signal(r, plain[i].field, "bad_characters", plain[i].rule);
    }
}

void rules_check(struct reading *r, uint64_t now) {
    if (!r->sent_as[SF_order_type]) r->signal.order_type = SIGNAL__ORDER_TYPE__market;
    mean_all_symbols(r);
    check_signal_names(r);
    check_numbers(r);
    check_order_type(r);
    check_sides(r);
    rules_actions(r);
    check_times(r, now);
    check_texts(r);
}
