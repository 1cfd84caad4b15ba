"""oracle - after a run: nothing lost, nothing doubled, everything archived, nothing left over.

It believes the brokers' own books, the sender's list of what was answered with 200, SQLite, and Redis; never the services' word.
"""
# SPDX-License-Identifier: MIT
import contextlib
import json
import sqlite3
import time
from contextlib import closing

from tests.harness import recount
from tests.harness.wait import TooLate, until

OPEN_STATES = {"pending", "submitting", "working", "partially_filled", "unknown", "filled"}
OVER_STATES = {"rejected", "cancelled", "expired"}


class Verdict:
    """Counts, and for each kind of violation the ids concerned."""

    def __init__(self):
        self.violations = {}
        self.orders = self.executions = self.accepted = 0
        self.settled_s = 0.0

    def note(self, kind, ids):
        ids = list(ids)
        if ids:
            self.violations.setdefault(kind, []).extend(ids)

    @property
    def good(self):
        return not self.violations

    def count(self, kind):
        return len(self.violations.get(kind, []))

    def __str__(self):
        if self.good:
            return "0 lost, 0 double"
        return "; ".join(f"{kind}: {len(ids)} (e.g. {', '.join(str(i)[:200] for i in ids[:3])})" for kind, ids in self.violations.items())

    __repr__ = __str__


def chunks(items, n=2000):
    items = list(items)
    return [items[i:i + n] for i in range(0, len(items), n)]


def hashes(redis, keys, *fields):
    """The fields of many hashes: {key: (values)}, in order."""
    out = {}
    for part in chunks(keys):
        pipe = redis.pipeline(transaction=False)
        for key in part:
            pipe.hmget(key, *fields)
        out.update(zip(part, pipe.execute()))
    return out


# --- coming to rest

def lags(redis):
    """{(consumer, topic): (position, last id)} of every consumer that is behind a journal."""
    behind = {}
    for key in redis.scan_iter("position:*", count=1000):
        for topic, at in redis.hgetall(key).items():
            last = _last_id(redis, topic)
            if last and _id(at) < _id(last):
                behind[(key.split(":", 1)[1], topic)] = (at, last)
    return behind


def _last_id(redis, topic):
    if not redis.exists(f"journal:{topic}"):
        return None
    return redis.xinfo_stream(f"journal:{topic}")["last-generated-id"]


def _id(text):
    return tuple(int(n) for n in text.split("-"))


def unfinished(redis, signal_ids):
    found = hashes(redis, [f"signal:{s}" for s in signal_ids], "status")
    return [k for k, (status,) in found.items() if status not in ("completed", "failed")]


def rest(plant, accepted, within_s):
    """Waits until every accepted signal is final and every consumer has everything. What is not by then is judged as it is."""
    remaining = set(accepted)

    def done():
        nonlocal remaining
        remaining = {k[len("signal:"):] for k in unfinished(plant.admin, remaining)} if remaining else remaining
        return not remaining and not lags(plant.admin)

    try:
        until(done, "all signals to be final and all lags to be zero", within_s, pause_s=0.1)
        return True
    except TooLate:
        return False


COMPARED_WITHIN_S = 20

# --- judging

def ledger(plant):
    """{client order id: executions} over all paper brokers."""
    out = {}
    for instance in plant.gateways:
        with closing(sqlite3.connect(f"file:{plant.books(instance)}?mode=ro", uri=True, timeout=10)) as books:
            out.update(books.execute("SELECT trade_id, executions FROM orders WHERE NOT orphan"))
    return out


def archive(plant, query):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True, timeout=10)) as db:
        return db.execute(query).fetchall()


TOO_OLD = {"signal_too_old", "signal_expired"}


def judge(plant, accepted, sent=None, accounts=None, within_s=60, archived_within_s=15, may_expire=False):
    """accepted: ids answered with 200; sent: all ids sent; accounts: who gets an order from each signal (default: all);
    may_expire: refusing a signal for its age is an outcome, too."""
    v = Verdict()
    began = time.monotonic()
    accounts = accounts or [a["account_id"] for a in plant.config["accounts"]]
    accepted, sent = set(accepted), set(sent or accepted)
    v.accepted = len(accepted)
    rested = rest(plant, accepted, within_s)
    v.settled_s = time.monotonic() - began
    v.note("signal without an outcome", unfinished(plant.admin, accepted))
    v.note("lag", [] if rested else lags(plant.admin))  # at rest, an account's regular state may be on its way all the same
    trades = _judge_trades(plant, v, accepted, accounts, may_expire)
    _judge_ledger(plant, v, trades, sent)
    _judge_sets(plant, v)
    _judge_archive(plant, v, accepted, trades, archived_within_s)
    v.note("dead letter", [k for k in plant.admin.scan_iter("deadletter:*") if plant.admin.xlen(k)])
    v.note("hole in a journal", [k for k in plant.admin.smembers("alert:active") if k.startswith("journal_hole")])
    return v


def _archived_decisions(plant, signals):
    """{signal_id: decisions} of signals that ended before Redis forgot them: they are not decided about again."""
    with closing(sqlite3.connect(plant.archive_uri(), uri=True, timeout=10)) as db:
        rows = db.execute("SELECT signal_id, decisions FROM routings").fetchall()
    return {signal_id: decisions for signal_id, decisions in rows if signal_id in signals}


