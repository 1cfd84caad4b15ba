"""The append-only file cut anywhere, then started with the newer SQLite and the newer brokers: nothing doubled, no topic stuck."""
# SPDX-License-Identifier: MIT
import pathlib
import random
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fault.chaos import QUICK
from tests.harness.oracle import judge, ledger
from tests.harness.plant import MARKET, Plant, configuration

SIGNALS, CUTS = 60, 100
AT_ONCE = 3
# These brokers check nothing: after a rollback each order is asked about first, and here that need not take half a minute.
SOON = {**QUICK, "TRADECAST_EXECUTOR_DOUBT_INTERVAL": "50ms", "TRADECAST_EXECUTOR_DOUBT_LEAST": "500ms",
        "TRADECAST_PAPER_LONGEST_ACCEPTANCE": "100ms", "TRADECAST_PAPER_DUPLICATE_CHECK": "none"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A plant that did its work and was then killed whole: its directory, with the file to be cut."""
    plant = make(None)
    plant.up()
    plant.remember(plant.load("cut", SIGNALS, rate=200))
    verdict = judge(plant, plant.accepted, plant.sent)
    assert verdict.good, verdict
    plant.kill()
    yield plant
    plant.wipe()


def make(copy_of):
    config = configuration(accounts=2, brokers=2, max_age_s=3600)
    for broker in config["brokers"]:
        broker["longest_acceptance_ms"] = 100
    plant = Plant(mode="chaos", config=config, keep=True, options=SOON)
    if copy_of:
        shutil.rmtree(plant.temporary)
        shutil.copytree(copy_of.temporary, plant.temporary, ignore=shutil.ignore_patterns("*.sock", "*.inbox", "*.events", "*.control", "*.gateways", "*.intake"))
        plant.sent = dict(copy_of.sent)
    return plant


def log_file(plant):
    return next(pathlib.Path(plant.layout.redis / "appendonlydir").glob("*.incr.aof"))


def cuts(data, rng):
    """Half at the ends of transactions, half anywhere."""
    ends, at = [], 0
    while (at := data.find(b"\r\n$4\r\nEXEC\r\n", at)) >= 0:
        at += len(b"\r\n$4\r\nEXEC\r\n")
        ends.append(at)
    assert len(ends) > CUTS // 2
    return sorted(rng.sample(ends, CUTS // 2) + [rng.randrange(len(data)) for _ in range(CUTS - CUTS // 2)])


def start_cut(ran, at, executed):
    """A copy of what ran, its file cut there: what was done stays done, and a new alert goes through."""
    plant = make(ran)
    try:
        with open(log_file(plant), "r+b") as f:
            f.truncate(at)
        plant.start()
        door = plant.door()
        status, answer, _ = door.alert(MARKET.replace("{id}", f"after-{at}"))
        assert status == 200, answer
        assert plant.final(f"after-{at}", within_s=60)["status"] == "completed"
        plant.accepted[f"after-{at}"] = plant.sent[f"after-{at}"] = 0
        verdict = judge(plant, plant.accepted, plant.sent)
        assert verdict.count("executed twice") == 0 and verdict.count("lag") == 0, f"cut at {at}: {verdict}"
        now = ledger(plant)
        assert all(now.get(t) == n for t, n in executed.items()), f"cut at {at}: the broker's orders changed"
        assert len(now) == len(executed) + 2
    finally:
        plant.kill()
        plant.wipe()


def test_nothing_is_doubled_and_no_topic_sticks(ran):
    data = log_file(ran).read_bytes()
    executed = ledger(ran)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(start_cut, ran, at, executed) for at in cuts(data, random.Random(7))]:
            done.result()
