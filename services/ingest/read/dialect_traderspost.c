// dialect_traderspost - TradersPost's JSON.
// SPDX-License-Identifier: MIT
//
// Names are case-sensitive, as they are there. `sentiment` is the position that is wanted
// afterwards: sell with flat closes a long and never opens a short. What TradersPost would act on
// and we cannot is refused by name; what it does not know either is kept with the signal.
#include <string.h>

#include "services/ingest/read/dialect.h"

// A field of the body, or of an object in it.
static const struct field *find_body_field(const struct fields *in, const char *name) {
    for (size_t i = 0; i < in->n; i++)
        if (strcmp(in->items[i].name, name) == 0 && in->items[i].kind != FIELD_NULL)
            return &in->items[i];
    return NULL;
}

static bool has_field_word(const struct field *f, const char *word) {
    return f && f->kind == FIELD_TEXT && strcmp(f->text, word) == 0;
}

struct word {
    const char *theirs, *ours;
};

// The one of ours; NULL: there is none.
static const char *ours_of(const struct word *words, const struct field *f) {
    for (; words->theirs; words++)
        if (has_field_word(f, words->theirs)) return words->ours;
    return NULL;
}

// Which side the position is to be on afterwards.
static const struct word sides[] = {{"bullish", "long"}, {"long", "long"}, {"bearish", "short"},
                                    {"short", "short"},  {"flat", "flat"}, {0}};

// Action and side together say what is to be done.
static const struct {
    const char *action, *side; // side NULL: none was given
    const char *direction;
    bool all; // whatever quantity says: nothing is to be left
} actions[] = {
    {"buy", NULL, "buy", false},
    {"buy", "long", "buy", false},
    {"buy", "short", "close_short", false},
    {"buy", "flat", "close_short", true},
    {"sell", NULL, "sell", false},
    {"sell", "short", "sell", false},
    {"sell", "long", "close_long", false},
    {"sell", "flat", "close_long", true},
    {"exit", NULL, "close", false},
    {"exit", "flat", "close", true},
    {"exit", "long", "close_long", false},
    {"exit", "short", "close_short", false},
    {"cancel", NULL, "cancel", false},
    {"cancel", "long", "cancel", false},
    {"cancel", "short", "cancel", false},
    {"cancel", "flat", "cancel", false},
    {"add", "long", "buy", false},
    {"add", "short", "sell", false},
};

struct decided {
    bool entry, close, all;
};

static struct decided take_action(struct translation *t, const struct fields *body) {
    const struct field *action = find_body_field(body, "action"),
                       *sentiment = find_body_field(body, "sentiment");
    if (sentiment && !sentiment->length) sentiment = NULL;
    const char *side = ours_of(sides, sentiment);
    if (!action)
        return translation_refuse(t, "action", "required",
                                  "is required: buy, sell, exit, cancel or add"),
               (struct decided){0};
    if (sentiment && !side)
        return translation_refuse(t, "sentiment", "not_allowed",
                                  "must be bullish, long, bearish, short or flat"),
               (struct decided){0};
    if (has_field_word(action, "add") && (!side || strcmp(side, "flat") == 0))
        return translation_refuse(t, "sentiment", "required",
                                  "is required with add: bullish or bearish"),
               (struct decided){0};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        bool same =
            side && actions[i].side ? strcmp(side, actions[i].side) == 0 : side == actions[i].side;
        if (!same || !has_field_word(action, actions[i].action)) continue;
        translation_put_text(t, "action", "direction", actions[i].direction);
        bool close = strncmp(actions[i].direction, "close", 5) == 0;
        return (struct decided){strcmp(actions[i].direction, "buy") == 0 ||
                                    strcmp(actions[i].direction, "sell") == 0,
                                close, actions[i].all};
    }
    translation_refuse(t, "action", "not_allowed", "must be buy, sell, exit, cancel or add");
    return (struct decided){0};
}

// How much.

static void take_quantity(struct translation *t, const struct fields *body, struct decided d) {
    static const struct word types[] = {{"fixed_quantity", "lot_size"},
                                        {"risk_dollar_amount", "risk_amount"},
                                        {"percent_of_position", "close_percent"},
                                        {0}};
    const struct field *quantity = find_body_field(body, "quantity"),
                       *type = find_body_field(body, "quantityType");
    const char *as = type ? ours_of(types, type) : "lot_size";
    if (has_field_word(type, "dollar_amount") || has_field_word(type, "percent_of_equity"))
        return translation_refuse(t, "quantityType", "not_supported",
                                  "sizes by the position's worth, which is not known here: "
                                  "fixed_quantity, risk_dollar_amount and "
                                  "percent_of_position are, and so are the sizes of subscriptions");
    if (!as)
        return translation_refuse(
            t, "quantityType", "not_allowed",
            "must be fixed_quantity, risk_dollar_amount or percent_of_position");
    if (!quantity)
        return type ? translation_refuse(t, "quantity", "required", "is required with quantityType")
                    : (void)0;
    // nothing is to be left, or nothing is traded
    if (d.all || !(d.entry || d.close)) return translation_keep(t, quantity);
    if (strcmp(as, "close_percent") == 0 && !d.close)
        return translation_refuse(t, "quantityType", "not_allowed",
                                  "percent_of_position is for exits");
    if (strcmp(as, "risk_amount") == 0 && !d.entry)
        return translation_refuse(t, "quantityType", "not_allowed",
                                  "risk_dollar_amount is for entries");
    translation_put(t, "quantity", as, quantity);
}

