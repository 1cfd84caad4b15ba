// report_html - the page: one file, nothing from elsewhere, values as they are.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "cli/archive/report.h"
#include "common/base/decimal.h"

static const char style[] =
    ":root{--ink:#1c2430;--soft:#657083;--line:#dfe4ea;--card:#fff;--page:#f4f6f8;--rise:#2563a8;--"
    "fall:#b3402f;--good:#2f8a5b;--bad:#"
    "c0682a}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#97a1b0;--line:#333b47;--card:#"
    "1c222b;--page:#12161c;--rise:#6ba6e8;"
    "--fall:#e07b6a;--good:#5cbd8b;--bad:#e09a5c}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 "
    "system-ui,-apple-system,'Segoe "
    "UI',sans-serif}"
    "main{max-width:1040px;margin:0 auto;padding:32px 20px "
    "64px}h1{font-size:26px;margin:0}h2{font-size:17px;margin:0 0 12px}"
    ".sub{color:var(--soft);margin:4px 0 24px}section{background:var(--card);border:1px solid "
    "var(--line);border-radius:10px;padding:18px "
    "20px;"
    "margin:0 0 "
    "18px;overflow-x:auto}dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));"
    "gap:14px;margin:0 0 18px}"
    "dl div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px "
    "16px}dt{color:var(--soft);font-size:13px}"
    "dd{margin:2px 0 "
    "0;font-size:20px;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:"
    "right;padding:6px 10px;"
    "border-bottom:1px solid "
    "var(--line);white-space:nowrap}th{color:var(--soft);font-weight:500;font-size:13px}th:first-"
    "child,td:first-child"
    "{text-align:left;white-space:normal;overflow-wrap:anywhere}tr:last-child "
    "td{border-bottom:0}.up{color:var(--good)}.down{color:var(--fall)}"
    "svg{width:100%;height:auto;display:block}svg "
    "text{font-size:12px;fill:var(--soft)}.value,.last{text-anchor:end}.time{text-anchor:middle}"
    ".grid{stroke:var(--line)}.zero{stroke:var(--soft)}.line{fill:none;stroke-width:1.5;stroke-"
    "linejoin:round}.rise.line{stroke:var(--rise)"
    "}"
    ".rise.area{fill:var(--rise);opacity:.12}.fall.line{stroke:var(--fall)}.fall.area{fill:var(--"
    "fall);opacity:.15}.good{fill:var(--good)}"
    ".bad{fill:var(--bad)}@media print{body{background:#fff}section,dl div{break-inside:avoid}}";

// Whatever it is, it is text.
static void add_html_text(buffer_t *out, const char *text) {
    for (const char *at = text; *at; at++) {
        const char *entity = *at == '&'    ? "&amp;"
                             : *at == '<'  ? "&lt;"
                             : *at == '>'  ? "&gt;"
                             : *at == '"'  ? "&quot;"
                             : *at == '\'' ? "&#39;"
                                           : NULL;
        if (entity)
            buffer_text(out, entity);
        else if ((unsigned char)*at >= 0x20)
            buffer_add(out, at, 1);
    }
}

static void print_amount(int64_t amount, char out[static DECIMAL_TEXT]) {
    decimal_print(D(amount), out);
}

// a / b to four decimals; "-" when b is 0.
static void print_ratio(int64_t a, int64_t b, char out[static DECIMAL_TEXT]) {
    decimal_t d;
    if (b && decimal_div(D(a), D(b), ROUND_HALF_EVEN, &d) &&
        decimal_to_step(d, D(DECIMAL_SCALE / 10000), ROUND_HALF_EVEN, &d))
        decimal_print(d, out);
    else
        memcpy(out, "-", 2);
}

static void print_percent(uint64_t a, uint64_t b, char out[static DECIMAL_TEXT]) {
    if (b)
        print_ratio((int64_t)a * 100, (int64_t)b, out);
    else
        memcpy(out, "-", 2);
}

static int64_t mean_slippage(const struct tally *t) {
    return t->slipped ? t->slippage / (int64_t)t->slipped : 0;
}

static const char *sign_class(int64_t amount) {
    return amount > 0 ? " class=\"up\"" : amount < 0 ? " class=\"down\"" : "";
}

static void add_tile(buffer_t *out, const char *name, const char *value, const char *class) {
    buffer_format(out, "<div><dt>%s</dt><dd%s>%s</dd></div>\n", name, class, value);
}

static void add_amount_tile(buffer_t *out, const char *name, const char *currency, int64_t amount,
                            const char *class) {
    char text[DECIMAL_TEXT];
    print_amount(amount, text);
    buffer_format(out, "<div><dt>%s, ", name);
    add_html_text(out, currency);
    buffer_format(out, "</dt><dd%s>%s</dd></div>\n", class, text);
}

