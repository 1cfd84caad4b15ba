"""stage - one gateway, two accounts (hedge, net), and whoever sends them signals: for tests that
bring one divergence about by hand. A moment of Redis' file is marked, something happens, Redis and
others are killed, the file is cut back to the mark. The gateway stands still until the executor has
read its journal again, so that the order of things is the same every time.
"""
# SPDX-License-Identifier: MIT
import contextlib
import itertools
import sqlite3
import time

from tests.fault.chaos import QUICK
from tests.harness import ledgers, rollback
from tests.harness.wait import until

ACCOUNTS = ["hedge", "net"]
SERVICES = ["ingest", "router", "executor.0", "reconciler", "archiver", "monitor"]
EVERYTHING = ["redis", *SERVICES, "gw-a"]
AGREE_WITHIN_S = 10
OPTIONS = {**QUICK, "TRADECAST_PAPER_SNAPSHOT": "200ms",
           "TRADECAST_EXECUTOR_SNAPSHOT_EVERY": "200ms"}
numbers = itertools.count(1)


def _account(name, max_age_s):
    return {"account_id": name, "broker_id": "a", "balance": "10000000", "leverage": 500,
            "max_signal_age_s": max_age_s, "netting": name == "net",
            "subscriptions": [{"source": name, "multiplier": "1"}]}


def configuration(max_age_s=3600):
    symbols = [{"symbol": s, "lot_step": "0.01", "min_lot": "0.01"} for s in ("EURUSD", "GBPUSD")]
    return {
        "brokers": [{"broker_id": "a", "longest_acceptance_ms": 500, "symbols": symbols}],
        "accounts": [_account(a, max_age_s) for a in ACCOUNTS],
        "instances": [{"instance_id": "gw-a", "broker_id": "a", "accounts": ACCOUNTS}],
        "sources": [{"config_id": a} for a in ACCOUNTS],
    }


def _nets(plant):
    books = f"file:{plant.books('gw-a')}?mode=ro"
    accounts = ledgers.rows(books, "SELECT account_id, netting FROM accounts")
    return {a["account_id"] for a in accounts if a["netting"]} == {"net"}


class Stage:
    """A plant that is up, seen by one account."""

    def __init__(self, plant, account="hedge"):
        self.plant, self.account, self.door = plant, account, plant.door(account)
        self.price("1.1000", "1.1001")
        until(lambda: _nets(plant), "the gateway to know which account nets")

    # --- signals

    def post(self, direction, **fields):
        body = {"signal_id": f"record-{next(numbers)}", "symbol": "EURUSD", "order_type": "market",
                "direction": direction, **fields}
        return until(lambda: self._accepted(body), f"{body} to be accepted")

    def _accepted(self, body):
        status, answer, _ = self.door.alert(body)
        assert status in (200, 503), answer  # 503: sent again
        return answer.get("signal_id") if status == 200 else None

    def buy(self, lots, **fields):
        return self.post("buy", **{"lot_size": lots, "price": "1.1001", **fields})

    def price(self, bid, ask):
        assert self.door.price("EURUSD", bid, ask)[0] == 200

    def trade(self, signal):
        return self.plant.trades(signal).get(self.account, {})

    def decided_as(self, signal):
        """The reasons that the router gave for a signal."""
        return {d["reason"] for d in self.plant.decisions(signal).values()}

    def until(self, signal, *states):
        """The trade of a signal, once it is in one of these states."""
        def look():
            trade = self.trade(signal)
            return trade if trade.get("state") in states else None
        return until(look, f"{signal} to be {' or '.join(states)}")

    def resting(self, direction, price, lots):
        """A limit order that works at the broker."""
        signal = self.post(direction, order_type="limit", price=price, lot_size=lots)
        self.until(signal, "working")
        return signal

    def filled(self, signal):
        return self.until(signal, "filled", "closed")

    def flat(self):
        until(lambda: not ledgers.of_brokers(self.plant).lots, "the broker to be flat")

    def acknowledged(self):
        """The executor has acknowledged every report of the gateway."""
        books = f"file:{self.plant.books('gw-a')}?mode=ro"
        waiting = "SELECT * FROM link WHERE acked < head"
        until(lambda: not ledgers.rows(books, waiting), "reports to be acknowledged")

    # --- faults

    def mark(self):
        """A moment at which all agree; only orders that rest have no outcome yet."""
        until(lambda: not set(ledgers.compare(self.plant)) - {"outcomes"}, "all to agree")
        return rollback.mark(self.plant)

    def kill(self, *names):
        for name in names:
            self.plant.processes[name].signal(9)
        for name in names:
            self.plant.processes[name].wait()

    def start(self, *names):
        for name in names:
            self.plant.restart(name)

    def back_to(self, mark, *names, older_than_s=0.0):
        """These are killed with Redis, which forgets what came after the mark, and started again,
        not sooner than so long after it. The gateway stands still until go_on()."""
        self.plant.freeze("gw-a")
        self.kill("redis", *names)
        rollback.cut(self.plant, mark)
        time.sleep(max(0.0, mark.at + older_than_s - time.monotonic()))
        self.start("redis", *names)

    def all_back_to(self, mark):
        """Everything is killed, the gateway too, and Redis forgets what came after the mark."""
        self.kill(*EVERYTHING)
        rollback.cut(self.plant, mark)
        self.start(*EVERYTHING)

    def read_again(self, trade):
        """The executor has read an order in its journal once more."""
        key = f"trade_state:{trade['trade_id']}"
        until(lambda: self.plant.admin.exists(key), "the executor to have read its journal again")

    def go_on(self):
        self.plant.thaw("gw-a")

    def change_books(self, *changes):
        """The broker's books are changed by hand (SQL, its values) while nobody has them open."""
        self.kill("gw-a")
        with contextlib.closing(sqlite3.connect(self.plant.books("gw-a"))) as books, books:
            for change, values in changes:
                assert books.execute(change, values).rowcount
        self.start("gw-a")

    # --- the end

    def agree(self, within_s=AGREE_WITHIN_S, lost=frozenset()):
        """Redis, the archive and the brokers' books come to agree; else what differs is raised."""
        found = ledgers.agree(self.plant, within_s, lost)
        if found:
            raise ledgers.Differ(found)
