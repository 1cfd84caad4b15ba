// options - settings from the environment by one table.
// SPDX-License-Identifier: MIT
#include "common/program/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/decimal.h"

#define VARIABLE_TEXT 128
#define SECRET_MAX    65536

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit time_units[] = {{"", 1},     {"h", 3600000}, {"m", 60000},
                                         {"s", 1000}, {"ms", 1},      {NULL, 0}};
static const struct unit size_units[] = {
    {"", 1}, {"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {NULL, 0}};

static const struct unit *units_of(enum option_type type) {
    return type == OPTION_DURATION ? time_units : type == OPTION_SIZE ? size_units : no_units;
}

// Copies stay reachable here: settings may live anywhere, and their texts as long as the process.
static const char *keep_text(const char *text, size_t length) {
    static struct copy {
        struct copy *next;
        char text[];
    } * copies;
    struct copy *c = alloc_bytes(sizeof *c + length + 1);
    memcpy(c->text, text, length);
    c->text[length] = 0;
    c->next = copies;
    copies = c;
    return c->text;
}

static void append_upper(char *out, size_t *at, const char *text) {
    for (; *text && *at < VARIABLE_TEXT - 1; text++) {
        char c = *text;
        if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
        out[(*at)++] = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
    }
    out[*at] = 0;
}

// TRADECAST_<SERVICE>_<NAME>; without a service TRADECAST_<NAME>.
static const char *variable_of_option(const char *service, const char *name,
                                      char out[static VARIABLE_TEXT]) {
    size_t at = 0;
    append_upper(out, &at, "TRADECAST_");
    if (service) append_upper(out, &at, service), append_upper(out, &at, "_");
    append_upper(out, &at, name);
    return out;
}

static bool parse_scaled(const char *text, const struct unit *units, int64_t *out) {
    char *end;
    if (!((*text >= '0' && *text <= '9') || (*text == '-' && text[1] >= '0' && text[1] <= '9')))
        return false;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno) return false;
    for (; units->name; units++) {
        if (strcasecmp(end, units->name) == 0)
            return !__builtin_mul_overflow((int64_t)n, units->factor, out);
    }
    return false;
}

static bool parse_flag(const char *text, bool *out) {
    static const char *const words[] = {"false", "true", "no", "yes", "0", "1", "off", "on"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) return *out = i % 2, true;
    }
    return false;
}

static bool is_choice(const char *text, const char *choices) {
    size_t length = strlen(text);
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        if (strcspn(at, "|") == length && memcmp(at, text, length) == 0) return true;
    }
    return false;
}

static ssize_t read_whole(int fd, char *out, size_t room) {
    size_t used = 0;
    for (ssize_t n = 1; n > 0 && used < room; used += (size_t)n) {
        n = read(fd, out + used, room - used);
        if (n < 0) return -1;
    }
    return (ssize_t)used;
}

// NULL, or what is wrong with the file.
static const char *read_secret(const char *path, const char **out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return strerror(errno);
    struct stat s;
    static char text[SECRET_MAX];
    ssize_t n = read_whole(fd, text, sizeof text);
    bool open_to_all = fstat(fd, &s) != 0 || (S_ISREG(s.st_mode) && (s.st_mode & S_IROTH));
    (void)close(fd);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r')) n--;
    const char *wrong = n < 0 || n == sizeof text    ? "it cannot be read, or is too long"
                        : n == 0                     ? "it is empty"
                        : memchr(text, 0, (size_t)n) ? "it holds zero bytes"
                                                     : NULL;
    if (open_to_all) wrong = "everybody may read it (chmod o-r)";
    if (!wrong) *out = keep_text(text, (size_t)n);
    explicit_bzero(text, sizeof text);
    return wrong;
}

static bool in_bounds(const struct option *o, int64_t value) {
    return (!o->least && !o->most) || (value >= o->least && value <= o->most);
}

