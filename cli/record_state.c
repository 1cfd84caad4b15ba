// record_state - what Redis holds of the services at one moment: found by asking before and after whether anything was committed.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/own.h"
#include "common/store_io.h"
#include "record_traces.h"
#include "trace.pb-c.h"

#define PATIENCE   NS_PER_S
#define BEGIN_MS   20
#define PAUSE_MS   13 // no divisor of what services do regularly
#define KEYS_MOST  100000
#define BYTES_MOST (64u << 20)
#define AT_ONCE    200

struct looking {
    store_t *store;
    buffer_t names; // keys, a line each
    buffer_t dumps; // behind each one's length; none for a key that is gone, or only there to be looked at
    size_t n;
    int64_t expires_in;
};

// --- the moment

static err_t batches_of(const struct traces *t, store_t *store, buffer_t *out) {
    err_t e = ERR_OK;
    buffer_clear(out);
    for (size_t i = 0; !e && i < t->n; i++) {
        char key[NAME_TEXT + 8];
        own(buffer) value = {0};
        (void)snprintf(key, sizeof key, "%s:batch", t->names[i]);
        e = store_get(store, key, &value);
        buffer_add(out, value.data, value.length);
        buffer_text(out, "\n");
    }
    return e;
}

static bool same(const buffer_t *a, const buffer_t *b) { return a->length == b->length && memcmp(a->data, b->data, a->length) == 0; }

// --- the keys

// Journals are recorded by themselves. What SCAN says twice is restored twice.
static void take_names(struct looking *l, char *answer) {
    for (char *line = strtok(answer, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "journal:", 8) == 0) continue;
        buffer_text(&l->names, line);
        buffer_add(&l->names, "", 1);
        l->n++;
    }
}

static err_t find_names(struct looking *l) {
    char cursor[32] = "0";
    do {
        own(buffer) answer = {0};
        err_t e = REDIS(l->store, &answer, "SCAN", cursor, "COUNT", "1000");
        if (e) return e;
        char *text = (char *)(uintptr_t)buffer_string(&answer);
        size_t n = strcspn(text, "\n");
        (void)snprintf(cursor, sizeof cursor, "%.*s", (int)n, text);
        if (text[n]) take_names(l, text + n + 1);
    } while (strcmp(cursor, "0") != 0 && l->n < KEYS_MOST);
    return ERR_OK;
}

// Two answers a key: how long it is still there (-1: without end), and what it holds.
static err_t take_dump(void *arg, unsigned i, struct span text, int64_t number) {
    struct looking *l = arg;
    if (i % 2 == 0) return l->expires_in = number, ERR_OK;
    uint64_t length = l->expires_in == -1 ? text.length : 0;
    buffer_add(&l->dumps, &length, sizeof length);
    buffer_add(&l->dumps, text.data, length);
    return ERR_OK;
}

static err_t find_dumps(struct looking *l) {
    const char *at = (const char *)l->names.data;
    err_t e = ERR_OK;
    for (size_t done = 0; !e && done < l->n && l->dumps.length < BYTES_MOST;) {
        own(buffer) commands = {0};
        unsigned n = 0;
        for (; done < l->n && n < 2 * AT_ONCE; done++, n += 2, at += strlen(at) + 1) {
            store_format(&commands, 2, (const char *[]){"PTTL", at});
            store_format(&commands, 2, (const char *[]){"DUMP", at});
        }
        e = store_pipeline(l->store, (struct span){commands.data, commands.length}, n, take_dump, l);
    }
    return e;
}

static bool write_keys(const struct looking *l, recording_t *file) {
    const char *name = (const char *)l->names.data;
    const uint8_t *at = l->dumps.data;
    own(buffer) packed = {0};
    for (size_t i = 0; i < l->n; i++, name += strlen(name) + 1) {
        uint64_t length;
        memcpy(&length, at, sizeof length);
        KeptKey key = KEPT_KEY__INIT;
        key.key = (char *)(uintptr_t)name;
        key.dump = (ProtobufCBinaryData){length, (uint8_t *)(uintptr_t)(at + sizeof length)};
        at += sizeof length + length;
        size_t size = kept_key__get_packed_size(&key);
        if (!length || size > RECORDING_BODY_MAX) continue;
        buffer_clear(&packed);
        kept_key__pack(&key, buffer_reserve(&packed, size));
        const struct recorded r = {.at = clock_utc_ns(), .topic = RECORDED_STATE, .type = "KeptKey", .body = {packed.data, size}};
        if (!recording_add(file, &r)) return false;
    }
    return true;
}

static void clear(struct looking *l) {
    buffer_clear(&l->names);
    buffer_clear(&l->dumps);
    l->n = 0;
}

static enum state_taken try_once(const struct traces *t, struct looking *l, recording_t *file) {
    own(buffer) before = {0}, after = {0};
    clear(l);
    err_t e = batches_of(t, l->store, &before);
    if (!e) e = find_names(l);
    if (!e && l->n >= KEYS_MOST) return STATE_LARGE;
    if (!e) e = find_dumps(l);
    if (!e && l->dumps.length >= BYTES_MOST) return STATE_LARGE;
    if (!e) e = batches_of(t, l->store, &after);
    if (e) return STATE_FAILED;
    if (!same(&before, &after)) return STATE_BUSY;
    return write_keys(l, file) ? STATE_TAKEN : STATE_FAILED;
}

// --- all

static bool all_begun(const struct traces *t) {
    for (size_t i = 0; i < t->n; i++) {
        if (!t->begun[i]) return false;
    }
    return true;
}

enum state_taken state_write(struct traces *t, store_t *store, recording_t *file) {
    struct looking l = {.store = store};
    enum state_taken taken = STATE_BUSY;
    uint64_t end = clock_mono_ns() + PATIENCE;
    for (; !all_begun(t) && clock_mono_ns() < end; traces_take(t)) ports_wait(NULL, 0, BEGIN_MS); // a service may not be there
    for (end = clock_mono_ns() + PATIENCE; taken == STATE_BUSY && clock_mono_ns() < end;) {
        taken = try_once(t, &l, file);
        if (taken == STATE_BUSY) ports_wait(NULL, 0, PAUSE_MS);
    }
    buffer_destroy(&l.names);
    buffer_destroy(&l.dumps);
    return taken;
}
