// sources - who may knock: tokens checked in constant time, rates of sources, floods of strangers.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/hash.h"
#include "common/domain/book.h"
#include "services/ingest/door/bucket.h"
#include "services/ingest/door/client.h"

typedef struct sources sources_t;

sources_t *sources_new(uint64_t strangers_per_s);
void sources_destroy(sources_t **self);

// The source that `name` and `token` together say; NULL: there is none, or it is not enabled. The
// token before the present one counts until its time is over. Takes the same time for every wrong
// token.
const SignalConfig *source_check(const book_t *book, const char *name, struct span token,
                                 uint64_t utc_ns);
// Whether the id that begins a PineConnector message is this source's: its license, or its token
// when it has none.
bool source_has_license(const SignalConfig *source, struct span license, uint64_t utc_ns);
// An address may send for it: one of its allow-list, or any when it has none.
bool source_allows(const SignalConfig *source, const struct client *client);
// How long equal content of this source is a resend: now, and what that was before it was changed,
// the latest first; for as long as the longest window may be. 0: nothing.
#define WINDOWS_MAX 4
struct windows {
    uint32_t s[WINDOWS_MAX];
};

// What one source has used of what all share.
struct sender {
    char *name;
    size_t open; // its signals that are not final
    struct bucket posts, price_posts, bytes, remembered;
    struct windows windows;
    uint64_t windows_at; // when the window was changed, monotonic ns
    UT_hash_handle hh;
};
struct sender *sources_sender(sources_t *self, const char *source); // valid as long as the sources

// False: this source sends more, or more bytes, than its rate.
bool sources_within_rate(sources_t *self, const SignalConfig *source, bool prices, size_t bytes,
                         uint64_t mono_ns);
// False: `most` of its ids were remembered within the last `period_ns`, roughly.
bool sender_may_be_remembered(struct sender *sender, uint64_t most, uint64_t period_ns,
                              uint64_t mono_ns);
// True: they were not known like this, and are to be stored.
bool sources_windows(sources_t *self, const SignalConfig *source, uint64_t mono_ns,
                     struct windows *out);
void sources_set_windows(sources_t *self, const char *source,
                         struct windows windows); // as the store has them
// After a wrong token: false when too many come from that address.
bool sources_bear(sources_t *self, const char *peer, uint64_t mono_ns);
