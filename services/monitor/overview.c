// overview - what system:state counts in keys of others.
// SPDX-License-Identifier: MIT
#include "overview.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/schema/json_tree.h"

#define COUNT_EVERY_NS (10 * NS_PER_S)
#define MOVED_FOR_NS   (3 * NS_PER_S) // a view is written within 100 ms of its execution

// ":EURUSD" is the view over all accounts.
static err_t count_position(void *arg, struct span member) {
    if (member.length && *(const char *)member.data != ':') ++*(uint32_t *)arg;
    return ERR_OK;
}

static err_t count_positions(struct overview *self, store_t *store, unsigned shards) {
    uint32_t n = 0;
    err_t e = ERR_OK;
    for (unsigned shard = 0; !e && shard < shards; shard++) {
        char key[48];
        (void)snprintf(key, sizeof key, "execution_state:views:%u", shard);
        e = store_members(store, key, count_position, &n);
    }
    if (!e) self->positions = n;
    return e;
}

// NULL: there is none, or it is no array. Free it with yajl_tree_free.
static err_t read_list(store_t *store, const char *key, yajl_val *out) {
    own(buffer) json = {0};
    char why[JSON_WHY];
    err_t e = store_get(store, key, &json);
    *out = !e && json.length ? json_tree_parse((struct span){json.data, json.length}, why) : NULL;
    if (*out && !YAJL_IS_ARRAY(*out)) {
        yajl_tree_free(*out);
        *out = NULL;
    }
    return e;
}

static uint64_t latest_time(yajl_val candidates) {
    uint64_t latest = 0, at;
    for (size_t i = 0; candidates && i < YAJL_GET_ARRAY(candidates)->len; i++) {
        const char *text = json_tree_text(YAJL_GET_ARRAY(candidates)->values[i], "timestamp");
        if (text && !time_parse(text, strlen(text), &at) && at > latest) latest = at;
    }
    return latest;
}

err_t overview_read(struct overview *self, store_t *store, unsigned shards, uint64_t mono_ns) {
    yajl_val watchlist = NULL, candidates = NULL;
    bool moved = self->moved_at && mono_ns < self->moved_at + MOVED_FOR_NS;
    bool due = !self->positions_at || mono_ns >= self->positions_at + COUNT_EVERY_NS;
    err_t e = moved || due ? count_positions(self, store, shards) : ERR_OK;
    if (!e && (moved || due)) self->positions_at = mono_ns;
    if (!e) e = read_list(store, "watchlist:current", &watchlist);
    if (!e) e = read_list(store, "candidates:ranked", &candidates);
    if (!e) self->watchlist = watchlist ? (uint32_t)YAJL_GET_ARRAY(watchlist)->len : 0;
    if (!e) self->scan_at = latest_time(candidates);
    if (watchlist) yajl_tree_free(watchlist);
    if (candidates) yajl_tree_free(candidates);
    return e;
}
