"""What went over the topics is kept in a file, and its signals are sent again."""
# SPDX-License-Identifier: MIT
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

import msgpack
import pytest

from deploy.local.layout import ROOT
from tests.harness.plant import Plant, configuration
from tests.harness.wait import until


@pytest.fixture(scope="module")
def plant():
    p = Plant(config=configuration(accounts=2, brokers=1)).up()
    yield p
    p.down()


@pytest.fixture
def file(plant, request):
    return f"{plant.temporary}/{request.node.name}.rec"


def send(plant, signal_id):
    status, out, err = plant.command("send", "-", stdin=json.dumps({"signal_id": signal_id, "symbol": "EURUSD", "action": "buy", "price": "1.1"}))
    assert status == 0, out + err


def post(plant, signal_id):
    """At once: nobody waits for what becomes of it."""
    sides = ("buy", "sell", "close")
    status, answer, _ = plant.door().alert({"signal_id": signal_id, "symbol": "EURUSD", "action": sides[len(signal_id) % 3], "price": "1.1"})
    assert status == 200, answer


def final(plant, signal_id):
    return until(lambda: plant.admin.hget(f"signal:{signal_id}", "status") in ("completed", "failed"), f"{signal_id} to be final")


def recorder(plant, file, *more):
    env = {**os.environ, **plant.environment("tradecast")}
    child = subprocess.Popen([plant.bin / "tradecast", "record", file, *more], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: os.path.exists(file) and os.path.getsize(file) > 500 or child.poll() is not None, "the recording to begin")
    return child


def messages(plant, file, *more):
    status, out, err = plant.command("recording", "cat", file, "--json", *more)
    assert status == 0, err
    return [json.loads(line) for line in out.splitlines()]


def has_outcome(plant, file, signal_id):
    return any(m["type"] == "Outcome" and m["body"].get("signal", {}).get("signal_id") == signal_id for m in messages(plant, file))


def test_every_message_of_a_signal_is_in_the_recording_once(plant, file):
    child = recorder(plant, file)
    send(plant, "recorded")
    final(plant, "recorded")
    until(lambda: has_outcome(plant, file, "recorded"), "the outcome to be in the file")
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 0, err
    found = messages(plant, file, "--signal", "recorded")
    assert {"Signal", "Routing", "Order", "Execution", "Outcome"} <= {m["type"] for m in found}
    ids = [(m["topic"], m["id"]) for m in found]
    assert len(ids) == len(set(ids))


def test_the_past_is_read_from_the_journals(plant, file):
    send(plant, "past")
    final(plant, "past")
    status, out, err = plant.command("record", file, "--past", "--compress", "--json")
    assert status == 0 and json.loads(out)["messages"] > 5, err
    assert [m["body"]["signal_id"] for m in messages(plant, file, "--type", "Signal", "--signal", "past")] == ["past"]


def test_any_reader_of_messagepack_reads_it(plant, file):
    assert plant.command("record", file, "--past")[0] == 0
    with open(file, "rb") as f:
        head, *records = msgpack.Unpacker(f, raw=False)
    assert head["recording"] == 1
    assert records and all(set(r) == {"at", "topic", "id", "prev", "type", "body"} for r in records)


@pytest.mark.parametrize("compress", [[], ["--compress"]], ids=["plain", "gzipped"])
def test_a_killed_recorder_leaves_what_it_had(plant, file, compress):
    child = recorder(plant, file, *compress)
    name = f"killed-{len(compress)}"
    send(plant, name)
    final(plant, name)
    until(lambda: has_outcome(plant, file, name), "the outcome to be in the file")
    child.kill()
    child.wait()
    assert has_outcome(plant, file, name)
    if not compress:
        with open(file, "ab") as f:
            f.write(b"\x86\xa2at")  # a record that was begun
        status, out, err = plant.command("recording", "cat", file, "--json")
        assert name in out and "not whole" in err


