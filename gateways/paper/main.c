// gateway-paper - a broker in its own process, with books of its own.
// SPDX-License-Identifier: MIT
//
// Read on in loop.c (when), paper.c and intake.c (what), books.c (what is never forgotten).
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "gateways/link/link.h"
#include "gateways/paper/loop.h"

static int help(void) {
    printf("tradecast-gateway-paper - a broker that exists only here: fills from the price feed, remembers in books of its own\n\n"
           "Usage: tradecast-gateway-paper [--help | --env | --reference | --check]\n\n"
           "  --env        print an environment file with every option and its preset\n"
           "  --reference  print the options as a Markdown table\n"
           "  --check      read the options, say what is wrong, and stop\n\n"
           "Options come from the environment: TRADECAST_PAPER_<NAME>, else TRADECAST_<NAME>.\n\n");
    options_help(settings_table, PAPER_SERVICE, stdout);
    return 0;
}

// Two brokers on the same books would both answer for them. Held as long as the process; -1: somebody else has it.
static int lock_books(const char *books) {
    char path[1024];
    if (snprintf(path, sizeof path, "%s.lock", books) >= (int)sizeof path) return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    fprintf(stderr, "%s: these books are in use by another process, or the directory cannot be written\n", path);
    if (fd >= 0) close(fd);
    return -1;
}

static void on_signal(int number) {
    (void)number;
    loop_stop_asked = 1;
}

static int run(const struct paper_settings *settings) {
    struct sigaction action = {.sa_handler = on_signal};
    int lock = lock_books(settings->books);
    if (lock < 0) return 1;
    if (sodium_init() < 0) return 1;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    log_start(settings->instance_id, log_level_from(settings->log_level));
    log_event(LOG_LEVEL_INFO, "started", "books=%s executor=%s", log_quote(settings->books), log_quote(settings->executor_at.address));
    link_key(settings->keys_dir, settings->instance_id);
    int status = loop_run(settings);
    log_event(LOG_LEVEL_INFO, "stopped", "status=%d", status);
    close(lock);
    return status;
}

int main(int argc, char **argv) {
    struct paper_settings settings = {0};
    char wrong[256];
    (void)umask(umask(0) | 0077); // its books are its own
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return help();
    if (argc == 2 && strcmp(argv[1], "--env") == 0) return options_env_file(settings_table, PAPER_SERVICE, stdout), 0;
    if (argc == 2 && strcmp(argv[1], "--reference") == 0) return options_reference(settings_table, PAPER_SERVICE, stdout), 0;
    bool check = argc == 2 && strcmp(argv[1], "--check") == 0;
    if (argc > 1 && !check) return fprintf(stderr, "unknown argument %s; see --help\n", argv[1]), 2;
    if (settings_read(&settings, wrong) != ERR_OK) return fprintf(stderr, "%s\n", wrong), 2;
    return check ? 0 : run(&settings);
}
