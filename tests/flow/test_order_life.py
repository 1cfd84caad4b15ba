"""What is done to orders and positions once they are there: stop-limit, moved prices, stops that follow, partial closes, netting."""
# SPDX-License-Identifier: MIT
import itertools
import json
from decimal import Decimal

import pytest

from tests.harness import wire
from tests.harness.wait import until

PLANT = {
    "config": {
        "brokers": [{"broker_id": "a", "price_tolerance": "0.001",
                     "symbols": [{"symbol": s, "lot_step": "0.01", "min_lot": "0.01"} for s in ("EURUSD", "GBPUSD", "AUDUSD", "NZDUSD")]}],
        "accounts": [
            {"account_id": "hedge", "broker_id": "a", "balance": "1000000", "subscriptions": [{"source": "hedging", "multiplier": "1"}]},
            {"account_id": "net", "broker_id": "a", "balance": "1000000", "netting": True,
             "subscriptions": [{"source": "netting", "multiplier": "1"}]},
        ],
        "instances": [{"instance_id": "gw-a", "broker_id": "a", "accounts": ["hedge", "net"]}],
        "sources": [{"config_id": "hedging"}, {"config_id": "netting"}],
    },
}
numbers = itertools.count(1)


@pytest.fixture
def hedge(plant):
    it = Desk(plant, "hedging", "hedge")
    yield it
    it.door.close()


@pytest.fixture
def net(plant):
    it = Desk(plant, "netting", "net")
    yield it
    it.door.close()


class Desk:
    """One source and the account that follows it."""

    def __init__(self, plant, source, account):
        self.plant, self.account = plant, account
        self.door = plant.door(source)

    def post(self, direction, **fields):
        body = {"signal_id": f"life-{next(numbers)}", "symbol": "EURUSD", "order_type": "market", "direction": direction, **fields}
        status, answer, _ = self.door.alert(body)
        assert status == 200, answer
        return answer["signal_id"]

    def price(self, symbol, bid, ask):
        assert self.door.price(symbol, bid, ask)[0] == 200

    def trade(self, signal_id):
        return self.plant.trades(signal_id).get(self.account, {})

    def until(self, signal_id, meanwhile=lambda: None, **wanted):
        """The trade, once its fields are as wanted."""
        def look():
            meanwhile()
            t = self.trade(signal_id)
            return t if all(t.get(k) == v for k, v in wanted.items()) else None
        try:
            return until(look, f"{signal_id} to be {wanted}")
        except AssertionError:
            raise AssertionError(f"{signal_id} is {self.trade(signal_id)}") from None

    def at_broker(self, signal_id):
        answer = wire.control(self.plant, "gw-a", "ledger", self.trade(signal_id)["trade_id"])
        return json.loads(answer.json) if answer.ok else {}


def test_a_stop_limit_order_fills_at_its_limit_or_better(plant, hedge):
    hedge.price("EURUSD", "1.10000", "1.10010")
    order = hedge.post("buy", order_type="stop_limit", price="1.10200", limit_price="1.10250", lot_size="0.1")
    hedge.until(order, state="working")
    hedge.price("EURUSD", "1.10300", "1.10310")  # over the stop, and over the limit
    hedge.price("EURUSD", "1.10230", "1.10240")
    t = hedge.until(order, state="filled")
    assert t["average_price"] == "1.1024"
    assert plant.final(order)["status"] == "completed"


def test_a_working_orders_price_is_moved(plant, hedge):
    hedge.price("GBPUSD", "1.30000", "1.30010")
    order = hedge.post("buy", symbol="GBPUSD", order_type="limit", price="1.2000", lot_size="0.1")
    hedge.until(order, state="working")
    hedge.post("modify", symbol="GBPUSD", target_signal_id=order, price="1.2500")
    hedge.until(order, price="1.25", requested_price="1.25")
    hedge.price("GBPUSD", "1.24990", "1.25000")
    t = hedge.until(order, state="filled")
    assert t["average_price"] == "1.25" and "price_wanted" not in t
    assert plant.final(order)["status"] == "completed"
    compared = plant.admin.hgetall(f"reconciliation:{t['trade_id']}")
    assert (compared["reconciliation_status"], compared["discrepancy"]) == ("success", "0")


