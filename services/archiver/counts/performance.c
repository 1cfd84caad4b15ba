// performance - what trades and executions amount to, for one account, broker or gateway and one
// day or in total.
// SPDX-License-Identifier: MIT
#include "services/archiver/counts/performance.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/decimal.h"

#define T(name)         TRADE_STATE__STATE__##name
#define BPS_OF_RELATIVE 10000 // 10^-8 of the price as basis points scaled by 10^8

struct reasons {
    Rejections rows[REASONS_MAX + 1]; // the last is "other", once there is one
    Rejections *list[REASONS_MAX + 1];
    char texts[REASONS_MAX + 1][REASON_TEXT];
};

// Sums are looked at, never acted on: one out of range stays at the end of it.
static void add_to_sum(int64_t *sum, int64_t amount, int sign) {
    *sum = decimal_nearest((wide_t)*sum + (wide_t)amount * sign);
}

static void change_counter(uint64_t *n, int sign) {
    if (sign > 0 || *n) *n += (uint64_t)(int64_t)sign;
}

// Life.

static void point_at_texts(struct performance *self) {
    self->row.day = self->day;
    self->row.currency = self->currency;
}

void performance_init(struct performance *self, const char *id, const char *day,
                      const char *currency) {
    memset(self, 0, sizeof(*self));
    account_performance__init(&self->row);
    self->row.account_id = (char *)(uintptr_t)id;
    snprintf(self->day, sizeof(self->day), "%s", day);
    snprintf(self->currency, sizeof(self->currency), "%s", currency);
    point_at_texts(self);
}

void performance_destroy(struct performance *self) {
    for (size_t i = 0; i < MEASURES; i++) histogram_destroy(&self->histograms[i]);
    free(self->reasons);
    self->reasons = NULL;
}

// Rejections by reason.

// Digits as #: prices, sizes and ids in a broker's words would make each of them a reason of its
// own.
static void reason_key(const char *reason, char out[static REASON_TEXT]) {
    size_t n = 0;
    for (const char *p = reason && *reason ? reason : "unknown"; *p && n < REASON_TEXT - 1; p++) {
        bool digit = isdigit((unsigned char)*p) != 0;
        if (digit && n && out[n - 1] == '#') continue;
        out[n++] = digit ? '#' : *p;
    }
    while (n && ((unsigned char)out[n - 1] & 0xc0) == 0x80) n--; // not in the middle of a character
    if (n && (unsigned char)out[n - 1] >= 0xc0) n--;
    out[n] = 0;
}

static Rejections *find_reason(struct performance *self, const char *key) {
    for (size_t i = 0; i < self->row.n_rejections; i++)
        if (strcmp(self->row.rejections[i]->reason, key) == 0) return self->row.rejections[i];
    return NULL;
}

static Rejections *add_reason(struct performance *self, const char *key) {
    if (!self->reasons) self->reasons = alloc_zeroed(1, sizeof(*self->reasons));
    size_t i = self->row.n_rejections;
    if (i >= REASONS_MAX) key = "other";
    Rejections *held = i >= REASONS_MAX ? find_reason(self, key) : NULL;
    if (held || i > REASONS_MAX) return held;
    rejections__init(&self->reasons->rows[i]);
    snprintf(self->reasons->texts[i], REASON_TEXT, "%s", key);
    self->reasons->rows[i].reason = self->reasons->texts[i];
    self->reasons->list[i] = &self->reasons->rows[i];
    self->row.rejections = self->reasons->list;
    self->row.n_rejections++;
    return self->reasons->list[i];
}

static void count_reason(struct performance *self, const char *reason, int sign) {
    char key[REASON_TEXT];
    reason_key(reason, key);
    Rejections *r = find_reason(self, key);
    if (!r) r = add_reason(self, key);
    if (r) change_counter(&r->count, sign);
}

// Orders and positions.

bool trade_is_opening(const TradeState *t) {
    return t->direction == SIGNAL__DIRECTION__buy || t->direction == SIGNAL__DIRECTION__sell;
}

