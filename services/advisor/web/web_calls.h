// web_calls - requests over HTTP and HTTPS by libcurl, inside the service's own loop: nothing waits
// for them, each has a bound in time and size, certificates are always checked.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/base/buffer.h"

#define WEB_CALLS_MOST 16 // at once

struct web_call {
    const char *url;            // http or https; a redirect is an answer like any other
    const char *const *headers; // "Name: value", NULL at the end
    struct span body;           // copied
    long within_ms;             // all in all
    size_t answer_max;          // bytes; an answer that is longer counts as none
    const char *ca_file;        // NULL: the system's
};

struct web_result {
    unsigned status;  // 0: there was no whole answer
    const char *why;  // with status 0
    struct span body; // as far as it came; valid during the call
};

typedef struct web_calls web_calls_t;
web_calls_t *web_calls_new(void);
void web_calls_destroy(web_calls_t **self); // calls under way are given up, and nobody is told
int web_calls_fd(const web_calls_t *self);  // readable whenever web_calls_run has work: poll it
// POSTs. `tag` comes back with the result. False: WEB_CALLS_MOST are under way.
bool web_calls_post(web_calls_t *self, const struct web_call *call, void *tag);
typedef void web_done_fn(void *arg, void *tag, const struct web_result *result);
void web_calls_run(web_calls_t *self, web_done_fn *done, void *arg); // never blocks
