"""documents - a system in which everything happens that the documents speak of, and what it then has."""
# SPDX-License-Identifier: MIT
import functools
import json
import re
import sqlite3
import urllib.request
from contextlib import closing

from deploy.local.layout import ROOT
from tests.harness import wire
from tests.harness.wait import until

SYMBOLS = [{"symbol": s, "lot_step": "0.01", "min_lot": "0.01"} for s in ("EURUSD", "GBPUSD")]
TRADED, PIECES = "trader", "pieces"
CONFIG = {
    "brokers": [{"broker_id": b, "price_tolerance": "0.01", "symbols": SYMBOLS} for b in "ab"],
    "accounts": [
        {"account_id": TRADED, "broker_id": "a", "balance": "100000", "leverage": 500,
         "max_signal_age_s": 3600, "subscriptions": [{"source": "test", "multiplier": "1"},
                                                     {"source": "both", "multiplier": "1"}]},
        {"account_id": PIECES, "broker_id": "b", "balance": "100000", "leverage": 500,
         "max_signal_age_s": 3600, "subscriptions": [{"source": "test", "multiplier": "1"}]}],
    "instances": [{"instance_id": "gw-a", "broker_id": "a", "accounts": [TRADED]},
                  {"instance_id": "gw-b", "broker_id": "b", "accounts": [PIECES]}],
    "sources": [{"config_id": "test", "market_data": ["indicators", "sentiment", "watchlist",
                                                      "candidates", "context"]},
                {"config_id": "tv"}, {"config_id": "bot"},
                {"config_id": "both", "consensus": {
                    "parts": [{"source": "tv"}, {"source": "bot"}], "window_s": 600,
                    "take": "weighted_mean", "route_parts": False}}],
}
# What the document of storage says of a signal.
SIGNAL = {"symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "0.2",
          "price": "1.1001", "stop_loss": "1.05", "take_profit": "1.15", "confidence": "85.5",
          "strategy": "weighted_consensus", "asset_type": "stock",
          "data_source": "weighted_consensus", "timestamp": "2025-01-15T10:30:00Z",
          "regime": "BULL", "reasoning": "said by a test", "sources": 5, "agreement": "0.85"}
# What the document of Redis shows of the market.
OF_A_SYMBOL = ("prices", "indicators", "sentiment")
MARKET_DATA = {
    "prices": {"price": {"last": 1.1, "open": 1.09, "high": 1.11, "low": 1.08, "volume": 2500}},
    "indicators": {"rsi_14": 65.75, "macd": 0.5, "macd_signal": 0.3, "bollinger_upper": 1.2,
                   "bollinger_lower": 1.0, "bollinger_width": 0.2},
    "sentiment": {"sentiment_score": 0.75, "sentiment_label": "bullish", "news_count": 3,
                  "latest_news": [{"headline": "Strong Earnings", "source": "Financial Times",
                                   "timestamp": "2025-05-09T07:30:00.000Z",
                                   "url": "https://example.com/news"}]},
    "watchlist": ["AAPL", "MSFT"],
    "candidates": [{"symbol": "AAPL", "score": 0.95, "price": 150.25,
                    "signals": ["breakout", "volume_surge"],
                    "timestamp": "2025-05-09T08:15:30.123Z"}],
    "context": {"sector_performance": {"technology": 0.5, "healthcare": -0.2, "financials": 0.3,
                                       "consumer": 0.1, "energy": -0.4},
                "market_breadth": {"advancing": 1250, "declining": 1750, "unchanged": 500},
                "vix": 18.5, "market_regime": "bullish_consolidation"},
}
NOT_POSTED = {"order_id", "created_at"}  # the other side has its own
NOT_LOGGED = {"outcome", "exit_price", "profit_loss_pct", "order_id"}  # the line is as it came in


