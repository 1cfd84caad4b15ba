// control - the control socket: requests are taken into the batch and answered after its commit.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/redis/store_transaction.h"
#include "common/schema/record.h"
#include "common/service/loop.h"

static void send_control_answer(struct loop *l, struct span peer, bool ok, const char *text) {
    ControlAnswer answer = CONTROL_ANSWER__INIT;
    answer.ok = ok;
    if (ok)
        answer.json = (char *)text;
    else
        answer.error = (char *)text;
    buffer_t frame = {0};
    envelope_write(&frame, "control", ENTRY_ID_NONE, ENTRY_ID_NONE, &answer.base);
    port_send_to(l->sockets.control, peer, "control", buffer_span(&frame));
    buffer_destroy(&frame);
}

static void keep_answer(struct loop *l, struct span peer, bool ok, const char *text) {
    if (l->answers.n == ANSWERS_MAX || peer.length > sizeof l->answers.waiting[0].peer) return;
    struct waiting_answer *w = &l->answers.waiting[l->answers.n++];
    memcpy(w->peer, peer.data, peer.length);
    w->peer_length = peer.length;
    w->ok = ok;
    w->text = alloc_text(text);
}

void control_answer(struct loop *l) {
    for (size_t i = 0; i < l->answers.n; i++) {
        struct waiting_answer *w = &l->answers.waiting[i];
        send_control_answer(l, (struct span){w->peer, w->peer_length}, w->ok,
                            w->text ? w->text : "");
        free(w->text);
    }
    l->answers.n = 0;
}

void control_turn_away(struct loop *l, const char *why) {
    char text[260];
    snprintf(text, sizeof text, "%s cannot commit at the moment: %s; try again when Redis is back",
             l->me.name, why);
    for (size_t i = 0; i < l->answers.n; i++) {
        free(l->answers.waiting[i].text);
        l->answers.waiting[i].text = alloc_text(text);
        l->answers.waiting[i].ok = false;
    }
    control_answer(l);
}

// --- the verbs of every service

static bool answer_status(struct loop *l, buffer_t *answer) {
    Heartbeat beat;
    arena_t *arena = arena_new(16384);
    heartbeat_fill(l, &beat, arena);
    record_to_json(&beat.base, answer);
    arena_destroy(&arena);
    return true;
}

// "orders.0" -> TOPIC_orders
static bool topic_of(struct loop *l, const char *name, enum topic *out) {
    for (size_t i = 0; i < l->inputs.n; i++) {
        if (strcmp(l->inputs.slots[i].stream.name, name) != 0) continue;
        *out = l->inputs.slots[i].stream.topic;
        return true;
    }
    return false;
}

static bool redrive_letter_body(struct loop *l, const char *id, const DeadLetter *dead,
                                buffer_t *answer) {
    enum topic topic;
    const char *reason = "";
    if (strcmp(dead->topic, UNREADABLE_TOPIC) == 0) {
        buffer_format(answer,
                      "dead letter %s is a record and no message: mend or remove %s, start %s "
                      "again, then drop the letter",
                      id, dead->id, l->me.name);
        return false;
    }
    struct envelope e = {.body = {dead->body.data, dead->body.len}};
    snprintf(e.type, sizeof e.type, "%s", dead->type);
    if (!topic_of(l, dead->topic, &topic) || intake_handle(l, topic, &e, &reason)) {
        buffer_format(answer, "dead letter %s failed again: %s", id,
                      *reason ? reason : "its topic is not read here");
        return false;
    }
    batch_unbury(l->batch, id);
    l->counts.redriven++;
    buffer_format(answer, "{\"redriven\":\"%s\"}", id);
    return true;
}

struct letter {
    DeadLetter *dead;
};

static err_t take_letter(void *arg, const struct journal_entry *entry) {
    ((struct letter *)arg)->dead =
        dead_letter__unpack(NULL, entry->envelope.length, entry->envelope.data);
    return ERR_OK;
}

