// decisions - what models and people decided.
// SPDX-License-Identifier: MIT
#include "services/advisor/decisions.h"

#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/base/own.h"
#include "common/base/utf8.h"
#include "common/schema/record.h"
#include "services/advisor/slice.h"

#define NO_TOKEN "there is no token for the door of signals: TRADECAST_ADVISOR_SIGNAL_TOKEN_FILE"
#define RAW_MOST (64 * 1024)

// --- memory

struct held_decision *decisions_find(const decisions_t *self, const char *id) {
    struct held_decision *held;
    HASH_FIND_STR(self->all, id, held);
    return held;
}

static void drop_held(decisions_t *self, struct held_decision *held) {
    HASH_DEL(self->all, held);
    llm_decision__free_unpacked(held->row, NULL);
    free(held);
}

static void forget_oldest_final(decisions_t *self) {
    struct held_decision *held, *next;
    HASH_ITER(hh, self->all, held, next) {
        if (HASH_COUNT(self->all) < DECISIONS_MOST) return;
        if (!decision_is_open(held->row->state)) drop_held(self, held);
    }
}

static struct held_decision *hold_decision(decisions_t *self, const LlmDecision *row,
                                           bool committed) {
    struct held_decision *held = alloc_zeroed(1, sizeof *held);
    forget_oldest_final(self);
    held->row = (LlmDecision *)record_copy(&row->base, NULL);
    held->committed = committed;
    snprintf(held->id, sizeof held->id, "%s", row->decision_id);
    HASH_ADD_STR(self->all, id, held);
    return held;
}

void decisions_start(decisions_t *self, const struct decisions_settings *settings, store_t *store) {
    *self = (decisions_t){.settings = *settings, .store = store};
    llm_use__init(&self->use);
}

void decisions_end(decisions_t *self) {
    struct held_decision *held, *next;
    HASH_ITER(hh, self->all, held, next) { drop_held(self, held); }
}

static err_t load_decision(void *arg, const ProtobufCMessage *m) {
    (void)hold_decision(arg, (const LlmDecision *)m, true);
    return ERR_OK;
}

err_t decisions_load(decisions_t *self) {
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *use;
    err_t e = slice_each_open(self->store, load_decision, self);
    if (!e) e = store_record(self->store, LLM_USE, &llm_use__descriptor, arena, &use);
    if (!e && use) self->use = *(const LlmUse *)use;
    return e;
}

// --- the row

// A text that JSON, Redis and SQLite hold: bytes that are no UTF-8 become "?".
static char *plain_bytes(arena_t *arena, struct span raw) {
    size_t length = raw.length < RAW_MOST ? raw.length : RAW_MOST;
    char *out = arena_take(arena, length + 1);
    const char *at = raw.data;
    for (size_t i = 0, n; i < length; i += n) {
        n = utf8_length(at + i, length - i);
        if (n && at[i])
            memcpy(out + i, at + i, n);
        else
            out[i] = '?', n = 1;
    }
    out[length] = 0;
    return out;
}

static void begin_row(LlmDecision *row, const decisions_t *self, batch_t *batch,
                      const struct arrival *a) {
    llm_decision__init(row);
    char *id = arena_take(batch_arena(batch), ID_TEXT);
    id_new(batch_now(batch), id);
    row->decision_id = id;
    row->mode = self->settings.automatic ? LLM_DECISION__MODE__auto : LLM_DECISION__MODE__propose;
    row->origin = a->origin;
    row->created_at = row->updated_at = batch_now(batch) - batch_now(batch) % NS_PER_US;
    row->symbol = (char *)(uintptr_t)a->symbol;
    row->model = (char *)(uintptr_t)a->model;
    row->prompt_version = (char *)(uintptr_t)a->prompt_version;
    struct span raw = a->raw.length ? a->raw : a->body;
    if (raw.length) row->raw_answer = plain_bytes(batch_arena(batch), raw);
    row->has_tokens = a->tokens > 0;
    row->tokens = a->tokens;
}

static void add_package(LlmDecision *row, const struct package *package, arena_t *arena) {
    if (!package) return;
    row->package_id = arena_text(arena, package->id);
    row->package =
        arena_format(arena, "%.*s", (int)package->text.length, (const char *)package->text.data);
}

static void add_proposal(LlmDecision *row, const LlmProposal *p) {
    if (!row->package_id) row->package_id = p->package_id;
    row->symbol = p->symbol;
    row->has_action = true;
    row->action = p->action;
    row->reasoning = p->reasoning;
    row->strategy = p->strategy;
    if (p->model) row->model = p->model;
    if (p->prompt_version) row->prompt_version = p->prompt_version;
    row->has_order_type = p->has_order_type;
    row->order_type = p->order_type;
#define TAKE_NUMBER(name) row->has_##name = p->has_##name, row->name = p->name
    TAKE_NUMBER(lot_size);
    TAKE_NUMBER(price);
    TAKE_NUMBER(stop_loss);
    TAKE_NUMBER(take_profit);
    TAKE_NUMBER(close_percent);
    TAKE_NUMBER(confidence);
#undef TAKE_NUMBER
}

