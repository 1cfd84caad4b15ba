// http - libmicrohttpd in external-epoll mode, behind one descriptor that is readable whenever
// there is work.
// SPDX-License-Identifier: MIT
#include "common/http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/http/http_connection.h"

// default: a request must be whole so long after its first line
#define REQUEST_S   5
#define HEADERS_MAX 64 // how many
// request line, headers and what is read ahead; more is answered 431
#define CONNECTION_MEMORY (16u * 1024)
// a body over body_max is read up to here, so that its sender sees the 413
#define DRAIN_MAX      (1024u * 1024)
#define KEPT_BODY      (8u * 1024) // larger body memory is not kept for the next request
#define KEPT_EXCHANGES 256
#define STOPPING                                                                                   \
    "{\"error\":{\"code\":\"stopping\",\"message\":\"the service is stopping\",\"field\":null}}"
#define ROUNDS_MAX  64 // of MHD_run in one http_run
#define LINKS_SPARE 16 // connections beyond the most, until those ended for them have gone

// --- exchanges

static exchange_t *exchange_take(http_t *self) {
    exchange_t *x = self->free;
    if (x) {
        self->free = x->next;
        self->n_free--;
        buffer_t body = x->body;
        *x = (exchange_t){.http = self, .body = body};
        buffer_clear(&x->body);
        return x;
    }
    x = calloc(1, sizeof *x);
    if (x) x->http = self;
    return x;
}

static void exchange_give(exchange_t *x) {
    http_t *self = x->http;
    if (x->body.capacity > KEPT_BODY) buffer_destroy(&x->body);
    if (self->n_free == KEPT_EXCHANGES) {
        buffer_destroy(&x->body);
        free(x);
        return;
    }
    x->next = self->free;
    self->free = x;
    self->n_free++;
}

// Makes the descriptor readable: there is work that no socket tells of.
static void wake_server(http_t *self) {
    uint64_t one = 1;
    if (self->awake) return;
    ssize_t written = write(self->wake, &one, sizeof one);
    self->awake = written == sizeof one;
}

static void hold_exchange(exchange_t *x) {
    x->held = true;
    x->link->deadline = 0;
    x->next = x->http->held;
    x->at = &x->http->held;
    if (x->next) x->next->at = &x->next;
    x->http->held = x;
    MHD_suspend_connection(x->connection);
}

void exchange_release(exchange_t *x) {
    x->held = false;
    *x->at = x->next;
    if (x->next) x->next->at = x->at;
    MHD_resume_connection(x->connection); // takes effect in the next MHD_run
    wake_server(x->http);
}

// --- connections

// The socket is shut down; MHD then sees its end and forgets it.
static void end_link(struct link *link) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(link->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info) shutdown(info->connect_fd, SHUT_RDWR);
    link->deadline = 0;
    link->ended = true;
}

// Who only holds a place gives it to whoever comes.
static void end_the_longest_idle(http_t *self) {
    struct link *longest = NULL;
    for (struct link *link = self->links; link; link = link->next) {
        if (!link->in_request && !link->ended && (!longest || link->since < longest->since))
            longest = link;
    }
    if (longest) end_link(longest);
}

static void link_add(http_t *self, struct link *link, struct MHD_Connection *connection) {
    uint64_t now = clock_mono_ns();
    if (self->n_links >= self->links_max) end_the_longest_idle(self);
    *link = (struct link){.connection = connection,
                          .deadline = now + self->request_ns,
                          .since = now,
                          .next = self->links,
                          .at = &self->links};
    if (link->next) link->next->at = &link->next;
    self->links = link;
    self->n_links++;
}

// --- MHD's callbacks

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    http_t *self = cls;
    struct link *link = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        link = calloc(1, sizeof *link);
        *context = link;
        if (link) link_add(self, link, connection); // else its first request is refused
    } else if (link) {
        self->n_links--;
        *link->at = link->next;
        if (link->next) link->next->at = link->at;
        free(link);
        *context = NULL;
    }
}

static struct link *link_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

// MHD hands a path over decoded, as a text: what follows an encoded zero would be lost, and an
// encoded slash would part it.
static bool hides_something(const char *uri) {
    for (; *uri && *uri != '?'; uri++) {
        if (*uri != '%') continue;
        bool control = uri[1] == '0' || uri[1] == '1',
             slash = uri[1] == '2' && (uri[2] | 0x20) == 'f';
        if (control || slash) return true;
    }
    return false;
}

