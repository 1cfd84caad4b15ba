// batch_phase - the life of the open batch, and of a careful start's try, as tables with one step.
// SPDX-License-Identifier: MIT
#include "common/service/batch_phase.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TO_PHASE(phase) ((phase) + 1) // so that a cell that is not written refuses

static const uint8_t batch_moves[BATCH_PHASE_COUNT][BATCH_EVENT_COUNT] = {
    [BATCH_NONE] = {[BATCH_BEGIN] = TO_PHASE(BATCH_OPEN)},
    [BATCH_OPEN] = {[BATCH_SEAL] = TO_PHASE(BATCH_SEALED), [BATCH_CLOSE] = TO_PHASE(BATCH_NONE)},
    [BATCH_SEALED] =
        {[BATCH_OWN_COMMIT] = TO_PHASE(BATCH_PERSISTED), [BATCH_RETRY] = TO_PHASE(BATCH_SEALED)},
    [BATCH_PERSISTED] = {[BATCH_SUBMIT] = TO_PHASE(BATCH_SUBMITTED)},
    [BATCH_SUBMITTED] =
        {[BATCH_LAND] = TO_PHASE(BATCH_COMMITTED), [BATCH_RETRY] = TO_PHASE(BATCH_SUBMITTED)},
    [BATCH_COMMITTED] = {[BATCH_CLOSE] = TO_PHASE(BATCH_NONE)},
};

static const uint8_t attempt_moves[ATTEMPT_COUNT_OF][ATTEMPT_EVENT_COUNT] = {
    [ATTEMPT_NONE] =
        {[ATTEMPT_COUNT] = TO_PHASE(ATTEMPT_COUNTED), [ATTEMPT_END] = TO_PHASE(ATTEMPT_NONE)},
    [ATTEMPT_COUNTED] =
        {[ATTEMPT_FORGIVE] = TO_PHASE(ATTEMPT_FORGIVEN), [ATTEMPT_END] = TO_PHASE(ATTEMPT_NONE)},
    [ATTEMPT_FORGIVEN] = {[ATTEMPT_END] = TO_PHASE(ATTEMPT_NONE)},
};

bool batch_phase_step(enum batch_phase *phase, enum batch_event event) {
    uint8_t after = batch_moves[*phase][event];
    if (after) *phase = (enum batch_phase)(after - 1);
    return after != 0;
}

bool attempt_step(enum attempt *attempt, enum attempt_event event) {
    uint8_t after = attempt_moves[*attempt][event];
    if (after) *attempt = (enum attempt)(after - 1);
    return after != 0;
}

#define WORD(name, word) [name] = word,
static const char *const phase_words[] = {BATCH_PHASES(WORD)};
static const char *const event_words[] = {BATCH_EVENTS(WORD)};
static const char *const attempt_words[] = {ATTEMPTS(WORD)};
static const char *const attempt_event_words[] = {ATTEMPT_EVENTS(WORD)};
#undef WORD

static void abort_on_wrong_move(const char *what, const char *state, const char *event) {
    fprintf(stderr, "%s: %s while it is %s: this is a mistake in the loop\n", what, event, state);
    abort();
}

void batch_phase_move(enum batch_phase *phase, enum batch_event event) {
    if (batch_phase_step(phase, event)) return;
    abort_on_wrong_move("batch", phase_words[*phase], event_words[event]);
}

void attempt_move(enum attempt *attempt, enum attempt_event event) {
    if (attempt_step(attempt, event)) return;
    abort_on_wrong_move("careful start", attempt_words[*attempt], attempt_event_words[event]);
}

bool batch_phase_is_sealed(enum batch_phase phase) { return phase >= BATCH_SEALED; }

const char *batch_phase_name(enum batch_phase phase) { return phase_words[phase]; }
