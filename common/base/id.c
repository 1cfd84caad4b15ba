// id - UUIDs and digests, by libsodium.
// SPDX-License-Identifier: MIT
#include "common/base/id.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void start_sodium(void) {
    if (sodium_init() < 0) abort(); // no source of randomness
}

// 48 bits of milliseconds, version, variant (RFC 9562); the other 74 bits as they are in `bytes`.
static void print_uuid(uint8_t bytes[16], uint64_t ms, uint8_t version, char out[static ID_TEXT]) {
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 6; i++) bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = hex[bytes[i] >> 4];
        *at++ = hex[bytes[i] & 15];
    }
    *at = 0;
}

void id_new(uint64_t utc_ns, char out[static ID_TEXT]) {
    uint8_t bytes[16];
    start_sodium();
    randombytes_buf(bytes, sizeof bytes);
    print_uuid(bytes, utc_ns / 1000000, 7, out);
}

static int hex_nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The time bits of a version 7 or 8 UUID; false when the text is no such thing.
static bool time_of_uuid(const char *text, uint64_t *ms) {
    if (!text || strlen(text) != ID_TEXT - 1 || (text[14] != '7' && text[14] != '8')) return false;
    uint64_t bits = 0;
    for (int i = 0; i < ID_TEXT - 1; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-') return false;
            continue;
        }
        int value = hex_nibble(text[i]);
        if (value < 0) return false;
        if (i < 13) bits = bits << 4 | (uint64_t)value;
    }
    *ms = bits;
    return true;
}

// Where a few short parts are put together: one pass over them is half the cost of many.
struct gathered {
    uint8_t bytes[384];
    size_t length;
};

static void gather_digest(struct gathered *g, crypto_generichash_state *h, const void *data,
                          size_t length) {
    if (length > sizeof g->bytes - g->length) {
        (void)crypto_generichash_update(h, g->bytes, g->length);
        g->length = 0;
    }
    if (length > sizeof g->bytes) {
        (void)crypto_generichash_update(h, data, length);
        return;
    }
    memcpy(g->bytes + g->length, data, length);
    g->length += length;
}

// Each part with its length before it, so that ("ab", "c") and ("a", "bc") differ.
static void hash_parts(uint8_t bytes[16], unsigned n, const char *const parts[]) {
    crypto_generichash_state h;
    struct gathered g;
    g.length = 0; // the bytes are written before they are read
    (void)crypto_generichash_init(&h, NULL, 0, 16);
    for (unsigned i = 0; i < n; i++) {
        uint64_t length = strlen(parts[i]);
        uint8_t prefix[8];
        for (int k = 0; k < 8; k++) prefix[k] = (uint8_t)(length >> (8 * k));
        gather_digest(&g, &h, prefix, sizeof prefix);
        gather_digest(&g, &h, parts[i], length);
    }
    (void)crypto_generichash_update(&h, g.bytes, g.length);
    (void)crypto_generichash_final(&h, bytes, 16);
}

void id_derive(char out[static ID_TEXT], const char *parent, unsigned n,
               const char *const parts[]) {
    uint8_t bytes[16];
    hash_parts(bytes, n, parts);
    uint64_t ms = 0;
    // Without a parent that carries a time, the time bits come from the hash as well.
    if (!time_of_uuid(parent, &ms)) {
        for (int i = 0; i < 6; i++) ms = ms << 8 | bytes[i];
    }
    print_uuid(bytes, ms, 8, out);
}

void id_derive_at(char out[static ID_TEXT], uint64_t utc_ms, unsigned n,
                  const char *const parts[]) {
    uint8_t bytes[16];
    hash_parts(bytes, n, parts);
    print_uuid(bytes, utc_ms, 8, out);
}

struct digest digest_of(const void *data, size_t length) {
    struct digest d;
    (void)crypto_generichash(d.bytes, sizeof d.bytes, data, length, NULL, 0);
    return d;
}

struct digest digest_text(const char *text) {
    return digest_of(text, strlen(text));
}

uint64_t digest_u64(const void *data, size_t length) {
    struct digest d = digest_of(data, length);
    uint64_t first = 0;
    for (int i = 0; i < 8; i++) first = first << 8 | d.bytes[i];
    return first;
}

void token_hash(const void *token, size_t length, char out[static 65]) {
    uint8_t hash[32];
    (void)crypto_generichash(hash, sizeof hash, token, length, NULL, 0);
    (void)sodium_bin2hex(out, 65, hash, sizeof hash);
}
