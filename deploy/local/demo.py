"""demo - the sample: three accounts at two brokers, the alerts of deploy/demo.json's source, and what must become of each."""
# SPDX-License-Identifier: MIT
import datetime
import hashlib
import http.client
import json
import math
import sqlite3
import time
import urllib.parse
import urllib.request

from deploy.local.layout import ROOT

SOURCE = "demo"
FINAL = {"filled", "closed", "rejected", "cancelled", "expired"}
OUTCOME_WITHIN_S = 20


def with_tokens(config):
    """For System.start: the configuration with the hashes of this installation's webhook tokens."""
    def configure(system):
        sources = [{**s, "token_hash": token_hash(system.token(s["config_id"]))} for s in config["sources"]]
        return {**config, "sources": sources}
    return configure


configuration = with_tokens(json.loads((ROOT / "deploy/demo.json").read_text()))


def token_hash(token):
    return hashlib.blake2b(token.encode(), digest_size=32).hexdigest()


def now_text():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Door:
    """One keep-alive connection to the webhook."""

    def __init__(self, system, source=SOURCE):
        self._system, self._source = system, source
        self._connection = http.client.HTTPConnection("127.0.0.1", system.http_port, timeout=10)

    def post(self, url, body):
        """(status, answer as an object, time of sending in UTC ns)"""
        data = body if isinstance(body, (str, bytes)) else json.dumps(body)
        sent = time.time_ns()
        self._connection.request("POST", urllib.parse.urlsplit(url).path, data if isinstance(data, bytes) else data.encode())
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text or b"{}"), sent

    def alert(self, body):
        return self.post(self._system.webhook(self._source), body)

    def market(self, kind, body, symbol=""):
        """Market data (docs/market-data.md) at its own door."""
        url = self._system.prices(self._source).replace("/prices/", f"/{kind}/")
        return self.post(f"{url}/{symbol}" if symbol else url, body)

    def price(self, symbol, bid, ask):
        return self.post(self._system.prices(self._source), {"symbol": symbol, "bid": bid, "ask": ask, "last": bid})

    def close(self):
        self._connection.close()


