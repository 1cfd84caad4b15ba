// asker - asks a model about symbols.
// SPDX-License-Identifier: MIT
#include "services/advisor/asker.h"

#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "services/advisor/advisor.h"
#include "services/advisor/model/prompt.h"
#include "services/advisor/model/question.h"
#include "services/advisor/model/reply.h"
#include "services/advisor/slice.h"

#define BYTES_A_TOKEN                                                                              \
    3 // where the endpoint does not say what it cost: rather too many than too few

void asker_open(asker_t *self) {
    self->calls = web_calls_new();
    for (size_t i = 0; i < ASKS_MOST; i++) self->asks[i].asker = self;
}

static void end_ask(struct ask *ask) {
    package_destroy(&ask->package);
    ask->used = ask->under_way = false;
}

void asker_close(asker_t *self) {
    web_calls_destroy(&self->calls);
    for (size_t i = 0; i < ASKS_MOST; i++) end_ask(&self->asks[i]);
}

// --- asking

// NULL: they are all in use, or the symbol is being asked about already.
static struct ask *free_ask(asker_t *self, const char *symbol) {
    struct ask *found = NULL;
    for (size_t i = 0; i < ASKS_MOST; i++) {
        struct ask *ask = &self->asks[i];
        if (ask->used && strcmp(ask->package.symbol, symbol) == 0) return NULL;
        if (!ask->used && !found) found = ask;
    }
    return found;
}

static bool refuse_ask(char why[static 200], const char *text) {
    snprintf(why, 200, "%s", text);
    return false;
}

static void copy_package(struct package *to, const struct package *from) {
    *to = *from;
    to->text = (buffer_t){0};
    buffer_add(&to->text, from->text.data, from->text.length);
}

bool asker_ask(asker_t *self, batch_t *batch, const char *symbol, char why[static 200]) {
    decisions_t *decisions = &self->advisor->decisions;
    const struct package *package;
    const char *limit;
    if (!self->settings.url)
        return refuse_ask(why, "no model is configured (TRADECAST_ADVISOR_MODEL_URL)");
    struct ask *ask = free_ask(self, symbol);
    if (!ask) return refuse_ask(why, "it is being asked about already, or too many others are");
    err_t e = advisor_package(self->advisor, symbol, &package);
    if (e)
        return refuse_ask(why, e == ERR_STORE ? "Redis does not answer" : "nothing is known of it");
    caps_turn(&decisions->use, batch_now(batch));
    if (!caps_count_call(&decisions->use, &decisions->settings.caps, &limit))
        return refuse_ask(why, limit);
    slice_put_use(batch, &decisions->use);
    copy_package(&ask->package, package);
    ask->used = true;
    return true;
}

// The next of the names, into `out`; false: they have all been asked about.
static bool next_symbol(asker_t *self, char out[static SYMBOL_TEXT]) {
    const char *at = self->next ? self->next : self->settings.symbols;
    at += strspn(at, " ,");
    size_t length = strcspn(at, " ,");
    self->next = *at ? at + length : NULL;
    snprintf(out, SYMBOL_TEXT, "%.*s", (int)length, at); // what is too long is no symbol
    return length > 0;
}

void asker_tick(asker_t *self, batch_t *batch) {
    const struct asker_settings *s = &self->settings;
    char symbol[SYMBOL_TEXT], why[200];
    uint64_t now = batch_mono(batch);
    if (!s->url || !s->every_ms || !s->symbols) return;
    if (!self->due_at) self->due_at = now + (uint64_t)s->every_ms * NS_PER_MS;
    if (now < self->due_at) return;
    self->due_at = now + (uint64_t)s->every_ms * NS_PER_MS;
    while (next_symbol(self, symbol)) {
        if (!asker_ask(self, batch, symbol, why))
            batch_alert(batch, ALERT__SEVERITY__warning, "model_not_asked", symbol, "%s", why);
    }
}

// --- sending

static bool post_question(asker_t *self, struct ask *ask) {
    const struct asker_settings *s = &self->settings;
    own(buffer) body = {0}, key = {0};
    const struct question_form form = {
        s->name, {ask->package.text.data, ask->package.text.length}, s->answer_tokens};
    question_write(&form, &body);
    buffer_format(&key, "Authorization: Bearer %s", s->key ? s->key : "");
    const char *headers[] = {"Content-Type: application/json", s->key ? buffer_string(&key) : NULL,
                             NULL};
    const struct web_call call = {.url = s->url,
                                  .headers = headers,
                                  .body = {body.data, body.length},
                                  .within_ms = (long)s->within_ms,
                                  .answer_max = (size_t)s->answer_max,
                                  .ca_file = s->ca_file};
    ask->bytes = body.length;
    bool sent = web_calls_post(self->calls, &call, ask);
    explicit_bzero(key.data, key.capacity);
    return sent;
}

// That it was counted is on record now.
void asker_send(asker_t *self) {
    for (size_t i = 0; i < ASKS_MOST; i++) {
        struct ask *ask = &self->asks[i];
        if (ask->used && !ask->under_way) ask->under_way = post_question(self, ask);
    }
}

// --- what comes back

// An endpoint that repeats what it was sent would have the key on record.
static void redact_key(const char *key, buffer_t *text) {
    size_t length = key ? strlen(key) : 0;
    for (size_t at = 0; length && at + length <= text->length; at++) {
        if (memcmp(text->data + at, key, length) == 0) memset(text->data + at, '*', length);
    }
}

static void count_cost(asker_t *self, const struct ask *ask, const struct web_result *result,
                       uint64_t tokens) {
    decisions_t *decisions = &self->advisor->decisions;
    if (!tokens) tokens = (ask->bytes + result->body.length) / BYTES_A_TOKEN;
    caps_count_tokens(&decisions->use, tokens);
    slice_put_use(self->batch, &decisions->use);
}

static void take_model_answer(void *arg, void *tag, const struct web_result *result) {
    asker_t *self = arg;
    struct ask *ask = tag;
    own(buffer) raw = {0};
    struct model_reply reply;
    buffer_add(&raw, result->body.data, result->body.length);
    redact_key(self->settings.key, &raw);
    reply_read(result->status, result->why, (struct span){raw.data, raw.length},
               batch_arena(self->batch), &reply);
    count_cost(self, ask, result, reply.tokens);
    const struct arrival arrival = {
        .origin = LLM_DECISION__ORIGIN__client,
        .body = reply.content ? span_of(reply.content) : (struct span){0},
        .raw = {raw.data, raw.length},
        .trouble = reply.content ? NULL : reply.why,
        .symbol = ask->package.symbol,
        .model = reply.model ? reply.model : self->settings.name,
        .prompt_version = PROMPT_VERSION,
        .package = &ask->package,
        .tokens = (uint32_t)reply.tokens,
    };
    advisor_take_answer(self->advisor, self->batch, &arrival);
    end_ask(ask);
}

void asker_run(asker_t *self, batch_t *batch) {
    self->batch = batch;
    web_calls_run(self->calls, take_model_answer, self);
    self->batch = NULL;
}
