// door - routes, tokens, rates, and the requests that wait for the commit.
// SPDX-License-Identifier: MIT
#include "services/ingest/door/door.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/testing.h"
#include "services/ingest/accept.h"
#include "services/ingest/read/dialect.h"
#include "services/ingest/slice.h"

#define JSON        "application/json"
#define SOURCE_MAX  64
#define PARCELS_MAX 256 // at once

static void answer(exchange_t *x, const struct reply *r) {
    http_answer(x, r->status, JSON, r->body, r->retry_after_s, r->header);
}

// --- where a request goes

typedef struct reply accept_fn(struct ingest *self, batch_t *batch, const struct request *request);

// "/<name>/<source>/<token>", or "/<name>" alone when there is nothing to accept. The token may be
// missing where the body begins with it. Market data may have its symbol behind it, which itself may
// have a slash in it.
#define DOCUMENT(name, symbol)                                                                     \
    { #name, "POST", "Allow: POST", accept_document, SIGNAL_CONFIG__DOCUMENT__##name, symbol }
static const struct page {
    const char *name, *method, *allow;
    accept_fn *accept;
    document_kind_t kind; // of market data; 0: none
    bool symbol;
} pages[] = {
    {"webhook", "POST", "Allow: POST", accept_signal, 0, false},
    {"prices", "POST", "Allow: POST", accept_prices, 0, true},
    DOCUMENT(indicators, true),
    DOCUMENT(sentiment, true),
    DOCUMENT(watchlist, false),
    DOCUMENT(candidates, false),
    DOCUMENT(context, false),
    {"healthz", "GET", "Allow: GET, HEAD", NULL, 0, false},
};

struct target {
    const struct page *page;
    char source[SOURCE_MAX + 1];
    struct span token;
    const char *symbol; // the rest of the address; NULL: there is none
};

static const struct document_form *form_of_page(const struct page *page) {
    return page->kind ? document_form(page->kind) : NULL;
}

// The text up to the next slash or the end; *at moves behind the slash, to NULL at the end.
static struct span read_path_segment(const char **at) {
    const char *from = *at, *slash = from ? strchr(from, '/') : NULL;
    if (!from) return (struct span){"", 0};
    *at = slash ? slash + 1 : NULL;
    return (struct span){from, slash ? (size_t)(slash - from) : strlen(from)};
}

static bool is_span_text(struct span s, const char *text) {
    return strlen(text) == s.length && memcmp(s.data, text, s.length) == 0;
}

static bool read_source(const char *at, struct target *out) {
    struct span source = read_path_segment(&at);
    out->token = read_path_segment(&at);
    out->symbol = at;
    if ((at && !out->page->symbol) || source.length == 0 || source.length > SOURCE_MAX)
        return false;
    memcpy(out->source, source.data, source.length);
    out->source[source.length] = 0;
    return true;
}

static bool read_path(const char *path, struct target *out) {
    if (*path++ != '/') return false;
    struct span name = read_path_segment(&path);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!is_span_text(name, pages[i].name)) continue;
        out->page = &pages[i];
        return pages[i].accept ? read_source(path, out) : path == NULL;
    }
    return false;
}

static bool takes_method(const struct page *page, const char *method) {
    return strcmp(page->method, method) == 0 || (!page->accept && strcmp(method, "HEAD") == 0);
}

// --- what is answered

#define START_ROUNDED NS_PER_S // when Redis was started is known in whole seconds

// A time that is ahead was stored before the clock was set back: then nobody can tell.
static bool has_lost(const struct ingest *self, const batch_t *batch) {
    uint64_t found = self->time_found, rolled_back_at = self->context->rolled_back_at;
    if (!found || !rolled_back_at || self->context->strict || MUTATED("no_losses")) return false;
    return found < rolled_back_at + START_ROUNDED || found > batch_now(batch);
}

bool door_knows_losses(struct ingest *self, batch_t *batch) {
    if (self->knows_losses || !batch) return self->knows_losses;
    self->knows_losses = true;
    if (!has_lost(self, batch)) return true;
    losses_add(&self->losses, self->time_found);
    slice_losses(batch, &self->losses);
    log_event(LOG_LEVEL_WARNING, "alerts_forgotten", "within_s=%llu",
              (unsigned long long)(LOSS_SPAN / NS_PER_S));
    return true;
}

