// usage - what this process takes of its machine.
// SPDX-License-Identifier: MIT
#include "gateways/link/usage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

static uint64_t cpu_ns(void) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void usage_start(struct usage *u, uint64_t mono_ns) {
    *u = (struct usage){mono_ns, mono_ns, cpu_ns()};
}

decimal_t usage_cpu_percent(struct usage *u, uint64_t mono_ns) {
    uint64_t now = cpu_ns(), wall_us = (mono_ns - u->looked_at) / NS_PER_US,
             used_us = (now - u->cpu_then) / NS_PER_US;
    u->looked_at = mono_ns;
    u->cpu_then = now;
    uint64_t hundredths = wall_us ? used_us * 10000 / wall_us : 0;
    return D((int64_t)hundredths * (DECIMAL_SCALE / 100));
}

uint64_t usage_memory_bytes(void) {
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return 0;
    text[n] = 0;
    const char *resident = strchr(text, ' '); // the second number, in pages
    return resident ? strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
