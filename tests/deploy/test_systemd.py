"""What a user of systemd does, by the blocks of docs/deployment.md: install the package, send an alert, kill things, stop, uninstall. In a booted systemd."""
# SPDX-License-Identifier: MIT
import json
import os
import re
import subprocess

from tests.deploy.conftest import TOKEN, alert
from tests.deploy.machine import ROOT
from tests.harness import docs
from tests.harness.wait import until

SERVICES = ["archiver", "monitor", "reconciler", "executor@0", "router", "ingest"]
INSTANCES = {"executor@": "0", "gateway-paper@": "alpha-1", "relay@": "b"}  # what a template is tried as
EXPOSURE_MOST = 2.0
STOP_WITHIN_S = 10
BACKEND = """
import http.server
class Backend(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with open('/root/posted', 'ab') as f:
            f.write(self.rfile.read(int(self.headers['Content-Length'])) + b'\\n')
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(('127.0.0.1', 8400), Backend).serve_forever()
"""


def units():
    """Every unit that is shipped; a template as one of its instances."""
    names = [p.name.removeprefix("tradecast-").removesuffix(".service") for p in (ROOT / "deploy/systemd").glob("tradecast-*.service")]
    return [f"tradecast-{name}{INSTANCES[name] if name.endswith('@') else ''}.service" for name in sorted(names)]


def exposures(machine):
    """How exposed each unit is, by systemd's own measure."""
    said = {unit: machine("systemd-analyze", "security", "--no-pager", unit).stdout for unit in units()}
    return {unit: float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text).group(1)) for unit, text in said.items()}


def test_the_package_is_what_a_packager_would_make(package):
    assert "deb" in docs.block("deployment", "package")  # the fixture ran it
    p = subprocess.run(["lintian", "--allow-root", "--fail-on=error,warning", package], capture_output=True, text=True, timeout=120)
    assert p.returncode == 0, p.stdout


def test_installed_from_the_source_it_is_the_same(package, tmp_path):
    subprocess.run(["sh", "-euc", docs.block("deployment", "install-source")], cwd=package.parent / "source", check=True, timeout=600,
                   env={**os.environ, "DESTDIR": str(tmp_path)}, capture_output=True)
    listed = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    packaged = {line.split()[5].removeprefix(".").removesuffix(".gz") for line in listed.splitlines() if not line.startswith("d")}
    made = {f"/{p.relative_to(tmp_path)}" for p in tmp_path.rglob("*") if not p.is_dir()}
    packaged = {p for p in packaged if "/share/lintian/" not in p}
    assert {p for p in made if "/share/doc/" not in p} == {p for p in packaged if "/share/doc/" not in p}
    assert made <= packaged  # beside its documents the package has a copyright and a changelog of its own


def test_by_the_page_it_is_installed_started_and_filled(machine):
    machine.sh(docs.block("deployment", "install"))
    machine.sh(docs.block("deployment", "settle"))
    machine.sh(docs.block("deployment", "gateway"))
    machine.ready()
    machine.send("first", alert("first"))
    machine.filled("first")
    said = machine.sh(docs.block("deployment", "look")).stdout
    assert "WRONG" not in said and "event=started" in said, said


def test_the_units_are_understood_and_shut_in(machine):
    said = machine("systemd-analyze", "verify", "--man=no", "tradecast.target", *units(), check=False)
    assert said.returncode == 0 and said.stderr.strip() == "", said.stderr
    levels = exposures(machine)
    assert len(levels) >= 10 and max(levels.values()) <= EXPOSURE_MOST, levels


def test_a_service_sees_no_secret_but_its_own(machine):
    """As root, through each process's own mounts: what it could open at most."""
    machine.sh("tradecast keys make --dir /etc/tradecast gateway.alpha-1; systemctl restart tradecast.target")
    machine.ready()
    secrets = {p.name for p in (machine.root / "var/lib/tradecast/secrets").iterdir()}
    assert {"admin", "ingest", "router", "executor.0"} <= secrets
    for service, own in {"ingest": "ingest", "router": "router", "executor@0": "executor.0", "archiver": "archiver", "monitor": "monitor",
                         "gateway-paper@alpha-1": "gateway.alpha-1"}.items():
        root = f"/proc/{machine.pid(f'tradecast-{service}.service')}/root"
        places = [f"{root}/{place}" for place in ("var/lib/tradecast/secrets", "var/lib/tradecast/redis", "run/credentials", "etc/tradecast/keys")]
        found = {line.removeprefix(root) for line in machine("find", *places, "-type", "f", "-not", "-name", "*.pub", check=False).stdout.splitlines()}
        allowed = {f"/run/credentials/tradecast-{service}.service/redis", f"/etc/tradecast/keys/{own}.key"}
        assert found <= allowed, (service, found - allowed)
        assert f"/etc/tradecast/keys/{own}.key" in found and f"{own}.pub" in machine("ls", f"{root}/etc/tradecast/keys/public").stdout, service
        assert service.startswith("gateway") or f"/run/credentials/tradecast-{service}.service/redis" in found, service
        assert service in ("archiver", "gateway-paper@alpha-1") or machine("ls", f"{root}/var/lib/tradecast/data").stdout == "", service


def test_no_process_leaves_a_dump_of_its_memory(machine):
    for service in SERVICES:
        limits = machine("cat", f"/proc/{machine.pid(f'tradecast-{service}.service')}/limits").stdout
        assert re.search(r"Max core file size\s+0\s+0\s", limits), service


