// sum - the outcome of a signal.
// SPDX-License-Identifier: MIT
#include "services/reconciler/sum.h"

#include <stdio.h>
#include <string.h>

static void add_product(struct sum *s, __int128 *to, decimal_t a, decimal_t lots) {
    __int128 product = (__int128)a.e8 * lots.e8; // two 64-bit numbers fit
    if (__builtin_add_overflow(*to, product, to)) s->lost = true;
}

static void add_prices(struct sum *s, const struct facts *f) {
    decimal_t off;
    if (!f->has_average_price) return;
    s->priced += f->filled_lots.e8;
    add_product(s, &s->worth, f->average_price, f->filled_lots);
    if (!f->has_requested_price || !decimal_sub(f->average_price, f->requested_price, &off)) return;
    s->compared += f->filled_lots.e8;
    add_product(s, &s->slip, off, f->filled_lots);
}

void sum_add(struct sum *s, const struct facts *f) {
    bool executed = f->filled_lots.e8 > 0;
    s->trades++;
    // a close of everything asks for what there was
    s->asked += f->has_lot_size ? f->lot_size.e8 : f->filled_lots.e8;
    if (!executed) return;
    s->executed++;
    s->filled += f->filled_lots.e8;
    add_prices(s, f);
    if (f->executed_at > s->executed_at) s->executed_at = f->executed_at;
    if (f->first_executed_at &&
        (!s->first_executed_at || f->first_executed_at < s->first_executed_at))
        s->first_executed_at = f->first_executed_at;
}

// a / b (b > 0), half even; false when it is out of range.
static bool divide_wide(__int128 a, __int128 b, int64_t *out) {
    __int128 q = a / b, rest = a % b, twice = rest < 0 ? -rest * 2 : rest * 2;
    if (twice > b || (twice == b && q % 2 != 0)) q += a < 0 ? -1 : 1;
    if (q > INT64_MAX || q < -INT64_MAX) return false;
    *out = (int64_t)q;
    return true;
}

static bool fits_decimal(__int128 lots) { return lots <= INT64_MAX && lots >= -INT64_MAX; }

static void fill_quantities(const struct sum *s, SignalExecutionStatus *out) {
    out->has_requested_quantity = fits_decimal(s->asked);
    out->requested_quantity = out->has_requested_quantity ? (int64_t)s->asked : 0;
    out->has_executed_quantity = fits_decimal(s->filled);
    out->executed_quantity = out->has_executed_quantity ? (int64_t)s->filled : 0;
    out->has_trades = out->has_trades_executed = out->has_trades_final = true;
    out->trades = out->trades_final = s->trades;
    out->trades_executed = s->executed;
}

void sum_progress(const struct sum *s, unsigned settled, SignalExecutionStatus *out) {
    sum_status(s, out);
    out->status = SIGNAL__STATUS__processing;
    out->has_outcome = false;
    out->trades_final = settled;
}

void sum_status(const struct sum *s, SignalExecutionStatus *out) {
    out->status = s->executed ? SIGNAL__STATUS__completed : SIGNAL__STATUS__failed;
    out->has_outcome = true;
    out->outcome = s->executed ? SIGNAL_EXECUTION_STATUS__OUTCOME__executed
                               : SIGNAL_EXECUTION_STATUS__OUTCOME__failed;
    fill_quantities(s, out);
    out->has_fill_percentage = true;
    __int128 hundred = (__int128)100 * DECIMAL_SCALE;
    if (s->asked <= 0 || !divide_wide(s->filled * hundred, s->asked, &out->fill_percentage))
        out->fill_percentage = 0;
    out->has_executed_at = s->executed_at != 0;
    out->executed_at = s->executed_at;
    if (s->lost) return;
    out->has_execution_price =
        s->priced > 0 && divide_wide(s->worth, s->priced, &out->execution_price);
    out->has_slippage = s->compared > 0 && divide_wide(s->slip, s->compared, &out->slippage);
}

void tally_add(struct tally *t, const char *text) {
    unsigned i = 0;
    while (i < t->n && strncmp(t->kinds[i].text, text, sizeof t->kinds[i].text - 1) != 0) i++;
    if (i == TALLY_KINDS) {
        t->others++;
        return;
    }
    if (i == t->n) {
        t->n++;
        (void)snprintf(t->kinds[i].text, sizeof t->kinds[i].text, "%s", text);
    }
    t->kinds[i].count++;
}

size_t tally_print(const struct tally *t, char out[static TALLY_TEXT]) {
    size_t length = 0;
    out[0] = 0;
    for (unsigned i = 0; i < t->n && length < TALLY_TEXT; i++) {
        int n = snprintf(out + length, TALLY_TEXT - length, "%s%s (%u)", i ? ", " : "",
                         t->kinds[i].text, t->kinds[i].count);
        if (n > 0) length += (size_t)n;
    }
    if (t->others && length < TALLY_TEXT) {
        int n = snprintf(out + length, TALLY_TEXT - length, ", others (%u)", t->others);
        if (n > 0) length += (size_t)n;
    }
    return length < TALLY_TEXT ? length : TALLY_TEXT - 1;
}
