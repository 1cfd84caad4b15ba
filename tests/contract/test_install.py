"""What make install puts where: programs, man pages that can be read, and everything that --help points to."""
# SPDX-License-Identifier: MIT
import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODE = "check"
PROGRAM = ROOT / f"build/{MODE}/bin/tradecast"
OF_THE_TESTS = {"tradecast-gateway-filler"}  # built beside the others, never installed


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A tree as a package has it."""
    tree = tmp_path_factory.mktemp("installed")
    done = subprocess.run(["make", "-s", f"MODE={MODE}", "install", "PREFIX=/usr", f"DESTDIR={tree}"], cwd=ROOT,
                          capture_output=True, text=True, timeout=900, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    return tree


def commands():
    text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"^  ([a-z-]+)  +(\S.*)$", text.split("commands:\n")[1].split("\n\n")[0], re.M))


def test_the_help_keeps_names_and_sentences_apart(installed):
    text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    rows = text.split("commands:\n")[1].split("\n\n")[0].splitlines()
    begin = {len(re.match(r"  [a-z-]+ +", row).group()) for row in rows}
    assert len(begin) == 1, "the sentences do not begin in one column"
    assert all(re.match(r"  [a-z-]+  +\S", row) for row in rows)


def test_man_pages_have_every_command_and_every_character(installed):
    pages = sorted((installed / "usr/share/man/man1").glob("*.1"))
    programs = {p.name for p in PROGRAM.parent.iterdir()} - OF_THE_TESTS
    assert {p.stem for p in pages} == {p.name for p in (installed / "usr/lib/tradecast").iterdir()} == programs
    for page in pages:
        assert "???" not in page.read_text(), page.name
    page = (installed / "usr/share/man/man1/tradecast.1").read_text().replace(r"\-", "-")
    for name, sentence in commands().items():
        found = re.search(rf"^\.TP\n{re.escape(name)}\n(.+)$", page, re.M)
        assert found, f"{name} is no entry of its own"
        assert found.group(1).split()[:3] == sentence.split()[:3]
    assert "TRADECAST_CLICKHOUSE_…" in page


def test_what_help_and_readme_point_to_is_there(installed):
    share, doc = installed / "usr/share/tradecast", installed / "usr/share/doc/tradecast"
    for name in ("README.md", "CHANGELOG.md", "ARCHITECTURE.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))):
        assert (doc / name).read_text() == (ROOT / name).read_text()
    texts = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    for name in commands():
        texts += subprocess.run([PROGRAM, name, "--help"], capture_output=True, text=True, check=True).stdout
    for mentioned in set(re.findall(r"docs/[a-z-]+\.md", texts)):
        assert (doc / mentioned).exists(), mentioned
    json.loads((share / "deploy/config.schema.json").read_text())
    for name in ("deploy/sample.yaml", "deploy/prometheus-rules.yml", "deploy/prometheus.yml"):
        assert (share / name).read_text() == (ROOT / name).read_text()
    assert {p.name for p in (share / "deploy/presets").iterdir()} == {p.name for p in (ROOT / "deploy/presets").iterdir()}


def complete(script, *words):
    text = f'. {script}; COMP_WORDS=({" ".join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}; _tradecast; echo "${{COMPREPLY[*]}}"'
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True).stdout.split()


def test_the_shell_completes_commands_words_and_options(installed):
    script = installed / "usr/share/bash-completion/completions/tradecast"
    assert set(complete(script, "tradecast", "")) == set(commands())
    assert complete(script, "tradecast", "recon") == ["reconciliations"]
    assert set(complete(script, "tradecast", "config", "")) == {"show", "get", "set", "apply", "export", "history", "rollback"}
    assert complete(script, "tradecast", "config", "roll") == ["rollback"]
    assert complete(script, "tradecast", "halt", "--fl") == ["--flatten"]
    assert {"--dir", "--json", "--help", "--format", "--since", "--until", "--table"} == set(complete(script, "tradecast", "export", "--"))
    assert complete(script, "tradecast", "no-such-command", "") == []


def test_what_installing_needs_is_on_the_list():
    needed = {line.split()[1] for line in (ROOT / "deploy/packages.txt").read_text().splitlines() if line.startswith("man ")}
    assert needed == {"help2man"}
    assert re.search(r"^install:.*\bman-packages\b", (ROOT / "deploy/install.mk").read_text(), re.M)
    assert "help2man" in (ROOT / "deploy/debian/control").read_text()
