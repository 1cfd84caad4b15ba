// slice - the keys ingest owns.
// SPDX-License-Identifier: MIT
//
//   signal:{signal_id}                   hash    Signal; expires when final
//   signal:state:pending, :processing    sets    signal_ids that are not final
//   signal:state:votes                   hash    open Ballots, packed, by "{config_id} {symbol}"
//   signal:state:approvals               hash    Signals that wait for approval, packed, by signal_id
//   signal:state:identity                hash    by source: its windows, now and before, in
//   seconds;
//                                                ":time": what identities are made of, in ns;
//                                                ":losses": after which of it something was lost
//   signal:state:duplicates              hash    Duplicates, packed, by signal_id: what came again
//   signal:guard:*                       hashes  what was taken or refused (common/batch/guard.h)
//   signal_execution_status:{signal_id}  hash    SignalExecutionStatus; expires
//   signal_metrics:{signal_id}           hash    SignalMetrics; expires
//   signal_rejection:{signal_id}         hash    SignalRejection; expires
//   market data                                  slice_market.c
#include "services/ingest/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/domain/signal_id.h"
#include "common/schema/record.h"

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

static const char *print_slice_key(char out[static KEY_TEXT], const char *prefix, const char *id) {
    (void)snprintf(out, KEY_TEXT, "%s%s", prefix, id); // ids have at most 64 characters
    return out;
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
    batch_keep(batch, print_slice_key(k, SIGNAL_PREFIX, signal->signal_id), &signal->base);
    batch_member(batch, set_of(signal->status), signal->signal_id);
}

void slice_rejected(batch_t *batch, const Signal *signal, const SignalRejection *rejection) {
    char k[KEY_TEXT];
    keep_to_look_at(batch, print_slice_key(k, SIGNAL_PREFIX, signal->signal_id), &signal->base);
    keep_to_look_at(batch, print_slice_key(k, "signal_rejection:", signal->signal_id),
                    &rejection->base);
}

void slice_unread(batch_t *batch, const char *signal_id, const char *field) {
    char k[KEY_TEXT];
    batch_field_drop(batch, print_slice_key(k, SIGNAL_PREFIX, signal_id), field);
}

void slice_moved(batch_t *batch, const char *signal_id, Signal__Status from, Signal__Status to) {
    char k[KEY_TEXT];
    print_slice_key(k, SIGNAL_PREFIX, signal_id);
    batch_field(batch, k, "status", record_enum_name(&signal__status__descriptor, (int)to));
    if (set_of(from)) batch_member_drop(batch, set_of(from), signal_id);
    if (set_of(to))
        batch_member(batch, set_of(to), signal_id);
    else
        batch_expire_at(batch, k, batch_look_until(batch));
}

void slice_restored(batch_t *batch, const SignalLife *life) {
    char k[KEY_TEXT];
    batch_keep(batch, print_slice_key(k, SIGNAL_PREFIX, life->signal_id), &life->base);
    if (set_of(life->status))
        batch_member(batch, set_of(life->status), life->signal_id);
    else
        batch_expire_at(batch, k, batch_look_until(batch));
}

void slice_ended(batch_t *batch, const Signal *signal) {
    char k[KEY_TEXT];
    keep_to_look_at(batch, print_slice_key(k, SIGNAL_PREFIX, signal->signal_id), &signal->base);
}

void slice_progress(batch_t *batch, const SignalExecutionStatus *status) {
    char k[KEY_TEXT];
    batch_keep(batch, print_slice_key(k, "signal_execution_status:", status->signal_id),
               &status->base);
}

void slice_came_to_nothing(batch_t *batch, const SignalRejection *rejection) {
    char k[KEY_TEXT];
    keep_to_look_at(batch, print_slice_key(k, "signal_rejection:", rejection->signal_id),
                    &rejection->base);
}

void slice_nothing_no_longer(batch_t *batch, const char *signal_id) {
    char k[KEY_TEXT];
    batch_drop(batch, print_slice_key(k, "signal_rejection:", signal_id));
}

void slice_executed(batch_t *batch, const SignalExecutionStatus *status) {
    char k[KEY_TEXT];
    keep_to_look_at(batch, print_slice_key(k, "signal_execution_status:", status->signal_id),
                    &status->base);
}

void slice_measured(batch_t *batch, const SignalMetrics *metrics) {
    char k[KEY_TEXT];
    keep_to_look_at(batch, print_slice_key(k, "signal_metrics:", metrics->signal_id),
                    &metrics->base);
}

#define STATE_VOTES "signal:state:votes"

void slice_ballot(batch_t *batch, const char *name, struct span packed) {
    batch_field_bytes(batch, STATE_VOTES, span_of(name), packed);
}
void slice_ballot_over(batch_t *batch, const char *name) {
    batch_field_drop(batch, STATE_VOTES, name);
}
err_t slice_ballots(store_t *store, store_pair_fn *visit, void *arg) {
    return store_pairs(store, STATE_VOTES, visit, arg);
}