def test_a_change_that_the_broker_refuses_is_on_record(plant, hedge):
    hedge.price("NZDUSD", "0.60000", "0.60010")
    order = hedge.post("buy", symbol="NZDUSD", price="0.6001", lot_size="0.1", stop_loss="0.59")
    hedge.until(order, state="filled")
    assert wire.control(plant, "gw-a", "price", "NZDUSD", "0.59500", "0.59510").ok
    hedge.post("modify", symbol="NZDUSD", target_signal_id=order, stop_loss="0.5960")  # the market is below that
    t = hedge.until(order, modify_rejected="invalid_stops")
    assert t["stop_loss"] == "0.59" and "stop_loss_wanted" not in t
    assert hedge.at_broker(order)["stop_loss"] == "0.59"


def test_a_stop_follows_the_price_and_closes(plant, hedge):
    hedge.price("AUDUSD", "0.65000", "0.65010")
    order = hedge.post("buy", symbol="AUDUSD", price="0.65010", lot_size="0.1", trail_distance="0.00200", exit_unit="distance")
    hedge.until(order, state="filled", stop_loss="0.6481")  # from the start
    # A broker that hears the price later than the executor refuses the stop; it is offered again when a price comes.
    hedge.until(order, lambda: hedge.price("AUDUSD", "0.65500", "0.65510"), stop_loss="0.653", trail_high="0.655")
    assert hedge.at_broker(order)["stop_loss"] == "0.653"
    hedge.price("AUDUSD", "0.65400", "0.65410")  # back a little: it stays
    hedge.price("AUDUSD", "0.65290", "0.65300")
    t = hedge.until(order, state="closed")
    assert (t["stop_loss"], t["exit_price"]) == ("0.653", "0.6529")


def test_three_partial_closes_come_to_zero(plant, hedge):
    hedge.price("EURUSD", "1.10000", "1.10010")
    order = hedge.post("buy", price="1.1001", lot_size="0.1", symbol="EURUSD")
    hedge.until(order, state="filled")
    target = {"symbol": "EURUSD", "target_signal_id": order}
    first = hedge.post("close", close_percent="33", **target)
    assert hedge.until(first, state="filled")["filled_lots"] == "0.03"
    assert hedge.until(order, closed_lots="0.03")["residual"] == "0.003"  # 0.033 was asked
    second = hedge.post("close", close_percent="33", **target)
    assert hedge.until(second, state="filled")["filled_lots"] == "0.02"
    last = hedge.post("close", **target)
    assert hedge.until(last, state="filled")["filled_lots"] == "0.05"
    t = hedge.until(order, state="closed")
    assert t["closed_lots"] == t["filled_lots"] == "0.1"
    assert hedge.at_broker(order)["open_lots"] == "0"
    for signal in (order, first, second, last):
        assert plant.final(signal)["status"] == "completed"


def position(plant, account, symbol):
    return json.loads(plant.admin.get(f"positions:active:{account}:{symbol}") or "{}")


def test_a_netting_account_is_turned_round_and_every_trade_ends_exactly(plant, net):
    net.price("GBPUSD", "1.30000", "1.30010")
    one = net.post("buy", symbol="GBPUSD", price="1.3001", lot_size="0.4")
    net.until(one, state="filled")
    two = net.post("buy", symbol="GBPUSD", price="1.3001", lot_size="0.6")
    net.until(two, state="filled")
    net.price("GBPUSD", "1.30110", "1.30120")
    round_ = net.post("sell", symbol="GBPUSD", price="1.3011", lot_size="2.5")
    t = net.until(round_, state="filled", netted_lots="1")
    first, second = net.until(one, state="closed"), net.until(two, state="closed")
    assert Decimal(first["pnl"]) + Decimal(second["pnl"]) == 100  # 1 lot, 10 points
    assert first["exit_price"] == second["exit_price"] == "1.3011"
    until(lambda: position(plant, "net", "GBPUSD").get("side") == "short", "the position to be short")
    assert position(plant, "net", "GBPUSD")["quantity"] == 1.5
    assert net.at_broker(round_)["open_lots"] == "1.5"
    flat = net.post("close", symbol="GBPUSD")
    assert net.until(flat, state="filled")["filled_lots"] == "1.5"
    t = net.until(round_, state="closed")
    assert Decimal(t["netted_lots"]) + Decimal(t["closed_lots"]) == Decimal(t["filled_lots"]) == Decimal("2.5")
    until(lambda: not position(plant, "net", "GBPUSD"), "the position to be gone")
    for signal in (one, two, round_, flat):
        assert plant.final(signal)["status"] == "completed"
