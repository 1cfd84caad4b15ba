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
void options_help(const struct option *table, const char *service, FILE *out);
// VAR=default, commented
void options_env_file(const struct option *table, const char *service, FILE *out);
// a Markdown table
void options_reference(const struct option *table, const char *service, FILE *out);
