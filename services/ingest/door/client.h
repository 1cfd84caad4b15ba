// client - whose request it is: who is connected, or whom a proxy that is believed names. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/bus/address.h"

#define PROXIES_MAX 32
#define CLIENT_TEXT 46 // an address, terminating zero included

struct proxies {
    struct network networks[PROXIES_MAX];
    size_t n;
};

// "127.0.0.1, 10.0.0.0/8". False: *wrong is the part that is no address.
bool proxies_read(const char *text, struct proxies *out, char wrong[static 64]);

struct client {
    char text[CLIENT_TEXT];
    struct address address;
    bool known; // false: a proxy named something that is no address; nobody's allow-list holds it
};

// `forwarded`: every X-Forwarded-For of the request, in their order, with commas between them; read
// from the right, as far as proxies are believed: what stands left of it anybody may have written.
void client_find(const struct proxies *proxies, const char *peer, const char *forwarded,
                 struct client *out);
