"""Keys: a whole installation over tcp with CURVE; who has no key, a wrong or an unknown one gets nothing and is reported."""
# SPDX-License-Identifier: MIT
import os
import re
import subprocess
import urllib.request

import pytest
import zmq

from tests.harness import wire
from tests.harness.messages import TYPES, envelope
from tests.harness.tcp import HOST, over_tcp
from tests.harness.wait import until

DONE, ANSWER_NO, WRONG_USE, NO_REACH = range(4)


@pytest.fixture(scope="module")
def plant(plant_of):
    with plant_of(prepare=lambda it: over_tcp(it, "bot.alice")) as it:
        yield it


def keys(plant, *args):
    status, out, err = plant.command("keys", *args)
    assert status == DONE, err
    return out


def key_of(plant, name, ending=".key"):
    text = (plant.layout.top / "keys" / (name + ending)).read_text()
    return {kind: value.encode() for kind, value in re.findall(r'(public|secret)-key = "(.{40})"', text)}


def address(plant, slot, door):
    return f"tcp://{HOST}:{int(plant.options['TRADECAST_PORTS']) + slot * 8 + door}"


DOORS = {"ingest.inbox": (0, 0), "ingest.control": (0, 2), "ingest.intake": (0, 4), "router.inbox": (1, 0), "archiver.query": (3, 6), "executor.0.gateways": (8, 3)}


class Caller:
    """A socket to one door of the plant, with the keys that it is given; server: whose public key it believes the door to have."""

    def __init__(self, plant, door, kind=zmq.PUSH, own=None, server=None, name=None):
        self.socket = zmq.Context.instance().socket(kind)
        if name:
            self.socket.routing_id = name.encode()
        self.socket.linger = 0
        if own:
            self.socket.curve_publickey, self.socket.curve_secretkey = own["public"], own["secret"]
            self.socket.curve_serverkey = key_of(plant, "public/" + (server or door.split(".")[0]), ".pub")["public"]
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        self.socket.connect(address(plant, *DOORS[door]))

    def is_let_in(self, within_s=5):
        return bool(self.monitor.poll(within_s * 1000))

    def close(self):
        self.socket.disable_monitor()
        self.socket.close()


def send(plant, signal_id, **caller):
    """One signal into the intake, by whom `caller` says. Whether he was let in."""
    caller = Caller(plant, "ingest.intake", **caller)
    try:
        inside = caller.is_let_in(within_s=1)
        if inside:
            caller.socket.linger = 2000
            body = '{"symbol":"EURUSD","action":"buy","quantity":"1","price":"1.0843","signal_id":"%s"}' % signal_id
            caller.socket.send_multipart([f"test/{plant.token('test')}".encode(), body.encode()])
        return inside
    finally:
        caller.close()


def new_key():
    public, secret = zmq.curve_keypair()
    return {"public": public, "secret": secret}


def refused(plant, service):
    text = urllib.request.urlopen(plant.monitor_url + "/metrics", timeout=5).read().decode()
    found = re.search(r'^tradecast_refused_total\{service="%s"\} (\d+)$' % re.escape(service), text, re.M)
    return int(found.group(1)) if found else 0


def alerts(plant, door):
    """The lines of a process's log that raise an alert about one of its doors."""
    log = (plant.layout.log / (door.rsplit(".", 1)[0] + ".log")).read_text()
    return [line for line in log.splitlines() if "event=alert code=refused" in line and f"subject={door} " in line]


# --- with keys

def test_a_signal_is_filled_over_tcp_with_keys(plant):
    assert plant.door().alert({"ticker": "EURUSD", "action": "buy", "contracts": "1", "price": "1.0843", "signal_id": "k-1"})[0] == 200
    assert plant.final("k-1")["status"] == "completed"
    assert {t["state"] for t in plant.trades("k-1").values()} == {"filled"}
    sockets = {p.name for p in plant.layout.run.iterdir() if p.is_socket()}
    assert sockets == {"redis.sock", *(f"{g}.control" for g in plant.gateways)}, "a door that is not on tcp"


def test_the_operator_speaks_to_every_service_and_hears_it(plant):
    for name in plant.services:
        assert plant.command("health", name)[0] == DONE
    listener = subprocess.Popen([plant.bin / "tradecast", "tail", "--topic", "signals", "--count", "1", "--for", "20"], stdout=subprocess.PIPE,
                                text=True, env={**os.environ, **plant.environment("tradecast")})
    sent = 0
    while listener.poll() is None:
        sent += 1
        assert plant.command("send", "--zmq", "--symbol=EURUSD", "--action=buy", "--lots=1", "--price=1.0843", f"--id=k-heard-{sent}")[0] == DONE
        assert sent < 30, "nothing was heard"
    assert "k-heard-" in listener.stdout.read()


# --- without the right one

