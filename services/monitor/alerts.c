// alerts - which conditions hold, and what changed since the last look.
// SPDX-License-Identifier: MIT
#include "alerts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *code;
    int severity;
    const char *over;
} kinds[ALERT_KINDS] = {
#define ALERT_ROW(name, code, severity, over) [name] = {code, ALERT__SEVERITY__##severity, over},
    ALERTS(ALERT_ROW)
#undef ALERT_ROW
};

const char *alert_code(enum alert_kind kind) { return kinds[kind].code; }
int alert_severity(enum alert_kind kind) { return kinds[kind].severity; }
const char *alert_over(enum alert_kind kind) { return kinds[kind].over; }

bool alert_kind_of(const char *code, enum alert_kind *kind) {
    for (size_t i = 0; i < ALERT_KINDS; i++) {
        if (strcmp(kinds[i].code, code) != 0) continue;
        *kind = (enum alert_kind)i;
        return true;
    }
    return false;
}

// Where the conditions found go.
struct found {
    struct condition *out;
    size_t n;
};

__attribute__((format(printf, 4, 5))) static void
add_found(struct found *found, enum alert_kind kind, const char *subject, const char *format, ...) {
    if (found->n == CONDITIONS_MAX) return;
    struct condition *condition = &found->out[found->n++];
    condition->kind = kind;
    snprintf(condition->subject, sizeof condition->subject, "%s", subject);
    va_list args;
    va_start(args, format);
    vsnprintf(condition->text, sizeof condition->text, format, args);
    va_end(args);
}

static void judge_service(struct found *found, const struct watched *service,
                          const struct limits *limits, uint64_t mono_ns) {
    const Heartbeat *last = service->last;
    if (!watch_is_alive(service, mono_ns, limits->silent_ns)) {
        unsigned long long silent_s = watch_since(service->heard_at, mono_ns) / 1000000000;
        add_found(found, SERVICE_SILENT, service->name,
                  "%s has said nothing for %llu s: see its log", service->name, silent_s);
    } else if (last->stalled) {
        add_found(found, SERVICE_STALLED, service->name, "%s cannot commit: %s", service->name,
                  last->trouble ? last->trouble : "no reason given");
    }
    if (last && last->deadletters) {
        add_found(found, DEAD_LETTERS, service->name,
                  "%s holds %llu dead letter(s): tradecast deadletter list", service->name,
                  (unsigned long long)last->deadletters);
    }
}

#define STORAGE_MOST_US 500000 // spec 004

static void judge_storage(struct found *found, const struct watched *service) {
    const StorageLatency *storage = service->last ? service->last->storage : NULL;
    if (!storage || storage->p95_us <= STORAGE_MOST_US) return;
    add_found(found, STORAGE_SLOW, service->name,
              "of the last signals, one in twenty was on record later than %llu ms after it was "
              "accepted (500 ms is the aim): is the disk busy, or is the archiver catching up?",
              (unsigned long long)storage->p95_us / 1000);
}

// By the relay's own clock, and what has passed since it spoke.
static void judge_links(struct found *found, const struct watched *service,
                        const struct limits *limits, uint64_t mono_ns) {
    const Heartbeat *last = service->last;
    for (size_t i = 0; last && i < last->n_links; i++) {
        const CellLink *link = last->links[i];
        if (!link->has_waiting_since) continue;
        uint64_t waited = watch_since(link->waiting_since, last->sent_at) +
                          watch_since(service->heard_at, mono_ns);
        if (waited < limits->cell_ns) continue;
        add_found(found, CELL_BEHIND, link->cell, "signals have waited %llu s for cell %s: %s",
                  (unsigned long long)(waited / 1000000000), link->cell,
                  link->trouble ? link->trouble : "no reason given");
    }
}

static void judge_lag(struct found *found, const struct lag *lag, const struct limits *limits,
                      uint64_t mono_ns) {
    if (!lag->over_since || watch_since(lag->over_since, mono_ns) < limits->lag_for_ns) return;
    char subject[ALERT_SUBJECT];
    snprintf(subject, sizeof subject, "%s:%s", lag->topic, lag->consumer);
    add_found(found, TOPIC_LAG, subject, "%s is %llu entries behind in %s", lag->consumer,
              (unsigned long long)lag->entries, lag->topic);
}

#define LATELY_NS (300 * UINT64_C(1000000000))

static bool was_lately(uint64_t at, uint64_t mono_ns) {
    return at && watch_since(at, mono_ns) < LATELY_NS;
}

