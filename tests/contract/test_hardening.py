"""The programs are linked hard, secrets are compared in constant time, and no SQL is made of what came in."""
# SPDX-License-Identifier: MIT
import pathlib
import re
import subprocess

import pytest

from deploy.local.layout import ROOT

PROGRAMS = sorted(p.name for p in (ROOT / "build/chaos/bin").iterdir()) if (ROOT / "build/chaos/bin").exists() else []
SOURCES = [p for part in ("common", "services", "gateways", "sync", "cli", "replay") for p in sorted((ROOT / part).rglob("*.c"))]


def readelf(*words):
    return subprocess.run(["readelf", "-W", *words], capture_output=True, text=True, check=True).stdout


def test_there_are_programs():
    assert len(PROGRAMS) >= 8


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_can_be_placed_anywhere_and_its_stack_and_tables_cannot_be_used_against_it(program):
    path = ROOT / "build/chaos/bin" / program
    headers, dynamic, symbols = readelf("-hl", path), readelf("-d", path), readelf("-s", path)
    assert "DYN (Position-Independent Executable file)" in headers
    assert "GNU_RELRO" in headers and "BIND_NOW" in dynamic
    assert re.search(r"GNU_STACK.* RW ", headers)  # no E: nothing on the stack is run
    assert "__stack_chk_fail" in symbols


def test_a_release_is_built_with_checks_of_buffers():
    make = (ROOT / "Makefile").read_text()
    assert "-D_FORTIFY_SOURCE=3" in re.search(r"^CFLAGS.release := (.*)$", make, re.M).group(1)
    assert all(flag in make for flag in ("-ftrivial-auto-var-init=zero", "-fstack-clash-protection"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_control_flow_protection_is_not_claimed_where_it_has_no_effect(program):
    """The linker keeps the mark (IBT, SHSTK) only if every object has it, and crt1.o of Debian 12's C library has not."""
    if "-fcf-protection" in (ROOT / "Makefile").read_text():
        notes = readelf("-n", ROOT / "build/chaos/bin" / program)
        assert "IBT" in notes and "SHSTK" in notes


def test_the_door_compares_secrets_in_constant_time():
    early = re.compile(r"(?<!sodium_)\b(?:memcmp|strcmp|strncmp)\s*\([^;]*\b\w*(?:token|password|license|secret)\w*\b[^;]*;")
    found = [f"{p.relative_to(ROOT)}: {m.group(0)}" for p in (ROOT / "services/ingest").glob("*.c") for m in early.finditer(p.read_text())]
    assert found == []
    for file in ("services/ingest/door/sources.c", "services/ingest/read/dialect_pineconnector.c"):
        assert "sodium_memcmp" in (ROOT / file).read_text()


def test_no_dangerous_function_is_called():
    banned = re.compile(r"\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtod|atof|system|popen|mktemp|alloca)\s*\(")
    found = [f"{p.relative_to(ROOT)}: {m.group(0)}" for p in SOURCES for m in banned.finditer(re.sub(r"//.*|\"(?:\\.|[^\"\\])*\"", "", p.read_text()))]
    assert found == []
