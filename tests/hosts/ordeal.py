"""ordeal - one start, one load, faults in turn; after each it is measured how long what was under way takes to end; then the oracle judges.

make chaos-hosts KILLS=40 SEED=1 FAULT=loss,resets RATE=200: so many faults, all kinds in a random order to each start.
"""
# SPDX-License-Identifier: MIT
import dataclasses
import os
import random
import sys
import time

from deploy.local.processes import describe
from tests.fault.chaos import QUICK, UNCHECKED, UNCHECKED_AGE_S
from tests.harness.hosts import HostsPlant
from tests.harness.oracle import judge
from tests.harness.plant import configuration
from tests.harness.wait import until
from tests.hosts.faults import FAULTS, PLACE

RATE = 200
RECOVERED_WITHIN_S = 60


@dataclasses.dataclass
class Passed:
    """What one fault did."""
    fault: str
    seconds: float
    under_way: int       # signals that had no outcome when it ended
    recovered_s: float   # until they had
    calm_s: float        # until the monitor finds all well, and no more is under way than in good times
    alerts: list
    exits: list


def make_plant(unchecked=False, options=None, place=None, **more):
    config = configuration(accounts=3, brokers=2, max_age_s=UNCHECKED_AGE_S if unchecked else 3600)
    for broker in config["brokers"]:
        broker["longest_acceptance_ms"] = 500
    return HostsPlant(place or PLACE, mode="chaos", config=config, keep=True,
                      options={**QUICK, **(UNCHECKED if unchecked else {}), **(options or {})}, **more)


def supervise(plant):
    """What ended by itself on a host that is up is started again, as systemd would. Returns the names."""
    ended = [name for name, p in plant.processes.items() if p.child and not p.alive() and plant.of[name] not in plant.dead]
    for name in ended:
        p = plant.processes[name]
        assert p.status > 0, f"{name} crashed ({describe(p.status)}): {p.last_words()}"
        plant.restart(name)
    return ended


def open_signals(plant):
    return set(plant.admin.smembers("signal:state:pending")) | set(plant.admin.smembers("signal:state:processing"))


class Ordeal:
    """One plant under load, faults in turn, and the verdict. place: where what went wrong is kept."""

    def __init__(self, seed=1, rate=RATE, unchecked=False, **more):
        self.seed, self.unchecked = seed, unchecked
        # At brokers that check nothing what is asked about first waits, and may expire.
        self.most_open = 100 * rate if unchecked else max(20, rate // 4)
        self.passed, self.verdict, self.load = [], None, None
        self.began = time.monotonic()
        self.plant = make_plant(unchecked, **more)
        try:
            self.plant.up()
            self.load = self.plant.load("s", 1_000_000, rate)
        except BaseException:
            self.plant.kill()
            raise

    def hold(self, seconds, exits):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            exits += supervise(self.plant)
            time.sleep(0.1)

    def endure(self, fault):
        """One fault, from its beginning until what was under way at its end has an outcome and the monitor finds all well."""
        plant, exits, began = self.plant, [], time.monotonic()
        before = set(plant.admin.smembers("alert:active"))
        fault.begin(plant)
        self.hold(fault.seconds, exits)
        alerts = set() if plant.of["redis"] in plant.dead else set(plant.admin.smembers("alert:active")) - before
        fault.end(plant)
        ended = time.monotonic()
        left = under_way = open_signals(plant)

        def over():
            nonlocal left
            exits.extend(supervise(plant))
            left = left & open_signals(plant)
            return not left

        def calm():
            exits.extend(supervise(plant))
            return plant.ready() and len(open_signals(plant)) <= self.most_open

        until(over, f"signals under way when {fault.name} ended to have an outcome", RECOVERED_WITHIN_S, pause_s=0.05)
        recovered = time.monotonic()
        until(calm, f"the monitor to find all well after {fault.name}", RECOVERED_WITHIN_S, pause_s=0.05)
        self.passed.append(Passed(fault.name, ended - began, len(under_way), recovered - ended, time.monotonic() - ended, sorted(alerts), exits))
        return self.passed[-1]

    def judge(self):
        self.load.stop()
        totals = self.load.finish()
        self.verdict = judge(self.plant, self.load.accepted, self.load.sent, within_s=90, may_expire=self.unchecked)
        self.words = (f"seed {self.seed}: {len(self.passed)} faults in {time.monotonic() - self.began:.0f} s, {totals['sent']} signals sent, "
                      f"{self.verdict.accepted} accepted, {totals['unavailable']} times 503, {self.verdict.orders} orders, "
                      f"{self.verdict.executions} executed: {self.verdict}")
        return self.verdict

    def close(self):
        """Everything is gone but the directory of what went wrong, whose name it gives."""
        if self.load:
            self.load.stop()
        self.plant.kill()
        if self.verdict and self.verdict.good:
            self.plant.wipe()
            return ""
        return self.plant.temporary


def run(faults, tell, **more):
    """All of them in turn: whether nothing was lost and nothing doubled."""
    ordeal = Ordeal(**more)
    try:
        for fault in faults:
            tell(row(ordeal.endure(fault)))
        good = ordeal.judge().good
        tell(ordeal.words)
        return good
    finally:
        place = ordeal.close()
        if place:
            tell(f"kept for looking: {place}")


def row(p):
    return (f"  {p.fault:12} {p.seconds:5.1f} s  under way {p.under_way:5}  outcome {p.recovered_s:5.2f} s  well {p.calm_s:5.2f} s after"
            + (f"  started again: {', '.join(p.exits)}" if p.exits else "") + (f"  alerts: {', '.join(p.alerts)}" if p.alerts else ""))


def main():
    names = [n for n in (os.environ.get("FAULT") or "").split(",") if n] or list(FAULTS)
    unknown = [n for n in names if n not in FAULTS]
    if unknown:
        print(f"chaos-hosts: no fault is called {', '.join(unknown)}; there are: {', '.join(FAULTS)}", file=sys.stderr)
        return 2
    kills, first, done, red = int(os.environ.get("KILLS") or len(names)), int(os.environ.get("SEED") or 1), 0, 0
    for seed in range(first, first + -(-kills // len(names))):
        order = [FAULTS[name] for name in names]
        random.Random(seed).shuffle(order)
        order = order[:kills - done]
        done += len(order)
        # Every other start with brokers that check nothing, every third with Redis behind TLS.
        red += not run(order, tell=lambda text: print(text, flush=True), seed=seed, rate=int(os.environ.get("RATE") or RATE),
                       unchecked=seed % 2 == 0, tunnel=seed % 3 == 0)
    print(f"{done} faults: " + (f"{red} starts are RED" if red else "nothing lost, nothing doubled"))
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
