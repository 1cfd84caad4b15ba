"""What an inbox believes: a forged message makes nobody deaf, and a position that cannot be is said, with what to do about it."""
# SPDX-License-Identifier: MIT
import re
import time

import pytest
import zmq

from tests.harness.messages import TYPES, envelope
from tests.harness.wait import until

ORDER = {"ticker": "EURUSD", "action": "buy", "contracts": "1", "price": "1.0843"}
NOW = int(time.time() * 1000)


def forge(plant, consumer, topic, entry_id, prev):
    """Puts a whole and undamaged message into an inbox, as any process of the same user can."""
    socket = zmq.Context.instance().socket(zmq.PUSH)
    try:
        socket.setsockopt(zmq.LINGER, 5000)
        socket.connect(plant.layout.endpoint(f"{consumer}.inbox"))
        alert = TYPES["Alert"](alert_id="forged", service="forger", severity=1, code="forged", text="forged", created_at=0)
        socket.send_multipart([topic.encode(), envelope(topic, alert, entry_id, prev)])
    finally:
        socket.close()


def position(plant, consumer, topic):
    return tuple(int(n) for n in plant.admin.hget(f"position:{consumer}", topic).split("-"))


def is_carried_out(plant, signal_id):
    assert plant.door().alert({**ORDER, "signal_id": signal_id})[0] == 200
    return plant.final(signal_id)["status"] == "completed"


def log_of(plant, name):
    return (plant.layout.log / f"{name}.log").read_text()


FORGED = {"far ahead": ((2**63, 1), (0, 0)), "far ahead, linked": ((2**63, 1), None), "a little ahead": ((NOW + 1_800_000, 1), (0, 0)),
          "a little ahead, linked": ((NOW + 1_800_000, 1), None), "the last there is": ((2**64 - 1, 2**64 - 1), (0, 0))}


@pytest.mark.parametrize("consumer, topic", [("router", "signals"), ("executor.0", "orders.0"), ("reconciler", "routings")])
@pytest.mark.parametrize("which", FORGED)
def test_a_forged_message_makes_nobody_deaf(plant, consumer, topic, which):
    name = f"{which}-{consumer}".replace(" ", "-").replace(",", "")
    assert is_carried_out(plant, f"before-{name}")
    entry_id, prev = FORGED[which]
    forge(plant, consumer, topic, entry_id, prev or position(plant, consumer, topic))
    if entry_id[0] > NOW + 3_600_000:
        until(lambda: f"code=message_ahead subject={topic} " in log_of(plant, consumer), "an alert")
    assert is_carried_out(plant, f"after-{name}")
    assert position(plant, consumer, topic) < (NOW + 900_000, 0)


def test_a_position_beyond_the_end_is_said_with_what_to_do_and_nothing_is_lost(plant):
    topic, consumer = "routings", "reconciler"
    assert is_carried_out(plant, "beyond-before")
    plant.processes[consumer].stop()
    plant.admin.hset(f"position:{consumer}", topic, f"{2**63}-0")
    plant.restart(consumer)
    assert plant.door().alert({**ORDER, "signal_id": "beyond"})[0] == 200
    said = until(lambda: re.search(r"code=position_beyond subject=%s text=.*HSET position:%s %s (\d+-\d+)" % (topic, consumer, topic),
                                   log_of(plant, "router")), "an alert of the topic's owner")
    plant.processes[consumer].stop()
    plant.admin.hset(f"position:{consumer}", topic, said.group(1))
    plant.restart(consumer)
    assert plant.final("beyond")["status"] == "completed"
    assert is_carried_out(plant, "beyond-after")


def test_an_owner_that_starts_anew_does_not_step_over_what_a_position_of_the_future_hides(plant):
    topic, consumer = "routings", "reconciler"
    plant.processes[consumer].stop()
    was = plant.admin.hget(f"position:{consumer}", topic)
    plant.admin.hset(f"position:{consumer}", topic, f"{2**63}-0")
    plant.processes["router"].stop()
    plant.restart("router")
    assert plant.door().alert({**ORDER, "signal_id": "anew"})[0] == 200
    until(lambda: plant.signal("anew").get("status") == "processing", "the new router's decision")
    assert int(plant.admin.xrevrange(f"journal:{topic}", count=1)[0][0].split("-")[0]) < NOW + 900_000
    plant.admin.hset(f"position:{consumer}", topic, was)
    plant.restart(consumer)
    assert plant.final("anew")["status"] == "completed"
