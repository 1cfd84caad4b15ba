// tail - what happens now, from the services' event sockets: looked at, nothing depends on it.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/operator/entry.h"
#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/bus/port.h"
#include "common/delivery/topology.h"

#define QUEUE 10000

struct tail {
    const struct call *call;
    struct filter filter;
    unsigned long count, seen; // count 0: without end
    uint64_t until;            // monotonic ns; 0: without end
    port_t *ports[INSTANCES_MAX];
    struct waiter waiters[INSTANCES_MAX];
    size_t n;
    arena_t *arena;
    buffer_t out;
};

static void print_tail_event(struct tail *t, const struct parcel *parcel) {
    struct envelope e;
    arena_reset(t->arena);
    if (envelope_read(parcel->topic, parcel->frame, &e)) return;
    // there only because somebody records
    if (strcmp(parcel->topic, FEED_TRACE) == 0 && !call_flag(t->call, "topic")) return;
    const ProtobufCMessage *m = envelope_open(&e, t->arena);
    if (!m || !filter_takes(&t->filter, m)) return;
    t->seen++;
    if (t->call->json)
        entry_json(parcel->topic, &e, m, clock_utc_ns(), &t->out);
    else
        entry_line(parcel->topic, &e, m, clock_utc_ns(), &t->out);
}

static bool is_tail_over(const struct tail *t) {
    return (t->count && t->seen >= t->count) || (t->until && clock_mono_ns() >= t->until);
}

static bool connect_all(struct tail *t, const char *topic) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_instances(t->call->place.shards, all);
    for (size_t i = 0; i < n; i++) {
        struct endpoint at = endpoint_of(t->call->place.run, all[i].name, "events");
        port_t *port = port_connect(PORT_SUB, &at, QUEUE);
        if (!port) return false;
        port_subscribe(port, topic ? topic : "");
        t->ports[t->n] = port;
        t->waiters[t->n++] = (struct waiter){.port = port};
    }
    return true;
}

static void listen_to_services(struct tail *t) {
    while (!is_tail_over(t)) {
        uint64_t now = clock_mono_ns();
        int64_t wait_ms = t->until ? (int64_t)((t->until - now) / NS_PER_MS) + 1 : 1000;
        ports_wait(t->waiters, t->n, wait_ms);
        for (size_t i = 0; i < t->n; i++) {
            struct parcel parcel;
            while (!is_tail_over(t) && port_receive(t->ports[i], &parcel))
                print_tail_event(t, &parcel);
        }
        print_out(&t->out);
        say_refused();
        if (ferror(stdout)) return; // whoever read it has gone
    }
}

enum outcome run_tail(struct call *call) {
    unsigned long seconds;
    struct tail t = {
        .call = call,
        .filter = {call_flag(call, "type"), call_flag(call, "account"), call_flag(call, "symbol")}};
    if (!call_number(call, "count", 0, &t.count) || !call_number(call, "for", 0, &seconds))
        return WRONG_USE;
    if (t.filter.type && !message_type(t.filter.type))
        return complain_of_call(WRONG_USE, "there is no message type %s (as in proto/)",
                                t.filter.type);
    if (seconds) t.until = clock_mono_ns() + seconds * NS_PER_S;
    t.arena = arena_new(0);
    enum outcome outcome =
        connect_all(&t, call_flag(call, "topic"))
            ? DONE
            : complain_of_call(NO_REACH, "cannot listen to the services: %s", port_why());
    if (outcome == DONE) listen_to_services(&t);
    for (size_t i = 0; i < t.n; i++) port_destroy(&t.ports[i]);
    arena_destroy(&t.arena);
    buffer_destroy(&t.out);
    return outcome == DONE && t.count && t.seen < t.count ? ANSWER_NO : outcome;
}
