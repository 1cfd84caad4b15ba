// topology - who there is, and which topics each of them owns and consumes.
// SPDX-License-Identifier: MIT
#include "common/topology.h"

#include <stdio.h>
#include <string.h>

#include "common/cells.h"

#define ROLE_NAME(role, name) [role] = name,
static const char *const role_names[] = {SERVICES(ROLE_NAME)};
#undef ROLE_NAME

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

const char *role_name(enum role role) { return role_names[role]; }
const char *topic_name(enum topic topic) { return topics[topic].name; }
unsigned topic_consumers(enum topic topic) { return topics[topic].consumers; }
bool topic_is_by_shard(enum topic topic) { return topics[topic].split == BY_SHARD; }

bool topology_is_sharded(enum role role) {
    for (enum topic t = 0; t < TOPIC_COUNT; t++) {
        bool owns = topics[t].owner == role, consumes = topics[t].consumers & TO(role);
        if (topics[t].split == BY_SHARD && (owns || consumes)) return true;
        if (owns && topics[t].consumers & TO(EXECUTOR)) return true;
    }
    return false;
}

void instance_name(enum role role, unsigned shard, char out[static NAME_TEXT]) {
    if (role == EXECUTOR) snprintf(out, NAME_TEXT, "%s.%u", role_names[role], shard);
    else if (role == RELAY) snprintf(out, NAME_TEXT, "%s.%s", role_names[role], cell_at(shard) ? cell_at(shard) : "none");
    else snprintf(out, NAME_TEXT, "%s", role_names[role]);
}

// How many processes of a role there are.
static unsigned count_of(enum role role, unsigned shards) {
    if (role == EXECUTOR) return shards;
    return role == RELAY ? (unsigned)cells_count() : 1;
}

size_t topology_instances(unsigned shards, struct instance out[static INSTANCES_MAX]) {
    size_t n = 0;
    for (enum role role = 0; role < ROLES; role++) {
        for (unsigned shard = 0; shard < count_of(role, shards) && n < INSTANCES_MAX; shard++) {
            out[n] = (struct instance){.role = role, .shard = shard};
            instance_name(role, shard, out[n++].name);
        }
    }
    return n;
}

static struct stream stream_of(enum topic topic, unsigned shard, const char *service) {
    struct stream s = {.topic = topic, .shard = shard};
    switch (topics[topic].split) {
    case WHOLE: snprintf(s.name, sizeof s.name, "%s", topics[topic].name); break;
    case BY_SHARD: snprintf(s.name, sizeof s.name, "%s.%u", topics[topic].name, shard); break;
    case BY_SERVICE: snprintf(s.name, sizeof s.name, "%s.%.40s", topics[topic].name, service); break;
    }
    return s;
}

// The shards of a BY_SHARD topic that one executor, or any other service, has to do with.
static void shard_range_of(const struct instance *me, enum topic topic, unsigned shards, unsigned *from, unsigned *to) {
    bool one = topics[topic].split != BY_SHARD;
    *from = !one && me->role == EXECUTOR ? me->shard : 0;
    *to = one || me->role == EXECUTOR ? *from + 1 : shards;
}

size_t topology_outlets(const struct instance *me, unsigned shards, struct stream out[static INSTANCES_MAX]) {
    size_t n = 0;
    for (enum topic t = 0; t < TOPIC_COUNT; t++) {
        if (topics[t].owner != me->role && topics[t].owner != ROLES) continue;
        unsigned from, to;
        shard_range_of(me, t, shards, &from, &to);
        for (unsigned s = from; s < to && n < INSTANCES_MAX; s++) out[n++] = stream_of(t, s, me->name);
    }
    return n;
}

size_t topology_inlets(const struct instance *me, unsigned shards, struct stream out[static 2 * INSTANCES_MAX]) {
    struct instance all[INSTANCES_MAX];
    size_t n = 0, instances = topology_instances(shards, all);
    for (enum topic t = 0; t < TOPIC_COUNT; t++) {
        if (!(topics[t].consumers & TO(me->role))) continue;
        if (topics[t].split == BY_SERVICE) {
            for (size_t i = 0; i < instances && n < 2 * INSTANCES_MAX; i++) out[n++] = stream_of(t, 0, all[i].name);
            continue;
        }
        unsigned from, to;
        shard_range_of(me, t, shards, &from, &to);
        for (unsigned s = from; s < to && n < 2 * INSTANCES_MAX; s++) out[n++] = stream_of(t, s, NULL);
    }
    return n;
}

size_t topology_consumers(const struct stream *s, unsigned shards, struct instance out[static INSTANCES_MAX]) {
    struct instance all[INSTANCES_MAX];
    size_t n = 0, instances = topology_instances(shards, all);
    for (size_t i = 0; i < instances; i++) {
        if (!(topics[s->topic].consumers & TO(all[i].role))) continue;
        if (topics[s->topic].split == BY_SHARD && all[i].role == EXECUTOR && all[i].shard != s->shard) continue;
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
        instance_name(owner, owner == EXECUTOR ? s->shard : 0, out);
}
