// run - main() of every gateway: options, the lock on its books, signals.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/program/stop.h"
#include "gateways/link/loop.h"
#include "gateways/link/settings.h"

static void print_usage(const struct gateway *gateway) {
    const char *kind = gateway->kind;
    printf("tradecast-gateway-%s - %s\n\n"
           "Usage: tradecast-gateway-%s [--help | --env | --reference | --check]\n\n" OPTIONS_USAGE
           "\nOptions come from the environment: TRADECAST_",
           kind, gateway->purpose, kind);
    for (const char *c = kind; *c; c++) putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    printf("_<NAME>, else TRADECAST_<NAME>.\n\n");
}

// Two gateways on the same books would both answer for them. Held as long as the process; -1:
// somebody else has it.
static int lock_books(const char *books) {
    char path[1024];
    if (snprintf(path, sizeof path, "%s.lock", books) >= (int)sizeof path) return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    fprintf(stderr,
            "%s: these books are in use by another process, or the directory cannot be written\n",
            path);
    if (fd >= 0) close(fd);
    return -1;
}

static int run_settings(const struct gateway *gateway, const struct gateway_settings *settings) {
    int lock = lock_books(settings->books);
    if (lock < 0) return 1;
    if (sodium_init() < 0) return 1;
    stop_on_signals(0);
    (void)signal(SIGPIPE, SIG_IGN);
    log_start(settings->instance_id, log_level_from(settings->log_level));
    log_event(LOG_LEVEL_INFO, "started", "books=%s executor=%s", log_quote(settings->books),
              log_quote(settings->executor_at.address));
    link_key(settings->keys_dir, settings->instance_id);
    int status = loop_run(gateway, settings);
    log_event(LOG_LEVEL_INFO, "stopped", "status=%d", status);
    close(lock);
    return status;
}

int gateway_run(const struct gateway *gateway, int argc, char **argv) {
    const char *word = argc == 2 ? argv[1] : "";
    char wrong[256];
    (void)umask(umask(0) | 0077); // its books are its own
    options_print_fn *print = options_printer(word);
    if (print == options_help) print_usage(gateway);
    if (print) return settings_print(gateway, print), 0;
    bool check = strcmp(word, "--check") == 0;
    if (argc > 1 && !check) return fprintf(stderr, "unknown argument %s; see --help\n", argv[1]), 2;
    void *settings = alloc_zeroed(1, gateway->settings_size);
    int status = 0;
    if (settings_read(gateway, settings, wrong) != ERR_OK)
        (void)fprintf(stderr, "%s\n", wrong), status = 2;
    else if (!check)
        status = run_settings(gateway, settings);
    free(settings);
    return status;
}
