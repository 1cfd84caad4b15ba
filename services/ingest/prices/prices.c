// prices - the latest of each symbol, its day and its bars; over restarts, too.
// SPDX-License-Identifier: MIT
#include "services/ingest/prices/prices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/hash.h"
#include "services/ingest/market/bars.h"
#include "services/ingest/market/indicators.h"
#include "services/ingest/prices/price_trust.h"
#include "services/ingest/prices/quote.h"
#include "services/ingest/rules/rules.h"
#include "services/ingest/slice_market.h"
#include "system.pb-c.h"

struct held {
    char symbol[SYMBOL_MAX + 1];
    Price price;
    struct price_held held;
    struct symbol_owners owners;
    uint64_t version;    // of the book that the owners are from
    uint64_t written_at; // UTC ns: it goes so long after
    struct open_bar bar;
    struct calculation calculation;
    bool changed;
    UT_hash_handle hh;
};

struct prices {
    const book_t *book;
    market_t *market;
    struct price_limits limits;
    struct held *all;
    struct held **changed;
    size_t n_changed;
};

prices_t *prices_new(const book_t *book, market_t *market, const struct price_limits *limits) {
    prices_t *self = alloc_zeroed(1, sizeof *self);
    self->book = book;
    self->market = market;
    self->limits = *limits;
    self->changed = alloc_zeroed(limits->symbols_max, sizeof *self->changed);
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

// --- holding

// What is held of a symbol that this source may price; NULL: it may not, or no more symbols can be
// held.
static struct held *held_for(prices_t *self, const SignalConfig *source, const char *symbol) {
    struct held *h;
    HASH_FIND_STR(self->all, symbol, h);
    struct symbol_owners owners =
        h && h->version == book_version(self->book) ? h->owners : price_owners(self->book, symbol);
    if (!price_is_from(source, symbol, owners) ||
        (!h && HASH_COUNT(self->all) == self->limits.symbols_max))
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

// --- the day, and its bars

#define DAY_NS (86400 * NS_PER_S)

// What a post does not say of the day it was said of before, on the same day (UTC), stays; and a
// price beyond the day's high or low is that from now on.
static void carry_day(const Price *before, Price *now) {
    if (!before->symbol || before->timestamp / DAY_NS != now->timestamp / DAY_NS) return;
    if (!now->has_open && before->has_open) now->open = before->open, now->has_open = true;
    if (!now->has_volume && before->has_volume)
        now->volume = before->volume, now->has_volume = true;
    if (!now->has_high && before->has_high) {
        now->has_high = true;
        now->high = before->high > now->last ? before->high : now->last;
    }
    if (!now->has_low && before->has_low) {
        now->has_low = true;
        now->low = before->low < now->last ? before->low : now->last;
    }
}

static uint64_t bar_length_ns(const prices_t *self) { return self->limits.bar_s * NS_PER_S; }

static Bar bar_message(const struct held *h, const struct open_bar *b, uint32_t length_s) {
    Bar bar = BAR__INIT;
    bar.symbol = (char *)h->symbol;
    bar.opened_at = b->opened_at;
    bar.length_s = length_s;
    bar.open = b->open;
    bar.high = b->high;
    bar.low = b->low;
    bar.close = b->close;
    bar.prices = b->prices;
    return bar;
}

// A bar is over: it is told, and what is calculated from it is.
static void end_bar(prices_t *self, batch_t *batch, struct held *h, const struct open_bar *closed) {
    const uint32_t length_s = (uint32_t)self->limits.bar_s;
    Bar bar = bar_message(h, closed, length_s);
    Indicators in;
    IndicatorState state;
    batch_emit(batch, TOPIC_market, 0, &bar.base);
    calculation_add(&h->calculation, closed->close, closed->opened_at + bar_length_ns(self));
    calculation_read(&h->calculation, &in);
    calculation_store(&h->calculation, h->symbol, length_s, batch_arena(batch), &state);
    slice_indicator_state(batch, &state);
    in.symbol = h->symbol;
    in.has_bar_s = true;
    in.bar_s = length_s;
    if (in.has_rsi_14) (void)market_calculated(self->market, batch, &in);
}

static void mark_changed_price(prices_t *self, struct held *h) {
    if (!h->changed) self->changed[self->n_changed++] = h;
    h->changed = true;
}

static void accept_price(prices_t *self, batch_t *batch, struct held *h, const Price *price) {
    Price now = *price;
    struct open_bar closed;
    carry_day(&h->price, &now);
    h->price = now;
    h->price.symbol = h->symbol;
    h->written_at = batch_now(batch);
    if (self->limits.bar_s && bar_add(&h->bar, bar_length_ns(self), h->calculation.closed_at,
                                      now.last, now.timestamp, &closed))
        end_bar(self, batch, h, &closed);
    mark_changed_price(self, h);
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
    accept_price(self, post->batch, h, price);
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
                                   .symbol = post->symbol,
                                   .complaints = out,
                                   .index = i,
                                   .many = body->many};
        quote_read(&quotes[i], batch_now(post->batch));
    }
    if (out->n) return 0;
    for (size_t i = 0; i < body->n; i++) held += keep_believed_price(self, post, &quotes[i]);
    return held;
}

