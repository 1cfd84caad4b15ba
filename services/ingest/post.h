// post - a posted signal on its way to an answer: who it is, and what the door adds to it.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/accept.h"
#include "services/ingest/read/signal_of.h"

struct post {
    struct ingest *self;
    batch_t *batch;
    const struct request *request;
    struct reading *reading;
    const struct fields *fields; // as it was sent; NULL: it could not be decoded
    struct digest content;
    struct identity identity;
};

// Sets content and identity: whether the door has had this signal before.
void post_identify(struct post *p);
// Everything that the door adds to what was sent.
void post_stamp(struct post *p);
