"""Orders that no signal asked for: an operator's close, a flatten, a stop that the executor keeps.
Each has a story and a reason, and none raises an alert about a routing that there cannot be.
"""
# SPDX-License-Identifier: MIT
import json
import time

import pytest

from tests.harness import ledgers, wire
from tests.harness.wait import until

EVIDENCE_WAIT_S = 1
OPTIONS = {"TRADECAST_RECONCILER_EVIDENCE_WAIT": f"{EVIDENCE_WAIT_S}s"}
WHY = "the risk desk said so"
MISSED = {"execution_without_routing", "late_evidence"}


def closing_trade(s, position):
    """The trade that closes a position, once it has done so."""
    def look():
        for trade in ledgers.records(s.plant.admin, "trade_state:"):
            if trade["direction"] == "close" and position["trade_id"] in trade.get("closes", ""):
                return trade if trade["state"] == "filled" else None
        return None
    return until(look, "the position to be closed")


def explained(s, name, trade, word):
    """What its story lacks, when the archive has had the time to get everything."""
    said = ""

    def look():
        nonlocal said
        status, told, wrong = s.plant.command("explain", name)
        said = told + wrong
        return status == 0 and trade["trade_id"] in told and word in told

    try:
        until(look, "its story", within_s=10, pause_s=0.2)
    except AssertionError:
        return [f"explain {name} does not say {trade['trade_id']} and {word!r}: {said.strip()}"]
    return []


def reason_listed(s, trade):
    rows = json.loads(s.plant.command("trades", "--json")[1])["rows"]
    return next(row for row in rows if row["trade_id"] == trade["trade_id"]).get("reason")


def story(s, trade, position, word):
    """Raises what is missing of the story of such a trade, when all is said that will be: asked for
    by the command or the trade that it was made for, by itself, and by what it closed."""
    began = time.monotonic()
    compared = f"reconciliation:{trade['trade_id']}"
    until(lambda: s.plant.admin.hget(compared, "reconciliation_status") == "success", "its verdict")
    lacks = []
    names = [trade["signal_id"], trade["trade_id"]]
    if trade["cause"] != "other_side":
        names += [position["signal_id"], position["trade_id"]]
    for name in names:
        lacks += explained(s, name, trade, word)
    if trade["cause"] != "other_side" and word not in (reason_listed(s, trade) or ""):
        lacks.append(f"{trade['trade_id']}: its reason in the list is {reason_listed(s, trade)}")
    until(lambda: time.monotonic() > began + 2 * EVIDENCE_WAIT_S, "what would be missed to be missed")
    if not s.plant.admin.hget(f"trade_state:{trade['trade_id']}", "reason"):
        lacks.append(f"{trade['trade_id']}: no reason is on record")
    lacks += ledgers.raised(s.plant, MISSED)
    if lacks:
        raise ledgers.Differ({"an order without a story": lacks})


def test_an_operators_close_has_a_story_and_a_reason(stage):
    s = stage(options=OPTIONS)
    position = s.filled(s.buy("0.5"))
    assert s.plant.command("close", position["trade_id"], "--reason", WHY)[0] == 0
    story(s, closing_trade(s, position), position, WHY)


@pytest.mark.parametrize("account", ["hedge", "net"])
def test_a_flatten_has_a_story_and_a_reason(stage, account):
    s = stage(account, options=OPTIONS)
    position = s.filled(s.buy("0.5"))
    halted = s.plant.command("halt", "--account", account, "--flatten", "--reason", WHY)
    assert halted[0] == 0, halted
    story(s, closing_trade(s, position), position, WHY)


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
    story(s, closing_trade(s, position), position, "stop")


def test_the_other_side_of_a_close_is_of_its_signal_and_in_its_story(stage):
    s = stage(options=OPTIONS)
    positions = [s.filled(s.post(side, lot_size="0.5", price=price))
                 for side, price in (("buy", "1.1001"), ("sell", "1.1000"))]
    signal = s.post("close")
    s.flat()
    first, second = (closing_trade(s, p) for p in positions)
    other = second if second.get("cause") else first
    assert other["signal_id"] == signal and other["cause"] == "other_side"
    s.agree()
    story(s, other, positions[0], "the other side of trade")
