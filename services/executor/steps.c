// steps - every change of a trade goes through here: step by the table, count, keep, tell.
// SPDX-License-Identifier: MIT
#include <utlist.h>

#include "common/clock.h"
#include "common/record.h"
#include "services/executor/engine.h"
#include "services/executor/trade/fills.h"
#include "services/executor/slice.h"

#define T(name)              TRADE_STATE__STATE__##name
#define SAVE_AFTER           (30 * NS_PER_MS)
#define WISH_AGAIN           (10 * NS_PER_S)
#define CONTRACT_SIZE_PRESET DECIMAL_INT(100000)

void engine_begin(struct executor *x, batch_t *batch) {
    x->batch = batch;
    if (!x->started) load_start(x);
}

static bool is_closing(const TradeState *s) { return s->direction == SIGNAL__DIRECTION__close; }

struct place *engine_place(struct executor *x, const TradeState *s) {
    bool is_new;
    struct place *p = accounts_place(x->accounts, s->account_id, s->broker_symbol, &is_new);
    if (!is_new) return p;
    const BrokerConfig *broker = x->context->book ? book_broker(x->context->book, s->broker_id) : NULL;
    const SymbolConfig *symbol = broker ? book_symbol(broker, s->symbol) : NULL;
    positions_add_place(x->positions, p, s->symbol, symbol && symbol->has_contract_size ? symbol->contract_size : CONTRACT_SIZE_PRESET.e8);
    if (!*p->account->state->broker_id) trade_set_text(&p->account->state->broker_id, s->broker_id);
    return p;
}

// --- counting

// What a closing trade under way will still take off the positions it names.
static void reserve(struct executor *x, const struct trade *t, int sign) {
    const TradeState *s = t->s;
    decimal_t done = D(s->filled_lots);
    if (!s->n_closes || trade_is_final(s)) return;
    struct share *shares = arena_take(batch_arena(x->batch), s->n_closes * sizeof *shares);
    size_t n = fills_share_lots(s, done, D(INT64_MAX - done.e8), shares);
    for (size_t i = 0; i < n; i++) {
        struct trade *opened = shares[i].lots.e8 ? trades_find(x->trades, shares[i].closing->trade_id) : NULL;
        if (opened) opened->closing += sign * shares[i].lots.e8;
    }
}

static void count_doubt(struct executor *x, struct place *p, int sign) {
    unsigned was = p->account->unknown;
    p->unknown += (unsigned)sign;
    p->account->unknown += (unsigned)sign;
    if ((was == 0) != (p->account->unknown == 0)) p->account->dirty = true;
    if (sign < 0) x->awake = true;
}

static void count_flight(struct executor *x, struct trade *t, int sign) {
    if (!is_closing(t->s)) t->place->submitting += (unsigned)sign;
    if (!t->session) return;
    t->session->in_flight += (unsigned)sign;
    if (sign < 0 && (t->session->blocked || t->place->waiting)) x->awake = true;
}

void engine_count(struct executor *x, struct trade *t, int sign) {
    if (t->s->state == T(unknown)) count_doubt(x, t->place, sign);
    if (t->s->state == T(submitting)) count_flight(x, t, sign);
    reserve(x, t, sign);
    if (sign > 0) positions_count(x->positions, t);
}

// --- moving

bool engine_move(struct executor *x, struct trade *t, enum trade_event event, const char *reason) {
    TradeState__State after = t->s->state;
    if (!trade_step(&after, event)) {
        batch_alert(x->batch, ALERT__SEVERITY__warning, "unlisted_move", t->s->trade_id, "a trade that is %s cannot %s",
                    record_enum_name(&trade_state__state__descriptor, (int)t->s->state), trade_event_name(event));
        return false;
    }
    engine_count(x, t, -1);
    t->s->state = after;
    t->s->updated_at = batch_now(x->batch);
    if (reason || t->s->reason) trade_set_text(&t->s->reason, reason ? reason : "");
    engine_count(x, t, 1);
    if (after != T(submitting)) t->session = NULL;
    return true;
}

// --- keeping and telling

// The sets that are loaded at start.
static void list_as(struct executor *x, struct trade *t, bool open, bool watched) {
    if (t->in_open != open) slice_trade_open(x->batch, x->context->shard, t->s->trade_id, open);
    if (t->in_watched != watched) slice_trade_watched(x->batch, x->context->shard, t->s->trade_id, watched);
    t->in_open = open;
    t->in_watched = watched;
}

static void leave_unsaved(struct executor *x, struct trade *t) {
    if (!t->unsaved) return;
    t->unsaved = false;
    DL_DELETE2(x->unsaved, t, unsaved_prev, unsaved_next);
}

// What we gave up ourselves is watched a while longer, for it may come to light yet.
static bool is_watched(const struct trade *t) { return t->s->state == T(expired) && t->was_sent && t->s->has_doubt_at; }

// A hash that has an expiry may be gone: it is written whole.
void engine_keep(struct executor *x, struct trade *t) {
    bool over = trade_is_final(t->s) && !is_watched(t);
    leave_unsaved(x, t);
    if (t->expiring && !over)
        slice_trade_again(x->batch, t->s);
    else if (t->expiring || !t->kept)
        slice_trade(x->batch, t->s);
    else
        slice_trade_moved(x->batch, t->s);
    if (over) slice_trade_over(x->batch, t->s->trade_id);
    t->kept = true;
    t->expiring = over;
    list_as(x, t, !trade_is_final(t->s), is_watched(t));
}

