"""The executor is killed while a stop follows the price: the stop goes on from where it was, never back, and is at the broker all the while."""
# SPDX-License-Identifier: MIT
import json
from decimal import Decimal

import pytest

from tests.harness import wire
from tests.harness.wait import until

PLANT = {
    "mode": "chaos",
    "config": {
        "brokers": [{"broker_id": "a", "symbols": [{"symbol": s} for s in ("EURUSD", "GBPUSD", "AUDUSD")]}],
        "accounts": [{"account_id": "one", "broker_id": "a", "balance": "1000000", "subscriptions": [{"source": "test", "fixed_lot": "0.1"}]}],
        "instances": [{"instance_id": "gw-a", "broker_id": "a", "accounts": ["one"]}],
        "sources": [{"config_id": "test"}],
    },
}
DISTANCE = Decimal("0.002")


class Position:
    """A long position with a trailing stop, and what the broker says of it."""

    def __init__(self, plant, symbol):
        self.plant, self.symbol, self.door = plant, symbol, plant.door()
        self.high = Decimal("1.1")
        self.price(self.high)
        status, answer, _ = self.door.alert({"signal_id": f"trail-{symbol}", "symbol": symbol, "order_type": "market", "direction": "buy",
                                             "price": "1.1001", "trail_distance": str(DISTANCE), "exit_unit": "distance"})
        assert status == 200, answer
        self.trade_id = until(lambda: plant.trades(answer["signal_id"]).get("one", {}).get("trade_id"), "the trade")
        until(lambda: self.state()["state"] == "filled", "the position")
        self.stop = self.at_broker()
        assert self.stop == Decimal("1.1001") - DISTANCE

    def state(self):
        return self.plant.admin.hgetall(f"trade_state:{self.trade_id}")

    def price(self, bid):
        assert self.door.price(self.symbol, str(bid), str(bid + Decimal("0.0001")))[0] == 200

    def at_broker(self):
        order = json.loads(wire.control(self.plant, "gw-a", "ledger", self.trade_id).json)
        assert order["open_lots"] == "0.1"
        return Decimal(order["stop_loss"])

    def look(self):
        """The broker's stop; it has one, and it has not gone back."""
        stop = self.at_broker()
        assert stop >= self.stop > 0
        self.stop = stop
        return stop

    def rise(self):
        self.high += Decimal("0.001")
        self.price(self.high)

    def wait(self):
        until(lambda: self.look() == self.high - DISTANCE, f"the stop to be at {self.high - DISTANCE}; {self.state()}")


@pytest.mark.parametrize("symbol, passing", [("EURUSD", 1), ("GBPUSD", 3)])
def test_killed_where_a_stop_moves_it_goes_on_from_where_it_was(plant, symbol, passing):
    p = Position(plant, symbol)
    name = "executor.0"
    plant.processes[name].kill()
    plant.processes[name] = plant.process(name, {"TRADECAST_FAIL": f"executor.stop_moved:{passing}"})
    plant.processes[name].start()

    def dead():
        if plant.processes[name].alive():
            p.rise()
        p.look()
        return not plant.processes[name].alive()

    until(dead, "the executor to die where a stop moves", pause_s=0.2)
    plant.processes[name].kill()
    plant.restart(name)
    until(lambda: p.rise() or p.look() == p.high - DISTANCE, "the stop to follow again", pause_s=0.5)
    p.door.close()


def test_killed_at_any_moment_the_stop_is_there_and_only_goes_forward(plant):
    p = Position(plant, "AUDUSD")
    for _ in range(4):
        p.rise()
        plant.processes["executor.0"].kill()  # before, while or after it is moved
        p.look()
        plant.restart("executor.0")
        until(lambda: p.rise() or p.look() == p.high - DISTANCE, "the stop to follow again", pause_s=0.5)
    p.price(p.high - DISTANCE)  # the broker closes it at the last stop
    until(lambda: p.state()["state"] == "closed", "the position to be closed")
    assert Decimal(p.state()["exit_price"]) == p.high - DISTANCE
    p.door.close()
