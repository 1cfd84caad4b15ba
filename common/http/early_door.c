// early_door - the HTTP door of a service that waits for Redis at its start.
// SPDX-License-Identifier: MIT
#include "common/http/early_door.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/bus/port.h"

#define STARTING                                                                                   \
    "{\"error\":{\"code\":\"starting\",\"message\":\"the service is starting: Redis does not "     \
    "answer yet; try again\",\"field\":null}}"

struct early_door {
    http_t *http; // NULL: could not be opened
};

static void turn_away(void *arg, exchange_t *x) {
    (void)arg;
    http_answer(x, 503, "application/json", span_of(STARTING), 1, NULL);
}

early_door_t *early_door_new(const struct http_options *options) {
    early_door_t *self = alloc_zeroed(1, sizeof *self);
    self->http = http_new(options, turn_away, self);
    return self;
}

void early_door_wait(early_door_t *self, int64_t timeout_ms) {
    uint64_t until = clock_mono_ns() + (uint64_t)timeout_ms * NS_PER_MS, now;
    while ((now = clock_mono_ns()) < until) {
        struct waiter door = {.fd = self->http ? http_fd(self->http) : -1};
        if (ports_wait(&door, self->http ? 1 : 0, (int64_t)((until - now) / NS_PER_MS) + 1))
            http_run(self->http);
    }
}

int early_door_leave(early_door_t **self) {
    int listener = *self && (*self)->http ? http_leave(&(*self)->http) : 0;
    free(*self);
    *self = NULL;
    return listener > 0 ? listener : 0;
}
