// monitoring_print - the document of one symbol; pure.
// SPDX-License-Identifier: MIT
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "services/monitor/positions/monitoring.h"

#define OVERBOUGHT DECIMAL_INT(70)
#define OVERSOLD   DECIMAL_INT(30)

static void print_member(buffer_t *out, const char *name, int64_t e8) {
    char text[DECIMAL_TEXT];
    (void)decimal_print(D(e8), text);
    buffer_format(out, "\"%s\":%s", name, text);
}

// "1m", "5m", "1h", "30s"; of indicators that a source has posted nobody knows it: one minute.
static void print_bar_length(buffer_t *out, uint32_t length_s) {
    const uint32_t s = length_s ? length_s : 60;
    if (s % 3600 == 0)
        buffer_format(out, "%uh", s / 3600);
    else if (s % 60 == 0)
        buffer_format(out, "%um", s / 60);
    else
        buffer_format(out, "%us", s);
}

static void print_signal(buffer_t *out, const char *name, uint32_t length_s, int64_t value,
                         const char *signal) {
    buffer_format(out, "\"%s_", name);
    print_bar_length(out, length_s);
    buffer_text(out, "\":{");
    print_member(out, "value", value);
    buffer_format(out, ",\"signal\":\"%s\"}", signal);
}

static const char *rsi_signal(int64_t rsi) {
    if (decimal_cmp(D(rsi), OVERBOUGHT) >= 0) return "overbought";
    return decimal_cmp(D(rsi), OVERSOLD) <= 0 ? "oversold" : "neutral";
}

// The move grows while MACD is further from zero than its signal line, which comes after it.
static const char *macd_signal(const Indicators *in) {
    if (in->macd == in->macd_signal) return "neutral";
    const bool up = in->macd > in->macd_signal;
    return up == (in->macd > 0) ? "strengthening" : "weakening";
}

static wide_t level_distance(int64_t level, int64_t price) {
    const wide_t apart = (wide_t)level - price;
    return apart < 0 ? -apart : apart;
}

// The nearer of the bands: what is above the price holds it back, what is below it holds it up.
static void print_next_level(buffer_t *out, const Indicators *in, int64_t price) {
    const bool upper =
        level_distance(in->bollinger_upper, price) <= level_distance(in->bollinger_lower, price);
    const int64_t level = upper ? in->bollinger_upper : in->bollinger_lower;
    buffer_text(out, "\"support_resistance\":{");
    print_member(out, "next_level", level);
    buffer_format(out, ",\"type\":\"%s\"}", level > price ? "resistance" : "support");
}

static void print_technical_signals(buffer_t *out, const Indicators *in, int64_t price) {
    const size_t empty = out->length;
    if (in->has_rsi_14) print_signal(out, "rsi", in->bar_s, in->rsi_14, rsi_signal(in->rsi_14));
    if (in->has_macd && in->has_macd_signal) {
        if (out->length != empty) buffer_text(out, ",");
        print_signal(out, "macd", in->bar_s, in->macd, macd_signal(in));
    }
    if (in->has_bollinger_upper && in->has_bollinger_lower && price > 0) {
        if (out->length != empty) buffer_text(out, ",");
        print_next_level(out, in, price);
    }
}

// How far it is from the price there, of the price, to a tenth of a percent.
static void print_target(buffer_t *out, const char *name, int64_t level, int64_t price) {
    buffer_format(out, ",\"%s\":{", name);
    print_member(out, "value", level);
    if (price > 0) {
        const wide_t tenths =
            wide_divide(level_distance(level, price) * 1000, price, ROUND_HALF_EVEN);
        buffer_format(out, ",\"distance\":\"%lld.%d%%\"", (long long)(tenths / 10),
                      (int)(tenths % 10));
    }
    buffer_text(out, "}");
}

static void print_time_in_trade(buffer_t *out, uint64_t entered_at, uint64_t now) {
    const uint64_t s = now > entered_at ? (now - entered_at) / NS_PER_S : 0;
    buffer_format(out, ",\"time_in_trade\":\"%02llu:%02u:%02u\"", (unsigned long long)(s / 3600),
                  (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

void monitoring_print(const ActivePosition *position, const Indicators *in, uint64_t now,
                      buffer_t *out) {
    char time[TIME_TEXT];
    buffer_text(out, "{\"technical_signals\":{");
    if (in) print_technical_signals(out, in, position->current_price);
    buffer_text(out, "}");
    if (position->has_take_profit)
        print_target(out, "profit_target", position->take_profit, position->current_price);
    if (position->has_stop_loss)
        print_target(out, "stop_loss", position->stop_loss, position->current_price);
    if (position->has_entry_time) print_time_in_trade(out, position->entry_time, now);
    (void)time_print(now, time);
    buffer_format(out, ",\"timestamp\":\"%s\"}", time);
}
