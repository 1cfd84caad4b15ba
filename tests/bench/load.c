// load - posts signals to the webhook: pipelined keep-alive HTTP at a rate or as fast as it goes;
// resends like TradingView; one JSON line at the end.
// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define DEPTH_MAX       256
#define OUT_MAX         (DEPTH_MAX * 1536)
#define IN_MAX          65536
#define RESEND_AFTER_NS 50000000u
#define DIAL_MS         500
// what is sent and not received by then is sent again over another connection
#define UNHEARD_MS  3000
#define PATIENCE_NS 10000000000u // after the last signal is sent, for answers and resends
#define SILENCE_NS  60000000000u // nobody has answered for so long: it stops by itself

enum fate { NEW, WAITING, ACCEPTED, REFUSED, LOST };

struct item {
    // when it was to be sent (monotonic): latency counts from here, so that a stall is not hidden
    uint64_t due_ns;
    uint64_t sent_utc_ns; // when it was first sent
    uint64_t answered_ns;
    uint16_t status; // last answer
    uint8_t fate;
};

struct connection {
    int fd;
    bool up;
    uint64_t retry_at;
    uint32_t flying[DEPTH_MAX]; // what waits for an answer, in order
    unsigned first, count;
    char out[OUT_MAX];
    size_t out_length;
    char in[IN_MAX];
    size_t in_length;
};

static struct {
    const char *address, *path, *body, *prefix, *log;
    unsigned port, connections, depth;
    uint64_t rate, duration_ms, count;
    bool resend;
} options = {.address = "127.0.0.1",
             .path = "/",
             .prefix = "load",
             .connections = 8,
             .depth = 16,
             .count = 1000};

static struct item *items;
static uint64_t produced, settled, resent, accepted, refused, answers, unavailable;
static uint32_t *again; // a queue of items to send again
static uint64_t again_first, again_count;
static uint64_t again_at;
static uint64_t started_ns, sending_done_ns;
static struct connection *connections;
static int epoll_fd;
static uint64_t heard_ns; // the last answer
static volatile sig_atomic_t stopping;

static uint64_t now_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static uint64_t mono_ns(void) { return now_of(CLOCK_MONOTONIC); }

static void stop(int number) {
    (void)number;
    stopping = 1;
}

static void settle(struct item *item, enum fate fate) {
    item->fate = (uint8_t)fate;
    settled++;
    if (fate == ACCEPTED) accepted++;
    if (fate == REFUSED) refused++;
}

static void once_more(uint32_t seq) {
    if (!options.resend) {
        settle(&items[seq], LOST);
        return;
    }
    again[(again_first + again_count++) % options.count] = seq;
    again_at = mono_ns() + RESEND_AFTER_NS;
}

static void hang_up(struct connection *c) {
    close(c->fd);
    c->up = false;
    c->retry_at = mono_ns() + 20000000u;
    for (; c->count; c->count--) {
        once_more(c->flying[c->first]);
        c->first = (c->first + 1) % DEPTH_MAX;
    }
    c->out_length = c->in_length = 0;
}

static void dial(struct connection *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    inet_pton(AF_INET, options.address, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // A host that is gone answers nothing: neither dialling nor what is on its way waits for it as
    // long as the kernel would.
    struct timeval dial_most = {.tv_usec = DIAL_MS * 1000};
    unsigned unheard_ms = UNHEARD_MS;
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &dial_most, sizeof dial_most);
    setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard_ms, sizeof unheard_ms);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(c->fd);
        c->retry_at = mono_ns() + 20000000u;
        return;
    }
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e);
    c->up = true;
}

// The body with every {id} replaced by prefix-seq.
static size_t print_body(char *out, size_t room, uint32_t seq) {
    size_t n = 0;
    for (const char *at = options.body; *at && n + 80 < room;) {
        if (strncmp(at, "{id}", 4) == 0) {
            n += (size_t)snprintf(out + n, room - n, "%s-%u", options.prefix, seq);
            at += 4;
        } else {
            out[n++] = *at++;
        }
    }
    return n;
}

static void put(struct connection *c, uint32_t seq) {
    char body[1024];
    size_t length = print_body(body, sizeof body, seq);
    c->out_length +=
        (size_t)snprintf(c->out + c->out_length, OUT_MAX - c->out_length,
                         "POST %s HTTP/1.1\r\nHost: tradecast\r\nContent-Length: %zu\r\n\r\n%.*s",
                         options.path, length, (int)length, body);
    c->flying[(c->first + c->count++) % DEPTH_MAX] = seq;
    struct item *item = &items[seq];
    if (item->fate == NEW) item->sent_utc_ns = now_of(CLOCK_REALTIME);
    item->fate = WAITING;
}

