// execution - what executions make of a trade: of its order, and those that close its position.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/id.h"
#include "common/schema/record.h"
#include "services/executor/trade/amend.h"
#include "services/executor/trade/fills.h"
#include "services/executor/trade/in_doubt/evidence.h"
#include "services/executor/trade/in_doubt/inquiry.h"

#define T(name) TRADE_STATE__STATE__##name

// --- executions of the order

static bool fill_is_bad(const Fill *f, struct effects *out) {
    if (f->lots > 0 && f->price > 0) return false;
    effects_alert(out, ALERT__SEVERITY__critical, "bad_execution",
                  "execution %.64s has impossible lots or an impossible price: it is not counted",
                  f->execution_id);
    return true;
}

// Evidence beats decision: what was thought to be over, or never sent, has been executed.
void evidence_overrides(TradeState__State before, const char *what, struct effects *out) {
    effects_alert(out, ALERT__SEVERITY__critical, "evidence_overrides", "was %s, and %s",
                  record_enum_name(&trade_state__state__descriptor, (int)before), what);
}

static bool count_fill(struct trade *t, const Fill *f, enum trade_event *event,
                       struct effects *out) {
    bool over = false;
    if (fill_is_bad(f, out)) return false;
    if (fills_add(t->s, f, event, &over) != ERR_OK) {
        effects_alert(out, ALERT__SEVERITY__critical, "bad_execution",
                      "execution %.64s is out of range: it is not counted", f->execution_id);
        return false;
    }
    trade_add_execution(t, f->execution_id);
    if (!over) return true;
    char lots[DECIMAL_TEXT], all[DECIMAL_TEXT];
    decimal_print(D(f->lots), lots);
    decimal_print(D(t->s->filled_lots), all);
    effects_alert(out, ALERT__SEVERITY__critical, "overfilled",
                  "the broker executed another %s lots, %s in all: more than was ordered", lots,
                  all);
    return true;
}

static void reduce_other(const Closing *piece, const Fill *f, struct effects *out) {
    struct effect *e = effects_add(out, EFFECT_REDUCE);
    e->reduce.piece = piece;
    e->reduce.fill = f;
}

static int64_t sum_closed_lots(const Fill *f) {
    int64_t lots = 0;
    for (size_t i = 0; i < f->n_closed; i++) {
        int64_t piece = f->closed[i]->lots;
        if (piece > 0 && __builtin_add_overflow(lots, piece, &lots)) return INT64_MAX;
    }
    return lots;
}

// A netting account's: what it closed opened nothing, and profit that is no known position's is its
// own.
static void net_fill(struct trade *t, const Fill *f) {
    decimal_t others = D(f->has_pnl ? f->pnl : 0);
    bool known = true;
    if (f->n_closed) fills_net(t->s, sum_closed_lots(f), f);
    for (size_t i = 0; known && i < f->n_closed; i++)
        known = decimal_sub(others, D(f->closed[i]->pnl), &others);
    if (known && others.e8) fills_add_pnl(t->s, others);
}

static void reduce_by_plan(const struct trade *t, const Fill *f, const struct trade_env *env,
                           struct effects *out) {
    Closing *pieces = arena_take(env->arena, (t->s->n_closes + 1) * sizeof *pieces);
    size_t n = fills_by_plan(t->s, f, pieces);
    for (size_t i = 0; i < n; i++) reduce_other(&pieces[i], f, out);
}

static void apply_closed(struct trade *t, const Fill *f, const struct trade_env *env,
                         struct effects *out) {
    if (!trade_is_closing(t->s)) net_fill(t, f);
    for (size_t i = 0; i < f->n_closed; i++) reduce_other(f->closed[i], f, out);
    bool unsaid = trade_is_closing(t->s) && !f->n_closed && !env->gateway->checks.keeps_plans &&
                  !(f->has_net && f->net);
    if (unsaid) reduce_by_plan(t, f, env, out);
}

static void publish_fill(struct trade *t, const Fill *f, const struct trade_env *env,
                         struct effects *out) {
    TradeResult *result = arena_take(env->arena, sizeof *result);
    ResultMetrics *metrics = arena_take(env->arena, sizeof *metrics);
    char *id = arena_take(env->arena, ID_TEXT);
    result_id_of(t->s->trade_id, f->execution_id, id);
    fills_result(t->s, f, id, result);
    fills_metrics(t->s, f, id, env->now, metrics);
    effects_publish(out, result, metrics);
}

void evidence_fill(struct trade *t, const Fill *f, const struct trade_env *env,
                   struct effects *out) {
    enum trade_event event;
    TradeState__State before = t->s->state;
    bool was_over = trade_is_final(t->s) && before != T(filled);
    if (fills_is_counted(t->s, f->execution_id) || !count_fill(t, f, &event, out)) return;
    (void)!trade_move(t, event, NULL, env, out);
    if (was_over) evidence_overrides(before, "the broker has executed it", out);
    effects_add(out, EFFECT_CHARGE)->fill = f;
    apply_closed(t, f, env, out);
    trade_close_if_gone(t, env, out);
    publish_fill(t, f, env, out);
    amend_send(t, env, out);
    // what of the rest?
    if (was_over && t->s->state == T(partially_filled)) inquiry_ask(t, env, out);
}

