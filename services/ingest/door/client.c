// client - whose request it is.
// SPDX-License-Identifier: MIT
#include "services/ingest/door/client.h"

#include <stdio.h>
#include <string.h>

static bool is_address_gap(char c) { return c == ' ' || c == '\t' || c == ','; }

bool proxies_read(const char *text, struct proxies *out, char wrong[static 64]) {
    out->n = 0;
    while (*text) {
        size_t length = 0;
        while (is_address_gap(*text)) text++;
        while (text[length] && !is_address_gap(text[length])) length++;
        if (!length) break;
        snprintf(wrong, 64, "%.*s", (int)(length < 63 ? length : 63), text);
        if (out->n == PROXIES_MAX || !network_parse(text, length, &out->networks[out->n]))
            return false;
        out->n++;
        text += length;
    }
    return true;
}

static bool is_proxy(const struct proxies *proxies, const struct address *a) {
    for (size_t i = 0; i < proxies->n; i++)
        if (network_holds(&proxies->networks[i], a)) return true;
    return false;
}

static void set_client_address(struct client *out, const char *text, size_t length) {
    out->known = address_parse(text, length, &out->address);
    snprintf(out->text, sizeof out->text, "%.*s", out->known ? (int)length : 7,
             out->known ? text : "unknown");
}

// The last part of a list; *length becomes that of what stands before it.
static size_t last_part(const char *list, size_t *length, const char **part) {
    size_t end = *length, from;
    while (end && is_address_gap(list[end - 1])) end--;
    for (from = end; from && !is_address_gap(list[from - 1]);) from--;
    *part = list + from;
    *length = from;
    return end - from;
}

void client_find(const struct proxies *proxies, const char *peer, const char *forwarded,
                 struct client *out) {
    size_t left = forwarded ? strlen(forwarded) : 0, length;
    const char *part;
    set_client_address(out, peer, strlen(peer));
    while (out->known && is_proxy(proxies, &out->address) &&
           (length = last_part(forwarded, &left, &part)))
        set_client_address(out, part, length);
}
