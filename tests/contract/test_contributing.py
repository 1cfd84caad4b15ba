"""CONTRIBUTING.md, README.md, ARCHITECTURE.md and the glossary name only files, targets and programs that are there; each README maps its folder."""
# SPDX-License-Identifier: MIT
import re

import pytest

from deploy.local.layout import ROOT

PAGES = ["CONTRIBUTING.md", "README.md", "ARCHITECTURE.md", "docs/glossary.md", "docs/first-setup.md"]
TOPS = sorted(p.name for p in ROOT.iterdir() if p.is_dir() and p.name not in ("build", "var"))
FOLDERS = sorted({"cli", "sync", *(str(p.parent.relative_to(ROOT)) for top in ("services", "gateways") for p in (ROOT / top).glob("*/*.c"))})


def read(page):
    return (ROOT / page).read_text()


def quoted(page):
    return re.findall(r"`([^`\n]+)`", read(page))


def targets():
    """Of the Makefile and what it includes."""
    text = "\n".join(p.read_text() for p in [ROOT / "Makefile", *ROOT.glob("*/*.mk"), *ROOT.glob("tests/*/*.mk")])
    return set(re.findall(r"^([\w.-]+)(?=[^:=\n]*:(?!=))", text, re.M)) | {w for line in re.findall(r"^\.PHONY:(.*)$", text, re.M) for w in line.split()}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_named_is_there(page):
    paths = [q for q in quoted(page) if q.split("/")[0] in TOPS and "/" in q and not re.search(r"[<>*\s:{]", q)]
    paths += [w for q in quoted(page) if "pytest" in q for w in q.split() if w.startswith("tests/")]
    assert page in ("README.md", "docs/first-setup.md") or len(paths) > 20
    assert [p for p in paths if not (ROOT / p).exists() and not (ROOT / p.replace("deploy/env/", "deploy/env")).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))])
def test_every_link_leads_somewhere(page):
    here = (ROOT / page).parent
    links = re.findall(r"\]\(((?!https?:)[^)#\s]+)(?:#[\w-]+)?\)", read(page))
    assert [link for link in links if not (here / link).exists()] == []


def test_every_target_named_is_there():
    words = [w for page in PAGES for q in [*quoted(page), *re.findall(r"^make .*$", read(page), re.M)] if re.match(r"make\b", q)
             for w in re.sub(r"#.*", "", q).split()[1:] if not re.search(r"[=/<]", w)]
    assert len(words) > 10
    assert sorted(set(words) - targets()) == []


def test_a_unit_program_named_is_one_that_is_built():
    programs = [w for q in quoted("CONTRIBUTING.md") for w in q.split() if w.startswith("build/check/tests/")]
    assert programs
    for program in programs:
        assert (ROOT / program.replace("build/check/tests/", "tests/unit/")).with_suffix(".c").exists(), program


def test_the_readme_is_two_screens_and_prose_is_100_columns():
    assert len(read("README.md").splitlines()) <= 100
    for page in ("CONTRIBUTING.md", "ARCHITECTURE.md", "docs/glossary.md"):  # a path that grew with a move is not worth a red test
        assert [line for line in read(page).splitlines() if len(line) > 100 and not line.startswith("|") and "/" not in line] == [], page


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_readme_maps_its_folder(folder):
    """By name alone: who moves or adds a file writes the maps anew (`make reference`), at the latest when one in ten is missing."""
    rows = re.findall(r"^\| `([\w/]+)(?:\.\[ch\])?(?:\.[ch])?`[^|\n]*\| \S", read(f"{folder}/README.md"), re.M)
    named = {name.split("/")[-1] for name in rows}
    there = {source.stem for source in (ROOT / folder).rglob("*.[ch]")}
    assert len(there - named) <= len(there) / 10, sorted(there - named)
