"""Configuration: refused whole or taken whole, on record before it is told, and found again after any loss. Redis and the archiver alone."""
# SPDX-License-Identifier: MIT
import json
import os
import signal
import sqlite3
import subprocess
from contextlib import closing

import pytest

from tests.harness.plant import Plant, configuration
from tests.harness.wait import until

HASH = "0" * 64


def document(accounts=3):
    made = configuration(accounts=accounts)
    return {**made, "sources": [{**s, "token_hash": HASH} for s in made["sources"]]}


class Office(Plant):
    def open(self):
        self.layout.make()
        self.layout.own()
        self.start_redis().close()
        self.start_process("archiver")
        self.listening()
        return self

    def listening(self):
        """Until the archiver takes requests: it binds its control socket after it has loaded."""
        def answers():
            assert self.processes["archiver"].alive(), self.processes["archiver"].last_words()
            return self.command("config", "show")[0] == 0
        until(answers, "the archiver to answer")

    def shown(self):
        status, out, err = self.command("config", "show", "--json")
        assert status == 0, err
        return json.loads(out)

    def rows(self, query):
        with closing(sqlite3.connect(f"file:{self.archive}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(query).fetchall()

    def told(self):
        """What Redis has, as (version, accounts)."""
        return self.admin.get("archiver:config_version"), self.admin.smembers("account_config:index")

    def again(self, more=None):
        """The archiver is killed, if it is there, and started."""
        self.processes["archiver"].kill()
        self.processes["archiver"] = self.process("archiver", more)
        self.processes["archiver"].start()
        self.listening()


@pytest.fixture
def office(request, mode):
    failed_before = request.session.testsfailed
    it = Office(mode=mode).open()
    try:
        yield it
    finally:
        it.keep = request.session.testsfailed > failed_before
        it.down()


def test_a_document_is_in_sqlite_in_redis_and_on_the_topic(office):
    office.apply(document())
    assert office.told() == ("1", {"acc000", "acc001", "acc002"})
    assert office.admin.hget("account_config:acc000", "version") == "1"
    assert office.admin.xlen("journal:config") == 8
    assert office.rows("SELECT count(*) FROM account_config") == [(3,)]
    assert {a["account_id"] for a in office.shown()["accounts"]} == {"acc000", "acc001", "acc002"}
    office.apply(document())
    assert office.told()[0] == "1" and office.admin.xlen("journal:config") == 8


def test_a_wrong_document_changes_nothing_and_says_where(office):
    wrong = document()
    wrong["accounts"][1]["broker_id"] = "nobody"
    wrong["accounts"][2]["subscriptions"][0]["fixed_lot"] = "-1"
    file = office.layout.top / "wrong.json"
    file.write_text(json.dumps(wrong))
    status, out, err = office.command("config", "apply", str(file))
    assert status != 0
    assert "accounts[1].broker_id: nobody is not a broker" in out + err
    assert "accounts[2].subscriptions[0].fixed_lot: must be more than 0" in out + err
    assert office.told() == (None, set())
    assert office.rows("SELECT count(*) FROM account_config") == [(0,)]


def test_a_row_that_went_is_gone_everywhere(office):
    office.apply(document(3))
    office.apply({**document(2), "replace": True})
    assert office.told() == ("2", {"acc000", "acc001"})
    assert not office.admin.exists("account_config:acc002")
    assert office.rows("SELECT account_id FROM account_config ORDER BY 1") == [("acc000",), ("acc001",)]
    office.again()
    assert {a["account_id"] for a in office.shown()["accounts"]} == {"acc000", "acc001"}


@pytest.mark.parametrize("point", ["archiver.before_commit", "archiver.in_commit", "archiver.after_commit"])
def test_a_kill_around_the_commit_leaves_all_of_it_or_nothing(office, point):
    office.processes["archiver"].stop()
    file, armed = office.layout.top / "config.json", office.layout.top / "armed"
    office.again({"TRADECAST_FAIL": point, "TRADECAST_FAIL_FROM": armed})
    file.write_text(json.dumps(document()))
    armed.touch()
    with subprocess.Popen([office.bin / "tradecast", "config", "apply", file], env={**os.environ, **office.environment("tradecast")}) as asking:
        assert office.processes["archiver"].wait() == -signal.SIGKILL
        asking.kill()  # nobody will answer it
    office.again()
    version = office.shown()["version"]
    wanted = (None, set()) if version == 0 else ("1", {"acc000", "acc001", "acc002"})
    until(lambda: office.told() == wanted, f"Redis to have what SQLite has: {wanted}")
    office.apply(document())
    assert office.told() == ("1", {"acc000", "acc001", "acc002"})


def test_what_redis_forgot_is_told_again(office):
    office.apply(document(3))
    office.apply({**document(2), "replace": True})
    office.processes["archiver"].stop()
    office.admin.delete("archiver:config_version", *office.admin.keys("account_config:*"))
    office.again()
    until(lambda: office.told() == ("2", {"acc000", "acc001"}), "Redis to have the configuration again")
    assert office.admin.hget("account_config:acc000", "broker_id") == "a"


def test_what_sqlite_lost_comes_back_from_redis(office):
    office.apply(document())
    office.processes["archiver"].stop()
    for part in ("", "-wal", "-shm"):
        if os.path.exists(f"{office.archive}{part}"):
            os.rename(f"{office.archive}{part}", f"{office.archive}.lost{part}")
    office.again()
    until(lambda: office.rows("SELECT count(*) FROM account_config") == [(3,)], "the tables to be filled from the cache")
    assert office.shown()["version"] == 1
    office.apply(document(4))
    assert office.told()[0] == "2"
