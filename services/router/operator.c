// operator - the operator's commands: halts, and commands that go on to the executors.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "services/router/accounts/locks.h"
#include "services/router/slice.h"

// --- halts: everywhere, of an account, of what a source causes

// One code for each mode: a resume right after a halt is told, too.
static void tell_mode(batch_t *batch, const char *scope, RiskState__Mode mode, const Command *c) {
    bool open = mode == RISK_STATE__MODE__trading;
    const char *code = open                               ? "trading_resumed"
                       : mode == RISK_STATE__MODE__halted ? "trading_halted"
                                                          : "trading_reduce_only";
    batch_alert(batch, open ? ALERT__SEVERITY__info : ALERT__SEVERITY__warning, code, scope,
                "%s, by %s", c->reason ? c->reason : "no reason given",
                c->operator_ ? c->operator_ : "an operator");
}

static err_t set_account(struct router *self, batch_t *batch, const Command *c,
                         RiskState__Mode mode) {
    if (scope_is_reserved(c->account_id)) return ERR_RULE;
    if (!book_account(self->context->book, c->account_id)) return ERR_MISSING;
    struct account *account = router_accounts_get(self->desk.accounts, c->account_id);
    account->mode = mode;
    risks_note_reason(account, c->reason);
    locks_keep(batch, account, c->created_at);
    tell_mode(batch, account->id, mode, c);
    return ERR_OK;
}

static err_t set_mode(struct router *self, batch_t *batch, const Command *c, RiskState__Mode mode) {
    if (c->account_id) return set_account(self, batch, c, mode);
    RiskState risk = RISK_STATE__INIT;
    char scope[SCOPE_TEXT] = "global";
    if (c->source && !scope_of_source(c->source, scope)) return ERR_RULE;
    risk.scope = scope;
    risk.source = c->source;
    risk.mode = mode;
    risk.reason = c->reason;
    risk.changed_at = c->created_at;
    if (c->source)
        risks_set_source(self->desk.risks, c->source, mode);
    else
        self->desk.global = mode;
    router_slice_risk(batch, &risk, NULL);
    tell_mode(batch, scope, mode, c);
    return ERR_OK;
}

// --- what is passed on

struct forwarding {
    struct router *router;
    batch_t *batch;
    const Command *command;
    OrderCommand__Action action;
};

static void forward_command(const struct forwarding *f, const AccountConfig *account,
                            char *command_id) {
    OrderCommand order = ORDER_COMMAND__INIT;
    order.command_id = command_id;
    order.account_id = account->account_id;
    order.action = f->action;
    order.trade_id = f->command->trade_id;
    order.reason = f->command->reason;
    order.created_at = f->command->created_at;
    order.operator_ = f->command->operator_;
    if (strcmp(command_id, f->command->command_id) != 0) order.of_command = f->command->command_id;
    batch_emit(f->batch, TOPIC_orders,
               book_shard(f->router->context->book, account, f->router->context->shards),
               &order.base);
}

// For everything: each account's command has an id of its own.
static void forward_each(void *arg, const AccountConfig *account) {
    const struct forwarding *f = arg;
    char id[ID_TEXT];
    const char *const parts[] = {"command", f->command->command_id, account->account_id};
    id_derive(id, f->command->command_id, 3, parts);
    forward_command(f, account, id);
}

// To the account named, else the one whose open trade is named, else (no trade named) to all.
static err_t pass_on(struct router *self, batch_t *batch, const Command *c,
                     OrderCommand__Action action) {
    struct forwarding f = {self, batch, c, action};
    const char *account_id = c->account_id;
    if (!account_id && !c->trade_id) {
        book_each_account(self->context->book, forward_each, &f);
        return ERR_OK;
    }
    if (!account_id) {
        const struct trade *trade = accounts_trade(self->desk.accounts, c->trade_id);
        account_id = trade ? trade->account->id : NULL;
    }
    const AccountConfig *account =
        account_id ? book_account(self->context->book, account_id) : NULL;
    if (!account) return ERR_MISSING;
    forward_command(&f, account, c->command_id);
    return ERR_OK;
}

err_t router_handle_command(void *self, batch_t *batch, const ProtobufCMessage *body) {
    const Command *c = (const Command *)body;
    switch (c->action) {
    case COMMAND__ACTION__halt:
        return set_mode(self, batch, c, RISK_STATE__MODE__halted);
    case COMMAND__ACTION__resume:
        return set_mode(self, batch, c, RISK_STATE__MODE__trading);
    case COMMAND__ACTION__reduce_only:
        return set_mode(self, batch, c, RISK_STATE__MODE__reduce_only);
    case COMMAND__ACTION__cancel:
        return pass_on(self, batch, c, ORDER_COMMAND__ACTION__cancel);
    case COMMAND__ACTION__close:
        return pass_on(self, batch, c, ORDER_COMMAND__ACTION__close);
    case COMMAND__ACTION__unlock:
        return locks_unlock(self, batch, c);
    case COMMAND__ACTION__release: // a held trade: the executor hears it itself
    case COMMAND__ACTION__approve: // these two are ingest's
    case COMMAND__ACTION__refuse:
        return ERR_OK;
    case _COMMAND__ACTION_IS_INT_SIZE:
        break;
    }
    return ERR_INPUT;
}
