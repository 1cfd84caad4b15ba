// fuzz_common_envelope - any bytes as a frame from the wire or the journal, and as the body of each
// message type.
// SPDX-License-Identifier: MIT
#include "common/delivery/envelope.h"
#include "tests/fuzz/fuzz.h"

static const char *const types[] = {
    "Signal",    "SignalRejection", "Order",           "OrderCommand",   "Routing",
    "Execution", "AccountState",    "Outcome",         "Price",          "ConfigChange",
    "Hello",     "Report",          "Submit",          "Command",        "Alert",
    "Heartbeat", "OrderStatus",     "AccountSnapshot", "ControlRequest", "BrokerSnapshot"};

static void try_body(const uint8_t *data, size_t size, arena_t *arena) {
    struct envelope e = {.body = {data + 1, size - 1}};
    const char *type = types[*data % (sizeof types / sizeof *types)];
    memcpy(e.type, type, strlen(type) + 1);
    ProtobufCMessage *m = envelope_open(&e, arena);
    if (!m) return;
    buffer_t frame = {0};
    struct envelope again;
    envelope_write(&frame, "signals", (struct entry_id){1, 2}, (struct entry_id){1, 1}, m);
    MUST(envelope_read("signals", (struct span){frame.data, frame.length}, &again) == ERR_OK);
    MUST(envelope_open(&again, arena) != NULL);
    frame.data[frame.length / 2] ^= 1; // damage is seen
    MUST(envelope_read("signals", (struct span){frame.data, frame.length}, &again) != ERR_OK);
    buffer_destroy(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    own(arena) *arena = arena_new(0);
    struct envelope e;
    if (envelope_read("signals", (struct span){data, size}, &e) == ERR_OK)
        (void)envelope_open(&e, arena);
    if (size) try_body(data, size, arena);
    return 0;
}
