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

static const char nobody[HASH_TEXT + 1] = "0000000000000000000000000000000000000000000000000000000000000000";

// In the same time whether or not there is a hash to compare with.
static bool is_hash(const char *hash, const char *held, bool counts) {
    bool there = held && strlen(held) == HASH_TEXT;
    bool same = sodium_memcmp(hash, there ? held : nobody, HASH_TEXT) == 0;
    return same & there & counts;
}

static bool is_token(const char *hash, const SignalConfig *source, uint64_t utc_ns) {
    bool now = is_hash(hash, source ? source->token_hash : NULL, true);
    bool before =
        is_hash(hash, source ? source->old_token_hash : NULL, source && source->has_old_token_until && utc_ns <= source->old_token_until);
    return now | before;
}

const SignalConfig *source_check(const book_t *book, const char *name, struct span token, uint64_t utc_ns) {
    char hash[HASH_TEXT + 1];
    token_hash(token.data, token.length, hash);
    const SignalConfig *source = book_source(book, name);
    bool known = source && source->enabled;
    return is_token(hash, known ? source : NULL, utc_ns) ? source : NULL;
}

bool source_has_license(const SignalConfig *source, struct span license, uint64_t utc_ns) {
    char hash[HASH_TEXT + 1];
    token_hash(license.data, license.length, hash);
    return source->license_hash ? is_hash(hash, source->license_hash, true) : is_token(hash, source, utc_ns);
}

bool source_allows(const SignalConfig *source, const struct client *client) {
    for (size_t i = 0; client->known && i < source->n_allow; i++)
        if (networks_entry_holds(source->allow[i], &client->address)) return true;
    return source->n_allow == 0;
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
