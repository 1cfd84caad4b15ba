"""make - records the incidents that tests/contract/test_recordings.py has done again: python3 -m tests.recordings.make [NAME ...]

To be run again when what a service says changes on purpose; `tradecast replay --offline` shows first what became different.
An incident of your own: `tradecast recording cut` the part that matters into this folder."""
# SPDX-License-Identifier: MIT
import concurrent.futures
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


def trading(plant, word, mode):
    account = plant.config["accounts"][0]["account_id"]
    assert plant.command(word, "--account", account)[0] == 0
    until(lambda: plant.admin.hget(f"risk:{account}", "mode") == mode, word)


def a_halted_account(plant):
    for n, (word, mode) in enumerate([("resume", "trading"), ("halt", "halted"), ("reduce-only", "reduce_only"), ("resume", "trading")]):
        trading(plant, word, mode)
        for k in range(3):
            post(plant, 3 * n + k)
        settle(plant, range(3 * n, 3 * n + 3))


def partial_fills(plant):
    for n in range(12):
        post(plant, n)
    settle(plant, range(12))


def a_requote_storm(plant):
    for n in range(18):
        post(plant, n, quantity=str(n / 10 + 0.1)[:3])
    settle(plant, range(18))


def a_rush_at_a_limit(plant):
    """Fills come between the signals: what counts as open changes from one to the next."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: post(plant, n, action="close" if n % 5 == 4 else "buy"), range(40)))
    settle(plant, range(40))


def a_restart_in_the_middle(plant):
    for n in range(6):
        post(plant, n)
    plant.processes["router"].stop()
    for n in range(6, 12):
        post(plant, n)
    plant.restart("router")
    settle(plant, range(12))
    plant.processes["executor.0"].stop()
    for n in range(12, 18):
        post(plant, n)
    plant.restart("executor.0")
    settle(plant, range(18))
    plant.processes["reconciler"].stop()
    for n in range(18, 24):
        post(plant, n)
    plant.restart("reconciler")
    settle(plant, range(24))


def an_order_in_doubt(plant):
    """A gateway that hangs: its orders become unknown, are asked about, and adopted; and one that is killed, whose orders do not leave."""
    post(plant, 0, action="buy")
    settle(plant, [0])
    plant.freeze("gw-a")
    for n in range(1, 4):
        post(plant, n, action="buy")
    until(lambda: plant.trades("s3") and plant.trades("s3")["acc000"]["state"] == "unknown", "an order in doubt")
    plant.thaw("gw-a")
    settle(plant, range(4))
    plant.processes["gw-a"].kill()
    for n in range(4, 7):
        post(plant, n, action="buy")
    plant.restart("gw-a")
    settle(plant, range(7))


def a_netting_account(plant):
    """Bought, added to, reduced, turned round, closed."""
    for n, (action, lots) in enumerate([("buy", "0.5"), ("buy", "0.3"), ("sell", "0.2"), ("sell", "1.0"), ("buy", "0.1"), ("close", "0.3"),
                                        ("buy", "2"), ("close", "2")]):
        post(plant, n, action=action, quantity=lots)
        settle(plant, [n])


def a_consensus(plant):
    """Two sources that agree, that disagree, and one that is too late."""
    votes = []
    for n, (one, other) in enumerate([("buy", "buy"), ("sell", "buy"), ("sell", "sell"), ("buy", None)]):
        for source, action in (("test", one), ("bot", other)):
            if not action:
                continue
            body = {"signal_id": f"{source}{n}", "symbol": "EURUSD", "action": action, "price": "1.1", "quantity": "0.5"}
            status, answer, _ = plant.door(source).alert(body)
            assert status == 200, answer
            votes += [answer["signal_id"]] if source == "bot" else []
    for vote in votes:
        until(lambda: plant.admin.hget(f"signal:{vote}", "status") in ("completed", "failed"), f"{vote} to be final")


CONSENSUS = {"sources": [{"config_id": "test"}, {"config_id": "bot"},
                         {"config_id": "both", "consensus": {"parts": [{"source": "test"}, {"source": "bot"}], "window_s": 600, "route_parts": False}}]}

# name: (what happens, options of the paper broker, fields of the first account, parts of the configuration)
INCIDENTS = {
    "halted-account": (a_halted_account, {}, {}, {}),
    "partial-fills": (partial_fills, {"TRADECAST_PAPER_PARTIAL_PROBABILITY": "1"}, {"max_open_trades": 4}, {}),
    "requote-storm": (a_requote_storm, {"TRADECAST_PAPER_REQUOTE_PROBABILITY": "0.7"}, {}, {}),
    "rush-at-a-limit": (a_rush_at_a_limit, {"TRADECAST_PAPER_LATENCY_MAX": "5ms"}, {"max_open_trades": 3}, {}),
    "restart-in-the-middle": (a_restart_in_the_middle, {}, {"max_open_trades": 4}, {}),
    "order-in-doubt": (an_order_in_doubt, {"TRADECAST_EXECUTOR_ORDER_ANSWER_WITHIN": "500ms"}, {}, {}),
    "netting-account": (a_netting_account, {}, {"netting": True}, {}),
    "consensus": (a_consensus, {}, {"subscriptions": [{"source": "both", "multiplier": "1"}]}, CONSENSUS),
}


def record(name):
    incident, options, fields, parts = INCIDENTS[name]
    config = configuration(accounts=3, brokers=2, lot="multiplier") | parts
    config["accounts"][0].update(fields)
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