// At which price.

static void refuse_all(struct translation *t, const struct fields *body, const char *const names[],
                       const char *rule) {
    for (; *names; names++)
        if (find_body_field(body, *names)) translation_refuse(t, *names, "not_allowed", rule);
}

static void take_price(struct translation *t, const struct field *f, const struct fields *body) {
    const struct field *expected[] = {find_body_field(body, "signalPrice"),
                                      find_body_field(body, "price")};
    bool taken = f != NULL;
    if (f) translation_put(t, f->name, "price", f);
    for (size_t i = 0; i < 2; i++) {
        if (!expected[i] || !expected[i]->length) continue;
        if (taken)
            translation_keep(t, expected[i]);
        else
            translation_put(t, expected[i]->name, "price", expected[i]);
        taken = true;
    }
}

static void take_order_type(struct translation *t, const struct fields *body) {
    static const char *const none[] = {"limitPrice", "stopPrice", NULL},
                             *const limit[] = {"stopPrice", NULL},
                             *const stop[] = {"limitPrice", NULL};
    const struct field *type = find_body_field(body, "orderType"),
                       *at_limit = find_body_field(body, "limitPrice"),
                       *at_stop = find_body_field(body, "stopPrice");
    if (has_field_word(type, "trailing_stop"))
        return translation_refuse(t, "orderType", "not_supported",
                                  "a trailing stop is of a position here: give it as stopLoss");
    if (!type || has_field_word(type, "market")) {
        refuse_all(t, body, none, "is given, but orderType is not limit, stop or stop_limit");
        take_price(t, NULL, body);
    } else if (has_field_word(type, "limit")) {
        refuse_all(t, body, limit, "is given, but orderType is limit");
        take_price(t, at_limit, body);
    } else if (has_field_word(type, "stop")) {
        refuse_all(t, body, stop, "is given, but orderType is stop");
        take_price(t, at_stop, body);
    } else if (has_field_word(type, "stop_limit")) {
        take_price(t, at_stop, body);
        if (at_limit) translation_put(t, "limitPrice", "limit_price", at_limit);
        if (!at_limit)
            translation_refuse(t, "limitPrice", "required", "is required for stop_limit");
    } else {
        return translation_refuse(t, "orderType", "not_allowed",
                                  "must be market, limit, stop or stop_limit");
    }
    if (type) translation_put(t, "orderType", "order_type", type);
}

// Where out. `takeProfit` and `stopLoss` are objects.

struct part {
    const char *name, *as;
    const char *unit;    // exit_unit, for a trailing stop
    const char *refused; // why not
};

static bool open_object(struct translation *t, const struct field *f, struct fields *out) {
    struct document inner;
    const char *why;
    bool good = f->kind == FIELD_NESTED &&
                !document_read((struct span){f->text, f->length}, t->arena, &inner, &why) &&
                !inner.many;
    if (good) *out = inner.maps[0];
    if (!good)
        translation_refuse(t, f->name, "not_allowed", "must be an object, as {\"percent\": 10}");
    return good;
}

static void take_part(struct translation *t, const struct part *parts, const char *of,
                      const struct field *f) {
    char *name = arena_format(t->arena, "%s.%.64s", of, f->name);
    for (; parts->name; parts++) {
        if (strcmp(parts->name, f->name) != 0) continue;
        if (parts->refused) return translation_refuse(t, name, "not_supported", parts->refused);
        if (parts->as) translation_put(t, name, parts->as, f);
        if (parts->unit) translation_put_text(t, name, "exit_unit", parts->unit);
        return;
    }
    translation_refuse(t, name, "not_known", "is not known");
}

static void take_parts(struct translation *t, const struct part *parts, const char *of,
                       const struct fields *object) {
    for (size_t i = 0; i < object->n; i++)
        if (object->items[i].kind != FIELD_NULL && object->items[i].length)
            take_part(t, parts, of, &object->items[i]);
}

static void take_profit(struct translation *t, const struct fields *body) {
    static const struct part parts[] = {
        {"percent", "take_profit_percent", NULL, NULL},
        {"amount", "take_profit_distance", NULL, NULL},
        {"limitPrice", "take_profit", NULL, NULL},
        {"pnlAmount", NULL, NULL,
         "is a profit in money, which is not known here: percent, amount and limitPrice are"},
        {0},
    };
    const struct field *f = find_body_field(body, "takeProfit");
    struct fields object;
    if (f && open_object(t, f, &object)) take_parts(t, parts, "takeProfit", &object);
}