def options(backend_url):
    return {"TRADECAST_PAPER_COMMISSION": "7", "TRADECAST_PAPER_FEE": "0.5",
            "TRADECAST_PAPER_SPREAD": "0.0001", "TRADECAST_LOG_LEVEL": "debug",
            "TRADECAST_SAMPLE_EVERY": "300ms",
            "TRADECAST_PAPER_SNAPSHOT": "200ms", "TRADECAST_ARCHIVER_GATHER_COUNT": "50",
            "TRADECAST_BACKEND_URL": backend_url, "TRADECAST_BACKEND_LOOK": "20ms"}


def prepare(plant):
    """The second broker fills everything in pieces."""
    plant.per_process["gw-b"] = {"TRADECAST_PAPER_PARTIAL_PROBABILITY": "1",
                                 "TRADECAST_PAPER_PARTIAL_GAP": "100ms"}


class Told:
    """A system that has seen it all."""

    def __init__(self, plant, backend):
        self.plant, self.backend, self.remembered = plant, backend, {}
        self.redis = plant.admin
        self.door = plant.door()
        self._market_data()
        self._prices("1.1000", "1.1002")
        self._waiting()
        self._opened_and_closed()
        self._refused()
        self._resting()
        self._agreed()
        self._prices("1.1010", "1.1012")

    # --- what happens

    def _market_data(self):
        """What spec 003 has beside prices, as it shows it; and of a price its day."""
        for kind, body in MARKET_DATA.items():
            url = self.plant.prices("test").replace("/prices/", f"/{kind}/")
            for symbol in ("/EURUSD", "/GBPUSD") if kind in OF_A_SYMBOL else ("",):
                assert self.door.post(url + symbol, body)[0] == 200, kind

    def _prices(self, bid, ask):
        for symbol in ("EURUSD", "GBPUSD"):
            assert self.door.price(symbol, bid, ask)[0] == 200

    def _post(self, signal_id, **fields):
        status, answer, _ = self.door.alert({**SIGNAL, "signal_id": signal_id, **fields})
        return status, answer

    def _waiting(self):
        """While the router stands still a signal is pending."""
        self.plant.freeze("router")
        assert self._post("entry")[0] == 200
        self._remember("signal:state:pending", lambda: self.redis.smembers("signal:state:pending"))
        self._remember("signal.status", lambda: {self.plant.signal("entry").get("status")} - {None})
        self.plant.thaw("router")
        self.plant.final("entry")

    def _remember(self, what, look):
        self.remembered[what] = until(look, what)

    def _opened_and_closed(self):
        assert self._post("other", symbol="GBPUSD", direction="sell", price="1.1",
                          stop_loss="1.15", take_profit="1.05")[0] == 200
        self.plant.final("other")
        self._prices("1.0990", "1.0992")
        assert self.door.alert({"signal_id": "exit", "symbol": "GBPUSD", "order_type": "market",
                                "direction": "close", "price": "1.0992",
                                "confidence": 90})[0] == 200
        self.plant.final("exit")

    def _refused(self):
        assert self._post("wrong", lot_size="-1")[0] == 422
        assert wire.control(self.plant, "gw-a", "fault", "refuse", 1).ok
        assert wire.control(self.plant, "gw-b", "fault", "refuse", 1).ok
        assert self._post("refused")[0] == 200
        self.plant.final("refused")

    def _resting(self):
        assert self._post("limit", order_type="limit", price="1.06",
                          expiration_time="2035-01-01T00:00:00Z")[0] == 200
        assert self._post("stop", order_type="stop", price="1.12", stop_loss="1.1")[0] == 200
        until(lambda: {self.plant.signal(s)["status"] for s in ("limit", "stop")} == {"processing"},
              "orders to rest")

    def _agreed(self):
        for source in ("tv", "bot"):
            door = self.plant.door(source)
            assert door.alert({**SIGNAL, "signal_id": f"{source}-1"})[0] == 200
            door.close()

    # --- what is there

    def hashes(self, pattern):
        """Every hash of a key such as trade_state:{trade_id}: {key: fields}."""
        name = pattern.split("{")[0]
        keys = [k for k in self.redis.keys(name + "*") if re.fullmatch(
            re.escape(name) + r"[^: ]+(:[^: ]+)?", k) and self.redis.type(k) == "hash"
                and not re.search(r":(guard|index|state|reports|open|failed)(:|$)", k)]
        return {k: v for k in keys if (v := self.redis.hgetall(k))}

    def values(self, pattern):
        """What every key such as stocks:price:{symbol} holds, whatever its form."""
        name = pattern.split("{")[0]
        keys = self.redis.keys(name + "*") if "{" in pattern else [pattern]
        keys = [k for k in keys if ":" not in k[len(name):]] if "{" in pattern else keys
        found = [json.loads(self.redis.get(k)) for k in keys if self.redis.type(k) == "string"]
        return found + [sorted(self.remembered[pattern])] if pattern in self.remembered else found

    def archived(self, table):
        with self.archive() as db:
            return [dict(r) for r in db.execute(f'SELECT * FROM "{table}"')]

    def columns(self, table):
        with self.archive() as db:
            return {r["name"]: r["type"] for r in db.execute(f'PRAGMA table_info("{table}")')}

    def archive(self):
        db = sqlite3.connect(self.plant.archive_uri(), uri=True)
        db.row_factory = sqlite3.Row
        return closing(db)

    def audit_lines(self):
        log = self.plant.layout.data / "signals.log"
        return [json.loads(line) for line in log.read_text().splitlines()]

    def seen(self, field):
        """Every value of a field, such as signal.order_type."""
        of, name = field.split(".")
        places = {"signal": ("signal:{signal_id}", "hash"), "result": ("result:{result_id}", "hash"),
                  "signal_execution_status": ("signal_execution_status:{signal_id}", "hash"),
                  "reconciliation": ("reconciliation:{trade_id}", "hash"),
                  "positions": ("positions:active:{symbol}", "json"),
                  "system": ("system:state", "json"), "signals": ("signals", "archive")}
        place, form = places[of]
        found = (self.hashes(place).values() if form == "hash" else self.values(place)
                 if form == "json" else self.archived(place))
        return {row[name] for row in found if row.get(name)} | self.remembered.get(field, set())

    @property
    def metrics(self):
        url = f"{self.plant.monitor_url}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()


