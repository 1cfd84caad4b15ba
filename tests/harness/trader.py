"""trader - everything that senders, a market and an operator do, at random and by seed: entries of
every type, stops, partial and whole closes, reverse, flat, targets, cancels, changes, alerts without
an id that are sent again, prices that move, and now and then an operator's word.
"""
# SPDX-License-Identifier: MIT
import collections
import contextlib
import dataclasses
import http.client
import json
import random
import threading
import time
import urllib.parse

SYMBOLS = {"EURUSD": 110000, "GBPUSD": 130000}  # in points of 0.00001
# Points: ask over bid; how far a price goes at a time, and from where it began.
SPREAD, STEP, RANGE = 10, 12, 300
GIVE_UP_S = 20  # a sender tries so long
RESENT_MOST = 3  # times the same alert, within the window in which it is the same signal
ALONE_S = 16  # of that window (20 s, as it is preset): nothing begins later that may wait for 3 s


def price(points):
    return f"{points / 100000:.5f}"


@dataclasses.dataclass
class Sent:
    """A signal as its sender knows it. ids: what it was called when it was answered with 200."""
    body: dict
    at: float  # time.monotonic() of the first try, and of the last answer of 200
    accepted_at: float = 0.0
    ids: set = dataclasses.field(default_factory=set)


class Senders:
    """What is sent, by weight: each returns the body of a signal without its id; None: not now."""

    def __init__(self, rng):
        self.rng = rng
        self.market = dict(SYMBOLS)  # bid, in points
        self.entries = collections.deque(maxlen=40)  # (id, symbol) of signals that may open something
        self.kinds = [(self.entry, 22), (self.with_stops, 8), (self.limit, 14), (self.stop, 4),
                      (self.cancel, 7), (self.modify, 5), (self.close, 7), (self.close_side, 7),
                      (self.close_part, 9), (self.close_lots, 4), (self.close_one, 9),
                      (self.reverse, 3), (self.target, 6), (self.flat, 2)]

    def body(self):
        kinds, weights = zip(*self.kinds)
        while True:
            found = self.rng.choices(kinds, weights)[0]()
            if found:
                return found

    def _symbol(self):
        return self.rng.choice(list(SYMBOLS))

    def _lots(self):
        return f"{self.rng.randrange(1, 30) / 100:.2f}"

    def _base(self, action, **more):
        symbol = more.pop("symbol", None) or self._symbol()
        return {"symbol": symbol, "action": action, "price": price(self.market[symbol]), **more}

    def _side(self):
        return self.rng.choice(["buy", "sell"])

    def entry(self):
        return self._base(self._side(), lot_size=self._lots())

    def with_stops(self):
        side, symbol = self._side(), self._symbol()
        sign = 1 if side == "buy" else -1
        at = self.market[symbol]
        stop, profit = (self.rng.randrange(30, 90) for _ in range(2))
        return self._base(side, symbol=symbol, lot_size=self._lots(), sl=price(at - sign * stop),
                          tp=price(at + sign * profit))

    def _away(self, side, symbol, sign):
        sign *= -1 if side == "buy" else 1
        return price(self.market[symbol] + sign * self.rng.randrange(5, 60))

    def limit(self):
        side, symbol = self._side(), self._symbol()
        return {**self._base(side, symbol=symbol, lot_size=self._lots()), "order_type": "limit",
                "price": self._away(side, symbol, 1)}

    def stop(self):
        side, symbol = self._side(), self._symbol()
        return {**self._base(side, symbol=symbol, lot_size=self._lots()), "order_type": "stop",
                "price": self._away(side, symbol, -1)}

    def _of_one(self, action, **more):
        if not self.entries:
            return None
        signal, symbol = self.rng.choice(self.entries)
        return {"symbol": symbol, "action": action, "target_signal_id": signal, **more}

    def cancel(self):
        if self.rng.random() < 0.7:
            return self._of_one("cancel")
        return {"symbol": self._symbol(), "action": "cancel"}

    def modify(self):
        return self._of_one("modify", sl=price(self.rng.choice([0, 100000])))

    def close(self):
        return self._base("close")

    def close_side(self):
        return self._base(self.rng.choice(["close_long", "close_short"]))

    def close_part(self):
        return self._base("close", close_percent=str(self.rng.choice([10, 25, 33, 50, 75, 100])))

    def close_lots(self):
        return self._base("close", lot_size=self._lots())

    def close_one(self):
        return self._of_one("close")

    def reverse(self):
        return self._base("reverse", lot_size=self._lots())

    def target(self):
        return self._base("target", target_position=f"{self.rng.randrange(-30, 31) / 100:.2f}")

    def flat(self):
        return {"action": "flat", **({"symbol": self._symbol()} if self.rng.random() < 0.5 else {})}

    def move_market(self):
        """Another price of one symbol: (symbol, bid, ask)."""
        symbol = self._symbol()
        middle, at = SYMBOLS[symbol], self.market[symbol] + self.rng.randrange(-STEP, STEP + 1)
        self.market[symbol] = min(max(at, middle - RANGE), middle + RANGE)
        return symbol, price(self.market[symbol]), price(self.market[symbol] + SPREAD)


