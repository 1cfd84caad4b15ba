// courier - takes approved decisions to the door of signals, each until it is answered.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/service/service.h"
#include "services/advisor/decisions.h"
#include "services/advisor/web/web_calls.h"

// A decision is posted only when it is on record, and again, byte for byte, until the door says yes
// or no: the door knows it by its id, so it becomes one signal however often it is sent.
typedef struct courier {
    web_calls_t *calls;
    decisions_t *decisions;
    const char *url, *source, *token; // token NULL: nothing can be sent
    batch_t *batch;                   // while results are taken
} courier_t;

void courier_open(courier_t *self);
// when web_calls_fd (self->calls) is readable: what was answered goes into the batch
void courier_run(courier_t *self, batch_t *batch);
void courier_send_due(courier_t *self, uint64_t mono_ns); // after a commit
void courier_close(courier_t *self);
