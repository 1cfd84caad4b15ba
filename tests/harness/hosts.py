"""hosts - a private tradecast whose processes are on several hosts (network namespaces), each with its own run directory; hosts can die."""
# SPDX-License-Identifier: MIT
import json
import re
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing

from deploy.local.processes import Process
from tests.harness.network import Network
from tests.harness.plant import Plant

WORLD = "world"     # where senders and operators are
REDIS_PORT, TUNNEL_PORT = 6379, 6380


class HostsPlant(Plant):
    """place: {host: [processes]}; every process of the plant, "redis" too, is on one. Signals come from a host of their own.

    cells: {name of another cell: the address of its host}. tunnel: Redis is reached through TLS (stunnel) only.
    network: one that is there already, with these hosts and WORLD.
    """

    def __init__(self, place, tunnel=False, network=None, **more):
        self.hosts = [*place]
        self._tunnels = {} if tunnel else None
        self.dead = set()
        self._lost = {}
        self.unready = ""  # what the monitor missed when it was last asked
        self.of = {name: host for host, names in place.items() for name in names}
        self._own_network = network is None
        self.network = network or Network([*place, WORLD])
        try:
            super().__init__(**more)
        except BaseException:
            self._close_network()
            raise
        missing = {"redis", *self.services, *self.gateways} - set(self.of)
        assert not missing, f"on no host: {missing}"
        self.prefix = {name: self.network.prefix(host) for name, host in self.of.items()}
        if not tunnel:
            self.redis_more = ["--port", str(REDIS_PORT), "--bind", self.address("redis"), "--protected-mode", "no"]
        self.layout.endpoint = self.endpoint
        self.door_address, self.sender_prefix = self.address("ingest"), self.network.prefix(WORLD)

    # --- places

    def address(self, name):
        return self.network.addresses[self.of[name]]

    def run_dir(self, host):
        return self.layout.top / host

    def endpoint(self, door):
        """Where tests speak with a process: "<name>.<door>"."""
        name, kind = door.rsplit(".", 1)
        return f"ipc://{self.run_dir(self.of[name])}/{name}.{kind}"

    def move(self, name, host):
        """Its next start, and that of all who speak with it, is as if its line in the configuration were changed."""
        self.of[name] = host
        self.prefix[name] = self.network.prefix(host)

    def environment(self, name):
        host = self.of.get(name, WORLD)
        out = super().environment(name)
        own = {"TRADECAST_RUN_DIR": self.run_dir(host), "TRADECAST_KEYS_DIR": self.run_dir(host) / "keys",
               "TRADECAST_INGEST_HTTP_ADDRESS": self.address("ingest"), "TRADECAST_MONITOR_HTTP_ADDRESS": self.address("monitor")}
        if "TRADECAST_REDIS" in out and host != self.of["redis"]:
            own["TRADECAST_REDIS"] = f"tcp:{'127.0.0.1' if self._tunnels is not None else self.address('redis')}:{REDIS_PORT}"
            own |= {"TRADECAST_REDIS_PLAIN": "true"} if self._tunnels is None else {}
        for cell, where in self.cells.items():
            del out[f"TRADECAST_CELL_{cell.upper()}_RUN_DIR"]
            own[f"TRADECAST_CELL_{cell.upper()}_HOST"] = where
        return {**out, **{k: str(v) for k, v in own.items()}, **self.map()}

    def map(self):
        """The lines that say who is where; the same on every host."""
        return {f"TRADECAST_HOST_{re.sub('[^A-Z0-9]', '_', name.upper())}": self.address(name) for name in [*self.services, *self.gateways]}

    # --- life

    def prepare(self):
        super().prepare()
        self.make_keys()
        for host in [*self.hosts, WORLD]:
            self.start_tunnel(host)

    def make_keys(self):
        """The operator, who is elsewhere, makes all keys; each host gets the secrets of what is on it."""
        self.layout.make()
        for host in [*self.hosts, WORLD]:
            self.run_dir(host).mkdir(mode=0o700, exist_ok=True)
        self.keys("make", *(f"gateway.{g}" for g in self.gateways))
        for host in self.hosts:
            self.export_keys(host)

    def keys(self, *args):
        status, _, err = self.command("keys", *args)
        assert status == 0, err

    def export_keys(self, host):
        if {self.of[name] for name in [*self.services, *self.gateways]} & {host}:
            self.keys("export", self.network.addresses[host], str(self.run_dir(host) / "keys"))

    def know(self, other, *names):
        """Public keys of another cell's processes, as its operator would send them."""
        for name in names:
            self.keys("add", f"{name}@{other.cell}", str(other.run_dir(WORLD) / f"keys/public/{name}.pub"))
        for host in self.hosts:
            self.export_keys(host)

    def start_tunnel(self, host):
        """stunnel, as docs/deployment.md has it: on Redis' host what comes is taken to Redis, elsewhere what is local is taken there."""
        if self._tunnels is None:
            return
        directory = self.run_dir(host)
        ends = (["client = yes", f"accept = 127.0.0.1:{REDIS_PORT}", f"connect = {self.address('redis')}:{TUNNEL_PORT}", "TIMEOUTconnect = 3",
                 "socket = r:TCP_NODELAY=1"] if host != self.of["redis"] else
                [f"accept = {self.network.addresses[host]}:{TUNNEL_PORT}", f"connect = {self.layout.redis_socket}", "ciphers = PSK",
                 "socket = l:TCP_NODELAY=1"])
        (directory / "psk").write_text(f"tradecast:{self.layout.secret('tunnel')}\n")
        (directory / "psk").chmod(0o600)
        lines = ["foreground = yes", "pid =", "syslog = no", "debug = warning", "[redis]", *ends, f"PSKsecrets = {directory / 'psk'}"]
        (directory / "stunnel.conf").write_text("\n".join(lines) + "\n")
        self._tunnels[host] = Process(f"tunnel-{host}", [*self.network.prefix(host), "stunnel4", directory / "stunnel.conf"],
                                      self.layout.log / f"tunnel-{host}.log")
        self._tunnels[host].start()

    def _end_tunnels(self, *hosts):
        for host in hosts or list(self._tunnels or {}):
            if self._tunnels:
                self._tunnels.pop(host).kill()

    @property
    def monitor_url(self):
        return f"http://{self.address('monitor')}:{self.monitor_port}"

    def wait_ready(self, within_s=60):
        with self.network.inside(WORLD):
            return super().wait_ready(within_s)

    def ready(self):
        """Whether the monitor finds every service and gateway ready."""
        try:
            return bool(self.get("/readyz"))
        except urllib.error.HTTPError as e:
            self.unready = e.read().decode(errors="replace").strip()
        except OSError as e:
            self.unready = str(e)
        return False

    def command(self, *args, **more):
        with self.network.inside(WORLD):
            return super().command(*args, **more)

    def orders(self, gateway):
        """The orders that its broker has, by its own books."""
        with closing(sqlite3.connect(f"file:{self.books(gateway)}?mode=ro", uri=True, timeout=10)) as books:
            return {row[0] for row in books.execute("SELECT trade_id FROM orders")}

    def get(self, path):
        """What the monitor says to a browser elsewhere."""
        with self.network.inside(WORLD), urllib.request.urlopen(self.monitor_url + path, timeout=2) as answer:
            return json.load(answer)

    def die(self, host):
        """The power of a host goes: nobody hears a word, its kernel forgets its connections."""
        self.network.unplug(host)
        names = [name for name, p in self.processes.items() if self.of[name] == host and p.child]
        self.dead.add(host)
        for name in names:
            self.processes[name].signal(9)
        for name in names:
            self.processes[name].wait()
        if self._tunnels:
            self._end_tunnels(host)
        self.network.power_off(host)
        self._lost[host] = names

    def boot(self, host, names=None):
        """A host that died comes back, and starts what it had, or what is said."""
        self.network.boot(host)
        self.dead.discard(host)
        self.start_tunnel(host)
        had = self._lost.pop(host)
        for name in sorted(had if names is None else names, key=lambda n: n != "redis"):
            self.restart(name)

    def down(self):
        try:
            self.network.heal()
            super().down()
        finally:
            self._end_tunnels()
            self._close_network()

    def kill(self):
        try:
            super().kill()
        finally:
            self._end_tunnels()
            self._close_network()

    def _close_network(self):
        if self._own_network:
            self.network.close()
