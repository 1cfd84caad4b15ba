// test_dialects - every command, key and field of the dialects is mapped or refused with its name;
// none is silently ignored.
// SPDX-License-Identifier: MIT
#include "common/base/decimal.h"
#include "services/ingest/read/dialect.h"
#include "services/ingest/read/names.h"
#include "services/ingest/rules/rules.h"
#include "services/ingest/rules/source_rules.h"
#include "tests/unit/ingest/world.h"

#define LICENSE "6012345678901"

struct settings {
    SignalConfig source;
    arena_t *arena;
};

static int set_up(void **state) {
    static struct settings s;
    s = (struct settings){.source = SIGNAL_CONFIG__INIT, .arena = arena_new(0)};
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    arena_destroy(&((struct settings *)*state)->arena);
    return 0;
}

// "direction=buy lot_size=0.1", or "!sl:not_supported" for each complaint.
static const char *told(const struct translation *t, arena_t *arena) {
    buffer_t out = {0};
    for (size_t i = 0; i < t->complaints.n; i++)
        buffer_format(&out, "%s!%s:%s", i ? " " : "", t->complaints.items[i].field,
                      t->complaints.items[i].code);
    for (size_t i = 0; i < t->ours.n && !t->complaints.n; i++) {
        const struct field *f = &t->ours.items[i];
        if (f->as && !*f->as)
            buffer_format(&out, "%s(%s)", out.length ? " " : "", f->name);
        else
            buffer_format(&out, "%s%s=%.*s", out.length ? " " : "", f->as ? f->as : f->name,
                          (int)f->length, f->text);
    }
    const char *text = arena_text(arena, buffer_string(&out));
    buffer_destroy(&out);
    return text;
}

static void pine(struct settings *s, const char *body, const char *wanted) {
    struct translation t;
    const char *why;
    translation_start(&t, &s->source, s->arena);
    const char *said = dialect_pineconnector(&t, span_of(body), &why) ? why : told(&t, s->arena);
    if (strcmp(said, wanted) != 0) fail_msg("%s\nis:  %s\nnot: %s", body, said, wanted);
    for (size_t i = 0; i < t.ours.n; i++) assert_null(strstr(t.ours.items[i].text, LICENSE));
    for (size_t i = 0; i < t.sent.n; i++) assert_null(strstr(t.sent.items[i].text, LICENSE));
}

