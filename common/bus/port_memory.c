// port_memory - a transport without sockets, for a service that is run again.
// SPDX-License-Identifier: MIT
#include "common/bus/port_memory.h"

#include <stdlib.h>

#include "common/base/alloc.h"

struct memory_port {
    struct port base;
    const struct parcel *given; // what is still to be received
    size_t n_given;
};

static port_t *open_port(const struct transport *transport) {
    struct memory_port *self = alloc_zeroed(1, sizeof *self);
    self->base.transport = transport;
    return &self->base;
}

static port_t *bind_memory_port(const struct transport *self, enum port_kind kind,
                                const struct endpoint *at, int queue) {
    (void)kind, (void)at, (void)queue;
    return open_port(self);
}

static port_t *connect_memory_port(const struct transport *self, enum port_kind kind,
                                   const struct endpoint *at, int queue, const char *identity) {
    (void)kind, (void)at, (void)queue, (void)identity;
    return open_port(self);
}

static void destroy_memory_port(port_t *port) { free(port); }

static void subscribe_memory_port(port_t *port, const char *topic_prefix) {
    (void)port, (void)topic_prefix;
}

static bool send_memory_message(port_t *port, const char *topic, struct span frame) {
    (void)port, (void)topic, (void)frame;
    return true;
}

static bool send_memory_message_to(port_t *port, struct span peer, const char *topic,
                                   struct span frame) {
    struct memory_transport *t = (struct memory_transport *)port->transport;
    (void)peer, (void)topic, (void)frame;
    if (!t->n_refused || *t->refused != t->sent++) return true;
    t->refused++;
    t->n_refused--;
    return false;
}

static bool receive_memory_message(port_t *port, struct parcel *out) {
    struct memory_port *self = (struct memory_port *)port;
    if (!self->n_given) return false;
    *out = *self->given++;
    self->n_given--;
    return true;
}

static bool receive_memory_listener(port_t *port, struct listener *out) {
    (void)port, (void)out;
    return false;
}

void memory_transport_init(struct memory_transport *self) {
    *self = (struct memory_transport){.transport = {
                                          .bind = bind_memory_port,
                                          .connect = connect_memory_port,
                                          .destroy = destroy_memory_port,
                                          .subscribe = subscribe_memory_port,
                                          .send = send_memory_message,
                                          .send_to = send_memory_message_to,
                                          .receive = receive_memory_message,
                                          .receive_listener = receive_memory_listener,
                                      }};
}

void memory_transport_refuse(struct memory_transport *self, const uint32_t *which, size_t n) {
    self->refused = which;
    self->n_refused = n;
    self->sent = 0;
}

void memory_port_give(port_t *port, const struct parcel *parcels, size_t n) {
    struct memory_port *self = (struct memory_port *)port;
    self->given = parcels;
    self->n_given = n;
}
