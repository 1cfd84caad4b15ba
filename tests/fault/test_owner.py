"""A slice has one owner: a second process under the same name is refused, and a replaced one neither writes nor submits."""
# SPDX-License-Identifier: MIT
import pytest

from tests.harness.oracle import judge
from tests.harness.wait import until

PLANT = {"mode": "chaos"}
SERVICES = ["ingest", "router", "executor.0", "reconciler", "archiver", "monitor"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_second_process_of_a_name_says_so_and_ends(plant, name):
    second = plant.process(name)
    second.log = plant.layout.log / "second.log"
    second.start()
    assert second.wait(10) not in (None, 0)
    assert name in second.last_words() and "running" in second.last_words()
    assert plant.processes[name].alive()


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_that_was_stopped_and_replaced_neither_writes_nor_submits(plant, name):
    load = plant.load(f"zombie-{name}", 400, rate=200)
    until(lambda: plant.admin.exists(f"signal:zombie-{name}-50"), "the load to run")
    plant.freeze(name)
    zombie = plant.processes[name]
    locks = plant.layout.top / f"locks-{name}"
    locks.mkdir()
    # The lock of the frozen one still holds: the new one is on another host, as far as locks can tell.
    plant.processes[name] = plant.process(name, {"TRADECAST_LOCK_DIR": str(locks)})
    plant.processes[name].start()
    epoch = plant.admin.get(f"{name}:epoch")
    until(lambda: plant.admin.get(f"{name}:epoch") != epoch or int(epoch) > 1, "the new one to take over")
    until(lambda: (plant.admin.get(f"{name}:batch") or "") and plant.processes[name].alive(), "the new one to be at work")
    zombie.signal(18)  # SIGCONT
    until(lambda: not zombie.alive(), "the old one to find that it was replaced", within_s=20)
    assert zombie.status != 0
    assert plant.processes[name].alive()
    plant.remember(load)
    assert len(load.accepted) == 400
    plant.processes[name].stop()
    plant.restart(name)
    verdict = judge(plant, plant.accepted, plant.sent)
    assert verdict.good, verdict