// The request's first line is there: from now on the deadline counts, however slowly the rest drips
// in.
static void *on_first_line(void *cls, const char *uri, struct MHD_Connection *connection) {
    http_t *self = cls;
    struct link *link = link_of(connection);
    if (!link) return NULL;
    link->deadline = clock_mono_ns() + self->request_ns;
    link->in_request = true;
    link->bad_path = hides_something(uri);
    return NULL;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code) {
    (void)cls, (void)connection, (void)code;
    exchange_t *x = *context;
    if (!x) return;
    *context = NULL;
    x->link->in_request = false;
    x->link->since = clock_mono_ns();
    exchange_give(x);
}

struct header_count {
    unsigned n, lengths, encodings;
    const char *length;
};

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                    const char *value) {
    (void)kind;
    struct header_count *c = cls;
    c->n++;
    if (!strcasecmp(name, "Content-Length")) {
        c->lengths++;
        c->length = value;
    } else if (!strcasecmp(name, "Transfer-Encoding")) {
        c->encodings++;
    }
    return MHD_YES;
}

static void peer_print(struct MHD_Connection *connection, char out[static INET6_ADDRSTRLEN]) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    const void *ip = NULL;
    if (address && address->sa_family == AF_INET)
        ip = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address && address->sa_family == AF_INET6)
        ip = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!ip || !inet_ntop(address->sa_family, ip, out, INET6_ADDRSTRLEN)) memcpy(out, "?", 2);
}

static enum MHD_Result refuse_exchange(exchange_t *x, unsigned status, const char *body) {
    x->inside = true;
    http_answer(x, status, "application/json", span_of(body), 0, NULL);
    x->inside = false;
    return MHD_YES;
}

static enum MHD_Result deliver_exchange(exchange_t *x) {
    if (x->http->stopping) return refuse_exchange(x, 503, STOPPING);
    x->inside = true;
    x->http->request(x->http->arg, x);
    x->inside = false;
    if (!x->answered) hold_exchange(x);
    return MHD_YES;
}

// The headers are there, the body is not.
static enum MHD_Result begin_exchange(exchange_t *x) {
    struct header_count c = {0};
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_header, &c);
    if (c.n > HEADERS_MAX)
        return refuse_exchange(x, 431,
                               "{\"error\":{\"code\":\"too_many_headers\",\"message\":\"at most 64 "
                               "headers\",\"field\":null}}");
    if (x->link->bad_path)
        return refuse_exchange(
            x, 400,
            "{\"error\":{\"code\":\"bad_path\",\"message\":\"the path holds an encoded slash or "
            "control character\",\"field\":null}}");
    if (c.lengths > 1 || c.encodings > 1 || (c.lengths && c.encodings))
        return refuse_exchange(x, 400,
                               "{\"error\":{\"code\":\"ambiguous_length\",\"message\":\"the body's "
                               "length is given twice\",\"field\":null}}");
    unsigned long long length = c.length ? strtoull(c.length, NULL, 10) : 0;
    x->too_large = length > x->http->body_max;
    // answered before it is read; MHD closes the connection after the answer
    if (length > DRAIN_MAX) return deliver_exchange(x);
    if (length && !x->too_large) buffer_reserve(&x->body, (size_t)length);
    return MHD_YES;
}

static enum MHD_Result append_request_body(exchange_t *x, const char *data, size_t *size) {
    x->received += *size;
    if (x->received > DRAIN_MAX) return MHD_NO; // closes the connection
    if (x->received > x->http->body_max) x->too_large = true;
    if (!x->too_large) buffer_add(&x->body, data, *size);
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context) {
    (void)version;
    http_t *self = cls;
    exchange_t *x = *context;
    if (x) {
        if (x->answered || x->held) return MHD_YES;
        return *size ? append_request_body(x, data, size) : deliver_exchange(x);
    }
    struct link *link = link_of(connection);
    x = link ? exchange_take(self) : NULL;
    if (!x) return MHD_NO;
    *context = x;
    x->connection = connection;
    x->link = link;
    x->method = method;
    x->path = url;
    peer_print(connection, x->peer);
    return begin_exchange(x);
}

// --- the server

