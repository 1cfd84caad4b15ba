// web_calls - requests over HTTP and HTTPS by libcurl, inside the service's own loop.
// SPDX-License-Identifier: MIT
#include "services/advisor/web/web_calls.h"
#include "common/http/client_options.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/base/alloc.h"

#define EVENTS_MOST 32

struct call_slot {
    CURL *easy; // NULL: free
    struct curl_slist *headers;
    buffer_t answer;
    size_t answer_max;
    void *tag;
};

struct web_calls {
    CURLM *multi;
    int poll, timer; // epoll of curl's sockets and the timer; the timer that curl wants
    struct call_slot slots[WEB_CALLS_MOST];
};

// --- what curl waits for

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known) {
    web_calls_t *self = arg;
    struct epoll_event event = {.data.fd = fd};
    (void)easy, (void)known;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(self->poll, EPOLL_CTL_DEL, fd, NULL); // it may be closed already
        return 0;
    }
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    if (epoll_ctl(self->poll, EPOLL_CTL_MOD, fd, &event) &&
        epoll_ctl(self->poll, EPOLL_CTL_ADD, fd, &event))
        return -1;
    return 0;
}

// 0: at once; -1: never.
static int set_timer(CURLM *multi, long ms, void *arg) {
    const web_calls_t *self = arg;
    struct itimerspec at = {0};
    (void)multi;
    if (ms >= 0) {
        at.it_value.tv_sec = ms / 1000;
        at.it_value.tv_nsec = ms % 1000 * 1000000;
        if (!ms) at.it_value.tv_nsec = 1;
    }
    return timerfd_settime(self->timer, 0, &at, NULL) ? -1 : 0;
}

web_calls_t *web_calls_new(void) {
    web_calls_t *self = alloc_zeroed(1, sizeof *self);
    struct epoll_event event = {.events = EPOLLIN};
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) abort();
    self->multi = alloc_checked(curl_multi_init());
    self->poll = epoll_create1(EPOLL_CLOEXEC);
    self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    event.data.fd = self->timer;
    if (self->poll < 0 || self->timer < 0 ||
        epoll_ctl(self->poll, EPOLL_CTL_ADD, self->timer, &event))
        abort(); // no descriptor is left
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
    return self;
}

static void empty_slot(web_calls_t *self, struct call_slot *slot) {
    curl_multi_remove_handle(self->multi, slot->easy);
    curl_easy_cleanup(slot->easy);
    curl_slist_free_all(slot->headers);
    buffer_destroy(&slot->answer);
    *slot = (struct call_slot){0};
}

void web_calls_destroy(web_calls_t **handle) {
    web_calls_t *self = *handle;
    if (!self) return;
    for (size_t i = 0; i < WEB_CALLS_MOST; i++) {
        if (self->slots[i].easy) empty_slot(self, &self->slots[i]);
    }
    curl_multi_cleanup(self->multi);
    curl_global_cleanup();
    (void)close(self->poll);
    (void)close(self->timer);
    free(self);
    *handle = NULL;
}

int web_calls_fd(const web_calls_t *self) { return self->poll; }

// --- a call

static size_t take_answer_part(char *data, size_t size, size_t n, void *arg) {
    struct call_slot *slot = arg;
    if (slot->answer.length + size * n > slot->answer_max) return 0;
    buffer_add(&slot->answer, data, size * n);
    return size * n;
}

static void set_up_call(struct call_slot *slot, const struct web_call *call) {
    CURL *easy = slot->easy;
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    client_set_up(easy, call->within_ms, call->ca_file);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, slot->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
    curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, call->body.data ? call->body.data : "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer_part);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
}

bool web_calls_post(web_calls_t *self, const struct web_call *call, void *tag) {
    struct call_slot *slot = self->slots;
    while (slot < self->slots + WEB_CALLS_MOST && slot->easy) slot++;
    if (slot == self->slots + WEB_CALLS_MOST) return false;
    *slot = (struct call_slot){
        .easy = alloc_checked(curl_easy_init()), .answer_max = call->answer_max, .tag = tag};
    slot->headers = curl_slist_append(NULL, "Expect:"); // waiting for a 100 costs a second
    for (const char *const *h = call->headers; h && *h; h++)
        slot->headers = curl_slist_append(slot->headers, *h);
    set_up_call(slot, call);
    curl_multi_add_handle(self->multi, slot->easy);
    return true;
}

// --- results

static void finish_call(web_calls_t *self, const CURLMsg *message, web_done_fn *done, void *arg) {
    struct call_slot *slot = NULL;
    long status = 0;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
    struct web_result result = {.body = {slot->answer.data, slot->answer.length}};
    if (message->data.result == CURLE_OK) {
        curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
        result.status = (unsigned)status;
    } else {
        result.why = message->data.result == CURLE_WRITE_ERROR
                         ? "the answer is too long"
                         : curl_easy_strerror(message->data.result);
    }
    done(arg, slot->tag, &result);
    empty_slot(self, slot);
}

void web_calls_run(web_calls_t *self, web_done_fn *done, void *arg) {
    struct epoll_event events[EVENTS_MOST];
    uint64_t passed;
    int running, left, n = epoll_wait(self->poll, events, EVENTS_MOST, 0);
    for (int i = 0; i < n; i++) {
        bool timer = events[i].data.fd == self->timer;
        if (timer) (void)!read(self->timer, &passed, sizeof passed);
        int what = (events[i].events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & EPOLLERR ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(self->multi, timer ? CURL_SOCKET_TIMEOUT : events[i].data.fd,
                                 timer ? 0 : what, &running);
    }
    for (CURLMsg *m; (m = curl_multi_info_read(self->multi, &left));) {
        if (m->msg == CURLMSG_DONE) finish_call(self, m, done, arg);
    }
}
