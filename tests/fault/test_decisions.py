"""The advisor killed while decisions are on their way: none that was accepted is lost, and none becomes two signals."""
# SPDX-License-Identifier: MIT
import contextlib
import json
import sqlite3

import pytest

from tests.fault.chaos import QUICK
from tests.flow.test_advisor import ask, is_answering, package
from tests.harness.plant import configuration
from tests.harness.wait import until

CONFIG = configuration(accounts=1, brokers=1, source="llm")
CONFIG["sources"].append({"config_id": "feed"})
PLANT = {"mode": "chaos", "config": CONFIG, "advisor": True, "options": {**QUICK, "TRADECAST_ADVISOR_MODE": "auto", "TRADECAST_ADVISOR_DECISIONS_PER_HOUR": "1000",
                                                                         "TRADECAST_ADVISOR_DECISIONS_PER_DAY": "1000"}}
POINTS = ["advisor.before_commit", "advisor.after_commit", "advisor.after_send", "advisor.before_post", "advisor.after_post"]


def decide(plant, body):
    """The answer, or None when the connection broke or it said that it cannot: then it is sent again."""
    try:
        status, _, text = ask(plant, "/api/v1/llm/decision", method="POST", body=json.dumps(body))
    except OSError:
        return None
    except Exception as e:  # half an answer
        assert type(e).__module__ == "http.client", e
        return None
    return json.loads(text) if status in (200, 422) else None


def restart(plant):
    plant.processes["advisor"].kill()
    plant.start_process("advisor")
    until(lambda: is_answering(plant), "the advisor to answer again")


def rows(plant, query):
    with contextlib.closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db:
        return db.execute(query).fetchall()


def archived(plant, state):
    return {d for d, in rows(plant, f"SELECT decision_id FROM llm_decision WHERE state = '{state}'")}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_loses_and_doubles_no_decision(plant, point):
    sent = {}
    for passing in (1, 3, 5):  # at the start it records that it starts
        name = f"{point}-{passing}"
        plant.door("feed").price("EURUSD", "1.0842", "1.0843")
        plant.processes["advisor"].kill()
        plant.processes["advisor"] = plant.process("advisor", {"TRADECAST_FAIL": f"{point}:{passing}"})
        plant.processes["advisor"].start()
        bodies = []

        def dead():
            if plant.processes["advisor"].alive() and is_answering(plant) and len(bodies) < 20:
                with contextlib.suppress(OSError, AssertionError, ValueError):
                    found, _ = package(plant)
                    bodies.append({"package_id": found["package_id"], "symbol": "EURUSD", "action": "buy", "price": 1.0843, "reasoning": f"{name} {len(bodies)}"})
                    answer = decide(plant, bodies[-1])
                    if answer:
                        sent[answer["decision_id"]] = answer["state"]
            return not plant.processes["advisor"].alive()

        until(dead, f"the advisor to die at {point}", within_s=20)
        assert plant.processes["advisor"].status == -9
        restart(plant)
        for body in bodies:  # whoever got no answer sends it again
            answer = until(lambda: decide(plant, body), "an answer")
            if answer["state"] != "invalid":  # invalid: it was not on record, and its package is forgotten with the process
                sent[answer["decision_id"]] = answer["state"]
    accepted = [d for d, state in sent.items() if state in ("submitting", "accepted")]
    assert accepted
    for decision_id in accepted:
        assert plant.final(f"llm:{decision_id}")["status"] == "completed"
    until(lambda: set(accepted) <= archived(plant, "accepted") and not archived(plant, "submitting"), "every decision to be answered on record")
    ids = archived(plant, "accepted")
    until(lambda: len(rows(plant, "SELECT 1 FROM signals WHERE source = 'llm'")) >= len(ids), "their signals to be archived")
    signals = [s for s, in rows(plant, "SELECT signal_id FROM signals WHERE source = 'llm'")]
    assert sorted(signals) == sorted(f"llm:{d}" for d in ids)
    reasons = [r for r, in rows(plant, "SELECT reasoning FROM signals WHERE source = 'llm'")]
    assert len(set(reasons)) == len(reasons), "a decision became two signals"
