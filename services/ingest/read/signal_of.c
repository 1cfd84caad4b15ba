// signal_of - the fields of a signal, and how each is read.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memmem
#include "services/ingest/read/signal_of.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "services/ingest/read/names.h"

struct offsets {
    size_t value, has; // bytes from the start of a Signal; has 0: the field has no such member
    uint32_t most;     // texts: bytes
};

// What a converter says of a value; code NULL: it is good.
struct verdict {
    const char *code, *rule;
};
#define GOOD ((struct verdict){0})

typedef struct verdict convert_fn(const struct offsets *offsets, struct field *f, Signal *out);

static bool is_scalar(const struct field *f) {
    return f->kind == FIELD_TEXT || f->kind == FIELD_NUMBER;
}

static void set_presence(const struct offsets *o, Signal *out) {
    if (o->has) *(protobuf_c_boolean *)((char *)out + o->has) = true;
}

static struct verdict as_text(const struct offsets *o, struct field *f, Signal *out) {
    if (!is_scalar(f)) return (struct verdict){"not_a_text", "must be a text"};
    if (f->length > o->most) return (struct verdict){"too_long", "is too long"};
    *(char **)((char *)out + o->value) = f->text;
    return GOOD;
}

static struct verdict read_field_decimal(const struct field *f, decimal_t *out) {
    if (!is_scalar(f)) return (struct verdict){"not_a_number", "must be a number"};
    switch (decimal_read(f->text, f->length, out)) {
    case ERR_OK:
        return GOOD;
    case ERR_RULE:
        return (struct verdict){"out_of_range",
                                "must have at most 8 decimals and be within +-92233720368"};
    default:
        return (struct verdict){"not_a_number", "must be a number"};
    }
}

static struct verdict as_decimal(const struct offsets *o, struct field *f, Signal *out) {
    decimal_t d;
    struct verdict v = read_field_decimal(f, &d);
    if (v.code) return v;
    *(int64_t *)(void *)((char *)out + o->value) = d.e8;
    set_presence(o, out);
    return GOOD;
}

static struct verdict as_count(const struct offsets *o, struct field *f, Signal *out) {
    decimal_t d;
    struct verdict v = read_field_decimal(f, &d);
    if (v.code) return v;
    if (d.e8 < 0 || d.e8 % DECIMAL_SCALE || d.e8 / DECIMAL_SCALE > INT32_MAX)
        return (struct verdict){"out_of_range", "must be a whole number from 0 to 2147483647"};
    *(uint32_t *)(void *)((char *)out + o->value) = (uint32_t)(d.e8 / DECIMAL_SCALE);
    set_presence(o, out);
    return GOOD;
}

static struct verdict as_time(const struct offsets *o, struct field *f, Signal *out) {
    uint64_t ns = 0;
    err_t e = is_scalar(f) ? time_read(f->text, f->length, &ns) : ERR_INPUT;
    if (e == ERR_RULE) return (struct verdict){"out_of_range", TIME_RANGE};
    if (e)
        return (struct verdict){
            "not_a_time", "must be an ISO 8601 time with a zone, or Unix seconds or milliseconds"};
    *(uint64_t *)(void *)((char *)out + o->value) = ns - ns % NS_PER_US;
    set_presence(o, out);
    return GOOD;
}

struct choice {
    const char *word;
    int value;
};

static bool find_choice(const struct field *f, const struct choice *choices, int *out) {
    for (; f->kind == FIELD_TEXT && choices->word; choices++) {
        if (strcasecmp(choices->word, f->text) != 0) continue;
        *out = choices->value;
        return true;
    }
    return false;
}

static struct verdict as_order_type(const struct offsets *o, struct field *f, Signal *out) {
    static const struct choice choices[] = {{"market", SIGNAL__ORDER_TYPE__market},
                                            {"limit", SIGNAL__ORDER_TYPE__limit},
                                            {"stop", SIGNAL__ORDER_TYPE__stop},
                                            {"stop_limit", SIGNAL__ORDER_TYPE__stop_limit},
                                            {"stoplimit", SIGNAL__ORDER_TYPE__stop_limit},
                                            {0}};
    if (find_choice(f, choices, (int *)(void *)((char *)out + o->value))) return GOOD;
    return (struct verdict){"not_allowed", "must be one of market, limit, stop, stop_limit"};
}