// A bound or default as it would be written: the largest unit that divides it.
static void print_scaled(FILE *out, const struct option *o, int64_t value) {
    char text[DECIMAL_TEXT];
    if (o->type == OPTION_DECIMAL) {
        (void)decimal_print((decimal_t){value}, text);
        (void)fputs(text, out);
        return;
    }
    const struct unit *u = units_of(o->type) + 1;
    if (units_of(o->type) == no_units || value == 0) {
        (void)fprintf(out, "%lld", (long long)value);
        return;
    }
    while (u->name && value % u->factor != 0) u++;
    (void)fprintf(out, "%lld%s", (long long)(u->name ? value / u->factor : value),
                  u->name ? u->name : "");
}

bool option_value(const struct option *o, const void *settings,
                  char out[static OPTION_VALUE_TEXT]) {
    const char *at = (const char *)settings + o->place;
    const char *text;
    int64_t number;
    int n = 0;
    switch (o->type) {
    case OPTION_TEXT:
    case OPTION_CHOICE:
        memcpy(&text, at, sizeof text);
        n = text ? snprintf(out, OPTION_VALUE_TEXT, "%s", text) : -1;
        break;
    case OPTION_INTEGER:
    case OPTION_DURATION:
    case OPTION_SIZE:
        memcpy(&number, at, sizeof number);
        n = snprintf(out, OPTION_VALUE_TEXT, "%lld", (long long)number);
        break;
    case OPTION_DECIMAL:
        memcpy(&number, at, sizeof number);
        n = (int)decimal_print((decimal_t){number}, out);
        break;
    case OPTION_FLAG:
        n = snprintf(out, OPTION_VALUE_TEXT, "%s", *(const bool *)at ? "true" : "false");
        break;
    case OPTION_FILE:
        return false;
    }
    return n >= 0 && n < OPTION_VALUE_TEXT;
}

void option_give(const char *service, const char *name, const char *value) {
    char text[VARIABLE_TEXT];
    (void)setenv(variable_of_option(service, name, text), value, 1);
}

static const char *type_words(enum option_type type) {
    static const char *const words[] = {
        [OPTION_TEXT] = "text",
        [OPTION_INTEGER] = "a whole number",
        [OPTION_FLAG] = "true or false",
        [OPTION_DURATION] = "a duration such as 250ms, 5s, 2m, 1h",
        [OPTION_SIZE] = "a size such as 64k, 64m, 2g",
        [OPTION_DECIMAL] = "a decimal number",
        [OPTION_FILE] = "the name of a file that holds it",
        [OPTION_CHOICE] = "one of",
    };
    return words[type];
}

// "a whole number from 1 to 65535"
static void print_may(FILE *out, const struct option *o) {
    (void)fputs(type_words(o->type), out);
    if (o->type == OPTION_CHOICE) {
        (void)fputc(' ', out);
        for (const char *c = o->choices; *c; c++)
            *c == '|' ? (void)fputs(", ", out) : (void)fputc(*c, out);
    }
    if (!o->least && !o->most) return;
    (void)fputs(" from ", out);
    print_scaled(out, o, o->least);
    (void)fputs(" to ", out);
    print_scaled(out, o, o->most);
}

// A complaint: text that print_may and others write, into wrong.
static err_t complain_of_option(const struct option *o, const char *name, const char *value,
                                const char *why, char wrong[static 256]) {
    memset(wrong, 0, 256);
    FILE *out = fmemopen(wrong, 255, "w");
    if (!out) abort();
    (void)fprintf(out, "%s is \"%.80s\"", name, value);
    if (why)
        (void)fprintf(out, ": %s", why);
    else
        (void)fputs("; it must be ", out), print_may(out, o);
    (void)fclose(out);
    return ERR_CONFIG;
}

static bool set_number(const struct option *o, const char *text, int64_t *place) {
    int64_t value;
    decimal_t d;
    if (o->type == OPTION_DECIMAL) {
        if (decimal_read(text, strlen(text), &d) != ERR_OK) return false;
        value = d.e8;
    } else if (!parse_scaled(text, units_of(o->type), &value)) {
        return false;
    }
    if (!in_bounds(o, value)) return false;
    *place = value;
    return true;
}

