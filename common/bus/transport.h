// transport - the inside of port.h: what a transport is, and what every port has. For transports
// only.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/bus/port.h"

struct transport {
    port_t *(*bind)(const struct transport *self, enum port_kind kind, const struct endpoint *at,
                    int queue);
    port_t *(*connect)(const struct transport *self, enum port_kind kind, const struct endpoint *at,
                       int queue,
                       const char *identity); // NULL: it has none
    void (*destroy)(port_t *port);
    void (*subscribe)(port_t *port, const char *topic_prefix);
    bool (*send)(port_t *port, const char *topic, struct span frame);
    bool (*send_to)(port_t *port, struct span peer, const char *topic, struct span frame);
    bool (*receive)(port_t *port, struct parcel *out);
    bool (*receive_listener)(port_t *port, struct listener *out);
};

// What a transport's own port begins with.
struct port {
    const struct transport *transport;
    const struct witness *witness; // NULL: nobody wants to know
};