static void add_tiles(const struct tally *t, const char *currency, buffer_t *out) {
    char text[DECIMAL_TEXT + 8];
    buffer_text(out, "<dl>\n");
    buffer_format(out, "<div><dt>Closed trades</dt><dd>%llu</dd></div>\n",
                  (unsigned long long)t->trades);
    add_amount_tile(out, "Net profit", currency, t->net, sign_class(t->net));
    print_percent(t->wins, t->wins + t->losses, text);
    add_tile(out, "Win rate, %", text, "");
    print_ratio(t->gross_profit, -t->gross_loss, text);
    add_tile(out, "Profit factor", text, "");
    add_amount_tile(out, "Largest drawdown", currency, t->drawdown, "");
    add_amount_tile(out, "Commission and fees", currency, t->costs, "");
    print_amount(mean_slippage(t) / 10000 * 10000, text);
    add_tile(out, "Mean slippage, bps", text, "");
    buffer_text(out, "</dl>\n");
}

static void add_tally_row(const struct part *p, buffer_t *out) {
    const struct tally *t = &p->tally;
    char rate[DECIMAL_TEXT], profit[DECIMAL_TEXT], loss[DECIMAL_TEXT], costs[DECIMAL_TEXT],
        net[DECIMAL_TEXT], factor[DECIMAL_TEXT];
    char fall[DECIMAL_TEXT], slip[DECIMAL_TEXT];
    print_percent(t->wins, t->wins + t->losses, rate);
    print_amount(t->gross_profit, profit);
    print_amount(t->gross_loss, loss);
    print_amount(t->costs, costs);
    print_amount(t->net, net);
    print_ratio(t->gross_profit, -t->gross_loss, factor);
    print_amount(t->drawdown, fall);
    print_amount(mean_slippage(t) / 10000 * 10000, slip);
    buffer_text(out, "<tr><td>");
    add_html_text(out, p->key);
    buffer_format(out,
                  "</td><td>%llu</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td%s>%s</"
                  "td><td>%s</td><td>%s</td><td>%s</td></tr>\n",
                  (unsigned long long)t->trades, rate, profit, loss, costs, sign_class(t->net), net,
                  factor, fall, slip);
}

static void add_division(report_data_t *data, enum division division, const char *name,
                         buffer_t *out) {
    const struct part *parts;
    size_t n = report_parts(data, division, &parts);
    buffer_format(out,
                  "<section><h2>By %s</h2><table><thead><tr><th>%c%s</th><th>Trades</th><th>Win "
                  "%%</th><th>Profit</th><th>Loss</th>"
                  "<th>Costs</th><th>Net</th><th>Factor</th><th>Drawdown</th><th>Slippage, "
                  "bps</th></tr></thead><tbody>\n",
                  name, name[0] - 32, name + 1);
    for (size_t i = 0; i < n; i++) add_tally_row(&parts[i], out);
    buffer_text(out, "</tbody></table></section>\n");
}

static void add_html_head(const struct report_words *words, buffer_t *out) {
    buffer_format(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\">"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">"
        "<title>tradecast: %.10s to %.10s</title><style>%s</style></head>\n<body><main><h1>Trading "
        "report</h1><p class=\"sub\">",
        words->since, words->until, style);
    add_html_text(out, words->of);
    buffer_format(out, ", trades closed from %s to before %s. Made %s by tradecast.", words->since,
                  words->until, words->made);
    buffer_text(out, "</p>\n");
}

static void add_charts(report_data_t *data, buffer_t *out) {
    const struct point *points;
    const int64_t *slippages;
    size_t n = report_points(data, &points), m = report_slippages(data, &slippages);
    buffer_text(out, "<section><h2>Net profit</h2>\n");
    chart_course(points, n, false, out);
    buffer_text(out, "</section>\n<section><h2>Drawdown</h2>\n");
    chart_course(points, n, true, out);
    buffer_text(out, "</section>\n");
    if (!m) return;
    buffer_text(
        out,
        "<section><h2>Slippage, basis points of the requested price; adverse is positive</h2>\n");
    chart_spread(slippages, m, out);
    buffer_text(out, "</section>\n");
}

static void add_part(const struct report_part *part, bool among_others, buffer_t *out) {
    if (among_others) {
        buffer_text(out, "<h2>");
        add_html_text(out, part->currency);
        buffer_text(out, "</h2>\n");
    }
    add_tiles(report_all(part->data), part->currency, out);
    add_charts(part->data, out);
    add_division(part->data, BY_STRATEGY, "strategy", out);
    add_division(part->data, BY_ACCOUNT, "account", out);
    add_division(part->data, BY_BROKER, "broker", out);
    add_division(part->data, BY_SYMBOL, "symbol", out);
}

void report_html(const struct report_part *parts, size_t n, const struct report_words *words,
                 buffer_t *out) {
    add_html_head(words, out);
    for (size_t i = 0; i < n; i++) add_part(&parts[i], n > 1, out);
    if (!n) buffer_text(out, "<section><h2>No trade was closed in this time.</h2></section>\n");
    buffer_text(out, "</main></body></html>\n");
}
