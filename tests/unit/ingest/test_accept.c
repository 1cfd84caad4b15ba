// test_accept - what a body at the door becomes, and what is written.
// SPDX-License-Identifier: MIT
#include "common/delivery/envelope.h"
#include "services/ingest/door/door.h"
#include "world.h"

static Signal *accepted(struct world *w, const char *body) {
    const struct outgoing *out = NULL;
    struct reply r = post(w, body);
    if (r.status != 200)
        fail_msg("%s: %u %.*s", body, r.status, (int)r.body.length, (const char *)r.body.data);
    count_emitted(w, "Signal", &out);
    return (Signal *)(uintptr_t)batch_opened(w->batch, out);
}

static void a_signal_is_kept_listed_guarded_and_sent(void **state) {
    struct world *w = *state;
    Signal *s = accepted(w, "{\"signal_id\":\"s-1\",\"symbol\":\"EURUSD\",\"order_type\":\"limit\","
                            "\"direction\":\"buy\",\"lot_size\":1.5,\"price\":1.12345,"
                            "\"stop_loss\":1.12,\"take_profit\":1.13,\"expiration_time\":\"2030-01-"
                            "01T00:00:00Z\",\"confidence\":85.5,"
                            "\"strategy\":\"demo\",\"asset_type\":\"fx\",\"data_source\":\"d\","
                            "\"timestamp\":\"2025-03-22T10:15:30.5Z\",\"regime\":\"BULL\","
                            "\"reasoning\":\"because\\nof it\",\"sources\":5,\"agreement\":0.85}");
    assert_string_equal(s->signal_id, "s-1");
    assert_string_equal(s->source, "tv");
    assert_string_equal(s->symbol, "EURUSD");
    assert_int_equal(s->order_type, SIGNAL__ORDER_TYPE__limit);
    assert_int_equal(s->direction, SIGNAL__DIRECTION__buy);
    assert_int_equal(s->lot_size, 150000000);
    assert_int_equal(s->price, 112345000);
    assert_int_equal(s->stop_loss, 112000000);
    assert_int_equal(s->take_profit, 113000000);
    assert_int_equal(s->expiration_time, 1893456000 * NS_PER_S);
    assert_int_equal(s->confidence, 8550000000);
    assert_string_equal(s->strategy, "demo");
    assert_string_equal(s->asset_type, "fx");
    assert_string_equal(s->data_source, "d");
    assert_int_equal(s->timestamp, 1742638530 * NS_PER_S + 500 * NS_PER_MS);
    assert_string_equal(s->regime, "BULL");
    assert_string_equal(s->reasoning, "because\nof it");
    assert_int_equal(s->sources, 5);
    assert_int_equal(s->agreement, 85000000);
    assert_null(s->extra);
    assert_int_equal(s->created_at, NOW);
    assert_true(wrote(w, "signal:s-1"));
    assert_true(wrote(w, "SADD\r\n$20\r\nsignal:state:pending\r\n$3\r\ns-1"));
    assert_true(wrote(w, "journal:signals"));
    assert_true(wrote(w, "signal:guard:"));
    assert_int_equal(table_count(w->ingest->lives), 1);
    // HSET, SADD, XADD, guard, and the guard's hour, once an hour
    assert_int_equal(batch_commands(w->batch), 5);
}

static void tradingview_placeholders_are_understood(void **state) {
    struct world *w = *state;
    Signal *s = accepted(w, "{\"ticker\":\"BTCUSDT.P\",\"strategy.order.action\":\"sell\","
                            "\"strategy.order.contracts\":\"0.25\",\"strategy.order."
                            "price\":\"65000.5\","
                            "\"close\":\"64999\",\"timenow\":\"2025-03-22T10:15:30Z\",\"time\":"
                            "\"2025-03-22T10:15:00Z\",\"interval\":\"15\","
                            "\"strategy.market_position\":\"short\"}");
    assert_string_equal(s->symbol, "BTCUSDT.P");
    assert_int_equal(s->direction, SIGNAL__DIRECTION__sell);
    assert_int_equal(s->lot_size, 25000000);
    assert_int_equal(s->price, 6500050000000);
    assert_int_equal(s->timestamp, NOW);
    assert_string_equal(s->extra, "{\"close\":\"64999\",\"time\":\"2025-03-22T10:15:00Z\","
                                  "\"interval\":\"15\",\"strategy.market_position\":\"short\"}");
}

