// courier - takes approved decisions to the door of signals.
// SPDX-License-Identifier: MIT
#include "services/advisor/courier.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/base/testing.h"
#include "common/schema/json_tree.h"
#include "services/advisor/decision/signal_body.h"
#include "system.pb-c.h"

#define WITHIN_MS   10000L
#define ANSWER_MOST ((size_t)64 * 1024)
#define PAUSE_FIRST (200 * NS_PER_MS)
#define PAUSE_MOST  (10 * NS_PER_S)
#define TOLD_AFTER  4 // attempts

// --- answers

static void settle_accepted(courier_t *self, struct held_decision *held, yajl_val answer) {
    const char *signal_id = json_tree_text(answer, "signal_id");
    if (signal_id)
        decisions_settle(self->decisions, self->batch, held, DECISION_ACCEPTED, signal_id);
}

static void settle_rejected(courier_t *self, struct held_decision *held, unsigned status,
                            yajl_val answer) {
    const char *message = json_tree_text(json_tree_member(answer, "error"), "message");
    char text[300];
    snprintf(text, sizeof text, "the door of signals: %u %.250s", status, message ? message : "");
    decisions_settle(self->decisions, self->batch, held, DECISION_REJECTED, text);
}

static bool is_refusal(unsigned status) {
    return status == 400 || status == 409 || status == 413 || status == 422;
}

// Anything else may mean that it was taken, or that it can be later: it is sent again.
static void put_off(courier_t *self, struct held_decision *held, const struct web_result *result) {
    uint64_t pause = PAUSE_FIRST << (held->attempts < 8 ? held->attempts : 8);
    held->due_at = clock_mono_ns() + (pause < PAUSE_MOST ? pause : PAUSE_MOST);
    if (++held->attempts < TOLD_AFTER) return;
    batch_alert(self->batch, ALERT__SEVERITY__warning, "decision_undelivered", held->id,
                "the door of signals has not taken it: %s (status %u)",
                result->why ? result->why : "it said no", result->status);
}

static void take_courier_answer(void *arg, void *tag, const struct web_result *result) {
    courier_t *self = arg;
    struct held_decision *held = tag;
    char why[JSON_WHY];
    FAILPOINT("advisor.after_post");
    held->under_way = false;
    yajl_val answer = result->status ? json_tree_parse(result->body, why) : NULL;
    if (result->status == 200 && answer)
        settle_accepted(self, held, answer);
    else if (is_refusal(result->status))
        settle_rejected(self, held, result->status, answer);
    yajl_tree_free(answer);
    if (held->row->state == LLM_DECISION__STATE__submitting) put_off(self, held, result);
}

void courier_run(courier_t *self, batch_t *batch) {
    self->batch = batch;
    web_calls_run(self->calls, take_courier_answer, self);
    self->batch = NULL;
}

void courier_open(courier_t *self) { self->calls = web_calls_new(); }
void courier_close(courier_t *self) { web_calls_destroy(&self->calls); }

// --- sending

static bool post_decision(courier_t *self, struct held_decision *held) {
    own(buffer) body = {0}, url = {0};
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    signal_body_write(held->row, &body);
    buffer_format(&url, "%s/webhook/%s/%s", self->url, self->source, self->token);
    const struct web_call call = {.url = buffer_string(&url),
                                  .headers = headers,
                                  .body = {body.data, body.length},
                                  .within_ms = WITHIN_MS,
                                  .answer_max = ANSWER_MOST};
    FAILPOINT("advisor.before_post");
    bool sent = web_calls_post(self->calls, &call, held);
    explicit_bzero(url.data, url.capacity);
    return sent;
}

void courier_send_due(courier_t *self, uint64_t mono_ns) {
    for (struct held_decision *h = self->decisions->all; h && self->token; h = h->hh.next) {
        if (h->row->state != LLM_DECISION__STATE__submitting || !h->committed || h->under_way ||
            h->due_at > mono_ns)
            continue;
        h->under_way = post_decision(self, h);
        if (!h->under_way) return; // as many as may be are under way
    }
}
