// contributions - in which consensus a signal was counted.
// SPDX-License-Identifier: MIT
#include "cli/operator/contributions.h"

#include <stdio.h>
#include <string.h>

#include "archive.pb-c.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "services/ingest/consensus/consensus.h"

struct gathering {
    struct story *story;
    arena_t *arena;
    struct contribution *found; // room for CONTRIBUTIONS_MAX
};

// Each consensus once: the archive has the votes with it, and is asked first.
static void add_contribution(struct gathering *g, struct contribution c) {
    for (size_t i = 0; i < g->story->n_contributions && c.consensus; i++) {
        if (g->found[i].consensus && strcmp(g->found[i].consensus, c.consensus) == 0) return;
    }
    if (g->story->n_contributions < CONTRIBUTIONS_MAX) g->found[g->story->n_contributions++] = c;
}

static err_t look_at_ballot(void *arg, struct span name, struct span packed) {
    struct gathering *g = arg;
    (void)name;
    const Ballot *b = ballot__unpack(arena_allocator(g->arena), packed.length, packed.data);
    for (size_t i = 0; b && i < b->n_votes; i++) {
        if (b->waiting && strcmp(b->votes[i]->signal_id, g->story->signal_id) == 0)
            add_contribution(g, (struct contribution){.config_id = b->config_id, .waiting = b});
    }
    for (size_t i = 0; b && b->decided && i < b->n_decided_parts; i++) {
        if (strcmp(b->decided_parts[i], g->story->signal_id) == 0)
            add_contribution(
                g, (struct contribution){.config_id = b->config_id, .consensus = b->decided});
    }
    return ERR_OK;
}

static void look_at_row(struct gathering *g, const SignalRow *row) {
    for (size_t i = 0; i < row->n_votes; i++) {
        if (strcmp(row->votes[i]->signal_id, g->story->signal_id) != 0) continue;
        add_contribution(g, (struct contribution){.config_id = row->source,
                                                  .consensus = row->signal_id,
                                                  .vote = row->votes[i]});
    }
}

// A consensus comes within the longest window after its first part. The partial index makes this a
// look at a few rows.
static void find_archived_consensus(struct gathering *g, sql_t *archive) {
    static const char text[] =
        "SELECT * FROM signals WHERE votes IS NOT NULL AND created_at BETWEEN ? AND ?";
    uint64_t from = g->story->signal->created_at;
    own(sql_query) *query = sql_prepare(archive, text);
    if (!query) return; // an archive of an older version
    sql_bind_time(query, 1, from);
    sql_bind_time(query, 2, from + CONSENSUS_WINDOW_MAX_S * NS_PER_S);
    bool row = true;
    while (!sql_step(query, &row) && row) {
        ProtobufCMessage *m;
        if (sql_row(query, &signal_row__descriptor, g->arena, &m)) return;
        look_at_row(g, (const SignalRow *)m);
    }
}

void contributions_gather(store_t *store, sql_t *archive, arena_t *arena, struct story *story) {
    struct gathering g = {story, arena,
                          arena_zero(arena, CONTRIBUTIONS_MAX * sizeof(struct contribution))};
    story->contributions = g.found;
    if (archive) find_archived_consensus(&g, archive);
    // unreachable: the others have said so
    if (store) (void)store_pairs(store, "signal:state:votes", look_at_ballot, &g);
}
