// subscriptions - hears heartbeats and events on the services' event sockets. What it hears changes memory
// only; tick judges and writes.
// SPDX-License-Identifier: MIT
#include <assert.h>
#include <string.h>

#include "cells.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/delivery/envelope.h"
#include "monitor.h"
#include "price.pb-c.h"

#define QUEUE       1000
#define PARCELS_MAX 512 // of one socket in one round

// What is heard of every service; "" would be everything, orders included, which routings tell as
// well.
static const char *const always[] = {FEED_HEARTBEAT, "incidents.", "executions.",
                                     "commands",     FEED_PRICES,  NULL};
static const char *const also[] = {"signals", "routings", "outcomes", NULL};

// Of an account that is not configured nobody knows the currency. What an execution is charged
// counts also when it realises nothing.
static void hear_result(struct monitor *self, const Execution *execution) {
    const TradeResult *result = execution->result;
    const AccountConfig *account = book_account(self->context->book, execution->trade->account_id);
    self->overview.moved_at = clock_mono_ns();
    if (!result || !account || result->state == TRADE_RESULT__STATE__failed) return;
    struct performance *day = monitor_day(self, account->currency);
    if (!day) return;
    wide_t net = (wide_t)(result->has_pnl ? result->pnl : 0) -
                 (result->has_commission ? result->commission : 0) -
                 (result->has_fees ? result->fees : 0);
    performance_add(day, D(decimal_nearest(net)), result->has_pnl, clock_utc_ns());
}

// One that is said again, because somebody has begun to listen, is as old as it was.
static void hear_price(struct monitor *self, const Price *price) {
    const uint64_t now = clock_utc_ns(), mono = clock_mono_ns();
    const uint64_t age = now > price->timestamp ? now - price->timestamp : 0;
    watch_price(&self->watch, price->symbol, age < mono ? mono - age : 1);
}

static void hear_message(struct monitor *self, const ProtobufCMessage *m) {
    if (m->descriptor == &heartbeat__descriptor) {
        watch_heartbeat(&self->watch, (const Heartbeat *)m, clock_mono_ns());
        return;
    }
    if (m->descriptor == &sync_state__descriptor) {
        watch_copy(&self->watch, (const SyncState *)m, clock_mono_ns());
        return;
    }
    if (m->descriptor == &price__descriptor) {
        hear_price(self, (const Price *)m);
        return;
    }
    if (m->descriptor == &execution__descriptor) {
        hear_result(self, (const Execution *)m);
        monitoring_note(self->monitoring, ((const Execution *)m)->trade->symbol);
    }
    watch_event(&self->watch, m);
}

void monitor_hear(struct monitor *self, const char *topic, struct span frame) {
    struct envelope envelope;
    if (envelope_read(topic, frame, &envelope) || !watch_is_new(&self->watch, topic, envelope.id))
        return;
    arena_reset(self->arena);
    const ProtobufCMessage *m = envelope_open(&envelope, self->arena);
    if (m) hear_message(self, m);
}

// Whether or not there is a batch: nothing that is heard needs one.
static err_t hear_feed(void *arg, batch_t *batch) {
    struct monitor *self = arg;
    struct parcel parcel;
    (void)batch;
    for (size_t i = 0; i < self->n_event_ports; i++) {
        for (int n = 0; n < PARCELS_MAX && port_receive(self->event_ports[i], &parcel); n++)
            monitor_hear(self, parcel.topic, parcel.frame);
    }
    return ERR_OK;
}

static void subscribe_topics(port_t *port, const char *const topics[]) {
    for (; *topics; topics++) port_subscribe(port, *topics);
}

static port_t *connect_event_port(struct monitor *self, reactor_t *reactor, const char *name) {
    struct endpoint at = endpoint_of(self->context->run_dir, name, "events");
    port_t *port = transport_connect(self->context->transport, PORT_SUB, &at, QUEUE);
    if (!port) {
        log_event(LOG_LEVEL_ERROR, "cannot_connect", "endpoint=%s why=%s", at.address,
                  log_quote(port_why()));
        return NULL;
    }
    self->event_ports[self->n_event_ports++] = port;
    reactor_add_port(reactor, port, hear_feed, INTAKE_DOOR);
    return port;
}

#define SYNC_NAME(name) name,
static const char *const syncs[] = {SYNCS(SYNC_NAME)};
#undef SYNC_NAME
#define N_SYNCS (sizeof syncs / sizeof *syncs)
static_assert(EVENT_PORTS_MAX >= INSTANCES_MAX + N_SYNCS);

err_t monitor_listen(struct monitor *self, reactor_t *reactor) {
    for (size_t i = 0; i < self->watch.n_services; i++) {
        port_t *port = connect_event_port(self, reactor, self->watch.services[i].name);
        if (!port) return ERR_SYSTEM;
        subscribe_topics(port, always);
        if (self->settings->events) subscribe_topics(port, also);
    }
    for (size_t i = 0; i < N_SYNCS; i++) {
        port_t *port = connect_event_port(self, reactor, syncs[i]);
        if (!port) return ERR_SYSTEM;
        port_subscribe(port, FEED_SYNC);
    }
    return ERR_OK;
}

// --- other cells

static void hear_of_cell(struct monitor *self, const struct parcel *parcel) {
    struct envelope envelope;
    if (envelope_read(parcel->topic, parcel->frame, &envelope)) return;
    arena_reset(self->arena);
    const ProtobufCMessage *m = envelope_open(&envelope, self->arena);
    if (!m || m->descriptor != &heartbeat__descriptor) return;
    const CellState *state = ((const Heartbeat *)m)->cell;
    if (state) cells_hear(&self->watch, state, clock_mono_ns());
}

static err_t hear_cells(void *arg, batch_t *batch) {
    struct monitor *self = arg;
    struct parcel parcel;
    (void)batch;
    for (size_t i = 0; i < self->n_cell_ports; i++) {
        for (int n = 0; n < PARCELS_MAX && port_receive(self->cell_ports[i], &parcel); n++)
            hear_of_cell(self, &parcel);
    }
    return ERR_OK;
}

// A cell whose place is not known is shown as silent: the relay, which cannot do without, says what
// is missing.
err_t monitor_listen_to_cells(struct monitor *self, reactor_t *reactor) {
    for (size_t i = 0; cell_at(i); i++) {
        struct endpoint at = endpoint_of_cell(cell_at(i), "monitor", "events");
        cells_expect(&self->watch, cell_at(i));
        port_t *port =
            *at.address ? transport_connect(self->context->transport, PORT_SUB, &at, QUEUE) : NULL;
        if (!port) {
            log_event(LOG_LEVEL_WARNING, "cannot_hear_cell", "cell=%s why=%s", cell_at(i),
                      log_quote(*at.address ? port_why() : "no setting says where it is"));
            continue;
        }
        self->cell_ports[self->n_cell_ports++] = port;
        port_subscribe(port, FEED_HEARTBEAT);
        reactor_add_port(reactor, port, hear_cells, INTAKE_DOOR);
    }
    return ERR_OK;
}
