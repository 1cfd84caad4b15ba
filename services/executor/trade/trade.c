// trade - its moves, its ends, and when it is looked at again.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/trade.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/schema/record.h"
#include "services/executor/trade/amend.h"
#include "services/executor/trade/fills.h"

#define T(name)     TRADE_STATE__STATE__##name
#define AMEND_AGAIN (10 * NS_PER_S) // an amendment without an answer is sent again

Terms *terms_begin(const Terms *from, arena_t *arena) {
    Terms *terms = arena_take(arena, sizeof *terms);
    *terms = from ? *from : (Terms)TERMS__INIT;
    return terms;
}

TradeState *trade_copy(const TradeState *from) {
    TradeState *s = (TradeState *)record_copy(&from->base, NULL);
    if (s->wanted) return s;
    s->wanted = alloc_bytes(sizeof *s->wanted);
    amendment__init(s->wanted);
    return s;
}

bool trade_is_working(const TradeState *s) {
    return s->state == T(working) || s->state == T(partially_filled);
}

static bool has_deadline(const TradeState *s, uint64_t *at) {
    bool valid = s->has_valid_until, expires = s->terms->has_expiration_time;
    *at = valid && (!expires || s->valid_until < s->terms->expiration_time)
              ? s->valid_until
              : s->terms->expiration_time;
    return valid || expires;
}

bool trade_is_too_old(const TradeState *s, uint64_t now) {
    uint64_t at;
    return has_deadline(s, &at) && now >= at;
}

bool trade_is_unsent(const struct trade *t) {
    if (t->sending == SENDING_CLEARED) return true;
    return !t->unsure && !sending_may_be_there(t->sending);
}

bool trade_was_sent(const struct trade *t) { return sending_may_be_there(t->sending); }

bool trade_is_watched(const struct trade *t) {
    return t->s->state == T(expired) && trade_was_sent(t) && t->s->has_doubt_at;
}

// --- moves

static bool says_it_is_there(enum trade_event event) {
    return event == TRADE_ACCEPT || event == TRADE_FOUND || event == TRADE_FILL_PART ||
           event == TRADE_FILL_ALL;
}

// Answers from before that it is not there say nothing any more.
static void end_absence(struct trade *t) {
    t->s->not_found = 0;
    t->inquiry.since = 0;
}

bool trade_move(struct trade *t, enum trade_event event, const char *reason,
                const struct trade_env *env, struct effects *out) {
    TradeState__State after = t->s->state;
    if (!trade_step(&after, event)) {
        effects_alert(out, ALERT__SEVERITY__warning, "unlisted_move",
                      "a trade that is %s cannot %s",
                      record_enum_name(&trade_state__state__descriptor, (int)t->s->state),
                      trade_event_name(event));
        return false;
    }
    t->s->state = after;
    t->s->updated_at = env->now;
    if (says_it_is_there(event)) end_absence(t);
    // why an order of our own was made stands until something else is said
    bool outlived = t->s->reason && !t->s->has_cause;
    if (reason || outlived) trade_set_text(&t->s->reason, reason ? reason : "");
    return true;
}

void trade_close_if_gone(struct trade *t, const struct trade_env *env, struct effects *out) {
    if (t->s->state != T(filled) || trade_is_closing(t->s) || fills_open_lots(t->s).e8) return;
    (void)!trade_move(t, TRADE_CLOSE, NULL, env, out);
}

void trade_submit(struct trade *t, const struct trade_env *env, struct effects *out) {
    enum sending sending = t->sending;
    if (!sending_step(&sending, SENDING_DECIDE)) {
        effects_alert(
            out, ALERT__SEVERITY__critical, "unlisted_move",
            "the Submit of this trade is decided and has not left: it is not decided again");
        return;
    }
    if (!trade_move(t, TRADE_SUBMIT, NULL, env, out)) return;
    t->sending = sending;
    t->decided_at = env->mono;
    t->inquiry.state = INQUIRY_NONE;
    t->known_there = false;
    t->s->has_submitted_at = true;
    t->s->submitted_at = env->now;
    t->s->held = false;
    effects_add(out, EFFECT_KEEP);
    effects_add(out, EFFECT_SUBMIT);
}

