"""duckdb - DuckDB by its C library, as much as a test asks: a query's rows as lists of text."""
# SPDX-License-Identifier: MIT
import csv
import ctypes
import tempfile
import pathlib

from tests.harness import engines


class Duck:
    def __init__(self, path=None):
        self.lib = lib = ctypes.CDLL(str(engines.DUCKDB))
        lib.duckdb_result_error.restype = ctypes.c_char_p
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        assert lib.duckdb_open(str(path).encode() if path else None, ctypes.byref(self.database)) == 0
        assert lib.duckdb_connect(self.database, ctypes.byref(self.connection)) == 0
        self.run("SET autoinstall_known_extensions=false; SET autoload_known_extensions=false")

    def run(self, text):
        result = ctypes.create_string_buffer(128)
        good = self.lib.duckdb_query(self.connection, text.encode(), result) == 0
        said = None if good else (self.lib.duckdb_result_error(result) or b"").decode()
        self.lib.duckdb_destroy_result(result)
        assert good, said

    def rows(self, query):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "rows.csv"
            self.run(f"COPY ({query.strip().rstrip(';')}) TO '{file}' (FORMAT csv, HEADER true, NULLSTR '<none>', FORCE_QUOTE *)")
            with file.open(newline="") as f:
                return [[None if v == "<none>" else v for v in row] for row in list(csv.reader(f))[1:]]

    def close(self):
        self.lib.duckdb_disconnect(ctypes.byref(self.connection))
        self.lib.duckdb_close(ctypes.byref(self.database))
