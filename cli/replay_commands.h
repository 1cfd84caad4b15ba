// replay_commands - the subcommands that record and replay: rows of two tables, that of the
// command, which runs tradecast-replay, and that of tradecast-replay.
// SPDX-License-Identifier: MIT
#pragma once

// clang-format off
#define FILTERS {"type", "TYPE", "only messages of this type (Execution)"}, {"account", "ID", "only what concerns this account"}, \
    {"symbol", "SYMBOL", "only what concerns this symbol, by either name"}

#define REPLAY_COMMANDS(RECORD, RECORDING, REPLAY) \
    {"record", "FILE", "Writes every message of every topic into a file, until Ctrl-C; reports what was lost on the way.", RECORD, 1, 1, \
     {{"topic", "PREFIX", "only topics that begin so (signals)"}, {"past", NULL, "what the journals still hold; alone, nothing after it"}, \
      {"count", "N", "end after N messages"}, {"for", "S", "end after S seconds"}, {"compress", NULL, "gzipped"}}}, \
    {"recording", "info FILE | cat FILE | cut FILE NEW | merge FILE FILE ... NEW", \
     "Shows what is in a recording, writes a part of it, or several as one, in order of time.", RECORDING, 2, ARGS_MAX, \
     {FILTERS, {"topic", "PREFIX", "only topics that begin so"}, {"signal", "ID", "only what is about this signal"}, \
      {"from", "TIME", "only what was heard at or after (2026-01-31T10:15:30Z)"}, {"until", "TIME", "only what was heard before"}, \
      {"compress", NULL, "the new file: gzipped"}}}, \
    {"replay", "FILE", \
     "Sends the signals, prices and market data of a recording into a running paper system; or, offline, has the services do again what they did.", \
     REPLAY, 1, 1, \
     {{"speed", "N", "1: in original time, 10: ten times as fast; else as fast as it goes"}, \
      {"keep-ids", NULL, "under the ids they had: those that are known already are recognised (else new ones)"}, \
      {"source", "NAME", "as this source's, with its token; needed for prices"}, \
      {"offline", NULL, "nothing is sent: each service decides again, in a sandbox, and what comes out differently is shown"}, \
      {"service", "NAME", "offline: router, executor, reconciler, archiver or all (else)"}, \
      {"config", "DOCUMENT", "offline: by this configuration (else by the recording's own)"}, \
      {"archive", "NEW", "offline: keep the archive that comes out as this file"}}}
// clang-format on
