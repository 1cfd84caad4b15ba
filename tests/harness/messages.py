"""messages - the project's protobuf messages in Python, and the envelope, for tests that speak to services or read journals."""
# SPDX-License-Identifier: MIT
import importlib
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "build" / "python"


def _generate():
    sources = sorted((ROOT / "proto").glob("*.proto"))
    newest = max(p.stat().st_mtime for p in sources)
    stamp = OUT / "stamp"
    if not stamp.exists() or stamp.stat().st_mtime < newest:
        OUT.mkdir(parents=True, exist_ok=True)
        subprocess.run(["protoc", f"--proto_path={ROOT / 'proto'}", f"--python_out={OUT}", *map(str, sources)], check=True)
        stamp.touch()
    sys.path.insert(0, str(OUT))
    return [importlib.import_module(p.stem + "_pb2") for p in sources]


_modules = _generate()
TYPES = {name: getattr(m, name) for m in _modules for name in m.DESCRIPTOR.message_types_by_name}
Envelope = TYPES["Envelope"]


# Messages whose fields stand outside among those of the message that has them, and what is behind their names there.
INLINED = {"terms": "", "amendment": "", "trailing": "", "wanted": "_wanted"}


def _moved():
    """{(message, column): the number that it had}: proto/moved.c."""
    text, moved = (ROOT / "proto/moved.c").read_text(), {}
    for messages, rows in re.findall(r"#define [A-Z]+\(X\) /\* ([\w, ]+) \*/((?: .*\\\n)*.*\n)", text):
        for name, numbers in re.findall(r"X\((\w+),([ \d,]+)\)", rows):
            moved |= {(m, name): int(n) for m, n in zip(messages.split(", "), numbers.split(","), strict=True) if int(n)}
    assert len(moved) > 50
    return moved


def columns(message_type):
    """{name: field} of a message as they stand outside: those of its terms and amendments among its own, where they always stood."""
    own, moved, ranked = message_type.DESCRIPTOR.fields, _moved(), []
    inlined = [f for f in own if f.name in INLINED and f.message_type and f.label == f.LABEL_REQUIRED]
    for within, (fields, behind) in enumerate([([f for f in own if f not in inlined], "")]
                                              + [(f.message_type.fields, INLINED[f.name]) for f in inlined]):
        for f in fields:
            number = moved.get((message_type.DESCRIPTOR.name, f.name + behind), within * 2**32 + f.number)
            ranked.append((number, f.name + behind, f))
    return {name: f for _, name, f in sorted(ranked, key=lambda r: r[0])}


def journal_entries(redis, topic, after="-"):
    """(id, message) of every entry of a journal; the redis client must give bytes."""
    for entry_id, fields in redis.xrange(f"journal:{topic}", min=after):
        envelope = Envelope.FromString(fields[b"e"])
        yield entry_id.decode(), TYPES[envelope.type].FromString(envelope.body)


def e8(text):
    """A decimal as sfixed64 holds it."""
    whole, _, part = str(text).partition(".")
    sign = -1 if whole.startswith("-") else 1
    return sign * (abs(int(whole or 0)) * 10**8 + int((part + "0" * 8)[:8]))


# --- the envelope, with its check (common/delivery/envelope.c)

_KEY = b"tradecast-frame\0"
_MASK = (1 << 64) - 1


def _siphash(data, key=_KEY):
    """SipHash-2-4."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [0x736F6D6570736575 ^ k0, 0x646F72616E646F6D ^ k1, 0x6C7967656E657261 ^ k0, 0x7465646279746573 ^ k1]

    def rotate(x, n):
        return (x << n | x >> (64 - n)) & _MASK

    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & _MASK
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & _MASK
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & _MASK
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & _MASK
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 255])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at:at + 8], "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return (v[0] ^ v[1] ^ v[2] ^ v[3]).to_bytes(8, "little")


def envelope(topic, message, entry_id=(0, 0), prev=(0, 0)):
    """The packed envelope of a message, as it travels on ZeroMQ and lies in journals."""
    e = Envelope(incarnation=entry_id[0], sequence=entry_id[1], prev_incarnation=prev[0], prev_sequence=prev[1],
                 type=message.DESCRIPTOR.name, body=message.SerializeToString(), check=0)
    head = e.SerializeToString()[:-9]  # all but the check: one byte of key, eight of value
    e.check = int.from_bytes(_siphash(_siphash(topic.encode()) + _siphash(head)), "little")
    return e.SerializeToString()
