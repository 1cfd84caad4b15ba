"""Every service does again what it did in incidents that were recorded, and says the same to the byte."""
# SPDX-License-Identifier: MIT
import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RECORDINGS = sorted((ROOT / "tests/recordings").glob("*.rec"))


def test_there_are_recordings():
    assert len(RECORDINGS) >= 8


@pytest.mark.parametrize("file", RECORDINGS, ids=lambda f: f.stem)
def test_a_recorded_incident_comes_out_as_it_was(file):
    p = subprocess.run([ROOT / "build/check/bin/tradecast", "replay", "--offline", file, "--json"], capture_output=True, text=True, timeout=60)
    assert p.stdout, p.stderr
    said = json.loads(p.stdout)
    services = {s["service"]: s for s in said["services"]}
    assert p.returncode == 0 and said["rows"] == [], p.stdout + p.stderr
    assert set(services) == {"router", "executor.0", "reconciler", "archiver"}
    assert services["router"]["as_recorded"] >= 4 and services["executor.0"]["as_recorded"] >= 2
