// main - the tradecast command: its table of subcommands, and nothing else that knows them.
// SPDX-License-Identifier: MIT
#include <string.h>
#include <unistd.h>

#include "cli/place.h"
#include "cli/replay_commands.h"
#include "common/base/own.h"

// clang-format off
#define REASON {"reason", "TEXT", "why; it is kept"}
#define ACCOUNT {"account", "ID", "one account only; else all"}
#define SOURCE {"source", "NAME", "only what this source of signals causes"}
#define ALL_CELLS {"all-cells", NULL, "in this cell and in all of TRADECAST_CELLS; says which did not answer"}
#define FLATTEN {"flatten", NULL, "and cancel what works and close what is open"}

#define ARCHIVED {"since", "TIME", "from this time on: 2026-11-01, 2026-11-01T10:00:00Z, or 7d, 12h, 30m ago"}, \
    {"until", "TIME", "before this time"}, {"account", "ID", "of this account"}, {"symbol", "SYMBOL", "of this symbol"}, \
    {"strategy", "NAME", "of this strategy"}, {"broker", "ID", "of this broker"}
#define LISTED ARCHIVED, {"state", "STATE", "in this state"}, {"signal", "ID", "of this signal"}, {"limit", "N", "at most N rows (100)"}, \
    {"after", "NEXT", "what comes after the page that said so"}, {"csv", NULL, "every column, as CSV"}

static enum outcome run_completion(struct call *call);
static enum outcome run_replay_program(struct call *call);

