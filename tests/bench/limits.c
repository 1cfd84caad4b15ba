// limits - how fast a message hops over ZeroMQ here: one process pushes, another pulls, as services
// do. Prints messages a second. Usage: limits ADDRESS [KEYS_DIR]; with keys it is ingest that sends
// to router's inbox.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/bus/keys.h"
#include "common/bus/port.h"

#define MESSAGES 400000u
#define BYTES    300

static uint64_t mono_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void push(const struct endpoint *at) {
    static char body[BYTES];
    port_t *out = port_connect(PORT_PUSH, at, 1000);
    for (unsigned n = 0; n < MESSAGES;) {
        if (port_send(out, "signals", (struct span){body, sizeof body}))
            n++;
        else
            usleep(50);
    }
    sleep(2); // closing drops what is still queued
    port_destroy(&out);
}

static uint64_t pull(port_t *in) {
    uint64_t began = 0;
    struct waiter waiter = {.port = in};
    for (unsigned n = 0; n < MESSAGES;) {
        if (ports_wait(&waiter, 1, 10000) == 0) return 0;
        struct parcel p;
        while (port_receive(in, &p)) {
            if (n++ == 0) began = mono_ns();
        }
    }
    return mono_ns() - began;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) return 2;
    struct endpoint at = endpoint_at(argv[1], "router", "inbox");
    const char *keys = argc == 3 ? argv[2] : NULL;
    pid_t child = fork(); // before either side has a ZeroMQ context
    keys_start(keys, child == 0 ? "ingest" : "router");
    if (child == 0) {
        push(&at);
        return 0;
    }
    port_t *in = port_bind(PORT_PULL, &at, 1000);
    if (!in) fprintf(stderr, "%s\n", port_why());
    uint64_t ns = in ? pull(in) : 0;
    port_destroy(&in);
    waitpid(child, NULL, 0);
    if (!ns) return 1;
    printf("%" PRIu64 "\n", (uint64_t)MESSAGES * 1000000000u / ns);
    return 0;
}
