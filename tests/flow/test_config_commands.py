"""tradecast config over running services: shown first, taken whole, seen by the router without a restart, and taken back."""
# SPDX-License-Identifier: MIT
import getpass
import itertools
import json
import re

import pytest

from deploy.local.layout import ROOT
from tests.harness.wait import until

DONE, ANSWER_NO, WRONG_USE = 0, 1, 2
NUMBERS = itertools.count()


def config(plant, *words, stdin=None):
    return plant.command("config", *words, stdin=stdin)


def must(plant, *words, stdin=None):
    status, out, err = config(plant, *words, stdin=stdin)
    assert status == DONE, err
    return out


def version(plant):
    return json.loads(must(plant, "show", "--json"))["version"]


def decided(plant, account):
    """What the router decides now for an account, of a new signal."""
    door = plant.door()
    status, answer, _ = door.alert({"signal_id": f"config-{next(NUMBERS)}", "symbol": "EURUSD", "action": "buy", "lot_size": "0.1"})
    door.close()
    assert status == 200, answer
    return until(lambda: plant.decisions(answer["signal_id"]).get(account), "a decision")["reason"]


def decides(plant, account, reason):
    until(lambda: decided(plant, account) == reason, f"the router to say {reason} for {account}")


def test_a_change_is_shown_first_and_reaches_the_router_without_a_restart(plant):
    decides(plant, "acc000", "ordered")
    before = version(plant)
    out = must(plant, "set", "accounts.acc000.enabled", "false", "--dry-run")
    assert out == "~ accounts.acc000\n    enabled: (not set) -> false\n"
    assert version(plant) == before
    assert decided(plant, "acc000") == "ordered"
    out = must(plant, "set", "accounts.acc000.enabled", "false", "--note", "holiday")
    assert out == f"~ accounts.acc000\n    enabled: (not set) -> false\nversion {before + 1} is in force\n"
    decides(plant, "acc000", "account_disabled")
    assert decided(plant, "acc001") == "ordered"
    assert must(plant, "get", "accounts.acc000.enabled") == "false\n"
    must(plant, "rollback", str(before))
    decides(plant, "acc000", "ordered")
    assert version(plant) == before + 2


def test_history_says_who_when_and_what(plant):
    must(plant, "set", "accounts.acc001.leverage", "30", "--note", "less is more")
    must(plant, "set", "accounts.acc001.leverage", "20")
    at = version(plant)
    first, second = must(plant, "history", "--count", "2").split("\n\n")
    assert first.startswith(f"version {at}  20") and f"Z  {getpass.getuser()}\n" in first
    assert "  ~ accounts.acc001\n      leverage: 30 -> 20" in first
    assert second.startswith(f"version {at - 1}") and "less is more" in second
    rows = json.loads(must(plant, "history", "--json"))["versions"]
    assert [r["version"] for r in rows][:2] == [at, at - 1]
    assert rows[0]["changes"] == [{"table": "account_config", "id": "acc001",
                                   "edits": [{"path": "leverage", "before": "30", "after": "20"}]}]


def test_a_wrong_document_is_refused_whole_with_everything_that_is_wrong(plant):
    before = version(plant)
    status, _, err = config(plant, "apply", "-", stdin="""
accounts:
  - account_id: acc002
    broker_id: nobody
    leverage: 0
    subscriptions:
      - {source: test, fixed_lot: -0.1}
brokers:
  - broker_id: b
    time_zone: "Berlin?"
    symbols:
      - {symbol: EURUSD, sessions: [{days: [mon, tue], from: "09:00", to: "09:00"}, {days: [someday], from: 9, to: "25:00"}]}
sources:
  - {config_id: test, allow: [tradingview, 10.0.0.1/8], window_s: 0}
""")
    assert status == ANSWER_NO
    for line in ("accounts[0].broker_id: nobody is not a broker",
                 "accounts[0].leverage: must be 1 to 10000, not \"0\"",
                 "accounts[0].subscriptions[0].fixed_lot: must be more than 0, not \"-0.1\"",
                 "brokers[0].time_zone: must be an IANA time zone, as Europe/Berlin, not \"Berlin?\"",
                 "brokers[0].symbols[0].sessions[0]: must end after it begins, not 09:00 to 09:00",
                 "brokers[0].symbols[0].sessions[1].days[0]: must be one of mon, tue, wed, thu, fri, sat, sun, not \"someday\"",
                 "brokers[0].symbols[0].sessions[1].from: must be",
                 "brokers[0].symbols[0].sessions[1].to: must be a time of day",
                 "sources[0].allow[1]: must be an address, a network",
                 "sources[0].window_s: must be 1 to 3600"):
        assert line in err, err
    assert version(plant) == before


def test_what_is_exported_can_be_applied_again(plant):
    before = version(plant)
    token = plant.token("test")
    for words in ([], ["--yaml"]):
        out = must(plant, "export", *words)
        assert "hash" not in out and token not in out
        assert must(plant, "apply", "-", "--replace", stdin=out) == f"nothing differs from version {before}\n"
    changed = out.replace("leverage: 500", "leverage: 400", 1)
    assert "leverage: 500 -> 400" in must(plant, "apply", "-", "--dry-run", stdin=changed)
    assert version(plant) == before
    assert f"version {before + 1} is in force" in must(plant, "apply", "-", stdin=changed)
    must(plant, "rollback", str(before))


@pytest.mark.parametrize("page", ["docs/configuration.md", "docs/dialects.md"])
def test_the_examples_of_the_docs_can_be_applied(plant, page):
    examples = re.findall(r"^```yaml\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    assert examples
    whole = must(plant, "apply", "-", "--dry-run", *(["--replace"] if "brokers:" in examples[0] else []), stdin=examples[0])
    assert "+ sources." in whole


def test_what_would_take_an_account_with_open_trades_away_is_shown_and_refused(plant):
    door = plant.door()
    assert door.alert({"signal_id": "config-open", "symbol": "EURUSD", "action": "buy", "lot_size": "0.1", "price": "1.0843"})[0] == 200
    door.close()
    assert plant.final("config-open")["status"] == "completed"
    until(lambda: "acc000" in plant.command("trades", "--account", "acc000")[1], "the trades to be archived")
    before = version(plant)
    status, out, err = config(plant, "apply", "-", stdin='{"replace": true}')
    assert status == ANSWER_NO
    assert "- accounts.acc000\n" in out and "- sources.test" in out
    assert re.search(r"accounts\.acc000 has \d+ open trades?\n", err) and "--force" in err
    assert version(plant) == before and decided(plant, "acc000") == "ordered"


@pytest.mark.parametrize("words", [["get"], ["set", "a"], ["apply"], ["rollback"], ["show", "more"], ["forget"]])
def test_wrong_use_is_said(plant, words):
    status, _, err = config(plant, *words)
    assert status == WRONG_USE and "config" in err


@pytest.mark.parametrize("words, sentence", [
    (["get", "accounts.nobody"], "accounts has no nobody"),
    (["set", "accounts.acc000.colour", "red"], "accounts[0].colour: is not known"),
    (["rollback", "100000"], "there is no version 100000 on record"),
    (["apply", "-"], "neither JSON nor YAML"),
])
def test_what_cannot_be_done_is_answered_with_a_reason(plant, words, sentence):
    status, _, err = config(plant, *words, stdin="a: [1")
    assert status == ANSWER_NO and sentence in err
