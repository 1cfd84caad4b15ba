"""Random kills under load, more than a hundred in all: nothing lost, nothing doubled, everything archived."""
# SPDX-License-Identifier: MIT
import os

import pytest

from tests.fault.chaos import row, run_mix
from tests.fault.mixes import MIXES

KILLS = int(os.environ.get("KILLS") or 110)
SEED = int(os.environ.get("SEED") or 1)
SHARES = sum(m.share for m in MIXES.values())


@pytest.mark.parametrize("name", MIXES)
def test_random_kills_lose_nothing_and_double_nothing(name, tell):
    mix = MIXES[name]
    tally = run_mix(mix, max(1, -(-KILLS * mix.share // SHARES)), SEED)
    tell(row(tally))
    assert tally.good, row(tally)
