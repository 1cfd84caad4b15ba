// proposal - a decision as it comes in.
// SPDX-License-Identifier: MIT
#include "services/advisor/decision/proposal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/base/own.h"
#include "common/base/utf8.h"
#include "common/schema/record.h"

// --- reading

struct faults {
    char *why;
    size_t length;
};

static void add_fault(void *arg, const struct fault *fault) {
    struct faults *f = arg;
    size_t room = PROPOSAL_WHY - f->length;
    int n = snprintf(f->why + f->length, room, "%s%s%s%s", f->length ? "; " : "", fault->path,
                     *fault->path ? " " : "", fault->rule);
    f->length += (size_t)n < room ? (size_t)n : room - 1;
}

LlmProposal *proposal_read(struct span json, arena_t *arena, char why[static PROPOSAL_WHY]) {
    ProtobufCMessage *m;
    struct faults faults = {why, 0};
    *why = 0;
    err_t e = record_from_json_all(&llm_proposal__descriptor, json, arena, &m, add_fault, &faults);
    return e ? NULL : (LlmProposal *)m;
}

void proposal_id(const LlmProposal *proposal, char out[static ID_TEXT]) {
    own(buffer) text = {0};
    record_to_json(&proposal->base, &text);
    const char *const parts[] = {"llm_decision", proposal->package_id, buffer_string(&text)};
    id_derive(out, "", 3, parts);
}

// --- rules

__attribute__((format(printf, 2, 3))) static bool break_rule(char why[static PROPOSAL_WHY],
                                                             const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, PROPOSAL_WHY, format, args);
    va_end(args);
    return false;
}

bool proposal_is_entry(const LlmProposal *p) {
    switch (p->action) {
    case LLM_PROPOSAL__ACTION__buy:
    case LLM_PROPOSAL__ACTION__sell:
    case LLM_PROPOSAL__ACTION__reverse:
        return true;
    case LLM_PROPOSAL__ACTION__close:
    case LLM_PROPOSAL__ACTION__close_long:
    case LLM_PROPOSAL__ACTION__close_short:
    case LLM_PROPOSAL__ACTION__hold:
    case _LLM_PROPOSAL__ACTION_IS_INT_SIZE:
        break;
    }
    return false;
}

static bool check_package(const LlmProposal *p, const struct package *package,
                          const struct proposal_rules *rules, char why[static PROPOSAL_WHY]) {
    if (!package)
        return break_rule(why, "package_id names no package that was given out lately: read a new "
                               "one and decide by that");
    if (strcmp(p->symbol, package->symbol) != 0)
        return break_rule(why, "symbol is not that of the package, %s", package->symbol);
    if (rules->now > package->as_of && rules->now - package->as_of > rules->package_for)
        return break_rule(why, "the package is %llu s old; a decision may rest on one of %llu s",
                          (unsigned long long)((rules->now - package->as_of) / NS_PER_S),
                          (unsigned long long)(rules->package_for / NS_PER_S));
    if (proposal_is_entry(p) && !package->fresh_price)
        return break_rule(why, "the package has no fresh price: no entry can rest on it");
    return true;
}

static bool check_proposal_text(const char *name, const char *text, size_t most, const char *others,
                                char why[static PROPOSAL_WHY]) {
    if (!text) return true;
    if (!*text) return break_rule(why, "%s must not be empty", name);
    if (strlen(text) > most) return break_rule(why, "%s is longer than %zu bytes", name, most);
    if (!utf8_is_plain(text, others))
        return break_rule(why, "%s has control characters, or marks that turn its direction", name);
    return true;
}

static bool check_positive_number(const char *name, bool has, int64_t e8,
                                  char why[static PROPOSAL_WHY]) {
    return !has || e8 > 0 || break_rule(why, "%s must be greater than 0", name);
}

static bool check_percent_number(const char *name, bool has, int64_t e8,
                                 char why[static PROPOSAL_WHY]) {
    return !has || (e8 >= 0 && e8 <= 100 * DECIMAL_SCALE) ||
           break_rule(why, "%s must be from 0 to 100", name);
}

static bool check_lots(const LlmProposal *p, const struct proposal_rules *rules,
                       char why[static PROPOSAL_WHY]) {
    char most[DECIMAL_TEXT];
    if (!p->has_lot_size || !rules->lots_most.e8) return true;
    if (decimal_cmp(D(p->lot_size), rules->lots_most) <= 0) return true;
    decimal_print(rules->lots_most, most);
    return break_rule(why, "lot_size is over the advisor's limit of %s", most);
}

bool proposal_check(const LlmProposal *p, const struct package *package,
                    const struct proposal_rules *rules, char why[static PROPOSAL_WHY]) {
    return check_package(p, package, rules, why) &&
           check_proposal_text("reasoning", p->reasoning, 4 * REASONING_MOST, "\t\r\n", why) &&
           check_proposal_text("strategy", p->strategy, 64, "", why) &&
           check_proposal_text("model", p->model, 100, "", why) &&
           check_proposal_text("prompt_version", p->prompt_version, 100, "", why) &&
           check_positive_number("lot_size", p->has_lot_size, p->lot_size, why) &&
           check_positive_number("price", p->has_price, p->price, why) &&
           check_positive_number("stop_loss", p->has_stop_loss, p->stop_loss, why) &&
           check_positive_number("take_profit", p->has_take_profit, p->take_profit, why) &&
           check_percent_number("close_percent", p->has_close_percent, p->close_percent, why) &&
           check_percent_number("confidence", p->has_confidence, p->confidence, why) &&
           check_lots(p, rules, why);
}
