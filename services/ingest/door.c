// door - routes, tokens, rates, and the requests that wait for the commit.
// SPDX-License-Identifier: MIT
#include "services/ingest/door.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/testing.h"
#include "services/ingest/accept.h"

#define JSON        "application/json"
#define SOURCE_MAX  64
#define PARCELS_MAX 256 // at once

static void answer(exchange_t *x, const struct reply *r) { http_answer(x, r->status, JSON, r->body, r->retry_after_s, r->header); }

// --- where a request goes

typedef struct reply accept_fn(struct ingest *self, batch_t *batch, const struct request *request);

// "/<name>/<source>/<token>", or "/<name>" alone when there is nothing to accept.
static const struct page {
    const char *name, *method, *allow;
    accept_fn *accept;
} pages[] = {
    {"webhook", "POST", "Allow: POST", accept_signal},
    {"prices", "POST", "Allow: POST", accept_prices},
    {"healthz", "GET", "Allow: GET, HEAD", NULL},
};

struct target {
    const struct page *page;
    char source[SOURCE_MAX + 1];
    struct span token;
};

// The text up to the next slash or the end; *at moves behind the slash, to NULL at the end.
static struct span segment(const char **at) {
    const char *from = *at, *slash = from ? strchr(from, '/') : NULL;
    if (!from) return (struct span){"", 0};
    *at = slash ? slash + 1 : NULL;
    return (struct span){from, slash ? (size_t)(slash - from) : strlen(from)};
}

static bool says(struct span s, const char *text) { return strlen(text) == s.length && memcmp(s.data, text, s.length) == 0; }

static bool read_source(const char *at, struct target *out) {
    struct span source = segment(&at);
    out->token = segment(&at);
    if (at || source.length == 0 || source.length > SOURCE_MAX || out->token.length == 0) return false;
    memcpy(out->source, source.data, source.length);
    out->source[source.length] = 0;
    return true;
}

static bool read_path(const char *path, struct target *out) {
    if (*path++ != '/') return false;
    struct span name = segment(&path);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!says(name, pages[i].name)) continue;
        out->page = &pages[i];
        return pages[i].accept ? read_source(path, out) : path == NULL;
    }
    return false;
}

static bool takes_method(const struct page *page, const char *method) {
    return strcmp(page->method, method) == 0 || (!page->accept && strcmp(method, "HEAD") == 0);
}

// --- what is answered

static bool takes_input(const struct ingest *self) { return self->batch && self->context->caught_up; }

static struct reply stranger(struct ingest *self, const char *peer) {
    if (self->batch)
        batch_alert(self->batch, ALERT__SEVERITY__warning, "wrong_token", "door",
                    "a request with an unknown source or a wrong token from %s", peer);
    return reply_error(sources_bear(self->sources, peer, clock_mono_ns()) ? REPLY_WRONG_TOKEN : REPLY_WRONG_TOKENS);
}

// Tokens are checked before anything else is told, and before the flood of an address is looked at: a good source is never answered 429.
static struct reply reply_to(struct ingest *self, exchange_t *x, const struct target *t) {
    if (!t->page->accept) return takes_input(self) ? reply_healthy() : reply_error(REPLY_HELD_BACK);
    const SignalConfig *source = source_check(self->context->book, t->source, t->token);
    if (!source) return stranger(self, exchange_peer(x));
    if (exchange_too_large(x)) return reply_error(REPLY_TOO_LARGE);
    if (!takes_input(self)) return reply_error(REPLY_HELD_BACK);
    if (t->page->accept == accept_signal && !sources_within_rate(self->sources, source, batch_mono(self->batch)))
        return reply_error(REPLY_OVER_RATE);
    return t->page->accept(self, self->batch, &(struct request){.source = source, .token = t->token, .body = exchange_body(x)});
}

static void wait_for_commit(struct ingest *self, exchange_t *x, const struct reply *r) {
    if (self->n_waiting == self->waiting_room) {
        self->waiting_room = self->waiting_room ? 2 * self->waiting_room : 256;
        self->waiting = realloc(self->waiting, self->waiting_room * sizeof *self->waiting);
        if (!self->waiting) abort();
    }
    self->waiting[self->n_waiting++] = (struct waiting){x, *r};
}

void door_request(void *arg, exchange_t *x) {
    struct ingest *self = arg;
    struct target t = {0};
    struct reply r;
    if (!read_path(exchange_path(x), &t)) {
        r = reply_error(REPLY_NOT_FOUND);
    } else if (!takes_method(t.page, exchange_method(x))) {
        r = reply_error(REPLY_NOT_METHOD);
        r.header = t.page->allow;
    } else {
        r = reply_to(self, x, &t);
    }
    // What the open batch says is told when it is committed: also a duplicate of, or a conflict with, something in it.
    if (self->wrote)
        wait_for_commit(self, x, &r);
    else
        answer(x, &r);
}

void door_answer(struct ingest *self) {
    if (self->n_waiting) FAILPOINT("ingest.before_answer");
    for (size_t i = 0; i < self->n_waiting; i++) answer(self->waiting[i].exchange, &self->waiting[i].reply);
    self->n_waiting = 0;
    self->wrote = false;
}

void door_turn_away(struct ingest *self) {
    struct reply held = reply_error(REPLY_HELD_BACK);
    for (size_t i = 0; i < self->n_waiting; i++) {
        const struct reply *r = &self->waiting[i].reply;
        // What was refused on its own account is so whether or not the batch is committed.
        answer(self->waiting[i].exchange, r->status == 200 || r->status == 422 || r->status == 409 ? &held : r);
    }
    self->n_waiting = 0;
}

// --- ZeroMQ

static bool read_topic(const char *topic, struct target *out) {
    const char *at = topic;
    struct span first = segment(&at);
    out->page = &pages[0];
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!pages[i].accept || !says(first, pages[i].name)) continue;
        out->page = &pages[i];
        return read_source(at, out);
    }
    return read_source(topic, out);
}

static void take_parcel(struct ingest *self, batch_t *batch, const struct parcel *p) {
    struct target t = {0};
    const SignalConfig *source = read_topic(p->topic, &t) ? source_check(self->context->book, t.source, t.token) : NULL;
    if (!source) {
        batch_alert(batch, ALERT__SEVERITY__warning, "wrong_token", "intake", "a message with an unknown source or a wrong token");
        return;
    }
    bool prices = t.page->accept == accept_prices;
    if (!prices && !sources_within_rate(self->sources, source, batch_mono(batch))) {
        batch_alert(batch, ALERT__SEVERITY__warning, "over_rate", source->config_id,
                    "sends more than its rate over ZeroMQ; what is over is dropped");
        return;
    }
    struct reply r = t.page->accept(self, batch, &(struct request){.source = source, .token = t.token, .body = p->frame, .unheard = true});
    if (prices && r.status != 200)
        batch_alert(batch, ALERT__SEVERITY__warning, "price_refused", source->config_id, "a price over ZeroMQ was refused");
    if (r.status == 503)
        batch_alert(batch, ALERT__SEVERITY__critical, "signal_dropped", source->config_id, "a signal over ZeroMQ: no room for more");
}

err_t door_parcels(struct ingest *self, batch_t *batch) {
    struct parcel p;
    if (!self->context->caught_up) return ERR_OK;
    for (unsigned i = 0; i < PARCELS_MAX && port_receive(self->intake, &p); i++) take_parcel(self, batch, &p);
    prices_flush(self->prices, batch);
    return ERR_OK;
}
