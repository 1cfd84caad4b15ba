// loop - wait, take what is there, handle, commit once, then report and answer.
// SPDX-License-Identifier: MIT
#include "gateways/paper/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/envelope.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/port.h"
#include "gateways/paper/books.h"
#include "gateways/paper/paper.h"
#include "proto/topics.h"

#define WAIT_MS      20  // the link's timers need no more
#define RETRY_MS     200 // between attempts of a commit that the disk refuses
#define CONTROLS_MAX 16  // requests in one batch
#define PEER_TEXT    64

volatile int loop_stop_asked;

struct asked { // a control request, answered after the commit
    uint8_t peer[PEER_TEXT];
    size_t peer_length;
    bool ok;
    buffer_t answer;
};

struct loop {
    const struct paper_settings *settings;
    paper_t *paper;
    link_t *link;
    port_t *prices, *control;
    struct asked asked[CONTROLS_MAX];
    size_t n_asked;
    buffer_t frame;
};

static struct link_settings link_settings_of(const struct paper_settings *s) {
    return (struct link_settings){
        .executor = s->executor_at,
        .run_dir = s->executor && *s->executor ? NULL : s->run_dir,
        .shard = (unsigned)s->shard,
        .shards = (unsigned)s->shards,
        .instance_id = s->instance_id,
        .broker_id = s->broker_id,
        .kind = "paper",
        .duplicate_check = settings_duplicate_check(s),
        .can_query = s->can_query,
        .duplicate_window_s = settings_duplicate_check(s) == HELLO__DUPLICATE_CHECK__window ? (uint32_t)(s->duplicate_window / 1000) : 0,
        .longest_acceptance_ms = (uint32_t)s->longest_acceptance,
        .keeps_plans = true,
        .heartbeat_ms = s->heartbeat,
        .silent_ms = s->silent,
        .resend_ms = s->resend,
    };
}

static bool complain(const char *what, const char *why) {
    log_event(LOG_LEVEL_ERROR, "no_start", "what=%s why=%s", log_quote(what), log_quote(why));
    return false;
}

static bool start(struct loop *l) {
    char why[200] = "";
    const struct paper_settings *s = l->settings;
    l->paper = paper_new(s, clock_utc_ns(), why);
    if (!l->paper) return complain(s->books, why);
    l->control = port_bind(PORT_ROUTER, &s->control_at, 0);
    if (!l->control) return complain(s->control_at.address, port_why());
    l->prices = port_connect(PORT_SUB, &s->prices_at, 0);
    if (!l->prices || !port_subscribe(l->prices, FEED_PRICES)) return complain(s->prices_at.address, port_why());
    struct link_settings link = link_settings_of(s);
    l->link = link_new(&link, &l->paper->link, books_reports, l->paper);
    if (!l->link) return complain(s->executor_at.address, port_why());
    return true;
}

static void finish(struct loop *l) {
    link_destroy(&l->link);
    port_destroy(&l->prices);
    port_destroy(&l->control);
    paper_destroy(&l->paper);
    for (size_t i = 0; i < CONTROLS_MAX; i++) buffer_destroy(&l->asked[i].answer);
    buffer_destroy(&l->frame);
}

// --- taking ---

static void take_prices(struct loop *l) {
    struct parcel parcel;
    struct envelope e;
    for (int64_t i = 0; i < l->settings->batch_max && port_receive(l->prices, &parcel); i++) {
        if (envelope_read(parcel.topic, parcel.frame, &e) != ERR_OK) continue;
        const ProtobufCMessage *m = envelope_open(&e, l->paper->arena);
        if (m && m->descriptor == &price__descriptor) paper_price(l->paper, (const Price *)m);
    }
}

static void take_orders(struct loop *l) {
    const ProtobufCMessage *m;
    for (int64_t i = 0; i < l->settings->batch_max && (m = link_receive(l->link, l->paper->arena)); i++) paper_take(l->paper, m);
}

static void take_control(struct loop *l) {
    struct parcel parcel;
    struct envelope e;
    while (l->n_asked < CONTROLS_MAX && port_receive(l->control, &parcel)) {
        if (parcel.peer.length > PEER_TEXT || envelope_read(parcel.topic, parcel.frame, &e) != ERR_OK) continue;
        const ProtobufCMessage *m = envelope_open(&e, l->paper->arena);
        if (!m || m->descriptor != &control_request__descriptor) continue;
        struct asked *a = &l->asked[l->n_asked++];
        memcpy(a->peer, parcel.peer.data, parcel.peer.length);
        a->peer_length = parcel.peer.length;
        buffer_clear(&a->answer);
        a->ok = paper_control(l->paper, (const ControlRequest *)m, &a->answer);
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
        (void)port_send_to(l->control, (struct span){a->peer, a->peer_length}, "control", (struct span){l->frame.data, l->frame.length});
    }
    l->n_asked = 0;
}

static void send_all(struct loop *l) {
    paper_t *p = l->paper;
    for (const struct told *t = p->told; t; t = t->next) link_report(l->link, t->number, t->report);
    for (const struct answer *a = p->answers; a; a = a->next) (void)link_send(l->link, a->message);
    if (p->cut_ms) link_drop(l->link, clock_mono_ns(), p->cut_ms);
    answer_control(l);
}

// Nothing is sent and nothing taken until the books hold what was done.
static bool commit(struct loop *l) {
    bool refused = false;
    while (paper_commit(l->paper) != ERR_OK) {
        refused = true;
        if (loop_stop_asked) return false;
        (void)ports_wait(NULL, 0, RETRY_MS);
    }
    if (refused) log_event(LOG_LEVEL_INFO, "books_written", "after=refusal");
    return true;
}

static void wait_for_work(struct loop *l) {
    struct waiter waiters[3] = {{.port = l->control, .fd = -1}, {.port = l->prices, .fd = -1}, {.port = link_port(l->link), .fd = -1}};
    (void)ports_wait(waiters, link_port(l->link) ? 3 : 2, paper_wait_ms(l->paper, WAIT_MS));
}

int loop_run(const struct paper_settings *settings) {
    struct loop *l = alloc_zeroed(1, sizeof *l);
    l->settings = settings;
    bool right = start(l);
    if (right) notify_ready();
    while (right && !loop_stop_asked) {
        link_accounts(l->link, l->paper->account_ids, l->paper->n_accounts);
        link_tick(l->link, clock_mono_ns());
        wait_for_work(l);
        paper_begin(l->paper, clock_utc_ns());
        take_prices(l);
        take_orders(l);
        take_control(l);
        paper_time(l->paper);
        if (!commit(l)) break;
        send_all(l);
        notify_alive(clock_mono_ns());
    }
    notify_stopping();
    finish(l);
    free(l);
    return right ? 0 : 1;
}
