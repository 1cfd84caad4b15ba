"""layers - who may include whom, held against every #include.

    python3 -m tests.style.layers           ends with 1, and names each include that the table does not allow
"""
# SPDX-License-Identifier: MIT
import re
import sys

from tests.style.figures import ROOT, sources

# A folder may include what is in it, and in the folders (or the one file) that stand in its row; of
# rows that fit a file the longest counts. Generated headers and those of libraries have no folder
# and are everybody's.
BASE = ["proto", "common/base"]
DATA = [*BASE, "common/schema", "common/delivery"]
STORES = [*DATA, "common/redis", "common/bus", "common/sql", "common/http"]
SERVICE = [*STORES, "common/batch", "common/domain", "common/oplog", "common/program", "common/service"]
LAYERS = {
    "proto": ["common/delivery"],  # what a topic's entries are numbered by
    "common/base": [],
    "common/schema": BASE,
    "common/delivery": [*BASE, "common/schema"],
    "common/redis": DATA,
    "common/bus": DATA,
    "common/sql": DATA,
    "common/http": [*DATA, "common/bus"],
    "common/batch": [*DATA, "common/redis"],
    "common/domain": [*DATA, "common/redis"],
    "common/oplog": [*DATA, "common/batch"],
    "common/program": BASE,
    "common/service": [*STORES, "common/batch", "common/domain", "common/oplog", "common/program"],
    "services/ingest": SERVICE,
    "services/router": SERVICE,
    # no store, no socket, no batch
    "services/executor/trade": [*BASE, "common/schema", "common/domain/trade.h", "services/executor/due.h"],
    "services/executor": SERVICE,
    "services/reconciler": SERVICE,
    "services/archiver": SERVICE,
    "services/monitor": SERVICE,
    "services/relay": SERVICE,
    # no store, no socket, no batch: what a package is, and what a decision may be
    "services/advisor/package": [*BASE, "common/schema"],
    "services/advisor/decision": [*BASE, "common/schema", "services/advisor/package"],
    "services/advisor/model": [*BASE, "common/schema", "services/advisor/decision", "services/advisor/package"],
    "services/advisor": SERVICE,
    "gateways/link": SERVICE,
    "gateways/paper": [*SERVICE, "gateways/link"],
    "sync/copy": SERVICE,
    "sync/backend": [*SERVICE, "sync/copy"],
    "sync/clickhouse": [*SERVICE, "sync/copy"],
    # simulate decides with the services' own handlers; archives are read with the archiver's own code
    "cli": [*SERVICE, "services/archiver", "services/ingest", "services/router"],
    "replay": [*SERVICE, "cli"],
}


def is_in(path, name):
    return path == name or path.startswith(name + "/")


def layer_of(path):
    return max((name for name in LAYERS if is_in(path, name)), key=len, default=None)


def forbidden():
    for file in sources():
        path = str(file.relative_to(ROOT))
        layer = layer_of(path)
        if layer is None:
            yield f"{path}: the table in tests/style/layers.py has no row for its folder"
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            named = re.match(r'#include "(\S+/\S+)"', line)
            if named and not any(is_in(named[1], name) for name in (layer, *LAYERS[layer])):
                yield f"{path}:{number}: {layer} may not include {named[1]}"


def main():
    found = list(forbidden())
    print("\n".join(found) if found else f"layers: {len(sources())} files, nothing that the table forbids")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
