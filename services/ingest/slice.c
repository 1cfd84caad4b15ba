// slice - the keys ingest owns.
// SPDX-License-Identifier: MIT
//
//   signal:{signal_id}                   hash    Signal; expires when final
//   signal:state:pending, :processing    sets    signal_ids that are not final
//   signal:state:votes                   hash    Ballots that are open, packed, by "{config_id} {symbol}"
//   signal:guard:*                       hashes  signal ids that were taken or refused (common/guard.h)
//   signal_execution_status:{signal_id}  hash    SignalExecutionStatus; expires
//   signal_metrics:{signal_id}           hash    SignalMetrics; expires
//   signal_rejection:{signal_id}         hash    SignalRejection; expires
//   stocks:price:{symbol}                JSON    the latest price
#include "services/ingest/slice.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/record.h"

#define KEY_TEXT 128

const char *const ingest_slice[] = {
    "signal:",
    "signal_execution_status:",
    "signal_metrics:",
    "signal_rejection:",
    "signals:",
    "stocks:price:",
    "stocks:indicators:",
    "stocks:sentiment:",
    "watchlist:current",
    "candidates:ranked",
    "context:market",
    NULL,
};

static const char *key(char out[static KEY_TEXT], const char *prefix, const char *id) {
    (void)snprintf(out, KEY_TEXT, "%s%s", prefix, id); // ids have at most 64 characters
    return out;
}

// Beside our own, what other services keep under <their prefix>:<signal_id>.
bool id_is_reserved(const char *signal_id) {
    static const char *const reserved[] = {"state:", "guard:", "ended:", "open:", "index:"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (strncmp(signal_id, reserved[i], strlen(reserved[i])) == 0) return true;
    }
    return false;
}

static const char *set_of(Signal__Status status) {
    if (status == SIGNAL__STATUS__pending) return STATE_PENDING;
    return status == SIGNAL__STATUS__processing ? STATE_PROCESSING : NULL;
}

static void keep_to_look_at(batch_t *batch, const char *k, const ProtobufCMessage *m) {
    batch_keep(batch, k, m);
    batch_expire_at(batch, k, batch_look_until(batch));
}

void slice_accepted(batch_t *batch, const Signal *signal) {
    char k[KEY_TEXT];
    batch_keep(batch, key(k, SIGNAL_PREFIX, signal->signal_id), &signal->base);
    batch_member(batch, set_of(signal->status), signal->signal_id);
}

void slice_rejected(batch_t *batch, const Signal *signal, const SignalRejection *rejection) {
    char k[KEY_TEXT];
    keep_to_look_at(batch, key(k, SIGNAL_PREFIX, signal->signal_id), &signal->base);
    keep_to_look_at(batch, key(k, "signal_rejection:", signal->signal_id), &rejection->base);
}

void slice_unread(batch_t *batch, const char *signal_id, const char *field) {
    char k[KEY_TEXT];
    batch_field_drop(batch, key(k, SIGNAL_PREFIX, signal_id), field);
}

void slice_moved(batch_t *batch, const char *signal_id, Signal__Status from, Signal__Status to) {
    char k[KEY_TEXT];
    key(k, SIGNAL_PREFIX, signal_id);
    batch_field(batch, k, "status", record_enum_name(&signal__status__descriptor, (int)to));
    if (set_of(from)) batch_member_drop(batch, set_of(from), signal_id);
    if (set_of(to))
        batch_member(batch, set_of(to), signal_id);
    else
        batch_expire_at(batch, k, batch_look_until(batch));
}

void slice_restored(batch_t *batch, const SignalLife *life) {
    char k[KEY_TEXT];
    batch_keep(batch, key(k, SIGNAL_PREFIX, life->signal_id), &life->base);
    if (set_of(life->status))
        batch_member(batch, set_of(life->status), life->signal_id);
    else
        batch_expire_at(batch, k, batch_look_until(batch));
}

void slice_executed(batch_t *batch, const SignalExecutionStatus *status) {
    char k[KEY_TEXT];
    keep_to_look_at(batch, key(k, "signal_execution_status:", status->signal_id), &status->base);
}

void slice_measured(batch_t *batch, const SignalMetrics *metrics) {
    char k[KEY_TEXT];
    keep_to_look_at(batch, key(k, "signal_metrics:", metrics->signal_id), &metrics->base);
}

#define STATE_VOTES "signal:state:votes"

void slice_ballot(batch_t *batch, const char *name, struct span packed) { batch_field_bytes(batch, STATE_VOTES, span_of(name), packed); }
void slice_ballot_over(batch_t *batch, const char *name) { batch_field_drop(batch, STATE_VOTES, name); }
err_t slice_ballots(store_t *store, store_pair_fn *visit, void *arg) { return store_pairs(store, STATE_VOTES, visit, arg); }

static void add_number(buffer_t *out, const char *name, bool has, int64_t e8) {
    char number[DECIMAL_TEXT];
    if (!has) return;
    (void)decimal_print(D(e8), number);
    buffer_format(out, ",\"%s\":%s", name, number);
}

// {"price":{"last":…,"open":…,"high":…,"low":…,"volume":…},"timestamp":"…"} (spec 003), and bid and ask where they are known.
void slice_price(batch_t *batch, const Price *p) {
    char k[KEY_TEXT], number[DECIMAL_TEXT], time[TIME_TEXT];
    static buffer_t json; // one thread; its memory is kept from call to call
    buffer_clear(&json);
    (void)decimal_print(D(p->last), number);
    buffer_format(&json, "{\"price\":{\"last\":%s", number);
    add_number(&json, "open", p->has_open, p->open);
    add_number(&json, "high", p->has_high, p->high);
    add_number(&json, "low", p->has_low, p->low);
    add_number(&json, "volume", p->has_volume, p->volume);
    add_number(&json, "bid", p->has_bid, p->bid);
    add_number(&json, "ask", p->has_ask, p->ask);
    (void)time_print(p->timestamp, time);
    buffer_format(&json, "},\"timestamp\":\"%s\"}", time);
    batch_set(batch, key(k, "stocks:price:", p->symbol), (struct span){json.data, json.length});
}