def test_what_is_in_the_archive_is_posted_to_a_backend(machine):
    machine("systemd-run", "--quiet", "--unit=backend", "python3", "-c", BACKEND)
    machine.sh(docs.block("deployment", "copies"))
    posted = machine.root / "root/posted"
    until(lambda: posted.exists() and '"desk:first"' in posted.read_text(), "the first signal to be posted", within_s=30)


def test_whoever_is_killed_comes_back_and_nothing_is_lost(machine):
    before, ids = machine.executions("alpha-1"), []
    for n, service in enumerate([*SERVICES, "redis", "gateway-paper@alpha-1", "sync-backend"]):
        machine.kill(f"tradecast-{service}.service")
        machine.ready()
        ids.append(f"after-{n}")
        machine.send(ids[-1], alert(ids[-1]))
    for signal_id in ids:
        machine.filled(signal_id)
    assert machine.executions("alpha-1") - before == len(ids)
    until(lambda: all(f'"desk:{s}"' in (machine.root / "root/posted").read_text() for s in ids), "every signal to be posted", within_s=60)


def test_a_loop_that_hangs_is_restarted(machine):
    machine.write("/etc/systemd/system/tradecast-router.service.d/watchdog.conf", "[Service]\nWatchdogSec=3\n")
    machine("systemctl", "daemon-reload")
    machine("systemctl", "restart", "tradecast-router.service")
    pid = machine.pid("tradecast-router.service")
    machine("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "tradecast-router.service")
    until(lambda: machine.pid("tradecast-router.service") not in (pid, "0"), "the watchdog", within_s=60)
    machine.ready()


def test_a_token_and_passwords_that_may_be_known_are_replaced(machine):
    machine.sh(docs.block("security", "halt"))
    machine.send("halted", alert("halted"))
    until(lambda: "halt" in machine.story("halted"), "the signal to be refused", within_s=30)
    machine.sh(docs.block("security", "new-token"))
    token = (machine.root / "root/desk.token").read_text().strip()
    old = machine("sh", "-c", f"TRADECAST_TOKEN={TOKEN} tradecast send --source desk -", stdin=alert("by-the-old-one"), check=False)
    assert old.returncode != 0 and "401" in old.stdout + old.stderr
    before = {p.name: p.read_text() for p in (machine.root / "var/lib/tradecast/secrets").iterdir()}
    machine.sh(docs.block("security", "new-passwords"))
    machine.ready()
    after = {p.name: p.read_text() for p in (machine.root / "var/lib/tradecast/secrets").iterdir()}
    assert before.keys() == after.keys() and all(before[name] != after[name] for name in before)
    machine.sh(docs.block("security", "check"))
    machine.sh(docs.block("security", "resume"))
    machine.send("with-the-new-one", alert("with-the-new-one"), token=token)
    machine.filled("with-the-new-one")
    machine.token = token


def test_one_executor_more_takes_its_share(machine):
    machine.sh(docs.block("deployment", "more-executors"))
    machine.ready()
    said = json.loads(machine("tradecast", "shards", "--json").stdout)
    assert said["recorded"] == 2 and len(said["executors"]) == 2, said
    assert machine("systemctl", "is-active", "tradecast-executor@1").stdout.strip() == "active"
    machine.send("with-two", alert("with-two"), token=machine.token)
    machine.filled("with-two")
    assert "2 executors" in machine.sh(docs.block("deployment", "move-accounts")).stdout


def test_a_drop_in_opens_the_network_to_whom_it_names(machine):
    machine.sh(docs.block("deployment", "drop-in"))
    allowed = lambda unit: sorted(machine("systemctl", "show", "-P", "IPAddressAllow", unit).stdout.split())
    assert allowed("tradecast-ingest") == ["10.0.0.0/8", "127.0.0.0/8", "::1/128"]
    machine.sh(docs.block("deployment", "hosts-network"))
    machine("systemctl", "restart", "tradecast.target")
    assert allowed("tradecast-router") == ["10.0.0.0/24", "127.0.0.0/8", "::1/128"]
    network = lambda service: machine("readlink", f"/proc/{machine.pid(f'tradecast-{service}.service')}/ns/net").stdout
    assert {network(service) for service in SERVICES} == {machine("readlink", "/proc/1/ns/net").stdout}
    assert max(exposures(machine).values()) <= EXPOSURE_MOST
    machine.ready()
    machine.send("elsewhere", alert("elsewhere"), token=machine.token)
    machine.filled("elsewhere")


def test_it_stops_in_order_and_leaves(machine):
    machine("systemctl", "start", "backend", check=False)
    assert machine.seconds(docs.block("deployment", "stop")) < STOP_WITHIN_S
    journal = machine("journalctl", "--no-pager", "-o", "cat", "-u", "tradecast-*", "-n", "100").stdout
    assert journal.count("event=stopped") >= len(SERVICES), journal
    assert "Failed with result 'timeout'" not in journal
    machine.sh(docs.block("deployment", "uninstall"))
    assert not (machine.root / "usr/lib/tradecast").exists() and not (machine.root / "etc/tradecast/tradecast.env").exists()
    assert (machine.root / "var/lib/tradecast/data/archive.db").exists()  # what is on record stays


