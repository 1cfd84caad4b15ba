"""archive - an archive made by the archiver and then written by the test: rows of every table with every kind of value, changed and taken
back as the archiver does it."""
# SPDX-License-Identifier: MIT
import random
import re
import sqlite3
import time
from contextlib import closing
from decimal import Decimal

from deploy.local.layout import ROOT
from tests.harness.messages import TYPES, columns
from tests.harness.plant import Plant
from tests.harness.wait import until

DECIMAL, TIME, UNSIGNED, FLAG, BYTES, INTEGER, TEXT = "decimal", "time", "unsigned", "flag", "bytes", "integer", "text"
KINDS = {16: DECIMAL, 6: TIME, 4: UNSIGNED, 8: FLAG, 12: BYTES, 3: INTEGER, 5: INTEGER, 13: INTEGER, 15: INTEGER, 17: INTEGER, 18: INTEGER}
TEXTS = ["", "plain", "tab\tline\nend\rback\\slash", "quote ' and \"", "é ü 漢字 🙂", "\\N", "a" * 300, '{"a":[1,2]}', "\b\f",
         '=HYPERLINK("http://example.org")', "+1", "-1+1", "@SUM(1)", "'quoted", "\t=1"]
DECIMALS = ["0", "1", "-1", "0.00000001", "-0.00000001", "92233720368.54775807", "-92233720368.54775807", "-92233720368.54775808", "1.1234", "100.5"]
EPOCH_S = 1_700_000_000


class Table:
    def __init__(self, name, message, keys, copied):
        self.name, self.keys, self.copied = name, [k.strip() for k in keys.split(",")], copied
        self.where = " AND ".join(f"{k} = ?" for k in self.keys)
        self.type = TYPES["".join(part.capitalize() for part in message.split("_"))]
        fields = columns(self.type)
        self.columns = list(fields)
        self.kinds = {n: TEXT if f.label == f.LABEL_REPEATED else KINDS.get(f.type, TEXT) for n, f in fields.items()}
        self.words = {n: [v.name for v in f.enum_type.values] for n, f in fields.items() if f.enum_type}
        self.words |= {n: [None] for n, f in fields.items() if f.label == f.LABEL_REPEATED or f.message_type}
        self.required = {n for n, f in fields.items() if f.label == f.LABEL_REQUIRED} | set(self.keys)


def tables():
    text = (ROOT / "proto/tables.h").read_text().replace("\\\n", " ")
    rows = re.findall(r'X\((\w+),\s+(\w+),\s+"([^"]+)",\s+\w+,\s+(\w+),', text)
    assert len(rows) > 10
    return {name: Table(name, message, keys, copied == "COPIED") for name, message, keys, copied in rows}


COPIED = {name: t for name, t in tables().items() if t.copied}


def make(mode, to):
    """An empty archive with the indexes of changes, as the archiver makes it, at `to`."""
    office = Plant(mode, options={"TRADECAST_ARCHIVER_COPIED": "true"})
    office.layout.make()
    office.layout.own()
    office.start_redis().close()
    office.start_process("archiver")
    until(lambda: office.command("config", "show")[0] == 0, "the archiver to answer")
    with closing(sqlite3.connect(office.archive)) as db, closing(sqlite3.connect(to)) as copy:
        db.backup(copy)
        copy.execute("PRAGMA journal_mode=WAL")
    office.down()
    return to


class Writer:
    """Writes as the archiver does: every write has a number of its own, a transaction at a time."""

    def __init__(self, path, seed=1):
        self.db = sqlite3.connect(path, isolation_level=None, timeout=20)
        self.db.execute("PRAGMA synchronous=OFF")
        self.dice = random.Random(seed)
        self.changed = max(int(time.time() * 1e6), *(self.db.execute(f"SELECT coalesce(max(changed), 0) FROM {t}").fetchone()[0] for t in COPIED))
        self.keys = {name: self.db.execute(f"SELECT {', '.join(t.keys)} FROM {name}").fetchall() for name, t in COPIED.items()}
        self.made = 0

    def close(self):
        self.db.close()

    def _value(self, table, column):
        dice, kind = self.dice, table.kinds[column]
        if column in table.keys:
            self.made += 1
            if column == "day":
                return "total" if dice.random() < 0.1 else time_text((EPOCH_S + 86400 * dice.randrange(30)) * 10**6)[:10]
            return time_text(EPOCH_S * 10**6 + self.made) if kind == TIME else f"{table.name[:3]}-{dice.getrandbits(32):08x}-{self.made}"
        if column not in table.required and dice.random() < 0.3:
            return None
        if kind == DECIMAL:
            return dice.choice(DECIMALS) if dice.random() < 0.2 else plain(dice.randrange(-10**14, 10**14))
        if kind == TIME:
            return time_text(dice.randrange(0, 4_000_000_000 * 10**6))
        if kind == UNSIGNED:
            return dice.getrandbits(64) - 2**63
        if kind == FLAG:
            return dice.getrandbits(1)
        if kind == BYTES:
            return dice.randbytes(dice.randrange(20))
        if kind == INTEGER:
            return dice.randrange(-2**31, 2**31)
        return dice.choice(table.words.get(column, TEXTS))

    def next(self):
        self.changed = max(self.changed + 1, int(time.time() * 1e6))
        return self.changed

    def add(self, name, n):
        table = COPIED[name]
        names = [*table.columns, "changed"]
        rows = [[*(self._value(table, c) for c in table.columns), self.next()] for _ in range(n)]
        text = f"INSERT INTO {name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        self.db.executemany(text, rows)
        self.keys[name] += [tuple(row[names.index(k)] for k in table.keys) for row in rows]

    def change(self, name, n):
        table = COPIED[name]
        columns = [c for c in table.columns if c not in table.keys]
        text = f"UPDATE {name} SET {', '.join(f'{c} = ?' for c in columns)}, changed = ? WHERE {table.where}"
        for key in self.dice.sample(self.keys[name], min(n, len(self.keys[name]))):
            self.db.execute(text, [*(self._value(table, c) for c in columns), self.next(), *key])

    def take_back(self, n, name="trade_failure_log"):
        for key in self.dice.sample(self.keys[name], min(n, len(self.keys[name]))):
            self.keys[name].remove(key)
            self.db.execute("INSERT INTO removed_rows (table_name, key, changed) VALUES (?, ?, ?)", (name, key[0], self.next()))
            self.db.execute(f"DELETE FROM {name} WHERE {COPIED[name].where}", key)

    def step(self, rows=5):
        """One transaction: something of everything."""
        self.db.execute("BEGIN IMMEDIATE")
        for name in COPIED:
            if self.dice.random() < 0.6:
                self.add(name, self.dice.randrange(rows))
                self.change(name, self.dice.randrange(rows))
        if self.dice.random() < 0.5:
            self.take_back(1)
        self.db.execute("COMMIT")


def plain(e8):
    text = f"{Decimal(e8).scaleb(-8):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_text(us):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(us // 10**6)) + f".{us % 10**6:06d}Z"
