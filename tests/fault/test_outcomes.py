"""One outcome a signal: whatever Redis and who with it forgot, and however it was decided again, both
stores end with the same status, and nothing that the archive has stays without one.
"""
# SPDX-License-Identifier: MIT
import shutil
import time

import pytest

from tests.fault.chaos import QUICK
from tests.harness import rollback
from tests.harness.oracle import archive, ledger
from tests.harness.plant import MARKET, configuration
from tests.harness.wait import until

MAX_AGE_S = 3
ACCOUNTS = ["acc000", "acc001"]
PLANT = {"mode": "chaos", "config": configuration(accounts=2, max_age_s=MAX_AGE_S)}


def log_directory(plant):
    return plant.layout.redis / "appendonlydir"


def keep_copy(plant):
    """Redis as it is now, to be put back."""
    copy = plant.layout.redis / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(log_directory(plant), copy)
    return copy


def roll_back(plant, copy, killed, ready=lambda: True):
    """Redis forgets what came after the copy, and so does everybody who is killed with it. The router
    starts when it is ready."""
    for name in [*killed, "redis"]:
        plant.processes[name].kill()
        plant.processes[name].wait()
    shutil.rmtree(log_directory(plant))
    shutil.move(copy, log_directory(plant))
    for name in ["redis", *killed[1:]]:
        plant.restart(name)
    until(ready, "what the router is to find")
    plant.restart(killed[0])
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
    """The id that a new signal got, once the door takes any."""
    body = MARKET.replace("{id}", name)
    return taken(plant, body)["signal_id"]


def taken(plant, body):
    """What the door answers when it takes it; it may just be coming back."""
    def look():
        try:
            status, answer, _ = plant.door().alert(body)
        except OSError:
            return None
        return answer if status == 200 else None
    return until(look, "the door to be open", within_s=10)


def enable(plant, word):
    """Switches the accounts on or off. The archiver may not have Redis back: then it is said again."""
    for account in ACCOUNTS:
        until(lambda: plant.command("config", "set", f"accounts.{account}.enabled", word)[0] == 0, f"{account} to be {word}")
    until(lambda: are_enabled(plant) == (word == "true"), f"the accounts to be {word}")


def are_enabled(plant):
    """As Redis has it, which does not say what is preset."""
    said = {plant.admin.hget(f"account_config:{account}", "enabled") for account in ACCOUNTS}
    return not said & {"0", "false"}


@pytest.mark.parametrize("killed", [["router"], ["router", "reconciler"], ["router", "archiver"]], ids="+".join)
def test_what_failed_and_was_executed_after_a_rollback_is_completed(plant, killed):
    copy = keep_copy(plant)
    enable(plant, "false")
    signal_id = accept(plant, "refused-" + "-".join(killed))
    ends_everywhere(plant, signal_id, "failed")
    enable(plant, "true")
    roll_back(plant, copy, killed, lambda: are_enabled(plant))
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


# --- what only the archive knows any more

SERVICES = ["ingest", "router", "executor.0", "reconciler", "archiver", "monitor"]
COUNT = 20
RECALLED = {"mode": "chaos", "config": configuration(accounts=2, brokers=2), "options": {**QUICK, "TRADECAST_ARCHIVER_GATHER_FOR": "200ms", "TRADECAST_INGEST_LOSS_WAIT": "2s"}}


def forget(plant, mark, killed):
    """These die at once with Redis, which forgets what came after the mark."""
    names = ["redis", *killed]
    for name in names:
        plant.processes[name].signal(9)
    for name in names:
        plant.processes[name].wait()
    assert rollback.cut(plant, mark) > 0
    for name in names:
        plant.restart(name)
    plant.wait_ready()


def statuses(plant):
    """{signal_id: its status} in the archive."""
    return dict(archive(plant, "SELECT signal_id, status FROM signals"))


def come_to_an_end(plant, signal_ids, within_s=60):
    def look():
        left = {s: (in_redis(plant, s), archived(plant, s)) for s in signal_ids}
        left = {s: at for s, at in left.items() if len({*at[0], *(at[1] or [None])}) != 1 or at[0][0] not in ("completed", "failed")}
        return not left or (time.monotonic() > end and left)
    end = time.monotonic() + within_s
    left = until(look, "all signals to have ended", within_s + 5, pause_s=0.2)
    assert left is True, f"{len(left)} of {len(signal_ids)}, e.g. {list(left.items())[:3]}"


@pytest.mark.parametrize("killed", [["ingest"], ["ingest", "router"], SERVICES, [*SERVICES, "gw-a", "gw-b"]], ids="+".join)
def test_what_only_the_archive_has_is_taken_up_again(plant_of, killed):
    with plant_of(**RECALLED) as plant:
        mark = rollback.mark(plant)
        plant.freeze("router")  # it has none of them when it dies
        signals = [accept(plant, f"lost-{n}") for n in range(COUNT)]
        until(lambda: set(statuses(plant)) >= set(signals), "the archive to have them")
        if "router" not in killed:
            plant.processes["router"].kill()  # it must not hear of them when it wakes
        forget(plant, mark, killed if "router" in killed else [*killed, "router"])
        come_to_an_end(plant, signals)
        books = ledger(plant)
        assert len(books) == 2 * COUNT and set(books.values()) == {1}
        assert set(statuses(plant).values()) == {"completed"}


def test_what_ended_and_only_the_archive_has_is_known_again(plant_of):
    """A resend is answered as such, and is not executed a second time."""
    with plant_of(**RECALLED) as plant:
        mark = rollback.mark(plant)
        door = plant.door()
        body = "buy EURUSD 0.1 @1.08432"  # no id of its own
        status, answer, _ = door.alert(body)
        assert status == 200 and not answer["duplicate"]
        signal_id = answer["signal_id"]
        until(lambda: statuses(plant).get(signal_id) == "completed", "the archive to have its outcome")
        forget(plant, mark, ["ingest", "router", "reconciler"])
        again = taken(plant, body)
        assert again["duplicate"] and again["signal_id"] == signal_id
        ends_everywhere(plant, signal_id, "completed")
        assert set(ledger(plant).values()) == {1} and len(ledger(plant)) == 2


@pytest.mark.parametrize("seed", range(3))
def test_everything_at_once_leaves_nothing_without_an_outcome(plant_of, seed):
    with plant_of(orderly=False, **RECALLED) as plant:
        load = plant.load(f"all-{seed}", 100_000, rate=200)
        until(lambda: len(statuses(plant)) > 200, "the load to run")
        mark = rollback.mark(plant)
        until(lambda: time.monotonic() > mark.at + 1.9, "what Redis may forget to be there")
        forget(plant, mark, [*SERVICES, *plant.gateways])
        taken(plant, "buy EURUSD 0.1")
        load.stop()
        plant.remember(load)
        come_to_an_end(plant, list(statuses(plant)))
        assert [t for t, n in ledger(plant).items() if n > 1] == []
