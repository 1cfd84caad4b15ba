"""From the version before to this one and back, by the blocks of docs/deployment.md: nothing is lost; an archive of a later schema is refused in words."""
# SPDX-License-Identifier: MIT
import json
import sqlite3
from contextlib import closing

import pytest

from tests.deploy.conftest import CONFIG, alert
from tests.deploy.machine import Machine
from tests.harness import docs
from tests.harness.wait import until

ARCHIVE = "var/lib/tradecast/data/archive.db"


@pytest.fixture(scope="module")
def machine(root, package, older_package, recent_package):
    with Machine(root) as m:
        m.put(older_package, "build/deb")
        m.put(recent_package, "old")
        m.put(package, "new")
        m.write("/root/my.json", json.dumps(CONFIG))
        m.sh(docs.block("deployment", "install"))
        m.sh(docs.block("deployment", "gateway"))
        m.ready()
        m.sent = []
        yield m


def signal(machine, signal_id):
    machine.send(signal_id, alert(signal_id))
    machine.sent.append(signal_id)


def nothing_is_lost(machine):
    for signal_id in machine.sent:
        machine.filled(signal_id)
    assert machine.executions("alpha-1") == len(machine.sent)


def version(machine):
    return machine("dpkg-query", "-W", "-f", "${Version}", "tradecast").stdout


def test_upgraded_it_goes_on_with_what_was_left_over(machine):
    signal(machine, "old-1")
    machine.filled("old-1")
    machine("systemctl", "stop", "tradecast-router")  # what the older door takes is for the newer router
    signal(machine, "old-2")
    machine.sh(docs.block("deployment", "backup"))
    machine.sh(docs.block("deployment", "upgrade"))
    assert version(machine) == "0.1.0"
    machine.ready()
    signal(machine, "new-1")
    nothing_is_lost(machine)


def test_an_archive_of_a_later_schema_is_refused_in_words_and_trading_goes_on(machine):
    machine("systemctl", "stop", "tradecast-archiver")
    with closing(sqlite3.connect(machine.root / ARCHIVE)) as db:
        known = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {known + 1}")
    machine("systemctl", "start", "--no-block", "tradecast-archiver")
    said = f"schema version {known + 1}, this program knows {known}: use the newer program"
    until(lambda: said in machine("journalctl", "--no-pager", "-o", "cat", "-u", "tradecast-archiver", "-n", "20").stdout, "the refusal", within_s=30)
    signal(machine, "unrecorded")
    until(lambda: machine.executions("alpha-1") == len(machine.sent), "the order to be executed", within_s=30)


def test_the_backup_is_put_back_and_what_the_journals_have_is_recorded(machine):
    machine.sh(docs.block("deployment", "restore"))
    machine.ready()
    machine.filled("unrecorded")
    machine.filled("old-1")
    assert list((machine.root / ARCHIVE).parent.glob("archive.db.replaced-*"))


def test_rolled_back_it_goes_on_too(machine):
    machine("systemctl", "stop", "tradecast-router")
    signal(machine, "new-2")
    machine.sh(docs.block("deployment", "rollback"))
    assert version(machine) == "0.0.9"
    machine.ready()
    signal(machine, "old-3")
    nothing_is_lost(machine)
    machine("tradecast", "verify")
