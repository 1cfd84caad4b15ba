// apply - one step of one trade: counted out, stepped by the pure part, counted in again, and its
// effects worked off.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/clock.h"
#include "common/base/testing.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"
#include "services/executor/trade/amend.h"
#include "services/executor/trade/fills.h"
#include "services/executor/trade/in_doubt/evidence.h"
#include "services/executor/trade/in_doubt/inquiry.h"

#define T(name)              TRADE_STATE__STATE__##name
#define SAVE_AFTER           (30 * NS_PER_MS)
#define CONTRACT_SIZE_PRESET DECIMAL_INT(100000)

bool engine_is_ours(const struct executor *self, const char *account_id) {
    const AccountConfig *account = book_account(self->context->book, account_id);
    return account &&
           book_shard(self->context->book, account, self->context->shards) == self->context->shard;
}

void engine_begin(struct executor *self, batch_t *batch) {
    self->closes_unknown |= trades_forget_oldest(self->trades);
    if (!self->started) load_start(self, batch);
    if (self->reconfigured) presence_configure(self, batch);
}

struct holding *engine_get_holding(struct executor *self, const TradeState *s) {
    bool is_new;
    struct holding *p =
        accounts_get_holding(self->accounts, s->account_id, s->broker_symbol, &is_new);
    if (!is_new) return p;
    const BrokerConfig *broker =
        self->context->book ? book_broker(self->context->book, s->broker_id) : NULL;
    const SymbolConfig *symbol = broker ? book_symbol(broker, s->symbol) : NULL;
    positions_add_holding(self->positions, p, s->symbol,
                          symbol && symbol->has_contract_size ? symbol->contract_size
                                                              : CONTRACT_SIZE_PRESET.e8);
    if (!*p->account->state->broker_id) trade_set_text(&p->account->state->broker_id, s->broker_id);
    return p;
}

// --- counting

// What a close under way will still take off the positions that it names.
static void count_reserved(struct executor *self, batch_t *batch, const struct trade *t, int sign) {
    const TradeState *s = t->s;
    if (!s->n_closes || trade_is_final(s)) return;
    Closing *left = arena_take(batch_arena(batch), s->n_closes * sizeof *left);
    size_t n = fills_left_to_close(s, left);
    for (size_t i = 0; i < n; i++) {
        struct trade *opened = trades_find(self->trades, left[i].trade_id);
        if (opened)
            opened->closing += sign * left[i].lots;
        else
            self->closes_unknown = true;
    }
}

static int64_t lots_reserved_by(batch_t *batch, const TradeState *close, const char *trade_id) {
    int64_t lots = 0;
    if (!close->n_closes || trade_is_final(close)) return 0;
    Closing *left = arena_take(batch_arena(batch), close->n_closes * sizeof *left);
    size_t n = fills_left_to_close(close, left);
    for (size_t i = 0; i < n; i++)
        lots += strcmp(left[i].trade_id, trade_id) == 0 ? left[i].lots : 0;
    return lots;
}

static bool names_unknown(const struct executor *self, const TradeState *close) {
    if (trade_is_final(close)) return false;
    size_t i = 0;
    while (i < close->n_closes && trades_find(self->trades, close->closes[i]->trade_id)) i++;
    return i < close->n_closes;
}

// A close may name a position that becomes known only later: what the broker said of the one came
// before the other.
static void count_closes_of(struct executor *self, batch_t *batch, struct trade *t) {
    size_t cursor = 0;
    bool others = false;
    if (!self->closes_unknown) return;
    for (const struct trade *c; (c = trades_next(self->trades, &cursor)) != NULL;) {
        t->closing += lots_reserved_by(batch, c->s, t->s->trade_id);
        others |= names_unknown(self, c->s);
    }
    self->closes_unknown = others;
}

