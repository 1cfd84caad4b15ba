// config - the configuration, through the archiver: apply a file whole, or show what is in force.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "common/own.h"
#include "files.h"
#include "place.h"

#define CONFIG_MAX (1000 * 1000) // what one message carries

static enum outcome apply(struct call *call) {
    own(buffer) file = {0};
    if (call->n_args != 2) return complain(WRONG_USE, "usage: tradecast config apply FILE (or - for stdin)");
    if (!file_read(call->args[1], CONFIG_MAX, &file)) return complain(WRONG_USE, "%s: %s", call->args[1], strerror(errno));
    const struct question question = {.service = "archiver", .verb = "config-apply", .body = {file.data, file.length}, .within_ms = 20000};
    return ask_and_say(call, &question);
}

enum outcome run_config(struct call *call) {
    if (strcmp(call->args[0], "apply") == 0) return apply(call);
    if (strcmp(call->args[0], "show") != 0) return complain(WRONG_USE, "config apply FILE, or config show; not \"%s\"", call->args[0]);
    const struct question question = {.service = "archiver", .verb = "config-show"};
    return ask_and_say(call, &question);
}
