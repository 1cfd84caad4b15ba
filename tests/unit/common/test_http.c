// test_http - the HTTP server with a client in the same thread: held answers, pipelining, limits,
// deadlines.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memmem
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/http/http.h"

#define HELD_MAX 2048
#define BOUND_NS (20 * NS_PER_S)

// A server that holds requests for /held…, and answers others at once with what it saw of them.
struct site {
    http_t *http;
    exchange_t *held[HELD_MAX];
    size_t n_held, seen;
};

static void echo(exchange_t *x) {
    buffer_t text = {0};
    const char *name = exchange_query(x, "name"), *header = exchange_header(x, "X-Test");
    buffer_format(&text, "%s %s %s %s %s %zu", exchange_method(x), exchange_path(x),
                  exchange_peer(x), name ? name : "-", header ? header : "-",
                  exchange_body(x).length);
    if (exchange_too_large(x))
        http_answer(x, 413, "text/plain", span_of("too large"), 0, NULL);
    else
        http_answer(x, 200, "text/plain", (struct span){text.data, text.length}, 0, "X-More: yes");
    buffer_destroy(&text);
}

static void on_request(void *arg, exchange_t *x) {
    struct site *s = arg;
    s->seen++;
    if (strncmp(exchange_path(x), "/held", 5) != 0) return echo(x);
    assert_true(s->n_held < HELD_MAX);
    s->held[s->n_held++] = x;
}

static struct http_options preset(void) {
    return (struct http_options){.address = "127.0.0.1",
                                 .body_max = 1000,
                                 .connections_max = 1500,
                                 .connections_per_ip_max = 0,
                                 .idle_s = 5,
                                 .request_s = 1};
}

static struct site *site_open(struct http_options options) {
    struct site *s = calloc(1, sizeof *s);
    s->http = http_new(&options, on_request, s);
    assert_non_null(s->http);
    return s;
}

static void site_close(struct site *s) {
    http_destroy(&s->http);
    free(s);
}

static int dial(const struct site *s) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_port(s->http))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
    return fd;
}

// Runs the server when, and only when, its descriptor says that there is work.
static void turn(struct site *s, int client, int timeout_ms) {
    struct pollfd fds[] = {{http_fd(s->http), POLLIN, 0}, {client, POLLIN, 0}};
    (void)poll(fds, client < 0 ? 1 : 2, timeout_ms);
    if (fds[0].revents) http_run(s->http);
}

static void say(struct site *s, int fd, const void *data, size_t length) {
    uint64_t until = clock_mono_ns() + BOUND_NS;
    const char *at = data;
    while (length && clock_mono_ns() < until) {
        ssize_t n = send(fd, at, length, MSG_NOSIGNAL);
        if (n > 0)
            at += n, length -= (size_t)n;
        else if (errno != EAGAIN && errno != ENOTCONN)
            return;
        turn(s, -1, n > 0 ? 0 : 10);
    }
}

// Reads until `text` has come `times`, or the server closes. What was read is in a static buffer.
static const char *hear(struct site *s, int fd, const char *text, unsigned times) {
    static char all[256 * 1024];
    size_t length = 0;
    uint64_t until = clock_mono_ns() + BOUND_NS;
    while (clock_mono_ns() < until) {
        ssize_t n = recv(fd, all + length, sizeof all - 1 - length, 0);
        if (n == 0) break;
        if (n > 0) length += (size_t)n;
        all[length] = 0;
        unsigned found = 0;
        for (const char *at = all; text && (at = strstr(at, text)); at++) found++;
        if (text && found >= times) break;
        if (n < 0) turn(s, fd, 100);
    }
    all[length] = 0;
    return all;
}

static const char *ask(struct site *s, const char *request) {
    int fd = dial(s);
    say(s, fd, request, strlen(request));
    const char *answer = hear(s, fd, "\r\n\r\n", 1);
    close(fd);
    return answer;
}

#define assert_has(text, part) assert_non_null(strstr(text, part))

static void a_request_is_seen_whole(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    const char *answer = ask(s, "POST /a%20b/c?name=x%26y HTTP/1.1\r\nHost: h\r\nX-Test: "
                                "t\r\nContent-Length: 5\r\n\r\nhello");
    assert_has(answer, "200 OK");
    assert_has(answer, "POST /a b/c 127.0.0.1 x&y t 5");
    assert_has(answer, "X-More: yes");
    site_close(s);
}

