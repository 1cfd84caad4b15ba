// http_answer - what a request says, and the answer to it.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/clock.h"
#include "common/http/http_connection.h"

const char *exchange_method(const exchange_t *x) { return x->method; }

const char *exchange_path(const exchange_t *x) { return x->path; }

const char *exchange_query(const exchange_t *x, const char *name) {
    return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *exchange_header(const exchange_t *x, const char *name) {
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

struct gathering {
    const char *name;
    buffer_t *out;
    size_t n;
};

static enum MHD_Result gather_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                     const char *value) {
    struct gathering *g = arg;
    (void)kind;
    if (strcasecmp(name, g->name) != 0) return MHD_YES;
    if (g->n++) buffer_text(g->out, ", ");
    buffer_text(g->out, value ? value : "");
    return MHD_YES;
}

void exchange_headers(const exchange_t *x, const char *name, buffer_t *out) {
    struct gathering g = {name, out, 0};
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, gather_header, &g);
}

struct span exchange_body(const exchange_t *x) {
    return buffer_span(&x->body);
}

const char *exchange_peer(const exchange_t *x) { return x->peer; }

bool exchange_too_large(const exchange_t *x) { return x->too_large; }

// --- the answer

static void add_header(struct MHD_Response *response, const char *line) {
    char name[64];
    const char *colon = line ? strchr(line, ':') : NULL;
    if (!colon || (size_t)(colon - line) >= sizeof name) return;
    memcpy(name, line, (size_t)(colon - line));
    name[colon - line] = 0;
    MHD_add_response_header(response, name, colon + 1 + strspn(colon + 1, " "));
}

void http_answer(exchange_t *x, unsigned status, const char *type, struct span content,
                 unsigned retry_after_s, const char *extra) {
    struct MHD_Response *response = MHD_create_response_from_buffer(
        content.length, (void *)(uintptr_t)content.data, MHD_RESPMEM_MUST_COPY);
    x->answered = true;
    x->link->deadline = clock_mono_ns() + x->http->idle_ns + x->http->request_ns;
    if (response) {
        MHD_add_response_header(response, "Content-Type", type);
        add_header(response, extra);
        if (retry_after_s) {
            char seconds[16];
            snprintf(seconds, sizeof seconds, "%u", retry_after_s);
            MHD_add_response_header(response, "Retry-After", seconds);
        }
        MHD_queue_response(x->connection, status, response);
        MHD_destroy_response(response);
    } else {
        // no memory for an answer: the connection is closed at the next timer
        x->link->deadline = 1;
    }
    if (x->held) exchange_release(x);
}
