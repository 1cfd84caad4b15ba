// web - requests over HTTP and HTTPS by libcurl.
// SPDX-License-Identifier: MIT
#include "sync/copy/web.h"
#include "common/http/client_options.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX (1 << 20)
#define LOOK_MS    100 // how often goes_on is asked
#define AFTER_MOST (600 * 1000)

struct slot {
    CURL *easy;
    struct curl_slist *headers;
    struct web_answer *answer;
};

struct web {
    struct web_settings settings;
    CURLM *multi;
    struct slot slots[WEB_MOST];
};

web_t *web_new(const struct web_settings *settings) {
    web_t *self = calloc(1, sizeof(*self));
    if (!self || curl_global_init(CURL_GLOBAL_DEFAULT)) abort();
    self->settings = *settings;
    self->multi = curl_multi_init();
    if (!self->multi) abort();
    curl_multi_setopt(self->multi, CURLMOPT_MAXCONNECTS, (long)WEB_MOST);
    return self;
}

void web_destroy(web_t **self) {
    if (!*self) return;
    for (size_t i = 0; i < WEB_MOST; i++) curl_easy_cleanup((*self)->slots[i].easy);
    curl_multi_cleanup((*self)->multi);
    curl_global_cleanup();
    free(*self);
    *self = NULL;
}

static size_t take_answer_bytes(char *data, size_t size, size_t n, void *arg) {
    struct web_answer *answer = arg;
    if (answer->body.length + size * n > ANSWER_MAX) return 0;
    buffer_add(&answer->body, data, size * n);
    return size * n;
}

static void set_up(const web_t *self, struct slot *slot) {
    const struct web_settings *s = &self->settings;
    CURL *easy = slot->easy;
    client_set_up(easy, s->within_ms, s->ca_file);
    if (s->user) curl_easy_setopt(easy, CURLOPT_USERNAME, s->user);
    if (s->password) curl_easy_setopt(easy, CURLOPT_PASSWORD, s->password);
}

static void begin_request(web_t *self, struct slot *slot, const struct web_request *request,
                          struct web_answer *answer) {
    *answer = (struct web_answer){.why = "given up"};
    if (!slot->easy) slot->easy = curl_easy_init();
    if (!slot->easy) abort();
    curl_easy_reset(slot->easy); // connections stay
    set_up(self, slot);
    slot->answer = answer;
    // waiting for a 100 costs a second where nobody sends one
    slot->headers = curl_slist_append(NULL, "Expect:");
    for (const char *const *h = request->headers; h && *h; h++)
        slot->headers = curl_slist_append(slot->headers, *h);
    curl_easy_setopt(slot->easy, CURLOPT_URL, request->url);
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
    curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
    curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, request->body.data ? request->body.data : "");
    curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, take_answer_bytes);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    curl_multi_add_handle(self->multi, slot->easy);
}

static void note_finished(const CURLMsg *message) {
    struct slot *slot = NULL;
    long status = 0;
    curl_off_t after = 0;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
    if (message->data.result != CURLE_OK) {
        snprintf(slot->answer->why, sizeof(slot->answer->why), "%s",
                 curl_easy_strerror(message->data.result));
        return;
    }
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &after);
    slot->answer->status = (unsigned)status;
    slot->answer->why[0] = 0;
    if (after > 0)
        slot->answer->retry_after_ms =
            after > AFTER_MOST / 1000 ? AFTER_MOST : (uint64_t)after * 1000;
}

static void wait_for_all(web_t *self) {
    int running = 1, left;
    do {
        if (curl_multi_perform(self->multi, &running)) return;
        for (CURLMsg *m; (m = curl_multi_info_read(self->multi, &left));)
            if (m->msg == CURLMSG_DONE) note_finished(m);
        if (running && curl_multi_poll(self->multi, NULL, 0, LOOK_MS, NULL)) return;
    } while (self->settings.goes_on(self->settings.arg) && running);
}

void web_post(web_t *self, const struct web_request *requests, struct web_answer *answers,
              size_t n) {
    for (size_t i = 0; i < n; i++) begin_request(self, &self->slots[i], &requests[i], &answers[i]);
    wait_for_all(self);
    for (size_t i = 0; i < n; i++) {
        curl_multi_remove_handle(self->multi, self->slots[i].easy);
        curl_slist_free_all(self->slots[i].headers);
        self->slots[i].headers = NULL;
    }
}

void web_answers_clear(struct web_answer *answers, size_t n) {
    for (size_t i = 0; i < n; i++) buffer_destroy(&answers[i].body);
}

void web_escape(buffer_t *out, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-_.~", c);
        buffer_format(out, plain ? "%c" : "%%%02X", c);
    }
}
