"""Several executors: who has whom, views over all of them, and `tradecast shards`, which moves accounts with everything that is open."""
# SPDX-License-Identifier: MIT
import itertools
import json
from decimal import Decimal

import pytest
import zmq

from deploy.local import redis
from tests.harness import oracle
from tests.harness.messages import envelope, journal_entries
from tests.harness.plant import configuration
from tests.harness.wait import until

FOLLOWERS = ["archiver", "monitor", "reconciler"]  # and the router and the executors: all that have to do with shards
CONFIG = configuration(accounts=4, brokers=2)
for broker in CONFIG["brokers"]:
    broker["longest_acceptance_ms"] = 100  # what is in doubt need not be waited for as long as in the world
# Strict: what is moved is on disk at once, and the commands here need not wait for it.
PLANT = {"config": CONFIG, "profile": "strict",
         "options": {"TRADECAST_EXECUTOR_ORDER_ANSWER_WITHIN": "400ms", "TRADECAST_EXECUTOR_DOUBT_INTERVAL": "100ms",
                     "TRADECAST_EXECUTOR_DOUBT_LEAST": "500ms", "TRADECAST_PAPER_LONGEST_ACCEPTANCE": "100ms",
                     "TRADECAST_PAPER_SILENT": "1s", "TRADECAST_JOURNAL_KEEP": "10m"}}
ACCOUNTS = [a["account_id"] for a in CONFIG["accounts"]]
GATEWAYS = {i["instance_id"]: i["accounts"] for i in CONFIG["instances"]}
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def door(plant):
    it = plant.door()
    yield it
    it.close()


# --- what an operator does

def stop(plant, *names):
    for name in names:
        assert plant.processes[name].stop(), f"{name}: {plant.processes[name].last_words()}"


def table(plant):
    status, out, err = plant.command("shards", "--json")
    assert status == 0, err
    return json.loads(out)


def drain(plant):
    """Everything but ingest is stopped, the router first, the executors when they have taken what was ordered."""
    stop(plant, "router")
    assert plant.command("shards", "--drained")[0] == 0
    stop(plant, *plant.executors, *FOLLOWERS)


def move(plant, *words, fails=None, **more):
    status, out, err = plant.command("shards", *words, **more)
    if fails:
        assert status and fails in err, (status, out, err)
    else:
        assert status == 0, err
    return out


def start(plant, shards):
    plant.shards = shards
    for name in [n for n in plant.processes if n.startswith("executor.") and n not in plant.executors]:
        del plant.processes[name]
    for name in [*FOLLOWERS, *plant.executors, "router"]:
        plant.start_process(name)
    plant.wait_ready()


def place(plant):
    """{account: executor}"""
    return {row["account"]: row["executor"] for row in table(plant)["accounts"]}


# --- what is sent

def send(plant, door, symbol="EURUSD", **fields):
    body = {"signal_id": f"shards-{next(numbers)}", "symbol": symbol, "order_type": "market", "direction": "buy", "lot_size": "0.1",
            "price": "1.08432", **fields}
    status, answer, sent = door.alert(body)
    assert status == 200, answer
    plant.accepted[body["signal_id"]] = plant.sent[body["signal_id"]] = sent
    return body["signal_id"]


def states(plant, signal):
    return {account: trade.get("state") for account, trade in plant.trades(signal).items()}


def wait_states(plant, signal, state, accounts=tuple(ACCOUNTS)):
    until(lambda: states(plant, signal) == dict.fromkeys(accounts, state) or None, f"{signal} to be {state}: {states(plant, signal)}", 15)


def lots(plant, symbol, account=None):
    view = plant.admin.get(f"positions:active:{account + ':' if account else ''}{symbol}")
    return Decimal(str(json.loads(view)["quantity"])) if view else Decimal(0)


def wait_views(plant, symbol, each):
    wanted = Decimal(each)
    until(lambda: all(lots(plant, symbol, a) == wanted for a in ACCOUNTS) and lots(plant, symbol) == wanted * len(ACCOUNTS),
          f"the views of {symbol} to be {each} in each account and the sum in all", 10)


def open_sets(plant):
    """{executor: accounts of its open trades}"""
    out = {}
    for n in range(4):
        trades = plant.admin.smembers(f"trade_state:open:{n}")
        if trades:
            out[f"executor.{n}"] = {a for (a,) in oracle.hashes(plant.admin, [f"trade_state:{t}" for t in trades], "account_id").values()}
    return out


