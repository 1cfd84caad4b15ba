"""Signals and outcomes to an HTTP backend: each arrives, in order, under one key, however the backend fails and whoever is killed."""
# SPDX-License-Identifier: MIT
import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing

import pytest

from deploy.local.layout import ROOT
from deploy.local.processes import Process
from tests.harness import archive
from tests.harness.backend import Backend
from tests.harness.plant import SANITIZERS
from tests.harness.wait import until

KILLS = int(os.environ.get("KILLS") or 6)  # make chaos-copies: many


@pytest.fixture(scope="module")
def empty(tmp_path_factory, mode):
    return archive.make(mode, tmp_path_factory.mktemp("empty") / "archive.db")


class Poster:
    """tradecast-sync-backend on an archive of its own."""

    def __init__(self, folder, mode, empty, backend, **options):
        self.folder, self.backend, self.path = folder, backend, folder / "archive.db"
        with closing(sqlite3.connect(empty)) as db, closing(sqlite3.connect(self.path)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode=WAL")
        self.writer = archive.Writer(self.path)
        token = folder / "token"
        token.write_text("let-me-in\n")
        token.chmod(0o600)
        self.program = ROOT / f"build/{mode}/bin/tradecast-sync-backend"
        options = {"look": "20ms", "within": "700ms", "again": "200ms", "away_most": "150ms", "url": backend.url, **options}
        self.env = {**SANITIZERS, "TRADECAST_RUN_DIR": str(folder), "TRADECAST_BACKEND_ARCHIVE": str(self.path),
                    "TRADECAST_BACKEND_STATE": str(folder / "state.db"), "TRADECAST_BACKEND_TOKEN_FILE": str(token),
                    **{f"TRADECAST_BACKEND_{k.upper()}": str(v) for k, v in options.items()}}
        self.process = Process("sync-backend", [self.program], folder / "log", self.env)

    def add(self, n):
        self.writer.db.execute("BEGIN IMMEDIATE")
        self.writer.add("signals", n)
        self.writer.db.executemany("UPDATE signals SET outcome = NULL, exit_price = NULL, profit_loss_pct = NULL WHERE signal_id = ?",
                                   self.writer.keys["signals"][-n:])
        self.writer.db.execute("COMMIT")

    def close(self, n, outcome="win"):
        """The outcome of n signals becomes known."""
        for key in self.writer.dice.sample(self.writer.keys["signals"], n):
            self.writer.db.execute("UPDATE signals SET outcome = ?, exit_price = '1.23456789', profit_loss_pct = '-0.5', changed = ? "
                                   "WHERE signal_id = ?", (outcome, self.writer.next(), *key))

    def wanted(self):
        """{(signal_id, event)} that the backend must have."""
        rows = self.writer.db.execute("SELECT signal_id, outcome FROM signals").fetchall()
        return {(s, "signal") for s, _ in rows} | {(s, "outcome") for s, o in rows if o}

    def arrived(self, within_s=20):
        def all_there():
            assert self.process.alive(), self.process.last_words()
            return self.wanted() <= {(t["body"]["signal_id"], t["body"]["event"]) for t in self.backend.taken()}
        until(all_there, "the backend to have everything", within_s)

    def sound(self):
        """What the backend took: nothing made up, one key one content, a signal before its outcome."""
        keys, events = {}, {}
        for post in self.backend.taken():
            assert post["token"] == "Bearer let-me-in"
            assert keys.setdefault(post["key"], post["body"]) == post["body"]
            events.setdefault(post["body"]["signal_id"], []).append(post["body"]["event"])
        assert {(s, e) for s, said in events.items() for e in said} <= self.wanted()
        for said in events.values():
            assert said[0] == "signal", said
            assert "signal" not in said[said.index("outcome"):] if "outcome" in said else True, said

    def state(self, query):
        with closing(sqlite3.connect(f"file:{self.folder / 'state.db'}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(query).fetchone()[0]

    def log(self):
        return (self.folder / "log").read_text()

    def end(self):
        assert self.process.stop(), self.process.last_words()
        assert "Sanitizer" not in self.log() and "runtime error" not in self.log(), self.log()[-2000:]
        self.writer.close()


@pytest.fixture
def backend(tmp_path):
    it = Backend(tmp_path).up()
    yield it
    it.kill()


@pytest.fixture
def poster(tmp_path, mode, empty, backend):
    it = Poster(tmp_path, mode, empty, backend)
    yield it
    it.end()


def test_each_signal_is_told_once_and_its_outcome_once_when_it_is_known(poster, backend):
    poster.add(60)
    poster.process.start()
    poster.arrived()
    poster.writer.db.execute("UPDATE signals SET status = 'completed', order_id = 'o', changed = changed + 1000000")  # of no interest
    poster.writer.changed += 2000000
    poster.close(20)
    poster.arrived()
    poster.sound()
    assert len(backend.taken()) == 80
    told = next(t["body"] for t in backend.taken() if t["body"]["event"] == "outcome")
    assert told["outcome"] == "win" and '"exit_price": 1.23456789' in json.dumps(told)
    row = poster.writer.db.execute("SELECT entry_price, timestamp, strategy FROM signals WHERE signal_id = ?", (told["signal_id"],)).fetchone()
    raw = next(t["body"] for t in backend.taken() if t["body"]["signal_id"] == told["signal_id"])
    assert raw["timestamp"][:19] == row[1][:19] and raw["strategy"] == row[2] and "status" not in raw and "outcome" not in raw
    poster.close(60, outcome="corrected")
    until(lambda: sum(t["body"].get("outcome") == "corrected" for t in backend.taken()) == 60, "corrected outcomes to be told")


@pytest.mark.parametrize("mode_of_failure", ["error", "busy", "hang", "half", "redirect", "refuse"])
def test_however_the_backend_fails_everything_arrives_when_it_is_well_again(poster, backend, tmp_path_factory, mode_of_failure):
    other = Backend(tmp_path_factory.mktemp("other")).up() if mode_of_failure == "redirect" else None
    if mode_of_failure == "refuse":
        backend.kill()
    else:
        backend.behave(mode_of_failure, to=other.url if other else "")
    poster.add(20)
    poster.close(5)
    poster.process.start()
    until(lambda: "event=trouble" in poster.log(), "it to notice")
    until(lambda: poster.state("SELECT max(tries) FROM item") >= 1 or mode_of_failure == "half", "a try to be noted")
    poster.add(10)
    backend.up() if mode_of_failure == "refuse" else backend.behave("ok")
    poster.arrived()
    poster.sound()
    until(lambda: poster.state("SELECT count(*) FROM item") == 0, "nothing to be left")
    if other:
        assert other.taken() == [], "the token went where a redirect pointed"
        other.kill()


def test_a_single_post_that_failed_three_times_arrives_soon_after_the_backend_is_back(
        tmp_path, mode, empty, backend):
    """Nothing else is due that could find out that the backend is there again."""
    poster = Poster(tmp_path, mode, empty, backend, again="30m")
    backend.behave("error")
    poster.add(1)
    poster.process.start()
    until(lambda: "event=trouble" in poster.log(), "it to notice")
    until(lambda: poster.state("SELECT coalesce(max(tries), 0) FROM item") >= 3, "three tries")
    backend.behave("ok")
    poster.arrived()
    poster.sound()
    poster.end()


def test_what_the_backend_refuses_is_kept_as_unsynced_and_does_not_hold_up_the_rest(poster, backend):
    poster.add(30)
    poster.close(30)
    bad = [r[0] for r in poster.writer.db.execute("SELECT signal_id FROM signals LIMIT 2")]
    backend.behave("ok", refuse=bad)
    poster.process.start()
    until(lambda: len({t["body"]["signal_id"] for t in backend.taken()}) == 28, "all others to arrive")
    until(lambda: poster.state("SELECT count(*) FROM item WHERE tries >= 3") == 2, "the refused ones to be unsynced")
    assert poster.state("SELECT count(*) FROM item") == 4  # their outcomes wait behind them
    assert "422" in poster.state("SELECT why FROM item WHERE tries >= 3")
    backend.behave("ok")
    poster.arrived()
    poster.sound()


def test_a_certificate_that_does_not_hold_is_not_trusted(tmp_path, mode, empty):
    pem = tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", pem, "-out", tmp_path / "c.pem", "-days", "1", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    certificate = (tmp_path / "c.pem").read_text()
    pem.write_text(pem.read_text() + certificate)
    backend = Backend(tmp_path, certificate=pem).up()
    poster = Poster(tmp_path, mode, empty, backend)
    poster.add(5)
    poster.process.start()
    until(lambda: "event=trouble" in poster.log(), "it to refuse the certificate")
    assert backend.taken() == []
    poster.process.stop()
    poster.process.env["TRADECAST_BACKEND_CA_FILE"] = str(tmp_path / "c.pem")
    poster.process.start()
    poster.arrived()
    poster.end()
    backend.kill()


def test_whoever_is_killed_at_any_moment_nothing_is_missing_and_keys_stay(poster, backend):
    dice, over = random.Random(3), threading.Event()
    poster.add(5)
    poster.process.start()
    poster.writer.close()

    def write():
        poster.writer = archive.Writer(poster.path, seed=7)
        while not over.is_set():
            poster.add(dice.randrange(1, 20))
            poster.close(3)
            time.sleep(0.05)
        poster.writer.close()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for n in range(KILLS):
            time.sleep(dice.random() * 0.3)
            if n % 3 == 2:
                backend.kill()
                backend.up()
            else:
                poster.process.kill()
                poster.process.start()
    finally:
        over.set()
        writing.join()
    poster.writer = archive.Writer(poster.path)
    poster.arrived(30)
    poster.sound()


@pytest.mark.parametrize("point", ["backend.before_send", "backend.after_send"])
def test_killed_between_what_is_sent_and_what_is_noted_the_key_is_the_same_again(poster, backend, point):
    poster.add(30)
    poster.close(10)
    poster.process.env["TRADECAST_FAIL"] = f"{point}:2"
    poster.process.start()
    assert poster.process.wait() == -signal.SIGKILL
    del poster.process.env["TRADECAST_FAIL"]
    poster.process.start()
    poster.arrived()
    poster.sound()
    keys = [t["key"] for t in backend.taken()]
    assert len(set(keys)) == 40
    assert len(keys) > 40 if point == "backend.after_send" else len(keys) == 40


def test_a_dead_backend_costs_bounded_memory_and_disk(tmp_path, mode, empty):
    dead = Backend(tmp_path)  # never started
    poster = Poster(tmp_path, mode, empty, dead)
    poster.add(15000)
    poster.process.start()
    until(lambda: "event=trouble" in poster.log(), "it to notice")
    until(lambda: poster.state("SELECT count(*) FROM item") == 10000, "as many notes as there may be")
    poster.add(500)
    tries = poster.state("SELECT sum(tries) FROM item")
    until(lambda: poster.state("SELECT sum(tries) FROM item") >= tries + 3, "it to try on")
    assert poster.state("SELECT count(*) FROM item") == 10000
    poster.end()


def test_a_token_does_not_travel_in_the_clear(tmp_path, mode, empty):
    poster = Poster(tmp_path, mode, empty, Backend(tmp_path), url="http://backend.example:8001/api/signals")
    done = subprocess.run([poster.program, "--check"], env={**os.environ, **poster.env}, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "https" in done.stderr and "let-me-in" not in done.stderr
    poster.writer.close()
