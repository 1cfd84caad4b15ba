"""slow_link - holds each packet that iptables hands over (NFQUEUE 0) for so many milliseconds: tests.harness.slow_link MS

There is no tc netem here. The kernel keeps the packets; only their numbers come here, and go back when their time has come.
"""
# SPDX-License-Identifier: MIT
import collections
import select
import socket
import struct
import sys
import time

NETLINK_NETFILTER, QUEUE_SUBSYSTEM = 12, 3
PACKET, CONFIG, VERDICT_BATCH = 0, 2, 3
REQUEST, ACKNOWLEDGE = 1, 4
HEADER = 1       # attribute of a packet: its number
VERDICT = 2      # attribute of a verdict
COMMAND, PARAMETERS, LENGTH_MOST, MASK, FLAGS = 1, 2, 3, 4, 5  # attributes of a configuration
BIND, COPY_META, ACCEPT = 1, 1, 1
WHOLE = 1 << 2   # packets of many segments are not taken apart
ERROR = 2


def attribute(kind, data):
    text = struct.pack("=HH", 4 + len(data), kind) + data
    return text + bytes(-len(text) % 4)


def message(kind, flags, *attributes):
    body = struct.pack(">BBH", 0, 0, 0) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), QUEUE_SUBSYSTEM << 8 | kind, flags, 0, 0) + body


def open_queue():
    queue = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    queue.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    queue.bind((0, 0))
    for attributes in ([attribute(COMMAND, struct.pack(">BBH", BIND, 0, 0))],
                       [attribute(PARAMETERS, struct.pack(">IB", 0, COPY_META)), attribute(LENGTH_MOST, struct.pack(">I", 100000)),
                        attribute(MASK, struct.pack(">I", WHOLE)), attribute(FLAGS, struct.pack(">I", WHOLE))]):
        queue.send(message(CONFIG, REQUEST | ACKNOWLEDGE, *attributes))
        length, kind, _, _, _, error = struct.unpack_from("=IHHIIi", queue.recv(65536))
        if kind == ERROR and error:
            raise OSError(-error, "NFQUEUE")
    return queue


def numbers(data):
    """The packets' numbers in what was received."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        inner = at + 20
        while kind == QUEUE_SUBSYSTEM << 8 | PACKET and inner + 4 <= at + length:
            size, name = struct.unpack_from("=HH", data, inner)
            if name == HEADER:
                yield struct.unpack_from(">I", data, inner + 4)[0]
                break
            inner += size + 3 & ~3
        at += length + 3 & ~3


def main():
    delay = int(sys.argv[1]) / 1000
    queue = open_queue()
    print("ready", flush=True)
    held = collections.deque()  # (when it may go, number), in order
    while True:
        wait = max(0, held[0][0] - time.monotonic()) if held else None
        if select.select([queue], [], [], wait)[0]:
            due = time.monotonic() + delay
            held.extend((due, number) for number in numbers(queue.recv(1 << 20)))
        last, now = None, time.monotonic()
        while held and held[0][0] <= now:
            last = held.popleft()[1]
        if last is not None:  # every packet up to this one goes
            queue.send(message(VERDICT_BATCH, REQUEST, attribute(VERDICT, struct.pack(">II", ACCEPT, last))))


if __name__ == "__main__":
    main()
