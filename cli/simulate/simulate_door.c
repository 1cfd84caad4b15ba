// simulate_door - what the door makes of a body: ingest's own reading, rules, identities and
// consensus.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "cli/simulate/simulate.h"
#include "common/base/alloc.h"
#include "common/batch/batch_commit.h"
#include "common/program/options.h"
#include "services/ingest/accept.h"
#include "services/ingest/slice.h"

struct simulated_door {
    struct outlet outlets[2];
    struct context context;
    struct ingest_settings settings;
    struct ingest *ingest;
    batch_t *batch;
};

simulated_door_t *simulated_door_new(const book_t *book, char why[static 256]) {
    simulated_door_t *self = alloc_zeroed(1, sizeof *self);
    self->outlets[0] = (struct outlet){.name = "signals", .topic = TOPIC_signals};
    self->outlets[1] = (struct outlet){.name = "incidents.ingest", .topic = TOPIC_incidents};
    self->context = (struct context){.name = "ingest", .book = book, .caught_up = true};
    self->batch = batch_new("ingest", ingest_slice, self->outlets, 2);
    if (!options_read(ingest_options, "ingest", &self->settings, why))
        self->ingest = ingest_new(&self->context, &self->settings);
    if (!self->ingest) simulated_door_destroy(&self);
    return self;
}

void simulated_door_destroy(simulated_door_t **self) {
    if (!*self) return;
    ingest_destroy(&(*self)->ingest);
    batch_destroy(&(*self)->batch);
    free(*self);
    *self = NULL;
}

unsigned simulated_post(simulated_door_t *self, const struct sent *sent, buffer_t *answer,
                        simulated_signal_fn *visit, void *arg) {
    batch_begin(self->batch, 1, sent->now, sent->now);
    const struct request request = {.source = book_source(self->context.book, sent->source),
                                    .body = sent->body,
                                    .unheard = true};
    const struct reply reply = accept_signal(self->ingest, self->batch, &request);
    buffer_add(answer, reply.body.data, reply.body.length);
    const struct outgoing *out;
    size_t n = batch_outgoing(self->batch, &out);
    for (size_t i = 0; i < n; i++) {
        if (out[i].outlet == &self->outlets[0]) visit(arg, batch_opened(self->batch, &out[i]));
    }
    return reply.status;
}
