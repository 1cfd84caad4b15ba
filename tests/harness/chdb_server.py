"""chdb_server - a modern ClickHouse engine (libchdb.so) behind as much of ClickHouse's HTTP as a copy needs: a test target, no more.

Usage: chdb_server.py LIBCHDB DIRECTORY PORT. One query at a time; 200 or, with the engine's words, 500.
"""
# SPDX-License-Identifier: MIT
import ctypes
import http.server
import sys
import threading
import urllib.parse


class Engine:
    def __init__(self, library, directory):
        self.lib = lib = ctypes.CDLL(library)
        lib.chdb_connect.restype = ctypes.POINTER(ctypes.c_void_p)
        lib.chdb_connect.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)]
        lib.chdb_query_n.restype = ctypes.c_void_p
        lib.chdb_query_n.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
        lib.chdb_result_buffer.restype = ctypes.c_void_p
        lib.chdb_result_length.restype = ctypes.c_size_t
        lib.chdb_result_error.restype = ctypes.c_char_p
        for f in (lib.chdb_result_buffer, lib.chdb_result_length, lib.chdb_result_error, lib.chdb_destroy_query_result):
            f.argtypes = [ctypes.c_void_p]
        words = [b"clickhouse", b"--path=" + directory.encode()]
        self.connection = lib.chdb_connect(len(words), (ctypes.c_char_p * len(words))(*words))
        if not self.connection:
            raise SystemExit(f"the engine does not start on {directory}")

    def query(self, text):
        """(whether it went well, what it gave or said)"""
        result = self.lib.chdb_query_n(self.connection[0], text, len(text), b"TabSeparated", 12)
        error = self.lib.chdb_result_error(result)
        if error is not None:
            out = False, error
        else:
            n = self.lib.chdb_result_length(result)
            out = True, ctypes.string_at(self.lib.chdb_result_buffer(result), n) if n else b""
        self.lib.chdb_destroy_query_result(result)
        return out


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        query = asked["query"][0].encode() + b"\n" + body if "query" in asked else body
        with self.server.one:
            good, said = self.server.engine.query(query)
        self.send_response(200 if good else 500)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Handler)
    server.one = threading.Lock()
    server.engine = Engine(sys.argv[1], sys.argv[2])
    server.serve_forever()


if __name__ == "__main__":
    main()
