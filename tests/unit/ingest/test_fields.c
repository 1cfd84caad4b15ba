// test_fields - JSON, MessagePack and text become the same map, and are held to the same limits.
// SPDX-License-Identifier: MIT
#include "common/base/own.h"
#include "services/ingest/read/fields.h"
#include "services/ingest/read/signal_of.h"
#include "world.h"

struct reader {
    arena_t *arena;
    struct document body;
    const char *why;
};

static int open_reader(void **state) {
    struct reader *r = calloc(1, sizeof *r);
    r->arena = arena_new(0);
    *state = r;
    return 0;
}

static int close_reader(void **state) {
    struct reader *r = *state;
    arena_destroy(&r->arena);
    free(r);
    return 0;
}

static err_t read_bytes(struct reader *r, const void *bytes, size_t length) {
    return document_read((struct span){bytes, length}, r->arena, &r->body, &r->why);
}

// One map as JSON again, whole.
static const char *content_of(struct reader *r, size_t i) {
    bool cut;
    const char *json = signal_content(&r->body.maps[i], (struct span){0}, SIZE_MAX, r->arena, &cut);
    assert_false(cut);
    return json;
}

// The map as JSON again, all maps of a list joined by a space; or "!" and why not.
static const char *seen(struct reader *r, const char *text) {
    if (read_bytes(r, text, strlen(text))) return arena_format(r->arena, "!%s", r->why);
    const char *all = "";
    for (size_t i = 0; i < r->body.n; i++)
        all = arena_format(r->arena, "%s%s%s", all, i ? " " : "", content_of(r, i));
    return all;
}

static void json_numbers_keep_their_text(void **state) {
    assert_string_equal(
        seen(*state,
             "{\"a\":1.10,\"b\":-0.00000001,\"c\":1e3,\"d\":123456789012345678901234567890}"),
        "{\"a\":1.10,\"b\":-0.00000001,\"c\":1e3,\"d\":123456789012345678901234567890}");
}

static void every_kind_of_value_is_kept(void **state) {
    assert_string_equal(seen(*state, " {\"t\":\"x\\n\\u00e4\",\"y\":true,\"n\":false,\"z\":null,"
                                     "\"m\":{\"a\":[1,{\"b\":[]},\"c\"],\"d\":{}}} "),
                        "{\"t\":\"x\\nä\",\"y\":true,\"n\":false,\"z\":null,\"m\":{\"a\":[1,{\"b\":"
                        "[]},\"c\"],\"d\":{}}}");
}

static void secrets_are_left_out_at_any_depth(void **state) {
    assert_string_equal(seen(*state, "{\"token\":\"t\",\"a\":1,\"Secret\":{\"x\":[1]},\"b\":{"
                                     "\"password\":\"p\",\"c\":[{\"passphrase\":[{\"q\":1}]},2]}}"),
                        "{\"a\":1,\"b\":{\"c\":[{},2]}}");
    assert_string_equal(seen(*state, "symbol=EURUSD token=abc api_key=\"x y\""),
                        "{\"symbol\":\"EURUSD\"}");
}

static void a_name_that_is_there_twice_is_refused(void **state) {
    assert_string_equal(seen(*state, "{\"a\":1,\"a\":1}"), "!a name that is there twice");
    assert_string_equal(seen(*state, "{\"x\":{\"a\":1,\"a\":1}}"), "!a name that is there twice");
    assert_string_equal(seen(*state, "{\"token\":{\"a\":1,\"a\":1}}"),
                        "!a name that is there twice");
    assert_string_equal(seen(*state, "a=1 a=2"), "!a name that is there twice");
    assert_string_equal(seen(*state, "{\"x\":{\"a\":1},\"y\":{\"a\":1}}"),
                        "{\"x\":{\"a\":1},\"y\":{\"a\":1}}");
}

static void lists_of_maps_are_many(void **state) {
    struct reader *r = *state;
    assert_string_equal(seen(r, "[{\"a\":1},{\"b\":[2]}]"), "{\"a\":1} {\"b\":[2]}");
    assert_true(r->body.many);
    assert_string_equal(seen(r, "[]"), "");
    assert_string_equal(seen(r, "[1]"), "!must be a map or a list of maps");
    assert_string_equal(seen(r, "[[]]"), "!must be a map or a list of maps");
}

static const char *repeated(struct reader *r, const char *head, const char *middle, unsigned n,
                            const char *tail) {
    own(buffer) text = {0};
    buffer_text(&text, head);
    for (; n; n--) buffer_text(&text, middle);
    buffer_text(&text, tail);
    return arena_text(r->arena, buffer_string(&text));
}

