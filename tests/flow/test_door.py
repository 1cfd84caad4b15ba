"""The door and everything that is wrong: the right 4xx each, no crash, and nothing written but rejections."""
# SPDX-License-Identifier: MIT
import json
import random
import struct

import msgpack
import pytest

from tests.harness.wait import until

GOOD = {"symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "1", "price": "1.08432"}
GENERATED = 10_000

# --- by hand: for each field what it may not be

NOT_NUMBERS = ["x", "1,5", "--1", "1e", "0x10", "NaN", "nan", "Infinity", "-inf", "1.2.3", "1 2", "+", ".", "e5", True, False, [1], {"a": 1}, "١٢"]
OUT_OF_RANGE = ["1e400", "99999999999999999999", "1.123456789", "0.000000001", 10**30, "92233720369"]
NOT_POSITIVE = ["0", "-1", "-0.00000001", 0, -5]
NOT_TEXTS = [True, [], ["a"], {"a": "b"}]
NOT_TIMES = ["yesterday", "2025-13-01T00:00:00Z", "2025-02-30T00:00:00Z", "2025-01-01", "2025-01-01T25:00:00Z", "2025-01-01T00:00:00", "T",
             [1], {"a": 1}, True, "12:00", "2025-01-01T00:00:60.5.5Z"]
BAD_SYMBOLS = ["EUR USD", "A" * 33, "EURUSD\n", "<script>", "'; DROP", "ÄÖÜ", "a\tb", "*", "EUR\u0000USD"[:3] + "?", "{{ticker}}", "_", "💥", "a\"b", "a\\b", "a,b", "a(b)"]
BAD_IDS = ["a b", "x" * 65, "a/b", "{{id}}", "ü", "a\nb", "a'b", "<x>", "a?b", "a#b", "a%20b", "guard:1", "state:pending"]
WORDS = ["", "hold", "b", "buyy", 1, True, ["buy"], {"buy": 1}, "BUY NOW", "купить"]

BY_FIELD = {
    "symbol": BAD_SYMBOLS + NOT_TEXTS,
    "signal_id": BAD_IDS + NOT_TEXTS,
    "direction": [w for w in WORDS if w != ""],
    "action": [w for w in WORDS if w != ""],
    "order_type": ["fok", 1, True, ["limit"], "LIMITS", {"a": 1}, "stop-limit", "трейд"],
    **{f: NOT_NUMBERS + OUT_OF_RANGE + NOT_POSITIVE for f in ("lot_size", "contracts", "quantity", "price", "entry_price")},
    **{f: NOT_NUMBERS + OUT_OF_RANGE + NOT_POSITIVE + ["1.2"] for f in ("stop_loss", "stop_price")},
    **{f: NOT_NUMBERS + OUT_OF_RANGE + NOT_POSITIVE + ["1.01"] for f in ("take_profit", "target_price")},
    "confidence": NOT_NUMBERS + OUT_OF_RANGE + ["-1", "100.1", 101],
    "agreement": NOT_NUMBERS + OUT_OF_RANGE + ["-1", "101"],
    "sources": NOT_NUMBERS + ["-1", "1.5", "4294967296"],
    "expiration_time": NOT_TIMES + ["2001-01-01T00:00:00Z", 1],
    "timestamp": NOT_TIMES,
    "strategy": NOT_TEXTS + ["x" * 65, "a\u0001b", "a\u007fb"],
    "asset_type": NOT_TEXTS + ["x" * 33, "a\u0002b"],
    "data_source": NOT_TEXTS + ["x" * 65, "a\u0003b"],
    "regime": NOT_TEXTS + ["x" * 65, "a\u0004b"],
    "reasoning": NOT_TEXTS + ["x" * 4097],
}

REPLACES = {"contracts": "lot_size", "quantity": "lot_size", "entry_price": "price", "action": "direction"}

DEEP = b"[" * 100 + b"]" * 100
UNREADABLE = [
    b"", b" ", b"\n", b"{", b"}", b"[", b"]", b"{}x", b"{]", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{,}', b'{"a":1 "b":2}', b'{"a":tru}', b'{"a":01}',
    b'{"a":+1}', b'{"a":1.}', b'{"a":.5}', b'{"a":1e}', b'{"a":"\\x"}', b'{"a":"\\u12"}', b'{"a":"\n"}', b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}',
    b'{"a":"\xed\xa0\x80"}', b'{"a":1}{"b":2}', b'{"symbol":"A","symbol":"B"}', b"null", b"true", b"1", b'"text"', b"[1,2]", b'[{"a":1}]', DEEP,
    b'{"a":' + DEEP + b"}", b'{"a":' * 50 + b"1" + b"}" * 50, b"\xef\xbb\xbf{", "{}".encode("utf-16"), "{}".encode("utf-32"), b"\x00", b"\x00" * 100,
    b"\xff" * 10, b"hello", b"BUY", b"BUY EURUSD 1 2 3 4 5", b"buy eurusd one", b"symbol=EURUSD action", b"a==", b"=1", b"=", b"\xc1", b"\xd9", b"\x81",
    b"\x81\xa1a", b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\x81\xa1a\xdb\xff\xff\xff\xff", b"\x81\xa1a\xc6\xff\xff\xff\xffx",
    b"\xde\xff\xff\xa1a\x01", b"\x81" * 200, b"\x91" * 200, b"\x81\x01\x02", b"\x81\xa1a\xc7\x05\x01ab", b"\x81\xa1a\xa1", b"\x82\xa1a\x01\xa1a\x02",
    b"\x81\xa2\xff\xfe\x01", msgpack.packb([1, 2]), msgpack.packb("x"), msgpack.packb({"a": 1}) + b"\x01", b"{" + b" " * 1000,
    b'{"' + b"k" * 65 + b'":1}', b'{"k":"' + b"v" * 9000 + b'"}', json.dumps({f"k{n}": n for n in range(65)}).encode(),
    b'{"a":"' + b"\\u0000" + b'"}', b"<html></html>", b"symbol=EURUSD&action=buy", b"%PDF-1.4", b"GIF89a", b"PK\x03\x04",
]


