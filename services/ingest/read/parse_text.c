// parse_text - plain-text alerts: key=value lines or pairs, and the short form "BUY EURUSD 1.5
// @1.1234 sl=1.12 tp=1.13".
// SPDX-License-Identifier: MIT
#include <string.h>
#include <strings.h>

#include "common/base/utf8.h"
#include "services/ingest/read/fields.h"

// What is left to read.
struct text {
    const char *at, *end;
};

struct word {
    const char *text;
    size_t length;
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
static bool is_word_gap(char c) { return is_blank(c) || c == ',' || c == ';' || c == '\n'; }

static struct word trim_word(const char *from, const char *to) {
    while (from < to && is_word_gap(*from)) from++;
    while (to > from && is_word_gap(to[-1])) to--;
    return (struct word){from, (size_t)(to - from)};
}

// Quotes around a value are not part of it.
static struct word unquote_word(struct word w) {
    if (w.length >= 2 && w.text[0] == '"' && w.text[w.length - 1] == '"')
        return (struct word){w.text + 1, w.length - 2};
    return w;
}

// The next word: up to a gap, but a quoted part holds together. Empty at the end.
static struct word next_word(struct text *t) {
    while (t->at < t->end && is_word_gap(*t->at)) t->at++;
    const char *from = t->at;
    bool quoted = false;
    while (t->at < t->end && (quoted || !is_word_gap(*t->at))) quoted ^= *t->at++ == '"';
    return (struct word){from, (size_t)(t->at - from)};
}

static bool is_one_of(struct word w, const char *const words[]) {
    for (; *words; words++) {
        if (strlen(*words) == w.length && strncasecmp(*words, w.text, w.length) == 0) return true;
    }
    return false;
}

static bool build_text_field(struct builder *b, const char *name, struct word value) {
    return build_name(b, name, strlen(name)) &&
           build_value(b, FIELD_TEXT, value.text, value.length);
}

static bool put_pair(struct builder *b, struct word w) {
    const char *equals = w.length ? memchr(w.text, '=', w.length) : NULL;
    if (!equals) return build_fail(b, "a word without =");
    struct word name = trim_word(w.text, equals), value = trim_word(equals + 1, w.text + w.length);
    value = unquote_word(value);
    return build_name(b, name.text, name.length) &&
           build_value(b, FIELD_TEXT, value.text, value.length);
}

// A line with one = is a name and the rest of the line; with more of them it is pairs.
static bool put_line(struct builder *b, struct word line) {
    unsigned equals = 0;
    for (size_t i = 0; i < line.length; i++) equals += line.text[i] == '=';
    if (equals == 1) return put_pair(b, line);
    struct text t = {line.text, line.text + line.length};
    for (struct word w = next_word(&t); w.length; w = next_word(&t)) {
        if (!put_pair(b, w)) return false;
    }
    return true;
}

static bool put_lines(struct builder *b, struct text t) {
    while (t.at < t.end) {
        const char *stop = memchr(t.at, '\n', (size_t)(t.end - t.at));
        if (!stop) stop = t.end;
        struct word line = trim_word(t.at, stop);
        if (line.length && !put_line(b, line)) return false;
        t.at = stop < t.end ? stop + 1 : stop;
    }
    return true;
}

static const char *const actions[] = {"buy", "sell", "long", "short", "close", "exit", NULL};
static const char *const order_types[] = {"market", "limit", "stop", NULL};

static bool is_number(struct word w) {
    return (w.text[0] >= '0' && w.text[0] <= '9') ||
           ((w.text[0] == '-' || w.text[0] == '+' || w.text[0] == '.') && w.length > 1);
}

// action [order type] symbol [size] [@price] [order type] [name=value …]
static bool put_short(struct builder *b, struct text t) {
    if (!build_text_field(b, "direction", next_word(&t))) return false;
    bool symbol = false;
    for (struct word w = next_word(&t); w.length; w = next_word(&t)) {
        bool good;
        if (memchr(w.text, '=', w.length))
            good = put_pair(b, w);
        else if (is_one_of(w, order_types))
            good = build_text_field(b, "order_type", w);
        else if (w.text[0] == '@')
            good = build_text_field(b, "price", (struct word){w.text + 1, w.length - 1});
        else if (!symbol)
            good = symbol = build_text_field(b, "symbol", w);
        else if (is_number(w))
            good = build_text_field(b, "lot_size", w);
        else
            good = build_fail(
                b,
                "a word that is not understood: after BUY SYMBOL come lots, @price and key=value");
        if (!good) return false;
    }
    return true;
}

bool parse_text(struct builder *b, struct span body) {
    struct text t = {body.data, (const char *)body.data + body.length}, first = t;
    if (memchr(body.data, 0, body.length))
        return build_fail(b, "a text with a zero character in it");
    if (!utf8_is_valid(body.data, body.length)) return build_fail(b, "a text that is not UTF-8");
    if (!build_begin(b, true)) return false;
    bool good = is_one_of(next_word(&first), actions) ? put_short(b, t) : put_lines(b, t);
    return good && build_end(b);
}
