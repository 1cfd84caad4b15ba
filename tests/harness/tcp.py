"""tcp - a plant whose processes meet over tcp with keys, as on several hosts; all on this one."""
# SPDX-License-Identifier: MIT
import random
import socket

HOST = "127.0.0.1"


def free_ports():
    """The first port of an installation's, where those that are surely used are free."""
    for _ in range(100):
        first = random.randrange(20000, 32000)
        try:
            for slot in (0, 1, 2, 3, 4, 8):
                for door in range(3):
                    with socket.socket() as s:
                        s.bind((HOST, first + slot * 8 + door))
            return first
        except OSError:
            continue
    raise RuntimeError("no free ports")


def host_variable(name):
    return "TRADECAST_HOST_" + name.upper().replace(".", "_").replace("-", "_")


def over_tcp(plant, *names):
    """Before it starts: every process at 127.0.0.1, keys for all and for `names`."""
    plant.options |= {host_variable(name): HOST for name in [*plant.services, *plant.gateways]}
    plant.options |= {"TRADECAST_PORTS": str(free_ports()), "TRADECAST_KEYS_DIR": str(plant.layout.top / "keys")}
    status, _, err = plant.command("keys", "make", *(f"gateway.{g}" for g in plant.gateways), *names)
    assert status == 0, err
