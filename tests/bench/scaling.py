"""scaling - what grows with what: CPU time, memory and bytes by the signal and by the order, and what larger loads need. make scaling"""
# SPDX-License-Identifier: MIT
import os
import pathlib
import sys

from tests.bench.bench import Run, count

FEW, MANY = 2, 100  # accounts: from two runs follow the cost by the signal and the cost by the order
SIGNALS = {FEW: 10000, MANY: 300}
ORDERS = (100, 1_000, 10_000, 100_000)  # a second, of signals with a hundred accounts each
MIB = 1 << 20


def cpu_us(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 // os.sysconf("SC_CLK_TCK")


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sample(plant):
    """{(kind, what): so much so far}"""
    pids = {name: p.pid for name, p in plant.processes.items()}
    info = plant.admin.info()
    return {**{("us", name): cpu_us(pid) for name, pid in pids.items()},
            **{("memory", name): resident(pid) for name, pid in pids.items() if name != "redis"},
            ("memory", "redis"): info["used_memory"],
            ("disk", "append-only file, as written"): sum(f.stat().st_size for f in plant.layout.redis.rglob("*.aof")),
            ("disk", "archive"): sum(f.stat().st_size for f in plant.archive.parent.glob(plant.archive.name + "*")),
            ("disk", "paper broker's books"): sum(plant.books(g).stat().st_size for g in plant.gateways)}


def measure(accounts, shards):
    """What one signal added, and signals a second from the door to final."""
    signals = count(SIGNALS[accounts])
    with Run(accounts, shards=shards, options={"TRADECAST_LOOK_FOR": "1h"}) as run:
        run.load("warm", max(20, signals // 10))
        run.wait_archived("warm")
        before = sample(run.plant)
        _, _, per_s = run.load("scale", signals)
        run.wait_archived("scale")
        after = sample(run.plant)
    return {k: (after[k] - before[k]) / signals for k in after}, per_s


def costs(few, many):
    """{(kind, what): (by the signal, by the order)}: each run's growth is signals * (a + b * accounts)."""
    out = {}
    for k in few:
        b = max(0.0, (many[k] - few[k]) / (MANY - FEW))
        out[k] = max(0.0, few[k] - b * FEW), b
    return out


def print_costs(cost):
    print(f"\n{'':34} {'a signal':>12} {'an order':>12}")
    units = {"us": ("CPU of ", "us"), "memory": ("memory of ", "bytes"), "disk": ("bytes of ", "bytes")}
    for (kind, what), (a, b) in sorted(cost.items()):
        words, unit = units[kind]
        print(f"  {words + what:32} {a:>12,.0f} {b:>12,.0f} {unit}")


def print_loads(cost):
    """One core each: what the busiest process of a kind needs; and the cores of all."""
    us = {what: a / MANY + b for (kind, what), (a, b) in cost.items() if kind == "us"}
    print(f"\n{'cores, 100 accounts a signal':34}" + "".join(f"{n:>12,}/s" for n in ORDERS))
    for what, each in sorted(us.items(), key=lambda kv: -kv[1]):
        print(f"  {what:32} " + "".join(f"{n * each / 1e6:>13.3f}" for n in ORDERS))
    print(f"  {'all':32} " + "".join(f"{n * sum(us.values()) / 1e6:>13.2f}" for n in ORDERS))
    for (kind, what), (a, b) in sorted(cost.items()):
        if kind == "disk":
            print(f"  {what + ', GiB a day of 8 h':32} " + "".join(f"{n * 28800 * (a / MANY + b) / (MIB << 10):>13.1f}" for n in ORDERS))


def main():
    print(f"tradecast on {os.cpu_count()} CPUs, load generator included, AOF everysec")
    for shards in (1, 2):
        few, few_s = measure(FEW, shards)
        many, many_s = measure(MANY, shards)
        print(f"\n{shards} executor{'s' if shards > 1 else ''}: {few_s:,.0f} signals/s to {FEW} accounts, {many_s:,.0f} to {MANY} "
              f"({few_s * FEW:,.0f} and {many_s * MANY:,.0f} orders/s)")
        cost = costs(few, many)
        print_costs(cost)
        if shards == 1:
            print_loads(cost)


if __name__ == "__main__":
    sys.exit(main())
