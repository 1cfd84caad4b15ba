// start_shards - at start: is the number of executors the one that is recorded, and what is still
// to be read of before accounts were moved.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/domain/shard.h"
#include "common/service/loop.h"

static err_t read_stored_number(store_t *store, const char *key, unsigned *out) {
    buffer_t text = {0};
    err_t e = store_get(store, key, &text);
    if (!e) *out = (unsigned)strtoul(buffer_string(&text), NULL, 10);
    buffer_destroy(&text);
    return e;
}

// The first service that ever starts says how many there are; of two at once, one.
static err_t record_number(store_t *store, unsigned shards) {
    char number[16];
    buffer_t answer = {0};
    (void)snprintf(number, sizeof number, "%u", shards);
    err_t e = store_command(
        store, 4,
        (struct span[]){span_of("SET"), span_of(SHARDS_EXECUTORS), span_of(number), span_of("NX")},
        &answer);
    buffer_destroy(&answer);
    return e;
}

err_t shards_fit(void *arg, store_t *store, char why[static 200]) {
    const struct loop *l = arg;
    unsigned mine = (unsigned)l->settings.shards, recorded = 0;
    if (!topology_is_sharded(l->me.role)) return ERR_OK;
    err_t e = read_stored_number(store, SHARDS_EXECUTORS, &recorded);
    if (!e && !recorded) e = record_number(store, mine);
    if (!e && !recorded) e = read_stored_number(store, SHARDS_EXECUTORS, &recorded);
    if (e || recorded == mine) return e;
    (void)snprintf(why, 200,
                   "TRADECAST_SHARDS is %u, and accounts are spread over %u; tradecast shards set "
                   "%u moves them (docs/deployment.md), or set it "
                   "to %u",
                   mine, recorded, mine, recorded);
    return ERR_CONFIG;
}

// Topics of executors that are gone are read on, until somebody has seen that nothing is left in
// them.
err_t shards_inlets(struct loop *l, struct stream out[static INLETS_MAX], size_t *n) {
    unsigned shards = (unsigned)l->settings.shards, retired = 0;
    bool reads = topology_is_sharded(l->me.role) && role_processes(l->me.role) != ONE_EACH_SHARD;
    err_t e = reads ? read_stored_number(ledger_store(l->redis.ledger), SHARDS_RETIRED, &retired)
                    : ERR_OK;
    if (retired > SHARDS_MOST) retired = SHARDS_MOST;
    *n = topology_inlets(&l->me, retired > shards ? retired : shards, out);
    return e;
}

// --- before and after

// What was said of an account by the executor that had it is heard before what is said by the one
// that has it.
err_t shards_bar(struct loop *l) {
    err_t e = ERR_OK;
    for (size_t i = 0; !e && i < l->inputs.n; i++) {
        buffer_t text = {0};
        struct slot *s = &l->inputs.slots[i];
        if (!topic_is_by_shard(s->stream.topic)) continue;
        e = store_field(ledger_store(l->redis.ledger), SHARDS_BARRIER, s->stream.name, &text);
        if (!e && entry_id_parse(buffer_string(&text), text.length, &s->barrier))
            s->barrier = ENTRY_ID_NONE;
        l->inputs.barred |= entry_id_cmp(s->in.position, s->barrier) < 0;
        buffer_destroy(&text);
    }
    return e;
}

static bool is_short(const struct slot *s) { return entry_id_cmp(s->in.position, s->barrier) < 0; }

bool shards_barred(struct loop *l, const struct slot *slot, struct entry_id id) {
    bool any = false, here = false;
    for (size_t i = 0; i < l->inputs.n; i++) {
        const struct slot *s = &l->inputs.slots[i];
        any |= is_short(s);
        here |= s != slot && s->stream.topic == slot->stream.topic && is_short(s);
    }
    l->inputs.barred = any;
    return here && entry_id_cmp(id, slot->barrier) > 0;
}