// `derived`: its id is made of what it says, so that it can come again.
static const LlmDecision *record_new_row(decisions_t *self, batch_t *batch, const LlmDecision *row,
                                         bool derived) {
    if (derived)
        slice_put_decision(batch, row);
    else
        slice_record_unrepeatable(batch, row);
    return hold_decision(self, row, false)->row;
}

static void finish_decision_row(LlmDecision *row, LlmDecision__State state, const char *reason,
                                arena_t *arena) {
    row->state = state;
    if (reason) row->reason = arena_text(arena, reason);
}

// --- whether a person must approve

static const char *live_subscriber(const book_t *book, const char *source) {
    const struct subscriber *all;
    size_t n = book_subscribers(book, source, &all);
    for (size_t i = 0; i < n; i++) {
        if (all[i].account->enabled && all[i].account->live) return all[i].account->account_id;
    }
    return NULL;
}

// Why it does; NULL: it does not, and it is counted.
static const char *needs_person(decisions_t *self, const book_t *book, const LlmProposal *p,
                                arena_t *arena) {
    const struct decisions_settings *s = &self->settings;
    const char *live = live_subscriber(book, s->source), *why = NULL;
    if (!s->automatic) return "a person approves each decision";
    if (!s->can_send) return NO_TOKEN;
    if (live && !s->auto_live)
        return arena_format(arena, "account %.64s is live: a person approves", live);
    if (live && proposal_is_entry(p) && !p->has_lot_size)
        return "live, and it says no size that a limit could be held against";
    (void)caps_count_decision(&self->use, &s->caps, &why);
    return why;
}

static size_t count_proposals(const decisions_t *self) {
    size_t n = 0;
    for (const struct held_decision *h = self->all; h; h = h->hh.next)
        n += h->row->state == LLM_DECISION__STATE__proposed;
    return n;
}

static void decide_way(decisions_t *self, batch_t *batch, const book_t *book, const LlmProposal *p,
                       LlmDecision *row) {
    arena_t *arena = batch_arena(batch);
    uint64_t for_ns = self->settings.signal_for;
    if (p->action == LLM_PROPOSAL__ACTION__hold)
        return finish_decision_row(row, LLM_DECISION__STATE__no_action, NULL, arena);
    caps_turn(&self->use, batch_now(batch));
    const char *why = needs_person(self, book, p, arena);
    if (why && count_proposals(self) >= PROPOSALS_MOST)
        return finish_decision_row(row, LLM_DECISION__STATE__invalid,
                                   "too many proposals wait for a person", arena);
    if (why) for_ns = self->settings.propose_for;
    finish_decision_row(row, why ? LLM_DECISION__STATE__proposed : LLM_DECISION__STATE__submitting,
                        why, arena);
    row->has_expires_at = true;
    row->expires_at = row->created_at + for_ns;
    if (!why) slice_put_use(batch, &self->use);
}

// --- coming in

// Known in memory, or in Redis, which has what memory has forgotten.
static err_t find_known(decisions_t *self, const char *id, const LlmDecision **out) {
    own(arena) *arena = arena_new(0);
    struct held_decision *held = decisions_find(self, id);
    ProtobufCMessage *m = NULL;
    err_t e = held ? ERR_OK : slice_find_decision(self->store, id, arena, &m);
    if (m) held = hold_decision(self, (const LlmDecision *)m, true);
    *out = held ? held->row : NULL;
    return e;
}

// A model that was asked answers about what it was given, and nothing else.
static const struct package *
package_named(const LlmProposal *p, const struct recent_packages *recent, const struct arrival *a) {
    if (!a->package) return recent_find(recent, p->package_id);
    return strcmp(a->package->id, p->package_id) == 0 ? a->package : NULL;
}

