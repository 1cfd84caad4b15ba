"""mixes - what is killed together, when, and how it comes back. Each mix is a row; each blow a small function."""
# SPDX-License-Identifier: MIT
import dataclasses
import time
from collections.abc import Callable

from tests.harness import rollback

ALL = ["ingest", "router", "executor.0", "reconciler", "archiver", "monitor"]
# How long what was killed stays away: started again at once, or by a keeper that waits a second.
AWAY_S = [(0.0, 0.2), (0.9, 1.2)]


class Scene:
    """A plant under attack: kills, restarts, and what it did. cut_s: a kill of Redis takes back up to so
    much of what it had answered."""

    def __init__(self, plant, rng, cut_s=0.0):
        self.plant, self.rng, self.cut_s = plant, rng, cut_s
        self.kills = self.cuts = self.forgotten = 0  # processes; kills of Redis, bytes that it forgot
        self.door_and_redis_at = []      # when both were killed together (time.monotonic())
        self._marks = rollback.Marks(plant) if cut_s else None

    def over(self):
        if self._marks:
            self._marks.stop()

    def _forget(self, now):
        back_to = self._marks.before(now - self.rng.uniform(0, self.cut_s))
        self._marks.pause()
        if back_to:
            self.forgotten += rollback.cut(self.plant, back_to, anywhere=self.rng.random() < 0.5)
            self.cuts += 1

    def pause(self, least_s, most_s):
        time.sleep(self.rng.uniform(least_s, most_s))

    def kill(self, *names):
        """All at once: the signals first, then the waiting."""
        now = time.monotonic()
        for name in names:
            self.plant.processes[name].signal(9)
        for name in names:
            self.plant.processes[name].wait()
        self.kills += len(names)
        if self._marks and "redis" in names:
            self._forget(now)
        if {"redis", "ingest"} <= set(names):
            self.door_and_redis_at.append(now)

    def restart(self, *names):
        """In any order, Redis first: as a supervisor would that starts each when it is its turn."""
        for name in sorted(names, key=lambda n: (n != "redis", self.rng.random())):
            self.plant.restart(name)
            if self._marks and name == "redis":
                self._marks.resume()
            self.pause(0, 0.05)

    def kill_and_restart(self, *names, away_s=(0.0, 0.3)):
        self.kill(*names)
        self.pause(*away_s)
        self.restart(*names)

    @property
    def gateways(self):
        return list(self.plant.gateways)


# --- blows

def one_service(scene, load=None):
    scene.kill_and_restart(scene.rng.choice(ALL))


def one_gateway(scene, load=None):
    scene.kill_and_restart(scene.rng.choice(scene.gateways))


def two_services(scene, load=None):
    scene.kill_and_restart(*scene.rng.sample(ALL + scene.gateways, 2))


def redis(scene, load=None):
    scene.kill_and_restart("redis")


def redis_and_a_service(scene, load=None):
    # The two the promise of "standard" covers: any but ingest, whose ring is the only other place that knows what it took.
    scene.kill_and_restart("redis", scene.rng.choice(["router", "executor.0", "archiver", "reconciler", "monitor"]))


def redis_router_executor(scene, load=None):
    scene.kill_and_restart("redis", "router", "executor.0")


def redis_away(scene, load=None):
    """Redis is away for seconds, and meanwhile a service is killed; then Redis again, soon after it came."""
    service = scene.rng.choice(["router", "executor.0", "archiver", "reconciler"])
    scene.kill("redis")
    scene.pause(0.5, 5.5)
    scene.restart("redis")
    scene.pause(0.05, 0.4)
    scene.kill_and_restart("redis", service)


def paused_consumer(scene, load=None):
    """A consumer stands still while others go on; then Redis is killed, then the consumer."""
    service = scene.rng.choice(["router", "executor.0", "archiver", "reconciler"])
    scene.plant.freeze(service)
    scene.pause(0.3, 1.5)
    scene.kill_and_restart("redis")
    scene.kill_and_restart(service)


def redis_twice(scene, load=None):
    redis_and_a_service(scene)
    scene.pause(0.2, 3)
    redis_and_a_service(scene)


def redis_and_a_late_consumer(scene, load=None):
    """Redis and a consumer die together; the consumer stays away for longer than its producers keep what it had."""
    service = scene.rng.choice(["router", "executor.0", "reconciler"])
    scene.kill("redis", service)
    scene.pause(0, 0.2)
    scene.restart("redis")
    scene.pause(3, 4)
    scene.restart(service)


def ends_while_paused(scene, load=None):
    """The traffic ends while a consumer stands still with its queues full: nothing that comes later tells it of a gap."""
    service = scene.rng.choice(["router", "executor.0", "reconciler"])
    scene.pause(0.5, 1)
    scene.plant.freeze(service)
    scene.pause(2, 3)
    load.stop()
    load.join()
    scene.plant.thaw(service)
    scene.pause(0.5, 1)
    scene.kill_and_restart("monitor")


def one_of_several_executors(scene, load=None):
    """An executor, with Redis every third time; whoever is left goes on."""
    executor = scene.rng.choice(scene.plant.executors)
    scene.kill_and_restart(executor, *(["redis"] if scene.rng.random() < 0.3 else []))


def everything(scene, load=None):
    scene.kill_and_restart("redis", *ALL, *scene.gateways)


# --- while everything is traded: what is away comes back at once, or after a second

def _blow(scene, *names):
    scene.kill_and_restart(*names, away_s=scene.rng.choice(AWAY_S))


