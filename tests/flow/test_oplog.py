"""What the system records about itself: system_event_log, performance_log, and the lines of its logs."""
# SPDX-License-Identifier: MIT
import json
import os
import re
import sqlite3
import subprocess
import urllib.request
from contextlib import closing

from deploy.local.layout import ROOT
from tests.harness.wait import until

PLANT = {"options": {"TRADECAST_SAMPLE_EVERY": "300ms", "TRADECAST_MONITOR_REDIS_LOOK": "200ms", "TRADECAST_MONITOR_GRACE": "1s"}}


def rows(plant, query, *args):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [dict(r) for r in db.execute(query, args)]


def events(plant, event, service=None):
    return [r for r in rows(plant, "SELECT * FROM system_event_log WHERE event = ? ORDER BY created_at", event)
            if service in (None, r["service"])]


# --- system_event_log

def test_every_service_records_its_start(plant):
    until(lambda: {r["service"] for r in events(plant, "start")} >= set(plant.services), "a row for each service")
    for row in events(plant, "start"):
        assert row["text"].startswith("first start; version ") and row["subject"] == row["service"] and row["count"] == 1
        assert all(row[c] for c in ("event_id", "created_at"))


def test_a_killed_service_says_that_it_was_at_its_next_start_and_what_it_read_again(plant):
    plant.processes["reconciler"].kill()
    load = plant.load("killed", 30)
    plant.remember(load)
    plant.restart("reconciler")
    plant.final("killed-29")
    start = until(lambda: events(plant, "start", "reconciler")[1:], "the second start to be recorded")
    assert start[0]["text"].startswith("unclean: ")
    told = until(lambda: [r for r in events(plant, "recovered", "reconciler") if r["subject"] == "executions.0"], "what it made good")
    assert "entries were read from its journal" in told[0]["text"]


def test_a_service_that_is_stopped_records_it_and_starts_clean(plant):
    plant.processes["router"].stop()
    stop = until(lambda: events(plant, "stop", "router"), "the stop to be recorded")
    assert "it was asked to" in stop[0]["text"]
    plant.restart("router")
    start = until(lambda: events(plant, "start", "router")[1:], "the second start to be recorded")
    assert start[0]["text"].startswith("clean; ")


