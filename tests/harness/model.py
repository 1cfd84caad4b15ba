"""model - a stand-in for an OpenAI-compatible endpoint: answers as it is told to, well or badly, and keeps what it was asked."""
# SPDX-License-Identifier: MIT
import http.server
import json
import socket
import ssl
import threading

KEY = "sk-test-0123456789abcdef"


def completion(content, finish="stop", tokens=321, **more):
    return {"id": "c1", "object": "chat.completion", "model": "stand-in-1", "usage": {"total_tokens": tokens},
            "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **more}}]}


def decision(asked, **more):
    """A good decision about what it was asked."""
    package = json.loads(asked["messages"][1]["content"])
    return {"package_id": package["package_id"], "symbol": package["symbol"], "action": "buy", "price": 1.0843, "reasoning": "so says the stand-in", **more}


class Model:
    """answer(asked) gives (status, body); body: an object, text or bytes; a callable: it is given the handler and writes by itself."""

    def __init__(self, certificate=None):
        self.asked, self.keys = [], []
        self.answer = lambda asked: (200, completion(json.dumps(decision(asked))))
        self.over = threading.Event()
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model.keys.append(self.headers.get("Authorization"))
                model.asked.append(asked)
                answer = model.answer(asked)
                if callable(answer):
                    answer(self)
                    self.close_connection = True
                    return
                status, body = answer
                data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # whoever asked has hung up

        self._server = Server(("127.0.0.1", 0), Handler)
        self._scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self):
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/v1/chat/completions"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    # --- bad manners, given as `answer`

    def hangs(self, handler):
        """Says nothing until the test is over."""
        self.over.wait(60)

    def drips(self, handler):
        """A byte now and then: always alive, never done."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while not self.over.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    @staticmethod
    def breaks_off(handler):
        """Half of what it promised."""
        handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"choices":[{"message":{"content":"')
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