static void a_sell_that_ends_flat_is_a_close(void **state) {
    struct world *w = *state;
    Signal *s = accepted(
        w, "{\"ticker\":\"EURUSD\",\"action\":\"sell\",\"contracts\":2,\"sentiment\":\"flat\"}");
    assert_int_equal(s->direction, SIGNAL__DIRECTION__close);
    assert_false(s->has_lot_size);
    assert_string_equal(s->extra, "{\"contracts\":2,\"sentiment\":\"flat\"}");
}

static void the_other_names_of_the_second_spec_are_taken(void **state) {
    struct world *w = *state;
    Signal *s = accepted(w, "{\"symbol\":\"AAPL\",\"action\":\"BUY\",\"entry_price\":150.50,"
                            "\"target_price\":158.00,\"stop_price\":146.00,"
                            "\"confidence\":85.5}");
    assert_int_equal(s->order_type, SIGNAL__ORDER_TYPE__market);
    assert_int_equal(s->price, 15050000000);
    assert_int_equal(s->take_profit, 15800000000);
    assert_int_equal(s->stop_loss, 14600000000);
    assert_false(s->has_lot_size);
}

static void nothing_given_twice_in_two_ways_is_guessed(void **state) {
    struct world *w = *state;
    assert_int_equal(post(w, "symbol=EURUSD ticker=EURUSD action=buy").status, 200);
    struct reply r = post(w, "symbol=EURUSD ticker=GBPUSD action=buy");
    assert_int_equal(r.status, 422);
    assert_says(r, "\"field\":\"ticker\"");
}

static void empty_and_null_say_nothing(void **state) {
    struct world *w = *state;
    Signal *s = accepted(w, "{\"symbol\":\"EURUSD\",\"direction\":\"buy\",\"price\":null,"
                            "\"expiration_time\":\"\",\"lot_size\":\"\",\"signal_id\":\"\"}");
    assert_false(s->has_price || s->has_expiration_time || s->has_lot_size);
    assert_null(s->extra);
}

static void the_default_strategy_of_the_source_stands_in(void **state) {
    struct world *w = *state;
    char hash[65];
    token_hash(TOKEN, strlen(TOKEN), hash);
    SignalConfig source = SIGNAL_CONFIG__INIT;
    source.config_id = (char *)"tv";
    source.token_hash = hash;
    source.default_strategy = (char *)"trend";
    world_configure(w, &source);
    assert_string_equal(accepted(w, "buy EURUSD")->strategy, "trend");
    assert_string_equal(accepted(w, "buy EURUSD strategy=mine")->strategy, "mine");
}

static void a_resent_signal_gets_the_same_answer(void **state) {
    struct world *w = *state;
    struct reply first = post(w, "buy EURUSD 1"), again;
    char id[37];
    memcpy(id, (const char *)first.body.data + strlen("{\"signal_id\":\""), 36);
    id[36] = 0;
    assert_says(first, "\"status\":\"pending\",\"duplicate\":false");
    w->now += 5 * NS_PER_S;
    world_begin(w);
    again = post(w, "buy EURUSD 1");
    assert_int_equal(again.status, 200);
    assert_says(again, id);
    assert_says(again, "\"duplicate\":true");
    assert_true(wrote_only_the_count(w));
    w->now += 20 * NS_PER_S;
    world_begin(w);
    assert_says(post(w, "buy EURUSD 1"), "\"duplicate\":false");
}

static void no_source_takes_the_id_of_another(void **state) {
    struct world *w = *state;
    assert_says(post_as(w, "other", "sell EURUSD signal_id=a-1"),
                "\"signal_id\":\"other:a-1\",\"status\":\"pending\",\"duplicate\":false");
    assert_says(post(w, "buy EURUSD signal_id=a-1"),
                "\"signal_id\":\"a-1\",\"status\":\"pending\",\"duplicate\":false");
    assert_says(post_as(w, "other", "buy EURUSD signal_id=a-1"), "\"code\":\"conflict\"");
    assert_true(wrote(w, "signal:other:a-1") && wrote(w, "signal:a-1"));
    assert_int_equal(count_emitted(w, "Signal", NULL), 2);
}

