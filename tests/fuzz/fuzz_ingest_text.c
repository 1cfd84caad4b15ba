// fuzz_ingest_text - any bytes to the text reader of the door.
// SPDX-License-Identifier: MIT
#include "services/ingest/read/fields.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    own(arena) *arena = arena_new(0);
    struct builder *b = builder_new(arena);
    bool good = size && parse_text(b, (struct span){data, size});
    MUST(good == !b->why || !size);
    MUST(!good || b->depth == 0);
    buffer_destroy(&b->nested);
    return 0;
}
