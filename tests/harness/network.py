"""network - network namespaces as hosts on one bridge: real TCP between them, and what goes wrong with it. Nothing outside them is touched.

A run's namespaces are called tc<pid>n<number>-<host>; whatever a run that was killed has left is removed by the next.
"""
# SPDX-License-Identifier: MIT
import contextlib
import ctypes
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

from deploy.local.layout import ROOT

CLONE_NEWNET = 0x40000000
PLACES = pathlib.Path("/run/netns")
DEVICE = "v0"
_numbers = itertools.count(1)
_libc = ctypes.CDLL(None, use_errno=True)


class CannotMakeHosts(AssertionError):
    """Why there are no namespaces to be had here: it fails a test, it does not skip it."""


def run(*words, check=True):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise CannotMakeHosts(f"{' '.join(str(w) for w in words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done


def need_rights():
    missing = [tool for tool in ("ip", "iptables") if not shutil.which(tool)]
    if missing:
        raise CannotMakeHosts(f"{' and '.join(missing)} missing; install: apt-get install iproute2 iptables")
    if os.geteuid() != 0:
        raise CannotMakeHosts("hosts are network namespaces, which only root can make; run as root: sudo make test TESTS=tests/hosts")


def remove_left_over():
    """Namespaces of runs whose process is gone."""
    for place in PLACES.glob("tc*n*-*"):
        found = re.fullmatch(r"tc(\d+)n\d+-\w+", place.name)
        if found and not pathlib.Path(f"/proc/{found[1]}").exists():
            run("ip", "netns", "del", place.name, check=False)


def _enter(handle):
    if _libc.setns(handle, CLONE_NEWNET) != 0:
        raise CannotMakeHosts(f"setns: {os.strerror(ctypes.get_errno())}")


class Network:
    """names: the hosts. Use it as a context: everything is gone at its end, however that comes."""

    def __init__(self, names):
        need_rights()
        remove_left_over()
        self.key = f"tc{os.getpid()}n{next(_numbers)}"
        self.addresses = {name: f"10.77.0.{n + 1}" for n, name in enumerate(names)}
        self.bridge = f"{self.key}-bridge"
        self._slow = {}
        self._up = set()
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self):
        run("ip", "netns", "add", self.bridge)
        # No host learns an address that another one had: the bridge forwards by what it saw last.
        run("ip", "-n", self.bridge, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        run("ip", "-n", self.bridge, "link", "set", "br0", "up")
        for name in self.addresses:
            self.boot(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for name in list(self.addresses):
            self.power_off(name)
        run("ip", "netns", "del", self.bridge, check=False)

    # --- hosts

    def namespace(self, name):
        return f"{self.key}-{name}"

    def prefix(self, name):
        """Put before a command: it runs on that host."""
        return ["ip", "netns", "exec", self.namespace(name)]

    @contextlib.contextmanager
    def inside(self, name):
        """What this thread opens and starts meanwhile is on that host."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(PLACES / self.namespace(name), os.O_RDONLY)
        try:
            _enter(there)
            try:
                yield
            finally:
                _enter(here)
        finally:
            os.close(there)
            os.close(here)

    def boot(self, name):
        """A host as it is after its power came on: its kernel knows no connection."""
        ns, address = self.namespace(name), self.addresses[name]
        number = int(address.rsplit(".", 1)[1])
        port = f"p{number}"
        run("ip", "netns", "add", ns)
        # The same card as before, so that what others remember of it stays right.
        run("ip", "link", "add", DEVICE, "address", f"02:00:00:77:00:{number:02x}", "netns", ns, "type", "veth",
            "peer", "name", port, "netns", self.bridge)
        run("ip", "-n", ns, "addr", "add", f"{address}/24", "dev", DEVICE)
        run("ip", "-n", ns, "link", "set", DEVICE, "up")
        run("ip", "-n", ns, "link", "set", "lo", "up")
        run("ip", "-n", self.bridge, "link", "set", port, "master", "br0")
        run("ip", "-n", self.bridge, "link", "set", port, "up")
        self._up.add(name)

    def unplug(self, name):
        """Its cable is out, both ways, at once."""
        run("ip", "-n", self.bridge, "link", "set", f"p{self.addresses[name].rsplit('.', 1)[1]}", "down")

    def plug(self, name):
        run("ip", "-n", self.bridge, "link", "set", f"p{self.addresses[name].rsplit('.', 1)[1]}", "up")

    def power_off(self, name):
        """The host is gone with its connections. Its processes must have been killed before."""
        self._end_delay(name)
        if name in self._up:
            self._up.discard(name)
            # The card first: a namespace lives on while anything in it does.
            run("ip", "-n", self.namespace(name), "link", "del", DEVICE, check=False)
            run("ip", "netns", "del", self.namespace(name), check=False)

    # --- what goes wrong: each until heal() of the hosts it was done to

    def _rule(self, host, *words):
        run(*self.prefix(host), "iptables", "-w", "-A", *words)

    def cut(self, a, b):
        """Nothing passes between two hosts."""
        self.cut_one_way(a, b)
        self.cut_one_way(b, a)

    def cut_one_way(self, sender, receiver):
        """What one sends does not arrive; what the other sends does."""
        self._rule(receiver, "INPUT", "-s", self.addresses[sender], "-j", "DROP")

    def lose(self, host, share):
        """So much of what arrives at a host, and of what it sends, is lost."""
        for chain, card in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self._rule(host, chain, card, DEVICE, "-m", "statistic", "--mode", "random", "--probability", str(share), "-j", "DROP")

    def reset(self, host, every_ms):
        """So often a segment to or from a host is answered with a reset: its sender's connection ends, the other end learns of it later."""
        for chain, card in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self._rule(host, chain, card, DEVICE, "-p", "tcp", "!", "--tcp-flags", "RST,SYN", "NONE", "-j", "ACCEPT")
            self._rule(host, chain, card, DEVICE, "-p", "tcp", "-m", "limit", "--limit", f"{60000 // every_ms}/min", "--limit-burst", "1",
                       "-j", "REJECT", "--reject-with", "tcp-reset")

    def slow(self, host, ms):
        """What arrives at a host, and what it sends, takes so much longer: a round trip twice that."""
        self._slow[host] = subprocess.Popen([*self.prefix(host), sys.executable, "-m", "tests.harness.slow_link", str(ms)], cwd=ROOT,
                                            stdout=subprocess.PIPE, text=True)
        if self._slow[host].stdout.readline().strip() != "ready":
            raise CannotMakeHosts("this kernel has no NFQUEUE: no slow link can be had")
        for chain, card in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self._rule(host, chain, card, DEVICE, "-j", "NFQUEUE", "--queue-num", "0")

    def heal(self, *hosts):
        """Nothing is wrong any more with these hosts' networks, or with all."""
        for host in hosts or list(self._up):
            if host in self._up:
                run(*self.prefix(host), "iptables", "-w", "-F")
                self.plug(host)
            self._end_delay(host)

    def _end_delay(self, host):
        delay = self._slow.pop(host, None)
        if delay:
            delay.send_signal(signal.SIGKILL)
            delay.wait()
            delay.stdout.close()
