// sandbox - a directory and a Redis of its own, for as long as a command runs.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct sandbox {
    char directory[64], redis[96]; // redis: its address
    pid_t server;
};

// False: `why` says why. Whatever was made goes with sandbox_end.
bool sandbox_begin(struct sandbox *s, char why[static 256]);
// From here on programs that we run find themselves in it, by their environment.
void sandbox_enter(const struct sandbox *s);
void sandbox_end(struct sandbox *s);
