// commands - the operator's requests: each request on the control socket becomes a Command on the
// topic, with an id of its own.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/base/log.h"
#include "common/oplog/system_event.h"
#include "monitor.h"

// "-" and "" stand for nothing, so that later arguments can be given.
static char *argument_at(const ControlRequest *request, size_t at) {
    char *text = at < request->n_args ? request->args[at] : NULL;
    return text && *text && strcmp(text, "-") != 0 ? text : NULL;
}

static bool refuse_command(buffer_t *answer, const char *what, const char *subject) {
    buffer_format(answer, "%s %s", what, subject);
    return false;
}

// Ids as well: what is commanded is checked by those who obey, and a log line is read by people.
static const char *quote_text(const char *text) { return log_quote(text ? text : ""); }

// Beside the command itself: who did what, in the words of one table for all of the system.
static void record_command(batch_t *batch, const Command *c) {
    const char *about = c->account_id ? c->account_id
                        : c->trade_id ? c->trade_id
                        : c->source   ? c->source
                                      : "everything";
    batch_system_event(
        batch, (struct system_event_about){SYSTEM_EVENT_operator, about, c->operator_},
        "%s%s%s%.200s", record_enum_name(&command__action__descriptor, (int)c->action),
        c->has_flatten && c->flatten ? " and flatten" : "", c->reason ? ": " : "",
        c->reason ? c->reason : "");
}

static void emit_command(struct monitor *self, batch_t *batch, Command *command, buffer_t *answer) {
    command->command_id = arena_take(batch_arena(batch), ID_TEXT);
    command->created_at = batch_now(batch);
    id_new(batch_now(batch), command->command_id);
    batch_emit(batch, TOPIC_commands, 0, &command->base);
    record_command(batch, command);
    watch_event(&self->watch, &command->base);
    record_to_json(&command->base, answer);
    log_event(
        LOG_LEVEL_WARNING, "command",
        "command_id=%s action=%s account_id=%s trade_id=%s signal_id=%s operator=%s reason=%s",
        command->command_id, record_enum_name(&command__action__descriptor, (int)command->action),
        quote_text(command->account_id), quote_text(command->trade_id),
        quote_text(command->signal_id), quote_text(command->operator_),
        quote_text(command->reason));
}

// halt, resume, reduce-only, unlock: [account_id|-] [reason] [operator] [source|-] [flatten|-]
static bool emit_halt(struct monitor *self, batch_t *batch, const ControlRequest *request,
                      Command__Action action, buffer_t *answer) {
    Command command = COMMAND__INIT;
    command.action = action;
    command.account_id = argument_at(request, 0);
    command.reason = argument_at(request, 1);
    command.operator_ = argument_at(request, 2);
    command.source = argument_at(request, 3);
    command.has_flatten = command.flatten = argument_at(request, 4) != NULL;
    if (command.account_id && command.source)
        return refuse_command(answer, "say an account or a source, not both:", request->verb);
    if (command.account_id && !book_account(self->context->book, command.account_id)) {
        return refuse_command(answer, "there is no account", command.account_id);
    }
    if (command.source && !book_source(self->context->book, command.source))
        return refuse_command(answer, "there is no source", command.source);
    emit_command(self, batch, &command, answer);
    return true;
}

// release, cancel, close: trade_id [account_id|-] [reason] [operator]
static bool emit_trade_command(struct monitor *self, batch_t *batch, const ControlRequest *request,
                               Command__Action action, buffer_t *answer) {
    Command command = COMMAND__INIT;
    command.action = action;
    command.trade_id = argument_at(request, 0);
    command.account_id = argument_at(request, 1);
    command.reason = argument_at(request, 2);
    command.operator_ = argument_at(request, 3);
    if (!command.trade_id) return refuse_command(answer, "say which trade:", request->verb);
    emit_command(self, batch, &command, answer);
    return true;
}

