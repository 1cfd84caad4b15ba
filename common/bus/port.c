// port - where messages come and go: each call goes to the port's transport, and a witness hears of
// it.
// SPDX-License-Identifier: MIT
#include "common/bus/transport.h"

port_t *transport_bind(const struct transport *t, enum port_kind kind, const struct endpoint *at,
                       int queue) {
    return t->bind(t, kind, at, queue);
}

port_t *transport_connect(const struct transport *t, enum port_kind kind, const struct endpoint *at,
                          int queue) {
    return t->connect(t, kind, at, queue, NULL);
}

port_t *port_bind(enum port_kind kind, const struct endpoint *at, int queue) {
    return transport_bind(&transport_zmq, kind, at, queue);
}

port_t *port_connect(enum port_kind kind, const struct endpoint *at, int queue) {
    return transport_connect(&transport_zmq, kind, at, queue);
}

port_t *port_connect_as(enum port_kind kind, const struct endpoint *at, int queue,
                        const char *identity) {
    return transport_zmq.connect(&transport_zmq, kind, at, queue, identity);
}

void port_destroy(port_t **self) {
    if (*self) (*self)->transport->destroy(*self);
    *self = NULL;
}

bool port_subscribe(port_t *self, const char *topic_prefix) {
    self->transport->subscribe(self, topic_prefix);
    return true;
}

bool port_send(port_t *self, const char *topic, struct span frame) {
    return self->transport->send(self, topic, frame);
}

bool port_send_to(port_t *self, struct span peer, const char *topic, struct span frame) {
    bool left = self->transport->send_to(self, peer, topic, frame);
    if (self->witness) self->witness->sent(self->witness->arg, left);
    return left;
}

bool port_receive(port_t *self, struct parcel *out) {
    if (!self->transport->receive(self, out)) return false;
    if (self->witness) self->witness->received(self->witness->arg, out);
    return true;
}

bool port_listener(port_t *self, struct listener *out) {
    return self->transport->receive_listener(self, out);
}

void port_witness(port_t *self, const struct witness *witness) { self->witness = witness; }
