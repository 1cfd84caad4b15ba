"""messages - the project's protobuf messages in Python, and the envelope, for tests that speak to services or read journals."""
# SPDX-License-Identifier: MIT
import importlib
import pathlib
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