static bool address_of(const struct http_options *options, struct sockaddr_storage *out,
                       unsigned *flags) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, options->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)options->port);
        return true;
    }
    if (inet_pton(AF_INET6, options->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)options->port);
        *flags |= MHD_USE_IPv6;
        return true;
    }
    errno = EINVAL;
    return false;
}

static bool watch_descriptor(const http_t *self, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return fd >= 0 && epoll_ctl(self->poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool wait_on(http_t *self) {
    self->inner = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    self->port = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    self->poll = epoll_create1(EPOLL_CLOEXEC);
    self->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct itimerspec each_half_second = {{0, 500000000}, {0, 500000000}};
    return self->poll >= 0 && watch_descriptor(self, self->inner) &&
           watch_descriptor(self, self->wake) && watch_descriptor(self, self->timer) &&
           timerfd_settime(self->timer, 0, &each_half_second, NULL) == 0;
}

http_t *http_new(const struct http_options *options, http_request_fn *request, void *arg) {
    struct sockaddr_storage address;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    http_t *self = address_of(options, &address, &flags) ? calloc(1, sizeof *self) : NULL;
    if (!self) return NULL;
    self->request = request;
    self->arg = arg;
    self->body_max = (size_t)options->body_max;
    self->links_max = (size_t)options->connections_max;
    self->idle_ns = (uint64_t)options->idle_s * NS_PER_S;
    self->request_ns = (uint64_t)(options->request_s ? options->request_s : REQUEST_S) * NS_PER_S;
    self->poll = self->wake = self->timer = -1;
    errno = 0;
    self->daemon = MHD_start_daemon(
        flags, (uint16_t)options->port, NULL, NULL, on_request, self, MHD_OPTION_SOCK_ADDR,
        &address, MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->connections_max + LINKS_SPARE,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)options->connections_per_ip_max,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)options->idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, self, MHD_OPTION_NOTIFY_COMPLETED, on_completed, self,
        MHD_OPTION_URI_LOG_CALLBACK, on_first_line, self, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u,
        options->listener > 0 ? MHD_OPTION_LISTEN_SOCKET : MHD_OPTION_END, options->listener,
        MHD_OPTION_END);
    if (!self->daemon || !wait_on(self)) {
        int why = errno ? errno : EADDRNOTAVAIL;
        http_destroy(&self);
        errno = why;
    }
    return self;
}

void http_destroy(http_t **handle) {
    http_t *self = *handle;
    if (!self) return;
    *handle = NULL;
    // MHD must not be stopped with suspended connections: whoever still waits, or comes meanwhile,
    // is told to come again.
    self->stopping = true;
    while (self->held) http_answer(self->held, 503, "application/json", span_of(STOPPING), 1, NULL);
    for (int i = 0; self->daemon && i < 4; i++) MHD_run(self->daemon);
    if (self->daemon) MHD_stop_daemon(self->daemon);
    if (self->poll >= 0) close(self->poll);
    if (self->wake >= 0) close(self->wake);
    if (self->timer >= 0) close(self->timer);
    while (self->free) {
        exchange_t *x = self->free;
        self->free = x->next;
        buffer_destroy(&x->body);
        free(x);
    }
    free(self);
}

int http_leave(http_t **self) {
    int listener = *self ? MHD_quiesce_daemon((*self)->daemon) : -1;
    http_destroy(self);
    return listener;
}

int http_fd(const http_t *self) { return self->poll; }

uint16_t http_port(const http_t *self) { return self->port; }

// Closes connections whose request is not whole in time.
static void end_the_slow(http_t *self) {
    uint64_t now = clock_mono_ns();
    for (struct link *link = self->links; link; link = link->next) {
        if (!link->deadline || now < link->deadline) continue;
        end_link(link);
    }
}

void http_run(http_t *self) {
    uint64_t count;
    if (read(self->timer, &count, sizeof count) == sizeof count) end_the_slow(self);
    if (self->awake) self->awake = read(self->wake, &count, sizeof count) != sizeof count;
    // What is already read (a pipelined request) makes no descriptor readable: MHD tells by a
    // timeout of 0.
    MHD_UNSIGNED_LONG_LONG timeout = 1;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        MHD_run(self->daemon);
        if (MHD_get_timeout(self->daemon, &timeout) == MHD_NO || timeout) return;
    }
    wake_server(self);
}
