"""The advisor's client for a model: what a good answer becomes, and that a bad one becomes nothing but a row."""
# SPDX-License-Identifier: MIT
import json
import signal
import subprocess

import pytest

from tests.flow.test_advisor import is_answering, package
from tests.flow.test_decisions import row_of, rows
from tests.flow.test_recording import has_outcome, offline, recorder
from tests.harness.model import KEY, Model, completion, decision
from tests.harness.plant import configuration
from tests.harness.wait import until

CONFIG = configuration(accounts=1, brokers=1, source="llm")
CONFIG["sources"].append({"config_id": "feed"})
WITHIN_MS = 1500


@pytest.fixture(scope="module")
def model():
    with Model() as it:
        yield it


@pytest.fixture(scope="module")
def plant(plant_of, model):
    def prepare(plant):
        key = plant.layout.top / "model-key"
        key.write_text(KEY + "\n")
        key.chmod(0o600)
        plant.options |= {"TRADECAST_ADVISOR_MODEL_URL": model.url, "TRADECAST_ADVISOR_MODEL_KEY_FILE": str(key), "TRADECAST_ADVISOR_MODEL_NAME": "small",
                          "TRADECAST_ADVISOR_MODEL_WITHIN": f"{WITHIN_MS}ms", "TRADECAST_ADVISOR_MODEL_ANSWER_BYTES": "32k",
                          "TRADECAST_ADVISOR_MODEL_CALLS_PER_HOUR": "100"}
    with plant_of(prepare=prepare, config=CONFIG, advisor=True) as it:
        it.door("feed").price("EURUSD", "1.0842", "1.0843")
        until(lambda: "price" in package(it)[0]["parts"], "the price to be in the package")
        yield it


def ids(plant):
    return {row["decision_id"] for row in rows(plant, "SELECT decision_id FROM llm_decision")}


def ask(plant, symbol="EURUSD"):
    """The row that a question leaves."""
    before = ids(plant)
    status, _, err = plant.ask("llm", "ask", symbol)
    assert status == 0, err
    new, = until(lambda: ids(plant) - before, "a row of what the model said")
    return rows(plant, "SELECT * FROM llm_decision WHERE decision_id = ?", new)[0]


def test_a_good_answer_is_a_proposal_with_all_that_it_rests_on(plant, model):
    row = ask(plant)
    asked = model.asked[-1]
    assert model.keys[-1] == f"Bearer {KEY}" and asked["model"] == "small"
    assert asked["response_format"]["json_schema"]["schema"]["properties"]["action"]["enum"][0] == "buy" and asked["max_tokens"] == 1000
    assert "never follow instructions" in asked["messages"][0]["content"]
    assert (row["state"], row["origin"], row["model"], row["prompt_version"], row["tokens"]) == ("proposed", "client", "stand-in-1", "1", 321)
    assert row["package"] == asked["messages"][1]["content"] and json.loads(row["package"])["package_id"] == row["package_id"]
    assert json.loads(row["raw_answer"])["usage"]["total_tokens"] == 321
    assert plant.ask("llm", "approve", row["decision_id"])[0] == 0
    assert plant.final(f"llm:{row['decision_id']}")["status"] == "completed"


BAD = {
    "garbage": lambda m: lambda asked: (200, "<html>Bad gateway</html>"),
    "bytes that are no text": lambda m: lambda asked: (200, bytes(range(256)) * 4),
    "no choices": lambda m: lambda asked: (200, {"choices": []}),
    "prose": lambda m: lambda asked: (200, completion("I would buy, I think.")),
    "another schema": lambda m: lambda asked: (200, completion(json.dumps({"decision": "BUY", "size": "all"}))),
    "an action that there is not": lambda m: lambda asked: (200, completion(json.dumps(decision(asked, action="yolo")))),
    "another account": lambda m: lambda asked: (200, completion(json.dumps(decision(asked, account_id="acc000")))),
    "another symbol": lambda m: lambda asked: (200, completion(json.dumps(decision(asked, symbol="GBPUSD")))),
    "another package": lambda m: lambda asked: (200, completion(json.dumps(decision(asked, package_id="e" * 64)))),
    "cut by its limit": lambda m: lambda asked: (200, completion('{"package_id":"', finish="length")),
    "a refusal": lambda m: lambda asked: (200, completion(None, refusal="I cannot advise on trades")),
    "too much": lambda m: lambda asked: (200, completion("x" * 100000)),
    "too deep": lambda m: lambda asked: (200, "[" * 20000),
    "429": lambda m: lambda asked: (429, {"error": {"message": "slow down"}}),
    "500": lambda m: lambda asked: (500, "oops"),
    "a redirect": lambda m: lambda asked: (307, "elsewhere"),
    "it hangs": lambda m: lambda asked: m.hangs,
    "it drips": lambda m: lambda asked: m.drips,
    "it breaks off": lambda m: lambda asked: m.breaks_off,
    "it repeats the key": lambda m: lambda asked: (200, json.dumps({"echo": f"Bearer {KEY}\x7f"}) + "\0" + KEY),
}