// Between Price and PriceState, which begins as it does.
#define COPY_PRICE(from, to)                                                                       \
    ((to)->has_bid = (from)->has_bid, (to)->bid = (from)->bid, (to)->has_ask = (from)->has_ask,    \
     (to)->ask = (from)->ask, (to)->last = (from)->last, (to)->has_open = (from)->has_open,        \
     (to)->open = (from)->open, (to)->has_high = (from)->has_high, (to)->high = (from)->high,      \
     (to)->has_low = (from)->has_low, (to)->low = (from)->low,                                     \
     (to)->has_volume = (from)->has_volume, (to)->volume = (from)->volume,                         \
     (to)->timestamp = (from)->timestamp)

static void store_price(const prices_t *self, batch_t *batch, struct held *h) {
    PriceState state = PRICE_STATE__INIT;
    Bar bar = bar_message(h, &h->bar, (uint32_t)self->limits.bar_s);
    COPY_PRICE(&h->price, &state);
    state.symbol = h->symbol;
    state.has_written_at = true;
    state.written_at = h->written_at;
    if (h->bar.prices) state.bar = &bar;
    slice_price(batch, &h->price, h->written_at + self->limits.ttl_ns);
    slice_price_state(batch, &state);
}

void prices_flush(prices_t *self, batch_t *batch) {
    for (size_t i = 0; i < self->n_changed; i++) {
        struct held *h = self->changed[i];
        store_price(self, batch, h);
        batch_publish(batch, FEED_PRICES, &h->price.base);
        h->changed = false;
    }
    self->n_changed = 0;
}

void prices_say_again(prices_t *self, batch_t *batch) {
    for (struct held *h = self->all; h; h = h->hh.next)
        if (h->price.symbol) batch_publish(batch, FEED_PRICES, &h->price.base);
}

// --- by the clock

static void forget_price(prices_t *self, batch_t *batch, struct held *h) {
    slice_price_over(batch, h->symbol);
    slice_indicator_over(batch, h->symbol);
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): of uthash's own pointers
    HASH_DEL(self->all, h);
    free(h);
}

void prices_retire(prices_t *self, batch_t *batch) {
    struct held *h, *next;
    struct open_bar closed;
    const uint64_t now = batch_now(batch);
    HASH_ITER(hh, self->all, h, next) {
        // what is replayed, or late, has a time of its own that goes on as ours does
        const uint64_t market =
            h->price.timestamp + (now > h->written_at ? now - h->written_at : 0);
        if (self->limits.bar_s && bar_is_due(&h->bar, bar_length_ns(self), market, &closed)) {
            end_bar(self, batch, h, &closed);
            store_price(self, batch, h); // without the bar
        }
        if (!h->changed && h->written_at + self->limits.ttl_ns <= now) forget_price(self, batch, h);
    }
}

// --- over restarts

static err_t load_price_state(void *arg, const PriceState *state) {
    prices_t *self = arg;
    struct held *h;
    if (HASH_COUNT(self->all) == self->limits.symbols_max || !symbol_is_valid(state->symbol))
        return ERR_OK;
    HASH_FIND_STR(self->all, state->symbol, h);
    if (h) return ERR_OK;
    h = alloc_zeroed(1, sizeof *h);
    (void)snprintf(h->symbol, sizeof h->symbol, "%s", state->symbol);
    price__init(&h->price);
    COPY_PRICE(state, &h->price);
    h->price.symbol = h->symbol;
    h->written_at = state->has_written_at ? state->written_at : state->timestamp;
    h->version = UINT64_MAX; // its owners are looked up
    if (state->bar && state->bar->length_s == self->limits.bar_s) {
        const Bar *b = state->bar;
        h->bar = (struct open_bar){b->opened_at, b->open, b->high, b->low, b->close, b->prices};
    }
    HASH_ADD_STR(self->all, symbol, h);
    return ERR_OK;
}

static err_t load_indicator_state(void *arg, const IndicatorState *state) {
    prices_t *self = arg;
    struct held *h;
    HASH_FIND_STR(self->all, state->symbol, h);
    if (h) (void)calculation_restore(&h->calculation, state, (uint32_t)self->limits.bar_s);
    return ERR_OK;
}

err_t prices_load(prices_t *self, store_t *store) {
    err_t e = slice_price_states(store, load_price_state, self);
    return e ? e : slice_indicator_states(store, load_indicator_state, self);
}

const Price *prices_last(const prices_t *self, const char *symbol) {
    struct held *h;
    HASH_FIND_STR(self->all, symbol, h);
    return h && h->price.symbol ? &h->price : NULL;
}
