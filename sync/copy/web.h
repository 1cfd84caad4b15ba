// web - requests over HTTP and HTTPS by libcurl: several at once, each with a bound in time and
// size, certificates always checked.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/base/buffer.h"

#define WEB_MOST 16 // requests at once

struct web_settings {
    const char *ca_file;         // NULL: the system's
    const char *user, *password; // NULL, or Basic
    long within_ms;              // for one request, all in all
    bool (*goes_on)(void *arg);  // asked about ten times a second while it waits; false: give up
    void *arg;
};

struct web_request {
    const char *url;
    const char *const *headers; // "Name: value", NULL at the end
    struct span body;           // must live until the answer is there
};

struct web_answer {
    unsigned status; // 0: there was no whole answer, and `why` says what was
    char why[200];
    uint64_t retry_after_ms; // what the other side asks for; 0: nothing
    buffer_t body;           // at most 1 MiB; an answer that is longer counts as none
};

typedef struct web web_t;
web_t *web_new(const struct web_settings *settings);
void web_destroy(web_t **self);
// POSTs n <= WEB_MOST requests at once and waits for all of them. A redirect is an answer like any
// other: it is not followed, for what is sent (a token) is for nobody else. The answers are the
// caller's to free, with web_answers_clear.
void web_post(web_t *self, const struct web_request *requests, struct web_answer *answers,
              size_t n);
void web_answers_clear(struct web_answer *answers, size_t n);
void web_escape(buffer_t *out, const char *text); // for a URL's query
