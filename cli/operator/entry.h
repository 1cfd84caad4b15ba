// entry - one entry of a topic as people and machines read it; and whether it is the one looked
// for. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/delivery/envelope.h"

// What to look for; NULL: anything.
struct filter {
    const char *type, *account, *symbol;
};

// Whether the message, or anything in it, has the account and the symbol looked for (account_id;
// symbol or broker_symbol).
bool filter_takes(const struct filter *filter, const ProtobufCMessage *m);
// whether it, or anything in it, is about this signal
bool filter_has_signal(const ProtobufCMessage *m, const char *signal_id);

// {"topic":…,"id":…,"type":…,"body":{…}} and a line feed. `at` UTC ns: 0 leaves "heard_at" out.
void entry_json(const char *topic, const struct envelope *e, const ProtobufCMessage *m, uint64_t at,
                buffer_t *out);
// "10:15:30.123  executions.0  1742-7  Execution  {…}" and a line feed.
void entry_line(const char *topic, const struct envelope *e, const ProtobufCMessage *m, uint64_t at,
                buffer_t *out);
