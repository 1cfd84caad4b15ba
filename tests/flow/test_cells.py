"""Two cells on one machine: what one door takes is decided in both, whoever is killed, and nothing is done twice."""
# SPDX-License-Identifier: MIT
import pytest

from tests.harness import oracle
from tests.harness.plant import SOURCE, Plant, configuration
from tests.harness.wait import until

MARKET = {"symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "0.1", "price": "1.08432"}


def cell_config(name):
    """One account of the cell's own."""
    config = configuration(accounts=1, brokers=1)
    account = f"acc-{name}"
    config["accounts"][0]["account_id"] = account
    config["instances"][0] |= {"instance_id": f"gw-{name}", "accounts": [account]}
    config["sources"] += [{"config_id": "only-a"}, {"config_id": "nobody"}]
    if name == "a":
        config["accounts"][0]["subscriptions"].append({"source": "only-a", "fixed_lot": "0.1"})
    return config


class Cells:
    """a and b, each handing over to the other."""

    def __init__(self):
        self.a = Plant(config=cell_config("a"), cell="a")
        self.b = Plant(config=cell_config("b"), cell="b")
        self.a.cells, self.b.cells = {"b": str(self.b.layout.run)}, {"a": str(self.a.layout.run)}
        self.number = 0

    def up(self):
        for plant in (self.a, self.b):
            plant.up()
        return self

    def send(self, plant, source=SOURCE, **more):
        """A signal through a door: its id."""
        self.number += 1
        door = plant.door(source)
        status, answer, _ = door.alert({**MARKET, "signal_id": f"sig-{self.number}", **more})
        door.close()
        assert status == 200, answer
        return answer["signal_id"]


@pytest.fixture(scope="module")
def cells():
    both = Cells()
    try:
        both.up()
        yield both
    except BaseException:
        for plant in (both.a, both.b):
            plant.kill()
        raise
    both.b.down()
    both.a.down()


def filled(plant, signal_id, within_s=20):
    """The signal's hash and its one trade, filled."""
    found = plant.final(signal_id, within_s)
    assert found["status"] == "completed", found
    (trade,) = plant.trades(signal_id).values()
    assert trade["state"] == "filled"
    return found, trade


def test_a_signal_through_one_door_is_filled_by_the_accounts_of_both_cells(cells):
    signal_id = cells.send(cells.a)
    here, trade_here = filled(cells.a, signal_id)
    there, trade_there = filled(cells.b, signal_id)
    assert (trade_here["account_id"], trade_there["account_id"]) == ("acc-a", "acc-b")
    assert here["created_at"] == there["created_at"] and here["content"] == there["content"]
    assert there["cell"] == "a" and "cell" not in here


def test_nothing_is_handed_back(cells):
    signal_id = cells.send(cells.a)
    filled(cells.b, signal_id)
    last = cells.send(cells.b)
    filled(cells.a, last)
    assert cells.a.admin.hgetall(f"signal:{last}")["cell"] == "b"
    assert "cell" not in cells.a.admin.hgetall(f"signal:{signal_id}")
