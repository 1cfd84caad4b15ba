// port_zmq - the transport of services that run: ZeroMQ sockets with bounded queues, sends that
// never block, and frames that are checked.
// SPDX-License-Identifier: MIT
#include "common/bus/transport.h"

#include <czmq.h>
#include <errno.h>
#include <netdb.h>
#include <sys/stat.h>
#include <threads.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/bus/keyed_socket.h"

#define QUEUE_DEFAULT 1000
#define FRAME_MAX     (1 << 20)
#define TOPIC_MAX     192
#define PEER_MAX      255

// Over a network. A host that died or is cut off says nothing, and a socket that only receives
// would wait for it for ever; one that sends, or dials, as long as the kernel tries again, later
// each time. So whoever is silent is given up, and dialled again soon. By TCP's means: libzmq 4.3.4
// with heartbeats of its own aborts (!_io_error) when a connection is reset whose queue is full.
#define PROBE_S   1
#define SILENT_MS 4000

#define FOREIGN_MOST 5 // looks, one a second
#define DIAL_MS      3000

// A socket that is a file: whoever clears the directory takes the door away, and nobody hears of
// it.
struct bound {
    char path[ENDPOINT_TEXT]; // empty: it is none
    dev_t device;
    ino_t file;
    uint64_t looked_at;
    unsigned foreign; // looks in turn that found another one's there
};

struct zmq_port {
    struct port base;
    zsock_t *sock;
    void *handle; // libzmq's own
    enum port_kind kind;
    zmq_msg_t body;
    char topic[TOPIC_MAX + 1];
    uint8_t peer[PEER_MAX];
    struct keyed *keyed; // NULL: goes without keys
    struct bound bound;
};

static int zmq_kind(enum port_kind kind) {
    switch (kind) {
    case PORT_PULL:
        return ZMQ_PULL;
    case PORT_PUSH:
        return ZMQ_PUSH;
    case PORT_PUB:
        return ZMQ_XPUB; // a PUB that says who listens
    case PORT_SUB:
        return ZMQ_SUB;
    case PORT_ROUTER:
        return ZMQ_ROUTER;
    case PORT_DEALER:
        return ZMQ_DEALER;
    }
    return -1;
}

// Linger 0: nothing depends on what is still queued, the journal has it.
static void set_limits(struct zmq_port *self, int queue) {
    int limit = queue ? queue : QUEUE_DEFAULT;
    zsock_set_sndhwm(self->sock, limit);
    zsock_set_rcvhwm(self->sock, limit);
    zsock_set_linger(self->sock, 0);
    zsock_set_maxmsgsize(self->sock, FRAME_MAX);
    zsock_set_reconnect_ivl(self->sock, 50);
    zsock_set_reconnect_ivl_max(self->sock, 1000);
    if (self->kind == PORT_PUB) zsock_set_xpub_verbose(self->sock, 1);
    if (self->kind == PORT_ROUTER) {
        zsock_set_router_mandatory(self->sock, 1);
        // a gateway that comes back takes its name with it
        zsock_set_router_handover(self->sock, 1);
    }
}

static struct zmq_port *new_port(const struct transport *transport, enum port_kind kind,
                                 int queue) {
    zsys_handler_set(NULL); // signals are the program's own business
    struct zmq_port *self = alloc_zeroed(1, sizeof *self);
    self->base.transport = transport;
    self->kind = kind;
    self->sock = zsock_new(zmq_kind(kind));
    if (!self->sock) {
        free(self);
        return NULL;
    }
    self->handle = zsock_resolve(self->sock);
    zmq_msg_init(&self->body);
    set_limits(self, queue);
    return self;
}
static void watch_the_other_end(struct zmq_port *self) {
    zsock_set_tcp_keepalive(self->sock, 1);
    zsock_set_tcp_keepalive_idle(self->sock, PROBE_S);
    zsock_set_tcp_keepalive_intvl(self->sock, PROBE_S);
    zsock_set_tcp_keepalive_cnt(self->sock, SILENT_MS / 1000 / PROBE_S);
    zsock_set_tcp_maxrt(self->sock, SILENT_MS);
    zsock_set_connect_timeout(self->sock, DIAL_MS);
    zsock_set_handshake_ivl(self->sock, SILENT_MS);
}

static struct zmq_port *zmq_port_of(port_t *port) { return (struct zmq_port *)port; }

static void destroy_zmq_port(port_t *port) {
    struct zmq_port *self = zmq_port_of(port);
    if (self->sock) zmq_msg_close(&self->body);
    keys_close(&self->keyed);
    zsock_destroy(&self->sock);
    free(self);
}

static thread_local char why[KEYS_WHY];
const char *port_why(void) { return why; }

// --- its file

