"""Orders that no signal asked for: an operator's close, a flatten, a stop that the executor keeps.
Each has a story and a reason, and none raises an alert about a routing that there cannot be.
"""
# SPDX-License-Identifier: MIT
import pytest

from tests.harness import ledgers, wire
from tests.harness.wait import until

OPTIONS = {"TRADECAST_RECONCILER_EVIDENCE_WAIT": "1s"}
WHY = "the risk desk said so"
MISSED = {"execution_without_routing"}


def closing_trade(s, position):
    """The trade that closes a position, once it has done so."""
    def look():
        for trade in ledgers.records(s.plant.admin, "trade_state:"):
            if trade["direction"] == "close" and position["trade_id"] in trade.get("closes", ""):
                return trade if trade["state"] == "filled" else None
        return None
    return until(look, "the position to be closed")


def story(s, trade, word):
    """Raises what is missing of the story of such a trade, when all is said that will be."""
    signal = trade["signal_id"]
    compared = f"reconciliation:{trade['trade_id']}"
    until(lambda: s.plant.admin.hget(compared, "reconciliation_status") == "success", "its verdict")
    lacks = []
    status, told, wrong = s.plant.command("explain", signal)
    if status or trade["trade_id"] not in told:
        lacks.append(f"explain {signal}: {(told + wrong).strip()}")
    elif word not in told:
        lacks.append(f"explain {signal} does not say {word!r}: {told}")
    if not s.plant.admin.hget(f"trade_state:{trade['trade_id']}", "reason"):
        lacks.append(f"{trade['trade_id']}: no reason is on record")
    lacks += ledgers.raised(s.plant, MISSED)
    if lacks:
        raise ledgers.Differ({"an order without a story": lacks})


def test_an_operators_close_has_a_story_and_a_reason(stage):
    s = stage(options=OPTIONS)
    position = s.filled(s.buy("0.5"))
    assert s.plant.command("close", position["trade_id"], "--reason", WHY)[0] == 0
    story(s, closing_trade(s, position), WHY)


@pytest.mark.parametrize("account", ["hedge", "net"])
def test_a_flatten_has_a_story_and_a_reason(stage, account):
    s = stage(account, options=OPTIONS)
    position = s.filled(s.buy("0.5"))
    halted = s.plant.command("halt", "--account", account, "--flatten", "--reason", WHY)
    assert halted[0] == 0, halted
    story(s, closing_trade(s, position), WHY)


def test_a_close_at_the_executors_own_stop_has_a_story_and_a_reason(stage):
    # A broker that hears no prices but by hand: its market has reached every stop it is offered.
    s = stage(options={**OPTIONS, "TRADECAST_PAPER_PRICES": "ipc:///nowhere/prices"})
    assert wire.control(s.plant, "gw-a", "price", "EURUSD", "1.1000", "1.1001").ok
    signal = s.buy("0.5", trail_distance="0.0020", exit_unit="distance")
    position = s.filled(signal)
    s.price("1.1100", "1.1101")  # the stop goes to 1.1080, which the broker refuses
    refused = "invalid_stops"
    until(lambda: s.trade(signal).get("modify_rejected") == refused, "the stop to be refused")
    s.price("1.1070", "1.1071")
    story(s, closing_trade(s, position), "stop")
