"""What a user of docker-compose does, by the blocks of docs/deployment.md: prepare, build, up, an alert, a container killed, down, up; nothing is lost."""
# SPDX-License-Identifier: MIT
import json
import pathlib
import sqlite3
import subprocess
import tarfile
import urllib.error
import urllib.request
import warnings
from contextlib import closing

import pytest

from deploy.local.layout import ROOT, free_port
from tests.deploy.engine import Engine, NoEngine
from tests.harness import docs
from tests.harness.wait import until

BASE = "tradecast-base"
TARGETS = {"tradecast": "tradecast", "prometheus": "tradecast-prometheus", "clickhouse": "tradecast-clickhouse"}
SERVICES = {"redis", "archiver", "reconciler", "router", "executor", "ingest", "monitor", "gateway-paper", "backup"}


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
        self.state = self.top / "var/compose"
        self.ports = {n: free_port() for n in (8300, 8301, 8123, 9090)}
        self.sh(docs.block("deployment", "compose-prepare"))
        file = self.top / "deploy/.env"
        file.write_text(self.moved(file.read_text()).replace("BASE=debian:bookworm-slim", f"BASE={BASE}"))

    def moved(self, text):
        for written, free in self.ports.items():
            text = text.replace(f"127.0.0.1:{written}", f"127.0.0.1:{free}")
        return text

    def sh(self, text, within_s=300):
        """A block of commands, as a user would paste it, in the clone."""
        return self.engine("-euc", self.moved(text), program="sh", cwd=self.top, within_s=within_s).stdout

    def __call__(self, *words, **more):
        return self.engine("-f", "deploy/compose.yaml", *words, program="docker-compose", cwd=self.top, **more)

    def get(self, port, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=2) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def ready(self):
        return self.get(8301, "/readyz") is not None

    def alert(self, signal_id):
        token = (self.state / "secrets/webhook-desk").read_text().strip()
        body = json.dumps({"signal_id": signal_id, "ticker": "EURUSD", "action": "buy", "contracts": "1", "price": "1.0843"}).encode()

        def taken():
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.ports[8300]}/webhook/desk/{token}", body, timeout=10).status == 200
            except urllib.error.HTTPError as e:
                assert e.code == 503, e  # send it again, as TradingView does
                return False
            except OSError:  # nobody is there just now
                return False
        until(taken, "the alert to be taken", within_s=60, pause_s=0.5)

    def story(self, signal_id):
        p = self("run", "--rm", "-T", "tradecast", "explain", signal_id, "--json", check=False)
        return p.stdout if p.returncode == 0 else ""

    def filled(self, signal_id):
        until(lambda: "filled" in self.story(signal_id), f"{signal_id} to be filled", within_s=60, pause_s=0.2)

    def inspect(self, *services):
        ids = self("ps", "-q", *services).stdout.split()
        return {i["Config"]["Labels"]["com.docker.compose.service"]: i for i in json.loads(self.engine("inspect", *ids).stdout)}


@pytest.fixture(scope="module")
def compose(engine):
    engine.base_image(BASE)
    c = Compose(engine)
    # Built once with the host's network, where a container's own may not reach the packages; `build` of the page finds all that in its cache.
    for target, image in TARGETS.items():
        engine("build", "--quiet", "--network=host", "-f", c.top / "docker/Dockerfile", "--target", target, "--build-arg", f"BASE={BASE}", "-t", image,
               c.top, within_s=900)
    yield c
    c("down", check=False)


def files_of(compose, image):
    container = compose.engine("create", image).stdout.strip()
    tar = compose.engine.top / "image.tar"
    compose.engine("export", "-o", str(tar), container)
    compose.engine("rm", container)
    with tarfile.open(tar) as t:
        return t.getnames()


def test_by_the_page_it_is_up_and_an_alert_through_the_published_webhook_is_filled(compose):
    compose.sh(docs.block("deployment", "compose-up"))
    until(compose.ready, "everything to be ready", within_s=90)
    compose.sh(docs.block("deployment", "compose-alert"))
    compose.alert("first")
    compose.filled("first")


