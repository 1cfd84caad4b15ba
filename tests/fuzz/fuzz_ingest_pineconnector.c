// fuzz_ingest_pineconnector - any bytes as a message of PineConnector's: to fields that a signal
// has and that hold no id, or refused by name.
// SPDX-License-Identifier: MIT
#include "services/ingest/read/dialect.h"
#include "tests/fuzz/fuzz.h"

static bool holds(const struct fields *fields, struct span license) {
    for (size_t i = 0; i < fields->n; i++)
        if (text_holds(fields->items[i].text, fields->items[i].length, license)) return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    own(arena) *arena = arena_new(0);
    SignalConfig source = SIGNAL_CONFIG__INIT;
    struct translation t;
    const char *why = NULL;
    struct span body = {data, size}, license = pineconnector_license(body);
    source.risk_is = 1 + (size ? data[size - 1] % 5 : 0);
    source.sl_is = 1 + size % 3;
    source.tp_is = 1 + size / 3 % 3;
    translation_start(&t, &source, arena);
    if (dialect_pineconnector(&t, body, &why)) {
        MUST(why != NULL);
        return 0;
    }
    MUST(license.length > 0);
    MUST(!holds(&t.sent, license));
    for (size_t i = 0; i < t.complaints.n; i++)
        MUST(t.complaints.items[i].field && t.complaints.items[i].code &&
             t.complaints.items[i].rule);
    for (size_t i = 0; i < t.ours.n; i++) {
        const char *as = t.ours.items[i].as;
        MUST(as &&
             (!*as || protobuf_c_message_descriptor_get_field_by_name(&signal__descriptor, as)));
    }
    struct reading *r = arena_take(arena, sizeof *r);
    signal_of(&t.ours, license, arena, r);
    return 0;
}
