// wire - the socket of the gateways: what they say, and what goes to them once it is committed.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/testing.h"
#include "common/delivery/envelope.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"

#define T(name)   TRADE_STATE__STATE__##name
#define TAKE_MOST 512 // frames in one turn

// --- in

static void on_hello(struct executor *self, batch_t *batch, struct session *s,
                     const ProtobufCMessage *m) {
    presence_greet(self, batch, s, (const Hello *)m);
}
static void on_beat(struct executor *self, batch_t *batch, struct session *s,
                    const ProtobufCMessage *m) {
    presence_beat(self, batch, s, (const GatewayHeartbeat *)m);
}
static void on_report(struct executor *self, batch_t *batch, struct session *s,
                      const ProtobufCMessage *m) {
    reports_handle(self, batch, s, (const Report *)m);
}
static void on_status(struct executor *self, batch_t *batch, struct session *s,
                      const ProtobufCMessage *m) {
    reports_status(self, batch, s, (const OrderStatus *)m);
}
static void on_snapshot(struct executor *self, batch_t *batch, struct session *s,
                        const ProtobufCMessage *m) {
    state_snapshot(self, batch, s, (const AccountSnapshot *)m);
}

static const struct {
    const ProtobufCMessageDescriptor *type;
    void (*take)(struct executor *self, batch_t *batch, struct session *s,
                 const ProtobufCMessage *m);
    bool anytime; // before it is welcome, too
} words[] = {
    {&report__descriptor, on_report, false},
    {&hello__descriptor, on_hello, true},
    {&gateway_heartbeat__descriptor, on_beat, false},
    {&order_status__descriptor, on_status, false},
    {&account_snapshot__descriptor, on_snapshot, false},
};

static void handle_gateway_message(struct executor *self, batch_t *batch, struct session *s,
                                   const ProtobufCMessage *m) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].type != m->descriptor) continue;
        if (!s->welcomed && !words[i].anytime) return presence_nudge(self, batch, s);
        s->seen_at = batch_mono(batch);
        if (s->gone) self->awake_behind = true;
        s->gone = false;
        if (words[i].type != &hello__descriptor) presence_resume(self, batch, s);
        return words[i].take(self, batch, s, m);
    }
}

static void alert_strange(batch_t *batch, const char *name, const char *what) {
    batch_alert(batch, ALERT__SEVERITY__warning, "strange_frame", name, "%s", what);
}

// A broker's clock and books are not ours to believe: what could not be recorded, or has not
// happened yet, is replaced and reported.
static void take_in_range(batch_t *batch, const char *name, ProtobufCMessage *m) {
    const char *field = record_tame(m, batch_now(batch));
    if (!field) return;
    batch_alert(
        batch, ALERT__SEVERITY__warning, "impossible_value", name,
        "%s of a %s is impossible (a time far ahead, or out of range): it is recorded as now, "
        "or as the nearest value",
        field, m->descriptor->short_name);
}

void wire_take(struct executor *self, batch_t *batch, struct span peer, struct span frame) {
    char name[68];
    struct envelope e;
    if (peer.length > 64)
        return alert_strange(batch, "gateway", "a name of more than 64 characters");
    (void)snprintf(name, sizeof name, "%.*s", (int)peer.length, (const char *)peer.data);
    if (envelope_read(GATEWAY_TOPIC, frame, &e))
        return alert_strange(batch, name,
                             "a frame is damaged; the gateway sends again what counts");
    ProtobufCMessage *m = envelope_open(&e, batch_arena(batch));
    if (!m) return alert_strange(batch, name, "a frame cannot be decoded (another version?)");
    struct session *s = sessions_find(self->sessions, name);
    if (!s && !book_instance(self->context->book, name))
        return alert_strange(batch, name, "a gateway that is not configured");
    if (!s) s = sessions_get(self->sessions, name);
    take_in_range(batch, name, m);
    again_keep(self, s, m, frame);
    handle_gateway_message(self, batch, s, m);
}