// A rejection is a result, too: a failed one.
static void publish_end(struct trade *t, const struct trade_env *env, struct effects *out) {
    if (t->s->state != T(rejected)) return effects_publish(out, NULL, NULL);
    TradeResult *failed = arena_take(env->arena, sizeof *failed);
    ResultMetrics *metrics = arena_take(env->arena, sizeof *metrics);
    char *id = arena_take(env->arena, ID_TEXT);
    result_id_of(t->s->trade_id, "failed", id);
    fills_failure(t->s, id, env->now, failed);
    fills_failure_metrics(t->s, id, env->now, metrics);
    effects_publish(out, failed, metrics);
}

void trade_end(struct trade *t, enum trade_event event, const char *reason,
               const struct trade_env *env, struct effects *out) {
    TradeState__State after = t->s->state;
    if (trade_step(&after, event) && after == t->s->state) return; // told already
    if (!trade_move(t, event, reason, env, out)) return;
    if (t->s->state == T(filled) && !trade_is_closing(t->s) && !fills_open_lots(t->s).e8)
        (void)!trade_move(t, TRADE_CLOSE, reason, env, out);
    if (trade_is_closing(t->s) && t->s->residual && !t->s->filled_lots)
        effects_add(out, EFFECT_GIVE_BACK)->lots = t->s->residual;
    publish_end(t, env, out);
}

// --- when it is looked at

// A UTC moment on the monotonic clock, as far as can be said now.
static uint64_t mono_of(const struct trade_env *env, uint64_t utc) {
    return utc > env->now ? env->mono + (utc - env->now) : env->mono;
}

static uint64_t pending_until(const TradeState *s, const struct trade_env *env) {
    uint64_t at;
    return mono_of(env, has_deadline(s, &at) ? at : s->ordered_at + env->pending_for);
}

// The broker ends what has an expiry; if it does not, we cancel. An amendment is sent again while
// there is no answer.
static bool working_until(const struct trade *t, const struct trade_env *env, uint64_t *at) {
    *at = UINT64_MAX;
    if (amend_is_open(t->s)) *at = env->mono + AMEND_AGAIN;
    if (t->s->terms->has_expiration_time && !t->s->cancel_wanted) {
        uint64_t expires = mono_of(env, t->s->terms->expiration_time + env->expire_grace);
        if (expires < *at) *at = expires;
    }
    return *at != UINT64_MAX;
}

static bool due_by_state(const struct trade *t, const struct trade_env *env, uint64_t *at) {
    switch (t->s->state) {
    case T(pending):
        *at = pending_until(t->s, env);
        return true;
    case T(working):
    case T(partially_filled):
        return working_until(t, env, at);
    case T(unknown):
        *at = 0;
        return true;
    case T(expired):
        *at = env->mono + env->late_for;
        return trade_is_watched(t);
    case T(filled):
        return !trade_is_closing(t->s) && amend_is_open(t->s) && working_until(t, env, at);
    case T(submitting): // counted from when it is sent
    case T(closed):
    case T(rejected):
    case T(cancelled):
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return false;
    }
    return false;
}

// A question that is to be asked is due, whatever else is. Where nobody is there to be asked, its
// gateway's hello makes it due.
bool trade_due(const struct trade *t, const struct trade_env *env, uint64_t *at) {
    bool due = due_by_state(t, env, at);
    if (t->inquiry.state != INQUIRY_WANTED || !env->gateway_there || trade_is_final(t->s))
        return due;
    uint64_t next = t->inquiry.asked_at ? t->inquiry.asked_at + env->patience->interval : env->mono;
    if (!due || next < *at) *at = next;
    return true;
}

// --- fields

void trade_set_text(char **field, const char *text) {
    char *copy = text ? alloc_text(text) : NULL;
    if (*field != protobuf_c_empty_string) free(*field);
    *field = copy;
}

void trade_add_execution(struct trade *t, const char *execution_id) {
    TradeState *s = t->s;
    s->executions = alloc_resized(s->executions, s->n_executions + 1, sizeof *s->executions);
    s->executions[s->n_executions++] = alloc_text(execution_id);
}

static Closing *closing_copy(const Closing *c) {
    Closing *copy = alloc_bytes(sizeof *copy);
    closing__init(copy);
    copy->trade_id = alloc_text(c->trade_id);
    copy->lots = c->lots;
    return copy;
}

void trade_set_closings(struct trade *t, Closing *const *closes, size_t n) {
    TradeState *s = t->s;
    for (size_t i = 0; i < s->n_closes; i++) closing__free_unpacked(s->closes[i], NULL);
    free(s->closes);
    s->closes = n ? alloc_zeroed(n, sizeof(Closing *)) : NULL;
    s->n_closes = n;
    for (size_t i = 0; i < n; i++) s->closes[i] = closing_copy(closes[i]);
}