static void every_command_of_pineconnector_is_mapped(void **state) {
    static const char *const cases[][2] = {
        {"buy,EURUSD,risk=0.1", "direction=buy order_type=market symbol=EURUSD lot_size=0.1"},
        {"long,EURUSD,risk=0.1", "direction=buy order_type=market symbol=EURUSD lot_size=0.1"},
        {"bull,EURUSD", "direction=buy order_type=market symbol=EURUSD"},
        {"BULLISH,EURUSD", "direction=buy order_type=market symbol=EURUSD"},
        {"sell,EURUSD", "direction=sell order_type=market symbol=EURUSD"},
        {"short,EURUSD", "direction=sell order_type=market symbol=EURUSD"},
        {"bear,EURUSD", "direction=sell order_type=market symbol=EURUSD"},
        {"bearish,EURUSD", "direction=sell order_type=market symbol=EURUSD"},
        {"buystop,EURUSD,price=1.2", "direction=buy order_type=stop symbol=EURUSD price=1.2"},
        {"buylimit,EURUSD,price=1.2", "direction=buy order_type=limit symbol=EURUSD price=1.2"},
        {"sellstop,EURUSD,price=1.2", "direction=sell order_type=stop symbol=EURUSD price=1.2"},
        {"selllimit,EURUSD,price=1.2", "direction=sell order_type=limit symbol=EURUSD price=1.2"},
        {"closelong,EURUSD", "direction=close_long symbol=EURUSD"},
        {"closeshort,EURUSD", "direction=close_short symbol=EURUSD"},
        {"closelongshort,EURUSD", "direction=close symbol=EURUSD"},
        {"closelongvol,EURUSD,risk=0.3", "direction=close_long symbol=EURUSD lot_size=0.3"},
        {"closeshortvol,EURUSD,vol_lots=0.3", "direction=close_short symbol=EURUSD lot_size=0.3"},
        {"closelongpct,EURUSD,risk=50", "direction=close_long symbol=EURUSD close_percent=50"},
        {"closeshortpct,EURUSD,risk=50", "direction=close_short symbol=EURUSD close_percent=50"},
        {"closeall,EURUSD", "direction=flat symbol=*"},
        {"cancellong,EURUSD", "direction=cancel position_side=long symbol=EURUSD"},
        {"cancelshort,EURUSD", "direction=cancel position_side=short symbol=EURUSD"},
        {"newsltplong,EURUSD,sl=20,tp=30", "direction=modify position_side=long symbol=EURUSD "
                                           "stop_loss_points=200 take_profit_points=300"},
        {"newsltpshort,EURUSD,sl_price=1.2",
         "direction=modify position_side=short symbol=EURUSD stop_loss=1.2"},
        {" buy , EURUSD , risk = 0.1 \r\n",
         "direction=buy order_type=market symbol=EURUSD lot_size=0.1"},
        {"closelongvol,EURUSD", "!risk:required"},
        {"closeshortpct,EURUSD", "!risk:required"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[200];
        snprintf(body, sizeof body, LICENSE ",%s", cases[i][0]);
        pine(*state, body, cases[i][1]);
    }
}

static void what_pineconnector_has_and_we_have_not_is_refused_by_name(void **state) {
    static const char *const commands[] = {
        "newsltpbuystop",
        "newsltpbuylimit",
        "newsltpsellstop",
        "newsltpselllimit",
        "closelongbuy",
        "closelongsell",
        "closeshortbuy",
        "closeshortsell",
        "closelongopenlong",
        "closelongopenshort",
        "closeshortopenlong",
        "closeshortopenshort",
        "closelongshortopenlong",
        "closelongshortopenshort",
        "cl+ol",
        "cl+os",
        "cs+ol",
        "cs+os",
        "cls+ol",
        "cls+os",
        "cancellongbuystop",
        "cancellongbuylimit",
        "cancelshortsellstop",
        "cancelshortselllimit",
        "eaon",
        "eaoff",
        "closealleaoff",
    };
    static const char *const keys[] = {"atrtimeframe", "atrperiod", "atrmultiplier",  "atrshift",
                                       "atrtrigger",   "spread",    "accfilter",      "entry_pips",
                                       "entry_pct",    "pending",   "vol_pct_eq_loss"};
    char body[200], wanted[200];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        snprintf(body, sizeof body, LICENSE ",%s,EURUSD,risk=1", commands[i]);
        snprintf(wanted, sizeof wanted, "!%s:not_supported", commands[i]);
        pine(*state, body, wanted);
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(body, sizeof body, LICENSE ",buystop,EURUSD,%s=1", keys[i]);
        snprintf(wanted, sizeof wanted, "!%s:not_supported", keys[i]);
        pine(*state, body, wanted);
    }
    pine(*state, LICENSE ",buyy,EURUSD", "!buyy:not_known");
    pine(*state, LICENSE ",buy,EURUSD,magic=1", "!magic:not_known");
    // a market order has no price to wait for
    pine(*state, LICENSE ",buy,EURUSD,price=1.2", "!price:not_allowed");
    pine(*state, LICENSE ",closelong,EURUSD,sl=5,risk=1", "!sl:not_allowed !risk:not_allowed");
    pine(*state, LICENSE ",newsltplong,EURUSD,traildist=5", "!traildist:not_allowed");
    pine(*state, LICENSE ",buy,EURUSD,risk=", "!risk:required");
    pine(*state, LICENSE ",buy,EURUSD,risk=1,RISK=2", "!RISK:twice");
    pine(*state, LICENSE ",buy,EURUSD,sell", "!sell:bad_form");
    pine(*state, LICENSE ",buy,EURUSD,,risk=1", "!message:bad_form");
    pine(*state, LICENSE ",buy,EURUSD,=1", "!message:bad_form");
    pine(*state, LICENSE ",buy,EURUSD,sl=ten", "!sl:not_a_number");
    pine(*state, LICENSE ",buy,EURUSD,sl=99999999999", "!sl:not_a_number");
    pine(*state, LICENSE ",buy,EURUSD,sl=92233720368", "!sl:out_of_range");
    pine(*state, LICENSE ",buy,EURUSD,comment=" LICENSE, "!message:secret");
    pine(*state, LICENSE ",buy,EURUSD,comment=\"a,b\"",
         "direction=buy order_type=market symbol=EURUSD (comment)");
}

