"""docs/first-setup.md, word for word: its files are written, its commands are run in order by one shell, and what it says one sees is what is seen."""
# SPDX-License-Identifier: MIT
import json
import os
import re
import signal
import subprocess
import tempfile

import pytest

from deploy.local.layout import ROOT, Layout, free_port
from deploy.local.redis import Client
from tests.harness.plant import SANITIZERS
from tests.harness.wait import until

TEXT = (ROOT / "docs/first-setup.md").read_text()
BLOCKS = re.findall(r"^```(\w+)(?: ([\w.-]+))?\n(.*?)^```$", TEXT, re.M | re.S)  # [(language, file's name, text)]
LOOKS = {"explain", "trades", "status", "doctor"}  # commands that only look (doctor may find fault with this machine): asked until they show what the page shows
PORTS = {"TRADECAST_INGEST_HTTP_PORT": "8300", "TRADECAST_MONITOR_HTTP_PORT": "8301"}
LEFT_OUT = "…"


def steps():
    """[(command, what one sees or None)] and, among them, [(file's name, text)] of files to write: (kind, first, second)."""
    out = []
    for language, name, text in BLOCKS:
        if name:
            out.append(("file", name, text))
        elif language == "sh":
            out.append(("run", text, None))
        else:
            assert language == "text" and out[-1][0] == "run" and out[-1][2] is None, f"{text!r} does not follow a command"
            out[-1] = ("run", out[-1][1], text)
    return out


def line_matches(shown, seen):
    """One … of the page is anything; how many blanks there are does not count."""
    pattern = r".*?".join(re.escape(part.strip()) if part.strip() else "" for part in " ".join(shown.split()).split(LEFT_OUT))
    return re.fullmatch(pattern.replace(r"\ ", " ").replace(".*?", " *.*? *"), " ".join(seen.split())) is not None


def shows(shown, seen):
    """Every line of the page is there, in its order; lines may be between two of them where the page has a line of … alone."""
    seen = [line for line in seen.splitlines() if line.strip()]
    may_skip = False
    for line in shown.splitlines():
        if line.strip() == LEFT_OUT:
            may_skip = True
            continue
        while may_skip and seen and not line_matches(line, seen[0]):
            seen.pop(0)
        if not seen or not line_matches(line, seen.pop(0)):
            return False
        may_skip = False
    return may_skip or not seen


