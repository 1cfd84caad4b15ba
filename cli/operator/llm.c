// llm - language models: what they are given to read, and what becomes of their decisions; through
// the advisor.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "cli/place.h"

static enum outcome ask_advisor(struct call *call) {
    struct question question = {.service = "advisor", .verb = call->args[0]};
    for (unsigned i = 1; i < call->n_args; i++) question.args[question.n_args++] = call->args[i];
    return ask_and_say(call, &question);
}

enum outcome run_llm(struct call *call) {
    static const struct {
        const char *name;
        unsigned args;
        enum outcome (*run)(struct call *call);
    } verbs[] = {{"package", 2, ask_advisor}, {"symbols", 1, ask_advisor}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(call->args[0], verbs[i].name) == 0 && call->n_args == verbs[i].args)
            return verbs[i].run(call);
    }
    return complain_of_call(WRONG_USE, "usage: tradecast llm %s", call->command->arguments);
}
