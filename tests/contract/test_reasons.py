"""Every reason that an account may be given stands in a test of the router: one without an example would be a rule that nobody has seen at work."""
# SPDX-License-Identifier: MIT
import re

from deploy.local.layout import ROOT


def codes():
    enum = re.search(r"enum Code \{(.*?)\n  \}", (ROOT / "proto/order.proto").read_text(), re.S).group(1)
    return re.findall(r"^\s+(\w+) = \d+;", enum, re.M)


def test_every_reason_has_an_example():
    tests = "".join(f.read_text() for f in (ROOT / "tests/unit/router").glob("*.c"))
    named = set(re.findall(r'\b(?:REASON__CODE__|R\(|[A-Z]+\(\w+, "?)(\w+)', tests))
    assert len(codes()) > 30
    assert [c for c in codes() if c not in named] == []