class Reader:
    """Does what the page says, in a directory that looks like the tree but has its own files in it; the build is the one under test."""

    def __init__(self, directory):
        self.directory = directory
        self.ports = {name: str(free_port()) for name in PORTS}
        self.environment = {**os.environ, **SANITIZERS, **self.ports, "MODE": "check"}
        self.runner = None
        self.out = None
        for entry in ROOT.iterdir():
            if entry.name not in ("build", ".git", "var"):
                os.symlink(entry, f"{directory}/{entry.name}")
        os.mkdir(f"{directory}/build")
        for name, target in (("release", "check"), ("check", "check"), ("proto", "proto")):
            os.symlink(ROOT / "build" / target, f"{directory}/build/{name}")

    def here(self, text):
        """The page's text with this machine's free ports in it."""
        for name, preset in PORTS.items():
            text = text.replace(f"127.0.0.1:{preset}", f"127.0.0.1:{self.ports[name]}")
        return text

    def write(self, name, text):
        with open(f"{self.directory}/{name}", "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, command, shown):
        """What runs until Ctrl-C, in a terminal of its own."""
        self.out = tempfile.TemporaryFile("w+")
        self.runner = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=self.directory, env=self.environment, stdout=self.out,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        last = shown.splitlines()[-1]
        until(lambda: last in self.said() or self.runner.poll() is not None, "the system to be up", 180)
        assert shows(self.here(f"{LEFT_OUT}\n{shown}"), self.said()), self.said()

    def said(self):
        self.out.seek(0)
        return self.out.read()

    def run(self, command):
        """In the second terminal: what one command exports the next one has. (Exit status, what is seen.)"""
        keep = f"{self.directory}/terminal"
        script = f"[ -e {keep} ] && . {keep}; set -e; {self.here(command)}\nexport -p > {keep}"
        p = subprocess.run(["bash", "-c", script], cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=120)
        return p.returncode, p.stdout + p.stderr

    def wait_for_the_day(self):
        """The rules' day has begun: a reader takes longer than that to the next step, a test does not."""
        redis = Client(Layout(f"{self.directory}/first"))
        until(lambda: redis.hash("risk:carla").get("day_start_balance"), "the account's day to have begun")
        redis.close()

    def look(self, command, shown):
        seen = []

        def is_there():
            seen.append(self.run(command)[1])
            return shows(shown, seen[-1])

        try:
            until(is_there, command, 30)
        except AssertionError:
            raise AssertionError(f"$ {command}{seen[-1]}\n--- the page says:\n{shown}") from None

    def do(self, command, shown):
        status, seen = self.run(command)
        assert status == 0, seen
        assert shown is None or shows(shown, seen), f"$ {command}{seen}\n--- the page says:\n{shown}"

    def end(self):
        """Ctrl-C: everybody in the terminal hears it, make too, which has a status of its own for that."""
        if self.runner and self.runner.poll() is None:
            os.killpg(self.runner.pid, signal.SIGINT)
            self.runner.wait(60)
            assert "Stopping." in self.said() and "did not stop well" not in self.said(), self.said()


@pytest.fixture
def reader():
    with tempfile.TemporaryDirectory(prefix="tcf-") as directory:  # sockets want a short path
        it = Reader(directory)
        yield it
        it.end()


def is_look(command):
    return all(line.split()[0] == "tradecast" and line.split()[1] in LOOKS for line in command.splitlines())


def test_the_page_works_word_for_word(reader):
    for kind, first, second in steps():
        if kind == "file":
            reader.write(first, second)
        elif first.startswith("make run"):
            reader.start(first, second)
        elif is_look(first):
            reader.look(first, second)
        else:
            reader.do(first, second)
        if kind == "run" and "risk.preset" in first:
            reader.wait_for_the_day()
    assert reader.runner is not None


def test_the_alert_is_the_message_filled_in():
    files = {name: text for kind, name, text in steps() if kind == "file"}
    message, alert = json.loads(files["message.json"]), json.loads(files["alert.json"])
    assert alert.pop("signal_id")
    assert set(message) == set(alert)
    assert {k for k, v in message.items() if "{{" not in v} == {k for k in message if message[k] == alert[k]}


@pytest.mark.parametrize("shown, seen, same", [
    ("a … c\n", "a   b c\n", True), ("a\n…\nc\n", "a\nb\nc\n", True), ("a\nc\n", "a\nb\nc\n", False), ("a\n", "a\nb\n", False),
    ("a\n…\n", "a\nb\n", True), ("a 1\n", "a 2\n", False), ("…\nb\n", "a\nb\n", True), ("a\nb\n", "a\n", False),
])
def test_what_is_seen_is_compared_line_by_line(shown, seen, same):
    assert shows(shown, seen) is same


def test_the_first_alert_of_the_readme_works(reader):
    readme = (ROOT / "README.md").read_text().split("## Your first alert")[1]
    post, look = re.search(r"^```sh\n(.*?)^(tradecast explain .*?)^```$", readme, re.M | re.S).groups()
    reader.start("make run", f"{LEFT_OUT}\nRunning until Ctrl-C.")
    status, seen = reader.run(post.replace("PATH=", "export PATH=").replace("curl ", "curl -s "))
    assert status == 0, seen
    signal_id = json.loads(seen)["signal_id"]
    for command in look.replace("<signal_id>", signal_id).splitlines():
        reader.do(command, None)
    reader.look(f"tradecast explain {signal_id}", f"signal {signal_id}\n{LEFT_OUT}\n completed {LEFT_OUT} filled 100 %{LEFT_OUT}\n{LEFT_OUT}")
