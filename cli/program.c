// program - main() of a program of subcommands.
// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/place.h"
#include "common/base/own.h"
#include "common/delivery/cells.h"
#include "common/delivery/topology.h"
#include "common/program/version.h"

static const struct command *find_program_command(const struct program *program, const char *name) {
    for (size_t i = 0; i < program->n; i++) {
        if (strcmp(program->commands[i].name, name) == 0) return &program->commands[i];
    }
    return NULL;
}

enum outcome run_version(struct call *call) {
    printf(call->json ? "{\"version\":\"%s\"}\n" : "tradecast %s\n", TRADECAST_VERSION);
    return DONE;
}

static bool asks_for_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int print_program_help(const struct program *program, const struct command *command) {
    own(buffer) out = {0};
    if (command)
        command_help(command, &out);
    else
        program_help(program, &out);
    print_out(&out);
    return DONE;
}

int program_main(const struct program *program, int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    // backups, exports, reports, recordings: accounts and what they traded
    (void)umask(umask(0) | 0077);
    if (argc < 2) return print_program_help(program, NULL), WRONG_USE;
    if (asks_for_help(argv[1])) return print_program_help(program, NULL);
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    struct call call = {.command = find_program_command(program, name), .words = argv};
    char wrong[256];
    if (!call.command)
        return complain_of_call(WRONG_USE, "there is no command %.60s; %s --help lists them",
                                argv[1], program->name);
    if (!call_read(&call, argc - 2, argv + 2, wrong))
        return complain_of_call(WRONG_USE, "%s (tradecast %s --help)", wrong, call.command->name);
    if (call.help) return print_program_help(program, call.command);
    if (!cells_set(getenv("TRADECAST_CELL"), getenv("TRADECAST_CELLS"), wrong))
        return complain_of_call(WRONG_USE, "%s", wrong);
    if (!topology_want(getenv("TRADECAST_OPTIONAL"), wrong))
        return complain_of_call(WRONG_USE, "%s", wrong);
    place_find(&call.place, call.dir);
    place_keys(&call);
    return call.command->run(&call);
}
