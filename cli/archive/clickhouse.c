// clickhouse - prepares a ClickHouse server for the archive's copy; the program that copies knows
// how.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define PROGRAM "tradecast-sync-clickhouse"

// It lies beside this one.
static enum outcome become_sync(const char *argument) {
    char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof PROGRAM);
    char *slash = n > 0 ? (path[n] = 0, strrchr(path, '/')) : NULL;
    snprintf(slash ? slash + 1 : path, sizeof PROGRAM, "%s", PROGRAM);
    execlp(slash ? path : PROGRAM, PROGRAM, argument, (char *)NULL);
    return complain_of_call(NO_REACH, "%s: %s", slash ? path : PROGRAM, strerror(errno));
}

enum outcome run_clickhouse(struct call *call) {
    char argument[64] = "--ddl=single";
    bool init = strcmp(call->args[0], "init") == 0;
    if (init && call->n_args == 1) return become_sync("--init");
    if (init || strcmp(call->args[0], "ddl") != 0)
        return complain_of_call(WRONG_USE, "clickhouse init, or clickhouse ddl single|old|cluster");
    if (call->n_args > 1) snprintf(argument, sizeof argument, "--ddl=%.40s", call->args[1]);
    return become_sync(argument);
}
