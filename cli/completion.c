// completion - what a shell asks to complete the command, made from the table of commands.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "cli/cli.h"

static bool is_completion_word(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if ((text[i] < 'a' || text[i] > 'z') && text[i] != '-') return false;
    return length > 1;
}

// "list | show TOPIC": the words that an alternative begins with. What is in capitals is for the
// caller to fill in.
static void add_argument_words(const char *arguments, buffer_t *out) {
    const char *before = "";
    for (const char *at = arguments; *at;) {
        at += strspn(at, "[ ");
        size_t length = strcspn(at, " ]");
        if (is_completion_word(at, length)) {
            buffer_format(out, "%s%.*s", before, (int)length, at);
            before = " ";
        }
        const char *next = strstr(at, " | ");
        at = next ? next + 3 : at + strlen(at);
    }
}

static void add_flags(const struct flag *flags, buffer_t *out) {
    for (const struct flag *f = flags; f->name; f++) buffer_format(out, "--%s ", f->name);
}

void commands_completion(const struct command *table, size_t n, buffer_t *out) {
    buffer_text(out, "# bash completion of tradecast; written by: tradecast completion bash\n"
                     "_tradecast() {\n"
                     "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" words='' flags=''\n"
                     "    case \"$COMP_CWORD:${COMP_WORDS[1]}\" in\n"
                     "    1:*) words='");
    for (size_t i = 0; i < n; i++) buffer_format(out, "%s%s", i ? " " : "", table[i].name);
    buffer_text(out, "' ;;\n");
    for (size_t i = 0; i < n; i++) {
        buffer_format(out, "    *:%s) words='", table[i].name);
        add_argument_words(table[i].arguments, out);
        buffer_text(out, "' flags='");
        add_flags(table[i].flags, out);
        add_flags(common_flags, out);
        buffer_text(out, "' ;;\n");
    }
    buffer_text(out, "    esac\n"
                     "    case \"$cur\" in -*) words=\"$flags\" ;; esac\n"
                     "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                     "}\n"
                     "complete -o default -F _tradecast tradecast\n");
}
