// llm - language models: what they are given to read, and what becomes of their decisions; through
// the advisor.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "cli/place.h"
#include "cli/text.h"
#include "common/base/own.h"
#include "common/schema/json_tree.h"

static enum outcome ask_advisor(struct call *call) {
    struct question question = {.service = "advisor", .verb = call->args[0]};
    for (unsigned i = 1; i < call->n_args; i++) question.args[question.n_args++] = call->args[i];
    return ask_and_say(call, &question);
}

// With the name of whoever calls: it is recorded.
static enum outcome answer_decision(struct call *call) {
    const char *reason = call_flag(call, "reason");
    const struct question question = {
        .service = "advisor",
        .verb = call->args[0],
        .args = {call->args[1], operator_name(), reason && *reason ? reason : "-"},
        .n_args = 3};
    if (call->json) return ask_and_say(call, &question);
    own(buffer) answer = {0};
    enum outcome outcome = ask_service(&call->place, &question, &answer);
    if (outcome != DONE) return complain_of_call(outcome, "%s", buffer_string(&answer));
    printf("%s: recorded for %s\n", call->args[0], call->args[1]);
    return DONE;
}

static void add_decision_cells(struct sheet *sheet, yajl_val row) {
    static const char *const members[] = {"decision_id", "state",      "symbol",
                                          "action",      "model",      "reason",
                                          "created_at",  "expires_at", "signal_id"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *text = json_tree_text(row, members[i]);
        sheet_add(sheet, text ? text : "");
    }
}

static enum outcome list_decisions(struct call *call) {
    const struct question question = {.service = "advisor",
                                      .verb = "list",
                                      .args = {call->n_args > 1 ? call->args[1] : "-"},
                                      .n_args = 1};
    if (call->json) return ask_and_say(call, &question);
    own(buffer) answer = {0};
    char why[JSON_WHY];
    enum outcome outcome = ask_service(&call->place, &question, &answer);
    if (outcome != DONE) return complain_of_call(outcome, "%s", buffer_string(&answer));
    yajl_val root = json_tree_parse((struct span){answer.data, answer.length}, why),
             rows = json_tree_member(root, "decisions");
    struct sheet sheet = {0};
    sheet_start(&sheet, "DECISION|STATE|SYMBOL|ACTION|MODEL|REASON|CAME|UNTIL|SIGNAL");
    for (size_t i = 0; YAJL_IS_ARRAY(rows) && i < rows->u.array.len; i++)
        add_decision_cells(&sheet, rows->u.array.values[i]);
    yajl_tree_free(root);
    print_sheet(call, &sheet);
    return DONE;
}

enum outcome run_llm(struct call *call) {
    static const struct {
        const char *name;
        unsigned least, most;
        enum outcome (*run)(struct call *call);
    } verbs[] = {{"package", 2, 2, ask_advisor},   {"symbols", 1, 1, ask_advisor},
                 {"ask", 2, 2, ask_advisor},       {"list", 1, 2, list_decisions},
                 {"show", 2, 2, ask_advisor},      {"approve", 2, 2, answer_decision},
                 {"refuse", 2, 2, answer_decision}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(call->args[0], verbs[i].name) == 0 && call->n_args >= verbs[i].least &&
            call->n_args <= verbs[i].most)
            return verbs[i].run(call);
    }
    return complain_of_call(WRONG_USE, "usage: tradecast llm %s", call->command->arguments);
}
