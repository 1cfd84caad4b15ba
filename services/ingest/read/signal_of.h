// signal_of - names and values become a Signal: one table of accepted names, fields and converters.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/read/fields.h"
#include "signal.pb-c.h"

// One broken rule. All three texts live as long as the batch.
struct complaint {
    const char *field; // as the sender wrote it; our name when it is not there
    const char *code;  // stable, snake_case
    const char *rule;  // in words
};

#define COMPLAINTS_MAX 64

#define ACTIONS "buy, sell, close, close_long, close_short, reverse, flat, modify, cancel, target"

struct complaints {
    struct complaint items[COMPLAINTS_MAX];
    size_t n;
};

void complaint_add(struct complaints *c, const char *field, const char *code, const char *rule);

// The fields of a Signal that a sender may give.
// clang-format off
#define SIGNAL_FIELDS(X) \
    X(signal_id) X(symbol) X(order_type) X(direction) X(lot_size) \
    X(price) X(stop_loss) X(take_profit) X(expiration_time) X(confidence) \
    X(strategy) X(asset_type) X(data_source) X(timestamp) X(regime) \
    X(reasoning) X(sources) X(agreement) X(limit_price) X(close_percent) \
    X(stop_loss_points) X(stop_loss_percent) X(stop_loss_distance) X(take_profit_points) X(take_profit_percent) \
    X(take_profit_distance) X(trail_distance) X(trail_trigger) X(trail_step) X(break_even_trigger) \
    X(break_even_offset) X(exit_unit) X(target_position) X(risk_percent) X(risk_amount) \
    X(margin_percent) X(provider_equity) X(provider_balance) X(target_signal_id) X(time_in_force) \
    X(position_side)
// clang-format on

#define SIGNAL_FIELD(name) SF_##name,
enum signal_field { SIGNAL_FIELDS(SIGNAL_FIELD) SF_COUNT };
#undef SIGNAL_FIELD

// A signal as it was sent: not yet checked against the rules, without id, source and times.
struct reading {
    Signal signal;
    // the sender's name for the field; NULL: not given, or not readable
    const char *sent_as[SF_COUNT];
    bool unreadable[SF_COUNT];    // given, but complained about
    struct complaints complaints; // what could not be read
};

// `secret`: a text (the source's token) that nothing kept may contain. Memory from `arena`.
void signal_of(const struct fields *fields, struct span secret, arena_t *arena,
               struct reading *out);
// Everything that was sent, as a JSON object without secrets; for the record of a refusal.
// At most `most` bytes of it: what does not fit is left out, and *cut says so.
char *signal_content(const struct fields *fields, struct span secret, size_t most, arena_t *arena,
                     bool *cut);

const char *signal_field_name(enum signal_field f);
bool text_holds(const char *text, size_t length, struct span secret);
