// slice - the keys the router owns.
// SPDX-License-Identifier: MIT
//
//   routing:{signal_id}     hash    Routing, expires: only for looking
//   routing:guard:*         hashes  signals that were routed (guard.h)
//   routing:ended:*         hashes  trades that were over before the router knew of them again
//   (guard.h)
//   risk:global             hash    RiskState
//   risk:source:{source}    hash    RiskState
//   risk:sources            set     sources that have it
//   risk:{account_id}       hash    RiskState
//   risk:trades:{account_id} hash   trade_id -> "symbol kind open rest other": what it holds.
//   Written when it is ordered and when it ended
//   as
//                                   a part; what was filled in between is read from the executor's
//                                   records at start
//   risk:open:{account_id}  set     the same as older versions kept it, without what it holds;
//   written anew after a start
//   risk:accounts           set     account_ids that have any of these
#define _DEFAULT_SOURCE // strsep
#include "services/router/slice.h"

#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "common/domain/reserved.h"

#define KEY_TEXT   256
#define ACCOUNTS   "risk:accounts"
#define TRADES     "risk:trades:"
#define OLD_TRADES "risk:open:"
#define SOURCES    "risk:sources"
#define GLOBAL     "global"

const char *const router_slice[] = {"routing:", "risk:", NULL};

static const char *format_router_key(char out[static KEY_TEXT], const char *prefix,
                                     const char *id) {
    (void)snprintf(out, KEY_TEXT, "%s%s", prefix, id); // ids have at most 64 characters
    return out;
}

bool scope_is_reserved(const char *id) {
    return reserved_word(RESERVED_NAME, id) || strlen(id) > 128;
}

bool scope_of_source(const char *source, char out[static SCOPE_TEXT]) {
    int n = snprintf(out, SCOPE_TEXT, "source:%s", source);
    return n > 0 && n < SCOPE_TEXT;
}

void slice_routed(batch_t *batch, const Routing *routing) {
    char k[KEY_TEXT];
    // the guard's keys; this one is only for looking
    if (reserved_word(RESERVED_SIGNAL, routing->signal_id)) return;
    batch_keep(batch, format_router_key(k, "routing:", routing->signal_id), &routing->base);
    batch_expire_at(batch, k, batch_look_until(batch));
}

static void in_index(batch_t *batch, struct account *account) {
    if (account->kept) return;
    batch_member(batch, ACCOUNTS, account->id);
    account->kept = true;
}

// --- what a trade holds, as text: long, short: an entry; close_long, close_short: a close

// by closing, is_short
static const char *const kinds[2][2] = {{"long", "short"}, {"close_long", "close_short"}};

static void stake_print(const char *symbol, const struct stake *s, char out[static KEY_TEXT]) {
    char open[DECIMAL_TEXT], rest[DECIMAL_TEXT], other[DECIMAL_TEXT];
    (void)decimal_print(D(s->open), open);
    (void)decimal_print(D(s->rest), rest);
    (void)decimal_print(D(s->other), other);
    (void)snprintf(out, KEY_TEXT, "%s %s %s %s %s", symbol, kinds[s->closing][s->is_short], open,
                   rest, other);
}

static bool kind_of(const char *text, struct stake *out) {
    for (int i = 0; i < 4; i++) {
        if (strcmp(kinds[i >> 1][i & 1], text) != 0) continue;
        out->closing = i >> 1;
        out->is_short = i & 1;
        return true;
    }
    return false;
}

static bool number_of(const char *text, int64_t *out) {
    decimal_t d;
    if (decimal_parse(text, strlen(text), &d)) return false;
    *out = d.e8;
    return true;
}

bool stake_read(char *text, char **symbol, struct stake *out) {
    char *words[5], *rest = text;
    for (size_t i = 0; i < 5; i++) {
        words[i] = strsep(&rest, " ");
        if (!words[i]) return false;
    }
    *symbol = words[0];
    return !rest && kind_of(words[1], out) && number_of(words[2], &out->open) &&
           number_of(words[3], &out->rest) && number_of(words[4], &out->other);
}

