// signal_of - the table of accepted names, and its converters.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memmem
#include "services/ingest/signal_of.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/decimal.h"

#define SF_POSITION SF_COUNT // not a field of a Signal: the position that is wanted afterwards

// Names that are accepted, any case. Rank 0 names say it outright (two of them must agree); higher ranks stand in when no lower one is
// there. TradingView's placeholders are taken under their own names, with dots or underscores.
static const struct alias {
    const char *name;
    int field;
    unsigned rank;
} aliases[] = {
    {"signal_id", SF_signal_id, 0},
    {"symbol", SF_symbol, 0},
    {"ticker", SF_symbol, 0},
    {"order_type", SF_order_type, 0},
    {"ordertype", SF_order_type, 0},
    {"direction", SF_direction, 0},
    {"action", SF_direction, 0},
    {"side", SF_direction, 0},
    {"strategy.order.action", SF_direction, 0},
    {"strategy_order_action", SF_direction, 0},
    {"lot_size", SF_lot_size, 0},
    {"contracts", SF_lot_size, 0},
    {"quantity", SF_lot_size, 0},
    {"qty", SF_lot_size, 0},
    {"lots", SF_lot_size, 0},
    {"strategy.order.contracts", SF_lot_size, 0},
    {"strategy_order_contracts", SF_lot_size, 0},
    {"price", SF_price, 0},
    {"entry_price", SF_price, 0},
    {"strategy.order.price", SF_price, 1},
    {"strategy_order_price", SF_price, 1},
    {"close", SF_price, 2},
    {"stop_loss", SF_stop_loss, 0},
    {"stop_price", SF_stop_loss, 0},
    {"sl", SF_stop_loss, 0},
    {"take_profit", SF_take_profit, 0},
    {"target_price", SF_take_profit, 0},
    {"tp", SF_take_profit, 0},
    {"expiration_time", SF_expiration_time, 0},
    {"expiration", SF_expiration_time, 0},
    {"confidence", SF_confidence, 0},
    {"strategy", SF_strategy, 0},
    {"strategy_name", SF_strategy, 1},
    {"asset_type", SF_asset_type, 0},
    {"data_source", SF_data_source, 0},
    {"timestamp", SF_timestamp, 0},
    {"timenow", SF_timestamp, 1},
    {"time", SF_timestamp, 2},
    {"regime", SF_regime, 0},
    {"reasoning", SF_reasoning, 0},
    {"sources", SF_sources, 0},
    {"agreement", SF_agreement, 0},
    {"market_position", SF_POSITION, 0},
    {"strategy.market_position", SF_POSITION, 0},
    {"strategy_market_position", SF_POSITION, 0},
    {"sentiment", SF_POSITION, 0},
};
#define RANKS 3

struct place {
    size_t value, has; // in Signal; has 0: there is none
    uint32_t most;     // texts: bytes
};

// What a converter says of a value; code NULL: it is good.
struct verdict {
    const char *code, *rule;
};
#define GOOD ((struct verdict){0})

typedef struct verdict convert_fn(const struct place *place, struct field *f, Signal *out);

static bool is_scalar(const struct field *f) { return f->kind == FIELD_TEXT || f->kind == FIELD_NUMBER; }

static void mark(const struct place *p, Signal *out) {
    if (p->has) *(protobuf_c_boolean *)((char *)out + p->has) = true;
}

static struct verdict as_text(const struct place *p, struct field *f, Signal *out) {
    if (!is_scalar(f)) return (struct verdict){"not_a_text", "must be a text"};
    if (f->length > p->most) return (struct verdict){"too_long", "is too long"};
    *(char **)((char *)out + p->value) = f->text;
    return GOOD;
}

static struct verdict read_decimal(const struct field *f, decimal_t *out) {
    if (!is_scalar(f)) return (struct verdict){"not_a_number", "must be a number"};
    switch (decimal_parse(f->text, f->length, out)) {
    case ERR_OK:
        return GOOD;
    case ERR_RULE:
        return (struct verdict){"out_of_range", "must have at most 8 decimals and be within +-92233720368"};
    default:
        return (struct verdict){"not_a_number", "must be a number"};
    }
}

static struct verdict as_decimal(const struct place *p, struct field *f, Signal *out) {
    decimal_t d;
    struct verdict v = read_decimal(f, &d);
    if (v.code) return v;
    *(int64_t *)(void *)((char *)out + p->value) = d.e8;
    mark(p, out);
    return GOOD;
}

