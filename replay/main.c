// tradecast-replay - records what goes over the topics, and has services do again what they did.
// SPDX-License-Identifier: MIT
//
// The command `tradecast record`, `recording` and `replay` are this program. Read README.md next.
#include "cli/replay_commands.h"
#include "replay/commands.h"

static const struct command commands[] = {
    REPLAY_COMMANDS(run_record, run_recording, run_replay),
    {"version", "", "Prints the version.", run_version, 0, 0, {}},
};

static const struct program program = {
    "tradecast-replay", "records what services hear and say, and has them do it again", commands,
    sizeof commands / sizeof *commands};

int main(int argc, char **argv) { return program_main(&program, argc, argv); }
