// call - reads what the command was called with, and writes its help: both from the table.
// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/base/own.h"

const struct flag common_flags[] = {
    {"dir", "DIR", "where the installation is (TRADECAST_DIR; else var)"},
    {"json", NULL, "print JSON, for machines"},
    {"help", NULL, "print this"},
    {NULL, NULL, NULL},
};

static const struct flag *find_flag(const struct flag *table, const char *name, size_t length) {
    for (const struct flag *f = table; f->name; f++) {
        if (strlen(f->name) == length && memcmp(f->name, name, length) == 0) return f;
    }
    return NULL;
}

static void keep_common(struct call *call, const struct flag *flag, const char *value) {
    if (strcmp(flag->name, "dir") == 0) call->dir = value;
    if (strcmp(flag->name, "json") == 0) call->json = true;
    if (strcmp(flag->name, "help") == 0) call->help = true;
}

// "--name", "--name=value" or "--name value"; *used counts the words taken.
static bool read_flag(struct call *call, int left, char **at, int *used, char wrong[static 240]) {
    const char *name = at[0] + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct flag *own = find_flag(call->command->flags, name, length),
                      *flag = own ? own : find_flag(common_flags, name, length);
    const char *value = equals ? equals + 1 : "";
    *used = 1;
    if (!flag) {
        snprintf(wrong, 240, "%s has no option --%.*s", call->command->name, (int)length, name);
        return false;
    }
    if (flag->value && !equals) {
        if (left < 2) {
            snprintf(wrong, 240, "--%s needs a value: %s", flag->name, flag->value);
            return false;
        }
        value = at[1];
        *used = 2;
    } else if (!flag->value && equals) {
        snprintf(wrong, 240, "--%s takes no value", flag->name);
        return false;
    }
    if (own)
        call->values[own - call->command->flags] = value;
    else
        keep_common(call, flag, value);
    return true;
}

static bool check_count(const struct call *call, char wrong[static 240]) {
    const struct command *c = call->command;
    if (call->help || (call->n_args >= c->least && call->n_args <= c->most)) return true;
    snprintf(wrong, 240, "usage: tradecast %s %s", c->name, c->arguments);
    return false;
}

bool call_read(struct call *call, int argc, char **argv, char wrong[static 240]) {
    bool flags_over = false;
    for (int i = 0; i < argc;) {
        int used = 1;
        if (!flags_over && strcmp(argv[i], "--") == 0) {
            flags_over = true;
        } else if (!flags_over && strncmp(argv[i], "--", 2) == 0) {
            if (!read_flag(call, argc - i, argv + i, &used, wrong)) return false;
        } else if (!flags_over && strcmp(argv[i], "-h") == 0) {
            call->help = true;
        } else if (call->n_args < ARGS_MAX) {
            call->args[call->n_args++] = argv[i];
        } else {
            snprintf(wrong, 240, "too many arguments");
            return false;
        }
        i += used;
    }
    return check_count(call, wrong);
}

const char *call_flag(const struct call *call, const char *name) {
    const struct flag *flag = find_flag(call->command->flags, name, strlen(name));
    return flag ? call->values[flag - call->command->flags] : NULL;
}

bool call_number(const struct call *call, const char *name, unsigned long preset,
                 unsigned long *out) {
    const char *text = call_flag(call, name);
    *out = preset;
    if (!text) return true;
    char *end;
    errno = 0;
    *out = strtoul(text, &end, 10);
    if (isdigit((unsigned char)*text) && !*end && !errno) return true;
    (void)complain_of_call(WRONG_USE, "--%s must be a whole number, not \"%s\"", name, text);
    return false;
}

static void describe_flags(const struct flag *flags, buffer_t *out) {
    for (const struct flag *f = flags; f->name; f++) {
        char left[48];
        snprintf(left, sizeof left, "--%s%s%s", f->name, f->value ? " " : "",
                 f->value ? f->value : "");
        buffer_format(out, "  %-24s %s\n", left, f->words);
    }
}

void command_help(const struct command *command, buffer_t *out) {
    buffer_format(out, "usage: tradecast %s%s%s [options]\n\n%s\n\noptions:\n", command->name,
                  *command->arguments ? " " : "", command->arguments, command->words);
    describe_flags(command->flags, out);
    describe_flags(common_flags, out);
}

void program_help(const struct program *program, buffer_t *out) {
    const struct command *all = program->commands;
    // of the longest name: a name that touched its sentence would be no entry of the man page
    size_t width = 0;
    for (size_t i = 0; i < program->n; i++)
        width = strlen(all[i].name) > width ? strlen(all[i].name) : width;
    buffer_format(out, "%s - %s\n\nusage: %s COMMAND [arguments] [options]\n\ncommands:\n",
                  program->name, program->purpose, program->name);
    for (size_t i = 0; i < program->n; i++)
        buffer_format(out, "  %-*s  %s\n", (int)width, all[i].name, all[i].words);
    buffer_text(out, "\nevery command:\n");
    describe_flags(common_flags, out);
    buffer_text(out, "\nexit status: 0 done; 1 the answer is no; 2 wrong use; 3 what was to be "
                     "asked cannot be reached\n");
}

enum outcome complain_of_call(enum outcome outcome, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("tradecast: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return outcome;
}

void print_out(buffer_t *out) {
    if (out->length) fwrite(out->data, 1, out->length, stdout);
    fflush(stdout);
    buffer_clear(out);
}

void print_sheet(const struct call *call, struct sheet *sheet) {
    own(buffer) out = {0};
    if (call->json)
        sheet_json(sheet, &out), buffer_text(&out, "\n");
    else
        sheet_print(sheet, &out);
    sheet_destroy(sheet);
    print_out(&out);
}

const char *operator_name(void) {
    const struct passwd *user = getpwuid(getuid());
    return user ? user->pw_name : "unknown";
}
