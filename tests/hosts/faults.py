"""faults - what can happen between hosts, as rows: how it begins, how long it lasts, how it ends."""
# SPDX-License-Identifier: MIT
import dataclasses
from collections.abc import Callable

# Door and brain, hands, memory, and a gateway that is near its broker.
PLACE = {"front": ["ingest", "router", "archiver"], "back": ["executor.0", "gw-a"], "store": ["redis", "reconciler", "monitor"], "far": ["gw-b"]}


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    words: str
    begin: Callable                      # of the plant
    end: Callable = lambda plant: plant.network.heal()
    seconds: float = 4


def cut(a, b):
    return lambda plant: plant.network.cut(a, b)


def one_way(sender, receiver):
    return lambda plant: plant.network.cut_one_way(sender, receiver)


def lose(share):
    return lambda plant: [plant.network.lose(host, share) for host in ("back", "store")]


def reset(every_ms):
    return lambda plant: [plant.network.reset(host, every_ms) for host in ("front", "back", "store")]


def slow(host, ms):
    return lambda plant: plant.network.slow(host, ms)


def dies(host):
    return Fault(f"dies-{host}", f"the host {host} dies and comes back", lambda plant: plant.die(host), lambda plant: plant.boot(host), 3)


FAULTS = {f.name: f for f in [
    Fault("none", "nothing", lambda plant: None),
    Fault("store-back", "the executor's host and Redis are apart", cut("store", "back")),
    Fault("store-front", "the door's and router's host and Redis are apart", cut("store", "front")),
    Fault("front-back", "router and executor are apart", cut("front", "back")),
    Fault("back-far", "executor and a gateway are apart", cut("back", "far")),
    Fault("to-store", "what the executor writes does not arrive", one_way("back", "store")),
    Fault("from-store", "what the executor writes arrives, Redis' answers do not", one_way("store", "back")),
    Fault("to-far", "orders do not arrive at a gateway", one_way("back", "far")),
    Fault("from-far", "orders arrive at a gateway, its reports do not", one_way("far", "back")),
    Fault("loss", "15 % of all packets of two hosts are lost", lose(0.15), seconds=6),
    Fault("resets", "connections of three hosts are reset every 200 ms", reset(200), seconds=6),
    Fault("slow-back", "100 ms more to and from the executor's host", slow("back", 100), seconds=6),
    Fault("slow-store", "100 ms more to and from Redis", slow("store", 100), seconds=6),
    Fault("slow-far", "100 ms more to and from a gateway", slow("far", 100)),
    *(dies(host) for host in PLACE),
]}


def lasting(fault, seconds):
    return dataclasses.replace(fault, seconds=seconds)