def test_every_container_is_healthy_and_shut_in(compose):
    def healthy():
        found = compose.inspect()
        healthy = {name for name, i in found.items() if i["State"].get("Health", {}).get("Status") == "healthy"}
        running = {name for name, i in found.items() if i["State"]["Running"]}
        return running == SERVICES and healthy == SERVICES - {"backup"} and found  # the monitor tells a backup's age
    for name, container in until(healthy, "all containers to be healthy", within_s=90, pause_s=0.5).items():
        host, config = container["HostConfig"], container["Config"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and "no-new-privileges:true" in host["SecurityOpt"], name
        assert config["User"].split(":")[0] not in ("", "0"), name
        published = [b["HostIp"] for bindings in (host["PortBindings"] or {}).values() for b in bindings]
        assert published == (["127.0.0.1"] if name in ("ingest", "monitor") else []), name


def test_a_killed_container_comes_back_and_nothing_is_lost(compose):
    for name in ["router", "executor", "redis", "ingest", "archiver", "gateway-paper"]:
        container = compose("ps", "-q", name).stdout.strip()
        pid = compose.inspect(name)[name]["State"]["Pid"]
        subprocess.run(["kill", "-9", str(pid)], check=True)
        until(lambda: json.loads(compose.engine("inspect", container).stdout)[0]["State"]["Pid"] not in (0, pid), f"{name} to come back", within_s=60)
        until(compose.ready, "everything to be ready", within_s=90)
        compose.alert(f"killed-{name}")
        compose.filled(f"killed-{name}")


def test_told_to_stop_each_ends_by_itself_within_ten_seconds(compose):
    ids = compose("ps", "-q").stdout.split()
    compose("stop", "-t", "10", within_s=180)
    ended = {i["Name"]: i["State"] for i in json.loads(compose.engine("inspect", *ids).stdout)}
    assert len(ended) == len(SERVICES) and {name: s["ExitCode"] for name, s in ended.items() if s["ExitCode"]} == {}
    compose("start")
    until(compose.ready, "everything to be ready", within_s=90)


def test_down_and_up_carries_on(compose):
    compose.sh(docs.block("deployment", "compose-down"))
    compose.sh(docs.block("deployment", "compose-upgrade"))
    until(compose.ready, "everything to be ready", within_s=90)
    for signal_id in ("first", "killed-router", "killed-redis"):
        assert "filled" in compose.story(signal_id)
    compose.alert("again")
    compose.filled("again")


def test_a_proxy_on_the_host_is_believed(compose):
    compose.sh(docs.block("deployment", "compose-trust"))
    until(compose.ready, "everything to be ready", within_s=90)
    request = urllib.request.Request(f"http://127.0.0.1:{compose.ports[8300]}/webhook/desk/no-token-at-all", b"{}", {"X-Forwarded-For": "203.0.113.9"})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=10)
    until(lambda: "from 203.0.113.9" in compose("logs", "--no-color", "ingest").stdout, "the alert to name who sent", within_s=20)


def test_the_archive_is_copied_while_it_is_written(compose):
    compose.sh(docs.block("deployment", "compose-backup"))
    (backup,) = (compose.state / "backups").glob("*.db")
    with closing(sqlite3.connect(backup)) as db:
        assert db.execute("SELECT count(*) FROM signals WHERE signal_id = 'again'").fetchone() == (1,)


def test_prometheus_watches_the_monitor_and_a_fill_arrives_in_clickhouse(compose):
    compose.sh(docs.block("deployment", "compose-more"))
    until(compose.ready, "everything to be ready", within_s=90)
    compose.alert("copied")
    compose.filled("copied")
    until(lambda: '"health":"up"' in (compose.get(9090, "/api/v1/targets") or ""), "Prometheus to find its target up", within_s=60, pause_s=0.5)

    question = docs.block("deployment", "compose-question")
    assert "FROM tradecast.signals" in question
    fill = question.replace("FROM tradecast.signals", r"FROM tradecast.trades WHERE signal_id = '\''copied'\'' AND state = '\''filled'\''")
    copied = lambda: compose.engine("-euc", compose.moved(fill), program="sh", cwd=compose.top, check=False).stdout.strip() == "1"
    until(copied, "the fill to be in ClickHouse", within_s=60, pause_s=0.5)
    assert int(compose.sh(question)) >= 2
    for name, container in compose.inspect("prometheus", "clickhouse").items():
        until(lambda n=name: compose.inspect(n)[n]["State"]["Health"]["Status"] == "healthy", f"{name} to be healthy", within_s=60)
        assert [b["HostIp"] for bindings in container["HostConfig"]["PortBindings"].values() for b in bindings] == ["127.0.0.1"], name
        assert container["HostConfig"]["ReadonlyRootfs"] and container["HostConfig"]["Memory"] > 0, name
    with pytest.raises(AssertionError, match="returned error"):  # nobody asks without the password
        compose.sh("curl -fsS http://127.0.0.1:8123 -d 'SELECT 1'")


def test_the_image_is_small_and_says_what_is_in_it(compose):
    (image,) = json.loads(compose.engine("image", "inspect", "tradecast").stdout)
    assert image["Size"] < 64 << 20, image["Size"]
    assert image["Config"]["User"] == "10001:10001" and image["Config"]["Labels"]["org.opencontainers.image.licenses"] == "MIT"
    noted = {name.rsplit("/", 1)[1] for name in files_of(compose, "tradecast") if name.startswith("var/lib/dpkg/status.d/")}
    assert {"libc6", "libzmq5", "redis-tools"} <= noted and not {"apt", "perl-base", "python3"} & noted


def test_nothing_secret_is_in_the_image(compose):
    layers = compose.engine("history", "--no-trunc", "tradecast").stdout
    secrets = [p.read_text().strip() for p in pathlib.Path(compose.state / "secrets").iterdir()]
    assert secrets and not any(s in layers for s in secrets)
    assert not [name for name in files_of(compose, "tradecast") if name.startswith(("source", "setup", "root")) or name.endswith(".c")]
