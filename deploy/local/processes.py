"""processes - starting, watching, stopping and killing processes; one that dies is started again, with back-off."""
# SPDX-License-Identifier: MIT
import ctypes
import os
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
STOP_WITHIN_S = 10
BACKOFF_FIRST_S, BACKOFF_MOST_S = 0.2, 10.0
REPLACED = 3  # exit status of a service that another process has taken over
NEVER = float("inf")
STEADY_S = 30  # alive so long: the back-off starts anew


def _end_with_parent():
    # No process outlives its runner. SIGTERM and not SIGKILL: it still drains.
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _private(path, flags):
    return os.open(path, flags, 0o600)


class Process:
    """held: descriptors that it gets, beside the standard ones."""

    def __init__(self, name, command, log, env=None, held=()):
        self.name, self.command, self.log = name, [str(c) for c in command], log
        self.env = {**os.environ, **(env or {})}
        self.held = held
        self.started_at = 0.0
        self.child = None

    def start(self):
        with open(self.log, "ab", opener=_private) as out:
            # Its own session: a Ctrl-C at the terminal reaches the runner alone, which stops all in order.
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=self.env,
                                          start_new_session=True, umask=0o077, preexec_fn=_end_with_parent, pass_fds=self.held)
        self.started_at = time.monotonic()

    def alive(self):
        return self.child is not None and self.child.poll() is None

    @property
    def pid(self):
        return self.child.pid

    @property
    def status(self):
        """Exit status; negative: the signal that ended it; None: alive or never started."""
        return self.child.poll() if self.child else None

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self, within_s=STOP_WITHIN_S):
        """SIGTERM, and SIGKILL when it takes too long. True: it ended by itself and well."""
        if not self.child:
            return True
        self.signal(signal.SIGTERM)
        if self.wait(within_s) is None:
            self.kill()
            return False
        return self.status == 0

    def wait(self, within_s=STOP_WITHIN_S):
        if not self.child:
            return 0
        try:
            return self.child.wait(within_s)
        except subprocess.TimeoutExpired:
            return None

    def last_words(self, lines=3):
        try:
            with open(self.log, "rb") as f:
                f.seek(max(0, os.path.getsize(self.log) - 4096))
                text = f.read().decode(errors="replace").strip().splitlines()
            return " / ".join(text[-lines:]) or "(none)"
        except OSError:
            return "(no log)"


class Supervisor:
    """Starts again what dies, later each time it dies soon; but not what another process has taken over, which would then be taken over in turn."""

    def __init__(self, tell):
        self._tell = tell
        self._again = {}    # process -> (not before, next pause)

    def look(self, processes):
        """One round; call it often. Returns those started anew."""
        now = time.monotonic()
        started = []
        for p in processes:
            if p.alive() or p.child is None:
                continue
            due, pause = self._again.get(p, (None, BACKOFF_FIRST_S))
            if p.status == REPLACED:
                if due != NEVER:
                    self._tell(f"{p.name} was taken over by another process; it is not started again here")
                self._again[p] = (NEVER, pause)
            elif due is None:
                if now - p.started_at > STEADY_S:
                    pause = BACKOFF_FIRST_S
                self._tell(f"{p.name} ended ({describe(p.status)}); starting it again in {pause:g} s")
                self._again[p] = (now + pause, min(pause * 2, BACKOFF_MOST_S))
            elif now >= due:
                self._again[p] = (None, pause)
                p.start()
                started.append(p)
        return started


def describe(status):
    if status is not None and status < 0:
        try:
            return signal.Signals(-status).name
        except ValueError:
            return f"signal {-status}"
    return f"exit status {status}"