static struct verdict as_count(const struct place *p, struct field *f, Signal *out) {
    decimal_t d;
    struct verdict v = read_decimal(f, &d);
    if (v.code) return v;
    if (d.e8 < 0 || d.e8 % DECIMAL_SCALE || d.e8 / DECIMAL_SCALE > INT32_MAX)
        return (struct verdict){"out_of_range", "must be a whole number from 0 to 2147483647"};
    *(uint32_t *)(void *)((char *)out + p->value) = (uint32_t)(d.e8 / DECIMAL_SCALE);
    mark(p, out);
    return GOOD;
}

static struct verdict as_time(const struct place *p, struct field *f, Signal *out) {
    uint64_t ns;
    if (!is_scalar(f) || time_parse(f->text, f->length, &ns))
        return (struct verdict){"not_a_time", "must be an ISO 8601 time with a zone, or Unix seconds or milliseconds"};
    *(uint64_t *)(void *)((char *)out + p->value) = ns - ns % NS_PER_US;
    mark(p, out);
    return GOOD;
}

struct choice {
    const char *word;
    int value;
};

static bool choose(const struct field *f, const struct choice *choices, int *out) {
    for (; f->kind == FIELD_TEXT && choices->word; choices++) {
        if (strcasecmp(choices->word, f->text) != 0) continue;
        *out = choices->value;
        return true;
    }
    return false;
}

static struct verdict as_order_type(const struct place *p, struct field *f, Signal *out) {
    static const struct choice choices[] = {
        {"market", SIGNAL__ORDER_TYPE__market}, {"limit", SIGNAL__ORDER_TYPE__limit}, {"stop", SIGNAL__ORDER_TYPE__stop}, {0}};
    if (choose(f, choices, (int *)(void *)((char *)out + p->value))) return GOOD;
    return (struct verdict){"not_allowed", "must be one of market, limit, stop"};
}

static struct verdict as_direction(const struct place *p, struct field *f, Signal *out) {
    static const struct choice choices[] = {{"buy", SIGNAL__DIRECTION__buy},     {"long", SIGNAL__DIRECTION__buy},
                                            {"sell", SIGNAL__DIRECTION__sell},   {"short", SIGNAL__DIRECTION__sell},
                                            {"close", SIGNAL__DIRECTION__close}, {"exit", SIGNAL__DIRECTION__close},
                                            {"flat", SIGNAL__DIRECTION__close},  {0}};
    if (choose(f, choices, (int *)(void *)((char *)out + p->value))) return GOOD;
    return (struct verdict){"not_allowed", "must be one of buy, sell, close"};
}

#define AT(field)         offsetof(Signal, field)
#define HAS(field)        AT(field), AT(has_##field), 0
#define TEXT(field, most) AT(field), 0, most

static const struct row {
    convert_fn *convert;
    struct place place;
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
};

const char *signal_field_name(enum signal_field f) {
#define FIELD_NAME(name) #name,
    static const char *const names[] = {SIGNAL_FIELDS(FIELD_NAME)};
    return f < SF_COUNT ? names[f] : "?";
}

void complaint_add(struct complaints *c, const char *field, const char *code, const char *rule) {
    if (c->n < COMPLAINTS_MAX) c->items[c->n++] = (struct complaint){field, code, rule};
}

// --- reading

// One body on its way to a Signal.
struct sorting {
    const struct fields *fields;
    struct span secret;
    const struct alias *alias[FIELDS_MAX];
    bool extra[FIELDS_MAX];
    const struct field *taken[SF_COUNT + 1];
    struct reading *out;
};

static const struct alias *alias_of(const struct field *f) {
    const char *as = f->as ? f->as : f->name;
    size_t length = f->as ? strlen(f->as) : f->name_length;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        const char *name = aliases[i].name;
        if ((*name ^ *as) & ~0x20) continue; // most differ in their first letter, whatever its case
        if (strncasecmp(name, as, length) == 0 && name[length] == 0) return &aliases[i];
    }
    return NULL;
}

static void trim(struct field *f) {
    while (f->length && (f->text[f->length - 1] == ' ' || f->text[f->length - 1] == '\t')) f->text[--f->length] = 0;
    while (f->length && (*f->text == ' ' || *f->text == '\t')) f->text++, f->length--;
}