# --- the tests, in the order of one life

@pytest.fixture(scope="module")
def book(plant, door):
    """What is open before anything moves: positions, orders that wait at the broker, and (later) one in doubt."""
    for symbol, price in (("EURUSD", "1.08432"), ("GBPUSD", "1.26520")):
        assert door.price(symbol, price, price)[0] == 200
    position = send(plant, door)
    limit = send(plant, door, "GBPUSD", order_type="limit", price="1.20000")
    wait_states(plant, position, "filled")
    wait_states(plant, limit, "working")
    over = send(plant, door, "XAUUSD", price="2650")
    wait_states(plant, over, "filled")
    send(plant, door, "XAUUSD", direction="close")
    wait_states(plant, over, "closed")
    return {"position": position, "limit": limit, "over": over}


def test_the_first_start_records_how_many_executors_there_are(plant, book):
    assert plant.admin.get("shards:executors") == "1"
    assert table(plant)["recorded"] == 1


def test_a_service_with_another_number_does_not_start_and_names_the_command(plant, book):
    words = refused(plant, "reconciler", 2)
    assert "tradecast shards set 2" in words and "TRADECAST_SHARDS is 2" in words
    assert plant.processes["reconciler"].alive()  # nobody was shut out by it


def refused(plant, name, shards):
    lock = plant.layout.top / "elsewhere"
    other = plant.process(name, {"TRADECAST_SHARDS": str(shards), "TRADECAST_LOCK_DIR": str(lock)})
    other.start()
    assert other.wait(10) not in (None, 0)
    return other.last_words()


def test_nothing_is_moved_while_something_runs(plant, book):
    redis.settle(plant.layout, plant.profile, 3)  # as deploy/prepare --shards 3
    move(plant, "set", "2", fails="is running on this host")
    assert plant.admin.get("shards:executors") == "1"


def test_an_executor_more_takes_accounts_over_with_all_they_have(plant, door, book):
    """1 -> 2, with positions, orders at the broker, one in doubt, and signals coming in."""
    plant.freeze("gw-a")
    book["doubt"] = send(plant, door)
    until(lambda: "unknown" in states(plant, book["doubt"]).values(), "an order to be in doubt")
    load = plant.load("grow", 10_000, rate=30)
    drain(plant)
    move(plant, "move", "gw-a", "--to", "1", fails="--to names an executor: 0 to 0")
    plant.thaw("gw-a")
    before = plant.admin.hlen(guard_hour(plant, 0))
    out = move(plant, "set", "2")
    assert "gw-a" in out and "2 of 4 accounts move" in out
    assert plant.admin.hlen(guard_hour(plant, 1)) == before  # an order that was seen is known to both
    start(plant, 2)
    assert place(plant) == {a: "executor.1" if a in GATEWAYS["gw-a"] else "executor.0" for a in ACCOUNTS}
    load.stop()
    plant.remember(load)
    wait_states(plant, book["doubt"], "filled")
    for signal in load.accepted:
        wait_states(plant, signal, "filled")
    book["each"] = Decimal("0.1") * (2 + len(load.accepted))
    wait_states(plant, book["limit"], "working")
    wait_views(plant, "EURUSD", book["each"])
    assert open_sets(plant) == {"executor.0": set(GATEWAYS["gw-b"]), "executor.1": set(GATEWAYS["gw-a"])}


def guard_hour(plant, shard):
    (hour,) = [h for h in plant.admin.smembers(f"trade_state:guard:{shard}:hours")][-1:]
    return f"trade_state:guard:{shard}:{hour}"


def test_a_change_of_shard_in_the_configuration_is_refused_with_the_command(plant, book):
    for path, command in (("accounts.acc000.shard", "tradecast shards move acc000 --to 0"), ("instances.gw-a.shard", "gw-a --to 0")):
        status, _, err = plant.command("config", "set", path, "0")
        assert status and command in err, err
    assert plant.command("config", "set", "accounts.acc000.shard", "1")[0] == 0  # where it is