def test_a_redis_that_hangs_and_is_killed_is_recorded_once_by_everyone_who_waited(plant):
    plant.freeze("redis")
    until(lambda: plant.door().alert({"signal_id": "hung", "symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "0.1", "price": "1.08"})[0] == 503,
          "the door to say no")
    plant.thaw("redis")
    stalled = until(lambda: events(plant, "stalled", "ingest"), "the stall to be recorded")
    until(lambda: [r for r in events(plant, "recovered", "ingest") if r["subject"] == "stall"], "its end to be recorded")
    assert len(stalled) == 1
    plant.processes["redis"].kill()
    plant.restart("redis")
    until(lambda: {r["service"] for r in events(plant, "recovered") if r["subject"] == "redis"} >= set(plant.services),
          "each service to record that Redis was started again")


def test_a_configuration_is_recorded_with_who_applied_it_and_where_it_is_in_force(plant):
    assert plant.command("config", "set", "accounts.acc000.max_signal_age_s", "1800", "--note", "a shorter time")[0] == 0
    told = until(lambda: [r for r in events(plant, "configuration", "archiver") if "a shorter time" in r["text"]], "the row")
    assert told[0]["operator"] and told[0]["subject"].isdigit()
    everywhere = set(plant.services) - {"archiver"}
    until(lambda: {r["service"] for r in events(plant, "configuration") if "is in force here" in r["text"]} >= everywhere,
          "each service to record it")


def test_what_an_operator_does_is_recorded(plant):
    assert plant.command("halt", "--account", "acc001", "--reason", "a check")[0] == 0
    assert plant.command("resume", "--account", "acc001")[0] == 0
    told = until(lambda: [r for r in events(plant, "operator") if r["subject"] == "acc001"][1:], "both rows")
    assert told
    first, second = [r for r in events(plant, "operator") if r["subject"] == "acc001"]
    assert (first["text"], second["text"]) == ("halt: a check", "resume") and first["operator"] == second["operator"] != ""


# --- the lines of its logs

def lines(plant, service, event):
    text = (plant.layout.log / f"{service}.log").read_text(errors="replace")
    return [line for line in text.splitlines() if f" event={event} " in line]


def test_a_signal_s_way_is_a_line_each(plant):
    door = plant.door()
    assert door.alert({"signal_id": "told", "symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "0.1",
                       "price": "1.08"})[0] == 200
    assert door.alert({"signal_id": "not-told", "symbol": "EURUSD", "order_type": "market", "direction": "sideways"})[0] == 422
    plant.final("told")
    for service, event, wanted in (
            ("ingest", "accepted", ['signal_id="told"', 'source="test"', 'symbol="EURUSD"', "direction=buy"]),
            ("router", "routed", ['signal_id="told"', "orders=3"]),
            ("executor.0", "executed", ['signal_id="told"', 'account_id="acc001"', "trade_id=", "state=executed", "execution_price="]),
            ("reconciler", "completed", ['signal_id="told"', "status=completed"])):
        found = until(lambda: [x for x in lines(plant, service, event) if all(w in x for w in wanted)], f"{service} to say {event}")
        assert " level=info " in found[0] and len(found) == 1, found
    refused = until(lambda: [x for x in lines(plant, "ingest", "refused") if "not-told" in x], "the refusal to be told")
    assert "rejection_reason=" in refused[0]
    assert not lines(plant, "archiver", "stored")  # debug
    assert plant.token("test") not in (plant.layout.log / "ingest.log").read_text()


def test_under_load_lines_are_left_out_and_counted(plant):
    def told():
        left = [x for x in lines(plant, "ingest", "lines_left_out") if " of=accepted " in x]
        return len(lines(plant, "ingest", "accepted")) + sum(int(re.search(r"count=(\d+)", x)[1]) for x in left)
    archived = rows(plant, "SELECT count(*) AS n FROM signals")[0]["n"]
    until(lambda: told() >= archived, "what was left out before to be said")
    before, written = told(), len(lines(plant, "ingest", "accepted"))
    load = plant.load("many", 400, connections=8)
    plant.remember(load)
    plant.final("many-399")
    until(lambda: told() - before >= len(load.accepted), "written and left out to be all of them")
    assert told() - before == len(load.accepted) and len(lines(plant, "ingest", "accepted")) - written < len(load.accepted)


# --- performance_log

def test_every_process_is_sampled_with_what_it_costs_and_how_far_it_is_behind(plant):
    load = plant.load("sampled", 40)
    plant.remember(load)
    plant.final("sampled-39")
    processes = {*plant.services, *plant.gateways}
    until(lambda: {r["service"] for r in rows(plant, "SELECT DISTINCT service FROM performance_log")} >= processes, "a sample of each")
    for name in processes:
        last = rows(plant, "SELECT * FROM performance_log WHERE service = ? ORDER BY created_at DESC LIMIT 1", name)[0]
        assert last["instance_id"] == name and last["memory_bytes"] > 1 << 20 and float(last["cpu_percent"]) >= 0
        assert 250 <= last["interval_ms"] < 60000, last
    busy = rows(plant, "SELECT * FROM performance_log WHERE service = 'router' AND CAST(messages_per_s AS REAL) > 0")
    assert busy and all(0 < r["stage_us_p50"] <= r["stage_us_p95"] <= r["stage_us_p99"] <= r["stage_us_max"] for r in busy)
    assert all(0 < r["commit_us_p50"] <= r["stage_us_max"] for r in busy)
    topics = {t["topic"]: t for t in json.loads(busy[-1]["topics"])}
    assert {"orders.0", "routings", "incidents.router"} == set(topics) and topics["orders.0"]["entries"] >= 1
    assert all(t["consumer"] and t["lag"] >= 0 for t in topics.values())


# --- Redis is watched

def metrics(plant):
    with urllib.request.urlopen(plant.monitor_url + "/metrics", timeout=5) as answer:
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in answer.read().decode().splitlines() if line[:1] != "#"}


def test_the_figures_of_redis_are_metrics(plant):
    until(lambda: "tradecast_redis_ping_seconds" in metrics(plant), "the monitor to have asked")
    said, info = metrics(plant), plant.admin.info()
    assert said["tradecast_redis_memory_limit_bytes"] == info["maxmemory"] and said["tradecast_redis_aof_write_ok"] == 1
    assert 0 < said["tradecast_redis_memory_used_bytes"] and 0 < said["tradecast_redis_clients"] <= info["connected_clients"] + 2
    for name in ("keyspace_hits_total", "keyspace_misses_total", "evicted_keys_total", "expired_keys_total", "slowlog_entries",
                 "connections_rejected_total", "aof_fsync_delayed_total", "latency_spike_seconds", "memory_fragmentation_ratio"):
        assert f"tradecast_redis_{name}" in said, name
    plant.admin.slowlog_reset()
    plant.admin.config_set("slowlog-log-slower-than", 0)
    until(lambda: metrics(plant)["tradecast_redis_slowlog_entries"] > 0, "the slow log to be counted")
    plant.admin.config_set("slowlog-log-slower-than", 10000)


def test_what_is_wrong_with_redis_is_alerted_and_its_end_too(plant):
    before = plant.admin.config_get("maxmemory*")
    plant.admin.config_set("maxmemory-policy", "allkeys-lru")
    until(lambda: plant.admin.sismember("alert:active", "redis_policy:redis"), "a policy that may evict journals to be told")
    plant.admin.config_set("maxmemory-policy", "volatile-lru")
    until(lambda: plant.admin.hget("alert:redis_policy:redis", "cleared_at"), "its end to be told")
    plant.admin.config_set("maxmemory", int(plant.admin.info()["used_memory"] * 1.15))
    until(lambda: plant.admin.sismember("alert:active", "redis_memory:redis"), "the memory to be told")
    plant.admin.config_set("maxmemory", before["maxmemory"])
    until(lambda: plant.admin.hget("alert:redis_memory:redis", "cleared_at"), "its end to be told")


def test_every_rule_names_a_metric_that_there_is(plant):
    names = {n.split("{")[0] for n in metrics(plant)} | {"up", "tradecast_backup_timestamp_seconds"}
    text = (ROOT / "deploy/prometheus-rules.yml").read_text()
    used = set(re.findall(r"\b(tradecast_[a-z_]+|up)\b", "\n".join(re.findall(r"expr: (.*)", text))))
    assert {u for u in used if not u.startswith("tradecast_sync_")} <= names
    said = subprocess.run(["promtool", "check", "rules", ROOT / "deploy/prometheus-rules.yml"], capture_output=True, text=True, timeout=30)
    assert said.returncode == 0, said.stdout + said.stderr


# --- backups

def test_backups_into_a_directory_are_recorded_dated_and_the_oldest_go(plant, tmp_path):
    into = tmp_path / "backups"
    into.mkdir()
    old = [f"archive-2025010{n}T000000Z.db" for n in (1, 2, 3)]
    for name in [*old, "mine.db"]:
        (into / name).write_text("x")
    status, out, err = plant.command("backup", "--into", into, "--keep", "2", "--snapshot")
    assert status == 0 and "checked" in out and "snapshot" in out, err
    assert [name for name in old if (into / name).exists()] == [old[2]]
    assert (into / "mine.db").exists() and len(list(into.glob("archive-*.db"))) == 2
    until(lambda: [r for r in events(plant, "backup", "archiver") if str(into) in r["subject"]], "it to be recorded")
    assert until(lambda: metrics(plant).get("tradecast_backup_timestamp_seconds"), "its time to be a metric") > 1.7e9
    assert plant.command("backup")[0] == 2 and plant.command("backup", "x.db", "--into", into)[0] == 2
    assert plant.command("backup", "--into", into, "--keep", "0")[0] == 2
    until(lambda: metrics(plant)["tradecast_redis_snapshot_ok"] == 1, "the snapshot to be known")


def test_a_backup_that_goes_on_every_day_ends_well_when_it_is_told_to_stop(plant, tmp_path):
    into = tmp_path / "daily"
    with subprocess.Popen([plant.bin / "tradecast", "backup", "--into", into, "--every", "24"], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, **plant.environment("tradecast")}) as going:
        assert "checked" in going.stdout.readline()
        going.terminate()
        assert going.wait(timeout=20) == 0 and len(list(into.glob("archive-*.db"))) == 1
