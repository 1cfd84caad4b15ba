"""The door under pressure: rates, floods, slow and many clients, pipelining; prices; and that no token is ever written down."""
# SPDX-License-Identifier: MIT
import json
import pathlib
import socket
import statistics
import time

import pytest

from tests.harness import wire
from tests.harness.plant import configuration
from tests.harness.wait import until

SLOW = {**configuration(), "sources": [{"config_id": "test", "price_symbols": ["AAPL", "MSFT", "ZMQ"]}, {"config_id": "slow", "rate_per_s": 5},
                                       {"config_id": "noprices", "prices": False}]}
PLANT = {"config": SLOW, "options": {"TRADECAST_INGEST_HTTP_IDLE": "3s", "TRADECAST_INGEST_HTTP_REQUEST": "1s"}}

BODY = {"symbol": "EURUSD", "direction": "buy", "price": "1.08432"}


@pytest.fixture
def door(plant):
    it = plant.door()
    yield it
    it.close()


def connect(plant):
    return socket.create_connection(("127.0.0.1", plant.http_port), timeout=10)


def request(plant, body, method="POST", path=None, more=""):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = path or plant.webhook("test").split(str(plant.http_port), 1)[1]
    return f"{method} {path} HTTP/1.1\r\nHost: t\r\n{more}Content-Length: {len(data)}\r\n\r\n".encode() + data


def answers(s, count):
    """`count` answers from a connection: (status, headers, object)."""
    data, out = b"", []
    while len(out) < count:
        head, end, rest = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n") if end else ["HTTP 0"]
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(headers.get("content-length", 0)) if end else 0
        if not end or len(rest) < length:
            more = s.recv(65536)
            assert more, f"closed after {len(out)} answers"
            data += more
            continue
        out.append((int(lines[0].split()[1]), headers, json.loads(rest[:length])))
        data = rest[length:]
    return out


def ask(plant, *arguments, **named):
    with connect(plant) as s:
        s.sendall(request(plant, *arguments, **named))
        return answers(s, 1)[0]


def test_addresses_and_methods(plant):
    assert ask(plant, b"", method="GET", path="/healthz")[0] == 200
    for path in ("/", "/webhook", "/webhook/test", "/webhook/test/", "/webhook//x", "/webhook/test/x/y", "/healthz/x", "/prices/test", "/x"):
        status, _, answer = ask(plant, BODY, path=path)
        assert (status, set(answer["error"])) == (404, {"code", "message", "field"}), path
    for method, path in (("GET", "/webhook/test/x"), ("PUT", "/prices/test/x"), ("DELETE", "/webhook/test/x"), ("POST", "/healthz")):
        status, headers, answer = ask(plant, b"", method=method, path=path)
        assert status == 405 and headers["allow"] and answer["error"]["code"], path


def test_a_path_that_hides_something_opens_nothing(plant):
    webhook = plant.webhook("test").split(str(plant.http_port), 1)[1]
    for path in (webhook + "%00junk", webhook + "%00", webhook.replace("/test", "%2ftest"), webhook.replace("test/", "test%2F")):
        status, _, answer = ask(plant, {**BODY, "signal_id": "hidden"}, path=path)
        assert (status, answer["error"]["code"]) == (400, "bad_path"), path
    assert not plant.signal("hidden")


def test_pipelined_requests_are_all_answered_in_order(plant):
    with connect(plant) as s:
        ids = [f"pipe-{n}" for n in range(200)]
        s.sendall(b"".join(request(plant, {**BODY, "signal_id": i}) for i in ids))
        assert [(status, answer["signal_id"]) for status, _, answer in answers(s, 200)] == [(200, i) for i in ids]


def test_a_source_over_its_rate_is_told_to_come_again_and_never_429(plant):
    path = plant.webhook("slow").split(str(plant.http_port), 1)[1]
    with connect(plant) as s:
        s.sendall(b"".join(request(plant, {**BODY, "signal_id": f"rate-{n}"}, path=path) for n in range(50)))
        got = answers(s, 50)
    statuses = [status for status, _, _ in got]
    assert set(statuses) == {200, 503} and 5 <= statuses.count(200) <= 10
    assert all(int(headers["retry-after"]) >= 1 for status, headers, _ in got if status == 503)

    def again():
        return ask(plant, {**BODY, "signal_id": f"rate-{statuses.index(503)}"}, path=path)[0] == 200
    until(again, "the source to be taken again", within_s=5)


