// main - main() of every program that copies: options, its state file, rounds until it is asked to
// stop.
// SPDX-License-Identifier: MIT
#include <errno.h>
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
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/bus/keys.h"
#include "common/delivery/topology.h"
#include "common/program/notify.h"
#include "common/program/stop.h"
#include "sync/copy/copy.h"

#define AT(field) offsetof(struct copy_settings, field)
#define REST_MS   50 // how soon it hears that it is to stop

static const struct option common_options[] = {
    OPTION_RUN_DIR(AT(run_dir)),
    {"archive", OPTION_TEXT, AT(archive), "var/data/archive.db",
     "The archive's SQLite file; the program only reads it", 0, 0, NULL},
    {"state", OPTION_TEXT, AT(state), NULL,
     "SQLite file in which the program notes how far its copy is", 0, 0, NULL},
    {"keys_dir", OPTION_TEXT, AT(keys_dir), NULL,
     "Directory of keys, for doors on tcp; see tradecast keys", 0, 0, NULL},
    {"look", OPTION_DURATION, AT(look_ms), "1s",
     "How long to wait before reading the archive again when it had nothing new", 10, 3600000,
     NULL},
    {"heartbeat", OPTION_DURATION, AT(heartbeat_ms), "1s",
     "How often the program publishes its state", 50, 60000, NULL},
    OPTION_LOG_LEVEL(AT(log_level)),
    {0},
};
#define COMMON (sizeof common_options / sizeof *common_options)

static void common_table(const struct copy_program *program, struct option out[static COMMON]) {
    memcpy(out, common_options, sizeof common_options);
    option_set_preset(out, "state", program->state_preset);
}

static void each_option_table(const struct copy_program *program, options_print_fn *print) {
    struct option table[COMMON];
    common_table(program, table);
    print(program->options, program->section, stdout);
    printf("\n");
    print(table, program->section, stdout);
}

static void print_copy_usage(const struct copy_program *program) {
    printf("tradecast-%s - %s\n\nUsage: tradecast-%s [--help | --env | --reference | "
           "--check%s]\n\n" OPTIONS_USAGE "\n",
           program->name, program->purpose, program->name, program->usage ? program->usage : "");
}

static void catch_stop_signals(void) {
    stop_on_signals(0);
    (void)signal(SIGPIPE, SIG_IGN);
}

// Two on one state file would each send what the other did. Held as long as the process.
static bool lock_state(const char *state) {
    char path[1024];
    if (snprintf(path, sizeof path, "%s.lock", state) >= (int)sizeof path) return false;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    log_event(LOG_LEVEL_ERROR, "no_start", "what=%s why=%s", log_quote(path),
              log_quote(fd >= 0 ? "another process copies with this state file" : strerror(errno)));
    if (fd >= 0) close(fd);
    return false;
}

static bool start_copy(struct copy *self) {
    char why[200] = "";
    if (!lock_state(self->settings.state)) return false;
    self->state = sql_open(self->settings.state, SQL_WRITE, why);
    if (!self->state)
        return log_event(LOG_LEVEL_ERROR, "no_start", "why=%s", log_quote(why)), false;
    if (sql_migrate(self->state, self->program->steps, self->program->n_steps)) {
        log_event(LOG_LEVEL_ERROR, "no_start", "state=%s why=%s", self->settings.state,
                  log_quote(sql_trouble(self->state)));
        return false;
    }
    // What a crash of the machine takes back here is sent again.
    if (sql_run(self->state, "PRAGMA synchronous=NORMAL")) return false;
    keys_start(self->settings.keys_dir, self->program->name);
    struct endpoint at = endpoint_of(self->settings.run_dir, self->program->name, "events");
    self->events = port_bind(PORT_PUB, &at, 100);
    catch_stop_signals(); // opening a port may have set czmq's own
    if (!self->events)
        log_event(LOG_LEVEL_ERROR, "no_start", "endpoint=%s why=%s", at.address,
                  log_quote(port_why()));
    self->began_at = clock_utc_ns() / NS_PER_US;
    return self->events != NULL;
}

static void rest_between(struct copy *self, int64_t ms) {
    uint64_t until = clock_mono_ns() + (uint64_t)ms * NS_PER_MS;
    while (copy_goes_on(self)) {
        uint64_t now = clock_mono_ns();
        if (now >= until) return;
        uint64_t left = (until - now) / NS_PER_US + 1;
        usleep(left < REST_MS * 1000 ? (useconds_t)left : REST_MS * 1000);
    }
}

static int run_copy(struct copy *self, const void *settings) {
    void *program = start_copy(self) ? self->program->new (self, settings) : NULL;
    if (program)
        log_event(LOG_LEVEL_INFO, "started", "archive=%s", log_quote(self->settings.archive));
    if (program) notify_ready();
    while (program && copy_goes_on(self)) rest_between(self, self->program->round(program));
    if (program) notify_stopping();
    if (program)
        log_event(LOG_LEVEL_INFO, "stopped", "delivered=%llu", (unsigned long long)self->delivered);
    int status = program ? 0 : 1;
    if (program) self->program->destroy(&program);
    port_destroy(&self->events);
    sql_destroy(&self->state);
    return status;
}

static err_t read_copy_options(struct copy *self, void *settings, char wrong[static 256]) {
    struct option table[COMMON];
    common_table(self->program, table);
    err_t e = options_read(table, self->program->section, &self->settings, wrong);
    if (!e) e = options_read(self->program->options, self->program->section, settings, wrong);
    if (!e && !self->program->check(settings, wrong)) e = ERR_CONFIG;
    return e;
}

int copy_main(const struct copy_program *program, int argc, char **argv) {
    const char *argument = argc > 1 ? argv[1] : "";
    struct copy self = {.program = program};
    char wrong[256] = "";
    (void)umask(umask(0) | 0077);
    options_print_fn *print = options_printer(argument);
    if (print == options_help) print_copy_usage(program);
    if (print) return each_option_table(program, print), 0;
    if (sodium_init() < 0) return 1;
    void *settings = alloc_zeroed(1, program->settings_size);
    int status = 2;
    log_start(program->name, LOG_LEVEL_INFO);
    if (read_copy_options(&self, settings, wrong))
        fprintf(stderr, "%s\n", wrong);
    else if (strcmp(argument, "--check") == 0)
        status = 0;
    else if (*argument && program->other)
        status = program->other(argument, settings);
    else if (*argument)
        fprintf(stderr, "unknown argument %.60s; --help says what there is\n", argument);
    else {
        log_start(program->name, log_level_from(self.settings.log_level));
        catch_stop_signals();
        status = run_copy(&self, settings);
    }
    free(settings);
    return status;
}