static void count_doubt(struct executor *self, struct holding *p, int sign) {
    unsigned was = p->account->unknown;
    p->unknown += (unsigned)sign;
    p->account->unknown += (unsigned)sign;
    if ((was == 0) != (p->account->unknown == 0)) p->account->dirty = true;
    if (sign < 0) self->awake = true;
}

static void count_flight(struct executor *self, struct trade *t, int sign) {
    if (!trade_is_closing(t->s)) t->holding->submitting += (unsigned)sign;
    if (!t->session) return;
    t->session->in_flight += (unsigned)sign;
    if (sign < 0 && (t->session->blocked || t->holding->waiting)) self->awake = true;
}

void engine_count(struct executor *self, batch_t *batch, struct trade *t, int sign) {
    if (t->s->state == T(unknown)) count_doubt(self, t->holding, sign);
    if (t->s->state == T(submitting)) count_flight(self, t, sign);
    if (trade_is_working(t->s)) t->holding->account->working += (unsigned)sign;
    count_reserved(self, batch, t, sign);
    if (sign > 0) positions_count(self->positions, t);
}

struct trade *engine_add(struct executor *self, batch_t *batch, const TradeState *s) {
    struct trade *t = trades_add(self->trades, s);
    t->sequence = ++self->sequence;
    t->holding = engine_get_holding(self, t->s);
    count_closes_of(self, batch, t);
    engine_count(self, batch, t, 1);
    return t;
}

void engine_drop(struct executor *self, batch_t *batch, struct trade *t) {
    due_clear(self->due, &t->due);
    holding_remove_waiting(self->accounts, t->holding, t);
    engine_count(self, batch, t, -1);
    positions_leave(self->positions, t);
    trades_drop(self->trades, t);
}

// --- a step

static const struct gateway_abilities no_gateway = {.checks.check = HELLO__DUPLICATE_CHECK__none};

struct trade_env step_env(struct executor *self, batch_t *batch, const struct trade *t) {
    const struct session *s = t->holding->account->session;
    return (struct trade_env){.now = batch_now(batch),
                              .mono = batch_mono(batch),
                              .arena = batch_arena(batch),
                              .patience = &self->patience,
                              .gateway_there = s && s->welcomed,
                              .gateway_ready = session_is_ready(s),
                              .gateway = s ? &s->can : &no_gateway,
                              .expire_grace = (uint64_t)self->settings->expire_grace_ms * NS_PER_MS,
                              .late_for = (uint64_t)self->settings->late_for_ms * NS_PER_MS,
                              .pending_for = (uint64_t)self->settings->pending_for_ms * NS_PER_MS};
}

struct step step_begin(struct executor *self, batch_t *batch, struct trade *t) {
    engine_count(self, batch, t, -1);
    return (struct step){self, batch, t, step_env(self, batch, t), effects_new(batch_arena(batch))};
}

// --- its record

static enum record record_of(const struct trade *t) {
    if (!trade_is_final(t->s)) return RECORD_OPEN;
    return trade_is_watched(t) ? RECORD_WATCHED : RECORD_OVER;
}

// The sets that are loaded at start.
static void list_record(const struct executor *self, batch_t *batch, const struct trade *t,
                        enum record now) {
    unsigned shard = self->context->shard;
    if ((t->record == RECORD_OPEN) != (now == RECORD_OPEN))
        slice_trade_open(batch, shard, t->s->trade_id, now == RECORD_OPEN);
    if ((t->record == RECORD_WATCHED) != (now == RECORD_WATCHED))
        slice_trade_watched(batch, shard, t->s->trade_id, now == RECORD_WATCHED);
}

// A hash that expires may be gone: it is written whole.
static void keep_record(struct executor *self, batch_t *batch, struct trade *t, bool whole) {
    enum record now = record_of(t);
    t->unsaved = false;
    if (t->record == RECORD_OVER && now != RECORD_OVER)
        slice_trade_again(batch, t->s);
    else if (whole || t->record == RECORD_OVER || t->record == RECORD_NONE)
        slice_trade(batch, t->s);
    else
        slice_trade_moved(batch, t->s);
    if (now == RECORD_OVER) slice_trade_over(batch, t->s->trade_id);
    list_record(self, batch, t, now);
    t->record = now;
}

