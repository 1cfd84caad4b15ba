"""machine - a booted Debian in a container of systemd's own, for what only a real systemd shows."""
# SPDX-License-Identifier: MIT
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from tests.harness.wait import until

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = ("mmdebstrap", "systemd-nspawn", "nsenter")


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


class Machine:
    def __init__(self, packages):
        self.top = tempfile.mkdtemp(prefix="tc-machine-")
        self.root = pathlib.Path(self.top) / "root"
        subprocess.run([HERE / "rootfs", self.root, *packages], check=True, timeout=600)
        self._nspawn = self._leader = None

    def __enter__(self):
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "-D", self.root, "-M", pathlib.Path(self.top).name.replace("_", "-"),
                   "--private-network", "--boot"]
        with open(f"{self.top}/console", "w") as console:
            self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
        self._leader = until(self._child, "systemd to start in the container", within_s=60)
        until(lambda: self("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"), "the system to be up", within_s=120)
        return self

    def _child(self):
        return subprocess.run(["pgrep", "-P", str(self._nspawn.pid)], capture_output=True, text=True).stdout.strip()

    def __exit__(self, *_):
        if self._leader:
            subprocess.run(["kill", "-9", self._leader], check=False)
        self._nspawn.wait(timeout=60)
        shutil.rmtree(self.top, ignore_errors=True)

    def __call__(self, *command, check=True, stdin=None, within_s=60):
        """Runs a command in the container."""
        enter = ["nsenter", "-t", self._leader, "-m", "-u", "-i", "-n", "-p", "--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command]
        p = subprocess.run(enter, input=stdin, capture_output=True, text=True, timeout=within_s)
        assert not check or p.returncode == 0, f"{' '.join(map(str, command))}: {p.stdout[-1500:]} {p.stderr[-1500:]}"
        return p

    def write(self, path, text):
        (self.root / path.lstrip("/")).write_text(text)
