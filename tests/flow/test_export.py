"""The archive as files: every value exactly, a file a day, and the questions of docs/analysis.md answered."""
# SPDX-License-Identifier: MIT
import csv
import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from decimal import Decimal

import pytest

from deploy.local.layout import ROOT
from tests.harness import archive, engines
from tests.harness.duckdb import Duck
from tests.harness.plant import SANITIZERS

needs_duckdb = pytest.mark.skipif(not engines.DUCKDB.exists(), reason="DuckDB's library is not there: deploy/engines")
ALIKE = (archive.TEXT, archive.BYTES)  # in CSV as python reads it nothing looks like something empty
TIMES = ["day", "created_at", "ordered_at", "routed_at", "executed_at", "reconciled_at", "charged_at", "failed_at"]


@pytest.fixture(scope="module")
def there(tmp_path_factory, mode):
    """(archive, run): an archive with something of everything, and the command on it."""
    path = archive.make(mode, tmp_path_factory.mktemp("archive") / "archive.db")
    writer = archive.Writer(path)
    for _ in range(4):
        writer.step()
    writer.add("trades", 30)
    writer.add("signals", 10)
    writer.add("trade_failure_log", 10)
    writer.db.execute("UPDATE trades SET state = 'filled' WHERE rowid % 2")
    writer.close()

    def run(*words, good=True, library=True):
        env = {**os.environ, **SANITIZERS, "TRADECAST_ARCHIVER_DATABASE": str(path), "TRADECAST_DUCKDB": str(engines.DUCKDB) if library else "/nowhere.so"}
        done = subprocess.run([ROOT / f"build/{mode}/bin/tradecast", "export", *map(str, words)], env=env, capture_output=True, text=True, timeout=60)
        assert not good or done.returncode == 0, done.stderr
        return done
    return path, run


def rows(path, query):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def everything(path, table):
    """{key: row} with what counts: numbers as numbers."""
    found = rows(path, f"SELECT {', '.join(table.columns)} FROM {table.name}")
    return sorted([[same(table.kinds[c], v) for c, v in zip(table.columns, r)] for r in found], key=repr)


def same(kind, value):
    if value is None:
        return None
    return {archive.DECIMAL: Decimal, archive.UNSIGNED: lambda v: v % 2**64, archive.BYTES: lambda v: v.hex(), archive.FLAG: bool}.get(kind, lambda v: v)(value)


def day_of(table, row):
    at = next((t for t in TIMES if t in table.columns), None)
    return (row[table.columns.index(at)] or "none")[:10] if at else "none"


def from_csv(kind, text):
    if text == "":
        return None
    if kind == archive.TEXT:
        assert text[0] not in "=+-@\t\r\n", text
        return text[1:] if text[0] == "'" else text
    return {archive.DECIMAL: Decimal, archive.UNSIGNED: int, archive.INTEGER: int, archive.FLAG: lambda v: v == "true"}.get(kind, lambda v: v)(text)


def test_csv_has_every_value_and_a_file_for_each_day(there, tmp_path):
    path, run = there
    run("--format", "csv", tmp_path)
    for name, table in archive.COPIED.items():
        found = []
        for file in sorted((tmp_path / name).glob("day=*/data.csv")):
            head, *lines = list(csv.reader(file.open(newline="")))
            assert head == table.columns
            for line in lines:
                row = [from_csv(table.kinds[c], v) if v or table.kinds[c] not in ALIKE else v for c, v in zip(table.columns, line)]
                assert day_of(table, row) == file.parent.name[4:]
                found.append(row)
        wanted = everything(path, table)
        for row in wanted:
            row[:] = ["" if v is None and table.kinds[c] in ALIKE else v for c, v in zip(table.columns, row)]
        assert sorted(found, key=repr) == sorted(wanted, key=repr), name
    assert not list(tmp_path.rglob("*.partial"))


def test_csv_tells_an_empty_text_from_nothing(there, tmp_path):
    path, run = there
    run("--table", "alert_log", tmp_path)
    text = "".join(f.read_text() for f in (tmp_path / "alert_log").rglob("data.csv"))
    empty, = rows(path, "SELECT count(*) FROM alert_log WHERE subject = ''")[0]
    assert empty == 0 or '""' in text


