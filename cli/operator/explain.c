// explain - gathers everything that is known of a signal: from Redis, and from the archive what has
// expired there.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.pb-c.h"
#include "cli/operator/contributions.h"
#include "cli/operator/story.h"
#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/domain/signal_id.h"
#include "services/archiver/rows/signals.h"

// Where a kind of record is: its hash in Redis, its table in the archive (NULL: not kept there; an
// order is in its trade) and the column of its id.
struct where {
    const char *prefix, *table, *column;
    const ProtobufCMessageDescriptor *type;
};

static const struct where of_signal = {"signal:", NULL, NULL, &signal__descriptor};
// the archive has it in the spec's form
static const struct where of_row = {NULL, "signals", "signal_id", &signal_row__descriptor};
static const struct where of_rejection = {"signal_rejection:", NULL, NULL,
                                          &signal_rejection__descriptor};
static const struct where of_failure = {NULL, "trade_failure_log", "failure_id",
                                        &trade_failure__descriptor};
static const struct where of_routing = {"routing:", "routings", "signal_id", &routing__descriptor};
static const struct where of_status = {"signal_execution_status:", "signal_execution_status",
                                       "signal_id", &signal_execution_status__descriptor};
static const struct where of_order = {NULL, "orders", "trade_id", &order__descriptor};
static const struct where of_trade = {"trade_state:", "trades", "trade_id",
                                      &trade_state__descriptor};
static const struct where of_reconciliation = {"reconciliation:", "trade_reconciliation",
                                               "trade_id", &trade_reconciliation__descriptor};

struct sources {
    store_t *store;
    sql_t *archive; // NULL: cannot be read
    arena_t *arena;
    err_t failed;
};

// At most `most` rows of a query that is ready.
static size_t read_rows(struct sources *s, sql_query_t *query,
                        const ProtobufCMessageDescriptor *type, const ProtobufCMessage **out,
                        size_t most) {
    size_t n = 0;
    bool row = query != NULL;
    while (n < most && row && !sql_step(query, &row) && row) {
        ProtobufCMessage *m;
        if (sql_row(query, type, s->arena, &m)) break;
        out[n++] = m;
    }
    return n;
}

// The rows with that id, at most `most`.
static size_t in_archive(struct sources *s, const struct where *w, const char *id,
                         const ProtobufCMessage **out, size_t most) {
    char text[160];
    if (!s->archive || !w->table) return 0;
    snprintf(text, sizeof text, "SELECT * FROM %s WHERE %s = ?", w->table, w->column);
    own(sql_query) *query = sql_prepare(s->archive, text);
    if (query) sql_bind_text(query, 1, id);
    return read_rows(s, query, w->type, out, most);
}

// Redis has the newest; *archived tells whether the archive has it as well.
static const void *find_newest_record(struct sources *s, const struct where *w, const char *id,
                                      bool *archived) {
    char key[160];
    ProtobufCMessage *live = NULL;
    const ProtobufCMessage *kept = NULL;
    snprintf(key, sizeof key, "%s%s", w->prefix ? w->prefix : "", id);
    err_t e = !w->prefix ? ERR_OK
              : s->store ? store_record(s->store, key, w->type, s->arena, &live)
                         : ERR_STORE;
    if (e) s->failed = e;
    bool is_kept = in_archive(s, w, id, &kept, 1) == 1;
    if (archived) *archived = is_kept;
    return live ? live : kept;
}

// --- orders that no signal asked for

#define PARTS_MAX 200 // trades of a command; more are left out

static void gather_word(struct sources *s, struct word *word, const char *command_id) {
    static const struct where of_command = {NULL, "commands", "command_id", &command__descriptor},
                              of_account = {NULL, "order_commands", "command_id",
                                            &order_command__descriptor};
    word->for_account = find_newest_record(s, &of_account, command_id, NULL);
    const char *of = word->for_account ? word->for_account->of_command : NULL;
    word->command = find_newest_record(s, &of_command, of ? of : command_id, NULL);
}

static bool is_on_command(const TradeState *t) {
    return t->has_cause && t->cause_id &&
           (t->cause == TRADE_STATE__CAUSE__command || t->cause == TRADE_STATE__CAUSE__flatten);
}

// What closed a position, whoever asked for it: it was ordered after the position, in its symbol
// and account, and names it.
static void gather_closers(struct sources *s, struct part *part) {
    static const char text[] = "SELECT * FROM trades WHERE symbol = ?1 AND ordered_at BETWEEN ?2 "
                               "AND ?3 AND account_id = ?4"
                               " AND instr(closes, ?5) ORDER BY ordered_at, trade_id";
    const ProtobufCMessage *rows[CLOSERS_MAX];
    const TradeState *t = part->trade;
    if (!s->archive || !t || !t->has_executed_at || t->n_closes) return;
    own(sql_query) *query = sql_prepare(s->archive, text);
    if (!query) return;
    sql_bind_text(query, 1, t->symbol);
    sql_bind_time(query, 2, t->ordered_at);
    sql_bind_time(query, 3, t->has_closed_at ? t->closed_at : clock_utc_ns());
    sql_bind_text(query, 4, t->account_id);
    sql_bind_text(query, 5, t->trade_id);
    part->n_closers = read_rows(s, query, &trade_state__descriptor, rows, CLOSERS_MAX);
    for (size_t i = 0; i < part->n_closers; i++) {
        struct closer *c = &part->closers[i];
        c->trade = (const TradeState *)rows[i];
        if (is_on_command(c->trade)) gather_word(s, &c->word, c->trade->cause_id);
    }
}

