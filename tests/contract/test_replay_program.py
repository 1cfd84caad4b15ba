"""tradecast-replay runs services as they are installed: it links none of them, and says which it cannot run."""
# SPDX-License-Identifier: MIT
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from tests.contract.test_slices import declared

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = ROOT / "build/check/bin"
RERUN = ("router", "executor", "reconciler", "archiver")
RECORDING = ROOT / "tests/recordings/consensus.rec"


def run(program, *words, **more):
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **more)


def symbols(program):
    out = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in out.splitlines() if line}


def test_no_service_that_is_run_again_is_linked_into_it():
    assert not symbols(BIN / "tradecast-replay") & {f"{s}_service" for s in RERUN}
    assert not symbols(BIN / "tradecast") & {"executor_service", "reconciler_service"}
    assert "router_service" in symbols(BIN / "tradecast-router")  # the look itself finds something


def test_no_name_is_hidden_from_the_linker():
    makefile = (ROOT / "Makefile").read_text()
    assert not re.search(r"objcopy|\bld -r\b|-nostdlib|--keep-global", makefile)


def exported(folder):
    """The names that the objects of a folder's sources give to others."""
    sources = [p.relative_to(ROOT) for p in sorted((ROOT / folder).rglob("*.c")) if p.name != "main.c"]
    objects = [ROOT / "build/check" / p.with_suffix(".o") for p in sources]
    out = subprocess.run(["nm", "-g", "--defined-only", *objects], capture_output=True, text=True, check=True).stdout
    return {line.split()[2] for line in out.splitlines() if len(line.split()) == 3 and not line.split()[2].startswith("_")}


def test_what_is_linked_with_others_has_names_of_its_own():
    """A library hides that two have one name: the linker takes the first."""
    names = {f: exported(f) for f in ("common", "cli", "replay", *(f"services/{p.name}" for p in sorted((ROOT / "services").iterdir())))}
    assert len(names["services/router"]) > 20  # the look itself finds something
    for linked in ("common", "cli", "replay", "services/archiver", "services/ingest", "services/router"):
        for other in names:
            assert other == linked or not names[linked] & names[other], (linked, other)


@pytest.fixture
def beside(tmp_path):
    """The program in a directory of its own, with the services beside it that a test puts there."""
    for name in ("tradecast", "tradecast-replay"):
        shutil.copy2(BIN / name, tmp_path / name)
    for service in RERUN:
        (tmp_path / f"tradecast-{service}").symlink_to(BIN / f"tradecast-{service}")
    return tmp_path


def test_services_are_those_beside_it(beside):
    done = run(beside / "tradecast", "replay", "--offline", RECORDING)
    assert done.returncode == 0, done.stderr
    (beside / "tradecast-router").unlink()
    done = run(beside / "tradecast", "replay", "--offline", RECORDING)
    assert done.returncode == 3 and "tradecast-router cannot be run" in done.stderr
    assert run(beside / "tradecast", "replay", "--offline", "--service", "reconciler", RECORDING).returncode == 0


@pytest.mark.parametrize("ends", ["true", "false"])
def test_a_service_that_ends_too_early_is_told(beside, ends):
    (beside / "tradecast-executor").unlink()
    (beside / "tradecast-executor").symlink_to(shutil.which(ends))
    done = run(beside / "tradecast-replay", "replay", "--offline", RECORDING)
    assert done.returncode == 3 and "executor.0 ended while it was run again" in done.stderr
    assert ("ended with status 1" in done.stderr) == (ends == "false")


def test_the_command_says_when_the_program_is_not_beside_it(beside):
    (beside / "tradecast-replay").unlink()
    for words in (["record", "x.rec"], ["recording", "info", "x.rec"], ["replay", "x.rec"]):
        done = run(beside / "tradecast", *words)
        assert done.returncode == 3 and "tradecast-replay cannot be run" in done.stderr
    assert run(beside / "tradecast", "replay", "--help").returncode == 0  # its words are in both tables


def test_both_programs_read_the_same_words():
    for words in (["replay", "--help"], ["record", "--help"], ["recording", "--help"], ["replay"], ["record", "x", "--no"]):
        one, other = run(BIN / "tradecast", *words), run(BIN / "tradecast-replay", *words)
        assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)


def test_nothing_is_left_of_a_sandbox(tmp_path):
    assert run(BIN / "tradecast-replay", "replay", "--offline", RECORDING, env={**os.environ, "TMPDIR": str(tmp_path)}).returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("service", ["ingest", "monitor"])
def test_what_is_not_recorded_cannot_be_run_again(service):
    done = run(BIN / f"tradecast-{service}", "--rerun")
    assert done.returncode == 2 and "not recorded" in done.stderr


def test_without_input_a_service_ends():
    assert run(BIN / "tradecast-router", "--rerun").returncode == 0


@pytest.mark.parametrize("service", RERUN)
def test_a_service_says_which_keys_are_its_own(service):
    """What a recorder keeps of Redis goes by it."""
    assert run(BIN / f"tradecast-{service}", "--slice").stdout.split() == declared(service)
