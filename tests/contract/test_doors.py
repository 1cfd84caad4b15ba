"""Doors: every one that is opened or knocked at stands in the table of ports once, and no address is made by hand."""
# SPDX-License-Identifier: MIT
import re

from deploy.local.layout import ROOT

TABLE = (ROOT / "proto/doors.h").read_text()
SOURCES = {p.relative_to(ROOT): p.read_text() for part in ("common", "services", "gateways", "sync", "cli", "replay") for p in sorted((ROOT / part).rglob("*.c"))}


def rows(name):
    body = re.search(r"#define %s\(X\)(.*?)\n(?!\s*X\()" % name, TABLE.replace("\\\n", "\n"), re.S).group(1)
    return [[cell.strip().strip('"') for cell in row.split(",")] for row in re.findall(r"X\(([^)]*)\)", body)]


def test_every_door_in_the_sources_is_in_the_table():
    used = set()
    for path, text in SOURCES.items():
        used |= {door for call in re.findall(r"endpoint_of(?:_cell)?\s*\(([^;]*?)\)", text) for door in re.findall(r'"(\w+)"\s*$', call)}
        used |= {door for door in re.findall(r'\.door = "(\w+)"', text)}
    assert used <= {name for name, _ in rows("DOORS")}
    assert {"events", "intake", "gateways", "query"} <= used, "the search found too little"


def test_no_two_have_a_number():
    numbers = [int(number) for _, number in rows("DOORS")]
    assert len(set(numbers)) == len(numbers) and max(numbers) < int(re.search(r"PORTS_EACH +(\d+)", TABLE).group(1))
    slots = [n for _, first, count in rows("SLOTS") for n in range(int(first), int(first) + int(count))]
    assert len(set(slots)) == len(slots)


def test_every_process_has_a_slot():
    topics = (ROOT / "proto/topics.h").read_text()
    services = re.findall(r'X\(\w+,\s+"([\w-]+)",\s+ONE_\w+', topics)
    syncs = re.findall(r'X\("(sync-[\w-]+)"\)', topics)
    assert len(services) >= 6 and len(syncs) == 2
    assert {*services, *syncs} <= {name for name, _, _ in rows("SLOTS")}


def test_callers_are_named_for_doors_that_there_are():
    names = {name for name, _ in rows("DOORS")}
    assert {door for door, _, _ in rows("CALLERS")} == names - {"inbox"}


def test_no_address_is_made_by_hand():
    made = [str(path) for path, text in SOURCES.items() if re.search(r'"(ipc|tcp)://[^"]*%', text)]
    assert made == ["common/bus/endpoint.c", "common/bus/port_zmq.c"]
