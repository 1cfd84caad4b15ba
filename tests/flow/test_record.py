"""The record: what was written can be verified, and what was done to it since shows."""
# SPDX-License-Identifier: MIT
import csv
import gzip
import hashlib
import io
import json
import re
import shutil
import sqlite3
from contextlib import closing

import pytest

from deploy.local.layout import ROOT
from tests.harness import oracle
from tests.harness.wait import until

PLANT = {"options": {"TRADECAST_ARCHIVER_AUDIT_ROTATE": "32k"}}

DONE, ANSWER_NO, WRONG_USE, NO_REACH = range(4)


def verify(plant, *args):
    status, out, said = plant.command("verify", "--json", *map(str, args))
    return status, json.loads(out) if out else said


def row_count(plant, table):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def trade_some(plant, prefix, count=40):
    load = plant.load(prefix, count)
    plant.remember(load)
    for signal_id in (f"{prefix}-{n}" for n in (0, count - 1)):
        if signal_id in load.accepted:
            plant.final(signal_id)
    until(lambda: row_count(plant, "signals") >= len(plant.accepted), "the signals to be archived")
    return load


@pytest.fixture(scope="module")
def traded(plant):
    trade_some(plant, "record-")
    return plant


def copy_of(plant, path):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db, closing(sqlite3.connect(path)) as to:
        db.backup(to)
    return path


def test_a_running_archive_is_as_it_was_written(traded):
    status, told = verify(traded)
    assert (status, told["findings"]) == (DONE, [])
    assert told["signals"] >= 40 and told["entries"] > told["signals"] and told["days"][-1]["state"] == "open"


@pytest.mark.parametrize("tamper, wrong, where", [
    ("UPDATE signals SET entry_price = '1.1' WHERE id = 3", {"sha256", "changed"}, "signals"),
    ("UPDATE trades SET pnl = '1000' WHERE rowid = 2", {"changed"}, "trades"),
    ("DELETE FROM trade_result WHERE rowid = 2", {"removed"}, "trade_result"),
    ("INSERT INTO trade_failure_log (failure_id, signal_id, state, failed_at) VALUES ('x', 'y', 'refused', 'z')", {"inserted"},
     "trade_failure_log"),
    ("DELETE FROM chain WHERE batch = 1", {"removed", "inserted"}, "chain"),
])
def test_what_was_done_to_a_copy_shows_and_where(traded, tmp_path, tamper, wrong, where):
    path = copy_of(traded, tmp_path / "copy.db")
    assert verify(traded, path)[0] == DONE
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(tamper)
    status, told = verify(traded, path)
    assert status == ANSWER_NO
    assert wrong <= {f["wrong"] for f in told["findings"]} and where in {f["where"] for f in told["findings"]}


def test_a_damaged_file_and_one_that_is_no_archive_are_told_apart(traded, tmp_path):
    path = copy_of(traded, tmp_path / "copy.db")
    broken = tmp_path / "broken.db"
    shutil.copy(path, broken)
    with open(broken, "r+b") as f:
        f.seek(8 * 4096)
        f.write(b"\xff" * 4096)
    status, told = verify(traded, broken)
    assert status in (ANSWER_NO, NO_REACH)
    (tmp_path / "no.db").write_text("this is no archive")
    assert verify(traded, tmp_path / "no.db")[0] == NO_REACH
    assert verify(traded, tmp_path / "absent.db")[0] == NO_REACH


# --- the audit log

def lines_of(file):
    """For a moment there is none: the log is closed, and the next one not yet begun."""
    try:
        with (gzip.open if file.suffix == ".gz" else open)(file, "rt") as f:
            return f.readlines()
    except FileNotFoundError:
        return []


def audit_files(plant):
    return [*sorted(plant.layout.data.glob("signals-2*.log.gz")), plant.layout.data / "signals.log"]


def audit_lines(plant):
    """signal_id of every line of the log, the closed files first."""
    out = []
    for file in audit_files(plant):
        for line in lines_of(file):
            assert line.endswith("}\n"), f"a torn line in {file.name}"
            out.append(json.loads(line)["signal_id"])
    return out


def archived_ids(plant):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db:
        return [r[0] for r in db.execute("SELECT signal_id FROM signals ORDER BY id")]