class Line:
    """A keep-alive connection to the door that may be gone at any time."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)

    def post(self, path, body):
        """(status, answer); status 0: nobody answered."""
        try:
            self._connection.request("POST", path, json.dumps(body).encode())
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return 0, {}


class Trader:
    """Sends until it is stopped: `rate` signals a second, `without_id` of them without an id."""

    def __init__(self, plant, source, seed, rate=60, without_id=0.15, operator=True):
        self.plant, self.rate, self.without_id = plant, rate, without_id
        self.rng, self.sent = random.Random(seed), []
        self.senders = Senders(random.Random(seed + 1))
        self.commands = 0
        self._stop = threading.Event()
        self._signals = urllib.parse.urlsplit(plant.webhook(source)).path
        self._prices = urllib.parse.urlsplit(plant.prices(source)).path
        self._again = []  # alerts without an id that are sent once more: (when, alert)
        threads = [self._send, self._feed, *([self._operate] if operator else [])]
        self._threads = [threading.Thread(target=t, daemon=True) for t in threads]
        for t in self._threads:
            t.start()

    def stop(self):
        self._stop.set()
        for t in self._threads:
            t.join()

    @property
    def accepted(self):
        """{signal_id: when it was answered with 200}"""
        return {i: s.accepted_at for s in self.sent for i in s.ids}

    def doubled(self):
        """Alerts that were taken for more than one signal: each a set of ids."""
        return [s.ids for s in self.sent if len(s.ids) > 1]

    # --- sending

    def _send(self):
        line = Line(self.plant.http_port)
        while not self._stop.wait(self.rng.expovariate(self.rate)):
            now = time.monotonic()
            due = [a for when, a in self._again if when <= now]
            self._again = [(when, a) for when, a in self._again if when > now]
            for alert in due or [self._new()]:
                self._offer(line, alert)

    def _new(self):
        sent = Sent(self.senders.body(), time.monotonic())
        number = len(self.sent)
        self.sent.append(sent)
        if self.rng.random() < self.without_id and sent.body["action"] in ("buy", "sell"):
            sent.body["strategy"] = f"alone-{number}"  # what makes it an alert of its own
            for n in range(self.rng.randrange(RESENT_MOST)):
                self._again.append((sent.at + self.rng.uniform(0.3, 5) * (n + 1), sent))
        else:
            sent.body["signal_id"] = f"trader-{number}"
        return sent

    def _offer(self, line, sent):
        """Until it is answered, as senders do that resend what was not; without an id not longer
        than equal content is the same signal, for after that another is right."""
        end = time.monotonic() + GIVE_UP_S if "signal_id" in sent.body else sent.at + ALONE_S
        while time.monotonic() < end:
            status, answer = line.post(self._signals, sent.body)
            if status == 200:
                self._accept(sent, answer["signal_id"])
            if status and status < 500:
                return
            if self._stop.wait(0.05):
                return

    def _accept(self, sent, signal_id):
        sent.ids.add(signal_id)
        sent.accepted_at = time.monotonic()
        if sent.body["action"] in ("buy", "sell", "reverse"):
            self.senders.entries.append((signal_id, sent.body["symbol"]))

    def _feed(self):
        line = Line(self.plant.http_port)
        while not self._stop.wait(0.05):
            symbol, bid, ask = self.senders.move_market()
            line.post(self._prices, {"symbol": symbol, "bid": bid, "ask": ask, "last": bid})

    # --- the operator

    def _operate(self):
        chance = random.Random(self.rng.random())
        deeds = [self._close_a_trade, self._cancel_a_trade, self._flatten, self._halt]
        while not self._stop.wait(chance.uniform(1, 2)):
            with contextlib.suppress(OSError, ValueError):
                chance.choice(deeds)(chance)

    def _order(self, *words):
        self.commands += 1
        with contextlib.suppress(Exception):  # who is to hear it may be dead
            self.plant.command(*words, within_s=5)

    def _any_trade(self, chance):
        with contextlib.suppress(Exception):
            trades = list(self.plant.raw().smembers("trade_state:open:0"))
            return chance.choice(trades).decode() if trades else None
        return None

    def _close_a_trade(self, chance):
        if trade := self._any_trade(chance):
            self._order("close", trade, "--reason", "tried")

    def _cancel_a_trade(self, chance):
        if trade := self._any_trade(chance):
            self._order("cancel", trade, "--reason", "tried")

    def _flatten(self, chance):
        self._halted(chance, "--flatten")

    def _halt(self, chance):
        self._halted(chance)

    def _halted(self, chance, *more):
        account = chance.choice(self.plant.config["accounts"])["account_id"]
        self._order("halt", "--account", account, *more)
        self._stop.wait(chance.uniform(0.1, 0.5))
        self.resume()

    def resume(self):
        """No account is halted any more, as far as it is heard."""
        for account in self.plant.config["accounts"]:
            self._order("resume", "--account", account["account_id"])
