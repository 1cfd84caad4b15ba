// fuzz_common_scalar - any bytes as a decimal, a time, an entry's id, and any 8 bytes as the value
// of one; what is read prints to what reads as the same.
// SPDX-License-Identifier: MIT
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/utf8.h"
#include "common/delivery/delivery.h"
#include "tests/fuzz/fuzz.h"

static void decimal_survives(decimal_t d) {
    char out[DECIMAL_TEXT];
    decimal_t again;
    MUST(decimal_parse(out, decimal_print(d, out), &again) == ERR_OK && d.e8 == again.e8);
}

static void time_survives(uint64_t t) {
    char out[TIME_TEXT];
    uint64_t again;
    MUST(time_parse(out, time_print(t, out), &again) == ERR_OK && t - t % NS_PER_US == again);
}

static void id_survives(struct entry_id id) {
    char out[ENTRY_ID_TEXT];
    struct entry_id again;
    MUST(entry_id_parse(out, entry_id_print(id, out), &again) == ERR_OK &&
         entry_id_cmp(id, again) == 0);
}

static void values_survive(const uint8_t *data, size_t size) {
    uint64_t bits[2] = {0};
    memcpy(bits, data, size < sizeof bits ? size : sizeof bits);
    decimal_survives(D((int64_t)bits[0]));
    time_survives(bits[0]);
    id_survives((struct entry_id){bits[0], bits[1]});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    decimal_t d, read;
    uint64_t t;
    struct entry_id id;
    values_survive(data, size);
    if (decimal_parse(text, size, &d) == ERR_OK) decimal_survives(d);
    if (decimal_read(text, size, &read) == ERR_OK)
        MUST(read.e8 == d.e8 && decimal_neg(decimal_neg(read)).e8 == read.e8);
    if (time_parse(text, size, &t) == ERR_OK) time_survives(t);
    if (time_read(text, size, &t) == ERR_OK) MUST(t < TIME_END);
    if (entry_id_parse(text, size, &id) == ERR_OK) id_survives(id);
    (void)utf8_escapes_are_whole(text, size);
    return 0;
}