void wire_done(struct executor *self, batch_t *batch) {
    for (struct session *s = sessions_first(self->sessions); s; s = s->next) {
        if (s->report_moved) slice_reports(batch, s->instance_id, s->books, s->report);
        s->report_moved = false;
    }
    orders_wake(self, batch);
}

// A gateway's key is good for its own name only. Where no keys are asked for, run_dir's rights are
// what keeps strangers out.
static bool is_whom_he_says(const struct parcel *p) {
    static const char kind[] = "gateway.";
    size_t length = sizeof kind - 1;
    if (!p->user) return true;
    return strncmp(p->user, kind, length) == 0 && strlen(p->user + length) == p->peer.length &&
           memcmp(p->user + length, p->peer.data, p->peer.length) == 0;
}

err_t wire_ready(void *arg, batch_t *batch) {
    struct executor *self = arg;
    struct parcel p;
    engine_begin(self, batch);
    for (unsigned n = 0; n < TAKE_MOST && port_receive(self->gateways, &p); n++) {
        if (strcmp(p.topic, GATEWAY_TOPIC) != 0) continue;
        if (is_whom_he_says(&p))
            wire_take(self, batch, p.peer, p.frame);
        else
            batch_alert(
                batch, ALERT__SEVERITY__critical, "impostor", p.user,
                "this peer speaks as instance %.*s, which is not its own: its frames are dropped",
                (int)p.peer.length, (const char *)p.peer.data);
    }
    wire_done(self, batch);
    return ERR_OK;
}

// --- after the commit

// What did not leave is looked at in the next tick, in the order in which it came; also if it has
// come into doubt meanwhile.
static void record_send_outcome(struct executor *self, struct trade *t, bool out) {
    if (!t) return;
    (void)sending_step(&t->sending, out ? SENDING_LEAVE : SENDING_HOLD_BACK);
    if (t->s->state != T(submitting)) return;
    due_set(self->due, &t->due,
            out ? self->context->committed_mono + self->patience.answer_within : t->sequence);
}

// A commit that took long may have made an order too old, or what its gateway would refuse
// forgotten: it is decided again. That it has not been sent is certain.
static bool in_time(const struct executor *self, const struct trade *t) {
    if (!t || t->s->state != T(submitting)) return false; // it is over already
    return doubt_may_leave(t->decided_at, self->context->committed_mono) &&
           (!t->s->has_valid_until || self->context->committed_at < t->s->valid_until) &&
           !orders_refused(self, t); // halted by what came after it in the same batch
}

static void deliver_letter(void *arg, const struct letter *letter) {
    struct executor *self = arg;
    if (!letter->trade_id[0]) {
        (void)self->send(self->send_arg, letter->to, letter->frame);
        return;
    }
    struct trade *t = trades_find(self->trades, letter->trade_id);
    if (letter->to->gone || !in_time(self, t)) return record_send_outcome(self, t, false);
    FAILPOINT("executor.after_commit_before_send");
    bool out = self->send(self->send_arg, letter->to, letter->frame);
    FAILPOINT("executor.after_send");
    letter->to->gone = !out; // a message that is refused has not left (port.h): its gateway is not
                             // connected, or takes nothing more
    record_send_outcome(self, t, out);
}

static void acknowledge_reports(struct executor *self, struct session *s) {
    if (!s->welcomed || s->acknowledged == s->report) return;
    s->acknowledged = s->report;
    ReportAck m = REPORT_ACK__INIT;
    m.epoch = self->context->epoch;
    m.report = s->report;
    outbox_put(self->outbox, s, &m.base);
}

void wire_committed(struct executor *self) {
    for (struct session *s = sessions_first(self->sessions); s; s = s->next)
        acknowledge_reports(self, s);
    outbox_empty(self->outbox, deliver_letter, self);
}
