"""Redis forgets its last second together with a service, at the worst moment: afterwards the record
is what the broker did. Each test brings one divergence about by hand, the same way every time.
"""
# SPDX-License-Identifier: MIT
import time

import pytest

from tests.fault import forgotten
from tests.fault.forgotten import AGAIN, WINDOW_S
from tests.harness import ledgers, wire
from tests.harness.ledgers import number
from tests.harness.stage import ACCOUNTS, EVERYTHING
from tests.harness.wait import until

# --- V1: positions

@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_close_that_also_closed_what_was_filled_later_is_not_planned_again(stage, account):
    s = stage(account)
    s.filled(s.buy("0.5"))
    limit = s.resting("buy", "1.0950", "0.3")
    mark = s.mark()
    s.price("1.0940", "1.0945")
    s.filled(limit)
    closed = s.filled(s.post("close"))
    assert closed["filled_lots"] == "0.8"
    s.back_to(mark, "executor.0")
    s.read_again(closed)
    s.go_on()
    s.agree()


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_close_of_what_is_not_known_any_more_is_applied_when_its_report_comes(stage, account):
    s = stage(account)
    limit = s.resting("buy", "1.0950", "0.3")
    mark = s.mark()
    s.price("1.0940", "1.0945")
    s.filled(limit)
    closed = s.filled(s.post("close"))
    s.back_to(mark, "executor.0")
    s.read_again(closed)
    s.go_on()
    s.agree()


def test_a_close_by_percent_is_of_what_was_open_when_it_was_first_sent(stage):
    s = stage()
    first = s.buy("0.5")
    s.filled(first)
    limit = s.resting("buy", "1.0950", "0.5")
    mark = s.mark()
    s.price("1.0940", "1.0945")
    s.filled(limit)
    part = s.filled(s.post("close", close_percent="70"))
    assert part["filled_lots"] == "0.7"
    s.back_to(mark, "executor.0")
    s.read_again(part)
    s.go_on()
    s.agree()


def test_an_order_that_may_have_been_sent_is_not_overtaken_by_a_close(stage):
    # A broker that checks nothing: after the rollback the first order is asked about, and what
    # came after it waits behind.
    s = stage(options={"TRADECAST_PAPER_DUPLICATE_CHECK": "none"})
    mark = s.mark()
    orders = [s.buy(lots) for lots in ("0.1", "0.2", "0.3")]
    for order in orders:
        s.filled(order)
    closed = s.filled(s.post("close"))
    s.back_to(mark, "executor.0")
    s.read_again(closed)
    s.go_on()
    s.agree()


# --- V2: closes that never end

@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_close_ends_with_what_the_broker_was_sent_first(stage, account):
    s = stage(account)
    stopped = s.buy("0.5", **({"stop_loss": "1.0950"} if account == "hedge" else {}))
    s.filled(stopped)
    if account == "hedge":
        s.filled(s.buy("0.4"))
    else:
        s.resting("sell", "1.1050", "0.1")
    mark = s.mark()
    if account == "hedge":
        s.price("1.0940", "1.0945")  # the stop
        s.until(stopped, "closed")
    else:
        s.price("1.1060", "1.1061")  # the limit: a part of it is sold
        until(lambda: s.trade(stopped).get("closed_lots") == "0.1", "a part to be sold")
    closed = s.filled(s.post("close"))
    assert closed["filled_lots"] == "0.4"
    s.back_to(mark, "executor.0")
    s.read_again(closed)
    s.go_on()
    s.agree()


# --- V3: executions that are never counted

def test_the_close_of_the_other_side_is_known_after_a_rollback(stage):
    s = stage()
    s.filled(s.buy("0.5"))
    short = s.resting("sell", "1.1050", "0.2")
    mark = s.mark()
    s.price("1.1060", "1.1061")
    s.filled(short)
    closed = s.filled(s.post("close"))
    s.flat()
    s.back_to(mark, "executor.0")
    s.read_again(closed)
    s.go_on()
    s.agree()


def test_an_execution_of_an_order_that_came_back_too_old_is_applied(stage):
    s = stage(max_age_s=2)
    mark = s.mark()
    bought = s.filled(s.buy("0.5"))
    s.back_to(mark, "executor.0", older_than_s=2.5)  # its signal is too old by now
    key = f"trade_state:{bought['trade_id']}"
    until(lambda: s.plant.admin.hget(key, "state") == "unknown", "it not to be given up unasked")
    s.kill("executor.0")
    s.start("executor.0")
    s.go_on()
    s.agree()


