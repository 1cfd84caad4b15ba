"""chaos - kills things at random under load and lets the oracle judge. KILLS=1000 SEED=1 [PROFILE=] [MIX=] [MUTATE=] [RATE=]"""
# SPDX-License-Identifier: MIT
import dataclasses
import os
import random
import sys
import time

from tests.fault.mixes import MIXES, Scene
from tests.harness import wire
from tests.harness.oracle import judge
from tests.harness.plant import Plant, configuration

RATE = 200            # signals a second, each to three accounts
OUTCOME_WITHIN_S = 90


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
    options = {**QUICK, **(UNCHECKED if mix.unchecked else {}), **mix.options, **({"TRADECAST_MUTATE": mutate} if mutate else {})}
    plant = Plant(mode="chaos", config=config, profile=profile or mix.profile, keep=True, options=options, shards=mix.shards)
    if fsync_ms or mix.fsync_ms:
        plant.slow_fsync(fsync_ms or mix.fsync_ms)
    return plant


def run_mix(mix, kills, seed, mutate=None, profile=None, rate=RATE, fsync_ms=0, outcome_within_s=OUTCOME_WITHIN_S, archived_within_s=15,
            keep=True):
    """One plant, one mix, so many kills; then the oracle. keep: a red one's directory stays."""
    tally = Tally(mix.name, seed)
    began = time.monotonic()
    plant = make_plant(mix, mutate, profile, fsync_ms)
    try:
        plant.up()
        for gateway in plant.gateways if mix.lost_replies else []:
            assert wire.control(plant, gateway, "fault", "lost_reply", mix.lost_replies).ok
        scene = Scene(plant, random.Random(seed))
        load = plant.load("s", 10_000_000, mix.rate or rate)
        while scene.kills < kills:
            scene.pause(*mix.pause_s)
            mix.blow(scene, load)
            supervise(plant, tally)
        scene.pause(*mix.pause_s)
        load.stop()
        end = time.monotonic() + 30
        while load.running() and time.monotonic() < end:
            supervise(plant, tally)
            time.sleep(0.1)
        totals = load.finish()
        tally.kills, tally.sent = scene.kills, totals["sent"]
        tally.verdict = judge(plant, load.accepted, load.sent, within_s=outcome_within_s, archived_within_s=archived_within_s,
                              may_expire=mix.unchecked)
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
    return f"{'mix':22} {'seed':>6} {'kills':>6} {'exits':>5} {'accepted':>9} {'orders':>8} {'executed':>8} {'seconds':>8}  verdict"


def row(t):
    v = t.verdict
    return (f"{t.mix:22} {t.seed:6} {t.kills:6} {t.exits:5} {v.accepted:9} {v.orders:8} {v.executions:8} {t.seconds:8.1f}  {v}"
            + (f"  [{t.place}]" if t.place else ""))


def campaign(kills, seed, mixes, mutate=None, profile=None, rate=RATE, tell=print):
    tell(head())
    tallies = []
    shares = sum(m.share for m in mixes)
    for n, mix in enumerate(mixes):
        t = run_mix(mix, max(1, -(-kills * mix.share // shares)), seed + n, mutate, profile, rate)
        tell(row(t))
        tallies.append(t)
    total = sum(t.kills for t in tallies)
    bad = [t for t in tallies if not t.good]
    tell(f"{total} kills, {sum(t.verdict.accepted for t in tallies)} signals accepted, {sum(t.verdict.executions for t in tallies)} "
         f"orders executed: " + ("nothing lost, nothing doubled" if not bad else f"{len(bad)} of {len(tallies)} mixes are RED"))
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