static void gather_trade(struct sources *s, struct part *part, const char *trade_id) {
    static const struct where of_results = {NULL, "trade_result", "trade_id",
                                            &trade_result__descriptor};
    const ProtobufCMessage *results[RESULTS_MAX];
    part->order = find_newest_record(s, &of_order, trade_id, NULL);
    part->trade = find_newest_record(s, &of_trade, trade_id, &part->archived);
    part->reconciliation = find_newest_record(s, &of_reconciliation, trade_id, NULL);
    part->n_results = in_archive(s, &of_results, trade_id, results, RESULTS_MAX);
    for (size_t i = 0; i < part->n_results; i++) part->results[i] = (const TradeResult *)results[i];
    if (part->trade && is_on_command(part->trade))
        gather_word(s, &part->word, part->trade->cause_id);
    gather_closers(s, part);
}

static void add_trade_part(struct sources *s, struct story *story, const char *trade_id) {
    struct part *part = &story->parts[story->n_parts];
    gather_trade(s, part, trade_id);
    if (!part->trade) return;
    part->account_id = part->trade->account_id;
    story->n_parts++;
}

// Trades by whom they were made for: of a command, a position's stop, the other side of a close.
static size_t made_for(struct sources *s, const char *id, const ProtobufCMessage **out,
                       size_t most) {
    static const char text[] =
        "SELECT * FROM trades WHERE cause_id = ?1 UNION SELECT * FROM trades WHERE cause_id IN"
        " (SELECT command_id FROM order_commands WHERE of_command = ?1) ORDER BY ordered_at, "
        "trade_id";
    // NULL: an archive of an older version
    own(sql_query) *query = s->archive ? sql_prepare(s->archive, text) : NULL;
    if (query) sql_bind_text(query, 1, id);
    return read_rows(s, query, &trade_state__descriptor, out, most);
}

// A command's id.
static void gather_command(struct sources *s, struct story *story) {
    const ProtobufCMessage *trades[PARTS_MAX];
    story->archive_known = s->archive != NULL;
    gather_word(s, &story->word, story->signal_id);
    size_t n = made_for(s, story->signal_id, trades, PARTS_MAX);
    story->parts = arena_zero(s->arena, (n + 1) * sizeof *story->parts);
    for (size_t i = 0; i < n; i++)
        add_trade_part(s, story, ((const TradeState *)trades[i])->trade_id);
}

// The second order of a close belongs to its signal, and no routing names it.
static void gather_other_sides(struct sources *s, struct story *story) {
    const ProtobufCMessage *made[CLOSERS_MAX];
    for (size_t i = 0, parts = story->n_parts; i < parts; i++) {
        const TradeState *t = story->parts[i].trade;
        size_t n = t ? made_for(s, t->trade_id, made, CLOSERS_MAX) : 0;
        for (size_t k = 0; k < n; k++) {
            const TradeState *other = (const TradeState *)made[k];
            if (other->cause == TRADE_STATE__CAUSE__other_side && story->n_parts < 2 * parts)
                add_trade_part(s, story, other->trade_id);
        }
    }
}

static const Signal *find_signal(struct sources *s, struct story *story) {
    const Signal *live = find_newest_record(s, &of_signal, story->signal_id, NULL);
    const ProtobufCMessage *row;
    story->archived = in_archive(s, &of_row, story->signal_id, &row, 1) == 1;
    if (live || !story->archived) return live;
    return signal_of_row((const SignalRow *)row, s->arena);
}

static const SignalRejection *find_rejection(struct sources *s, const char *signal_id) {
    const SignalRejection *live = find_newest_record(s, &of_rejection, signal_id, NULL);
    const ProtobufCMessage *row;
    if (live || in_archive(s, &of_failure, signal_id, &row, 1) != 1) return live;
    const TradeFailure *failure = (const TradeFailure *)row;
    SignalRejection *rejection = arena_take(s->arena, sizeof *rejection);
    signal_rejection__init(rejection);
    rejection->signal_id = failure->signal_id;
    rejection->rejection_reason =
        failure->reason ? failure->reason : (char *)"no reason is on record";
    rejection->rejected_at = failure->failed_at;
    rejection->source = (char *)"";
    rejection->field = failure->field;
    return rejection;
}

struct looking_for {
    const char *signal_id;
    arena_t *arena;
    Duplicates **found;
};

static err_t look_at_duplicates(void *arg, struct span name, struct span value) {
    const struct looking_for *l = arg;
    if (name.length == strlen(l->signal_id) && memcmp(name.data, l->signal_id, name.length) == 0)
        *l->found = duplicates__unpack(arena_allocator(l->arena), value.length, value.data);
    return ERR_OK;
}

