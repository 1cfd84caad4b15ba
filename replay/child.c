// child - a service's program, run as a process of our own.
// SPDX-License-Identifier: MIT
#include "replay/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/place.h"
#include "common/delivery/topology.h"

const enum role rerun_roles[RERUN_ROLES] = {ROUTER, EXECUTOR, RECONCILER, ARCHIVER};

// Ctrl-C is for us: we end it.
static void become_program(const char *path, const char *flag, int end) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_IGN);
    (void)dup2(end, STDIN_FILENO);
    (void)dup2(end, STDOUT_FILENO);
    (void)execl(path, path, flag, (char *)NULL);
    _exit(127);
}

bool child_start(struct child *c, enum role role, const char *flag) {
    char path[PROGRAM_PATH], name[64];
    int ends[2];
    *c = (struct child){0};
    (void)snprintf(name, sizeof name, "tradecast-%s", role_name(role));
    if (!place_program(name, path)) return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
    c->pid = fork();
    if (c->pid == 0) become_program(path, flag, ends[1]);
    (void)close(ends[1]);
    c->to = fdopen(ends[0], "w");
    c->from = fdopen(fcntl(ends[0], F_DUPFD_CLOEXEC, 0), "r");
    if (c->pid > 0 && c->to && c->from) return true;
    (void)child_end(c);
    return false;
}

int child_end(struct child *c) {
    int status = 0;
    if (c->to) (void)fclose(c->to);
    if (c->from) (void)fclose(c->from);
    if (c->pid > 0) (void)waitpid(c->pid, &status, 0);
    *c = (struct child){0};
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
