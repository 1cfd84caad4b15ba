"""A process killed at a named point, at its worst moments: nothing lost, nothing doubled."""
# SPDX-License-Identifier: MIT
import re

import pytest

from deploy.local.layout import ROOT
from tests.fault.chaos import QUICK
from tests.harness.oracle import judge
from tests.harness.plant import configuration
from tests.harness.wait import until

# Not on every order's way: test_stops.py, unit/archiver/test_audit.c, flow/test_cells.py, test_decisions.py.
ELSEWHERE = re.compile(r"executor\.stop_moved|audit\..*|relay\..*|advisor\..*|ingest\.before_handover_answer")
LOOP = ["before_commit", "after_commit", "after_send"]
SERVICES = ["ingest", "router", "executor", "reconciler", "archiver", "monitor"]


def named_points():
    """(service, point) of every fail point in the sources."""
    points = [(s, f"{s}.{p}") for s in SERVICES for p in LOOP if s != "monitor"]
    points += [(s, "loop.in_catch_up") for s in ("router", "executor", "archiver")]
    for folder in (ROOT / "services", ROOT / "gateways"):
        for file in sorted(folder.rglob("*.c")):
            for name in re.findall(r'FAILPOINT\("([^"]+)"\)', file.read_text()):
                points += [] if ELSEWHERE.fullmatch(name) else [(file.relative_to(folder).parts[0], name)]
    return sorted(set(points))


def two_kinds():
    """What every gateway goes through is in its skeleton: one of them is the smallest there is."""
    config = configuration()
    config["instances"][-1]["kind"] = "filler"
    return config


PLANT = {"mode": "chaos", "options": {**QUICK, "TRADECAST_FILLER_LONGEST_ACCEPTANCE": "500ms"}, "config": two_kinds()}


def processes_of(plant, service):
    return list(plant.gateways) if service == "link" else [{"executor": "executor.0"}.get(service, service)]


def die_at(plant, name, point, passing, prefix):
    """Traffic before the process is there, so that it has to catch up, and more until it has died; then it is there again."""
    plant.processes[name].kill()
    loads = [plant.load(prefix, 40, rate=200)]
    plant.processes[name] = plant.process(name, {"TRADECAST_FAIL": f"{point}:{passing}"})

    def dead():
        if plant.processes[name].alive() and not loads[-1].running():
            loads.append(plant.load(f"{prefix}-{len(loads)}", 40, rate=200))
        return not plant.processes[name].alive()

    try:
        plant.processes[name].start()
        until(dead, f"{name} to die at {point}", within_s=20)
        assert plant.processes[name].status == -9, f"{name}: {plant.processes[name].last_words()}"
    finally:  # it must not die of it later
        plant.processes[name].kill()
        plant.restart(name)
    for load in loads:
        plant.remember(load)
        assert len(load.accepted) == 40


@pytest.mark.parametrize("service, point", named_points(), ids=lambda v: v)
def test_a_kill_at_this_point_loses_and_doubles_nothing(plant, service, point):
    for name in processes_of(plant, service):
        for passing in (1, 4):
            die_at(plant, name, point, passing, f"{name}-{point}-{passing}")
    verdict = judge(plant, plant.accepted, plant.sent)
    assert verdict.good, verdict