static void a_held_request_is_answered_later(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    int fd = dial(s);
    say(s, fd, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n", 31);
    for (uint64_t until = clock_mono_ns() + BOUND_NS; !s->n_held && clock_mono_ns() < until;)
        turn(s, -1, 100);
    assert_int_equal(s->n_held, 1);
    http_answer(s->held[0], 503, "text/plain", span_of("later"), 7, NULL);
    const char *answer = hear(s, fd, "later", 1);
    assert_has(answer, "503");
    assert_has(answer, "Retry-After: 7");
    close(fd);
    site_close(s);
}

// Many requests in one segment, each held for a while: answers come in order, none is lost, and the
// descriptor always told of the work.
static void pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    buffer_t requests = {0};
    for (int i = 0; i < 100; i++)
        buffer_format(&requests, "POST /%s/%d HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab",
                      i % 3 ? "held" : "now", i);
    int fd = dial(s);
    say(s, fd, requests.data, requests.length);
    buffer_t all = {0};
    for (uint64_t until = clock_mono_ns() + BOUND_NS; s->seen < 100 && clock_mono_ns() < until;) {
        turn(s, -1, 100);
        for (; s->n_held; s->n_held--) {
            char text[32];
            (void)snprintf(text, sizeof text, "held %s", exchange_path(s->held[s->n_held - 1]));
            http_answer(s->held[s->n_held - 1], 200, "text/plain", span_of(text), 0, NULL);
        }
    }
    const char *answers = hear(s, fd, "HTTP/1.1 200", 100), *at = answers;
    for (int i = 0; i < 100; i++) {
        char path[16];
        (void)snprintf(path, sizeof path, "/%s/%d", i % 3 ? "held" : "now", i);
        at = strstr(at, path);
        assert_non_null(at);
    }
    buffer_destroy(&requests);
    buffer_destroy(&all);
    close(fd);
    site_close(s);
}

static void a_body_over_the_limit_is_not_kept(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    char *request = malloc(3000000);
    for (size_t size = 1000; size <= 2500000; size = size * 50) {
        int n = snprintf(request, 200, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
                         size),
            fd = dial(s);
        memset(request + n, 'x', size);
        say(s, fd, request, (size_t)n + size);
        assert_has(hear(s, fd, "\r\n\r\n", 1), size > 1000 ? "413" : "200");
        close(fd);
    }
    free(request);
    site_close(s);
}

static void a_chunked_body_over_the_limit_is_not_kept(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    buffer_t request = {0};
    buffer_text(&request, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 101; i++) buffer_text(&request, "a\r\n0123456789\r\n");
    buffer_text(&request, "0\r\n\r\n");
    int fd = dial(s);
    say(s, fd, request.data, request.length);
    assert_has(hear(s, fd, "\r\n\r\n", 1), "413");
    close(fd);
    buffer_destroy(&request);
    site_close(s);
}

