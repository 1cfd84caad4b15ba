// halts - what the operator and the risk rules forbid here: halts, locks, and flattening until
// nothing is left.
// SPDX-License-Identifier: MIT
#include "services/executor/halts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/schema/record.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"

#define SCOPE_TEXT  160
#define REASON_TEXT 200
#define AGAIN       (30 * NS_PER_S) // a close that came to nothing is tried again

// A scope is "global", "source:<source>", "account:<id>" (the operator's) or "lock:<id>" (the risk
// rules').
struct flatten {
    char scope[SCOPE_TEXT];
    char id[ID_TEXT];         // of the command: the closes' ids come from it
    char reason[REASON_TEXT]; // … and their reason
    struct flatten *next;
};

struct halted {
    RiskState__Mode mode;
    struct halted *next;
    char name[];
};

struct halts {
    struct halted *sources; // those that were ever halted
    struct flatten *flattens;
};

halts_t *halts_new(void) {
    halts_t *self = alloc_zeroed(1, sizeof *self);
    return self;
}

void halts_destroy(halts_t **self) {
    if (!*self) return;
    struct halted *s, *next_source;
    LL_FOREACH_SAFE((*self)->sources, s, next_source) free(s);
    struct flatten *f, *next;
    LL_FOREACH_SAFE((*self)->flattens, f, next) free(f);
    free(*self);
    *self = NULL;
}

// --- sources

static struct halted *find_halted_source(const halts_t *self, const char *name) {
    struct halted *s = self->sources;
    while (s && strcmp(s->name, name) != 0) s = s->next;
    return s;
}

static void set_source(halts_t *self, const char *name, RiskState__Mode mode) {
    struct halted *s = find_halted_source(self, name);
    if (!s) {
        size_t length = strlen(name) + 1;
        s = alloc_zeroed(1, sizeof *s + length);
        memcpy(s->name, name, length);
        LL_PREPEND(self->sources, s);
    }
    s->mode = mode;
}

RiskState__Mode halts_source(const halts_t *self, const char *source) {
    const struct halted *s = source ? find_halted_source(self, source) : NULL;
    return s ? s->mode : RISK_STATE__MODE__trading;
}

// --- flattening

static struct flatten *flatten_of(const halts_t *self, const char *scope) {
    struct flatten *f = self->flattens;
    while (f && strcmp(f->scope, scope) != 0) f = f->next;
    return f;
}

static struct flatten *flatten_add(halts_t *self, const char *scope, const char *id,
                                   const char *reason) {
    struct flatten *f = flatten_of(self, scope);
    if (!f) {
        f = alloc_zeroed(1, sizeof *f);
        (void)snprintf(f->scope, sizeof f->scope, "%s", scope);
        LL_PREPEND(self->flattens, f);
    }
    (void)snprintf(f->id, sizeof f->id, "%s", id);
    (void)snprintf(f->reason, sizeof f->reason, "%s", reason ? reason : "");
    return f;
}

static const char *strip_scope_prefix(const char *scope, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(scope, prefix, length) == 0 ? scope + length : NULL;
}

static bool is_in_scope(const char *scope, const struct trade *t) {
    const char *id;
    if (strcmp(scope, "global") == 0) return true;
    if ((id = strip_scope_prefix(scope, "source:")))
        return t->s->source && strcmp(t->s->source, id) == 0;
    if ((id = strip_scope_prefix(scope, "account:")) || (id = strip_scope_prefix(scope, "lock:")))
        return strcmp(t->s->account_id, id) == 0;
    return false;
}

// All trades of a scope that are not over. They are listed first: what is done to one may make and
// forget others.
static struct trade **list_scope_trades(const struct executor *self, batch_t *batch,
                                        const char *scope, size_t *n) {
    struct trade **out =
        arena_take(batch_arena(batch), (trades_count(self->trades) + 1) * sizeof *out);
    size_t cursor = 0;
    *n = 0;
    for (struct trade *t; (t = trades_next(self->trades, &cursor)) != NULL;) {
        if (t->queue != QUEUE_RETIRED && is_in_scope(scope, t)) out[(*n)++] = t;
    }
    return out;
}

static void cancel_entries(struct executor *self, batch_t *batch, const char *scope,
                           const char *reason) {
    size_t n;
    struct trade **trades = list_scope_trades(self, batch, scope, &n);
    for (size_t i = 0; i < n; i++) {
        const TradeState *s = trades[i]->s;
        bool wanted = s->has_cancel_wanted && s->cancel_wanted;
        if (!trade_is_closing(s) && !wanted) engine_cancel(self, batch, trades[i], reason);
    }
}

// The id of the close of a position is decided once for each half minute.
static void close_positions(struct executor *self, batch_t *batch, const struct flatten *f) {
    size_t n;
    char round[SCOPE_TEXT + 24];
    struct trade **trades = list_scope_trades(self, batch, f->scope, &n);
    (void)snprintf(round, sizeof round, "%s %llu", f->scope,
                   (unsigned long long)(batch_now(batch) / AGAIN));
    for (size_t i = 0; i < n; i++) {
        if (!positions_has(trades[i]) || positions_free_lots(trades[i]) <= 0) continue;
        OrderCommand c = ORDER_COMMAND__INIT;
        c.command_id = (char *)(uintptr_t)f->id;
        c.account_id = trades[i]->s->account_id;
        c.reason = f->reason[0] ? (char *)(uintptr_t)f->reason : NULL;
        c.created_at = batch_now(batch);
        closing_flatten(self, batch, trades[i], &c, round);
    }
}

