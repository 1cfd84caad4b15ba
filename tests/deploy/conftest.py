"""What the tests of deployment share: the package, an older one, and a root with all that machines need; each made once."""
# SPDX-License-Identifier: MIT
import json
import os
import pathlib
import subprocess
import warnings

import pytest

from tests.deploy.machine import ROOT, Machine, bootstrap, dependencies, why_not

TOKEN = "0123456789abcdef0123456789abcdef"
BROKER = {"broker_id": "alpha", "price_tolerance": "1", "symbols": [{"symbol": "EURUSD", "lot_step": "0.01"}]}
CONFIG = {
    "sources": [{"config_id": "desk", "token": TOKEN}],
    "brokers": [BROKER],
    "accounts": [{"account_id": "anna", "broker_id": "alpha", "balance": "10000", "subscriptions": [{"source": "desk", "fixed_lot": "0.1"}]}],
    "instances": [{"instance_id": "alpha-1", "broker_id": "alpha", "accounts": ["anna"]}],
}


def alert(signal_id):
    return json.dumps({"signal_id": signal_id, "symbol": "EURUSD", "action": "buy", "price": "1.1"})


@pytest.fixture(scope="session")
def package():
    """Made here; or PACKAGE, one that `make deb` made before."""
    if os.environ.get("PACKAGE"):
        return pathlib.Path(os.environ["PACKAGE"]).resolve()
    subprocess.run(["make", "-s", "deb"], cwd=ROOT, check=True, timeout=900, capture_output=True)
    return next((ROOT / "build/deb").glob("tradecast_*.deb"))


@pytest.fixture(scope="session")
def older_package():
    """The state of the tree before there were several hosts, cells and shards, packaged under a lower number."""
    return older("ff39c78", "0.0.9")


@pytest.fixture(scope="session")
def recent_package():
    """One that one can go back to: it reads the archive and the gateways' books of this version. To be moved when their schema moves."""
    return older("6355ff3", "0.0.9")


def older(commit, version):
    """A package of an earlier commit; kept, for it does not change."""
    top = ROOT / f"build/deb-{commit}"
    found = list(top.glob("tradecast_*.deb"))
    if found:
        return found[0]
    source = top / "source"
    source.mkdir(parents=True, exist_ok=True)
    tree = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=source, input=tree, check=True)
    subprocess.run(["cp", "-r", "deploy/debian", "debian"], cwd=source, check=True)
    changelog = source / "debian/changelog"
    changelog.write_text(changelog.read_text().replace("(0.1.0)", f"({version})", 1))
    subprocess.run(["dpkg-buildpackage", "--build=binary", "--no-sign", "--jobs=2"], cwd=source, check=True, timeout=900, capture_output=True)
    return next(top.glob("tradecast_*.deb"))


@pytest.fixture(scope="session")
def root(package, tmp_path_factory):
    reason = why_not()
    if reason:
        warnings.warn(f"NO SYSTEMD WAS BOOTED: {reason}; only the files were checked", stacklevel=1)
        pytest.skip(f"no systemd can be booted here: {reason}")
    wanted = ["systemd-sysv", "dbus", "curl", "ca-certificates", "nginx-light", "caddy", "stunnel4", *dependencies(package)]
    top = pathlib.Path(tmp_path_factory.mktemp("root"))
    yield bootstrap(top / "root", sorted(set(wanted)), disabled=["nginx", "caddy"])
    subprocess.run(["rm", "-rf", "--one-file-system", top / "root"], check=False)


@pytest.fixture(scope="module")
def machine(root, package):
    """A booted machine of the module's own, with the package where `make deb` leaves it, and a configuration to apply."""
    with Machine(root) as m:
        m.put(package, "build/deb")
        m.write("/root/my.json", json.dumps(CONFIG))
        yield m