def test_an_order_that_may_have_been_sent_is_asked_about_before_it_is_given_up(stage):
    s = stage(max_age_s=2)
    mark = s.mark()
    assert wire.control(s.plant, "gw-a", "fault", "lost_reply", 1).ok
    order = s.buy("0.5")
    until(lambda: ledgers.of_brokers(s.plant).lots, "the broker to have executed it")
    trade = until(lambda: s.trade(order), "the trade")
    s.back_to(mark, "executor.0", older_than_s=2.5)
    s.read_again(trade)
    s.go_on()
    s.agree()


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_gateway_reports_again_to_an_executor_that_has_its_epoch_again(stage, account):
    s = stage(account)
    limit = s.resting("buy", "1.0950", "0.3")
    mark = s.mark()
    s.kill("executor.0")
    s.start("executor.0")
    s.filled(s.buy("0.1"))  # its gateway has heard the new epoch
    s.price("1.0940", "1.0945")
    s.filled(limit)
    s.acknowledged()
    s.back_to(mark, "executor.0")
    s.go_on()
    s.filled(limit)
    s.filled(s.buy("0.1"))  # told in a report that follows those that were forgotten
    s.agree()


# --- V4: two outcomes

def test_a_signal_that_failed_and_was_executed_after_all_has_one_outcome(stage):
    s = stage(max_age_s=1)
    assert wire.control(s.plant, "gw-a", "fault", "late_accept", 6000, 1).ok
    order = s.buy("0.5")
    assert s.plant.final(order)["status"] == "failed"
    s.filled(order)
    s.agree()
    assert set(ledgers.statuses(s.plant)[order].values()) == {"completed"}


@pytest.mark.parametrize("what", ["cancel", "buy"])
def test_a_signal_that_is_decided_again_as_too_old_keeps_its_outcome(stage, what):
    s = stage(max_age_s=2)
    limit = s.resting("buy", "1.0900", "0.2")
    mark = s.mark()
    signal = s.post("cancel", target_signal_id=limit) if what == "cancel" else s.buy("0.5")
    assert s.plant.final(signal)["status"] == "completed"
    s.back_to(mark, "router", older_than_s=2.5)
    s.go_on()
    until(lambda: s.decided_as(signal) == {"signal_too_old"}, "it to be decided again")
    if what == "buy":
        s.post("cancel", target_signal_id=limit)  # what rests has no outcome yet
    s.agree()


def test_an_order_that_is_not_decided_again_does_not_wait_in_the_archive(stage):
    s = stage(max_age_s=2)
    mark = s.mark()
    s.kill("gw-a")
    order = s.buy("0.5")
    trade = until(lambda: s.trade(order), "the trade")
    until(lambda: trade["trade_id"] in ledgers.of_archive(s.plant).states, "it to be archived")
    s.back_to(mark, "router", "executor.0", older_than_s=2.5)
    s.start("gw-a")
    s.plant.final(order)
    s.agree()


BLIND = {"TRADECAST_PAPER_DUPLICATE_CHECK": "none", "TRADECAST_PAPER_CAN_QUERY": "false"}


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("end", ["filled", "cancelled"])
def test_what_only_the_gateway_knows_ends_as_it_says(stage, account, end):
    s = stage(account, options=BLIND)  # its broker cannot be asked
    mark = s.mark()
    if end == "filled":
        trade = s.filled(s.buy("0.3"))
    else:
        limit = s.resting("buy", "1.0900", "0.3")
        s.post("cancel", target_signal_id=limit)
        trade = s.until(limit, "cancelled")
    s.kill("router")
    s.back_to(mark, "executor.0")
    s.go_on()
    s.read_again(trade)  # from the gateway's books, for its order is in no journal
    s.start("router")
    s.agree()


# --- V5: standard, everything at once

@pytest.mark.parametrize("when", AGAIN)
def test_an_alert_without_an_id_is_not_ordered_twice_after_everything_was_killed(stage, when):
    s = stage()
    signal, again = forgotten.twice(s, *AGAIN[when])
    s.agree()
    assert again == signal
    assert forgotten.bought(s) == number("0.5"), "one alert, ordered twice"


def test_an_equal_alert_after_the_window_is_ordered_after_everything_was_killed(stage):
    s = stage()
    signal = forgotten.alert(s)
    sent_at = time.monotonic()
    s.start(*EVERYTHING)
    until(lambda: time.monotonic() > sent_at + WINDOW_S + 5, "its window to be over",
          within_s=WINDOW_S + 10)
    another = forgotten.alert_again(s)
    assert another != signal
    s.filled(another)
    s.agree()
    assert forgotten.bought(s) == number("1.0")


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_the_broker_executed_is_on_record_after_everything_was_killed(stage, account):
    s = stage(account)
    s.filled(s.buy("0.2"))
    mark = s.mark()
    bought = s.buy("0.5")
    s.filled(bought)
    s.plant.final(bought)
    s.all_back_to(mark)
    s.agree()


def test_a_signal_that_only_the_archive_has_comes_to_an_outcome(stage):
    s = stage()
    mark = s.mark()
    s.plant.freeze("router")
    order = s.buy("0.5")
    until(lambda: "archived signal" in ledgers.statuses(s.plant)[order], "it to be archived")
    s.all_back_to(mark)
    s.agree()
