"""Two cells, and random kills in both while signals come through one door: both end with everything, once."""
# SPDX-License-Identifier: MIT
import os
import random
import time

from tests.fault.chaos import QUICK
from tests.harness import oracle
from tests.harness.cells import two_cells

KILLS = int(os.environ.get("KILLS") or 11)
SEED = int(os.environ.get("SEED") or 1)
RATE = 150


def blows(a, b):
    """What is killed at one moment: (cell, process) each. All of b with the relay to it is what only the relay's journal can heal."""
    everything = [(b, name) for name in [*b.services, *b.gateways, "redis"]]
    return [
        [(a, "relay.b")], [(b, "ingest")], [(a, "ingest")], [(b, "redis")], [(a, "redis")], [(b, "router")],
        [(b, "ingest"), (b, "redis")], [(a, "relay.b"), (b, "ingest")], [(a, "relay.b"), (b, "ingest"), (b, "redis")],
        everything, [*everything, (a, "relay.b")],
    ]


def kill(victims):
    for plant, name in victims:
        plant.processes[name].signal(9)
    for plant, name in victims:
        plant.processes[name].wait()


def again(victims):
    for plant, name in sorted(victims, key=lambda v: v[1] != "redis"):  # the others wait for it
        plant.restart(name)


def supervise(*plants):
    """What ended by itself (fenced, refused by Redis at a bad moment) is started again, as any supervisor would."""
    for plant in plants:
        for name, p in list(plant.processes.items()):
            if p.child and not p.alive():
                plant.restart(name)


def test_random_kills_in_two_cells_lose_nothing_and_double_nothing(tell):
    a, b = two_cells(mode="chaos", options=QUICK)
    chance, good = random.Random(SEED), False
    try:
        for plant in (a, b):
            plant.up()
        load = a.load("s", 10_000_000, RATE)
        kinds = blows(a, b)
        for n in range(KILLS):
            victims = kinds[n] if n < len(kinds) else chance.choice(kinds)
            time.sleep(chance.uniform(0.3, 1.2))
            kill(victims)
            time.sleep(chance.choice([0, 0, 0.5, 2]))
            again(victims)
            supervise(a, b)
        time.sleep(1)
        supervise(a, b)
        load.stop()
        a.remember(load)
        verdicts = [oracle.judge(plant, load.accepted, load.sent, within_s=120, archived_within_s=30) for plant in (a, b)]
        tell(f"cells, seed {SEED}: {KILLS} blows, {len(load.accepted)} signals accepted, executed {[v.executions for v in verdicts]}: {verdicts}")
        good = all(v.good for v in verdicts)
        assert good, verdicts
    finally:
        for plant in (a, b):
            plant.kill()
            if good:
                plant.wipe()
            else:
                print(f"\nkept for looking: {plant.temporary}")
