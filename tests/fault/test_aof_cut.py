"""The append-only file cut anywhere, then started with the newer SQLite and the newer brokers: nothing doubled, no topic stuck."""
# SPDX-License-Identifier: MIT
import concurrent.futures
import pathlib
import random
import shutil

import pytest

from tests.fault.chaos import QUICK
from tests.harness.oracle import judge, ledger
from tests.harness.plant import MARKET, Plant, configuration

SIGNALS, CUTS, AT_ONCE = 60, 100, 4
# The brokers check nothing: only asking first keeps them from doing it twice.
OPTIONS = {**QUICK, "TRADECAST_PAPER_DUPLICATE_CHECK": "none", "TRADECAST_EXECUTOR_DOUBT_INTERVAL": "100ms", "TRADECAST_EXECUTOR_DOUBT_LEAST": "1s",
           "TRADECAST_HEARTBEAT": "100ms"}


def make():
    config = configuration(accounts=2, brokers=2)
    for broker in config["brokers"]:
        broker["longest_acceptance_ms"] = 500
    return Plant(mode="chaos", config=config, options=OPTIONS, keep=True)


@pytest.fixture(scope="module")
def ran():
    """A plant that did its work and was then killed whole."""
    plant = make()
    plant.up()
    plant.remember(plant.load("cut", SIGNALS, rate=200))
    verdict = judge(plant, plant.accepted, plant.sent)
    assert verdict.good, verdict
    plant.kill()
    yield plant
    plant.wipe()


def copy_of(directory):
    plant = make()
    shutil.rmtree(plant.temporary)
    shutil.copytree(directory, plant.temporary, ignore=shutil.ignore_patterns("run"))
    return plant


def log_file(plant):
    return next(pathlib.Path(plant.layout.redis / "appendonlydir").glob("*.incr.aof"))


def cuts(data, rng):
    """Half at the ends of transactions, half anywhere."""
    mark = b"\r\n$4\r\nEXEC\r\n"
    ends, at = [], data.find(mark)
    while at >= 0:
        ends.append(at + len(mark))
        at = data.find(mark, at + 1)
    assert len(ends) > CUTS // 2
    return sorted(rng.sample(ends, CUTS // 2) + [rng.randrange(len(data)) for _ in range(CUTS - CUTS // 2)])


def start_cut(directory, at):
    """What is wrong after a start with the file cut there, or None."""
    plant = copy_of(directory)
    executed = ledger(plant)
    try:
        with open(log_file(plant), "r+b") as f:
            f.truncate(at)
        plant.start()
        # Who sent them may not have heard of them, and sends them again; and there is a new one.
        plant.remember(plant.load("cut", SIGNALS, rate=500))
        door = plant.door()
        after = f"after-{at}"
        status, answer, _ = door.alert(MARKET.replace("{id}", after))
        if status != 200:
            return f"{status} {answer}"
        plant.accepted[after] = plant.sent[after] = 0
        verdict = judge(plant, plant.accepted, plant.sent, within_s=30)
        now = ledger(plant)
        if any(now.get(t) != n for t, n in executed.items()) or len(now) != len(executed) + len(plant.gateways):
            return f"the brokers' orders changed: {verdict}; {plant.temporary}"
        if not verdict.good:
            return f"{verdict}; {plant.temporary}"
        plant.keep = False
        return None
    finally:
        plant.kill()
        if not plant.keep:
            plant.wipe()


def test_nothing_is_doubled_and_no_topic_sticks(ran):
    data = log_file(ran).read_bytes()
    with concurrent.futures.ProcessPoolExecutor(AT_ONCE) as pool:
        tries = {at: pool.submit(start_cut, ran.temporary, at) for at in set(cuts(data, random.Random(7)))}
        wrong = {at: t.result(600) for at, t in tries.items() if t.result(600)}
    assert not wrong, f"{len(wrong)} of {len(tries)} cuts of {len(data)} bytes: " + "\n".join(f"at {at}: {w}" for at, w in list(wrong.items())[:8])
