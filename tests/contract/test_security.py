"""docs/security.md claims only what is there: every test that it names exists, and so does every file."""
# SPDX-License-Identifier: MIT
import re

import pytest

from deploy.local.layout import ROOT

TEXT = (ROOT / "docs/security.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in TEXT.split("## Threats")[1].split("\n## ")[0].splitlines() if line.startswith("| ")][1:]


def test_there_are_threats():
    assert len(ROWS) > 20 and all(len(row) == 4 for row in ROWS)


@pytest.mark.parametrize("threat, control, where, tests", ROWS, ids=[row[0] for row in ROWS])
def test_a_threat_has_a_control_that_is_there_and_a_test_that_exists(threat, control, where, tests):
    files = re.findall(r"`([^`]+)`", where)
    assert control and files and [f for f in files if not (ROOT / f).exists()] == []
    named = re.findall(r"`([^`]+)::(\w+)`", tests)
    assert named and len(named) == tests.count("`") // 2
    for file, name in named:
        text = (ROOT / file).read_text()
        defined = re.search(rf"^def {name}\(", text, re.M) if file.endswith(".py") else len(re.findall(rf"\b{name}\b", text)) >= 2  # and listed
        assert defined, f"{file} has no {name}"
