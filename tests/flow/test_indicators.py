"""Indicators from the price feed, the views of signals, what is monitored of open positions; and that a restart forgets no price."""
# SPDX-License-Identifier: MIT
import importlib.util
import json
import urllib.request

import pytest

from deploy.local.layout import ROOT
from tests.harness.plant import configuration
from tests.harness.wait import until

CONFIG = {**configuration(accounts=1, brokers=1), "sources": [{"config_id": "test", "market_data": ["indicators", "watchlist"]}]}
PLANT = {"config": CONFIG, "options": {"TRADECAST_INGEST_BAR": "1s", "TRADECAST_INGEST_INDICATORS_TTL": "4s"}}

spec = importlib.util.spec_from_file_location("indicators", ROOT / "tests/data/indicators.py")
figures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(figures)
CLOSES = figures.SERIES["random"][:60]
EXACT = figures.exact(CLOSES)


@pytest.fixture
def door(plant):
    it = plant.door()
    yield it
    it.close()


def doc(plant, key):
    return json.loads(plant.admin.get(key) or "null")


def url(plant, kind, symbol=None):
    return f"http://127.0.0.1:{plant.http_port}/{kind}/test/{plant.token('test')}" + (f"/{symbol}" if symbol else "")


def is_open(plant):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{plant.http_port}/healthz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def bar_time(n):
    """The middle of the n-th second of a day that is over."""
    return f"2026-11-20T10:{n // 60:02d}:{n % 60:02d}.500Z"


def indicators_at(n):
    return f"2026-11-20T10:{n // 60:02d}:{n % 60:02d}Z"


def matches(found, row):
    """Whether the document says what the figures of a bar are, to its eighth digit."""
    names = ["rsi_14", "macd", "macd_signal", "bollinger_upper", "bollinger_lower"]
    return all((name in found) == (value is not None) and (value is None or abs(found[name] - float(value)) < 1.1e-8)
               for name, value in zip(names, row))


def feed(plant, symbol, first, last):
    with_door = plant.door()
    prices = [{"symbol": symbol, "last": CLOSES[n], "timestamp": bar_time(n)} for n in range(first, last)]
    assert with_door.post(url(plant, "prices"), prices)[:2] == (200, {"prices": len(prices)})
    with_door.close()


def test_indicators_of_the_feed_are_exact_and_a_kill_changes_none(plant):
    feed(plant, "EURUSD", 0, 31)
    until(lambda: (doc(plant, "stocks:indicators:EURUSD") or {}).get("timestamp") == indicators_at(31), "the bar of second 30", 10)
    found = doc(plant, "stocks:indicators:EURUSD")
    assert found["source"] == "calculated" and matches(found, EXACT[30]), found
    plant.processes["ingest"].kill()
    plant.restart("ingest")
    until(lambda: is_open(plant), "the door to open again", 20)
    feed(plant, "EURUSD", 31, 50)
    until(lambda: (doc(plant, "stocks:indicators:EURUSD") or {}).get("timestamp") == indicators_at(50), "the bar of second 49", 10)
    assert matches(doc(plant, "stocks:indicators:EURUSD"), EXACT[49])


def test_a_posted_document_is_in_force_until_it_expires(plant, door):
    feed(plant, "GBPUSD", 0, 20)
    until(lambda: doc(plant, "stocks:indicators:GBPUSD"), "calculated indicators", 10)
    assert door.post(url(plant, "indicators", "GBPUSD"), {"rsi_14": 12})[0] == 200
    feed(plant, "GBPUSD", 20, 40)
    until(lambda: plant.admin.get("stocks:indicators:GBPUSD") is None, "the posted one to expire", 10)  # nothing wrote over it
    feed(plant, "GBPUSD", 40, 60)
    until(lambda: (doc(plant, "stocks:indicators:GBPUSD") or {}).get("timestamp") == indicators_at(60), "calculated ones again", 10)
    assert matches(doc(plant, "stocks:indicators:GBPUSD"), EXACT[59])


def test_an_accepted_signal_is_shown_by_its_symbol(plant, door):
    assert door.post(url(plant, "indicators", "XAUUSD"), {"rsi_14": 65, "macd": "0.5"})[0] == 200
    when = "2026-11-20T09:45:30.123Z"
    status, answer, _ = door.alert({"symbol": "XAUUSD", "action": "buy", "quantity": 1, "price": 150.25, "confidence": 85, "strategy": "breakout",
                                    "timestamp": when})
    assert status == 200
    assert doc(plant, "signals:entry:XAUUSD") == {
        "reason": "breakout", "price": 150.25, "timestamp": when, "indicators": {"macd": 0.5, "rsi": 65}, "confidence": 85,
        "signal_id": answer["signal_id"], "direction": "buy"}
    assert plant.admin.pttl("signals:entry:XAUUSD") > 0 and doc(plant, "signals:exit:XAUUSD") is None
    door.post(url(plant, "prices", "XAUUSD"), {"last": "160.5"})
    assert door.alert({"symbol": "XAUUSD", "action": "close", "reasoning": "target_reached"})[0] == 200
    shown = doc(plant, "signals:exit:XAUUSD")
    assert (shown["reason"], shown["price"], shown["direction"]) == ("target_reached", 160.5, "close")
    assert door.alert({"symbol": "XAUUSD", "action": "buy", "quantity": "many"})[0] == 422
    assert doc(plant, "signals:entry:XAUUSD")["signal_id"] == answer["signal_id"]  # a refused one is not shown