def test_parts_and_wholes(plant, file):
    assert plant.command("record", file, "--past")[0] == 0
    assert plant.command("recording", "cut", file, f"{file}.cut", "--topic", "signals")[0] == 0
    assert plant.command("recording", "merge", file, f"{file}.cut", f"{file}.merged")[0] == 0
    assert len(messages(plant, f"{file}.merged")) == len(messages(plant, file))
    topics = json.loads(plant.command("recording", "info", f"{file}.cut", "--json")[1])
    assert [t["topic"] for t in topics] == ["signals"] and topics[0]["holes"] == 0
    assert plant.command("recording", "cut", file, file)[0] == 2  # an existing file is not written over


def test_what_is_no_recording_is_refused(plant, file):
    for content in (b"", b"{}", b"\xdf\xff\xff\xff\xff", b"\x83\xa9recording\x01"):
        with open(file, "wb") as f:
            f.write(content)
        status, out, err = plant.command("recording", "info", file)
        assert status == 2 and "is no recording" in err


def test_signals_are_replayed_under_new_ids_and_resends_are_recognised(plant, file):
    send(plant, "again")
    final(plant, "again")
    assert plant.command("record", f"{file}.all", "--past")[0] == 0
    assert plant.command("recording", "cut", f"{file}.all", file, "--signal", "again", "--type", "Signal")[0] == 0
    before = plant.admin.xlen("journal:signals")
    status, out, err = plant.command("replay", file, "--keep-ids", "--json")
    assert status == 0 and json.loads(out) == {"signals": 1, "prices": 0, "documents": 0, "not_on_record": 0}, err
    status, out, err = plant.command("replay", file)
    assert status == 0, err
    until(lambda: plant.admin.xlen("journal:signals") == before + 1, "the renewed one, and it alone")
    renewed = next(k.split(":", 1)[1] for k in plant.admin.scan_iter("signal:again.*"))
    final(plant, renewed)
    assert plant.admin.hget(f"signal:{renewed}", "status") == "completed"


def test_a_live_account_is_never_replayed_into(plant, file):
    assert plant.command("record", file, "--past")[0] == 0
    live = {"accounts": [{**plant.config["accounts"][0], "live": True}]}
    plant.apply(live)
    try:
        until(lambda: plant.admin.hget(f"account_config:{live['accounts'][0]['account_id']}", "live") == "1", "the account to be live")
        status, out, err = plant.command("replay", file)
        assert status == 1 and "is live" in err
    finally:
        plant.apply({"accounts": [plant.config["accounts"][0] | {"live": False}]})


def flat(plant, name):
    """Nothing is open: of several positions of one moment a service that begins anew may take another first."""
    status, answer, _ = plant.door().alert({"signal_id": f"flat-{name}", "symbol": "EURUSD", "action": "close"})
    assert status == 200, answer
    final(plant, f"flat-{name}")
    until(lambda: not plant.admin.hlen("reconciliation:open"), "all to be on its way")


def incident(plant, file, name):
    """Signals, a halt, and one more; recorded by what was running before."""
    account = plant.config["accounts"][0]["account_id"]
    flat(plant, name)
    child = recorder(plant, file)
    for n in range(12):
        post(plant, f"{name}-{n}")
    for n in range(12):
        final(plant, f"{name}-{n}")
    plant.command("halt", "--account", account)
    until(lambda: plant.admin.hget(f"risk:{account}", "mode") == "halted", "the halt")
    post(plant, f"{name}-halted")
    final(plant, f"{name}-halted")
    plant.command("resume", "--account", account)
    until(lambda: plant.admin.hget(f"risk:{account}", "mode") == "trading", "trading again")
    until(lambda: has_outcome(plant, file, f"{name}-halted"), "the outcome to be in the file")
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=20) == 0


def offline(plant, file, *more):
    status, out, err = plant.command("replay", file, "--offline", "--json", *more)
    assert out, err
    said = json.loads(out)
    return status, {s["service"]: s for s in said["services"]}, said["rows"], err


def test_every_service_says_the_same_again_to_the_byte(plant, file):
    incident(plant, file, "every")
    status, services, rows, err = offline(plant, file)
    assert status == 0 and rows == [], err
    assert set(services) == {"router", "executor.0", "reconciler", "archiver"}
    assert services["router"]["as_recorded"] > 12 and services["executor.0"]["as_recorded"] > 24 and services["reconciler"]["as_recorded"] > 12
    assert all(s["not_recorded"] == s["different"] == 0 for s in services.values())


