"""Messages dropped, doubled, late and damaged between two services: the same end as on a good wire."""
# SPDX-License-Identifier: MIT
import pytest

from tests.harness import wire
from tests.harness.oracle import judge

LINKS = [("ingest", "router"), ("router", "executor.0"), ("router", "reconciler"), ("router", "archiver"), ("executor.0", "reconciler"),
         ("executor.0", "router"), ("reconciler", "ingest"), ("reconciler", "executor.0"), ("ingest", "archiver"), ("router", "ingest")]

HURTS = {"dropped": wire.Hurt(drop=0.3), "doubled": wire.Hurt(double=0.3), "late": wire.Hurt(late=0.3), "damaged": wire.Hurt(damage=0.3),
         "all": wire.Hurt(0.1, 0.1, 0.1, 0.1)}


@pytest.mark.parametrize("kind", HURTS)
def test_the_end_is_the_same(plant_of, kind):
    proxies = []

    def between(plant):
        plant.layout.make()
        for n, (sender, receiver) in enumerate(LINKS):
            target = plant.layout.endpoint(f"{receiver}.inbox")
            proxies.append(wire.Proxy(plant.layout.run, f"{sender}-{receiver}", target, HURTS[kind], seed=n))
            variable = f"TRADECAST_ENDPOINT_{receiver.upper().replace('.', '_')}_INBOX"
            plant.per_process.setdefault(sender, {})[variable] = proxies[-1].endpoint

    try:
        with plant_of(mode="chaos", prepare=between) as plant:
            plant.remember(plant.load(kind, 600, rate=200))
            verdict = judge(plant, plant.accepted, plant.sent)
            assert verdict.good, verdict
            assert all(p.passed for p in proxies), "a link did not go through its proxy"
            assert sum(p.hurt_count for p in proxies) > 100
    finally:
        for p in proxies:
            p.stop()
