// prices - one table of names, the rules of a price, the latest of each symbol.
// SPDX-License-Identifier: MIT
#include "services/ingest/prices/prices.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/hash.h"
#include "services/ingest/prices/price_trust.h"
#include "services/ingest/rules/rules.h"
#include "services/ingest/slice.h"
#include "system.pb-c.h"

#define AHEAD_NS (60 * NS_PER_S) // how far a sender's clock may be ahead

struct held {
    char symbol[SYMBOL_MAX + 1];
    Price price;
    struct price_held held;
    struct symbol_owners owners;
    uint64_t version; // of the book that the owners are from
    bool changed;
    UT_hash_handle hh;
};

struct prices {
    const book_t *book;
    struct held *all;
    size_t max;
    struct held **changed;
    size_t n_changed;
};

prices_t *prices_new(const book_t *book, size_t symbols_max) {
    prices_t *self = alloc_zeroed(1, sizeof *self);
    self->book = book;
    self->max = symbols_max;
    self->changed = alloc_zeroed(symbols_max, sizeof *self->changed);
    return self;
}

void prices_destroy(prices_t **handle) {
    prices_t *self = *handle;
    struct held *h, *next;
    if (!self) return;
    HASH_ITER(hh, self->all, h, next) {
        HASH_DEL(self->all, h);
        free(h);
    }
    free(self->changed);
    free(self);
    *handle = NULL;
}

size_t prices_count(const prices_t *self) { return HASH_COUNT(self->all); }

// --- reading

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

// One price on its way in.
struct quote {
    const struct fields *fields;
    arena_t *arena;
    struct complaints *complaints;
    size_t index;
    bool many, has_last, has_time;
    Price price;
};

static void complain_of_price(struct quote *q, const char *field, const char *code,
                              const char *rule) {
    complaint_add(q->complaints,
                  q->many ? arena_format(q->arena, "[%zu].%s", q->index, field) : field, code,
                  rule);
}

static const struct field *find_quote_field(const struct quote *q, const char *name) {
    for (size_t i = 0; i < q->fields->n; i++) {
        const struct field *f = &q->fields->items[i];
        bool given = f->kind != FIELD_NULL && !(f->kind == FIELD_TEXT && f->length == 0);
        if (given && strcasecmp(f->name, name) == 0) return f;
    }
    return NULL;
}

static void read_symbol(struct quote *q) {
    const struct field *f = find_quote_field(q, "symbol");
    if (!f) f = find_quote_field(q, "ticker");
    if (!f) return complain_of_price(q, "symbol", "required", "is required");
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

static void read_quote(struct quote *q, uint64_t now) {
    size_t before = q->complaints->n;
    price__init(&q->price);
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

// --- holding

// What is held of a symbol that this source may price; NULL: it may not, or no more symbols can be
// held.
static struct held *held_for(prices_t *self, const SignalConfig *source, const char *symbol) {
    struct held *h;
    HASH_FIND_STR(self->all, symbol, h);
    struct symbol_owners owners =
        h && h->version == book_version(self->book) ? h->owners : price_owners(self->book, symbol);
    if (!price_is_from(source, symbol, owners) || (!h && HASH_COUNT(self->all) == self->max))
        return NULL;
    if (!h) {
        h = alloc_zeroed(1, sizeof *h);
        (void)snprintf(h->symbol, sizeof h->symbol, "%s", symbol);
        HASH_ADD_STR(self->all, symbol, h);
    }
    h->owners = owners;
    h->version = book_version(self->book);
    return h;
}

static void report_jump(batch_t *batch, const SignalConfig *source, const struct held *h,
                        const Price *price) {
    char before[DECIMAL_TEXT], now[DECIMAL_TEXT], most[DECIMAL_TEXT];
    (void)decimal_print(D(h->held.last), before);
    (void)decimal_print(D(price->last), now);
    (void)decimal_print(D(source->max_jump_percent), most);
    batch_alert(batch, ALERT__SEVERITY__warning, "price_jump", h->symbol,
                "%s of source %s is more than %s %% from %s, or from its own bid or ask: not "
                "believed unless it is said %d times over %d s",
                now, source->config_id, most, before, JUMP_TIMES, (int)(JUMP_FOR_NS / NS_PER_S));
}

// False: it is not this source's to say, or not believed.
static bool keep_believed_price(prices_t *self, const struct price_post *post, struct quote *q) {
    const Price *price = &q->price;
    struct held *h = held_for(self, post->source, price->symbol);
    if (!h)
        return complain_of_price(q, "symbol", "not_allowed",
                                 "is none whose price this source gives"),
               false;
    if (price->timestamp < h->price.timestamp) return true;
    if (!price_is_believed(&h->held, price, D(post->source->max_jump_percent),
                           batch_mono(post->batch))) {
        report_jump(post->batch, post->source, h, price);
        return complain_of_price(
                   q, "last", "jump",
                   "is too far from the price before, or from its bid or ask, to be believed at "
                   "once"),
               false;
    }
    h->price = *price;
    h->price.symbol = h->symbol;
    if (!h->changed) self->changed[self->n_changed++] = h;
    h->changed = true;
    return true;
}

size_t prices_take(prices_t *self, const struct price_post *post, struct complaints *out) {
    const struct document *body = post->body;
    arena_t *arena = batch_arena(post->batch);
    struct quote *quotes = arena_take(arena, (body->n + 1) * sizeof *quotes);
    size_t held = 0;
    out->n = 0;
    if (!body->n) complaint_add(out, "symbol", "required", "is required");
    for (size_t i = 0; i < body->n; i++) {
        quotes[i] = (struct quote){.fields = &body->maps[i],
                                   .arena = arena,
                                   .complaints = out,
                                   .index = i,
                                   .many = body->many};
        read_quote(&quotes[i], batch_now(post->batch));
    }
    if (out->n) return 0;
    for (size_t i = 0; i < body->n; i++) held += keep_believed_price(self, post, &quotes[i]);
    return held;
}

void prices_flush(prices_t *self, batch_t *batch) {
    for (size_t i = 0; i < self->n_changed; i++) {
        struct held *h = self->changed[i];
        slice_price(batch, &h->price);
        batch_publish(batch, FEED_PRICES, &h->price.base);
        h->changed = false;
    }
    self->n_changed = 0;
}