static const Duplicates *find_duplicates(struct sources *s, const char *signal_id) {
    Duplicates *found = NULL;
    struct looking_for l = {signal_id, s->arena, &found};
    if (s->store && store_pairs(s->store, "signal:state:duplicates", look_at_duplicates, &l))
        s->failed = ERR_STORE;
    return found;
}

static void gather_story(struct sources *s, struct story *story) {
    story->archive_known = s->archive != NULL;
    story->signal = find_signal(s, story);
    if (story->signal) contributions_gather(s->store, s->archive, s->arena, story);
    story->duplicates = find_duplicates(s, story->signal_id);
    story->rejection = find_rejection(s, story->signal_id);
    story->routing = find_newest_record(s, &of_routing, story->signal_id, NULL);
    story->status = find_newest_record(s, &of_status, story->signal_id, NULL);
    size_t n = story->routing ? story->routing->n_decisions : 0;
    story->parts = arena_zero(s->arena, (2 * n + 1) * sizeof *story->parts);
    for (size_t i = 0; i < n; i++) {
        struct part *part = &story->parts[story->n_parts++];
        part->decision = story->routing->decisions[i];
        part->account_id = part->decision->account_id;
        if (part->decision->trade_id) gather_trade(s, part, part->decision->trade_id);
    }
    gather_other_sides(s, story);
}

// --- by the id that the sender gave it

struct naming {
    struct sources *sources;
    const char *sent;
    char *found; // the signal_id of the latest signal that was sent under it
    uint64_t created_at;
};

static err_t look_at_source(void *arg, struct span name) {
    struct naming *n = arg;
    char source[SIGNAL_ID_TEXT], id[SIGNAL_ID_TEXT];
    (void)snprintf(source, sizeof source, "%.*s", (int)name.length, (const char *)name.data);
    signal_id_scoped(source, n->sent, id);
    struct story story = {.signal_id = id};
    const Signal *signal = find_signal(n->sources, &story);
    if (!signal || (n->found && signal->created_at < n->created_at)) return ERR_OK;
    n->found = arena_text(n->sources->arena, id);
    n->created_at = signal->created_at;
    return ERR_OK;
}

static void look_at_archived_sources(struct naming *n) {
    own(sql_query) *query = sql_prepare(n->sources->archive, "SELECT config_id FROM signal_config");
    bool row = query != NULL;
    while (row && !sql_step(query, &row) && row)
        (void)look_at_source(n, span_of(sql_text(query, 0)));
}

// Every source might have sent it.
static void gather_by_sender(struct sources *s, struct story *story) {
    struct naming n = {.sources = s, .sent = story->signal_id};
    if (s->store)
        s->failed = store_members(s->store, "signal_config:index", look_at_source, &n);
    else
        look_at_archived_sources(&n);
    if (!n.found) return;
    story->signal_id = n.found;
    gather_story(s, story);
}

// A trade's id tells the story of its signal; of an order that no signal asked for, its own.
static void gather_by_trade(struct sources *s, struct story *story) {
    const TradeState *t = find_newest_record(s, &of_trade, story->signal_id, NULL);
    if (!t) return;
    if (!t->has_cause || t->cause == TRADE_STATE__CAUSE__other_side) {
        story->signal_id = t->signal_id;
        return gather_story(s, story);
    }
    story->archive_known = s->archive != NULL;
    story->parts = arena_zero(s->arena, sizeof *story->parts);
    add_trade_part(s, story, t->trade_id);
}

static bool is_story_there(const struct story *story) {
    return story_is_signal(story) || story->n_parts || story->word.command ||
           story->word.for_account;
}

// By the signal's id, here or as its sender has it; a command's; a trade's.
static void gather_any(struct sources *s, const char *id, struct story *story) {
    void (*const ways[])(struct sources *, struct story *) = {gather_story, gather_by_sender,
                                                              gather_command, gather_by_trade};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        *story = (struct story){.signal_id = id};
        ways[i](s, story);
        if (is_story_there(story)) return;
    }
    story->signal_id = id;
}

enum outcome run_explain(struct call *call) {
    char why[240], no_archive[200];
    own(store) *store = place_store_quietly(&call->place, "viewer", why);
    own(sql) *archive = place_archive(&call->place, no_archive);
    own(arena) *arena = arena_new(0);
    own(buffer) out = {0};
    if (!store && !archive) return complain_of_call(NO_REACH, "%s", why);
    if (!store) (void)complain_of_call(NO_REACH, "%s; told from the archive alone", why);
    struct sources sources = {store, archive, arena, ERR_OK};
    struct story story;
    gather_any(&sources, call->args[0], &story);
    if (!is_story_there(&story)) {
        if (sources.failed) return NO_REACH;
        return complain_of_call(ANSWER_NO, "there is no signal, command or trade %s%s%s",
                                story.signal_id,
                                archive ? "" : " in Redis, and the archive cannot be read: ",
                                archive ? "" : no_archive);
    }
    if (call->json)
        story_json(&story, &out);
    else
        story_tell(&story, &out);
    print_out(&out);
    return DONE;
}
