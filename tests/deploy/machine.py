"""machine - a booted Debian in a container of systemd's own, for what only a real systemd shows."""
# SPDX-License-Identifier: MIT
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from tests.harness.wait import until

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = ("mmdebstrap", "systemd-nspawn", "nsenter")
HOME = "root/"  # where commands run; blocks of the docs find files by relative names there


def why_not():
    """Why no machine can be booted here; None: it can."""
    missing = [t for t in TOOLS if not shutil.which(t)]
    if missing:
        return f"{', '.join(missing)} not installed (deploy/setup deploy)"
    if os.geteuid() != 0:
        return "booting a container needs root"
    trial = subprocess.run(["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "true"], capture_output=True, text=True)
    return None if trial.returncode == 0 else f"no namespaces: {trial.stderr.strip()}"


def dependencies(package):
    """Names of the packages that a .deb asks for; of alternatives the first."""
    text = subprocess.run(["dpkg-deb", "-f", package, "Depends"], capture_output=True, text=True, check=True).stdout
    return [re.sub(r"\(.*?\)|\|.*", "", part).strip() for part in text.split(",")]


def bootstrap(directory, packages, disabled=()):
    """A root that machines are copies of."""
    subprocess.run([HERE / "rootfs", directory, *packages], check=True, timeout=600)
    (directory / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (directory / "etc/apt/apt.conf.d/90yes").write_text('APT::Get::Assume-Yes "true";\n')
    for unit in disabled:
        subprocess.run(["systemctl", "--quiet", f"--root={directory}", "disable", unit], check=True, capture_output=True)
    return directory


class Machine:
    """`with Machine(root) as m`: a copy of `root`, booted; m("systemctl", ...) and m.sh(text) run commands in it."""

    def __init__(self, root):
        self.top = tempfile.mkdtemp(prefix="tc-machine-")
        self.root = pathlib.Path(self.top) / "root"
        subprocess.run(["cp", "-a", "--reflink=auto", root, self.root], check=True, timeout=300)
        self._nspawn = self._leader = None

    def __enter__(self):
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "-D", self.root, "-M", re.sub("[^a-z0-9]", "", pathlib.Path(self.top).name),
                   "--private-network", "--boot"]
        with open(f"{self.top}/console", "w") as console:
            self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
        self._leader = until(self._child, "systemd to start in the container", within_s=60)
        until(lambda: self("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"), "the system to be up", within_s=120)
        return self

    def _child(self):
        assert self._nspawn.poll() is None, pathlib.Path(f"{self.top}/console").read_text()[-1000:]
        return subprocess.run(["pgrep", "-P", str(self._nspawn.pid)], capture_output=True, text=True).stdout.strip()

    @property
    def leader(self):
        """The process id of its init."""
        return self._leader

    def __exit__(self, *_):
        if self._leader:
            subprocess.run(["kill", "-9", self._leader], check=False)
        self._nspawn.wait(timeout=60)
        shutil.rmtree(self.top, ignore_errors=True)

    def __call__(self, *command, check=True, stdin=None, within_s=60):
        """Runs a command in the container."""
        enter = ["nsenter", "-t", self._leader, "-m", "-u", "-i", "-n", "-p", "--", "env", "-i", "-C", f"/{HOME}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command]
        p = subprocess.run(enter, input=stdin, capture_output=True, text=True, timeout=within_s)
        assert not check or p.returncode == 0, f"{' '.join(map(str, command))}: {p.stdout[-1500:]} {p.stderr[-1500:]}"
        return p

    def sh(self, text, within_s=120):
        """A block of commands, as root would paste it; fails at the first that fails."""
        return self("sh", "-euc", text, within_s=within_s)

    def put(self, file, folder):
        """A file of this host into a folder of the container's home."""
        target = self.root / HOME / folder
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)

    def write(self, path, text):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    # --- units, and the tradecast that is installed

    def pid(self, unit):
        return self("systemctl", "show", "-P", "MainPID", unit).stdout.strip()

    def kill(self, unit):
        """Kills a unit's process and waits until there is another that is ready."""
        pid = self.pid(unit)
        self("systemctl", "kill", "--signal=KILL", "--kill-whom=main", unit)
        until(lambda: self.pid(unit) not in (pid, "0") and self("systemctl", "is-active", unit, check=False).stdout.strip() == "active",
              f"{unit} to come back", within_s=60)

    def ready(self):
        code = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8301/readyz', timeout=5).status)"
        until(lambda: self("python3", "-c", code, check=False).returncode == 0, "everything to be ready", within_s=60)

    def send(self, signal_id, body, source="desk", token="0123456789abcdef0123456789abcdef"):
        command = f"TRADECAST_TOKEN={token} tradecast send --source {source} -"
        until(lambda: self("sh", "-c", command, stdin=body, check=False).returncode == 0, f"{signal_id} to be taken", within_s=60, pause_s=0.5)

    def story(self, signal_id):
        p = self("tradecast", "explain", signal_id, "--json", check=False)
        return p.stdout if p.returncode == 0 else ""

    def filled(self, signal_id):
        until(lambda: "filled" in self.story(signal_id), f"{signal_id} to be filled", within_s=60)

    def executions(self, instance):
        """Orders that a paper broker took, by its own books."""
        code = f"import sqlite3; print(sqlite3.connect('/var/lib/tradecast/data/{instance}.db').execute('SELECT count(*) FROM orders').fetchone()[0])"
        return int(self("python3", "-c", code).stdout)

    def seconds(self, text):
        """How long a block of commands takes."""
        began = time.monotonic()
        self.sh(text)
        return time.monotonic() - began
