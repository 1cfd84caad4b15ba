// host_names - by which names a door may be called.
// SPDX-License-Identifier: MIT
#include "common/http/host_names.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

// "127.0.0.1", "::1"; a bracketed one has no letters behind it either.
static bool is_address(const char *name) {
    struct in6_addr any;
    return inet_pton(AF_INET, name, &any) == 1 || inet_pton(AF_INET6, name, &any) == 1;
}

static bool is_in_name_list(const char *name, const char *names) {
    size_t length;
    for (const char *at = names ? names : ""; *(at += strspn(at, ", ")); at += length) {
        length = strcspn(at, ", ");
        if (length == strlen(name) && strncasecmp(at, name, length) == 0) return true;
    }
    return false;
}

bool http_host_is_ours(const char *host, const char *names) {
    char name[256];
    if (!host) return true;
    bool bracketed = *host == '[';
    size_t length = bracketed ? strcspn(++host, "]") : strcspn(host, ":");
    if (length >= sizeof name) return false;
    memcpy(name, host, length);
    name[length] = 0;
    if (bracketed || is_address(name)) return is_address(name);
    return !strchr(name, '.') || is_in_name_list(name, names);
}

bool http_origin_is_ours(const char *origin, const char *names) {
    if (!origin) return true;
    const char *host = strstr(origin, "://");
    return host && host[3] && http_host_is_ours(host + 3, names);
}
