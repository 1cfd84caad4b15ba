"""bearer - a door before another one, on this host, that adds a token: for programs that cannot give one themselves. All else goes through as it is."""
# SPDX-License-Identifier: MIT
import http.client
import http.server
import threading


class Bearer:
    """With Bearer(port, token) as b: b.url. What the client says of itself (Host, Origin) is what the door hears."""

    def __init__(self, port, token):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                door = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                door.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("authorization", "connection", "content-length", "transfer-encoding"):
                        door.putheader(name, value)
                door.putheader("Authorization", f"Bearer {token}")
                door.putheader("Content-Length", str(len(body)))
                door.endheaders(body)
                answer = door.getresponse()
                text = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "content-length", "date", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                door.close()

            do_GET = do_POST = do_DELETE = pass_on

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self):
        return f"http://localhost:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args):
        self._server.shutdown()
        self._server.server_close()
