"""ledgers - what is open, what was executed and what came of it, as Redis, the archive and the
brokers' own books have it; and, line by line, where they differ. The brokers' books are right.
"""
# SPDX-License-Identifier: MIT
import dataclasses
import datetime
import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from decimal import Decimal

from tests.harness.messages import TYPES
from tests.harness.wait import TooLate, until

LIVE = {"pending", "submitting", "working", "partially_filled", "unknown"}  # more may come
GIVEN_UP = {"rejected", "cancelled", "expired"}
# Wrong whenever they are raised: whoever is killed, no broker executes more than it was asked to.
FALSE_ALERTS = {"overfilled", "bad_execution", "unknown_report", "report_gap", "orphans_full"}
# Ours and the broker's differ: said with every snapshot anew, so that none is raised at rest.
AT_REST = {"unexplained_holding", "missing_at_broker", "unexplained_report"}
REST_S = 1.0


@dataclasses.dataclass
class Ledger:
    """One store's word. lots: what is open, by (account, broker's symbol, side); executions: lots,
    by (account, the broker's id of it); states, filled: by trade_id; profit: realised, by account;
    twice: executions that are there more than once."""
    lots: dict
    executions: dict
    states: dict
    filled: dict
    profit: dict
    twice: list


def number(text):
    return Decimal(text) if text else Decimal(0)


def open_lots(trade):
    if trade.get("direction") == "close":
        return Decimal(0)
    gone = number(trade.get("closed_lots")) + number(trade.get("netted_lots"))
    return number(trade.get("filled_lots")) - gone


def _ledger_of(trades, results):
    """Of records in the form of TradeState and TradeResult."""
    out = Ledger(defaultdict(Decimal), {}, {}, {}, defaultdict(Decimal), [])
    for t in trades:
        out.states[t["trade_id"]] = t["state"]
        out.filled[t["trade_id"]] = number(t.get("filled_lots"))
        left = open_lots(t)
        if left:
            out.lots[(t["account_id"], t["broker_symbol"], t.get("side") or "buy")] += left
    for r in results:
        if not r.get("execution_id"):
            continue  # of a trade that was rejected
        key = (r["account_id"], r["execution_id"])
        if key in out.executions:
            out.twice.append(f"{key[0]} {key[1]}")
        out.executions[key] = number(r["lot_size"])
        out.profit[r["account_id"]] += number(r.get("pnl"))
    return out


def records(redis, prefix, chunk=2000):
    """Every hash under a prefix that is of the id in its key: no shard's set, guard or index."""
    keys = list(redis.scan_iter(f"{prefix}*", count=5000, _type="hash"))
    for at in range(0, len(keys), chunk):
        pipe = redis.pipeline(transaction=False)
        for key in keys[at:at + chunk]:
            pipe.hgetall(key)
        for key, found in zip(keys[at:at + chunk], pipe.execute()):
            ids = (found.get(name) for name in ("signal_id", "trade_id", "result_id"))
            if key[len(prefix):] in ids:
                yield found


def of_redis(plant):
    return _ledger_of(records(plant.admin, "trade_state:"), records(plant.admin, "result:"))


def rows(file, query):
    with closing(sqlite3.connect(file, uri=True, timeout=10)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(query)]


def of_archive(plant):
    tables = ("trades", "trade_result")
    return _ledger_of(*(rows(plant.archive_uri(), f"SELECT * FROM {t}") for t in tables))


def _history(order):
    status = TYPES["OrderStatus"]
    head = status(trade_id=order["trade_id"], account_id=order["account_id"], found=True)
    return status.FromString(head.SerializeToString() + (order["history"] or b""))


def _enter_order(out, order):
    account, trade = order["account_id"], order["trade_id"]
    if number(order["open_lots"]):
        out.lots[(account, order["symbol"], order["side"])] += number(order["open_lots"])
    if order["orphan"]:
        return
    out.states[trade] = "working" if order["pieces_left"] or order["latent"] else order["state"]
    out.filled[trade] = number(order["filled_lots"])
    out.twice += [trade] if order["executions"] > 1 else []
    told = _history(order)
    by_broker = [c for c in told.closings if not c.closed_by]  # else it is a fill of that order
    for fill in [*told.fills, *by_broker]:
        out.executions[(account, fill.execution_id)] += Decimal(fill.lots).scaleb(-8)