static void keep_execution(batch_t *batch, const struct trade *t) {
    if (!t->s->n_executions && !trade_is_final(t->s)) return;
    ExecutionState e;
    fills_execution_state(t->s, batch_now(batch), &e);
    // while its position is open it is no history
    slice_execution(batch, &e, trade_is_final(t->s));
}

static void publish_execution(struct step *s, TradeResult *result, ResultMetrics *metrics,
                              bool whole) {
    Execution e = EXECUTION__INIT;
    keep_record(s->executor, s->batch, s->t, whole);
    keep_execution(s->batch, s->t);
    if (result) slice_result(s->batch, result, metrics);
    e.trade = s->t->s;
    e.result = result;
    e.metrics = metrics;
    batch_emit(s->batch, TOPIC_executions, s->executor->context->shard, &e.base);
    if (result) FAILPOINT("executor.before_fill_commit");
}

// --- other trades

static void reduce_position_of(struct step *s, const struct reduction *r) {
    struct trade *other = trades_find(s->executor->trades, r->piece->trade_id);
    // its own answer says this, too
    if (!other) return orphans_seek(s->executor, s->batch, r->piece->trade_id, s->t->s->account_id);
    struct step of = step_begin(s->executor, s->batch, other);
    evidence_reduced(other, r, &of.env, &of.out);
    step_end(&of);
}

// On a netting account the stops are those of the one position, whichever of its trades was named.
static void share_stops(struct step *s) {
    const AccountConfig *account =
        s->executor->context->book ? book_account(s->executor->context->book, s->t->s->account_id)
                                   : NULL;
    if (!account || !account->netting || !positions_has(s->t)) return;
    for (struct trade *p = s->t->holding->positions; p; p = p->newer) {
        if (p == s->t) continue;
        struct step of = step_begin(s->executor, s->batch, p);
        amend_take_stops(p, s->t->s, &of.out);
        step_end(&of);
    }
}

// --- effects

static void raise_alert(const struct step *s, const struct effect *e) {
    batch_alert(s->batch, e->alert.severity, e->alert.code,
                e->alert.subject ? e->alert.subject : s->t->s->trade_id, "%s", e->alert.text);
}

static void forget_watched(struct step *s) {
    slice_trade_over(s->batch, s->t->s->trade_id);
    list_record(s->executor, s->batch, s->t, RECORD_OVER);
    s->t->record = RECORD_OVER;
}

static void return_to_queue(struct step *s) {
    holding_add_waiting(s->executor->accounts, s->t->holding, s->t);
    s->executor->awake = true;
}

// What is to be published soon is published with what is written now.
static void keep_or_publish(struct step *s, const struct effect *e) {
    if (s->t->unsaved)
        publish_execution(s, NULL, NULL, e->whole);
    else
        keep_record(s->executor, s->batch, s->t, e->whole);
}

static void work_off(struct step *s, const struct effect *e) {
    switch (e->kind) {
    case EFFECT_KEEP:
        return keep_or_publish(s, e);
    case EFFECT_PUBLISH:
        return publish_execution(s, e->publish.result, e->publish.metrics, false);
    case EFFECT_PUBLISH_SOON:
        s->t->unsaved = true;
        return due_set(s->executor->due, &s->t->due, s->env.mono + SAVE_AFTER);
    case EFFECT_UNSET:
        return slice_trade_without(s->batch, s->t->s->trade_id, e->name);
    case EFFECT_SUBMIT:
    case EFFECT_ASK:
    case EFFECT_CANCEL:
    case EFFECT_MODIFY:
        return requests_send(s, e->kind);
    case EFFECT_ALERT:
        return raise_alert(s, e);
    case EFFECT_CHARGE:
        return state_charge(s->executor, s->t->s, e->fill);
    case EFFECT_REDUCE:
        return reduce_position_of(s, &e->reduce);
    case EFFECT_SEEK:
        if (trades_find(s->executor->trades, e->name)) return;
        return orphans_seek(s->executor, s->batch, e->name, s->t->s->account_id);
    case EFFECT_GIVE_BACK:
        return closing_give_back(s->executor, s->batch, s->t, e->lots);
    case EFFECT_SHARE_STOPS:
        return share_stops(s);
    case EFFECT_RETURN:
        return return_to_queue(s);
    case EFFECT_CLOSE:
        return closing_at_stop(s->executor, s->batch, s->t);
    case EFFECT_FORGET:
        return forget_watched(s);
    case EFFECT_DUE:
        return due_set(s->executor->due, &s->t->due, e->at);
    }
}