const LlmDecision *decisions_take(decisions_t *self, batch_t *batch, const book_t *book,
                                  const struct recent_packages *recent, const struct arrival *a,
                                  bool *known) {
    arena_t *arena = batch_arena(batch);
    const LlmDecision *found = NULL;
    char why[PROPOSAL_WHY], id[ID_TEXT];
    LlmDecision row;
    *known = false;
    begin_row(&row, self, batch, a);
    LlmProposal *p = a->trouble ? NULL : proposal_read(a->body, arena, why);
    if (a->package) add_package(&row, a->package, arena);
    if (!p) {
        finish_decision_row(&row, LLM_DECISION__STATE__invalid, a->trouble ? a->trouble : why,
                            arena);
        return record_new_row(self, batch, &row, false);
    }
    proposal_id(p, id);
    if (find_known(self, id, &found)) return NULL;
    *known = found != NULL;
    if (found) return found;
    const struct package *package = package_named(p, recent, a);
    if (!a->package) add_package(&row, package, arena);
    add_proposal(&row, p);
    // of a package that is not known nobody can say whether it came before: it gets no id that a
    // later one could meet
    if (package) row.decision_id = arena_text(arena, id);
    struct proposal_rules rules = {row.created_at, self->settings.package_for,
                                   self->settings.lots_most};
    if (proposal_check(p, package, &rules, why))
        decide_way(self, batch, book, p, &row);
    else
        finish_decision_row(&row, LLM_DECISION__STATE__invalid, why, arena);
    return record_new_row(self, batch, &row, package != NULL);
}

// --- what becomes of it

static char *renewed_text(char *before, const char *text) {
    if (before && before != protobuf_c_empty_string) free(before);
    return alloc_text(text);
}

static void record_move(batch_t *batch, LlmDecision *row) {
    row->updated_at = batch_now(batch) - batch_now(batch) % NS_PER_US;
    slice_put_decision(batch, row);
}

bool decisions_answer(decisions_t *self, batch_t *batch, const char *id, enum decision_event event,
                      const char *who, const char *reason, char why[static 200]) {
    struct held_decision *held = decisions_find(self, id);
    if (!held) return snprintf(why, 200, "there is no open decision %.40s", id), false;
    LlmDecision *row = held->row;
    if (event == DECISION_APPROVED && !self->settings.can_send)
        return snprintf(why, 200, "%s", NO_TOKEN), false;
    if (row->has_expires_at && row->expires_at <= batch_now(batch))
        return snprintf(why, 200, "it is too late: nobody approved it in time"), false;
    if (!decision_step(&row->state, event)) {
        const char *state = record_enum_name(&llm_decision__state__descriptor, (int)row->state);
        return snprintf(why, 200, "it is %s already", state), false;
    }
    row->decided_by = renewed_text(row->decided_by, who);
    row->has_decided_at = true;
    row->decided_at = batch_now(batch) - batch_now(batch) % NS_PER_US;
    if (event == DECISION_APPROVED) row->expires_at = row->decided_at + self->settings.signal_for;
    if (reason) row->reason = renewed_text(row->reason, reason);
    held->committed = false;
    record_move(batch, row);
    return true;
}

void decisions_settle(decisions_t *self, batch_t *batch, struct held_decision *held,
                      enum decision_event event, const char *text) {
    (void)self;
    if (!decision_step(&held->row->state, event)) return;
    if (event == DECISION_ACCEPTED)
        held->row->signal_id = renewed_text(held->row->signal_id, text);
    else
        held->row->reason = renewed_text(held->row->reason, text);
    held->row->has_answered_at = true;
    held->row->answered_at = batch_now(batch) - batch_now(batch) % NS_PER_US;
    record_move(batch, held->row);
}

void decisions_expire(decisions_t *self, batch_t *batch) {
    for (struct held_decision *h = self->all; h; h = h->hh.next) {
        if (h->row->state != LLM_DECISION__STATE__proposed || h->row->expires_at > batch_now(batch))
            continue;
        if (!decision_step(&h->row->state, DECISION_TIME_UP)) continue;
        h->row->reason = renewed_text(h->row->reason, "nobody approved it in time");
        record_move(batch, h->row);
    }
}

void decisions_committed(decisions_t *self) {
    for (struct held_decision *h = self->all; h; h = h->hh.next) h->committed = true;
}

// --- looking

// Newest first: the table has them in the order in which they came.
static size_t gather_newest(const decisions_t *self, const char *state,
                            const LlmDecision *out[DECISIONS_MOST]) {
    size_t n = 0;
    for (const struct held_decision *h = self->all; h; h = h->hh.next) {
        const char *is = record_enum_name(&llm_decision__state__descriptor, (int)h->row->state);
        if ((!state || strcmp(state, is) == 0) && n < DECISIONS_MOST) out[n++] = h->row;
    }
    return n;
}

void decisions_list(const decisions_t *self, const char *state, buffer_t *out) {
    const LlmDecision *rows[DECISIONS_MOST];
    size_t n = gather_newest(self, state, rows);
    buffer_text(out, "{\"decisions\":[");
    for (size_t i = n; i-- > 0;) {
        LlmDecision row = *rows[i];
        row.package = row.raw_answer = NULL;
        record_to_json(&row.base, out);
        if (i) buffer_text(out, ",");
    }
    buffer_text(out, "]}");
}