def test_a_part_of_the_services_is_run_alone(plant, file):
    incident(plant, file, "part")
    status, services, rows, err = offline(plant, file, "--service", "executor")
    assert status == 0 and set(services) == {"executor.0"} and services["executor.0"]["as_recorded"] > 24, (print(json.dumps(rows)), err)


def test_another_configuration_shows_what_would_have_been_decided(plant, file):
    incident(plant, file, "another")
    config = json.loads(json.dumps(plant.config))
    account = config["accounts"][1]["account_id"]
    config["accounts"][1]["enabled"] = False
    with open(f"{file}.json", "w") as f:
        json.dump(config, f)
    status, services, rows, err = offline(plant, file, "--service", "router", "--config", f"{file}.json")
    assert status == 1, err
    decided = [(r["account"], r["was"], r["is"]) for r in rows if r["message"] == "Routing"]
    assert set(decided) == {(account, "ordered", "account_disabled")} and len(decided) == 13
    assert {r["account"] for r in rows} == {account}  # orders that would not have been sent


def test_a_service_that_was_restarted_says_the_same_again(plant, file):
    flat(plant, "restart")
    child = recorder(plant, file)
    for name in ("router", "executor.0", "reconciler"):
        post(plant, f"before-{name}")
        final(plant, f"before-{name}")
        plant.processes[name].stop()
        post(plant, f"while-{name}")
        plant.restart(name)
        final(plant, f"while-{name}")
    until(lambda: has_outcome(plant, file, "while-reconciler"), "the outcome to be in the file")
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=20) == 0
    status, services, rows, err = offline(plant, file)
    assert status == 0 and rows == [] and services["executor.0"]["as_recorded"] > 12, (print(json.dumps(rows)), err)


@pytest.mark.parametrize("part", [["--past"], ["--topic", "routings", "--past"]], ids=["past", "topic"])
def test_what_has_no_traces_is_not_run_again(plant, file, part):
    """What was heard just before or just after a signal is not on record there: no service is guessed at."""
    send(plant, f"otherwise-{len(part)}")
    final(plant, f"otherwise-{len(part)}")
    assert plant.command("record", file, *part)[0] == 0
    for more in ([], ["--service", "router"], ["--service", "executor"]):
        status, out, err = plant.command("replay", file, "--offline", "--json", *more)
        assert status == 1 and not out and "says what services did" in err, err


def commands_of(page):
    """The lines of its shell blocks, without what stands behind '#'."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.S) for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def test_the_commands_of_the_page_do_what_it_says(plant, tmp_path):
    """In order, in one directory; what SIGNAL_ID, other files and a running recorder stand for is put there."""
    env = {**os.environ, **plant.environment("tradecast"), "TRADECAST_DIR": plant.temporary}
    account = plant.config["accounts"][0]["account_id"]
    seen = set()
    for words in commands_of(ROOT / "docs/replay.md"):
        if words[0] != "tradecast":
            continue
        seen.add(words[1])
        words = [{"SIGNAL_ID": "page"}.get(w, w) for w in words]
        child = subprocess.Popen([plant.bin / "tradecast", *words[1:]], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if words[1:] == ["record", "day.rec"]:
            until(lambda: (tmp_path / "day.rec").exists() and (tmp_path / "day.rec").stat().st_size > 500, "the recording to begin")
            flat(plant, "page")
            send(plant, "page")
            final(plant, "page")
            until(lambda: has_outcome(plant, tmp_path / "day.rec", "page"), "the outcome to be in the file")
            child.send_signal(signal.SIGINT)
            shutil.copy(tmp_path / "day.rec", tmp_path / "a.rec")
            shutil.copy(tmp_path / "day.rec", tmp_path / "b.rec")
            (tmp_path / "other.json").write_text(json.dumps({**plant.config, "accounts": [
                {**a, "enabled": a["account_id"] != account} for a in plant.config["accounts"]]}))
        out, err = child.communicate(timeout=60)
        assert child.returncode == (1 if "--config" in words else 0), (words, out, err)
    assert seen >= {"record", "recording", "replay"}
    assert (tmp_path / "day.db").stat().st_size > 0