// When it is next looked at follows from its state, unless the step said when. That of a Submit
// counts from when it is sent.
static void set_due(const struct step *s) {
    uint64_t at;
    if (s->t->s->state == T(submitting)) return;
    if (trade_due(s->t, &s->env, &at))
        due_set(s->executor->due, &s->t->due, at);
    else
        due_clear(s->executor->due, &s->t->due);
}

// What is written by a later effect of the same step need not be written before.
static bool is_written_later(const struct effect *e) {
    for (const struct effect *later = e->next; later; later = later->next) {
        if (later->kind == EFFECT_PUBLISH) return true;
    }
    return false;
}

static void set_place_in_queues(struct step *s) {
    struct trade *t = s->t;
    if (t->s->state != T(submitting)) t->session = NULL;
    if (t->s->state != T(pending)) holding_remove_waiting(s->executor->accounts, t->holding, t);
    if (!trade_is_final(t->s)) trades_revive(s->executor->trades, t);
}

void step_end(struct step *s) {
    bool written = false, dated = false;
    engine_count(s->executor, s->batch, s->t, 1);
    positions_follow(s->t);
    set_place_in_queues(s);
    for (const struct effect *e = s->out.first; e; e = e->next) {
        written |= e->kind == EFFECT_KEEP || e->kind == EFFECT_PUBLISH;
        dated |= e->kind == EFFECT_DUE || e->kind == EFFECT_PUBLISH_SOON;
        if (e->kind == EFFECT_KEEP && !e->whole && is_written_later(e)) continue;
        work_off(s, e);
    }
    if (written && !dated) set_due(s);
    if (trade_is_final(s->t->s) && !trade_is_watched(s->t))
        trades_retire(s->executor->trades, s->t);
}

// --- one step each

void engine_restore(struct executor *self, batch_t *batch, struct trade *t) {
    struct step s = {self, batch, t, step_env(self, batch, t), effects_new(batch_arena(batch))};
    set_due(&s);
}

void engine_end(struct executor *self, batch_t *batch, struct trade *t, enum trade_event event,
                const char *reason) {
    struct step s = step_begin(self, batch, t);
    trade_end(t, event, reason, &s.env, &s.out);
    step_end(&s);
}

void engine_doubt(struct executor *self, batch_t *batch, struct trade *t, const char *reason) {
    struct step s = step_begin(self, batch, t);
    inquiry_open(t, reason, &s.env, &s.out);
    step_end(&s);
}

void engine_ask(struct executor *self, batch_t *batch, struct trade *t) {
    struct step s = step_begin(self, batch, t);
    inquiry_ask(t, &s.env, &s.out);
    step_end(&s);
}

void engine_cancel(struct executor *self, batch_t *batch, struct trade *t, const char *reason) {
    struct step s = step_begin(self, batch, t);
    amend_cancel(t, reason, &s.env, &s.out);
    step_end(&s);
}

void engine_send_amendments(struct executor *self, batch_t *batch, struct trade *t) {
    struct step s = step_begin(self, batch, t);
    amend_send(t, &s.env, &s.out);
    step_end(&s);
}
