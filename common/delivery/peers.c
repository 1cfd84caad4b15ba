// peers - who may connect to whom: from the tables of topics and doors, by the names of keys. Pure.
// SPDX-License-Identifier: MIT
#include "common/delivery/peers.h"

#include <string.h>

#include "common/delivery/topology.h"
#include "proto/doors.h"

#define NAME_MAX_LENGTH 100

#define CALLER_ROW(door, whose, callers) {#door, whose, callers},
static const struct { const char *door, *whose, *callers; } rows[] = {CALLERS(CALLER_ROW)};
#undef CALLER_ROW

#define OWNER(name, owner, split, consumers, types) owner,
static const enum role owners[] = {TOPICS(OWNER)};
#undef OWNER

bool peer_name_is_right(const char *name) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@";
    size_t length = strlen(name);
    return length && length <= NAME_MAX_LENGTH && *name != '.' && strspn(name, allowed) == length;
}

// What it is: "gateway" of gateway.paper-1.
static size_t kind_length(const char *name) { return strcspn(name, ".@"); }

static bool is_foreign(const char *name) { return strchr(name, '@') != NULL; }

enum role peer_role(const char *name) {
    enum role role = 0;
    while (role < ROLES && (strlen(role_name(role)) != kind_length(name) ||
                            strncmp(role_name(role), name, kind_length(name)) != 0))
        role++;
    return is_foreign(name) ? ROLES : role;
}

// Whether `from` owns a topic that `to` consumes.
static bool sends_to(enum role from, enum role to) {
    if (from == ROLES || to == ROLES) return false;
    for (enum topic t = 0; t < TOPIC_COUNT; t++) {
        if ((owners[t] == from || owners[t] == ROLES) && (topic_consumers(t) & TO(to))) return true;
    }
    return false;
}

// Whether a list of kinds, with blanks between them, has this peer's.
static bool is_peer_among(const char *peer, const char *list) {
    size_t length = kind_length(peer), word;
    for (const char *at = list; *(at += strspn(at, " ")); at += word) {
        word = strcspn(at, " ");
        bool foreign = at[word - 1] == '@';
        if (word - foreign == length && strncmp(at, peer, length) == 0 &&
            foreign == is_foreign(peer))
            return true;
    }
    return false;
}

bool peers_may(const char *peer, const char *process, const char *door) {
    if (!peer_name_is_right(peer)) return false;
    if (strcmp(door, "inbox") == 0) return sends_to(peer_role(peer), peer_role(process));
    if (strcmp(door, "control") == 0 && strcmp(peer, process) == 0) return true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool whose =
            *rows[i].whose == '*' || (strlen(rows[i].whose) == kind_length(process) &&
                                      strncmp(process, rows[i].whose, kind_length(process)) == 0);
        if (whose && strcmp(rows[i].door, door) == 0 && is_peer_among(peer, rows[i].callers))
            return true;
    }
    return false;
}