// --- signals that wait for approval

#define STATE_APPROVALS "signal:state:approvals"

void slice_approval(batch_t *batch, const char *signal_id, struct span packed) {
    batch_entry(batch, STATE_APPROVALS, span_of(signal_id), packed);
}

void slice_approval_over(batch_t *batch, const char *signal_id) {
    batch_entry_drop(batch, STATE_APPROVALS, span_of(signal_id));
}

err_t slice_approvals(store_t *store, store_pair_fn *visit, void *arg) {
    return store_pairs(store, STATE_APPROVALS, visit, arg);
}

void slice_decided(batch_t *batch, const Signal *signal) {
    char k[KEY_TEXT];
    batch_keep(batch, print_slice_key(k, SIGNAL_PREFIX, signal->signal_id), &signal->base);
}

// --- signals that came again

#define STATE_DUPLICATES "signal:state:duplicates"

void slice_duplicates(batch_t *batch, const Duplicates *d) {
    uint8_t *bytes = arena_take(batch_arena(batch), duplicates__get_packed_size(d) + 1);
    batch_entry(batch, STATE_DUPLICATES, span_of(d->signal_id),
                (struct span){bytes, duplicates__pack(d, bytes)});
}

void slice_duplicates_over(batch_t *batch, const char *signal_id) {
    batch_entry_drop(batch, STATE_DUPLICATES, span_of(signal_id));
}

struct each_duplicates {
    slice_duplicates_fn *visit;
    void *arg;
};

// What is not ours is passed over: it is for looking.
static err_t load_duplicates(void *arg, struct span name, struct span value) {
    const struct each_duplicates *each = arg;
    (void)name;
    Duplicates *d = duplicates__unpack(NULL, value.length, value.data);
    err_t e = d && strlen(d->signal_id) < SIGNAL_ID_TEXT ? each->visit(each->arg, d) : ERR_OK;
    duplicates__free_unpacked(d, NULL);
    return e;
}

err_t slice_duplicates_each(store_t *store, slice_duplicates_fn *visit, void *arg) {
    return store_pairs(store, STATE_DUPLICATES, load_duplicates,
                       &(struct each_duplicates){visit, arg});
}

// --- what identities depend on

#define STATE_IDENTITY "signal:state:identity"
#define TIME_FIELD     ":time" // no source is called so
#define LOSSES_FIELD   ":losses"
#define WINDOWS_TEXT   48
#define LOSSES_TEXT    (LOSSES_MAX * 21 + 1)

void slice_windows(batch_t *batch, const char *source, const struct windows *windows) {
    char text[WINDOWS_TEXT];
    (void)snprintf(text, sizeof text, "%u %u %u %u", windows->s[0], windows->s[1], windows->s[2],
                   windows->s[3]);
    batch_field(batch, STATE_IDENTITY, source, text);
}

void slice_identity_time(batch_t *batch, uint64_t ns) {
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)ns);
    batch_field(batch, STATE_IDENTITY, TIME_FIELD, text);
}

void slice_losses(batch_t *batch, const struct losses *losses) {
    char text[LOSSES_TEXT] = "";
    size_t length = 0;
    for (size_t i = 0; i < losses->n; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%llu", i ? " " : "",
                                   (unsigned long long)losses->from[i]);
    batch_field(batch, STATE_IDENTITY, LOSSES_FIELD, text);
}

static bool copy_span_text(struct span s, char *out, size_t room) {
    if (s.length >= room) return false;
    if (s.length) memcpy(out, s.data, s.length);
    out[s.length] = 0;
    return true;
}

struct identities {
    sources_t *sources;
    uint64_t *ns;
    struct losses *losses;
};

static void read_losses(const char *at, struct losses *out) {
    char *end;
    for (uint64_t from; (from = strtoull(at, &end, 10)) && end != at; at = end)
        losses_add(out, from);
}

// What is not ours is passed over: it costs one resend at most, and stops no start.
static err_t load_identity(void *arg, struct span name, struct span value) {
    const struct identities *out = arg;
    char source[SIGNAL_ID_TEXT], text[LOSSES_TEXT], *at = text;
    struct windows windows;
    if (!copy_span_text(name, source, sizeof source) || !copy_span_text(value, text, sizeof text))
        return ERR_OK;
    if (strcmp(source, TIME_FIELD) == 0) return *out->ns = strtoull(text, NULL, 10), ERR_OK;
    if (strcmp(source, LOSSES_FIELD) == 0) return read_losses(text, out->losses), ERR_OK;
    for (size_t i = 0; i < WINDOWS_MAX; i++) windows.s[i] = (uint32_t)strtoul(at, &at, 10);
    sources_set_windows(out->sources, source, windows);
    return ERR_OK;
}

err_t slice_identities(store_t *store, sources_t *sources, uint64_t *ns, struct losses *losses) {
    return store_pairs(store, STATE_IDENTITY, load_identity,
                       &(struct identities){sources, ns, losses});
}
