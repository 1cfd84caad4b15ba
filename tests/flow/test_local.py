"""make run: the demo once in a fresh directory, a user's own configuration as it is, and nothing done again by a second start."""
# SPDX-License-Identifier: MIT
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

from deploy.local.layout import ROOT, free_port
from tests.harness.plant import SANITIZERS
from tests.harness.wait import until

RUNNER = ROOT / "deploy/tradecast-local"
UP = "Running until Ctrl-C."
TOKEN = "a-token-of-my-own-0123456789"
MINE = f"""
brokers:
  - broker_id: one
    symbols: [{{symbol: EURUSD}}]
accounts:
  - {{account_id: mine, broker_id: one, balance: 5000, subscriptions: [{{source: bot, fixed_lot: 0.3}}]}}
instances:
  - {{instance_id: my-paper, broker_id: one, accounts: [mine]}}
sources:
  - {{config_id: bot, token: {TOKEN}}}
"""


class Run:
    """One `make run`, from when it says that it is up until it has ended."""

    def __init__(self, directory, *arguments):
        self.directory = directory
        self.ports = {f"TRADECAST_{who}_HTTP_PORT": str(free_port()) for who in ("INGEST", "MONITOR")}
        self.environment = {**os.environ, **SANITIZERS, **self.ports}
        self.out = tempfile.TemporaryFile("w+")
        command = ["/usr/bin/python3", RUNNER, "--mode", "check", "--directory", directory, *arguments]
        self.process = subprocess.Popen(command, env=self.environment, stdout=self.out, stderr=subprocess.STDOUT, text=True)

    def said(self):
        self.out.seek(0)
        return self.out.read()

    def up(self):
        until(lambda: UP in self.said() or self.process.poll() is not None, "the system to be up", 120)
        assert UP in self.said(), self.said()
        return self

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(60)
        return status, self.said()

    def end_by_itself(self):
        return self.process.wait(120), self.said()

    def command(self, *args):
        environment = {**self.environment, "TRADECAST_RUN_DIR": str(self.directory / "run")}
        p = subprocess.run([ROOT / "build/check/bin/tradecast", *args], env=environment, capture_output=True, text=True, timeout=60)
        assert p.returncode == 0, p.stderr
        return p.stdout

    def alert(self, source, token, body):
        url = f"http://127.0.0.1:{self.ports['TRADECAST_INGEST_HTTP_PORT']}/webhook/{source}/{token}"
        with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=10) as answer:
            return json.load(answer)["signal_id"]

    def version(self):
        return json.loads(self.command("config", "show", "--json"))["version"]


