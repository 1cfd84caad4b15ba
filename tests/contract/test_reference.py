"""docs/options.md and deploy/env are what the programs say of themselves."""
# SPDX-License-Identifier: MIT
import filecmp
import json
import subprocess

import jsonschema
import pytest

from deploy.local.layout import ROOT

GATEWAYS = sorted(f"gateway-{p.parent.name}" for p in (ROOT / "gateways").glob("*/main.c"))
PROGRAMS = ["ingest", "router", "executor", "reconciler", "archiver", "monitor", "relay", "advisor", *GATEWAYS, "sync-clickhouse", "sync-backend"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("reference")
    subprocess.run([ROOT / "deploy/reference", ROOT / "build/check/bin", out], check=True)
    return out


@pytest.mark.parametrize("file", ["docs/options.md", "docs/configuration-fields.md", "deploy/config.schema.json", "deploy/llm-decision.schema.json", "docs/reason-codes.md",
                                  *(f"deploy/env/{p}.env" for p in PROGRAMS)])
def test_what_is_in_the_tree_is_what_the_programs_say(written, file):
    assert filecmp.cmp(ROOT / file, written / file, shallow=False), f"{file} is not up to date; run: make reference"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_wrong_value_stops_the_start_with_a_sentence_that_names_it(program):
    part = program.split("-")[-1].upper()
    p = subprocess.run([ROOT / f"build/check/bin/tradecast-{program}", "--check"], capture_output=True, text=True, timeout=20,
                       env={f"TRADECAST_{part}_LOG_LEVEL": "loud"})
    assert p.returncode == 2
    assert f"TRADECAST_{part}_LOG_LEVEL" in p.stderr and "loud" in p.stderr


def test_every_reason_says_what_it_means():
    rows = [[cell.strip() for cell in line.split(" | ")] for line in (ROOT / "docs/reason-codes.md").read_text().splitlines() if line.startswith("| ")]
    codes = {row[1]: row[2] for row in rows[1:]}
    assert "`ordered`" in codes and len(codes) > 15
    assert not [name for name, words in codes.items() if not words], "a code without a comment in proto/order.proto"


# --- the schema of a configuration

@pytest.fixture(scope="module")
def schema():
    found = json.loads((ROOT / "deploy/config.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


@pytest.mark.parametrize("file", ["deploy/demo.json"])
def test_what_is_shipped_is_valid_by_the_schema(schema, file):
    schema.validate(json.loads((ROOT / file).read_text()))


@pytest.mark.parametrize("path, value", [
    (["accounts", 0, "leverage"], 0), (["accounts", 0, "broker_id"], "a/b"), (["accounts", 0, "balance"], "-1e3"), (["accounts", 0, "colour"], "red"),
    (["accounts", 0, "enabled"], "yes"), (["accounts", 0, "subscriptions", 0, "fixed_lot"], 0), (["sources", 0, "token"], "short"),
    (["sources", 0, "dialect"], "mt4"), (["brokers", 0, "symbols", 0, "sessions"], [{"days": ["mon"], "from": "9:00", "to": "24:00"}]),
])
def test_the_schema_knows_the_rules(schema, path, value):
    document = json.loads((ROOT / "deploy/demo.json").read_text())
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    assert not schema.is_valid(document)
