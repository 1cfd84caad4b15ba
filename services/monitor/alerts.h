// alerts - which conditions hold, and what changed since the last look: each is raised once and
// cleared once. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "watch.h"

// clang-format off
//       name                code                    severity  what is said when it is over
#define ALERTS(X) \
    X(SERVICE_SILENT,      "service_silent",       critical, "is heard again") \
    X(SERVICE_STALLED,     "service_stalled",      critical, "commits again") \
    X(TOPIC_LAG,           "topic_lag",            warning,  "has caught up") \
    X(CELL_BEHIND,         "cell_behind",          critical, "takes signals again") \
    X(DEAD_LETTERS,        "dead_letters",         critical, "has no dead letters any more") \
    X(REDIS_MEMORY,        "redis_memory",         critical, "has room again") \
    X(REDIS_AOF,           "redis_aof",            critical, "writes its file again") \
    X(REDIS_POLICY,        "redis_policy",         critical, "evicts only what may be evicted") \
    X(REDIS_EVICTED,       "redis_evicted",        warning,  "has evicted nothing for five minutes") \
    X(REDIS_REJECTED,      "redis_rejected",       warning,  "has refused nobody for five minutes") \
    X(STORAGE_SLOW,        "storage_slow",         warning,  "has signals on record in time again") \
    X(INSTANCE_LOST,       "instance_lost",        critical, "is back") \
    X(ACCOUNT_QUARANTINED, "account_quarantined",  critical, "is released")
// clang-format on

#define ALERT_KIND(name, code, severity, over) name,
enum alert_kind { ALERTS(ALERT_KIND) ALERT_KINDS };
#undef ALERT_KIND

const char *alert_code(enum alert_kind kind);
int alert_severity(enum alert_kind kind); // ALERT__SEVERITY__…
const char *alert_over(enum alert_kind kind);
bool alert_kind_of(const char *code, enum alert_kind *kind);

#define ALERT_SUBJECT 120

// Something that is wrong now.
struct condition {
    enum alert_kind kind;
    char subject[ALERT_SUBJECT]; // a service, "<topic>:<consumer>", an instance, an account
    char text[240];
};

#define CONDITIONS_MAX 512

struct limits {
    uint64_t silent_ns;      // a service that says nothing for longer is silent
    uint64_t cell_ns;        // a cell may leave signals waiting for so long
    unsigned memory_percent; // of Redis' memory that may be used
    uint64_t lag_for_ns;     // a lag over the limit for so long is told
};

// Every condition that holds at mono_ns, at most CONDITIONS_MAX; returns how many.
size_t alerts_judge(const struct watch *watch, const struct limits *limits, uint64_t mono_ns,
                    struct condition out[static CONDITIONS_MAX]);

// What is raised and not yet cleared.
struct alerts {
    struct condition active[CONDITIONS_MAX];
    size_t n;
};

enum alert_change { RAISED, CLEARED };
typedef void alert_change_fn(void *arg, const struct condition *condition,
                             enum alert_change change);

bool alerts_has(const struct alerts *self, enum alert_kind kind, const char *subject);
// known to be active: from before a restart
void alerts_put(struct alerts *self, const struct condition *condition);
// Compares what is active with what holds now: tells each that is new and each that is over, and
// remembers.
void alerts_settle(struct alerts *self, const struct condition *now, size_t n,
                   alert_change_fn *tell, void *arg);
