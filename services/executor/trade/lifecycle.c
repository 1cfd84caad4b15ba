// lifecycle - the life of trades, results and instances, as tables with one step.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/lifecycle.h"
#include "common/domain/trade.h"

#define T(name) TRADE_STATE__STATE__##name
#define R(name) TRADE_RESULT__STATE__##name
#define I(name) INSTANCE_STATE__STATE__##name
#define STATES  11 // 1 to 10; 0: refused

// Only a definitive answer moves a trade out of submitting and unknown. What is partly filled has a
// position: when its rest is over it is filled, with what there is. An execution overrides every
// earlier end, and so does the broker's answer that the order works (found); a report that it was
// accepted does not: it may be late, so the broker is asked.
static const uint8_t trade_moves[STATES][TRADE_EVENT_COUNT] = {
    [T(pending)] = {[TRADE_SUBMIT] = T(submitting),
                    [TRADE_DOUBT] = T(unknown),
                    [TRADE_ACCEPT] = T(working),
                    [TRADE_FOUND] = T(working),
                    [TRADE_FILL_PART] = T(partially_filled),
                    [TRADE_FILL_ALL] = T(filled),
                    [TRADE_REJECT] = T(rejected),
                    [TRADE_CANCEL] = T(cancelled),
                    [TRADE_EXPIRE] = T(expired)},
    [T(submitting)] = {[TRADE_UNSENT] = T(pending),
                       [TRADE_DOUBT] = T(unknown),
                       [TRADE_ACCEPT] = T(working),
                       [TRADE_FOUND] = T(working),
                       [TRADE_FILL_PART] = T(partially_filled),
                       [TRADE_FILL_ALL] = T(filled),
                       [TRADE_REJECT] = T(rejected),
                       [TRADE_CANCEL] = T(cancelled),
                       [TRADE_EXPIRE] = T(expired)},
    [T(unknown)] = {[TRADE_SUBMIT] = T(submitting),
                    [TRADE_UNSENT] = T(pending),
                    [TRADE_DOUBT] = T(unknown),
                    [TRADE_ACCEPT] = T(working),
                    [TRADE_FOUND] = T(working),
                    [TRADE_FILL_PART] = T(partially_filled),
                    [TRADE_FILL_ALL] = T(filled),
                    [TRADE_REJECT] = T(rejected),
                    [TRADE_CANCEL] = T(cancelled),
                    [TRADE_EXPIRE] = T(expired)},
    [T(working)] = {[TRADE_ACCEPT] = T(working),
                    [TRADE_FOUND] = T(working),
                    [TRADE_FILL_PART] = T(partially_filled),
                    [TRADE_FILL_ALL] = T(filled),
                    [TRADE_REJECT] = T(rejected),
                    [TRADE_CANCEL] = T(cancelled),
                    [TRADE_EXPIRE] = T(expired)},
    [T(partially_filled)] = {[TRADE_ACCEPT] = T(partially_filled),
                             [TRADE_FOUND] = T(partially_filled),
                             [TRADE_FILL_PART] = T(partially_filled),
                             [TRADE_FILL_ALL] = T(filled),
                             [TRADE_REJECT] = T(filled),
                             [TRADE_CANCEL] = T(filled),
                             [TRADE_EXPIRE] = T(filled)},
    [T(filled)] = {[TRADE_ACCEPT] = T(filled),
                   [TRADE_FOUND] = T(filled),
                   [TRADE_FILL_PART] = T(filled),
                   [TRADE_FILL_ALL] = T(filled),
                   [TRADE_CANCEL] = T(filled),
                   [TRADE_EXPIRE] = T(filled),
                   [TRADE_REOPEN] = T(partially_filled),
                   [TRADE_CLOSE] = T(closed)},
    [T(closed)] = {[TRADE_ACCEPT] = T(closed),
                   [TRADE_FOUND] = T(closed),
                   [TRADE_FILL_PART] = T(filled),
                   [TRADE_FILL_ALL] = T(filled),
                   [TRADE_CANCEL] = T(closed),
                   [TRADE_EXPIRE] = T(closed)},
    [T(rejected)] = {[TRADE_ACCEPT] = T(rejected),
                     [TRADE_FOUND] = T(working),
                     [TRADE_FILL_PART] = T(partially_filled),
                     [TRADE_FILL_ALL] = T(filled),
                     [TRADE_REJECT] = T(rejected)},
    [T(cancelled)] = {[TRADE_ACCEPT] = T(cancelled),
                      [TRADE_FOUND] = T(working),
                      [TRADE_FILL_PART] = T(filled),
                      [TRADE_FILL_ALL] = T(filled),
                      [TRADE_REJECT] = T(cancelled),
                      [TRADE_CANCEL] = T(cancelled),
                      [TRADE_EXPIRE] = T(cancelled)},
    [T(expired)] = {[TRADE_ACCEPT] = T(expired),
                    [TRADE_FOUND] = T(working),
                    [TRADE_FILL_PART] = T(partially_filled),
                    [TRADE_FILL_ALL] = T(filled),
                    [TRADE_REJECT] = T(expired),
                    [TRADE_CANCEL] = T(expired),
                    [TRADE_EXPIRE] = T(expired)},
};

