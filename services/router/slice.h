// slice - the keys the router owns.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"
#include "order.pb-c.h"
#include "services/router/desk.h"

#define ROUTED_GUARD "routing:guard" // signal_id -> Signal.content: routed
#define ENDED_GUARD  "routing:ended" // trade_id -> 0: over before the router knew of it (again)

extern const char *const router_slice[];

bool scope_is_reserved(const char *account_id); // an id whose keys would be others'
#define SCOPE_TEXT 160
// "source:<source>"; false: too long
bool scope_of_source(const char *source, char out[static SCOPE_TEXT]);

// routing:{signal_id}, for looking
void slice_routed(batch_t *batch, const Routing *routing);
// what it holds, and that it is open
void router_slice_trade(batch_t *batch, const char *trade_id, struct trade *trade);
void slice_over(batch_t *batch, const char *account_id, const char *trade_id);
// account NULL: of risk->scope, global or a source's
void router_slice_risk(batch_t *batch, const RiskState *risk, struct account *account);
// `text` is cut into words; false: not readable
bool stake_read(char *text, char **symbol, struct stake *out);

// At start. Beside the router's own keys it reads the executor's: what of each trade is filled, and
// each account's money.
err_t router_slice_load(store_t *store, struct desk *desk, unsigned shards);
err_t slice_load_money(store_t *store, struct account *account);
// a halt that cannot be read halts
void slice_unreadable(struct desk *desk, const struct unreadable *what);
// what stands there in the form of an older version
void slice_renew(batch_t *batch, accounts_t *accounts);
