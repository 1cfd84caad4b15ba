// performance - the day's closed trades: wins, losses and what they came to.
// SPDX-License-Identifier: MIT
#include "performance.h"

#include "common/base/clock.h"
#include "common/base/decimal.h"

#define DAY_NS (86400 * NS_PER_S)

static const decimal_t zero = {0};

void performance_turn(struct performance *self, uint64_t utc_ns) {
    if (utc_ns / DAY_NS != self->day) *self = (struct performance){.day = utc_ns / DAY_NS};
}

static void add_amount(decimal_t *sum, decimal_t more) {
    *sum = D(decimal_nearest((wide_t)sum->e8 + more.e8)); // looked at, never acted on
}

void performance_add(struct performance *self, decimal_t pnl, bool realised, uint64_t utc_ns) {
    performance_turn(self, utc_ns);
    if (!realised) return add_amount(&self->charged, pnl);
    int sign = decimal_cmp(pnl, zero);
    if (sign > 0) {
        self->wins++;
        add_amount(&self->won, pnl);
        if (decimal_cmp(pnl, self->largest_win) > 0) self->largest_win = pnl;
    } else if (sign < 0) {
        self->losses++;
        add_amount(&self->lost, pnl);
        if (decimal_cmp(pnl, self->largest_loss) < 0) self->largest_loss = pnl;
    }
}

// to a multiple of step; absent on overflow or division by zero.
static protobuf_c_boolean ratio_of(decimal_t a, decimal_t b, decimal_t step, int64_t *out) {
    decimal_t quotient;
    if (!decimal_div(a, b, ROUND_HALF_EVEN, &quotient) ||
        !decimal_to_step(quotient, step, ROUND_HALF_EVEN, &quotient))
        return false;
    *out = quotient.e8;
    return true;
}

static protobuf_c_boolean compute_pnl_percent(decimal_t pnl, decimal_t balance, int64_t *out) {
    decimal_t start, hundredfold;
    if (decimal_cmp(balance, zero) <= 0 || !decimal_sub(balance, pnl, &start) ||
        decimal_cmp(start, zero) <= 0)
        return false;
    if (!decimal_mul(pnl, DECIMAL_INT(100), ROUND_HALF_EVEN, &hundredfold)) return false;
    return ratio_of(hundredfold, start, D(DECIMAL_SCALE / 100), out);
}

void performance_write(const struct performance *self, decimal_t balance, uint64_t utc_ns,
                       TradingPerformance *out) {
    const decimal_t cent = D(DECIMAL_SCALE / 100), basis = D(DECIMAL_SCALE / 10000);
    decimal_t pnl = self->won;
    add_amount(&pnl, self->lost);
    add_amount(&pnl, self->charged);
    trading_performance__init(out);
    out->daily_pnl = pnl.e8;
    out->has_daily_pnl_pct =
        compute_pnl_percent(pnl, balance, &out->daily_pnl_pct) || decimal_cmp(pnl, zero) == 0;
    out->win_count = self->wins;
    out->loss_count = self->losses;
    (void)ratio_of(DECIMAL_INT(self->wins), DECIMAL_INT((int64_t)self->wins + self->losses), basis,
                   &out->win_rate);
    (void)ratio_of(self->won, DECIMAL_INT(self->wins), cent, &out->avg_win);
    (void)ratio_of(self->lost, DECIMAL_INT(self->losses), cent, &out->avg_loss);
    out->has_win_rate = out->has_avg_win = out->has_avg_loss = true;
    out->has_largest_win = out->has_largest_loss = true;
    out->largest_win = self->largest_win.e8;
    out->largest_loss = self->largest_loss.e8;
    out->total_win = self->won.e8;
    out->total_loss = self->lost.e8;
    out->has_total_charged = true;
    out->total_charged = self->charged.e8;
    out->timestamp = utc_ns;
}

void trading_performance_resume(struct performance *self, const TradingPerformance *stored,
                                uint64_t utc_ns) {
    *self = (struct performance){.day = utc_ns / DAY_NS};
    if (stored->timestamp / DAY_NS != self->day) return;
    self->wins = stored->win_count;
    self->losses = stored->loss_count;
    self->won = D(stored->total_win);
    self->lost = D(stored->total_loss);
    self->charged = D(stored->total_charged);
    self->largest_win = D(stored->largest_win);
    self->largest_loss = D(stored->largest_loss);
}
