"""A signal from the door to its outcome: what each account gets, what is refused, what closes."""
# SPDX-License-Identifier: MIT
import hashlib
import json
import sqlite3
from contextlib import closing
from decimal import Decimal

import msgpack
import pytest

from tests.harness import wire
from tests.harness.messages import e8
from tests.harness.wait import until

PLANT = {
    "config": {
        "brokers": [
            {"broker_id": "a", "price_tolerance": "0.001",
             "symbols": [{"symbol": "EURUSD", "lot_step": "0.01", "min_lot": "0.01"}, {"symbol": "GBPUSD", "lot_step": "0.01", "min_lot": "0.01"}]},
            {"broker_id": "b", "price_tolerance": "0.001", "symbol_suffix": ".m",
             "symbols": [{"symbol": "EURUSD", "lot_step": "0.1", "min_lot": "0.1", "max_lot": "5"}]},
        ],
        "accounts": [
            {"account_id": "fixed", "broker_id": "a", "balance": "1000000", "subscriptions": [{"source": "test", "fixed_lot": "0.3"}]},
            {"account_id": "double", "broker_id": "a", "balance": "1000000", "subscriptions": [{"source": "test", "multiplier": "2"}]},
            {"account_id": "part", "broker_id": "b", "balance": "1000000",
             "subscriptions": [{"source": "test", "multiplier": "0.25", "strategies": ["trend"]}]},
            {"account_id": "other", "broker_id": "b", "balance": "1000000", "subscriptions": [{"source": "elsewhere", "fixed_lot": "1"}]},
        ],
        "instances": [{"instance_id": "gw-a", "broker_id": "a", "accounts": ["fixed", "double"]},
                      {"instance_id": "gw-b", "broker_id": "b", "accounts": ["part", "other"]}],
        "sources": [{"config_id": "test"}, {"config_id": "elsewhere"}],
    },
}

