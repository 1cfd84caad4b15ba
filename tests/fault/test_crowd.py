"""A thousand idle connections and clients that drip: a good client does not notice."""
# SPDX-License-Identifier: MIT
import socket
import threading

PLANT = {"mode": "chaos"}


class Crowd:
    def __init__(self, port, idle, dripping):
        self._stop = threading.Event()
        self._idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(idle)]
        self._dripping = [socket.create_connection(("127.0.0.1", port)) for _ in range(dripping)]
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()

    def _drip(self):
        text = b"POST /webhook/test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b" " * 900
        for at in range(len(text)):
            for s in self._dripping:
                try:
                    s.send(text[at:at + 1])
                except OSError:
                    pass  # the door has had enough of it
            if self._stop.wait(0.05):
                return

    def go(self):
        self._stop.set()
        self._thread.join(5)
        for s in self._idle + self._dripping:
            s.close()


def test_a_good_client_keeps_its_p99_under_100_ms(plant):
    crowd = Crowd(plant.http_port, idle=1000, dripping=100)
    try:
        load = plant.load("good", 2000, rate=200, connections=4)
        totals = load.finish()
    finally:
        crowd.go()
    assert totals["accepted"] == 2000
    assert totals["p99_us"] < 100_000, totals