def test_the_audit_log_has_every_signal_once_though_the_archiver_is_killed(traded):
    until(lambda: audit_lines(traded) == archived_ids(traded), "the audit log to have every signal")
    for n in range(3):
        had = row_count(traded, "signals")
        load = traded.load(f"audit{n}-", 70)
        until(lambda: row_count(traded, "signals") > had, "signals to be archived")
        traded.processes["archiver"].kill()
        traded.restart("archiver")
        traded.remember(load)
    until(lambda: row_count(traded, "signals") >= len(traded.accepted), "the signals to be archived", 60)
    until(lambda: audit_lines(traded) == archived_ids(traded), "the audit log to have every signal")
    assert len(list(traded.layout.data.glob("signals-2*.log.gz"))) > 1
    assert verify(traded)[0] == DONE


# --- the hash, as docs/record.md tells it to whoever has no tradecast

def page_program():
    """The worked example of docs/record.md: its program defines sha256_of(row)."""
    page = (ROOT / "docs/record.md").read_text()
    code = re.search(r"```python\n(def sha256_of.*?)```", page, re.S)[1]
    names = {}
    exec(code, names)
    return names["sha256_of"], page


def test_the_worked_example_of_the_page_comes_to_what_it_says():
    sha256_of, page = page_program()
    line = re.search(r"```json\n(\{.*?\})\n```", page, re.S)[1]
    array = re.search(r"```text\n(\[.*?\])\n```", page, re.S)[1]
    row = json.loads(line, parse_float=str, parse_int=str)
    assert sha256_of(row) == row["sha256"] == hashlib.sha256(array.encode()).hexdigest()


def test_every_line_of_the_log_can_be_hashed_again_by_anybody(traded):
    sha256_of, _ = page_program()
    until(lambda: audit_lines(traded) == archived_ids(traded), "the audit log to have every signal")
    lines = [line for file in audit_files(traded) for line in lines_of(file)]
    rows = [json.loads(line, parse_float=str, parse_int=str) for line in lines]
    assert len(rows) >= 40
    assert [r["signal_id"] for r in rows if sha256_of(r) != r["sha256"]] == []


def test_a_log_is_verified_closed_or_not_and_what_was_done_to_it_shows(traded, tmp_path):
    files = audit_files(traded)
    for file in files:
        status, told = verify(traded, "--log", file)
        assert (status, told["findings"]) == (DONE, []) and told["signals"] == len(lines_of(file))
    lines = lines_of(files[0])
    changed = tmp_path / "changed.log"
    lines[2] = lines[2].replace('"symbol":"EURUSD"', '"symbol":"GBPUSD"')
    changed.write_text("".join(lines[:-1]) + "no signal\n" + lines[-1][:40])
    status, told = verify(traded, "--log", changed)
    assert status == ANSWER_NO
    assert [(f["wrong"], f["where"]) for f in told["findings"]] == [
        ("sha256", "line 3"), ("unreadable", f"line {len(lines)}"), ("torn", f"line {len(lines) + 1}")]
    assert verify(traded, "--log", tmp_path / "absent.log")[0] == NO_REACH


def test_a_line_of_an_older_version_that_shortens_times_is_verified(traded, tmp_path):
    old = [re.sub(r'\.(\d*?)0+Z"', lambda m: (f".{m[1]}" if m[1] else "") + 'Z"', line)
           for line in lines_of(audit_files(traded)[0])]
    file = tmp_path / "old.log"
    file.write_text("".join(old))
    assert verify(traded, "--log", file)[0] == DONE


# --- reading

def listed(plant, what, *args):
    status, out, said = plant.command(what, "--json", *args)
    assert status == DONE, said
    return json.loads(out)


def test_lists_are_answered_page_by_page_while_the_archive_grows(traded):
    with closing(sqlite3.connect(traded.archive_uri(), uri=True)) as db:
        before = {r[0] for r in db.execute("SELECT trade_id FROM trades")}
    load = traded.load("paging-", 150, rate=300)
    seen, after = [], []
    while True:
        page = listed(traded, "trades", "--limit=200", *after)
        seen += [r["trade_id"] for r in page["rows"]]
        if "next" not in page:
            break
        after = [f"--after={page['next']}"]
    traded.remember(load)
    assert before <= set(seen) and len(seen) == len(set(seen))