static void limits_hold(void **state) {
    struct reader *r = *state;
    assert_string_equal(seen(r, "{\"a\":[[[[[[[1]]]]]]]}"), "{\"a\":[[[[[[[1]]]]]]]}");
    assert_string_equal(seen(r, "{\"a\":[[[[[[[[1]]]]]]]]}"), "!nested deeper than 8");
    assert_string_equal(seen(r, repeated(r, "{\"a\":", "[", 60000, "")), "!nested deeper than 8");
    assert_string_equal(seen(r, repeated(r, "{\"", "a", 65, "\":1}")), "!a name over 64 bytes");
    assert_string_equal(seen(r, repeated(r, "{\"a\":\"", "x", 8193, "\"}")), "!a value over 8 KiB");
    assert_int_equal(seen(r, repeated(r, "{\"a\":\"", "x", 8192, "\"}"))[0], '{');
    assert_string_equal(seen(r, repeated(r, "{\"a\":[0", ",1234567", 2100, "]}")),
                        "!a nested value over 16 KiB");
    assert_string_equal(seen(r, repeated(r, "[{}", ",{}", 255, "]")),
                        repeated(r, "{}", " {}", 255, ""));
    assert_string_equal(seen(r, repeated(r, "[{}", ",{}", 256, "]")), "!at most 256 maps");
}

static void a_map_has_at_most_64_names(void **state) {
    struct reader *r = *state;
    own(buffer) names = {0};
    for (int i = 0; i < 64; i++) buffer_format(&names, "%s\"n%d\":%d", i ? "," : "{", i, i);
    const char *text = buffer_string(&names);
    assert_int_equal(seen(r, arena_format(r->arena, "%s}", text))[0], '{');
    assert_string_equal(seen(r, arena_format(r->arena, "%s,\"x\":1}", text)),
                        "!more than 64 names in a map");
}

static void what_is_not_utf8_or_holds_a_zero_is_refused(void **state) {
    struct reader *r = *state;
    assert_int_equal(seen(r, "{\"a\":\"\xff\"}")[0], '!');
    assert_int_equal(seen(r, "{\"a\":\"\xc0\xaf\"}")[0], '!');
    assert_string_equal(seen(r, "{\"a\":\"x\\u0000y\"}"), "!a text with a zero character in it");
    assert_string_equal(seen(r, "{\"a\\u0000\":1}"), "!a text with a zero character in it");
    assert_string_equal(seen(r, "symbol=\xed\xa0\x80"), "!a text that is not UTF-8");
    assert_int_equal(read_bytes(r, "symbol=a\0b", 10), ERR_INPUT);
    assert_int_equal(read_bytes(r, "{\"a\":1}\0", 8), ERR_INPUT);
}

static void text_of_lines_and_of_pairs_is_read(void **state) {
    assert_string_equal(
        seen(*state, "symbol=EURUSD\naction=buy\r\ncomment=two words, and more\n"),
        "{\"symbol\":\"EURUSD\",\"action\":\"buy\",\"comment\":\"two words, and more\"}");
    assert_string_equal(seen(*state, "symbol=EURUSD, action=buy; note=\"a b\" x="),
                        "{\"symbol\":\"EURUSD\",\"action\":\"buy\",\"note\":\"a b\",\"x\":\"\"}");
    assert_string_equal(seen(*state, "symbol EURUSD"), "!a word without =");
    assert_string_equal(seen(*state, "=1"), "!an empty name");
    assert_string_equal(seen(*state, "   \n"), "!the body is empty");
}

static void the_short_form_is_read(void **state) {
    assert_string_equal(seen(*state, "BUY EURUSD 1.5 @1.1234 sl=1.12 tp=1.13"),
                        "{\"direction\":\"BUY\",\"symbol\":\"EURUSD\",\"lot_size\":\"1.5\","
                        "\"price\":\"1.1234\",\"sl\":\"1.12\",\"tp\":\"1.13\"}");
    assert_string_equal(seen(*state, "sell limit BTCUSDT.P @65000"),
                        "{\"direction\":\"sell\",\"order_type\":\"limit\",\"symbol\":\"BTCUSDT.P\","
                        "\"price\":\"65000\"}");
    assert_string_equal(seen(*state, "close EURUSD"),
                        "{\"direction\":\"close\",\"symbol\":\"EURUSD\"}");
    assert_string_equal(
        seen(*state, "buy EURUSD now"),
        "!a word that is not understood: after BUY SYMBOL come lots, @price and key=value");
    assert_string_equal(seen(*state, "buy EURUSD 1 2"), "!a name that is there twice");
}

