// sync-backend - posts every stored signal, and its outcome when it is known, to a backend over
// HTTP (spec 004, backend sync).
// SPDX-License-Identifier: MIT
//
// Read on in items.c (what is still to be posted), body.c (what is posted).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/base/testing.h"
#include "common/http/url.h"
#include "sync/backend/items.h"
#include "sync/copy/copy.h"
#include "sync/copy/web.h"

#define TRY_FIRST_MS  500
#define TRY_MOST_MS   10000
#define AWAY_FIRST_MS 500 // a backend that is away is asked with one post, and less and less often
#define BATCHES_MOST  64  // in one round

struct backend_settings {
    const char *url, *token, *ca_file;
    bool plain;
    int64_t within_ms, parallel, again_ms, away_most_ms;
};

#define AT(field) offsetof(struct backend_settings, field)
static const struct option options[] = {
    {"url", OPTION_TEXT, AT(url), NULL,
     "Where signals are posted (http://backend:8001/api/signals)", 0, 0, NULL},
    {"token_file", OPTION_FILE, AT(token), NULL, "File that holds the bearer token", 0, 0, NULL},
    {"ca_file", OPTION_TEXT, AT(ca_file), NULL,
     "Certificates to trust instead of the system's (PEM)", 0, 0, NULL},
    {"plain", OPTION_FLAG, AT(plain), "false", "The token may travel over http to another host", 0,
     0, NULL},
    {"within", OPTION_DURATION, AT(within_ms), "10s", "How long one request may take", 100, 600000,
     NULL},
    {"parallel", OPTION_INTEGER, AT(parallel), "8", "Requests at once, of different signals", 1,
     WEB_MOST, NULL},
    {"again", OPTION_DURATION, AT(again_ms), "1m",
     "After three refusals a row waits so long; each time twice as long, up to 64 times", 100,
     3600000, NULL},
    {"away_most", OPTION_DURATION, AT(away_most_ms), "30s",
     "Longest time between two tries while the backend does not answer", 100, 3600000, NULL},
    {0},
};

struct post { // one of a batch
    struct item item;
    char key_header[64], key[BODY_KEY];
    const char *headers[4];
    buffer_t body;
    bool there; // the archive has the row
};

struct backend {
    struct copy *copy;
    const struct backend_settings *settings;
    web_t *web;
    items_t *items;
    char *authorization;
    struct post posts[WEB_MOST];
    struct web_request requests[WEB_MOST];
    struct web_answer answers[WEB_MOST];
};

static bool check_backend_settings(const void *settings, char wrong[static 256]) {
    const struct backend_settings *s = settings;
    bool http =
        s->url && (strncmp(s->url, "http://", 7) == 0 || strncmp(s->url, "https://", 8) == 0);
    if (!http)
        snprintf(wrong, 256,
                 "TRADECAST_BACKEND_URL is \"%.100s\"; it must be an http:// or https:// address",
                 s->url ? s->url : "");
    else if (s->token && !s->plain && !url_is_private(s->url))
        snprintf(wrong, 256,
                 "TRADECAST_BACKEND_URL is \"%.100s\": a token travels over https, unless "
                 "TRADECAST_BACKEND_PLAIN is true",
                 s->url);
    return !wrong[0];
}

// A batch.

static void write_post(struct backend *self, struct post *post, const SignalRow *row) {
    buffer_clear(&post->body);
    body_write(row, post->item.event, &post->body);
    body_key(row, post->item.event, post->key);
    snprintf(post->key_header, sizeof(post->key_header), "Idempotency-Key: %s", post->key);
    post->headers[0] = "Content-Type: application/json";
    post->headers[1] = post->key_header;
    post->headers[2] = self->authorization; // or the end
    post->headers[3] = NULL;
}

// The row as it is now. An outcome that was taken back has nothing to tell.
static err_t read_row(struct backend *self, sql_query_t *q, struct post *post) {
    own(arena) *arena = arena_new(4096);
    ProtobufCMessage *m;
    bool row = false;
    sql_bind_text(q, 1, post->item.signal_id);
    err_t e = sql_step(q, &row);
    if (!e && row) e = sql_row(q, &signal_row__descriptor, arena, &m);
    post->there =
        !e && row && (post->item.event == EVENT_SIGNAL || ((const SignalRow *)m)->outcome);
    if (post->there) write_post(self, post, (const SignalRow *)m);
    sql_reset(q);
    return e;
}

