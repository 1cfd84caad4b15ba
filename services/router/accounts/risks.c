// risks - what the router holds of each account's risk: its rules, its day, its lock; and which
// sources are halted.
// SPDX-License-Identifier: MIT
#include "services/router/accounts/risks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/alloc.h"
#include "services/router/accounts/accounts.h"
#include "services/router/accounts/breach.h"

struct named_zone {
    zone_t *zone;
    struct named_zone *next;
    char name[];
};

struct halted {
    RiskState__Mode mode;
    struct halted *next;
    char source[];
};

struct risks {
    struct named_zone *zones;
    struct halted *sources; // those that were ever halted
};

risks_t *risks_new(void) { return alloc_zeroed(1, sizeof(risks_t)); }

void risks_destroy(risks_t **self) {
    if (!*self) return;
    struct named_zone *z, *next_zone;
    LL_FOREACH_SAFE((*self)->zones, z, next_zone) {
        zone_destroy(&z->zone);
        free(z);
    }
    struct halted *h, *next;
    LL_FOREACH_SAFE((*self)->sources, h, next) free(h);
    free(*self);
    *self = NULL;
}

const zone_t *risks_zone(risks_t *self, const char *name) {
    for (const struct named_zone *z = self->zones; z; z = z->next) {
        if (strcmp(z->name, name) == 0) return z->zone;
    }
    size_t length = strlen(name) + 1;
    struct named_zone *z = alloc_zeroed(1, sizeof *z + length);
    memcpy(z->name, name, length);
    z->zone = zone_new(name);
    if (!z->zone) z->zone = alloc_checked(zone_new("UTC")); // the archiver lets no such name in
    LL_PREPEND(self->zones, z);
    return z->zone;
}

// --- sources

static struct halted *find_source(const risks_t *self, const char *source) {
    struct halted *h = self->sources;
    while (h && strcmp(h->source, source) != 0) h = h->next;
    return h;
}

RiskState__Mode risks_source(const risks_t *self, const char *source) {
    const struct halted *h = find_source(self, source);
    return h ? h->mode : RISK_STATE__MODE__trading;
}

void risks_set_source(risks_t *self, const char *source, RiskState__Mode mode) {
    struct halted *h = find_source(self, source);
    if (!h) {
        size_t length = strlen(source) + 1;
        h = alloc_zeroed(1, sizeof *h + length);
        memcpy(h->source, source, length);
        LL_PREPEND(self->sources, h);
    }
    h->mode = mode;
}

// --- accounts

static struct risk *ensure_account_risk(struct account *account) {
    if (account->risk) return account->risk;
    struct risk *k = account->risk = alloc_zeroed(1, sizeof *k);
    risk_state__init(&k->s);
    k->s.scope = account->id;
    k->rules.r = (RiskRules)RISK_RULES__INIT;
    return k;
}

struct risk *risks_of(risks_t *self, const book_t *book, const AccountConfig *config,
                      struct account *account) {
    struct risk *k = account->risk;
    if (k && k->version == book_version(book)) return k;
    if (!k && account->without_rules == book_version(book)) return NULL;
    struct rules rules;
    rules_of(book, config, &rules);
    account->without_rules = rules.n_layers ? 0 : book_version(book);
    if (!k && !rules.n_layers) return NULL;
    k = ensure_account_risk(account);
    k->rules = rules;
    k->version = book_version(book);
    k->is_watched = breach_is_watched(&rules);
    k->zone = risks_zone(self, rules.zone);
    if (k->s.has_day_started_at)
        k->day_ends_at = zone_day_end(k->zone, k->s.day_started_at, rules.day_starts);
    return k;
}

static char *copy_risk_words(char out[static RISK_WORDS], const char *text) {
    if (!text) return NULL;
    (void)snprintf(out, RISK_WORDS, "%s", text);
    return out;
}

void risks_note_reason(struct account *account, const char *reason) {
    struct risk *k = ensure_account_risk(account);
    k->s.reason = copy_risk_words(k->reason, reason);
}

void risks_load(struct account *account, const RiskState *s) {
    account->mode = s->mode;
    struct risk *k = ensure_account_risk(account);
    k->s = *s;
    k->s.scope = account->id;
    k->s.source = NULL;
    k->s.reason = copy_risk_words(k->reason, s->reason);
    k->s.detail = copy_risk_words(k->detail, s->detail);
    k->s.has_recent_orders = false;
    for (size_t at = 0; s->has_recent_orders && at + 8 <= s->recent_orders.len; at += 8) {
        uint64_t when;
        memcpy(&when, s->recent_orders.data + at, sizeof when);
        risk_note_order(k, when);
    }
}

unsigned risk_orders_since(const struct risk *k, uint64_t since) {
    unsigned n = 0;
    while (n < k->n_recent && k->recent[k->n_recent - 1 - n] > since) n++;
    return n;
}

void risk_note_order(struct risk *k, uint64_t now) {
    if (k->n_recent == RISK_RECENT)
        memmove(k->recent, k->recent + 1, --k->n_recent * sizeof *k->recent);
    k->recent[k->n_recent++] = now;
}
