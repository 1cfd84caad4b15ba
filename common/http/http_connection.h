// http_connection - the inside of http.h: what http.c and http_answer.c share.
// SPDX-License-Identifier: MIT
#pragma once

#include <microhttpd.h>
#include <netinet/in.h>

#include "common/http/http.h"

// One connection: what its deadline is.
struct link {
    struct MHD_Connection *connection;
    uint64_t deadline; // monotonic ns; 0: none, its request is held
    uint64_t since;    // monotonic ns: when it was made, or its last request was over
    bool in_request;   // from its first line to the end of the answer
    bool ended;        // its socket is shut down; MHD will find out
    bool bad_path;     // of the request
    struct link *next, **at;
};

struct exchange {
    struct http *http;
    struct MHD_Connection *connection;
    struct link *link;
    const char *method, *path;
    buffer_t body;
    size_t received;
    bool too_large, inside, held, answered;
    char peer[INET6_ADDRSTRLEN];
    struct exchange *next, **at; // held ones, or the free list
};

struct http {
    struct MHD_Daemon *daemon;
    http_request_fn *request;
    void *arg;
    size_t body_max;
    uint64_t idle_ns, request_ns;
    int poll, wake, timer; // epoll of MHD's epoll, wake and timer
    int inner;             // MHD's epoll
    uint16_t port;
    struct link *links;
    size_t n_links, links_max;
    struct exchange *held, *free;
    unsigned n_free;
    bool awake;    // wake is readable
    bool stopping; // every request is turned away
};

void exchange_release(exchange_t *x); // answered: the connection goes on
