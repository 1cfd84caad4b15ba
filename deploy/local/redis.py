"""redis - the private Redis server of a layout, and a small client for looking into it (no packages needed)."""
# SPDX-License-Identifier: MIT
import os
import shutil
import socket
import time

from deploy.local import acl
from deploy.local.layout import ROOT, Trouble
from deploy.local.processes import Process

SETTINGS = ROOT / "deploy/redis.conf"


APPENDFSYNC = {"standard": "everysec", "strict": "always"}  # by profile


def settle(layout, profile="standard", shards=1, cells=()):
    """Writes the server's settings and its ACL file; passwords are made at the first call. Returns the settings' file."""
    passwords = {user: layout.secret(user) for user in acl.users(shards, cells)}
    file = layout.redis / "users.acl"
    _write(file, acl.acl_file(passwords, shards, cells))
    _write(layout.redis / "redis.conf", f"include {SETTINGS}\ndir {layout.redis}\nunixsocket {layout.redis_socket}\naclfile {file}\n"
                                        f"appendfsync {APPENDFSYNC[profile]}\n")
    return layout.redis / "redis.conf"


def _write(path, text):
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)


def server(layout, profile="standard", shards=1, more=(), env=None, cells=()):
    """The server as a process not yet started. `more`: settings beside deploy/redis.conf, e.g. ["--maxmemory", "100mb"]."""
    binary = shutil.which("redis-server")
    if not binary:
        raise Trouble("redis-server is missing; install it: sudo apt-get install redis-server")
    return Process("redis", [binary, str(settle(layout, profile, shards, cells)), *more], layout.log / "redis.log", env=env, held=layout.held)


class Client:
    """One connection; a command in, its reply out."""

    def __init__(self, layout, user="viewer", timeout_s=5):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        self._socket.connect(str(layout.redis_socket))
        self._in = self._socket.makefile("rb")
        self("AUTH", user, layout.secret(user))

    def __call__(self, *words):
        self._send([words])
        return self._reply()

    def many(self, commands):
        """Several commands in one go; a list of replies."""
        self._send(commands)
        return [self._reply() for _ in commands]

    def hash(self, key):
        flat = self("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))

    def close(self):
        self._in.close()
        self._socket.close()

    def _send(self, commands):
        out = []
        for words in commands:
            out.append(b"*%d\r\n" % len(words))
            for word in words:
                word = word if isinstance(word, bytes) else str(word).encode()
                out.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self._socket.sendall(b"".join(out))

    def _reply(self):
        line = self._in.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._in.read(int(rest) + 2)[:-2].decode(errors="surrogateescape")
        return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]


def wait_ready(layout, process, within_s=60):
    """Until the server answers: it loads its append-only file first."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            client = Client(layout, "admin")
            client("PING")
            return client
        except (OSError, RuntimeError):
            if not process.alive():
                raise Trouble(f"Redis did not start; its last words: {process.last_words()}") from None
            time.sleep(0.01)
    raise Trouble(f"Redis did not answer within {within_s} s; see {process.log}")
