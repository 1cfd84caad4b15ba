"""Random kills under a load of entries: nothing lost, nothing doubled, everything archived."""
# SPDX-License-Identifier: MIT
import os

import pytest

from tests.fault.chaos import row, run_mix, share_of
from tests.fault.mixes import OPENING

KILLS = int(os.environ.get("KILLS") or 100)
SEED = int(os.environ.get("SEED") or 1)


@pytest.mark.parametrize("name", OPENING)
def test_random_kills_lose_nothing_and_double_nothing(name, tell):
    mix = OPENING[name]
    tally = run_mix(mix, share_of(KILLS, mix, OPENING.values()), SEED)
    tell(row(tally))
    assert tally.good, row(tally)
