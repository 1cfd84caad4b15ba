"""Sources as their configuration says: from where, with which token, in which dialect; what is secret stands nowhere."""
# SPDX-License-Identifier: MIT
import contextlib
import datetime
import http.client
import itertools
import json
import sqlite3

import pytest

from tests.harness.wait import until

PLANT = {"options": {"TRADECAST_INGEST_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}}
TOKEN, NEXT = "first-token-of-the-source", "second-token-of-the-source"
LICENSE, SECRET = "6012345678901", "s3cr3t-w0rd"
TRADINGVIEW, ELSEWHERE = "52.32.178.7", "203.0.113.9"
NUMBERS = itertools.count(1)


def now(after_s=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=after_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def signal(**more):
    return json.dumps({"signal_id": f"src-{next(NUMBERS)}", "symbol": "EURUSD", "action": "buy", "lot_size": "0.1", **more})


@pytest.fixture(scope="module")
def sources(plant):
    """Sources beside the plant's own, each taken by acc000."""
    made = [{"config_id": "tv", "token": TOKEN}, {"config_id": "pine", "token": TOKEN, "dialect": "pineconnector", "license": LICENSE, "secret": SECRET},
            {"config_id": "bare", "token": LICENSE + "-long", "dialect": "pineconnector"}, {"config_id": "post", "token": TOKEN, "dialect": "traderspost"}]
    configure(plant, {"sources": made})
    subscriptions = [{"source": s, "multiplier": 1} for s in ("test", "tv", "pine", "bare", "post")]
    configure(plant, {"accounts": [{**next(a for a in plant.config["accounts"] if a["account_id"] == "acc000"), "subscriptions": subscriptions}]})
    until(lambda: post(plant, f"/webhook/post/{TOKEN}", json.dumps({"ticker": "EURUSD", "action": "buy", "quantity": next(NUMBERS)}))[0] == 200,
          "the door to know the sources")
    return plant


def configure(plant, document):
    status, _, err = plant.command("config", "apply", "-", stdin=json.dumps(document))
    assert status == 0, err


def source(plant, name, **fields):
    """Changes a source; what is not given it has not (but its secrets)."""
    configure(plant, {"sources": [{"config_id": name, **fields}]})


def post(plant, path, body, forwarded=()):
    connection = http.client.HTTPConnection("127.0.0.1", plant.http_port, timeout=10)
    connection.putrequest("POST", path)
    for value in forwarded:
        connection.putheader("X-Forwarded-For", value)
    connection.putheader("Content-Length", str(len(body.encode())))
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    out = answer.status, json.loads(answer.read() or b"{}")
    connection.close()
    return out


def becomes(plant, path, status, forwarded=(), body=None):
    until(lambda: post(plant, path, body or signal(), forwarded)[0] == status, f"the door to answer {status} to {forwarded}")


def test_a_source_may_send_from_its_addresses_only(sources):
    path = f"/webhook/tv/{TOKEN}"
    source(sources, "tv", allow=["tradingview", "192.0.2.0/24"])
    becomes(sources, path, 403)
    for forwarded, status in [([TRADINGVIEW], 200), (["192.0.2.77"], 200), ([ELSEWHERE], 403), ([f"{TRADINGVIEW}, {ELSEWHERE}"], 403),
                              ([TRADINGVIEW, ELSEWHERE], 403), ([f"{ELSEWHERE}, {TRADINGVIEW}, 10.1.1.1"], 200), (["somebody"], 403), ([], 403)]:
        got, answer = post(sources, path, signal(), forwarded)
        assert got == status, (forwarded, answer)
    assert post(sources, "/webhook/tv/wrong-token-wrong-token", signal(), [ELSEWHERE])[0] == 401
    source(sources, "tv")
    becomes(sources, path, 200)


def test_a_token_is_replaced_while_the_old_one_still_counts(sources):
    source(sources, "tv", token=NEXT, old_token_until=now(3600))
    becomes(sources, f"/webhook/tv/{NEXT}", 200)
    assert post(sources, f"/webhook/tv/{TOKEN}", signal())[0] == 200
    source(sources, "tv")
    becomes(sources, f"/webhook/tv/{TOKEN}", 401)
    assert post(sources, f"/webhook/tv/{NEXT}", signal())[0] == 200
    source(sources, "tv", token=TOKEN)
    becomes(sources, f"/webhook/tv/{TOKEN}", 200)


def test_names_lots_and_age_are_the_sources_own(sources):
    path = f"/webhook/tv/{TOKEN}"
    source(sources, "tv", names={"symbol": "pair", "lot_size": "volume"}, default_lots="0.3", default_strategy="trend", replay_window_s=60)
    body = lambda **more: json.dumps({"signal_id": f"src-{next(NUMBERS)}", "pair": "EURUSD", "action": "buy", "timestamp": now(), **more})
    until(lambda: post(sources, path, body())[0] == 200, "the door to know its names")
    for more, lots in [({}, "0.3"), ({"volume": "0.7"}, "0.7")]:
        status, answer = post(sources, path, body(**more))
        assert status == 200, answer
        kept = sources.signal(answer["signal_id"])
        assert (kept["symbol"], kept["lot_size"], kept["strategy"]) == ("EURUSD", lots, "trend")
    for more, code in [({"timestamp": now(-90)}, "too_old"), ({"timestamp": now(90)}, "in_the_future"), ({"timestamp": None}, "required")]:
        status, answer = post(sources, path, body(**more))
        assert status == 422 and answer["error"]["code"] == code, answer
    source(sources, "tv")


def test_pineconnector_is_read_as_it_is_sent_there(sources):
    path = f"/webhook/pine/{TOKEN}"
    status, answer = post(sources, path, f"{LICENSE},buy,EURUSD,risk=0.4,secret={SECRET},comment=\"one, two\"")
    assert status == 200, answer
    kept = sources.signal(answer["signal_id"])
    assert (kept["direction"], kept["symbol"], kept["lot_size"]) == ("buy", "EURUSD", "0.4")
    assert json.loads(kept["extra"]) == {"comment": "one, two"}
    until(lambda: sources.decisions(answer["signal_id"]).get("acc000", {}).get("reason") == "ordered", "it to be ordered")
    for body, status in [("6012345678902,buy,EURUSD,risk=1", 401), (f"{TOKEN},buy,EURUSD,risk=1", 401), ("buy,EURUSD,risk=1", 401), ("", 401),
                         (f"{LICENSE},buy", 400)]:
        assert post(sources, path, body)[0] == status, body
    assert post(sources, "/webhook/pine", f"{LICENSE},buy,EURUSD,risk=1")[0] == 401  # a license alone opens nothing


def test_a_message_may_bring_its_token_itself_where_it_begins_with_it(sources):
    status, answer = post(sources, "/webhook/bare", f"{LICENSE}-long , sell , EURUSD , risk=0.2")
    assert status == 200, answer
    assert sources.signal(answer["signal_id"])["direction"] == "sell"
    assert post(sources, "/webhook/bare", f"{LICENSE}-wrong,sell,EURUSD,risk=0.2")[0] == 401
    assert post(sources, "/webhook/tv", signal())[0] == 404


@pytest.mark.parametrize("body, field, words", [
    (f"eaoff,EURUSD,secret={SECRET}", "eaoff", "tradecast halt"), (f"buyy,EURUSD,secret={SECRET}", "buyy", "no command"),
    (f"buy,EURUSD,spread=3,secret={SECRET}", "spread", "max_spread_points"), (f"buy,EURUSD,magic=3,secret={SECRET}", "magic", "no key"),
    ("buy,EURUSD,secret=an0ther-w0rd", "secret", "not this source's secret"), ("buy,EURUSD,risk=1", "secret", "is required"),
])
def test_what_pineconnector_has_and_we_have_not_is_recorded_with_its_name(sources, body, field, words):
    status, answer = post(sources, f"/webhook/pine/{TOKEN}", f"{LICENSE},{body}")
    assert status == 422, answer
    assert answer["error"]["field"] == field and words in answer["error"]["message"], answer
    rejected = [sources.admin.hgetall(k) for k in sources.admin.scan_iter("signal_rejection:*", count=1000)]
    assert any(r.get("field") == field and words in r["rejection_reason"] and r["source"] == "pine" for r in rejected)


def test_traderspost_is_read_as_it_is_sent_there(sources):
    path = f"/webhook/post/{TOKEN}"
    body = {"ticker": "EURUSD", "action": "sell", "sentiment": "bearish", "quantity": "0.6", "price": "1.08432", "time": now(), "interval": "5", "lots": 9}
    status, answer = post(sources, path, json.dumps(body))
    assert status == 200, answer
    kept = sources.signal(answer["signal_id"])
    assert (kept["direction"], kept["lot_size"], kept["price"]) == ("sell", "0.6", "1.08432")
    assert json.loads(kept["extra"]) == {"sentiment": "bearish", "interval": "5", "lots": 9}
    for more, field in [({"quantityType": "dollar_amount"}, "quantityType"), ({"stopLoss": {"type": "stop_limit", "stopPrice": 1.1}}, "stopLoss.type"),
                        ({"takeProfit": {"pips": 10}}, "takeProfit.pips"), ({"delay": 5}, "delay"), ({"action": "hold"}, "action")]:
        status, answer = post(sources, path, json.dumps({**body, **more}))
        assert status == 422 and answer["error"]["field"] == field, answer


def test_what_is_secret_stands_nowhere(sources):
    secrets = [LICENSE, SECRET, "an0ther-w0rd", TOKEN, NEXT]
    for key in sources.raw().scan_iter(count=1000):
        dump = sources.raw().dump(key) or b""  # it may have expired meanwhile
        assert not any(s.encode() in dump for s in secrets), key
    for log in sources.layout.log.glob("*.log"):
        text = log.read_text(errors="replace")
        assert not any(s in text for s in secrets), log
    with contextlib.closing(sqlite3.connect(f"file:{sources.archive}?mode=ro", uri=True)) as db:
        told = "\n".join(db.iterdump())
    assert not any(s in told for s in secrets)
