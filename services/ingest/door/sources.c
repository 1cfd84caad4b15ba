// sources - tokens, rates, floods.
// SPDX-License-Identifier: MIT
#include "services/ingest/door/sources.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/id.h"

#define HASH_TEXT     64
#define WINDOW_MOST   (3600 * NS_PER_S) // as the configuration allows it
#define BYTES_BURST_S 8
// buckets; addresses that share one share its rate, which concerns wrong tokens only
#define STRANGERS 1024

struct sources {
    struct sender *senders; // sources that came at least once, or were known to the store
    uint64_t strangers_per_s;
    struct bucket strangers[STRANGERS];
};

sources_t *sources_new(uint64_t strangers_per_s) {
    sources_t *self = alloc_zeroed(1, sizeof *self);
    self->strangers_per_s = strangers_per_s;
    return self;
}

void sources_destroy(sources_t **handle) {
    sources_t *self = *handle;
    struct sender *r, *next;
    if (!self) return;
    HASH_ITER(hh, self->senders, r, next) {
        HASH_DEL(self->senders, r);
        free(r->name);
        free(r);
    }
    free(self);
    *handle = NULL;
}

static const char nobody[HASH_TEXT + 1] =
    "0000000000000000000000000000000000000000000000000000000000000000";

// In the same time whether or not there is a hash to compare with.
static bool is_hash_equal(const char *hash, const char *held, bool counts) {
    bool there = held && strlen(held) == HASH_TEXT;
    bool same = sodium_memcmp(hash, there ? held : nobody, HASH_TEXT) == 0;
    return same & there & counts;
}

static bool is_token(const char *hash, const SignalConfig *source, uint64_t utc_ns) {
    bool now = is_hash_equal(hash, source ? source->token_hash : NULL, true);
    bool before =
        is_hash_equal(hash, source ? source->old_token_hash : NULL,
                      source && source->has_old_token_until && utc_ns <= source->old_token_until);
    return now | before;
}

const SignalConfig *source_check(const book_t *book, const char *name, struct span token,
                                 uint64_t utc_ns) {
    char hash[HASH_TEXT + 1];
    token_hash(token.data, token.length, hash);
    const SignalConfig *source = book_source(book, name);
    bool known = source && source->enabled;
    return is_token(hash, known ? source : NULL, utc_ns) ? source : NULL;
}

bool source_has_license(const SignalConfig *source, struct span license, uint64_t utc_ns) {
    char hash[HASH_TEXT + 1];
    token_hash(license.data, license.length, hash);
    return source->license_hash ? is_hash_equal(hash, source->license_hash, true)
                                : is_token(hash, source, utc_ns);
}

bool source_allows(const SignalConfig *source, const struct client *client) {
    for (size_t i = 0; client->known && i < source->n_allow; i++)
        if (networks_entry_holds(source->allow[i], &client->address)) return true;
    return source->n_allow == 0;
}

struct sender *sources_sender(sources_t *self, const char *name) {
    struct sender *r;
    HASH_FIND_STR(self->senders, name, r);
    if (r) return r;
    r = alloc_zeroed(1, sizeof *r);
    r->name = alloc_text(name);
    HASH_ADD_KEYPTR(hh, self->senders, r->name, strlen(r->name), r);
    return r;
}

// A signal that came under another window has an id that was made with it, and is found by that
// until no window can hold it any more.
bool sources_windows(sources_t *self, const SignalConfig *source, uint64_t mono_ns,
                     struct windows *out) {
    struct sender *sender = sources_sender(self, source->config_id);
    struct windows *known = &sender->windows;
    bool differs = known->s[0] != source->window_s;
    if (!sender->windows_at || differs) sender->windows_at = mono_ns;
    if (mono_ns - sender->windows_at > WINDOW_MOST) *known = (struct windows){{known->s[0]}};
    if (differs) {
        memmove(known->s + 1, known->s, sizeof known->s - sizeof *known->s);
        known->s[0] = source->window_s;
    }
    *out = *known;
    return differs;
}

void sources_set_windows(sources_t *self, const char *source, struct windows windows) {
    sources_sender(self, source)->windows = windows;
}

bool sources_within_rate(sources_t *self, const SignalConfig *source, bool prices, size_t bytes,
                         uint64_t mono_ns) {
    struct sender *sender = sources_sender(self, source->config_id);
    const uint64_t per_s = source->bytes_per_s;
    return bucket_take(prices ? &sender->price_posts : &sender->posts, source->rate_per_s,
                       source->rate_per_s, mono_ns) &&
           bucket_spend(&sender->bytes, bytes,
                        (struct budget){per_s, NS_PER_S, BYTES_BURST_S * per_s}, mono_ns);
}

bool sender_may_be_remembered(struct sender *sender, uint64_t most, uint64_t period_ns,
                              uint64_t mono_ns) {
    return bucket_spend(&sender->remembered, 1, (struct budget){most, period_ns, most}, mono_ns);
}

bool sources_bear(sources_t *self, const char *peer, uint64_t mono_ns) {
    uint32_t hash = 2166136261u; // FNV-1a
    for (; *peer; peer++) hash = (hash ^ (uint8_t)*peer) * 16777619u;
    return bucket_take(&self->strangers[hash % STRANGERS], self->strangers_per_s,
                       2 * self->strangers_per_s, mono_ns);
}
