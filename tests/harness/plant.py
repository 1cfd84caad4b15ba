"""plant - a private tradecast for tests: own directory, own Redis, free ports; started, hurt and looked at."""
# SPDX-License-Identifier: MIT
import json
import pathlib
import signal
import subprocess
import tempfile

import redis as redis_py

from deploy.local import demo
from deploy.local.layout import ROOT
from deploy.local.system import System
from tests.harness.wait import until

SOURCE = "test"
# What a source of the tests may do, unless its test says otherwise. Ids of SOURCE are signal_ids as they are, so that they are easily found.
FREE = {"prices": True, "rate_per_s": 1000000, "bytes_per_s": 1000000000}
OPTIONS = {"TRADECAST_LOOK_FOR": "1h", "TRADECAST_LOG_LEVEL": "info", "TRADECAST_HEARTBEAT": "200ms",
           "TRADECAST_INGEST_LOSS_WAIT": "0s"}  # a test that kills Redis and ingest posts at once
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1"}


def configuration(accounts=3, brokers=2, source=SOURCE, lot="fixed", max_age_s=3600):
    """accounts over brokers in turn; the second broker's symbols carry ".m"."""
    names = [chr(ord("a") + n) for n in range(brokers)]
    symbols = [{"symbol": s, "lot_step": "0.01", "min_lot": "0.01"} for s in ("EURUSD", "GBPUSD", "XAUUSD")]
    ids = [f"acc{n:03d}" for n in range(accounts)]
    of = {b: ids[n::brokers] for n, b in enumerate(names)}
    size = {"fixed_lot": "0.1"} if lot == "fixed" else {"multiplier": "1"}
    return {
        "brokers": [{"broker_id": b, "price_tolerance": "0.01", "symbols": symbols, **({"symbol_suffix": ".m"} if n % 2 else {})}
                    for n, b in enumerate(names)],
        "accounts": [{"account_id": a, "broker_id": b, "balance": "100000000", "leverage": 500, "max_signal_age_s": max_age_s,
                      "subscriptions": [{"source": source, **size}]} for b in names for a in of[b]],
        "instances": [{"instance_id": f"gw-{b}", "broker_id": b, "accounts": of[b]} for b in names],
        "sources": [{"config_id": source}],
    }


def free(config):
    plain = {"plain_ids": True}
    return {**config, "sources": [{**FREE, **(plain if s["config_id"] == SOURCE else {}), **s} for s in config["sources"]]}


