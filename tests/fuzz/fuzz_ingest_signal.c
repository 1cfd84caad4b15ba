// fuzz_ingest_signal - any bytes as a body at the door: to a Signal that keeps its promises, or
// refused with a reason.
// SPDX-License-Identifier: MIT
#include "common/base/decimal.h"
#include "common/schema/record.h"
#include "services/ingest/rules/rules.h"
#include "tests/fuzz/fuzz.h"

#define NOW   UINT64_C(1742638530000000000)
#define TOKEN "z0ken" // no part of a JSON escape, so that it is not spelled by one and what follows

static void look_at(const struct reading *r) {
    const Signal *s = &r->signal;
    if (r->complaints.n) return;
    MUST(s->symbol && symbol_is_valid(s->symbol));
    MUST(!s->has_lot_size || s->lot_size > 0);
    MUST(!s->has_price || s->price > 0);
    MUST(s->order_type == SIGNAL__ORDER_TYPE__market || s->has_price);
    MUST(!s->has_expiration_time || s->expiration_time > NOW);
    MUST(!s->extra || !strstr(s->extra, TOKEN));
    if (s->direction == SIGNAL__DIRECTION__buy && s->has_stop_loss && s->has_take_profit)
        MUST(s->stop_loss < s->take_profit);
}

// What was accepted can be packed, and printed, and read again.
static void round_trip(struct reading *r, arena_t *arena) {
    Signal *s = &r->signal;
    if (r->complaints.n) return;
    if (!s->signal_id) s->signal_id = (char *)"x";
    s->source = (char *)"tv";
    uint8_t *packed = arena_take(arena, signal__get_packed_size(s));
    size_t n = signal__pack(s, packed);
    MUST(signal__unpack(arena_allocator(arena), n, packed) != NULL);
    buffer_t json = {0};
    struct fault fault;
    ProtobufCMessage *again;
    record_to_json(&s->base, &json);
    MUST(record_from_json(&signal__descriptor, buffer_string(&json), json.length, "", arena, &again,
                          &fault) == ERR_OK);
    buffer_destroy(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    own(arena) *arena = arena_new(0);
    struct document body;
    const char *why;
    if (document_read((struct span){data, size}, arena, &body, &why)) {
        MUST(why != NULL);
        return 0;
    }
    for (size_t i = 0; i < body.n; i++) {
        struct reading *r = arena_take(arena, sizeof *r);
        signal_of(&body.maps[i], span_of(TOKEN), arena, r);
        rules_check(r, NOW);
        look_at(r);
        round_trip(r, arena);
        bool cut;
        size_t most = 64 + size % 4096;
        const char *kept = signal_content(&body.maps[i], span_of(TOKEN), most, arena, &cut);
        MUST(!strstr(kept, TOKEN) && strlen(kept) <= most);
    }
    return 0;
}
