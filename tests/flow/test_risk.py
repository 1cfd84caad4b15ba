"""Risk rules and the kill switch over real processes: locked, flattened, kept over every kill, let go at the reset and by hand."""
# SPDX-License-Identifier: MIT
import copy
import datetime
import sqlite3

import pytest

from tests.harness.wait import until


def account(account_id, **risk):
    return {"account_id": account_id, "broker_id": "a", "balance": "100000", "leverage": 500, "max_signal_age_s": 3600, "risk": risk,
            "subscriptions": [{"source": "test", "multiplier": "1"}]}


CONFIG = {
    "brokers": [{"broker_id": "a", "symbols": [{"symbol": s, "lot_step": "0.01", "min_lot": "0.01"} for s in ("EURUSD", "GBPUSD")]}],
    "presets": [{"preset_id": "challenge", "rules": {"time_zone": "UTC", "daily_loss": {"percent": 5}, "max_lots_order": "50"}}],
    "accounts": [
        account("daily", preset="challenge"),
        account("floor", drawdown={"amount": 4000, "breach": "reduce_only"}),
        account("few", max_trades_day=2, max_lots_order="5"),
        account("free"),
    ],
    "instances": [{"instance_id": "gw-a", "broker_id": "a", "accounts": ["daily", "floor", "few", "free"]}],
    "sources": [{"config_id": "test"}],
}
PLANT = {"config": CONFIG}
MARKET = {"symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "10", "price": "1.1000"}


@pytest.fixture
def door(plant):
    it = plant.door()
    yield it
    it.close()


def post(door, signal_id, **more):
    body = {**MARKET, "signal_id": signal_id, **more}
    body = {k: v for k, v in body.items() if v is not None}
    until(lambda: door.alert(body)[0] == 200, f"{signal_id} to be accepted")  # 503 while Redis is away: sent again


def reasons(plant, signal_id):
    plant.final(signal_id)
    return {a: d["reason"] for a, d in plant.decisions(signal_id).items()}


def risk(plant, scope, field):
    return plant.admin.hget(f"risk:{scope}", field)


def state_is(plant, signal_id, account_id, state):
    return until(lambda: plant.trades(signal_id).get(account_id, {}).get("state") == state, f"{signal_id} of {account_id} to be {state}")


def restart(plant, *names):
    for name in names:
        plant.processes[name].kill()
    for name in names:
        plant.restart(name)
    plant.wait_ready()


def test_a_broken_daily_loss_flattens_and_locks_that_account_alone(plant, door):
    door.price("EURUSD", "1.09999", "1.10001")
    until(lambda: all(risk(plant, a, "day_start_equity") for a in ("daily", "floor")), "the broker to have told what there is")
    post(door, "first")
    assert reasons(plant, "first") == {"daily": "ordered", "floor": "ordered", "few": "max_lots_order", "free": "ordered"}
    post(door, "working", order_type="limit", price="1.0500", lot_size="1")
    until(lambda: [t["state"] for t in plant.trades("working").values()] == ["working"] * 4, "limit orders to work")
    door.price("EURUSD", "1.09499", "1.09501")  # ten lots lose 5,000
    until(lambda: risk(plant, "daily", "lock") == "flattened", "the account to be locked")
    assert risk(plant, "daily", "rule") == "daily_loss" and risk(plant, "daily", "locked_until").endswith("T00:00:00Z")
    assert risk(plant, "daily", "detail").startswith("daily_loss: 5")
    state_is(plant, "first", "daily", "closed")
    state_is(plant, "working", "daily", "cancelled")
    until(lambda: risk(plant, "floor", "lock") == "reduce_only", "the other to be locked")
    state_is(plant, "working", "floor", "cancelled")  # what works is, what is open stays
    assert plant.trades("first")["floor"]["state"] == plant.trades("first")["free"]["state"] == "filled"
    assert plant.trades("working")["free"]["state"] == "working"
    post(door, "second", lot_size="1")
    assert reasons(plant, "second") == {"daily": "daily_loss", "floor": "total_drawdown", "few": "ordered", "free": "ordered"}
    numbers = {n["name"] for n in plant.decisions("second")["daily"]["numbers"]}
    assert {"value", "limit"} <= numbers


def test_a_lock_survives_the_kill_of_router_executor_and_redis(plant, door):
    restart(plant, "router", "executor.0", "redis")
    assert risk(plant, "daily", "lock") == "flattened"
    assert plant.admin.hget("execution_state:risk:0", "lock:daily") == "flattened"
    post(door, "third", lot_size="1")
    assert reasons(plant, "third") == {"daily": "daily_loss", "floor": "total_drawdown", "few": "max_trades_day", "free": "ordered"}
    post(door, "close", direction="close", lot_size=None)  # closing is not stopped by a lock
    assert reasons(plant, "close")["floor"] == "ordered"
    state_is(plant, "first", "floor", "closed")


def test_the_reset_unlocks_and_so_does_the_operator(plant, door):
    until(lambda: plant.admin.hget("account_state:daily", "balance") not in (None, "100000"), "the loss to be realized")
    config = copy.deepcopy(CONFIG)
    config["presets"][0]["rules"]["reset_at"] = datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M")
    plant.apply({"presets": config["presets"]})
    until(lambda: risk(plant, "daily", "day_started_at") and not risk(plant, "daily", "lock"), "the day to begin anew")
    assert plant.command("unlock", "free")[0] == 0  # nothing is locked: nothing happens
    assert plant.command("unlock", "floor", "--reason", "test")[0] == 0
    until(lambda: not risk(plant, "floor", "lock"), "the operator's word")
    assert risk(plant, "floor", "waived") == "total_drawdown"
    post(door, "fourth", lot_size="1")
    assert reasons(plant, "fourth") == {"daily": "ordered", "floor": "ordered", "few": "max_trades_day", "free": "ordered"}
    until(lambda: not plant.admin.hexists("execution_state:risk:0", "lock:floor"), "the executor to have heard")
    for account_id in ("daily", "floor"):
        state_is(plant, "fourth", account_id, "filled")


def test_a_flatten_needs_no_router(plant, door):
    post(door, "fifth", order_type="limit", price="1.0500", lot_size="1")
    state_is(plant, "fifth", "free", "working")
    plant.processes["router"].kill()
    assert plant.command("halt", "--flatten", "--reason", "test")[0] == 0
    state_is(plant, "fourth", "free", "closed")
    for account_id in ("daily", "floor", "free"):
        state_is(plant, "fourth", account_id, "closed")
        state_is(plant, "fifth", account_id, "cancelled")
    plant.restart("router")
    plant.wait_ready()
    until(lambda: risk(plant, "global", "mode") == "halted", "the router to have caught up")
    post(door, "sixth")
    assert set(reasons(plant, "sixth").values()) == {"halted_global"}
    assert plant.command("resume")[0] == 0
    until(lambda: risk(plant, "global", "mode") == "trading", "the halt to be lifted")


def test_a_source_is_halted_by_itself(plant, door):
    assert plant.command("halt", "--source", "nobody")[0] != 0
    assert plant.command("halt", "--source", "test", "--account", "free")[0] != 0
    assert plant.command("halt", "--source", "test", "--reduce-only")[0] == 0
    until(lambda: risk(plant, "source:test", "mode") == "reduce_only", "the source to be held")
    post(door, "seventh", lot_size="1")
    assert reasons(plant, "seventh")["free"] == "reduce_only"
    assert plant.command("halt", "--source", "test")[0] == 0
    until(lambda: risk(plant, "source:test", "mode") == "halted", "the source to be halted")
    restart(plant, "router")
    post(door, "eighth", lot_size="1")
    assert reasons(plant, "eighth")["free"] == "halted_source"
    assert plant.command("resume", "--source", "test")[0] == 0
    until(lambda: risk(plant, "source:test", "mode") == "trading", "the source to be let go")
    post(door, "ninth", lot_size="1")
    assert reasons(plant, "ninth")["free"] == "ordered"


def test_what_locks_is_on_record(plant):
    with sqlite3.connect(plant.archive_uri(), uri=True) as db:
        until(lambda: db.execute("SELECT count(*) FROM alert_log WHERE code = 'account_locked'").fetchone()[0] >= 2, "alerts to be archived")
        codes = {r[0] for r in db.execute("SELECT code FROM alert_log")}
        locks = {r[0] for r in db.execute("SELECT lock FROM order_commands WHERE action = 'set_lock'")}
    assert {"account_locked", "account_unlocked", "trading_halted", "trading_resumed"} <= codes
    assert {"flattened", "reduce_only", "open"} <= locks
