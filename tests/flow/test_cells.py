"""Two cells on one machine: what one door takes is decided in both, whoever is killed, and nothing is done twice."""
# SPDX-License-Identifier: MIT
import json
import re
import shlex
import subprocess
import urllib.request

import pytest

from deploy.local.layout import ROOT
from tests.fault.chaos import QUICK
from tests.harness import docs, oracle
from tests.harness.cells import two_cells
from tests.harness.plant import SOURCE
from tests.harness.wait import until

MARKET = {"symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "0.1", "price": "1.08432"}


class Cells:
    """a and b, each handing over to the other."""

    def __init__(self, mode):
        self.a, self.b = two_cells(mode=mode, options=QUICK)
        self.number, self.sent = 0, set()

    def up(self):
        for plant in (self.a, self.b):
            plant.up()
        return self

    def send(self, plant, source=SOURCE, **more):
        """A signal through a door: its id."""
        self.number += 1
        door = plant.door(source)
        status, answer, _ = door.alert({**MARKET, "signal_id": f"sig-{self.number}", **more})
        door.close()
        assert status == 200, answer
        self.sent.add(answer["signal_id"])
        return answer["signal_id"]


@pytest.fixture(scope="module")
def cells(request, mode):
    both, failed_before = Cells(mode), request.session.testsfailed
    plants = (both.b, both.a)
    try:
        yield both.up()
    finally:
        if request.session.testsfailed > failed_before:
            print(f"\nkept for looking: {[plant.temporary for plant in plants]}")
            for plant in plants:
                plant.kill()
        else:
            for plant in plants:
                plant.down()


def judge(cells, accepted):
    """Both cells: everything accepted is filled there, and nothing else was done."""
    for plant in (cells.a, cells.b):
        verdict = oracle.judge(plant, accepted, {*cells.sent, *cells.a.sent})
        assert verdict.good, verdict


def filled(plant, signal_id, within_s=20):
    """The signal's hash and its one trade, filled."""
    found = plant.final(signal_id, within_s)
    assert found["status"] == "completed", found
    (trade,) = plant.trades(signal_id).values()
    assert trade["state"] == "filled"
    return found, trade


def test_a_signal_through_one_door_is_filled_by_the_accounts_of_both_cells(cells):
    signal_id = cells.send(cells.a)
    here, trade_here = filled(cells.a, signal_id)
    there, trade_there = filled(cells.b, signal_id)
    assert (trade_here["account_id"], trade_there["account_id"]) == ("acc-a", "acc-b")
    assert here["created_at"] == there["created_at"] and here["content"] == there["content"]
    assert there["cell"] == "a" and "cell" not in here
    assert "from test, at the door of cell a\n" in cells.b.command("explain", signal_id)[1]
    assert oracle.judge(cells.b, [signal_id], cells.sent).good
    assert oracle.archive(cells.b, "SELECT cell FROM signals") == [("a",)]


def test_nothing_is_handed_back(cells):
    signal_id = cells.send(cells.a)
    filled(cells.b, signal_id)
    last = cells.send(cells.b)
    filled(cells.a, last)
    assert cells.a.admin.hgetall(f"signal:{last}")["cell"] == "b"
    assert "cell" not in cells.a.admin.hgetall(f"signal:{signal_id}")


def test_the_same_signal_through_two_doors_is_one_in_each_cell(cells):
    signal_id = cells.send(cells.a, signal_id="twice")
    assert cells.send(cells.b, signal_id="twice") == signal_id
    for plant in (cells.a, cells.b):
        _, trade = filled(plant, signal_id)
        assert oracle.ledger(plant)[trade["trade_id"]] == 1


def test_what_nobody_in_the_other_cell_subscribes_to_leaves_nothing_there(cells):
    signal_id = cells.send(cells.a, source="only-a")
    filled(cells.a, signal_id)
    after = cells.send(cells.a)
    filled(cells.b, after)  # it came later, and by the same way
    assert not cells.b.signal(signal_id)
    assert not cells.b.admin.exists(f"routing:{signal_id}")


def test_a_signal_without_an_account_here_ends_as_one_that_other_cells_decide(cells):
    signal_id = cells.send(cells.a, source="nobody")
    assert cells.a.final(signal_id)["status"] == "completed"
    status, out, _ = cells.a.command("explain", signal_id)
    assert status == 0 and "no account of this cell; other cells decide for theirs" in out
    until(lambda: cells.a.admin.hget(f"signal_execution_status:{signal_id}", "rejection_reason"), "the reason")
    assert cells.a.admin.hget(f"signal_execution_status:{signal_id}", "status") == "completed"


def forget(plant, signal_id):
    """Its Redis is as if it had been killed before it wrote what it has of that signal, and everything since."""
    (log,) = (plant.layout.redis / "appendonlydir").glob("*.incr.aof")
    data, end = log.read_bytes(), b"\r\n$4\r\nEXEC\r\n"
    with open(log, "r+b") as f:
        f.truncate(data.rindex(end, 0, data.index(b"signal:" + signal_id.encode())) + len(end))


@pytest.mark.parametrize("with_relay", [False, True], ids=["", "and_its_relay_is_killed_too"])
def test_what_a_cell_acknowledged_and_lost_with_its_redis_is_offered_again(cells, with_relay):
    load = cells.a.load(f"lost-{with_relay}", 30, rate=300)
    cells.a.remember(load)
    for signal_id in load.accepted:
        cells.b.final(signal_id)
    cells.b.kill()
    if with_relay:
        cells.a.processes["relay.b"].kill()
    forget(cells.b, f"lost-{with_relay}-20")
    if with_relay:
        cells.a.restart("relay.b")
    cells.b.start()
    judge(cells, load.accepted)


def test_the_door_says_200_while_the_other_cell_is_down_and_it_gets_everything_when_it_is_back(cells):
    cells.a.remember(cells.a.load("before", 50, rate=500))
    running = cells.a.load("during", 300, rate=200)
    until(lambda: cells.b.admin.exists("signal:during-20"), "signals on their way to b")
    cells.b.kill()  # all of it, its Redis as well
    cells.a.remember(running)
    assert len(running.accepted) == 300
    late = cells.send(cells.a)
    filled(cells.a, late)
    cells.b.start()
    filled(cells.b, late)
    judge(cells, {*cells.a.accepted, late})


@pytest.mark.parametrize("point", ["relay.before_handover", "relay.after_answer", "relay.before_commit", "relay.after_commit",
                                   "ingest.before_handover_answer"])
def test_a_kill_between_the_two_commits_loses_and_doubles_nothing(cells, point):
    plant, name = (cells.a, "relay.b") if point.startswith("relay") else (cells.b, "ingest")
    plant.processes[name].kill()
    plant.processes[name] = plant.process(name, {"TRADECAST_FAIL": f"{point}:3"})
    plant.processes[name].start()
    load = cells.a.load(point, 60, rate=200)
    until(lambda: not plant.processes[name].alive(), f"{name} to die at {point}")
    plant.restart(name)
    cells.a.remember(load)
    judge(cells, load.accepted)


def test_a_relay_that_is_new_to_a_journal_begins_where_that_begins(cells):
    filled(cells.b, cells.send(cells.a))
    cells.a.processes["relay.b"].stop()
    cells.a.admin.xtrim("journal:signals", maxlen=3, approximate=False)
    cells.a.admin.delete("position:relay.b", "relay.b:peer")
    cells.a.restart("relay.b")
    filled(cells.b, cells.send(cells.a))
    assert not [a for a in cells.a.admin.smembers("alert:active") if a.startswith("journal_hole")]
    assert "journal_hole" not in (cells.a.layout.log / "relay.b.log").read_text()


def words(name):
    """The tradecast command of a block of the page, without its first word."""
    return shlex.split(docs.block("scaling", name))[1:]


@pytest.mark.parametrize("name, program", [("front", "relay"), ("front", "ingest"), ("cell", "ingest"), ("cell", "monitor")])
def test_the_page_shows_settings_that_are_taken(tmp_path, name, program):
    env = dict(line.split("=", 1) for line in shlex.split(docs.block("scaling", name))) | {"TRADECAST_KEYS_DIR": str(tmp_path / "keys")}
    subprocess.run([ROOT / "build/check/bin/tradecast", "keys", "make"], env=env, check=True, stdout=subprocess.DEVNULL)
    check = subprocess.run([ROOT / f"build/check/bin/tradecast-{program}", *(["--to", "c"] if program == "relay" else []), "--check"], env=env,
                           capture_output=True, text=True, timeout=20)
    assert check.returncode == 0, check.stderr


def view(plant):
    """What a cell's monitor knows: {cell: its row}."""
    with urllib.request.urlopen(plant.monitor_url + "/api/v1/status", timeout=5) as answer:
        return {cell["cell"]: cell for cell in json.load(answer)["cells"]}


def test_one_view_over_both_and_one_kill_switch_for_both(cells):
    until(lambda: all(c["alive"] for c in view(cells.a).values()) and view(cells.a)["b"]["last"]["accounts"] == 1, "a to hear b")
    assert cells.a.command(*words("view"))[0] == 0
    status, out, err = cells.a.command(*words("halt"))
    assert (status, out) == (0, "cell a: halt recorded\ncell b: halt recorded\n"), err
    until(lambda: view(cells.a)["b"]["last"]["state"] == "halted", "b to say that it is halted")
    signal_id = cells.send(cells.a)
    for plant in (cells.a, cells.b):
        assert plant.final(signal_id)["status"] == "failed"
        assert [d["reason"] for d in plant.decisions(signal_id).values()] == ["halted_global"]
    assert cells.a.command("resume", "--all-cells")[0] == 0
    filled(cells.b, cells.send(cells.a))


def test_a_cell_that_is_down_is_shown_as_silent_and_the_other_stays_ready(cells):
    cells.b.kill()
    waiting = cells.send(cells.a)
    until(lambda: not view(cells.a)["b"]["alive"], "b to be silent")
    _, out, _ = cells.a.command("status")
    assert re.search(r"^b +silent ", out, re.M) and re.search(r"^a +running ", out, re.M), out
    relay = until(lambda: re.search(r"^relay\.b +held .*cell b has not answered.*$", cells.a.command("status")[1], re.M), "the relay to say why")
    assert relay and urllib.request.urlopen(cells.a.monitor_url + "/readyz", timeout=5).status == 200
    status, _, err = cells.a.command("halt", "--all-cells")
    assert status == 3 and "cell b: NOT done" in err
    cells.a.command("resume")
    cells.b.start()
    filled(cells.b, waiting)