// approve, refuse: signal_id [reason] [operator]
static bool emit_approval(struct monitor *self, batch_t *batch, const ControlRequest *request,
                          Command__Action action, buffer_t *answer) {
    Command command = COMMAND__INIT;
    command.action = action;
    command.signal_id = argument_at(request, 0);
    command.reason = argument_at(request, 1);
    command.operator_ = argument_at(request, 2);
    if (!command.signal_id) return refuse_command(answer, "say which signal:", request->verb);
    emit_command(self, batch, &command, answer);
    return true;
}

static bool command_approve(void *self, batch_t *batch, const ControlRequest *request,
                            buffer_t *answer) {
    return emit_approval(self, batch, request, COMMAND__ACTION__approve, answer);
}

static bool command_refuse(void *self, batch_t *batch, const ControlRequest *request,
                           buffer_t *answer) {
    return emit_approval(self, batch, request, COMMAND__ACTION__refuse, answer);
}

static bool command_halt(void *self, batch_t *batch, const ControlRequest *request,
                         buffer_t *answer) {
    return emit_halt(self, batch, request, COMMAND__ACTION__halt, answer);
}

static bool run_resume(void *self, batch_t *batch, const ControlRequest *request,
                       buffer_t *answer) {
    return emit_halt(self, batch, request, COMMAND__ACTION__resume, answer);
}

static bool run_reduce_only(void *self, batch_t *batch, const ControlRequest *request,
                            buffer_t *answer) {
    return emit_halt(self, batch, request, COMMAND__ACTION__reduce_only, answer);
}

static bool command_unlock(void *self, batch_t *batch, const ControlRequest *request,
                           buffer_t *answer) {
    if (!argument_at(request, 0))
        return refuse_command(answer, "say which account:", request->verb);
    return emit_halt(self, batch, request, COMMAND__ACTION__unlock, answer);
}

static bool run_release(void *self, batch_t *batch, const ControlRequest *request,
                        buffer_t *answer) {
    return emit_trade_command(self, batch, request, COMMAND__ACTION__release, answer);
}

static bool run_cancel(void *self, batch_t *batch, const ControlRequest *request,
                       buffer_t *answer) {
    return emit_trade_command(self, batch, request, COMMAND__ACTION__cancel, answer);
}

static bool run_close(void *self, batch_t *batch, const ControlRequest *request, buffer_t *answer) {
    return emit_trade_command(self, batch, request, COMMAND__ACTION__close, answer);
}

static bool tell_cells(void *self, batch_t *batch, const ControlRequest *request,
                       buffer_t *answer) {
    const struct view view = monitor_view(self);
    (void)request;
    record_to_json(&cells_view(&view, batch_arena(batch))->base, answer);
    return true;
}

const struct control monitor_controls[] = {
    {"cells", "how this cell and the others are", tell_cells},
    {"halt",
     "[ACCOUNT|-] [REASON] [OPERATOR] [SOURCE|-] [flatten]: no new orders, everywhere, for one "
     "account or from one source",
     command_halt},
    {"resume", "[ACCOUNT|-] [REASON] [OPERATOR] [SOURCE|-]: orders again", run_resume},
    {"reduce-only",
     "[ACCOUNT|-] [REASON] [OPERATOR] [SOURCE|-] [flatten]: only orders that reduce exposure",
     run_reduce_only},
    {"unlock", "ACCOUNT [REASON] [OPERATOR]: lifts the lock of an account that broke a risk rule",
     command_unlock},
    {"release", "TRADE [ACCOUNT|-] [REASON] [OPERATOR]: lets go of a trade that is held",
     run_release},
    {"cancel", "TRADE [ACCOUNT|-] [REASON] [OPERATOR]: cancels what is still working at the broker",
     run_cancel},
    {"close", "TRADE [ACCOUNT|-] [REASON] [OPERATOR]: closes the position of a trade", run_close},
    {"approve", "SIGNAL [REASON] [OPERATOR]: orders what waits for approval", command_approve},
    {"refuse", "SIGNAL [REASON] [OPERATOR]: ends what waits for approval", command_refuse},
    {NULL, NULL, NULL},
};
