"""A slice has one owner: a second process under the same name is refused, and a replaced one neither writes nor submits."""
# SPDX-License-Identifier: MIT
import contextlib
import signal
import sqlite3

import pytest

from tests.harness import wire
from tests.harness.oracle import judge
from tests.harness.wait import until

PLANT = {"mode": "chaos"}
REPLACED = 3  # exit status; supervisors leave it at that
SERVICES = ["ingest", "router", "executor.0", "reconciler", "archiver", "monitor"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_second_process_of_a_name_says_so_and_ends(plant, name):
    second = plant.process(name)
    second.log = plant.layout.log / "second.log"
    second.start()
    assert second.wait(10) not in (None, 0)
    assert name in second.last_words() and "running" in second.last_words()
    assert plant.processes[name].alive()


def answers(plant, name):
    try:
        return wire.control(plant, name, "ping", within_s=1).ok
    except TimeoutError:
        return False


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_that_was_stopped_and_replaced_neither_writes_nor_submits(plant_of, name):
    with plant_of(**PLANT) as plant:
        stop_replace_and_continue(plant, name)


def freeze(plant, name):
    """Stops it where it holds no lock of the archive: on another host the new one would have a file of its own."""
    def frozen():
        plant.freeze(name)
        try:
            with contextlib.closing(sqlite3.connect(plant.archive, timeout=0, isolation_level=None)) as db:
                db.execute("BEGIN IMMEDIATE")
                db.execute("ROLLBACK")
            return True
        except sqlite3.OperationalError:
            plant.thaw(name)
            return False
    until(frozen, f"{name} to be between two transactions")


def test_who_was_replaced_may_wait_to_be_stopped_where_everything_is_started_again(plant_of):
    with plant_of(**PLANT, prepare=lambda it: it.per_process.update(router={"TRADECAST_REPLACED_WAITS": "true"})) as plant:
        old = plant.processes["router"]
        plant.layout.top.joinpath("elsewhere").mkdir()
        plant.processes["router"] = plant.process("router", {"TRADECAST_LOCK_DIR": str(plant.layout.top / "elsewhere")})
        plant.processes["router"].start()
        log = plant.layout.log / "router.log"
        until(lambda: "event=stopping error=ERR_FENCED" in log.read_text(), "the old one to find that it was replaced")
        assert plant.door().alert({"ticker": "EURUSD", "action": "buy", "contracts": "1", "price": "1.1", "signal_id": "replaced"})[0] == 200
        assert plant.processes["router"].alive() and old.alive()
        assert old.stop() and old.status == 0


def stop_replace_and_continue(plant, name):
    load = plant.load(f"zombie-{name}", 400, rate=200)
    until(lambda: plant.admin.exists(f"signal:zombie-{name}-50"), "the load to run")
    freeze(plant, name) if name == "archiver" else plant.freeze(name)
    zombie = plant.processes[name]
    locks = plant.layout.top / f"locks-{name}"
    locks.mkdir()
    # The lock of the frozen one still holds: the new one is on another host, as far as locks and ports can tell.
    elsewhere = {"TRADECAST_LOCK_DIR": str(locks), "TRADECAST_INGEST_HTTP_PORT": "0", "TRADECAST_MONITOR_HTTP_PORT": "0"}
    epoch = int(plant.admin.get(f"{name}:epoch"))
    plant.processes[name] = plant.process(name, elsewhere)
    plant.processes[name].start()
    until(lambda: int(plant.admin.get(f"{name}:epoch")) > epoch, "the new one to take over")
    until(lambda: answers(plant, name), "the new one to be at work")
    zombie.signal(signal.SIGCONT)
    until(lambda: not zombie.alive(), "the old one to find that it was replaced")
    assert zombie.status == REPLACED
    assert plant.processes[name].alive()
    # The old one took its sockets' files with it; on a host of its own it would not have.
    plant.processes[name].stop()
    plant.restart(name)
    plant.remember(load)
    assert len(load.accepted) == 400, (load.totals, load.log.read_text())
    verdict = judge(plant, plant.accepted, plant.sent)
    assert verdict.good, verdict