# --- forms

FORMS = {"number": r"-?\d+(\.\d+)?", "integer": r"-?\d+", "text": r"(?s).+",
         "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "percent": r"-?\d+(\.\d+)?%",
         "clock": r"\d\d+:\d\d:\d\d"}
SQL_TYPES = {"number": "REAL", "integer": "INTEGER", "text": "TEXT", "time": "TEXT"}
SQL_VALUES = {"number": (int, float), "integer": int, "text": str, "time": str}


def is_of(value, kind, json_numbers):
    """json_numbers: numbers are JSON's own, not texts."""
    if json_numbers and kind in ("number", "integer"):
        return isinstance(value, int if kind == "integer" else (int, float)) and value is not True
    return isinstance(value, str) and bool(re.fullmatch(FORMS[kind], value))


def wrong_values(values, kind, json_numbers=False):
    """Why these are not values of a field of this type; None when they are."""
    there = [v for v in values if v not in ("", None)]
    if not there:
        return "nowhere"
    wrong = [v for v in there if not is_of(v, kind, json_numbers)]
    return f"{wrong[0]!r} is no {kind}" if wrong else None


def is_needed(row, column):
    """not_null, not_null:state=failed: but not in a row that has this; a failed result has no price."""
    need, _, but = column["need"].partition(":")
    name, _, value = but.partition("=")
    return need == "not_null" and (not but or row.get(name) != value)


def in_redis(told, pattern, column):
    found = told.hashes(pattern)
    lacking = [k for k, row in found.items() if is_needed(row, column) and not row.get(
        column["column"])]
    if lacking:
        return f"not in {lacking[0]}"
    return wrong_values([row.get(column["column"]) for row in found.values()], column["type"])