static void messagepack_becomes_the_same_map(void **state) {
    struct reader *r = *state;
    static const char bytes[] = "\x8b\xa1"
                                "a\x01\xa1"
                                "b\xff\xa1"
                                "c\xcb\x3f\xf1\xf9\x72\x47\x45\x38\xef\xa1" // 1.1234
                                "d\xd3\x80\x00\x00\x00\x00\x00\x00\x00\xa1"
                                "e\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1"
                                "f\xc0\xa1"
                                "g\xc3\xa1"
                                "h\xd9\x02xy\xa1"
                                "i\x92\x01\x81\xa1z\xc2\xa1"
                                "j\xca\x3f\xc0\x00\x00\xa1" // 1.5
                                "k\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00";
    assert_int_equal(read_bytes(r, bytes, sizeof bytes - 1), ERR_OK);
    assert_string_equal(content_of(r, 0),
                        "{\"a\":1,\"b\":-1,\"c\":1.1234,\"d\":-9223372036854775808,\"e\":"
                        "18446744073709551615,\"f\":null,\"g\":true,\"h\":\"xy\","
                        "\"i\":[1,{\"z\":false}],\"j\":1.5,\"k\":\"NaN\"}");
}

// Five bytes that ask for gigabytes: refused before anything is taken.
static void messagepack_lengths_are_checked_before_they_are_believed(void **state) {
    struct reader *r = *state;
    static const struct {
        const char *bytes;
        size_t length;
    } bombs[] = {
        {"\xdf\xff\xff\xff\xff", 5},
        {"\xdd\xff\xff\xff\xff", 5},
        {"\xde\xff\xff", 3},
        {"\x81\xa1"
         "a\xdb\xff\xff\xff\xff",
         8},
        {"\x81\xa1"
         "a\xc6\xff\xff\xff\xff",
         8},
        {"\x81\xa1"
         "a\xdd\x7f\xff\xff\xff\x01",
         9},
        {"\x81\xdb\xff\xff\xff\xff", 6},
        {"\x81\x01\x01", 3},
        {"\x81\xa1"
         "a\xc1",
         4},
        {"\x81\xa1"
         "a\xd6\xff\x00\x00\x00\x00",
         9},
        {"\x81\xa1"
         "a\x01\x01",
         5},
        {"\x90", 1},
        {"\x80", 1},
    };
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++)
        assert_int_equal(read_bytes(r, bombs[i].bytes, bombs[i].length),
                         i >= 11 ? ERR_OK : ERR_INPUT);
}

static void every_truncation_of_messagepack_is_refused(void **state) {
    struct reader *r = *state;
    static const char bytes[] =
        "\x84\xa6symbol\xa6"
        "EURUSD\xa6"
        "action\xa3"
        "buy\xa3lot\xcb\x3f\xf1\xf9\x72\x47\x45\x38\xef\xa1x\x93\x01\x02\x81\xa1y\xda\x00\x02zz";
    assert_int_equal(read_bytes(r, bytes, sizeof bytes - 1), ERR_OK);
    for (size_t n = 0; n < sizeof bytes - 1; n++)
        assert_int_equal(read_bytes(r, bytes, n), ERR_INPUT);
}

static void a_byte_order_mark_is_passed_over(void **state) {
    assert_string_equal(seen(*state, "\xef\xbb\xbf{\"a\":1}"), "{\"a\":1}");
}

#define read_test(f) cmocka_unit_test_setup_teardown(f, open_reader, close_reader)

int main(void) {
    const struct CMUnitTest tests[] = {
        read_test(json_numbers_keep_their_text),
        read_test(every_kind_of_value_is_kept),
        read_test(secrets_are_left_out_at_any_depth),
        read_test(a_name_that_is_there_twice_is_refused),
        read_test(lists_of_maps_are_many),
        read_test(limits_hold),
        read_test(a_map_has_at_most_64_names),
        read_test(what_is_not_utf8_or_holds_a_zero_is_refused),
        read_test(text_of_lines_and_of_pairs_is_read),
        read_test(the_short_form_is_read),
        read_test(messagepack_becomes_the_same_map),
        read_test(messagepack_lengths_are_checked_before_they_are_believed),
        read_test(every_truncation_of_messagepack_is_refused),
        read_test(a_byte_order_mark_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
