// risks - what the router holds of each account's risk: its rules, its day, its lock; and which
// sources are halted. Memory only; slice.h keeps it.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/domain/rules.h"
#include "common/domain/zone.h"
#include "order.pb-c.h"
#include "system.pb-c.h"

struct account;

#define RISK_RECENT 100 // entries remembered for max_orders, at most
#define RISK_WORDS  200

struct risk {
    struct rules rules;
    uint64_t version; // of the book that they are from
    bool is_watched;  // they need balance and equity
    const zone_t *zone;
    uint64_t day_ends_at;         // UTC ns; 0: no day has begun
    RiskState s;                  // its texts are below; its mode is the account's
    uint64_t recent[RISK_RECENT]; // when the last entries were ordered, the newest last
    unsigned n_recent;
    uint64_t kept_at; // UTC ns
    char reason[RISK_WORDS], detail[RISK_WORDS];
};

typedef struct risks risks_t;

risks_t *risks_new(void);
void risks_destroy(risks_t **self);
// made when new; UTC when there is none of that name
const zone_t *risks_zone(risks_t *self, const char *name);

// With the rules that are in force. NULL: the account has neither rules nor anything that was
// broken.
struct risk *risks_of(risks_t *self, const book_t *book, const AccountConfig *config,
                      struct account *account);
void risks_note_reason(struct account *account, const char *reason); // the operator's; NULL: none
void risks_load(struct account *account, const RiskState *s);        // what was kept

RiskState__Mode risks_source(const risks_t *self, const char *source);
void risks_set_source(risks_t *self, const char *source, RiskState__Mode mode);

// Entries ordered since `since` (UTC ns).
unsigned risk_orders_since(const struct risk *risk, uint64_t since);
void risk_note_order(struct risk *risk, uint64_t now);
