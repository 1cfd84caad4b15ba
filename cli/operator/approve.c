// approve - signals of sources that are not auto_execute: lists those that wait for an operator's
// word, and gives it.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "signal.pb-c.h"

#define APPROVALS "signal:state:approvals"

static void add_signal_row(struct sheet *sheet, const Signal *s) {
    char lots[DECIMAL_TEXT] = "", at[TIME_TEXT], until[TIME_TEXT];
    if (s->has_lot_size) (void)decimal_print(D(s->lot_size), lots);
    (void)time_print(s->created_at, at);
    (void)time_print(s->approve_by, until);
    sheet_add(sheet, s->signal_id);
    sheet_add(sheet, s->source);
    sheet_add(sheet, record_enum_name(&signal__direction__descriptor, (int)s->direction));
    sheet_add(sheet, s->symbol);
    sheet_add(sheet, lots);
    sheet_add(sheet, at);
    sheet_add(sheet, until);
}

static err_t visit_approval(void *arg, struct span name, struct span value) {
    Signal *s = signal__unpack(NULL, value.length, value.data);
    (void)name;
    if (!s) return ERR_INPUT;
    add_signal_row(arg, s);
    signal__free_unpacked(s, NULL);
    return ERR_OK;
}

static enum outcome list_approvals(struct call *call, store_t *store) {
    struct sheet sheet;
    sheet_start(&sheet, "SIGNAL|SOURCE|ACTION|SYMBOL|>LOTS|CAME IN|WAITS UNTIL");
    if (store_pairs(store, APPROVALS, visit_approval, &sheet)) {
        sheet_destroy(&sheet);
        return complain_of_call(NO_REACH, "%s", store_trouble(store));
    }
    print_sheet(call, &sheet);
    return DONE;
}

// Looked up first, so that a wrong id gets its answer here.
enum outcome run_approve(struct call *call) {
    const char *signal_id = call->args[0], *reason = call_flag(call, "reason");
    own(store) *store = place_store(&call->place, "viewer");
    own(buffer) waits = {0}, answer = {0};
    if (!store) return NO_REACH;
    if (!call->n_args) return list_approvals(call, store);
    if (store_field(store, APPROVALS, signal_id, &waits))
        return complain_of_call(NO_REACH, "%s", store_trouble(store));
    if (!waits.length)
        return complain_of_call(ANSWER_NO,
                                "%s does not wait for approval; tradecast approve lists what does, "
                                "tradecast explain %s shows what became of it",
                                signal_id, signal_id);
    const struct question question = {
        .service = "monitor",
        .verb = call->command->name,
        .args = {signal_id, reason && *reason ? reason : "-", operator_name()},
        .n_args = 3};
    if (call->json) return ask_and_say(call, &question);
    enum outcome outcome = ask_service(&call->place, &question, &answer);
    if (outcome != DONE) return complain_of_call(outcome, "%s", buffer_string(&answer));
    printf("%s: recorded for %s\n", question.verb, signal_id);
    return DONE;
}
