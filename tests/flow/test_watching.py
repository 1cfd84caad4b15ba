"""Watching: what the monitor tells of services that die, what Prometheus reads, and the tradecast command's answers and exit statuses."""
# SPDX-License-Identifier: MIT
import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.harness import messages, wire
from tests.harness.wait import until

PLANT = {"options": {"TRADECAST_MONITOR_GRACE": "1s"}}
DONE, ANSWER_NO, WRONG_USE, NO_REACH = range(4)


def get(plant, path):
    try:
        with urllib.request.urlopen(plant.monitor_url + path, timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers["Content-Type"], e.read().decode()
    except OSError:
        return 0, "", ""  # it is not listening


def state(plant):
    return json.loads(plant.admin.get("system:state") or "{}")


def send(plant, signal_id, **more):
    options = {"symbol": "EURUSD", "action": "buy", "lots": "1", "price": "1.0843", "id": signal_id, **more}
    return plant.command("send", *(f"--{k}={v}" for k, v in options.items()))


# --- the monitor

def test_all_is_well(plant):
    assert get(plant, "/healthz")[0] == 200
    told = json.loads(get(plant, "/readyz")[2])
    assert (told["wrong"], told["ready"]) == ([], True)
    assert told["warnings"] == [f"broker {b}: no price since the start of EURUSD, GBPUSD, XAUUSD; post prices to /prices/<source>/<token>"
                                for b in "ab"]
    assert until(lambda: state(plant).get("state") == "running", "system:state to be running")


@pytest.mark.parametrize("name, status", [("rebound.example.com", 421), ("rebound.example.com:8301", 421), ("localhost:8301", 200), ("10.1.2.3", 200)])
def test_a_page_that_leads_here_by_a_name_of_its_own_reads_nothing(plant, name, status):
    """DNS rebinding: a browser asks for its page's name, whose address has become this one."""
    request = urllib.request.Request(plant.monitor_url + "/api/v1/status", headers={"Host": name})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == status
    except urllib.error.HTTPError as e:
        assert e.code == status and "accounts" not in e.read().decode()


def test_what_would_not_trade_is_warned_of_and_makes_nothing_unready(plant):
    door = plant.door()
    for symbol in ("EURUSD", "GBPUSD", "XAUUSD"):
        assert door.price(symbol, "1.1", "1.2")[0] == 200
    until(lambda: json.loads(get(plant, "/readyz")[2])["warnings"] == [], "the prices to be heard")
    alone = {"accounts": [{"account_id": "alone", "broker_id": "a", "subscriptions": [{"source": "shut", "fixed_lot": "1"}]}],
             "sources": [{"config_id": "shut", "token": "a-token-of-its-own-01", "enabled": False}],
             "brokers": [{**plant.config["brokers"][0], "symbols": [*plant.config["brokers"][0]["symbols"], {"symbol": "US30"}]}]}
    status, out, err = plant.command("config", "apply", "-", stdin=json.dumps(alone))
    assert status == DONE, err
    said = [line.removeprefix("warning: ") for line in out.splitlines() if line.startswith("warning: ")]
    assert [line.split(":")[0] for line in said] == ["account alone", "account alone", "symbol US30 of broker a"]
    assert "name it in the accounts of an instance" in said[0] and "shut, which is closed" in said[1] and "set its profit_currency" in said[2]
    unpriced = "broker a: no price since the start of US30; post prices to /prices/<source>/<token>"
    told = until(lambda: (lambda t: t if len(t["warnings"]) == 4 else None)(json.loads(get(plant, "/readyz")[2])), "the monitor to warn")
    assert told == {"wrong": [], "warnings": [*said, unpriced], "ready": True} and get(plant, "/readyz")[0] == 200
    status, out, _ = plant.command("status", "--json")
    assert status == DONE and [w["warning"] for w in json.loads(out)["warnings"]] == said
    assert said[0] in plant.command("status")[1]
    checked = json.loads(plant.command("doctor", "--json")[1])["checks"]
    assert [c["found"] for c in checked if (c["result"], c["check"]) == ("warning", "configuration")] == said
    plant.command("config", "set", "accounts.alone", "null")
    plant.command("config", "set", "sources.shut", "null")
    assert plant.command("config", "apply", "-", stdin=json.dumps({"brokers": [plant.config["brokers"][0]]}))[0] == DONE
    until(lambda: json.loads(get(plant, "/readyz")[2])["warnings"] == [], "nothing to be left")


def test_prometheus_can_read_its_metrics(plant):
    assert send(plant, "w-metrics")[0] == DONE
    plant.final("w-metrics")
    until(lambda: 'tradecast_signals_total{state="completed"} 0\n' not in get(plant, "/metrics")[2], "the signal to be counted")
    status, kind, text = get(plant, "/metrics")
    assert status == 200 and kind.startswith("text/plain")
    said = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_the_status_is_json_with_lags(plant):
    status, kind, text = get(plant, "/api/v1/status")
    told = json.loads(text)
    assert (status, kind) == (200, "application/json")
    assert {s["name"] for s in told["services"]} == set(plant.services)
    lags = {(t["topic"], c["consumer"]): c["lag"] for t in told["topics"] for c in t["consumers"]}
    assert ("signals", "router") in lags and ("executions.0", "archiver") in lags


def test_a_service_that_dies_is_told_and_so_is_its_return(plant):
    plant.processes["reconciler"].kill()
    wrong = until(lambda: (lambda a: a[0] == 503 and json.loads(a[2])["wrong"])(get(plant, "/readyz")), "readyz to say no")
    assert wrong[0].startswith("reconciler was last heard")
    until(lambda: plant.admin.sismember("alert:active", "service_silent:reconciler"), "the alert")
    assert plant.admin.hget("alert:service_silent:reconciler", "severity") == "critical"
    assert state(plant)["state"] == "degraded"
    status, out, _ = plant.command("status", "--json")
    assert status == ANSWER_NO
    assert {s["service"]: s["state"] for s in json.loads(out)["services"]}["reconciler"] == "silent"
    plant.restart("reconciler")
    until(lambda: get(plant, "/readyz")[0] == 200, "readyz to say yes")
    until(lambda: plant.admin.hget("alert:service_silent:reconciler", "cleared_at"), "the alert to be cleared")
    assert plant.admin.ttl("alert:service_silent:reconciler") > 0


def test_a_killed_monitor_goes_on_and_says_nothing_twice(plant):
    gateway = sorted(plant.gateways)[0]
    plant.processes[gateway].kill()
    alert = f"alert:instance_lost:{gateway}"
    until(lambda: plant.admin.exists(alert), "the lost gateway to be told", within_s=40)
    first = plant.admin.hget(alert, "alert_id")
    before = plant.admin.get("metrics:performance")
    plant.processes["monitor"].kill()
    plant.restart("monitor")
    until(lambda: get(plant, "/healthz")[0] == 200 and json.loads(get(plant, "/api/v1/status")[2])["alerts"], "the alert to be known again")
    assert plant.admin.hget(alert, "alert_id") == first
    assert json.loads(before)["win_count"] == json.loads(plant.admin.get("metrics:performance"))["win_count"]
    plant.restart(gateway)
    until(lambda: plant.admin.hget(alert, "cleared_at"), "the gateway's alert to be cleared", within_s=40)


def test_a_halt_is_seen_in_the_system_s_state(plant):
    assert plant.command("halt", "--reason", "test")[0] == DONE
    until(lambda: state(plant)["state"] == "halted", "system:state to be halted")
    assert plant.command("resume")[0] == DONE
    until(lambda: state(plant)["state"] == "running", "system:state to be running")


# --- the command

@pytest.mark.parametrize("args, status", [
    ([], WRONG_USE), (["--help"], DONE), (["nothing"], WRONG_USE), (["explain"], WRONG_USE), (["explain", "--help"], DONE),
    (["status", "--nothing"], WRONG_USE), (["tail", "--count", "many"], WRONG_USE), (["journal", "show"], WRONG_USE),
    (["deadletter", "show", "router"], WRONG_USE), (["version"], DONE), (["explain", "no-such-signal"], ANSWER_NO),
    (["journal", "show", "no-such-topic"], ANSWER_NO), (["halt", "--account", "nobody"], ANSWER_NO), (["close", "no-such-trade"], ANSWER_NO),
    (["deadletter", "list"], DONE), (["journal", "list"], DONE), (["config", "show"], DONE), (["send"], WRONG_USE),
    (["status", "--dir", "/nowhere"], NO_REACH), (["halt", "--dir", "/nowhere"], NO_REACH), (["explain", "x", "--dir", "/nowhere"], NO_REACH),
])
def test_the_exit_status_says_how_it_went(plant, args, status):
    got, out, err = plant.command(*args)
    assert got == status, (out, err)
    assert bool(err) == (status != DONE and args != [])


@pytest.mark.parametrize("way", [[], ["--zmq"]])
def test_a_signal_can_be_sent_by_either_way(plant, way):
    body = '{"symbol":"EURUSD","action":"buy","quantity":"1","price":"1.0843","signal_id":"%s"}' % ("w-zmq" if way else "w-http")
    status, out, err = plant.command("send", "-", *way, "--json", stdin=body)
    assert status == DONE, err
    told = json.loads(out)
    assert told["status"] == "pending"
    assert plant.final(told["signal_id"])["status"] == "completed"


def test_a_wrong_signal_is_refused_by_name(plant):
    status, out, _ = send(plant, "w-wrong", lots="-1", price="1.0843")
    assert status == ANSWER_NO and "422" in out and "quantity" in out


def test_tail_shows_what_is_asked_for_and_ends(plant):
    with subprocess.Popen([plant.bin / "tradecast", "tail", "--json", "--type", "Execution", "--account", "acc000", "--count", "1", "--for", "20"],
                          env={**os.environ, **plant.environment("tradecast")}, stdout=subprocess.PIPE, text=True) as tail:
        for n in range(100):  # a watcher that has just come may miss the first
            send(plant, f"w-tail-{n}")
            if tail.poll() is not None:
                break
        lines = tail.communicate(timeout=30)[0].splitlines()
    assert tail.returncode == DONE and len(lines) == 1
    entry = json.loads(lines[0])
    assert entry["type"] == "Execution" and entry["body"]["trade"]["account_id"] == "acc000"


def test_the_journal_is_shown_decoded(plant):
    send(plant, "w-journal")
    plant.final("w-journal")
    status, out, _ = plant.command("journal", "show", "signals", "--type", "Signal", "--count", "1000", "--json")
    assert status == DONE
    assert "w-journal" in [json.loads(line)["body"]["signal_id"] for line in out.splitlines()]
    status, out, _ = plant.command("journal", "list", "--json")
    assert {t["topic"] for t in json.loads(out)} >= {"signals", "orders.0", "executions.0", "incidents.monitor"}


def dead_letter_of(plant, signal_id):
    """The Signal as the journal has it, put aside by hand."""
    for entry_id, m in messages.journal_entries(plant.raw(), "signals"):
        if getattr(m, "signal_id", None) == signal_id:
            letter = messages.TYPES["DeadLetter"](topic="signals", id=entry_id, type="Signal", reason="by hand", body=m.SerializeToString(),
                                                  created_at=1)
            plant.raw().xadd("deadletter:router", {"e": letter.SerializeToString()}, id="1-1")
            return
    raise AssertionError(f"{signal_id} is not in the journal")


def test_a_dead_letter_is_told_shown_and_driven_again(plant):
    assert send(plant, "w-dead")[0] == DONE
    plant.final("w-dead")
    dead_letter_of(plant, "w-dead")
    plant.processes["router"].kill()
    plant.restart("router")
    until(lambda: plant.admin.sismember("alert:active", "dead_letters:router"), "the alert")
    status, out, _ = plant.command("deadletter", "list", "--json")
    assert (status, [(d["service"], d["id"], d["reason"]) for d in json.loads(out)]) == (DONE, [("router", "1-1", "by hand")])
    status, out, _ = plant.command("deadletter", "show", "router", "1-1")
    assert status == DONE and json.loads(out)["body"]["signal_id"] == "w-dead"
    assert plant.command("deadletter", "show", "router", "1-2")[0] == ANSWER_NO
    assert plant.command("deadletter", "redrive", "router", "1-2")[0] == ANSWER_NO
    assert plant.command("deadletter", "redrive", "router", "1-1")[0] == DONE
    assert plant.admin.xlen("deadletter:router") == 0
    until(lambda: not plant.admin.sismember("alert:active", "dead_letters:router"), "the alert to be cleared")
    assert plant.final("w-dead")["status"] == "completed"


def test_what_is_commanded_is_quoted_in_the_log(plant):
    """An id with a blank in it must not read as a field of its own."""
    assert wire.control(plant, "monitor", "cancel", 'no trade_id=forged operator=root', "-", "-", "desk").ok
    until(lambda: 'event=command ' in (plant.layout.log / "monitor.log").read_text(), "the command in the log")
    line, = [text for text in (plant.layout.log / "monitor.log").read_text().splitlines() if "forged" in text]
    assert 'trade_id="no trade_id=forged operator=root"' in line
