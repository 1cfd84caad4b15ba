// cli - the tradecast command: subcommands from one table, each a function of what it was called
// with.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/text.h"
#include "common/base/buffer.h"

// The exit status, the same for all.
enum outcome {
    DONE,      // 0
    ANSWER_NO, // 1: it was understood, and the answer is no
    WRONG_USE, // 2
    NO_REACH,  // 3: what was to be asked cannot be reached
};

#define FLAGS_MAX 16
#define ARGS_MAX  16

struct flag {
    const char *name;  // without the dashes
    const char *value; // what stands for its value in the help; NULL: it has none
    const char *words;
};

// Where the installation is (place.h).
struct place {
    char dir[200], run[208], secrets[216], archive[216], redis[256], keys[216];
    unsigned shards;
};

struct call;
struct command {
    const char *name;
    const char *arguments; // for the help
    const char *words;     // a sentence
    enum outcome (*run)(struct call *call);
    unsigned least, most;         // arguments
    struct flag flags[FLAGS_MAX]; // its own; ends with one without a name
};

struct call {
    const struct command *command;
    struct place place;
    bool json, help;
    const char *dir;
    const char *args[ARGS_MAX];
    unsigned n_args;
    const char *values[FLAGS_MAX]; // beside command->flags; "" for one without a value
    char **words;                  // all that was typed, the program's name first
};

// A program of subcommands.
struct program {
    const char *name, *purpose; // "tradecast", "looks after …"
    const struct command *commands;
    size_t n;
};

// Its main(): reads the words, finds the installation, runs the subcommand. Returns the exit
// status.
int program_main(const struct program *program, int argc, char **argv);

// Reads what stands after the subcommand. False: `wrong` says what is wrong.
bool call_read(struct call *call, int argc, char **argv, char wrong[static 240]);
const char *call_flag(const struct call *call, const char *name); // NULL: not given
// A flag's whole number, or `preset`. False: it is none, and `complain` has said so.
bool call_number(const struct call *call, const char *name, unsigned long preset,
                 unsigned long *out);
void command_help(const struct command *command, buffer_t *out);
void program_help(const struct program *program, buffer_t *out);
void commands_completion(const struct command *table, size_t n, buffer_t *out); // a script for bash
extern const struct flag common_flags[];                                        // of every command

// One sentence on stderr; returns `outcome`, so that a command can end with it.
enum outcome complain_of_call(enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void print_out(buffer_t *out);                                  // to stdout, and empties it
void print_sheet(const struct call *call, struct sheet *sheet); // as --json says; destroys it
const char *operator_name(void); // who calls: recorded with what is asked for

enum outcome run_send(struct call *call);
enum outcome run_status(struct call *call);
enum outcome run_explain(struct call *call);
enum outcome run_tail(struct call *call);
// and every other word for the monitor: the verb is the command's name
enum outcome run_halt(struct call *call);
enum outcome run_unlock(struct call *call);
enum outcome run_approve(struct call *call); // and refuse
enum outcome run_on_trade(struct call *call);
enum outcome run_journal(struct call *call);
enum outcome run_market(struct call *call);
enum outcome run_deadletter(struct call *call);
enum outcome run_config(struct call *call);
enum outcome run_llm(struct call *call);
enum outcome run_doctor(struct call *call);
enum outcome run_report(struct call *call);
enum outcome run_verify(struct call *call);
enum outcome run_backup(struct call *call);
enum outcome run_restore(struct call *call);
enum outcome run_list(struct call *call); // of the archive: what is listed is the command's name
enum outcome run_export(struct call *call);
enum outcome run_clickhouse(struct call *call);
enum outcome run_simulate(struct call *call);
enum outcome run_keys(struct call *call); // make, list, add, remove, rotate, retire, export
enum outcome run_shards(struct call *call);
enum outcome run_health(struct call *call);
enum outcome run_version(struct call *call);
