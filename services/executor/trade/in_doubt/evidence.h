// evidence - what a broker says about a trade: reports, answers, its books. It is applied, never
// weighed against what is remembered.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/executor/trade/trade.h"

// One report about it. Repeated, it changes nothing: an execution counts once by the broker's id
// for it.
void evidence_report(struct trade *t, const Report *r, const struct trade_env *env,
                     struct effects *out);

// The broker's answer, in parts, each with effects of its own: what was submitted, each execution
// of its order, each execution that closed (part of) its position, and then what became of it.
void evidence_submitted(struct trade *t, const OrderStatus *m, const struct trade_env *env,
                        struct effects *out);
void evidence_fill(struct trade *t, const Fill *f, const struct trade_env *env,
                   struct effects *out);
void evidence_closing(struct trade *t, const Fill *f, const struct trade_env *env,
                      struct effects *out);
void evidence_state(struct trade *t, const OrderStatus *m, bool was_unknown,
                    const struct trade_env *env, struct effects *out);

// An execution that is another trade's closed a piece of its position.
void evidence_reduced(struct trade *t, const struct reduction *r, const struct trade_env *env,
                      struct effects *out);
// The broker's books have `lots` (e8) less of its position than is on record, and no execution says
// why.
void evidence_gone(struct trade *t, int64_t lots, const char *why, const struct trade_env *env,
                   struct effects *out);

// What was thought to be over, or never sent, is not: evidence beats decision. `what`: what the
// broker has done, or does.
void evidence_overrides(TradeState__State before, const char *what, struct effects *out);

// A trade as its gateway's books have it, for whom nothing else is on record. Text is that of `m`.
// False: they do not say enough.
bool evidence_trade(const Submit *m, const char *broker_id, uint64_t now, arena_t *arena,
                    TradeState *out);
