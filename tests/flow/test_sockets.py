"""The files of sockets removed under running processes: whoever owns one makes it anew, and where only Redis could, it is said."""
# SPDX-License-Identifier: MIT
import json
import socket
import stat
import urllib.error
import urllib.request

from tests.harness.wait import until

ORDER = {"ticker": "EURUSD", "action": "buy", "contracts": "1", "price": "1.0843"}


def sockets(plant):
    return {p for p in plant.layout.run.iterdir() if stat.S_ISSOCK(p.stat().st_mode)}


def is_listened_to(path):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(str(path))
            return True
        except OSError:
            return False


def is_carried_out(plant, signal_id):
    assert plant.door().alert({**ORDER, "signal_id": signal_id})[0] == 200
    return plant.final(signal_id)["status"] == "completed"


def ready(plant):
    try:
        with urllib.request.urlopen(plant.monitor_url + "/readyz", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as e:
        return json.load(e)


def test_every_door_that_was_removed_is_there_again(plant):
    gone = sockets(plant) - {plant.layout.redis_socket}
    assert {"executor.0.gateways", "router.inbox", "ingest.control", "ingest.intake", "archiver.query", "monitor.events"} <= {p.name for p in gone}
    for path in gone:
        path.unlink()
    for path in gone:
        until(lambda: is_listened_to(path), f"{path.name} to be there again")
    for name in ("router", *plant.gateways):  # who comes now finds the new doors
        plant.processes[name].stop()
        plant.restart(name)
    for name in plant.gateways:
        until(lambda: (plant.layout.log / f"{name}.log").read_text().count("event=welcome") == 2, f"{name} to be welcome again")
    assert is_carried_out(plant, "doors")
    assert plant.command("health", "executor.0")[0] == 0


def test_a_door_that_another_process_left_behind_is_taken_back(plant):
    path = plant.layout.run / "router.control"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))  # and never listens
    until(lambda: is_listened_to(path), "the door to be the router's again")
    assert plant.command("health", "router")[0] == 0


def test_the_socket_of_redis_is_said_to_be_gone_until_redis_was_started_again(plant):
    plant.layout.redis_socket.unlink()
    until(lambda: not ready(plant)["ready"], "the monitor to say that it is not ready")
    assert any("socket of Redis is gone" in wrong for wrong in ready(plant)["wrong"])
    for name in plant.services:
        until(lambda: "code=redis_socket_gone" in (plant.layout.log / f"{name}.log").read_text(), f"an alert of {name}")
    assert is_carried_out(plant, "cut-off")  # what is connected goes on
    plant.processes["router"].kill()
    plant.restart("router")
    assert plant.door().alert({**ORDER, "signal_id": "waits"})[0] == 200
    assert plant.processes["redis"].stop()
    plant.restart("redis")
    assert plant.final("waits")["status"] == "completed"
    until(lambda: ready(plant)["ready"], "all to be ready again")