static void an_own_id_that_is_too_long_to_be_shown_is_kept(void **state) {
    struct world *w = *state;
    const char *id = "0123456789012345678901234567890123456789012345678901234567890123";
    char body[160];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(body, sizeof body, "%s EURUSD signal_id=%.*s%s", i ? "sell" : "buy", 64 - i,
                       id, i ? " note=x" : "");
        const struct outgoing *out = NULL;
        world_begin(w);
        assert_int_equal(post_as(w, "other", body).status, 200);
        count_emitted(w, "Signal", &out);
        const Signal *s = (const Signal *)(const void *)batch_opened(w->batch, out);
        assert_int_equal(strlen(s->signal_id), 36);
        assert_true(strstr(s->extra, "\"signal_id\":\"0123") &&
                    !strstr(s->extra, "\"signal_id\":\"tv"));
        assert_true((strstr(s->extra, "\"note\":\"x\"}") != NULL) == i);
    }
}

// The window is changed, the clock is set back, the service is started again: the resend is the
// same signal all the same.
static void what_identities_depend_on_is_stored_with_them(void **state) {
    struct world *w = *state;
    assert_says(post(w, "buy EURUSD 1"), "\"duplicate\":false");
    assert_true(wrote(w, "signal:state:identity") && wrote(w, "20 0 0 0") && wrote(w, ":time"));
    world_begin(w);
    SignalConfig source = *book_source(w->book, "tv");
    source.has_window_s = true;
    source.window_s = 3;
    world_configure(w, &source);
    w->now += NS_PER_S / 2;
    world_begin(w);
    assert_says(post(w, "buy EURUSD 1"), "\"duplicate\":true");
    assert_true(wrote(w, "3 20 0 0"));
    w->back = 3600 * NS_PER_S;
    w->now -= w->back;
    world_begin(w);
    assert_says(post(w, "buy EURUSD 1"), "\"duplicate\":true");
}

static void the_same_id_with_other_content_is_409(void **state) {
    struct world *w = *state;
    assert_int_equal(post(w, "buy EURUSD signal_id=a-1").status, 200);
    world_begin(w);
    assert_int_equal(post(w, "buy EURUSD signal_id=a-1").status, 200);
    struct reply r = post(w, "sell EURUSD signal_id=a-1");
    assert_int_equal(r.status, 409);
    assert_says(r, "\"code\":\"conflict\"");
    assert_true(wrote_only_the_count(w));
}

