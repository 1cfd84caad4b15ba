"""A record that cannot be read stops nobody: it is left out, on file and alerted, and what hangs on it is made safe."""
# SPDX-License-Identifier: MIT
import contextlib
import json
import sqlite3

import pytest

from tests.harness.wait import until

DONE, ANSWER_NO = 0, 1


@pytest.fixture
def door(plant):
    it = plant.door()
    yield it
    it.close()


def post(plant, door, signal_id, symbol="EURUSD", direction="buy"):
    status, answer, _ = door.alert({"signal_id": signal_id, "symbol": symbol, "direction": direction, "order_type": "market",
                                    "price": "1.1"})
    assert status == 200, answer
    until(lambda: plant.decisions(answer["signal_id"]), f"{signal_id} to be routed")
    return answer["signal_id"]


def state(plant, signal_id, account):
    return plant.trades(signal_id).get(account, {}).get("state")


def again(plant, *names):
    """Stops all of them, then starts them: none may find another one running without what was damaged."""
    for name in names:
        plant.processes[name].stop()
    for name in names:
        plant.restart(name)
    for name in names:
        assert plant.processes[name].alive(), plant.processes[name].last_words()


def letters(plant, service, record):
    status, out, _ = plant.command("deadletter", "list", "--json")
    assert status == DONE
    return [d["id"] for d in json.loads(out) if (d["service"], d["topic"], d["entry"]) == (service, "redis", record)]


def alerted(plant, service, record):
    """The alert is in the service's journal."""
    def look():
        return any(record.encode() in fields[b"e"] and b"unreadable_record" in fields[b"e"]
                   for _, fields in plant.raw().xrange(f"journal:incidents.{service}"))
    return until(look, f"{service} to raise an alert about {record}")


def told(plant, service, record):
    alerted(plant, service, record)
    ids = letters(plant, service, record)
    assert len(ids) == 1, (service, record, ids)
    return ids[0]


def settle(plant, *services):
    """What was damaged is mended by now: the letters go, and the next start finds nothing."""
    for d in json.loads(plant.command("deadletter", "list", "--json")[1]):
        if d["service"] in services:
            assert plant.command("deadletter", "drop", d["service"], d["id"])[0] == DONE
    again(plant, *services)
    assert [d for d in json.loads(plant.command("deadletter", "list", "--json")[1]) if d["service"] in services] == []


def test_an_open_trade_that_cannot_be_read_is_quarantined_and_stops_nobody(plant, door):
    opened = post(plant, door, "u-open")
    until(lambda: all(state(plant, opened, a) == "filled" for a in ("acc000", "acc001", "acc002")), "the positions to be open")
    trade = plant.trades(opened)["acc000"]["trade_id"]
    key = f"trade_state:{trade}"
    plant.processes["executor.0"].stop()
    plant.admin.hset(key, mapping={"expiration_time": "next week"})
    again(plant, "executor.0", "router", "reconciler")
    for service in ("executor.0", "router", "reconciler"):
        letter = told(plant, service, key)
        shown = json.loads(plant.command("deadletter", "show", service, letter)[1])
        assert json.loads(shown["body"])["expiration_time"] == "next week" and "expiration_time must be a time" in shown["letter"]["reason"]
    until(lambda: plant.admin.hget("account_state:acc000", "state") == "quarantined", "the account to be quarantined")
    assert plant.admin.hget(key, "state") == "filled"  # what stands there is not touched
    more = post(plant, door, "u-more")
    gold = post(plant, door, "u-gold", symbol="XAUUSD")
    until(lambda: all(state(plant, more, a) == "filled" for a in ("acc001", "acc002")), "the others to trade")
    until(lambda: state(plant, gold, "acc000") == "filled", "another symbol of the account to trade")
    assert state(plant, more, "acc000") == "pending"
    assert plant.command("deadletter", "redrive", "executor.0", letters(plant, "executor.0", key)[0])[0] == ANSWER_NO

    again(plant, "executor.0")  # not filed a second time
    alerted(plant, "executor.0", key)
    assert len(letters(plant, "executor.0", key)) == 1
    plant.admin.hdel(key, "expiration_time")
    again(plant, "executor.0")
    until(lambda: state(plant, more, "acc000") == "filled", "what waited to be executed")
    settle(plant, "executor.0", "router", "reconciler")


