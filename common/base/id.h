// id - identities that are decided once: recomputing one gives the same one.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ID_TEXT 37 // a UUID's text with its terminating zero

struct digest {
    uint8_t bytes[16];
};

// A new time-ordered UUID (RFC 9562, version 7) with the time utc_ns.
void id_new(uint64_t utc_ns, char out[static ID_TEXT]);

// A UUID (version 8) from its parts: the same parts give the same id. Its leading time bits are
// those of `parent` when that is a version 7 or 8 UUID, so that what is derived sorts beside what
// it comes from. Parts are separated unambiguously.
void id_derive(char out[static ID_TEXT], const char *parent, unsigned n, const char *const parts[]);

// As id_derive, with the time bits from utc_ms.
void id_derive_at(char out[static ID_TEXT], uint64_t utc_ms, unsigned n, const char *const parts[]);

struct digest digest_of(const void *data, size_t length); // BLAKE2b-128, for identities
struct digest digest_text(const char *text);
uint64_t digest_u64(const void *data, size_t length); // its first 8 bytes

// BLAKE2b-256 as 64 hex digits: how a source's token is kept.
void token_hash(const void *token, size_t length, char out[static 65]);
