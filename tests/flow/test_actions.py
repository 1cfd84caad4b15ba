"""What an account does with the actions of a signal: targets that heal, reverse, one side, parts, everything, modify and cancel."""
# SPDX-License-Identifier: MIT
import itertools
import json
from decimal import Decimal

import pytest

from tests.harness.wait import until

ACCOUNTS = ["copy", "fixed", "net", "risk"]
SYMBOLS = [{"symbol": s, "lot_step": "0.01", "min_lot": "0.01", "max_lot": "50", "contract_size": "100000", "digits": 5}
           for s in ("EURUSD", "GBPUSD")]
PLANT = {
    "config": {
        "brokers": [{"broker_id": "a", "price_tolerance": "0.01", "symbols": SYMBOLS}],
        "accounts": [
            {"account_id": "copy", "broker_id": "a", "balance": "100000", "subscriptions": [{"source": "test", "multiplier": "1"}]},
            {"account_id": "fixed", "broker_id": "a", "balance": "100000", "subscriptions": [{"source": "test", "fixed_lot": "0.3"}]},
            {"account_id": "net", "broker_id": "a", "balance": "100000", "netting": True,
             "subscriptions": [{"source": "test", "multiplier": "2"}]},
            {"account_id": "risk", "broker_id": "a", "balance": "100000",
             "subscriptions": [{"source": "test", "sizing": "balance_percent", "risk_percent": "0.5", "default_stop_loss_points": "500"}]},
        ],
        "instances": [{"instance_id": "gw-a", "broker_id": "a", "accounts": ACCOUNTS}],
        "sources": [{"config_id": "test"}],
    },
}
numbers = itertools.count()


@pytest.fixture
def send(plant):
    """Posts a signal and waits until it is final; tells its status."""
    door = plant.door()

    def post(expected=200, **fields):
        body = {"symbol": "EURUSD", "price": "1.1", "signal_id": f"action-{next(numbers)}", **fields}
        status, answer, _ = door.alert({name: value for name, value in body.items() if value is not None})
        assert status == expected, answer
        if expected != 200:
            return answer
        return plant.final(body["signal_id"])["status"], body["signal_id"]

    yield post
    door.close()


def net(plant, account, symbol="EURUSD"):
    text = plant.admin.get(f"positions:active:{account}:{symbol}")
    if not text:
        return Decimal(0)
    position = json.loads(text, parse_float=Decimal)
    return Decimal(position["quantity"]) * (-1 if position["side"] == "short" else 1)


def come_to(plant, **lots):
    want = {account: Decimal(text) for account, text in lots.items()}
    seen = {}

    def there():
        seen.update({a: net(plant, a) for a in want})
        return seen == want

    try:
        until(there, f"positions {want}")
    except AssertionError as late:
        raise AssertionError(f"{late}: {seen}") from late


def reasons(plant, signal_id):
    return [(d["account_id"], d["reason"]) for d in json.loads(plant.admin.hget(f"routing:{signal_id}", "decisions"))]


@pytest.fixture(autouse=True)
def clean(plant, send):
    door = plant.door()
    assert door.post(plant.prices("test"), [{"symbol": "EURUSD", "last": "1.1"}, {"symbol": "GBPUSD", "last": "1.3"}])[0] == 200
    door.close()
    # an account sized by risk takes nothing before its broker has told its balance
    until(lambda: ("risk", "no_account_state") not in reasons(plant, send(market_position="long", position_size="0.01")[1]), "it is told")
    send(action="flat", symbol=None, price=None)
    come_to(plant, **dict.fromkeys(ACCOUNTS, "0"))
    yield
    send(action="flat", symbol=None, price=None)
    come_to(plant, **dict.fromkeys(ACCOUNTS, "0"))


def test_a_target_is_reached_and_heals_after_a_missed_alert(plant, send):
    status, first = send(market_position="long", position_size="2")
    assert status == "completed", reasons(plant, first)
    come_to(plant, copy="2", net="4", fixed="0.3", risk="1")  # risk: 500 USD over 500 points of 1 USD a lot
    # the alert that went flat never arrives; the next one stands for it
    assert send(action="sell", contracts="3", market_position="short", position_size="-1")[0] == "completed"
    come_to(plant, copy="-1", net="-2", fixed="-0.3", risk="-1")
    status, again = send(market_position="short", position_size="-1")
    assert status == "completed" and {reason for _, reason in reasons(plant, again)} == {"in_position"}
    come_to(plant, copy="-1", net="-2", fixed="-0.3", risk="-1")