def test_a_trade_of_which_not_even_the_account_can_be_read_holds_everything_new(plant, door):
    plant.processes["executor.0"].stop()
    plant.admin.hset("trade_state:nobody", mapping={"state": "working"})
    plant.admin.sadd("trade_state:open:0", "nobody")
    again(plant, "executor.0")
    told(plant, "executor.0", "trade_state:nobody")
    held = post(plant, door, "u-held", symbol="GBPUSD")
    until(lambda: [state(plant, held, a) for a in ("acc000", "acc001", "acc002")] == ["pending"] * 3, "all to wait")
    plant.processes["executor.0"].stop()
    plant.admin.srem("trade_state:open:0", "nobody")
    again(plant, "executor.0")
    until(lambda: all(state(plant, held, a) == "filled" for a in ("acc000", "acc001", "acc002")), "all to be executed")
    plant.admin.delete("trade_state:nobody")
    settle(plant, "executor.0")


# Service, key, what is written there, how the service names it.
DAMAGE = [
    ("ingest", "signal:u-lost", {"signal_id": "u-lost", "status": "mislaid"}, "signal:u-lost"),
    ("ingest", "signal:state:votes", {"x EURUSD": "no ballot"}, "signal:state:votes x EURUSD"),
    ("router", "account_state:acc001", {"balance": "a lot"}, "account_state:acc001"),
    ("router", "routing:guard:0", {"short": "1"}, "routing:guard:0 short"),
    ("executor.0", "execution_state:aside:0", {"r": "no report"}, "execution_state:aside:0 r"),
    ("reconciler", "reconciliation:open", {"u-broken": "{"}, "reconciliation:open u-broken"),
    ("monitor", "instance_state:gw-a", {"state": "asleep"}, "instance_state:gw-a"),
]


@pytest.mark.parametrize("service, key, fields, record", DAMAGE, ids=[d[3].replace(" ", "-") for d in DAMAGE])
def test_each_service_starts_without_what_it_cannot_read(plant, door, service, key, fields, record):
    admin, before = plant.admin, plant.admin.hgetall(key)
    plant.processes[service].stop()
    if service in ("router", "monitor"):
        plant.processes["executor.0"].stop()  # it writes its states anew
    admin.hset(key, mapping=fields)
    if key == "signal:u-lost":
        admin.sadd("signal:state:pending", "u-lost")
    if key == "routing:guard:0":
        admin.sadd("routing:guard:hours", "0")
    again(plant, service)
    told(plant, service, record)
    if not plant.processes["executor.0"].alive():
        plant.restart("executor.0")
    until(lambda: plant.final(post(plant, door, f"u-{record.replace(' ', '-').replace(':', '-')}")), "a signal to go all the way")
    plant.processes[service].stop()
    admin.hdel(key, *fields)
    if {f: before[f] for f in fields if f in before}:
        admin.hset(key, mapping={f: before[f] for f in fields if f in before})
    admin.srem("signal:state:pending", "u-lost")
    admin.srem("routing:guard:hours", "0")
    plant.restart(service)
    settle(plant, service)


def test_a_configuration_that_cannot_be_read_leaves_its_account_out_for_everybody(plant, door):
    services = ("ingest", "router", "executor.0", "reconciler", "monitor")
    was = plant.admin.hget("account_config:acc002", "version")
    plant.admin.hset("account_config:acc002", "version", "newest")
    again(plant, *services)
    for service in services:
        told(plant, service, "account_config:acc002")
    two = post(plant, door, "u-two")
    assert sorted(plant.decisions(two)) == ["acc000", "acc001"]
    plant.final(two)
    plant.admin.hset("account_config:acc002", "version", was)
    again(plant, *services)
    settle(plant, *services)