static void keep_execution(struct executor *x, const struct trade *t) {
    if (!t->s->n_executions && !trade_is_final(t->s)) return;
    ExecutionState e;
    fills_execution_state(t->s, batch_now(x->batch), &e);
    slice_execution(x->batch, &e, t->s->state == T(filled) || trade_is_final(t->s));
}

static void tell(struct executor *x, struct trade *t, TradeResult *result, ResultMetrics *metrics) {
    Execution e = EXECUTION__INIT;
    e.trade = t->s;
    e.result = result;
    e.metrics = metrics;
    batch_emit(x->batch, TOPIC_executions, x->context->shard, &e.base);
}

static bool has_deadline(const TradeState *s, uint64_t *at) {
    bool valid = s->has_valid_until, expires = s->has_expiration_time;
    *at = valid && (!expires || s->valid_until < s->expiration_time) ? s->valid_until : s->expiration_time;
    return valid || expires;
}

bool engine_too_old(const struct executor *x, const TradeState *s) {
    uint64_t at;
    return has_deadline(s, &at) && batch_now(x->batch) >= at;
}

// A UTC moment on the monotonic clock, as far as can be said now.
static uint64_t mono_of(const struct executor *x, uint64_t utc) {
    uint64_t now = batch_now(x->batch);
    return utc > now ? batch_mono(x->batch) + (utc - now) : batch_mono(x->batch);
}

static void due_pending(struct executor *x, struct trade *t) {
    uint64_t at;
    if (!has_deadline(t->s, &at)) at = t->s->ordered_at + (uint64_t)x->settings->pending_for_ms * NS_PER_MS;
    due_set(x->due, &t->due, mono_of(x, at));
}

// The broker ends what has an expiry; if it does not, we cancel. What is wished for is asked for again while there is no answer.
static void due_working(struct executor *x, struct trade *t) {
    uint64_t grace = (uint64_t)x->settings->expire_grace_ms * NS_PER_MS, at = UINT64_MAX;
    if (wishes_are_open(t->s)) at = batch_mono(x->batch) + WISH_AGAIN;
    if (t->s->has_expiration_time && !t->s->cancel_wanted) {
        uint64_t expires = mono_of(x, t->s->expiration_time + grace);
        if (expires < at) at = expires;
    }
    if (at == UINT64_MAX) return due_clear(x->due, &t->due);
    due_set(x->due, &t->due, at);
}

void engine_due(struct executor *x, struct trade *t) {
    switch (t->s->state) {
    case T(pending):
        return due_pending(x, t);
    case T(working):
    case T(partially_filled):
        return due_working(x, t);
    case T(unknown):
        return due_set(x->due, &t->due, 0);
    case T(expired):
        if (is_watched(t)) return due_set(x->due, &t->due, batch_mono(x->batch) + (uint64_t)x->settings->late_for_ms * NS_PER_MS);
        break;
    case T(filled):
        if (wishes_are_open(t->s) && !trade_is_final(t->s)) return due_working(x, t);
        break;
    case T(submitting): // counted from when it is sent
    case T(closed):
    case T(rejected):
    case T(cancelled):
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        break;
    }
    due_clear(x->due, &t->due);
}

void engine_changed(struct executor *x, struct trade *t, TradeResult *result, ResultMetrics *metrics) {
    bool over = trade_is_final(t->s);
    engine_keep(x, t);
    keep_execution(x, t);
    if (result) slice_result(x->batch, result, metrics);
    tell(x, t, result, metrics);
    if (!over) trades_revive(x->trades, t);
    engine_due(x, t);
    if (over && !is_watched(t)) trades_retire(x->trades, t); // last: it may go at once
}

static void tell_failure(struct executor *x, struct trade *t) {
    char id[ID_TEXT];
    TradeResult failed;
    result_id_of(t->s->trade_id, "failed", id);
    fills_failure(t->s, id, batch_now(x->batch), &failed);
    engine_changed(x, t, &failed, NULL);
}

void engine_end(struct executor *x, struct trade *t, enum trade_event event, const char *reason) {
    TradeState__State after = t->s->state;
    if (trade_step(&after, event) && after == t->s->state) return; // told already
    if (t->waits) place_leave(x->accounts, t->place, t);
    if (!engine_move(x, t, event, reason)) return;
    if (t->s->state == T(filled) && !fills_open_lots(t->s).e8) (void)!engine_move(x, t, TRADE_CLOSE, reason);
    if (is_closing(t->s) && t->s->residual && !t->s->filled_lots) closing_undo(x, t);
    if (t->s->state == T(rejected))
        tell_failure(x, t);
    else
        engine_changed(x, t, NULL, NULL);
}

void engine_forget(struct executor *x, struct trade *t) {
    slice_trade_over(x->batch, t->s->trade_id);
    t->expiring = true;
    list_as(x, t, false, false);
    trades_retire(x->trades, t);
}

void engine_drop(struct executor *x, struct trade *t) {
    leave_unsaved(x, t);
    due_clear(x->due, &t->due);
    if (t->waits) place_leave(x->accounts, t->place, t);
    engine_count(x, t, -1);
    positions_leave(x->positions, t);
    trades_drop(x->trades, t);
}

// --- saving later

void engine_save_later(struct executor *x, struct trade *t) {
    if (t->unsaved) return;
    t->unsaved = true;
    DL_APPEND2(x->unsaved, t, unsaved_prev, unsaved_next);
}

void engine_save(struct executor *x) {
    while (x->unsaved && batch_now(x->batch) - x->unsaved->s->updated_at >= SAVE_AFTER) engine_changed(x, x->unsaved, NULL, NULL);
}
