// locks - an account that breaks a rule is locked: in memory, in Redis and at the executor, and reported.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/router/router.h"

// What the broker told of balance and equity.
void locks_told(struct router *self, batch_t *batch, const AccountState *state);
// an entry
void locks_ordered(struct router *self, batch_t *batch, const AccountConfig *config,
                   struct account *account);
// days that begin, locks that end; also first thing after a start
void locks_tick(struct router *self, batch_t *batch);
void locks_keep(batch_t *batch, struct account *account, uint64_t changed_at);
err_t locks_unlock(struct router *self, batch_t *batch, const Command *c);