def test_a_key_of_another_type_is_filed_and_removed_so_that_its_owner_can_write_it(plant, door):
    plant.processes["router"].stop()
    plant.admin.delete("risk:sources")
    plant.admin.hset("risk:sources", mapping={"scope": "sources", "mode": "trading"})  # as an account of that name once did
    again(plant, "router")
    letter = told(plant, "router", "risk:sources")
    assert "trading" in json.loads(plant.command("deadletter", "show", "router", letter)[1])["body"]
    assert plant.command("halt", "--source", "test", "--reason", "tried")[0] == DONE
    until(lambda: plant.admin.type("risk:sources") == "set" and plant.admin.sismember("risk:sources", "test"), "the router to list it")
    assert plant.command("resume", "--source", "test")[0] == DONE
    until(lambda: plant.admin.hget("risk:source:test", "mode") == "trading", "the source to be resumed")
    settle(plant, "router")


def test_a_halt_that_cannot_be_read_halts_until_it_is_resumed(plant, door):
    assert plant.command("halt", "--reason", "tried")[0] == DONE
    until(lambda: plant.admin.hget("risk:global", "mode") == "halted", "the halt")
    until(lambda: plant.admin.hget("execution_state:risk:0", "global") == "halted", "the halt at the executor")
    for name in ("router", "executor.0"):
        plant.processes[name].stop()
    plant.admin.hset("risk:global", "mode", "ajar")
    plant.admin.hset("execution_state:risk:0", "global", "ajar")
    again(plant, "router", "executor.0", "monitor")
    told(plant, "router", "risk:global")
    told(plant, "executor.0", "execution_state:risk:0 global")
    halted = post(plant, door, "u-halted")
    assert {d["reason"] for d in plant.decisions(halted).values()} == {"halted_global"}
    assert plant.command("resume")[0] == DONE
    until(lambda: plant.admin.hget("risk:global", "mode") == "trading", "trading to be resumed")
    until(lambda: plant.admin.hget("execution_state:risk:0", "global") == "trading", "the executor to follow")
    assert plant.final(post(plant, door, "u-resumed"))["status"] == "completed"
    settle(plant, "router", "executor.0", "monitor")


def test_the_tools_name_what_they_cannot_read_and_go_on(plant, door):
    plant.admin.hset("account_state:acc001", "margin", "thin")
    status, out, err = plant.command("status")
    assert status == DONE and "account_state:acc001 cannot be read and is left out: margin must be" in err
    plant.admin.hset("account_state:acc001", "margin", "0")


def test_a_row_of_the_archive_that_cannot_be_read_whole_is_named_and_stops_nothing(plant, door):
    first = post(plant, door, "u-archived")
    assert plant.final(first)["status"] == "completed"

    def in_archive(signal_id):
        with contextlib.closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db:
            return db.execute("SELECT count(*) FROM trade_result r JOIN trades t USING (trade_id) WHERE t.signal_id = ?",
                              (signal_id,)).fetchone()[0] == 3 and db.execute(
                "SELECT count(*) FROM signal_execution_status WHERE signal_id = ?", (signal_id,)).fetchone()[0] == 1
    until(lambda: in_archive(first), "the results to be in the archive")
    plant.processes["archiver"].stop()
    with contextlib.closing(sqlite3.connect(plant.archive)) as db:
        db.execute("UPDATE signals SET expiration_time = 'soon' WHERE signal_id = ?", (first,))
        db.execute("UPDATE trade_result SET pnl = 'much' WHERE result_id = (SELECT max(result_id) FROM trade_result)")
        db.execute("UPDATE trades SET valid_until = 'always' WHERE signal_id = ?", (first,))
        db.commit()
    plant.restart("archiver")
    second = post(plant, door, "u-after")
    assert plant.final(second)["status"] == "completed"
    until(lambda: in_archive(second), "the archive to go on")
    until(lambda: any(b"unreadable_row" in f[b"e"] for _, f in plant.raw().xrange("journal:incidents.archiver")), "the alert")
    with contextlib.closing(sqlite3.connect(plant.archive)) as db:
        for table in ("account_performance", "broker_performance", "instance_performance"):
            db.execute(f"UPDATE {table} SET net_pnl = 'more'")
        db.commit()
    for words, named in ((["signals"], f"SignalRow {first} is read without expiration_time"), (["results"], "without pnl"),
                         (["trades"], "without valid_until"), (["performance"], "without net_pnl"),
                         (["explain", first], "without valid_until")):
        status, out, err = plant.command(*words)
        assert status == DONE and named in err, (words, out, err)
        assert words[0] != "signals" or (first in out and second in out)
