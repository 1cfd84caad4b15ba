// monitoring - which symbols something is open in, and what stands in Redis of them.
// SPDX-License-Identifier: MIT
#include "services/monitor/positions/monitoring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/own.h"
#include "common/redis/store_transaction.h"

#define MONITORING     "positions:monitoring:"
#define SWEEP_EVERY_NS (10 * NS_PER_S)
#define STANDS_FOR_NS  (60 * NS_PER_S) // when nobody writes it any more
#define SYMBOLS_MAX    10000
#define KEY_TEXT       128
#define ASKED_OF_EACH  2 // keys

struct monitored {
    char symbol[64];
    bool noted; // something happened in it
    bool open;  // something was open when it was last looked at
    UT_hash_handle hh;
};

struct monitoring {
    struct monitored *all;
    uint64_t swept_at; // monotonic ns
    // while a look is on
    batch_t *batch;
    arena_t *arena;
    struct monitored **asked;
    size_t n_asked, asked_room;
    ActivePosition *position; // of the symbol whose indicators come next
};

monitoring_t *monitoring_new(void) {
    monitoring_t *self = alloc_zeroed(1, sizeof *self);
    self->arena = arena_new(0);
    return self;
}

void monitoring_destroy(monitoring_t **handle) {
    monitoring_t *self = *handle;
    struct monitored *m, *next;
    if (!self) return;
    HASH_ITER(hh, self->all, m, next) {
        HASH_DEL(self->all, m);
        free(m);
    }
    arena_destroy(&self->arena);
    free(self->asked);
    free(self);
    *handle = NULL;
}

static struct monitored *know_monitored_symbol(monitoring_t *self, const char *symbol) {
    struct monitored *m;
    HASH_FIND_STR(self->all, symbol, m);
    if (m || HASH_COUNT(self->all) >= SYMBOLS_MAX || strlen(symbol) >= sizeof m->symbol) return m;
    m = alloc_zeroed(1, sizeof *m);
    (void)snprintf(m->symbol, sizeof m->symbol, "%s", symbol);
    HASH_ADD_STR(self->all, symbol, m);
    return m;
}

void monitoring_note(monitoring_t *self, const char *symbol) {
    struct monitored *m = know_monitored_symbol(self, symbol);
    if (m) m->noted = true;
}

static void note_symbols_of_broker(void *arg, const BrokerConfig *broker) {
    for (size_t i = 0; i < broker->n_symbols; i++) monitoring_note(arg, broker->symbols[i]->symbol);
}

// --- what is there

static void drop_monitoring(monitoring_t *self, struct monitored *m) {
    char key[KEY_TEXT];
    (void)snprintf(key, sizeof key, MONITORING "%s", m->symbol);
    batch_drop(self->batch, key);
    m->open = false;
}

static void write_monitoring(monitoring_t *self, struct monitored *m, const Indicators *in) {
    char key[KEY_TEXT];
    buffer_t *json = batch_scratch(self->batch);
    (void)snprintf(key, sizeof key, MONITORING "%s", m->symbol);
    monitoring_print(self->position, in, batch_now(self->batch), json);
    batch_set_until(self->batch, key, (struct span){json->data, json->length},
                    batch_now(self->batch) + STANDS_FOR_NS);
    m->open = true;
}

// What is there for others to look at; one that cannot be read is none.
static ProtobufCMessage *read_view(monitoring_t *self, const ProtobufCMessageDescriptor *d,
                                   struct span json) {
    ProtobufCMessage *m = NULL;
    struct fault fault;
    if (!json.length || record_from_json(d, json.data, json.length, "", self->arena, &m, &fault))
        return NULL;
    return m;
}

// The symbol is the key's, not in the document.
static Indicators *read_indicators_view(monitoring_t *self, const char *symbol, struct span json) {
    own(buffer) whole = {0};
    if (json.length < 2) return NULL;
    buffer_text(&whole, "{\"symbol\":");
    buffer_json_string(&whole, symbol, strlen(symbol));
    buffer_text(&whole, ",");
    buffer_add(&whole, (const char *)json.data + 1, json.length - 1);
    return (Indicators *)read_view(self, &indicators__descriptor,
                                   (struct span){whole.data, whole.length});
}

// Of each symbol its position, then its indicators.
static err_t take_monitored_answer(void *arg, unsigned i, struct span text, int64_t number) {
    monitoring_t *self = arg;
    (void)number;
    struct monitored *m = self->asked[i / ASKED_OF_EACH];
    if (i % ASKED_OF_EACH == 0) {
        arena_reset(self->arena);
        self->position = (ActivePosition *)read_view(self, &active_position__descriptor, text);
        return ERR_OK;
    }
    if (self->position)
        write_monitoring(self, m, read_indicators_view(self, m->symbol, text));
    else if (m->open || m->noted)
        drop_monitoring(self, m);
    m->noted = false;
    return ERR_OK;
}

static void ask_for_symbol(monitoring_t *self, struct monitored *m, buffer_t *commands) {
    static const char *const prefixes[ASKED_OF_EACH] = {"positions:active:", "stocks:indicators:"};
    char key[KEY_TEXT];
    for (size_t i = 0; i < ASKED_OF_EACH; i++) {
        (void)snprintf(key, sizeof key, "%s%s", prefixes[i], m->symbol);
        store_format(commands, 2, (const char *[]){"GET", key});
    }
    array_reserve(self->asked, self->n_asked, self->asked_room);
    self->asked[self->n_asked++] = m;
}

void monitoring_write(monitoring_t *self, store_t *store, const book_t *book, batch_t *batch) {
    own(buffer) commands = {0};
    const uint64_t now = batch_mono(batch);
    if (!store || !store_connected(store)) return;
    if (!self->swept_at || now - self->swept_at >= SWEEP_EVERY_NS) {
        book_each_broker(book, note_symbols_of_broker, self);
        self->swept_at = now;
    }
    self->batch = batch;
    self->n_asked = 0;
    for (struct monitored *m = self->all; m; m = m->hh.next)
        if (m->open || m->noted) ask_for_symbol(self, m, &commands);
    if (!self->n_asked) return;
    (void)store_pipeline(store, (struct span){commands.data, commands.length},
                         (unsigned)self->n_asked * ASKED_OF_EACH, take_monitored_answer, self);
    self->batch = NULL;
}
