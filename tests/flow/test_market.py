"""Market data (spec 003): what sources post beside signals, and what is calculated from prices, stands in the document's keys and shapes."""
# SPDX-License-Identifier: MIT
import datetime
import json
import sqlite3

import msgpack
import pytest

from tests.harness import wire
from tests.harness.plant import configuration
from tests.harness.wait import until

KINDS = ["indicators", "sentiment", "watchlist", "candidates", "context"]
CONFIG = {**configuration(), "sources": [
    {"config_id": "test", "market_data": KINDS},
    {"config_id": "few", "prices": False, "market_data": ["indicators", "watchlist"], "market_symbols": ["EURUSD", "AAPL"]},
    {"config_id": "none", "prices": False}]}
PLANT = {"config": CONFIG, "options": {"TRADECAST_INGEST_BAR": "1s", "TRADECAST_INGEST_SENTIMENT_TTL": "2s"}}


@pytest.fixture
def door(plant):
    it = plant.door()
    yield it
    it.close()


def at(seconds=0):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def url(plant, kind, source="test", symbol=None):
    return f"http://127.0.0.1:{plant.http_port}/{kind}/{source}/{plant.token(source)}" + (f"/{symbol}" if symbol else "")


def doc(plant, key):
    return json.loads(plant.admin.get(key) or "null")


def refusal(answer):
    return answer["error"]["code"], answer["error"]["field"], answer["error"]["message"]


def test_a_price_in_the_documents_own_form_is_taken(plant, door):
    body = {"price": {"last": 150.25, "open": 149.80, "high": 151.20, "low": 149.50, "volume": 25000000}, "timestamp": at()}
    assert door.post(url(plant, "prices", symbol="EURUSD"), body)[:2] == (200, {"prices": 1})
    assert doc(plant, "stocks:price:EURUSD") == body
    assert door.post(url(plant, "prices"), {"symbol": "EURUSD", **body, "timestamp": at()})[0] == 200
    assert 0 < plant.admin.pttl("stocks:price:EURUSD") <= 96 * 3600 * 1000
    assert refusal(door.post(url(plant, "prices", symbol="GBPUSD"), {"symbol": "EURUSD", **body})[1])[:2] == ("conflict", "symbol")
    assert refusal(door.post(url(plant, "prices", symbol="EURUSD"), {**body, "open": 1})[1])[:2] == ("conflict", "open")
    assert refusal(door.post(url(plant, "prices", symbol="EURUSD"), {"price": []})[1])[:2] == ("not_a_number", "price")


def test_what_a_post_does_not_say_of_the_day_is_not_lost(plant, door):
    post = url(plant, "prices", symbol="GBPUSD")
    day = "2026-11-27T"
    first = {"price": {"last": 10, "open": 9.5, "high": 10.5, "low": 9, "volume": 7}, "timestamp": day + "10:00:00Z"}
    assert door.post(post, first)[0] == 200
    assert door.post(post, {"last": "10.1", "bid": "10.1", "ask": "10.2", "timestamp": day + "10:00:01Z"})[0] == 200
    assert doc(plant, "stocks:price:GBPUSD")["price"] == {"last": 10.1, "open": 9.5, "high": 10.5, "low": 9, "volume": 7, "bid": 10.1, "ask": 10.2}
    assert door.post(post, {"last": 10.75, "timestamp": day + "10:00:02Z"})[0] == 200  # a new high
    assert doc(plant, "stocks:price:GBPUSD")["price"] == {"last": 10.75, "open": 9.5, "high": 10.75, "low": 9, "volume": 7}
    assert door.post(post, {"last": 10.7, "timestamp": day + "10:00:01Z"})[0] == 200  # older: changes nothing
    assert doc(plant, "stocks:price:GBPUSD")["price"]["last"] == 10.75
    assert door.post(post, {"last": 10.8, "timestamp": "2026-11-28T00:00:00Z"})[0] == 200  # another day
    assert doc(plant, "stocks:price:GBPUSD")["price"] == {"last": 10.8}


