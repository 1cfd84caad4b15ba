// sources - tokens, rates, floods.
// SPDX-License-Identifier: MIT
#include "services/ingest/sources.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "common/id.h"
#include "services/ingest/bucket.h"

#define HASH_TEXT 64
#define STRANGERS 1024 // buckets; addresses that share one share its rate, which concerns wrong tokens only

struct rate {
    char *name;
    struct bucket bucket;
    UT_hash_handle hh;
};

struct sources {
    struct rate *rates; // sources that have a rate and came at least once
    uint64_t strangers_per_s;
    struct bucket strangers[STRANGERS];
};

sources_t *sources_new(uint64_t strangers_per_s) {
    sources_t *self = calloc(1, sizeof *self);
    if (self) self->strangers_per_s = strangers_per_s;
    return self;
}

void sources_destroy(sources_t **handle) {
    sources_t *self = *handle;
    struct rate *r, *next;
    if (!self) return;
    HASH_ITER(hh, self->rates, r, next) {
        HASH_DEL(self->rates, r);
        free(r->name);
        free(r);
    }
    free(self);
    *handle = NULL;
}

const SignalConfig *source_check(const book_t *book, const char *name, struct span token) {
    static const char nobody[HASH_TEXT + 1] = "0000000000000000000000000000000000000000000000000000000000000000";
    char hash[HASH_TEXT + 1];
    token_hash(token.data, token.length, hash);
    const SignalConfig *source = book_source(book, name);
    bool known = source && source->enabled && strlen(source->token_hash) == HASH_TEXT;
    bool same = sodium_memcmp(hash, known ? source->token_hash : nobody, HASH_TEXT) == 0;
    return known && same ? source : NULL;
}

static struct rate *rate_of(sources_t *self, const char *name) {
    struct rate *r;
    HASH_FIND_STR(self->rates, name, r);
    if (r) return r;
    r = calloc(1, sizeof *r);
    if (r) r->name = strdup(name);
    if (!r || !r->name) abort();
    HASH_ADD_KEYPTR(hh, self->rates, r->name, strlen(r->name), r);
    return r;
}

bool sources_within_rate(sources_t *self, const SignalConfig *source, uint64_t mono_ns) {
    if (!source->has_rate_per_s || !source->rate_per_s) return true;
    return bucket_take(&rate_of(self, source->config_id)->bucket, source->rate_per_s, source->rate_per_s, mono_ns);
}

bool sources_bear(sources_t *self, const char *peer, uint64_t mono_ns) {
    uint32_t hash = 2166136261u; // FNV-1a
    for (; *peer; peer++) hash = (hash ^ (uint8_t)*peer) * 16777619u;
    return bucket_take(&self->strangers[hash % STRANGERS], self->strangers_per_s, 2 * self->strangers_per_s, mono_ns);
}
