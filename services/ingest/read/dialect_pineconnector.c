// dialect_pineconnector - PineConnector's comma-separated text.
// SPDX-License-Identifier: MIT
//
// "id,command,symbol,key=value,…": one id, one command, one symbol, in this order; then keys in any
// order. What risk=, sl=, tp= and price= are is a setting of the source, as it is one of the
// receiver there. A pip is `points_per_pip` points.
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "common/base/id.h"
#include "common/base/utf8.h"
#include "services/ingest/read/dialect.h"

// What of a command's keys make sense with it.
enum use {
    ENTRY = 1,
    PENDING = 2,
    MODIFY = 4,
    CLOSE = 8,
    CLOSE_LOTS = 16,
    CLOSE_PERCENT = 32,
    CANCEL = 64
};
#define ENTRIES (ENTRY | PENDING)
#define SIZED   (ENTRIES | CLOSE_LOTS | CLOSE_PERCENT)

#define TWO_ALERTS "is two orders in one: send two alerts, the close first"
#define ONE_SIDE                                                                                   \
    "changes one kind of pending orders only, which cannot be said here: cancel them and place "   \
    "them anew"

// Every command, in any case: what it becomes; or `refused`, why not.
static const struct command {
    const char *name;
    unsigned use;
    const char *direction, *order_type, *side;
    const char *refused;
} commands[] = {
    {"buy", ENTRY, "buy", "market", NULL, NULL},
    {"long", ENTRY, "buy", "market", NULL, NULL},
    {"bull", ENTRY, "buy", "market", NULL, NULL},
    {"bullish", ENTRY, "buy", "market", NULL, NULL},
    {"sell", ENTRY, "sell", "market", NULL, NULL},
    {"short", ENTRY, "sell", "market", NULL, NULL},
    {"bear", ENTRY, "sell", "market", NULL, NULL},
    {"bearish", ENTRY, "sell", "market", NULL, NULL},
    {"buystop", PENDING, "buy", "stop", NULL, NULL},
    {"buylimit", PENDING, "buy", "limit", NULL, NULL},
    {"sellstop", PENDING, "sell", "stop", NULL, NULL},
    {"selllimit", PENDING, "sell", "limit", NULL, NULL},
    {"closelong", CLOSE, "close_long", NULL, NULL, NULL},
    {"closeshort", CLOSE, "close_short", NULL, NULL, NULL},
    {"closelongshort", CLOSE, "close", NULL, NULL, NULL},
    {"closelongvol", CLOSE_LOTS, "close_long", NULL, NULL, NULL},
    {"closeshortvol", CLOSE_LOTS, "close_short", NULL, NULL, NULL},
    {"closelongpct", CLOSE_PERCENT, "close_long", NULL, NULL, NULL},
    {"closeshortpct", CLOSE_PERCENT, "close_short", NULL, NULL, NULL},
    {"closeall", CLOSE, "flat", NULL, NULL, NULL}, // of every symbol, whichever it names
    {"cancellong", CANCEL, "cancel", NULL, "long", NULL},
    {"cancelshort", CANCEL, "cancel", NULL, "short", NULL},
    {"newsltplong", MODIFY, "modify", NULL, "long", NULL},
    {"newsltpshort", MODIFY, "modify", NULL, "short", NULL},
    {"newsltpbuystop", 0, NULL, NULL, NULL, ONE_SIDE},
    {"newsltpbuylimit", 0, NULL, NULL, NULL, ONE_SIDE},
    {"newsltpsellstop", 0, NULL, NULL, NULL, ONE_SIDE},
    {"newsltpselllimit", 0, NULL, NULL, NULL, ONE_SIDE},
    {"closelongbuy", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"closelongsell", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"closeshortbuy", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"closeshortsell", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"closelongopenlong", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"closelongopenshort", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"closeshortopenlong", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"closeshortopenshort", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"closelongshortopenlong", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"closelongshortopenshort", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cl+ol", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cl+os", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cs+ol", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cs+os", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cls+ol", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cls+os", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cancellongbuystop", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cancellongbuylimit", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cancelshortsellstop", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"cancelshortselllimit", 0, NULL, NULL, NULL, TWO_ALERTS},
    {"eaon", 0, NULL, NULL, NULL,
     "is not taken from an alert: tradecast resume lets a source trade again"},
    {"eaoff", 0, NULL, NULL, NULL, "is not taken from an alert: tradecast halt stops a source"},
    {"closealleaoff", 0, NULL, NULL, NULL,
     "is not taken from an alert: send closeall, and stop the source by tradecast halt"},
};

// Pips are points; a price is a price; a percentage is one of the entry price.
typedef void translate_fn(struct translation *t, const struct command *c, const struct field *f);

static void translate_risk(struct translation *t, const struct command *c, const struct field *f) {
    if (c->use == CLOSE_LOTS) return translation_put(t, f->name, "lot_size", f);
    if (c->use == CLOSE_PERCENT) return translation_put(t, f->name, "close_percent", f);
    switch (t->source->risk_is) {
    case SIGNAL_CONFIG__RISK__lots:
        return translation_put(t, f->name, "lot_size", f);
    case SIGNAL_CONFIG__RISK__cash:
        return translation_put(t, f->name, "risk_amount", f);
    case SIGNAL_CONFIG__RISK__percent_loss:
        return translation_put(t, f->name, "risk_percent", f);
    case SIGNAL_CONFIG__RISK__percent_margin:
        return translation_put(t, f->name, "margin_percent", f);
    // 1 is 0.1 lots for each 1000 of the balance: a lot of somebody who has 10000
    case SIGNAL_CONFIG__RISK__percent_lots:
        translation_put(t, f->name, "lot_size", f);
        return translation_put_text(t, "risk", "provider_balance", "10000");
    case _SIGNAL_CONFIG__RISK_IS_INT_SIZE:
        break;
    }
}

static void translate_distance(struct translation *t, const struct field *f,
                               SignalConfig__Distance is, const char *const as[3]) {
    switch (is) {
    case SIGNAL_CONFIG__DISTANCE__price:
        return translation_put(t, f->name, as[0], f);
    case SIGNAL_CONFIG__DISTANCE__pips:
        return translation_put_times(t, f->name, as[1], f, t->source->points_per_pip);
    case SIGNAL_CONFIG__DISTANCE__percent:
        return translation_put(t, f->name, as[2], f);
    case _SIGNAL_CONFIG__DISTANCE_IS_INT_SIZE:
        break;
    }
}

static const char *const stop_loss[] = {"stop_loss", "stop_loss_points", "stop_loss_percent"};
static const char *const take_profit[] = {"take_profit", "take_profit_points",
                                          "take_profit_percent"};

#define DEFINE_TRANSLATE(fn)                                                                       \
    static void fn(struct translation *t, const struct command *c, const struct field *f)
#define PIPS(fn, as)                                                                               \
    DEFINE_TRANSLATE(fn) {                                                                         \
        (void)c, translation_put_times(t, f->name, as, f, t->source->points_per_pip);              \
    }
#define AS_IT_IS(fn, as)                                                                           \
    DEFINE_TRANSLATE(fn) { (void)c, translation_put(t, f->name, as, f); }

DEFINE_TRANSLATE(translate_sl) { (void)c, translate_distance(t, f, t->source->sl_is, stop_loss); }
DEFINE_TRANSLATE(translate_sl_price) {
    (void)c, translate_distance(t, f, SIGNAL_CONFIG__DISTANCE__price, stop_loss);
}
DEFINE_TRANSLATE(translate_sl_pips) {
    (void)c, translate_distance(t, f, SIGNAL_CONFIG__DISTANCE__pips, stop_loss);
}
DEFINE_TRANSLATE(translate_sl_percent) {
    (void)c, translate_distance(t, f, SIGNAL_CONFIG__DISTANCE__percent, stop_loss);
}
DEFINE_TRANSLATE(translate_tp) { (void)c, translate_distance(t, f, t->source->tp_is, take_profit); }
DEFINE_TRANSLATE(translate_tp_price) {
    (void)c, translate_distance(t, f, SIGNAL_CONFIG__DISTANCE__price, take_profit);
}
DEFINE_TRANSLATE(translate_tp_pips) {
    (void)c, translate_distance(t, f, SIGNAL_CONFIG__DISTANCE__pips, take_profit);
}
DEFINE_TRANSLATE(translate_tp_percent) {
    (void)c, translate_distance(t, f, SIGNAL_CONFIG__DISTANCE__percent, take_profit);
}
AS_IT_IS(translate_price, "price")
AS_IT_IS(translate_lots, "lot_size")
AS_IT_IS(translate_cash, "risk_amount")
AS_IT_IS(translate_loss, "risk_percent")
AS_IT_IS(translate_margin, "margin_percent")
PIPS(translate_be_trigger, "break_even_trigger")
PIPS(translate_be_offset, "break_even_offset")
PIPS(translate_trail_trigger, "trail_trigger")
PIPS(translate_trail_distance, "trail_distance")
PIPS(translate_trail_step, "trail_step")
DEFINE_TRANSLATE(translate_comment) { (void)c, translation_keep(t, f); }

DEFINE_TRANSLATE(translate_secret) {
    (void)c;
    char hash[65];
    const char *held = t->source->secret_hash;
    token_hash(f->text, f->length, hash);
    if (t->secrets++)
        translation_refuse(t, f->name, "twice", "is given twice");
    else if (!held)
        translation_refuse(t, f->name, "not_known",
                           "is given, but this source has no secret to hold it against");
    else if (sodium_memcmp(hash, held, 64) != 0)
        translation_refuse(t, f->name, "wrong_secret", "is not this source's secret");
}

#define NO_ATR                                                                                     \
    "is of an ATR trailing stop, which is not known here: traildist, trailtrig and trailstep are"
#define NO_MARKET                                                                                  \
    "is a distance from the market, which differs between brokers: send price= as a price"

// Every key, in any case: what it becomes, and with which commands; or `refused`, why not.
static const struct key {
    const char *name;
    unsigned use;
    translate_fn *take;
    const char *refused;
} keys[] = {
    {"risk", SIZED, translate_risk, NULL},
    {"vol_lots", SIZED & ~CLOSE_PERCENT, translate_lots, NULL},
    {"vol_dollar", ENTRIES, translate_cash, NULL},
    {"vol_pct_bal_loss", ENTRIES, translate_loss, NULL},
    {"vol_pct_bal_margin", ENTRIES, translate_margin, NULL},
    {"vol_pct_eq_loss", 0, NULL,
     "is a share of the equity: size the subscription by equity_percent"},
    {"price", PENDING, translate_price, NULL},
    {"entry_price", PENDING, translate_price, NULL},
    {"entry_pips", 0, NULL, NO_MARKET},
    {"entry_pct", 0, NULL, NO_MARKET},
    {"pending", 0, NULL, NO_MARKET},
    {"sl", ENTRIES | MODIFY, translate_sl, NULL},
    {"sl_price", ENTRIES | MODIFY, translate_sl_price, NULL},
    {"sl_pips", ENTRIES | MODIFY, translate_sl_pips, NULL},
    {"sl_pct", ENTRIES | MODIFY, translate_sl_percent, NULL},
    {"tp", ENTRIES | MODIFY, translate_tp, NULL},
    {"tp_price", ENTRIES | MODIFY, translate_tp_price, NULL},
    {"tp_pips", ENTRIES | MODIFY, translate_tp_pips, NULL},
    {"tp_pct", ENTRIES | MODIFY, translate_tp_percent, NULL},
    {"betrigger", ENTRIES, translate_be_trigger, NULL},
    {"beoffset", ENTRIES, translate_be_offset, NULL},
    {"trailtrig", ENTRIES, translate_trail_trigger, NULL},
    {"traildist", ENTRIES, translate_trail_distance, NULL},
    {"trailstep", ENTRIES, translate_trail_step, NULL},
    {"atrtimeframe", 0, NULL, NO_ATR},
    {"atrperiod", 0, NULL, NO_ATR},
    {"atrmultiplier", 0, NULL, NO_ATR},
    {"atrshift", 0, NULL, NO_ATR},
    {"atrtrigger", 0, NULL, NO_ATR},
    {"spread", 0, NULL,
     "is a rule of the account here: risk.max_spread_points in its configuration"},
    {"accfilter", 0, NULL, "is a rule of the account here: see risk in its configuration"},
    {"comment", ~0u, translate_comment, NULL},
    {"secret", ~0u, translate_secret, NULL},
};

// Reading.

struct piece {
    const char *text;
    size_t length;
};

static bool is_piece_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static struct piece trim_piece(const char *from, const char *to) {
    while (from < to && is_piece_space(*from)) from++;
    while (to > from && is_piece_space(to[-1])) to--;
    return (struct piece){from, (size_t)(to - from)};
}

// The text up to the next comma that is not within quotes; *at moves behind it, to NULL at the end.
static struct piece next_piece(const char **at, const char *end) {
    const char *from = *at, *stop = from;
    bool quoted = false;
    if (!from) return (struct piece){"", 0};
    while (stop < end && (quoted || *stop != ',')) quoted ^= *stop++ == '"';
    *at = stop < end ? stop + 1 : NULL;
    return trim_piece(from, stop);
}

struct span pineconnector_license(struct span body) {
    const char *at = body.data, *end = at + body.length;
    struct piece p = body.length ? next_piece(&at, end) : (struct piece){"", 0};
    return (struct span){p.text, p.length};
}

static char *copy_piece_text(struct translation *t, struct piece p) {
    char *text = arena_take(t->arena, p.length + 1);
    memcpy(text, p.text, p.length);
    text[p.length] = 0;
    return text;
}

static struct field field_of(struct translation *t, const char *name, struct piece value) {
    return (struct field){
        name, copy_piece_text(t, value), (uint32_t)strlen(name), (uint32_t)value.length, FIELD_TEXT,
        NULL};
}

static const struct command *find_pine_command(const char *name) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcasecmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}