static void what_has_not_the_form_is_not_decoded(void **state) {
    static const char *const bodies[] = {"",
                                         ",",
                                         ",buy,EURUSD",
                                         LICENSE,
                                         LICENSE ",buy",
                                         LICENSE ",buy,",
                                         LICENSE ",,EURUSD",
                                         LICENSE ",risk=1,EURUSD",
                                         LICENSE ",buy,risk=1",
                                         LICENSE ",buy," LICENSE,
                                         LICENSE "," LICENSE ",EURUSD",
                                         LICENSE ",buy,\xFF",
                                         "{\"symbol\":\"EURUSD\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        pine(*state, bodies[i], "must be id,command,symbol,key=value,…");
    struct span license = pineconnector_license(span_of(" " LICENSE " ,buy"));
    assert_int_equal(license.length, strlen(LICENSE));
    assert_int_equal(pineconnector_license((struct span){NULL, 0}).length, 0);
}

static void what_risk_sl_and_tp_are_is_a_setting_of_the_source(void **state) {
    struct settings *s = *state;
    static const struct {
        SignalConfig__Risk risk;
        SignalConfig__Distance sl, tp;
        uint32_t points;
        const char *wanted;
    } cases[] = {
        {SIGNAL_CONFIG__RISK__lots, SIGNAL_CONFIG__DISTANCE__pips, SIGNAL_CONFIG__DISTANCE__price,
         10, "lot_size=1.5 stop_loss_points=20.5 take_profit=3"},
        {SIGNAL_CONFIG__RISK__cash, SIGNAL_CONFIG__DISTANCE__percent, SIGNAL_CONFIG__DISTANCE__pips,
         1, "risk_amount=1.5 stop_loss_percent=2.05 take_profit_points=3"},
        {SIGNAL_CONFIG__RISK__percent_loss, SIGNAL_CONFIG__DISTANCE__price,
         SIGNAL_CONFIG__DISTANCE__percent, 10,
         "risk_percent=1.5 stop_loss=2.05 take_profit_percent=3"},
        {SIGNAL_CONFIG__RISK__percent_margin, SIGNAL_CONFIG__DISTANCE__pips,
         SIGNAL_CONFIG__DISTANCE__pips, 100,
         "margin_percent=1.5 stop_loss_points=205 take_profit_points=300"},
        {SIGNAL_CONFIG__RISK__percent_lots, SIGNAL_CONFIG__DISTANCE__pips,
         SIGNAL_CONFIG__DISTANCE__pips, 10,
         "lot_size=1.5 provider_balance=10000 stop_loss_points=20.5 take_profit_points=30"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char wanted[200];
        s->source.risk_is = cases[i].risk;
        s->source.sl_is = cases[i].sl;
        s->source.tp_is = cases[i].tp;
        s->source.points_per_pip = cases[i].points;
        snprintf(wanted, sizeof wanted, "direction=buy order_type=market symbol=EURUSD %s",
                 cases[i].wanted);
        pine(s, LICENSE ",buy,EURUSD,risk=1.5,sl=2.05,tp=3", wanted);
    }
    pine(s, LICENSE ",buy,EURUSD,vol_dollar=5,sl_pct=1,tp_price=2",
         "direction=buy order_type=market symbol=EURUSD risk_amount=5 stop_loss_percent=1 "
         "take_profit=2");
    s->source.points_per_pip = 10;
    pine(s, LICENSE ",sell,EURUSD,betrigger=20,beoffset=1,trailtrig=30,traildist=15,trailstep=0.5",
         "direction=sell order_type=market symbol=EURUSD break_even_trigger=200 "
         "break_even_offset=10 trail_trigger=300 trail_distance=150 "
         "trail_step=5");
}

static void a_secret_is_compared_and_kept_nowhere(void **state) {
    struct settings *s = *state;
    char hash[65];
    pine(s, LICENSE ",buy,EURUSD,secret=abcdefgh", "!secret:not_known");
    token_hash("abcdefgh", 8, hash);
    s->source.secret_hash = hash;
    pine(s, LICENSE ",buy,EURUSD,secret=abcdefgh", "direction=buy order_type=market symbol=EURUSD");
    pine(s, LICENSE ",buy,EURUSD,secret=abcdefgi", "!secret:wrong_secret");
    pine(s, LICENSE ",buy,EURUSD,secret=abcdefgh,secret=abcdefgh", "!secret:twice");
    pine(s, LICENSE ",buy,EURUSD", "!secret:required");
}

// TradersPost.

static void trader(struct settings *s, const char *body, const char *wanted) {
    struct translation t;
    struct document document;
    const char *why;
    translation_start(&t, &s->source, s->arena);
    assert_int_equal(document_read(span_of(body), s->arena, &document, &why), ERR_OK);
    dialect_traderspost(&t, &document.maps[0]);
    const char *said = told(&t, s->arena);
    if (strcmp(said, wanted) != 0) fail_msg("%s\nis:  %s\nnot: %s", body, said, wanted);
    assert_int_equal(t.sent.n, document.maps[0].n);
}

static void traderspost_actions_with_the_side_that_is_wanted(void **state) {
    static const char *const cases[][3] = {
        {"buy", NULL, "direction=buy lot_size=2"},
        {"buy", "bullish", "direction=buy (sentiment) lot_size=2"},
        {"buy", "long", "direction=buy (sentiment) lot_size=2"},
        {"buy", "flat", "direction=close_short (sentiment) (quantity)"},
        {"buy", "bearish", "direction=close_short (sentiment) lot_size=2"},
        {"sell", NULL, "direction=sell lot_size=2"},
        {"sell", "short", "direction=sell (sentiment) lot_size=2"},
        {"sell", "flat", "direction=close_long (sentiment) (quantity)"},
        {"sell", "long", "direction=close_long (sentiment) lot_size=2"},
        {"exit", NULL, "direction=close lot_size=2"},
        {"exit", "flat", "direction=close (sentiment) (quantity)"},
        {"cancel", NULL, "direction=cancel (quantity)"},
        {"add", "bullish", "direction=buy (sentiment) lot_size=2"},
        {"add", "short", "direction=sell (sentiment) lot_size=2"},
        {"add", NULL, "!sentiment:required"},
        {"add", "flat", "!sentiment:required"},
        {"Buy", NULL, "!action:not_allowed"},
        {"hold", "long", "!action:not_allowed"},
        {"buy", "up", "!sentiment:not_allowed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[300], wanted[200];
        snprintf(body, sizeof body, "{\"action\":\"%s\",\"quantity\":2%s%s%s,\"ticker\":\"AMD\"}",
                 cases[i][0], cases[i][1] ? ",\"sentiment\":\"" : "",
                 cases[i][1] ? cases[i][1] : "", cases[i][1] ? "\"" : "");
        snprintf(wanted, sizeof wanted, "%s%s", cases[i][2],
                 cases[i][2][0] == '!' ? "" : " symbol=AMD");
        trader(*state, body, wanted);
    }
    trader(*state, "{\"ticker\":\"AMD\"}", "!action:required");
}

#define WITH(fields) "{\"ticker\":\"AMD\",\"action\":\"buy\"," fields "}"
#define BUYS         "direction=buy "

static void every_field_of_traderspost_is_mapped_or_refused_by_name(void **state) {
    static const char *const cases[][2] = {
        {WITH("\"signalPrice\":143.12"), BUYS "price=143.12 symbol=AMD"},
        {WITH("\"price\":\"143.12\""), BUYS "price=143.12 symbol=AMD"},
        {WITH("\"price\":1,\"signalPrice\":2"), BUYS "price=2 (price) symbol=AMD"},
        {WITH("\"quantityType\":\"fixed_quantity\",\"quantity\":3"), BUYS "lot_size=3 symbol=AMD"},
        {WITH("\"quantityType\":\"risk_dollar_amount\",\"quantity\":3"),
         BUYS "risk_amount=3 symbol=AMD"},
        {WITH("\"quantityType\":\"dollar_amount\",\"quantity\":3"), "!quantityType:not_supported"},
        {WITH("\"quantityType\":\"percent_of_equity\",\"quantity\":3"),
         "!quantityType:not_supported"},
        {WITH("\"quantityType\":\"percent_of_position\",\"quantity\":3"),
         "!quantityType:not_allowed"},
        {WITH("\"quantityType\":\"lots\",\"quantity\":3"), "!quantityType:not_allowed"},
        {WITH("\"quantityType\":\"fixed_quantity\""), "!quantity:required"},
        {"{\"ticker\":\"AMD\",\"action\":\"exit\",\"quantityType\":\"percent_of_position\","
         "\"quantity\":50}",
         "direction=close close_percent=50 symbol=AMD"},
        {"{\"ticker\":\"AMD\",\"action\":\"exit\",\"quantityType\":\"risk_dollar_amount\","
         "\"quantity\":50}",
         "!quantityType:not_allowed"},
        {WITH("\"orderType\":\"market\""), BUYS "order_type=market symbol=AMD"},
        {WITH("\"orderType\":\"limit\",\"limitPrice\":1,\"price\":2"),
         BUYS "price=1 (price) order_type=limit symbol=AMD"},
        {WITH("\"orderType\":\"limit\",\"price\":2"), BUYS "price=2 order_type=limit symbol=AMD"},
        {WITH("\"orderType\":\"stop\",\"stopPrice\":1"), BUYS "price=1 order_type=stop symbol=AMD"},
        {WITH("\"orderType\":\"stop_limit\",\"stopPrice\":1,\"limitPrice\":2"),
         BUYS "price=1 limit_price=2 order_type=stop_limit symbol=AMD"},
        {WITH("\"orderType\":\"stop_limit\",\"stopPrice\":1"), "!limitPrice:required"},
        {WITH("\"orderType\":\"trailing_stop\",\"trailAmount\":1"),
         "!orderType:not_supported !trailAmount:not_supported"},
        {WITH("\"orderType\":\"fok\""), "!orderType:not_allowed"},
        {WITH("\"limitPrice\":1"), "!limitPrice:not_allowed"},
        {WITH("\"orderType\":\"limit\",\"limitPrice\":1,\"stopPrice\":1"),
         "!stopPrice:not_allowed"},
        {WITH("\"orderType\":\"stop\",\"limitPrice\":1,\"stopPrice\":1"),
         "!limitPrice:not_allowed"},
        {WITH("\"takeProfit\":{\"percent\":10},\"stopLoss\":{\"type\":\"stop\",\"percent\":5}"),
         BUYS "take_profit_percent=10 stop_loss_percent=5 symbol=AMD"},
        {WITH("\"takeProfit\":{\"amount\":10},\"stopLoss\":{\"amount\":5}"),
         BUYS "take_profit_distance=10 stop_loss_distance=5 symbol=AMD"},
        {WITH("\"takeProfit\":{\"limitPrice\":10},\"stopLoss\":{\"stopPrice\":\"5\"}"),
         BUYS "take_profit=10 stop_loss=5 symbol=AMD"},
        {WITH("\"takeProfit\":{\"pnlAmount\":10}"), "!takeProfit.pnlAmount:not_supported"},
        {WITH("\"takeProfit\":{\"price\":10}"), "!takeProfit.price:not_known"},
        {WITH("\"takeProfit\":10"), "!takeProfit:not_allowed"},
        {WITH("\"takeProfit\":[{\"percent\":10}]"), "!takeProfit:not_allowed"},
        {WITH("\"stopLoss\":{\"type\":\"trailing_stop\",\"trailPercent\":2}"),
         BUYS "trail_distance=2 exit_unit=percent symbol=AMD"},
        {WITH("\"stopLoss\":{\"type\":\"trailing stop\",\"amount\":2}"),
         BUYS "trail_distance=2 exit_unit=distance symbol=AMD"},
        {WITH("\"stopLoss\":{\"type\":\"trailing_stop\",\"trailAmount\":2,\"stopPrice\":90}"),
         BUYS "trail_distance=2 exit_unit=distance stop_loss=90 symbol=AMD"},
        {WITH("\"stopLoss\":{\"type\":\"trailing_stop\"}"), "!stopLoss.trailPercent:required"},
        {WITH("\"stopLoss\":{\"type\":\"trailing_stop\",\"trailPrice\":2,\"percent\":1}"),
         "!stopLoss.trailPrice:not_supported"},
        {WITH("\"stopLoss\":{\"type\":\"stop limit\",\"stopPrice\":2}"),
         "!stopLoss.type:not_supported"},
        {WITH("\"stopLoss\":{\"type\":\"stop_limit\",\"stopPrice\":2}"),
         "!stopLoss.type:not_supported"},
        {WITH("\"stopLoss\":{\"type\":\"x\"}"), "!stopLoss.type:not_allowed"},
        {WITH("\"stopLoss\":{\"limitPrice\":2}"), "!stopLoss.limitPrice:not_supported"},
        {WITH("\"stopLoss\":{\"pnlAmount\":2}"), "!stopLoss.pnlAmount:not_supported"},
        {WITH("\"time\":\"2025-01-01T00:00:00Z\",\"interval\":\"5\",\"extra\":{\"a\":1}"),
         BUYS "symbol=AMD timestamp=2025-01-01T00:00:00Z (interval) (extra)"},
        {WITH("\"timeInForce\":\"day\""), BUYS "symbol=AMD time_in_force=day"},
        // ours, but not theirs
        {WITH("\"lot_size\":7,\"sl\":1,\"close\":2"), BUYS "symbol=AMD (lot_size) (sl) (close)"},
        {WITH("\"cancel\":false,\"delay\":null"), BUYS "symbol=AMD (cancel) (delay)"},
        {WITH("\"cancel\":true"), "!cancel:not_supported"},
        {WITH("\"delay\":5"), "!delay:not_supported"},
        {WITH("\"test\":true"), "!test:not_supported"},
        {WITH("\"optionType\":\"call\",\"strikePrice\":1,\"expiration\":\"x\",\"intrinsicValue\":"
              "\"itm\""),
         "!optionType:not_supported !strikePrice:not_supported !expiration:not_supported "
         "!intrinsicValue:not_supported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        trader(*state, cases[i][0], cases[i][1]);
}

// Our own format, under other names.

static void a_source_may_have_its_own_names_for_our_fields(void **state) {
    struct settings *s = *state;
    FieldNames names = FIELD_NAMES__INIT;
    names.lot_size = (char *)"Qty_Total";
    names.price = (char *)"sl"; // their word, our meaning
    s->source.names = &names;
    struct document document;
    struct translation t;
    struct reading *r = arena_take(s->arena, sizeof *r);
    const char *why;
    assert_int_equal(
        document_read(
            span_of("{\"symbol\":\"EURUSD\",\"action\":\"buy\",\"qty_total\":3,\"sl\":1.5}"),
            s->arena, &document, &why),
        ERR_OK);
    translation_start(&t, &s->source, s->arena);
    dialect_tradecast(&t, &document.maps[0]);
    signal_of(&t.ours, span_of("0123456789"), s->arena, r);
    assert_int_equal(r->complaints.n, 0);
    assert_int_equal(r->signal.lot_size, 3 * DECIMAL_SCALE);
    assert_int_equal(r->signal.price, 150000000);
    assert_false(r->signal.has_stop_loss);
    assert_string_equal(r->sent_as[SF_lot_size], "qty_total");
}

static void what_a_signal_does_not_say_is_the_sources_preset(void **state) {
    struct settings *s = *state;
    s->source.default_lots = 5 * DECIMAL_SCALE;
    s->source.has_default_lots = true;
    static const struct {
        Signal__Direction direction;
        bool lots, percent;
        int64_t wanted;
    } cases[] = {
        {SIGNAL__DIRECTION__buy, false, false, 5 * DECIMAL_SCALE},
        {SIGNAL__DIRECTION__sell, false, false, 5 * DECIMAL_SCALE},
        {SIGNAL__DIRECTION__buy, true, false, DECIMAL_SCALE},
        {SIGNAL__DIRECTION__buy, false, true, 0},
        {SIGNAL__DIRECTION__close, false, false, 0},
        {SIGNAL__DIRECTION__target, false, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading *r = arena_zero(s->arena, sizeof *r);
        signal__init(&r->signal);
        r->signal.direction = cases[i].direction;
        r->signal.has_lot_size = cases[i].lots;
        r->signal.lot_size = cases[i].lots ? DECIMAL_SCALE : 0;
        r->signal.has_risk_percent = cases[i].percent;
        rules_of_source(r, &s->source, NOW);
        assert_int_equal(r->signal.lot_size, cases[i].wanted);
    }
}

static void what_is_older_than_the_source_allows_is_refused(void **state) {
    struct settings *s = *state;
    s->source.replay_window_s = 30;
    s->source.has_replay_window_s = true;
    static const struct {
        int64_t after_s;
        bool given;
        const char *code;
    } cases[] = {{0, false, "required"}, {0, true, NULL},  {-30, true, NULL},
                 {-31, true, "too_old"}, {30, true, NULL}, {31, true, "in_the_future"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading *r = arena_zero(s->arena, sizeof *r);
        signal__init(&r->signal);
        r->signal.has_timestamp = cases[i].given;
        r->signal.timestamp = NOW + (uint64_t)(cases[i].after_s * (int64_t)NS_PER_S);
        rules_of_source(r, &s->source, NOW);
        assert_int_equal(r->complaints.n, cases[i].code ? 1 : 0);
        if (cases[i].code) assert_string_equal(r->complaints.items[0].code, cases[i].code);
    }
}

// What a dialect maps is read by signal_of and passes the rules: else it would be understood and
// lost.
static void passes(struct settings *s, const struct translation *t, const char *body) {
    struct reading *r = arena_take(s->arena, sizeof *r);
    if (t->complaints.n)
        fail_msg("%s: %s %s", body, t->complaints.items[0].field, t->complaints.items[0].rule);
    signal_of(&t->ours, span_of("70ken70ken70ken70ken"), s->arena, r);
    rules_check(r, NOW);
    if (r->complaints.n)
        fail_msg("%s: %s %s", body, r->complaints.items[0].field, r->complaints.items[0].rule);
    for (size_t k = 0; k < t->ours.n; k++) {
        const char *as = t->ours.items[k].as;
        if (as && *as && !protobuf_c_message_descriptor_get_field_by_name(&signal__descriptor, as))
            fail_msg("a Signal has no %s", as);
    }
}

static void what_pineconnector_maps_to_is_a_signal(void **state) {
    struct settings *s = *state;
    static const char *const bodies[] = {
        LICENSE ",buylimit,EURUSD,price=1.2,risk=1,sl=5,tp=5,betrigger=1,beoffset=1,trailtrig=1,"
                "traildist=1,trailstep=1",
        LICENSE ",buy,EURUSD,vol_dollar=5,sl_pct=1,tp_price=2",
        LICENSE ",sell,EURUSD,vol_pct_bal_loss=5,sl_price=1.3,tp_pct=2",
        LICENSE ",sellstop,EURUSD,price=1.2,vol_pct_bal_margin=5",
        LICENSE ",closelong,EURUSD",
        LICENSE ",closeshort,EURUSD",
        LICENSE ",closelongshort,EURUSD",
        LICENSE ",closelongvol,EURUSD,risk=0.1",
        LICENSE ",closelongpct,EURUSD,risk=50",
        LICENSE ",newsltplong,EURUSD,sl=5,tp=10",
        LICENSE ",newsltpshort,EURUSD,sl_price=1.3",
        LICENSE ",cancellong,EURUSD",
        LICENSE ",cancelshort,EURUSD",
        LICENSE ",closeall,EURUSD"};
    for (unsigned risk = 1; risk <= 5; risk++) {
        s->source.risk_is = risk;
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
            struct translation t;
            const char *why;
            translation_start(&t, &s->source, s->arena);
            assert_int_equal(dialect_pineconnector(&t, span_of(bodies[i]), &why), ERR_OK);
            passes(s, &t, bodies[i]);
        }
    }
}

static void what_traderspost_maps_to_is_a_signal(void **state) {
    struct settings *s = *state;
    static const char *const bodies[] = {
        WITH("\"price\":2,\"takeProfit\":{\"percent\":10},\"stopLoss\":{\"percent\":5},"
             "\"quantityType\":\"risk_dollar_amount\","
             "\"quantity\":5"),
        WITH("\"takeProfit\":{\"amount\":10},\"stopLoss\":{\"amount\":5}"),
        WITH(
            "\"takeProfit\":{\"limitPrice\":10},\"stopLoss\":{\"stopPrice\":\"5\"},\"quantity\":1"),
        WITH("\"stopLoss\":{\"type\":\"trailing_stop\",\"trailPercent\":2}"),
        WITH("\"stopLoss\":{\"type\":\"trailing_stop\",\"trailAmount\":2,\"stopPrice\":90}"),
        WITH("\"orderType\":\"limit\",\"limitPrice\":1,\"timeInForce\":\"day\""),
        WITH("\"orderType\":\"stop_limit\",\"stopPrice\":1,\"limitPrice\":2,\"timeInForce\":"
             "\"gtc\""),
        "{\"ticker\":\"AMD\",\"action\":\"exit\",\"quantityType\":\"percent_of_position\","
        "\"quantity\":50}",
        "{\"ticker\":\"AMD\",\"action\":\"exit\",\"sentiment\":\"flat\",\"quantity\":50,\"price\":"
        "\"5\",\"time\":\"2025-01-01T00:00:00Z\"}",
        "{\"ticker\":\"AMD\",\"action\":\"sell\",\"sentiment\":\"flat\",\"quantity\":50}",
        "{\"ticker\":\"AMD\",\"action\":\"sell\",\"sentiment\":\"long\",\"quantity\":50}",
        "{\"ticker\":\"AMD\",\"action\":\"cancel\"}",
        "{\"ticker\":\"AMD\",\"action\":\"add\",\"sentiment\":\"short\",\"quantity\":1}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct translation t;
        struct document document;
        const char *why;
        translation_start(&t, &s->source, s->arena);
        assert_int_equal(document_read(span_of(bodies[i]), s->arena, &document, &why), ERR_OK);
        dialect_traderspost(&t, &document.maps[0]);
        passes(s, &t, bodies[i]);
    }
}

static void every_field_that_a_signal_takes_may_have_another_name(void **state) {
    (void)state;
    for (unsigned i = 0; i < field_names__descriptor.n_fields; i++) {
        struct field f = {
            .name = "x", .name_length = 1, .as = field_names__descriptor.fields[i].name};
        if (!names_find(&f)) fail_msg("no signal takes %s", f.as);
    }
    for (int i = 0; i < SF_COUNT; i++) {
        const char *name = signal_field_name(i);
        if (!protobuf_c_message_descriptor_get_field_by_name(&field_names__descriptor, name))
            fail_msg("FieldNames lacks %s", name);
    }
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_command_of_pineconnector_is_mapped),
        TEST(what_pineconnector_has_and_we_have_not_is_refused_by_name),
        TEST(what_has_not_the_form_is_not_decoded),
        TEST(what_risk_sl_and_tp_are_is_a_setting_of_the_source),
        TEST(a_secret_is_compared_and_kept_nowhere),
        TEST(traderspost_actions_with_the_side_that_is_wanted),
        TEST(every_field_of_traderspost_is_mapped_or_refused_by_name),
        TEST(a_source_may_have_its_own_names_for_our_fields),
        TEST(what_a_signal_does_not_say_is_the_sources_preset),
        TEST(what_is_older_than_the_source_allows_is_refused),
        TEST(what_pineconnector_maps_to_is_a_signal),
        TEST(what_traderspost_maps_to_is_a_signal),
        TEST(every_field_that_a_signal_takes_may_have_another_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