def by_hand():
    for field, values in BY_FIELD.items():
        for value in values:
            body = {**GOOD, field: value}
            body.pop(REPLACES.get(field, ""), None)
            yield f"{field}={value!r}"[:60], json.dumps(body).encode(), 422, field
    for missing in ("symbol", "direction"):
        yield f"without {missing}", json.dumps({k: v for k, v in GOOD.items() if k != missing}).encode(), 422, missing
    for order_type in ("limit", "stop"):
        yield f"{order_type} without a price", json.dumps({**GOOD, "order_type": order_type, "price": None}).encode(), 422, "price"
    for sell in ({"stop_loss": "1.07"}, {"take_profit": "1.10"}):
        yield f"sell with {sell}", json.dumps({**GOOD, "direction": "sell", **sell}).encode(), 422, next(iter(sell))
    for n, body in enumerate(UNREADABLE):
        yield f"unreadable {n}: {body[:20]!r}", body, (400, 422), None
    for size in (65537, 70_000, 1_000_000):
        yield f"{size} bytes", b'{"a":"' + b"x" * (size - 8) + b'"}', 413, None


@pytest.fixture
def door(plant):
    it = plant.door()
    yield it
    it.close()


def keys(plant):
    """Everything that a signal leaves behind, rejections aside."""
    names = list(plant.admin.scan_iter(count=10_000))
    return {k for k in names if k.split(":")[0] in ("order", "trade_state", "routing") and ":guard:" not in k}


