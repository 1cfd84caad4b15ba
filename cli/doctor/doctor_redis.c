// doctor_redis - Redis as the design asks for it: reachable, its settings, its users.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor/doctor.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/delivery/topology.h"
#include "common/domain/gaps.h"

#define SKEW_MAX_NS NS_PER_S
#define PROBE       "doctor:probe" // a key that nobody owns

static const struct {
    const char *name, *standard, *strict;
    enum finding otherwise;
} settings[] = {
    {"appendonly", "yes", "yes", WRONG},
    {"appendfsync", "everysec", "always", WRONG},
    {"no-appendfsync-on-rewrite", "no", "no", WRONG},
    {"maxmemory", "2147483648", "2147483648", DOUBTFUL},
    {"maxmemory-policy", "volatile-lru", "volatile-lru", WRONG},
    {"protected-mode", "yes", "yes", DOUBTFUL},
};

enum finding judge_setting(const char *name, const char *value, const char *profile,
                           const char **wanted) {
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (strcmp(settings[i].name, name) != 0) continue;
        *wanted = strcmp(profile, "strict") == 0 ? settings[i].strict : settings[i].standard;
        return strcmp(value, *wanted) == 0 ? FINE : settings[i].otherwise;
    }
    *wanted = "";
    return FINE;
}

// The second line of CONFIG GET's answer.
static bool setting_of(store_t *store, const char *name, char out[static 64]) {
    own(buffer) reply = {0};
    if (REDIS(store, &reply, "CONFIG", "GET", name)) return false;
    const char *value = strchr(buffer_string(&reply), '\n');
    if (!value) return false;
    snprintf(out, 64, "%.*s", (int)strcspn(value + 1, "\n"), value + 1);
    return true;
}

static void check_settings(struct report_finding *self, store_t *store, const char *profile) {
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        char value[64];
        const char *wanted, *name = settings[i].name;
        if (!setting_of(store, name, value)) {
            report_finding(self, DOUBTFUL, "redis", "%s cannot be read: %s", name,
                           store_trouble(store));
            continue;
        }
        enum finding finding = judge_setting(name, value, profile, &wanted);
        if (finding == FINE)
            report_finding(self, FINE, "redis", "%s %s", name, value);
        else
            report_finding(self, finding, "redis",
                           "%s is %s; the %s profile asks for %s (redis.conf)", name, value,
                           profile, wanted);
    }
}

static void check_writes(struct report_finding *self, store_t *store) {
    own(buffer) info = {0};
    if (REDIS(store, &info, "INFO", "persistence")) return;
    bool fine = strstr(buffer_string(&info), "aof_last_write_status:ok") != NULL;
    if (fine)
        report_finding(self, FINE, "redis", "its last write to disk went well");
    else
        report_finding(self, WRONG, "redis",
                       "its append-only file cannot be written: look at the disk and Redis' log");
}

static void check_skew(struct report_finding *self, store_t *store) {
    own(buffer) reply = {0};
    if (REDIS(store, &reply, "TIME")) return;
    char *end;
    uint64_t seconds = strtoull(buffer_string(&reply), &end, 10), micros = strtoull(end, NULL, 10);
    uint64_t theirs = seconds * NS_PER_S + micros * NS_PER_US, ours = clock_utc_ns(),
             apart = ours > theirs ? ours - theirs : theirs - ours;
    char text[24];
    text_between(apart, text);
    if (apart > SKEW_MAX_NS)
        report_finding(self, WRONG, "clock", "Redis' clock is %s away from this one", text);
    else
        report_finding(self, FINE, "clock", "Redis' clock agrees within %s", text);
}

static void report_gap(void *arg, const struct gap *gap) {
    report_finding(arg, DOUBTFUL, "configuration", "%s", gap->text);
}

static void check_configuration(struct report_finding *self, store_t *store) {
    own(book) *book = book_new();
    if (book_load(book, store))
        report_finding(self, DOUBTFUL, "configuration", "it cannot be read: %s",
                       store_trouble(store));
    else if (!gaps_each(book, &(struct gaps_asked){NULL, NULL}, report_gap, self))
        report_finding(self, FINE, "configuration", "everything in it can trade");
}

static void check_default_user(struct report_finding *self, store_t *store) {
    own(buffer) list = {0};
    if (REDIS(store, &list, "ACL", "LIST")) {
        report_finding(self, DOUBTFUL, "acl", "the list of users cannot be read: %s",
                       store_trouble(store));
        return;
    }
    bool off = strstr(buffer_string(&list), "user default off") != NULL;
    if (off)
        report_finding(self, FINE, "acl", "the default user is off");
    else
        report_finding(
            self, WRONG, "acl",
            "the default user is on: anybody who reaches Redis may write (user default off)");
}

// Nobody may write a key that is not in his slice.
static void check_user(struct report_finding *self, const char *user) {
    char why[240];
    own(buffer) reply = {0};
    own(store) *store = place_store_quietly(&self->call->place, user, why);
    if (!store) {
        report_finding(self, DOUBTFUL, "acl", "cannot log in as %s: %s", user, why);
        return;
    }
    err_t e = REDIS(store, &reply, "SET", PROBE, "1");
    if (e == ERR_ACCESS) {
        report_finding(self, FINE, "acl", "%s may not write a foreign key", user);
    } else if (e) {
        report_finding(self, DOUBTFUL, "acl", "%s was refused, but not by the ACL: %s", user,
                       store_trouble(store));
    } else {
        report_finding(self, WRONG, "acl",
                       "%s may write a key that is not its own: load users.acl (deploy/acl)", user);
        (void)!REDIS(store, &reply, "UNLINK", PROBE);
    }
}

static const char *profile_of(const struct report_finding *self) {
    const char *given = call_flag(self->call, "profile"), *set = getenv("TRADECAST_PROFILE");
    return given ? given : set && *set ? set : "standard";
}

void check_redis(struct report_finding *self) {
    char why[240];
    own(store) *store = place_store_quietly(&self->call->place, "viewer", why);
    if (!store) {
        report_finding(self, WRONG, "redis", "%s", why);
        return;
    }
    report_finding(self, FINE, "redis", "answers at %s", self->call->place.redis);
    check_settings(self, store, profile_of(self));
    check_configuration(self, store);
    check_writes(self, store);
    check_skew(self, store);
    check_default_user(self, store);
    struct instance all[INSTANCES_MAX];
    size_t n = topology_instances(self->call->place.shards, all);
    check_user(self, "viewer");
    for (size_t i = 0; i < n; i++) check_user(self, all[i].name);
}