def test_a_flood_of_wrong_tokens_is_429_and_the_right_one_is_not(plant):
    with connect(plant) as s:
        s.sendall(b"".join(request(plant, BODY, path="/webhook/test/" + "0" * 32) for _ in range(1000)))
        statuses = [status for status, _, _ in answers(s, 1000)]
    assert set(statuses) == {401, 429}
    assert ask(plant, {**BODY, "signal_id": "after-the-flood"})[0] == 200
    until(lambda: ask(plant, BODY, path="/webhook/nobody/x")[0] == 401, "the flood to be forgotten", within_s=10)


def test_slow_clients_are_cut_off_and_good_ones_do_not_notice(plant):
    idle = [connect(plant) for _ in range(1000)]
    drips = [connect(plant) for _ in range(50)]
    took = []
    for n in range(200):
        drip = drips[n % 50]
        try:
            drip.send(b"POST /webhook/test/x HTTP/1.1\r\nX: y"[n // 50:n // 50 + 1])
        except OSError:
            pass
        began = time.monotonic()
        assert ask(plant, {**BODY, "signal_id": f"quick-{n}"})[0] == 200
        took.append(time.monotonic() - began)
    assert statistics.quantiles(took, n=100)[98] < 0.1, sorted(took)[-5:]
    with connect(plant) as s:
        began = time.monotonic()
        s.sendall(request(plant, BODY)[:-5])
        s.settimeout(10)
        assert s.recv(100) == b"" and time.monotonic() - began < 4
    for s in idle + drips:
        s.settimeout(10)
        try:
            assert s.recv(100) == b""  # closed for saying nothing
        except ConnectionResetError:
            pass
        s.close()


def test_prices_come_in_one_or_many_over_both_ways(plant, door):
    def price(symbol):
        return json.loads(plant.admin.get(f"stocks:price:{symbol}") or "null")
    status, answer, _ = door.post(plant.prices("test"), [{"symbol": "AAPL", "last": 150.25, "open": 149.80, "high": "151.20", "low": 149.50,
                                                          "volume": 25000000, "timestamp": "2025-05-09T08:15:30.123Z"},
                                                         {"symbol": "MSFT", "bid": 290.0, "ask": 290.2}])
    assert (status, answer) == (200, {"prices": 2})
    assert price("AAPL") == {"price": {"last": 150.25, "open": 149.8, "high": 151.2, "low": 149.5, "volume": 25000000},
                             "timestamp": "2025-05-09T08:15:30.123Z"}
    assert price("MSFT")["price"]["last"] == 290.1
    wire.intake(plant, "prices/test", json.dumps({"symbol": "ZMQ", "price": "1.5"}).encode(), token=plant.token("test"))
    until(lambda: price("ZMQ"), "a price over ZeroMQ")
    assert door.post(plant.prices("test"), [{"symbol": "AAPL", "last": 1}, {"symbol": "AAPL", "last": 0}])[0] == 422
    assert price("AAPL")["price"]["last"] == 150.25
    assert door.post(plant.prices("noprices"), {"symbol": "AAPL", "last": 1})[0] == 422


def test_the_token_is_nowhere(plant, door):
    token = plant.token("test")
    for n, body in enumerate(({**BODY, "token": token, "url": plant.webhook("test"), "deep": {"u": [token]}}, {**BODY, "direction": "x", "note": token},
                              {**BODY, "strategy": token}, f"buy EURUSD note={token}".encode(), {**BODY, token: 1}, {"symbol": token, "direction": "buy"})):
        assert door.alert(body)[0] in (200, 422), n
    assert ask(plant, BODY, path=f"/webhook/{token}/{token}")[0] in (401, 429)
    assert door.alert({**BODY, "signal_id": "the-last-one"})[0] == 200
    plant.final("the-last-one")
    plant.admin.save()
    inside = [p for p in plant.layout.top.rglob("*") if p.is_file() and token.encode() in p.read_bytes()]
    assert [p for p in inside if "secret" not in str(p)] == []


def test_no_secret_is_in_an_environment_or_a_command_line(plant):
    secrets = [f.read_bytes().strip() for f in plant.layout.secrets.iterdir()]
    assert len(secrets) > 6
    for name, process in plant.processes.items():
        seen = b"".join(pathlib.Path(f"/proc/{process.pid}/{part}").read_bytes() for part in ("environ", "cmdline"))
        assert str(plant.layout.top).encode() in seen and not any(s in seen for s in secrets), name
