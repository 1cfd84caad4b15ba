// halt - the operator's words, through the monitor: halt, resume, reduce-only; release, cancel and close a trade.
// SPDX-License-Identifier: MIT
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "common/own.h"
#include "place.h"

static const char *operator_name(void) {
    const struct passwd *user = getpwuid(getuid());
    return user ? user->pw_name : "unknown";
}

static enum outcome command(struct call *call, const char *subject, const char *what) {
    const char *reason = call_flag(call, "reason");
    const struct question question = {
        .service = "monitor",
        .verb = call->command->name,
        .args = {subject ? subject : "-", reason && *reason ? reason : "-", operator_name()},
        .n_args = 3,
    };
    if (call->json) return ask_and_say(call, &question);
    own(buffer) answer = {0};
    enum outcome outcome = ask(&call->place, &question, &answer);
    if (outcome != DONE) return complain(outcome, "%s", buffer_string(&answer));
    printf("%s: recorded for %s\n", call->command->name, subject ? subject : what);
    return DONE;
}

enum outcome run_halt(struct call *call) { return command(call, call_flag(call, "account"), "every account"); }

enum outcome run_on_trade(struct call *call) { return command(call, call->args[0], ""); }