bool door_is_open(struct ingest *self, batch_t *batch) {
    const struct context *c = self->context;
    if (!door_knows_losses(self, batch) || !batch || !c->caught_up) return false;
    if (!self->open_at) {
        bool lost = c->rolled_back_at && batch_now(batch) < c->rolled_back_at + LOSS_RECENT;
        uint64_t wait = lost ? (uint64_t)self->settings->loss_wait_ms * NS_PER_MS : 0;
        self->open_at = batch_mono(batch) + wait;
    }
    return batch_mono(batch) >= self->open_at;
}

static struct reply refuse_wrong_token(struct ingest *self, const struct client *client) {
    if (self->batch)
        batch_alert(
            self->batch, ALERT__SEVERITY__warning, "wrong_token", "door",
            "the door refused a request from %s: its source is unknown, or its token is wrong",
            client->text);
    return reply_error(sources_bear(self->sources, client->text, clock_mono_ns())
                           ? REPLY_WRONG_TOKEN
                           : REPLY_WRONG_TOKENS);
}

static struct reply refuse_wrong_address(struct ingest *self, const SignalConfig *source,
                                         const struct client *client) {
    if (self->batch)
        batch_alert(self->batch, ALERT__SEVERITY__warning, "wrong_address", source->config_id,
                    "the door refused a request from %s: its token is right, but the source's "
                    "allow-list does not have the address",
                    client->text);
    return reply_error(REPLY_WRONG_ADDRESS);
}

// Whether bodies for this source begin with an id.
static bool begins_with_id(const struct ingest *self, const struct target *t) {
    const SignalConfig *named = book_source(self->context->book, t->source);
    return named && named->dialect == SIGNAL_CONFIG__DIALECT__pineconnector &&
           t->page->accept == accept_signal;
}

// By the token of the address, or by the id that the body begins with where that is the token. A
// message that begins with an id must begin with the right one in either case.
static const SignalConfig *authorize_source(const struct ingest *self, struct target *t,
                                            struct span body) {
    uint64_t now = clock_utc_ns();
    const SignalConfig *named = book_source(self->context->book, t->source);
    bool begins = begins_with_id(self, t);
    struct span license = begins ? pineconnector_license(body) : (struct span){"", 0};
    if (!t->token.length && begins && !named->license_hash) t->token = license;
    const SignalConfig *source = source_check(self->context->book, t->source, t->token, now);
    return source && begins && !source_has_license(source, license, now) ? NULL : source;
}

static void find_client(const struct ingest *self, const exchange_t *x, struct client *out) {
    static buffer_t forwarded; // one thread; its memory is kept from call to call
    buffer_clear(&forwarded);
    if (self->proxies.n) exchange_headers(x, "X-Forwarded-For", &forwarded);
    client_find(&self->proxies, exchange_peer(x), buffer_string(&forwarded), out);
}

// In the batch that is open: what is taken into it is in memory several times over until it is
// committed.
static bool has_batch_room(struct ingest *self, size_t bytes) {
    const struct ingest_settings *s = self->settings;
    if (self->batch_requests >= (size_t)s->batch_requests ||
        self->batch_bytes + bytes > (size_t)s->batch_bytes)
        return false;
    self->batch_requests++;
    self->batch_bytes += bytes;
    return true;
}

static bool is_within_rate(struct ingest *self, batch_t *batch, const struct target *t,
                           const SignalConfig *source, size_t bytes) {
    bool within = sources_within_rate(self->sources, source, t->page->accept != accept_signal,
                                      bytes, batch_mono(batch));
    self->counts.over += !within;
    return within;
}

