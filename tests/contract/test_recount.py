"""What the archive counts up as it goes is what plain Python counts from its rows, whatever lives trades have had."""
# SPDX-License-Identifier: MIT
import sqlite3
import subprocess
from contextlib import closing

import pytest

from deploy.local.layout import ROOT
from tests.harness import recount

FEED = ROOT / "build/tools/archive_feed"


def feed(path, *arguments):
    subprocess.run([FEED, path, *(str(a) for a in arguments)], check=True, capture_output=True, timeout=120)
    return path


@pytest.mark.parametrize("seed", range(1, 4))
def test_random_lives_are_counted_to_the_last_digit(tmp_path, seed):
    assert recount.judge(feed(tmp_path / "a.db", 300, 3, 10 * seed * seed, seed, "wild"))[:10] == []


def test_corrected_results_are_counted_as_they_stand(tmp_path):
    path = feed(tmp_path / "a.db", 300, 3, 20, 7, "wild", "corrected")
    assert recount.judge(path, leave_out=recount.OF_THE_TIME)[:10] == []


def version_1(path):
    with closing(sqlite3.connect(path)) as db:
        db.executescript((ROOT / "tests/data/archive-v1.sql").read_text())
    return path


def test_an_archive_of_version_1_is_counted_in_slices(tmp_path):
    path = feed(version_1(tmp_path / "a.db"), 0, 1, 1, 1, "wild")
    archive = recount.Archive(path)
    assert archive.judge()[:10] == []
    assert len(archive.trades) == 32 and archive.tables["commission_log"] and archive.tables["trade_reconciliation_log"]
    assert {r["currency"] for r in archive.tables["account_performance"]} == {"EUR", "unknown"}
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM backfill WHERE after < until").fetchone() == (0,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_archive_of_version_1_has_room_for_whose_word_an_order_was(tmp_path):
    path = feed(version_1(tmp_path / "a.db"), 0, 1, 1, 1, "wild")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*), count(cause), count(cause_id) FROM trades").fetchone() == (32, 0, 0)
        assert db.execute("SELECT count(*), count(operator), count(of_command) FROM order_commands").fetchone()[1:] == (0, 0)
        assert db.execute("SELECT command_id, action, operator, reason, flatten FROM commands").fetchall() == []
        indexes = {name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {"trades_by_cause", "order_commands_by_command"} <= indexes


def test_what_changes_while_version_1_is_still_being_counted_counts_once(tmp_path):
    path = feed(version_1(tmp_path / "a.db"), 40, 2, 20, 5, "wild")  # the seed that it was made with: many of its 12 signals again
    archive = recount.Archive(path)
    assert len(archive.tables["signals"]) < 45
    assert archive.judge(leave_out=recount.OF_THE_TIME)[:10] == []


def test_a_second_run_goes_on_from_what_the_first_one_counted(tmp_path):
    path = feed(tmp_path / "a.db", 100, 2, 20, 8, "wild")
    again = recount.Archive(path)
    feed(path, 100, 2, 20, 8, "wild")  # the very same messages: nothing counts twice
    assert recount.judge(path)[:10] == []
    assert len(recount.Archive(path).trades) == len(again.trades)


# --- archives from before amounts were kept apart by currency

PERFORMANCE = {"account_performance": "account_id", "broker_performance": "broker_id", "instance_performance": "instance_id"}
# Of a row that was put together from others: not exact, of now, or printed from it.
PUT_TOGETHER = ("peak_pnl", "max_drawdown", "changed", "updated_at", "rejections", "histograms")


def rows_of(path):
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return {t: {(r[key], r["day"], r["currency"]): dict(r) for r in db.execute(f"SELECT * FROM {t}")} for t, key in PERFORMANCE.items()}


def one_row_for_all_currencies(path):
    """As the version before kept it: amounts of a broker's accounts in one row, marked as mixed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for table, key in PERFORMANCE.items():
            made, = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
            made = made.replace('"currency" TEXT NOT NULL', '"currency" TEXT').replace(f"PRIMARY KEY ({key}, day, currency)", f"PRIMARY KEY ({key}, day)")
            rows = db.execute(f"SELECT * FROM {table}")
            names = [c[0] for c in rows.description]
            merged = {}
            for values in rows.fetchall():
                row = dict(zip(names, values))
                held = merged.setdefault((row[key], row["day"]), row)
                if held is not row:
                    held |= {"currency": "mixed", **{c: held[c] + row[c] for c in ("orders", "executions")}}
            db.executescript(f"DROP TABLE {table}; {made}")
            db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", [tuple(r.values()) for r in merged.values()])
            db.execute(f"UPDATE {table} SET currency = NULL WHERE currency = 'unknown'")


@pytest.fixture
def traded(tmp_path):
    path = feed(tmp_path / "a.db", 0, 1, 1, 1)
    with closing(sqlite3.connect(path)) as db:
        for n, currency in enumerate(["EUR", None, "JPY"]):
            db.execute("INSERT INTO account_config (account_id, broker_id, currency) VALUES (?, ?, ?)", (f"acc{n:03d}", "ab"[n % 2], currency))
        for n, accounts in enumerate(['["acc000","acc002"]', '["acc001","acc003"]']):
            db.execute("INSERT INTO instance_config (instance_id, broker_id, accounts) VALUES (?, ?, ?)", (f"gw-{'ab'[n]}", "ab"[n], accounts))
        db.commit()
    return feed(path, 200, 4, 20, 3, "wild")


def test_amounts_that_were_added_over_currencies_are_told_apart_again(traded):
    wanted = rows_of(traded)
    assert {r["currency"] for r in wanted["broker_performance"].values()} == {"EUR", "JPY", "USD", "unknown"}
    one_row_for_all_currencies(traded)
    assert "mixed" in {r["currency"] for r in rows_of(traded)["broker_performance"].values()}
    feed(traded, 0, 1, 1, 1)
    found = rows_of(traded)
    for table in PERFORMANCE:
        left = {k: r for k, r in found[table].items() if k[2] == "mixed"}
        # acc003 is in no configuration: what it shares with others cannot be told apart, and stays marked.
        assert bool(left) == (table == "broker_performance") and {k[0] for k in left} <= {"b"}
        for k, row in wanted[table].items():
            if k[0] != "b" or table != "broker_performance":
                for column, value in row.items():
                    if column not in PUT_TOGETHER or table == "account_performance" and column != "changed":
                        assert (table, k, column, found[table][k][column]) == (table, k, column, value)
                assert found[table][k]["changed"] > 0
    with closing(sqlite3.connect(traded)) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE '%before%'").fetchone() == (0,)
