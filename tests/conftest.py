"""What all tests share: a private tradecast per test module."""
# SPDX-License-Identifier: MIT
import contextlib
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


@pytest.fixture
def tell(request):
    """tell(line): a line for whoever reads the run's output, whichever process the test ran in."""
    return lambda line: request.node.user_properties.append(("told", line))


def pytest_runtest_logreport(report):
    if report.when == "call" and "PYTEST_XDIST_WORKER" not in os.environ:
        for name, line in report.user_properties:
            if name == "told":
                sys.__stdout__.write(f"\n  {line}")
                sys.__stdout__.flush()


@pytest.fixture(scope="module")
def plant_of(request, mode):
    """Makes a whole tradecast: with plant_of(prepare=f, ...) as plant; prepare(plant) is called before it starts;
    orderly=False: what is left of it at the end need not stop well. Kept for looking when a test of the module failed."""
    @contextlib.contextmanager
    def make(prepare=None, orderly=True, **arguments):
        failed_before = request.session.testsfailed
        it = Plant(**{"mode": mode, **arguments})
        try:
            if prepare:
                prepare(it)
            yield it.up()
        finally:
            if request.session.testsfailed > failed_before:
                print(f"\nkept for looking: {it.temporary}")
                it.kill()
            elif orderly:
                it.down()
            else:
                it.kill()
                it.wipe()
    return make


@pytest.fixture(scope="module")
def plant(request, plant_of):
    """A whole tradecast, private to the test module; PLANT in the module gives the arguments of Plant."""
    with plant_of(**getattr(request.module, "PLANT", {})) as it:
        yield it
