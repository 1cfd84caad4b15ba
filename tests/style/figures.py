"""figures - how the house looks, in numbers, and what it may not fall back behind.

    python3 -m tests.style.figures          the table; ends with 1 when a figure is beyond its limit

A limit is lowered when the tree has become better, and never raised without a word why in the commit.
"""
# SPDX-License-Identifier: MIT
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("common", "services", "gateways", "cli", "replay", "sync", "proto")
COLUMNS = 100
# What every program, or every table of its kind, calls the same.
SHARED_ON_PURPOSE = {"main"}

# figure: the most that is accepted
LIMITS = {
    "functions that share their name, %": 1,
    "functions named by one bare word, %": 1,
    "lines over 100 columns, %": 0.3,
    "longest function, lines": 48,
    "95 of 100 functions have at most, lines": 24,
    "longest file, lines": 461,
    "most files in one folder": 25,
}
# figure: the least that is accepted
LEAST = {
    "whole-line comments, %": 7.5,
}


def sources():
    return sorted(f for part in CODE for f in (ROOT / part).rglob("*.[ch]"))


def functions(files):
    """(name, file, lines) of every function that has a body."""
    asked = ["ctags", "--languages=C", "--langmap=C:.c.h", "--c-kinds=f", "--fields=+ne", "--output-format=json",
             "-f", "-", *map(str, files)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    for line in told.splitlines():
        tag = json.loads(line)
        if tag.get("_type") == "tag" and "end" in tag:
            yield tag["name"], tag["path"], tag["end"] - tag["line"] + 1


def percent(part, whole):
    return round(100 * part / whole, 1)


def figures():
    files = sources()
    found = list(functions(files))
    times = Counter(name for name, _, _ in found)
    lengths = sorted(lines for _, _, lines in found)
    text = {f: f.read_text().splitlines() for f in files}
    every = [line for lines in text.values() for line in lines]
    folders = Counter(f.parent for f in files)
    named = [name for name, _, _ in found if name not in SHARED_ON_PURPOSE]
    return {
        "functions": len(found),
        "functions that share their name, %": percent(sum(times[n] > 1 for n in named), len(found)),
        "functions named by one bare word, %": percent(sum("_" not in n for n in named), len(found)),
        "median length of a function's name": sorted(map(len, named))[len(named) // 2],
        "lines of C": len(every),
        "lines over 100 columns, %": percent(sum(len(line) > COLUMNS for line in every), len(every)),
        "whole-line comments, %": percent(sum(bool(re.match(r"\s*(//|/\*)", line)) for line in every), len(every)),
        "half of all functions have at most, lines": lengths[len(lengths) // 2],
        "95 of 100 functions have at most, lines": lengths[len(lengths) * 95 // 100],
        "longest function, lines": lengths[-1],
        "longest file, lines": max(map(len, text.values())),
        "most files in one folder": max(folders.values()),
    }


def worst():
    """What to look at first, when a limit is broken."""
    found = list(functions(sources()))
    times = Counter(name for name, _, _ in found if name not in SHARED_ON_PURPOSE)
    folders = Counter(f.parent.relative_to(ROOT) for f in sources())
    yield "names that most functions share: " + ", ".join(f"{n} {k}" for n, k in times.most_common(12) if k > 1)
    yield "longest functions: " + ", ".join(f"{n} {k}" for n, _, k in sorted(found, key=lambda f: -f[2])[:5])
    yield "fullest folders: " + ", ".join(f"{n} {k}" for n, k in folders.most_common(5))


def main():
    broken = []
    for name, value in figures().items():
        beyond = value > LIMITS.get(name, value) or value < LEAST.get(name, value)
        limit = f"at most {LIMITS[name]}" if name in LIMITS else f"at least {LEAST[name]}" if name in LEAST else ""
        print(f"{name:<44}{value:>9}   {limit}{'   BROKEN' if beyond else ''}")
        broken += [name] * beyond
    for line in worst():
        print(line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