def _others(scene):
    """Whom the promise of "standard" lets die together with Redis."""
    return [n for n in ALL if n != "ingest"] + scene.gateways


def one_process(scene, load=None):
    _blow(scene, scene.rng.choice(ALL + scene.gateways))


def redis_and_the_executor(scene, load=None):
    _blow(scene, "redis", "executor.0")


def redis_and_another(scene, load=None):
    _blow(scene, "redis", scene.rng.choice(_others(scene)))


def redis_and_two_others(scene, load=None):
    _blow(scene, "redis", *scene.rng.sample(_others(scene), 2))


def redis_and_the_door(scene, load=None):
    _blow(scene, "redis", "ingest", *scene.rng.sample(_others(scene), scene.rng.randrange(2)))


def redis_itself(scene, load=None):
    _blow(scene, "redis")


def all_of_it(scene, load=None):
    _blow(scene, "redis", *ALL, *scene.gateways)


@dataclasses.dataclass(frozen=True)
class Mix:
    name: str
    blow: Callable
    words: str
    profile: str = "standard"
    fsync_ms: int = 0        # Redis' fsync made so slow, or the ring is never needed
    pause_s: tuple = (0.1, 0.9)
    options: dict = dataclasses.field(default_factory=dict)
    unchecked: bool = False  # the brokers take a second order under a known id: only asking first helps
    lost_replies: str = ""   # the share of orders of which the broker never tells by itself what became of them
    rate: int = 0            # signals a second, if not the preset
    share: float = 1         # of the kills asked for
    shards: int = 1          # executors
    trading: bool = False    # everything is traded that can be (trading.py), not only bought
    check: str = ""          # trading: what the second broker recognises (trading.CHECKS); "": by seed
    cut_s: float = 0.0       # so much of what it answered Redis may forget
    lossy: bool = False      # what was accepted just before Redis and the door died may be lost


MIXES = {m.name: m for m in [
    Mix("services", one_service, "any one service", share=3),
    Mix("gateways", one_gateway, "a gateway", pause_s=(0.2, 1)),
    Mix("pairs", two_services, "two processes at once", share=2),
    Mix("redis", redis, "Redis, its fsync slow", fsync_ms=300),
    Mix("redis+service", redis_and_a_service, "Redis and a service", fsync_ms=300, share=2),
    Mix("redis+router+executor", redis_router_executor, "Redis, router and executor", fsync_ms=300, share=2),
    Mix("away", redis_away, "Redis away for seconds, a service killed", fsync_ms=300, pause_s=(0.3, 1)),
    Mix("paused", paused_consumer, "a consumer paused, Redis killed, the consumer killed", fsync_ms=300),
    Mix("twice", redis_twice, "two Redis crashes within ten seconds", fsync_ms=300),
    Mix("small-queues", two_services, "two at once with queues of 50", options={"TRADECAST_QUEUE": "50"}),
    Mix("late-consumer", redis_and_a_late_consumer, "Redis and a consumer, which comes back late", fsync_ms=1500, pause_s=(2, 3),
        options={"TRADECAST_JOURNAL_KEEP": "1s"}, share=0.5),
    Mix("ends-while-paused", ends_while_paused, "the traffic ends while a consumer is paused", options={"TRADECAST_QUEUE": "50"}, rate=1000,
        share=0.1),
    Mix("unchecked-services", one_service, "any one service; brokers that check nothing", unchecked=True, lost_replies="0.01"),
    Mix("unchecked-redis+router+executor", redis_router_executor, "Redis, router, executor; brokers that check nothing", fsync_ms=300,
        unchecked=True, lost_replies="0.05"),
    Mix("unchecked-origin", redis_router_executor, "the same, and nothing but a signal's origin time says that its order may be known", fsync_ms=300,
        unchecked=True, lost_replies="0.05", options={"TRADECAST_EXECUTOR_ROLLBACK_QUIET": "0s"}),
    Mix("two-executors", one_of_several_executors, "one of two executors, with Redis now and then", fsync_ms=300, shards=2),
    Mix("everything", everything, "everything at once, strict", profile="strict", pause_s=(0.8, 2), share=2),
]}


def _trading(name, blow, words, **more):
    return Mix(name, blow, words, trading=True, **{"pause_s": (0.6, 2.4), "cut_s": 1.9, **more})


WAITING = {"TRADECAST_INGEST_LOSS_WAIT": "2s"}  # as it is preset
TRADING = {m.name: m for m in [
    _trading("trading-one", one_process, "any one process", cut_s=0, pause_s=(0.2, 0.7)),
    _trading("trading-redis", redis_itself, "Redis, which forgets up to 1.9 s", share=0.7),
    _trading("trading-redis+executor", redis_and_the_executor, "Redis and the executor", share=1.3),
    _trading("trading-redis+another", redis_and_another, "Redis and any process but the door", share=1.3),
    _trading("trading-redis+two", redis_and_two_others, "Redis and any two processes but the door", share=2),
    _trading("trading-door", redis_and_the_door, "Redis and the door, standard", lossy=True, share=2, options=WAITING),
    _trading("trading-everything", all_of_it, "everything at once, strict", profile="strict", cut_s=0, pause_s=(0.2, 0.9), share=5),
    _trading("trading-everything-standard", all_of_it, "everything at once, standard", lossy=True, share=4),
]}
MIXES |= TRADING
OPENING = {name: m for name, m in MIXES.items() if not m.trading}