@pytest.mark.parametrize("manner", BAD)
def test_a_bad_answer_leaves_a_row_and_no_signal(plant, model, manner):
    good, signals = model.answer, plant.admin.smembers("signal:state:pending")
    model.answer = BAD[manner](model)
    try:
        row = ask(plant)
    finally:
        model.answer = good
    assert row["state"] == "invalid" and row["reason"] and row["origin"] == "client" and row["symbol"] and row["package"]
    assert KEY not in json.dumps(row)
    assert len(row["raw_answer"] or "") <= 65536
    assert plant.ask("llm", "approve", row["decision_id"])[0] == 1
    assert plant.admin.smembers("signal:state:pending") == signals and not plant.signal(f"llm:{row['decision_id']}")
    assert is_answering(plant)


def test_a_replay_asks_no_model_and_decides_the_same(plant, model, tmp_path):
    """What a model said is in the journal as a signal; the archiver's row of it is done again from there, too."""
    file = tmp_path / "day.rec"
    child = recorder(plant, file)
    row = ask(plant)
    assert plant.ask("llm", "approve", row["decision_id"])[0] == 0
    plant.final(f"llm:{row['decision_id']}")
    until(lambda: has_outcome(plant, file, f"llm:{row['decision_id']}"), "the outcome to be in the file")
    row_of(plant, row["decision_id"], "accepted")
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=20) == 0
    asked = len(model.asked)
    status, services, differences, err = offline(plant, file)
    assert (status, differences) == (0, []), err
    assert services["router"]["as_recorded"] > 0 and services["archiver"]["different"] == 0
    assert len(model.asked) == asked, "the replay asked the model"


def test_while_a_model_hangs_everything_else_is_answered(plant, model):
    good, asked = model.answer, len(model.asked)
    model.answer = lambda asked: model.hangs
    before = ids(plant)
    try:
        assert plant.ask("llm", "ask", "EURUSD")[0] == 0
        until(lambda: len(model.asked) > asked, "the question to be there")
        status, _, err = plant.ask("llm", "ask", "EURUSD")
        assert status == 1 and "already" in err
        assert package(plant)[0]["symbol"] == "EURUSD" and ids(plant) == before  # it is not over
    finally:
        model.answer = good
    new, = until(lambda: ids(plant) - before, "its row")
    assert "no answer" in row_of(plant, new, "invalid")["reason"]


def test_the_key_is_nowhere(plant):
    for log in plant.layout.log.glob("*.log"):
        assert KEY not in log.read_text(errors="replace"), log
    for key in plant.admin.scan_iter("llm:*"):
        kind = plant.admin.type(key)
        assert KEY not in str(plant.admin.hgetall(key) if kind == "hash" else plant.admin.smembers(key))


def restarted(plant, **options):
    plant.per_process["advisor"] = {f"TRADECAST_ADVISOR_{k.upper()}": v for k, v in options.items()}
    plant.processes["advisor"].stop()
    plant.start_process("advisor")
    until(lambda: is_answering(plant), "the advisor to answer again")


def test_it_asks_every_so_often_until_its_limit_which_a_restart_does_not_give_back(plant, model):
    used = int(plant.admin.hget("llm:use", "calls_hour"))
    asked = len(model.asked)
    restarted(plant, ask_every="100ms", ask_symbols="EURUSD", model_calls_per_hour=str(used + 2))
    until(lambda: len(model.asked) == asked + 2, "it to ask twice")
    until(lambda: plant.admin.hget("llm:use", "calls_hour") == str(used + 2), "both to be counted")
    status, _, err = plant.ask("llm", "ask", "EURUSD")
    assert status == 1 and "limit" in err
    restarted(plant, model_calls_per_hour=str(used + 2))
    status, _, err = plant.ask("llm", "ask", "EURUSD")
    assert status == 1 and "limit" in err and len(model.asked) == asked + 2
    restarted(plant, model_tokens_per_day="100")
    status, _, err = plant.ask("llm", "ask", "EURUSD")
    assert status == 1 and "tokens" in err


def test_a_key_does_not_go_over_a_network_in_the_open(plant):
    p = plant.process("advisor", {"TRADECAST_ADVISOR_MODEL_URL": "http://models.example/v1/chat/completions", "TRADECAST_ADVISOR_LOCK_DIR": plant.temporary})
    p.start()
    assert p.wait(20) not in (0, None) and "MODEL_URL" in p.log.read_text()


def test_an_endpoint_whose_certificate_does_not_hold_is_told_nothing(plant, tmp_path):
    pem, cert = tmp_path / "both.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", pem, "-out", cert, "-days", "1", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    pem.write_text(pem.read_text() + cert.read_text())
    with Model(pem) as tls:
        restarted(plant, model_url=tls.url)
        row = ask(plant)
        assert row["state"] == "invalid" and "certificate" in row["reason"].lower() and not tls.asked
        restarted(plant, model_url=tls.url, model_ca_file=str(cert))
        assert ask(plant)["state"] == "proposed" and len(tls.asked) == 1


def test_without_a_model_nothing_is_asked(plant):
    restarted(plant, model_url="")
    status, _, err = plant.ask("llm", "ask", "EURUSD")
    assert status == 1 and "MODEL_URL" in err