// TradingView's strategy placeholders: what a body becomes.
static void a_position_with_its_size_is_a_target(void **state) {
    static const struct {
        const char *body;
        Signal__Direction direction;
        bool has_target, has_lots, has_side;
        int64_t target;
        Signal__Side side;
    } cases[] = {
#define T SIGNAL__DIRECTION__target
        {"{\"ticker\":\"EURUSD\",\"action\":\"buy\",\"contracts\":2,\"market_position\":\"long\","
         "\"position_size\":\"3\"}",
         T, true, false, false, 3, 0},
        {"{\"ticker\":\"EURUSD\",\"action\":\"sell\",\"contracts\":2,\"market_position\":\"short\","
         "\"position_size\":-3}",
         T, true, false, false, -3, 0},
        {"{\"ticker\":\"EURUSD\",\"market_position\":\"short\",\"position_size\":3}", T, true,
         false, false, -3, 0},
        {"{\"ticker\":\"EURUSD\",\"position_size\":-1}", T, true, false, false, -1, 0},
        {"{\"ticker\":\"EURUSD\",\"market_position\":\"short\",\"strategy.market_position_size\":"
         "4}",
         T, true, false, false, -4, 0},
        {"{\"ticker\":\"EURUSD\",\"action\":\"sell\",\"market_position\":\"flat\",\"position_"
         "size\":0}",
         T, true, false, false, 0, 0},
        {"{\"ticker\":\"EURUSD\",\"market_position\":\"flat\"}", T, true, false, false, 0, 0},
        {"{\"ticker\":\"EURUSD\",\"market_position\":\"Short\"}", T, false, false, true, 0,
         SIGNAL__SIDE__short},
        {"{\"ticker\":\"EURUSD\",\"action\":\"target\",\"sentiment\":\"long\"}", T, false, false,
         true, 0, SIGNAL__SIDE__long},
        {"{\"ticker\":\"EURUSD\",\"action\":\"buy\",\"contracts\":2,\"market_position\":\"long\"}",
         SIGNAL__DIRECTION__buy, false, true, false, 0, 0},
        {"{\"ticker\":\"EURUSD\",\"action\":\"sell\",\"contracts\":2,\"market_position\":\"long\"}",
         SIGNAL__DIRECTION__close_long, false, true, false, 0, 0},
        {"{\"ticker\":\"EURUSD\",\"action\":\"buy\",\"contracts\":2,\"market_position\":\"short\"}",
         SIGNAL__DIRECTION__close_short, false, true, false, 0, 0},
        {"{\"ticker\":\"EURUSD\",\"action\":\"sell\",\"contracts\":2,\"market_position\":\"flat\"}",
         SIGNAL__DIRECTION__close, false, false, false, 0, 0},
#undef T
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_begin(w);
        Signal *s = accepted(w, cases[i].body);
        assert_int_equal(s->direction, cases[i].direction);
        assert_int_equal(s->has_target_position, cases[i].has_target);
        assert_int_equal(s->target_position, cases[i].target * DECIMAL_SCALE);
        assert_int_equal(s->has_lot_size, cases[i].has_lots);
        assert_int_equal(s->has_position_side, cases[i].has_side);
        if (cases[i].has_side) assert_int_equal(s->position_side, cases[i].side);
    }
}

static void to_be_flat_without_a_symbol_is_to_be_flat_in_all(void **state) {
    struct world *w = *state;
    Signal *s = accepted(w, "{\"action\":\"flat\"}");
    assert_int_equal(s->direction, SIGNAL__DIRECTION__flat);
    assert_string_equal(s->symbol, "*");
}

static void every_broken_rule_is_named_and_recorded(void **state) {
    struct world *w = *state;
    struct reply r =
        post(w, "{\"signal_id\":\"bad-1\",\"ticker\":\"EUR "
                "USD\",\"action\":\"hold\",\"contracts\":0,\"price\":\"NaN\",\"sl\":1,\"foo\":2}");
    assert_int_equal(r.status, 422);
    assert_says(r, "{\"error\":{\"code\":\"not_allowed\",\"message\":\"action must be one of buy, "
                   "sell, close, close_long, close_short, "
                   "reverse, flat, modify, cancel, target\",\"field\":\"action\"},\"errors\":[");
    assert_says(
        r,
        "{\"code\":\"not_a_number\",\"message\":\"price must be a number\",\"field\":\"price\"}");
    assert_says(r, "\"field\":\"ticker\"");
    assert_says(r, "{\"code\":\"out_of_range\",\"message\":\"contracts must be greater than "
                   "0\",\"field\":\"contracts\"}");
    const struct outgoing *out = NULL;
    assert_int_equal(count_emitted(w, "Signal", NULL), 0);
    assert_int_equal(count_emitted(w, "SignalRejection", &out), 1);
    const SignalRejection *rejection = (const SignalRejection *)batch_opened(w->batch, out);
    assert_string_equal(rejection->signal_id, "bad-1");
    assert_string_equal(rejection->source, "tv");
    assert_string_equal(rejection->field, "action");
    assert_non_null(strstr(rejection->rejection_reason, "price must be a number"));
    assert_non_null(strstr(rejection->extra, "\"foo\":2"));
    assert_true(wrote(w, "signal_rejection:bad-1"));
    assert_true(wrote(w, "$6\r\nstatus\r\n$6\r\nfailed"));
    assert_true(wrote(w, "HDEL\r\n$12\r\nsignal:bad-1\r\n$9\r\ndirection"));
    assert_false(wrote(w, "signal:state"));
    assert_int_equal(table_count(w->ingest->lives), 0);
}