static struct verdict as_direction(const struct offsets *o, struct field *f, Signal *out) {
#define WORD(word, name)                                                                           \
    { word, SIGNAL__DIRECTION__##name }
    static const struct choice choices[] = {WORD("buy", buy),
                                            WORD("long", buy),
                                            WORD("sell", sell),
                                            WORD("short", sell),
                                            WORD("close", close),
                                            WORD("exit", close),
                                            WORD("close_long", close_long),
                                            WORD("exit_long", close_long),
                                            WORD("close_short", close_short),
                                            WORD("exit_short", close_short),
                                            WORD("reverse", reverse),
                                            WORD("flat", flat),
                                            WORD("modify", modify),
                                            WORD("cancel", cancel),
                                            WORD("target", target),
                                            {0}};
#undef WORD
    if (find_choice(f, choices, (int *)(void *)((char *)out + o->value))) return GOOD;
    return (struct verdict){"not_allowed", "must be one of " ACTIONS};
}

static struct verdict as_unit(const struct offsets *o, struct field *f, Signal *out) {
    static const struct choice choices[] = {{"points", SIGNAL__UNIT__points},
                                            {"distance", SIGNAL__UNIT__distance},
                                            {"percent", SIGNAL__UNIT__percent},
                                            {0}};
    if (!find_choice(f, choices, (int *)(void *)((char *)out + o->value)))
        return (struct verdict){"not_allowed", "must be one of points, distance, percent"};
    set_presence(o, out);
    return GOOD;
}

static const struct choice sides[] = {
    {"long", SIGNAL__SIDE__long}, {"short", SIGNAL__SIDE__short}, {0}};

static struct verdict as_side(const struct offsets *o, struct field *f, Signal *out) {
    if (!find_choice(f, sides, (int *)(void *)((char *)out + o->value)))
        return (struct verdict){"not_allowed", "must be one of long, short"};
    set_presence(o, out);
    return GOOD;
}

static struct verdict as_time_in_force(const struct offsets *o, struct field *f, Signal *out) {
    static const struct choice choices[] = {
        {"gtc", SIGNAL__TIME_IN_FORCE__gtc}, {"day", SIGNAL__TIME_IN_FORCE__day}, {0}};
    if (!find_choice(f, choices, (int *)(void *)((char *)out + o->value)))
        return (struct verdict){"not_allowed", "must be one of gtc, day"};
    set_presence(o, out);
    return GOOD;
}

#define AT(field)         offsetof(Signal, field)
#define HAS(field)        AT(field), AT(has_##field), 0
#define TEXT(field, most) AT(field), 0, most

static const struct row {
    convert_fn *convert;
    struct offsets offsets;
} rows[SF_COUNT] = {
    [SF_signal_id] = {as_text, {TEXT(signal_id, 64)}},
    [SF_symbol] = {as_text, {TEXT(symbol, 32)}},
    [SF_order_type] = {as_order_type, {TEXT(order_type, 0)}},
    [SF_direction] = {as_direction, {TEXT(direction, 0)}},
    [SF_lot_size] = {as_decimal, {HAS(lot_size)}},
    [SF_price] = {as_decimal, {HAS(price)}},
    [SF_stop_loss] = {as_decimal, {HAS(stop_loss)}},
    [SF_take_profit] = {as_decimal, {HAS(take_profit)}},
    [SF_expiration_time] = {as_time, {HAS(expiration_time)}},
    [SF_confidence] = {as_decimal, {HAS(confidence)}},
    [SF_strategy] = {as_text, {TEXT(strategy, 64)}},
    [SF_asset_type] = {as_text, {TEXT(asset_type, 32)}},
    [SF_data_source] = {as_text, {TEXT(data_source, 64)}},
    [SF_timestamp] = {as_time, {HAS(timestamp)}},
    [SF_regime] = {as_text, {TEXT(regime, 64)}},
    [SF_reasoning] = {as_text, {TEXT(reasoning, 4096)}},
    [SF_sources] = {as_count, {HAS(sources)}},
    [SF_agreement] = {as_decimal, {HAS(agreement)}},
    [SF_limit_price] = {as_decimal, {HAS(limit_price)}},
    [SF_close_percent] = {as_decimal, {HAS(close_percent)}},
    [SF_stop_loss_points] = {as_decimal, {HAS(stop_loss_points)}},
    [SF_stop_loss_percent] = {as_decimal, {HAS(stop_loss_percent)}},
    [SF_stop_loss_distance] = {as_decimal, {HAS(stop_loss_distance)}},
    [SF_take_profit_points] = {as_decimal, {HAS(take_profit_points)}},
    [SF_take_profit_percent] = {as_decimal, {HAS(take_profit_percent)}},
    [SF_take_profit_distance] = {as_decimal, {HAS(take_profit_distance)}},
    [SF_trail_distance] = {as_decimal, {HAS(trail_distance)}},
    [SF_trail_trigger] = {as_decimal, {HAS(trail_trigger)}},
    [SF_trail_step] = {as_decimal, {HAS(trail_step)}},
    [SF_break_even_trigger] = {as_decimal, {HAS(break_even_trigger)}},
    [SF_break_even_offset] = {as_decimal, {HAS(break_even_offset)}},
    [SF_target_position] = {as_decimal, {HAS(target_position)}},
    [SF_risk_percent] = {as_decimal, {HAS(risk_percent)}},
    [SF_risk_amount] = {as_decimal, {HAS(risk_amount)}},
    [SF_margin_percent] = {as_decimal, {HAS(margin_percent)}},
    [SF_provider_equity] = {as_decimal, {HAS(provider_equity)}},
    [SF_provider_balance] = {as_decimal, {HAS(provider_balance)}},
    [SF_exit_unit] = {as_unit, {HAS(exit_unit)}},
    [SF_target_signal_id] = {as_text, {TEXT(target_signal_id, 64)}},
    [SF_time_in_force] = {as_time_in_force, {HAS(time_in_force)}},
    [SF_position_side] = {as_side, {HAS(position_side)}},
};

const char *signal_field_name(enum signal_field f) {
#define FIELD_NAME(name) #name,
    static const char *const names[] = {SIGNAL_FIELDS(FIELD_NAME)};
    return f < SF_COUNT ? names[f] : "?";
}

void complaint_add(struct complaints *c, const char *field, const char *code, const char *rule) {
    if (c->n < COMPLAINTS_MAX) c->items[c->n++] = (struct complaint){field, code, rule};
}

#define LEFT_OUT_TEXT 64 // room to say how much was left out

// --- reading

// One body on its way to a Signal.
struct sorting {
    const struct fields *fields;
    struct span secret;
    const struct alias *alias[FIELDS_MAX];
    bool extra[FIELDS_MAX];
    struct field *taken[SF_ALL];
    struct reading *out;
};

static void trim_field(struct field *f) {
    while (f->length && (f->text[f->length - 1] == ' ' || f->text[f->length - 1] == '\t'))
        f->text[--f->length] = 0;
    while (f->length && (*f->text == ' ' || *f->text == '\t')) f->text++, f->length--;
}

// An empty text and null say that there is nothing, as templates do for what they do not know.
static bool says_nothing(const struct field *f) {
    return f->kind == FIELD_NULL || (f->kind == FIELD_TEXT && f->length == 0);
}

bool text_holds(const char *text, size_t length, struct span secret) {
    return secret.length && memmem(text, length, secret.data, secret.length);
}

static bool is_kept(const struct field *f, struct span secret) {
    return !text_holds(f->name, f->name_length, secret) && !text_holds(f->text, f->length, secret);
}

static void convert_aliased_field(struct sorting *s, size_t i) {
    struct field *f = &s->fields->items[i];
    int field = s->alias[i]->field;
    const struct field *had = s->taken[field];
    if (had) {
        s->extra[i] = s->alias[i]->rank > 0;
        if (!s->extra[i] &&
            (had->length != f->length || memcmp(had->text, f->text, f->length) != 0))
            complaint_add(&s->out->complaints, f->name, "contradiction",
                          "is given under two names with different values");
        return;
    }
    s->taken[field] = f;
    if (field >= SF_COUNT) return;
    s->out->sent_as[field] = f->name;
    struct verdict v = {"secret", "must not hold the token"};
    if (!text_holds(f->text, f->length, s->secret))
        v = rows[field].convert(&rows[field].offsets, f, &s->out->signal);
    if (!v.code) return;
    complaint_add(&s->out->complaints, f->name, v.code, v.rule);
    s->out->sent_as[field] = NULL;
    s->out->unreadable[field] = true;
}

// --- the position that is wanted afterwards

static void keep_apart(struct sorting *s, int field) {
    for (size_t i = 0; i < s->fields->n; i++) {
        if (s->alias[i] && s->alias[i]->field == field) s->extra[i] = true;
    }
}

// The lots of the order are not those of the position: they are kept, and mean nothing.
static void drop_lots(struct sorting *s) {
    keep_apart(s, SF_lot_size);
    s->out->signal.has_lot_size = false;
    s->out->sent_as[SF_lot_size] = NULL;
}

static bool is_word(const struct field *f, const char *word) {
    return f && strcasecmp(f->text, word) == 0;
}

static void complain_of_conflict(struct sorting *s, const struct field *f, const char *rule) {
    complaint_add(&s->out->complaints, f->name, "contradiction", rule);
}

// A size, with the sign of the position: {{strategy.position_size}} has one,
// {{strategy.market_position_size}} has not.
static void target_by_size(struct sorting *s, const struct field *position,
                           const struct field *size) {
    Signal *signal = &s->out->signal;
    bool is_signed = size == s->taken[SF_POSITION_SIZE];
    decimal_t lots;
    struct verdict v = read_field_decimal(size, &lots);
    if (v.code) return complaint_add(&s->out->complaints, size->name, v.code, v.rule);
    if (is_word(position, "flat") && lots.e8)
        return complain_of_conflict(s, size, "must be 0 when the position is flat");
    if (is_word(position, "long") && lots.e8 < 0)
        return complain_of_conflict(s, size, "must not be below 0 when the position is long");
    if (!is_signed && lots.e8 < 0)
        return complaint_add(&s->out->complaints, size->name, "out_of_range", "must be 0 or more");
    if (!is_signed && !position && lots.e8)
        return complaint_add(&s->out->complaints, size->name, "required",
                             "needs market_position beside it");
    signal->has_target_position = true;
    signal->target_position = is_word(position, "short") && lots.e8 > 0 ? -lots.e8 : lots.e8;
    s->out->sent_as[SF_target_position] = size->name;
}

static void target_by_word(struct sorting *s, const struct field *position) {
    Signal *signal = &s->out->signal;
    signal->has_target_position = is_word(position, "flat");
    signal->target_position = 0;
    signal->has_position_side = !signal->has_target_position;
    if (signal->has_position_side &&
        find_choice(position, sides, (int *)(void *)&signal->position_side))
        return;
    if (signal->has_position_side)
        complaint_add(&s->out->complaints, position->name, "not_allowed",
                      "must be one of long, short, flat");
}

// The order and where it leads, without a size of the position: what leads to none closes; what
// leaves a position on the other side than it trades has reduced it, and opens nothing.
static void reduce_by_position(struct sorting *s, const struct field *position) {
    Signal *signal = &s->out->signal;
    bool buys = signal->direction == SIGNAL__DIRECTION__buy;
    if (is_word(position, "flat")) {
        signal->direction = SIGNAL__DIRECTION__close;
        drop_lots(s);
    } else if (is_word(position, buys ? "short" : "long")) {
        signal->direction = buys ? SIGNAL__DIRECTION__close_short : SIGNAL__DIRECTION__close_long;
    }
}

// A position with its size, and one without an order, are a target: so a missed alert is made good
// by the next one.
static void apply_position(struct sorting *s) {
    const struct field *position = s->taken[SF_POSITION];
    const struct field *size =
        s->taken[SF_POSITION_SIZE] ? s->taken[SF_POSITION_SIZE] : s->taken[SF_POSITION_AMOUNT];
    struct reading *out = s->out;
    Signal *signal = &out->signal;
    bool said = out->sent_as[SF_direction] != NULL;
    bool trades = said && (signal->direction == SIGNAL__DIRECTION__buy ||
                           signal->direction == SIGNAL__DIRECTION__sell);
    bool aims =
        said && signal->direction == SIGNAL__DIRECTION__target && !out->sent_as[SF_target_position];
    for (int field = SF_POSITION; field < SF_ALL; field++) keep_apart(s, field);
    if ((!position && !size) || out->unreadable[SF_direction] || (said && !trades && !aims)) return;
    if (trades && !size) return reduce_by_position(s, position);
    signal->direction = SIGNAL__DIRECTION__target;
    if (!said) out->sent_as[SF_direction] = size ? size->name : position->name;
    drop_lots(s);
    if (size)
        target_by_size(s, position, size);
    else
        target_by_word(s, position);
}

static char *render_extra(const struct fields *fields, const bool *which, struct span secret,
                          arena_t *arena) {
    static buffer_t json; // one thread; its memory is kept from call to call
    buffer_clear(&json);
    for (size_t i = 0; i < fields->n; i++) {
        if (!which[i] || !is_kept(&fields->items[i], secret)) continue;
        buffer_text(&json, json.length ? "," : "{");
        field_render(&fields->items[i], &json);
    }
    if (!json.length) return NULL;
    buffer_text(&json, "}");
    return arena_text(arena, buffer_string(&json));
}

static void clear_reading(struct reading *out) {
    memset(out->sent_as, 0, sizeof out->sent_as);
    memset(out->unreadable, 0, sizeof out->unreadable);
    out->complaints.n = 0;
}

void signal_of(const struct fields *fields, struct span secret, arena_t *arena,
               struct reading *out) {
    struct sorting s = {.fields = fields, .secret = secret, .out = out};
    bool any_extra = false;
    clear_reading(out);
    signal__init(&out->signal);
    for (size_t i = 0; i < fields->n; i++) {
        s.alias[i] = names_find(&fields->items[i]);
        if (s.alias[i] && s.alias[i]->field != SF_reasoning) trim_field(&fields->items[i]);
        s.extra[i] = !s.alias[i];
        if (!s.alias[i] && fields->items[i].as && *fields->items[i].as)
            complaint_add(&out->complaints, fields->items[i].name, "not_supported",
                          "is understood, but cannot be acted on here");
    }
    for (unsigned rank = 0; rank < RANKS; rank++) {
        for (size_t i = 0; i < fields->n; i++) {
            if (s.alias[i] && s.alias[i]->rank == rank && !says_nothing(&fields->items[i]))
                convert_aliased_field(&s, i);
        }
    }
    apply_position(&s);
    if (out->signal.direction == SIGNAL__DIRECTION__flat && out->sent_as[SF_direction])
        drop_lots(&s);
    for (size_t i = 0; i < fields->n; i++) any_extra |= s.extra[i];
    if (any_extra) out->signal.extra = render_extra(fields, s.extra, secret, arena);
}

char *signal_content(const struct fields *fields, struct span secret, size_t most, arena_t *arena,
                     bool *cut) {
    static buffer_t json; // one thread; its memory is kept from call to call
    size_t left_out = 0;
    buffer_clear(&json);
    for (size_t i = 0; i < fields->n; i++) {
        size_t before = json.length;
        if (!is_kept(&fields->items[i], secret)) continue;
        buffer_text(&json, before ? "," : "{");
        field_render(&fields->items[i], &json);
        if (json.length + LEFT_OUT_TEXT <= most) continue;
        json.length = before;
        left_out++;
    }
    *cut = left_out > 0;
    if (!json.length) buffer_text(&json, "{");
    if (left_out)
        buffer_format(&json, "%s\"left_out\":\"%zu fields, too long to be kept\"",
                      json.length > 1 ? "," : "", left_out);
    buffer_text(&json, "}");
    return arena_text(arena, buffer_string(&json));
}
