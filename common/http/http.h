// http - an HTTP/1.1 server (libmicrohttpd) inside the service's own loop: no threads; a request
// can be held until its batch is committed.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"
#include "common/base/error.h"

typedef struct http http_t;
typedef struct exchange exchange_t; // one request waiting for its answer

struct http_options {
    const char *address; // numeric, "127.0.0.1"
    int64_t port;        // 0: any free one
    int listener; // a socket that listens there already (http_leave), in the place of a new one; 0:
                  // none
    int64_t body_max; // bytes; more is answered 413
    // when there are so many, a new one ends the one that has been idle for longest
    int64_t connections_max;
    int64_t connections_per_ip_max;
    int64_t idle_s; // a connection that says nothing for so long is closed
    // a request must be whole so long after its first line, and that so long after the connection;
    // 0: 5
    int64_t request_s;
};

// A whole request: called once when its body is there. It must be answered, now or later, exactly
// once (http_answer).
typedef void http_request_fn(void *arg, exchange_t *exchange);

// NULL with errno (EADDRINUSE, …)
http_t *http_new(const struct http_options *options, http_request_fn *request, void *arg);
void http_destroy(http_t **self);
// As http_destroy, but what it listened on goes on listening: a socket for the next one's
// `listener`; -1 on failure. Who comes meanwhile waits.
int http_leave(http_t **self);
// readable whenever http_run has work, timeouts and answers to send included: poll it
int http_fd(const http_t *self);
void http_run(http_t *self); // handles what is there; never blocks
uint16_t http_port(const http_t *self);

const char *exchange_method(const exchange_t *x);
// without the query, percent-decoded
const char *exchange_path(const exchange_t *x);
const char *exchange_query(const exchange_t *x, const char *name);  // NULL: absent
const char *exchange_header(const exchange_t *x, const char *name); // NULL: absent
// Every header of that name, in their order, with ", " between them, appended to `out`.
void exchange_headers(const exchange_t *x, const char *name, buffer_t *out);
struct span exchange_body(const exchange_t *x); // valid until answered
const char *exchange_peer(const exchange_t *x); // numeric address
// the body was over body_max and was not kept: answer 413
bool exchange_too_large(const exchange_t *x);

// Answers and forgets the exchange. `type` e.g. "application/json"; retry_after_s > 0 adds
// Retry-After. `extra`: one more header "Name: value" or NULL. Content is copied.
void http_answer(exchange_t *x, unsigned status, const char *type, struct span content,
                 unsigned retry_after_s, const char *extra);
