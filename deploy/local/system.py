"""system - one whole tradecast on this machine: Redis, its services, paper gateways; started, watched and stopped in order."""
# SPDX-License-Identifier: MIT
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from deploy.local import redis
from deploy.local.layout import PRESET_KIND, ROOT, Layout, Trouble, free_port, need_free_port
from deploy.local.processes import Process

SERVICES = ["archiver", "monitor", "reconciler", "router", "ingest"]  # started so; beside the executors
COPIES = {"sync-backend": "TRADECAST_BACKEND_URL", "sync-clickhouse": "TRADECAST_CLICKHOUSE_URL"}  # each runs where its URL is set
WEBHOOK_PORT, MONITOR_PORT, ADVISOR_PORT = 8300, 8301, 8302
MODEL_SOURCE = "llm"  # of the decisions of language models
NOT_REACHED = 3  # exit status of the tradecast command: a service did not answer


class System:
    """directory: where its state is. gateways: {instance_id: broker_id}; kinds: {instance_id: kind} where it is not the preset. options: more environment for all; per_process: for one.
    cell: its name where there are several; cells: {name of another one that signals are handed to: its directory of sockets}.

    advisor: with the one for language models.

    prefix: {name: [command...]}: put before a process's own command.
    """

    def __init__(self, directory, mode="release", gateways=None, profile="standard", shards=1, options=None, any_port=False, cell=None, cells=None, advisor=False):
        self.layout = Layout(directory)
        self.bin = ROOT / "build" / mode / "bin"
        self.gateways, self.kinds = gateways or {}, {}
        self.profile, self.shards = profile, shards
        self.cell, self.cells = cell, dict(cells or {})
        self.options = dict(options or {})
        self.advisor = advisor
        self.per_process, self.prefix = {}, {}
        self.redis_more, self.redis_env = [], {}
        self.archive = self.layout.data / "archive.db"
        self.http_port = free_port() if any_port else int(os.environ.get("TRADECAST_INGEST_HTTP_PORT", WEBHOOK_PORT))
        self.monitor_port = free_port() if any_port else int(os.environ.get("TRADECAST_MONITOR_HTTP_PORT", MONITOR_PORT))
        self.advisor_port = free_port() if any_port else int(os.environ.get("TRADECAST_ADVISOR_HTTP_PORT", ADVISOR_PORT))
        self.processes = {}
        self._socket_seen = time.monotonic()
        self._made = []  # every process, replaced ones too

    # --- what there is

    @property
    def executors(self):
        return [f"executor.{n}" for n in range(self.shards)]

    @property
    def services(self):
        return [*SERVICES[:-1], *self.executors, *self.relays, SERVICES[-1], *(["advisor"] if self.advisor else [])]

    @property
    def relays(self):
        return [f"relay.{cell}" for cell in self.cells]

    @property
    def copies(self):
        return [name for name, url in COPIES.items() if {**os.environ, **self.options}.get(url)]

    def books(self, instance):
        return self.layout.data / f"{instance}.db"

    def webhook(self, source):
        return f"http://127.0.0.1:{self.http_port}/webhook/{source}/{self.token(source)}"

    def prices(self, source):
        return f"http://127.0.0.1:{self.http_port}/prices/{source}/{self.token(source)}"

    def token(self, source):
        return self.layout.secret(self.token_file(source).name)

    def token_file(self, source):
        """The advisor's own source has its token apart from those that people send with."""
        return self.layout.secret_file("advisor-signals" if self.advisor and source == MODEL_SOURCE else f"webhook-{source}")

    @property
    def monitor_url(self):
        return f"http://127.0.0.1:{self.monitor_port}"

    @property
    def advisor_url(self):
        return f"http://127.0.0.1:{self.advisor_port}"

    # --- starting

    def prepare(self):
        for name in ["tradecast", *(self.program(name) for name in [*self.services, *self.copies, *self.gateways])]:
            if not (self.bin / name).exists():
                raise Trouble(f"{self.bin / name} is not built; run: make")
        self.layout.own()
        need_free_port(self.http_port, "the webhook", "TRADECAST_INGEST_HTTP_PORT")
        need_free_port(self.monitor_port, "the status page", "TRADECAST_MONITOR_HTTP_PORT")
        if self.advisor:
            need_free_port(self.advisor_port, "the advisor", "TRADECAST_ADVISOR_HTTP_PORT")
            self.layout.secret("advisor-token")
            self.token(MODEL_SOURCE)

    def start(self, configure=None, within_s=60):
        """configure: gives the configuration to apply, or None to carry on with the one that is there."""
        self.start_services(within_s)
        for name in self.gateways:
            self.start_process(name)
        if configure:
            self.apply(configure(self))
        self.wait_ready(within_s)

    def start_services(self, within_s=60):
        """Everything that does not depend on what the configuration says."""
        self.prepare()
        self.start_redis(within_s).close()
        for name in [*self.services, *self.copies]:
            self.start_process(name)

    def start_gateways(self, instances, within_s=60):
        """instances: rows of the configuration, one gateway each."""
        self.gateways = {i["instance_id"]: i["broker_id"] for i in instances}
        self.kinds = {i["instance_id"]: i.get("kind", PRESET_KIND) for i in instances}
        for name in self.gateways:
            self.start_process(name)
        self.wait_ready(within_s)

    def start_redis(self, within_s=60):
        p = redis.server(self.layout, self.profile, self.shards, self.redis_more, self.redis_env, self.cells)
        p.command = [*self.prefix.get("redis", []), *p.command]
        self.processes["redis"] = p
        p.start()
        return redis.wait_ready(self.layout, self.processes["redis"], within_s)

    def redis_is_cut_off(self, for_s=3):
        """It runs, and its socket was removed: what is connected goes on, and nothing else can connect. Only Redis can make it anew, at its start."""
        if not self.processes["redis"].alive() or self.layout.redis_socket.exists():
            self._socket_seen = time.monotonic()
        return time.monotonic() - self._socket_seen > for_s

    def start_process(self, name):
        self.processes[name] = self.process(name)
        self.processes[name].start()
        return self.processes[name]

    def kind(self, gateway):
        return self.kinds.get(gateway, PRESET_KIND)

    def program(self, name):
        return f"tradecast-gateway-{self.kind(name)}" if name in self.gateways else "tradecast-" + name.split(".")[0]

    def process(self, name, more=None):
        """A process of this system, not started: a service, a gateway, or a second one under the same name."""
        command = [*self.prefix.get(name, []), self.bin / self.program(name)]
        self._made.append(Process(name, command, self.layout.log / f"{name}.log", {**self.environment(name), **(more or {})}, self.layout.held))
        return self._made[-1]

    def environment(self, name):
        user = name if name in self.services else "viewer"
        out = {
            "TRADECAST_RUN_DIR": self.layout.run,
            "TRADECAST_REDIS": f"unix:{self.layout.redis_socket}",
            "TRADECAST_REDIS_USER": user,
            "TRADECAST_REDIS_PASSWORD_FILE": self.layout.secret_file(user),
            "TRADECAST_PROFILE": self.profile,
            "TRADECAST_SHARDS": self.shards,
            "TRADECAST_INGEST_HTTP_PORT": self.http_port,
            "TRADECAST_MONITOR_HTTP_PORT": self.monitor_port,
            "TRADECAST_ARCHIVER_DATABASE": self.archive,
        }
        if self.advisor:
            out["TRADECAST_OPTIONAL"] = "advisor"
        if name == "advisor":
            out |= {"TRADECAST_ADVISOR_HTTP_PORT": self.advisor_port, "TRADECAST_ADVISOR_TOKEN_FILE": self.layout.secret_file("advisor-token"),
                    "TRADECAST_ADVISOR_SIGNAL_URL": f"http://127.0.0.1:{self.http_port}",
                    "TRADECAST_ADVISOR_SIGNAL_TOKEN_FILE": self.token_file(MODEL_SOURCE)}
        if self.cell:
            out |= {"TRADECAST_CELL": self.cell, "TRADECAST_CELLS": " ".join(self.cells)}
            out |= {f"TRADECAST_CELL_{cell.upper().replace('-', '_')}_RUN_DIR": run for cell, run in self.cells.items()}
        if name.startswith("relay."):
            out["TRADECAST_RELAY_TO"] = name.split(".")[1]
        if name.startswith("executor."):
            out["TRADECAST_EXECUTOR_SHARD"] = name.split(".")[1]
        if self.copies:
            out["TRADECAST_ARCHIVER_COPIED"] = "true"
        if name in COPIES:
            part = name.split("-")[1].upper()
            out |= {f"TRADECAST_{part}_ARCHIVE": self.archive, f"TRADECAST_{part}_STATE": self.layout.data / f"{name}.db"}
        if name in self.gateways:
            kind = self.kind(name).upper()
            out |= {f"TRADECAST_{kind}_INSTANCE_ID": name, f"TRADECAST_{kind}_BROKER_ID": self.gateways[name],
                    f"TRADECAST_{kind}_BOOKS": self.books(name)}
            del out["TRADECAST_REDIS_PASSWORD_FILE"], out["TRADECAST_REDIS_USER"], out["TRADECAST_REDIS"]
        return {k: str(v) for k, v in {**out, **self.options, **self.per_process.get(name, {})}.items()}

    def wait_ready(self, within_s=60):
        """Until the monitor finds every service and gateway ready."""
        end = time.monotonic() + within_s
        said = "nothing yet"
        while time.monotonic() < end:
            self.check_alive()
            try:
                with urllib.request.urlopen(self.monitor_url + "/readyz", timeout=2) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as e:
                said = e.read().decode(errors="replace")[:300].strip()
            except OSError as e:
                said = str(e)
            time.sleep(0.02)
        raise Trouble(f"Not ready within {within_s} s; the monitor says: {said}; logs are in {self.layout.log}")

    def check_alive(self):
        for name, p in self.processes.items():
            if p.child and not p.alive():
                raise Trouble(f"{name} did not stay up; its last words: {p.last_words()} (all of them: {p.log})")

    # --- using

    def command(self, *args, stdin=None, within_s=30):
        """Runs the tradecast command against this system: (exit status, output, errors)."""
        env = {**os.environ, **self.environment("tradecast")}
        p = subprocess.run([self.bin / "tradecast", *args], env=env, input=stdin, capture_output=True, text=True, timeout=within_s)
        return p.returncode, p.stdout, p.stderr

    def apply(self, config, *more, within_s=30):
        file = self.layout.top / "config.json"
        file.write_text(json.dumps(config, indent=2) + "\n")
        self.apply_file(file, *more, within_s=within_s)

    def apply_file(self, file, *more, within_s=30):
        status, out, err = self.ask("config", "apply", str(file), *more, within_s=within_s)
        if status != 0:
            raise Trouble(f"The configuration {file} was refused: {(err or out).strip()}")

    def configured(self):
        """The configuration in force."""
        status, out, err = self.ask("config", "export")
        if status != 0:
            raise Trouble(f"The configuration could not be read: {(err or out).strip()}")
        return json.loads(out)

    def ask(self, *args, within_s=30):
        """The command, tried again until its service answers: services may just have been started."""
        end = time.monotonic() + within_s
        while True:
            status, out, err = self.command(*args)
            if status != NOT_REACHED or time.monotonic() > end:
                return status, out, err
            self.check_alive()
            time.sleep(0.02)

    def redis(self, user="viewer"):
        return redis.Client(self.layout, user)

    # --- stopping

    def stop(self, tell=lambda text: None):
        """The door first, then whoever has work from it, gateways and Redis last. True: every one ended by itself and well."""
        order = ["advisor", "ingest", *self.relays, "router", *self.executors, "reconciler", "archiver", "monitor", *self.gateways, *COPIES, "redis"]
        well = True
        self.layout.leave()
        for name in order:
            p = self.processes.get(name)
            if p and p.child:
                ended = p.stop()
                if not ended:
                    tell(f"{name} did not stop well; see {p.log}")
                well = well and ended
        self.layout.disown()
        return well

    def kill(self):
        everything = [*self._made, *self.processes.values()]
        for p in everything:
            p.signal(9)
        for p in everything:
            p.wait()
        self.layout.disown()

    def wipe(self):
        shutil.rmtree(self.layout.top, ignore_errors=True)
