"""node - programs of the npm registry that tests run: installed once by their lock file, outside of the tree that is tested."""
# SPDX-License-Identifier: MIT
import fcntl
import hashlib
import shutil
import subprocess

import pytest

from deploy.local.layout import ROOT

KEPT = ROOT / "build/node"
WITHIN_S = 300


class Programs:
    """What a folder with package.json and package-lock.json names."""

    def __init__(self, folder):
        self.folder = ROOT / folder
        lock = (self.folder / "package-lock.json").read_bytes()
        self.top = KEPT / hashlib.sha256(lock).hexdigest()[:16]

    def install(self):
        """Skips the test, loudly, where there is no npm or the registry cannot be reached: nothing else can be wrong with a lock file."""
        if not shutil.which("npm"):
            pytest.skip("NOT TESTED: there is no npm (deploy/setup node)")
        KEPT.mkdir(parents=True, exist_ok=True)
        with open(KEPT / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (self.top / "whole").exists():
                return self
            shutil.rmtree(self.top, ignore_errors=True)
            shutil.copytree(self.folder, self.top)
            done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=self.top, capture_output=True, text=True, timeout=WITHIN_S)
            if done.returncode and not self.reachable():
                pytest.skip("NOT TESTED: the npm registry cannot be reached")
            assert done.returncode == 0, done.stderr
            (self.top / "whole").touch()
        return self

    def reachable(self):
        return subprocess.run(["npm", "ping"], cwd=self.top, capture_output=True, timeout=60).returncode == 0

    @property
    def node(self):
        """The one that the lock file names, where there is one for this machine: the system's may be too old."""
        return next(self.top.glob("node_modules/node-linux-*/bin/node"), None) or shutil.which("node")

    def run(self, script, *args, within_s=60, **more):
        return subprocess.run([self.node, self.top / script, *args], cwd=self.top, capture_output=True, text=True, timeout=within_s, **more)
