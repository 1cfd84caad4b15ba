// accounts - what the router holds of each account.
// SPDX-License-Identifier: MIT
#include "services/router/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "common/table.h"

struct place {
    struct account *account;
};

struct accounts {
    table_t *by_id; // struct place
    table_t *open;  // struct place, by trade_id
    struct account *first;
};

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

accounts_t *accounts_new(void) {
    accounts_t *self = must(calloc(1, sizeof *self));
    self->by_id = table_new(sizeof(struct place));
    self->open = table_new(sizeof(struct place));
    return self;
}

void accounts_destroy(accounts_t **self) {
    if (!*self) return;
    for (struct account *a = (*self)->first, *next; a; a = next) {
        next = a->next;
        free(a);
    }
    table_destroy(&(*self)->by_id);
    table_destroy(&(*self)->open);
    free(*self);
    *self = NULL;
}

struct account *accounts_get(accounts_t *self, const char *account_id) {
    struct place *place = table_add(self->by_id, table_key(account_id));
    if (place->account) return place->account;
    size_t length = strlen(account_id) + 1;
    struct account *account = must(calloc(1, sizeof *account + length));
    memcpy(account->id, account_id, length);
    account->mode = RISK_STATE__MODE__trading;
    account->next = self->first;
    self->first = account;
    return place->account = account;
}

struct account *accounts_first(const accounts_t *self) {
    return self->first;
}

bool accounts_open(accounts_t *self, struct account *account, const char *trade_id) {
    struct place *trade = table_add(self->open, table_key(trade_id));
    if (trade->account) return false;
    trade->account = account;
    account->open++;
    return true;
}

bool accounts_close(accounts_t *self, const char *trade_id) {
    struct digest key = table_key(trade_id);
    const struct place *trade = table_find(self->open, key);
    if (!trade) return false;
    trade->account->open--;
    return table_drop(self->open, key);
}

struct account *accounts_of(const accounts_t *self, const char *trade_id) {
    const struct place *trade = table_find(self->open, table_key(trade_id));
    return trade ? trade->account : NULL;
}

bool trade_is_open(const TradeState *t) {
    if (t->direction == SIGNAL__DIRECTION__close) return false;
    switch (t->state) {
    case TRADE_STATE__STATE__pending:
    case TRADE_STATE__STATE__submitting:
    case TRADE_STATE__STATE__working:
    case TRADE_STATE__STATE__partially_filled:
    case TRADE_STATE__STATE__filled:
    case TRADE_STATE__STATE__unknown:
        return true;
    case TRADE_STATE__STATE__closed:
        return false;
    case TRADE_STATE__STATE__rejected:
    case TRADE_STATE__STATE__cancelled:
    case TRADE_STATE__STATE__expired:
        return t->filled_lots > t->closed_lots; // ended when partly filled: that part is a position
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        break;
    }
    return false;
}
