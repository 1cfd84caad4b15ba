// report_chart - a course over time, and how values spread, as SVG.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "cli/archive/report.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"

// The picture in its own units; the page scales it.
#define WIDTH  900
#define HEIGHT 260
#define LEFT   96
#define RIGHT  16
#define TOP    14
#define BOTTOM 30
#define BARS   40
#define LABELS 5 // of the times
#define STEPS  5 // of the values, at most

struct scale {
    int64_t least, most; // values; most > least
    uint64_t from, to;   // times
};

static int get_plot_width(void) { return WIDTH - LEFT - RIGHT; }
static int get_plot_height(void) { return HEIGHT - TOP - BOTTOM; }

static int compute_chart_y(const struct scale *s, int64_t value) {
    return TOP +
           (int)(((__int128)s->most - value) * get_plot_height() / ((__int128)s->most - s->least));
}

static int column_of(const struct scale *s, uint64_t at) {
    return s->to > s->from ? (int)((unsigned __int128)(at - s->from) * (unsigned)get_plot_width() /
                                   (s->to - s->from))
                           : 0;
}

// The step of 1, 2 or 5 times a power of ten at which at most STEPS lines are drawn.
static int64_t step_of(int64_t least, int64_t most) {
    static const int64_t leads[] = {1, 2, 5};
    __int128 span = (__int128)most - least;
    for (int64_t unit = 1; unit < INT64_MAX / 50; unit *= 10)
        for (size_t i = 0; i < 3; i++)
            if (span / (unit * leads[i]) < STEPS) return unit * leads[i];
    return INT64_MAX / 5;
}

static void open_svg(buffer_t *out, const char *title) {
    buffer_format(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH,
                  HEIGHT, title);
}

static void draw_lines(const struct scale *s, buffer_t *out) {
    char text[DECIMAL_TEXT];
    int64_t step = step_of(s->least, s->most), first = s->least / step * step;
    for (__int128 v = first; v <= s->most; v += step) {
        if (v < s->least) continue;
        int y = compute_chart_y(s, (int64_t)v);
        decimal_print(D((int64_t)v), text);
        buffer_format(out,
                      "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/><text "
                      "class=\"value\" x=\"%d\" y=\"%d\">%s</text>\n",
                      v == 0 ? "zero" : "grid", LEFT, WIDTH - RIGHT, y, y, LEFT - 8, y + 4, text);
    }
}

static void draw_times(const struct scale *s, buffer_t *out) {
    char text[TIME_TEXT];
    bool short_time = s->to - s->from < 3 * 86400 * NS_PER_S;
    for (unsigned i = 0; i < LABELS; i++) {
        uint64_t at = s->from + (s->to - s->from) / (LABELS - 1) * i;
        time_print(at / NS_PER_S * NS_PER_S, text);
        buffer_format(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">%.*s</text>\n",
                      i == 0            ? "first"
                      : i == LABELS - 1 ? "last"
                                        : "time",
                      LEFT + get_plot_width() * (int)i / (LABELS - 1), HEIGHT - 8,
                      short_time ? 5 : 10, short_time ? text + 11 : text);
    }
}

// A course.

// What a column of the picture shows of the points in it: where it comes from, its ends, where it
// leaves.
struct stroke {
    int64_t low, high, last;
    bool any;
};

static void add_stroke_value(struct stroke *s, int64_t value) {
    if (!s->any || value < s->low) s->low = value;
    if (!s->any || value > s->high) s->high = value;
    s->last = value;
    s->any = true;
}

static int64_t compute_chart_value(const struct point *p, bool drawdown, int64_t *peak) {
    if (p->net > *peak) *peak = p->net;
    return drawdown ? decimal_nearest((wide_t)p->net - *peak) : p->net;
}

static struct scale scale_of(const struct point *points, size_t n, bool drawdown,
                             struct stroke *strokes) {
    struct scale s = {0, 0, points[0].at, points[n - 1].at};
    int64_t peak = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t v = compute_chart_value(&points[i], drawdown, &peak);
        add_stroke_value(&strokes[column_of(&s, points[i].at)], v);
        if (v < s.least) s.least = v;
        if (v > s.most) s.most = v;
    }
    if (s.least == s.most) s.most = s.least + DECIMAL_SCALE;
    return s;
}

