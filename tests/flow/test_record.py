"""The record: what was written can be verified, and what was done to it since shows."""
# SPDX-License-Identifier: MIT
import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.harness.wait import until

DONE, ANSWER_NO, WRONG_USE, NO_REACH = range(4)


def verify(plant, *args):
    status, out, said = plant.command("verify", "--json", *map(str, args))
    return status, json.loads(out) if out else said


def row_count(plant, table):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def trade_some(plant, prefix, count=40):
    load = plant.load(prefix, count)
    plant.remember(load)
    for signal_id in (f"{prefix}{n}" for n in (0, count - 1)):
        if signal_id in load.accepted:
            plant.final(signal_id)
    until(lambda: row_count(plant, "signals") >= len(plant.accepted), "the signals to be archived")
    return load


@pytest.fixture(scope="module")
def traded(plant):
    trade_some(plant, "record-")
    return plant


def copy_of(plant, path):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db, closing(sqlite3.connect(path)) as to:
        db.backup(to)
    return path


def test_a_running_archive_is_as_it_was_written(traded):
    status, told = verify(traded)
    assert (status, told["findings"]) == (DONE, [])
    assert told["signals"] >= 40 and told["entries"] > told["signals"] and told["days"][-1]["state"] == "open"


@pytest.mark.parametrize("tamper, wrong, where", [
    ("UPDATE signals SET entry_price = '1.1' WHERE id = 3", {"sha256", "changed"}, "signals"),
    ("UPDATE trades SET pnl = '1000' WHERE rowid = 2", {"changed"}, "trades"),
    ("DELETE FROM trade_result WHERE rowid = 2", {"removed"}, "trade_result"),
    ("INSERT INTO trade_failure_log (failure_id, signal_id, state, failed_at) VALUES ('x', 'y', 'refused', 'z')", {"inserted"},
     "trade_failure_log"),
    ("DELETE FROM chain WHERE batch = 2", {"removed", "inserted"}, "chain"),
])
def test_what_was_done_to_a_copy_shows_and_where(traded, tmp_path, tamper, wrong, where):
    path = copy_of(traded, tmp_path / "copy.db")
    assert verify(traded, path)[0] == DONE
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(tamper)
    status, told = verify(traded, path)
    assert status == ANSWER_NO
    assert wrong <= {f["wrong"] for f in told["findings"]} and where in {f["where"] for f in told["findings"]}


def test_a_damaged_file_and_one_that_is_no_archive_are_told_apart(traded, tmp_path):
    path = copy_of(traded, tmp_path / "copy.db")
    broken = tmp_path / "broken.db"
    shutil.copy(path, broken)
    with open(broken, "r+b") as f:
        f.seek(8 * 4096)
        f.write(b"\xff" * 4096)
    status, told = verify(traded, broken)
    assert status in (ANSWER_NO, NO_REACH)
    (tmp_path / "no.db").write_text("this is no archive")
    assert verify(traded, tmp_path / "no.db")[0] == NO_REACH
    assert verify(traded, tmp_path / "absent.db")[0] == NO_REACH
