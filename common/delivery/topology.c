// topology - who there is, and which topics each of them owns and consumes.
// SPDX-License-Identifier: MIT
#include "common/delivery/topology.h"

#include <stdio.h>
#include <string.h>

#include "common/delivery/cells.h"

static const struct {
    const char *name;
    enum processes processes;
    enum positions_in positions;
} services[] = {
#define SERVICE_ROW(role, name, processes, positions) [role] = {name, processes, positions},
    SERVICES(SERVICE_ROW)
#undef SERVICE_ROW
};

static const struct {
    const char *name;
    enum role owner; // ROLES: each
    enum split split;
    unsigned consumers;
} topics[] = {
#define TOPIC_ROW(name, owner, split, consumers, types) {#name, owner, split, consumers},
    TOPICS(TOPIC_ROW)
#undef TOPIC_ROW
};

const char *role_name(enum role role) { return services[role].name; }
enum processes role_processes(enum role role) { return services[role].processes; }
enum positions_in role_positions(enum role role) { return services[role].positions; }
unsigned topic_consumers(enum topic topic) { return topics[topic].consumers; }
bool topic_is_by_shard(enum topic topic) { return topics[topic].split == BY_SHARD; }
bool topic_is_of(enum topic topic, enum role role) { return topics[topic].owner == role; }

static bool is_each_shard(enum role role) { return services[role].processes == ONE_EACH_SHARD; }

static bool is_read_by_shards(enum topic topic) {
    for (enum role role = 0; role < ROLES; role++) {
        if (is_each_shard(role) && topics[topic].consumers & TO(role)) return true;
    }
    return false;
}

bool topology_is_sharded(enum role role) {
    for (enum topic t = 0; t < TOPIC_COUNT; t++) {
        bool owns = topics[t].owner == role, consumes = topics[t].consumers & TO(role);
        if (topics[t].split == BY_SHARD && (owns || consumes)) return true;
        if (owns && is_read_by_shards(t)) return true;
    }
    return false;
}

void instance_name(enum role role, unsigned shard, char out[static NAME_TEXT]) {
    const char *name = services[role].name;
    switch (services[role].processes) {
    case ONE_PROCESS:
    case ONE_IF_WANTED:
        snprintf(out, NAME_TEXT, "%s", name);
        break;
    case ONE_EACH_SHARD:
        snprintf(out, NAME_TEXT, "%s.%u", name, shard);
        break;
    case ONE_EACH_CELL:
        snprintf(out, NAME_TEXT, "%s.%s", name, cell_at(shard) ? cell_at(shard) : "none");
        break;
    }
}

static unsigned wanted; // TO(role) bits; one installation a process

bool topology_is_wanted(enum role role) {
    return services[role].processes != ONE_IF_WANTED || wanted & TO(role);
}

static bool want_service(const char *name, size_t length) {
    for (enum role role = 0; role < ROLES; role++) {
        if (services[role].processes != ONE_IF_WANTED || strlen(services[role].name) != length ||
            memcmp(services[role].name, name, length) != 0)
            continue;
        wanted |= TO(role);
        return true;
    }
    return false;
}

bool topology_want(const char *names, char wrong[static 256]) {
    wanted = 0;
    for (size_t length; names && *(names += strspn(names, " ,")); names += length) {
        length = strcspn(names, " ,");
        if (want_service(names, length)) continue;
        snprintf(wrong, 256, "TRADECAST_OPTIONAL: \"%.*s\" is no optional service",
                 (int)(length > 60 ? 60 : length), names);
        return false;
    }
    return true;
}

static unsigned processes_of(enum role role, unsigned shards) {
    switch (services[role].processes) {
    case ONE_PROCESS:
        return 1;
    case ONE_EACH_SHARD:
        return shards;
    case ONE_EACH_CELL:
        return (unsigned)cells_count();
    case ONE_IF_WANTED:
        return topology_is_wanted(role);
    }
    return 0;
}

