"""auto_execute: false. A signal is accepted and recorded, and nothing is ordered until an operator approves it: once, also
after kills; decided with what is open then; refused, or too late, it ends with the reason."""
# SPDX-License-Identifier: MIT
import datetime
import sqlite3
import time
from contextlib import closing

import pytest

from tests.harness.plant import Plant, configuration
from tests.harness.wait import until

WAITS, SHORT, OFF = "careful", "short", "manual"


def with_sources():
    config = configuration(accounts=2, brokers=1)
    for account in config["accounts"]:
        account["max_signal_age_s"] = 1  # a person takes longer: what counts is when it was approved
        account["subscriptions"] += [{"source": s, "fixed_lot": "0.1"} for s in (WAITS, SHORT, OFF)]
    config["sources"] += [{"config_id": WAITS, "auto_execute": False},
                          {"config_id": SHORT, "auto_execute": False, "approve_within_s": 1},
                          {"config_id": OFF, "auto_execute": False, "approve_within_s": 0}]
    return config


@pytest.fixture(scope="module")
def plant():
    plant = Plant(config=with_sources()).up()
    yield plant
    plant.down()


def post(plant, source, name, action="buy"):
    door = plant.door(source)
    status, answer, _ = door.alert({"signal_id": name, "symbol": "EURUSD", "action": action, "price": "1.1"})
    door.close()
    assert status == 200, answer
    return answer["signal_id"]


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def waiting(plant):
    return set(plant.admin.hkeys("signal:state:approvals"))


def test_a_signal_waits_for_approval_and_is_then_ordered(plant):
    signal_id = post(plant, WAITS, "w-1")
    until(lambda: signal_id in waiting(plant), "the signal to wait")
    shown = plant.signal(signal_id)
    assert shown["status"] == "pending" and shown["approval"] == "awaited" and shown["approve_by"]
    status, said, _ = plant.command("approve")
    assert status == 0 and signal_id in said
    status, said, _ = plant.command("status")
    assert "awaiting approval" in said
    until(lambda: time.time() > seconds(shown["created_at"]) + 1.2, "it to be older than accounts take")
    assert plant.admin.hlen(f"routing:{signal_id}") == 0 and not plant.trades(signal_id)
    status, _, wrong = plant.command("approve", signal_id, "--reason", "looks good")
    assert status == 0, wrong
    assert plant.final(signal_id)["status"] == "completed"
    assert {t["state"] for t in plant.trades(signal_id).values()} == {"filled"} and len(plant.trades(signal_id)) == 2
    assert signal_id not in waiting(plant)
    shown = plant.signal(signal_id)
    assert shown["approval"] == "approved" and shown["decided_by"] and shown["decision_note"] == "looks good"
    status, _, said = plant.command("approve", signal_id)  # nothing waits any more
    assert status == 1 and signal_id in said


def ends(plant, signal_id, reason):
    assert plant.final(signal_id)["status"] == "failed"
    assert plant.admin.hget(f"signal_execution_status:{signal_id}", "rejection_reason").startswith(reason)
    assert plant.admin.hget(f"routing:{signal_id}", "reason") == reason and not plant.trades(signal_id)
    assert signal_id not in waiting(plant)


def test_what_is_refused_ends_with_who_and_why(plant):
    signal_id = post(plant, WAITS, "w-2")
    until(lambda: signal_id in waiting(plant), "the signal to wait")
    assert plant.command("refuse", signal_id, "--reason", "no news trading")[0] == 0
    ends(plant, signal_id, "approval_refused")
    assert "no news trading" in plant.admin.hget(f"routing:{signal_id}", "refused")
    status, said, _ = plant.command("explain", signal_id)
    assert status == 0 and "no news trading" in said and "approval_refused" in said


def test_what_nobody_decides_expires(plant):
    signal_id = post(plant, SHORT, "s-1")
    ends(plant, signal_id, "approval_expired")


def test_what_is_approved_too_late_expires(plant):
    signal_id = post(plant, SHORT, "s-2")
    until(lambda: signal_id in waiting(plant), "the signal to wait")
    until_by = seconds(plant.signal(signal_id)["approve_by"])
    plant.freeze("ingest")  # else it expires by itself
    try:
        until(lambda: time.time() > until_by, "its time to be over")
        assert plant.command("approve", signal_id)[0] == 0
    finally:
        plant.thaw("ingest")
    ends(plant, signal_id, "approval_expired")
    assert plant.signal(signal_id)["approval"] == "expired"


def test_what_is_approved_in_time_and_heard_late_is_as_old_as_the_approval(plant):
    signal_id = post(plant, WAITS, "w-4")
    until(lambda: signal_id in waiting(plant), "the signal to wait")
    plant.freeze("ingest")
    try:
        assert plant.command("approve", signal_id)[0] == 0
        approved = time.time()
        until(lambda: time.time() > approved + 1.5, "the approval to be older than accounts take")
    finally:
        plant.thaw("ingest")
    assert plant.final(signal_id)["status"] == "failed" and not plant.trades(signal_id)
    assert {d["reason"] for d in plant.decisions(signal_id).values()} == {"signal_too_old"}
    assert seconds(plant.signal(signal_id)["decided_at"]) <= approved


def test_without_time_to_approve_it_ends_at_once(plant):
    ends(plant, post(plant, OFF, "m-1"), "auto_execute_off")


def test_what_waits_survives_a_kill_and_is_approved_once(plant):
    signal_id = post(plant, WAITS, "w-3")
    until(lambda: signal_id in waiting(plant), "the signal to wait")
    for name in ("ingest", "router", "executor.0"):
        plant.processes[name].kill()
        plant.restart(name)
    plant.wait_ready()
    assert signal_id in waiting(plant)
    until(lambda: plant.command("approve", signal_id)[0] == 0, "the monitor to take it")
    plant.processes["ingest"].kill()
    plant.restart("ingest")
    assert plant.final(signal_id)["status"] == "completed"
    trades = plant.trades(signal_id)
    assert len(trades) == 2 and {t["state"] for t in trades.values()} == {"filled"}
    assert {t["filled_lots"] for t in trades.values()} == {"0.1"}


def test_the_command_is_on_record(plant):
    query = "SELECT action, operator, reason FROM commands WHERE signal_id IS NOT NULL"

    def commands():
        with closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db:
            rows = db.execute(query).fetchall()
        return rows if len(rows) >= 3 else None
    rows = until(commands, "the commands to be archived")
    assert [r[2] for r in rows if r[0] == "refuse"] == ["no news trading"] and all(r[1] for r in rows)
    assert [r[2] for r in rows if r[0] == "approve"].count("looks good") == 1
