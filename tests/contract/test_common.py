"""common/ serves all services alike: what is special about one is data in its `struct service`, or a row of a table in proto/."""
# SPDX-License-Identifier: MIT
import re
import subprocess

from deploy.local.layout import ROOT
from tests.contract.test_topics import ROLES

NAMES = "|".join(ROLES)


def code_of(path):
    """A source without its comments: examples there may name whom they like."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text(), flags=re.S)


def named_in(text):
    """Services that code asks for by role, by name or by an option of theirs."""
    roles = re.findall(r"(?<![A-Z_])(?:%s)(?![A-Z_])" % NAMES.upper(), text)
    words = re.findall(r'"(?:%s)(?=[".])' % NAMES, text)
    options = re.findall(r"TRADECAST_(?:%s)_\w+" % NAMES.upper(), text)
    return [*roles, *words, *options]


def test_common_knows_no_service_by_name():
    sources = sorted(p for p in (ROOT / "common").rglob("*.[ch]"))
    assert len(sources) > 80, "the search found too little"
    assert {str(p.relative_to(ROOT)): found for p in sources if (found := named_in(code_of(p)))} == {}


def test_the_search_finds_what_it_is_for():
    assert named_in('if (l->me.role == RELAY) getenv("TRADECAST_RELAY_TO");') == ["RELAY", "TRADECAST_RELAY_TO"]
    assert named_in('strcmp(name, "archiver")') == ['"archiver']
    assert named_in("PORT_ROUTER, SHARDS_EXECUTORS") == []


def check_options(service, *arguments, **environment):
    """What a service says of its options, and its exit status: nothing is started."""
    done = subprocess.run([ROOT / "build/check/bin" / f"tradecast-{service}", *arguments, "--check"], check=False, capture_output=True,
                          text=True, env={"PATH": "/usr/bin:/bin", **environment})
    return done.returncode, done.stderr


CELLS = {"TRADECAST_CELL": "a", "TRADECAST_CELLS": "b c"}


def test_a_relay_is_told_its_cell_by_an_option_of_its_own():
    assert check_options("relay", "--to", "c", **CELLS) == (0, "")
    assert check_options("relay", TRADECAST_RELAY_TO="b", **CELLS) == (0, "")
    status, said = check_options("relay", "--to", "d", **CELLS)
    assert status == 2 and 'TRADECAST_RELAY_TO must name one of TRADECAST_CELLS, not "d"' in said
    status, said = check_options("relay", **CELLS)
    assert status == 2 and 'not ""' in said


def test_what_only_a_relay_has_no_other_service_takes():
    status, said = check_options("router", "--to", "b", **CELLS)
    assert status == 2 and "unknown argument" in said


def test_help_says_how_a_process_is_told_which_it_is():
    usage = {s: subprocess.run([ROOT / "build/check/bin" / f"tradecast-{s}", "--help"], check=True, capture_output=True, text=True).stdout
             for s in ("executor", "relay", "router")}
    assert "[--shard N | --help" in usage["executor"]
    assert "[--to CELL | --help" in usage["relay"]
    assert "[--help" in usage["router"]