size_t topology_instances(unsigned shards, struct instance out[static INSTANCES_MAX]) {
    size_t n = 0;
    for (enum role role = 0; role < ROLES; role++) {
        for (unsigned shard = 0; shard < processes_of(role, shards) && n < INSTANCES_MAX; shard++) {
            out[n] = (struct instance){.role = role, .shard = shard};
            instance_name(role, shard, out[n++].name);
        }
    }
    return n;
}

static struct stream stream_of(enum topic topic, unsigned shard, const char *service) {
    struct stream s = {.topic = topic, .shard = shard};
    switch (topics[topic].split) {
    case WHOLE:
        snprintf(s.name, sizeof s.name, "%s", topics[topic].name);
        break;
    case BY_SHARD:
        snprintf(s.name, sizeof s.name, "%s.%u", topics[topic].name, shard);
        break;
    case BY_SERVICE:
        snprintf(s.name, sizeof s.name, "%s.%.40s", topics[topic].name, service);
        break;
    }
    return s;
}

// The shards of a BY_SHARD topic that one shard's process, or any other service, has to do with.
static void shard_range_of(const struct instance *me, enum topic topic, unsigned shards,
                           unsigned *from, unsigned *to) {
    bool one = topics[topic].split != BY_SHARD;
    *from = !one && is_each_shard(me->role) ? me->shard : 0;
    *to = one || is_each_shard(me->role) ? *from + 1 : shards;
}

size_t topology_outlets(const struct instance *me, unsigned shards,
                        struct stream out[static INSTANCES_MAX]) {
    size_t n = 0;
    for (enum topic t = 0; t < TOPIC_COUNT; t++) {
        if (topics[t].owner != me->role && topics[t].owner != ROLES) continue;
        unsigned from, to;
        shard_range_of(me, t, shards, &from, &to);
        for (unsigned s = from; s < to && n < INSTANCES_MAX; s++)
            out[n++] = stream_of(t, s, me->name);
    }
    return n;
}

size_t topology_inlets(const struct instance *me, unsigned shards,
                       struct stream out[static 2 * INSTANCES_MAX]) {
    struct instance all[INSTANCES_MAX];
    size_t n = 0, instances = topology_instances(shards, all);
    for (enum topic t = 0; t < TOPIC_COUNT; t++) {
        if (!(topics[t].consumers & TO(me->role))) continue;
        if (topics[t].split == BY_SERVICE) {
            for (size_t i = 0; i < instances && n < 2 * INSTANCES_MAX; i++)
                out[n++] = stream_of(t, 0, all[i].name);
            continue;
        }
        unsigned from, to;
        shard_range_of(me, t, shards, &from, &to);
        for (unsigned s = from; s < to && n < 2 * INSTANCES_MAX; s++)
            out[n++] = stream_of(t, s, NULL);
    }
    return n;
}

size_t topology_consumers(const struct stream *s, unsigned shards,
                          struct instance out[static INSTANCES_MAX]) {
    struct instance all[INSTANCES_MAX];
    size_t n = 0, instances = topology_instances(shards, all);
    for (size_t i = 0; i < instances; i++) {
        if (!(topics[s->topic].consumers & TO(all[i].role))) continue;
        if (topics[s->topic].split == BY_SHARD && is_each_shard(all[i].role) &&
            all[i].shard != s->shard)
            continue;
        out[n++] = all[i];
    }
    return n;
}

void topology_owner(const struct stream *s, char out[static NAME_TEXT]) {
    enum role owner = topics[s->topic].owner;
    size_t kind = strlen(topics[s->topic].name);
    if (topics[s->topic].split == BY_SERVICE)
        snprintf(out, NAME_TEXT, "%s", s->name + kind + 1); // "incidents.router"
    else
        instance_name(owner, is_each_shard(owner) ? s->shard : 0, out);
}
