"""One outcome a signal: whatever Redis and who with it forgot, and however it was decided again, both stores end with the same status."""
# SPDX-License-Identifier: MIT
import shutil
import time

import pytest

from tests.harness.oracle import archive
from tests.harness.plant import MARKET, configuration
from tests.harness.wait import until

MAX_AGE_S = 2
PLANT = {"mode": "chaos", "config": configuration(accounts=2, max_age_s=MAX_AGE_S)}


def log_directory(plant):
    return plant.layout.redis / "appendonlydir"


def keep_copy(plant):
    """Redis as it is now, to be put back."""
    copy = plant.layout.redis / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(log_directory(plant), copy)
    return copy


def roll_back(plant, copy, killed):
    """Redis forgets what came after the copy, and so does everybody who is killed with it."""
    for name in [*killed, "redis"]:
        plant.processes[name].kill()
        plant.processes[name].wait()
    shutil.rmtree(log_directory(plant))
    shutil.move(copy, log_directory(plant))
    for name in ["redis", *killed]:
        plant.restart(name)
    plant.wait_ready()


def archived(plant, signal_id):
    """(status of the signal's row, status of its last outcome) in the archive."""
    rows = archive(plant, "SELECT s.status, e.status FROM signals s LEFT JOIN signal_execution_status e USING (signal_id)"
                          f" WHERE s.signal_id = '{signal_id}'")
    return rows[0] if rows else None


def in_redis(plant, signal_id):
    return (plant.admin.hget(f"signal:{signal_id}", "status"), plant.admin.hget(f"signal_execution_status:{signal_id}", "status"))


def ends_everywhere(plant, signal_id, status, within_s=30):
    def look():
        found = {"Redis": in_redis(plant, signal_id), "the archive": archived(plant, signal_id)}
        return found if all(where == (status, status) for where in found.values()) else None
    until(look, f"{signal_id} to be {status} in both stores", within_s)
    assert not plant.admin.sismember("signal:state:pending", signal_id)
    assert not plant.admin.sismember("signal:state:processing", signal_id)


def accept(plant, name):
    """The id that a new signal got."""
    status, answer, _ = plant.door().alert(MARKET.replace("{id}", name))
    assert status == 200, answer
    return answer["signal_id"]


def command(plant, *words):
    status, out, err = plant.command(*words)
    assert status == 0, out + err


@pytest.mark.parametrize("killed", [["router"], ["router", "reconciler"], ["router", "archiver"]], ids="+".join)
def test_what_failed_and_was_executed_after_a_rollback_is_completed(plant, killed):
    copy = keep_copy(plant)
    command(plant, "halt")
    until(lambda: plant.admin.hget("risk:global", "mode") == "halted", "the halt")
    signal_id = accept(plant, "refused-" + "-".join(killed))
    ends_everywhere(plant, signal_id, "failed")
    command(plant, "resume")
    until(lambda: plant.admin.hget("risk:global", "mode") == "trading", "trading again")
    roll_back(plant, copy, killed)
    ends_everywhere(plant, signal_id, "completed")


@pytest.mark.parametrize("killed", [["router"], ["router", "ingest"], ["router", "reconciler"], ["router", "ingest", "reconciler"],
                                    ["router", "ingest", "reconciler", "archiver"]], ids="+".join)
def test_what_was_executed_and_refused_after_a_rollback_stays_completed(plant, killed):
    plant.freeze("router")
    try:
        signal_id = accept(plant, "executed-" + "-".join(killed))
        accepted = time.monotonic()
        copy = keep_copy(plant)
    finally:
        plant.thaw("router")
    ends_everywhere(plant, signal_id, "completed")
    until(lambda: time.monotonic() > accepted + MAX_AGE_S, "the signal to be too old", within_s=10)
    roll_back(plant, copy, killed)
    until(lambda: plant.decisions(signal_id) and all(d["reason"] == "signal_too_old" for d in plant.decisions(signal_id).values()),
          "the signal to be decided again")
    ends_everywhere(plant, signal_id, "completed")
