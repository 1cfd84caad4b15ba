// early_door - the HTTP door of a service that waits for Redis at its start: it answers 503.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/http/http.h"

typedef struct early_door early_door_t;

// What it cannot open it does without: the service itself says why when it opens its own.
early_door_t *early_door_new(const struct http_options *options);
// Waits so long, answering whoever comes: 503, "Redis does not answer yet".
void early_door_wait(early_door_t *self, int64_t timeout_ms);
// The listening socket, for the service's own door; 0: there is none. Who comes until that is open
// waits.
int early_door_leave(early_door_t **self);
