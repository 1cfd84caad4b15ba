// child - a service's program, run as a process of our own.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "proto/topics.h"

// The services whose runs are recorded, and so can be run again.
#define RERUN_ROLES 4
extern const enum role rerun_roles[RERUN_ROLES];

// It is killed when we end. {0}: there is none.
struct child {
    pid_t pid;
    FILE *to, *from; // its stdin and stdout
};

// The program of this role beside ours, with one flag ("--rerun"). False: it cannot be started.
bool child_start(struct child *c, enum role role, const char *flag);
// Closes its stdin and waits for it. Returns its exit status; 128 and more: a signal ended it.
int child_end(struct child *c);
