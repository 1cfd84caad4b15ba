// broker - what lies beyond the executor: a link that loses and delays, and books that nothing but
// the broker writes.
// SPDX-License-Identifier: MIT
#include "tests/sim/sim.h"

static void queue(struct world *w, struct note *all, size_t *count, struct note note,
                  uint64_t delay) {
    if (*count == QUEUE_MAX || world_faults(w, w->mix.drop_order)) return;
    note.at = w->now + dice_below(&w->dice, delay + 1);
    all[(*count)++] = note;
}

// An order may come late, but not later than the broker says; a question may overtake it.
void broker_send(struct world *w, struct note note) {
    queue(w, w->broker.down, &w->broker.n_down, note,
          note.kind == SUBMIT ? w->mix.order_delay : 20 * NS_PER_MS);
}

static void answer(struct world *w, struct note note) {
    queue(w, w->broker.up, &w->broker.n_up, note, 20 * NS_PER_MS);
}

// One that has arrived, whichever was sent first.
static bool arrived(const struct world *w, struct note *all, size_t *count, struct note *out) {
    for (size_t i = 0; i < *count; i++) {
        if (all[i].at > w->now) continue;
        *out = all[i];
        all[i] = all[--*count];
        return true;
    }
    return false;
}

bool broker_receive(struct world *w, struct note *out) {
    return arrived(w, w->broker.up, &w->broker.n_up, out);
}

static bool refuses(const struct world *w, uint32_t trade) {
    uint64_t seen = w->broker.first_seen[trade];
    if (!seen) return false;
    switch (w->mix.broker.check) {
    case HELLO__DUPLICATE_CHECK__forever:
        return true;
    case HELLO__DUPLICATE_CHECK__window:
        return world_utc(w) - seen < w->mix.broker.window;
    case HELLO__DUPLICATE_CHECK__session:
        return seen >= w->broker.session_since;
    case HELLO__DUPLICATE_CHECK__open_orders: // every order here is filled at once
    case HELLO__DUPLICATE_CHECK__none:
    case _HELLO__DUPLICATE_CHECK_IS_INT_SIZE:
        return false;
    }
    return false;
}

static void execute(struct world *w, uint32_t trade) {
    struct broker *b = &w->broker;
    if (refuses(w, trade)) {
        answer(w, (struct note){.kind = FOUND, .trade = trade});
        return;
    }
    b->executions[trade]++;
    b->first_seen[trade] = world_utc(w);
    w->tally->executed++;
    if (b->n_reports == TRADES_MAX * 2) return;
    b->reports[b->n_reports++] = trade;
    answer(w, (struct note){.kind = REPORT, .trade = trade, .number = b->n_reports});
}

static void take(struct world *w, const struct note *note) {
    switch (note->kind) {
    case SUBMIT:
        execute(w, note->trade);
        return;
    case ASK: {
        enum note_kind kind = w->broker.executions[note->trade] ? FOUND : NOT_FOUND;
        if (w->mix.broker.can_query)
            answer(w, (struct note){.kind = kind, .trade = note->trade, .number = note->number});
        return;
    }
    case ACKNOWLEDGE:
        if (note->number > w->broker.acknowledged) w->broker.acknowledged = note->number;
        return;
    case FOUND:
    case NOT_FOUND:
    case REPORT:
        return; // these go the other way
    }
}

void broker_step(struct world *w) {
    struct broker *b = &w->broker;
    struct note note;
    while (arrived(w, b->down, &b->n_down, &note)) take(w, &note);
    if (w->now - b->resent_at < NS_PER_S / 5) return;
    b->resent_at = w->now;
    for (uint64_t r = b->acknowledged; r < b->n_reports && r < b->acknowledged + 32; r++) {
        answer(w, (struct note){.kind = REPORT, .trade = b->reports[r], .number = r + 1});
    }
}

void broker_crash(struct world *w) {
    w->broker.n_down = w->broker.n_up = 0;
    w->broker.session_since = world_utc(w);
    w->tally->kills++;
}

// A new executor says which report it has; Redis may have forgotten some that were acknowledged.
// Orders of the old one may still come.
void broker_hello(struct world *w, uint64_t last_report) {
    struct broker *b = &w->broker;
    b->acknowledged = last_report;
    b->n_up = 0;
    for (size_t i = b->n_down; i-- > 0;) {
        if (b->down[i].kind == ACKNOWLEDGE) b->down[i] = b->down[--b->n_down];
    }
}
