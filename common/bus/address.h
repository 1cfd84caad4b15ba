// address - numeric IP addresses and networks: who may send, and which proxies are believed. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// IPv6; an IPv4 address is ::ffff:a.b.c.d, so that both forms of it are equal.
struct address {
    uint8_t bytes[16];
};

struct network {
    struct address address;
    unsigned bits; // of 128
};

bool address_parse(const char *text, size_t length, struct address *out);
// "10.0.0.0/8", "2001:db8::/32", or one address. False: it is none, or bits behind the prefix are
// set.
bool network_parse(const char *text, size_t length, struct network *out);
bool network_holds(const struct network *network, const struct address *address);

// Ready-made lists by name: "tradingview", the addresses its alerts are published to come from.
// NULL at the end; NULL: no such list.
const char *const *networks_named(const char *name);
// One entry of an allow-list, by name or as a network.
bool networks_entry_is_valid(const char *entry);
bool networks_entry_holds(const char *entry, const struct address *address);