static void remember_file(struct zmq_port *self, const char *address) {
    struct stat s;
    if (strncmp(address, "ipc://", 6) != 0 || stat(address + 6, &s) != 0) return;
    (void)snprintf(self->bound.path, sizeof self->bound.path, "%s", address + 6);
    self->bound.device = s.st_dev;
    self->bound.file = s.st_ino;
}

// Another's may be that of the process that is taking this one's place: it has the time to say so.
static bool is_away(struct bound *b) {
    struct stat s;
    if (stat(b->path, &s) != 0) return errno == ENOENT;
    bool own = s.st_dev == b->device && s.st_ino == b->file;
    b->foreign = own ? 0 : b->foreign + 1;
    return b->foreign > FOREIGN_MOST;
}

// Bound once more, beside the listener that nobody can reach any more: taking that away would take
// the new file away, too, since libzmq does it later and by name.
static void mend_file(struct zmq_port *self) {
    struct bound *b = &self->bound;
    char address[ENDPOINT_TEXT + 8];
    if (!*b->path) return;
    uint64_t now = clock_mono_ns();
    if (now - b->looked_at < NS_PER_S) return;
    b->looked_at = now;
    if (!is_away(b)) return;
    (void)snprintf(address, sizeof address, "ipc://%s", b->path);
    bool done = zmq_bind(self->handle, address) == 0;
    log_event(LOG_LEVEL_WARNING, done ? "socket_bound_again" : "socket_gone", "path=%s why=%s",
              log_quote(b->path), done ? "its file was gone" : zmq_strerror(errno));
    b->foreign = 0;
    if (done) remember_file(self, address);
}

static void mend_zmq_port(struct zmq_port *self) {
    if (self->keyed) keys_mend(self->keyed);
    mend_file(self);
}

// --- where it is

// libzmq binds to numbers only. A name that means nothing here is left to it.
static void resolve_bind_address(const char *address, char out[static ENDPOINT_TEXT]) {
    const char *host = address + 6, *port = strrchr(address, ':');
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    char name[ENDPOINT_TEXT], number[64];
    (void)snprintf(out, ENDPOINT_TEXT, "%s", address);
    if (!endpoint_is_tcp(address) || port < host || *host == '[' || *host == '*') return;
    (void)snprintf(name, sizeof name, "%.*s", (int)(port - host), host);
    if (getaddrinfo(name, NULL, &hints, &found) != 0) return;
    if (getnameinfo(found->ai_addr, found->ai_addrlen, number, sizeof number, NULL, 0,
                    NI_NUMERICHOST) == 0)
        (void)snprintf(out, ENDPOINT_TEXT, "tcp://%s%.16s", number, port);
    freeaddrinfo(found);
}

// A name that Debian gives a host itself is 127.0.1.1 there, and its address everywhere else:
// others would wait for it in vain.
static bool is_bind_reachable(const struct endpoint *at, const char *numeric) {
    if (endpoint_is_local(at->address) || !endpoint_is_local(numeric)) return true;
    (void)snprintf(why, sizeof why,
                   "%.100s is %.60s on this host, where no other host comes: give the address "
                   "itself, or correct /etc/hosts",
                   at->address, numeric);
    return false;
}

// What a network may do to a connection, and who may be at its other end.
static bool on_network(struct zmq_port *self, const struct endpoint *at, bool bind) {
    if (!endpoint_is_tcp(at->address)) return keys_allow(at, bind, why);
    zsock_set_ipv6(self->sock, strchr(at->address, '[') != NULL);
    watch_the_other_end(self);
    return keys_open(self->sock, at, bind, &self->keyed, why);
}

static port_t *opened_or_refused(struct zmq_port *self, bool right) {
    if (self && right) return &self->base;
    if (!*why) (void)snprintf(why, sizeof why, "%s", zmq_strerror(errno));
    if (self) destroy_zmq_port(&self->base);
    return NULL;
}

static port_t *bind_zmq_port(const struct transport *transport, enum port_kind kind,
                             const struct endpoint *at, int queue) {
    char numeric[ENDPOINT_TEXT];
    struct zmq_port *self = new_port(transport, kind, queue);
    *why = 0;
    resolve_bind_address(at->address, numeric);
    bool right = self && is_bind_reachable(at, numeric) && on_network(self, at, true) &&
                 zmq_bind(self->handle, numeric) == 0;
    if (right) remember_file(self, numeric);
    return opened_or_refused(self, right);
}

static port_t *connect_zmq_port(const struct transport *transport, enum port_kind kind,
                                const struct endpoint *at, int queue, const char *identity) {
    struct zmq_port *self = new_port(transport, kind, queue);
    *why = 0;
    if (self && identity) zsock_set_identity(self->sock, identity);
    return opened_or_refused(self, self && on_network(self, at, false) &&
                                       zmq_connect(self->handle, at->address) == 0);
}

// --- messages

static void subscribe_zmq_port(port_t *port, const char *topic_prefix) {
    zsock_set_subscribe(zmq_port_of(port)->sock, topic_prefix);
}

