// outbox - frames for gateways, sent once the batch that decided them is committed.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/buffer.h"

#define GATEWAY_TOPIC "gateway"

struct session;
struct trade;

struct letter {
    struct session *to;
    struct span frame; // envelope
    char trade_id[68]; // a Submit's; else empty
};

typedef struct outbox outbox_t;

outbox_t *outbox_new(void);
void gateway_outbox_destroy(outbox_t **self);
void outbox_put(outbox_t *self, struct session *to, const ProtobufCMessage *m);
void outbox_submit(outbox_t *self, struct session *to, const ProtobufCMessage *m,
                   const char *trade_id);
// Hands every letter over, in order, and empties the box.
typedef void letter_fn(void *arg, const struct letter *letter);
void outbox_empty(outbox_t *self, letter_fn *deliver, void *arg);