// Tokens are checked before anything else is told, and before the flood of an address is looked at:
// a good source is never answered 429.
static struct reply reply_to(struct ingest *self, exchange_t *x, struct target *t) {
    struct client client;
    if (!t->page->accept)
        return door_is_open(self, self->batch) ? reply_healthy() : reply_error(REPLY_HELD_BACK);
    if (!t->token.length && !begins_with_id(self, t)) return reply_error(REPLY_NOT_FOUND);
    const SignalConfig *source = authorize_source(self, t, exchange_body(x));
    if (!source || source->n_allow) find_client(self, x, &client);
    if (!source) return refuse_wrong_token(self, &client);
    if (source->n_allow && !source_allows(source, &client))
        return refuse_wrong_address(self, source, &client);
    if (exchange_too_large(x)) return reply_error(REPLY_TOO_LARGE);
    bool open = door_is_open(self, self->batch);
    // nobody gives them back
    if (t->page->accept != accept_signal) open = self->batch && self->context->caught_up;
    if (!open) return reply_error(REPLY_HELD_BACK);
    if (!has_batch_room(self, exchange_body(x).length)) return reply_error(REPLY_BATCH_FULL);
    if (!is_within_rate(self, self->batch, t, source, exchange_body(x).length))
        return reply_error(REPLY_OVER_RATE);
    return t->page->accept(self, self->batch,
                           &(struct request){source, t->token, exchange_body(x),
                                             form_of_page(t->page), t->symbol, false});
}

static void wait_for_commit(struct ingest *self, exchange_t *x, const struct reply *r) {
    array_reserve(self->waiting, self->n_waiting, self->waiting_room);
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
    // What the open batch says is told when it is committed: also a duplicate of, or a conflict
    // with, something in it.
    if (self->wrote)
        wait_for_commit(self, x, &r);
    else
        answer(x, &r);
}

void door_answer(struct ingest *self) {
    if (self->n_waiting) FAILPOINT("ingest.before_answer");
    for (size_t i = 0; i < self->n_waiting; i++)
        answer(self->waiting[i].exchange, &self->waiting[i].reply);
    self->n_waiting = 0;
    self->wrote = false;
    self->batch_requests = self->batch_bytes = 0;
}

void door_turn_away(struct ingest *self) {
    struct reply held = reply_error(REPLY_HELD_BACK);
    for (size_t i = 0; i < self->n_waiting; i++) {
        const struct reply *r = &self->waiting[i].reply;
        // What was refused on its own account is so whether or not the batch is committed.
        answer(self->waiting[i].exchange,
               r->status == 200 || r->status == 422 || r->status == 409 ? &held : r);
    }
    self->n_waiting = 0;
}

// --- ZeroMQ

static bool read_topic(const char *topic, struct target *out) {
    const char *at = topic;
    struct span first = read_path_segment(&at);
    out->page = &pages[0];
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!pages[i].accept || !is_span_text(first, pages[i].name)) continue;
        out->page = &pages[i];
        return read_source(at, out);
    }
    return read_source(topic, out);
}

static void handle_signal_parcel(struct ingest *self, batch_t *batch, const struct parcel *p) {
    struct target t = {0};
    const SignalConfig *source =
        read_topic(p->topic, &t) ? authorize_source(self, &t, p->frame) : NULL;
    if (!source) {
        batch_alert(
            batch, ALERT__SEVERITY__warning, "wrong_token", "intake",
            "the door refused a message over ZeroMQ: its source is unknown, or its token is wrong");
        return;
    }
    if (!is_within_rate(self, batch, &t, source, p->frame.length)) {
        batch_alert(
            batch, ALERT__SEVERITY__warning, "over_rate", source->config_id,
            "this source sends faster than its rate over ZeroMQ: the door drops what is above it");
        return;
    }
    struct reply r = t.page->accept(
        self, batch,
        &(struct request){source, t.token, p->frame, form_of_page(t.page), t.symbol, true});
    if (t.page->accept != accept_signal && r.status != 200)
        batch_alert(batch, ALERT__SEVERITY__warning,
                    t.page->kind ? "document_refused" : "price_refused", source->config_id,
                    "%s over ZeroMQ: refused: %.*s", t.page->name, (int)r.body.length,
                    (const char *)r.body.data);
    if (r.status == 503)
        batch_alert(batch, ALERT__SEVERITY__critical, "signal_dropped", source->config_id,
                    "the door dropped a signal that came over ZeroMQ: it has no room for more");
}

err_t door_parcels(struct ingest *self, batch_t *batch) {
    struct parcel p;
    if (!door_is_open(self, batch)) return ERR_OK;
    for (unsigned i = 0;
         i < PARCELS_MAX && self->batch_bytes < (size_t)self->settings->batch_bytes &&
         port_receive(self->intake, &p);
         i++) {
        self->batch_bytes += p.frame.length; // the rest stays in the socket
        handle_signal_parcel(self, batch, &p);
    }
    ingest_flush(self, batch);
    return ERR_OK;
}
