// accounts - accounts, and their holdings: what an account does in one symbol.
// SPDX-License-Identifier: MIT
#include "services/executor/accounts/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/alloc.h"
#include "common/base/table.h"
#include "services/executor/trade/trade.h"

struct accounts {
    table_t *by_id;    // struct account *
    table_t *holdings; // struct holding *, by account and broker symbol
    struct account *first;
    struct holding *waiting;
};

accounts_t *accounts_new(void) {
    accounts_t *self = alloc_zeroed(1, sizeof *self);
    self->by_id = table_new(sizeof(struct account *));
    self->holdings = table_new(sizeof(struct holding *));
    return self;
}

static void account_free(struct account *a) {
    account_state__free_unpacked(a->state, NULL);
    free(a->id);
    buffer_destroy(&a->snapshot);
    free(a);
}

void accounts_destroy(accounts_t **self) {
    if (!*self) return;
    size_t cursor = 0;
    for (struct holding *p; (p = accounts_next_holding(*self, &cursor)) != NULL;) {
        free(p->broker_symbol);
        free(p);
    }
    for (struct account *a = (*self)->first, *next; a; a = next) {
        next = a->next;
        account_free(a);
    }
    table_destroy(&(*self)->by_id);
    table_destroy(&(*self)->holdings);
    free(*self);
    *self = NULL;
}

struct account *accounts_find(const accounts_t *self, const char *account_id) {
    struct account **a = table_find(self->by_id, table_key(account_id));
    return a ? *a : NULL;
}

struct account *accounts_get(accounts_t *self, const char *account_id) {
    struct account **slot = table_add(self->by_id, table_key(account_id));
    if (*slot) return *slot;
    struct account *a = alloc_zeroed(1, sizeof *a);
    a->id = alloc_text(account_id);
    a->mode = RISK_STATE__MODE__trading;
    a->lock = ORDER_COMMAND__LOCK__open;
    a->state = alloc_bytes(sizeof *a->state);
    account_state__init(a->state);
    a->state->account_id = alloc_text(account_id);
    a->state->broker_id = alloc_text("");
    a->state->state = ACCOUNT_STATE__STATE__ready;
    a->next = self->first;
    self->first = a;
    return *slot = a;
}

struct account *accounts_first(const accounts_t *self) {
    return self->first;
}

static struct digest holding_key(const char *account_id, const char *broker_symbol) {
    char both[256];
    int n = snprintf(both, sizeof both, "%s\n%s", account_id, broker_symbol);
    return digest_of(both, n < (int)sizeof both ? (size_t)n : sizeof both - 1);
}

struct holding *accounts_get_holding(accounts_t *self, const char *account_id,
                                     const char *broker_symbol, bool *is_new) {
    struct holding **slot = table_add(self->holdings, holding_key(account_id, broker_symbol));
    *is_new = !*slot;
    if (*slot) return *slot;
    struct holding *p = alloc_zeroed(1, sizeof *p);
    p->account = accounts_get(self, account_id);
    p->broker_symbol = alloc_text(broker_symbol);
    p->next_of_account = p->account->holdings;
    p->account->holdings = p;
    return *slot = p;
}

struct holding *accounts_next_holding(const accounts_t *self, size_t *cursor) {
    struct digest key;
    struct holding **p = table_next(self->holdings, cursor, &key);
    return p ? *p : NULL;
}

void holding_add_waiting(accounts_t *self, struct holding *p, struct trade *t) {
    if (t->queue != QUEUE_NONE) return;
    t->queue = QUEUE_WAITS;
    struct trade *later = NULL;
    if (p->waiting && p->waiting->prev->sequence > t->sequence) { // prev of the first is the last
        DL_FOREACH(p->waiting, later) {
            if (later->sequence > t->sequence) break;
        }
    }
    DL_PREPEND_ELEM(p->waiting, later, t);
    if (p->listed) return;
    p->listed = true;
    DL_APPEND(self->waiting, p);
}

void holding_remove_waiting(accounts_t *self, struct holding *p, struct trade *t) {
    if (t->queue != QUEUE_WAITS) return;
    t->queue = QUEUE_NONE;
    DL_DELETE(p->waiting, t);
    t->prev = t->next = NULL;
    if (p->waiting) return;
    p->listed = false;
    DL_DELETE(self->waiting, p);
    p->prev = p->next = NULL;
}

struct holding *accounts_waiting(const accounts_t *self) {
    return self->waiting;
}