static bool time_is_up(uint64_t now) {
    return stopping || (options.duration_ms && now - started_ns > options.duration_ms * 1000000u);
}

// How many signals may be out by now.
static uint64_t allowed(uint64_t now) {
    if (time_is_up(now)) return produced;
    if (!options.rate) return options.count;
    uint64_t n = (now - started_ns) / 100 * options.rate / 10000000u + 1;
    return n > options.count ? options.count : n;
}

static bool next_item(uint64_t now, uint64_t limit, uint32_t *seq) {
    if (again_count && now >= again_at) {
        *seq = again[again_first];
        again_first = (again_first + 1) % options.count;
        again_count--;
        resent++;
        return true;
    }
    if (produced >= limit) return false;
    *seq = (uint32_t)produced++;
    items[*seq].due_ns =
        options.rate ? started_ns + (uint64_t)*seq * 1000000000u / options.rate : now;
    return true;
}

static void flush(struct connection *c) {
    if (!c->up || !c->out_length) return;
    ssize_t n = send(c->fd, c->out, c->out_length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN) {
        hang_up(c);
        return;
    }
    if (n > 0) {
        memmove(c->out, c->out + n, c->out_length - (size_t)n);
        c->out_length -= (size_t)n;
    }
}

static void feed(uint64_t now) {
    uint64_t limit = allowed(now);
    bool more = true;
    for (unsigned i = 0; i < options.connections; i++) {
        struct connection *c = &connections[i];
        if (!c->up && now >= c->retry_at) dial(c);
    }
    while (more) { // round robin, one each: so that a low rate uses all connections
        bool took = false;
        for (unsigned i = 0; i < options.connections && more; i++) {
            struct connection *c = &connections[i];
            uint32_t seq;
            if (!c->up || c->count >= options.depth || c->out_length + 2048 > OUT_MAX) continue;
            more = next_item(now, limit, &seq);
            if (!more) break;
            put(c, seq);
            took = true;
        }
        more = more && took;
    }
    for (unsigned i = 0; i < options.connections; i++) flush(&connections[i]);
}

static void take_answer(struct connection *c, unsigned status) {
    uint32_t seq = c->flying[c->first];
    struct item *item = &items[seq];
    c->first = (c->first + 1) % DEPTH_MAX;
    c->count--;
    answers++;
    heard_ns = mono_ns();
    item->status = (uint16_t)status;
    if (status >= 500) {
        unavailable++;
        once_more(seq);
        return;
    }
    item->answered_ns = mono_ns();
    settle(item, status == 200 ? ACCEPTED : REFUSED);
}

