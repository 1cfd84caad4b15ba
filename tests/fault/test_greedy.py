"""Who takes more than its share: a source that floods the door with refused bodies, silent connections, many large bodies at once. Others do not notice."""
# SPDX-License-Identifier: MIT
import contextlib
import json
import pathlib
import resource
import socket
import threading
import time

from tests.harness.plant import configuration
from tests.harness.wait import until

CONFIG = configuration(accounts=1, brokers=1)
CONFIG["sources"] += [{"config_id": "greedy", "rate_per_s": 500, "bytes_per_s": 1 << 20}]
PLANT = {"mode": "chaos", "config": CONFIG, "options": {"TRADECAST_INGEST_HTTP_REQUEST": "60s"}}
MIB = 1 << 20


def large(**fields):
    return json.dumps({"symbol": "EURUSD", "direction": "buy", "price": "1.08432", **{f"note{n}": "x" * 8000 for n in range(7)}, **fields}).encode()


def flood(plant, stop, said):
    with contextlib.closing(plant.door("greedy")) as door:
        for n in range(1 << 30):
            if stop.is_set():
                return
            said.append(door.alert(large(direction="nowhere", n=n + id(stop) % 997))[0])


def test_a_source_that_floods_the_door_starves_nobody(plant):
    used = plant.admin.info("memory")["used_memory"]
    stop, said, taken = threading.Event(), [], []
    threads = [threading.Thread(target=flood, args=(plant, stop, said)) for _ in range(4)]
    for t in threads:
        t.start()
    with contextlib.closing(plant.door()) as door:
        for n in range(100):
            began = time.monotonic()
            taken.append(door.alert({"signal_id": f"modest-{n}", "symbol": "EURUSD", "direction": "buy", "price": "1.08432"})[0])
            time.sleep(max(0, 0.05 - (time.monotonic() - began)))
    stop.set()
    for t in threads:
        t.join()
    assert taken == [200] * 100
    assert set(said) == {422, 503} and len(said) > 1000
    assert (plant.admin.info("memory")["used_memory"] - used) / MIB < 24, len(said)
    assert pathlib.Path(plant.archive).stat().st_size / MIB < 24


def test_two_thousand_silent_connections_block_nobody(plant):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    body = {"symbol": "EURUSD", "direction": "buy", "price": "1.08432"}
    with contextlib.ExitStack() as silent:
        for n in range(2100):
            silent.enter_context(socket.create_connection(("127.0.0.1", plant.http_port), timeout=10))
        for n in range(5):
            began = time.monotonic()
            with contextlib.closing(plant.door()) as door:
                assert door.alert({**body, "signal_id": f"audible-{n}"})[0] == 200
            assert time.monotonic() - began < 2


def peak(plant):
    status = pathlib.Path(f"/proc/{plant.processes['ingest'].pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def answer_of(s):
    head, _, body = s.recv(65536).partition(b"\r\n\r\n")
    return int(head.split()[1]), b"retry-after" in head.lower(), json.loads(body)


def test_fifteen_hundred_large_bodies_at_once_take_no_more_memory_than_they_are(plant):
    before = peak(plant)
    path = plant.webhook("test").split(str(plant.http_port), 1)[1]
    bodies = {f"large-{n}": large(signal_id=f"large-{n}") for n in range(1500)}
    sockets = {}
    for name, body in bodies.items():
        sockets[name] = s = socket.create_connection(("127.0.0.1", plant.http_port), timeout=30)
        s.sendall(f"POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
    for name, s in sockets.items():
        s.sendall(bodies[name][-1:])
    answers = {name: answer_of(s) for name, s in sockets.items()}
    for s in sockets.values():
        s.close()
    assert {status for status, _, _ in answers.values()} <= {200, 503}
    assert all(again and body["error"]["code"] in ("busy", "held_back") for status, again, body in answers.values() if status == 503)
    grown = peak(plant) - before
    assert grown < 300, f"{grown:.0f} MiB for {sum(map(len, bodies.values())) / MIB:.0f} MiB of bodies"
    with contextlib.closing(plant.door()) as door:
        for name, (status, _, _) in answers.items():
            if status == 503:
                until(lambda: door.alert(bodies[name])[0] == 200, "it to be taken when it comes again")  # noqa: B023