static const uint8_t result_moves[STATES][RESULT_EVENT_COUNT] = {
    [R(pending)] = {[RESULT_FULL] = R(executed),
                    [RESULT_PART] = R(partially_filled),
                    [RESULT_FAIL] = R(failed)},
    // the broker corrects itself
    [R(executed)] = {[RESULT_PART] = R(partially_filled), [RESULT_FAIL] = R(failed)},
};

static const uint8_t instance_moves[STATES][INSTANCE_EVENT_COUNT] = {
    [I(connecting)] = {[INSTANCE_HELLO] = I(connecting),
                       [INSTANCE_WELCOME] = I(ready),
                       [INSTANCE_SILENCE] = I(lost)},
    [I(ready)] = {[INSTANCE_HELLO] = I(connecting),
                  [INSTANCE_BEAT] = I(ready),
                  [INSTANCE_STRAIN] = I(degraded),
                  [INSTANCE_SILENCE] = I(lost)},
    [I(degraded)] = {[INSTANCE_HELLO] = I(connecting),
                     [INSTANCE_BEAT] = I(ready),
                     [INSTANCE_STRAIN] = I(degraded),
                     [INSTANCE_SILENCE] = I(lost)},
    [I(lost)] = {[INSTANCE_HELLO] = I(connecting), [INSTANCE_SILENCE] = I(lost)},
};

// 0: no such step; else the state after it, + 1.
static const uint8_t sending_moves[SENDING_COUNT][SENDING_EVENT_COUNT] = {
    [SENDING_NEVER] =
        {[SENDING_DECIDE] = SENDING_DECIDED + 1, [SENDING_DENY] = SENDING_CLEARED + 1},
    [SENDING_CLEARED] = {[SENDING_DECIDE] = SENDING_DECIDED + 1},
    [SENDING_EARLIER] =
        {[SENDING_DECIDE] = SENDING_DECIDED_AGAIN + 1, [SENDING_DENY] = SENDING_CLEARED + 1},
    [SENDING_DECIDED] =
        {[SENDING_LEAVE] = SENDING_LEFT + 1, [SENDING_HOLD_BACK] = SENDING_HELD_BACK + 1},
    [SENDING_DECIDED_AGAIN] =
        {[SENDING_LEAVE] = SENDING_LEFT + 1, [SENDING_HOLD_BACK] = SENDING_HELD_BACK_AGAIN + 1},
    [SENDING_LEFT] = {[SENDING_DECIDE] = SENDING_DECIDED_AGAIN + 1},
    [SENDING_HELD_BACK] = {[SENDING_DECIDE] = SENDING_DECIDED + 1,
                           [SENDING_RECONSIDER] = SENDING_CLEARED + 1,
                           [SENDING_DENY] = SENDING_CLEARED + 1},
    [SENDING_HELD_BACK_AGAIN] =
        {[SENDING_DECIDE] = SENDING_DECIDED_AGAIN + 1, [SENDING_RECONSIDER] = SENDING_LEFT + 1},
};

static bool step_state(int *state, const uint8_t *moves) {
    if (!*moves) return false;
    *state = *moves;
    return true;
}

bool trade_step(TradeState__State *state, enum trade_event event) {
    int s = (int)*state;
    bool listed = step_state(&s, &trade_moves[s][event]);
    *state = (TradeState__State)s;
    return listed;
}

bool result_step(TradeResult__State *state, enum result_event event) {
    int s = (int)*state;
    bool listed = step_state(&s, &result_moves[s][event]);
    *state = (TradeResult__State)s;
    return listed;
}

bool instance_step(InstanceState__State *state, enum instance_event event) {
    int s = (int)*state;
    bool listed = step_state(&s, &instance_moves[s][event]);
    *state = (InstanceState__State)s;
    return listed;
}

bool sending_step(enum sending *state, enum sending_event event) {
    uint8_t after = sending_moves[*state][event];
    if (after) *state = (enum sending)(after - 1);
    return after != 0;
}

bool sending_may_be_there(enum sending s) {
    static const bool may[SENDING_COUNT] = {[SENDING_EARLIER] = true,
                                            [SENDING_DECIDED] = true,
                                            [SENDING_DECIDED_AGAIN] = true,
                                            [SENDING_LEFT] = true,
                                            [SENDING_HELD_BACK_AGAIN] = true};
    return may[s];
}

#define EVENT_WORD(name, word) [name] = word,
const char *trade_event_name(enum trade_event event) {
    static const char *const words[] = {TRADE_EVENTS(EVENT_WORD)};
    return words[event];
}

bool trade_is_final(const TradeState *t) {
    return trade_state_is_over(t->state) || (t->state == T(filled) && trade_is_closing(t));
}

bool trade_is_live(const TradeState *t) {
    switch (t->state) {
    case T(submitting):
    case T(working):
    case T(partially_filled):
    case T(unknown):
        return true;
    case T(pending):
    case T(filled):
    case T(closed):
    case T(rejected):
    case T(cancelled):
    case T(expired):
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return false;
    }
    return false;
}
