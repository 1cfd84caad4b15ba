// port_memory - a transport without sockets, for a service that is run again: its ports receive
// what they are given, and what is sent to them is gone.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/bus/transport.h"

// One for each service that is run again. It must outlive its ports.
struct memory_transport {
    struct transport transport;
    const uint32_t *refused; // of what is sent to peers, counted from 0: these do not leave
    size_t n_refused;
    uint32_t sent;
};
void memory_transport_init(struct memory_transport *self);

// From now on, counting from 0: which messages to peers do not leave, ascending. Valid until the
// next call.
void memory_transport_refuse(struct memory_transport *self, const uint32_t *which, size_t n);

// What there is to receive on a port of this transport; valid until it was received.
void memory_port_give(port_t *port, const struct parcel *parcels, size_t n);
