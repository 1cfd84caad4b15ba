"""Senders that wish each other ill: whatever one of them does, another's alerts are accepted, ordered and recorded, and prices are whose they are."""
# SPDX-License-Identifier: MIT
import contextlib
import hashlib
import json
import time
import urllib.request
import uuid

import pytest

from tests.harness.plant import configuration
from tests.harness.wait import until

WINDOW_NS = 20 * 10**9
CONFIG = configuration(accounts=1, brokers=1, source="victim")
PLANT = {"config": {**CONFIG, "sources": [{"config_id": "victim"}, {"config_id": "attacker"}]}}

BUY = {"symbol": "EURUSD", "direction": "buy", "price": "1.08432"}


@pytest.fixture
def doors(plant):
    both = plant.door("victim"), plant.door("attacker")
    yield both
    for it in both:
        it.close()


def derived_id(source, body, bucket):
    """The signal_id that the door makes of a body without one: anybody who foresees the body can compute it (services/ingest/identity/identity.c)."""
    content = hashlib.blake2b(source.encode() + b"\0" + body, digest_size=16).hexdigest()
    parts = [b"signal", source.encode(), content.encode(), str(bucket).encode()]
    bits = bytearray(hashlib.blake2b(b"".join(len(p).to_bytes(8, "little") + p for p in parts), digest_size=16).digest())
    bits[:6] = (bucket * WINDOW_NS // 10**6).to_bytes(6, "big")
    bits[6], bits[8] = bits[6] & 0x0F | 0x80, bits[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(bits)))


def ordered(plant, answer):
    """The alert's own signal is completed, with an order for the victim's account."""
    plant.final(answer["signal_id"])
    (account,) = (a["account_id"] for a in plant.config["accounts"])
    assert plant.decisions(answer["signal_id"])[account]["reason"] == "ordered"
    kept = plant.signal(answer["signal_id"])
    assert (kept["status"], kept["source"], kept["direction"]) == ("completed", "victim", "buy")


def test_an_id_that_another_source_used_first_is_no_conflict(plant, doors):
    victim, attacker = doors
    assert attacker.alert({**BUY, "signal_id": "v-1", "direction": "sell"})[0] == 200
    status, answer, _ = victim.alert({**BUY, "signal_id": "v-1"})
    assert (status, answer.get("duplicate")) == (200, False), answer
    ordered(plant, answer)
    status, again, _ = victim.alert({**BUY, "signal_id": "v-1"})
    assert (status, again) == (200, {**answer, "duplicate": True})
    assert victim.alert({**BUY, "signal_id": "v-1", "lot_size": "3"})[0] == 409
    status, out, _ = plant.command("explain", "v-1", "--json")
    assert status == 0 and json.loads(out)["signal_id"] == answer["signal_id"]

    def listed():
        _, rows, _ = plant.command("signals", "--signal", "v-1", "--csv")
        return "attacker:v-1" in rows and "victim:v-1" in rows and len(rows.splitlines()) == 3
    until(listed, "the archive to have both")


def test_an_id_that_was_computed_beforehand_takes_nothing(plant, doors):
    victim, attacker = doors
    body = json.dumps({**BUY, "comment": "the next bar's alert"}).encode()
    bucket = time.time_ns() // WINDOW_NS
    forged = [derived_id("victim", body, b) for b in (bucket - 1, bucket, bucket + 1)]
    for signal_id in forged:
        assert attacker.alert({**BUY, "signal_id": signal_id, "direction": "sell"})[0] == 200
    status, answer, _ = victim.alert(body)
    assert (status, answer["duplicate"]) == (200, False) and answer["signal_id"] in forged
    ordered(plant, answer)


def test_a_signal_is_named_by_its_senders_own_id(plant, doors):
    victim, _ = doors
    limit = {**BUY, "order_type": "limit", "price": "1.0", "lot_size": "0.1", "signal_id": "to-cancel"}
    assert victim.alert(limit)[0] == 200
    assert victim.alert({"symbol": "EURUSD", "action": "cancel", "target_signal_id": "to-cancel", "signal_id": "cancels"})[0] == 200
    plant.final("victim:cancels")
    assert [d["reason"] for d in plant.decisions("victim:cancels").values()] == ["commanded"]
    assert plant.final("victim:to-cancel")["status"] == "failed"


def test_a_resend_is_known_after_its_window_was_changed_and_the_door_was_started_again(plant):
    body = {**BUY, "comment": "the window is changed behind it"}

    def taken():
        with contextlib.closing(plant.door("victim")) as door, contextlib.suppress(OSError):  # it is just being started
            status, answer, _ = door.alert(body)
            return answer if status == 200 else None
    first = taken()
    for window_s in (7, 3600):
        (row,) = (s for s in json.loads(plant.command("config", "show", "--json")[1])["sources"] if s["config_id"] == "victim")
        assert plant.command("config", "apply", "-", stdin=json.dumps({"sources": [{**row, "window_s": window_s}]}))[0] == 0
        until(lambda: plant.admin.hget("signal_config:victim", "window_s") == str(window_s), "the new window")
        assert taken() == {**first, "duplicate": True}, window_s
        plant.processes["ingest"].kill()
        plant.restart("ingest")
        assert until(taken, "the door to answer") == {**first, "duplicate": True}, window_s


def price_of(plant, symbol):
    return json.loads(plant.admin.get(f"stocks:price:{symbol}") or '{"price": {}}')["price"].get("last")


