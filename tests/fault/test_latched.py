"""A halt and a lock that are in force survive every kill, and no entry comes after them."""
# SPDX-License-Identifier: MIT
import datetime
import random
import sqlite3
import time

from tests.fault.chaos import QUICK
from tests.harness.plant import configuration
from tests.harness.wait import until

KILLS = 20
SEED = 7
CONFIG = configuration(accounts=3, brokers=1)
for row in CONFIG["accounts"]:
    if row["account_id"] == "acc001":
        row["risk"] = {"drawdown": {"amount": 1, "breach": "flatten"}}
PLANT = {"mode": "chaos", "config": CONFIG, "options": QUICK}
ENTRIES = """SELECT count(*) FROM trades WHERE account_id = ? AND direction <> 'close' AND submitted_at > ?"""


def latched(plant):
    executor = plant.admin.hgetall("execution_state:risk:0")
    return (plant.admin.hget("risk:acc000", "mode") == "halted" and executor.get("acc000") == "halted"
            and plant.admin.hget("risk:acc001", "lock") == "flattened" and executor.get("lock:acc001") == "flattened")


def entries(plant, account_id, since):
    with sqlite3.connect(plant.archive_uri(), uri=True) as db:
        return db.execute(ENTRIES, (account_id, since)).fetchone()[0]


def test_what_is_latched_survives_every_kill_and_no_entry_comes_after_it(plant):
    door = plant.door()
    door.price("EURUSD", "1.1000", "1.1001")
    until(lambda: plant.admin.hget("risk:acc001", "day_start_equity"), "the broker to have told what there is")
    load = plant.load("s", 10_000_000, rate=50)
    until(lambda: entries(plant, "acc001", "") > 0, "something to be open")
    door.price("EURUSD", "1.0900", "1.0901")
    door.close()
    assert plant.command("halt", "--account", "acc000", "--flatten", "--reason", "test")[0] == 0
    until(lambda: latched(plant), "both to be latched")
    since = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    dice = random.Random(SEED)
    names = ["router", "executor.0", "redis", "monitor", "ingest", *plant.gateways]
    for n in range(KILLS):
        name = names[n] if n < len(names) else dice.choice(names)
        time.sleep(dice.uniform(0.05, 0.4))  # wherever they are
        plant.processes[name].kill()
        plant.restart(name)
    plant.wait_ready()
    load.stop()
    until(lambda: entries(plant, "acc002", since) > 0, "the others to trade on")
    until(lambda: accepted(plant, "mark"), "the door to be open", within_s=60)
    plant.final("mark", within_s=60)
    assert latched(plant)
    reasons = {a: d["reason"] for a, d in plant.decisions("mark").items()}
    assert reasons == {"acc000": "halted_account", "acc001": "total_drawdown", "acc002": "ordered"}
    assert entries(plant, "acc000", since) == entries(plant, "acc001", since) == 0
    for account_id in ("acc000", "acc001"):
        until(lambda a=account_id: not any(s["account_id"] == a for s in open_entries(plant)), f"{account_id} to be flat", within_s=60)


def accepted(plant, signal_id):
    door = plant.door()
    try:
        return door.alert({"signal_id": signal_id, "symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "0.1"})[0] == 200
    except OSError:  # the last to be killed
        return False
    finally:
        door.close()


def open_entries(plant):
    found = (plant.admin.hgetall(f"trade_state:{t}") for t in plant.admin.smembers("trade_state:open:0"))
    return [s for s in found if s and s["direction"] != "close"]
