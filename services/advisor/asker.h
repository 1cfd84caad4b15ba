// asker - asks a model about symbols, on the operator's word or every so often, within limits; what
// comes back is a decision like any other.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "services/advisor/package/package.h"
#include "services/advisor/web/web_calls.h"

#define ASKS_MOST 4 // at once

struct advisor;

struct asker_settings {
    const char *url, *name, *key, *ca_file; // url NULL: no model is asked
    int64_t within_ms, answer_max, answer_tokens, every_ms;
    const char *symbols; // with blanks or commas between them
};

struct ask {
    bool used, under_way;
    struct package package; // what it is asked about
    size_t bytes;           // of the question
    struct asker *asker;
};

typedef struct asker {
    struct asker_settings settings;
    struct advisor *advisor;
    web_calls_t *calls;
    struct ask asks[ASKS_MOST];
    uint64_t due_at;  // monotonic ns: when the symbols are asked about again
    const char *next; // in settings.symbols; NULL: at the beginning
    batch_t *batch;   // while results are taken
} asker_t;

void asker_open(asker_t *self);
void asker_close(asker_t *self);
// One question, counted against the limits. False: *why says why not.
bool asker_ask(asker_t *self, batch_t *batch, const char *symbol, char why[static 200]);
void asker_tick(asker_t *self, batch_t *batch); // those that are due
void asker_send(asker_t *self);                 // after a commit: questions leave
void asker_run(asker_t *self, batch_t *batch);  // when web_calls_fd (self->calls) is readable