def of_brokers(plant):
    """The paper brokers' books, all of them together; what was put there by hand as well."""
    out = Ledger(defaultdict(Decimal), defaultdict(Decimal), {}, {}, defaultdict(Decimal), [])
    for instance in plant.gateways:
        books = f"file:{plant.books(instance)}?mode=ro"
        for account in rows(books, "SELECT account_id, realised FROM accounts"):
            out.profit[account["account_id"]] += number(account["realised"])
        for order in rows(books, "SELECT * FROM orders"):
            _enter_order(out, order)
    return out


# --- what differs

def _unequal(name, ours, theirs, words):
    """A line for each key at which two stores do not say the same."""
    lines = []
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if (mine or None) != (other or None):
            where = " ".join(key) if isinstance(key, tuple) else key
            lines.append(f"{where}: {name} {mine or 'nothing'}, {words} {other or 'nothing'}")
    return lines


def _orders(name, store, brokers):
    """What of an order the broker has, and what is on record of it."""
    lines = []
    for trade, state in brokers.states.items():
        known = store.states.get(trade)
        if known is None:
            lines.append(f"{trade}: {name} does not know it, broker {state}")
        elif (known in LIVE) != (state == "working"):
            lines.append(f"{trade}: {name} {known}, broker {state}")
        elif store.filled[trade] != brokers.filled[trade]:
            lines.append(f"{trade}: {name} has {store.filled[trade]} lots filled, "
                         f"broker {brokers.filled[trade]}")
    return lines + [f"{t}: {name} {state}, the broker has no such order"
                    for t, state in store.states.items()
                    if t not in brokers.states and state not in GIVEN_UP]


def statuses(plant):
    """{signal_id: {place: status}}: the four places where a signal's status stands."""
    out = defaultdict(dict)
    for place, prefix in (("signal", "signal:"), ("execution status", "signal_execution_status:")):
        for found in records(plant.admin, prefix):
            if found.get("status"):
                out[found["signal_id"]][place] = found["status"]
    for place, table in (("archived signal", "signals"),
                         ("archived execution status", "signal_execution_status")):
        for row in rows(plant.archive_uri(), f"SELECT signal_id, status FROM {table}"):
            out[row["signal_id"]][place] = row["status"]
    return out


EVERYWHERE = {"signal", "execution status", "archived signal"}


def _outcomes(plant, lost):
    """Every signal has one outcome, the same everywhere. Those that may be lost need not be
    everywhere, but where they are, they have an outcome."""
    lines = []
    for signal, at in statuses(plant).items():
        if not at.keys() & {"signal", "archived signal"}:
            continue  # of an order that no signal asked for
        words = ", ".join(f"{place} {status}" for place, status in at.items())
        if len(set(at.values())) > 1 or not set(at.values()) <= {"completed", "failed"}:
            lines.append(f"{signal}: {words}")
        elif signal not in lost and (missing := EVERYWHERE - at.keys()):
            lines.append(f"{signal}: {words}; not in {', '.join(sorted(missing))}")
    return lines + _finer_outcomes(plant)


OUTCOMES = {"completed": {"executed", "satisfied"}, "failed": {"failed", "skipped"}}


def _finer_outcomes(plant):
    """What came of a signal, where it is told finer than by its status, does not say otherwise."""
    found = rows(plant.archive_uri(), "SELECT signal_id, status, outcome FROM signal_execution_status")
    return [f"{row['signal_id']}: archived execution status {row['status']}, outcome {row['outcome']}"
            for row in found if row["outcome"] not in OUTCOMES.get(row["status"], ())]


def _views(plant, ours):
    """positions:active:{account}:{symbol} is the sum of the trades."""
    suffix = {b["broker_id"]: b.get("symbol_suffix", "") for b in plant.config["brokers"]}
    net = defaultdict(Decimal)
    broker_of = {a["account_id"]: a["broker_id"] for a in plant.config["accounts"]}
    for (account, symbol, side), lots in ours.lots.items():
        name = symbol.removesuffix(suffix[broker_of[account]])
        net[(account, name)] += -lots if side == "sell" else lots
    shown = defaultdict(Decimal)
    for key in plant.admin.scan_iter("positions:active:*:*", count=1000):
        view = json.loads(plant.admin.get(key) or "{}", parse_float=Decimal)
        if view:
            sign = -1 if view["side"] == "short" else 1
            shown[tuple(key.split(":")[2:4])] = Decimal(view["quantity"]) * sign
    return _unequal("positions:active", shown, net, "trades")