bool trade_is_closed(const TradeState *t) { return t->state == T(closed) && t->closed_lots > 0; }

void performance_order(struct performance *self, const TradeState *t, int sign) {
    AccountPerformance *row = &self->row;
    change_counter(&row->orders, sign);
    if (t->filled_lots > 0) {
        change_counter(&row->filled, sign);
        if (t->terms->has_lot_size && t->filled_lots < t->terms->lot_size)
            change_counter(&row->partially_filled, sign);
    } else if (t->state == T(rejected)) {
        change_counter(&row->rejected, sign);
        count_reason(self, t->reason, sign);
    } else if (t->state == T(cancelled)) {
        change_counter(&row->cancelled, sign);
    } else if (t->state == T(expired)) {
        change_counter(&row->expired, sign);
    }
}

void performance_close(struct performance *self, const TradeState *t, int sign) {
    AccountPerformance *row = &self->row;
    change_counter(&row->closed, sign);
    if (t->pnl > 0) {
        change_counter(&row->wins, sign);
        add_to_sum(&row->gross_profit, t->pnl, sign);
    } else if (t->pnl < 0) {
        change_counter(&row->losses, sign);
        add_to_sum(&row->gross_loss, t->pnl, sign);
    }
}

// Executions.

bool result_is_execution(const TradeResult *r) { return r->state != TRADE_RESULT__STATE__failed; }

bool relative_slippage(int64_t executed, int64_t requested, bool buy, int64_t *out) {
    decimal_t off;
    if (requested <= 0 || !decimal_sub(D(executed), D(requested), &off) ||
        !decimal_div(off, D(requested), ROUND_HALF_EVEN, &off))
        return false;
    if (off.e8 > INT64_MAX / BPS_OF_RELATIVE || off.e8 < INT64_MIN / BPS_OF_RELATIVE) return false;
    *out = buy ? off.e8 : decimal_neg(off).e8;
    return true;
}

bool result_slippage(const TradeResult *r, int64_t *out) {
    if (!r->has_slippage || !r->has_execution_price || !r->has_requested_price) return false;
    return relative_slippage(r->execution_price, r->requested_price,
                             r->direction != SIGNAL__DIRECTION__sell, out);
}

static void count_value(struct histogram *h, int64_t value, int sign) {
    if (sign > 0)
        histogram_add(h, value);
    else
        histogram_take(h, value);
}

// The worst is the worst that was ever told: a correction does not take it back.
static void count_slippage(struct performance *self, int64_t relative, int sign) {
    AccountPerformance *row = &self->row;
    int64_t bps = relative * BPS_OF_RELATIVE;
    count_value(&self->histograms[SLIPPAGE], relative, sign);
    add_to_sum(&row->slippage_sum, bps, sign);
    if (sign < 0 || (row->has_slippage_worst && row->slippage_worst >= bps)) return;
    row->has_slippage_worst = true;
    row->slippage_worst = bps;
}

// 0: not known.
static void count_latency(struct performance *self, enum measure measure, uint64_t us, int sign) {
    if (us) count_value(&self->histograms[measure], us > INT64_MAX ? INT64_MAX : (int64_t)us, sign);
}

void performance_execution(struct performance *self, const TradeResult *r, const ResultMetrics *m,
                           int sign) {
    AccountPerformance *row = &self->row;
    int64_t slippage;
    if (!result_is_execution(r)) return;
    change_counter(&row->executions, sign);
    add_to_sum(&row->lots, r->lot_size, sign);
    add_to_sum(&row->pnl, r->pnl, sign);
    add_to_sum(&row->commission, r->commission, sign);
    add_to_sum(&row->fees, r->fees, sign);
    if (result_slippage(r, &slippage)) count_slippage(self, slippage, sign);
    if (!m) return;
    count_latency(self, EXECUTION_LATENCY, m->execution_latency_us, sign);
    count_latency(self, BROKER_LATENCY, m->broker_latency_us, sign);
    count_latency(self, NETWORK_LATENCY, m->network_latency_us, sign);
}

