"""mixes - what is killed together, when, and how it comes back. Each mix is a row; each blow a small function."""
# SPDX-License-Identifier: MIT
import dataclasses
import time
from collections.abc import Callable

ALL = ["ingest", "router", "executor.0", "reconciler", "archiver", "monitor"]


class Scene:
    """A plant under attack: kills, restarts, and what it did."""

    def __init__(self, plant, rng):
        self.plant, self.rng = plant, rng
        self.kills = 0

    def pause(self, least_s, most_s):
        time.sleep(self.rng.uniform(least_s, most_s))

    def kill(self, *names):
        """All at once: the signals first, then the waiting."""
        for name in names:
            self.plant.processes[name].signal(9)
        for name in names:
            self.plant.processes[name].wait()
        self.kills += len(names)

    def restart(self, *names):
        """In any order, Redis first: as a supervisor would that starts each when it is its turn."""
        for name in sorted(names, key=lambda n: (n != "redis", self.rng.random())):
            self.plant.restart(name)
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
    share: int = 1           # of the kills asked for
    shards: int = 1          # executors


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
        options={"TRADECAST_JOURNAL_KEEP": "1s"}),
    Mix("ends-while-paused", ends_while_paused, "the traffic ends while a consumer is paused", options={"TRADECAST_QUEUE": "50"}, rate=1000),
    Mix("unchecked-services", one_service, "any one service; brokers that check nothing", unchecked=True, lost_replies="0.01"),
    Mix("unchecked-redis+router+executor", redis_router_executor, "Redis, router, executor; brokers that check nothing", fsync_ms=300,
        unchecked=True, lost_replies="0.05"),
    Mix("unchecked-origin", redis_router_executor, "the same, and nothing but a signal's origin time says that its order may be known", fsync_ms=300,
        unchecked=True, lost_replies="0.05", options={"TRADECAST_EXECUTOR_ROLLBACK_QUIET": "0s"}),
    Mix("two-executors", one_of_several_executors, "one of two executors, with Redis now and then", fsync_ms=300, shards=2),
    Mix("everything", everything, "everything at once, strict", profile="strict", pause_s=(0.8, 2), share=2),
]}