class Plant(System):
    def __init__(self, mode="check", config=None, options=None, keep=False, **more):
        self.temporary = tempfile.mkdtemp(prefix="tc-")
        self.config = free(config or configuration())
        gateways = {i["instance_id"]: i["broker_id"] for i in self.config["instances"]}
        super().__init__(self.temporary, mode, gateways, options={**OPTIONS, **SANITIZERS, **(options or {})}, any_port=True, **more)
        self.kinds = {i["instance_id"]: i["kind"] for i in self.config["instances"] if "kind" in i}
        self.keep = keep
        self.door_address, self.sender_prefix = "127.0.0.1", []
        self._admin = None
        self.accepted, self.sent = {}, {}  # by all loads together

    # --- life

    def up(self, within_s=60):
        self.start(configure=demo.with_tokens(self.config), within_s=within_s)
        return self

    def down(self):
        """Stops everything; fails when a process did not end well or a sanitizer spoke, and keeps the directory then."""
        said = []
        self.stop(said.append)
        said += [f"{name}: {p.last_words()}" for name, p in self.processes.items() if p.status]
        said += self.complaints()
        if not self.keep and not said:
            self.wipe()
        assert not said, said

    def complaints(self):
        """What sanitizers wrote into the logs."""
        out = []
        for log in sorted(self.layout.log.glob("*.log")):
            text = log.read_text(errors="replace")
            for mark in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer"):
                at = text.find(mark)
                if at >= 0:
                    out.append(f"{log.name}: {text[at:at + 1500]}")
        return out

    def restart(self, name):
        if name == "redis":
            self.start_redis().close()
        else:
            self.start_process(name)

    def freeze(self, name):
        self.processes[name].signal(signal.SIGSTOP)

    def thaw(self, name):
        self.processes[name].signal(signal.SIGCONT)

    def slow_fsync(self, ms):
        shim = ROOT / "build/tools/slow_fsync.so"
        self.redis_env = {"LD_PRELOAD": str(shim), "TRADECAST_FSYNC_MS": str(ms)}

    # --- looking

    def archive_uri(self):
        """How the oracle opens the archive."""
        return f"file:{self.archive}?mode=ro"

    @property
    def admin(self):
        """python3-redis as admin, giving text."""
        if self._admin is None:
            self._admin = redis_py.Redis(unix_socket_path=str(self.layout.redis_socket), username="admin",
                                         password=self.layout.secret("admin"), decode_responses=True,
                                         encoding_errors="surrogateescape")
        return self._admin

    def raw(self, user="admin"):
        """python3-redis giving bytes, as any user."""
        return redis_py.Redis(unix_socket_path=str(self.layout.redis_socket), username=user, password=self.layout.secret(user))

    def signal(self, signal_id):
        return self.admin.hgetall(f"signal:{signal_id}")

    def final(self, signal_id, within_s=20):
        """The signal's hash once it is completed or failed."""
        def look():
            found = self.signal(signal_id)
            return found if found.get("status") in ("completed", "failed") else None
        return until(look, f"signal {signal_id} to be final", within_s)

    def trades(self, signal_id):
        """{account: trade_state} of a signal, as far as there are any."""
        decisions = json.loads(self.admin.hget(f"routing:{signal_id}", "decisions") or "[]")
        found = {d["account_id"]: self.admin.hgetall(f"trade_state:{d['trade_id']}") for d in decisions if d.get("trade_id")}
        return {a: t for a, t in found.items() if t}

    def decisions(self, signal_id):
        return {d["account_id"]: d for d in json.loads(self.admin.hget(f"routing:{signal_id}", "decisions") or "[]")}

    # --- using

    def door(self, source=SOURCE):
        return demo.Door(self, source)

    def load(self, prefix, count, rate=0, body=None, connections=4, depth=8, resend=True, duration_ms=0, source=SOURCE):
        """Starts the load generator; returns a Load."""
        return Load(self, prefix, count, rate, body, connections, depth, resend, duration_ms, source)

    def remember(self, load, within_s=120):
        """Waits for a load and keeps what it was told, for the oracle."""
        load.finish(within_s)
        self.accepted |= load.accepted
        self.sent |= load.sent


MARKET = ('{"signal_id":"{id}","symbol":"EURUSD","order_type":"market","direction":"buy","lot_size":"0.1","price":"1.08432"}')


class Load:
    def __init__(self, plant, prefix, count, rate, body, connections, depth, resend, duration_ms, source):
        self.log = pathlib.Path(plant.temporary) / f"load-{prefix}.txt"
        command = [*plant.sender_prefix, ROOT / "build/tools/load", "--address", plant.door_address, "--port", plant.http_port,
                   "--path", f"/webhook/{source}/{plant.token(source)}",
                   "--body", body or MARKET, "--prefix", prefix, "--count", count, "--connections", connections, "--depth", depth,
                   "--rate", rate, "--duration-ms", duration_ms, "--log", self.log, *(["--resend"] if resend else [])]
        self._out = None
        self._child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)

    def running(self):
        return self._child.poll() is None

    def stop(self):
        if self.running():
            self._child.send_signal(signal.SIGTERM)

    def join(self, within_s=30):
        """Until it has its answers; finish() reads them."""
        self._out, _ = self._child.communicate(timeout=within_s)

    def finish(self, within_s=120):
        """What it counted, with `accepted` as {signal_id: when first sent, UTC ns} and `sent` likewise."""
        if self._out is None:
            self.join(within_s)
        totals = json.loads(self._out)
        rows = [line.split() for line in self.log.read_text().splitlines()]
        self.accepted = {r[0]: int(r[2]) for r in rows if r[1] == "200"}
        self.sent = {r[0]: int(r[2]) for r in rows}
        self.totals = totals
        return totals
