// halt - the operator's words, through the monitor: halt, resume, reduce-only; release, cancel and close a trade.
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "common/own.h"
#include "execution.pb-c.h"
#include "place.h"

// words: what the verb takes before the reason and the operator.
static enum outcome command(struct call *call, const char *const words[], size_t n, const char *subject) {
    const char *reason = call_flag(call, "reason");
    struct question question = {.service = "monitor", .verb = call->command->name};
    for (size_t i = 0; i < n; i++) question.args[question.n_args++] = words[i];
    question.args[question.n_args++] = reason && *reason ? reason : "-";
    question.args[question.n_args++] = operator_name();
    if (call->json) return ask_and_say(call, &question);
    own(buffer) answer = {0};
    enum outcome outcome = ask(&call->place, &question, &answer);
    if (outcome != DONE) return complain(outcome, "%s", buffer_string(&answer));
    printf("%s: recorded for %s\n", call->command->name, subject);
    return DONE;
}

enum outcome run_halt(struct call *call) {
    const char *account = call_flag(call, "account");
    return command(call, (const char *[]){account ? account : "-"}, 1, account ? account : "every account");
}

// The trade is looked up first: a wrong id gets its answer here, and the router hears whose trade it is.
enum outcome run_on_trade(struct call *call) {
    char key[160];
    const char *trade_id = call->args[0];
    ProtobufCMessage *m = NULL;
    own(arena) *arena = arena_new(0);
    own(store) *store = place_store(&call->place, "viewer");
    if (!store) return NO_REACH;
    snprintf(key, sizeof key, "trade_state:%s", trade_id);
    if (store_record(store, key, &trade_state__descriptor, arena, &m)) return complain(NO_REACH, "%s", store_trouble(store));
    if (!m) return complain(ANSWER_NO, "there is no trade %s; tradecast explain SIGNAL_ID shows a signal's trades", trade_id);
    return command(call, (const char *[]){trade_id, ((const TradeState *)m)->account_id}, 2, trade_id);
}