DOCUMENTS = {
    "indicators": ("stocks:indicators:EURUSD", {"rsi_14": 65.75, "macd": 0.5, "macd_signal": 0.3, "bollinger_upper": 152.50,
                                                "bollinger_lower": 148.50, "bollinger_width": 4.0}),
    "sentiment": ("stocks:sentiment:EURUSD", {
        "sentiment_score": 0.75, "sentiment_label": "bullish", "news_count": 3,
        "latest_news": [{"headline": "Company XYZ Reports \"Strong\" Earnings", "source": "Financial Times",
                         "timestamp": "2025-05-09T07:30:00Z", "url": "https://example.com/news/xyz-earnings"}]}),
    "context": ("context:market", {"sector_performance": {"technology": 0.5, "healthcare": -0.2, "energy": -0.4},
                                   "market_breadth": {"advancing": 1250, "declining": 1750, "unchanged": 500},
                                   "vix": 18.5, "market_regime": "bullish_consolidation"}),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_each_document_stands_in_its_key_as_the_spec_shows_it(plant, door, kind):
    key, body = DOCUMENTS[kind]
    symbol = "EURUSD" if key.endswith("EURUSD") else None
    now = at()
    status, answer, _ = door.post(url(plant, kind, symbol=symbol), {**body, "timestamp": now})
    assert (status, answer) == (200, {"documents": 1, "older": 0})
    assert doc(plant, key) == {**body, "timestamp": now, "source": "test"}
    assert plant.admin.pttl(key) > 0
    assert door.post(url(plant, kind, symbol=symbol), {**body, "timestamp": at(-3600)})[1] == {"documents": 0, "older": 1}
    assert doc(plant, key)["timestamp"] == now


def test_the_watchlist_and_the_candidates_are_lists(plant, door):
    symbols = ["AAPL", "MSFT", "GOOGL", "AMZN", "META"]
    assert door.post(url(plant, "watchlist"), symbols)[:2] == (200, {"documents": 1, "older": 0})
    assert doc(plant, "watchlist:current") == symbols
    assert door.post(url(plant, "watchlist"), msgpack.packb(symbols[:2]))[0] == 200
    assert doc(plant, "watchlist:current") == symbols[:2]
    assert door.post(url(plant, "watchlist"), {"symbols": ["MSFT"], "timestamp": at(-60)})[1] == {"documents": 0, "older": 1}
    assert door.post(url(plant, "watchlist"), b'\xef\xbb\xbf ["AAPL"]')[0] == 200, "a byte order mark is none of the text"
    assert door.post(url(plant, "watchlist"), b'\xef["MSFT"]')[0] == 400 and doc(plant, "watchlist:current") == ["AAPL"]
    assert door.post(url(plant, "watchlist"), [])[0] == 200 and doc(plant, "watchlist:current") == []
    ranked = [{"symbol": "MSFT", "score": 0.92, "price": 290.1, "signals": ["support_bounce", "macd_cross"], "timestamp": at()},
              {"symbol": "AAPL", "score": 0.95, "price": 150.25, "signals": ["breakout", "volume_surge"], "timestamp": at()}]
    assert door.post(url(plant, "candidates"), ranked)[0] == 200
    assert doc(plant, "candidates:ranked") == ranked[::-1]


def test_over_zeromq_as_over_http(plant, door):
    wire.intake(plant, "context/test", json.dumps({"vix": 21}).encode(), token=plant.token("test"))
    until(lambda: (doc(plant, "context:market") or {}).get("vix") == 21, "context over ZeroMQ")
    wire.intake(plant, "indicators/test", msgpack.packb([{"symbol": "XAUUSD", "rsi_14": 30}, {"ticker": "GBPUSD", "rsi_14": "31.5"}]),
                token=plant.token("test"))
    until(lambda: (doc(plant, "stocks:indicators:GBPUSD") or {}).get("rsi_14") == 31.5, "indicators over ZeroMQ")
    assert doc(plant, "stocks:indicators:XAUUSD")["rsi_14"] == 30


@pytest.mark.parametrize("kind, body, field, words", [
    ("indicators", {"rsi_14": 101}, "rsi_14", "0 to 100"),
    ("indicators", {"rsi_14": "high"}, "rsi_14", "decimal"),
    ("indicators", {"rsi": 50}, "rsi", "leave it out"),
    ("indicators", {"rsi_14": 50, "timestamp": "2199-01-01T00:00:00Z"}, "timestamp", "minute ahead"),
    ("indicators", {"bollinger_upper": 1, "bollinger_lower": 2}, "bollinger_lower", "bollinger_upper"),
    ("indicators", {}, "body", "at least one"),
    ("sentiment", {"sentiment_score": 2}, "sentiment_score", "-1"),
    ("sentiment", {"sentiment_label": "x"}, "sentiment_score", "required"),
    ("sentiment", {"sentiment_score": 0, "latest_news": [{"headline": "a\nb"}]}, "latest_news[0].headline", "control"),
    ("sentiment", {"sentiment_score": 0, "latest_news": [{"headline": "a"}] * 51}, "latest_news", "50"),
    ("watchlist", ["AAPL", "A B"], "symbols[1]", "letters"),
    ("watchlist", ["AAPL", "AAPL"], "symbols[1]", "already"),
    ("watchlist", [f"S{n}" for n in range(501)], "symbols", "500"),
    ("candidates", [{"symbol": "AAPL"}], "candidates[0].score", "required"),
    ("candidates", [{"symbol": "AAPL", "score": 1, "price": 0}], "candidates[0].price", "greater than 0"),
    ("context", {"vix": -1}, "vix", "0 or more"),
    ("context", {"sector_performance": {"tech": "up"}}, "sector_performance.tech", "decimal"),
    ("context", {"market_breadth": {"advancing": -1}}, "market_breadth.advancing", "integer"),
])
def test_what_is_wrong_is_named(plant, door, kind, body, field, words):
    symbol = "EURUSD" if kind in ("indicators", "sentiment") else None
    status, answer, _ = door.post(url(plant, kind, symbol=symbol), body)
    code, named, message = refusal(answer)
    assert (status, named) == (422, field) and words in message, (code, named, message)


def counts(plant):
    return json.loads(wire.control(plant, "ingest", "signals").json)


def test_who_may_write_what_is_configuration(plant, door):
    before = counts(plant)
    status, answer, _ = door.post(url(plant, "context", "few"), {"vix": 1})
    assert status == 403 and "market_data" in answer["error"]["message"]
    assert door.post(url(plant, "watchlist", "none"), ["AAPL"])[0] == 403
    assert door.post(url(plant, "indicators", "few", "AAPL"), {"rsi_14": 1})[0] == 200
    status, answer, _ = door.post(url(plant, "indicators", "few", "GBPUSD"), {"rsi_14": 1})
    assert status == 422 and refusal(answer)[:2] == ("not_allowed", "symbol") and "market_symbols" in answer["error"]["message"]
    status, answer, _ = door.post(url(plant, "watchlist", "few"), ["AAPL", "TSLA"])
    assert status == 422 and refusal(answer)[:2] == ("not_allowed", "symbols") and "TSLA" in answer["error"]["message"]
    status, answer, _ = door.post(url(plant, "indicators"), [{"symbol": "EURUSD", "rsi_14": 2}, {"symbol": "NOBODY", "rsi_14": 2}])
    assert status == 200 and answer["documents"] == 1 and answer["errors"][0]["field"] == "[1].symbol"  # no broker lists it
    assert door.post(url(plant, "indicators")[:-1], {"rsi_14": 1})[0] == 401
    assert door.post(url(plant, "watchlist", symbol="AAPL"), ["AAPL"])[0] == 404
    after = counts(plant)
    assert after["documents_taken"] - before["documents_taken"] == 2 and after["documents_refused"] - before["documents_refused"] == 5


def test_stale_documents_disappear(plant, door):
    assert door.post(url(plant, "sentiment", symbol="XAUUSD"), {"sentiment_score": -0.5, "timestamp": at(30)})[0] == 200
    assert doc(plant, "stocks:sentiment:XAUUSD")["news_count"] == 0
    until(lambda: plant.admin.get("stocks:sentiment:XAUUSD") is None, "the sentiment to expire", 10)
    until(lambda: not plant.admin.hexists("signal:state:market", "sentiment XAUUSD"), "ingest to forget it", 10)
    assert door.post(url(plant, "sentiment", symbol="XAUUSD"), {"sentiment_score": 0.5})[1] == {"documents": 1, "older": 0}


def test_everything_posted_is_archived(plant, door):
    assert door.post(url(plant, "context"), {"vix": "33.25", "sector_performance": {"x": 1}})[0] == 200

    def row():
        with sqlite3.connect(plant.archive_uri(), uri=True) as db:
            return db.execute("SELECT source, sector_performance FROM market_context WHERE vix = '33.25' OR vix = 33.25").fetchone()
    assert until(row, "the context in the archive", 15) == ("test", '{"x":1}')


def test_old_market_data_is_removed(plant, door):
    """A bar of 40 days ago and one of today: after the next look of the archiver only today's is there."""
    now = datetime.datetime.now(datetime.timezone.utc)
    for days in (40, 1):
        day = (now - datetime.timedelta(days=days)).strftime("%Y-%m-%d")
        prices = [{"symbol": "XAUUSD", "last": 10 + n, "timestamp": f"{day}T10:00:0{n}.500Z"} for n in range(3)]
        assert door.post(url(plant, "prices"), prices)[0] == 200

    def days_of_bars():
        with sqlite3.connect(plant.archive_uri(), uri=True) as db:
            rows = db.execute("SELECT DISTINCT substr(opened_at, 1, 10) FROM market_bars WHERE symbol = 'XAUUSD' ORDER BY 1").fetchall()
            return [datetime.date.fromisoformat(r[0]) for r in rows]
    young, old = (now - datetime.timedelta(days=1)).date(), (now - datetime.timedelta(days=40)).date()
    until(lambda: days_of_bars() == [old, young], "both days in the archive", 20)
    plant.processes["archiver"].kill()
    plant.restart("archiver")  # it looks at its first tick, then once a minute
    until(lambda: days_of_bars() == [young], "the old bars to go", 20)


def test_the_command_shows_market_data_and_how_long_it_stands(plant, door):
    assert door.post(url(plant, "context"), {"vix": 19})[0] == 200
    assert door.post(url(plant, "prices", symbol="EURUSD"), {"last": "150.25"})[0] == 200
    assert door.post(url(plant, "indicators", symbol="EURUSD"), {"rsi_14": 50})[0] == 200
    status, out, err = plant.command("market", "context", "--json")
    (row,) = json.loads(out)
    assert status == 0 and row["key"] == "context:market" and json.loads(row["document"])["vix"] == 19 and row["stands_for"], err
    rows = {r["symbol"]: r for r in json.loads(plant.command("market", "--json")[1])}
    assert float(rows["EURUSD"]["last"]) == 150.25
    keys = [r["key"] for r in json.loads(plant.command("market", "EURUSD", "--json")[1])]
    assert "stocks:price:EURUSD" in keys and "stocks:indicators:EURUSD" in keys
    assert plant.command("market", "NOBODY")[0] != 0


def test_documents_are_recorded_and_replayed(plant, door):
    file = f"{plant.temporary}/market.rec"
    assert door.post(url(plant, "context"), {"vix": 44})[0] == 200
    assert plant.command("record", file, "--past")[0] == 0
    assert door.post(url(plant, "context"), {"vix": 1})[0] == 200
    status, out, err = plant.command("replay", file, "--json")
    assert status == 0 and json.loads(out)["documents"] > 0, err
    until(lambda: doc(plant, "context:market")["vix"] == 44, "the last document of the recording")
