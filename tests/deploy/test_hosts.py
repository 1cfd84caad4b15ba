"""Two hosts, by the blocks of docs/deployment.md: each a booted Debian, a cable between them; an order on one is filled on the other."""
# SPDX-License-Identifier: MIT
import json
import os
import re
import shutil
import subprocess

import pytest

from tests.deploy.conftest import CONFIG, alert
from tests.deploy.machine import Machine
from tests.harness import docs
from tests.harness.wait import until

ADDRESSES = ("10.0.0.1", "10.0.0.2")


def connect(machines):
    """A cable between the two."""
    names = [f"tc{os.getpid() % 10000}{end}" for end in "ab"]
    subprocess.run(["ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1]], check=True)
    for name, machine, address in zip(names, machines, ADDRESSES):
        subprocess.run(["ip", "link", "set", name, "netns", machine.leader], check=True)
        inside = ["nsenter", "-t", machine.leader, "-n", "ip"]
        subprocess.run([*inside, "address", "add", f"{address}/24", "dev", name], check=True)
        subprocess.run([*inside, "link", "set", name, "up"], check=True)


def carry(source, target, path):
    """scp -r, as root."""
    to = target.root / path.lstrip("/")
    shutil.copytree(source.root / path.lstrip("/"), to) if (source.root / path.lstrip("/")).is_dir() else shutil.copy(source.root / path.lstrip("/"), to)


@pytest.fixture(scope="module")
def hosts(root, package):
    with Machine(root) as first, Machine(root) as second:
        connect((first, second))
        for m in (first, second):
            m.put(package, "build/deb")
        first.sh(docs.block("deployment", "install"))
        second.sh(docs.block("deployment", "install").replace("systemctl enable --now tradecast.target", ""))  # it gets parts only
        first.write("/root/my.json", json.dumps(CONFIG))
        yield first, second


def test_by_the_page_two_hosts_fill_an_order(hosts):
    first, second = hosts
    for m in hosts:
        m.sh(docs.block("deployment", "hosts"))
        m.sh(docs.block("deployment", "hosts-network"))
    first.sh(docs.block("deployment", "hosts-keys"))
    carry(first, second, "/root/there")
    second.sh(docs.block("deployment", "hosts-keys-there"))
    first.sh(docs.block("deployment", "hosts-tunnel"))
    carry(first, second, "/etc/stunnel/tradecast.psk")
    second.sh(docs.block("deployment", "hosts-tunnel-there"))
    first.sh(docs.block("deployment", "hosts-start"))
    second.sh(docs.block("deployment", "hosts-start-there"))
    until(lambda: first("tradecast", "config", "apply", "/root/my.json", check=False).returncode == 0, "the configuration to be taken", within_s=60)
    first.ready()
    first.send("far", alert("far"))
    first.filled("far")
    assert second.executions("alpha-1") == 1
    assert "executor.0" in first.sh(docs.block("deployment", "hosts-look")).stdout
    assert second("tradecast", "health", "executor.0").returncode == 0


def test_only_the_keys_of_a_host_are_on_it(hosts):
    keys = hosts[1].root / "etc/tradecast/keys"
    assert {p.name for p in keys.glob("*.key")} == {"executor.0.key", "gateway.alpha-1.key"}


def test_nothing_between_the_hosts_is_in_plain_text(hosts):
    """What the first has open is the table's ports and the tunnel's, and the tunnel says nothing to who has no key."""
    first, second = hosts
    listed = subprocess.run(["nsenter", "-t", first.leader, "-n", "ss", "-Hltn"], capture_output=True, text=True, check=True).stdout
    open_to_others = {int(p) for p in re.findall(r"10\.0\.0\.1:(\d+)", listed)}
    assert open_to_others and all(7400 <= p < 7848 or p == 6380 for p in open_to_others), listed
    assert not re.search(r"(0\.0\.0\.0|\*|\[::\]):(?!(22)\b)\d+", listed), listed
    code = ("import socket, sys\ns = socket.create_connection(('10.0.0.1', int(sys.argv[1])), 5)\ns.settimeout(8)\ns.sendall(b'PING\\r\\n')\n"
            "try:\n    print(s.recv(100))\nexcept OSError as e:\n    print(e)\n")
    said = second("python3", "-c", code, "6380").stdout
    assert said and "PONG" not in said and "NOAUTH" not in said


def test_a_bot_is_let_in_and_kept_out(hosts):
    shutil.copy(hosts[0].root / "etc/tradecast/keys/public/operator.pub", hosts[0].root / "root/alice.pub")
    add, remove = docs.block("deployment", "hosts-bot").splitlines()
    listed = hosts[0].sh(add + "\ntradecast keys list").stdout
    assert re.search(r"^bot\.alice .* ingest\.intake$", listed, re.M)
    assert "bot.alice" not in hosts[0].sh(remove + "\ntradecast keys list").stdout


def test_a_key_is_changed_while_all_others_run(hosts):
    first, second = hosts
    before = second.pid("tradecast-executor@0")
    block = docs.block("deployment", "hosts-rotate").splitlines()
    first.sh(block[0])
    for file in ("router.pub", "router.pub-old"):
        carry(first, second, f"/etc/tradecast/keys/public/{file}")
    first.sh(block[1])
    first.ready()
    first.send("rotated", alert("rotated"))
    first.filled("rotated")
    first.sh(block[2])
    assert second.pid("tradecast-executor@0") == before and second.executions("alpha-1") == 2


def test_a_host_that_dies_comes_back_and_nothing_is_lost(hosts):
    first, second = hosts
    second.kill("tradecast-executor@0")
    second.kill("tradecast-gateway-paper@alpha-1")
    second("systemctl", "restart", "stunnel@tradecast")
    first.send("after", alert("after"))
    first.filled("after")
    assert second.executions("alpha-1") == 3
