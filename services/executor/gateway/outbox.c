// outbox - frames for gateways, sent once the batch that decided them is committed.
// SPDX-License-Identifier: MIT
#include "services/executor/gateway/outbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/array.h"
#include "common/delivery/envelope.h"

struct outbox {
    buffer_t frames; // end to end; letters hold lengths until they are delivered
    struct letter *letters;
    size_t count, room;
};

outbox_t *outbox_new(void) {
    outbox_t *self = alloc_zeroed(1, sizeof *self);
    return self;
}

void gateway_outbox_destroy(outbox_t **self) {
    if (!*self) return;
    buffer_destroy(&(*self)->frames);
    free((*self)->letters);
    free(*self);
    *self = NULL;
}

static struct letter *add_letter(outbox_t *self, struct session *to, const ProtobufCMessage *m) {
    array_reserve(self->letters, self->count, self->room);
    size_t start = self->frames.length;
    envelope_write(&self->frames, GATEWAY_TOPIC, ENTRY_ID_NONE, ENTRY_ID_NONE, m);
    struct letter *letter = &self->letters[self->count++];
    letter->to = to;
    letter->frame = (struct span){NULL, self->frames.length - start};
    letter->trade_id[0] = 0;
    return letter;
}

void outbox_put(outbox_t *self, struct session *to, const ProtobufCMessage *m) {
    (void)add_letter(self, to, m);
}

void outbox_submit(outbox_t *self, struct session *to, const ProtobufCMessage *m,
                   const char *trade_id) {
    struct letter *letter = add_letter(self, to, m);
    (void)snprintf(letter->trade_id, sizeof letter->trade_id, "%s", trade_id);
}

void outbox_empty(outbox_t *self, letter_fn *deliver, void *arg) {
    const uint8_t *at = self->frames.data;
    for (size_t i = 0; i < self->count; i++) {
        self->letters[i].frame.data = at;
        at += self->letters[i].frame.length;
        deliver(arg, &self->letters[i]);
    }
    self->count = 0;
    buffer_clear(&self->frames);
}
