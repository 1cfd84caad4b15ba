// in_force - whether the services have taken what was changed of the configuration.
// SPDX-License-Identifier: MIT
#include "in_force.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/own.h"
#include "stream.h"

#define PAUSE_MS 5

static const struct stream config = {.topic = TOPIC_config, .name = "config"};

static err_t position_of(store_t *store, const char *service, struct entry_id *out) {
    char key[16 + NAME_TEXT];
    own(buffer) text = {0};
    (void)snprintf(key, sizeof key, "position:%s", service);
    err_t e = store_field(store, key, config.name, &text);
    if (entry_id_parse(buffer_string(&text), text.length, out)) *out = ENTRY_ID_NONE;
    return e;
}

// The first that lacks something of what was there at `head`; empty: none.
static err_t find_late(store_t *store, unsigned shards, struct entry_id head, char who[static NAME_TEXT]) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_consumers(&config, shards, all);
    *who = 0;
    for (size_t i = 0; i < n; i++) {
        struct entry_id at;
        err_t e = position_of(store, all[i].name, &at);
        if (e) return e;
        if (entry_id_cmp(at, head) >= 0) continue;
        (void)snprintf(who, NAME_TEXT, "%s", all[i].name);
        return ERR_OK;
    }
    return ERR_OK;
}

bool in_force(const struct place *place, int64_t within_ms, char who[static NAME_TEXT]) {
    char why[240];
    struct journal journal;
    struct entry_id head = ENTRY_ID_NONE;
    own(store) *store = place_store_quietly(place, "viewer", why);
    *who = 0;
    err_t e = store ? journal_look(store, config.name, &journal) : ERR_STORE;
    if (!e && *journal.head) e = entry_id_parse(journal.head, strlen(journal.head), &head) ? ERR_INPUT : ERR_OK;
    uint64_t end = clock_mono_ns() + (uint64_t)within_ms * NS_PER_MS;
    while (!e) {
        e = find_late(store, place->shards, head, who);
        if (e || !*who || clock_mono_ns() > end) break;
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
    }
    return !e && !*who;
}
