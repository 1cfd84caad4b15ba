// loop - wait, take what is there, handle, commit once, then report and answer.
// SPDX-License-Identifier: MIT
#include "gateways/link/loop.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/delivery/envelope.h"
#include "common/program/notify.h"
#include "common/program/stop.h"

#define WAIT_MS      20  // the link's timers need no more
#define RETRY_MS     200 // between attempts of a commit that the disk refuses
#define CONTROLS_MAX 16  // requests in one batch
#define PEER_TEXT    64

struct asked { // a control request, answered after the commit
    uint8_t peer[PEER_TEXT];
    size_t peer_length;
    bool ok;
    buffer_t answer;
};

struct loop {
    const struct gateway *gateway;
    const struct gateway_settings *settings;
    gateway_context_t *context;
    link_t *link;
    port_t *control;
    struct asked asked[CONTROLS_MAX];
    size_t n_asked;
    buffer_t frame;
};

// --- start and end ---

static bool log_no_start(const char *what, const char *why) {
    log_event(LOG_LEVEL_ERROR, "no_start", "what=%s why=%s", log_quote(what), log_quote(why));
    return false;
}

static bool start_gateway(struct loop *l) {
    char why[200] = "";
    const struct gateway_settings *s = l->settings;
    l->context = gateway_open(l->gateway, s, clock_utc_ns(), why);
    if (!l->context) return log_no_start(s->books, why);
    l->control = port_bind(PORT_ROUTER, &s->control_at, 0);
    if (!l->control) return log_no_start(s->control_at.address, port_why());
    if (l->gateway->connect && !l->gateway->connect(l->context->broker, why))
        return log_no_start("broker", why);
    l->link = link_new(s, &l->context->link, books_reports, l->context->books);
    return l->link || log_no_start(s->executor_at.address, port_why());
}

static void end_gateway(struct loop *l) {
    link_destroy(&l->link);
    port_destroy(&l->control);
    gateway_close(&l->context);
    for (size_t i = 0; i < CONTROLS_MAX; i++) buffer_destroy(&l->asked[i].answer);
    buffer_destroy(&l->frame);
}

// --- what is there ---

static void handle_orders(struct loop *l) {
    const ProtobufCMessage *m;
    for (int64_t i = 0; i < l->settings->batch_max; i++) {
        m = link_receive(l->link, l->context->arena);
        if (!m) return;
        gateway_handle(l->context, m);
    }
}

static void handle_control(struct loop *l) {
    struct parcel parcel;
    struct envelope e;
    while (l->n_asked < CONTROLS_MAX && port_receive(l->control, &parcel)) {
        if (parcel.peer.length > PEER_TEXT) continue;
        if (envelope_read(parcel.topic, parcel.frame, &e) != ERR_OK) continue;
        const ProtobufCMessage *m = envelope_open(&e, l->context->arena);
        if (!m || m->descriptor != &control_request__descriptor) continue;
        struct asked *a = &l->asked[l->n_asked++];
        memcpy(a->peer, parcel.peer.data, parcel.peer.length);
        a->peer_length = parcel.peer.length;
        buffer_clear(&a->answer);
        a->ok = gateway_control(l->context, (const ControlRequest *)m, &a->answer);
    }
}

// --- after the commit ---

static void answer_control(struct loop *l) {
    for (size_t i = 0; i < l->n_asked; i++) {
        struct asked *a = &l->asked[i];
        ControlAnswer m = CONTROL_ANSWER__INIT;
        char *text = (char *)(uintptr_t)buffer_string(&a->answer);
        m.ok = a->ok;
        if (a->ok)
            m.json = text;
        else
            m.error = text;
        buffer_clear(&l->frame);
        envelope_write(&l->frame, "control", ENTRY_ID_NONE, ENTRY_ID_NONE, &m.base);
        struct span peer = {a->peer, a->peer_length}, frame = {l->frame.data, l->frame.length};
        (void)port_send_to(l->control, peer, "control", frame);
    }
    l->n_asked = 0;
}

static void send_all(struct loop *l) {
    const gateway_context_t *c = l->context;
    for (const struct gateway_report *r = c->reports; r; r = r->next)
        link_report(l->link, r->number, r->report);
    for (const struct gateway_answer *a = c->answers; a; a = a->next)
        (void)link_send(l->link, a->message);
    if (c->cut_ms) link_drop(l->link, clock_mono_ns(), c->cut_ms);
    answer_control(l);
}

// Nothing is sent and nothing taken until the books hold what was done.
static bool commit_batch(struct loop *l) {
    bool refused = false;
    while (gateway_commit(l->context) != ERR_OK) {
        refused = true;
        if (stop_asked) return false;
        (void)ports_wait(NULL, 0, RETRY_MS);
    }
    if (refused) log_event(LOG_LEVEL_INFO, "books_written", "after=refusal");
    return true;
}

// --- turns ---

static int64_t wait_ms(const struct loop *l) {
    uint64_t now = clock_utc_ns(), due = l->context->due;
    if (due <= now) return 0;
    uint64_t ms = (due - now) / NS_PER_MS + 1;
    return ms < WAIT_MS ? (int64_t)ms : WAIT_MS;
}

static void wait_for_work(const struct loop *l) {
    struct waiter waiters[WAITERS_MAX] = {{.port = l->control, .fd = -1}};
    size_t n = 1;
    if (link_port(l->link)) waiters[n++] = (struct waiter){.port = link_port(l->link), .fd = -1};
    if (l->gateway->waits) n += l->gateway->waits(l->context->broker, waiters + n, WAITERS_MAX - n);
    (void)ports_wait(waiters, n, wait_ms(l));
}

static void present_gateway(const struct loop *l) {
    const gateway_context_t *c = l->context;
    link_accounts(l->link, c->accounts, c->n_accounts);
    link_declare(l->link, &c->can);
    link_degraded(l->link, c->degraded);
    link_tick(l->link, clock_mono_ns());
}

static bool take_turn(struct loop *l) {
    present_gateway(l);
    wait_for_work(l);
    gateway_begin(l->context, clock_utc_ns());
    if (l->gateway->receive)
        l->gateway->receive(l->context->broker, (size_t)l->settings->batch_max);
    handle_orders(l);
    handle_control(l);
    gateway_tick(l->context);
    if (!commit_batch(l)) return false;
    send_all(l);
    notify_alive(clock_mono_ns());
    return true;
}

int loop_run(const struct gateway *gateway, const struct gateway_settings *settings) {
    struct loop *l = alloc_zeroed(1, sizeof *l);
    l->gateway = gateway;
    l->settings = settings;
    bool right = start_gateway(l);
    if (right) notify_ready();
    while (right && !stop_asked && take_turn(l)) continue;
    notify_stopping();
    end_gateway(l);
    free(l);
    return right ? 0 : 1;
}
