// verbs - the operator's words.
// SPDX-License-Identifier: MIT
#include "services/advisor/verbs.h"

#include <string.h>

#include "common/schema/record.h"
#include "services/advisor/advisor.h"

static const char *verb_argument(const ControlRequest *request, size_t i) {
    const char *text = i < request->n_args ? request->args[i] : "";
    return *text && strcmp(text, "-") != 0 ? text : NULL;
}

static bool refuse_package_verb(buffer_t *answer, err_t e) {
    buffer_text(answer, e == ERR_RULE ? "that is no symbol"
                        : e == ERR_MISSING
                            ? "no broker lists the symbol, and nothing is known of it"
                            : "Redis does not answer");
    return false;
}

static bool answer_package_verb(void *self, batch_t *batch, const ControlRequest *request,
                                buffer_t *answer) {
    const struct package *package;
    const char *symbol = verb_argument(request, 0);
    (void)batch;
    err_t e = advisor_package(self, symbol ? symbol : "", &package);
    if (e) return refuse_package_verb(answer, e);
    buffer_add(answer, package->text.data, package->text.length);
    return true;
}

static bool answer_symbols_verb(void *self, batch_t *batch, const ControlRequest *request,
                                buffer_t *answer) {
    (void)batch, (void)request;
    err_t e = advisor_symbols(self, answer);
    if (e) buffer_clear(answer);
    return e ? refuse_package_verb(answer, e) : true;
}

static bool answer_list_verb(void *self, batch_t *batch, const ControlRequest *request,
                             buffer_t *answer) {
    (void)batch;
    decisions_list(&((struct advisor *)self)->decisions, verb_argument(request, 0), answer);
    return true;
}

static bool answer_show_verb(void *self, batch_t *batch, const ControlRequest *request,
                             buffer_t *answer) {
    const char *id = verb_argument(request, 0);
    const struct held_decision *held =
        id ? decisions_find(&((struct advisor *)self)->decisions, id) : NULL;
    (void)batch;
    if (held)
        record_to_json(&held->row->base, answer);
    else
        buffer_text(answer, "there is no such decision here; the archive has all of them "
                            "(llm_decision)");
    return held != NULL;
}

static bool answer_person(struct advisor *self, batch_t *batch, const ControlRequest *request,
                          enum decision_event event, buffer_t *answer) {
    const char *id = verb_argument(request, 0), *who = verb_argument(request, 1);
    char why[200];
    if (!id) return buffer_text(answer, "say which decision"), false;
    if (!decisions_answer(&self->decisions, batch, id, event, who ? who : "unknown",
                          verb_argument(request, 2), why))
        return buffer_text(answer, why), false;
    advisor_write_decision(decisions_find(&self->decisions, id)->row, false, answer);
    return true;
}

static bool answer_approve_verb(void *self, batch_t *batch, const ControlRequest *request,
                                buffer_t *answer) {
    return answer_person(self, batch, request, DECISION_APPROVED, answer);
}

static bool answer_refuse_verb(void *self, batch_t *batch, const ControlRequest *request,
                               buffer_t *answer) {
    return answer_person(self, batch, request, DECISION_REFUSED, answer);
}

static bool answer_ask_verb(void *self, batch_t *batch, const ControlRequest *request,
                            buffer_t *answer) {
    const char *symbol = verb_argument(request, 0);
    char why[200] = "say which symbol";
    bool asked = symbol && asker_ask(&((struct advisor *)self)->asker, batch, symbol, why);
    if (asked)
        buffer_format(answer, "{\"asked\":\"%s\"}", symbol);
    else
        buffer_text(answer, why);
    return asked;
}

const struct control advisor_controls[] = {
    {"package", "SYMBOL: what a language model is given to read about it", answer_package_verb},
    {"symbols", "the symbols that there are packages about", answer_symbols_verb},
    {"ask", "SYMBOL: asks the model now; what it answers is listed", answer_ask_verb},
    {"list", "[STATE]: the decisions that are open, and the last ones", answer_list_verb},
    {"show", "DECISION: all of it, with its package and the raw answer", answer_show_verb},
    {"approve", "DECISION [OPERATOR]: it becomes a signal", answer_approve_verb},
    {"refuse", "DECISION [OPERATOR] [REASON]: it becomes none", answer_refuse_verb},
    {0},
};
