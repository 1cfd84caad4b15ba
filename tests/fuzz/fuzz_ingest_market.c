// fuzz_ingest_market - any bytes as market data of each kind: refused with words, or within all
// limits, and printed as JSON that is read again.
// SPDX-License-Identifier: MIT
#include "common/schema/json_tree.h"
#include "common/schema/record.h"
#include "services/ingest/market/documents.h"
#include "tests/fuzz/fuzz.h"

#define NOW  UINT64_C(1800000000000000000)
#define MOST (1 << 20) // of what 64 KiB become

static void must_be_whole(const struct document_form *form, const struct posted_document *d) {
    own(buffer) json = {0};
    char why[JSON_WHY];
    MUST(d->m && d->timestamp <= NOW + DOCUMENT_AHEAD_NS && record_is_sound(d->m));
    MUST(!form->of_symbol == !d->symbol);
    document_print(form, d->m, &json);
    MUST(json.length && json.length < MOST);
    yajl_val v = json_tree_parse(buffer_span(&json), why);
    MUST(v);
    yajl_tree_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    own(arena) *arena = arena_new(0);
    struct complaints *complaints = arena_take(arena, sizeof *complaints);
    struct posted_document *documents = NULL;
    const char *undecodable;
    if (!size) return 0;
    const struct document_form *form = document_form((document_kind_t)(1 + data[0] % 5));
    const struct document_post post = {.form = form,
                                       .body = {data + 1, size - 1},
                                       .source = "feed",
                                       .symbol = data[0] & 0x80 ? "EURUSD" : NULL,
                                       .now = NOW,
                                       .arena = arena};
    size_t n = documents_read(&post, &documents, complaints, &undecodable);
    MUST(n <= MAPS_MAX);
    for (size_t i = 0; !undecodable && !complaints->n && i < n; i++)
        must_be_whole(form, &documents[i]);
    return 0;
}
