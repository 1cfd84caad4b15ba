// in_force - whether the services have taken what was changed of the configuration.
// SPDX-License-Identifier: MIT
#include "cli/operator/in_force.h"

#include <stdio.h>
#include <time.h>

#include "cli/operator/stream.h"
#include "common/base/clock.h"
#include "common/base/own.h"

#define PAUSE_MS 5

static const struct stream config = {.topic = TOPIC_config, .name = "config"};

// The first that lacks something; empty: none.
static err_t find_late(store_t *store, unsigned shards, char who[static NAME_TEXT]) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_consumers(&config, shards, all);
    uint64_t behind = 0;
    err_t e = ERR_OK;
    *who = 0;
    for (size_t i = 0; !e && !behind && i < n; i++) {
        e = journal_behind(store, all[i].name, config.name, &behind);
        if (behind) (void)snprintf(who, NAME_TEXT, "%s", all[i].name);
    }
    return e;
}

bool in_force(const struct place *place, int64_t within_ms, char who[static NAME_TEXT]) {
    char why[240];
    own(store) *store = place_store_quietly(place, "viewer", why);
    uint64_t end = clock_mono_ns() + (uint64_t)within_ms * NS_PER_MS;
    err_t e = store ? ERR_OK : ERR_STORE;
    *who = 0;
    while (!e) {
        e = find_late(store, place->shards, who);
        if (e || !*who || clock_mono_ns() > end) break;
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
    }
    return !e && !*who;
}
