"""A gateway that is not paper, on the same skeleton: what holds for one holds for every kind (tests/gateway)."""
# SPDX-License-Identifier: MIT
import itertools
import json
import subprocess

import pytest

from tests.harness import wire
from tests.harness.oracle import judge
from tests.harness.plant import configuration
from tests.harness.wait import until

KINDS = {"gw-a": "paper", "gw-b": "filler"}
ACCOUNTS = {"gw-a": "acc000", "gw-b": "acc001"}
OPTIONS = {"TRADECAST_SNAPSHOT": "200ms", "TRADECAST_LONGEST_ACCEPTANCE": "500ms", "TRADECAST_EXECUTOR_DOUBT_INTERVAL": "300ms",
           "TRADECAST_EXECUTOR_DOUBT_LEAST": "2s"}
numbers = itertools.count(1)


def both_kinds():
    config = configuration(accounts=2, lot="multiplier")
    config["instances"] = [{**i, "kind": KINDS[i["instance_id"]]} for i in config["instances"]]
    return config


PLANT = {"config": both_kinds(), "options": OPTIONS}


@pytest.fixture(scope="module")
def post(plant):
    """Posts a signal and remembers it for the oracle, which judges all that these tests have posted."""
    door = plant.door()

    def send(direction, **fields):
        body = {"signal_id": f"kinds-{next(numbers)}", "symbol": "EURUSD", "order_type": "market", "direction": direction,
                "price": "1.1", **fields}
        status, answer, _ = door.alert(body)
        assert status == 200, answer
        signal = answer["signal_id"]
        plant.sent[signal] = status
        if direction in ("buy", "close"):  # what makes an order for each account
            plant.accepted[signal] = status
        return signal

    yield send
    door.close()


def trade(plant, signal, gateway, *states):
    def look():
        found = plant.trades(signal).get(ACCOUNTS[gateway], {})
        return found if found.get("state") in states else None
    return until(look, f"{signal} at {gateway} to be {' or '.join(states)}")


@pytest.mark.parametrize("gateway", KINDS)
def test_an_order_is_filled_and_closed(plant, post, gateway):
    bought = post("buy", lot_size="0.1")
    t = trade(plant, bought, gateway, "filled")
    assert (t["filled_lots"], t["average_price"]) == ("0.1", "1.1")
    closed = post("close", target_signal_id=bought)
    assert trade(plant, closed, gateway, "filled")["filled_lots"] == "0.1"
    assert trade(plant, bought, gateway, "closed")["closed_lots"] == "0.1"
    assert plant.final(bought)["status"] == plant.final(closed)["status"] == "completed"


@pytest.mark.parametrize("gateway", KINDS)
def test_killed_it_goes_on_where_it_stood(plant, post, gateway):
    before = post("buy", lot_size="0.1")
    trade(plant, before, gateway, "filled")
    plant.processes[gateway].kill()
    meanwhile = post("buy", lot_size="0.2")
    plant.restart(gateway)
    assert trade(plant, meanwhile, gateway, "filled")["filled_lots"] == "0.2"
    closed = post("close", target_signal_id=before)
    trade(plant, closed, gateway, "filled")
    trade(plant, before, gateway, "closed")


@pytest.mark.parametrize("gateway", KINDS)
def test_frozen_past_its_deadline_it_is_asked_and_nothing_is_done_twice(plant, post, gateway):
    plant.freeze(gateway)
    signal = post("buy", lot_size="0.1")
    trade(plant, signal, gateway, "unknown")
    plant.thaw(gateway)
    trade(plant, signal, gateway, "filled")


def test_what_its_broker_cannot_is_refused_and_not_sent(plant, post):
    signal = post("buy", lot_size="0.1", order_type="stop_limit", price="1.2", limit_price="1.21")
    refused = trade(plant, signal, "gw-b", "rejected", "failed")
    assert "stop" in json.dumps(refused)
    trade(plant, signal, "gw-a", "working")  # this one can; it waits for a price that nobody posts
    post("cancel", target_signal_id=signal)
    trade(plant, signal, "gw-a", "cancelled")
    bought = post("buy", lot_size="0.1")
    trade(plant, bought, "gw-b", "filled")
    post("modify", target_signal_id=bought, stop_loss="1.05")
    until(lambda: plant.trades(bought)[ACCOUNTS["gw-b"]].get("modify_rejected"), "the change to be refused")


@pytest.mark.parametrize("gateway", KINDS)
def test_a_second_process_on_the_same_books_does_not_start(plant, gateway):
    second = plant.process(gateway)
    run = subprocess.run(second.command, env=second.env, capture_output=True, text=True, timeout=20, check=False)
    assert run.returncode == 1 and "in use by another process" in run.stderr


@pytest.mark.parametrize("gateway", KINDS)
def test_it_answers_whether_it_runs(plant, gateway):
    answer = wire.control(plant, gateway, "ping")
    assert json.loads(answer.json) == {"service": gateway, "stalled": False}


def test_in_the_end_nothing_is_lost_or_doubled_at_either(plant):
    plant.remember(plant.load("end", 40, rate=100))
    verdict = judge(plant, plant.accepted, plant.sent)
    assert verdict.good, verdict
