"""Nobody is killed: a broker's answer is lost, and what comes after it is there first."""
# SPDX-License-Identifier: MIT
import pytest

from tests.harness import ledgers, wire
from tests.harness.stage import ACCOUNTS
from tests.harness.wait import until


def lose_an_answer(s):
    """The next order is executed and nothing is said of it: only asking tells."""
    assert wire.control(s.plant, "gw-a", "fault", "lost_reply", 1).ok


@pytest.mark.parametrize("percent", ["50", "100"])
def test_a_net_position_is_the_brokers_though_a_close_is_told_late(stage, percent):
    s = stage("net")
    s.filled(s.buy("0.3"))
    lose_an_answer(s)
    s.post("close", close_percent=percent)
    s.filled(s.post("sell", lot_size="0.3", price="1.1"))  # closes what is left, and opens
    s.agree()


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_order_whose_position_was_closed_before_it_was_known_ends(stage, account):
    s = stage(account)
    lose_an_answer(s)
    s.buy("0.3", stop_loss="1.0950")
    until(lambda: ledgers.of_brokers(s.plant).lots, "the broker to have executed it")
    s.price("1.0940", "1.0945")
    s.flat()
    s.agree()


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("first, then", [("0.5", "0.2"), ("0.2", "0.5")])
def test_an_entry_that_is_told_late_meets_what_came_after_it(stage, account, first, then):
    s = stage(account)
    lose_an_answer(s)
    late = s.buy(first)
    s.filled(s.post("sell", lot_size=then, price="1.1"))
    s.filled(late)
    s.agree()
