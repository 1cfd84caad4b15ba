"""layers - who may include whom, held against every #include.

    python3 -m tests.style.layers           ends with 1, and names each include that the table does not allow
"""
# SPDX-License-Identifier: MIT
import re
import sys

from tests.style.figures import ROOT, sources

# A folder may include itself and what stands here; the longest name that fits a file counts. Generated
# headers and those of libraries have no folder and are everybody's.
BASE = ["common/base"]
LAYERS = {}


def layer_of(path):
    fitting = [name for name in LAYERS if path.startswith(name + "/")]
    return max(fitting, key=len) if fitting else None


def forbidden():
    for file in sources():
        path = str(file.relative_to(ROOT))
        layer = layer_of(path)
        if layer is None:
            yield f"{path}: the table in tests/style/layers.py has no row for its folder"
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            named = re.match(r'#include "(\S+/\S+)"', line)
            if not named:
                continue
            target = layer_of(named[1])
            if target != layer and target not in LAYERS[layer]:
                yield f"{path}:{number}: {layer} may not include {named[1]}"


def main():
    found = list(forbidden())
    print("\n".join(found) if found else f"layers: {len(sources())} files, nothing that the table forbids")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
