"""deploy/compose.yaml: what both versions of docker-compose read, and every container shut in. (tests/deploy runs it where a daemon can be started.)"""
# SPDX-License-Identifier: MIT
import os
import re
import subprocess

import pytest
import yaml

from deploy.local.layout import ROOT

FILE = ROOT / "deploy/compose.yaml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = COMPOSE["services"]
# Read by version 1.29 and by version 2 alike, with the same meaning.
KEYS = {"image", "build", "command", "entrypoint", "environment", "volumes", "networks", "network_mode", "ports", "secrets", "depends_on", "healthcheck",
        "profiles", "user", "restart", "init", "read_only", "cap_drop", "security_opt", "stop_grace_period", "mem_limit", "pids_limit", "ulimits"}
NO_HEALTH = {"sync-backend", "sync-clickhouse", "tradecast", "backup"}  # the copies say how they are to the monitor; the command ends


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """What deploy/compose-prepare writes."""
    top = tmp_path_factory.mktemp("clone")
    subprocess.run(["cp", "-r", ROOT / "deploy", top / "deploy"], check=True)
    (top / "deploy/.env").unlink(missing_ok=True)
    subprocess.run([top / "deploy/compose-prepare"], check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    lines = [line.split("=", 1) for line in (top / "deploy/.env").read_text().splitlines() if line and not line.startswith("#")]
    return dict(lines)


def test_both_versions_know_what_stands_there():
    assert {k for k in COMPOSE if not k.startswith("x-")} == {"services", "networks", "secrets"}
    for name, service in SERVICES.items():
        assert set(service) <= KEYS, name
        assert not ("network_mode" in service and "networks" in service), name
        for other, condition in (service["depends_on"] or {}).items() if isinstance(service["depends_on"], dict) else ():
            assert "profiles" not in SERVICES[other] and condition == {"condition": "service_healthy"}, name


def test_every_container_is_shut_in_and_bounded():
    for name, service in SERVICES.items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] == "${TRADECAST_UID}:${TRADECAST_GID}" and service["ulimits"]["core"] == 0, name
        assert service["mem_limit"] and service["pids_limit"] and service["restart"] in ("unless-stopped", "no"), name
        assert ("healthcheck" in service) == (name not in NO_HEALTH), name
        assert service.get("network_mode", "none") == "none", name
        assert not any("docker.sock" in v for v in service.get("volumes", [])), name


def test_a_service_that_was_taken_over_is_not_started_again_and_again():
    """Docker cannot tell exit statuses apart: the process waits instead."""
    for name in ("archiver", "reconciler", "router", "executor", "ingest", "monitor", "advisor"):
        assert SERVICES[name]["environment"]["TRADECAST_REPLACED_WAITS"] == "true", name


def test_a_container_sees_no_secret_but_its_own():
    own = {"archiver", "reconciler", "router", "ingest", "monitor"}
    for name, service in SERVICES.items():
        mounted = [v.split(":")[0] for v in service.get("volumes", [])]
        assert name == "tradecast" or not {"${TRADECAST_STATE}", "${TRADECAST_STATE}/secrets"} & set(mounted), name
        assert ("${TRADECAST_STATE}/redis" in mounted) == (name == "redis"), name
        given = [s if isinstance(s, str) else s["source"] for s in service.get("secrets", [])]
        assert given == ([name] if name in own else {"executor": ["executor.0"], "sync-clickhouse": ["clickhouse"], "advisor": ["advisor", "advisor-token", "webhook-llm"]}.get(name, [])), name


def test_every_variable_has_a_value_and_what_is_published_is_on_loopback(environment):
    used = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    assert used <= environment.keys() and set(environment) - used <= {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}
    assert environment["TRADECAST_UID"] != "0"
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            variable = re.match(r"\$\{(\w+)", port).group(1)
            assert environment[variable].startswith("127.0.0.1:"), name


def test_secrets_are_files_that_the_script_makes(environment):
    for name, secret in COMPOSE["secrets"].items():
        path = secret["file"].replace("${TRADECAST_STATE}", environment["TRADECAST_STATE"])
        assert os.stat(path).st_mode & 0o077 == 0, name


def test_nothing_that_the_script_makes_is_ever_committed(environment):
    ignored = subprocess.run(["git", "check-ignore", "deploy/.env", "var/compose/secrets/ingest"], cwd=ROOT, capture_output=True, text=True)
    assert len(ignored.stdout.split()) == 2
