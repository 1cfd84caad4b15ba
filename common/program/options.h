// options - one table per service: reads the environment, prints --help, writes deploy/*.env and
// the reference in docs/.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/error.h"

enum option_type {
    OPTION_TEXT,    // const char *
    OPTION_INTEGER, // int64_t, least..most
    OPTION_FLAG,    // bool: true/false, yes/no, 1/0
    // int64_t in ms; written 250ms, 5s, 2m, 1h (a bare number is ms); least..most in ms
    OPTION_DURATION,
    OPTION_SIZE,    // int64_t in bytes; written 64k, 64m, 2g; least..most in bytes
    OPTION_DECIMAL, // int64_t e8 (decimal_t)
    // const char *: the text is read from the file named here, its end of line cut; a secret, never
    // printed
    OPTION_FILE,
    OPTION_CHOICE, // const char *, one of `choices`, separated by |
};

struct option {
    // lower case; the environment has TRADECAST_<SERVICE>_<NAME>, else TRADECAST_<NAME>
    const char *name;
    enum option_type type;
    size_t place;        // offsetof in the service's settings
    const char *preset;  // as text; NULL: none, and reading it leaves NULL or 0
    const char *words;   // a sentence
    int64_t least, most; // both 0: any
    const char *choices;
};

// `table` ends with a row without a name. Values are copied; they live as long as the process.
// ERR_CONFIG: *wrong says which variable, what it held (not for secrets) and what it may hold.
err_t options_read(const struct option *table, const char *service, void *settings,
                   char wrong[static 256]);
#define OPTION_VALUE_TEXT 256
// A setting that was read, as options_read takes it. False: it has none, or it is not to be shown.
bool option_value(const struct option *o, const void *settings, char out[static OPTION_VALUE_TEXT]);
// As if the environment had it: TRADECAST_<SERVICE>_<NAME>.
void option_give(const char *service, const char *name, const char *value);

typedef void options_print_fn(const struct option *table, const char *service, FILE *out);
options_print_fn options_help;
options_print_fn options_env_file;  // VAR=default, commented
options_print_fn options_reference; // a Markdown table
// What prints the tables when a program's argument is `word` ("--help", "--env", "--reference");
// NULL: it is none of these.
options_print_fn *options_printer(const char *word);
// What --help says of the arguments that each program has.
#define OPTIONS_USAGE                                                                              \
    "  --env        print an environment file with every option and its preset\n"                  \
    "  --reference  print the options as a Markdown table\n"                                       \
    "  --check      read the options, say what is wrong, and stop\n"

// The option of that name has this preset from now on; the text must outlive the table.
void option_set_preset(struct option *table, const char *name, const char *preset);
// Rows that several programs have.
#define OPTION_RUN_DIR(place)                                                                      \
    {                                                                                              \
        "run_dir", OPTION_TEXT, place, "var/run",                                                  \
            "Directory of sockets and lock files, private to the user", 0, 0, NULL                 \
    }
#define OPTION_BATCH_MAX(place)                                                                    \
    { "batch_max", OPTION_INTEGER, place, "256", "Most messages in one transaction", 1, 4096, NULL }
#define OPTION_LOG_LEVEL(place)                                                                    \
    {                                                                                              \
        "log_level", OPTION_CHOICE, place, "info", "Least level that is logged", 0, 0,             \
            "debug|info|warning|error"                                                             \
    }
