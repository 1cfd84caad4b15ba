// slice - the keys the router owns.
// SPDX-License-Identifier: MIT
//
//   routing:{signal_id}     hash    Routing, expires: only for looking
//   routing:guard:*         hashes  signals that were routed (guard.h)
//   routing:ended:*         hashes  trades that were over before the router knew of them again (guard.h)
//   risk:global             hash    RiskState
//   risk:{account_id}       hash    RiskState
//   risk:open:{account_id}  set     trade_ids that are open
//   risk:accounts           set     account_ids that have any of the two above
#include "services/router/slice.h"

#include <stdio.h>
#include <string.h>

#include "common/own.h"

#define KEY_TEXT 256
#define ACCOUNTS "risk:accounts"
#define GLOBAL   "global"

const char *const router_slice[] = {"routing:", "risk:", NULL};

static const char *key(char out[static KEY_TEXT], const char *prefix, const char *id) {
    (void)snprintf(out, KEY_TEXT, "%s%s", prefix, id); // ids have at most 64 characters
    return out;
}

bool scope_is_reserved(const char *id) {
    return strcmp(id, GLOBAL) == 0 || strcmp(id, "accounts") == 0 || strncmp(id, "open:", 5) == 0 || strlen(id) > 128;
}

// A sender chooses signal_ids: one that looks like the guard's keys must not write over them. It is only for looking.
static bool is_guard(const char *signal_id) { return strncmp(signal_id, "guard:", 6) == 0 || strncmp(signal_id, "ended:", 6) == 0; }

void slice_routed(batch_t *batch, const Routing *routing) {
    char k[KEY_TEXT];
    if (is_guard(routing->signal_id)) return;
    batch_keep(batch, key(k, "routing:", routing->signal_id), &routing->base);
    batch_expire_at(batch, k, batch_look_until(batch));
}

static void in_index(batch_t *batch, struct account *account) {
    if (account->kept) return;
    batch_member(batch, ACCOUNTS, account->id);
    account->kept = true;
}

void slice_opened(batch_t *batch, struct account *account, const char *trade_id) {
    char k[KEY_TEXT];
    in_index(batch, account);
    batch_member(batch, key(k, "risk:open:", account->id), trade_id);
}

void slice_over(batch_t *batch, const char *account_id, const char *trade_id) {
    char k[KEY_TEXT];
    batch_member_drop(batch, key(k, "risk:open:", account_id), trade_id);
}

void slice_risk(batch_t *batch, const RiskState *risk, struct account *account) {
    char k[KEY_TEXT];
    if (account) in_index(batch, account);
    key(k, "risk:", account ? account->id : GLOBAL);
    batch_drop(batch, k); // a field that is not set now must not stay from before
    batch_keep(batch, k, &risk->base);
}

// --- at start

struct loading {
    accounts_t *accounts;
    struct account *account; // whose trades come
};

static const char *text_of(struct span member, char out[static KEY_TEXT]) {
    (void)snprintf(out, KEY_TEXT, "%.*s", (int)member.length, (const char *)member.data);
    return out;
}

static err_t load_account(void *arg, struct span member) {
    char id[KEY_TEXT];
    accounts_get(((struct loading *)arg)->accounts, text_of(member, id))->kept = true;
    return ERR_OK;
}

static err_t load_trade(void *arg, struct span member) {
    struct loading *l = arg;
    char id[KEY_TEXT];
    (void)accounts_open(l->accounts, l->account, text_of(member, id));
    return ERR_OK;
}

static err_t load_mode(store_t *store, const char *scope, RiskState__Mode *mode) {
    own(arena) *arena = arena_new(4096);
    ProtobufCMessage *m = NULL;
    char k[KEY_TEXT];
    err_t e = store_record(store, key(k, "risk:", scope), &risk_state__descriptor, arena, &m);
    if (!e && m) *mode = ((const RiskState *)m)->mode;
    return e;
}

err_t slice_load(store_t *store, accounts_t *accounts, RiskState__Mode *global) {
    struct loading l = {.accounts = accounts};
    err_t e = load_mode(store, GLOBAL, global);
    if (!e) e = store_members(store, ACCOUNTS, load_account, &l);
    for (l.account = accounts_first(accounts); !e && l.account; l.account = l.account->next) {
        char k[KEY_TEXT];
        e = load_mode(store, l.account->id, &l.account->mode);
        if (!e) e = store_members(store, key(k, "risk:open:", l.account->id), load_trade, &l);
    }
    return e;
}