static bool redrive_dead_letter(struct loop *l, const char *id, buffer_t *answer) {
    struct entry_id at;
    struct letter letter = {0};
    size_t count = 0;
    if (entry_id_parse(id, strlen(id), &at) || !at.sequence) {
        buffer_format(
            answer, "%s is not a dead letter's id (as `tradecast deadletter list` prints it)", id);
        return false;
    }
    at.sequence--;
    char key[80];
    snprintf(key, sizeof key, "deadletter:%s", l->me.name);
    err_t e = store_stream(ledger_store(l->redis.ledger), key, at, 1, take_letter, &letter, &count);
    bool done = false;
    if (e || !letter.dead)
        buffer_format(answer, "there is no dead letter %s in %s", id, key);
    else
        done = redrive_letter_body(l, id, letter.dead, answer);
    if (letter.dead) dead_letter__free_unpacked(letter.dead, NULL);
    return done;
}

static bool drop_unreadable_letter(struct loop *l, const char *id, buffer_t *answer) {
    if (unreadables_drop(l->redis.unreadable, l->batch, id)) {
        l->counts.redriven++;
        buffer_format(answer, "{\"dropped\":\"%s\"}", id);
        return true;
    }
    buffer_format(answer, "%s is no dead letter of a record; a message is redriven", id);
    return false;
}

static bool changes_letters(const ControlRequest *request) {
    return strncmp(request->verb, "deadletter-", 11) == 0;
}

static bool own_verb(struct loop *l, const ControlRequest *request, buffer_t *answer, bool *ok) {
    if (strcmp(request->verb, "ping") == 0) {
        buffer_format(answer, "{\"service\":\"%s\",\"stalled\":%s}", l->me.name,
                      l->progress.stalled ? "true" : "false");
        *ok = true;
    } else if (strcmp(request->verb, "status") == 0) {
        *ok = answer_status(l, answer);
    } else if (strcmp(request->verb, "deadletter-redrive") == 0 && request->n_args == 1 &&
               !loop_is_sealed(l)) {
        *ok = redrive_dead_letter(l, request->args[0], answer);
    } else if (strcmp(request->verb, "deadletter-drop") == 0 && request->n_args == 1 &&
               !loop_is_sealed(l)) {
        *ok = drop_unreadable_letter(l, request->args[0], answer);
    } else {
        return false;
    }
    return true;
}

static bool service_verb(struct loop *l, const ControlRequest *request, buffer_t *answer) {
    for (const struct control *c = l->service->controls; c && c->verb; c++) {
        if (strcmp(c->verb, request->verb) != 0) continue;
        struct batch_mark mark = batch_mark_now(l->batch);
        bool ok = c->run(l->self, l->batch, request, answer);
        if (!ok) batch_back_to(l->batch, mark);
        return ok;
    }
    buffer_format(answer, "%s has no verb %s", l->me.name, request->verb);
    return false;
}

static void take_request(struct loop *l, struct span peer, const ControlRequest *request) {
    buffer_t answer = {0};
    bool ok = false;
    if (own_verb(l, request, &answer, &ok)) {
        if (changes_letters(request) && ok)
            keep_answer(l, peer, ok, buffer_string(&answer));
        else
            send_control_answer(l, peer, ok, buffer_string(&answer));
    } else if (loop_is_sealed(l)) {
        send_control_answer(l, peer, false,
                            "nothing can be committed at the moment; try again when Redis is back");
    } else {
        ok = service_verb(l, request, &answer);
        keep_answer(l, peer, ok, buffer_string(&answer));
    }
    buffer_destroy(&answer);
}

void control_take(struct loop *l) {
    struct parcel p;
    struct envelope e;
    while (l->answers.n < ANSWERS_MAX && port_receive(l->sockets.control, &p)) {
        if (envelope_read("control", p.frame, &e) ||
            strcmp(e.type, control_request__descriptor.name) != 0)
            continue;
        ControlRequest *request = control_request__unpack(NULL, e.body.length, e.body.data);
        if (!request) continue;
        take_request(l, p.peer, request);
        control_request__free_unpacked(request, NULL);
    }
}