def test_only_the_source_that_is_named_moves_a_price_and_no_further_than_a_bound_at_once(plant):
    told = [{"config_id": "feed", "token": "the-feeds-own-token-0123", "prices": True, "price_symbols": ["EURUSD"]},
            {"config_id": "wild", "token": "a-token-of-no-one-012345", "prices": True}]
    assert plant.command("config", "apply", "-", stdin=json.dumps({"sources": told}))[0] == 0
    with contextlib.closing(plant.door("attacker")) as door:
        def post(source, token, *prices):
            return door.post(f"http://127.0.0.1:{plant.http_port}/prices/{source}/{token}", [{"symbol": s, "last": p} for s, p in prices])[:2]
        feed = lambda *prices: post("feed", told[0]["token"], *prices)  # noqa: E731
        until(lambda: feed(("EURUSD", 1.1))[0] == 200, "the feed to be known")
        status, answer = post("attacker", plant.token("attacker"), ("EURUSD", 0.5))
        assert (status, answer["error"]["code"]) == (422, "not_allowed")
        status, answer = post("wild", told[1]["token"], ("EURUSD", 0.5), ("GBPUSD", 1.3), ("NOBODYS", 7))
        assert (status, answer["prices"]) == (200, 1)
        assert [(e["field"], e["code"]) for e in answer["errors"]] == [("[0].symbol", "not_allowed"), ("[2].symbol", "not_allowed")]
        assert [price_of(plant, s) for s in ("EURUSD", "GBPUSD", "NOBODYS")] == [1.1, 1.3, None]
        status, answer = feed(("EURUSD", 0.5))
        assert (status, answer["error"]["code"]) == (422, "jump") and price_of(plant, "EURUSD") == 1.1
        until(lambda: "price_jump" in plant.layout.log.joinpath("ingest.log").read_text(), "the alert")
        until(lambda: feed(("EURUSD", 0.51))[0] == 200, "what the market stays at to be believed", pause_s=0.5)
        assert price_of(plant, "EURUSD") == 0.51


def test_a_swallowed_duplicate_is_seen_afterwards(plant):
    body = {**BUY, "signal_id": "thrice"}
    with contextlib.closing(plant.door("victim")) as door:
        answers = [door.alert(body)[1] for _ in range(3)]
        assert [a["duplicate"] for a in answers] == [False, True, True]
        seen = 'tradecast_door_total{service="ingest",what="duplicates"}'

        def counted():
            with urllib.request.urlopen(f"http://127.0.0.1:{plant.monitor_port}/metrics", timeout=5) as metrics:
                return any(line.startswith(seen) and int(line.split()[-1]) >= 2 for line in metrics.read().decode().splitlines())
        until(counted, "the counter")
        assert "event=duplicate signal_id=victim:thrice source=victim" in plant.layout.log.joinpath("ingest.log").read_text()
        plant.processes["ingest"].kill()
        plant.restart("ingest")

    def again():
        with contextlib.closing(plant.door("victim")) as door, contextlib.suppress(OSError):
            return door.alert(body)[0] == 200
    until(again, "the door to answer")
    assert "3 times, the last at " in plant.command("explain", "thrice")[1]
    assert json.loads(plant.command("explain", "thrice", "--json")[1])["duplicates"]["count"] == 3


def test_a_recording_is_played_again_under_new_ids_or_known(plant, doors, tmp_path):
    victim, _ = doors
    for n, own in enumerate(({}, {"signal_id": "recorded"})):
        status, answer, _ = victim.alert({**BUY, "comment": "to be recorded", **own})
        assert status == 200
        plant.final(answer["signal_id"])
        everything, one = tmp_path / f"all-{n}", tmp_path / f"one-{n}"
        assert plant.command("record", everything, "--past")[0] == 0
        assert plant.command("recording", "cut", everything, one, "--signal", answer["signal_id"],
                             "--type", "Signal")[0] == 0
        before = plant.admin.xlen("journal:signals")
        for options, more in ((("--keep-ids",), 0), ((), 1)):
            status, out, err = plant.command("replay", one, "--json", *options)
            assert status == 0, err
            assert json.loads(out) == {"signals": 1, "prices": 0, "documents": 0, "not_on_record": 0}
            assert plant.admin.xlen("journal:signals") == before + more


def test_a_resend_over_an_upgrade_that_scopes_ids_orders_nothing_twice(plant):
    """What a version wrote that took every id as it was is what a source with plain ids writes."""
    row = {"config_id": "older", "token": "a-token-of-before-0123"}
    body = json.dumps({**BUY, "signal_id": "before-1"})

    def apply(**fields):
        document = {"sources": [{**row, **fields}]}
        assert plant.command("config", "apply", "-", stdin=json.dumps(document))[0] == 0

    def post():
        with contextlib.closing(plant.door()) as door:
            url = f"http://127.0.0.1:{plant.http_port}/webhook/older/{row['token']}"
            return door.post(url, body)[:2]
    apply(plain_ids=True)
    until(lambda: post()[0] == 200, "the source to be known")
    assert post() == (200, {"signal_id": "before-1", "status": "pending", "duplicate": True})
    apply()
    until(lambda: plant.admin.hget("signal_config:older", "plain_ids") is None, "the change")
    for _ in range(20):
        assert post() == (200, {"signal_id": "before-1", "status": "pending", "duplicate": True})
    assert not plant.signal("older:before-1")
