"""What `make style` holds: an include that the table does not allow, and a figure beyond its limit,
are told and end with 1.
"""
# SPDX-License-Identifier: MIT
import pytest

from tests.style import figures, layers


@pytest.mark.parametrize("place, include, allowed", [
    ("common/base/clock.c", "common/base/error.h", True),
    ("common/base/clock.c", "common/redis/store.h", False),
    ("common/redis/store.c", "common/service/loop.h", False),
    ("services/router/router.c", "common/service/service.h", True),
    ("services/router/router.c", "services/executor/executor.h", False),
    ("services/executor/trade/plan.c", "common/domain/trade.h", True),
    ("services/executor/trade/plan.c", "common/domain/book.h", False),
    ("services/executor/trade/plan.c", "services/executor/due.h", True),
    ("services/executor/trade/plan.c", "services/executor/executor.h", False),
    ("services/executor/executor.h", "services/executor/trade/plan.h", True),
    ("gateways/link/run.c", "gateways/paper/paper.h", False),
    ("elsewhere/new.c", "common/base/error.h", False),
])
def test_an_include_that_the_table_does_not_allow_is_told(tmp_path, monkeypatch, place, include, allowed):
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text(f'// a file\n#include <stdio.h>\n#include "x.pb-c.h"\n#include "{include}"\n')
    monkeypatch.setattr(layers, "ROOT", tmp_path)
    monkeypatch.setattr(layers, "sources", lambda: [file])
    assert (list(layers.forbidden()) == []) == allowed


def test_a_figure_beyond_its_limit_is_told(monkeypatch, capsys):
    within = {**figures.LIMITS, **figures.LEAST}
    monkeypatch.setattr(figures, "worst", lambda: [])
    monkeypatch.setattr(figures, "figures", lambda: within)
    assert figures.main() == 0
    for name, by in [*((n, 0.1) for n in figures.LIMITS), *((n, -0.1) for n in figures.LEAST)]:
        monkeypatch.setattr(figures, "figures", lambda n=name, d=by: {**within, n: within[n] + d})
        assert figures.main() == 1
        assert "BROKEN" in capsys.readouterr().out