static void a_refused_signal_is_refused_again_and_recorded_once(void **state) {
    struct world *w = *state;
    assert_int_equal(post(w, "buy EURUSD 0").status, 422);
    world_begin(w);
    assert_int_equal(post(w, "buy EURUSD 0").status, 422);
    assert_true(wrote_only_the_count(w));
}

static void the_token_is_never_written(void **state) {
    struct world *w = *state;
    assert_int_equal(post(w, "{\"symbol\":\"EURUSD\",\"action\":\"buy\",\"token\":\"" TOKEN
                             "\",\"url\":\"https://x/webhook/tv/" TOKEN "\",\"n\":{\"u\":[\"" TOKEN
                             "\"]},\"" TOKEN "\":1,\"kept\":1}")
                         .status,
                     200);
    assert_true(wrote(w, "{\"kept\":1}"));
    assert_int_equal(post(w, "{\"symbol\":\"EURUSD\",\"action\":\"x\",\"secret\":\"" TOKEN
                             "\",\"strategy\":\"" TOKEN "\"}")
                         .status,
                     422);
    assert_int_equal(post(w, "{\"symbol\":\"" TOKEN "\",\"action\":\"buy\"}").status, 422);
    assert_int_equal(
        post(w, "{\"signal_id\":\"" TOKEN "\",\"symbol\":\"EURUSD\",\"action\":\"buy\"}").status,
        422);
    assert_false(wrote(w, TOKEN));
}

static void what_cannot_be_decoded_writes_nothing(void **state) {
    struct world *w = *state;
    struct reply r = post(w, "{\"symbol\":\"EURUSD\"");
    assert_int_equal(r.status, 400);
    assert_says(
        r, "{\"error\":{\"code\":\"undecodable\",\"message\":\"not valid JSON\",\"field\":null}}");
    assert_int_equal(post(w, "[{\"symbol\":\"EURUSD\",\"action\":\"buy\"}]").status, 400);
    assert_int_equal(post(w, "").status, 400);
    assert_true(batch_is_empty(w->batch));
    assert_false(w->ingest->wrote);
}

static void when_all_room_is_taken_the_door_says_503(void **state) {
    struct world *w = *state;
    w->settings.signals_max = 1;
    assert_int_equal(post(w, "buy EURUSD").status, 200);
    struct reply r = post(w, "sell EURUSD");
    assert_int_equal(r.status, 503);
    assert_int_not_equal(r.retry_after_s, 0);
    assert_int_equal(post(w, "buy EURUSD").status, 200);
}

static void ids_that_would_be_keys_of_ours_are_refused(void **state) {
    struct world *w = *state;
    assert_int_equal(post(w, "buy EURUSD signal_id=state:pending").status, 422);
    assert_int_equal(post(w, "buy EURUSD signal_id=guard:hours").status, 422);
    assert_false(wrote(w, "signal:guard:hours\r\n$6\r\nsource"));
}

// --- ZeroMQ

static struct reply deliver(struct world *w, const void *body, size_t length) {
    struct request r = world_request(w, "tv", body, length);
    r.unheard = true;
    return accept_signal(w->ingest, w->batch, &r);
}

static void a_packed_signal_meets_the_same_rules(void **state) {
    struct world *w = *state;
    uint8_t packed[512];
    Signal s = SIGNAL__INIT;
    s.signal_id = (char *)"p-1";
    s.source = (char *)"somebody else";
    s.symbol = (char *)"EURUSD";
    s.order_type = SIGNAL__ORDER_TYPE__limit;
    s.direction = SIGNAL__DIRECTION__sell;
    s.has_price = true;
    s.price = 112000000;
    s.status = SIGNAL__STATUS__completed;
    s.created_at = 1;
    s.content = 1;
    s.extra = (char *)"{\"note\":\"x\",\"token\":\"y\"}";
    assert_int_equal(deliver(w, packed, signal__pack(&s, packed)).status, 200);
    const struct outgoing *out = NULL;
    count_emitted(w, "Signal", &out);
    const Signal *got = (const Signal *)batch_opened(w->batch, out);
    assert_string_equal(got->source, "tv");
    assert_int_equal(got->status, SIGNAL__STATUS__pending);
    assert_int_equal(got->created_at, NOW);
    assert_int_equal(got->price, 112000000);
    assert_int_equal(got->order_type, SIGNAL__ORDER_TYPE__limit);
    assert_string_equal(got->extra, "{\"note\":\"x\"}");
    s.signal_id = (char *)"p-2";
    s.direction = (Signal__Direction)77;
    assert_int_equal(deliver(w, packed, signal__pack(&s, packed)).status, 422);
    s.extra = (char *)"[";
    assert_int_equal(deliver(w, packed, signal__pack(&s, packed)).status, 400);
}

