"""docs - the blocks of commands and of configuration in a page of docs/, by name: what a test runs is what a reader reads."""
# SPDX-License-Identifier: MIT
import re

from deploy.local.layout import ROOT

FENCE = re.compile(r"^```(\w+) ?([\w-]*)\n(.*?)^```$", re.M | re.S)  # ```sh name


def blocks(page):
    """[(language, name, text)] of docs/<page>.md, in their order; blocks of no language, which are for the eye, left out."""
    return FENCE.findall((ROOT / f"docs/{page}.md").read_text())


def block(page, name):
    found = [text for _, n, text in blocks(page) if n == name]
    assert len(found) == 1, f"docs/{page}.md has {len(found)} blocks named {name}"
    return found[0]
