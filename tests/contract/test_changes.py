"""What writes to a table of the archive numbers the change: copies of the archive miss what is not numbered."""
# SPDX-License-Identifier: MIT
import re

from deploy.local.layout import ROOT

TABLES = re.findall(r"^ +X\((\w+),", (ROOT / "proto/tables.h").read_text(), re.M)


def statements():
    """Each string of the archiver's sources, its pieces put together."""
    for file in sorted((ROOT / "services/archiver").rglob("*.c")):
        for text in re.findall(r'"(?:[^"\\]|\\.)*"(?:[\s\\]*(?:[A-Z_]+[\s\\]+)?"(?:[^"\\]|\\.)*")*', file.read_text()):
            yield file.name, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def test_every_update_of_a_table_gives_its_rows_a_number():
    updates = [(f, s) for f, s in statements() for t in re.findall(r"\bUPDATE (?:OR \w+ )?(\w+) SET", s) if t in TABLES]
    assert updates, "none found: this test looks in the wrong place"
    assert [u for u in updates if "next_change()" not in u[1]] == []


def test_every_insert_into_a_table_that_is_written_by_hand_gives_its_row_a_number():
    inserts = [(f, s) for f, s in statements() for t in re.findall(r"\bINSERT (?:OR \w+ )?INTO (\w+)", s) if t in TABLES]
    assert [i for i in inserts if "next_change()" not in i[1]] == []