static void a_chunked_body_is_put_together(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    assert_has(ask(s, "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
               "POST /x 127.0.0.1 - - 5");
    site_close(s);
}

static void a_length_given_twice_is_refused(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    assert_has(ask(s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n0\r\n\r\n"),
               "400");
    assert_has(
        ask(s,
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        "400");
    assert_int_equal(s->seen, 0);
    site_close(s);
}

static void too_many_headers_are_refused(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    buffer_t request = {0};
    buffer_text(&request, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < 70; i++) buffer_format(&request, "X-%d: 1\r\n", i);
    buffer_text(&request, "\r\n");
    assert_has(ask(s, buffer_string(&request)), "431");
    buffer_clear(&request);
    buffer_text(&request, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < 30000; i++) buffer_text(&request, "X: y\r\n");
    buffer_text(&request, "\r\n");
    assert_null(strstr(ask(s, buffer_string(&request)), "200 OK"));
    assert_int_equal(s->seen, 0);
    buffer_destroy(&request);
    site_close(s);
}

// One byte a time keeps a connection busy, not alive.
static void a_request_that_drips_in_is_cut_off(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    int fd = dial(s);
    uint64_t started = clock_mono_ns(), next = 0;
    say(s, fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n", 50);
    char answer[16];
    ssize_t got = -1;
    while (clock_mono_ns() - started < BOUND_NS) {
        turn(s, fd, 20);
        got = recv(fd, answer, sizeof answer, 0);
        if (got >= 0 || errno == ECONNRESET) break;
        if (clock_mono_ns() < next) continue;
        next = clock_mono_ns() + 20 * NS_PER_MS;
        if (send(fd, "x", 1, MSG_NOSIGNAL) < 0) break;
    }
    assert_true(clock_mono_ns() - started >= NS_PER_S);
    assert_true(clock_mono_ns() - started < 4 * NS_PER_S);
    assert_int_equal(s->seen, 0);
    close(fd);
    site_close(s);
}

static void a_connection_that_says_nothing_is_closed(void **state) {
    (void)state;
    struct http_options options = preset();
    options.idle_s = 1;
    struct site *s = site_open(options);
    int fd = dial(s);
    assert_string_equal(hear(s, fd, NULL, 0), "");
    close(fd);
    site_close(s);
}

static void a_connection_that_never_begins_a_request_is_closed_soon(void **state) {
    (void)state;
    struct http_options options = preset();
    options.idle_s = 15;
    struct site *s = site_open(options);
    uint64_t started = clock_mono_ns();
    int fd = dial(s);
    say(s, fd, "POST /x", 7);
    assert_string_equal(hear(s, fd, NULL, 0), "");
    assert_true(clock_mono_ns() - started < 4 * NS_PER_S);
    close(fd);
    fd = dial(s); // once it has been answered it may stay
    say(s, fd, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 28);
    assert_has(hear(s, fd, "\r\n\r\n", 1), "200 OK");
    started = clock_mono_ns();
    while (clock_mono_ns() - started < 2 * NS_PER_S) turn(s, fd, 100);
    say(s, fd, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 28);
    assert_has(hear(s, fd, "\r\n\r\n", 1), "200 OK");
    close(fd);
    site_close(s);
}

// As many silent ones as there are places, and again as many: who has something to say is answered
// at once; who waits for an answer keeps its place, and so does who was answered last.
static void when_all_places_are_taken_the_longest_idle_gives_its_own(void **state) {
    (void)state;
    struct http_options options = preset();
    options.connections_max = 50;
    options.request_s = 15;
    struct site *s = site_open(options);
    int silent[200], waits = dial(s), kept;
    say(s, waits, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n", 31);
    uint64_t started = clock_mono_ns();
    for (size_t i = 0; i < 200; i++) {
        silent[i] = dial(s);
        turn(s, -1, 20);
        if (i % 50 != 49) continue;
        assert_has(ask(s, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"), "200 OK");
    }
    kept = silent[199];
    say(s, kept, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 28);
    assert_has(hear(s, kept, "\r\n\r\n", 1), "200 OK");
    assert_int_equal(s->n_held, 1);
    http_answer(s->held[0], 200, "text/plain", span_of("at last"), 0, NULL);
    assert_has(hear(s, waits, "at last", 1), "at last");
    assert_true(clock_mono_ns() - started < 10 * NS_PER_S);
    assert_string_equal(hear(s, silent[0], NULL, 0), "");
    for (size_t i = 0; i < 200; i++) close(silent[i]);
    close(waits);
    site_close(s);
}

static void a_path_that_hides_something_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"/x%00y",         "/x%00",  "/webhook%2fx",
                                      "/webhook%2Fx/y", "/x%0Ay", "/x%1fy"};
    struct site *s = site_open(preset());
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char request[80];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", bad[i]);
        assert_has(ask(s, request), "400 Bad Request");
    }
    assert_int_equal(s->seen, 0);
    assert_has(ask(s, "GET /x%20y?name=a%2fb%00c HTTP/1.1\r\nHost: h\r\n\r\n"),
               "GET /x y 127.0.0.1 a/b");
    site_close(s);
}

static void connections_of_one_address_are_limited(void **state) {
    (void)state;
    struct http_options options = preset();
    options.connections_per_ip_max = 3;
    struct site *s = site_open(options);
    int fds[5], answered = 0;
    for (int i = 0; i < 5; i++) {
        fds[i] = dial(s);
        say(s, fds[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27);
    }
    for (int i = 0; i < 5; i++)
        answered += strstr(hear(s, fds[i], "\r\n\r\n", 1), "200 OK") != NULL;
    assert_int_equal(answered, 3);
    for (int i = 0; i < 5; i++) close(fds[i]);
    site_close(s);
}

static void a_good_client_is_quick_beside_a_thousand_idle_ones(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    int *idle = calloc(1000, sizeof *idle), slow = 0;
    for (int i = 0; i < 1000; i++) {
        idle[i] = dial(s);
        if (i % 2) (void)!send(idle[i], "POST /x HT", 10, MSG_NOSIGNAL);
        turn(s, -1, 0);
    }
    for (int i = 0; i < 100; i++) {
        uint64_t started = clock_mono_ns();
        assert_has(ask(s, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"), "200 OK");
        slow += clock_mono_ns() - started > 100 * NS_PER_MS;
    }
    assert_true(slow <= 1);
    for (int i = 0; i < 1000; i++) close(idle[i]);
    free(idle);
    site_close(s);
}

static void who_still_waits_at_the_end_is_told(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    int fd = dial(s);
    say(s, fd, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n", 31);
    for (uint64_t until = clock_mono_ns() + BOUND_NS; !s->n_held && clock_mono_ns() < until;)
        turn(s, -1, 100);
    http_destroy(&s->http);
    char answer[1024] = "";
    assert_true(recv(fd, answer, sizeof answer - 1, 0) > 0);
    assert_has(answer, "503");
    close(fd);
    free(s);
}

// A second request behind the one that waits, and a third on a connection that nobody has looked at
// yet.
static void who_comes_while_it_stops_is_told(void **state) {
    (void)state;
    static const char two[] =
        "GET /held HTTP/1.1\r\nHost: h\r\n\r\nGET /held/too HTTP/1.1\r\nHost: h\r\n\r\n";
    struct site *s = site_open(preset());
    int fd = dial(s), other = dial(s);
    say(s, fd, two, sizeof two - 1);
    for (uint64_t until = clock_mono_ns() + BOUND_NS; !s->n_held && clock_mono_ns() < until;)
        turn(s, -1, 100);
    assert_int_equal(send(other, two, 31, MSG_NOSIGNAL), 31);
    http_destroy(&s->http);
    char answer[1024] = "";
    assert_true(recv(fd, answer, sizeof answer - 1, 0) > 0);
    assert_has(answer, "503");
    assert_int_equal(s->n_held, 1);
    close(fd), close(other);
    free(s);
}

// What libmicrohttpd refuses by itself, before anybody here has seen it. Version 0.9.75 sends the
// head of some of these answers twice, so that what matters is that the first one refuses, says
// that the connection ends, and that it does.
static void what_the_library_refuses_ends_the_connection(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "GARBAGE\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", // no host
        "GET / HTTP/9.9\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: no\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
    };
    struct site *s = site_open(preset());
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int fd = dial(s);
        say(s, fd, wrong[i], strlen(wrong[i]));
        const char *answer = hear(s, fd, NULL, 0); // until the end of the connection
        bool refused =
            strncmp(answer, "HTTP/1.1 4", 10) == 0 || strncmp(answer, "HTTP/1.1 505", 12) == 0;
        if (*answer && (!refused || !strstr(answer, "\r\nConnection: close\r\n")))
            fail_msg("%s: %s", wrong[i], answer);
        close(fd);
    }
    assert_int_equal(s->seen, 0);
    site_close(s);
}

static void a_port_in_use_is_said(void **state) {
    (void)state;
    struct site *s = site_open(preset());
    struct http_options options = preset();
    options.port = http_port(s->http);
    errno = 0;
    assert_null(http_new(&options, on_request, s));
    assert_int_equal(errno, EADDRINUSE);
    options.address = "localhost";
    assert_null(http_new(&options, on_request, s));
    assert_int_equal(errno, EINVAL);
    site_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_seen_whole),
        cmocka_unit_test(a_held_request_is_answered_later),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_body_over_the_limit_is_not_kept),
        cmocka_unit_test(a_chunked_body_over_the_limit_is_not_kept),
        cmocka_unit_test(a_chunked_body_is_put_together),
        cmocka_unit_test(a_length_given_twice_is_refused),
        cmocka_unit_test(too_many_headers_are_refused),
        cmocka_unit_test(a_request_that_drips_in_is_cut_off),
        cmocka_unit_test(a_connection_that_says_nothing_is_closed),
        cmocka_unit_test(a_connection_that_never_begins_a_request_is_closed_soon),
        cmocka_unit_test(when_all_places_are_taken_the_longest_idle_gives_its_own),
        cmocka_unit_test(a_path_that_hides_something_is_refused),
        cmocka_unit_test(connections_of_one_address_are_limited),
        cmocka_unit_test(a_good_client_is_quick_beside_a_thousand_idle_ones),
        cmocka_unit_test(who_still_waits_at_the_end_is_told),
        cmocka_unit_test(who_comes_while_it_stops_is_told),
        cmocka_unit_test(what_the_library_refuses_ends_the_connection),
        cmocka_unit_test(a_port_in_use_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