STRANGERS = {
    "without_a_key": ("ingest.intake", dict(), "without a key"),
    "with_an_unknown_key": ("router.inbox", dict(own=new_key()), "an unknown key"),
    "with_a_key_for_other_doors": ("ingest.control", dict(kind=zmq.DEALER, own="bot.alice"), "the key of bot.alice may not come in here"),
    "who_takes_the_door_for_another": ("archiver.query", dict(kind=zmq.DEALER, own="operator", server="router"), "takes us for another"),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_gets_nothing_and_is_reported_once(plant, who):
    door, how, why = STRANGERS[who]
    process = door.split(".")[0]
    if isinstance(how.get("own"), str):
        how = {**how, "own": key_of(plant, how["own"])}
    before = refused(plant, process)
    callers = [Caller(plant, door, **how) for _ in range(20)]
    until(lambda: refused(plant, process) >= before + 20, f"{process} to count 20 refusals")
    assert not any(c.monitor.poll(0) for c in callers), "somebody was let in"
    for c in callers:
        c.close()
    until(lambda: alerts(plant, door), "an alert")
    assert len(alerts(plant, door)) == 1 and why in alerts(plant, door)[0]


def test_what_a_stranger_sends_is_not_taken(plant):
    assert not send(plant, "k-intruder")
    assert not send(plant, "k-intruder", own=new_key())
    assert send(plant, "k-after", own=key_of(plant, "bot.alice"))
    plant.final("k-after")
    assert plant.signal("k-intruder") == {}


def test_a_gateways_key_is_good_for_its_own_name_only(plant):
    key, log = key_of(plant, "gateway.gw-a"), plant.layout.log / "executor.0.log"
    gateway = Caller(plant, "executor.0.gateways", zmq.DEALER, own=key, server="executor.0", name="gw-z")
    assert gateway.is_let_in()
    gateway.socket.send_multipart([b"gateway", b"anything"])
    until(lambda: "code=impostor subject=gateway.gw-a" in log.read_text(), "an alert")
    gateway.close()


def test_a_message_is_believed_only_from_its_topics_owner(plant):
    alert = {"ticker": "EURUSD", "action": "buy", "contracts": "1", "price": "1.0843"}
    assert plant.door().alert({**alert, "signal_id": "k-own-0"})[0] == 200
    plant.final("k-own-0")
    last, sequence = plant.admin.hget("position:router", "signals").split("-")
    here, following = (int(last), int(sequence)), (int(last), int(sequence) + 1)
    signal = TYPES["Signal"].FromString(wire.protobuf_signal("k-own-forged"))
    executor = Caller(plant, "router.inbox", own=key_of(plant, "executor.0"))  # who has executions to say there, and no signals
    assert executor.is_let_in()
    executor.socket.linger = 2000
    executor.socket.send_multipart([b"signals", envelope("signals", signal, following, here)])
    executor.close()
    log = plant.layout.log / "router.log"
    until(lambda: "code=foreign_message subject=signals " in log.read_text(), "an alert")
    assert plant.door().alert({**alert, "signal_id": "k-own-1"})[0] == 200
    assert plant.final("k-own-1")["status"] == "completed"
    assert not plant.decisions("k-own-forged")


def test_the_doctor_looks_at_keys(plant):
    directory = plant.layout.top / "keys"
    assert "are here, all private" in plant.command("doctor")[1]
    (directory / "public").chmod(0o777)
    said = plant.command("doctor")[1]
    (directory / "public").chmod(0o755)
    assert f"{directory}/public can be written by others" in said


# --- while it runs

def test_a_key_that_is_added_counts_without_a_restart_and_one_that_is_removed_does_not(plant, tmp_path):
    bob = new_key()
    (tmp_path / "bob.pub").write_text('curve\n    public-key = "%s"\n' % bob["public"].decode())
    assert not send(plant, "k-bob-0", own=bob)
    keys(plant, "add", "bot.bob", str(tmp_path / "bob.pub"))
    until(lambda: send(plant, "k-bob-1", own=bob), "bob to be let in")
    plant.final("k-bob-1")
    keys(plant, "remove", "bot.bob")
    until(lambda: not send(plant, "k-bob-2", own=bob), "bob to be kept out")


def test_a_key_changes_and_only_its_process_is_restarted(plant):
    old = key_of(plant, "router")
    others = {name: p.pid for name, p in plant.processes.items() if name != "router"}
    keys(plant, "rotate", "router")
    assert key_of(plant, "router") != old
    until(lambda: is_let_in(plant, "ingest.inbox", old), "the old key to be good still")
    until(lambda: is_let_in(plant, "ingest.inbox", key_of(plant, "router")), "the new key to be good already")
    plant.processes["router"].stop()
    plant.restart("router")
    assert plant.door().alert({"ticker": "EURUSD", "action": "buy", "contracts": "1", "price": "1.0843", "signal_id": "k-rotated"})[0] == 200
    assert plant.final("k-rotated")["status"] == "completed"
    until(lambda: plant.command("health", "router")[0] == DONE, "the router to answer under its new key")
    until(lambda: is_let_in(plant, "router.inbox", key_of(plant, "ingest")), "the router to show its new key")
    keys(plant, "retire", "router")
    until(lambda: not is_let_in(plant, "ingest.inbox", old, within_s=1), "the old key to be good no more")
    assert {name: p.pid for name, p in plant.processes.items() if name != "router"} == others


def is_let_in(plant, door, own, within_s=5):
    caller = Caller(plant, door, own=own)
    try:
        return caller.is_let_in(within_s)
    finally:
        caller.close()


# --- refused at the start

def start(plant, program, **environment):
    p = subprocess.run([plant.bin / f"tradecast-{program}", "--check"], capture_output=True, text=True, timeout=20,
                       env={"PATH": os.environ["PATH"], "TRADECAST_RUN_DIR": "/nowhere", **environment})
    return p.returncode, p.stderr


@pytest.mark.parametrize("environment, sentence", [
    ({"TRADECAST_HOST_ROUTER": "10.1.2.3"}, "tcp://10.1.2.3:7408 is open to other hosts, and router has no keys: set TRADECAST_KEYS_DIR"),
    ({"TRADECAST_ENDPOINT_ROUTER_EVENTS": "tcp://*:7409"}, "tcp://*:7409 is open to other hosts"),
    ({"TRADECAST_HOST_EXECUTOR_0": "trade2.lan"}, "tcp://trade2.lan:7464 is on another host, and router has no keys"),
    ({"TRADECAST_HOST_ROUTER": "127.0.0.1"}, "tcp://127.0.0.1:7408 is reached by every user of this host, and router has no keys"),
    ({"TRADECAST_HOST_ROUTER": "::1", "TRADECAST_LOOPBACK_OPEN": "false"}, "tcp://[::1]:7408 is reached by every user of this host"),
    ({"TRADECAST_HOST_ROUTER": "10.1.2.3", "TRADECAST_LOOPBACK_OPEN": "true"}, "tcp://10.1.2.3:7408 is open to other hosts"),
    ({"TRADECAST_HOST_ROUTER": "10.1.2.3", "TRADECAST_KEYS_DIR": "/nowhere"}, "/nowhere/public cannot be read"),
    ({"TRADECAST_REDIS": "tcp:10.1.2.3:6379"}, "TRADECAST_REDIS_PLAIN=true"),
])
def test_what_other_hosts_reach_is_refused_without_keys(plant, environment, sentence):
    status, said = start(plant, "router", **environment)
    assert status == 2 and sentence in said


@pytest.mark.parametrize("environment", [
    {"TRADECAST_HOST_ROUTER": "127.0.0.1", "TRADECAST_LOOPBACK_OPEN": "true"}, {"TRADECAST_HOST_ROUTER": "::1", "TRADECAST_LOOPBACK_OPEN": "true"},
    {"TRADECAST_REDIS": "tcp:127.0.0.1:6379"},
    {"TRADECAST_REDIS": "tcp:10.1.2.3:6379", "TRADECAST_REDIS_PLAIN": "true"},
])
def test_what_stays_on_this_host_needs_none_where_that_is_said(plant, environment):
    assert start(plant, "router", **environment) == (0, "")


def test_a_secret_that_others_can_read_is_refused(plant):
    directory = plant.layout.top / "keys"
    file = directory / "router.key"
    environment = {"TRADECAST_HOST_ROUTER": HOST, "TRADECAST_KEYS_DIR": str(directory)}
    assert start(plant, "router", **environment) == (0, "")
    file.chmod(0o640)
    try:
        status, said = start(plant, "router", **environment)
    finally:
        file.chmod(0o600)
    assert status == 2 and f"{file} can be read by others" in said and key_of(plant, "router")["secret"].decode() not in said


def test_a_host_gets_the_secrets_of_its_own_processes_only(plant, tmp_path):
    out = tmp_path / "host"
    environment = {**os.environ, **plant.environment("tradecast"), "TRADECAST_HOST_ROUTER": "10.0.0.2", "TRADECAST_HOST_GW_A": "10.0.0.2"}
    p = subprocess.run([plant.bin / "tradecast", "keys", "export", "10.0.0.2", out], env=environment, capture_output=True, text=True, timeout=20)
    assert p.returncode == DONE, p.stderr
    assert {f.name for f in out.glob("*.key")} == {"router.key", "gateway.gw-a.key"}
    assert (out / "router.key").stat().st_mode & 0o777 == 0o600
    assert {f.name for f in (out / "public").iterdir()} == {f.name for f in (plant.layout.top / "keys/public").iterdir()}
