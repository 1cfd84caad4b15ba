"""Indicators from the price feed, the views of signals, what is monitored of open positions; and that a restart forgets no price."""
# SPDX-License-Identifier: MIT
import importlib.util
import json
import urllib.request
import uuid

import pytest

from deploy.local.layout import ROOT
from tests.harness.plant import configuration
from tests.harness.wait import until

ONE = configuration(accounts=1, brokers=1)
CONFIG = {**ONE, "sources": [{"config_id": "test", "market_data": ["indicators", "watchlist"], "max_jump_percent": "1000"}],
          "accounts": [{**ONE["accounts"][0], "risk": {"max_deviation_percent": "50", "max_price_age_s": 3600}}]}
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


def enter(plant, symbol, **more):
    """A buy at the market; the price at which it was filled, None: it was rejected."""
    with_door = plant.door()
    status, answer, _ = with_door.alert({"signal_id": str(uuid.uuid4()), "symbol": symbol, "action": "buy", "quantity": 1, **more})
    with_door.close()
    assert status == 200, answer
    plant.final(answer["signal_id"])
    (trade,) = plant.trades(answer["signal_id"]).values()  # so the router had the price that its rules ask for
    return float(trade["average_price"]) if trade["state"] == "filled" else None


def post_price(plant, symbol, **numbers):
    with_door = plant.door()
    assert with_door.post(url(plant, "prices", symbol), numbers)[0] == 200
    with_door.close()


def test_open_positions_are_monitored(plant, door):
    post_price(plant, "XAUUSD", last="25", bid="25", ask="25")
    assert enter(plant, "XAUUSD", stop_loss="24", take_profit="26.75") == 25
    post_price(plant, "XAUUSD", last="26.25", bid="26.25", ask="26.25")
    assert door.post(url(plant, "indicators", "XAUUSD"), {"rsi_14": 78.5, "macd": 0.15, "macd_signal": 0.2, "bollinger_upper": 26.5,
                                                          "bollinger_lower": 24})[0] == 200

    def monitored():
        found = doc(plant, "positions:monitoring:XAUUSD") or {}
        return found if found.get("profit_target", {}).get("distance") == "1.9%" and "rsi_1m" in found["technical_signals"] else None
    found = until(monitored, "the position to be monitored", 15)
    assert found["technical_signals"] == {"rsi_1m": {"value": 78.5, "signal": "overbought"}, "macd_1m": {"value": 0.15, "signal": "weakening"},
                                          "support_resistance": {"next_level": 26.5, "type": "resistance"}}
    assert found["profit_target"] == {"value": 26.75, "distance": "1.9%"} and found["stop_loss"] == {"value": 24, "distance": "8.6%"}
    hours, minutes, seconds = found["time_in_trade"].split(":")
    assert (hours, minutes) == ("00", "00") and 0 <= int(seconds) < 60 and found["timestamp"].endswith("Z")
    assert 0 < plant.admin.pttl("positions:monitoring:XAUUSD") <= 60000
    assert door.alert({"symbol": "XAUUSD", "action": "close"})[0] == 200
    until(lambda: plant.admin.get("positions:monitoring:XAUUSD") is None, "it to be monitored no more", 15)
    assert door.post(url(plant, "watchlist"), ["AAPL", "MSFT", "GOOGL"])[0] == 200
    until(lambda: doc(plant, "system:state")["watchlist_count"] == 3, "the watchlist to be counted", 15)


@pytest.mark.parametrize("killed", ["executor.0", "router", "gw-a", "monitor", "ingest and gw-a"])
def test_the_last_price_is_known_again_without_a_new_post(plant, killed):
    price = 1.5 + len(killed) / 100
    post_price(plant, "EURUSD", last=price, bid=price, ask=price)
    if killed == "executor.0":
        enter(plant, "EURUSD")
        until(lambda: doc(plant, "positions:active:EURUSD"), "the position")
        post_price(plant, "EURUSD", last=price + 0.25, bid=price + 0.25, ask=price + 0.25)
        price += 0.25
        until(lambda: doc(plant, "positions:active:EURUSD")["current_price"] == price, "the price in the view")
    for name in killed.split(" and "):
        plant.processes[name].kill()
    if killed == "monitor":
        plant.admin.delete("system:state")
    for name in killed.split(" and "):
        plant.restart(name)
    until(lambda: is_open(plant), "the door to be open", 20)
    if killed == "executor.0":
        plant.admin.delete("positions:active:EURUSD")
        until(lambda: (doc(plant, "positions:active:EURUSD") or {}).get("current_price") == price, "the view to be written again", 15)
    elif killed == "monitor":
        until(lambda: (doc(plant, "system:state") or {}).get("market_status") == "open", "the market to be open", 15)
    else:
        # a market order that comes before its gateway has heard a price is rejected
        assert until(lambda: enter(plant, "EURUSD"), "an order to be filled", 15) == price
