"""What a user of docker-compose does: prepare, build, up, an alert, a container killed, down, up; nothing is lost."""
# SPDX-License-Identifier: MIT
import json
import pathlib
import subprocess
import urllib.error
import urllib.request
import warnings

import pytest

from deploy.local.layout import ROOT, free_port
from tests.deploy.engine import Engine, NoEngine
from tests.harness.wait import until

SERVICES = {"redis", "archiver", "reconciler", "router", "executor", "ingest", "monitor", "gateway-paper"}


@pytest.fixture(scope="module")
def engine():
    try:
        with Engine() as e:
            yield e
    except NoEngine as why:
        warnings.warn(f"NO CONTAINER WAS RUN: {why}", stacklevel=1)
        pytest.skip(f"no docker here: {why}")


class Compose:
    """A fresh clone of what is committed or staged, prepared as a user would; with free ports."""

    def __init__(self, engine):
        self.engine, self.top = engine, engine.top / "clone"
        self.top.mkdir()
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["xargs", "-0", "cp", "--parents", "-t", self.top], cwd=ROOT, input=files, check=True)
        subprocess.run([self.top / "deploy/compose-prepare"], check=True)
        self.state = self.top / "var/compose"
        self.webhook, self.monitor = free_port(), free_port()
        file = self.top / "deploy/.env"
        file.write_text(file.read_text().replace("127.0.0.1:8300", f"127.0.0.1:{self.webhook}").replace("127.0.0.1:8301", f"127.0.0.1:{self.monitor}"))

    def __call__(self, *words, **more):
        return self.engine("-f", str(self.top / "deploy/compose.yaml"), "--env-file", str(self.top / "deploy/.env"), *words, program="docker-compose", **more)

    def up(self):
        self("up", "-d", "--no-build")
        until(self.ready, "everything to be ready", within_s=90)

    def ready(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}/readyz", timeout=2).status == 200
        except OSError:
            return False

    def alert(self, signal_id):
        token = (self.state / "secrets/webhook-desk").read_text().strip()
        body = json.dumps({"signal_id": signal_id, "ticker": "EURUSD", "action": "buy", "contracts": "1", "price": "1.0843"}).encode()

        def taken():
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.webhook}/webhook/desk/{token}", body, timeout=10).status == 200
            except urllib.error.HTTPError as e:
                assert e.code == 503, e  # send it again, as TradingView does
                return False
        until(taken, "the alert to be taken", within_s=60, pause_s=0.5)

    def story(self, signal_id):
        p = self("run", "--rm", "-T", "tradecast", "explain", signal_id, "--json", check=False)
        return p.stdout if p.returncode == 0 else ""


@pytest.fixture(scope="module")
def compose(engine):
    engine.base_image("tradecast-base")
    c = Compose(engine)
    engine("build", "--quiet", "--network=host", "-f", c.top / "docker/Dockerfile", "--target", "tradecast", "--build-arg", "BASE=tradecast-base",
           "-t", "tradecast", c.top, within_s=900)
    yield c
    c("down", check=False)


def test_up_an_alert_through_the_published_webhook_is_filled(compose):
    compose("up", "-d", "--no-build")
    until(lambda: compose("run", "--rm", "-T", "tradecast", "config", "apply", "/var/lib/tradecast/config.json", check=False).returncode == 0,
          "the configuration to be taken", within_s=90, pause_s=0.5)
    until(compose.ready, "everything to be ready", within_s=90)
    compose.alert("first")
    until(lambda: "filled" in compose.story("first"), "the fill", within_s=60, pause_s=0.2)


def test_every_container_is_healthy_and_shut_in(compose):
    def healthy():
        found = {i["Config"]["Labels"]["com.docker.compose.service"]: i for i in
                 json.loads(compose.engine("inspect", *compose("ps", "-q").stdout.split()).stdout)}
        return set(found) == SERVICES and all(i["State"]["Health"]["Status"] == "healthy" for i in found.values()) and found
    for name, container in until(healthy, "all containers to be healthy", within_s=90, pause_s=0.5).items():
        host, config = container["HostConfig"], container["Config"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and "no-new-privileges:true" in host["SecurityOpt"], name
        assert config["User"].split(":")[0] not in ("", "0"), name
        published = [b["HostIp"] for bindings in (host["PortBindings"] or {}).values() for b in bindings]
        assert published == (["127.0.0.1"] if name in ("ingest", "monitor") else []), name


def test_a_killed_container_comes_back_and_nothing_is_lost(compose):
    for n, name in enumerate(["router", "executor", "redis"]):
        container = compose("ps", "-q", name).stdout.strip()
        pid = json.loads(compose.engine("inspect", container).stdout)[0]["State"]["Pid"]
        subprocess.run(["kill", "-9", str(pid)], check=True)
        until(lambda: json.loads(compose.engine("inspect", container).stdout)[0]["State"]["Pid"] not in (0, pid), f"{name} to come back", within_s=60)
        until(compose.ready, "everything to be ready", within_s=90)
        compose.alert(f"killed-{n}")
        until(lambda: "filled" in compose.story(f"killed-{n}"), "the fill", within_s=60, pause_s=0.2)


def test_down_and_up_carries_on(compose):
    compose("down", within_s=180)
    compose.up()
    for signal_id in ("first", "killed-0", "killed-2"):
        assert "filled" in compose.story(signal_id)
    compose.alert("again")
    until(lambda: "filled" in compose.story("again"), "the fill", within_s=60, pause_s=0.2)


def test_nothing_secret_is_in_the_image(compose):
    layers = compose.engine("history", "--no-trunc", "tradecast").stdout
    secrets = [p.read_text().strip() for p in pathlib.Path(compose.state / "secrets").iterdir()]
    assert secrets and not any(s in layers for s in secrets)
    assert compose.engine("run", "--rm", "--network=none", "tradecast", "ls", "/source", check=False).returncode != 0
