// port - where messages come and go, whatever carries them: ZeroMQ between processes, memory for a
// service that is run again.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/bus/endpoint.h"

typedef struct port port_t;

enum port_kind {
    PORT_PULL, // a service's inbox
    PORT_PUSH,
    PORT_PUB, // a service's events; its owner must ask port_listener now and then
    PORT_SUB,
    PORT_ROUTER, // the executor's side of gateways; a control socket
    PORT_DEALER,
};

// What carries messages, as a table of what can be done with a port of its kind.
struct transport;
// sockets, with bounded queues (port_zmq.c); memory: port_memory.h
extern const struct transport transport_zmq;

// NULL when the endpoint cannot be had: port_why says why. On tcp both ends show keys (keys.h), and
// without keys only ipc goes, and loopback where that is said (TRADECAST_LOOPBACK_OPEN). `queue` is
// the high-water mark; 0: 1000.
port_t *transport_bind(const struct transport *t, enum port_kind kind, const struct endpoint *at,
                       int queue);
port_t *transport_connect(const struct transport *t, enum port_kind kind, const struct endpoint *at,
                          int queue);
// The same with ZeroMQ, for programs that know no other.
port_t *port_bind(enum port_kind kind, const struct endpoint *at, int queue);
port_t *port_connect(enum port_kind kind, const struct endpoint *at, int queue);
// DEALER with a name
port_t *port_connect_as(enum port_kind kind, const struct endpoint *at, int queue,
                        const char *identity);
const char *port_why(void); // of this thread's last one that could not be had
void port_destroy(port_t **self);
bool port_subscribe(port_t *self, const char *topic_prefix); // SUB

// A message is a topic frame and a body frame. Never blocks: false when it could not be queued
// (full, peer gone).
bool port_send(port_t *self, const char *topic, struct span frame);
bool port_send_to(port_t *self, struct span peer, const char *topic, struct span frame); // ROUTER

// One message as received; valid until the next receive on this port.
struct parcel {
    struct span peer; // ROUTER: who sent it, by his own word
    const char *user; // whose key he showed ("gateway.paper-1", "router"); NULL: none was asked for
    const char *topic;
    struct span frame;
};
// false: nothing there. Wrong frame counts and sizes (over 1 MiB) are dropped
bool port_receive(port_t *self, struct parcel *out);

// PUB: somebody began to listen to what begins with `prefix`, or the last one who did is gone.
// False: nothing new.
struct listener {
    bool came;
    char prefix[64];
};
bool port_listener(port_t *self, struct listener *out);

// Whoever wants to know of every message that is received, and whether each that was sent to a peer
// has left.
struct witness {
    void (*received)(void *arg, const struct parcel *parcel);
    void (*sent)(void *arg, bool left);
    void *arg;
};
void port_witness(port_t *self, const struct witness *witness); // it must outlive the port

// Waits for ports and file descriptors, at most WAITERS_MAX.
#define WAITERS_MAX 128
struct waiter {
    port_t *port; // or NULL and
    int fd;
    bool ready;
};
// how many are ready; 0: timeout or a signal
int ports_wait(struct waiter *waiters, size_t n, int64_t timeout_ms);
