"""Every command of the pages on deployment and security is run by a test: it stands in a named block, and a test takes the block from the page."""
# SPDX-License-Identifier: MIT
import re

import pytest

from deploy.local.layout import ROOT
from tests.harness import docs

PAGES = ["deployment", "security"]
PROGRAMS = r"(?:make|systemctl|systemd-\w+|journalctl|apt-get|docker-compose|docker|tradecast|deploy/[\w-]+|curl|openssl|nginx|caddy|sqlite3|sed)"


def taken():
    """(page, name) of every block that a test takes."""
    sources = "\n".join(p.read_text() for p in (ROOT / "tests").rglob("*.py"))
    return set(re.findall(r"""docs\.block\("([\w-]+)", "([\w-]+)"\)""", sources))


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_taken_by_a_test(page):
    there = [(page, name) for _, name, _ in docs.blocks(page)]
    assert ("", "") not in there and len(set(there)) == len(there), f"a block of docs/{page}.md has no name, or two have the same"
    assert [name for p, name in there if (p, name) not in taken()] == []


def test_tests_take_only_what_is_there():
    there = {(page, name) for page, _ in taken() for _, name, _ in docs.blocks(page)}
    assert taken() <= there


@pytest.mark.parametrize("page", PAGES)
def test_a_command_in_the_text_is_one_of_the_blocks(page):
    """`tradecast config apply` may be spoken of when some block has it."""
    text = docs.FENCE.sub("", (ROOT / f"docs/{page}.md").read_text())
    run = [line.strip() for p in PAGES for _, _, block in docs.blocks(p) for line in block.splitlines()]
    spoken = re.findall(rf"`({PROGRAMS} [^`\n]+)`", text)
    run += [f"make {target}" for target in re.findall(r"^([\w-]+):", "\n".join((ROOT / f).read_text() for f in ("Makefile", "deploy/install.mk")), re.M)]
    unknown = [c for c in spoken if not any(line.startswith(re.sub(r"[<A-Z…][\w>-]*$", "", c)) for line in run)]
    assert unknown == []
