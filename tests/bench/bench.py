"""bench - the limits of this machine and tradecast against them: one table, and the same as JSON (build/bench.json)."""
# SPDX-License-Identifier: MIT
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing

from deploy.local import redis as redis_server
from deploy.local.layout import ROOT, Layout, free_port
from tests.bench import replaying, storing
from tests.bench.reading import reading
from tests.bench.copies import copies
from tests.harness.tcp import over_tcp
from tests.harness.plant import Plant, configuration
from tests.harness.wait import until

ARCHIVED = int(os.environ.get("ARCHIVED") or 1_000_000)
SCALE = float(os.environ.get("SCALE") or 1)  # of the counts below


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, value, unit="", aim=None):
        self.rows.append({"what": what, "value": value, "unit": unit, "aim": aim})
        shown = f"{value:,.0f}" if isinstance(value, (int, float)) and abs(value) >= 100 else f"{value:,.2f}" if isinstance(value, float) else value
        print(f"  {what:58} {shown:>12} {unit:10} {aim or ''}", flush=True)

    def part(self, name):
        print(f"\n{name}", flush=True)


def percentile(values, share):
    values = sorted(values)
    return values[int((len(values) - 1) * share)] if values else 0


def count(n):
    return max(100, int(n * SCALE))


class Run:
    """A plant of so many accounts, loaded and measured."""

    def __init__(self, accounts, options=None, shards=1, prepare=None):
        self.plant = Plant(mode="release", config=configuration(accounts=accounts, brokers=min(2, accounts)), shards=shards,
                           options={"TRADECAST_LOOK_FOR": "1m", "TRADECAST_LOG_LEVEL": "warning", **(options or {})})
        self.accounts = accounts
        if prepare:
            prepare(self.plant)

    def __enter__(self):
        self.plant.up(within_s=120)
        return self

    def __exit__(self, *_):
        self.plant.kill()
        self.plant.wipe()

    def load(self, prefix, signals, rate=0, depth=32, connections=8):
        """The load generator's totals, and signals a second from the door to final."""
        began = time.monotonic()
        load = self.plant.load(prefix, signals, rate=rate, depth=depth, connections=connections)
        redis = self.plant.admin
        time.sleep(0.2)
        until(lambda: not load.running() and redis.scard("signal:state:pending") + redis.scard("signal:state:processing") == 0,
              "all signals to be final", within_s=300, pause_s=0.01)
        took = time.monotonic() - began
        totals = load.finish()
        assert totals["accepted"] == signals, totals
        return load, totals, signals / took

    def received(self, prefix):
        """{signal_id: [when its orders were at the gateway, UTC ns]} from the brokers' books and the archive."""
        self.wait_archived(prefix)
        with closing(sqlite3.connect(f"file:{self.plant.archive}?mode=ro", uri=True)) as db:
            of = dict(db.execute("SELECT trade_id, signal_id FROM trades WHERE signal_id LIKE ?", (prefix + "-%",)))
        out = {}
        for instance in self.plant.gateways:
            with closing(sqlite3.connect(f"file:{self.plant.books(instance)}?mode=ro", uri=True)) as books:
                for trade, at in books.execute("SELECT trade_id, received_at FROM orders"):
                    if trade in of:
                        out.setdefault(of[trade], []).append(at)
        return out

    def wait_archived(self, prefix):
        until(lambda: self._archived(prefix) >= self._sent(prefix), "the archive to have all trades", within_s=120, pause_s=0.2)

    def _archived(self, prefix):
        with closing(sqlite3.connect(f"file:{self.plant.archive}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM trades WHERE signal_id LIKE ?", (prefix + "-%",)).fetchone()[0]

    def _sent(self, prefix):
        return self.accounts * sum(1 for _ in open(pathlib.Path(self.plant.temporary) / f"load-{prefix}.txt"))

    def write_calls(self):
        stats = self.plant.admin.info("commandstats")
        looking = ("multi", "exec", "get", "hget", "hgetall", "hscan", "sscan", "smembers", "xrange", "xrevrange", "xlen", "info", "config",
                   "client", "ping", "auth", "scard", "scan", "xinfo", "exists", "hmget")
        return sum(s["calls"] for name, s in stats.items() if name[len("cmdstat_"):].split("|")[0] not in looking)


# --- limits

def zeromq_hop(table):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run([ROOT / "build/release/bin/tradecast", "keys", "make", "--dir", d], capture_output=True, timeout=30, check=True)
        for what, *how in (("ZeroMQ, one hop of 300 bytes", f"ipc://{d}/hop"), ("… over tcp", f"tcp://127.0.0.1:{free_port()}"),
                           ("… over tcp with keys", f"tcp://127.0.0.1:{free_port()}", f"{d}/keys")):
            out = subprocess.run([ROOT / "build/tools/limits", *how], capture_output=True, text=True, timeout=60, check=True,
                                 env={**os.environ, "TRADECAST_LOOPBACK_OPEN": "true"})
            table.add(what, int(out.stdout), "messages/s")


def redis_limit(table, log, signals, accounts):
    """The very transactions that a run wrote, fed to a fresh Redis as fast as it takes them."""
    layout = Layout(tempfile.mkdtemp(prefix="tc-"))
    layout.make()
    process = redis_server.server(layout)
    process.start()
    redis_server.wait_ready(layout, process).close()
    command = ["redis-cli", "-s", str(layout.redis_socket), "--user", "admin", "--pass", layout.secret("admin"), "--no-auth-warning", "--pipe"]
    began = time.monotonic()
    with open(log, "rb") as f:
        subprocess.run(command, stdin=f, check=True, capture_output=True, timeout=300)
    took = time.monotonic() - began
    process.stop()
    shutil.rmtree(layout.top)
    table.add(f"Redis, the transactions of a signal with {accounts} accounts", signals / took, "signals/s")


def sqlite_limit(table, archive, signals, accounts):
    """The rows of a run into a fresh file with the archiver's settings, 256 signals a transaction."""
    tables = ["signals", "orders", "routings", "trades", "trade_result", "result_metrics", "trade_reconciliation", "signal_execution_status"]
    with tempfile.TemporaryDirectory() as d, closing(sqlite3.connect(f"{d}/limit.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        rows = {}
        with closing(sqlite3.connect(f"file:{archive}?mode=ro", uri=True)) as source:
            for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"):
                db.execute(sql)
            for name in tables:
                rows[name] = source.execute(f"SELECT * FROM {name}").fetchall()
        began = time.monotonic()
        for at in range(0, signals, 256):
            db.execute("BEGIN")
            for name in tables:
                per_signal = max(1, round(len(rows[name]) / signals))
                part = rows[name][at * per_signal:(at + 256) * per_signal]
                if part:
                    db.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(part[0]))})", part)
            db.execute("COMMIT")
        table.add(f"SQLite, the rows of a signal with {accounts} accounts", signals / (time.monotonic() - began), "signals/s")