def _judge_trades(plant, v, accepted, accounts, may_expire):
    """{trade_id: (signal_id, account_id, state)} of the accepted signals."""
    routings = hashes(plant.admin, [f"routing:{s}" for s in accepted], "decisions")
    routings = {key[len("routing:"):]: decisions for key, (decisions,) in routings.items()}
    forgotten = {signal_id for signal_id, decisions in routings.items() if not decisions}
    routings |= _archived_decisions(plant, forgotten) if forgotten else {}
    of = {}
    for signal_id, decisions in routings.items():
        decisions = json.loads(decisions or "[]")
        ordered = {d["account_id"]: d["trade_id"] for d in decisions if d.get("trade_id")}
        refused = {d["account_id"] for d in decisions if may_expire and d["reason"] in TOO_OLD}
        v.note("signal not ordered for an account", [f"{signal_id}/{a}" for a in accounts if a not in ordered and a not in refused])
        of.update({trade: (signal_id, account) for account, trade in ordered.items()})
    states = hashes(plant.admin, [f"trade_state:{t}" for t in of], "state", "filled_lots")
    compared = hashes(plant.admin, [f"reconciliation:{t}" for t in of], "reconciliation_status")
    trades = {}
    for trade, (signal_id, account) in of.items():
        state, lots = states[f"trade_state:{trade}"]
        trades[trade] = (signal_id, account, state, lots)
        if state in (None, "pending", "submitting", "unknown", "working", "partially_filled"):
            v.note("trade not final", [f"{trade} ({state})"])
        elif compared[f"reconciliation:{trade}"] != ["success"] and state not in OVER_STATES:
            v.note("trade not reconciled", [trade])
    v.orders = len(trades)
    return trades


def _judge_ledger(plant, v, trades, sent):
    books = ledger(plant)
    v.executions = sum(books.values())
    v.note("executed twice", [t for t, n in books.items() if n > 1])
    v.note("lost: not executed", [t for t, (_, _, state, _) in trades.items() if books.get(t, 0) == 0 and state not in OVER_STATES])
    v.note("refused but executed", [t for t, (_, _, state, _) in trades.items() if books.get(t, 0) > 0 and state in OVER_STATES])
    others = [t for t, n in books.items() if n and t not in trades]
    known = hashes(plant.admin, [f"trade_state:{t}" for t in others], "signal_id", "account_id")
    pairs = {(s, a) for s, a, _, _ in trades.values()}
    for key, (signal_id, account) in known.items():
        # A signal that was taken although its sender never heard so may be executed, once; nothing else may.
        if signal_id is None or signal_id not in sent or (signal_id, account) in pairs:
            v.note("executed, but no signal explains it", [key])
        pairs.add((signal_id, account))


def _judge_sets(plant, v):
    redis = plant.admin
    for status in ("pending", "processing"):
        v.note(f"signal:state:{status} holds what is final", redis.smembers(f"signal:state:{status}"))
    for n in range(plant.shards):
        members = redis.smembers(f"trade_state:open:{n}")
        states = hashes(redis, [f"trade_state:{m}" for m in members], "state")
        v.note("trade_state:open disagrees with its hashes", [k for k, (s,) in states.items() if s not in OPEN_STATES])
    with contextlib.suppress(TooLate):  # one that the archive recalled as ended may be compared once more, when its trades were asked about
        until(lambda: not redis.hlen("reconciliation:open"), "all to be compared", COMPARED_WITHIN_S, pause_s=0.2)
    v.note("reconciliation:open holds what is final", redis.hkeys("reconciliation:open"))


def _judge_archive(plant, v, accepted, trades, within_s):
    filled = {t for t, (_, _, state, _) in trades.items() if state in ("filled", "closed")}
    wanted = {"signals": ("signal_id", accepted), "trades": ("trade_id", set(trades)), "trade_result": ("trade_id", filled),
              "trade_reconciliation": ("trade_id", filled)}

    def missing():
        out = {}
        for table, (column, ids) in wanted.items():
            there = {row[0] for row in archive(plant, f"SELECT DISTINCT {column} FROM {table}")}
            if ids - there:
                out[table] = ids - there
        return out

    try:
        until(lambda: not missing(), "the archive to have everything", within_s, pause_s=0.2)
    except TooLate:
        for table, ids in missing().items():
            v.note(f"missing in the archive: {table}", ids)
    for table, column in (("signals", "signal_id"), ("trades", "trade_id"), ("trade_result", "result_id"),
                          ("trade_reconciliation", "trade_id")):
        v.note(f"double in the archive: {table}", [r[0] for r in archive(plant, f"SELECT {column} FROM {table} GROUP BY 1 HAVING count(*) > 1")])
    fills = dict(archive(plant, "SELECT trade_id, count(*) FROM trade_result WHERE state <> 'failed' GROUP BY 1"))
    books = ledger(plant)
    v.note("archived results differ from the broker's executions", [t for t in filled if fills.get(t, 0) < 1 and books.get(t, 0)])
    v.note("counted up and counted again differ", recount.judge(plant.archive, leave_out=recount.OF_THE_TIME))
    v.note("integrity_check", [r[0] for r in archive(plant, "PRAGMA integrity_check") if r[0] != "ok"])