static void take_stop(struct translation *t, const struct fields *body) {
    static const struct part fixed[] = {
        {"type", NULL, NULL, NULL},
        {"percent", "stop_loss_percent", NULL, NULL},
        {"amount", "stop_loss_distance", NULL, NULL},
        {"stopPrice", "stop_loss", NULL, NULL},
        {"limitPrice", NULL, NULL,
         "makes it a stop-limit; a stop loss is a stop here, so that it is filled"},
        {"pnlAmount", NULL, NULL,
         "is a loss in money, which is not known here: percent, amount and stopPrice are"},
        {0},
    };
    static const struct part trailing[] = {
        {"type", NULL, NULL, NULL},
        {"percent", "trail_distance", "percent", NULL},
        {"trailPercent", "trail_distance", "percent", NULL},
        {"amount", "trail_distance", "distance", NULL},
        {"trailAmount", "trail_distance", "distance", NULL},
        {"trailPrice", NULL, NULL,
         "is not known here: a trailing stop is so far behind, by percent or amount"},
        {"stopPrice", "stop_loss", NULL, NULL},
        {0},
    };
    const struct field *f = find_body_field(body, "stopLoss");
    struct fields object;
    if (!f || !open_object(t, f, &object)) return;
    const struct field *type = find_body_field(&object, "type");
    bool trails = has_field_word(type, "trailing_stop") || has_field_word(type, "trailing stop");
    if (has_field_word(type, "stop_limit") || has_field_word(type, "stop limit"))
        return translation_refuse(t, "stopLoss.type", "not_supported",
                                  "a stop loss is a stop here, so that it is filled");
    if (type && !trails && !has_field_word(type, "stop"))
        return translation_refuse(t, "stopLoss.type", "not_allowed",
                                  "must be stop or trailing_stop");
    take_parts(t, trails ? trailing : fixed, "stopLoss", &object);
    if (trails && !find_body_field(&object, "percent") &&
        !find_body_field(&object, "trailPercent") && !find_body_field(&object, "amount") &&
        !find_body_field(&object, "trailAmount"))
        translation_refuse(t, "stopLoss.trailPercent", "required",
                           "or trailAmount is required for a trailing stop");
}

// The rest.

// What has been looked at above.
static const char *const known[] = {"action",    "sentiment",  "quantity",    "quantityType",
                                    "orderType", "price",      "signalPrice", "limitPrice",
                                    "stopPrice", "takeProfit", "stopLoss",    NULL};

static const struct part plain[] = {
    {"ticker", "symbol", NULL, NULL},
    {"time", "timestamp", NULL, NULL},
    {"timeInForce", "time_in_force", NULL, NULL},
    {"interval", "", NULL, NULL},
    {"extra", "", NULL, NULL},
    {"cancel", NULL, NULL, "cancels and trades in one: send two alerts, action cancel first"},
    {"delay", NULL, NULL, "is not known here: a signal is acted on when it comes"},
    {"test", NULL, NULL,
     "marks a signal that is not to be traded; send those to a source with paper accounts"},
    {"trailPrice", NULL, NULL, "is of a trailing stop order: give it as stopLoss"},
    {"trailAmount", NULL, NULL, "is of a trailing stop order: give it as stopLoss"},
    {"trailPercent", NULL, NULL, "is of a trailing stop order: give it as stopLoss"},
    {"optionType", NULL, NULL, "is of options, which are not traded here"},
    {"intrinsicValue", NULL, NULL, "is of options, which are not traded here"},
    {"expiration", NULL, NULL, "is of options, which are not traded here"},
    {"strikePrice", NULL, NULL, "is of options, which are not traded here"},
    {0},
};

static bool is_known(const char *name) {
    for (const char *const *k = known; *k; k++)
        if (strcmp(*k, name) == 0) return true;
    return false;
}

// A field set to nothing, or a switch set to off, says nothing.
static bool is_off(const struct field *f) {
    return f->kind == FIELD_NULL || (f->kind == FIELD_TEXT && !f->length) ||
           (f->kind == FIELD_BOOL && strcmp(f->text, "false") == 0);
}

static void take_plain(struct translation *t, const struct field *f) {
    if (is_known(f->name)) return;
    for (const struct part *p = plain; p->name; p++) {
        if (strcmp(p->name, f->name) != 0) continue;
        if (p->as) return translation_put(t, f->name, p->as, f);
        return is_off(f) ? translation_keep(t, f)
                         : translation_refuse(t, f->name, "not_supported", p->refused);
    }
    translation_keep(t, f); // TradersPost does not know it either
}

void dialect_traderspost(struct translation *t, const struct fields *body) {
    for (size_t i = 0; i < body->n; i++) translation_sent(t, &body->items[i]);
    struct decided d = take_action(t, body);
    const struct field *sentiment = find_body_field(body, "sentiment");
    if (sentiment) translation_keep(t, sentiment);
    take_quantity(t, body, d);
    take_order_type(t, body);
    take_profit(t, body);
    take_stop(t, body);
    for (size_t i = 0; i < body->n; i++) take_plain(t, &body->items[i]);
}
