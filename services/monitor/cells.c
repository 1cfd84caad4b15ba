// cells - how this cell is, in one message for the monitors of other cells, and how those said they
// are.
// SPDX-License-Identifier: MIT
#include "cells.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/schema/record.h"

#define TURN_NS (2 * NS_PER_S) // heartbeats come once a second

static struct cell_seen *find_cell(struct watch *self, const char *name) {
    for (size_t i = 0; i < self->n_cells; i++) {
        if (strcmp(self->cells[i].name, name) == 0) return &self->cells[i];
    }
    return NULL;
}

void cells_expect(struct watch *self, const char *name) {
    if (self->n_cells == CELLS_MAX || strlen(name) >= CELL_TEXT || find_cell(self, name)) return;
    struct cell_seen *seen = &self->cells[self->n_cells++];
    *seen = (struct cell_seen){.last = NULL};
    memcpy(seen->name, name, strlen(name) + 1);
}

void cells_hear(struct watch *self, const CellState *state, uint64_t mono_ns) {
    struct cell_seen *seen = find_cell(self, state->cell);
    if (!seen) return;
    if (seen->last) cell_state__free_unpacked(seen->last, NULL);
    seen->last = (CellState *)record_copy(&state->base, NULL);
    seen->heard_at = mono_ns;
}

// --- rates

// Entries written to the topics that begin so, over all incarnations that are alive.
static uint64_t is_written(const struct watch *self, const char *prefix) {
    uint64_t sum = 0;
    for (size_t i = 0; i < self->n_services; i++) {
        const Heartbeat *last = self->services[i].last;
        for (size_t t = 0; last && t < last->n_topics; t++) {
            struct entry_id head;
            if (strncmp(last->topics[t]->topic, prefix, strlen(prefix)) != 0) continue;
            if (!entry_id_parse(last->topics[t]->head, strlen(last->topics[t]->head), &head))
                sum += head.sequence;
        }
    }
    return sum;
}

// After a restart the owner counts anew: then nothing is said until the next time.
static void turn_rate(struct rate *rate, uint64_t now, uint64_t ns) {
    uint64_t more = now > rate->count ? now - rate->count : 0;
    rate->per_s_e8 = (int64_t)((unsigned __int128)more * DECIMAL_SCALE * NS_PER_S / ns);
    rate->per_s_e8 -= rate->per_s_e8 % (DECIMAL_SCALE / 10);
    rate->count = now;
}

void cells_turn(struct watch *self, uint64_t mono_ns) {
    uint64_t ns = watch_since(self->turned_at, mono_ns);
    if (ns < TURN_NS) return;
    turn_rate(&self->signals, is_written(self, "signals"), ns);
    turn_rate(&self->orders, is_written(self, "orders."), ns);
    self->turned_at = mono_ns;
}

// --- this cell

static CellState__State cell_state_of(const struct view *view) {
    switch (view->watch->mode) {
    case RISK_STATE__MODE__halted:
        return CELL_STATE__STATE__halted;
    case RISK_STATE__MODE__reduce_only:
        return CELL_STATE__STATE__reduce_only;
    case RISK_STATE__MODE__trading:
    case _RISK_STATE__MODE_IS_INT_SIZE:
        break;
    }
    bool degraded = watch_troubles(view->watch, view->mono_ns, view->silent_ns, NULL, NULL) > 0;
    return degraded ? CELL_STATE__STATE__degraded : CELL_STATE__STATE__running;
}

struct first {
    arena_t *arena;
    char *text;
};

static void take_first_why(void *arg, const char *why) {
    struct first *first = arg;
    if (!first->text) first->text = arena_text(first->arena, why);
}

CellState *cells_own(const struct view *view, arena_t *arena) {
    const struct watch *w = view->watch;
    CellState *out = arena_take(arena, sizeof *out);
    struct first trouble = {arena, NULL};
    cell_state__init(out);
    out->cell = (char *)w->cell;
    out->state = cell_state_of(view);
    out->sent_at = view->utc_ns;
    out->signals_per_s = w->signals.per_s_e8;
    out->orders_per_s = w->orders.per_s_e8;
    out->open_positions = (uint32_t)watch_open_positions(w);
    for (const struct account_seen *a = w->accounts; a; a = a->hh.next) {
        out->accounts++;
        out->quarantined += a->state->state == ACCOUNT_STATE__STATE__quarantined;
    }
    for (size_t i = 0; i < w->n_lags; i++) {
        if (w->lags[i].entries > out->lag) out->lag = w->lags[i].entries;
    }
    out->alerts = (uint32_t)view->alerts->n;
    (void)watch_troubles(w, view->mono_ns, view->silent_ns, take_first_why, &trouble);
    out->trouble = trouble.text;
    return out;
}

// --- all of them

static CellView *add_cell_view(CellViews *views, arena_t *arena, const char *name) {
    CellView *v = views->cells[views->n_cells++] = arena_take(arena, sizeof *v);
    cell_view__init(v);
    v->cell = (char *)name;
    return v;
}

CellViews *cells_view(const struct view *view, arena_t *arena) {
    const struct watch *w = view->watch;
    CellViews *out = arena_take(arena, sizeof *out);
    cell_views__init(out);
    if (!w->cell) return out;
    out->cells = arena_take(arena, (1 + w->n_cells) * sizeof *out->cells);
    CellView *own = add_cell_view(out, arena, w->cell);
    own->own = own->alive = true;
    own->last = cells_own(view, arena);
    for (size_t i = 0; i < w->n_cells; i++) {
        const struct cell_seen *seen = &w->cells[i];
        CellView *v = add_cell_view(out, arena, seen->name);
        uint64_t ago = watch_since(seen->heard_at, view->mono_ns);
        if (!seen->last) continue;
        v->alive = ago <= view->silent_ns;
        v->has_heard_ms_ago = true;
        v->heard_ms_ago = ago / NS_PER_MS;
        v->last = seen->last;
    }
    return out;
}