# --- tradecast

def door(table):
    with Run(1) as run:
        _, totals, _ = run.load("warm", count(2000))
        signals = count(40000)
        _, totals, _ = run.load("door", signals)
        table.add("HTTP answers (each after its commit)", totals["per_s"], "answers/s")
        _, totals, _ = run.load("calm", count(10000), rate=2000)
        for name, share in (("p50_us", "p50"), ("p99_us", "p99"), ("p999_us", "p99.9")):
            table.add(f"HTTP answer at 2,000/s, {share}", totals[name] / 1000, "ms")


def throughput(table, accounts, signals, aim):
    with Run(accounts) as run:
        run.load("warm", count(signals // 20))
        before = run.write_calls()
        _, _, per_s = run.load("through", count(signals))
        calls = run.write_calls() - before
        table.add(f"door to final, {accounts} account{'s' if accounts > 1 else ''}", per_s, "signals/s", aim if accounts == 1 else None)
        if accounts > 1:
            table.add(f"door to final, {accounts} accounts", per_s * accounts, "orders/s", aim)
        table.add(f"Redis write commands, {accounts} accounts", calls / count(signals) / accounts, "/signal/acc")
        if accounts == 3:
            memory(table, run)
            limits_of(table, run, count(signals) + count(signals // 20), accounts)


def limits_of(table, run, signals, accounts):
    plant = run.plant
    run.wait_archived("through")
    assert plant.stop()
    redis_limit(table, next((plant.layout.redis / "appendonlydir").glob("*.incr.aof")), signals, accounts)
    sqlite_limit(table, plant.archive, signals, accounts)


def latency(table):
    with Run(3) as run:
        run.load("warm", count(1000), rate=500)
        load, _, _ = run.load("calm", count(10000), rate=500, depth=4)
        at = run.received("calm")
        first = [(min(times) - load.sent[s]) / 1e6 for s, times in at.items()]
        for name, share, aim in (("p50", 0.5, "aim 1 ms"), ("p99", 0.99, "aim 5 ms"), ("p99.9", 0.999, None)):
            table.add(f"HTTP request to order at the gateway, 500 signals/s, {name}", percentile(first, share), "ms", aim)


def several_hosts(table):
    """The same on this host over ipc and over tcp with keys, in turn, so that the ratio says what keys cost."""
    found = {}
    for turn in range(2):
        for way, prepare in (("ipc", None), ("tcp with keys", over_tcp)):
            with Run(3, prepare=prepare) as run:
                run.load("warm", count(1000))
                found.setdefault(way, []).append(run.load("through", count(10000))[2])
                if turn:
                    load, _, _ = run.load("calm", count(5000), rate=500, depth=4)
                    took = [(min(times) - load.sent[s]) / 1e6 for s, times in run.received("calm").items()]
                    table.add(f"request to order at the gateway, 500 signals/s, {way}, p50", percentile(took, 0.5), "ms")
                    table.add(f"request to order at the gateway, 500 signals/s, {way}, p99", percentile(took, 0.99), "ms")
    best = {way: max(per_s) for way, per_s in found.items()}
    for way, per_s in best.items():
        table.add(f"door to final, 3 accounts, {way}", per_s, "signals/s")
    table.add("tcp with keys : ipc", best["tcp with keys"] / best["ipc"], "")


def decisions(table):
    """CPU time of the router's handlers on a batch, without sockets and store: others may be at work on the machine."""
    out = subprocess.run([ROOT / "build/tools/decisions"], capture_output=True, text=True, timeout=300, check=True).stdout
    ns = {(int(c), int(s)): [int(n) for n in times] for c, s, *times in (line.split() for line in out.splitlines())}
    alone, ordered, refused = ns[1000, 1000]
    table.add("a decision, 1,000 accounts subscribed", alone, "ns CPU", "aim 2,000")
    table.add("… with its order, ready for Redis and the wire", ordered, "ns CPU")
    table.add("… that refuses, recorded", refused, "ns CPU")
    table.add("… decisions and orders the router can make", 1e9 / ordered, "/s")
    for what, other, aim in (("1,000 of 10,000 accounts subscribed : 1,000 of 1,000", (10000, 1000), "aim 1: not by configured"),
                             ("10,000 accounts subscribed : 1,000", (10000, 10000), "aim 1: linear in subscribed")):
        table.add(f"cost a decision, {what}", ns[other][0] / alone, "", aim)


def fan_out(table, accounts, signals, rate):
    with Run(accounts) as run:
        run.load("warm", max(20, count(signals) // 10))
        _, _, per_s = run.load("through", count(signals))
        table.add(f"door to final, {accounts:,} accounts", per_s, "signals/s")
        table.add(f"door to final, {accounts:,} accounts", per_s * accounts, "orders/s")
        run.load("skew", max(20, count(signals) // 7), rate=rate)
        skews = [(max(t) - min(t)) / 1e6 for t in run.received("skew").values() if len(t) == accounts]
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            table.add(f"first to last of {accounts:,} accounts, {name}", percentile(skews, share), "ms")


def memory(table, run):
    for name, p in sorted(run.plant.processes.items()):
        for line in pathlib.Path(f"/proc/{p.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                table.add(f"memory of {name}", int(line.split()[1]) / 1024, "MiB", "aim 50 + ring (64)" if name != "redis" else None)


def grow_archive(path, trades):
    """Rows like those that are there, until there are so many trades."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=OFF")
        indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")  # made again at the end, in order: far quicker
        have = db.execute("SELECT count(*) FROM trades").fetchone()[0]
        times = -(-trades // have)
        for name, keys in (("signals", ["signal_id"]), ("trades", ["trade_id", "signal_id"]), ("orders", ["trade_id", "signal_id"]),
                           ("trade_result", ["result_id", "trade_id"]), ("result_metrics", ["result_id"]), ("routings", ["signal_id"]),
                           ("trade_reconciliation", ["trade_id"])):
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({name})") if row[1] != "id"]
            taken = ", ".join(f"{c} || '~' || n" if c in keys else c for c in columns)
            db.execute(f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {times}) "
                       f"INSERT OR IGNORE INTO {name} ({', '.join(columns)}) SELECT {taken} FROM c, (SELECT * FROM {name})")
        for _, sql in indexes:
            db.execute(sql)
        return db.execute("SELECT count(*) FROM trades").fetchone()[0]


def old_archive(table):
    with Run(3) as run:
        plant = run.plant
        run.load("few", count(2000))
        _, _, young = run.load("young", count(6000))
        run.wait_archived("young")
        began = time.monotonic()
        assert plant.stop()
        plant.start()
        table.add("stop and start with what is there", time.monotonic() - began, "s")
        assert plant.stop()
        trades = grow_archive(plant.archive, count(ARCHIVED))
        began = time.monotonic()
        plant.start()
        table.add(f"start-up with {trades:,} archived trades", time.monotonic() - began, "s")
        reading(table, plant, trades)
        _, _, old = run.load("old", count(6000))
        table.add("door to final, 3 accounts, empty archive", young, "signals/s")
        table.add(f"door to final, 3 accounts, {trades:,} archived trades", old, "signals/s")


def main():
    table = Table()
    print(f"tradecast on {os.cpu_count()} CPUs, load generator included, AOF everysec")
    table.part("limits of this machine")
    zeromq_hop(table)
    table.part("tradecast")
    door(table)
    throughput(table, 1, 30000, "aim 5,000")
    throughput(table, 3, 20000, "aim 15,000")
    latency(table)
    several_hosts(table)
    decisions(table)
    fan_out(table, 100, 2000, 20)
    fan_out(table, 1000, 100, 1)
    table.part("the record")
    storing.bench(table, Run, count, percentile)
    old_archive(table)
    table.part("record and replay")
    replaying.bench(table, Run, count)
    table.part("copies")
    copies(table, count(200000) // 4000 * 4000 or 100, count(5000))
    out = ROOT / "build/bench.json"
    out.write_text(json.dumps(table.rows, indent=2) + "\n")
    print(f"\nThe same as JSON: {out.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
