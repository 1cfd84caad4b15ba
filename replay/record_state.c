// record_state - what Redis holds of the services at one moment: found by asking before and after
// whether anything was committed.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/domain/last_prices.h"
#include "common/redis/store_transaction.h"
#include "replay/child.h"
#include "replay/record_traces.h"
#include "trace.pb-c.h"

#define BEGIN_NS   NS_PER_S
#define PATIENCE   (5 * NS_PER_S)
#define BEGIN_MS   20
#define PAUSE_MS   13 // no divisor of what services do regularly
#define KEYS_MOST  100000
#define BYTES_MOST (64u << 20)
#define AT_ONCE    500

struct looking {
    const struct traces *traces;
    store_t *store;
    buffer_t slices; // what the services' own keys begin with, each ending with a zero
    buffer_t found;  // keys, each ending with a zero
    size_t n_found;
    buffer_t names; // those that stay: likewise
    size_t n;
    buffer_t dumps; // what they hold, each behind its length; none for one that is gone
    const char *at; // in `found`, while its keys are asked for their ends
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

static bool is_same_buffer(const buffer_t *a, const buffer_t *b) {
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

// --- the keys

static bool has_key_prefix(const char *key, const char *with) {
    return strncmp(key, with, strlen(with)) == 0;
}

static bool is_own(const char *key, const char *name) {
    static const char *const before[] = {"position:", "deadletter:"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        if (has_key_prefix(key, before[i]) && strcmp(key + strlen(before[i]), name) == 0)
            return true;
    }
    return has_key_prefix(key, name) && key[n] == ':';
}

// The services' programs say it: no other place has the whole of it.
static bool read_slices(buffer_t *out) {
    bool good = true;
    for (size_t i = 0; good && i < RERUN_ROLES; i++) {
        struct child c;
        char line[128];
        if (!child_start(&c, rerun_roles[i], "--slice")) return false;
        while (fgets(line, sizeof line, c.from)) {
            line[strcspn(line, "\n")] = 0;
            buffer_add(out, line, strlen(line) + 1);
        }
        good = child_end(&c) == 0;
    }
    return good;
}

// Whether somebody who is run again has it, or begins with it. Journals are recorded by themselves.
static bool is_theirs(const struct looking *l, const char *key) {
    if (strcmp(key, LAST_PRICES) == 0) return true;
    const char *slices = (const char *)l->slices.data, *end = slices + l->slices.length;
    for (const char *prefix = slices; prefix < end; prefix += strlen(prefix) + 1) {
        if (has_key_prefix(key, prefix)) return true;
    }
    for (size_t i = 0; i < l->traces->n; i++) {
        if (is_own(key, l->traces->names[i])) return true;
    }
    return false;
}

static void add_name(buffer_t *to, size_t *n, const char *name) {
    buffer_add(to, name, strlen(name) + 1);
    ++*n;
}

// What SCAN says twice is restored twice.
static err_t find_names(struct looking *l) {
    char cursor[32] = "0";
    do {
        own(buffer) answer = {0};
        err_t e = REDIS(l->store, &answer, "SCAN", cursor, "COUNT", "1000");
        if (e) return e;
        char *rest = (char *)(uintptr_t)buffer_string(&answer), *line = strsep(&rest, "\n");
        (void)snprintf(cursor, sizeof cursor, "%s", line);
        while ((line = strsep(&rest, "\n")) != NULL) {
            if (*line && is_theirs(l, line)) add_name(&l->found, &l->n_found, line);
        }
    } while (strcmp(cursor, "0") != 0 && l->n_found < KEYS_MOST);
    return ERR_OK;
}

// What has an end is over, and there only to be looked at.
static err_t take_end(void *arg, unsigned i, struct span text, int64_t number) {
    struct looking *l = arg;
    (void)i, (void)text;
    if (number == -1) add_name(&l->names, &l->n, l->at);
    l->at += strlen(l->at) + 1;
    return ERR_OK;
}

static err_t take_dump(void *arg, unsigned i, struct span text, int64_t number) {
    struct looking *l = arg;
    uint64_t length = text.length;
    (void)i, (void)number;
    buffer_add(&l->dumps, &length, sizeof length);
    buffer_add(&l->dumps, text.data, length);
    return ERR_OK;
}

static err_t ask_of_all(struct looking *l, const char *verb, const buffer_t *names, size_t n,
                        store_reply_fn *take) {
    const char *at = (const char *)names->data;
    err_t e = ERR_OK;
    for (size_t done = 0; !e && done < n && l->dumps.length < BYTES_MOST;) {
        own(buffer) commands = {0};
        unsigned asked = 0;
        for (; done < n && asked < AT_ONCE; done++, asked++, at += strlen(at) + 1)
            store_format(&commands, 2, (const char *[]){verb, at});
        e = store_pipeline(l->store, buffer_span(&commands), asked, take, l);
    }
    return e;
}

static err_t find_dumps(struct looking *l) {
    l->at = (const char *)l->found.data;
    err_t e = ask_of_all(l, "PTTL", &l->found, l->n_found, take_end);
    return e ? e : ask_of_all(l, "DUMP", &l->names, l->n, take_dump);
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
        const struct recorded r = {.at = clock_utc_ns(),
                                   .topic = RECORDED_STATE,
                                   .type = "KeptKey",
                                   .body = {packed.data, size}};
        if (!recording_add(file, &r)) return false;
    }
    return true;
}

static void clear_scan(struct looking *l) {
    buffer_clear(&l->found);
    buffer_clear(&l->names);
    buffer_clear(&l->dumps);
    l->n_found = l->n = 0;
}

static enum state_taken try_once(const struct traces *t, struct looking *l, recording_t *file) {
    own(buffer) before = {0}, after = {0};
    clear_scan(l);
    err_t e = batches_of(t, l->store, &before);
    if (!e) e = find_names(l);
    if (!e && l->n_found >= KEYS_MOST) return STATE_LARGE;
    if (!e) e = find_dumps(l);
    if (!e && l->dumps.length >= BYTES_MOST) return STATE_LARGE;
    if (!e) e = batches_of(t, l->store, &after);
    if (e) return STATE_FAILED;
    if (!is_same_buffer(&before, &after)) return STATE_BUSY;
    return write_keys(l, file) ? STATE_TAKEN : STATE_FAILED;
}

// --- all

static bool all_begun(const struct traces *t) {
    for (size_t i = 0; i < t->n; i++) {
        if (!t->begun[i]) return false;
    }
    return true;
}

enum state_taken record_state_write(struct traces *t, store_t *store, recording_t *file) {
    struct looking l = {.traces = t, .store = store};
    enum state_taken taken = STATE_BUSY;
    uint64_t end = clock_mono_ns() + BEGIN_NS;
    if (!read_slices(&l.slices)) taken = STATE_FAILED;
    // a service may not be there
    for (; !all_begun(t) && clock_mono_ns() < end; traces_take(t)) ports_wait(NULL, 0, BEGIN_MS);
    for (end = clock_mono_ns() + PATIENCE; taken == STATE_BUSY && clock_mono_ns() < end;) {
        taken = try_once(t, &l, file);
        if (taken == STATE_BUSY) ports_wait(NULL, 0, PAUSE_MS);
    }
    buffer_destroy(&l.slices);
    buffer_destroy(&l.found);
    buffer_destroy(&l.names);
    buffer_destroy(&l.dumps);
    return taken;
}