class Story:
    """The sample, told step by step; `rows` is what became of each alert in each account, `wrong` what should not have been."""

    def __init__(self, system, report):
        self.system, self.report = system, report
        self.redis = system.redis()
        self.door = Door(system)
        self.wrong = []

    def run(self):
        door, report = self.door, self.report
        self.market()
        for symbol, bid, ask in (("EURUSD", "1.08420", "1.08432"), ("GBPUSD", "1.26520", "1.26535")):
            self.expect("the price of " + symbol, door.price(symbol, bid, ask)[0], 200)

        market = {"ticker": "EURUSD", "action": "buy", "contracts": "2", "price": 1.0843, "stop_loss": "1.0790", "take_profit": "1.0930",
                  "strategy": "trend", "confidence": 87.5, "exchange": "OANDA", "interval": "15", "timestamp": now_text()}
        status, answer, sent = door.alert(market)
        self.expect("the market order", status, 200)
        self.follow("market buy (JSON)", answer, sent, {"anna": ("filled", "0.1"), "ben": ("filled", "2"), "carla": ("filled", "0.5")})

        status, again, _ = door.alert(market)
        self.expect("the duplicate", (status, again.get("signal_id"), again.get("duplicate")), (200, answer.get("signal_id"), True))
        report.line("the same again", f"{status}: recognised, nothing is done twice", again)

        status, refusal, _ = door.alert({**market, "stop_loss": "1.0990", "timestamp": now_text()})
        error = refusal.get("error", {})
        self.expect("the wrong stop loss", (status, error.get("field")), (422, "stop_loss"))
        report.line("stop loss above a buy", f"{status}: {error.get('message')}", refusal)

        limit = f"symbol=GBPUSD action=buy order_type=limit quantity=1 price=1.2600 sl=1.2550 tp=1.2700 strategy=range timestamp={now_text()}"
        status, answer, sent = door.alert(limit)
        self.expect("the limit order", status, 200)
        self.wait("the limit order to rest", lambda: self.states(answer) == {"anna": "working", "ben": "working"})
        report.line("limit buy (plain text)", "rests at the broker until the price comes to 1.2600", answer)
        door.price("GBPUSD", "1.25980", "1.25995")
        self.follow("limit buy (plain text)", answer, sent, {"anna": ("filled", "0.1"), "ben": ("filled", "1")})

        status, answer, sent = door.alert({"ticker": "EURUSD", "action": "close", "price": 1.0842, "strategy": "trend",
                                           "timestamp": now_text()})
        self.expect("the exit", status, 200)
        self.follow("exit (JSON)", answer, sent, {a: (("filled", "closed"), None) for a in ("anna", "ben", "carla")})
        if self.system.advisor:
            self.advise()
        self.monitored("GBPUSD")
        self.archived()
        return not self.wrong

    # --- the market

    def market(self):
        """Prices of the last 40 minutes, of which indicators are calculated, and the documents of spec 003."""
        minute = int(time.time()) // 60
        for symbol, middle in (("EURUSD", 1.0842), ("GBPUSD", 1.2652)):
            walk = [{"symbol": symbol, "last": f"{middle + 0.0004 * math.sin(n / 3) + 0.00001 * n:.5f}", "timestamp": (minute - 41 + n) * 60}
                    for n in range(41)]
            self.expect("prices of " + symbol, self.door.market("prices", walk)[0], 200)
        news = {"headline": "Euro steady before the open", "source": "Example Wire", "url": "https://example.com/news/euro", "timestamp": now_text()}
        for kind, body, symbol in (("sentiment", {"sentiment_score": 0.4, "sentiment_label": "bullish", "latest_news": [news]}, "EURUSD"),
                                   ("watchlist", ["EURUSD", "GBPUSD"], ""),
                                   ("candidates", [{"symbol": "EURUSD", "score": 0.95, "price": 1.0842, "signals": ["breakout"]}], ""),
                                   ("context", {"vix": 18.5, "market_regime": "bullish_consolidation"}, "")):
            self.expect(kind, self.door.market(kind, body, symbol)[0], 200)

    def document(self, key):
        return json.loads(self.redis("GET", key) or "{}")

    def monitored(self, symbol):
        """What stands in Redis of a symbol in which something is open."""
        if self.wait(f"{symbol} to be monitored", lambda: self.document(f"positions:monitoring:{symbol}").get("technical_signals")):
            shown = self.document(f"positions:monitoring:{symbol}")
            signals = shown["technical_signals"]
            self.expect(f"indicators of {symbol}", sorted(signals), ["macd_1m", "rsi_1m", "support_resistance"])
            told = ", ".join(f"{name} {s['value']} ({s['signal']})" for name, s in signals.items() if "value" in s)
            self.report.line(f"{symbol}, monitored", f"{told}; stop loss {shown['stop_loss']['distance']} away, {shown['time_in_trade']} in trade")

    def advise(self):
        """What a language model would read, and a decision of one, which waits for a person."""
        status, text, err = self.system.ask("llm", "package", "EURUSD")
        self.expect("the package for a language model", status, 0)
        if status != 0:
            self.wrong.append(err.strip())
            return
        package = json.loads(text)
        self.report.line("a language model reads", f"EURUSD: {', '.join(package['parts'])}; not known: {', '.join(package['missing']) or 'nothing'}")
        decision = {"package_id": package["package_id"], "symbol": "EURUSD", "action": "buy", "price": 1.0843, "stop_loss": 1.079, "take_profit": 1.093,
                    "confidence": 60, "reasoning": "the sample's own words, no model's", "model": "sample"}
        request = urllib.request.Request(self.system.advisor_url + "/api/v1/llm/decision", json.dumps(decision).encode(),
                                         {"Authorization": f"Bearer {self.system.layout.secret('advisor-token')}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            found = json.load(answer)
        self.expect("the decision", found.get("state"), "proposed")
        self.report.line("… and decides: buy", f"{found['state']}: tradecast llm approve {found['decision_id']}")

    # --- looking

    def trades(self, answer):
        """{account: trade as the executor keeps it} of a signal, as far as it is there."""
        routing = self.redis.hash(f"routing:{answer.get('signal_id')}")
        decisions = json.loads(routing.get("decisions", "[]"))
        found = {d["account_id"]: self.redis.hash(f"trade_state:{d['trade_id']}") for d in decisions if d.get("trade_id")}
        return {account: trade for account, trade in found.items() if trade}

    def states(self, answer):
        return {account: trade["state"] for account, trade in self.trades(answer).items()}

    def wait(self, what, true, within_s=OUTCOME_WITHIN_S):
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if true():
                return True
            time.sleep(0.01)
        self.wrong.append(f"waited {within_s} s in vain for {what}")
        return False

    def follow(self, what, answer, sent, expected):
        """Waits until the signal is done and tells what became of it in each account. expected: {account: (state(s), lots or None)}"""
        signal_id = answer.get("signal_id", "none")
        done = self.wait(what + " to be done", lambda: self.redis("HGET", f"signal:{signal_id}", "status") in ("completed", "failed"))
        trades = self.trades(answer)
        if done:
            self.expect(what + ": accounts", sorted(trades), sorted(expected))
        for account in sorted(trades):
            trade = trades[account]
            states, lots = expected.get(account, ((), None))
            self.expect(f"{what}, {account}: state", trade["state"] in ([states] if isinstance(states, str) else states), True)
            if lots:
                self.expect(f"{what}, {account}: lots", trade.get("filled_lots"), lots)
            compared = self.redis.hash(f"reconciliation:{trade['trade_id']}")
            self.expect(f"{what}, {account}: reconciliation", compared.get("reconciliation_status"), "success")
            self.report.trade(what, trade, compared, self.at_broker(trade), sent)

    def at_broker(self, trade):
        """When the order was at the broker (UTC ns), from the broker's own books."""
        instance = trade.get("instance_id")
        if not instance:
            return None
        with sqlite3.connect(f"file:{self.system.books(instance)}?mode=ro", uri=True) as books:
            row = books.execute("SELECT received_at FROM orders WHERE trade_id = ?", (trade["trade_id"],)).fetchone()
        return row[0] if row else None

    def archived(self):
        """The archive writes at the latest 5 s after an event."""
        signal_ids = self.redis("SMEMBERS", "signal:state:pending") + self.redis("SMEMBERS", "signal:state:processing")
        self.expect("signals without an outcome", signal_ids, [])

    def expect(self, what, found, wanted):
        if found != wanted:
            self.wrong.append(f"{what}: {found!r} instead of {wanted!r}")