def in_archive(told, table, column):
    declared = told.columns(table).get(column["column"])
    if declared != SQL_TYPES[column["type"]]:
        return f"declared {declared}"
    found = told.archived(table)
    if any(is_needed(row, column) and row[column["column"]] is None for row in found):
        return "NULL"
    values = [row[column["column"]] for row in found if row[column["column"]] not in ("", None)]
    wrong = [v for v in values if not isinstance(v, SQL_VALUES[column["type"]])]
    return f"{wrong[0]!r}" if wrong else None if values else "nowhere"


def walk_path(value, path):
    """Every value at a path such as latest_news.[].url."""
    if not path:
        return [value]
    if path[0] == "[]":
        return [v for each in (value if isinstance(value, list) else []) for v in walk_path(
            each, path[1:])]
    return walk_path(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


def in_key(told, row):
    found = told.values(row["key"])
    if not found:
        return "no such key"
    values = [v for each in found for v in walk_path(each, row["field"].split("."))]
    return wrong_values(values, row["type"], json_numbers=True)


# --- life cycles, as the code has them

def moves():
    """(life, from, to) of the tables of services/ingest and services/executor."""
    signal = (ROOT / "services/ingest/rules/lifecycle.c").read_text()
    found = {("signal", a, b) for a, b in re.findall(r"\{S\((\w+)\),\s*SIGNAL_\w+,\s*S\((\w+)\)\}",
                                                     signal)}
    trade = (ROOT / "services/executor/trade/lifecycle.c").read_text()
    for start, body in re.findall(r"\[R\((\w+)\)\] = \{(.*?)\}", trade, re.S):
        found |= {("result", start, to) for to in re.findall(r"= R\((\w+)\)", body)}
    return found


# --- settings

def _redis(told, name, value):
    has = told.redis.config_get(name).get(name, "")
    return None if value in has.split() else f"it is {has}"


def _expires(told, name, _):
    keys = [k for k in told.redis.keys(name.split("{")[0] + "*")]
    return None if keys and all(told.redis.ttl(k) > 0 for k in keys) else f"of {keys}"


def _metric(told, name, _):
    return None if re.search(f"(?m)^{name}", told.metrics) else "no such metric"


def _timer(_, name, __):
    return None if list((ROOT / "deploy/systemd").glob(f"*{name}*.timer")) else "no such timer"


def _archive(told, name, value):
    with told.archive() as db:
        return None if db.execute(f"PRAGMA {name}").fetchone()[0] == value else "another"


def _index(told, name, _):
    table, column = name.split(".")
    with told.archive() as db:
        for row in db.execute(f"PRAGMA index_list({table})").fetchall():
            first = db.execute(f'PRAGMA index_info("{row["name"]}")').fetchone()
            if first["name"] == column:
                return None
    return "no index begins with it"


@functools.cache
def _options_page():
    return (ROOT / "docs/options.md").read_text()


def _option(_, name, value):
    lines = [line for line in _options_page().splitlines() if line.startswith(f"| `{name}`")]
    return None if lines and value in lines[0] else f"the page of options: {lines}"


@functools.cache
def _schema():
    return json.loads((ROOT / "deploy/config.schema.json").read_text())["$defs"]


def _setting(_, name, __):
    of, field = name.split(".")
    return None if field in _schema()[of]["properties"] else "no such setting"


def _preset(_, name, __):
    return None if (ROOT / f"deploy/presets/{name}.json").is_file() else "no such preset"


def _kind(told, name, _):
    return None if (told.plant.bin / f"tradecast-gateway-{name}").is_file() else "no such gateway"


def _log(told, name, _):
    service, level, event = name.split()
    text = (told.plant.layout.log / f"{service}.log").read_text(errors="replace")
    pattern = rf"(?m)^.*level={level}.*event=\S*{event}\S* .*signal"
    return None if re.search(pattern, text) else "no such line"


SETTINGS = {"redis": _redis, "expires": _expires, "metric": _metric, "timer": _timer,
            "archive": _archive, "index": _index, "option": _option, "setting": _setting,
            "preset": _preset, "kind": _kind, "log": _log}
