"""Random kills, and a Redis that forgets, while everything is traded that can be: at rest
positions, lots, executions, orders and outcomes are the same in Redis, in the archive and in the
brokers' books.
"""
# SPDX-License-Identifier: MIT
import os

import pytest

from tests.fault.chaos import row, run_mix, share_of
from tests.fault.mixes import TRADING

KILLS = int(os.environ.get("KILLS") or 210)
SEED = int(os.environ.get("SEED") or 1)


@pytest.mark.parametrize("name", TRADING)
def test_the_record_is_what_the_brokers_did(name, tell):
    mix = TRADING[name]
    tally = run_mix(mix, share_of(KILLS, mix, TRADING.values()), SEED + list(TRADING).index(name))
    tell(row(tally))
    assert tally.good, row(tally)
