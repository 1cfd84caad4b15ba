// status_cells - how the cells are, as this one's monitor has heard: a part of `tradecast status`.
// SPDX-License-Identifier: MIT
#include "cli/operator/status_cells.h"

#include <stdio.h>

#include "cell.pb-c.h"
#include "cli/place.h"
#include "common/base/decimal.h"
#include "common/base/own.h"

static void add_state(struct sheet *sheet, const CellState *s) {
    char rate[2][DECIMAL_TEXT];
    (void)decimal_print(D(s->signals_per_s), rate[0]);
    (void)decimal_print(D(s->orders_per_s), rate[1]);
    sheet_add(sheet, rate[0]);
    sheet_add(sheet, rate[1]);
    sheet_format(sheet, "%u", s->accounts);
    sheet_format(sheet, "%u", s->open_positions);
    sheet_format(sheet, "%u", s->quarantined);
    sheet_format(sheet, "%llu", (unsigned long long)s->lag);
    sheet_format(sheet, "%u", s->alerts);
}

static void add_cell_row(struct sheet *sheet, const CellView *v) {
    sheet_add(sheet, v->cell);
    sheet_add(sheet, v->alive && v->last
                         ? record_enum_name(&cell_state__state__descriptor, (int)v->last->state)
                         : "silent");
    if (v->last) add_state(sheet, v->last);
    for (int i = 0; !v->last && i < 7; i++) sheet_add(sheet, NULL);
    if (v->own)
        sheet_add(sheet, "here");
    else if (v->has_heard_ms_ago)
        sheet_format(sheet, "%llu s ago", (unsigned long long)v->heard_ms_ago / 1000);
    else
        sheet_add(sheet, "never");
    sheet_add(sheet, v->last ? v->last->trouble : NULL);
}

void status_cells(const struct call *call, struct sheet *sheet) {
    own(buffer) answer = {0};
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *m = NULL;
    struct fault fault;
    sheet_start(
        sheet,
        "CELL|STATE|>SIGNALS/S|>ORDERS/S|>ACCOUNTS|>OPEN|>IN DOUBT|>LAG|>ALERTS|HEARD|TROUBLE");
    if (ask_service(&call->place,
                    &(struct question){.service = "monitor", .verb = "cells", .within_ms = 1500},
                    &answer) != DONE)
        return;
    if (record_from_json(&cell_views__descriptor, buffer_string(&answer), answer.length, "", arena,
                         &m, &fault))
        return;
    for (size_t i = 0; i < ((const CellViews *)m)->n_cells; i++)
        add_cell_row(sheet, ((const CellViews *)m)->cells[i]);
}