static const struct command commands[] = {
    {"send", "[FILE | -]", "Sends a signal to the webhook: a file, stdin, or the options.", run_send, 0, 1,
     {{"symbol", "SYMBOL", "what to trade"},
      {"action", "ACTION", "buy, sell or close"},
      {"lots", "LOTS", "how much"},
      {"type", "TYPE", "market (else), limit or stop"},
      {"price", "PRICE", "expected, or of the limit or stop order"},
      {"sl", "PRICE", "stop loss"},
      {"tp", "PRICE", "take profit"},
      {"strategy", "NAME", "which strategy it is of"},
      {"id", "ID", "its id; sent again it is recognised"},
      {"source", "NAME", "the source (else the only one whose token is in secrets/)"},
      {"token-file", "FILE", "the source's token (else TRADECAST_TOKEN or secrets/webhook-<source>)"},
      {"url", "URL", "the door (http://127.0.0.1:8300)"},
      {"zmq", NULL, "through the ZeroMQ intake instead"}}},
    {"status", "", "Shows services, topics with their consumers' positions and lag, and counts per state.", run_status, 0, 0, {}},
    {"explain", "ID", "Shows everything that happened to a signal, a command or a trade, with times.", run_explain, 1, 1, {}},
    {"tail", "", "Shows what happens now.", run_tail, 0, 0,
     {{"topic", "PREFIX", "only topics that begin so (executions.)"}, FILTERS, {"count", "N", "end after N messages"},
      {"for", "S", "end after S seconds"}}},
    {"market", "[SYMBOL | watchlist | candidates | context]",
     "Lists the last prices, or shows market data: the documents, and how long each stands (docs/market-data.md).", run_market, 0, 1, {}},
    {"halt", "", "The kill switch: stops new orders, everywhere, for one account or from one source.", run_halt, 0, 0,
     {ACCOUNT, SOURCE, FLATTEN, {"reduce-only", NULL, "as the command of that name"}, ALL_CELLS, REASON}},
    {"resume", "", "Allows orders again.", run_halt, 0, 0, {ACCOUNT, SOURCE, ALL_CELLS, REASON}},
    {"reduce-only", "", "Allows only orders that reduce exposure.", run_halt, 0, 0, {ACCOUNT, SOURCE, FLATTEN, ALL_CELLS, REASON}},
    {"unlock", "ACCOUNT_ID", "Lifts the lock of an account that broke a risk rule; that rule rests until the next reset.", run_unlock, 1, 1, {REASON}},
    {"release", "TRADE_ID", "Gives up a trade that is held for the operator.", run_on_trade, 1, 1, {REASON}},
    {"cancel", "TRADE_ID", "Cancels what of a trade is still working at the broker.", run_on_trade, 1, 1, {REASON}},
    {"close", "TRADE_ID", "Closes a trade's position.", run_on_trade, 1, 1, {REASON}},
    {"approve", "[SIGNAL_ID]", "Orders a signal that waits for approval (auto_execute: false); without an ID lists those that wait.", run_approve, 0,
     1, {REASON}},
    {"refuse", "SIGNAL_ID", "Ends a signal that waits for approval.", run_approve, 1, 1, {REASON}},
    {"journal", "list | show TOPIC", "Lists the topics' journals, or shows one's entries decoded.", run_journal, 1, 2,
     {{"from", "ID", "from this entry on (else from the first)"}, {"count", "N", "at most N entries (20)"}, FILTERS}},
    {"deadletter", "list | show SERVICE ID | redrive SERVICE [ID | --all] | drop SERVICE ID",
     "Lists what could not be handled or read, shows it, has a message handled again, or drops a record's letter.", run_deadletter, 1, 3,
     {{"all", NULL, "redrive: every one of the service"}}},
    {"config", "show | get PATH | set PATH VALUE | apply FILE | export | history | rollback VERSION",
     "Shows the configuration, or changes it: all or nothing, and shows what differs first (docs/configuration.md).", run_config, 1, 3,
     {{"dry-run", NULL, "set, apply, rollback: only show what would differ"},
      {"replace", NULL, "apply: what the document lacks goes"},
      {"force", NULL, "set, apply, rollback: also when accounts with open trades go, or everything"},
      {"note", "TEXT", "set, apply, rollback: why; it is kept"},
      {"yaml", NULL, "export: YAML (else JSON)"},
      {"count", "N", "history: the last N versions (20)"}}},
    {"llm", "package SYMBOL | symbols | ask SYMBOL | list [STATE] | show ID | approve ID | refuse ID",
     "Shows what a language model is given to read, and its decisions; approves or refuses one (docs/language-model.md).", run_llm, 1, 2, {REASON}},
    {"simulate", "--config FILE [SOURCE=]FILE...",
     "Shows what would become of signals for every account of a configuration, and why; sends nothing.", run_simulate, 1, ARGS_MAX,
     {{"config", "FILE", "the configuration, as for config apply (config export prints what is in force)"},
      {"state", "FILE", "how things are: balances, positions, prices, halts (docs/simulate.md); JSON or YAML"},
      {"source", "NAME", "the source that sends (else the file's, else the only one)"},
      {"lines", NULL, "each file has one signal a line"},
      {"at", "TIME", "when the first comes in (else now)"},
      {"every", "MS", "how long after it the next comes in (0)"},
      {"delay", "MS", "how long after it came in a signal is routed (0)"}}},
    {"doctor", "", "Checks the installation.", run_doctor, 0, 0,
     {{"profile", "PROFILE", "standard or strict: what Redis should be set to (TRADECAST_PROFILE)"},
      {"full", NULL, "check every page of the archive, however large"}}},
    {"signals", "", "Lists archived signals, the latest first.", run_list, 0, 0, {LISTED}},
    {"trades", "", "Lists archived trades.", run_list, 0, 0, {LISTED}},
    {"results", "", "Lists archived executions.", run_list, 0, 0, {LISTED}},
    {"reconciliations", "", "Lists how trades compared with what was asked.", run_list, 0, 0, {LISTED}},
    {"failures", "", "Lists trades that were not filled, and signals that were refused.", run_list, 0, 0, {LISTED}},
    {"performance", "", "Sums up a period: orders, wins, profit, drawdown, slippage, latency.", run_list, 0, 0,
     {ARCHIVED, {"by", "WHAT", "account, broker, gateway, day, strategy or symbol; else all in one"}, {"csv", NULL, "every column, as CSV"}}},
    {"report", "FILE.html", "Writes a page about the trades closed in a time: profit, drawdown, slippage, by strategy and account.",
     run_report, 1, 1, {ARCHIVED}},
    {"backup", "[FILE]", "Copies the archive as it is now, while it is written, and checks the copy.", run_backup, 0, 1,
     {{"into", "DIR", "into this directory, named by the time; the oldest go"},
      {"keep", "N", "with --into: how many stay (14)"},
      {"every", "HOURS", "with --into: does not end, and does it again every so many hours"},
      {"snapshot", NULL, "with --into: Redis writes a snapshot, too"}}},
    {"restore", "FILE", "Puts an archive in the place of the installation's, which is kept; the archiver must be stopped.", run_restore, 1, 1,
     {{"anyway", NULL, "also when it is damaged or not as it was written"}}},
    {"verify", "[FILE]", "Checks an archive (else the installation's): file, signals' hashes, chain, journal positions; or an audit log.", run_verify, 0, 1,
     {{"log", "FILE", "each line of an audit log (signals.log, or a closed one, .gz) against its sha256"}}},
    {"export", "DIR", "Writes the archive's tables as files for analysis (docs/analysis.md).", run_export, 1, 1,
     {{"format", "FORMAT", "csv (else), jsonl, parquet or duckdb"},
      {"since", "TIME", "rows of this time and later: a day, a time, or how long ago (7d)"},
      {"until", "TIME", "rows before this time"},
      {"table", "NAME", "one table only"}}},
    {"clickhouse", "init | ddl single|old|cluster",
     "Creates the archive's tables on a ClickHouse server (TRADECAST_CLICKHOUSE_…), or prints the statements that do.", run_clickhouse, 1, 2, {}},
    REPLAY_COMMANDS(run_replay_program, run_replay_program, run_replay_program),
    {"keys", "make [NAME]... | list | add NAME FILE | remove NAME | rotate NAME | retire NAME | export HOST DIR [NAME]...",
     "Makes, lists, changes and exports the keys of processes on several hosts (docs/deployment.md).", run_keys, 1, ARGS_MAX, {}},
    {"shards", "[set N | move ACCOUNT|GATEWAY ... --to N]",
     "Shows which executor has which accounts; moves them, with what is open, while all but ingest are stopped (docs/deployment.md).", run_shards, 0,
     ARGS_MAX,
     {{"to", "N", "move: the executor that is to have them, and every account of the same gateway"},
      {"drained", NULL, "wait until the executors have taken what was on its way to them; a minute at most"},
      {"dry-run", NULL, "only show what would move"},
      {"fence", NULL, "also while a service on another host is connected: it is shut out, and stops"}}},
    {"health", "SERVICE", "Checks whether a service (executor.0) answers and can commit; for health checks.", run_health, 1, 1, {}},
    {"completion", "bash", "Prints what bash needs to complete this command: eval \"$(tradecast completion bash)\".", run_completion, 1, 1, {}},
    {"version", "", "Prints the version.", run_version, 0, 0, {}},
};
// clang-format on

static const struct program program = {"tradecast", "looks after a tradecast installation",
                                       commands, sizeof commands / sizeof *commands};

static enum outcome run_completion(struct call *call) {
    own(buffer) out = {0};
    if (strcmp(call->args[0], "bash") != 0)
        return complain_of_call(WRONG_USE, "there is a completion for bash, none for %.40s",
                                call->args[0]);
    commands_completion(commands, program.n, &out);
    print_out(&out);
    return DONE;
}

// Records and replays are another program's: it becomes this process, and reads the same words.
static enum outcome run_replay_program(struct call *call) {
    char path[PROGRAM_PATH];
    if (place_program("tradecast-replay", path)) (void)execv(path, call->words);
    return complain_of_call(NO_REACH, "tradecast-replay cannot be run; is it beside this program?");
}

int main(int argc, char **argv) { return program_main(&program, argc, argv); }