def test_a_router_that_starts_again_knows_what_its_accounts_hold(plant, send):
    send(action="target", target_position="1.5")
    come_to(plant, copy="1.5", net="3")
    plant.processes["router"].kill()
    plant.restart("router")
    status, again = send(action="target", target_position="1.5")
    assert status == "completed" and {reason for _, reason in reasons(plant, again)} == {"in_position"}
    send(action="target", target_position="0.5")
    come_to(plant, copy="0.5", net="1")


def test_reverse_closes_and_enters_the_other_side(plant, send):
    send(market_position="long", position_size="1")
    come_to(plant, copy="1", net="2", fixed="0.3")
    assert send(action="reverse")[0] == "completed"
    come_to(plant, copy="-1", net="-2", fixed="-0.3")


def test_close_long_leaves_shorts(plant, send):
    send(action="buy", lot_size="1")
    send(action="sell", lot_size="0.4")
    come_to(plant, copy="0.6")
    assert send(action="close_long")[0] == "completed"
    come_to(plant, copy="-0.4", fixed="-0.3")
    assert send(action="close_long")[0] == "failed"  # nothing is long any more
    come_to(plant, copy="-0.4", fixed="-0.3")


def test_parts_in_percent_go_to_the_last_lot(plant, send):
    send(action="buy", lot_size="0.05")
    come_to(plant, copy="0.05", net="0.1", fixed="0.3")
    send(action="close", close_percent="50")
    come_to(plant, net="0.05", fixed="0.15")
    for _ in range(12):
        if not any(net(plant, a) for a in ("copy", "net", "fixed")):
            break
        send(action="close", close_percent="100")
    come_to(plant, copy="0", net="0", fixed="0")


def test_flat_is_all_symbols_and_what_works(plant, send):
    send(action="buy", lot_size="1")
    send(action="sell", symbol="GBPUSD", price="1.3", lot_size="1")
    door = plant.door()
    status, _, _ = door.alert({"symbol": "EURUSD", "action": "buy", "order_type": "limit", "price": "1.0", "lot_size": "1", "signal_id": "resting"})
    assert status == 200
    until(lambda: {t["state"] for t in plant.trades("resting").values()} == {"working"}, "the limit orders work")
    assert send(action="flat", symbol=None, price=None)[0] == "completed"
    for account in ACCOUNTS:
        until(lambda a=account: net(plant, a) == net(plant, a, "GBPUSD") == 0, f"{account} is flat")
    assert plant.final("resting")["status"] == "failed"
    assert {t["state"] for t in plant.trades("resting").values()} == {"cancelled"}
    door.close()


def test_a_resting_order_is_changed_and_cancelled_by_its_signal(plant, send):
    door = plant.door()
    door.alert({"symbol": "EURUSD", "action": "buy", "order_type": "limit", "price": "1.0", "lot_size": "1", "sl_points": 1000, "signal_id": "to-change"})
    until(lambda: {t["state"] for t in plant.trades("to-change").values()} == {"working"}, "the limit orders work")
    assert {t["stop_loss"] for t in plant.trades("to-change").values()} == {"0.99"}
    assert send(action="modify", target_signal_id="to-change", price="1.01", sl="0.98")[0] == "completed"
    until(lambda: {(t["price"], t["stop_loss"]) for t in plant.trades("to-change").values()} == {("1.01", "0.98")}, "the orders are changed")
    status, cancel = send(action="cancel", target_signal_id="to-change", price=None)
    assert status == "completed" and {reason for _, reason in reasons(plant, cancel)} == {"commanded"}
    assert plant.final("to-change")["status"] == "failed"

    def nothing_left():
        status, again = send(action="cancel", target_signal_id="to-change", price=None)
        return status == "failed" and {reason for _, reason in reasons(plant, again)} == {"nothing_to_change"}
    until(nothing_left, "the router to have heard that they are cancelled")  # topics have no order between them
    door.close()


def test_a_wrong_combination_is_refused_with_field_and_rule(send):
    answer = send(422, action="buy", lot_size="1", close_percent="50")
    assert answer["error"]["field"] == "close_percent"
    assert send(422, action="modify", price=None)["error"]["field"] == "action"