// What is on record lives in its append-only file until the archiver has it; what is evicted must
// be only what is there to be looked at.
static void judge_redis_file(struct found *found, const struct redis_seen *redis) {
    if (strcmp(redis->figures[REDIS_aof_last_write_status], "0") == 0)
        add_found(found, REDIS_AOF, "redis",
                  "Redis cannot write its append-only file: is its disk full? Nothing is accepted "
                  "until it can");
    if (strncmp(redis->policy, "allkeys", 7) == 0)
        add_found(found, REDIS_POLICY, "redis",
                  "Redis has maxmemory-policy %s, which may evict journals and guards: CONFIG SET "
                  "maxmemory-policy volatile-lru",
                  redis->policy);
}

static void judge_redis_room(struct found *found, const struct redis_seen *redis, unsigned most,
                             uint64_t mono_ns) {
    uint64_t used = redis_figure(redis, REDIS_used_memory);
    uint64_t limit = redis_figure(redis, REDIS_maxmemory);
    if (limit && used / 100 >= limit / 10000 * most)
        add_found(found, REDIS_MEMORY, "redis",
                  "Redis uses %llu %% of its memory (%llu of %llu bytes): input is held back from "
                  "%u %% on; give it more, or see which journal is long",
                  (unsigned long long)(used * 100 / limit), (unsigned long long)used,
                  (unsigned long long)limit, most);
    if (was_lately(redis->evicted_at, mono_ns))
        add_found(
            found, REDIS_EVICTED, "redis",
            "Redis evicted state that was kept to be looked at (%s keys since its start): its "
            "memory is full",
            redis->figures[REDIS_evicted_keys]);
    if (was_lately(redis->rejected_at, mono_ns))
        add_found(found, REDIS_REJECTED, "redis",
                  "Redis refused connections (%s since its start): raise maxclients, or see who "
                  "connects so often",
                  redis->figures[REDIS_rejected_connections]);
}

size_t alerts_judge(const struct watch *watch, const struct limits *limits, uint64_t mono_ns,
                    struct condition out[static CONDITIONS_MAX]) {
    struct found found = {out, 0};
    judge_redis_file(&found, &watch->redis);
    judge_redis_room(&found, &watch->redis, limits->memory_percent, mono_ns);
    for (size_t i = 0; i < watch->n_services; i++) {
        judge_service(&found, &watch->services[i], limits, mono_ns);
        judge_links(&found, &watch->services[i], limits, mono_ns);
        judge_storage(&found, &watch->services[i]);
    }
    for (size_t i = 0; i < watch->n_lags; i++) judge_lag(&found, &watch->lags[i], limits, mono_ns);
    for (const struct instance_seen *i = watch->instances; i; i = i->hh.next) {
        if (i->state && i->state->state == INSTANCE_STATE__STATE__lost)
            add_found(&found, INSTANCE_LOST, i->id, "gateway %s is lost", i->id);
        else if (!i->state && i->expected)
            add_found(&found, INSTANCE_LOST, i->id, "gateway %s has never connected", i->id);
    }
    for (const struct account_seen *a = watch->accounts; a; a = a->hh.next) {
        if (a->state->state != ACCOUNT_STATE__STATE__quarantined) continue;
        add_found(&found, ACCOUNT_QUARANTINED, a->id, "account %s takes no new exposure: %s", a->id,
                  a->state->reason ? a->state->reason : "an order is in doubt");
    }
    return found.n;
}

static bool is_same_condition(const struct condition *a, const struct condition *b) {
    return a->kind == b->kind && strcmp(a->subject, b->subject) == 0;
}

static const struct condition *find_same(const struct condition *all, size_t n,
                                         const struct condition *one) {
    for (size_t i = 0; i < n; i++) {
        if (is_same_condition(&all[i], one)) return &all[i];
    }
    return NULL;
}

bool alerts_has(const struct alerts *self, enum alert_kind kind, const char *subject) {
    struct condition one = {.kind = kind};
    snprintf(one.subject, sizeof one.subject, "%s", subject);
    return find_same(self->active, self->n, &one);
}

void alerts_put(struct alerts *self, const struct condition *condition) {
    if (self->n < CONDITIONS_MAX && !find_same(self->active, self->n, condition))
        self->active[self->n++] = *condition;
}

void alerts_settle(struct alerts *self, const struct condition *now, size_t n,
                   alert_change_fn *tell, void *arg) {
    for (size_t i = 0; i < n; i++) {
        if (!find_same(self->active, self->n, &now[i])) tell(arg, &now[i], RAISED);
    }
    for (size_t i = 0; i < self->n; i++) {
        if (!find_same(now, n, &self->active[i])) tell(arg, &self->active[i], CLEARED);
    }
    if (n) memcpy(self->active, now, n * sizeof *now);
    self->n = n;
}
