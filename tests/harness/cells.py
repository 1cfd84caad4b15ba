"""cells - two cells on one machine, each with an account of its own, each handing over to the other."""
# SPDX-License-Identifier: MIT
from tests.harness.plant import Plant, configuration


def configuration_of(name):
    """One account, acc-<name>, at one broker; "only-a" is subscribed to in a alone, "nobody" in none."""
    config = configuration(accounts=1, brokers=1)
    account = f"acc-{name}"
    config["accounts"][0]["account_id"] = account
    config["brokers"][0]["longest_acceptance_ms"] = 500  # so that what is in doubt need not be waited for as long as in the world
    config["instances"][0] |= {"instance_id": f"gw-{name}", "accounts": [account]}
    config["sources"] += [{"config_id": "only-a"}, {"config_id": "nobody"}]
    if name == "a":
        config["accounts"][0]["subscriptions"].append({"source": "only-a", "fixed_lot": "0.1"})
    return config


def two_cells(**plant):
    """(a, b), not started."""
    a, b = (Plant(config=configuration_of(name), cell=name, **plant) for name in ("a", "b"))
    a.cells, b.cells = {"b": str(b.layout.run)}, {"a": str(a.layout.run)}
    return a, b
