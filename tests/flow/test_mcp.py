"""The advisor over the Model Context Protocol: the public conformance suite, the public SDK as a client, and what neither of them tries."""
# SPDX-License-Identifier: MIT
import json

import jsonschema
import pytest
import yaml

from deploy.local.layout import ROOT
from tests.flow.test_advisor import SCHEMA, ask, package
from tests.harness.bearer import Bearer
from tests.harness.node import Programs
from tests.harness.plant import configuration
from tests.harness.wait import until

CONFIG = configuration(accounts=1, brokers=1, source="llm")
CONFIG["sources"].append({"config_id": "feed"})
PLANT = {"config": CONFIG, "advisor": True}
BASELINE = ROOT / "tests/data/mcp/baseline.yml"
VERSION = "2025-11-25"


@pytest.fixture(scope="module")
def programs():
    return Programs("tests/data/mcp").install()


@pytest.fixture(scope="module")
def priced(plant):
    plant.door("feed").price("EURUSD", "1.0842", "1.0843")
    until(lambda: "price" in package(plant)[0]["parts"], "the price to be in the package")
    return plant


def test_the_public_conformance_suite_finds_only_what_the_baseline_says(priced, programs, tell):
    """What is in the baseline needs tools, prompts and resources of the suite's own, or something that is not offered: the file says which."""
    with Bearer(priced.advisor_port, priced.layout.secret("advisor-token")) as door:
        done = programs.run("node_modules/@modelcontextprotocol/conformance/dist/index.js", "server", "--url", door.url + "/mcp", "--suite", "all",
                            "--expected-failures", BASELINE, within_s=120)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = {"server-initialize", "ping", "tools-list", "resources-list", "prompts-list", "server-sse-multiple-streams", "dns-rebinding-protection"}
    assert not passed & set(yaml.safe_load(BASELINE.read_text())["server"])
    for name in passed:
        assert f"✓ {name}" in done.stdout, f"{name} was not run\n{done.stdout[-6000:]}"


def test_the_public_sdk_reads_a_package_and_proposes_a_decision(priced, programs):
    done = programs.run("client.mjs", priced.advisor_url + "/mcp", priced.layout.secret("advisor-token"), "EURUSD")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["server"]["name"] == "tradecast" and len(found["session"]) == 32
    assert found["tools"] == ["list_symbols", "get_package", "propose_decision", "list_decisions", "get_decision"]
    assert "EURUSD" in found["symbols"]
    SCHEMA.validate(found["package"])
    SCHEMA.validate(found["read"])
    proposed, again = found["proposed"]["structuredContent"], found["again"]["structuredContent"]
    assert (proposed["state"], proposed["origin"], proposed["duplicate"], found["proposed"]["isError"]) == ("proposed", "mcp", False, False)
    assert again["duplicate"] and again["decision_id"] == proposed["decision_id"] == found["one"]["decision_id"]
    assert found["invalid"]["isError"] and found["invalid"]["structuredContent"]["state"] == "invalid"
    assert proposed["decision_id"] in [d["decision_id"] for d in found["decisions"]]
    assert found["schema"] == json.loads((ROOT / "deploy/llm-decision.schema.json").read_text())
    assert found["package"]["package_id"] != json.loads(found["prompt"][found["prompt"].index("{"):])["package_id"]
    assert (found["unknown_tool"], found["unknown_resource"]) == (-32602, -32002)
    assert not priced.signal(f"llm:{proposed['decision_id']}"), "it waits for a person"


# --- the wire

def post(plant, message, session=None, **headers):
    """(status, headers, answer)"""
    body = message if isinstance(message, (str, bytes)) else json.dumps(message)
    more = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **({"Mcp-Session-Id": session} if session else {}), **headers}
    status, said, text = ask(plant, "/mcp", method="POST", body=body, headers=more)
    return status, {k.lower(): v for k, v in said.items()}, json.loads(text) if text else None


def request(method, params=None, number=1):
    return {"jsonrpc": "2.0", "id": number, "method": method, **({"params": params} if params is not None else {})}


def begin(plant, version=VERSION):
    status, said, answer = post(plant, request("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}))
    assert status == 200
    return said["mcp-session-id"], answer["result"]


def test_a_client_gets_its_version_or_the_newest(priced):
    for asked, got in ((VERSION, VERSION), ("2025-06-18", "2025-06-18"), ("2025-03-26", "2025-03-26"), ("1999-01-01", VERSION)):
        assert begin(priced, asked)[1]["protocolVersion"] == got


def test_a_session_is_needed_and_ends(priced):
    session, _ = begin(priced)
    assert post(priced, request("ping"))[0] == 400
    assert post(priced, request("ping"), "0" * 32)[0] == 404
    status, _, answer = post(priced, request("ping", number="a\"b"), session)
    assert (status, answer) == (200, {"jsonrpc": "2.0", "id": "a\"b", "result": {}})
    assert post(priced, {"jsonrpc": "2.0", "method": "notifications/initialized"}, session)[0] == 202
    assert post(priced, request("ping"), session, **{"MCP-Protocol-Version": "1999-01-01"})[0] == 400
    assert ask(priced, "/mcp", method="DELETE", headers={"Mcp-Session-Id": session})[0] == 204
    assert post(priced, request("ping"), session)[0] == 404


@pytest.mark.parametrize("body, status, code", [
    ("{", 400, -32700), ("", 400, -32700), ("[" * 5000, 400, -32700), ("[]", 400, -32600), ('{"id":1,"method":"ping"}', 400, -32600),
    ('{"jsonrpc":"2.0","id":null,"method":"ping"}', 400, -32600), ('{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 400, -32600),
    ('{"jsonrpc":"2.0","id":1}', 400, -32600), ('{"jsonrpc":"2.0","id":1,"method":"no/such"}', 200, -32601),
    ('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_package","arguments":[]}}', 200, -32602),
    ('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}', 200, -32602)])
def test_what_is_wrong_is_answered_as_json_rpc_says(priced, body, status, code):
    session, _ = begin(priced)
    said, _, answer = post(priced, body, session)
    assert (said, answer["error"]["code"], answer["jsonrpc"]) == (status, code, "2.0")


def test_only_who_has_the_token_and_is_no_page_of_another_site_comes_in(priced):
    body = json.dumps(request("initialize", {"protocolVersion": VERSION}))
    assert ask(priced, "/mcp", method="POST", body=body, token=False)[0] == 401
    assert ask(priced, "/mcp", method="POST", body=body, headers={"Origin": "https://evil.example"})[0] == 403
    assert ask(priced, "/mcp", method="POST", body=body, headers={"Host": "evil.example"})[0] == 403
    status, said, _ = ask(priced, "/mcp")
    assert status == 405 and said["Allow"] == "POST, DELETE"


def test_a_tool_that_cannot_do_it_says_so_to_the_model(priced):
    session, _ = begin(priced)
    _, _, answer = post(priced, request("tools/call", {"name": "get_package", "arguments": {"symbol": "NOTHING"}}), session)
    assert answer["result"]["isError"] and "symbol" in answer["result"]["content"][0]["text"]


def test_every_tool_says_what_it_takes(priced):
    session, _ = begin(priced)
    for tool in post(priced, request("tools/list"), session)[2]["result"]["tools"]:
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
        assert tool["inputSchema"]["type"] == "object" and tool["description"] and (tool["annotations"]["readOnlyHint"] == (tool["name"] != "propose_decision"))
