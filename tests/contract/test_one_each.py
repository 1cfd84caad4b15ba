"""What everybody needs is there once, and nobody makes it by hand."""
# SPDX-License-Identifier: MIT
import re

import pytest

from deploy.local.layout import ROOT

FOLDERS = ["cli", "common", "gateways", "proto", "replay", "services", "sync"]

# What a line of C would say, and the one file that may.
ONCE = {
    "an array that grows": (r"\brealloc(array)?\(", "common/base/alloc.h"),
    "what happens without memory": (r"\buthash_fatal\b|if \(!\w+\) abort\(\);", "common/base/hash.h common/base/alloc.h"),
    "the hash table": (r"<uthash\.h>", "common/base/hash.h"),
    "a journal's key": (r'"journal:', "common/redis/journal.h"),
    "an integer's digits": (r"do \w+\[[^]]+\] = \(char\)\('0' \+ \w+ % 10\);\s+while", "common/base/integer.h common/base/decimal.c"),
    "the kinds of configuration": (r"case CONFIG_CHANGE__KIND__", ""),
}

# Not memory: a library that gives nothing, or a name that a table must have.
OTHERS = {"common/bus/keys.c", "common/program/options.c", "common/schema/record_columns.c", "sync/copy/web.c"}


def sources():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            yield str(path.relative_to(ROOT)), path.read_text()


@pytest.mark.parametrize("what", ONCE)
def test_it_is_there_once(what):
    pattern, places = ONCE[what]
    found = {name for name, text in sources() if re.search(pattern, text)}
    if what == "what happens without memory":
        found -= OTHERS
    assert found == set(places.split())
