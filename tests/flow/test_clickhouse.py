"""The archive in ClickHouse: every value exactly, whoever is killed, in an old server and in a modern engine."""
# SPDX-License-Identifier: MIT
import calendar
import os
import random
import re
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from decimal import Decimal

import pytest

from deploy.local.layout import ROOT
from deploy.local.processes import Process
from tests.harness import archive, engines
from tests.harness.plant import SANITIZERS
from tests.harness.wait import until

KILLS = int(os.environ.get("KILLS") or 4)  # make chaos-copies: many


@pytest.fixture(scope="module")
def empty(tmp_path_factory, mode):
    return archive.make(mode, tmp_path_factory.mktemp("empty") / "archive.db")


@pytest.fixture(scope="module", params=list(engines.SERVERS))
def server(request, tmp_path_factory):
    if request.param == "modern" and not engines.CHDB.exists():
        pytest.skip("the modern engine is not there: deploy/engines")
    it = engines.SERVERS[request.param](tmp_path_factory.mktemp("ch")).start().up()
    yield it
    it.end()


class Copier:
    """tradecast-sync-clickhouse on an archive of its own, into a database of its own."""
    made = 0

    def __init__(self, folder, mode, empty, server, **options):
        Copier.made += 1
        self.folder, self.server, self.database = folder, server, f"t{os.getpid()}_{Copier.made}"
        self.path = folder / "archive.db"
        self.program = ROOT / f"build/{mode}/bin/tradecast-sync-clickhouse"
        with closing(sqlite3.connect(empty)) as db, closing(sqlite3.connect(self.path)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode=WAL")
        self.writer = archive.Writer(self.path, seed=Copier.made)
        secret = folder / "password"
        secret.write_text(server.password + "\n")
        secret.chmod(0o600)
        self.env = {**SANITIZERS, "TRADECAST_RUN_DIR": str(folder), "TRADECAST_CLICKHOUSE_ARCHIVE": str(self.path),
                    "TRADECAST_CLICKHOUSE_STATE": str(folder / "state.db"), "TRADECAST_CLICKHOUSE_URL": server.url,
                    "TRADECAST_CLICKHOUSE_DATABASE": self.database, "TRADECAST_CLICKHOUSE_LOOK": "20ms", "TRADECAST_CLICKHOUSE_WITHIN": "10s",
                    **({"TRADECAST_CLICKHOUSE_PASSWORD_FILE": str(secret)} if server.password else {}),
                    **{f"TRADECAST_CLICKHOUSE_{k.upper()}": str(v) for k, v in options.items()}}
        self.process = Process("sync-clickhouse", [self.program], folder / "log", self.env)

    def try_init(self):
        return subprocess.run([self.program, "--init"], env={**os.environ, **self.env}, capture_output=True, text=True, timeout=60)

    def init(self):
        done = self.try_init()
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log(self):
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    def behind(self, but=frozenset()):
        """The tables whose highest number the server does not have."""
        out = []
        for name in archive.COPIED.keys() - but:
            here = self.writer.db.execute(f"SELECT max(n) FROM (SELECT coalesce(max(changed), 0) AS n FROM {name} UNION ALL "
                                          f"SELECT coalesce(max(changed), 0) FROM removed_rows WHERE table_name = '{name}')").fetchone()[0]
            there = int(self.server.ask(f"SELECT max(changed) FROM {self.database}.{name}_rows"))
            if there < here:
                out.append((name, here, there))
        return out

    def caught_up(self, within_s=30):
        def even():
            assert self.process.alive(), self.process.last_words()
            return not self.behind()
        until(even, "the server to have everything", within_s)

    def end(self):
        assert self.process.stop(), self.process.last_words()
        assert "Sanitizer" not in self.log() and "runtime error" not in self.log(), self.log()[-2000:]
        self.writer.close()


@pytest.fixture
def copier(tmp_path, mode, empty, server):
    it = Copier(tmp_path, mode, empty, server)
    yield it
    it.end()


# --- the same values on both sides

UNESCAPE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", "'": "'"}


def unescaped(text):
    out, at = [], 0
    while at < len(text):
        step = 2 if text[at] == "\\" else 1
        out.append(UNESCAPE[text[at + 1]] if step == 2 else text[at])
        at += step
    return "".join(out)


def micros(text, mark):
    whole, part = text.rstrip("Z").split(".")
    return calendar.timegm(time.strptime(whole, f"%Y-%m-%d{mark}%H:%M:%S")) * 10**6 + int(part)


def here(kind, value):
    """A value as SQLite has it, to compare."""
    if value is None:
        return None
    return {archive.DECIMAL: Decimal, archive.TIME: lambda v: micros(v, "T"), archive.UNSIGNED: lambda v: v % 2**64,
            archive.BYTES: lambda v: v.hex()}.get(kind, lambda v: v)(value)


def there(kind, text):
    """The same as ClickHouse gives it."""
    if text == "\\N":
        return None
    if kind == archive.TIME:
        return int(text) if text.lstrip("-").isdigit() else micros(text, " ")
    return {archive.DECIMAL: Decimal, archive.TEXT: unescaped, archive.BYTES: unescaped}.get(kind, int)(text)


def same(copier):
    """Every row and every value of every table; then what a reader asks for."""
    for name, table in archive.COPIED.items():
        kinds = [table.kinds[c] for c in table.columns]
        ours = copier.writer.db.execute(f"SELECT {', '.join(table.columns)} FROM {name} ORDER BY {', '.join(table.keys)}").fetchall()
        theirs = copier.server.ask(f"SELECT {', '.join(table.columns)} FROM {copier.database}.{name} ORDER BY {', '.join(table.keys)}")
        theirs = [line.split("\t") for line in theirs.split("\n")[:-1]]
        assert len(theirs) == len(ours), name
        for a, b in zip(ours, theirs):
            assert [here(k, v) for k, v in zip(kinds, a)] == [there(k, v) for k, v in zip(kinds, b)], name
        for column in (c for c in table.columns if table.kinds[c] == archive.DECIMAL):
            total = sum((Decimal(r[table.columns.index(column)] or 0) for r in ours), Decimal(0))
            said = copier.server.ask(f"SELECT sum({column}) FROM {copier.database}.{name}").strip()
            assert Decimal(0 if said == "\\N" else said) == total, (name, column)


# --- the claims

def test_every_value_of_every_table_arrives_exactly_and_changes_follow(copier):
    copier.init()
    for _ in range(20):
        copier.writer.step()
    copier.process.start()
    copier.caught_up()
    same(copier)
    for _ in range(20):
        copier.writer.step()
    copier.caught_up()
    same(copier)
    queries = re.findall(r"```sql clickhouse\n(.*?)```", (ROOT / "docs/analysis.md").read_text(), re.S)
    assert len(queries) >= 2
    for query in queries:
        assert copier.server.ask(query.replace("tradecast.", copier.database + ".")) != "" or "'filled'" in query


def test_whoever_is_killed_at_any_moment_counts_and_sums_agree(tmp_path, mode, empty, server):
    """Blocks of few rows, so that there are many moments."""
    copier = Copier(tmp_path, mode, empty, server, block_rows=20, block_bytes="4k", within="3s")
    copier.init()
    copier.process.start()
    dice, over = random.Random(5), threading.Event()

    def write():
        own = archive.Writer(copier.path, seed=99)
        while not over.is_set():
            own.step(rows=8)
            time.sleep(0.02)
        own.close()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for n in range(KILLS):
            time.sleep(dice.random() * 0.4)
            if n % 4 == 3:
                server.kill()
                time.sleep(dice.random() * 0.3)
                server.start().up()
            else:
                copier.process.kill()
                copier.process.start()
    finally:
        over.set()
        writing.join()
    copier.caught_up(60)
    same(copier)
    copier.end()


@pytest.mark.parametrize("point", ["clickhouse.before_send", "clickhouse.after_send"])
def test_killed_between_what_is_sent_and_what_is_noted_nothing_is_missing_and_nothing_counts_twice(copier, point):
    copier.init()
    for _ in range(3):
        copier.writer.step()
    copier.writer.add("trades", 20)
    copier.process.env["TRADECAST_FAIL"] = f"{point}:3"
    copier.process.start()
    assert copier.process.wait() == -signal.SIGKILL
    del copier.process.env["TRADECAST_FAIL"]
    copier.process.start()
    copier.caught_up()
    same(copier)


def test_a_table_that_the_server_refuses_holds_up_no_other(copier):
    copier.init()
    copier.server.ask(f"DROP TABLE {copier.database}.signals_rows")
    copier.writer.add("signals", 5)
    copier.writer.add("trades", 5)
    copier.process.start()
    until(lambda: "signals: the server" in copier.log(), "it to say which table")
    until(lambda: not [t for t in copier.behind({"signals"})], "the others to be copied")
    copier.writer.add("orders", 5)
    until(lambda: not [t for t in copier.behind({"signals"})], "the others to be copied on")
    copier.init()
    copier.caught_up()


def test_a_server_that_lost_what_it_had_gets_it_again(copier):
    copier.init()
    copier.writer.step()
    copier.writer.add("trades", 20)
    copier.process.start()
    copier.caught_up()
    assert copier.process.stop()
    copier.server.ask(f"DROP TABLE {copier.database}.trades_rows")
    copier.server.ask(f"DROP TABLE {copier.database}.trades")
    copier.init()
    copier.process.start()
    copier.caught_up()
    same(copier)
    assert "event=server_behind table=trades" in copier.log()


def test_without_its_tables_it_says_what_to_do_and_goes_on_when_that_is_done(copier):
    copier.writer.step()
    copier.process.start()
    until(lambda: "run tradecast clickhouse init" in copier.log(), "it to say what is missing")
    copier.init()
    copier.caught_up()
    same(copier)


def test_a_column_that_a_newer_program_knows_is_added_to_what_is_there(copier):
    copier.init()
    copier.server.ask(f"DROP TABLE {copier.database}.trades")
    copier.server.ask(f"ALTER TABLE {copier.database}.trades_rows DROP COLUMN reason")
    copier.writer.step()
    copier.process.start()
    until(lambda: "has no column reason" in copier.log(), "it to say which column is missing")
    assert "1 columns were added" in copier.init()
    copier.caught_up()
    same(copier)


def test_a_table_that_knew_no_currencies_is_made_anew_and_filled_again(copier):
    copier.init()
    name = f"{copier.database}.broker_performance"
    made = copier.server.ask(f"SHOW CREATE TABLE {name}_rows FORMAT TabSeparatedRaw").strip()
    copier.server.ask(f"DROP TABLE {name}")
    copier.server.ask(f"DROP TABLE {name}_rows")
    older = re.sub(r"ORDER BY \(broker_id, day, currency\)", "ORDER BY (broker_id, day)", made)
    assert older != made
    copier.server.ask(older)
    copier.writer.step()
    copier.process.start()
    until(lambda: "is not kept by broker_id, day, currency" in copier.log(), "it to say that rows would be taken for each other")
    assert "1 tables were made anew" in copier.init()
    copier.caught_up()
    same(copier)
    assert "made anew" not in copier.init()


def test_init_again_finds_the_tables_as_they_are_with_their_rows(copier):
    """Each server spells a table's key in its own way; one that is misread is not copied to."""
    copier.init()
    copier.writer.step()
    copier.process.start()
    copier.caught_up()
    assert copier.process.stop()
    found = f"{copier.database}: {len(archive.COPIED)} tables are there; 0 columns were added\n"
    assert copier.init() == found
    same(copier)


@pytest.mark.parametrize("key", ["broker_id, day", "broker_id", "broker_id, day, currency, orders",
                                 "tuple()"])
def test_a_table_with_any_other_key_is_made_anew(copier, key):
    copier.init()
    name = f"{copier.database}.broker_performance_rows"
    made = copier.server.ask(f"SHOW CREATE TABLE {name} FORMAT TabSeparatedRaw").strip()
    copier.server.ask(f"DROP TABLE {name}")
    other = made.replace("ORDER BY (broker_id, day, currency)", f"ORDER BY ({key})")
    assert other != made
    copier.server.ask(other)
    assert "1 tables were made anew" in copier.init()
    assert copier.server.ask(f"SHOW CREATE TABLE {name} FORMAT TabSeparatedRaw").strip() == made
    assert "made anew" not in copier.init()


def with_other_key(copier, key):
    """A copied table, with its rows, as it would be under another key; its name."""
    name = f"{copier.database}.broker_performance_rows"
    made = copier.server.ask(f"SHOW CREATE TABLE {name} FORMAT TabSeparatedRaw").strip()
    other = made.replace("ORDER BY (broker_id, day, currency)", f"ORDER BY ({key})")
    other = other.replace("broker_performance_rows", "other_rows")
    copier.server.ask(other)
    copier.server.ask(f"INSERT INTO {copier.database}.other_rows SELECT * FROM {name}")
    copier.server.ask(f"DROP TABLE {name}")
    copier.server.ask(f"RENAME TABLE {copier.database}.other_rows TO {name}")
    view = f"{copier.database}.broker_performance"
    copier.server.ask(f"DROP TABLE {view}")
    copier.server.ask(f"CREATE VIEW {view} AS SELECT {key} FROM {name} FINAL WHERE removed = 0")
    return name


def test_rows_under_another_key_are_not_dropped_and_init_says_where_to_put_them(copier):
    """The archive may have forgotten them (retention), and then they are nowhere else."""
    copier.init()
    for _ in range(5):
        copier.writer.step()
    copier.process.start()
    copier.caught_up()
    assert copier.process.stop()
    name = with_other_key(copier, "broker_id, day")
    held = copier.server.ask(f"SELECT * FROM {name} ORDER BY changed")
    assert held.count("\n") > 1
    refused = copier.try_init()
    assert refused.returncode == 1 and "(broker_id, day, currency)" in refused.stderr
    assert copier.server.ask(f"SELECT * FROM {name} ORDER BY changed") == held
    copier.server.ask(re.search(r"RENAME TABLE \S+ TO \S+_before", refused.stderr).group())
    copier.init()
    copier.process.start()
    copier.caught_up()
    same(copier)
    assert copier.server.ask(f"SELECT count() FROM {name}_before").strip() == str(held.count("\n"))


def test_an_archive_without_the_indexes_is_not_read_over_and_over(tmp_path, mode, empty, server):
    copier = Copier(tmp_path, mode, empty, server)
    copier.writer.db.execute("DROP INDEX signals_by_change")
    copier.process.start()
    until(lambda: "TRADECAST_ARCHIVER_COPIED" in copier.log(), "it to say what to set")
    copier.end()


def test_a_password_does_not_travel_in_the_clear(tmp_path, mode, empty, server):
    copier = Copier(tmp_path, mode, empty, server)
    env = {**os.environ, **copier.env, "TRADECAST_CLICKHOUSE_URL": "http://ch.example:8123",
           "TRADECAST_CLICKHOUSE_PASSWORD_FILE": str(tmp_path / "password")}
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "password").chmod(0o600)
    done = subprocess.run([copier.program, "--check"], env=env, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "https" in done.stderr and "secret" not in done.stderr
    copier.writer.close()


def test_the_statements_for_a_cluster_are_understood(server, mode):
    """No cluster is at hand: what a modern engine's parser says of them is what can be had."""
    if not server.ask("SELECT version()").startswith("2"):
        pytest.skip("18.16 has no EXPLAIN AST; its dialect is tried for real")
    text = subprocess.run([ROOT / f"build/{mode}/bin/tradecast-sync-clickhouse", "--ddl=cluster"], check=True, capture_output=True, text=True).stdout
    statements = [s for s in re.sub(r"^--.*$", "", text, flags=re.M).split(";") if s.strip()]
    assert len(statements) == 1 + 3 * len(archive.COPIED)
    for statement in statements:
        assert "CreateQuery" in server.ask("EXPLAIN AST " + statement)
