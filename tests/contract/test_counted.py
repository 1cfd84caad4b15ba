"""What the archive counts up as it goes is what plain Python counts from its rows, whatever lives trades have had."""
# SPDX-License-Identifier: MIT
import subprocess

import pytest

from deploy.local.layout import ROOT
from tests.harness import recount

FEED = ROOT / "build/tools/archive_feed"


def feed(path, *arguments):
    subprocess.run([FEED, path, *(str(a) for a in arguments)], check=True, capture_output=True, timeout=120)
    return path


@pytest.mark.parametrize("seed", range(1, 5))
def test_random_lives_are_counted_to_the_last_digit(tmp_path, seed):
    assert recount.judge(feed(tmp_path / "a.db", 300, 3, 10 * seed * seed, seed, "wild"))[:10] == []


def test_corrected_results_are_counted_as_they_stand(tmp_path):
    # Peak and drawdown are of what was known at the time, the worst slippage is the worst that was ever told.
    path = feed(tmp_path / "a.db", 300, 3, 20, 7, "wild", "corrected")
    assert recount.judge(path, leave_out=("peak_pnl", "max_drawdown", "slippage_worst"))[:10] == []


def test_a_second_run_goes_on_from_what_the_first_one_counted(tmp_path):
    path = feed(tmp_path / "a.db", 100, 2, 20, 8, "wild")
    again = recount.Archive(path)
    feed(path, 100, 2, 20, 8, "wild")  # the very same messages: nothing counts twice
    assert recount.judge(path)[:10] == []
    assert len(recount.Archive(path).trades) == len(again.trades)
