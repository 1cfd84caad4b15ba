"""reading - how long the archive takes to answer when it is large; `python3 -m tests.bench.reading` alone."""
# SPDX-License-Identifier: MIT
import json
import time

import zmq

from tests.harness.messages import TYPES, Envelope, envelope

ROUNDS = 20


class Asker:
    """Asks the archiver's query service as the web interface does: a socket that stays open."""

    def __init__(self, plant):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(plant.layout.endpoint("archiver.query"))

    def ask(self, **fields):
        """(answer, milliseconds)"""
        query = TYPES["ArchiveQuery"](**fields).SerializeToString()
        began = time.monotonic()
        self.socket.send_multipart([b"control", envelope("control", TYPES["ControlRequest"](verb="query", body=query))])
        if not self.socket.poll(10_000):
            raise TimeoutError(f"no answer to {fields}")
        answer = TYPES["ControlAnswer"].FromString(Envelope.FromString(self.socket.recv_multipart()[-1]).body)
        took = (time.monotonic() - began) * 1000
        if not answer.ok:
            raise RuntimeError(answer.error)
        return json.loads(answer.json), took

    def slowest(self, **fields):
        """The answer, and the 95th percentile of some rounds."""
        rounds = sorted((self.ask(**fields) for _ in range(ROUNDS)), key=lambda r: r[1])
        return rounds[0][0], rounds[ROUNDS * 95 // 100][1]


def reading(table, plant, trades):
    asker = Asker(plant)
    page, ms = asker.slowest(what="trades")
    table.add(f"page of 100 trades of {trades:,}, p95", ms, "ms", "aim 10")
    account = page["rows"][0]["account_id"]
    for _ in range(20):
        page, _ = asker.ask(what="trades", after=page["next"])
    table.add("the same, further on", asker.slowest(what="trades", after=page["next"])[1], "ms", "aim 10")
    table.add("the same, of one account", asker.slowest(what="trades", account_id=account)[1], "ms", "aim 10")
    table.add("the same, of one symbol", asker.slowest(what="trades", symbol=page["rows"][0]["symbol"])[1], "ms", "aim 10")
    table.add("page of 100 signals, p95", asker.slowest(what="signals")[1], "ms", "aim 10")
    since = (int(time.time()) - 30 * 86400) * 10**9
    table.add("a month's performance, by account, p95", asker.slowest(what="performance", by="account", since=since)[1], "ms", "aim 100")


def main():
    from tests.bench.bench import ARCHIVED, Run, Table, count, grow_archive
    from tests.harness.wait import until
    table = Table()
    with Run(3) as run:
        run.load("few", count(2000))
        until(lambda: run._archived("few") >= run._sent("few"), "the archive to have all", within_s=120, pause_s=0.2)
        assert run.plant.stop()
        trades = grow_archive(run.plant.archive, count(ARCHIVED))
        run.plant.start()
        reading(table, run.plant, trades)


if __name__ == "__main__":
    main()
