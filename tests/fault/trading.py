"""trading - a plant on which everything is traded that can be (harness/trader.py), at two brokers of
which the second recognises less, and what is asked of it when it has come to rest.
"""
# SPDX-License-Identifier: MIT
import contextlib
import time

from tests.harness import ledgers, wire
from tests.harness.oracle import Verdict, lags
from tests.harness.trader import SPREAD, SYMBOLS, Trader, price
from tests.harness.wait import TooLate, until

# Which orders under a known id the second broker recognises; blind: none, and it cannot be asked.
CHECKS = ["none", "open_orders", "window", "session", "blind"]
MAX_AGE_S = 6  # what waits behind an order in doubt does not wait for ever
OPTIONS = {"TRADECAST_PAPER_SNAPSHOT": "200ms", "TRADECAST_EXECUTOR_SNAPSHOT_EVERY": "200ms",
           "TRADECAST_PAPER_PARTIAL_PROBABILITY": "0.25", "TRADECAST_PAPER_PARTIAL_GAP": "30ms",
           "TRADECAST_PAPER_LATENCY_MAX": "15ms", "TRADECAST_PAPER_REJECT_PROBABILITY": "0.02",
           "TRADECAST_PAPER_DUPLICATE_WINDOW": "5s", "TRADECAST_RECONCILER_EVIDENCE_WAIT": "10s"}
FAULTS = [("lost_reply", "0.02"), ("duplicate_report", "3"), ("late_fill", "300", "2"),
          ("refuse", "1")]
STEADY_S = 5       # differences that have not moved for so long will not go away
LOST_BEFORE_S = 4  # of a blow that takes Redis and the door: what was accepted since may be lost


def _account(name, broker):
    return {"account_id": name, "broker_id": broker, "balance": "100000000", "leverage": 500,
            "netting": name.startswith("net"), "max_signal_age_s": MAX_AGE_S,
            "subscriptions": [{"source": "test", "multiplier": "1"}]}


def configuration():
    symbols = [{"symbol": s, "lot_step": "0.01", "min_lot": "0.01"} for s in ("EURUSD", "GBPUSD")]
    accounts = {b: [f"hedge-{b}", f"net-{b}"] for b in "ab"}
    suffix = {"a": {}, "b": {"symbol_suffix": ".m"}}
    return {
        "brokers": [{"broker_id": b, "price_tolerance": "0.01", "longest_acceptance_ms": 500,
                     "symbols": symbols, **suffix[b]} for b in "ab"],
        "accounts": [_account(a, b) for b in "ab" for a in accounts[b]],
        "instances": [{"instance_id": f"gw-{b}", "broker_id": b, "accounts": accounts[b]}
                      for b in "ab"],
        "sources": [{"config_id": "test"}],
    }


def broker_options(check):
    """What the second gateway is told."""
    if check == "blind":
        return {"TRADECAST_PAPER_DUPLICATE_CHECK": "none", "TRADECAST_PAPER_CAN_QUERY": "false"}
    return {"TRADECAST_PAPER_DUPLICATE_CHECK": check}


def start_trader(plant, seed, check):
    until(lambda: all(_nets(plant, g) for g in plant.gateways), "gateways to know who nets")
    hurt(plant, check)
    return Trader(plant, "test", seed)


def _nets(plant, gateway):
    books = f"file:{plant.books(gateway)}?mode=ro"
    return any(a["netting"] for a in ledgers.rows(books, "SELECT netting FROM accounts"))


def hurt(plant, check):
    """The brokers misbehave; a restart forgets it. One that cannot be asked loses no reply."""
    for gateway in plant.gateways:
        for fault in FAULTS:
            if gateway == "gw-b" and check == "blind" and fault[0] == "lost_reply":
                continue
            with contextlib.suppress(TimeoutError):  # it may be dead, or busy
                wire.control(plant, gateway, "fault", *fault, within_s=1)


# --- at rest

def release_held(plant):
    """As the operator does who has looked at the broker's books: what is not there is let go."""
    known = ledgers.of_brokers(plant).states
    for trade in ledgers.records(plant.admin, "trade_state:"):
        held = trade["state"] == "unknown" and trade.get("held") in ("1", "true")
        if held and trade["trade_id"] not in known:
            plant.command("release", trade["trade_id"])


def rest(plant, supervise, lost, within_s, leave_out=frozenset()):
    """What still differs when nothing moves any more."""
    found, since, end = None, time.monotonic(), time.monotonic() + within_s
    while time.monotonic() < end:
        supervise()
        began = time.monotonic()
        release_held(plant)
        now = {k: lines for k, lines in ledgers.compare(plant, lost).items() if k not in leave_out}
        if not now and not lags(plant.admin):
            return {}
        if now != found:
            found, since = now, time.monotonic()
        if time.monotonic() - since > STEADY_S:
            return found
        time.sleep(max(0.2, time.monotonic() - began))
    return found


def be_flat(plant, number):
    """Everything is closed and cancelled, by a signal, at the prices from where the market began."""
    door = plant.door()
    for gateway in plant.gateways:  # one that was started again may have heard none
        for symbol, bid in SYMBOLS.items():
            assert wire.control(plant, gateway, "price", symbol, price(bid), price(bid + SPREAD)).ok
    try:
        def posted():
            status, answer, _ = door.alert({"signal_id": f"flat-{number}", "action": "flat"})
            return answer["signal_id"] if status == 200 else None
        signal = until(posted, "the door to be open", within_s=10)
        with contextlib.suppress(TooLate):
            plant.final(signal, within_s=10)
    finally:
        door.close()


def judge_trading(plant, trader, supervise, lost=frozenset(), recognised=True, within_s=40):
    """The record is what the brokers did: as it stands, and once everything has been closed.
    recognised: an alert without an id that is sent again is known for what it is."""
    v = Verdict()
    v.accepted = len(trader.accepted)
    for gateway in plant.gateways:
        wire.control(plant, gateway, "clear")
    trader.resume()
    for kind, lines in rest(plant, supervise, lost, within_s, {"outcomes"}).items():
        v.note(kind, lines)
    for number in range(3):  # a broker may refuse
        be_flat(plant, number)
    for kind, lines in rest(plant, supervise, lost, within_s).items():
        v.note(kind, [line for line in lines if line not in v.violations.get(kind, [])])
    brokers = ledgers.of_brokers(plant)
    v.orders, v.executions = len(brokers.states), len(brokers.executions)
    v.note("open after everything was closed", [" ".join(k) for k in brokers.lots])
    if recognised:
        v.note("one alert, two signals", [" ".join(sorted(ids)) for ids in trader.doubled()])
    known = ledgers.statuses(plant)
    v.note("lost", [s for s in trader.accepted if s not in lost and s not in known])
    return v