// True, or false with *why when there is more to say than what it may hold.
static bool set_option(const struct option *o, const char *text, void *place, const char **why) {
    switch (o->type) {
    case OPTION_TEXT:
        *(const char **)place = keep_text(text, strlen(text));
        return true;
    case OPTION_INTEGER:
    case OPTION_DURATION:
    case OPTION_SIZE:
    case OPTION_DECIMAL:
        return set_number(o, text, place);
    case OPTION_FLAG:
        return parse_flag(text, place);
    case OPTION_FILE:
        *why = read_secret(text, place);
        return !*why;
    case OPTION_CHOICE:
        if (is_choice(text, o->choices)) *(const char **)place = keep_text(text, strlen(text));
        return is_choice(text, o->choices);
    }
    return false;
}

static void set_nothing(const struct option *o, void *place) {
    bool is_text = o->type == OPTION_TEXT || o->type == OPTION_FILE || o->type == OPTION_CHOICE;
    if (is_text)
        *(const char **)place = NULL;
    else if (o->type == OPTION_FLAG)
        *(bool *)place = false;
    else
        *(int64_t *)place = 0;
}

// An empty variable counts as one that is not there, as env files of systemd and compose have it.
static const char *read_environment(const char *service, const char *name,
                                    char out[static VARIABLE_TEXT]) {
    const char *value = getenv(variable_of_option(service, name, out));
    if (value && *value) return value;
    char common[VARIABLE_TEXT];
    value = getenv(variable_of_option(NULL, name, common));
    if (!value || !*value) return NULL;
    memcpy(out, common, sizeof common);
    return value;
}

err_t options_read(const struct option *table, const char *service, void *settings,
                   char wrong[static 256]) {
    wrong[0] = 0;
    for (const struct option *o = table; o->name; o++) {
        char name[VARIABLE_TEXT];
        void *place = (char *)settings + o->place;
        const char *value = read_environment(service, o->name, name), *why = NULL;
        if (!value) value = o->preset;
        set_nothing(o, place);
        if (value && !set_option(o, value, place, &why))
            return complain_of_option(o, name, value, why, wrong);
    }
    return ERR_OK;
}

void options_help(const struct option *table, const char *service, FILE *out) {
    char name[VARIABLE_TEXT];
    (void)fprintf(out, "Environment (each also without the service's name, for all services: "
                       "TRADECAST_<NAME>):\n");
    for (const struct option *o = table; o->name; o++) {
        (void)fprintf(out, "  %s\n      %s\n      ", variable_of_option(service, o->name, name),
                      o->words);
        print_may(out, o);
        if (o->preset) (void)fprintf(out, "; default %s", o->preset);
        (void)fputc('\n', out);
    }
}

void options_env_file(const struct option *table, const char *service, FILE *out) {
    char name[VARIABLE_TEXT];
    for (const struct option *o = table; o->name; o++) {
        (void)fprintf(out, "# %s (", o->words);
        print_may(out, o);
        (void)fprintf(out, ")\n#%s=%s\n\n", variable_of_option(service, o->name, name),
                      o->preset ? o->preset : "");
    }
}

static void print_reference_cell(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '|') (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

void options_reference(const struct option *table, const char *service, FILE *out) {
    char name[VARIABLE_TEXT];
    (void)fputs("| variable | value | default | meaning |\n|---|---|---|---|\n", out);
    for (const struct option *o = table; o->name; o++) {
        (void)fprintf(out, "| `%s` | ", variable_of_option(service, o->name, name));
        print_may(out, o);
        (void)fprintf(out, " | %s%s%s | ", o->preset ? "`" : "", o->preset ? o->preset : "",
                      o->preset ? "`" : "");
        print_reference_cell(out, o->words);
        (void)fputs(" |\n", out);
    }
}

options_print_fn *options_printer(const char *word) {
    static const struct {
        const char *word;
        options_print_fn *print;
    } printers[] = {
        {"--help", options_help}, {"--env", options_env_file}, {"--reference", options_reference}};
    for (size_t i = 0; i < sizeof printers / sizeof *printers; i++) {
        if (strcmp(word, printers[i].word) == 0) return printers[i].print;
    }
    return NULL;
}

void option_set_preset(struct option *table, const char *name, const char *preset) {
    for (; table->name; table++) {
        if (strcmp(table->name, name) == 0) table->preset = preset;
    }
}