static void flatten_now(struct executor *self, batch_t *batch, const struct flatten *f) {
    cancel_entries(self, batch, f->scope, "flattened");
    close_positions(self, batch, f);
}

void halts_enforce(struct executor *self, batch_t *batch) {
    for (const struct flatten *f = self->halts->flattens; f; f = f->next)
        flatten_now(self, batch, f);
}

static void stand_down(struct executor *self, batch_t *batch, const char *scope, const char *name) {
    struct flatten *f = flatten_of(self->halts, scope);
    if (!f) return;
    LL_DELETE(self->halts->flattens, f);
    free(f);
    slice_risk(batch, self->context->shard, name, NULL);
}

// id: of the command that flattens; NULL: nothing does any more. Kept as "<id> <reason>".
static void set_flatten(struct executor *self, batch_t *batch, const char *scope, const char *id,
                        const char *reason) {
    char name[SCOPE_TEXT + 8];
    (void)snprintf(name, sizeof name, "flatten:%s", scope);
    if (!id) return stand_down(self, batch, scope, name);
    const struct flatten *f = flatten_add(self->halts, scope, id, reason);
    slice_risk(
        batch, self->context->shard, name,
        arena_format(batch_arena(batch), "%s%s%s", f->id, f->reason[0] ? " " : "", f->reason));
    flatten_now(self, batch, f);
}

// --- what is said

static void mark_accounts(struct executor *self, struct account *one) {
    for (struct account *a = one ? one : accounts_first(self->accounts); a;
         a = one ? NULL : a->next)
        a->dirty = true;
    self->awake_behind = true; // what waits is looked at again
}

static const char *scope_of(const Command *c, char out[static SCOPE_TEXT]) {
    const char *name = c->account_id ? c->account_id : c->source;
    const char *kind = c->account_id ? "account:" : c->source ? "source:" : "global";
    (void)snprintf(out, SCOPE_TEXT, "%s%s", kind, name ? name : "");
    return out;
}

void halts_operator(struct executor *self, batch_t *batch, const Command *c, RiskState__Mode mode) {
    char scope[SCOPE_TEXT];
    struct account *a = c->account_id ? accounts_get(self->accounts, c->account_id) : NULL;
    scope_of(c, scope);
    if (a)
        a->mode = mode;
    else if (c->source)
        set_source(self->halts, c->source, mode);
    else
        self->global = mode;
    slice_risk(batch, self->context->shard, a ? a->id : scope,
               record_enum_name(&risk_state__mode__descriptor, (int)mode));
    bool flatten = mode != RISK_STATE__MODE__trading && c->has_flatten && c->flatten;
    set_flatten(self, batch, scope, flatten ? c->command_id : NULL, c->reason);
    mark_accounts(self, a);
}

void halts_lock(struct executor *self, batch_t *batch, const OrderCommand *c) {
    char scope[SCOPE_TEXT];
    struct account *a = accounts_get(self->accounts, c->account_id);
    a->lock = c->has_lock ? c->lock : ORDER_COMMAND__LOCK__open;
    (void)snprintf(scope, sizeof scope, "lock:%s", a->id);
    slice_risk(batch, self->context->shard, scope,
               a->lock == ORDER_COMMAND__LOCK__open
                   ? NULL
                   : record_enum_name(&order_command__lock__descriptor, (int)a->lock));
    if (a->lock == ORDER_COMMAND__LOCK__reduce_only) cancel_entries(self, batch, scope, "locked");
    set_flatten(self, batch, scope,
                a->lock == ORDER_COMMAND__LOCK__flattened ? c->command_id : NULL, c->reason);
    mark_accounts(self, a);
}

// --- at start

static void load_mode(struct executor *self, const char *name, RiskState__Mode mode) {
    const char *source = strip_scope_prefix(name, "source:");
    if (strcmp(name, "global") == 0)
        self->global = mode;
    else if (source)
        set_source(self->halts, source, mode);
    else
        accounts_get(self->accounts, name)->mode = mode;
}

// What forbids something, and cannot be read, forbids.
static bool load_flatten(halts_t *self, const char *scope, const char *value) {
    char id[ID_TEXT];
    const char *space = strchr(value, ' ');
    (void)snprintf(id, sizeof id, "%.*s", (int)(space ? space - value : (ptrdiff_t)strlen(value)),
                   value);
    return flatten_add(self, scope, id, space ? space + 1 : NULL) != NULL;
}

bool halts_load(struct executor *self, const char *name, const char *value) {
    const char *flatten = strip_scope_prefix(name, "flatten:"),
               *locked = strip_scope_prefix(name, "lock:");
    if (flatten) return load_flatten(self->halts, flatten, value);
    const ProtobufCEnumDescriptor *names =
        locked ? &order_command__lock__descriptor : &risk_state__mode__descriptor;
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value_by_name(names, value);
    if (!locked) load_mode(self, name, v ? (RiskState__Mode)v->value : RISK_STATE__MODE__halted);
    if (locked)
        accounts_get(self->accounts, locked)->lock =
            v ? (OrderCommand__Lock)v->value : ORDER_COMMAND__LOCK__reduce_only;
    return v != NULL;
}