static err_t read_changed_rows(struct backend *self, sql_t *archive, size_t n) {
    own(sql_query) *q = sql_prepare(archive, "SELECT * FROM signals WHERE signal_id = ?1");
    err_t e = q ? ERR_OK : ERR_CONFIG;
    for (size_t i = 0; !e && i < n; i++) e = read_row(self, q, &self->posts[i]);
    return e;
}

static size_t send_posts(struct backend *self, size_t n) {
    size_t sent = 0;
    for (size_t i = 0; i < n; i++) {
        const struct post *p = &self->posts[i];
        if (p->there)
            self->requests[sent++] = (struct web_request){
                self->settings->url, p->headers, {p->body.data, p->body.length}};
    }
    FAILPOINT("backend.before_send");
    web_post(self->web, self->requests, self->answers, sent);
    FAILPOINT("backend.after_send");
    return sent;
}

// What an answer means. A redirect is refused: the token is for the URL that was configured.
enum meaning { TAKEN, REFUSED, AWAY };
static enum meaning meaning_of(const struct web_answer *a) {
    if (a->status >= 200 && a->status < 300) return TAKEN;
    return a->status == 0 || a->status >= 500 || a->status == 429 || a->status == 408 ||
                   a->status == 425
               ? AWAY
               : REFUSED;
}

static uint64_t due_after(const struct backend *self, const struct item *item,
                          const struct web_answer *a) {
    unsigned tries = (unsigned)(item->tries < 30 ? item->tries : 30) + 1;
    int64_t ms = tries < TRIES_MOST
                     ? copy_backoff_ms(tries, TRY_FIRST_MS, TRY_MOST_MS, copy_chance())
                     : copy_backoff_ms(tries - TRIES_MOST + 1, self->settings->again_ms,
                                       self->settings->again_ms * 64, copy_chance());
    if ((int64_t)a->retry_after_ms > ms) ms = (int64_t)a->retry_after_ms;
    return clock_utc_ns() + (uint64_t)ms * NS_PER_MS;
}

struct tally {
    size_t taken, away;
    int64_t pause_ms; // as the backend asks for
};

static err_t note_answer(struct backend *self, const struct post *post, const struct web_answer *a,
                         struct tally *tally) {
    enum meaning meaning = meaning_of(a);
    char why[240];
    if (meaning == TAKEN) {
        tally->taken++;
        self->copy->delivered++;
        log_event(LOG_LEVEL_DEBUG, "synced", "signal_id=%s key=%s status=%u",
                  log_quote(post->item.signal_id), post->key, a->status);
        return items_taken(self->items, &post->item, post->key);
    }
    // given up because it is to stop: no try
    if (!a->status && !copy_goes_on(self->copy)) return ERR_OK;
    self->copy->failed++;
    tally->away += meaning == AWAY;
    if (meaning == AWAY && (int64_t)a->retry_after_ms > tally->pause_ms)
        tally->pause_ms = (int64_t)a->retry_after_ms;
    if (a->status)
        snprintf(why, sizeof(why), "%u %.180s", a->status,
                 a->body.length ? (const char *)a->body.data : "");
    else
        snprintf(why, sizeof(why), "%.200s", a->why);
    copy_trouble(self->copy,
                 meaning == AWAY ? "the backend does not take posts: %s"
                                 : "the backend refused a post: %s",
                 why);
    struct item_failure failure = {due_after(self, &post->item, a), meaning == AWAY, why};
    return items_failed(self->items, &post->item, &failure);
}

static err_t note_answers(struct backend *self, size_t n, struct tally *tally) {
    size_t at = 0;
    err_t e = sql_begin(self->copy->state);
    for (size_t i = 0; !e && i < n; i++) {
        const struct post *p = &self->posts[i];
        if (!p->there)
            e = items_gone(self->items, &p->item);
        else
            e = note_answer(self, p, &self->answers[at++], tally);
    }
    if (!e && tally->taken && self->copy->in_vain) e = items_all_due(self->items); // it is back
    if (!e) e = sql_commit(self->copy->state);
    if (e) sql_rollback(self->copy->state);
    return e;
}