static bool send_frame(struct zmq_port *self, const void *data, size_t length,
                       int has_more_frames) {
    return zmq_send(self->handle, data, length, ZMQ_DONTWAIT | has_more_frames) >= 0;
}

static bool send_zmq_message(port_t *port, const char *topic, struct span frame) {
    struct zmq_port *self = zmq_port_of(port);
    mend_zmq_port(self);
    return send_frame(self, topic, strlen(topic), ZMQ_SNDMORE) &&
           send_frame(self, frame.data, frame.length, 0);
}

static bool send_zmq_message_to(port_t *port, struct span peer, const char *topic,
                                struct span frame) {
    return send_frame(zmq_port_of(port), peer.data, peer.length, ZMQ_SNDMORE) &&
           send_zmq_message(port, topic, frame);
}

static bool has_more_frames(struct zmq_port *self) { return zmq_msg_more(&self->body) == 1; }

// Takes the next frame if it is there and, but for a message's first one, belongs to the same
// message.
static bool receive_frame(struct zmq_port *self, bool first) {
    if (!first && !has_more_frames(self)) return false;
    return zmq_msg_recv(&self->body, self->handle, ZMQ_DONTWAIT) >= 0;
}

static bool take_small(struct zmq_port *self, bool first, void *into, size_t most, size_t *length) {
    if (!receive_frame(self, first)) return false;
    *length = zmq_msg_size(&self->body);
    if (*length > most) return false;
    memcpy(into, zmq_msg_data(&self->body), *length);
    return true;
}

static bool take_message(struct zmq_port *self, struct parcel *out) {
    size_t topic_length, peer_length = 0;
    bool routed = self->kind == PORT_ROUTER;
    if (routed && !take_small(self, true, self->peer, PEER_MAX, &peer_length)) return false;
    if (!take_small(self, !routed, self->topic, TOPIC_MAX, &topic_length) ||
        !receive_frame(self, false) || has_more_frames(self))
        return false;
    self->topic[topic_length] = 0;
    out->peer = (struct span){self->peer, peer_length};
    out->topic = self->topic;
    out->user = self->keyed ? zmq_msg_gets(&self->body, "User-Id") : NULL;
    out->frame = (struct span){zmq_msg_data(&self->body), zmq_msg_size(&self->body)};
    return true;
}

static bool is_there(struct zmq_port *self) {
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(self->handle, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN);
}

static bool receive_zmq_message(port_t *port, struct parcel *out) {
    struct zmq_port *self = zmq_port_of(port);
    while (is_there(self)) {
        if (take_message(self, out)) return true;
        while (has_more_frames(self)) { // the rest of a message that has the wrong shape
            if (zmq_msg_recv(&self->body, self->handle, ZMQ_DONTWAIT) < 0) break;
        }
    }
    return false;
}

static bool receive_zmq_listener(port_t *port, struct listener *out) {
    struct zmq_port *self = zmq_port_of(port);
    char said[sizeof out->prefix];
    if (!is_there(self)) return false;
    int n = zmq_recv(self->handle, said, sizeof said, ZMQ_DONTWAIT);
    if (n < 1) return false;
    // a longer one is cut: it is none of ours
    size_t length = (size_t)n < sizeof said ? (size_t)n : sizeof said;
    *out = (struct listener){.came = said[0] == 1};
    memcpy(out->prefix, said + 1, length - 1);
    return true;
}

const struct transport transport_zmq = {
    .bind = bind_zmq_port,
    .connect = connect_zmq_port,
    .destroy = destroy_zmq_port,
    .subscribe = subscribe_zmq_port,
    .send = send_zmq_message,
    .send_to = send_zmq_message_to,
    .receive = receive_zmq_message,
    .receive_listener = receive_zmq_listener,
};

static zmq_pollitem_t poll_item(const struct waiter *w) {
    if (w->port) mend_zmq_port(zmq_port_of(w->port));
    return (zmq_pollitem_t){w->port ? zmq_port_of(w->port)->handle : NULL, w->port ? 0 : w->fd,
                            ZMQ_POLLIN, 0};
}

// A port of another transport is left out: nothing comes to it by itself.
int ports_wait(struct waiter *waiters, size_t n, int64_t timeout_ms) {
    zmq_pollitem_t items[WAITERS_MAX];
    size_t of[WAITERS_MAX], n_items = 0;
    if (n > WAITERS_MAX) abort();
    for (size_t i = 0; i < n; i++) {
        waiters[i].ready = false;
        if (waiters[i].port && waiters[i].port->transport != &transport_zmq) continue;
        of[n_items] = i;
        items[n_items++] = poll_item(&waiters[i]);
    }
    int ready = zmq_poll(items, (int)n_items, timeout_ms);
    for (size_t i = 0; i < n_items && ready > 0; i++) waiters[of[i]].ready = items[i].revents != 0;
    return ready < 0 ? 0 : ready;
}