static void draw_course(const struct scale *s, const struct stroke *strokes, const char *kind,
                        buffer_t *out) {
    int zero = compute_chart_y(s, 0), y = zero;
    buffer_t line = {0};
    for (int x = 0; x <= get_plot_width(); x++) {
        const struct stroke *k = &strokes[x];
        if (!k->any) continue;
        buffer_format(&line, "L%d %d", LEFT + x, y); // nothing changed until then
        if (k->low != k->high)
            buffer_format(&line, "V%dV%d", compute_chart_y(s, k->low), compute_chart_y(s, k->high));
        y = compute_chart_y(s, k->last);
        buffer_format(&line, "V%d", y);
    }
    buffer_format(out, "<path class=\"%s area\" d=\"M%d %d%sH%dV%dZ\"/>\n", kind, LEFT, zero,
                  buffer_string(&line), LEFT + get_plot_width(), zero);
    buffer_format(out, "<path class=\"%s line\" d=\"M%d %d%sH%d\"/>\n", kind, LEFT, zero,
                  buffer_string(&line), LEFT + get_plot_width());
    buffer_destroy(&line);
}

void chart_course(const struct point *points, size_t n, bool drawdown, buffer_t *out) {
    struct stroke strokes[WIDTH + 1] = {0};
    if (!n) return;
    struct scale s = scale_of(points, n, drawdown, strokes);
    open_svg(out, drawdown ? "Drawdown over time" : "Net profit over time");
    draw_lines(&s, out);
    draw_times(&s, out);
    draw_course(&s, strokes, drawdown ? "fall" : "rise", out);
    buffer_text(out, "</svg>\n");
}

// A spread: from the first to the ninety-ninth percentile; what lies outside is in the outermost
// bars.

static void count_bars(const int64_t *values, size_t n, const struct scale *s,
                       uint64_t bars[static BARS]) {
    for (size_t i = 0; i < n; i++) {
        __int128 at = ((__int128)values[i] - s->least) * BARS / ((__int128)s->most - s->least);
        bars[at < 0 ? 0 : at >= BARS ? BARS - 1 : (int)at]++;
    }
}

static void draw_bar(unsigned i, uint64_t count, uint64_t most, const struct scale *s,
                     buffer_t *out) {
    char from[DECIMAL_TEXT];
    int left = LEFT + get_plot_width() * (int)i / BARS,
        right = LEFT + get_plot_width() * (int)(i + 1) / BARS;
    int tall = (int)((unsigned __int128)count * (unsigned)get_plot_height() / most);
    int64_t lower = s->least + (int64_t)(((__int128)s->most - s->least) * i / BARS);
    decimal_print(D(lower / 10000 * 10000), from);
    if (count && tall < 2) tall = 2;
    buffer_format(out,
                  "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"><title>from %s: "
                  "%llu</title></rect>\n",
                  lower < 0 ? "good" : "bad", left + 1, TOP + get_plot_height() - tall,
                  right - left - 2, tall, from, (unsigned long long)count);
}

void chart_spread(const int64_t *values, size_t n, buffer_t *out) {
    uint64_t bars[BARS] = {0}, most = 1;
    char text[DECIMAL_TEXT];
    if (!n) return;
    struct scale s = {values[n / 100], values[n - 1 - n / 100], 0, 0};
    if (s.least == s.most) s.least -= DECIMAL_SCALE / 2, s.most += DECIMAL_SCALE / 2;
    count_bars(values, n, &s, bars);
    for (unsigned i = 0; i < BARS; i++)
        if (bars[i] > most) most = bars[i];
    open_svg(out, "How slippage spreads");
    buffer_format(out, "<line class=\"zero\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n", LEFT,
                  WIDTH - RIGHT, TOP + get_plot_height(), TOP + get_plot_height());
    buffer_format(out, "<text class=\"value\" x=\"%d\" y=\"%d\">%llu</text>\n", LEFT - 8, TOP + 8,
                  (unsigned long long)most);
    for (unsigned i = 0; i < BARS; i++) draw_bar(i, bars[i], most, &s, out);
    for (unsigned i = 0; i < LABELS; i++) {
        int64_t v = s.least + (int64_t)(((__int128)s.most - s.least) * i / (LABELS - 1));
        decimal_print(D(v / 1000000 * 1000000), text);
        buffer_format(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n",
                      i == 0            ? "first"
                      : i == LABELS - 1 ? "last"
                                        : "time",
                      LEFT + get_plot_width() * (int)i / (LABELS - 1), HEIGHT - 8, text);
    }
    buffer_text(out, "</svg>\n");
}