def test_every_wrong_input_by_hand_gets_its_own_4xx_and_orders_nothing(plant, door):
    cases = list(by_hand())
    assert len(cases) >= 500
    before, pid, wrong = keys(plant), plant.processes["ingest"].pid, []
    for what, body, wanted, field in cases:
        status, answer, _ = door.alert(body)
        error = answer.get("error", {})
        fine = status in (wanted if isinstance(wanted, tuple) else (wanted,)) and set(error) == {"code", "message", "field"}
        if not fine or (field and error["field"] != field and field not in [e["field"] for e in answer.get("errors", [])]):
            wrong.append(f"{what}: {status} {str(answer)[:160]} instead of {wanted} {field}")
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:25])
    assert plant.processes["ingest"].alive() and plant.processes["ingest"].pid == pid
    assert keys(plant) == before


class Generator:
    """Valid bodies made wrong, by seed."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def body(self):
        r = self.r
        fields = {**GOOD, "stop_loss": "1.07", "signal_id": f"gen-{r.getrandbits(60)}", "nested": {"a": [1, {"b": None}]}}
        fields.pop(r.choice(list(fields)), None)
        if r.random() < 0.5:
            fields[r.choice(list(BY_FIELD))] = r.choice(BY_FIELD[r.choice(list(BY_FIELD))])
        raw = r.choice([lambda: json.dumps(fields).encode(), lambda: self._packed(fields), lambda: self._text(fields)])()
        return r.choice([self._cut, self._flip, self._splice, self._deep, self._noise, lambda b: b])(raw)

    def _packed(self, fields):
        try:
            return msgpack.packb(fields)
        except (OverflowError, ValueError):
            return msgpack.packb({k: str(v) for k, v in fields.items()})

    def _text(self, fields):
        return self.r.choice([" ", "\n", ", "]).join(f"{k}={v}" for k, v in fields.items()).encode(errors="surrogatepass")

    def _cut(self, b):
        return b[:self.r.randrange(len(b) + 1)]

    def _flip(self, b):
        out = bytearray(b)
        for _ in range(self.r.randrange(1, 8)):
            out[self.r.randrange(len(out))] ^= 1 << self.r.randrange(8)
        return bytes(out)

    def _splice(self, b):
        at = self.r.randrange(len(b) + 1)
        return b[:at] + self.r.choice([b"\x00", b"\xff\xff", b"{", b"[" * 60, b'"', b"\\", b"\xc0", b"e999", b"\xdf\xff\xff\xff\xff", b",,"]) + b[at:]

    def _deep(self, b):
        n = self.r.randrange(1, 3000)
        return self.r.choice([b"[" * n, b'{"a":' * n, b"\x91" * n, b"\x81\xa1a" * n]) + b

    def _noise(self, b):
        length = self.r.choice([0, 1, 2, 5, 50, 500])
        head = self.r.choice([b"", b"\xdb" + struct.pack(">I", self.r.getrandbits(32)), b"\xdf" + struct.pack(">I", self.r.getrandbits(32)), b"\x81\xa1a"])
        return head + self.r.randbytes(length)


def test_ten_thousand_generated_inputs_change_nothing_they_should_not(plant, door):
    g, pid, counts, accepted = Generator(4711), plant.processes["ingest"].pid, {}, set()
    before = sum(1 for _ in plant.admin.scan_iter("signal_rejection:*", count=10_000))
    for n in range(GENERATED):
        body = g.body()
        status, answer, _ = door.alert(body)
        counts[status] = counts.get(status, 0) + 1
        assert status in (200, 400, 409, 413, 422), (n, body, status, answer)
        if status == 200:
            accepted.add(answer["signal_id"])
        else:
            assert set(answer["error"]) == {"code", "message", "field"} and answer["error"]["message"], (n, body, answer)
    assert counts.get(400, 0) > 1000 and counts.get(422, 0) > 1000, counts
    assert plant.processes["ingest"].alive() and plant.processes["ingest"].pid == pid
    rejected = {k.split(":", 1)[1] for k in plant.admin.scan_iter("signal_rejection:*", count=10_000)}
    assert len(rejected - accepted) - before <= counts[422]  # those of accepted signals say why nothing was ordered
    until(lambda: all(plant.signal(s).get("status") in ("completed", "failed") for s in accepted), "what was accepted to be final", within_s=60)
    assert not plant.complaints()
