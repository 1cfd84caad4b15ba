// again - for a recording that begins while this process lives: what it heard from gateways and
// keeps in memory only.
// SPDX-License-Identifier: MIT
#include "services/executor/executor.h"

#define GATEWAYS_SOCKET 0 // the first that executor_open adds

static void copy_frame(buffer_t *into, struct span frame) {
    buffer_clear(into);
    buffer_add(into, frame.data, frame.length);
}

void again_keep(struct executor *self, struct session *s, const ProtobufCMessage *m,
                struct span frame) {
    struct account *a = NULL;
    if (m->descriptor == &hello__descriptor) return copy_frame(&s->greeting, frame);
    if (m->descriptor == &account_snapshot__descriptor)
        a = accounts_find(self->accounts, ((const AccountSnapshot *)m)->account_id);
    if (a && a->session == s) copy_frame(&a->snapshot, frame);
}

static void say_frame(const struct session *s, const buffer_t *frame, again_fn *say, void *arg) {
    const struct parcel p = {.peer = span_of(s->instance_id),
                             .topic = GATEWAY_TOPIC,
                             .frame = {frame->data, frame->length}};
    if (frame->length) say(arg, GATEWAYS_SOCKET, &p);
}

// In the order in which they came: the list has the last one first.
static void replay_greetings(const struct session *s, again_fn *say, void *arg) {
    if (!s) return;
    replay_greetings(s->next, say, arg);
    if (s->welcomed) say_frame(s, &s->greeting, say, arg);
}

void executor_again(void *executor, again_fn *say, void *arg) {
    struct executor *self = executor;
    replay_greetings(sessions_first(self->sessions), say, arg);
    for (struct account *a = accounts_first(self->accounts); a; a = a->next) {
        if (a->session && a->session->welcomed) say_frame(a->session, &a->snapshot, say, arg);
        a->snapshot_at = a->told_at = 0;
    }
    self->chores_at = 0;
}
