// config - the configuration, through the archiver: looked at, changed (the difference is shown
// first), taken back.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/files.h"
#include "cli/operator/config_print.h"
#include "cli/operator/in_force.h"
#include "cli/place.h"
#include "cli/yaml.h"
#include "common/base/own.h"

#define CONFIG_MAX  (1000 * 1000) // what one message carries
#define WITHIN_MS   20000
#define IN_FORCE_MS 5000

// A question with words of the form name=value.
struct asking {
    struct question question;
    char words[6][1024];
};

static bool add_question_word(struct asking *a, const char *name, const char *value) {
    char *word = a->words[a->question.n_args];
    size_t n = (size_t)snprintf(word, sizeof a->words[0], "%s%s%s", name, value ? "=" : "",
                                value ? value : "");
    a->question.args[a->question.n_args++] = word;
    return n < sizeof a->words[0];
}

// Who asks, and why: kept with the change.
static void add_author(struct asking *a, const struct call *call) {
    const char *note = call_flag(call, "note");
    if (call_flag(call, "force")) add_question_word(a, "force", NULL);
    add_question_word(a, "by", operator_name());
    if (note && *note) add_question_word(a, "note", note);
}

static struct asking asking_for(const char *verb) {
    return (struct asking){
        .question = {.service = "archiver", .verb = verb, .within_ms = WITHIN_MS}};
}

static enum outcome say_answer(struct call *call, const struct asking *a, config_print_fn *print) {
    own(buffer) answer = {0};
    own(buffer) out = {0};
    enum outcome outcome = ask_service(&call->place, &a->question, &answer);
    if (outcome != DONE) return complain_of_call(outcome, "%s", buffer_string(&answer));
    if (call->json)
        buffer_format(&out, "%s\n", buffer_string(&answer));
    else if (!print(buffer_span(&answer), &out))
        return complain_of_call(
            NO_REACH, "archiver answered something that this version does not understand");
    print_out(&out);
    return DONE;
}

// It counts from when the services have it, which takes them milliseconds; who is down takes it
// when it is back.
static enum outcome do_it(struct call *call, const struct asking *a, config_print_fn *print) {
    char who[NAME_TEXT];
    enum outcome outcome = say_answer(call, a, print);
    if (outcome == DONE && !in_force(&call->place, IN_FORCE_MS, who))
        (void)complain_of_call(
            DONE,
            *who ? "it is on record; %s has not taken it yet (tradecast status)"
                 : "it is on record; whether services have taken it cannot be told",
            who);
    return outcome;
}

// What would become of it is shown; then it is done, if nobody else has changed anything in
// between.
static enum outcome change_config(struct call *call, struct asking *a) {
    bool try_only = call_flag(call, "dry-run") != NULL;
    char version[24];
    add_author(a, call);
    if (call->json || try_only) {
        if (try_only) add_question_word(a, "dry-run", NULL);
        return try_only ? say_answer(call, a, config_print_difference)
                        : do_it(call, a, config_print_difference);
    }
    struct asking first = *a;
    for (size_t i = 0; i < first.question.n_args; i++) first.question.args[i] = first.words[i];
    add_question_word(&first, "dry-run", NULL);
    own(buffer) answer = {0};
    own(buffer) out = {0};
    enum outcome outcome = ask_service(&call->place, &first.question, &answer);
    if (outcome != DONE) return complain_of_call(outcome, "%s", buffer_string(&answer));
    uint64_t at;
    bool differs;
    struct span json = {answer.data, answer.length};
    if (!config_print_difference(json, &out) || !config_read_difference(json, &at, &differs))
        return complain_of_call(
            NO_REACH, "archiver answered something that this version does not understand");
    print_out(&out);
    if (!differs) return DONE;
    snprintf(version, sizeof version, "%llu", (unsigned long long)at);
    add_question_word(a, "if", version);
    return do_it(call, a, config_print_version);
}

static enum outcome run_config_apply(struct call *call) {
    own(buffer) file = {0};
    enum outcome outcome = file_read_document(call->args[1], CONFIG_MAX, &file);
    if (outcome != DONE) return outcome;
    if (file.length > CONFIG_MAX)
        return complain_of_call(ANSWER_NO, "%s: more than %d bytes as JSON", call->args[1],
                                CONFIG_MAX);
    struct asking a = asking_for("config-apply");
    a.question.body = buffer_span(&file);
    if (call_flag(call, "replace")) add_question_word(&a, "replace", NULL);
    return change_config(call, &a);
}

// "-": a line of stdin, so that a secret is in no list of processes.
static bool read_value(const char *given, buffer_t *out) {
    if (strcmp(given, "-") != 0) {
        buffer_text(out, given);
        return true;
    }
    if (!file_read("-", 1000, out)) return false;
    while (out->length &&
           (out->data[out->length - 1] == '\n' || out->data[out->length - 1] == '\r'))
        out->length--;
    return true;
}

static enum outcome run_config_set(struct call *call) {
    own(buffer) value = {0};
    struct asking a = asking_for("config-set");
    if (!read_value(call->args[2], &value))
        return complain_of_call(WRONG_USE, "stdin: %s", strerror(errno));
    if (!add_question_word(&a, "path", call->args[1]) ||
        !add_question_word(&a, "value", buffer_string(&value)))
        return complain_of_call(WRONG_USE,
                                "a path or value of more than 1000 bytes; use config apply");
    return change_config(call, &a);
}

static enum outcome run_config_rollback(struct call *call) {
    struct asking a = asking_for("config-rollback");
    add_question_word(&a, "to", call->args[1]);
    return change_config(call, &a);
}

static enum outcome run_config_history(struct call *call) {
    struct asking a = asking_for("config-history");
    if (call_flag(call, "count")) add_question_word(&a, "count", call_flag(call, "count"));
    return say_answer(call, &a, config_print_history);
}

static enum outcome run_config_show(struct call *call) {
    struct asking a = asking_for("config-show");
    return say_answer(call, &a, config_print_lines);
}

static enum outcome run_config_get(struct call *call) {
    struct asking a = asking_for("config-get");
    if (!add_question_word(&a, "path", call->args[1]))
        return complain_of_call(WRONG_USE, "a path of more than 1000 bytes");
    return say_answer(call, &a, config_print_value);
}

static enum outcome run_config_export(struct call *call) {
    struct asking a = asking_for("config-show");
    add_question_word(&a, "export", NULL);
    return say_answer(call, &a, call_flag(call, "yaml") ? yaml_print : config_print_lines);
}

enum outcome run_config(struct call *call) {
    static const struct {
        const char *name, *arguments;
        unsigned n;
        enum outcome (*run)(struct call *call);
    } parts[] = {
        {"show", "", 0, run_config_show},
        {"get", " PATH", 1, run_config_get},
        {"set", " PATH VALUE", 2, run_config_set},
        {"apply", " FILE", 1, run_config_apply},
        {"export", "", 0, run_config_export},
        {"history", "", 0, run_config_history},
        {"rollback", " VERSION", 1, run_config_rollback},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(call->args[0], parts[i].name) != 0) continue;
        if (call->n_args == parts[i].n + 1) return parts[i].run(call);
        return complain_of_call(WRONG_USE, "usage: tradecast config %s%s", parts[i].name,
                                parts[i].arguments);
    }
    return complain_of_call(WRONG_USE,
                            "config show, get, set, apply, export, history or rollback; not \"%s\"",
                            call->args[0]);
}
