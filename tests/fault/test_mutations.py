"""With any one mechanism switched off, the same harness turns red: it would see what it is there to see."""
# SPDX-License-Identifier: MIT
import pytest

from tests.fault import test_books_heal, test_outcomes, test_record_is_the_broker
from tests.fault.chaos import row, run_mix
from tests.fault.mixes import MIXES
from tests.harness.wait import TooLate

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


# mechanism off -> the directed test that catches it, and what that is given
_closed_unreported = \
    test_books_heal.test_a_position_that_was_closed_unreported_is_closed_by_what_history_says
_made_smaller = test_books_heal.test_a_position_that_was_made_smaller_by_hand_is_so_here
_other_side = test_record_is_the_broker.test_the_close_of_the_other_side_is_known_after_a_rollback
_forgotten_alert = test_record_is_the_broker.\
    test_an_alert_without_an_id_is_not_ordered_twice_after_everything_was_killed
DIRECTED = {
    "count_again": (_closed_unreported, {"account": "hedge"}),
    "no_healing": (_made_smaller, {"account": "hedge"}),
    "no_losses": (_forgotten_alert, {"when": "in the next"}),
    "no_seek": (_other_side, {}),
}


def turns_red(test, *given, **more):
    """It fails by what it checks, not by a wait for what it needs first."""
    with pytest.raises(AssertionError) as raised:
        test(*given, **more)
    assert not isinstance(raised.value, TooLate), raised.value


@pytest.mark.parametrize("mutation", DIRECTED)
def test_the_directed_test_turns_red_without(stage, mutation):
    test, more = DIRECTED[mutation]

    def mutated(*given, options=None, **rest):
        return stage(*given, options={**(options or {}), "TRADECAST_MUTATE": mutation}, **rest)
    turns_red(test, mutated, **more)


def test_what_ended_is_forgotten_without_recalls(plant_of):
    def mutated(options, **rest):
        return plant_of(options={**options, "TRADECAST_MUTATE": "no_recalls"}, orderly=False, **rest)
    turns_red(test_outcomes.test_what_ended_and_only_the_archive_has_is_known_again, mutated)


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
