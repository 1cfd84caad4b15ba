"""engines - servers and libraries that copies of the archive are tried against: Debian's ClickHouse, and by npm (deploy/engines) a modern
ClickHouse and DuckDB."""
# SPDX-License-Identifier: MIT
import contextlib
import http.client
import pathlib
import shutil
import tempfile
import urllib.error
import urllib.request

from deploy.local.layout import ROOT, free_port
from deploy.local.processes import Process
from tests.harness.wait import until

MODULES = ROOT / "build/engines/node_modules"
CHDB = MODULES / "@chdb/lib-linux-x64-gnu/libchdb.so"
DUCKDB = MODULES / "@duckdb/node-bindings-linux-x64/libduckdb.so"

CONFIG = """<yandex>
<logger><level>error</level><log>{top}/server.log</log><errorlog>{top}/server.err</errorlog></logger>
<http_port>{port}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
<path>{top}/data/</path><tmp_path>{top}/tmp/</tmp_path><mark_cache_size>5368709</mark_cache_size>
<users_config>{top}/users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
</yandex>"""
USERS = """<yandex><profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
<users><default><password>{password}</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default><interval><duration>3600</duration><queries>0</queries><errors>0</errors><result_rows>0</result_rows><read_rows>0</read_rows>
<execution_time>0</execution_time></interval></default></quotas></yandex>"""


def in_memory(room=2 << 30):
    """A directory in memory, where there is room: a server of many small files waits for no disk. None: there is not."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage("/dev/shm").free > room:
            return pathlib.Path(tempfile.mkdtemp(prefix="tc-", dir="/dev/shm"))
    return None


class Server:
    """A ClickHouse server on a directory of its own: start, kill, ask."""

    def __init__(self, directory, command, password=""):
        self.top = in_memory() or pathlib.Path(directory)
        self.top.mkdir(parents=True, exist_ok=True)
        self.port, self.password = free_port(), password
        self.process = Process("clickhouse", command(self), self.top / "out.log")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.process.start()
        return self

    def up(self, within_s=30):
        def answers():
            assert self.process.alive(), self.process.last_words()
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.ask("SELECT 1") == "1\n"
        until(answers, "the ClickHouse server to answer", within_s)
        return self

    def kill(self):
        self.process.kill()

    def ask(self, query, within_s=60):
        request = urllib.request.Request(self.url + "/", data=query.encode())
        if self.password:
            request.add_header("X-ClickHouse-User", "default")
            request.add_header("X-ClickHouse-Key", self.password)
        try:
            with urllib.request.urlopen(request, timeout=within_s) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as e:
            raise AssertionError(e.read().decode(errors="replace")[:400]) from None

    def end(self):
        self.kill()
        shutil.rmtree(self.top, ignore_errors=True)


def old(directory):
    """Debian's clickhouse-server (18.16), with a password."""
    def command(it):
        (it.top / "config.xml").write_text(CONFIG.format(top=it.top, port=it.port, tcp=free_port()))
        (it.top / "users.xml").write_text(USERS.format(password=it.password))
        return ["clickhouse-server", f"--config-file={it.top / 'config.xml'}"]
    return Server(directory, command, password="let me in")


def modern(directory):
    """The engine of a recent ClickHouse, behind a small HTTP server."""
    def command(it):
        return ["/usr/bin/python3", ROOT / "tests/harness/chdb_server.py", CHDB, it.top / "data", it.port]
    return Server(directory, command)


SERVERS = {"old": old, "modern": modern}