def order_again(plant, signal, account, shard):
    """The order of a signal, decided again and sent to the executor that has its account now."""
    trade_id = plant.trades(signal)[account]["trade_id"]
    (order,) = [m for _, m in journal_entries(plant.raw(), "orders.0") if m.DESCRIPTOR.name == "Order" and m.trade_id == trade_id]
    topic = f"orders.{shard}"
    last = plant.admin.xinfo_stream(f"journal:{topic}")["last-generated-id"]
    at = tuple(int(n) for n in last.split("-"))
    socket = zmq.Context.instance().socket(zmq.PUSH)
    socket.connect(plant.layout.endpoint(f"executor.{shard}.inbox"))
    socket.send_multipart([topic.encode(), envelope(topic, order, (at[0], at[1] + 1), at)])
    until(lambda: plant.admin.hget(f"position:executor.{shard}", topic) == f"{at[0]}-{at[1] + 1}", "the executor to have it")
    socket.close()


def test_whoever_is_killed_while_moving_leaves_the_old_or_the_new(plant, door, book):
    """2 -> 3 with the command killed at every step; and an executor on another host that does not hear that it is to stop."""
    away = plant.process("executor.1", {"TRADECAST_LOCK_DIR": str(plant.layout.top / "elsewhere")})
    stop(plant, "executor.1")
    plant.processes["executor.1"] = away
    away.start()
    plant.wait_ready()
    load = plant.load("kill", 10_000, rate=30)
    stop(plant, "router")
    assert plant.command("shards", "--drained")[0] == 0
    was = plant.trades(book["over"])["acc000"]
    order_again(plant, book["over"], "acc000", 1)  # what the other executor had seen before the move
    assert plant.trades(book["over"])["acc000"] == was and was["state"] == "closed"
    away.signal(19)  # SIGSTOP: it is connected, and says nothing
    stop(plant, "executor.0", *FOLLOWERS)
    move(plant, "set", "3", fails="executor.1 is connected to Redis")
    for point, recorded in (("in_fence", "2"), ("in_guards", "2"), ("before_exec", "2"), ("after_exec", "3")):
        plant.per_process["tradecast"] = {"TRADECAST_FAIL": f"shards.{point}:1"}
        status, _, _ = plant.command("shards", "set", "3", "--fence")
        plant.per_process.pop("tradecast")
        assert (status, plant.admin.get("shards:executors")) == (-9, recorded), point
        assert table(plant)["recorded"] == int(recorded)
    move(plant, "set", "3", "--fence")
    move(plant, "move", "acc001", "--to", "2")
    away.signal(18)
    assert away.wait(20) not in (None, 0)  # shut out
    start(plant, 3)
    load.stop()
    plant.remember(load)
    for signal in load.accepted:
        wait_states(plant, signal, "filled")
    book["each"] += Decimal("0.1") * len(load.accepted)
    wait_views(plant, "EURUSD", book["each"])
    assert open_sets(plant) == {"executor.1": set(GATEWAYS["gw-a"]), "executor.2": set(GATEWAYS["gw-b"])}


def test_what_was_opened_by_one_executor_is_closed_by_another(plant, door, book):
    closing = send(plant, door, direction="close")
    wait_states(plant, closing, "filled")
    wait_states(plant, book["position"], "closed")
    until(lambda: not lots(plant, "EURUSD"), "nothing to be open")
    book["each"] = Decimal(0)


def test_a_halt_is_obeyed_by_an_executor_that_was_not_there_when_it_was_said(plant, door, book):
    """3 -> 1 and back to 2 with an account halted: what is forbidden moves with it."""
    assert plant.command("halt", "--account", "acc000")[0] == 0
    until(lambda: plant.admin.hget("execution_state:risk:0", "acc000") == "halted", "the halt")
    drain(plant)
    out = move(plant, "set", "1")
    assert "1 executors" in out and not plant.admin.exists("trade_state:open:1", "trade_state:open:2", "execution_state:risk:1")
    assert move(plant, "set", "1")  # so already: nothing to do, nothing refused
    start(plant, 1)
    assert open_sets(plant) == {"executor.0": set(ACCOUNTS)}
    drain(plant)
    move(plant, "set", "2")
    assert plant.admin.hget("execution_state:risk:1", "acc000") == "halted"
    start(plant, 2)
    assert plant.command("resume", "--account", "acc000")[0] == 0
    until(lambda: all(plant.admin.hget(f"execution_state:risk:{n}", "acc000") == "trading" for n in range(2)), "the resume")


def test_nothing_was_lost_and_nothing_doubled(plant, door, book):
    assert door.price("GBPUSD", "1.19000", "1.19000")[0] == 200
    wait_states(plant, book["limit"], "filled")
    verdict = oracle.judge(plant, plant.accepted, plant.sent)
    assert verdict.good, verdict
