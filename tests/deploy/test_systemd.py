"""What a user of systemd does: install the package, start the target, send an alert, kill things, stop, uninstall. In a booted systemd."""
# SPDX-License-Identifier: MIT
import json
import pathlib
import re
import subprocess
import warnings

import pytest

from tests.deploy.machine import ROOT, Machine, dependencies, why_not
from tests.harness.wait import until

SERVICES = ["archiver", "monitor", "reconciler", "executor@0", "router", "ingest"]
EXPOSURE_MOST = 2.0
BROKER = {"broker_id": "alpha", "price_tolerance": "1", "symbols": [{"symbol": "EURUSD", "lot_step": "0.01"}]}
CONFIG = {
    "sources": [{"config_id": "desk", "token": "0123456789abcdef0123456789abcdef"}],
    "brokers": [BROKER],
    "accounts": [{"account_id": "anna", "broker_id": "alpha", "balance": "10000", "subscriptions": [{"source": "desk", "fixed_lot": "0.1"}]}],
    "instances": [{"instance_id": "alpha-1", "broker_id": "alpha", "accounts": ["anna"]}],
}


@pytest.fixture(scope="module")
def package():
    subprocess.run(["make", "-s", "deb"], cwd=ROOT, check=True, timeout=600, capture_output=True)
    return next((ROOT / "build/deb").glob("tradecast_*.deb"))


@pytest.fixture(scope="module")
def machine(package):
    reason = why_not()
    if reason:
        warnings.warn(f"NO SYSTEMD WAS BOOTED: {reason}; only the files were checked", stacklevel=1)
        pytest.skip(f"no systemd can be booted here: {reason}")
    with Machine(["systemd-sysv", "dbus", *dependencies(package)]) as m:
        (m.root / "root/tradecast.deb").write_bytes(pathlib.Path(package).read_bytes())
        m("dpkg", "-i", "/root/tradecast.deb")
        m.write("/root/config.json", json.dumps(CONFIG))
        m.write("/etc/tradecast/gateway-paper-alpha-1.env", "TRADECAST_PAPER_BROKER_ID=alpha\n")
        yield m


def ready(m):
    return m("python3", "-c", "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8301/readyz', timeout=5).status)", check=False).returncode == 0


def send(m, signal_id):
    body = json.dumps({"signal_id": signal_id, "symbol": "EURUSD", "action": "buy", "price": "1.1"})
    command = "TRADECAST_TOKEN=0123456789abcdef0123456789abcdef tradecast send --source desk -"
    until(lambda: m("sh", "-c", command, stdin=body, check=False).returncode == 0, "the signal to be taken", within_s=60, pause_s=0.5)


def state(m, signal_id):
    p = m("tradecast", "explain", signal_id, "--json", check=False)
    return p.stdout if p.returncode == 0 else ""


def executions(m):
    code = "import sqlite3; print(sqlite3.connect('/var/lib/tradecast/data/alpha-1.db').execute('SELECT count(*) FROM orders').fetchone()[0])"
    return int(m("python3", "-c", code).stdout)


def test_the_package_is_what_a_packager_would_make(package):
    p = subprocess.run(["lintian", "--allow-root", "--fail-on=error,warning", package], capture_output=True, text=True, timeout=120)
    assert p.returncode == 0, p.stdout


def test_the_units_are_understood_and_shut_in(machine):
    units = [f"tradecast-{s}.service" for s in [*SERVICES, "redis", "gateway-paper@alpha-1"]]
    said = machine("systemd-analyze", "verify", "--man=no", "tradecast.target", *units, check=False)
    assert said.returncode == 0 and said.stderr.strip() == "", said.stderr
    for unit in units:
        exposure = machine("systemd-analyze", "security", "--no-pager", unit).stdout
        level = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", exposure).group(1))
        assert level <= EXPOSURE_MOST, f"{unit}: {level}"


def test_started_by_its_target_it_fills_an_alert(machine):
    machine("systemctl", "enable", "--now", "tradecast.target", "tradecast-gateway-paper@alpha-1.service", within_s=120)
    until(lambda: machine("tradecast", "config", "apply", "/root/config.json", check=False).returncode == 0, "the configuration to be taken", within_s=60)
    until(lambda: ready(machine), "everything to be ready", within_s=60)
    send(machine, "first")
    until(lambda: "filled" in state(machine, "first"), "the fill", within_s=30)
    assert machine("tradecast", "doctor", check=False).stdout.count("WRONG") == 0


def test_whoever_is_killed_comes_back_and_nothing_is_lost(machine):
    before = executions(machine)
    ids = []
    for n, service in enumerate([*SERVICES, "redis", "gateway-paper@alpha-1"]):
        unit = f"tradecast-{service}.service"
        pid = machine("systemctl", "show", "-P", "MainPID", unit).stdout.strip()
        machine("systemctl", "kill", "--signal=KILL", "--kill-whom=main", unit)
        until(lambda: machine("systemctl", "show", "-P", "MainPID", unit).stdout.strip() not in (pid, "0")
              and machine("systemctl", "is-active", unit, check=False).stdout.strip() == "active", f"{unit} to come back", within_s=60)
        until(lambda: ready(machine), "everything to be ready", within_s=60)
        ids.append(f"after-{n}")
        send(machine, ids[-1])
    for signal_id in ids:
        until(lambda: "filled" in state(machine, signal_id), f"{signal_id} to be filled", within_s=60)
    assert executions(machine) - before == len(ids)


def test_a_loop_that_hangs_is_restarted(machine):
    dropin = machine.root / "etc/systemd/system/tradecast-router.service.d"
    dropin.mkdir(parents=True)
    (dropin / "watchdog.conf").write_text("[Service]\nWatchdogSec=3\n")
    machine("systemctl", "daemon-reload")
    machine("systemctl", "restart", "tradecast-router.service")
    pid = machine("systemctl", "show", "-P", "MainPID", "tradecast-router.service").stdout.strip()
    machine("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "tradecast-router.service")
    until(lambda: machine("systemctl", "show", "-P", "MainPID", "tradecast-router.service").stdout.strip() not in (pid, "0"), "the watchdog", within_s=60)
    until(lambda: ready(machine), "everything to be ready", within_s=60)


def test_it_stops_in_order_and_leaves(machine):
    machine("systemctl", "stop", "tradecast.target", "tradecast-gateway-paper@alpha-1.service", within_s=120)
    journal = machine("journalctl", "--no-pager", "-o", "cat", "-u", "tradecast-*", "-n", "60").stdout
    assert journal.count("event=stopped") >= len(SERVICES), journal
    assert "Failed with result 'timeout'" not in journal
    machine("dpkg", "-r", "tradecast")
    assert not (machine.root / "usr/lib/tradecast").exists()
    assert (machine.root / "var/lib/tradecast/data/archive.db").exists()  # what is on record stays
