// halt - the operator's words, through the monitor: halt, resume, reduce-only, unlock; release,
// cancel and close a trade.
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "cli/place.h"
#include "common/base/own.h"
#include "common/delivery/cells.h"
#include "execution.pb-c.h"

// words: what the verb takes before the reason and the operator; more: after them.
struct words {
    const char *verb;
    const char *first[2];
    size_t n;
    const char *more[2];
    size_t n_more;
    const char *subject;
};

// In every cell, whatever the others say: one line each. The worst answer is the outcome.
static enum outcome ask_every_cell(const struct call *call, struct question question) {
    enum outcome worst = DONE;
    for (size_t i = 0; i <= cells_count(); i++) {
        own(buffer) answer = {0};
        question.cell = i ? cell_at(i - 1) : NULL;
        enum outcome outcome = ask_service(&call->place, &question, &answer);
        const char *cell = question.cell ? question.cell : cell_own() ? cell_own() : "here";
        if (outcome == DONE)
            printf("cell %s: %s recorded\n", cell, question.verb);
        else
            (void)complain_of_call(outcome, "cell %s: NOT done: %s", cell, buffer_string(&answer));
        if (outcome > worst) worst = outcome;
    }
    return worst;
}

static enum outcome send_command(struct call *call, const struct words *w) {
    const char *reason = call_flag(call, "reason");
    struct question question = {.service = "monitor", .verb = w->verb};
    for (size_t i = 0; i < w->n; i++) question.args[question.n_args++] = w->first[i];
    question.args[question.n_args++] = reason && *reason ? reason : "-";
    question.args[question.n_args++] = operator_name();
    for (size_t i = 0; i < w->n_more; i++) question.args[question.n_args++] = w->more[i];
    if (call_flag(call, "all-cells")) return ask_every_cell(call, question);
    if (call->json) return ask_and_say(call, &question);
    own(buffer) answer = {0};
    enum outcome outcome = ask_service(&call->place, &question, &answer);
    if (outcome != DONE) return complain_of_call(outcome, "%s", buffer_string(&answer));
    printf("%s: recorded for %s\n", w->verb, w->subject);
    return DONE;
}

enum outcome run_halt(struct call *call) {
    const char *account = call_flag(call, "account"), *source = call_flag(call, "source");
    const struct words w = {
        .verb = call_flag(call, "reduce-only") ? "reduce-only" : call->command->name,
        .first = {account ? account : "-"},
        .n = 1,
        .more = {source ? source : "-", call_flag(call, "flatten") ? "flatten" : "-"},
        .n_more = 2,
        .subject = account  ? account
                   : source ? source
                            : "every account"};
    return send_command(call, &w);
}

enum outcome run_unlock(struct call *call) {
    return send_command(
        call, &(struct words){
                  .verb = "unlock", .first = {call->args[0]}, .n = 1, .subject = call->args[0]});
}

// The trade is looked up first: a wrong id gets its answer here, and the router hears whose trade
// it is.
enum outcome run_on_trade(struct call *call) {
    char key[160];
    const char *trade_id = call->args[0];
    ProtobufCMessage *m = NULL;
    own(arena) *arena = arena_new(0);
    own(store) *store = place_store(&call->place, "viewer");
    if (!store) return NO_REACH;
    snprintf(key, sizeof key, "trade_state:%s", trade_id);
    if (store_record(store, key, &trade_state__descriptor, arena, &m))
        return complain_of_call(NO_REACH, "%s", store_trouble(store));
    if (!m)
        return complain_of_call(
            ANSWER_NO, "there is no trade %s; tradecast explain SIGNAL_ID shows a signal's trades",
            trade_id);
    return send_command(call,
                        &(struct words){.verb = call->command->name,
                                        .first = {trade_id, ((const TradeState *)m)->account_id},
                                        .n = 2,
                                        .subject = trade_id});
}