// One answer out of the input; 0: not whole yet.
static size_t parse(struct connection *c, char *at, size_t length) {
    char *end = memmem(at, length, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    const char *field = strcasestr(at, "\r\nContent-Length:");
    size_t body = field ? strtoul(field + 17, NULL, 10) : 0, all = (size_t)(end - at) + 4 + body;
    *end = '\r';
    if (all > length) return 0;
    if (c->count) take_answer(c, (unsigned)strtoul(at + 9, NULL, 10));
    return all;
}

static void hear(struct connection *c) {
    ssize_t n = recv(c->fd, c->in + c->in_length, IN_MAX - c->in_length, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        hang_up(c);
        return;
    }
    if (n < 0) return;
    c->in_length += (size_t)n;
    size_t done = 0;
    for (size_t one; (one = parse(c, c->in + done, c->in_length - done)) > 0;) done += one;
    memmove(c->in, c->in + done, c->in_length - done);
    c->in_length -= done;
}

// Until the next signal is due, at most a millisecond; that, too, when all are out or no connection
// has room.
static uint64_t nap(uint64_t now) {
    if (!options.rate || produced < allowed(now) || produced >= options.count) return 1000000u;
    uint64_t due = started_ns + produced * 1000000000u / options.rate;
    return due <= now ? 0 : due - now < 1000000u ? due - now : 1000000u;
}

static bool finished(uint64_t now) {
    if (now - heard_ns > SILENCE_NS) return true;
    if (produced < options.count && !time_is_up(now)) return false;
    if (!sending_done_ns) sending_done_ns = now;
    return settled == produced || now - sending_done_ns > PATIENCE_NS;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void report(void) {
    uint64_t *latency = malloc((size_t)(produced + 1) * sizeof *latency), n = 0, last = started_ns;
    if (!latency) abort();
    for (uint64_t i = 0; i < produced; i++) {
        if (items[i].fate != ACCEPTED) continue;
        latency[n++] = items[i].answered_ns - items[i].due_ns;
        if (items[i].answered_ns > last) last = items[i].answered_ns;
    }
    qsort(latency, n, sizeof *latency, by_value);
#define AT(share) (n ? latency[(uint64_t)((double)(n - 1) * (share))] / 1000 : 0)
    double seconds = (double)(last - started_ns) / 1e9;
    printf(
        "{\"sent\": %lu, \"accepted\": %lu, \"refused\": %lu, \"unsettled\": %lu, \"resent\": %lu, "
        "\"unavailable\": %lu, \"seconds\": %.3f, "
        "\"per_s\": %.0f, \"p50_us\": %lu, \"p99_us\": %lu, \"p999_us\": %lu, \"most_us\": %lu}\n",
        produced, accepted, refused, produced - settled, resent, unavailable, seconds,
        seconds > 0 ? (double)n / seconds : 0.0, AT(0.5), AT(0.99), AT(0.999), AT(1.0));
    free(latency);
}

// One line a signal: id, last status (0: none), when first sent (UTC ns), how long until the answer
// (us).
static void write_log(void) {
    FILE *f = options.log ? fopen(options.log, "w") : NULL;
    if (!f) return;
    for (uint64_t i = 0; i < produced; i++) {
        const struct item *item = &items[i];
        fprintf(f, "%s-%lu %u %lu %lu\n", options.prefix, i,
                item->fate == ACCEPTED  ? 200
                : item->fate == REFUSED ? item->status
                                        : 0,
                item->sent_utc_ns,
                item->answered_ns ? (item->answered_ns - item->due_ns) / 1000 : 0);
    }
    fclose(f);
}

static void read_options(int argc, char **argv) {
    static const struct option names[] = {{"address", 1, 0, 'h'},
                                          {"port", 1, 0, 'p'},
                                          {"path", 1, 0, 'u'},
                                          {"body", 1, 0, 'b'},
                                          {"prefix", 1, 0, 'i'},
                                          {"log", 1, 0, 'l'},
                                          {"rate", 1, 0, 'r'},
                                          {"duration-ms", 1, 0, 's'},
                                          {"count", 1, 0, 'n'},
                                          {"depth", 1, 0, 'd'},
                                          {"resend", 0, 0, 'a'},
                                          {"connections", 1, 0, 'c'},
                                          {0}};
    for (int o; (o = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (o == 'p')
            options.port = (unsigned)atoi(optarg);
        else if (o == 'h')
            options.address = optarg;
        else if (o == 'u')
            options.path = optarg;
        else if (o == 'b')
            options.body = optarg;
        else if (o == 'i')
            options.prefix = optarg;
        else if (o == 'l')
            options.log = optarg;
        else if (o == 'r')
            options.rate = strtoull(optarg, NULL, 10);
        else if (o == 's')
            options.duration_ms = strtoull(optarg, NULL, 10);
        else if (o == 'n')
            options.count = strtoull(optarg, NULL, 10);
        else if (o == 'd')
            options.depth = (unsigned)atoi(optarg);
        else if (o == 'c')
            options.connections = (unsigned)atoi(optarg);
        else if (o == 'a')
            options.resend = true;
        else
            exit(2);
    }
    if (!options.port || !options.body || !options.count || options.depth < 1 ||
        options.depth > DEPTH_MAX || options.connections < 1 ||
        options.connections > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: load --port P --path PATH --body TEXT-WITH-{id} [--prefix X] "
                        "[--count N] [--rate N] [--duration-ms N] "
                        "[--connections N] [--depth N] [--resend] [--log FILE]\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    items = calloc(options.count, sizeof *items);
    again = calloc(options.count, sizeof *again);
    connections = calloc(options.connections, sizeof *connections);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!items || !again || !connections || epoll_fd < 0) abort();
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    prctl(PR_SET_PDEATHSIG, SIGKILL); // it does not outlive the test
    started_ns = heard_ns = mono_ns();
    struct epoll_event events[64];
    for (uint64_t now = started_ns; !finished(now); now = mono_ns()) {
        feed(now);
        struct timespec most = {.tv_nsec = (long)nap(now)};
        int n = epoll_pwait2(epoll_fd, events, 64, &most, NULL);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->up) hear(c);
        }
    }
    report();
    write_log();
    return accepted == produced ? 0 : 1;
}