def _left_aside(plant):
    redis, lines = plant.admin, []
    for kind in ("orphans", "aside"):
        for key in redis.scan_iter(f"execution_state:{kind}:*"):
            lines += [f"{key} {field!r}" for field in redis.hkeys(key)]
    return lines


def _reports(plant):
    """Every report of a gateway has been taken, and it knows."""
    taken, lines = plant.admin.hgetall("execution_state:reports"), []
    for instance in plant.gateways:
        for link in rows(f"file:{plant.books(instance)}?mode=ro", "SELECT head, acked FROM link"):
            at = int((taken.get(instance) or ":0").split(":")[1])
            if not link["head"] == link["acked"] == at:
                lines.append(f"{instance}: reported {link['head']}, the executor took {at}, "
                             f"acknowledged {link['acked']}")
    return lines


def raised(plant, codes, since=""):
    """The alerts with these codes that are archived. since: a time as the archive writes it."""
    named = ", ".join(f"'{c}'" for c in sorted(codes))
    query = f"SELECT * FROM alert_log WHERE code IN ({named}) AND created_at >= '{since}'"
    return [f"{r['code']} {r['subject']}: {r['text']}" for r in rows(plant.archive_uri(), query)]


def _seconds_ago(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _remembered(archive, redis):
    """The archive's trades but those that came to nothing and that Redis has forgotten, with a
    decision that was not made again: they are history."""
    return {t: state for t, state in archive.states.items()
            if t in redis.states or state not in GIVEN_UP or archive.filled[t]}


def compare(plant, lost=frozenset()):
    """{kind: lines}: all that differs between Redis, the archive and the brokers' books. lost:
    signals that may have been lost."""
    brokers, redis, archive = of_brokers(plant), of_redis(plant), of_archive(plant)
    found = {}
    for name, store in (("Redis", redis), ("the archive", archive)):
        found[f"open lots, {name}"] = _unequal(name, store.lots, brokers.lots, "broker")
        executions = _unequal(name, store.executions, brokers.executions, "broker")
        executions += [f"{t}: {name} has it twice" for t in store.twice]
        found[f"executions, {name}"] = executions
        found[f"orders, {name}"] = _orders(name, store, brokers)
    found["reports"] = _reports(plant)
    found["realised profit"] = _unequal("results", redis.profit, brokers.profit, "broker")
    found["executed twice"] = brokers.twice
    found["trades"] = _unequal("Redis", redis.states, _remembered(archive, redis), "the archive")
    found["views of positions"] = _views(plant, redis)
    found["outcomes"] = _outcomes(plant, lost)
    found["left aside"] = _left_aside(plant)
    letters = plant.admin.scan_iter("deadletter:*")
    found["dead letters"] = [k for k in letters if plant.admin.xlen(k)]
    found["alerts at rest"] = raised(plant, AT_REST, _seconds_ago(REST_S))
    found["false alerts"] = raised(plant, FALSE_ALERTS)
    return {kind: lines for kind, lines in found.items() if lines}


def words(found, most=6):
    """Differences as text, the first of each kind."""
    return "\n".join(f"{kind} ({len(lines)}):\n  " + "\n  ".join(lines[:most])
                     for kind, lines in found.items())


class Differ(AssertionError):
    """Redis, the archive and the brokers' books do not say the same."""

    def __init__(self, found):
        super().__init__("\n" + words(found))


def agree(plant, within_s, lost=frozenset()):
    """Waits until nothing differs; returns what does at the end of that time."""
    found = {}

    def nothing():
        nonlocal found
        found = compare(plant, lost)
        return not found

    try:
        until(nothing, "Redis, the archive and the brokers' books to agree", within_s, pause_s=0.25)
        return {}
    except TooLate:
        return found