void performance_settle(struct performance *self) {
    AccountPerformance *row = &self->row;
    int64_t fall;
    row->net_pnl = row->pnl;
    add_to_sum(&row->net_pnl, row->commission, -1);
    add_to_sum(&row->net_pnl, row->fees, -1);
    if (row->net_pnl > row->peak_pnl) row->peak_pnl = row->net_pnl;
    fall = row->peak_pnl;
    add_to_sum(&fall, row->net_pnl, -1);
    if (fall > row->max_drawdown) row->max_drawdown = fall;
}

void performance_add_amount(int64_t *sum, int64_t amount) { add_to_sum(sum, amount, 1); }

// The columns that follow.

// a / b, to four decimals (half even). False: b is 0.
static protobuf_c_boolean compute_share(uint64_t a, uint64_t b, int64_t *out) {
    decimal_t d;
    if (!b || !decimal_div(D((int64_t)a), D((int64_t)b), ROUND_HALF_EVEN, &d)) return false;
    if (!decimal_to_step(d, D(DECIMAL_SCALE / 10000), ROUND_HALF_EVEN, &d)) return false;
    *out = d.e8;
    return true;
}

// sum / n, to eight decimals (half even). False: n is 0.
static protobuf_c_boolean compute_mean(int64_t sum, uint64_t n, int64_t *out) {
    decimal_t d;
    if (!n || n > INT64_MAX / DECIMAL_SCALE ||
        !decimal_div(D(sum), DECIMAL_INT((int64_t)n), ROUND_HALF_EVEN, &d))
        return false;
    *out = d.e8;
    return true;
}

static protobuf_c_boolean compute_latency_share(const struct performance *self,
                                                enum measure measure, unsigned share_percent,
                                                uint64_t *out) {
    int64_t us;
    if (!histogram_percentile(&self->histograms[measure], share_percent, &us)) return false;
    *out = (uint64_t)us;
    return true;
}

static protobuf_c_boolean slippage(const struct performance *self, unsigned share_percent,
                                   int64_t *out) {
    int64_t relative;
    if (!histogram_percentile(&self->histograms[SLIPPAGE], share_percent, &relative)) return false;
    *out = relative * BPS_OF_RELATIVE;
    return true;
}