// An empty text and null say that there is nothing, as templates do for what they do not know.
static bool says_nothing(const struct field *f) { return f->kind == FIELD_NULL || (f->kind == FIELD_TEXT && f->length == 0); }

bool text_holds(const char *text, size_t length, struct span secret) {
    return secret.length && memmem(text, length, secret.data, secret.length);
}

static bool is_kept(const struct field *f, struct span secret) {
    return !text_holds(f->name, f->name_length, secret) && !text_holds(f->text, f->length, secret);
}

static void take(struct sorting *s, size_t i) {
    struct field *f = &s->fields->items[i];
    int field = s->alias[i]->field;
    const struct field *had = s->taken[field];
    if (had) {
        s->extra[i] = s->alias[i]->rank > 0;
        if (!s->extra[i] && (had->length != f->length || memcmp(had->text, f->text, f->length) != 0))
            complaint_add(&s->out->complaints, f->name, "contradiction", "is given under two names with different values");
        return;
    }
    s->taken[field] = f;
    if (field == SF_POSITION) return;
    s->out->sent_as[field] = f->name;
    struct verdict v = {"secret", "must not hold the token"};
    if (!text_holds(f->text, f->length, s->secret)) v = rows[field].convert(&rows[field].place, f, &s->out->signal);
    if (!v.code) return;
    complaint_add(&s->out->complaints, f->name, v.code, v.rule);
    s->out->sent_as[field] = NULL;
    s->out->unreadable[field] = true;
}

// Buy or sell with the wish to have no position afterwards closes one, and opens none in the other direction.
static void apply_position(struct sorting *s) {
    const struct field *position = s->taken[SF_POSITION];
    Signal *signal = &s->out->signal;
    for (size_t i = 0; i < s->fields->n; i++) {
        if (s->alias[i] && s->alias[i]->field == SF_POSITION) s->extra[i] = true;
    }
    if (!position || strcasecmp(position->text, "flat") != 0 || !s->out->sent_as[SF_direction]) return;
    signal->direction = SIGNAL__DIRECTION__close;
    for (size_t i = 0; i < s->fields->n; i++) {
        if (s->alias[i] && s->alias[i]->field == SF_lot_size) s->extra[i] = true;
    }
    signal->has_lot_size = false; // everything
}

static char *render(const struct fields *fields, const bool *which, struct span secret, arena_t *arena) {
    static buffer_t json; // one thread; its memory is kept from call to call
    buffer_clear(&json);
    for (size_t i = 0; i < fields->n; i++) {
        if ((which && !which[i]) || !is_kept(&fields->items[i], secret)) continue;
        buffer_text(&json, json.length ? "," : "{");
        field_render(&fields->items[i], &json);
    }
    if (!json.length) return NULL;
    buffer_text(&json, "}");
    return arena_text(arena, buffer_string(&json));
}

static void start(struct reading *out) {
    memset(out->sent_as, 0, sizeof out->sent_as);
    memset(out->unreadable, 0, sizeof out->unreadable);
    out->complaints.n = 0;
}

void signal_of(const struct fields *fields, struct span secret, arena_t *arena, struct reading *out) {
    struct sorting s = {.fields = fields, .secret = secret, .out = out};
    bool any_extra = false;
    start(out);
    signal__init(&out->signal);
    for (size_t i = 0; i < fields->n; i++) {
        s.alias[i] = alias_of(&fields->items[i]);
        if (s.alias[i] && s.alias[i]->field != SF_reasoning) trim(&fields->items[i]);
        s.extra[i] = !s.alias[i];
        if (!s.alias[i] && fields->items[i].as && *fields->items[i].as)
            complaint_add(&out->complaints, fields->items[i].name, "not_supported", "is understood, but cannot be acted on here");
    }
    for (unsigned rank = 0; rank < RANKS; rank++) {
        for (size_t i = 0; i < fields->n; i++) {
            if (s.alias[i] && s.alias[i]->rank == rank && !says_nothing(&fields->items[i])) take(&s, i);
        }
    }
    apply_position(&s);
    for (size_t i = 0; i < fields->n; i++) any_extra |= s.extra[i];
    if (any_extra) out->signal.extra = render(fields, s.extra, secret, arena);
}

char *signal_content(const struct fields *fields, struct span secret, arena_t *arena) {
    char *all = render(fields, NULL, secret, arena);
    return all ? all : arena_text(arena, "{}");
}