// --- what closes its position

// The name under which an execution counts that took something off a position: it must not be taken
// for one of the order itself.
static char *closing_name(const char *execution_id, const struct trade_env *env) {
    return arena_format(env->arena, "closed:%s", execution_id);
}

static bool piece_is_bad(const Closing *piece, const Fill *f, struct effects *out) {
    if (piece->lots > 0) return false;
    effects_alert(out, ALERT__SEVERITY__critical, "bad_execution",
                  "execution %.64s closes an impossible number of lots: it is not counted",
                  f->execution_id);
    return true;
}

static bool reduce_position(struct trade *t, const Closing *piece, const Fill *f,
                            const struct trade_env *env, struct effects *out) {
    char *name = closing_name(f->execution_id, env);
    if (fills_is_counted(t->s, name) || piece_is_bad(piece, f, out)) return false;
    fills_reduce(t->s, piece, f);
    trade_add_execution(t, name);
    t->s->updated_at = env->now;
    trade_close_if_gone(t, env, out);
    // given up here, and it was executed
    if (trade_is_final(t->s) && t->s->closed_lots > t->s->filled_lots) inquiry_ask(t, env, out);
    return true;
}

// The broker's own closing is an execution that no order of ours asked for: its result stands with
// the position.
static void publish_broker_close(struct trade *t, const Fill *f, const struct trade_env *env,
                                 struct effects *out) {
    TradeResult *result = arena_take(env->arena, sizeof *result);
    ResultMetrics *metrics = arena_take(env->arena, sizeof *metrics);
    char *id = arena_take(env->arena, ID_TEXT);
    result_id_of(t->s->trade_id, closing_name(f->execution_id, env), id);
    fills_result(t->s, f, id, result);
    result->direction = side_opposite(t->s->side);
    result->has_requested_price = result->has_slippage = false;
    fills_close_metrics(f, id, env->now, metrics);
    effects_publish(out, result, metrics);
}

// All of it, or (a netting account) its part and those of others.
static void close_parts(struct trade *t, const Fill *f, const struct trade_env *env,
                        struct effects *out) {
    Closing all = CLOSING__INIT;
    all.lots = f->lots;
    all.has_pnl = f->has_pnl;
    all.pnl = f->pnl;
    bool own = !f->n_closed && reduce_position(t, &all, f, env, out);
    for (size_t i = 0; i < f->n_closed; i++) {
        const Closing *piece = f->closed[i];
        if (strcmp(piece->trade_id, t->s->trade_id) == 0)
            own = reduce_position(t, piece, f, env, out);
        else
            reduce_other(piece, f, out);
    }
    // it is this trade's all the same
    if (!own) trade_add_execution(t, closing_name(f->execution_id, env));
}

static void broker_closed(struct trade *t, const Fill *f, const struct trade_env *env,
                          struct effects *out) {
    bool counted = fills_is_counted(t->s, closing_name(f->execution_id, env));
    if (counted || fill_is_bad(f, out)) return;
    close_parts(t, f, env, out);
    t->s->updated_at = env->now;
    fills_charge(t->s, f);
    effects_add(out, EFFECT_CHARGE)->fill = f;
    publish_broker_close(t, f, env, out);
}

void evidence_reduced(struct trade *t, const struct reduction *r, const struct trade_env *env,
                      struct effects *out) {
    if (reduce_position(t, r->piece, r->fill, env, out)) effects_publish(out, NULL, NULL);
}

void evidence_closing(struct trade *t, const Fill *f, const struct trade_env *env,
                      struct effects *out) {
    if (!f->closed_by) return broker_closed(t, f, env, out);
    Closing piece = CLOSING__INIT;
    piece.lots = f->lots;
    piece.has_pnl = f->has_pnl;
    piece.pnl = f->pnl;
    if (!reduce_position(t, &piece, f, env, out)) return;
    effects_add(out, EFFECT_SEEK)->name = f->closed_by;
    effects_publish(out, NULL, NULL);
}

void evidence_gone(struct trade *t, int64_t lots, const char *why, const struct trade_env *env,
                   struct effects *out) {
    char text[DECIMAL_TEXT];
    decimal_print(D(lots), text);
    fills_close_unseen(t->s, lots, env->now);
    t->s->updated_at = env->now;
    trade_close_if_gone(t, env, out);
    effects_alert(out, ALERT__SEVERITY__critical, "position_gone",
                  "%s: the executor closes %s lots on record, without a price", why, text);
    effects_publish(out, NULL, NULL);
}