static void finish_percentiles(struct performance *self) {
    AccountPerformance *row = &self->row;
    row->has_slippage_mean =
        compute_mean(row->slippage_sum, self->histograms[SLIPPAGE].total, &row->slippage_mean);
    row->has_slippage_p50 = slippage(self, 50, &row->slippage_p50);
    row->has_slippage_p95 = slippage(self, 95, &row->slippage_p95);
#define LATENCY(name, measure, percent)                                                            \
    row->has_##name##_p##percent =                                                                 \
        compute_latency_share(self, measure, percent, &row->name##_p##percent);
#define LATENCIES(name, measure)                                                                   \
    LATENCY(name, measure, 50) LATENCY(name, measure, 95) LATENCY(name, measure, 99)
    LATENCIES(execution_latency_us, EXECUTION_LATENCY)
    LATENCIES(broker_latency_us, BROKER_LATENCY)
    LATENCIES(network_latency_us, NETWORK_LATENCY)
#undef LATENCIES
#undef LATENCY
}

static void finish_histograms(struct performance *self, arena_t *arena) {
    buffer_t bytes = {0};
    for (size_t i = 0; i < MEASURES; i++) histogram_write(&self->histograms[i], &bytes);
    self->row.has_histograms = true;
    self->row.histograms = (ProtobufCBinaryData){bytes.length, arena_take(arena, bytes.length)};
    memcpy(self->row.histograms.data, bytes.data, bytes.length);
    buffer_destroy(&bytes);
}

void performance_finish(struct performance *self, uint64_t utc_ns, arena_t *arena) {
    AccountPerformance *row = &self->row;
    uint64_t decided = row->filled + row->rejected + row->cancelled + row->expired;
    decimal_t factor;
    row->has_fill_rate = compute_share(row->filled, decided, &row->fill_rate);
    row->has_rejection_rate = compute_share(row->rejected, decided, &row->rejection_rate);
    row->has_win_rate = compute_share(row->wins, row->wins + row->losses, &row->win_rate);
    row->has_average_win = compute_mean(row->gross_profit, row->wins, &row->average_win);
    row->has_average_loss = compute_mean(row->gross_loss, row->losses, &row->average_loss);
    row->has_profit_factor =
        row->gross_loss < 0 && decimal_div(D(row->gross_profit), decimal_neg(D(row->gross_loss)),
                                           ROUND_HALF_EVEN, &factor);
    if (row->has_profit_factor) row->profit_factor = factor.e8;
    finish_percentiles(self);
    finish_histograms(self, arena);
    row->updated_at = utc_ns;
}

bool performance_resume(struct performance *self, const AccountPerformance *stored) {
    char *id = self->row.account_id;
    struct span bytes = {stored->histograms.data,
                         stored->has_histograms ? stored->histograms.len : 0};
    self->row = *stored;
    self->row.account_id = id;
    self->row.n_rejections = 0;
    self->row.rejections = NULL;
    point_at_texts(self);
    for (size_t i = 0; i < stored->n_rejections; i++) {
        Rejections *r = find_reason(self, stored->rejections[i]->reason);
        if (!r) r = add_reason(self, stored->rejections[i]->reason);
        if (r) r->count = stored->rejections[i]->count;
    }
    for (size_t i = 0; i < MEASURES; i++)
        if (!histogram_read(&self->histograms[i], &bytes)) return false;
    return bytes.length == 0;
}

// Days put together.

static void add_rejection(struct performance *to, const Rejections *r) {
    Rejections *held = find_reason(to, r->reason);
    if (!held && r->count) held = add_reason(to, r->reason);
    if (held) held->count += r->count;
}

static void add_counts(AccountPerformance *to, const AccountPerformance *day) {
    to->orders += day->orders, to->filled += day->filled,
        to->partially_filled += day->partially_filled;
    to->rejected += day->rejected, to->cancelled += day->cancelled, to->expired += day->expired;
    to->closed += day->closed, to->wins += day->wins, to->losses += day->losses,
        to->executions += day->executions;
    add_to_sum(&to->gross_profit, day->gross_profit, 1);
    add_to_sum(&to->gross_loss, day->gross_loss, 1);
    add_to_sum(&to->lots, day->lots, 1);
    add_to_sum(&to->pnl, day->pnl, 1);
    add_to_sum(&to->commission, day->commission, 1);
    add_to_sum(&to->fees, day->fees, 1);
    add_to_sum(&to->slippage_sum, day->slippage_sum, 1);
    if (!day->has_slippage_worst ||
        (to->has_slippage_worst && to->slippage_worst >= day->slippage_worst))
        return;
    to->has_slippage_worst = true;
    to->slippage_worst = day->slippage_worst;
}

// The net so far may have had its peak within the day.
static void add_course(struct performance *to, const AccountPerformance *day) {
    int64_t peak = to->row.net_pnl;
    add_to_sum(&peak, day->peak_pnl, 1);
    if (peak > to->row.peak_pnl) to->row.peak_pnl = peak;
    if (day->max_drawdown > to->row.max_drawdown) to->row.max_drawdown = day->max_drawdown;
    performance_settle(to);
}

bool performance_add_day(struct performance *to, const AccountPerformance *day) {
    struct performance one;
    performance_init(&one, "", "", "");
    bool good = performance_resume(&one, day);
    if (good) {
        add_counts(&to->row, day);
        add_course(to, day);
        for (size_t i = 0; i < day->n_rejections; i++) add_rejection(to, day->rejections[i]);
        for (size_t i = 0; i < MEASURES; i++)
            histogram_merge(&to->histograms[i], &one.histograms[i]);
    }
    performance_destroy(&one);
    return good;
}
