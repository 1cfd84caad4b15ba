"""backend - an HTTP backend that takes signals, and fails in every way when it is told to.

Usage: backend.py PORT FILE [CERTIFICATE]. Each post that it takes is a line of FILE, written before it is answered. POST /behave sets what it
does from then on: {"mode": ok|error|busy|hang|half|redirect, "refuse": [signal_id, ...], "to": where a redirect points}.
"""
# SPDX-License-Identifier: MIT
import http.server
import json
import os
import pathlib
import ssl
import sys
import threading
import time
import urllib.request

from deploy.local.layout import ROOT, free_port
from deploy.local.processes import Process
from tests.harness.wait import until


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/behave":
            self.server.behave = json.loads(body)
            return self.answer(200)
        getattr(self, "do_" + self.server.behave["mode"])(body)

    def answer(self, status, headers=(), body=b"{}"):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def take(self, body):
        line = {"path": self.path, "key": self.headers["Idempotency-Key"], "token": self.headers["Authorization"], "body": json.loads(body)}
        with self.server.one:
            self.server.file.write(json.dumps(line) + "\n")
            self.server.file.flush()

    def do_ok(self, body):
        if json.loads(body)["signal_id"] in self.server.behave.get("refuse", ()):
            return self.answer(422, body=b'{"error":"not this one"}')
        self.take(body)
        self.answer(201)

    def do_error(self, body):
        self.answer(500, body=b"out of order")

    def do_busy(self, body):
        self.answer(429, [("Retry-After", "1")])

    def do_redirect(self, body):
        self.answer(307, [("Location", self.server.behave["to"])])

    def do_hang(self, body):
        while self.server.behave["mode"] == "hang":
            time.sleep(0.05)
        self.close_connection = True

    def do_half(self, body):
        """It takes the post, and dies in the middle of saying so."""
        self.take(body)
        self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"half")
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_):
        pass


def serve(port, path, certificate=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.file, server.one, server.behave = open(path, "a"), threading.Lock(), {"mode": "ok"}
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


class Backend:
    """The same as a process: started, killed, told how to behave, and asked what it took."""

    def __init__(self, directory, certificate=None):
        self.file, self.port, self.secure = pathlib.Path(directory) / "taken.jsonl", free_port(), bool(certificate)
        self.file.touch()
        command = ["/usr/bin/python3", "-m", "tests.harness.backend", self.port, self.file, *([certificate] if certificate else [])]
        self.process = Process("backend", command, pathlib.Path(directory) / "backend.log", {"PYTHONPATH": str(ROOT)})

    @property
    def url(self):
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}/api/signals"

    def up(self, mode="ok", **more):
        self.process.start()
        until(lambda: self.behave(mode, **more), "the backend to listen")
        return self

    def behave(self, mode, **more):
        context = ssl._create_unverified_context() if self.secure else None
        request = urllib.request.Request(self.url.replace("/api/signals", "/behave"), json.dumps({"mode": mode, **more}).encode())
        try:
            return urllib.request.urlopen(request, timeout=5, context=context).status == 200
        except OSError:
            return False

    def taken(self):
        lines = self.file.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1]]

    def kill(self):
        self.process.kill()


if __name__ == "__main__":
    os.chdir(ROOT)
    serve(int(sys.argv[1]), sys.argv[2], *sys.argv[3:])
