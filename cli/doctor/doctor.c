// doctor - checks the installation: directories, Redis, services, disk, clocks, SQLite.
// SPDX-License-Identifier: MIT
#include "cli/doctor/doctor.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/bus/keys.h"
#include "common/delivery/topology.h"

#define EARLIEST_NS    UINT64_C(1735689600000000000) // 2025-01-01: a clock before it is wrong
#define OPEN_FILES_MIN 1024

void report_finding(struct report_finding *self, enum finding finding, const char *what,
                    const char *format, ...) {
    static const char *const words[] = {"ok", "warning", "WRONG"};
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    self->found[finding]++;
    sheet_add(&self->sheet, words[finding]);
    sheet_add(&self->sheet, what);
    sheet_add(&self->sheet, text);
}

static void check_directory(struct report_finding *self, const char *path) {
    struct stat s;
    if (stat(path, &s) != 0)
        report_finding(self, WRONG, "directory", "%s: %s; is --dir right?", path, strerror(errno));
    else if (!S_ISDIR(s.st_mode))
        report_finding(self, WRONG, "directory", "%s is no directory", path);
    else if (s.st_mode & 077)
        report_finding(self, WRONG, "directory", "%s is open to others (mode %o): chmod 700 %s",
                       path, s.st_mode & 07777, path);
    else if (access(path, W_OK | X_OK) != 0)
        report_finding(self, WRONG, "directory", "%s cannot be written: %s", path, strerror(errno));
    else
        report_finding(self, FINE, "directory", "%s is private and can be written", path);
}

static void check_directories(struct report_finding *self) {
    static const char *const parts[] = {"redis", "data", "log", "secrets"};
    check_directory(self, self->call->place.run);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char path[320];
        snprintf(path, sizeof path, "%s/%s", self->call->place.dir, parts[i]);
        check_directory(self, path);
    }
}

static void check_secrets(struct report_finding *self) {
    DIR *dir = opendir(self->call->place.secrets);
    unsigned n = 0, open_to_others = 0;
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat s;
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &s, 0) != 0) continue;
        n++;
        if (!(s.st_mode & 077)) continue;
        open_to_others++;
        report_finding(self, WRONG, "secrets", "%s can be read by others (mode %o): chmod 600 it",
                       entry->d_name, s.st_mode & 07777);
    }
    if (dir) closedir(dir);
    if (n && !open_to_others) report_finding(self, FINE, "secrets", "%u files, all private", n);
}

// Where doors are on tcp: this host's keys, and that nobody can put one there.
static void check_keys(struct report_finding *self) {
    const char *keys = self->call->place.keys;
    char why[KEYS_WHY];
    struct key_pair pair;
    DIR *dir = opendir(keys);
    unsigned n = 0, wrong = 0;
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        char name[OWNER_TEXT];
        if (!dot || strcmp(dot, ".key") != 0 || dot == entry->d_name) continue;
        snprintf(name, sizeof name, "%.*s", (int)(dot - entry->d_name), entry->d_name);
        if (keyring_secret(keys, name, &pair, why)) {
            n++;
        } else {
            wrong++;
            report_finding(self, WRONG, "keys", "%s", why);
        }
        explicit_bzero(&pair, sizeof pair);
    }
    if (dir) closedir(dir);
    if (n + wrong == 0) return;
    if (!keyring_is_safe(keys, why))
        report_finding(self, WRONG, "keys", "%s", why);
    else if (!wrong)
        report_finding(self, FINE, "keys", "%u are here, all private", n);
}

static void check_service(struct report_finding *self, const char *name) {
    const struct question question = {.service = name, .verb = "ping", .within_ms = 2000};
    own(buffer) answer = {0};
    enum outcome outcome = ask_service(&self->call->place, &question, &answer);
    const char *text = buffer_string(&answer);
    if (outcome != DONE)
        report_finding(self, WRONG, "service", "%s", text);
    else if (strstr(text, "\"stalled\":true"))
        report_finding(self, WRONG, "service", "%s cannot commit; see tradecast status", name);
    else
        report_finding(self, FINE, "service", "%s answers", name);
}

static void check_port(struct report_finding *self, const char *what, const char *variable,
                       unsigned preset) {
    const char *given = getenv(variable);
    unsigned long port = given && *given ? strtoul(given, NULL, 10) : preset;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool there = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) close(fd);
    if (there)
        report_finding(self, FINE, "endpoint", "%s listens at 127.0.0.1:%lu", what, port);
    else
        report_finding(self, WRONG, "endpoint",
                       "nobody listens at 127.0.0.1:%lu, where %s should (%s)", port, what,
                       variable);
}

static void check_services(struct report_finding *self) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_instances(self->call->place.shards, all);
    for (size_t i = 0; i < n; i++) check_service(self, all[i].name);
    check_port(self, "the webhook", "TRADECAST_INGEST_HTTP_PORT", 8300);
    check_port(self, "the monitor", "TRADECAST_MONITOR_HTTP_PORT", 8301);
}

static void check_clock(struct report_finding *self) {
    char now[TIME_TEXT];
    struct timex state = {.modes = 0};
    uint64_t utc = clock_utc_ns();
    time_print(utc, now);
    if (utc < EARLIEST_NS)
        report_finding(self, WRONG, "clock", "it says %s: set it", now);
    else if (adjtimex(&state) == TIME_ERROR)
        report_finding(self, DOUBTFUL, "clock",
                       "%s, and nothing keeps it right: run a time service", now);
    else
        report_finding(self, FINE, "clock", "%s, kept right within %ld us", now, state.maxerror);
}

static void check_process_limits(struct report_finding *self) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    unsigned long long files = limit.rlim_cur;
    if (files < OPEN_FILES_MIN)
        report_finding(self, DOUBTFUL, "limits", "%llu open files are few: ulimit -n %d", files,
                       OPEN_FILES_MIN);
    else
        report_finding(self, FINE, "limits", "%llu open files", files);
}

static void print_report(const struct report_finding *self) {
    own(buffer) out = {0};
    if (self->call->json) {
        buffer_text(&out, "{\"checks\":");
        sheet_json(&self->sheet, &out);
        buffer_format(&out, ",\"warnings\":%u,\"wrong\":%u}\n", self->found[DOUBTFUL],
                      self->found[WRONG]);
    } else {
        sheet_print(&self->sheet, &out);
        if (self->found[WRONG] + self->found[DOUBTFUL]) {
            buffer_format(&out, "\n%u wrong, %u to look at.\n", self->found[WRONG],
                          self->found[DOUBTFUL]);
        } else {
            buffer_text(&out, "\nAll is well.\n");
        }
    }
    print_out(&out);
}

enum outcome run_doctor(struct call *call) {
    struct report_finding self = {.call = call};
    const char *profile = call_flag(call, "profile");
    if (profile && strcmp(profile, "standard") != 0 && strcmp(profile, "strict") != 0) {
        return complain_of_call(WRONG_USE, "--profile is standard or strict, not \"%s\"", profile);
    }
    sheet_start(&self.sheet, "RESULT|CHECK|FOUND");
    check_directories(&self);
    check_secrets(&self);
    check_keys(&self);
    check_redis(&self);
    check_services(&self);
    check_disk(&self);
    check_record(&self);
    check_clock(&self);
    check_process_limits(&self);
    print_report(&self);
    sheet_destroy(&self.sheet);
    return self.found[WRONG] ? ANSWER_NO : DONE;
}
