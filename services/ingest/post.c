// post - a posted signal on its way to an answer: who it is, and what the door adds to it.
// SPDX-License-Identifier: MIT
#include "services/ingest/post.h"

#include <string.h>

#include "common/base/clock.h"
#include "services/ingest/rules/rules.h"
#include "services/ingest/slice.h"

static bool find_posted_guard(const void *guard, struct digest key, uint64_t *value) {
    return guard_find(guard, key, value);
}

// The time of an identity, and the windows that apply to it.
static void time_identity(struct post *p, struct arrival *a) {
    struct windows windows;
    a->now = identity_time_now(&p->self->time, batch_now(p->batch), batch_mono(p->batch));
    if (a->signal_id) return;
    if (sources_windows(p->self->sources, p->request->source, batch_mono(p->batch), &windows)) {
        slice_windows(p->batch, a->source, &windows);
        p->self->wrote = true;
    }
    a->window_ns = windows.s[0] * NS_PER_S;
    for (size_t i = 1; i < WINDOWS_MAX; i++) a->old_ns[i - 1] = windows.s[i] * NS_PER_S;
}

// With the first identity of each second that is made of it.
static void store_time(struct post *p) {
    struct identity_time *t = &p->self->time;
    if (!p->identity.derived || t->at < t->stored + IDENTITY_TIME_STEP) return;
    slice_identity_time(p->batch, t->at);
    t->stored = t->at;
}

void post_identify(struct post *p) {
    const char *source = p->request->source->config_id, *id = p->reading->signal.signal_id;
    struct span body = p->request->body;
    void *scratch = arena_take(batch_arena(p->batch), strlen(source) + 1 + body.length);
    p->content = content_digest(source, body.data, body.length, scratch);
    struct arrival arrival = {
        .source = source,
        .signal_id = p->reading->sent_as[SF_signal_id] && id_is_valid(id) ? id : NULL,
        .plain = p->request->source->plain_ids,
        .content = p->content,
        .losses = &p->self->losses,
    };
    time_identity(p, &arrival);
    identity_of(&arrival, find_posted_guard, p->self->guard, &p->identity);
}

// An own id that the signal_id does not show is kept with what else was sent.
static void keep_own_id(struct post *p) {
    Signal *signal = &p->reading->signal;
    const char *own = signal->signal_id, *extra = signal->extra;
    if (p->identity.derived || strstr(p->identity.id, own)) return;
    signal->extra = arena_format(batch_arena(p->batch), "{\"signal_id\":\"%s\"%s%s", own,
                                 extra ? "," : "}", extra ? extra + 1 : "");
}

void post_stamp(struct post *p) {
    Signal *signal = &p->reading->signal;
    uint64_t now = batch_now(p->batch);
    keep_own_id(p);
    signal->signal_id = p->identity.id;
    signal->source = p->request->source->config_id;
    signal->status = SIGNAL__STATUS__pending;
    signal->created_at = now - now % NS_PER_US; // as Redis and SQLite keep it
    signal->content = content_number(p->content);
    if (!signal->strategy) signal->strategy = p->request->source->default_strategy;
    // so that other cells know it again, at whatever door it came
    if (p->self->context->cells && p->identity.derived) {
        signal->has_content_digest = true;
        signal->content_digest = (ProtobufCBinaryData){sizeof p->content.bytes, p->content.bytes};
    }
    signal->has_part_only = signal->part_only = votes_are_all(p->self->votes, signal->source);
    approval_stamp(p->request->source, signal, now);
    store_time(p);
}
