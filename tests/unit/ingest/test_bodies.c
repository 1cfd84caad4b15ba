// test_bodies - every row of bodies.tsv gets its answer, and leaves nothing behind but a recorded
// refusal.
// SPDX-License-Identifier: MIT
#include "bodies.h"

static unsigned wrong, bad, good;

static void complain_of(const struct row *row, const struct reply *r) {
    wrong++;
    print_error("%s:%u: expected %u %s, got %u %.*s\n    %.300s\n", BODIES, row->line, row->status,
                row->field, r->status, (int)r->body.length, (const char *)r->body.data,
                row->written);
}

static bool names_field(const struct row *row, const struct reply *r) {
    char text[120];
    if (row->status == 200) return true;
    (void)snprintf(text, sizeof text,
                   strcmp(row->field, "-") == 0 ? "\"field\":null" : "\"field\":\"%s\"",
                   row->field);
    return says(r, text) && says(r, "{\"error\":{\"code\":\"") && says(r, "\"message\":\"");
}

// What was refused: nothing written, or nothing but its record.
static bool left_no_trace(struct world *w, const struct row *row) {
    bool signal = strcmp(row->format, "prices") != 0;
    size_t signals = count_emitted(w, "Signal", NULL),
           refusals = count_emitted(w, "SignalRejection", NULL),
           prices = count_emitted(w, "Price", NULL);
    if (row->status == 200) return signals == signal && refusals == 0;
    if (table_count(w->ingest->lives) || signals || prices || wrote(w, "signal:state:p") ||
        wrote(w, "signal:state:v") || wrote(w, "stocks:"))
        return false;
    return row->status == 422 && signal ? refusals == 1 && wrote(w, "signal_rejection:")
                                        : batch_is_empty(w->batch);
}

static void try_row(const struct row *row) {
    void *state;
    world_open(&state);
    struct world *w = state;
    struct request request = world_request(w, "tv", row->body.data, row->body.length);
    bool prices = strcmp(row->format, "prices") == 0;
    struct reply r = (prices ? accept_prices : accept_signal)(w->ingest, w->batch, &request);
    prices_flush(w->ingest->prices, w->batch);
    *(row->status == 200 ? &good : &bad) += 1;
    if (r.status != row->status || !names_field(row, &r) || !left_no_trace(w, row))
        complain_of(row, &r);
    world_close(&state);
}

static void every_body_gets_its_answer(void **state) {
    (void)state;
    each_body(try_row);
    print_message("%u bad bodies, %u good ones\n", bad, good);
    assert_int_equal(wrong, 0);
    assert_true(bad >= 500 && good >= 80);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_body_gets_its_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
