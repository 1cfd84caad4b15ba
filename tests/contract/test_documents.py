"""The documents that tradecast was asked for by, walked against a running system: each table and
column with its type, each key and field, each state and transition, each value and setting.

documents/*.tsv is what they say (000 signals, 001 the plan, 002 results, 003 Redis, 004 storage
and use). What is known to be missing stands in documents/gaps.tsv; an item of that list that is
there after all is red, too, so that the list can only become shorter.
"""
# SPDX-License-Identifier: MIT
import csv
import pathlib

import pytest

from tests.harness import documents
from tests.harness.backend import Backend
from tests.harness.wait import until

FOLDER = pathlib.Path(__file__).parent / "documents"
SETTLED_WITHIN_S = 15


def rows(name):
    with open(FOLDER / f"{name}.tsv", newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


GAPS = {row["item"]: row for row in rows("gaps")}


@pytest.fixture(scope="module")
def told(plant_of, tmp_path_factory):
    """The system after everything that the documents speak of has happened in it."""
    backend = Backend(tmp_path_factory.mktemp("backend")).up()
    try:
        with plant_of(prepare=documents.prepare, config=documents.CONFIG,
                      options=documents.options(backend.url)) as plant:
            yield documents.Told(plant, backend)
    finally:
        backend.kill()


def judge(kind, items, is_missing):
    """items: names; is_missing(name): why it is not as the document says, or nothing.

    What a service writes behind the event is waited for, but not what is known to be missing."""
    known = {name for name in GAPS if name.startswith(kind + " ")}
    found = {}

    def look():
        found.clear()
        found.update({name: why for name in items if (why := is_missing(name))})
        return not found.keys() - known
    try:
        until(look, "all that the documents name", SETTLED_WITHIN_S, 0.2)
    except AssertionError:
        pass
    new = {name: why for name, why in found.items() if name not in known}
    there = sorted(known & items.keys() - found.keys())
    strange = sorted(known - items.keys())
    assert not new, "not as the documents say:\n" + "\n".join(f"{n}: {w}" for n, w in new.items())
    assert not there, f"there after all, so its line in gaps.tsv goes: {there}"
    assert not strange, f"gaps.tsv names what no document does: {strange}"


def test_every_table_stands_where_it_is_to_stand(told):
    def is_missing(name):
        row = items[name]
        if row["store"] == "redis":
            return None if told.hashes(row["stands_in"]) else f"no key {row['stands_in']}"
        columns = told.columns(row["stands_in"])
        if row["id"] not in columns:
            return f"no column {row['id']}" if columns else "no such table"
        return None if told.archived(row["stands_in"]) else "no row"
    items = {f"table {t['table']} {t['store']}": t for t in rows("tables")}
    judge("table", items, is_missing)


def test_every_column_is_there_with_its_type(told):
    tables = rows("tables")
    stores = {(c["table"], t["store"]): t["stands_in"] for c in rows("columns") for t in tables
              if t["table"] == c["table"]}
    items = {f"column {c['table']}.{c['column']} {store}": (c, store, place)
             for c in rows("columns") for (table, store), place in stores.items()
             if table == c["table"]}

    def is_missing(name):
        column, store, place = items[name]
        look = documents.in_redis if store == "redis" else documents.in_archive
        return look(told, place, column)
    judge("column", items, is_missing)


def test_every_key_has_its_fields(told):
    items = {f"key {k['key']} {k['field']}": k for k in rows("keys")}
    judge("key", items, lambda name: documents.in_key(told, items[name]))


def test_every_transition_is_in_the_tables_of_the_code():
    moves = documents.moves()
    items = {f"transition {t['life']} {t['from']} {t['to']}": t for t in rows("transitions")}
    judge("transition", items, lambda name: None if tuple(items[name][k] for k in (
        "life", "from", "to")) in moves else "no such move")


def test_every_value_is_seen(told):
    items = {f"value {v['field']} {v['value']}": v for v in rows("values")}
    judge("value", items, lambda name: None if items[name]["value"] in told.seen(
        items[name]["field"]) else f"seen: {sorted(told.seen(items[name]['field']))}")


def test_every_setting_is_there(told):
    items = {f"setting {s['kind']} {s['name']}": s for s in rows("settings")}
    judge("setting", items, lambda name: documents.SETTINGS[items[name]["kind"]](
        told, items[name]["name"], items[name]["value"]))


def test_what_the_backend_gets_has_every_field_of_a_signal(told):
    items = {f"posted {c['column']}": c for c in rows("columns")
             if c["table"] == "signals" and c["column"] not in documents.NOT_POSTED}

    def is_missing(name):
        bodies = [p["body"] for p in told.backend.taken() if p["path"] == "/api/signals"]
        values = [b[items[name]["column"]] for b in bodies if items[name]["column"] in b]
        return documents.wrong_values(values, items[name]["type"], json_numbers=True)
    judge("posted", items, is_missing)


def test_the_audit_log_has_every_field_of_a_signal(told):
    items = {f"logged {c['column']}": c for c in rows("columns")
             if c["table"] == "signals" and c["column"] not in documents.NOT_LOGGED}

    def is_missing(name):
        lines = told.audit_lines()
        values = [b[items[name]["column"]] for b in lines if items[name]["column"] in b]
        return documents.wrong_values(values, items[name]["type"], json_numbers=True)
    judge("logged", items, is_missing)


def test_no_gap_is_listed_that_nobody_looks_at():
    kinds = {"table", "column", "key", "transition", "value", "setting", "posted", "logged"}
    assert all(item.split(" ")[0] in kinds and row["why"] and row["closes_with"]
               for item, row in GAPS.items())
