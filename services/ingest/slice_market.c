// slice_market - the keys of market data that ingest owns.
// SPDX-License-Identifier: MIT
//
//   stocks:price:{symbol}        JSON    the latest price                        these six as spec 003
//   stocks:indicators:{symbol}   JSON    Indicators                              has them; they expire
//   stocks:sentiment:{symbol}    JSON    Sentiment
//   watchlist:current            JSON    an array of symbols
//   candidates:ranked            JSON    an array of Candidates
//   context:market               JSON    MarketContext
//   signals:entry:{symbol}, signals:exit:{symbol}
//                                JSON    SignalView: the last one accepted; expires
//   signal:state:prices          hash    PriceState, packed, by symbol: Price and the bar that is open
//   signal:state:bars            hash    IndicatorState, packed, by symbol
//   signal:state:market          hash    DocumentState, packed, by "{kind}" or "{kind} {symbol}"
#include "services/ingest/slice_market.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/domain/last_prices.h"
#include "common/schema/record.h"

#define KEY_TEXT     128
#define STATE_BARS   "signal:state:bars"
#define STATE_MARKET "signal:state:market"

static void write_json(batch_t *batch, const char *prefix, const char *symbol, const buffer_t *json,
                       uint64_t until) {
    char k[KEY_TEXT];
    (void)snprintf(k, sizeof k, "%s%s", prefix, symbol ? symbol : ""); // symbols have at most 32
    batch_set_until(batch, k, (struct span){json->data, json->length}, until);
}

static void write_packed(batch_t *batch, const char *key, const char *field,
                         const ProtobufCMessage *m) {
    const size_t size = protobuf_c_message_get_packed_size(m);
    uint8_t *bytes = arena_take(batch_arena(batch), size + 1);
    batch_entry(batch, key, span_of(field),
                (struct span){bytes, protobuf_c_message_pack(m, bytes)});
}

// --- prices

static void add_price_number(buffer_t *out, const char *name, bool has, int64_t e8) {
    char number[DECIMAL_TEXT];
    if (!has) return;
    (void)decimal_print(D(e8), number);
    buffer_format(out, ",\"%s\":%s", name, number);
}

// {"price":{"last":…,"open":…,"high":…,"low":…,"volume":…},"timestamp":"…"} (spec 003), and bid and
// ask where they are known.
void slice_price(batch_t *batch, const Price *p, uint64_t until) {
    char number[DECIMAL_TEXT], time[TIME_TEXT];
    buffer_t *json = batch_scratch(batch);
    (void)decimal_print(D(p->last), number);
    buffer_format(json, "{\"price\":{\"last\":%s", number);
    add_price_number(json, "open", p->has_open, p->open);
    add_price_number(json, "high", p->has_high, p->high);
    add_price_number(json, "low", p->has_low, p->low);
    add_price_number(json, "volume", p->has_volume, p->volume);
    add_price_number(json, "bid", p->has_bid, p->bid);
    add_price_number(json, "ask", p->has_ask, p->ask);
    (void)time_print(p->timestamp, time);
    buffer_format(json, "},\"timestamp\":\"%s\"}", time);
    write_json(batch, "stocks:price:", p->symbol, json, until);
}

void slice_price_state(batch_t *batch, const PriceState *state) {
    write_packed(batch, LAST_PRICES, state->symbol, &state->base);
}

void slice_price_over(batch_t *batch, const char *symbol) {
    batch_entry_drop(batch, LAST_PRICES, span_of(symbol));
}

void slice_indicator_state(batch_t *batch, const IndicatorState *state) {
    write_packed(batch, STATE_BARS, state->symbol, &state->base);
}

void slice_indicator_over(batch_t *batch, const char *symbol) {
    batch_entry_drop(batch, STATE_BARS, span_of(symbol));
}

// --- documents

void slice_document(batch_t *batch, const struct document_form *form, const ProtobufCMessage *m,
                    const char *symbol, uint64_t until) {
    buffer_t *json = batch_scratch(batch);
    document_print(form, m, json);
    write_json(batch, form->key, symbol, json, until);
}

void slice_document_state(batch_t *batch, const char *name, const DocumentState *state) {
    write_packed(batch, STATE_MARKET, name, &state->base);
}

void slice_document_over(batch_t *batch, const char *name) {
    batch_entry_drop(batch, STATE_MARKET, span_of(name));
}

void slice_signal_view(batch_t *batch, const char *type, const char *symbol, const SignalView *view,
                       uint64_t until) {
    buffer_t *json = batch_scratch(batch);
    char prefix[16];
    (void)snprintf(prefix, sizeof prefix, "signals:%s:", type);
    record_to_json(&view->base, json);
    write_json(batch, prefix, symbol, json, until);
}

// --- at start: what is not ours is passed over, as it is for looking

struct market_loading {
    const ProtobufCMessageDescriptor *type;
    slice_price_fn *price;
    slice_indicator_fn *indicator;
    slice_document_fn *document;
    void *arg;
};

static err_t load_packed(void *arg, struct span name, struct span value) {
    const struct market_loading *l = arg;
    err_t e = ERR_OK;
    ProtobufCMessage *m = protobuf_c_message_unpack(l->type, NULL, value.length, value.data);
    if (!m) return ERR_OK;
    if (l->price) e = l->price(l->arg, (const PriceState *)m);
    if (l->indicator) e = l->indicator(l->arg, (const IndicatorState *)m);
    if (l->document) e = l->document(l->arg, name, (const DocumentState *)m);
    protobuf_c_message_free_unpacked(m, NULL);
    return e;
}

err_t slice_price_states(store_t *store, slice_price_fn *visit, void *arg) {
    return store_pairs(
        store, LAST_PRICES, load_packed,
        &(struct market_loading){.type = &price_state__descriptor, .price = visit, .arg = arg});
}

err_t slice_indicator_states(store_t *store, slice_indicator_fn *visit, void *arg) {
    return store_pairs(store, STATE_BARS, load_packed,
                       &(struct market_loading){
                           .type = &indicator_state__descriptor, .indicator = visit, .arg = arg});
}

err_t slice_document_states(store_t *store, slice_document_fn *visit, void *arg) {
    return store_pairs(store, STATE_MARKET, load_packed,
                       &(struct market_loading){
                           .type = &document_state__descriptor, .document = visit, .arg = arg});
}