def test_json_lines_have_every_value_as_it_is(there, tmp_path):
    path, run = there
    run("--format", "jsonl", tmp_path)
    for name, table in archive.COPIED.items():
        lines = [line for f in (tmp_path / name).rglob("data.jsonl") for line in f.read_text().splitlines()]
        found = [json.loads(line, parse_float=Decimal) for line in lines]
        found = [[Decimal(v) if (v := row.get(c)) is not None and table.kinds[c] == archive.DECIMAL else v for c in table.columns] for row in found]
        assert sorted(found, key=repr) == everything(path, table), name


def test_since_until_and_table_choose(there, tmp_path):
    path, run = there
    run("--table", "trades", "--since", "1990-01-01", "--until", "2020-01-01T00:00:00Z", tmp_path)
    assert [d.name for d in tmp_path.iterdir()] == ["trades"]
    found = sum(len(list(csv.reader(f.open(newline="")))) - 1 for f in tmp_path.rglob("data.csv"))
    assert found == rows(path, "SELECT count(*) FROM trades WHERE ordered_at >= '1990-01-01' AND ordered_at < '2020-01-01'")[0][0] > 0


@pytest.mark.parametrize("words, status, said", [
    (("--format", "xml", "x"), 2, "csv, jsonl, parquet or duckdb"), (("--table", "nothing", "x"), 2, "nothing"),
    (("--table", "signal_config", "x"), 2, "signal_config"), (("--since", "yesterday-ish", "x"), 2, "--since"), (("/proc/nowhere",), 3, "/proc/nowhere")])
def test_what_cannot_be_is_said_in_a_sentence(there, words, status, said):
    done = there[1](*words, good=False)
    assert done.returncode == status and said in done.stderr


def test_without_duckdbs_library_it_says_what_to_do(there, tmp_path):
    done = there[1]("--format", "parquet", tmp_path, good=False, library=False)
    assert done.returncode == 3
    assert "TRADECAST_DUCKDB" in done.stderr and "csv and jsonl need nothing" in done.stderr


def duck_same(table, duck, source):
    """A table's rows as DuckDB has them, to compare."""
    out = []
    for row in duck.rows(f"SELECT {', '.join(table.columns)} FROM {source}"):
        out.append([None if v is None else from_duck(table.kinds[c], v) for c, v in zip(table.columns, row)])
    return sorted(out, key=repr)


def from_duck(kind, text):
    if kind == archive.TIME:
        whole, _, part = text.replace(" ", "T").partition(".")
        return f"{whole}.{part.ljust(6, '0')}Z"
    if kind == archive.BYTES:
        return bytes(re.sub(rb"\\x(..)", lambda m: bytes.fromhex(m[1].decode()), text.encode())).hex()
    return {archive.DECIMAL: Decimal, archive.UNSIGNED: int, archive.INTEGER: int, archive.FLAG: lambda v: v == "true"}.get(kind, lambda v: v)(text)


@needs_duckdb
@pytest.mark.parametrize("format", ["parquet", "duckdb"])
def test_duckdb_reads_back_every_value(there, tmp_path, format):
    path, run = there
    run("--format", format, tmp_path)
    duck = Duck(tmp_path / "tradecast.duckdb" if format == "duckdb" else None)
    for name, table in archive.COPIED.items():
        wanted = everything(path, table)
        source = name if format == "duckdb" else f"read_parquet('{tmp_path}/{name}/*/data.parquet')"
        assert not wanted or duck_same(table, duck, source) == wanted, name
        for column in (c for c in table.columns if wanted and table.kinds[c] == archive.DECIMAL):
            (said,), = duck.rows(f"SELECT sum({column}) FROM {source}")
            assert Decimal(said or 0) == sum(Decimal(r[table.columns.index(column)] or 0) for r in wanted), (name, column)
    duck.close()
    assert not list(tmp_path.rglob("*.partial"))


def documented(kind):
    return re.findall(rf"```sql {kind}\n(.*?)```", (ROOT / "docs/analysis.md").read_text(), re.S)


@needs_duckdb
def test_the_documented_questions_have_answers(there, tmp_path):
    there[1]("--format", "parquet", tmp_path)
    queries = documented("duckdb")
    assert len(queries) >= 3
    duck = Duck()
    for query in queries:
        assert duck.rows(query.replace("read_parquet('", f"read_parquet('{tmp_path}/"))
    duck.close()
