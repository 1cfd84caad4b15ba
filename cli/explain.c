// explain - gathers everything that is known of a signal: from Redis, and from the archive what has expired there.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/own.h"
#include "place.h"
#include "story.h"

// Where a kind of record is: its hash in Redis, its table in the archive (NULL: not kept there) and the column of its id.
struct where {
    const char *prefix, *table, *column;
    const ProtobufCMessageDescriptor *type;
};

static const struct where of_signal = {"signal:", "signals", "signal_id", &signal__descriptor};
static const struct where of_rejection = {"signal_rejection:", NULL, NULL, &signal_rejection__descriptor};
static const struct where of_routing = {"routing:", "routings", "signal_id", &routing__descriptor};
static const struct where of_status = {"signal_execution_status:", NULL, NULL, &signal_execution_status__descriptor};
static const struct where of_order = {"order:", "orders", "trade_id", &order__descriptor};
static const struct where of_trade = {"trade_state:", "trades", "trade_id", &trade_state__descriptor};
static const struct where of_reconciliation = {"reconciliation:", "trade_reconciliation", "trade_id", &trade_reconciliation__descriptor};

struct sources {
    store_t *store;
    sql_t *archive; // NULL: cannot be read
    arena_t *arena;
    err_t failed;
};

static sql_query_t *query_of(const struct sources *s, const struct where *w, const char *id) {
    char text[160];
    snprintf(text, sizeof text, "SELECT * FROM %s WHERE %s = ?", w->table, w->column);
    sql_query_t *query = sql_prepare(s->archive, text);
    if (query) sql_bind_text(query, 1, id);
    return query;
}

// The rows with that id, at most `most`.
static size_t in_archive(struct sources *s, const struct where *w, const char *id, const ProtobufCMessage **out, size_t most) {
    if (!s->archive || !w->table) return 0;
    own(sql_query) *query = query_of(s, w, id);
    size_t n = 0;
    bool row = query != NULL;
    while (n < most && row && !sql_step(query, &row) && row) {
        ProtobufCMessage *m;
        if (sql_row(query, w->type, s->arena, &m)) break;
        out[n++] = m;
    }
    return n;
}

// Redis has the newest; *archived tells whether the archive has it as well.
static const void *find(struct sources *s, const struct where *w, const char *id, bool *archived) {
    char key[160];
    ProtobufCMessage *live = NULL;
    const ProtobufCMessage *kept = NULL;
    snprintf(key, sizeof key, "%s%s", w->prefix, id);
    err_t e = s->store ? store_record(s->store, key, w->type, s->arena, &live) : ERR_STORE;
    if (e) s->failed = e;
    bool is_kept = in_archive(s, w, id, &kept, 1) == 1;
    if (archived) *archived = is_kept;
    return live ? live : kept;
}

static void gather_trade(struct sources *s, struct part *part, const char *trade_id) {
    static const struct where of_results = {NULL, "trade_result", "trade_id", &trade_result__descriptor};
    const ProtobufCMessage *results[RESULTS_MAX];
    part->order = find(s, &of_order, trade_id, NULL);
    part->trade = find(s, &of_trade, trade_id, &part->archived);
    part->reconciliation = find(s, &of_reconciliation, trade_id, NULL);
    part->n_results = in_archive(s, &of_results, trade_id, results, RESULTS_MAX);
    for (size_t i = 0; i < part->n_results; i++) part->results[i] = (const TradeResult *)results[i];
}

static void gather(struct sources *s, struct story *story) {
    story->archive_known = s->archive != NULL;
    story->signal = find(s, &of_signal, story->signal_id, &story->archived);
    story->rejection = find(s, &of_rejection, story->signal_id, NULL);
    story->routing = find(s, &of_routing, story->signal_id, NULL);
    story->status = find(s, &of_status, story->signal_id, NULL);
    size_t n = story->routing ? story->routing->n_decisions : 0;
    story->parts = arena_zero(s->arena, (n + 1) * sizeof *story->parts);
    for (size_t i = 0; i < n; i++) {
        struct part *part = &story->parts[story->n_parts++];
        part->decision = story->routing->decisions[i];
        part->account_id = part->decision->account_id;
        if (part->decision->trade_id) gather_trade(s, part, part->decision->trade_id);
    }
}

enum outcome run_explain(struct call *call) {
    char why[240], no_archive[200];
    own(store) *store = place_store_quietly(&call->place, "viewer", why);
    own(sql) *archive = place_archive(&call->place, no_archive);
    own(arena) *arena = arena_new(0);
    own(buffer) out = {0};
    if (!store && !archive) return complain(NO_REACH, "%s", why);
    if (!store) (void)complain(NO_REACH, "%s; told from the archive alone", why);
    struct sources sources = {store, archive, arena, ERR_OK};
    struct story story = {.signal_id = call->args[0]};
    gather(&sources, &story);
    if (!story.signal && !story.rejection && !story.routing) {
        if (sources.failed) return NO_REACH;
        return complain(ANSWER_NO, "there is no signal %s%s%s", story.signal_id, archive ? "" : " in Redis, and the archive cannot be read: ",
                        archive ? "" : no_archive);
    }
    if (call->json) story_json(&story, &out);
    else story_tell(&story, &out);
    print_out(&out);
    return DONE;
}
