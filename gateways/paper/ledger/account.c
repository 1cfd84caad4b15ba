// account - balance and what is at stake.
// SPDX-License-Identifier: MIT
#include "gateways/paper/ledger/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

#define E16 ((wide_t)DECIMAL_SCALE * DECIMAL_SCALE)

decimal_t account_narrow(wide_t e8) {
    return D(e8 > INT64_MAX ? INT64_MAX : e8 < -INT64_MAX ? -INT64_MAX : (int64_t)e8);
}

static wide_t rounded(wide_t n, wide_t by) {
    wide_t quotient = n / by, rest = n % by;
    wide_t twice = 2 * (rest < 0 ? -rest : rest);
    bool away = twice > by || (twice == by && (quotient & 1));
    return quotient + (away ? (n < 0 ? -1 : 1) : 0);
}

decimal_t account_amount(wide_t value_e16, decimal_t contract) {
    wide_t product;
    if (__builtin_mul_overflow(value_e16, (wide_t)contract.e8, &product))
        return D(value_e16 < 0 ? -INT64_MAX : INT64_MAX);
    return account_narrow(rounded(product, E16));
}

decimal_t account_profit(int side, decimal_t opened, decimal_t closed, decimal_t lots,
                         decimal_t contract) {
    wide_t gain = (wide_t)closed.e8 - opened.e8;
    return account_amount((side == LONG ? gain : -gain) * lots.e8, contract);
}

void account_add(decimal_t *sum, decimal_t amount) {
    *sum = account_narrow((wide_t)sum->e8 + amount.e8);
}

struct account *account_find(struct account **all, const char *id) {
    struct account *a;
    HASH_FIND_STR(*all, id, a);
    if (a) return a;
    a = alloc_zeroed(1, sizeof *a);
    (void)snprintf(a->id, sizeof a->id, "%s", id);
    (void)snprintf(a->currency, sizeof a->currency, "USD");
    a->leverage = 100;
    a->counted = true;
    HASH_ADD_STR(*all, id, a);
    return a;
}

void account_free_all(struct account **all) {
    struct account *a, *next;
    HASH_ITER(hh, *all, a, next) {
        HASH_DEL(*all, a);
        for (struct exposure *e = a->exposures, *after; e; e = after) after = e->next, free(e);
        free(a);
    }
}

static struct exposure *exposure_in(struct account *a, struct symbol *symbol) {
    for (struct exposure *e = a->exposures; e; e = e->next) {
        if (e->symbol == symbol) return e;
    }
    struct exposure *e = alloc_zeroed(1, sizeof *e);
    e->symbol = symbol;
    e->next = a->exposures;
    return a->exposures = e;
}

void account_expose(struct account *a, struct symbol *symbol, int side, decimal_t price,
                    decimal_t lots) {
    struct exposure *e = exposure_in(a, symbol);
    e->lots[side] += lots.e8;
    e->value[side] += account_value(price, lots);
}

struct order *account_net(const struct account *a, const struct symbol *symbol) {
    const struct exposure *e = a->exposures;
    while (e && e->symbol != symbol) e = e->next;
    return e ? e->net : NULL;
}

void account_carry(struct account *a, struct symbol *symbol, struct order *o) {
    exposure_in(a, symbol)->net = o;
}

struct order **account_parts(struct account *a, struct symbol *symbol) {
    return &exposure_in(a, symbol)->parts;
}

bool account_is_flat(const struct account *a) {
    for (const struct exposure *e = a->exposures; e; e = e->next) {
        if (e->lots[LONG] || e->lots[SHORT]) return false;
    }
    return true;
}
