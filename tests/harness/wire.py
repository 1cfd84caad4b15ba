"""wire - speaking ZeroMQ with the services, and a proxy that hurts what passes between two of them."""
# SPDX-License-Identifier: MIT
import random
import threading

import zmq

from tests.harness.messages import TYPES, Envelope, envelope


def intake(plant, source, body, token=None):
    """Pushes one signal (bytes) into ingest's ZeroMQ intake."""
    socket = zmq.Context.instance().socket(zmq.PUSH)
    try:
        socket.setsockopt(zmq.LINGER, 2000)
        socket.connect(plant.layout.endpoint("ingest.intake"))
        socket.send_multipart([f"{source}/{token or plant.token(source)}".encode(), body])
    finally:
        socket.close()


def control(plant, name, verb, *args, within_s=5):
    """Asks a process's control socket; its answer as a ControlAnswer."""
    socket = zmq.Context.instance().socket(zmq.DEALER)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(plant.layout.endpoint(f"{name}.control"))
        socket.send_multipart([b"control", envelope("control", TYPES["ControlRequest"](verb=verb, args=[str(a) for a in args]))])
        if not socket.poll(within_s * 1000):
            raise TimeoutError(f"{name} did not answer {verb} within {within_s} s")
        return TYPES["ControlAnswer"].FromString(Envelope.FromString(socket.recv_multipart()[-1]).body)
    finally:
        socket.close()


def protobuf_signal(signal_id, **fields):
    signal = TYPES["Signal"]()
    values = {"signal_id": signal_id, "source": "test", "symbol": "EURUSD", "order_type": 1, "direction": 1, "status": 1, "created_at": 0,
              "content": 0, **fields}
    for name, value in values.items():
        setattr(signal, name, value)
    return signal.SerializeToString()


class Hurt:
    """How often (of 1) a message is dropped, doubled, held back behind the next ones, or damaged."""

    def __init__(self, drop=0.0, double=0.0, late=0.0, damage=0.0):
        self.drop, self.double, self.late, self.damage = drop, double, late, damage


class Proxy:
    """Stands between one producer (PUSH) and a consumer's inbox (PULL)."""

    def __init__(self, directory, name, target, hurt, seed):
        self.endpoint = f"ipc://{directory}/{name}.proxy"
        self.passed = self.hurt_count = 0
        self._target, self._hurt, self._random = target, hurt, random.Random(seed)
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(5)

    def stop(self):
        self._stop.set()
        self._thread.join(5)

    def _run(self):
        context = zmq.Context.instance()
        inward, outward = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        inward.bind(self.endpoint)
        outward.connect(self._target)
        outward.setsockopt(zmq.LINGER, 0)
        self._ready.set()
        held = []
        while not self._stop.is_set():
            if inward.poll(20):
                self._pass(inward.recv_multipart(), outward, held)
            elif held:
                self._send(outward, held.pop(0))
        inward.close()
        outward.close(0)

    @staticmethod
    def _send(outward, frames):
        try:
            outward.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            pass  # a full queue loses it, as the wire may

    def _pass(self, frames, outward, held):
        self.passed += 1
        roll, hurt = self._random.random(), self._hurt
        for share, act in ((hurt.drop, self._drop), (hurt.double, self._double), (hurt.late, self._late), (hurt.damage, self._damage)):
            if roll < share:
                self.hurt_count += 1
                return act(frames, outward, held)
            roll -= share
        self._send(outward, frames)
        if held and self._random.random() < 0.5:
            self._send(outward, held.pop(0))

    def _drop(self, frames, outward, held):
        pass

    def _double(self, frames, outward, held):
        self._send(outward, frames)
        self._send(outward, frames)

    def _late(self, frames, outward, held):
        held.append(frames)

    def _damage(self, frames, outward, held):
        body = bytearray(frames[-1])
        kind = self._random.randrange(3)
        if kind == 0 and body:
            body[self._random.randrange(len(body))] ^= 1 << self._random.randrange(8)
        elif kind == 1:
            body = body[:self._random.randrange(len(body) + 1)]
        else:
            body += self._random.randbytes(self._random.randrange(1, 40))
        self._send(outward, [*frames[:-1], bytes(body)])
