"""The broker's books are not what we remember: a position was closed, made smaller, lost or opened
there by somebody else. Ours follow within a bound; what is open here can then be closed, and is.
"""
# SPDX-License-Identifier: MIT
import time
from decimal import Decimal

import pytest

from tests.harness import ledgers, wire
from tests.harness.messages import TYPES, e8
from tests.harness.stage import ACCOUNTS
from tests.harness.wait import until

OPEN = {"open lots, Redis", "open lots, the archive", "views of positions", "trades"}
GONE = "UPDATE orders SET open_lots = '0', state = 'closed', live = 0 WHERE trade_id = ?"


def agree(s, only=None):
    """Raises what differs of these kinds after the bound."""
    found = {}

    def none():
        nonlocal found
        found = ledgers.compare(s.plant)
        found = {kind: lines for kind, lines in found.items() if only is None or kind in only}
        return not found

    try:
        until(none, "it to be healed", within_s=10, pause_s=0.25)
    except AssertionError:
        raise ledgers.Differ(found) from None


def closing(s, trade, lots, price="1.09"):
    """An execution that closed a position at the broker, as its history has it."""
    fill = TYPES["Fill"](execution_id=f"by-hand-{trade['trade_id'][-8:]}", lots=e8(lots),
                         price=e8(price), pnl=0, executed_at=time.time_ns(), net=s.account == "net")
    status = TYPES["OrderStatus"](trade_id="", account_id="", found=True)
    head = len(status.SerializeToString())
    status.closings.append(fill)
    return status.SerializeToString()[head:]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_position_that_the_broker_says_is_closed_is_closed_here(stage, account):
    s = stage(account)
    trade = s.filled(s.buy("0.5"))
    s.mark()
    s.change_books((GONE, [trade["trade_id"]]))
    agree(s)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_position_that_was_closed_unreported_is_closed_by_what_history_says(stage, account):
    s = stage(account)
    trade = s.filled(s.buy("0.5"))
    s.mark()
    history = "UPDATE orders SET history = CAST(history || ? AS BLOB) WHERE trade_id = ?"
    executions = closing(s, trade, "0.5")
    s.change_books((GONE, [trade["trade_id"]]), (history, [executions, trade["trade_id"]]))
    agree(s)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_position_that_was_made_smaller_by_hand_is_so_here(stage, account):
    s = stage(account)
    trade = s.filled(s.buy("0.5"))
    s.mark()
    s.change_books(("UPDATE orders SET open_lots = '0.2' WHERE trade_id = ?", [trade["trade_id"]]))
    agree(s)


def test_a_position_that_the_broker_has_lost_is_not_open_here(stage):
    s = stage()
    trade = s.filled(s.buy("0.5"))
    s.mark()
    s.change_books(("DELETE FROM orders WHERE trade_id = ?", [trade["trade_id"]]))
    agree(s, OPEN)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_position_that_somebody_else_opened_is_an_operators_and_no_close_of_ours_takes_it(
        stage, account):
    s = stage(account)
    s.filled(s.post("buy", lot_size="0.1", price="1.1001"))
    s.filled(s.post("close"))
    s.mark()
    assert wire.control(s.plant, "gw-a", "orphan", account, "EURUSD", "buy", "0.3", "1.1").ok
    until(lambda: ledgers.raised(s.plant, {"unexplained_holding"}), "an alert about it")
    refused = s.post("close")
    until(lambda: s.trade(refused).get("state") == "rejected", "our close to find nothing of ours")
    assert ledgers.of_brokers(s.plant).lots[(account, "EURUSD", "buy")] == Decimal("0.3")


# --- what waits while a broker is away

BACKLOG, BACKLOG_WITHIN_S = 40, 20  # one after the other: 2 s each


def test_a_backlog_at_a_broker_that_checks_nothing_is_asked_about_at_once(stage):
    s = stage(options={"TRADECAST_PAPER_DUPLICATE_CHECK": "none"})
    s.filled(s.buy("0.1"))
    s.kill("gw-a")
    orders = [s.buy("0.1") for _ in range(BACKLOG)]
    until(lambda: s.trade(orders[-1]).get("state") == "pending", "the last order to wait")
    s.kill("executor.0")
    s.start("executor.0", "gw-a")

    def waiting():
        return [o for o in orders if s.trade(o).get("state") not in ("filled", "closed")]
    try:
        until(lambda: not waiting(), "the backlog to be executed", BACKLOG_WITHIN_S, pause_s=0.2)
    except AssertionError:
        raise ledgers.Differ({"orders that still wait": waiting()}) from None
    s.agree()