static const struct key *find_key(const char *name) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcasecmp(keys[i].name, name) == 0) return &keys[i];
    return NULL;
}

static bool is_field_sent(const struct translation *t, const char *name) {
    for (size_t i = 0; i < t->sent.n; i++)
        if (strcasecmp(t->sent.items[i].name, name) == 0) return true;
    return false;
}

static void translate_key(struct translation *t, const struct command *c, const struct field *f) {
    const struct key *k = find_key(f->name);
    if (!k)
        return translation_refuse(t, f->name, "not_known",
                                  "is no key of PineConnector's that is known here");
    if (k->refused) return translation_refuse(t, f->name, "not_supported", k->refused);
    if (!(k->use & c->use))
        return translation_refuse(t, f->name, "not_allowed", "says nothing with this command");
    if (!f->length) return translation_refuse(t, f->name, "required", "has no value");
    k->take(t, c, f);
}

static struct piece unquote_piece(struct piece p) {
    if (p.length >= 2 && p.text[0] == '"' && p.text[p.length - 1] == '"')
        return (struct piece){p.text + 1, p.length - 2};
    return p;
}

static void read_pair(struct translation *t, const struct command *c, struct piece p,
                      struct span license) {
    const char *equals = p.length ? memchr(p.text, '=', p.length) : NULL, *end = p.text + p.length;
    if (!p.length)
        return translation_refuse(t, "message", "bad_form",
                                  "has two commas with nothing between them");
    struct piece name = trim_piece(p.text, equals ? equals : end);
    if (text_holds(p.text, p.length, license))
        return translation_refuse(t, "message", "secret", "must hold the id at its beginning only");
    if (!name.length || name.length > FIELD_NAME_MAX)
        return translation_refuse(t, "message", "bad_form", "has a key of no or over 64 bytes");
    struct field f =
        field_of(t, copy_piece_text(t, name),
                 equals ? unquote_piece(trim_piece(equals + 1, end)) : (struct piece){"", 0});
    if (!equals)
        return translation_refuse(
            t, f.name, "bad_form",
            "is a word without =; there is one id, one command and one symbol");
    if (is_field_sent(t, f.name)) return translation_refuse(t, f.name, "twice", "is given twice");
    if (!name_is_secret(f.name, f.name_length)) translation_sent(t, &f);
    if (c && !c->refused) translate_key(t, c, &f);
}

