// fuzz_common_record - any bytes as configuration or another message in JSON; what is read is written, and read again as the same.
// SPDX-License-Identifier: MIT
#include "common/record.h"
#include "config.pb-c.h"
#include "execution.pb-c.h"
#include "signal.pb-c.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCMessageDescriptor *const types[] = {&account_config__descriptor, &broker_config__descriptor, &signal_config__descriptor,
                                                          &instance_config__descriptor, &signal__descriptor,       &trade_state__descriptor,
                                                          &config_change__descriptor};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    own(arena) *arena = arena_new(0);
    const ProtobufCMessageDescriptor *type = types[*data % (sizeof types / sizeof *types)];
    ProtobufCMessage *m, *again;
    struct fault fault = {0};
    if (record_from_json(type, (const char *)data + 1, size - 1, "f", arena, &m, &fault)) {
        MUST(*fault.rule);
        return 0;
    }
    buffer_t one = {0}, two = {0};
    record_to_json(m, &one);
    MUST(record_from_json(type, buffer_string(&one), one.length, "f", arena, &again, &fault) == ERR_OK);
    record_to_json(again, &two);
    MUST(one.length == two.length && memcmp(one.data, two.data, one.length) == 0);
    buffer_destroy(&one);
    buffer_destroy(&two);
    return 0;
}
