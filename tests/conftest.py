"""What all tests share: a private tradecast per test module."""
# SPDX-License-Identifier: MIT
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from tests.harness.plant import Plant  # noqa: E402


@pytest.fixture(scope="session")
def mode():
    """Which build is tried: check (sanitizers) unless TEST_MODE says otherwise."""
    return os.environ.get("TEST_MODE", "check")


@pytest.fixture(scope="module")
def plant(request, mode):
    """A whole tradecast, private to the test module; PLANT in the module gives the arguments of Plant."""
    it = Plant(mode=mode, **getattr(request.module, "PLANT", {}))
    failed_before = request.session.testsfailed
    try:
        it.up()
        yield it
    finally:
        it.keep = request.session.testsfailed > failed_before
        if it.keep:
            print(f"\nkept for looking: {it.temporary}")
        it.down()
