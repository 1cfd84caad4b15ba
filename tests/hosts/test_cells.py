"""Two cells on two hosts: what the door of one has accepted is done in both, whatever happens to hosts and network, and nothing is doubled."""
# SPDX-License-Identifier: MIT
import time

import pytest

from tests.fault.chaos import QUICK
from tests.harness.hosts import WORLD, HostsPlant
from tests.harness.network import Network
from tests.harness.oracle import judge
from tests.harness.plant import configuration
from tests.harness.wait import until

ALL = ["redis", "ingest", "router", "executor.0", "reconciler", "archiver", "monitor"]
RATE = 100
AWAY_S = 2


def make_cell(name, other, network):
    config = configuration(accounts=2, brokers=1)
    ids = [f"{name}-{n}" for n in range(2)]
    for account, account_id in zip(config["accounts"], ids):
        account["account_id"] = account_id
    config["brokers"][0]["longest_acceptance_ms"] = 500
    config["instances"][0] |= {"instance_id": f"gw-{name}", "accounts": ids}
    return HostsPlant({name: [*ALL, f"gw-{name}", f"relay.{other}"]}, network=network, mode="chaos", config=config, keep=True, options=QUICK,
                      cell=name, cells={other: network.addresses[other]})


@pytest.fixture(scope="module")
def cells(request):
    with Network(["a", "b", WORLD]) as network:
        both = [make_cell("a", "b", network), make_cell("b", "a", network)]
        a, b = both
        try:
            for plant in both:
                plant.make_keys()
            a.know(b, "ingest", "monitor", "relay.a")
            b.know(a, "ingest", "monitor", "relay.b")
            for plant in both:
                plant.up()
            yield both
        finally:
            failed = request.session.testsfailed
            for plant in both:
                plant.kill()
                if failed:
                    print(f"\nkept for looking: {plant.temporary}")
                else:
                    plant.wipe()


def handed(plant, load):
    """How many signals of a load a cell knows."""
    return sum(1 for _ in plant.admin.scan_iter(f"signal:{load}-*", count=1000))


FAULTS = {
    "the_network_between_them_is_cut": (lambda a, b: a.network.cut("a", "b"), lambda a, b: a.network.heal()),
    "only_one_hears_the_other": (lambda a, b: a.network.cut_one_way("b", "a"), lambda a, b: a.network.heal()),
    "the_others_host_dies": (lambda a, b: b.die("b"), lambda a, b: b.boot("b")),
    "the_doors_host_dies": (lambda a, b: a.die("a"), lambda a, b: a.boot("a")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_both_end_with_everything_once_after(cells, name, capsys):
    a, b = cells
    begin, end = FAULTS[name]
    load = a.load(name, 1_000_000, RATE)
    until(lambda: handed(b, name) > 20, "signals on their way to b")
    begin(a, b)
    time.sleep(AWAY_S)  # the fault lasts
    end(a, b)
    ended = time.monotonic()
    so_far = handed(b, name)
    until(lambda: handed(b, name) > so_far + RATE // 2, "signals of afterwards in b", 30)
    going_on = time.monotonic() - ended
    load.stop()
    a.remember(load)
    for plant in cells:
        verdict = judge(plant, load.accepted, a.sent, within_s=60)
        assert verdict.good, (plant.cell, verdict)
    until(lambda: a.ready() and b.ready(), "both monitors to find all well", 30)
    with capsys.disabled():
        print(f"\n  {name}: {len(load.accepted)} signals in both; they went on {going_on:.1f} s after it ended", end="", flush=True)
