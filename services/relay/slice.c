// slice - the keys the relay owns.
// SPDX-License-Identifier: MIT
//
//   {name}:peer    hash    incarnation of the ingest that answered last; since: position from which
//   on it may have forgotten what it took
#include "services/relay/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/own.h"
#include "common/delivery/envelope.h"
#include "services/relay/handed.h"

#define TOPIC    "signals"
#define AT_ONCE  1000
#define KEY_TEXT 96

// Beside what every service has under its own name.
const char *const relay_slice[] = {
    NULL,
};

void slice_peer(batch_t *batch, const char *name, uint64_t peer, struct entry_id since) {
    char key[KEY_TEXT], text[ENTRY_ID_TEXT];
    snprintf(key, sizeof key, "%s:peer", name);
    snprintf(text, sizeof text, "%llu", (unsigned long long)peer);
    batch_field(batch, key, "incarnation", text);
    entry_id_print(since, text);
    batch_field(batch, key, "since", text);
}

struct reading {
    struct outbox *out;
    struct entry_id at, upto;
    uint64_t mono_ns;
    arena_t *arena;
};

static err_t recall_handover(void *arg, const struct journal_entry *entry) {
    struct reading *r = arg;
    struct envelope e;
    if (entry_id_cmp(entry->id, r->upto) > 0) return ERR_BUSY; // the end: these go the usual way
    arena_reset(r->arena);
    ProtobufCMessage *m =
        envelope_read(TOPIC, entry->envelope, &e) ? NULL : envelope_open(&e, r->arena);
    if (m && m->descriptor == &signal__descriptor && is_handed_on((const Signal *)m))
        outbox_recall(r->out, e.body, r->at, r->mono_ns);
    r->at = entry->id;
    return ERR_OK;
}

static err_t read_journal(store_t *store, struct reading *r) {
    size_t count = AT_ONCE;
    err_t e = ERR_OK;
    while (!e && count == AT_ONCE && entry_id_cmp(r->at, r->upto) < 0)
        e = store_journal(store, TOPIC, r->at, AT_ONCE, recall_handover, r, &count);
    return e == ERR_BUSY ? ERR_OK : e;
}

static err_t take_beginning(void *arg, const struct journal_entry *entry) {
    struct envelope e;
    if (!envelope_read(TOPIC, entry->envelope, &e)) *(struct entry_id *)arg = e.prev;
    return ERR_OK;
}

static err_t read_id(store_t *store, const char *key, const char *field, struct entry_id *out) {
    own(buffer) text = {0};
    err_t e = store_field(store, key, field, &text);
    if (e || entry_id_parse(buffer_string(&text), text.length, out)) *out = ENTRY_ID_NONE;
    return e;
}

err_t relay_slice_load(store_t *store, const char *name, struct outbox *out,
                       struct entry_id *position, uint64_t mono_ns) {
    own(arena) *arena = arena_new(0);
    own(buffer) peer = {0};
    char key[KEY_TEXT];
    struct reading r = {.out = out, .mono_ns = mono_ns, .arena = arena};
    snprintf(key, sizeof key, "position:%s", name);
    err_t e = read_id(store, key, TOPIC, &r.upto);
    snprintf(key, sizeof key, "%s:peer", name);
    if (!e) e = read_id(store, key, "since", &r.at);
    if (!e) e = store_field(store, key, "incarnation", &peer);
    out->peer = strtoull(buffer_string(&peer), NULL, 10);
    *position = r.upto;
    size_t count;
    if (!e && entry_id_cmp(r.upto, ENTRY_ID_NONE) == 0)
        return store_journal(store, TOPIC, ENTRY_ID_NONE, 1, take_beginning, position, &count);
    return e || !out->peer ? e : read_journal(store, &r);
}
