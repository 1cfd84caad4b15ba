"""layout - where everything of one tradecast is: one directory, its parts, its secrets; and what stops a start, in one sentence."""
# SPDX-License-Identifier: MIT
import contextlib
import fcntl
import os
import pathlib
import random
import secrets
import socket

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
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

    def own(self):
        """One runner per directory."""
        self._lock = open(self.top / "lock", "a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            raise Trouble(f"tradecast is running on {self.top} already (process {self._lock.read().strip() or 'unknown'})") from None
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()

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
