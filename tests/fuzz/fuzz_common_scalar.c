// fuzz_common_scalar - any bytes as a decimal, a time, an entry's id; what is read prints to what reads as the same.
// SPDX-License-Identifier: MIT
#include "common/clock.h"
#include "common/decimal.h"
#include "common/delivery.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    decimal_t d, d2;
    uint64_t t, t2;
    struct entry_id id, id2;
    char out[64];
    if (decimal_parse(text, size, &d) == ERR_OK) MUST(decimal_parse(out, decimal_print(d, out), &d2) == ERR_OK && d.e8 == d2.e8);
    if (time_parse(text, size, &t) == ERR_OK) {
        size_t n = time_print(t, out);
        if (t < UINT64_C(16725225600) * NS_PER_S) MUST(time_parse(out, n, &t2) == ERR_OK && t / NS_PER_US == t2 / NS_PER_US);
    }
    if (entry_id_parse(text, size, &id) == ERR_OK) MUST(entry_id_parse(out, entry_id_print(id, out), &id2) == ERR_OK && entry_id_cmp(id, id2) == 0);
    return 0;
}
