"""layout - where everything of one tradecast is: one directory, its parts, its secrets; and what stops a start, in one sentence."""
# SPDX-License-Identifier: MIT
import contextlib
import fcntl
import os
import pathlib
import random
import secrets
import socket
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PRESET_KIND = "paper"  # of an instance whose configuration names none (proto/config.proto)
ENDS_WITHIN_S = 60  # Redis may have much to write
SOCKET_PATH_MAX = 107  # of sun_path, its closing zero aside


class Trouble(Exception):
    """Why it cannot go on: one sentence for the user."""


class Layout:
    def __init__(self, directory, run=None):
        self.top = pathlib.Path(directory).absolute()
        self.run = pathlib.Path(run) if run else self.top / "run"  # sockets and locks
        self.redis = self.top / "redis"      # the append-only file
        self.data = self.top / "data"        # SQLite: the archive, the paper brokers' books
        self.log = self.top / "log"
        self.secrets = self.top / "secrets"
        self._lock = None

    def make(self):
        """The directories, private to this user."""
        try:
            self.top.mkdir(parents=True, exist_ok=True)
            for part in (self.run, self.redis, self.data, self.log, self.secrets):
                part.mkdir(mode=0o700, exist_ok=True)
                part.chmod(0o700)
                if not os.access(part, os.W_OK | os.X_OK):
                    raise PermissionError(13, "Permission denied", str(part))
        except OSError as e:
            raise Trouble(f"The directory {self.top} cannot be written ({e.strerror}); choose another: make run VAR=/path") from e
        longest = self.run / ("executor.00.gateways" + 8 * "x")
        if len(str(longest)) > SOCKET_PATH_MAX:
            raise Trouble(f"The path {self.top} is too long for sockets in it; choose a shorter one: make run VAR=/path")

    def own(self, tell=lambda text: None, within_s=ENDS_WITHIN_S):
        """One runner per directory, and nothing of the one before: its processes hold the lock, too, until they have ended."""
        if self._lock:
            return
        self.make()
        lock = open(self.top / "lock", "a+")
        end, told = time.monotonic() + within_s, False
        while not _locks(lock):
            lock.seek(0)
            runner = lock.read().strip()
            if _is_alive(runner):
                raise Trouble(f"tradecast is running on {self.top} already (process {runner})")
            if time.monotonic() > end:
                raise Trouble(f"The processes of an earlier run on {self.top} have not ended within {within_s} s: end those that "
                              f"`fuser {self.top}/lock` names")
            if not told:
                tell(f"The processes of the last run on {self.top} are ending; waiting for them.")
            told = True
            time.sleep(0.02)
        self._lock = lock
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()

    def leave(self):
        """From now on it ends: whoever comes need not be refused, but waits."""
        if self._lock:
            self._lock.truncate(0)

    @property
    def held(self):
        """Descriptors that every process of the run gets: with them the lock lasts as long as the last of them, however the runner ended."""
        return (self._lock.fileno(),) if self._lock else ()

    def disown(self):
        if self._lock:
            self._lock.close()
            self._lock = None

    def secret(self, name):
        """A random secret, made at the first call and kept."""
        path = self.secret_file(name)
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
                f.write(secrets.token_hex(32) + "\n")
        return path.read_text().strip()

    def secret_file(self, name):
        return self.secrets / name

    @property
    def redis_socket(self):
        return self.run / "redis.sock"

    def endpoint(self, name):
        return f"ipc://{self.run}/{name}"


def _locks(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False


def _is_alive(pid):
    """Of a runner; one that has ended and was not waited for yet counts as ended."""
    try:
        return pathlib.Path(f"/proc/{int(pid)}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (OSError, ValueError):
        return False


def free_port():
    """A port to listen on later: below those that the system gives to connections, so that none of them takes it meanwhile."""
    while True:
        port = random.randrange(10240, 32768)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def need_free_port(port, what, variable):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError as e:
            raise Trouble(f"Port {port} for {what} cannot be used ({e.strerror}); choose another: make run {variable}=<port>") from e
