"""Decisions of language models: proposed, approved by a person, and then signals like any other, with a row each."""
# SPDX-License-Identifier: MIT
import contextlib
import json
import sqlite3

import jsonschema
import pytest

from deploy.local.layout import ROOT
from tests.flow.test_advisor import ask, is_answering, package
from tests.harness.plant import configuration
from tests.harness.wait import until

CONFIG = configuration(accounts=2, source="llm")
CONFIG["sources"].append({"config_id": "feed"})
PLANT = {"config": CONFIG, "advisor": True}
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "deploy/llm-decision.schema.json").read_text()))


@pytest.fixture(scope="module")
def priced(plant):
    plant.door("feed").price("EURUSD", "1.0842", "1.0843")
    until(lambda: "price" in package(plant)[0]["parts"], "the price to be in the package")
    return plant


def proposal(plant, **more):
    found, _ = package(plant)
    body = {"package_id": found["package_id"], "symbol": "EURUSD", "action": "buy", "price": 1.0843, "reasoning": "the trend is up", "confidence": 70,
            "model": "m1", "prompt_version": "p1", **more}
    SCHEMA.validate(body)
    return body


def decide(plant, body, **more):
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    status, _, answer = ask(plant, "/api/v1/llm/decision", method="POST", body=text, **more)
    return status, json.loads(answer)


def rows(plant, query, *values):
    with contextlib.closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(query, values)]


def row_of(plant, decision_id, state):
    """The archive's row of a decision, once it is in that state."""
    return until(lambda: rows(plant, "SELECT * FROM llm_decision WHERE decision_id = ? AND state = ?", decision_id, state), f"{decision_id} {state}")[0]


def test_a_proposal_waits_for_a_person_and_is_then_traded_and_every_step_is_on_record(priced):
    body = proposal(priced)
    status, answer = decide(priced, body)
    assert (status, answer["state"], answer["mode"], answer["duplicate"]) == (200, "proposed", "propose", False)
    decision_id = answer["decision_id"]
    assert not priced.signal(f"llm:{decision_id}")
    status, out, _ = priced.ask("llm", "list", "proposed", "--json")
    assert status == 0 and [d["decision_id"] for d in json.loads(out)["decisions"]] == [decision_id]

    status, _, err = priced.ask("llm", "approve", decision_id, "--reason", "I agree")
    assert status == 0, err
    signal = priced.final(f"llm:{decision_id}")
    assert (signal["status"], signal["source"], signal["direction"]) == ("completed", "llm", "buy")
    row = row_of(priced, decision_id, "accepted")
    assert row["signal_id"] == f"llm:{decision_id}" and row["decided_by"] and row["decided_at"] and row["reason"] == "I agree"
    assert json.loads(row["raw_answer"]) == body and json.loads(row["package"])["package_id"] == row["package_id"] == body["package_id"]
    assert (row["model"], row["prompt_version"], row["reasoning"], row["origin"]) == ("m1", "p1", "the trend is up", "http")
    joined = until(lambda: rows(priced, "SELECT t.account_id, t.state FROM llm_decision d JOIN trades t USING (signal_id) WHERE d.decision_id = ?", decision_id),
                   "its trades")
    assert {t["account_id"] for t in joined} == {"acc000", "acc001"}
    status, _, err = priced.ask("llm", "approve", decision_id)
    assert status == 1 and "already" in err


def test_a_decision_that_comes_again_is_recognised_also_after_a_restart(priced):
    body = proposal(priced, reasoning="again")
    first = decide(priced, body)[1]
    again = decide(priced, json.dumps(dict(reversed(body.items())), indent=3))[1]
    assert (again["decision_id"], again["duplicate"]) == (first["decision_id"], True)
    priced.processes["advisor"].kill()
    priced.start_process("advisor")
    until(lambda: is_answering(priced), "the advisor to answer again")
    again = decide(priced, body)[1]
    assert (again["decision_id"], again["duplicate"], again["state"]) == (first["decision_id"], True, "proposed")
    assert priced.ask("llm", "refuse", first["decision_id"], "--reason", "no")[0] == 0
    row = row_of(priced, first["decision_id"], "refused")
    assert row["reason"] == "no" and row["decided_by"] and not row["signal_id"]
    again = decide(priced, body)[1]
    assert (again["state"], again["duplicate"]) == ("refused", True)
    assert not priced.signal(f"llm:{first['decision_id']}")


@pytest.mark.parametrize("wrong", ["not json", "[]", '{"action":"buy"}', {"action": "moon"}, {"lot_size": -1}, {"symbol": "GBPUSD"}, {"package_id": "f" * 64},
                                   {"confidence": 101}, {"account_id": "acc000"}, {"reasoning": ""}])