static void what_nobody_hears_of_is_recorded(void **state) {
    struct world *w = *state;
    assert_int_equal(deliver(w, "{", 1).status, 400);
    const struct outgoing *out = NULL;
    assert_int_equal(count_emitted(w, "SignalRejection", &out), 1);
    assert_string_equal(((const SignalRejection *)batch_opened(w->batch, out))->field, "body");
    assert_int_equal(deliver(w, "{", 1).status, 400);
    assert_int_equal(count_emitted(w, "SignalRejection", NULL), 1);
}

// --- what one source may take of what all share

static void no_more_of_a_refused_body_is_kept_than_4_kib(void **state) {
    struct world *w = *state;
    static char body[60000];
    size_t length = (size_t)snprintf(
        body, sizeof body, "{\"symbol\":\"EURUSD\",\"direction\":\"nowhere\",\"price\":1.5");
    for (int i = 0; i < 6; i++)
        length +=
            (size_t)snprintf(body + length, sizeof body - length, ",\"f%d\":\"%08000d\"", i, i);
    (void)snprintf(body + length, sizeof body - length, ",\"last\":1}");
    assert_int_equal(post(w, body).status, 422);
    assert_true(batch_bytes(w->batch).length < 4 * 4096);
    assert_true(wrote(w, "left_out") && wrote(w, "6 fields, too long to be kept") &&
                wrote(w, "nowhere"));
    assert_false(wrote(w, "00000000000000000000"));
}

static void where_memory_is_short_refusals_are_counted_and_not_recorded(void **state) {
    struct world *w = *state;
    w->context.memory_percent = 60;
    assert_int_equal(post(w, "buy signal_id=r-1").status, 422);
    assert_int_equal(count_emitted(w, "SignalRejection", NULL), 0);
    assert_false(wrote(w, "signal:r-1") || wrote(w, "signal:guard"));
    assert_int_equal(w->ingest->counts.unrecorded, 1);
    assert_int_equal(post(w, "buy EURUSD signal_id=r-1").status, 200);
    w->context.memory_percent = 59;
    assert_int_equal(post(w, "buy signal_id=r-2").status, 422);
    assert_int_equal(count_emitted(w, "SignalRejection", NULL), 1);
}

static void a_source_that_has_its_share_leaves_the_rest_to_others(void **state) {
    struct world *w = *state;
    char body[64];
    w->settings.source_signals_max = 3;
    for (int i = 0; i < 4; i++) {
        (void)snprintf(body, sizeof body, "buy EURUSD signal_id=s-%d", i);
        struct reply r = post(w, body);
        assert_int_equal(r.status, i < 3 ? 200 : 503);
        if (i == 3) assert_says(r, "source_full");
    }
    assert_int_equal(post_as(w, "other", "buy EURUSD").status, 200);
    lives_drop(w->ingest, "s-0");
    assert_int_equal(post(w, body).status, 200);
}

static void what_a_source_has_remembered_leaves_the_rest_to_others(void **state) {
    struct world *w = *state;
    w->settings.source_guard_max = 2;
    assert_int_equal(post(w, "buy EURUSD signal_id=s-1").status, 200);
    assert_int_equal(post(w, "buy signal_id=s-2").status, 422);
    assert_int_equal(post(w, "buy EURUSD signal_id=s-3").status, 503);
    assert_int_equal(post(w, "buy signal_id=s-4").status, 422);
    assert_int_equal(w->ingest->counts.unrecorded, 1);
    assert_int_equal(post(w, "buy EURUSD signal_id=s-1").status, 200); // a resend takes nothing
    assert_int_equal(post_as(w, "other", "buy EURUSD").status, 200);
}

