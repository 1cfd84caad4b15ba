"""One installation over four hosts: whatever happens between them, nothing is lost, nothing is doubled, and it comes right by itself."""
# SPDX-License-Identifier: MIT
import pytest

from tests.harness.oracle import judge
from tests.harness.wait import until
from tests.hosts.faults import FAULTS, PLACE, lasting
from tests.hosts.ordeal import Ordeal, make_plant, row

# Those of make chaos-hosts that are most unlike each other.
IN_TURN = ["store-back", "front-back", "from-store", "from-far", "loss", "resets", "slow-far", "dies-back"]


@pytest.fixture(scope="module")
def ordeal(request):
    it = Ordeal(rate=80, tunnel=True)
    try:
        yield it
    finally:
        place = it.close()
        if place:
            print(f"\nkept for looking: {place}")


@pytest.mark.parametrize("name", IN_TURN)
def test_it_comes_right_by_itself_after(ordeal, name):
    print(row(ordeal.endure(lasting(FAULTS[name], 2.5))))


def test_nothing_was_lost_and_nothing_doubled(ordeal, capsys):
    verdict = ordeal.judge()
    with capsys.disabled():
        print("\n" + "\n".join(row(p) for p in ordeal.passed) + "\n  " + ordeal.words, end="", flush=True)
    assert verdict.good, verdict


# --- an executor that moves

MOVED = {**{host: [n for n in names if n != "gw-a"] for host, names in PLACE.items()}, "back": ["executor.0", "gw-a"], "spare": []}
NO_QUIET = {"TRADECAST_EXECUTOR_ROLLBACK_QUIET": "0s"}  # only the epoch keeps the old one from sending


@pytest.fixture
def plant():
    it = make_plant(unchecked=True, options=NO_QUIET, place=MOVED)
    try:
        yield it.up()
    finally:
        it.kill()
        it.wipe()


def taken_beside(plant):
    """Orders that the old executor's gateway has taken."""
    return len(plant.orders("gw-a"))


def test_an_executor_that_was_moved_while_its_host_was_away_stops_when_that_is_back_and_sends_nothing(plant):
    load = plant.load("m", 1_000_000, 100)
    until(lambda: taken_beside(plant) > 50, "orders at both brokers")
    zombie, epoch = plant.processes["executor.0"], int(plant.admin.get("executor.0:epoch"))
    plant.network.unplug("back")  # it is alive, and so is its gateway beside it
    until(lambda: "service_silent:executor.0" in plant.admin.smembers("alert:active"), "the operator to be told")
    plant.move("executor.0", "spare")
    plant.export_keys("spare")
    plant.processes["executor.0"] = plant.process("executor.0")
    plant.processes["executor.0"].start()
    until(lambda: int(plant.admin.get("executor.0:epoch")) > epoch, "the new one to take over")
    for name in ("router", "reconciler", "archiver", "monitor", "gw-b"):  # all who speak with it, by the new line
        plant.processes[name].stop()
        plant.restart(name)
    far = len(plant.orders("gw-b"))
    until(lambda: len(plant.orders("gw-b")) > far + 50, "orders by the new one")
    taken = taken_beside(plant)
    plant.network.plug("back")
    until(lambda: not zombie.alive(), "the old one to find that it was replaced")
    assert zombie.status != 0
    assert taken_beside(plant) == taken, "the old one has sent orders"
    plant.processes["gw-a"].stop()
    plant.restart("gw-a")
    until(lambda: taken_beside(plant) > taken + 50, "orders by the new one at the gateway beside the old one")
    load.stop()
    plant.remember(load)
    verdict = judge(plant, plant.accepted, plant.sent, within_s=60, may_expire=True)
    assert verdict.good, verdict
