// halts - what the operator and the risk rules forbid here: halts, locks, and flattening until
// nothing is left. Memory only; slice.h keeps it.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/batch/batch.h"
#include "order.pb-c.h"
#include "system.pb-c.h"

struct executor;
struct trade;

typedef struct halts halts_t;

halts_t *halts_new(void);
void halts_destroy(halts_t **self);

// halt, reduce-only, resume
void halts_operator(struct executor *self, batch_t *batch, const Command *c, RiskState__Mode mode);
// set_lock
void halts_lock(struct executor *self, batch_t *batch, const OrderCommand *c);
// NULL: an order from before there was a source
RiskState__Mode halts_source(const halts_t *self, const char *source);
// a field of execution_state:risk; false: not understood, and so halted or locked
bool halts_load(struct executor *self, const char *name, const char *value);

// About once a second: what is open under a flatten is closed, what works is cancelled, again and
// again, until nothing is left; for an order that was on its way may still be filled.
void halts_enforce(struct executor *self, batch_t *batch);