MARKET = {"symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "1", "price": "1.08432", "strategy": "trend"}


@pytest.fixture
def door(plant):
    it = plant.door()
    yield it
    it.close()


def post(door, expected=200, **fields):
    status, answer, _ = door.alert({**MARKET, **fields})
    assert status == expected, answer
    return answer


def lots(trades):
    return {account: t.get("filled_lots") for account, t in trades.items()}


def close_all(plant, door):
    answer = post(door, direction="close", lot_size=None, signal_id=f"clean-{id(object())}-{post.counter}")
    post.counter += 1
    plant.final(answer["signal_id"])


post.counter = 0


def test_a_signal_becomes_one_order_for_each_account_in_its_size_and_its_brokers_name(plant, door):
    answer = post(door, signal_id="fan-out")
    assert answer == {"signal_id": "fan-out", "status": answer["status"], "duplicate": False}
    assert plant.final("fan-out")["status"] == "completed"
    trades = plant.trades("fan-out")
    assert lots(trades) == {"fixed": "0.3", "double": "2", "part": "0.2"}  # 0.25 rounded down to the lot step of 0.1
    assert {a: t["broker_symbol"] for a, t in trades.items()} == {"fixed": "EURUSD", "double": "EURUSD", "part": "EURUSD.m"}
    assert {t["state"] for t in trades.values()} == {"filled"}
    for t in trades.values():
        compared = plant.admin.hgetall(f"reconciliation:{t['trade_id']}")
        assert compared["reconciliation_status"] == "success"
        assert Decimal(compared["discrepancy"]) == Decimal(t["average_price"]) - Decimal(t["requested_price"])
    status = plant.admin.hgetall("signal_execution_status:fan-out")
    assert status["status"] == "completed" and Decimal(status["fill_percentage"]) == 100
    assert plant.admin.hgetall("signal_metrics:fan-out")["processing_time_us"].isdigit()


def test_an_account_whose_filter_does_not_fit_gets_a_reason_and_no_order(plant, door):
    post(door, signal_id="filtered", strategy="range")
    plant.final("filtered")
    decisions = plant.decisions("filtered")
    assert decisions["part"]["reason"] == "filtered_strategy" and "trade_id" not in decisions["part"]
    assert "other" not in decisions
    assert set(plant.trades("filtered")) == {"fixed", "double"}


def test_a_symbol_that_a_broker_does_not_list_is_said_so(plant, door):
    post(door, signal_id="unlisted", symbol="GBPUSD", price="1.26")
    plant.final("unlisted")
    assert plant.decisions("unlisted")["part"]["reason"] == "unknown_symbol"


def test_a_signal_that_nobody_takes_fails_visibly(plant, door):
    post(door, signal_id="nobody", symbol="USDJPY", price="150")
    assert plant.final("nobody")["status"] == "failed"
    assert not plant.trades("nobody")


def test_a_resent_signal_gets_the_same_answer_and_is_done_once(plant, door):
    first = post(door, signal_id="again")
    plant.final("again")
    second = post(door, signal_id="again")
    assert second["signal_id"] == first["signal_id"] and second["duplicate"] is True
    with closing(sqlite3.connect(plant.books("gw-a"))) as books:
        ids = [t["trade_id"] for a, t in plant.trades("again").items() if a != "part"]
        assert [books.execute("SELECT executions FROM orders WHERE trade_id = ?", (i,)).fetchone() for i in ids] == [(1,), (1,)]


def test_an_equal_alert_without_an_id_is_a_resend(plant, door):
    one, two = post(door, reasoning="same words"), post(door, reasoning="same words")
    other = post(door, reasoning="other words")
    assert (one["signal_id"], one["duplicate"]) == (two["signal_id"], False)
    assert two["duplicate"] is True and other["duplicate"] is False and other["signal_id"] != one["signal_id"]


def test_the_same_id_with_another_content_is_a_conflict(plant, door):
    post(door, signal_id="conflict")
    before = plant.signal("conflict")["lot_size"]
    answer = post(door, expected=409, signal_id="conflict", lot_size="2")
    assert set(answer["error"]) == {"code", "message", "field"}
    assert plant.signal("conflict")["lot_size"] == before


@pytest.mark.parametrize("fields, field", [
    ({"stop_loss": "1.09"}, "stop_loss"), ({"take_profit": "1.07"}, "take_profit"), ({"lot_size": "-1"}, "lot_size"),
    ({"symbol": "EUR USD"}, "symbol"), ({"order_type": "limit", "price": None}, "price"), ({"lot_size": "1e400"}, "lot_size"),
    ({"expiration_time": "2001-01-01T00:00:00Z"}, "expiration_time"), ({"direction": "sideways"}, "direction"),
])
def test_a_broken_rule_is_named_with_its_field_and_recorded(plant, door, fields, field):
    signal_id = "wrong-" + field + "-" + str(abs(hash(str(fields))) % 10**8)
    answer = post(door, expected=422, signal_id=signal_id, **fields)
    assert answer["error"]["field"] == field and answer["error"]["message"]
    assert plant.signal(signal_id).get("status") == "failed"
    assert plant.admin.hget(f"signal_rejection:{signal_id}", "rejection_reason")
    assert not plant.trades(signal_id)


def test_a_wrong_token_is_turned_away_and_nothing_is_recorded(plant, door):
    url = plant.webhook("test")[:-4] + "0000"
    status, answer, _ = door.post(url, {**MARKET, "signal_id": "intruder"})
    assert status == 401 and answer["error"]["code"]
    assert plant.signal("intruder") == {}


@pytest.mark.parametrize("body, status", [(b"\x00\xff", 400), (b"{", 400), (b"[1", 400), (b"x" * 70000, 413), (b"", 400)])
def test_what_cannot_be_read_is_refused(door, body, status):
    assert door.alert(body)[0] == status


def test_plain_text_and_messagepack_say_the_same_as_json(plant, door):
    bodies = {"text-1": "BUY EURUSD 1 @1.08432 sl=1.07 tp=1.10 signal_id=text-1 strategy=trend",
              "text-2": "symbol=EURUSD\naction=buy\ncontracts=1\nprice=1.08432\nsl=1.07\ntp=1.10\nsignal_id=text-2\nstrategy=trend",
              "pack-1": msgpack.packb({"ticker": "EURUSD", "action": "buy", "quantity": 1, "entry_price": "1.08432", "stop_price": "1.07",
                                       "target_price": "1.10", "signal_id": "pack-1", "strategy": "trend"}),
              "json-1": {"ticker": "EURUSD", "action": "buy", "contracts": 1.0, "price": 1.08432, "stop_loss": 1.07, "take_profit": "1.10",
                         "signal_id": "json-1", "strategy": "trend"}}
    seen = set()
    for signal_id, body in bodies.items():
        status, answer, _ = door.alert(body)
        assert status == 200, (signal_id, answer)
        plant.final(signal_id)
        s = plant.signal(signal_id)
        seen.add(tuple(s.get(f) for f in ("symbol", "order_type", "direction", "lot_size", "price", "stop_loss", "take_profit", "strategy")))
        assert set(plant.trades(signal_id)) == {"fixed", "double", "part"}
    assert seen == {("EURUSD", "market", "buy", "1", "1.08432", "1.07", "1.1", "trend")}


def test_unknown_fields_are_kept_and_secrets_are_not(plant, door):
    post(door, signal_id="extra", exchange="OANDA", nested={"a": [1, 2]}, token="hush-hush")
    extra = json.loads(plant.signal("extra")["extra"])
    assert extra["exchange"] == "OANDA" and extra["nested"] == {"a": [1, 2]}
    assert "hush-hush" not in json.dumps(plant.signal("extra"))


@pytest.mark.parametrize("kind", ["protobuf", "msgpack", "json"])
def test_the_zeromq_intake_takes_the_same_signals(plant, kind):
    signal_id = f"zmq-{kind}"
    if kind == "protobuf":
        body = wire.protobuf_signal(signal_id, lot_size=e8("1"), price=e8("1.08432"), strategy="trend")
    else:
        body = {"msgpack": msgpack.packb, "json": lambda o: json.dumps(o).encode()}[kind]({**MARKET, "signal_id": signal_id})
    wire.intake(plant, "test", body)
    assert plant.final(signal_id)["status"] == "completed"
    assert lots(plant.trades(signal_id)) == {"fixed": "0.3", "double": "2", "part": "0.2"}


def test_the_zeromq_intake_wants_the_token_too(plant):
    wire.intake(plant, "test", json.dumps({**MARKET, "signal_id": "zmq-intruder"}).encode(), token="0" * 64)
    wire.intake(plant, "test", json.dumps({**MARKET, "signal_id": "zmq-after"}).encode())
    plant.final("zmq-after")
    assert plant.signal("zmq-intruder") == {}


def test_an_exit_closes_what_the_entries_opened(plant, door):
    close_all(plant, door)
    post(door, signal_id="entry")
    plant.final("entry")
    answer = post(door, signal_id="exit", direction="close", lot_size=None, price="1.0850")
    assert answer["status"]
    assert plant.final("exit")["status"] == "completed"
    until(lambda: {t["state"] for t in plant.trades("entry").values()} == {"closed"}, "the entry's trades to be closed")
    with closing(sqlite3.connect(plant.books("gw-a"))) as books:
        assert books.execute("SELECT count(*) FROM orders WHERE symbol = 'EURUSD' AND CAST(open_lots AS REAL) <> 0").fetchone() == (0,)


def test_a_limit_order_rests_until_the_price_comes(plant, door):
    assert door.price("EURUSD", "1.0900", "1.0901")[0] == 200
    post(door, signal_id="limit", order_type="limit", price="1.0850", strategy="range")
    until(lambda: {t["state"] for t in plant.trades("limit").values()} == {"working"}, "the order to rest")
    assert plant.signal("limit")["status"] == "processing"
    door.price("EURUSD", "1.0848", "1.0849")
    assert plant.final("limit")["status"] == "completed"
    assert all(Decimal(t["average_price"]) <= Decimal("1.0850") for t in plant.trades("limit").values())
    price = json.loads(plant.admin.get("stocks:price:EURUSD"))
    assert price["timestamp"].endswith("Z")


def test_a_halt_stops_orders_and_a_resume_lets_them_go_again(plant, door):
    for args in ([], ["--account", "double"]):
        status, out, err = plant.command("halt", *args, "--reason", "test")
        assert status == 0, err
        scope = args[1] if args else "global"
        until(lambda: plant.admin.hget(f"risk:{scope}", "mode") == "halted", "the halt to be in force")
        post(door, signal_id=f"halted-{scope}")
        plant.final(f"halted-{scope}")
        reasons = {a: d["reason"] for a, d in plant.decisions(f"halted-{scope}").items()}
        assert reasons["double"] == ("halted_account" if args else "halted_global")
        assert ("ordered" in reasons.values()) == bool(args)
        assert plant.command("resume", *args)[0] == 0
        until(lambda: plant.admin.hget(f"risk:{scope}", "mode") == "trading", "the halt to be lifted")
    post(door, signal_id="resumed")
    assert plant.final("resumed")["status"] == "completed"
    assert len(plant.trades("resumed")) == 3


def test_explain_tells_the_whole_story(plant, door):
    post(door, signal_id="story")
    plant.final("story")
    trade = plant.trades("story")["fixed"]["trade_id"]

    def told():
        status, out, _ = plant.command("explain", "story")
        return status == 0 and all(word in out for word in (trade, "fixed", "double", "part", "filled", "success")) and out
    assert until(told, "explain to know everything")
    status, out, _ = plant.command("explain", "story", "--json")
    assert status == 0 and json.loads(out)
    assert plant.command("explain", "no-such-signal")[0] != 0


def test_the_archive_has_the_signal_with_the_hash_of_the_spec(plant, door):
    post(door, signal_id="kept", stop_loss="1.07", take_profit="1.1", confidence="87.5")
    plant.final("kept")

    def row():
        with closing(sqlite3.connect(f"file:{plant.archive}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return db.execute("SELECT * FROM signals WHERE signal_id = 'kept'").fetchone()
    r = dict(until(row, "the archive to have it"))
    assert r["symbol"] == "EURUSD" and r["action"].upper() == "BUY"
    assert len(r["sha256"]) == 64 and int(r["sha256"], 16)
    assert r["sha256"] != hashlib.sha256(b"").hexdigest()


def test_the_token_is_nowhere_in_logs_redis_or_sqlite(plant, door):
    token = plant.token("test").encode()
    for file in [*plant.layout.log.iterdir(), *plant.layout.data.iterdir(), *plant.layout.redis.rglob("*")]:
        if file.is_file():
            assert token not in file.read_bytes(), file


def test_a_second_start_carries_on_from_the_state(plant, door):
    close_all(plant, door)
    post(door, signal_id="before")
    plant.final("before")
    door.close()
    assert plant.stop(), "everything stops in order"
    plant.start()
    again = post(door, signal_id="before")
    assert again["duplicate"] is True
    assert plant.signal("before")["status"] == "completed"
    post(door, signal_id="after", direction="close", lot_size=None)
    assert plant.final("after")["status"] == "completed"
    until(lambda: {t["state"] for t in plant.trades("before").values()} == {"closed"}, "the position from before to be closed")


def test_status_shows_every_service_without_lag(plant):
    def fine():
        status, out, _ = plant.command("status", "--json")
        return status == 0 and json.loads(out)
    status = until(fine, "status to be good")
    text = json.dumps(status)
    assert all(name in text for name in plant.services)
    status, out, err = plant.command("doctor")
    assert status == 0, out + err
