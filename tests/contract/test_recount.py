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
    assert {r["currency"] for r in archive.tables["account_performance"]} == {"EUR", None}
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM backfill WHERE after < until").fetchone() == (0,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


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
