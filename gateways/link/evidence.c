// evidence - what a gateway keeps of an order.
// SPDX-License-Identifier: MIT
#include "gateways/link/evidence.h"

#include <string.h>

#include "common/base/decimal.h"
#include "common/base/own.h"
#include "common/schema/former.h"

enum { FILLS = 7, CLOSINGS = 8, SUBMITTED = 10 }; // fields of OrderStatus

static Submit *unpack_submit(const buffer_t *kept, arena_t *arena) {
    struct span packed = {kept->data, kept->length};
    return packed.length ? (Submit *)former_unpack(&submit__descriptor, packed, arena) : NULL;
}

static void add_first(Submit *m, const Submit *first, arena_t *arena) {
    m->lots = decimal_nearest((wide_t)m->lots + first->lots);
    Closing **all = arena_take(arena, (first->n_closes + m->n_closes + 1) * sizeof *all);
    size_t n = 0;
    for (size_t i = 0; i < first->n_closes; i++) all[n++] = first->closes[i];
    for (size_t i = 0; i < m->n_closes; i++) all[n++] = m->closes[i];
    m->closes = all;
    m->n_closes = n;
}

static char *unless_same(char *text, const char *row) {
    return row && strcmp(text, row) == 0 ? (char *)(uintptr_t) "" : text;
}

void evidence_keep_submit(buffer_t *kept, const Submit *m, bool adds, struct evidence_names names,
                          arena_t *arena) {
    Submit whole = *m;
    whole.trade_id = unless_same(m->trade_id, names.trade_id);
    whole.account_id = unless_same(m->account_id, names.account_id);
    whole.broker_symbol = unless_same(m->broker_symbol, names.broker_symbol);
    const Submit *first = adds ? unpack_submit(kept, arena) : NULL;
    if (first) add_first(&whole, first, arena);
    buffer_clear(kept);
    kept->length = submit__pack(&whole, buffer_reserve(kept, submit__get_packed_size(&whole)));
}

static void complete_submit(Submit *m, struct evidence_names names, arena_t *arena) {
    if (!m->trade_id[0]) m->trade_id = arena_text(arena, names.trade_id);
    if (!m->account_id[0]) m->account_id = arena_text(arena, names.account_id);
    if (!m->broker_symbol[0] && names.broker_symbol)
        m->broker_symbol = arena_text(arena, names.broker_symbol);
}

Plan *evidence_plan(const buffer_t *kept, arena_t *arena) {
    const Submit *m = unpack_submit(kept, arena);
    if (!m) return NULL;
    Plan *plan = arena_take(arena, sizeof *plan);
    plan__init(plan);
    plan->side = m->side;
    plan->lots = m->lots;
    plan->closes = m->closes;
    plan->n_closes = m->n_closes;
    return plan;
}

// Room for a nested message of that size at the end of a packed one; the field's number is below
// 16.
static uint8_t *add_field(buffer_t *packed, unsigned field, size_t size) {
    size_t n = size;
    uint8_t *at = buffer_reserve(packed, size + 11);
    *at++ = (uint8_t)(field << 3 | 2);
    for (; n >= 0x80; n >>= 7) *at++ = (uint8_t)(n | 0x80);
    *at++ = (uint8_t)n;
    packed->length = (size_t)(at - packed->data) + size;
    return at;
}

// Appending to a packed message's repeated field appends to its list.
void evidence_add_fill(buffer_t *history, const Fill *fill, bool closing) {
    size_t size = fill__get_packed_size(fill);
    (void)fill__pack(fill, add_field(history, closing ? CLOSINGS : FILLS, size));
}

OrderStatus *evidence_answer(const OrderStatus *head, const buffer_t *kept, const buffer_t *history,
                             struct evidence_names names, arena_t *arena) {
    own(buffer) whole = {0};
    size_t head_size = order_status__get_packed_size(head);
    whole.length = order_status__pack(head, buffer_reserve(&whole, head_size));
    if (kept && kept->length)
        memcpy(add_field(&whole, SUBMITTED, kept->length), kept->data, kept->length);
    if (history) buffer_add(&whole, history->data, history->length);
    struct span packed = {whole.data, whole.length};
    OrderStatus *m = (OrderStatus *)former_unpack(&order_status__descriptor, packed, arena);
    if (m && m->submitted) complete_submit(m->submitted, names, arena);
    return m;
}