def redis_servers(directory):
    """Pids of the servers that run on a directory's files."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "comm").read_text() == "redis-server\n" and (process / "cwd").resolve() == (directory / "redis").resolve():
                found.add(int(process.name))
    return found


@contextlib.contextmanager
def running(directory, *arguments):
    run = Run(directory, *arguments)
    try:
        yield run.up()
        status, said = run.end()
        assert status == 0, said
    finally:
        if run.process.poll() is None:
            run.end()


def refused(directory, *arguments):
    status, said = Run(directory, *arguments).end_by_itself()
    assert status == 1, said
    return said


def written(path, text):
    path.write_text(text)
    return str(path)


def books_of(directory):
    return sorted(p.name for p in (directory / "data").glob("*.db") if p.name != "archive.db")


def count(directory, table):
    with contextlib.closing(sqlite3.connect(f"file:{directory}/data/archive.db?mode=ro", uri=True)) as archive:
        return archive.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@pytest.fixture
def directory():
    with tempfile.TemporaryDirectory(prefix="tcl-") as d:  # sockets want a short path
        yield pathlib.Path(d)


def test_a_second_start_sends_nothing_and_keeps_what_the_user_changed(directory):
    with running(directory) as first:
        assert "Every outcome of the sample is the right one." in first.said()
        first.command("config", "set", "accounts.anna.subscriptions.demo.fixed_lot", "0.2")
        version = first.version()
    sent, submits = count(directory, "signals"), count(directory, "trades")
    assert sent > 0
    with running(directory) as second:
        assert second.version() == version
        assert second.command("config", "get", "accounts.anna.subscriptions.demo.fixed_lot").strip() == "0.2"
        assert "nothing is applied or sent again" in second.said()
    assert (count(directory, "signals"), count(directory, "trades")) == (sent, submits)


def test_my_configuration_is_what_runs(directory, tmp_path):
    mine = written(tmp_path / "mine.yaml", MINE)
    with running(directory, "--config", mine) as run:
        exported = json.loads(run.command("config", "export"))
        assert [s["config_id"] for s in exported["sources"]] == ["bot"]
        assert len(run.command("signals").splitlines()) == 1  # the heading: no sample
        signal_id = run.alert("bot", TOKEN, {"ticker": "EURUSD", "action": "buy", "price": "1.1"})
        until(lambda: "filled" in run.command("explain", signal_id), "my account to trade")
        assert "my-paper" in run.said() and "/webhook/bot/" in run.said()
        version = run.version()
    assert books_of(directory) == ["my-paper.db"]
    with running(directory, "--config", mine) as run:
        assert run.version() == version
        assert "differs" not in run.said()
    written(tmp_path / "mine.yaml", MINE.replace("0.3", "0.4"))
    with running(directory, "--config", mine) as run:
        assert run.version() == version
        assert "differs" in run.said() and "tradecast config apply" in run.said()
    with running(directory) as run:  # without a file: what is there
        assert run.version() == version and len(books_of(directory)) == 1


def test_what_cannot_be_run_is_said_in_a_sentence_that_names_it(directory, tmp_path):
    missing = refused(directory, "--config", str(tmp_path / "none.yaml"))
    assert "none.yaml" in missing and "No such file" in missing
    wrong = refused(directory, "--config", written(tmp_path / "wrong.yaml", MINE.replace("broker_id: one, balance", "broker_id: two, balance")))
    assert "accounts[0].broker_id" in wrong and "wrong.yaml" in wrong
    unknown = refused(directory, "--config", written(tmp_path / "kind.yaml", MINE.replace("broker_id: one, accounts", "broker_id: one, kind: mt9, accounts")))
    assert "my-paper" in unknown and "mt9" in unknown and "paper" in unknown
    with running(directory, "--config", written(tmp_path / "mine.yaml", MINE)):
        pass  # none of those has left anything that would be carried on with


def test_the_demo_s_directory_runs_no_other_configuration(directory, tmp_path):
    with running(directory):
        pass
    said = refused(directory, "--config", written(tmp_path / "mine.yaml", MINE))
    assert str(directory) in said and "mine.yaml" in said and "VAR=" in said


def test_the_sample_configuration_runs(directory):
    with running(directory, "--config", str(ROOT / "deploy/sample.yaml")) as run:
        signal_id = run.alert("tv", "replace-this-by-your-own-0001", {"ticker": "USDJPY", "action": "buy", "price": "150"})
        until(lambda: "filled" in run.command("explain", signal_id), "an account in USD to trade USDJPY")


def test_redis_is_started_again_when_its_socket_was_removed(directory):
    with running(directory) as run:
        file = directory / "run/redis.sock"
        file.unlink()
        until(file.exists, "the socket to be there again", 30)
        token = (directory / "secrets/webhook-demo").read_text().strip()

        def taken():
            with contextlib.suppress(urllib.error.HTTPError):  # 503 while Redis is away
                return run.alert("demo", token, {"ticker": "EURUSD", "action": "buy", "price": "1.1"})
        signal_id = until(taken, "the door to take alerts")
        until(lambda: "filled" in run.command("explain", signal_id), "an order to be carried out")



def test_a_start_waits_until_nothing_of_the_last_run_is_left(directory):
    """The runner is killed and its Redis takes long to end: a second one on the same files would destroy them."""
    last = Run(directory).up()
    server = redis_servers(directory)
    assert len(server) == 1
    file = (directory / "run/redis.sock").stat().st_ino
    os.kill(*server, signal.SIGSTOP)
    try:
        last.process.kill()
        last.process.wait()
        following = Run(directory, "--once")
        until(lambda: "waiting for them" in following.said() or following.process.poll() is not None, "the next run to say that it waits")
        assert redis_servers(directory) == server and (directory / "run/redis.sock").stat().st_ino == file
    finally:
        os.kill(*server, signal.SIGCONT)
    status, said = following.end_by_itself()
    assert status == 0, said


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM])
def test_a_start_right_after_the_end_of_another_is_never_refused(directory, ended_by):
    for _ in range(4):
        run = Run(directory).up()
        run.process.send_signal(ended_by)
        until(lambda: run.process.poll() is not None or not (directory / "lock").read_text(), "the runner, not yet its processes, to end", pause_s=0.001)
    assert Run(directory, "--once").end_by_itself()[0] == 0