// --- prices

static struct reply price(struct world *w, const char *body) {
    struct request r = world_request(w, "tv", body, strlen(body));
    return accept_prices(w->ingest, w->batch, &r);
}

static void prices_are_kept_as_the_spec_shows_and_published_once(void **state) {
    struct world *w = *state;
    struct reply r = price(w, "[{\"symbol\":\"AAPL\",\"last\":150.25,\"open\":149.80,\"high\":151."
                              "20,\"low\":149.50,\"volume\":25000000,"
                              "\"timestamp\":\"2025-03-22T10:15:30Z\"},{\"ticker\":\"EURUSD\","
                              "\"bid\":\"1.15\",\"ask\":\"1.25\"}]");
    assert_int_equal(r.status, 200);
    assert_says(r, "{\"prices\":2}");
    assert_int_equal(price(w, "{\"symbol\":\"EURUSD\",\"price\":1.25}").status, 200);
    prices_flush(w->ingest->prices, w->batch);
    assert_true(wrote(w, "stocks:price:AAPL"));
    assert_true(wrote(w, "{\"price\":{\"last\":150.25,\"open\":149.8,\"high\":151.2,\"low\":149.5,"
                         "\"volume\":25000000},"
                         "\"timestamp\":\"2025-03-22T10:15:30Z\"}"));
    assert_true(wrote(w, "{\"price\":{\"last\":1.25},\"timestamp\":\"2025-03-22T10:15:30Z\"}"));
    assert_int_equal(count_emitted(w, "Price", NULL), 2);
    assert_int_equal(batch_commands(w->batch), 3); // and one for what a start goes on from
}

static void an_older_price_does_not_replace_a_newer_one(void **state) {
    struct world *w = *state;
    price(w, "symbol=EURUSD last=2 timestamp=2025-03-22T10:15:30Z");
    price(w, "symbol=EURUSD last=1 timestamp=2025-03-22T10:15:29Z");
    prices_flush(w->ingest->prices, w->batch);
    assert_true(wrote(w, "\"last\":2"));
}

static void one_wrong_price_keeps_all_of_them_out(void **state) {
    struct world *w = *state;
    struct reply r = price(w, "[{\"symbol\":\"EURUSD\",\"last\":1},{\"symbol\":\"GBPUSD\",\"last\":"
                              "-1,\"bid\":\"x\"},{\"symbol\":\"A B\"}]");
    assert_int_equal(r.status, 422);
    assert_says(r, "\"field\":\"[1].last\"");
    assert_says(r, "\"field\":\"[1].bid\"");
    assert_says(r, "\"field\":\"[2].symbol\"");
    prices_flush(w->ingest->prices, w->batch);
    assert_true(batch_is_empty(w->batch));
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

// After a start beside a Redis that was restarted, too, both may have lost the same signals.
static void the_door_waits_for_what_others_give_back(void **state) {
    struct world *w = *state;
    static const struct {
        uint64_t rolled_back_s_ago; // 0: never
        bool waits;
    } starts[] = {{0, false}, {5, true}, {3600, false}};
    w->settings.loss_wait_ms = 2000;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        uint64_t ago = starts[i].rolled_back_s_ago;
        w->ingest->open_at = 0;
        w->context.rolled_back_at = ago ? w->now - ago * NS_PER_S : 0;
        w->context.caught_up = false;
        assert_false(door_is_open(w->ingest, w->batch));
        w->context.caught_up = true;
        assert_false(door_is_open(w->ingest, NULL));
        assert_int_equal(door_is_open(w->ingest, w->batch), !starts[i].waits);
        // a restart of Redis alone: it is given back what it lost
        w->context.rolled_back_at = w->now;
        w->now += 1999 * NS_PER_MS;
        world_begin(w);
        assert_int_equal(door_is_open(w->ingest, w->batch), !starts[i].waits);
        w->now += NS_PER_MS;
        world_begin(w);
        assert_true(door_is_open(w->ingest, w->batch));
    }
}

