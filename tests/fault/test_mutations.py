"""With any one mechanism switched off, the same harness turns red: it would see what it is there to see."""
# SPDX-License-Identifier: MIT
import pytest

from tests.fault.chaos import row, run_mix
from tests.fault.mixes import MIXES

# mechanism off -> the mix that catches it, and after how many kills at most it must have
CAUGHT_BY = {
    "no_ring": ("redis+service", 30),
    "trim_at_once": ("late-consumer", 24),
    "no_ask": ("unchecked-services", 30),
    "hop_time": ("unchecked-origin", 48),
    "position_apart": ("services", 40),
    "no_guards": ("redis+service", 60),
    "no_prev_check": ("services", 40),
    "no_idle_read": ("ends-while-paused", 4),
    "replay_on_failed_commit_only": ("redis+service", 60),
    "keep_trim_samples": ("late-consumer", 24),
}
ROUND = 6  # kills between two looks
UNLUCKY = 3  # so many times as many kills before it is held against the harness: chance has a part in it


@pytest.mark.parametrize("mutation", CAUGHT_BY)
def test_the_harness_turns_red_without(mutation, tell):
    name, most = CAUGHT_BY[mutation]
    kills, seed, most = 0, 1, most * UNLUCKY
    while kills < most:
        tally = run_mix(MIXES[name], min(most - kills, ROUND), seed, mutate=mutation, outcome_within_s=8, archived_within_s=5, keep=False)
        kills, seed = kills + tally.kills, seed + 1
        if not tally.good:
            tell(f"{mutation} off: red after {kills} kills: {tally.verdict}")
            return
    pytest.fail(f"{mutation} off, and {name} stayed green for {kills} kills: {row(tally)}")


def test_standard_does_lose_when_everything_is_killed_at_once(tell):
    """What strict is for: the promise table claims nothing here for standard, and the harness sees why."""
    kills = 0
    for seed in range(1, 1 + 5 * UNLUCKY):
        tally = run_mix(MIXES["everything"], 18, seed, profile="standard", fsync_ms=500, outcome_within_s=8, archived_within_s=5, keep=False)
        kills += tally.kills
        assert tally.verdict.count("executed twice") == 0, tally.verdict
        if not tally.good:
            tell(f"standard, everything at once: red after {kills} kills: {tally.verdict}")
            return
    pytest.fail(f"standard with everything killed stayed green for {kills} kills")