// *n: how many were due.
static err_t send_batch(struct backend *self, sql_t *archive, struct tally *tally, size_t *n) {
    struct item due[WEB_MOST];
    // One post finds out whether a backend that was away is there again, even when none is due.
    bool away = self->copy->in_vain > 0;
    err_t e = items_due(
        self->items,
        &(struct items_wanted){clock_utc_ns(), away ? 1 : (size_t)self->settings->parallel, away},
        due, n);
    for (size_t i = 0; i < *n; i++) self->posts[i].item = due[i];
    if (e || *n == 0) return e;
    e = read_changed_rows(self, archive, *n);
    if (e) return e;
    size_t sent = send_posts(self, *n);
    for (size_t i = 0; i < sent; i++) (void)buffer_string(&self->answers[i].body);
    e = note_answers(self, *n, tally);
    web_answers_clear(self->answers, sent);
    return e;
}

// A round.

static int64_t pause_after(struct backend *self, const struct tally *tally) {
    struct copy *copy = self->copy;
    if (tally->away && !tally->taken) {
        int64_t ms = copy_backoff_ms(++copy->in_vain, AWAY_FIRST_MS, self->settings->away_most_ms,
                                     copy_chance());
        return ms > tally->pause_ms ? ms : tally->pause_ms;
    }
    if (tally->taken && !tally->away) copy_no_trouble(copy);
    if (tally->taken) copy->in_vain = 0;
    return tally->pause_ms;
}

static err_t count_items(struct backend *self, struct items_sum *sum) {
    err_t e = items_sum(self->items, sum);
    self->copy->unsynced = sum->unsynced;
    self->copy->oldest = sum->oldest;
    return e;
}

static err_t send_batch_of_rows(struct backend *self, sql_t *archive, int64_t *pause_ms) {
    size_t n = 1;
    bool more = false;
    struct items_sum sum;
    err_t e = items_collect(self->items, archive, &more);
    *pause_ms = 0;
    for (unsigned i = 0; !e && n && !*pause_ms && i < BATCHES_MOST && copy_goes_on(self->copy);
         i++) {
        struct tally tally = {0};
        e = send_batch(self, archive, &tally, &n);
        if (!e && n) *pause_ms = pause_after(self, &tally);
    }
    if (!e) e = count_items(self, &sum);
    if (!e && !n && !more) *pause_ms = self->copy->settings.look_ms;
    return e;
}

static int64_t backend_round(void *arg) {
    struct backend *self = arg;
    int64_t pause_ms = 0;
    own(sql) *archive = copy_archive(self->copy);
    if (!archive || !copy_is_indexed(self->copy, archive))
        return copy_backoff_ms(3, AWAY_FIRST_MS, AWAY_FIRST_MS * 4, copy_chance());
    if (!send_batch_of_rows(self, archive, &pause_ms)) return pause_ms;
    copy_trouble(self->copy, "%.100s; %.100s", sql_trouble(self->copy->state),
                 sql_trouble(archive));
    return self->copy->settings.look_ms;
}

static void backend_destroy(void **arg) {
    struct backend *self = *arg;
    if (!self) return;
    for (size_t i = 0; i < WEB_MOST; i++) buffer_destroy(&self->posts[i].body);
    items_destroy(&self->items);
    web_destroy(&self->web);
    free(self->authorization);
    free(self);
    *arg = NULL;
}

static char *authorization_of(const char *token) {
    buffer_t text = {0};
    if (!token || !*token) return NULL;
    buffer_format(&text, "Authorization: Bearer %s", token);
    (void)buffer_string(&text);
    return (char *)text.data;
}

static void *backend_new(struct copy *copy, const void *settings) {
    struct backend *self = alloc_zeroed(1, sizeof(*self));
    self->copy = copy;
    self->settings = settings;
    self->authorization = authorization_of(self->settings->token);
    self->web = web_new(&(struct web_settings){.ca_file = self->settings->ca_file,
                                               .within_ms = (long)self->settings->within_ms,
                                               .goes_on = copy_goes_on,
                                               .arg = copy});
    self->items = items_new(copy->state);
    if (!self->items) backend_destroy((void **)&self);
    return self;
}

int main(int argc, char **argv) {
    static struct copy_program program = {
        .name = "sync-backend",
        .section = "backend",
        .purpose = "Posts every stored signal, and its outcome, to a backend over HTTP.",
        .state_preset = "var/data/sync-backend.db",
        .options = options,
        .settings_size = sizeof(struct backend_settings),
        .steps = items_steps,
        .check = check_backend_settings,
        .new = backend_new,
        .destroy = backend_destroy,
        .round = backend_round,
    };
    program.n_steps = items_n_steps;
    return copy_main(&program, argc, argv);
}