// A start beside a Redis that was started later than the store's last time.
static void the_door_notes_a_loss_and_is_unsure_for_some_seconds(void **state) {
    struct world *w = *state;
    struct ingest *door = w->ingest;
    const char *alert = "buy EURUSD 1";
    door->time_found = door->time.at = w->now - NS_PER_S;
    w->context.rolled_back_at = w->now;
    assert_true(door_knows_losses(door, w->batch));
    assert_true(wrote(w, ":losses"));
    assert_int_equal(door->losses.n, 1);
    assert_int_equal(door->losses.from[0], w->now - NS_PER_S);
    w->now += 20 * NS_PER_S;
    world_begin(w);
    assert_true(door_knows_losses(door, w->batch)); // noted once
    assert_true(batch_is_empty(w->batch));
    assert_int_equal(post(w, alert).status, 503);
    assert_int_equal(table_count(door->lives), 0);
    assert_int_equal(post(w, "buy EURUSD 1 signal_id=x-1").status, 200);
    w->now += LOSS_SPAN;
    world_begin(w);
    assert_int_equal(post(w, alert).status, 200);
}

static void what_a_living_redis_has_is_no_loss(void **state) {
    struct world *w = *state;
    const struct {
        int64_t found, rolled_back; // s from now; 0: none
        bool strict, lost;
    } starts[] = {{-1, 0, false, false},  {-1, -60, false, false}, {0, -5, false, false},
                  {-60, -5, false, true}, {9, -60, false, true},   {-60, -5, true, false}};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct ingest *door = w->ingest;
        uint64_t found = w->now + (uint64_t)(starts[i].found * (int64_t)NS_PER_S);
        int64_t back = starts[i].rolled_back * (int64_t)NS_PER_S;
        door->time_found = starts[i].found ? found : 0;
        w->context.rolled_back_at = back ? w->now + (uint64_t)back : 0;
        w->context.strict = starts[i].strict;
        door->losses.n = door->knows_losses = 0;
        assert_false(door_knows_losses(door, NULL));
        assert_true(door_knows_losses(door, w->batch));
        assert_int_equal(door->losses.n, starts[i].lost);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(the_door_waits_for_what_others_give_back),
        world_test(the_door_notes_a_loss_and_is_unsure_for_some_seconds),
        world_test(what_a_living_redis_has_is_no_loss),
        world_test(a_signal_is_kept_listed_guarded_and_sent),
        world_test(tradingview_placeholders_are_understood),
        world_test(a_sell_that_ends_flat_is_a_close),
        world_test(the_other_names_of_the_second_spec_are_taken),
        world_test(nothing_given_twice_in_two_ways_is_guessed),
        world_test(empty_and_null_say_nothing),
        world_test(the_default_strategy_of_the_source_stands_in),
        world_test(a_resent_signal_gets_the_same_answer),
        world_test(no_source_takes_the_id_of_another),
        world_test(an_own_id_that_is_too_long_to_be_shown_is_kept),
        world_test(what_identities_depend_on_is_stored_with_them),
        world_test(the_same_id_with_other_content_is_409),
        world_test(a_position_with_its_size_is_a_target),
        world_test(to_be_flat_without_a_symbol_is_to_be_flat_in_all),
        world_test(every_broken_rule_is_named_and_recorded),
        world_test(a_refused_signal_is_refused_again_and_recorded_once),
        world_test(the_token_is_never_written),
        world_test(what_cannot_be_decoded_writes_nothing),
        world_test(when_all_room_is_taken_the_door_says_503),
        world_test(ids_that_would_be_keys_of_ours_are_refused),
        world_test(a_packed_signal_meets_the_same_rules),
        world_test(what_nobody_hears_of_is_recorded),
        world_test(no_more_of_a_refused_body_is_kept_than_4_kib),
        world_test(where_memory_is_short_refusals_are_counted_and_not_recorded),
        world_test(a_source_that_has_its_share_leaves_the_rest_to_others),
        world_test(what_a_source_has_remembered_leaves_the_rest_to_others),
        world_test(prices_are_kept_as_the_spec_shows_and_published_once),
        world_test(an_older_price_does_not_replace_a_newer_one),
        world_test(one_wrong_price_keeps_all_of_them_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
