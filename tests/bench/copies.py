"""copies - how fast a copy catches up after a day away, and what memory that takes."""
# SPDX-License-Identifier: MIT
import os
import pathlib
import shutil
import tempfile
import time
from contextlib import contextmanager

from deploy.local.layout import ROOT
from deploy.local.processes import Process
from tests.harness import archive, engines
from tests.harness.backend import Backend
from tests.harness.wait import until

GROWN_OVER = ("trades", "orders", "trade_result", "signals")


def grow(path, rows):
    """So many rows in each of some tables, by copying what a few thousand made of them."""
    writer = archive.Writer(path)
    few = max(100, min(4000, rows))
    for name in GROWN_OVER:
        table = archive.COPIED[name]
        writer.db.execute("BEGIN")
        writer.add(name, few)
        names = [*table.columns, "changed"]
        taken = [f"{c} || '~' || n" if c == table.keys[0] else f"n * {10**10} + changed" if c == "changed" else c for c in names]
        writer.db.execute(f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {rows // few - 1}) "
                          f"INSERT INTO {name} ({', '.join(names)}) SELECT {', '.join(taken)} FROM c, (SELECT * FROM {name})")
        writer.db.execute("COMMIT")
    writer.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.close()


def most_memory(process):
    """MiB, at its highest."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0


@contextmanager
def copying(folder, name, path, **options):
    part = name.split("-")[1].upper()
    env = {"TRADECAST_RUN_DIR": str(folder), f"TRADECAST_{part}_ARCHIVE": str(path), f"TRADECAST_{part}_STATE": str(folder / f"{name}.db"),
           **{f"TRADECAST_{part}_{k}": str(v) for k, v in options.items()}}
    process = Process(name, [ROOT / f"build/release/bin/tradecast-{name}"], folder / f"{name}.log", env)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def to_clickhouse(table, folder, path, rows):
    server = engines.old(folder / "ch").start().up()
    secret = folder / "password"
    secret.write_text(server.password)
    secret.chmod(0o600)
    options = {"URL": server.url, "PASSWORD_FILE": secret}
    env = {**os.environ, "TRADECAST_CLICKHOUSE_URL": server.url, "TRADECAST_CLICKHOUSE_PASSWORD_FILE": str(secret)}
    assert os.spawnve(os.P_WAIT, str(ROOT / "build/release/bin/tradecast-sync-clickhouse"), ["x", "--init"], env) == 0
    began = time.monotonic()
    with copying(folder, "sync-clickhouse", path, **options) as process:
        until(lambda: all(int(server.ask(f"SELECT count() FROM tradecast.{t}_rows")) == rows for t in GROWN_OVER), "ClickHouse to have all", 600, 0.05)
        took = time.monotonic() - began
        table.add(f"ClickHouse (18.16) catches up, {rows * len(GROWN_OVER):,} rows behind", rows * len(GROWN_OVER) / took, "rows/s")
        table.add("memory of sync-clickhouse, at its highest", most_memory(process), "MiB", "aim under 100")
    server.end()


def to_backend(table, folder, path, posts):
    backend = Backend(folder).up()
    began = time.monotonic()
    with copying(folder, "sync-backend", path, URL=backend.url) as process:
        until(lambda: backend.file.stat().st_size and len(backend.taken()) >= posts, "the backend to have enough", 600, 0.5)
        table.add("posts to a backend in Python", len(backend.taken()) / (time.monotonic() - began), "posts/s")
        table.add("memory of sync-backend, at its highest", most_memory(process), "MiB", "aim under 100")
    backend.kill()


def copies(table, rows, posts):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tc-"))
    path = archive.make("release", folder / "archive.db")
    grow(path, rows)
    table.part("copies of the archive")
    to_clickhouse(table, folder, path, rows)
    to_backend(table, folder, path, posts)
    shutil.rmtree(folder)
