// quote - one table of names, one map within, the rules of a price.
// SPDX-License-Identifier: MIT
#include "services/ingest/prices/quote.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "services/ingest/rules/rules.h"

#define AHEAD_NS (60 * NS_PER_S) // how far a sender's clock may be ahead

#define AT(name) offsetof(Price, name)

// Two names for one place: the first that is there counts.
static const struct {
    const char *name;
    size_t value, has;
} numbers[] = {
    {"last", AT(last), 0},
    {"price", AT(last), 0},
    {"close", AT(last), 0},
    {"bid", AT(bid), AT(has_bid)},
    {"ask", AT(ask), AT(has_ask)},
    {"open", AT(open), AT(has_open)},
    {"high", AT(high), AT(has_high)},
    {"low", AT(low), AT(has_low)},
    {"volume", AT(volume), AT(has_volume)},
};
#define NUMBERS (sizeof numbers / sizeof *numbers)

void complain_of_price(struct quote *q, const char *field, const char *code, const char *rule) {
    complaint_add(q->complaints,
                  q->many ? arena_format(q->arena, "[%zu].%s", q->index, field) : field, code,
                  rule);
}

static const struct field *find_field_in(const struct fields *fields, const char *name) {
    for (size_t i = 0; i < fields->n; i++) {
        const struct field *f = &fields->items[i];
        bool given = f->kind != FIELD_NULL && !(f->kind == FIELD_TEXT && f->length == 0);
        if (given && strcasecmp(f->name, name) == 0) return f;
    }
    return NULL;
}

static const struct field *find_quote_field(const struct quote *q, const char *name) {
    const struct field *f = find_field_in(&q->within, name);
    if (!f) f = find_field_in(q->fields, name);
    return f && q->within.n && f->kind == FIELD_NESTED ? NULL : f; // the map itself is no number
}

// {"price": {"last": …, "open": …}, "timestamp": …}
static void open_price_map(struct quote *q) {
    const struct field *f = find_field_in(q->fields, "price");
    struct document within;
    const char *why;
    if (!f || f->kind != FIELD_NESTED) return;
    if (document_read((struct span){f->text, f->length}, q->arena, &within, &why) || within.many ||
        !within.maps[0].n)
        return complain_of_price(q, "price", "not_a_number",
                                 "must be a number, or a map of last, open, high, low and volume");
    q->within = within.maps[0];
    for (size_t i = 0; i < q->within.n; i++) {
        const struct field *both = find_field_in(q->fields, q->within.items[i].name);
        if (both && both != f)
            complain_of_price(q, both->name, "conflict", "is given twice: in price and beside it");
    }
}

static void read_symbol(struct quote *q) {
    const struct field *f = find_quote_field(q, "symbol");
    bool in_address = q->symbol && *q->symbol;
    if (!f) f = find_quote_field(q, "ticker");
    if (!f && in_address && symbol_is_valid(q->symbol)) {
        q->price.symbol = (char *)q->symbol;
        return;
    }
    if (!f) return complain_of_price(q, "symbol", "required", "is required");
    if (in_address && strcmp(q->symbol, f->text) != 0)
        return complain_of_price(q, f->name, "conflict", "is not the symbol of the address");
    q->price.symbol = f->text;
    if (f->kind == FIELD_NESTED || !symbol_is_valid(f->text))
        complain_of_price(q, f->name, "bad_characters",
                          "must be 1 to 32 letters, digits or any of . _ : / ! & ^ # + -");
}

static void read_quote_number(struct quote *q, size_t which) {
    const struct field *f = find_quote_field(q, numbers[which].name);
    decimal_t d;
    if (!f || (!numbers[which].has && q->has_last)) return;
    err_t e = f->kind == FIELD_NUMBER || f->kind == FIELD_TEXT
                  ? decimal_read(f->text, f->length, &d)
                  : ERR_INPUT;
    bool volume = numbers[which].value == AT(volume);
    if (!numbers[which].has) q->has_last = true;
    if (e == ERR_RULE)
        return complain_of_price(q, f->name, "out_of_range",
                                 "must have at most 8 decimals and be within +-92233720368");
    if (e) return complain_of_price(q, f->name, "not_a_number", "must be a number");
    if (d.e8 < 0 || (d.e8 == 0 && !volume))
        return complain_of_price(q, f->name, "out_of_range",
                                 volume ? "must be 0 or more" : "must be greater than 0");
    *(int64_t *)(void *)((char *)&q->price + numbers[which].value) = d.e8;
    if (numbers[which].has) *(protobuf_c_boolean *)((char *)&q->price + numbers[which].has) = true;
}

static void read_quote_time(struct quote *q, uint64_t now) {
    const struct field *f = find_quote_field(q, "timestamp");
    uint64_t ns = now;
    if (!f) f = find_quote_field(q, "time");
    err_t e = !f                        ? ERR_OK
              : f->kind == FIELD_NESTED ? ERR_INPUT
                                        : time_read(f->text, f->length, &ns);
    if (e == ERR_RULE) return complain_of_price(q, f->name, "out_of_range", TIME_RANGE);
    if (e)
        return complain_of_price(
            q, f->name, "not_a_time",
            "must be an ISO 8601 time with a zone, or Unix seconds or milliseconds");
    if (f && ns > now + AHEAD_NS)
        return complain_of_price(q, f->name, "in_the_future",
                                 "must not be more than a minute ahead");
    q->price.timestamp = ns - ns % NS_PER_US;
}

void quote_read(struct quote *q, uint64_t now) {
    size_t before = q->complaints->n;
    price__init(&q->price);
    open_price_map(q);
    read_symbol(q);
    for (size_t i = 0; i < NUMBERS; i++) read_quote_number(q, i);
    read_quote_time(q, now);
    if (q->complaints->n != before) return;
    Price *p = &q->price;
    decimal_t mid;
    if (p->has_bid && p->has_ask && p->bid > p->ask)
        complain_of_price(q, "bid", "wrong_side", "must not be above the ask");
    if (p->has_high && p->has_low && p->low > p->high)
        complain_of_price(q, "low", "wrong_side", "must not be above the high");
    if (q->has_last) return;
    if (p->has_bid && p->has_ask &&
        decimal_mean(D(p->bid), DECIMAL_INT(1), D(p->ask), DECIMAL_INT(1), &mid))
        p->last = mid.e8;
    else
        complain_of_price(q, "last", "required", "is required, unless bid and ask are there");
}