def test_what_is_no_decision_is_refused_on_record_and_becomes_no_signal(priced, wrong):
    body = wrong if isinstance(wrong, str) else {**proposal(priced), **wrong}
    status, answer = decide(priced, body)
    assert status == 422 and answer["state"] == "invalid" and answer["reason"]
    row = row_of(priced, answer["decision_id"], "invalid")
    assert row["reason"] == answer["reason"] and row["raw_answer"] == (body if isinstance(body, str) else json.dumps(body))
    assert not priced.signal(f"llm:{answer['decision_id']}")


def test_redis_keeps_of_a_decision_that_is_final_what_a_second_one_is_known_by(priced):
    """What is long is in the archive: a model that answers nonsense all day does not fill Redis."""
    refused = decide(priced, "no decision")[1]
    held = decide(priced, proposal(priced, action="hold", reasoning="known by this"))[1]
    waits = decide(priced, proposal(priced, reasoning="waits"))[1]
    key = "llm:decision:{}".format
    assert priced.admin.hgetall(key(waits["decision_id"])).keys() > {"package", "raw_answer"}
    assert priced.ask("llm", "refuse", waits["decision_id"])[0] == 0
    for row in (held, waits):
        kept = priced.admin.hgetall(key(row["decision_id"]))
        assert kept["state"] in ("no_action", "refused") and not kept.keys() & {"package", "raw_answer"}
        assert row_of(priced, row["decision_id"], kept["state"])["package"]
    assert not priced.admin.exists(key(refused["decision_id"]))  # nothing can come again under an id of its own
    row_of(priced, refused["decision_id"], "invalid")


def test_to_hold_is_a_decision_that_is_recorded(priced):
    answer = decide(priced, proposal(priced, action="hold"))[1]
    assert answer["state"] == "no_action"
    row_of(priced, answer["decision_id"], "no_action")


def test_what_the_door_of_signals_refuses_is_rejected_with_its_words(priced):
    answer = decide(priced, proposal(priced, stop_loss=1.2))[1]
    assert priced.ask("llm", "approve", answer["decision_id"])[0] == 0
    assert "stop_loss" in row_of(priced, answer["decision_id"], "rejected")["reason"]


def test_without_the_token_nothing_is_decided(priced):
    before = rows(priced, "SELECT count(*) AS n FROM llm_decision")
    status, _, _ = ask(priced, "/api/v1/llm/decision", method="POST", body=json.dumps(proposal(priced)), token=False)
    assert status == 401 and rows(priced, "SELECT count(*) AS n FROM llm_decision") == before


def restarted(plant, **options):
    plant.per_process["advisor"] = {f"TRADECAST_ADVISOR_{k.upper()}": v for k, v in options.items()}
    plant.processes["advisor"].stop()
    plant.start_process("advisor")
    until(lambda: is_answering(plant), "the advisor to answer again")


def test_what_nobody_approves_expires(priced):
    restarted(priced, propose_for="1s")
    decision_id = decide(priced, proposal(priced, reasoning="wait"))[1]["decision_id"]
    row_of(priced, decision_id, "expired")
    assert priced.ask("llm", "approve", decision_id)[0] == 1
    assert not priced.signal(f"llm:{decision_id}")


def test_auto_is_a_signal_at_once_on_paper_up_to_the_limits_and_never_for_a_live_account(priced):
    restarted(priced, mode="auto", decisions_per_hour="1")
    decision_id = decide(priced, proposal(priced, reasoning="auto"))[1]["decision_id"]
    assert priced.final(f"llm:{decision_id}")["status"] == "completed"
    assert row_of(priced, decision_id, "accepted")["mode"] == "auto"
    answer = decide(priced, proposal(priced, reasoning="one more"))[1]
    assert answer["state"] == "proposed" and "limit" in answer["reason"]
    restarted(priced, mode="auto")  # what was used up stays so, with a higher limit there is room
    priced.apply(live(priced, True))
    answer = decide(priced, proposal(priced, reasoning="live"))[1]
    assert answer["state"] == "proposed" and "live" in answer["reason"]
    priced.apply(live(priced, False))


def live(plant, is_live):
    config = plant.configured()
    config["accounts"][0]["live"] = is_live
    return config


def test_auto_for_live_accounts_does_not_start_without_limits(priced):
    p = priced.process("advisor", {"TRADECAST_ADVISOR_MODE": "auto", "TRADECAST_ADVISOR_AUTO_LIVE": "true", "TRADECAST_ADVISOR_LOCK_DIR": priced.temporary})
    p.start()
    assert p.wait(20) not in (0, None) and "LOTS_MAX" in p.log.read_text()