void router_slice_trade(batch_t *batch, const char *trade_id, struct trade *trade) {
    char k[KEY_TEXT], text[KEY_TEXT];
    in_index(batch, trade->account);
    stake_print(trade->holding->symbol, &trade->stake, text);
    batch_entry(batch, format_router_key(k, TRADES, trade->account->id), span_of(trade_id),
                span_of(text));
    trade->kept = true;
}

void slice_over(batch_t *batch, const char *account_id, const char *trade_id) {
    char k[KEY_TEXT];
    batch_entry_drop(batch, format_router_key(k, TRADES, account_id), span_of(trade_id));
}

void slice_renew(batch_t *batch, accounts_t *accounts) {
    char k[KEY_TEXT], trade_id[40];
    size_t cursor = 0;
    for (struct trade *t; (t = accounts_next_trade(accounts, &cursor, trade_id)) != NULL;) {
        if (t->account->old) router_slice_trade(batch, trade_id, t);
    }
    for (struct account *a = router_accounts_first(accounts); a; a = a->next) {
        if (a->old) batch_drop(batch, format_router_key(k, OLD_TRADES, a->id));
        a->old = false;
    }
}

void router_slice_risk(batch_t *batch, const RiskState *risk, struct account *account) {
    char k[KEY_TEXT];
    if (account) in_index(batch, account);
    if (risk->source) batch_member(batch, SOURCES, risk->source);
    format_router_key(k, "risk:", risk->scope);
    batch_drop(batch, k); // a field that is not set now must not stay from before
    batch_keep(batch, k, &risk->base);
}

// --- at start

struct loading {
    accounts_t *accounts;
    struct account *account; // whose trades come
};

static const char *copy_member_text(struct span member, char out[static KEY_TEXT]) {
    (void)snprintf(out, KEY_TEXT, "%.*s", (int)member.length, (const char *)member.data);
    return out;
}

static err_t load_account(void *arg, struct span member) {
    char id[KEY_TEXT];
    router_accounts_get(((struct loading *)arg)->accounts, copy_member_text(member, id))->kept =
        true;
    return ERR_OK;
}

static err_t load_old(void *arg, struct span member) {
    struct loading *l = arg;
    char id[KEY_TEXT];
    l->account->old = true;
    (void)accounts_hold(l->accounts, copy_member_text(member, id), l->account,
                        accounts_symbol(l->accounts, ""), &(struct stake){0});
    return ERR_OK;
}

static err_t load_account_trade(void *arg, struct span trade_id, struct span value) {
    struct loading *l = arg;
    char id[KEY_TEXT], text[KEY_TEXT], *symbol;
    struct stake stake = {0};
    // by a newer version: open, and no more is known
    if (!stake_read((char *)copy_member_text(value, text), &symbol, &stake)) symbol = (char *)"";
    (void)accounts_hold(l->accounts, copy_member_text(trade_id, id), l->account,
                        accounts_symbol(l->accounts, symbol), &stake);
    accounts_trade(l->accounts, id)->kept = true;
    return ERR_OK;
}

// What was filled and closed since; and closes that are under way.
static err_t load_state(void *arg, const ProtobufCMessage *m) {
    accounts_t *accounts = ((struct loading *)arg)->accounts;
    const TradeState *t = (const TradeState *)m;
    const struct stake stake = stake_of(t);
    bool closes = stake.closing && trade_may_fill(t);
    // what else is new is told by its execution
    if (!closes && !(trade_is_open(t) && accounts_trade(accounts, t->trade_id))) return ERR_OK;
    (void)accounts_hold(accounts, t->trade_id, router_accounts_get(accounts, t->account_id),
                        accounts_symbol(accounts, t->symbol), &stake);
    return ERR_OK;
}

