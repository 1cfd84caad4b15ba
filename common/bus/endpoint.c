// endpoint - where the doors of processes are: the same for who binds and who connects, from the
// environment alone.
// SPDX-License-Identifier: MIT
#include "common/bus/endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/doors.h"

// --- the table of ports

#define DOOR_ROW(name, number) {#name, number},
static const struct {
    const char *name;
    int number;
} doors[] = {DOORS(DOOR_ROW)};
#undef DOOR_ROW

#define SLOT_ROW(name, first, count) {name, first, count},
static const struct {
    const char *name;
    int first, count;
} slots[] = {SLOTS(SLOT_ROW)};
#undef SLOT_ROW

static int which_cell(const char *cell) {
    const char *cells = getenv("TRADECAST_CELLS");
    size_t length;
    int n = 0;
    for (const char *at = cells ? cells : ""; *(at += strspn(at, " \t,")); at += length, n++) {
        length = strcspn(at, " \t,");
        if (length == strlen(cell) && strncmp(at, cell, length) == 0) return n;
    }
    return -1;
}

// Which of a kind: "3" of executor.3; of a relay its cell's place in TRADECAST_CELLS. -1: none.
static int scheme_of(const char *text) {
    char *end;
    if (!isdigit((unsigned char)*text)) return which_cell(text);
    unsigned long n = strtoul(text, &end, 10);
    return *end || n > 1000 ? -1 : (int)n;
}

static int slot_of(const char *name) {
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        size_t length = strlen(slots[i].name);
        if (strncmp(name, slots[i].name, length) != 0) continue;
        if (slots[i].count == 1 && !name[length]) return slots[i].first;
        if (slots[i].count == 1 || name[length] != '.') continue;
        int n = scheme_of(name + length + 1);
        return n < 0 || n >= slots[i].count ? -1 : slots[i].first + n;
    }
    return -1;
}

int endpoint_port(const char *name, const char *door) {
    int slot = slot_of(name);
    for (size_t i = 0; slot >= 0 && i < sizeof doors / sizeof *doors; i++) {
        if (strcmp(doors[i].name, door) == 0) return slot * PORTS_EACH + doors[i].number;
    }
    return -1;
}

// --- the environment

// The variable of that name, made a variable's name; NULL when it is not set or empty.
__attribute__((format(printf, 1, 2))) static const char *read_variable(const char *format, ...) {
    char name[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(name, sizeof name, format, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof name) return NULL;
    for (char *c = name; *c; c++)
        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static int first_port(const char *given) {
    unsigned long n = given ? strtoul(given, NULL, 10) : PORTS_PRESET;
    return n < 1 || n > 65535 ? PORTS_PRESET : (int)n;
}

// An IPv6 address gets its brackets.
static void on_host(struct endpoint *out, const char *host, int port) {
    bool bare = strchr(host, ':') && *host != '[';
    (void)snprintf(out->address, sizeof out->address,
                   bare ? "tcp://[%.200s]:%d" : "tcp://%.200s:%d", host, port);
}

static struct endpoint endpoint_new(const char *owner, const char *door) {
    struct endpoint out = {.address = ""};
    (void)snprintf(out.owner, sizeof out.owner, "%s", owner);
    (void)snprintf(out.door, sizeof out.door, "%s", door);
    return out;
}

struct endpoint endpoint_at(const char *address, const char *owner, const char *door) {
    struct endpoint out = endpoint_new(owner, door);
    (void)snprintf(out.address, sizeof out.address, "%s", address);
    return out;
}

const char *endpoint_host(const char *name) { return read_variable("TRADECAST_HOST_%s", name); }

struct endpoint endpoint_of(const char *run_dir, const char *name, const char *door) {
    const char *given = read_variable("TRADECAST_ENDPOINT_%s_%s", name, door),
               *host = endpoint_host(name);
    struct endpoint out = endpoint_at(given ? given : "", name, door);
    int port = endpoint_port(name, door);
    if (given) return out;
    if (host && port >= 0)
        on_host(&out, host, first_port(read_variable("TRADECAST_PORTS")) + port);
    else
        (void)snprintf(out.address, sizeof out.address, "ipc://%s/%s.%s", run_dir, name, door);
    return out;
}

struct endpoint endpoint_of_cell(const char *cell, const char *name, const char *door) {
    const char *given = read_variable("TRADECAST_CELL_%s_ENDPOINT_%s_%s", cell, name, door),
               *host = read_variable("TRADECAST_CELL_%s_HOST", cell);
    const char *run_dir = read_variable("TRADECAST_CELL_%s_RUN_DIR", cell);
    struct endpoint out = endpoint_at(given ? given : "", "", door);
    int port = endpoint_port(name, door);
    (void)snprintf(out.owner, sizeof out.owner, "%.60s@%.60s", name, cell);
    if (given) return out;
    if (host && port >= 0)
        on_host(&out, host, first_port(read_variable("TRADECAST_CELL_%s_PORTS", cell)) + port);
    else if (run_dir)
        (void)snprintf(out.address, sizeof out.address, "ipc://%s/%s.%s", run_dir, name, door);
    return out;
}

bool endpoint_is_given(const char *name) {
    return endpoint_host(name) || read_variable("TRADECAST_ENDPOINT_%s_control", name);
}

// --- what an address is

bool endpoint_is_tcp(const char *address) { return strncmp(address, "tcp://", 6) == 0; }

static bool is_loopback(const char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, &v6) != 1) return strcmp(host, "localhost") == 0;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

bool endpoint_is_local(const char *address) {
    if (strncmp(address, "ipc://", 6) == 0 || strncmp(address, "inproc://", 9) == 0) return true;
    if (!endpoint_is_tcp(address)) return false;
    char host[ENDPOINT_TEXT];
    const char *from = address + 6, *port = strrchr(from, ':');
    size_t length = port ? (size_t)(port - from) : strlen(from);
    if (length >= 2 && from[0] == '[' && from[length - 1] == ']') from++, length -= 2;
    if (length >= sizeof host) return false;
    memcpy(host, from, length);
    host[length] = 0;
    return is_loopback(host);
}

bool endpoint_redis_may(const char *address, bool plain, char why[static 240]) {
    char tcp[ENDPOINT_TEXT];
    (void)snprintf(tcp, sizeof tcp, "tcp://%s",
                   strncmp(address, "tcp:", 4) == 0 ? address + 4 : address);
    if (plain || strncmp(address, "unix:", 5) == 0 || endpoint_is_local(tcp)) return true;
    (void)snprintf(why, 240,
                   "TRADECAST_REDIS=%.60s is on another host, and passwords would travel in plain "
                   "text: use a tunnel (docs/deployment.md), or say "
                   "TRADECAST_REDIS_PLAIN=true if that network is private",
                   address);
    return false;
}
