"""chaos - kills things at random under load and lets the oracle judge. KILLS=1000 SEED=1 [PROFILE=] [MIX=] [MUTATE=] [RATE=]"""
# SPDX-License-Identifier: MIT
import dataclasses
import math
import os
import random
import sys
import time
from collections import Counter

from tests.fault import trading
from tests.fault.mixes import MIXES, Scene
from tests.harness import ledgers, wire
from tests.harness.oracle import judge
from tests.harness.plant import Plant, configuration

RATE = 200            # signals a second, each to three accounts
OUTCOME_WITHIN_S = 90
# Under strict every commit waits for the disk, and a service that was killed commits its first 256
# messages one by one: with the shim of everysec, which is there so that a kill loses something, that
# takes many minutes and shows nothing. This is a slow disk.
STRICT_FSYNC_MS = 10


@dataclasses.dataclass
class Tally:
    mix: str
    seed: int
    kills: int = 0
    exits: int = 0
    seconds: float = 0.0
    verdict: object = None
    sent: int = 0
    place: str = ""
    check: str = ""  # what the second broker recognises

    @property
    def good(self):
        return self.verdict.good


def supervise(plant, tally):
    """What ended by itself (fenced, refused by Redis at a bad moment) is started again, as any supervisor would."""
    for name, p in list(plant.processes.items()):
        if p.child and not p.alive():
            tally.exits += 1
            plant.restart(name)


# These brokers accept at once, so that what is in doubt need not be waited for as long as in the world.
QUICK = {"TRADECAST_PAPER_LONGEST_ACCEPTANCE": "500ms", "TRADECAST_EXECUTOR_DOUBT_INTERVAL": "300ms", "TRADECAST_EXECUTOR_DOUBT_LEAST": "2s",
         "TRADECAST_EXECUTOR_ORDER_ANSWER_WITHIN": "1s", "TRADECAST_EXECUTOR_GATEWAY_LOST": "3s", "TRADECAST_EXECUTOR_GATEWAY_STRAINED": "1s",
         "TRADECAST_RECONCILER_ASK_EVERY": "2s"}
# At a broker that checks nothing an order that is not found is not sent again: it expires, when its signal is too old.
UNCHECKED = {"TRADECAST_PAPER_DUPLICATE_CHECK": "none", "TRADECAST_EXECUTOR_DOUBT_LEAST": "5s", "TRADECAST_EXECUTOR_DOUBT_HELD_INTERVAL": "2s"}
UNCHECKED_AGE_S = 4


def make_plant(mix, mutate, profile, fsync_ms):
    config = configuration(accounts=3, brokers=2, max_age_s=UNCHECKED_AGE_S if mix.unchecked else 3600)
    for broker in config["brokers"]:
        broker["longest_acceptance_ms"] = 500
    more = UNCHECKED if mix.unchecked else {}
    if mix.trading:
        config, more = trading.configuration(), trading.OPTIONS
    options = {**QUICK, **more, **mix.options, **({"TRADECAST_MUTATE": mutate} if mutate else {})}
    plant = Plant(mode="chaos", config=config, profile=profile or mix.profile, keep=True, options=options, shards=mix.shards)
    slow_ms = fsync_ms or mix.fsync_ms
    if slow_ms:
        plant.slow_fsync(min(slow_ms, STRICT_FSYNC_MS) if plant.profile == "strict" else slow_ms)
    return plant


@dataclasses.dataclass
class Run:
    """One plant, one mix, so many kills."""
    plant: Plant
    mix: object
    kills: int
    tally: Tally
    rate: int = RATE
    outcome_within_s: float = OUTCOME_WITHIN_S
    archived_within_s: float = 15

    def supervise(self):
        supervise(self.plant, self.tally)

    def strike(self, scene, load, between=lambda: None):
        """Blow after blow, until so many have died."""
        while scene.kills < self.kills:
            scene.pause(*self.mix.pause_s)
            self.mix.blow(scene, load)
            self.supervise()
            between()
        scene.pause(*self.mix.pause_s)
        self.tally.kills = scene.kills

    def buy(self):
        """Only bought, at a rate; the oracle judges."""
        for gateway in self.plant.gateways if self.mix.lost_replies else []:
            assert wire.control(self.plant, gateway, "fault", "lost_reply", self.mix.lost_replies).ok
        load = self.plant.load("s", 10_000_000, self.mix.rate or self.rate)
        self.strike(Scene(self.plant, random.Random(self.tally.seed)), load)
        load.stop()
        end = time.monotonic() + 30
        while load.running() and time.monotonic() < end:
            self.supervise()
            time.sleep(0.1)
        self.tally.sent = load.finish()["sent"]
        verdict = judge(self.plant, load.accepted, load.sent, within_s=self.outcome_within_s, archived_within_s=self.archived_within_s,
                        may_expire=self.mix.unchecked)
        if verdict.good:  # else it has been waited for long enough
            for kind, lines in ledgers.agree(self.plant, self.archived_within_s).items():
                verdict.note(kind, lines)
        return verdict

    def trade(self):
        """Everything is traded that can be; the record is held against the brokers' books."""
        seed, strict = self.tally.seed, self.plant.profile == "strict"
        check = self.mix.check or trading.CHECKS[seed % len(trading.CHECKS)]
        self.tally.check = check
        scene = Scene(self.plant, random.Random(seed), 0 if strict else self.mix.cut_s)
        trader = trading.start_trader(self.plant, seed, check)
        try:
            self.strike(scene, None, lambda: trading.hurt(self.plant, check))
        finally:
            trader.stop()
            scene.over()
        self.supervise()
        self.tally.sent = len(trader.sent)
        lost = self.may_be_lost(scene, trader, strict)
        return trading.judge_trading(self.plant, trader, self.supervise, lost, self.recognises_alerts(strict))

    def recognises_alerts(self, strict):
        """Where everything dies at once in standard, the door may have forgotten an alert for good; it
        waits for what others give back of it, unless it is told not to."""
        return strict or not self.mix.lossy or "TRADECAST_INGEST_LOSS_WAIT" in self.mix.options

    def may_be_lost(self, scene, trader, strict):
        """What was accepted just before Redis and the door died, where the promise is no better."""
        if strict or not self.mix.lossy:
            return frozenset()
        before = trading.LOST_BEFORE_S
        return frozenset(signal for signal, at in trader.accepted.items()
                         if any(blow - before < at < blow + 1 for blow in scene.door_and_redis_at))


