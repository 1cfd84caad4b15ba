// accept - a body from a known source becomes a signal, a resend, or a recorded refusal.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/identity/identity.h"
#include "services/ingest/ingest.h"

struct request {
    const SignalConfig *source;
    struct span token, body;
    const struct document_form *form; // of market data
    const char *symbol;               // of the address; NULL or empty: the body names it
    bool unheard; // nobody waits for the answer: what cannot be decoded is recorded as well
};

// What they write into the batch sets self->wrote: then the reply must wait for the commit.
struct reply accept_signal(struct ingest *self, batch_t *batch, const struct request *request);
struct reply accept_prices(struct ingest *self, batch_t *batch, const struct request *request);
struct reply accept_document(struct ingest *self, batch_t *batch, const struct request *request);

// Takes a signal that nobody has had: remembers it, gives it to the topic, counts its votes. False:
// there is no room, and nothing happened.
bool accept_new(struct ingest *self, batch_t *batch, const Signal *signal,
                const struct identity *identity);
