"""storing - how fast rows are stored, against plain inserts of the same rows; and how long an outcome takes until it is on record."""
# SPDX-License-Identifier: MIT
import datetime
import json
import pathlib
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import closing

from deploy.local.layout import ROOT

OWN = {"chain", "chain_day", "positions", "owner", "change_count", "backfill"}  # of the archive itself


def feed(path, signals, accounts, messages):
    """The archiver's own code, fed in one process without Redis: {rows, orders, batches, seconds, cpu_seconds}."""
    out = subprocess.run([ROOT / "build/tools/archive_feed", path, str(signals), str(accounts), str(messages), "1"], check=True,
                         capture_output=True, text=True, timeout=300)
    return json.loads(out.stdout)


def plain(source, path, batches):
    """Seconds that SQLite needs for the same rows: the same tables and indexes, as many transactions, WAL, FULL; nothing looked up,
    counted or chained."""
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as of, closing(sqlite3.connect(path, isolation_level=None)) as to:
        page = of.execute("PRAGMA page_size").fetchone()[0]
        for pragma in (f"page_size={page}", "journal_mode=WAL", "synchronous=FULL", "cache_size=-16384"):
            to.execute(f"PRAGMA {pragma}")
        rows = {}
        for kind, name, sql in of.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
                                          " ORDER BY type DESC").fetchall():
            to.execute(sql)
            if kind == "table" and name not in OWN:
                columns = {row[1] for row in of.execute(f"PRAGMA table_info({name})")}
                rows[name] = of.execute(f"SELECT * FROM {name} {'ORDER BY changed' if 'changed' in columns else ''}").fetchall()
        rows = {name: found for name, found in rows.items() if found}
        inserts = {name: f"INSERT INTO {name} VALUES ({', '.join('?' * len(found[0]))})" for name, found in rows.items()}
        began = time.monotonic()
        for n in range(batches):
            to.execute("BEGIN")
            for name, found in rows.items():
                part = found[len(found) * n // batches:len(found) * (n + 1) // batches]
                if part:
                    to.executemany(inserts[name], part)
            to.execute("COMMIT")
        return time.monotonic() - began, sum(len(found) for found in rows.values())


def rows_per_s(table, signals, accounts, messages, tries=3):
    """Alternately, so that both meet the same disk."""
    shares, speeds, cpu = [], [], []
    for _ in range(tries):
        with tempfile.TemporaryDirectory() as d:
            ours = feed(f"{d}/archive.db", signals, accounts, messages)
            theirs, rows = plain(f"{d}/archive.db", f"{d}/plain.db", ours["batches"])
            speeds.append((rows / ours["seconds"], rows / theirs))
            shares.append(100 * theirs / ours["seconds"])
            cpu.append(1e6 * ours["cpu_seconds"] / ours["orders"])
    words = f"{accounts} account{'s' if accounts > 1 else ''}, {messages} messages a transaction"
    table.add(f"rows stored, durable, {words}", statistics.median(s[0] for s in speeds), "rows/s")
    table.add("plain SQLite inserts of the same rows", statistics.median(s[1] for s in speeds), "rows/s")
    table.add("stored against plain inserts", statistics.median(shares), "%", "aim 70 %")
    table.add("archiver's CPU for the rows of an order", statistics.median(cpu), "us")


class Watch:
    """Looks at what is committed, every few ms: how long after the time that a row has it was there to be read."""

    def __init__(self, archive, table="trade_reconciliation", number="rowid", at="reconciled_at"):
        self.archive, self.took = archive, []
        self.last = f"SELECT coalesce(max({number}), 0) FROM {table}"
        self.later = f"SELECT {number}, {at} FROM {table} WHERE {number} > ? ORDER BY {number}"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _look(self):
        with closing(sqlite3.connect(f"file:{self.archive}?mode=ro", uri=True, timeout=10)) as db:
            last = db.execute(self.last).fetchone()[0]
            while not self._end.wait(0.003):
                found = db.execute(self.later, (last,)).fetchall()
                now = datetime.datetime.now(datetime.timezone.utc)
                for last, at in found:
                    self.took.append((now - datetime.datetime.fromisoformat(at)).total_seconds() * 1000)


def outcome_to_stored(table, run, prefix, signals, rate, percentile):
    """As an observer sees it: from the reconciler's verdict until another connection can read it, its polling included."""
    with Watch(pathlib.Path(run.plant.archive)) as watch:
        run.load(prefix, signals, rate=rate)
        deadline = time.monotonic() + 60
        while len(watch.took) < signals * run.accounts and time.monotonic() < deadline:
            time.sleep(0.05)
    words = f"{rate:,} signals/s" if rate else "as fast as it goes"
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        table.add(f"outcome to stored, {words}, {run.accounts} accounts, {name}", percentile(watch.took, share), "ms",
                  "aim 500 ms" if name == "p99" else None)


def signal_to_stored(table, run, rate, seconds, percentile):
    """Spec 004: from a signal's acceptance until another connection can read its row, below 500 ms."""
    signals = rate * seconds
    with Watch(pathlib.Path(run.plant.archive), "signals", "id", "created_at") as watch:
        run.load(f"stored-{rate}", signals, rate=rate)
        deadline = time.monotonic() + 60
        while len(watch.took) < signals and time.monotonic() < deadline:
            time.sleep(0.05)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        table.add(f"signal to stored, {rate:,} signals/s, {name}", percentile(watch.took, share), "ms", "aim 500 ms" if name == "p95" else None)


def bench(table, run_of, count, percentile):
    rows_per_s(table, count(6000), 3, 500)
    rows_per_s(table, count(200), 100, 500)
    with run_of(3) as run:
        run.load("warm", count(1000), rate=500)
        for rate in (50, 120, 200, 1000):
            signal_to_stored(table, run, rate, max(1, count(10)), percentile)
        outcome_to_stored(table, run, "calm", count(5000), 500, percentile)
        outcome_to_stored(table, run, "rush", count(10000), 0, percentile)