def run_mix(mix, kills, seed, mutate=None, profile=None, rate=RATE, fsync_ms=0, outcome_within_s=OUTCOME_WITHIN_S, archived_within_s=15,
            keep=True):
    """One plant, one mix, so many kills; then the oracle. keep: a red one's directory stays."""
    tally = Tally(mix.name, seed)
    began = time.monotonic()
    plant = make_plant(mix, mutate, profile, fsync_ms)
    run = Run(plant, mix, kills, tally, rate, outcome_within_s, archived_within_s)
    try:
        if mix.trading:
            plant.per_process["gw-b"] = trading.broker_options(mix.check or trading.CHECKS[seed % len(trading.CHECKS)])
        plant.up()
        tally.verdict = run.trade() if mix.trading else run.buy()
    finally:
        tally.seconds = time.monotonic() - began
        plant.keep = keep and not (tally.verdict and tally.verdict.good)
        plant.kill()
        if plant.keep:
            tally.place = plant.temporary
        else:
            plant.wipe()
    return tally


def head():
    return (f"{'mix':32} {'seed':>6} {'check':11} {'kills':>6} {'exits':>5} {'accepted':>9} {'orders':>8} {'executed':>8} {'differ':>6} "
            f"{'seconds':>8}  verdict")


def row(t):
    v = t.verdict
    differ = sum(map(len, v.violations.values()))
    return (f"{t.mix:32} {t.seed:6} {t.check or '-':11} {t.kills:6} {t.exits:5} {v.accepted:9} {v.orders:8} {v.executions:8} {differ:6} "
            f"{t.seconds:8.1f}  {v}" + (f"  [{t.place}]" if t.place else ""))


def share_of(kills, mix, mixes):
    """How many of so many kills are this mix's."""
    return max(1, math.ceil(kills * mix.share / sum(m.share for m in mixes)))


def campaign(kills, seed, mixes, mutate=None, profile=None, rate=RATE, tell=print):
    tell(head())
    tallies = []
    for n, mix in enumerate(mixes):
        t = run_mix(mix, share_of(kills, mix, mixes), seed + n, mutate, profile, rate)
        tell(row(t))
        tallies.append(t)
    total = sum(t.kills for t in tallies)
    bad = [t for t in tallies if not t.good]
    tell(f"{total} kills, {sum(t.verdict.accepted for t in tallies)} signals accepted, {sum(t.verdict.executions for t in tallies)} "
         f"orders executed: " + ("nothing lost, nothing doubled, no difference" if not bad else f"{len(bad)} of {len(tallies)} mixes are RED"))
    kinds = Counter()
    for t in bad:
        kinds.update({kind: len(ids) for kind, ids in t.verdict.violations.items()})
    for kind, n in sorted(kinds.items()):
        tell(f"  {n:6} {kind}")
    return tallies


def main():
    kills, seed = int(os.environ.get("KILLS") or 100), int(os.environ.get("SEED") or 1)
    names = [m for m in (os.environ.get("MIX") or "").split(",") if m] or list(MIXES)
    unknown = [n for n in names if n not in MIXES]
    if unknown:
        print(f"chaos: no mix is called {', '.join(unknown)}; there are: {', '.join(MIXES)}", file=sys.stderr)
        return 2
    tallies = campaign(kills, seed, [MIXES[n] for n in names], os.environ.get("MUTATE") or None, os.environ.get("PROFILE") or None,
                       int(os.environ.get("RATE") or RATE), tell=lambda text: print(text, flush=True))
    return 0 if all(t.good for t in tallies) else 1


if __name__ == "__main__":
    sys.exit(main())
