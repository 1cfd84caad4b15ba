"""make - records the incidents that tests/contract/test_recordings.py decides again: python3 -m tests.recordings.make [NAME ...]

To be run again when what the router says of a decision changes on purpose; `tradecast replay --offline` shows first what became different.
An incident of your own: `tradecast recording cut` the part that matters into this folder."""
# SPDX-License-Identifier: MIT
import os
import pathlib
import signal
import subprocess
import sys

from tests.harness.plant import Plant, configuration
from tests.harness.wait import until

HERE = pathlib.Path(__file__).resolve().parent
SIDES = ("buy", "sell", "close")


def post(plant, n, **more):
    body = {"signal_id": f"s{n}", "symbol": "EURUSD", "action": SIDES[n % 3], "price": "1.1", "quantity": "0.5", **more}
    status, answer, _ = plant.door().alert(body)
    assert status == 200, answer


def settle(plant, numbers):
    for n in numbers:
        until(lambda: plant.admin.hget(f"signal:s{n}", "status") in ("completed", "failed"), f"s{n} to be final", within_s=60)


def a_halted_account(plant):
    account = plant.config["accounts"][0]["account_id"]
    for n, word in enumerate(["resume", "halt", "reduce-only", "resume"]):
        assert plant.command(word, "--account", account)[0] == 0
        mode = {"resume": "trading", "halt": "halted", "reduce-only": "reduce_only"}[word]
        until(lambda: plant.admin.hget(f"risk:{account}", "mode") == mode, word)
        for k in range(3):
            post(plant, 3 * n + k)
        settle(plant, range(3 * n, 3 * n + 3))


def partial_fills(plant):
    for n in range(12):
        post(plant, n)
        settle(plant, [n])


def a_requote_storm(plant):
    for n in range(18):
        post(plant, n, quantity=str(n / 10 + 0.1)[:3])
    settle(plant, range(18))


def a_restart_in_the_middle(plant):
    for n in range(6):
        post(plant, n)
    plant.processes["router"].kill()
    for n in range(6, 12):
        post(plant, n)
    plant.restart("router")
    for n in range(12, 18):
        post(plant, n)
    settle(plant, range(18))


# name: (what happens, options of the paper broker, limits of the first account). Limits that count what is open only where signals wait for
# each other: in a rush, whether an execution was heard before a signal is not on record.
INCIDENTS = {
    "halted-account": (a_halted_account, {}, {}),
    "partial-fills": (partial_fills, {"TRADECAST_PAPER_PARTIAL_PROBABILITY": "1"}, {"max_open_trades": 4}),
    "requote-storm": (a_requote_storm, {"TRADECAST_PAPER_REQUOTE_PROBABILITY": "0.7"}, {}),
    "restart-in-the-middle": (a_restart_in_the_middle, {}, {}),
}


def record(name):
    incident, options, limits = INCIDENTS[name]
    config = configuration(accounts=3, brokers=2, lot="multiplier")
    config["accounts"][0].update(limits)
    plant = Plant(mode="release", config=config, options=options).up()
    file = HERE / f"{name}.rec"
    file.unlink(missing_ok=True)
    try:
        env = {**os.environ, **plant.environment("tradecast")}
        child = subprocess.Popen([plant.bin / "tradecast", "record", str(file), "--compress"], env=env)
        until(lambda: file.exists() and file.stat().st_size > 500, "the recording to begin")
        incident(plant)
        until(lambda: not plant.admin.hlen("reconciliation:open"), "all to be on its way")
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=30) == 0
        status, out, err = plant.command("replay", "--offline", str(file))
        print(f"{name}: {out.strip()}{err.strip()}")
        assert status == 0
    finally:
        plant.kill()
        plant.wipe()


if __name__ == "__main__":
    for wanted in sys.argv[1:] or INCIDENTS:
        record(wanted)
