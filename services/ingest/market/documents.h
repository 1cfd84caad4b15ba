// documents - market data that sources post beside prices: what kinds there are, and how a body
// becomes one (spec 003; docs/market-data.md). Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "config.pb-c.h"
#include "market.pb-c.h"
#include "services/ingest/read/signal_of.h"

#define DOCUMENT_AHEAD_NS (60 * UINT64_C(1000000000)) // how far a sender's clock may be ahead

typedef SignalConfig__Document document_kind_t;

struct document_form {
    document_kind_t kind;
    const char *name; // in the address, in market_data and in the record
    const char *key;  // in Redis; of a symbol: what its name follows
    const ProtobufCMessageDescriptor *type;
    bool of_symbol; // there is one for each symbol
    const char
        *list; // the field that stands there alone, as an array; NULL: the whole is an object
};
const struct document_form *document_form(document_kind_t kind);

// A body as it came.
struct document_post {
    const struct document_form *form;
    struct span body;
    const char *source; // its config_id
    const char *symbol; // of the address; NULL or empty: the body names it
    uint64_t now;       // UTC ns
    arena_t *arena;
};
// One document of it, whole: with source and timestamp.
struct posted_document {
    ProtobufCMessage *m;
    const char *symbol; // NULL: it is of no symbol
    uint64_t timestamp; // UTC ns, in whole microseconds
    const char *path;   // of it within the body: "", "[2]."
};

// Reads all documents of a body into *out (in the arena) and returns how many. With complaints they
// are not to be used. *undecodable: what is wrong with a body that is no document at all.
size_t documents_read(const struct document_post *post, struct posted_document **out,
                      struct complaints *complaints, const char **undecodable);

// As it stands in Redis: an object without what its key says, or the array alone.
void document_print(const struct document_form *form, const ProtobufCMessage *m, buffer_t *out);
