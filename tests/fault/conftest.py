"""What the fault tests share."""
# SPDX-License-Identifier: MIT
import contextlib

import pytest

from tests.harness.stage import OPTIONS, Stage, configuration


@pytest.fixture
def stage(plant_of):
    """stage(account, max_age_s, options): a plant of its own for each test, up."""
    with contextlib.ExitStack() as stack:
        def make(account="hedge", max_age_s=3600, options=None):
            plant = plant_of(mode="chaos", config=configuration(max_age_s), orderly=False,
                             options={**OPTIONS, **(options or {})})
            return Stage(stack.enter_context(plant), account)
        yield make