static const struct command *find_sent_command(struct translation *t, const struct field *f) {
    const struct command *c = find_pine_command(f->text);
    translation_sent(t, f);
    if (!c)
        translation_refuse(t, f->text, "not_known",
                           "is no command of PineConnector's that is known here");
    else if (c->refused)
        translation_refuse(t, c->name, "not_supported", c->refused);
    if (!c || c->refused) return c;
    translation_put_text(t, "command", "direction", c->direction);
    if (c->order_type) translation_put_text(t, "command", "order_type", c->order_type);
    if (c->side) translation_put_text(t, "command", "position_side", c->side);
    return c;
}

static void translate_symbol(struct translation *t, const struct command *c,
                             const struct field *f) {
    translation_sent(t, f);
    if (c && c->direction && strcmp(c->direction, "flat") == 0)
        translation_put_text(t, f->name, "symbol", "*");
    else
        translation_put(t, f->name, "symbol", f);
}

static void check_whole(struct translation *t, const struct command *c) {
    if (!c || c->refused) return;
    if (t->source->secret_hash && !t->secrets)
        translation_refuse(t, "secret", "required", "is required by this source");
    bool sized = c->use & (CLOSE_LOTS | CLOSE_PERCENT);
    if (sized && !is_field_sent(t, "risk") && !is_field_sent(t, "vol_lots"))
        translation_refuse(t, "risk", "required", "is required: how much to close");
}

err_t dialect_pineconnector(struct translation *t, struct span body, const char **why) {
    const char *at = body.data, *end = at + body.length;
    struct span license = pineconnector_license(body);
    *why = "must be id,command,symbol,key=value,…";
    if (!license.length || memchr(body.data, 0, body.length) ||
        !utf8_is_valid(body.data, body.length))
        return ERR_INPUT;
    (void)next_piece(&at, end);
    struct piece command = next_piece(&at, end), symbol = next_piece(&at, end);
    if (!command.length || !symbol.length || memchr(command.text, '=', command.length) ||
        memchr(symbol.text, '=', symbol.length))
        return ERR_INPUT;
    if (command.length > FIELD_NAME_MAX || text_holds(command.text, command.length, license) ||
        text_holds(symbol.text, symbol.length, license))
        return ERR_INPUT;
    struct field first = field_of(t, "command", command), second = field_of(t, "symbol", symbol);
    const struct command *c = find_sent_command(t, &first);
    translate_symbol(t, c, &second);
    while (at) read_pair(t, c, next_piece(&at, end), license);
    check_whole(t, c);
    return ERR_OK;
}
