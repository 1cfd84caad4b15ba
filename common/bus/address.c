// address - numeric IP addresses and networks.
// SPDX-License-Identifier: MIT
#include "common/bus/address.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool address_parse(const char *text, size_t length, struct address *out) {
    char zero[INET6_ADDRSTRLEN];
    if (length == 0 || length >= sizeof zero) return false;
    memcpy(zero, text, length);
    zero[length] = 0;
    memcpy(out->bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, zero, out->bytes + sizeof mapped) == 1 ||
           inet_pton(AF_INET6, zero, out->bytes) == 1;
}

static bool prefix_parse(const char *text, size_t length, unsigned most, unsigned *out) {
    *out = 0;
    if (length == 0 || length > 3) return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out = *out * 10 + (unsigned)(text[i] - '0');
    }
    return *out <= most;
}

static bool bit_at(const struct address *a, unsigned i) {
    return a->bytes[i / 8] >> (7 - i % 8) & 1;
}

bool network_parse(const char *text, size_t length, struct network *out) {
    const char *slash = length ? memchr(text, '/', length) : NULL;
    size_t first = slash ? (size_t)(slash - text) : length;
    unsigned most = memchr(text, ':', first) ? 128 : 32, bits = most;
    if (!address_parse(text, first, &out->address)) return false;
    if (slash && !prefix_parse(slash + 1, length - first - 1, most, &bits)) return false;
    out->bits = bits + 128 - most;
    for (unsigned i = out->bits; i < 128; i++) {
        if (bit_at(&out->address, i)) return false;
    }
    return true;
}

bool network_holds(const struct network *network, const struct address *address) {
    unsigned whole = network->bits / 8;
    if (memcmp(network->address.bytes, address->bytes, whole) != 0) return false;
    for (unsigned i = whole * 8; i < network->bits; i++) {
        if (bit_at(&network->address, i) != bit_at(address, i)) return false;
    }
    return true;
}

const char *const *networks_named(const char *name) {
    static const char *const tradingview[] = {"52.89.214.238", "34.212.75.30", "54.218.53.128",
                                              "52.32.178.7", NULL};
    return strcmp(name, "tradingview") == 0 ? tradingview : NULL;
}

bool networks_entry_is_valid(const char *entry) {
    struct network network;
    return networks_named(entry) || network_parse(entry, strlen(entry), &network);
}

bool networks_entry_holds(const char *entry, const struct address *address) {
    const char *const *named = networks_named(entry);
    struct network network;
    for (; named && *named; named++) {
        if (networks_entry_holds(*named, address)) return true;
    }
    return network_parse(entry, strlen(entry), &network) && network_holds(&network, address);
}
