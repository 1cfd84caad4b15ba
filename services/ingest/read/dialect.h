// dialect - a sender's own format becomes names and values of ours, or is refused with what is not
// understood by name. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "config.pb-c.h"
#include "services/ingest/read/signal_of.h"

// One body on its way from its dialect to signal_of.
struct translation {
    const SignalConfig *source;
    arena_t *arena;
    // for signal_of: each with the name that its sender knows, and what it is read as
    struct fields ours;
    struct fields sent;           // as it came, without what is secret; for the record of a refusal
    unsigned secrets;             // how many were given: they are not in `sent`
    struct complaints complaints; // what of it is refused: then nothing of it may be acted on
};

void translation_start(struct translation *t, const SignalConfig *source, arena_t *arena);

// A field of ours (`as`, a name of Signal) with a value, and how its sender calls it. Texts are
// kept where they are: in the arena, or constant.
void translation_put(struct translation *t, const char *name, const char *as,
                     const struct field *value);
void translation_put_text(struct translation *t, const char *name, const char *as,
                          const char *text);
// A number times `factor`.
void translation_put_times(struct translation *t, const char *name, const char *as,
                           const struct field *value, uint32_t factor);
// with the signal, read as nothing
void translation_keep(struct translation *t, const struct field *f);
void translation_sent(struct translation *t, const struct field *f);
void translation_refuse(struct translation *t, const char *name, const char *code,
                        const char *rule);

// Our own format, where the sender calls some fields otherwise (SignalConfig.names).
void dialect_tradecast(struct translation *t, const struct fields *body);
// dialect_traderspost.c: a JSON object as TradersPost documents it.
void dialect_traderspost(struct translation *t, const struct fields *body);
// dialect_pineconnector.c: "id,command,symbol,key=value,…". ERR_INPUT: it has not that form; *why
// says what is missing.
err_t dialect_pineconnector(struct translation *t, struct span body, const char **why);
// The id that such a message begins with: a credential, never kept. Empty: there is none.
struct span pineconnector_license(struct span body);
