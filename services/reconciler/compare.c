// compare - what was ordered against what was executed, for one trade.
// SPDX-License-Identifier: MIT
#include "services/reconciler/compare.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/domain/trade.h"
#include "common/schema/record.h"

#define S(name)     TRADE_RECONCILIATION__STATUS__##name
#define BIT(status) (1u << (status))

bool reconciliation_may(TradeReconciliation__Status from, TradeReconciliation__Status to) {
    static const unsigned moves[] = {
        [S(pending)] = BIT(S(success)) | BIT(S(failed)),
        [S(success)] = 0,
        [S(failed)] = BIT(S(success)),
    };
    return (size_t)from < sizeof moves / sizeof *moves && (size_t)to < 32 &&
           (moves[from] & BIT(to));
}

bool state_is_final(TradeState__State state) {
    return state == TRADE_STATE__STATE__filled || trade_state_is_over(state);
}

void facts_order(struct facts *f, const Order *o) {
    f->order_type = o->terms->order_type;
    f->ordered = true;
    if (o->terms->has_requested_price)
        f->has_requested_price = true, f->requested_price = D(o->terms->requested_price);
    if (o->terms->has_lot_size && o->direction != SIGNAL__DIRECTION__close)
        f->has_lot_size = true, f->lot_size = D(o->terms->lot_size);
}

// How much a close closes is the executor's to know: it can be no more than there is.
static void facts_asked(struct facts *f, const TradeState *t) {
    f->order_type = t->terms->order_type;
    bool moved =
        t->has_wanted_at &&
        t->terms->order_type != SIGNAL__ORDER_TYPE__market; // by command, since it was ordered
    if (t->terms->has_requested_price && (moved || !(f->ordered && f->has_requested_price))) {
        f->has_requested_price = true;
        f->requested_price = D(t->terms->requested_price);
    }
    if (t->terms->has_lot_size && !(f->ordered && f->has_lot_size)) {
        f->has_lot_size = true;
        f->lot_size = D(t->terms->lot_size);
    }
}

void facts_state(struct facts *f, const TradeState *t) {
    facts_asked(f, t);
    f->state = t->state;
    f->filled_lots = D(t->has_filled_lots ? t->filled_lots : 0);
    f->has_average_price = t->has_average_price;
    f->average_price = D(t->average_price);
    if (t->has_executed_at) {
        f->executed_at = t->executed_at;
        if (!f->first_executed_at) f->first_executed_at = t->executed_at;
    }
    if (t->reason) (void)snprintf(f->reason, sizeof f->reason, "%s", t->reason);
}

static void fail_comparison(struct comparison *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void fail_comparison(struct comparison *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    // cut when longer: it is for reading
    (void)vsnprintf(out->reason, sizeof out->reason, format, args);
    va_end(args);
    out->status = S(failed);
}

static void compare_size(const struct facts *f, struct comparison *out) {
    char done[DECIMAL_TEXT], asked[DECIMAL_TEXT];
    if (!f->has_lot_size || decimal_cmp(f->filled_lots, f->lot_size) == 0) return;
    (void)decimal_print(f->filled_lots, done);
    (void)decimal_print(f->lot_size, asked);
    fail_comparison(out, "filled %s of %s lots", done, asked);
}

static void compare_price(const struct facts *f, const decimal_t *tolerance,
                          struct comparison *out) {
    char off[DECIMAL_TEXT], most[DECIMAL_TEXT];
    if (!f->has_requested_price || !f->has_average_price) return;
    out->has_discrepancy = decimal_sub(f->average_price, f->requested_price, &out->discrepancy);
    if (!out->has_discrepancy) return fail_comparison(out, "discrepancy out of range");
    if (!tolerance || decimal_cmp(decimal_abs(out->discrepancy), *tolerance) <= 0) return;
    (void)decimal_print(out->discrepancy, off);
    (void)decimal_print(*tolerance, most);
    fail_comparison(out, "discrepancy %s, at most %s", off, most);
}

void compare_facts(const struct facts *f, const decimal_t *tolerance, struct comparison *out) {
    *out = (struct comparison){.status = S(success)};
    if (f->filled_lots.e8 <= 0) {
        const char *state = record_enum_name(&trade_state__state__descriptor, (int)f->state);
        return fail_comparison(out, f->reason[0] ? "%s: %.80s" : "%s%s", state, f->reason);
    }
    compare_size(f, out);
    compare_price(f, tolerance, out);
}
