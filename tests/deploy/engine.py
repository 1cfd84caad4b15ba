"""engine - a docker daemon: the one that runs, else one of our own with everything in a directory that goes again."""
# SPDX-License-Identifier: MIT
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from tests.harness.wait import until

HERE = pathlib.Path(__file__).resolve().parent


class NoEngine(Exception):
    """Why there is none."""


class Engine:
    def __init__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="tc-engine-"))
        self._daemon = None
        missing = [t for t in ("docker", "docker-compose", "dockerd", "mmdebstrap") if not shutil.which(t)]
        if missing:
            raise NoEngine(f"{', '.join(missing)} not installed (deploy/setup deploy)")
        if os.geteuid() != 0:
            raise NoEngine("starting a docker daemon needs root")
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{self.top}/docker.sock", "DOCKER_BUILDKIT": "0"}

    def __enter__(self):
        command = ["dockerd", "--data-root", self.top / "data", "--exec-root", self.top / "exec", "--pidfile", self.top / "pid",
                   "-H", f"unix://{self.top}/docker.sock"]
        with open(self.top / "log", "w") as log:
            self._daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        until(lambda: self("info", check=False).returncode == 0 or self._daemon.poll() is not None, "the docker daemon", within_s=60)
        if self._daemon.poll() is not None:
            said = (self.top / "log").read_text().strip().splitlines()[-1:]
            self.wipe()
            raise NoEngine(f"no docker daemon starts here: {' '.join(said)}")
        return self

    def __exit__(self, *_):
        self._daemon.send_signal(signal.SIGTERM)
        self._daemon.wait(timeout=120)
        self.wipe()

    def wipe(self):
        for left in (self.top / "exec/netns").glob("*"):  # the daemon leaves its network namespace mounted
            subprocess.run(["umount", left], check=False, capture_output=True)
        shutil.rmtree(self.top, ignore_errors=True)

    def __call__(self, *words, program="docker", check=True, within_s=120, cwd=None):
        p = subprocess.run([program, *words], env=self.environment, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within_s)
        assert not check or p.returncode == 0, f"{program} {' '.join(map(str, words))}: {p.stdout[-1500:]} {p.stderr[-2500:]}"
        return p

    def base_image(self, name):
        """A minimal Debian made here: no registry is asked."""
        tar = self.top / "base.tar"
        subprocess.run([HERE / "rootfs", tar, "ca-certificates"], check=True, timeout=600)
        self("import", tar, name)
        tar.unlink()