static err_t load_states(store_t *store, struct loading *l, unsigned shards) {
    err_t e = ERR_OK;
    for (unsigned shard = 0; !e && shard < shards; shard++) {
        char k[KEY_TEXT];
        (void)snprintf(k, sizeof k, "trade_state:open:%u", shard);
        e = store_records(store, k, "trade_state:", &trade_state__descriptor, load_state, l);
    }
    return e;
}

err_t slice_load_money(store_t *store, struct account *account) {
    own(arena) *arena = arena_new(4096);
    ProtobufCMessage *m = NULL;
    char k[KEY_TEXT];
    err_t e = store_record(store, format_router_key(k, "account_state:", account->id),
                           &account_state__descriptor, arena, &m);
    if (!e && m) account_take(account, (const AccountState *)m);
    return e;
}

// NULL in *out: nothing was kept.
static err_t load_risk_state(store_t *store, const char *scope, arena_t *arena,
                             const RiskState **out) {
    ProtobufCMessage *m = NULL;
    char k[KEY_TEXT];
    err_t e = store_record(store, format_router_key(k, "risk:", scope), &risk_state__descriptor,
                           arena, &m);
    *out = e ? NULL : (const RiskState *)m;
    return e;
}

static err_t load_account_risk(store_t *store, struct account *account) {
    own(arena) *arena = arena_new(4096);
    const RiskState *s;
    err_t e = load_risk_state(store, account->id, arena, &s);
    if (s) risks_load(account, s);
    return e;
}

void slice_unreadable(struct desk *desk, const struct unreadable *what) {
    static const char prefix[] = "risk:", source[] = "source:";
    if (what->type != &risk_state__descriptor || strncmp(what->key, prefix, sizeof prefix - 1) != 0)
        return;
    const char *scope = what->key + sizeof prefix - 1;
    if (strcmp(scope, GLOBAL) == 0) {
        desk->global = RISK_STATE__MODE__halted;
    } else if (strncmp(scope, source, sizeof source - 1) == 0) {
        risks_set_source(desk->risks, scope + sizeof source - 1, RISK_STATE__MODE__halted);
    } else {
        struct account *account = router_accounts_get(desk->accounts, scope);
        account->mode = RISK_STATE__MODE__halted;
        risks_note_reason(account, "its state of risk could not be read");
    }
}

struct source_loading {
    store_t *store;
    risks_t *risks;
};

static err_t load_source(void *arg, struct span member) {
    const struct source_loading *l = arg;
    own(arena) *arena = arena_new(4096);
    char source[KEY_TEXT], scope[SCOPE_TEXT];
    const RiskState *s = NULL;
    err_t e = scope_of_source(copy_member_text(member, source), scope)
                  ? load_risk_state(l->store, scope, arena, &s)
                  : ERR_OK;
    if (s) risks_set_source(l->risks, source, s->mode);
    return e;
}

static err_t load_halts(store_t *store, struct desk *desk) {
    own(arena) *arena = arena_new(4096);
    const RiskState *s;
    err_t e = load_risk_state(store, GLOBAL, arena, &s);
    if (s) desk->global = s->mode;
    return e ? e
             : store_members(store, SOURCES, load_source,
                             &(struct source_loading){store, desk->risks});
}

err_t router_slice_load(store_t *store, struct desk *desk, unsigned shards) {
    struct loading l = {.accounts = desk->accounts};
    err_t e = load_halts(store, desk);
    if (!e) e = store_members(store, ACCOUNTS, load_account, &l);
    for (l.account = router_accounts_first(desk->accounts); !e && l.account;
         l.account = l.account->next) {
        char k[KEY_TEXT];
        e = load_account_risk(store, l.account);
        if (!e)
            e = store_members(store, format_router_key(k, OLD_TRADES, l.account->id), load_old, &l);
        if (!e)
            e = store_pairs(store, format_router_key(k, TRADES, l.account->id), load_account_trade,
                            &l);
    }
    if (!e) e = load_states(store, &l, shards);
    return e;
}
