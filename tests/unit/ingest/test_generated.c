// test_generated - 10,000 wrong bodies by a fixed seed: a 4xx each, no crash, no state but recorded
// refusals.
// SPDX-License-Identifier: MIT
#include "common/base/id.h"
#include "world.h"

#define BODIES_WANTED 10000
#define LENGTH(a)     (sizeof(a) / sizeof *(a))

static uint64_t seed = 20250322;

static unsigned below(unsigned n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

#define PICK(list) (list)[below(LENGTH(list))]

// --- writing one map in three formats

enum format { AS_JSON, AS_MSGPACK, AS_TEXT, FORMATS };

// A value: its text, and whether a quoted text or a bare number (a text says both the same).
struct value {
    const char *text;
    bool bare;
};

struct writer {
    enum format format;
    buffer_t out;
    unsigned n;
};

static void put_msgpack_text(buffer_t *out, const char *text) {
    size_t n = strlen(text);
    uint8_t head[] = {0xDA, (uint8_t)(n >> 8), (uint8_t)n};
    buffer_add(out, head, sizeof head);
    buffer_add(out, text, n);
}

static void put(struct writer *w, const char *name, struct value v) {
    switch (w->format) {
    case AS_JSON:
        buffer_text(&w->out, w->n ? "," : "{");
        buffer_json_string(&w->out, name, strlen(name));
        buffer_text(&w->out, ":");
        if (v.bare)
            buffer_text(&w->out, v.text);
        else
            buffer_json_string(&w->out, v.text, strlen(v.text));
        break;
    case AS_MSGPACK:
        put_msgpack_text(&w->out, name);
        put_msgpack_text(&w->out, v.text);
        break;
    case AS_TEXT:
        buffer_format(&w->out, "%s=%s\n", name, v.text);
        break;
    case FORMATS:
        break;
    }
    w->n++;
}

static void begin(struct writer *w, enum format format) {
    w->format = format;
    w->n = 0;
    buffer_clear(&w->out);
    if (format == AS_MSGPACK) buffer_add(&w->out, "\xde\0\0", 3);
}

static void end(struct writer *w) {
    if (w->format == AS_JSON) buffer_text(&w->out, "}");
    if (w->format == AS_MSGPACK) w->out.data[2] = (uint8_t)w->n;
}

// --- wrong values of every field

static const struct value wrong_numbers[] = {
    {"NaN", 0},         {"inf", 0},
    {"-Infinity", 0},   {"abc", 0},
    {"1,5", 0},         {"1.5.5", 0},
    {"0x1F", 0},        {"--3", 0},
    {"1e", 0},          {"1 2", 0},
    {"-", 0},           {"1e400", 1},
    {"-1", 1},          {"-0.5", 1},
    {"0", 1},           {"0.0", 1},
    {"1e30", 1},        {"99999999999999999999", 1},
    {"0.123456789", 1}, {"-92233720368.5", 1},
    {"{{x}}", 0},       {"1e-9", 1},
};
static const struct value wrong_counts[] = {{"1.5", 1},        {"-1", 1},   {"x", 0},
                                            {"2147483648", 1}, {"1e12", 1}, {"0.1", 1}};
static const struct value wrong_shares[] = {{"-1", 1},           {"101", 1}, {"x", 0},
                                            {"100.00000001", 1}, {"NaN", 0}, {"1e400", 1}};
static const struct value wrong_times[] = {{"soon", 0},
                                           {"2025-13-01T00:00:00Z", 0},
                                           {"2030-01-01", 0},
                                           {"2030-01-01T00:00:00", 0},
                                           {"-1", 1},
                                           {"1.5", 1},
                                           {"99999999999999", 1},
                                           {"2030-02-29T00:00:00Z", 0},
                                           {"12:00", 0},
                                           {"2030-01-01T24:00:00Z", 0},
                                           {"x", 0}};
static const struct value past_times[] = {
    {"2001-01-01T00:00:00Z", 0}, {"1742638530", 1}, {"1742638529999", 1}, {"0", 1}, {"never", 0}};
static const struct value wrong_symbols[] = {
    {"EUR USD", 0},    {"*", 0},       {"EUR*", 0}, {"$X", 0},
    {".EURUSD", 0},    {"EUR'USD", 0}, {"€", 0},    {"EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE", 0},
    {"{{ticker}}", 0}, {"a@b", 0}};
static const struct value wrong_directions[] = {
    {"hold", 0}, {"BUYY", 0}, {"reversed", 0}, {"close-long", 0}, {"1", 1}, {"none", 0}, {"b", 0}};
static const struct value wrong_types[] = {
    {"mkt", 0}, {"stop-limit", 0}, {"1", 1}, {"markets", 0}, {"none", 0}};
static const struct value wrong_ids[] = {
    {"a b", 0},
    {"a/b", 0},
    {"ä", 0},
    {"state:pending", 0},
    {"guard:1", 0},
    {"<x>", 0},
    {"0123456789012345678901234567890123456789012345678901234567890123456789", 0}};
static const struct value wrong_texts[] = {
    {"0123456789012345678901234567890123456789012345678901234567890123456789", 0},
    {"a\x01z", 0},
    {"a\x7fz", 0},
    {"a\tz\x1f", 0}};

static const struct {
    const char *names[8];
    const struct value *values;
    size_t n;
} wrongs[] = {
    {{"symbol", "ticker"}, wrong_symbols, LENGTH(wrong_symbols)},
    {{"direction", "action", "side", "strategy.order.action"},
     wrong_directions,
     LENGTH(wrong_directions)},
    {{"order_type"}, wrong_types, LENGTH(wrong_types)},
    {{"lot_size", "contracts", "quantity", "qty", "lots", "strategy.order.contracts"},
     wrong_numbers,
     LENGTH(wrong_numbers)},
    {{"price", "entry_price", "close", "strategy.order.price"},
     wrong_numbers,
     LENGTH(wrong_numbers)},
    {{"stop_loss", "stop_price", "sl"}, wrong_numbers, LENGTH(wrong_numbers)},
    {{"take_profit", "target_price", "tp"}, wrong_numbers, LENGTH(wrong_numbers)},
    {{"expiration_time", "expiration"}, past_times, LENGTH(past_times)},
    {{"timestamp", "timenow", "time"}, wrong_times, LENGTH(wrong_times)},
    {{"confidence"}, wrong_shares, LENGTH(wrong_shares)},
    {{"agreement"}, wrong_shares, LENGTH(wrong_shares)},
    {{"sources"}, wrong_counts, LENGTH(wrong_counts)},
    {{"strategy", "strategy_name"}, wrong_texts, LENGTH(wrong_texts)},
    {{"asset_type"}, wrong_texts, LENGTH(wrong_texts)},
    {{"data_source"}, wrong_texts, LENGTH(wrong_texts)},
    {{"regime"}, wrong_texts, LENGTH(wrong_texts)},
    {{"signal_id"}, wrong_ids, LENGTH(wrong_ids)},
};

static const char *name_of(size_t which) {
    unsigned n = 0;
    while (n < 8 && wrongs[which].names[n]) n++;
    return wrongs[which].names[below(n)];
}

static void put_others(struct writer *w, size_t wrong) {
    if (wrong != 0) put(w, "symbol", (struct value){"EURUSD", false});
    if (wrong != 1) put(w, "direction", (struct value){below(2) ? "buy" : "SELL", false});
    for (unsigned i = below(4); i; i--) {
        char name[24];
        (void)snprintf(name, sizeof name, "extra_%u", i);
        put(w, name, (struct value){"something ä", false});
    }
}

// A body that breaks at least one rule: 422.
static void write_wrong_field(struct writer *w) {
    size_t wrong = below(LENGTH(wrongs));
    bool first = below(2);
    begin(w, (enum format)below(FORMATS));
    if (!first) put_others(w, wrong);
    put(w, name_of(wrong), wrongs[wrong].values[below((unsigned)wrongs[wrong].n)]);
    if (first) put_others(w, wrong);
    end(w);
}

// --- bodies that cannot be read: 400

static const char *const sound_json = "{\"symbol\":\"EURUSD\",\"order_type\":\"limit\","
                                      "\"direction\":\"buy\",\"lot_size\":1.5,\"price\":1."
                                      "1234,\"note\":{\"a\":[1,true,null]}}";

static void write_sound_msgpack(struct writer *w) {
    begin(w, AS_MSGPACK);
    put(w, "symbol", (struct value){"EURUSD", false});
    put(w, "direction", (struct value){"buy", false});
    put(w, "note", (struct value){"some words", false});
    end(w);
}

static void write_truncated(struct writer *w) {
    if (below(2)) {
        begin(w, AS_JSON);
        buffer_add(&w->out, sound_json, below((unsigned)strlen(sound_json)));
    } else {
        write_sound_msgpack(w);
        w->out.length = below((unsigned)w->out.length);
    }
}

static void write_deep(struct writer *w) {
    unsigned depth = 8 + below(2000);
    begin(w, AS_JSON);
    buffer_text(&w->out, "{\"symbol\":\"EURUSD\",\"direction\":\"buy\",\"a\":");
    for (unsigned i = 0; i < depth; i++) buffer_text(&w->out, i % 2 ? "{\"b\":" : "[");
    buffer_text(&w->out, "1");
    for (unsigned i = depth; i--;) buffer_text(&w->out, i % 2 ? "}" : "]");
    buffer_text(&w->out, "}");
}

static void write_huge(struct writer *w) {
    unsigned size = 8193 + below(40000);
    begin(w, AS_JSON);
    buffer_text(&w->out, below(2) ? "{\"symbol\":\"EURUSD\",\"direction\":\"buy\",\"a\":\""
                                  : "{\"direction\":\"buy\",\"symbol\":\"");
    for (; size; size--) buffer_text(&w->out, "x");
    buffer_text(&w->out, "\"}");
}

static void write_wrong_encoding(struct writer *w) {
    static const char *const broken[] = {
        "\xff", "\xc3\x28", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80"};
    const char *piece = PICK(broken);
    begin(w, below(2) ? AS_JSON : AS_TEXT);
    if (w->format == AS_JSON)
        buffer_format(&w->out, "{\"symbol\":\"EURUSD\",\"direction\":\"buy\",\"n%u\":\"a%sb\"}",
                      below(100), piece);
    else
        buffer_format(&w->out, "symbol=EURUSD\naction=buy\nn%u=a%sb\n", below(100), piece);
}

// A sound body whose last text, list or map claims more than is there.
static void write_length_bomb(struct writer *w) {
    static const uint8_t heads[] = {0xC4, 0xC5, 0xC6, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF};
    static const uint8_t widths[] = {1, 2, 4, 1, 2, 4, 2, 4, 2, 4};
    unsigned which = below(LENGTH(heads));
    write_sound_msgpack(w);
    w->out.data[2]++;
    buffer_add(&w->out, "\xa1z", 2);
    buffer_add(&w->out, &heads[which], 1);
    for (unsigned i = 0; i < widths[which]; i++) {
        uint8_t byte = (uint8_t)(128 + below(128));
        buffer_add(&w->out, &byte, 1);
    }
    for (unsigned i = below(20); i; i--) buffer_text(&w->out, "a");
}

static void write_twice(struct writer *w) {
    begin(w, (enum format)below(FORMATS));
    put(w, "symbol", (struct value){"EURUSD", false});
    put(w, "direction", (struct value){"buy", false});
    put(w, below(2) ? "symbol" : "direction", (struct value){below(2) ? "buy" : "EURUSD", false});
    end(w);
}

static void write_many_names(struct writer *w) {
    begin(w, (enum format)below(FORMATS));
    for (unsigned i = 0; i < 65 + below(100); i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "n%u", i);
        put(w, name, (struct value){"1", true});
    }
    end(w);
}

static const struct {
    void (*write)(struct writer *w);
    unsigned status, share; // share of 100
} kinds[] = {
    {write_wrong_field, 422, 50}, {write_truncated, 400, 15},      {write_deep, 400, 5},
    {write_huge, 400, 5},         {write_wrong_encoding, 400, 10}, {write_length_bomb, 400, 9},
    {write_twice, 400, 3},        {write_many_names, 400, 3},
};

static void write_some(struct writer *w, unsigned *status) {
    unsigned at = below(100), kind = 0;
    while (at >= kinds[kind].share) at -= kinds[kind++].share;
    kinds[kind].write(w);
    *status = kinds[kind].status;
}

static void ten_thousand_wrong_bodies_are_each_refused(void **state) {
    struct world *w = *state;
    struct writer writer = {0};
    for (unsigned i = 0; i < BODIES_WANTED; i++) {
        unsigned status;
        world_begin(w);
        write_some(&writer, &status);
        struct request request = world_request(w, "tv", writer.out.data, writer.out.length);
        struct reply r = accept_signal(w->ingest, w->batch, &request);
        if (r.status != status && !(r.status == 409 && status == 422))
            fail_msg("body %u is answered %u, not %u: %.*s", i, r.status, status,
                     (int)writer.out.length, (const char *)writer.out.data);
        if (count_emitted(w, "Signal", NULL) || table_count(w->ingest->lives) ||
            wrote(w, "signal:state:p"))
            fail_msg("body %u left a signal", i);
        if (status == 400 && !batch_is_empty(w->batch)) fail_msg("body %u was written down", i);
        w->now += NS_PER_MS;
    }
    buffer_destroy(&writer.out);
}

// Bytes of sound bodies changed at random: taken or refused, but answered, and in order.
static void bodies_with_flipped_bytes_are_answered(void **state) {
    struct world *w = *state;
    struct writer writer = {0};
    for (unsigned i = 0; i < BODIES_WANTED; i++) {
        world_begin(w);
        if (below(2)) {
            write_sound_msgpack(&writer);
        } else {
            begin(&writer, AS_JSON);
            buffer_text(&writer.out, sound_json);
        }
        for (unsigned n = 1 + below(4); n; n--)
            writer.out.data[below((unsigned)writer.out.length)] = (uint8_t)below(256);
        struct request request = world_request(w, "tv", writer.out.data, writer.out.length);
        unsigned status = accept_signal(w->ingest, w->batch, &request).status;
        if (status != 200 && status != 400 && status != 409 && status != 422)
            fail_msg("body %u is answered %u", i, status);
        w->now += NS_PER_S;
    }
    buffer_destroy(&writer.out);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(ten_thousand_wrong_bodies_are_each_refused),
        world_test(bodies_with_flipped_bytes_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