def test_lists_are_tables_and_csv_and_know_conditions(traded):
    status, out, _ = traded.command("trades", "--account=acc000", "--limit=3")
    lines = out.splitlines()
    assert status == DONE and lines[0].startswith("TIME") and len([x for x in lines if "acc000" in x]) == 3
    assert lines[-1].startswith("There is more: --after ")
    status, out, _ = traded.command("signals", "--since=1h", "--symbol=EURUSD", "--limit=5", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == DONE and len(rows) == 5 and all(len(r["sha256"]) == 64 for r in rows)
    for what in ("results", "reconciliations", "failures"):
        assert traded.command(what, "--limit=2")[0] == DONE
    assert listed(traded, "trades", "--state=rejected")["rows"] == []
    until(lambda: 100 < listed(traded, "performance")["rows"][0]["orders"]
          == sum(r["orders"] for r in listed(traded, "performance", "--by=symbol")["rows"]), "both ways of summing up to agree")
    assert traded.command("performance", "--by=account", "--since=2d")[0] == DONE
    assert traded.command("report", "--since=1d", str(traded.layout.top / "report.html"))[0] == DONE
    assert traded.command("trades", "--since=yesterday")[0] == WRONG_USE
    assert traded.command("failures", "--strategy=x")[0] == ANSWER_NO


# --- backup and restore

def test_a_backup_made_under_load_is_whole_and_verifies(traded, tmp_path):
    load = traded.load("backup-", 400)
    for n in range(3):
        before = row_count(traded, "signals")
        status, out, said = traded.command("backup", str(tmp_path / f"{n}.db"))
        assert (status, said) == (DONE, "")
        status, told = verify(traded, tmp_path / f"{n}.db")
        assert (status, told["findings"]) == (DONE, []) and told["signals"] >= before
    traded.remember(load)
    status, _, said = traded.command("backup", str(tmp_path / "0.db"))
    assert status == ANSWER_NO and "overwrites nothing" in said


def test_a_restored_archive_goes_on_and_says_what_it_lacks(traded, tmp_path):
    kept = tmp_path / "kept.db"
    until(lambda: row_count(traded, "signals") >= len(traded.accepted), "the signals to be archived")
    assert traded.command("backup", str(kept))[0] == DONE
    had = set(archived_ids(traded))
    trade_some(traded, "lacking-", 40)
    until(lambda: not oracle.lags(traded.admin), "everybody to have everything")
    assert traded.command("restore", str(kept))[0] == ANSWER_NO  # while the archiver runs
    traded.processes["archiver"].stop()
    for topic in ("signals", "executions.0"):  # as it is some time later: the journals have let go of what everybody had
        last = traded.admin.xinfo_stream(f"journal:{topic}")["last-generated-id"]
        traded.admin.xtrim(f"journal:{topic}", minid=last, approximate=False)
    status, out, said = traded.command("restore", str(kept))
    assert (status, said) == (DONE, "") and "is kept as" in out
    assert set(archived_ids(traded)) == had
    assert verify(traded)[0] == ANSWER_NO  # the journals begin after it
    traded.restart("archiver")
    until(lambda: "archive_restarted" in (traded.layout.log / "archiver.log").read_text(), "the alert")
    load = traded.load("after-restore-", 40)
    traded.remember(load)
    until(lambda: set(load.accepted) <= set(archived_ids(traded)), "what came after it to be archived")
    until(lambda: audit_lines(traded) == archived_ids(traded), "the audit log to have what the archive has")
    orphans = "".join(gzip.open(f, "rt").read() if f.suffix == ".gz" else f.read_text() for f in traded.layout.data.glob("signals-orphan*"))
    assert "lacking--0" in orphans  # and what it lacks is in the log that was put aside
    status, told = verify(traded)
    assert (status, told["findings"]) == (DONE, [])


def test_what_is_damaged_or_was_changed_is_not_restored_unasked(traded, tmp_path):
    path = copy_of(traded, tmp_path / "copy.db")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE signals SET symbol = 'X' WHERE id = 2")
    status, _, said = traded.command("restore", str(path))
    assert status == ANSWER_NO and "not as it was written" in said


def test_doctor_looks_at_the_record(traded, tmp_path):
    def found():
        checks = json.loads(traded.command("doctor", "--json")[1])["checks"]
        return {c["check"]: (c["result"], c["found"]) for c in checks if c["check"] in ("chain", "backup")} | {
            "audit": [c["result"] for c in checks if c["check"] == "audit log"]}
    assert traded.command("backup", str(tmp_path / "doctor.db"))[0] == DONE
    # After the restore before this, the log is being written again from the rows.
    told = until(lambda: "ok" in (now := found())["audit"] and now, "the audit log to be whole")
    assert told["chain"][0] == "ok" and told["backup"][0] == "ok"
