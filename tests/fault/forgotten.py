"""forgotten - an alert without an id is executed, and everybody forgets it but its gateway; then it
comes again.
"""
# SPDX-License-Identifier: MIT
import json
import time

from tests.harness import ledgers, rollback, wire
from tests.harness.stage import EVERYTHING
from tests.harness.wait import until

WINDOW_S = 20  # in which equal content without an id is the same signal: the preset, aligned
ALERT = {"symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "0.5",
         "price": "1.1001"}


def told(s):
    """The door has heard, by way of the gateway's books, of a signal that it does not know."""
    def remembered():
        answer = wire.control(s.plant, "ingest", "signals")
        return answer.ok and json.loads(answer.json)["remembered"]
    until(remembered, "the door to have heard of it")


def restart_door(s):
    s.kill("ingest")
    s.start("ingest")


BEFORE_THE_END, NEXT = (WINDOW_S - 3, WINDOW_S - 2), (0, WINDOW_S / 2)
AT_THE_END = (WINDOW_S - 0.15, WINDOW_S - 0.05)
# Seconds of a window in which it comes first; in which it comes again; what happens in between.
AGAIN = {
    "in its window": ((5, 6), None, None),
    "in the next": (BEFORE_THE_END, NEXT, None),
    "in the next, and the door was killed once more": (BEFORE_THE_END, NEXT, restart_door),
    "in the next, first at the end, and its gateway has told": (AT_THE_END, None, told),
    "first at the beginning": ((0, 0.3), None, None),
}


def _into_window(begin_s, end_s):
    until(lambda: begin_s <= time.time() % WINDOW_S < end_s, f"second {begin_s} of a window",
          within_s=WINDOW_S + 5)


def alert(s):
    """Executed, and forgotten: nothing runs. The signal that it was."""
    mark = rollback.mark(s.plant)
    status, answer, _ = s.door.alert(ALERT)
    assert status == 200
    s.filled(answer["signal_id"])
    s.kill(*EVERYTHING)
    rollback.cut(s.plant, mark)
    return answer["signal_id"]


def _when_there(s, ask):
    """The answer of the door, once it takes things again."""
    door = s.plant.door(s.account)

    def answered():
        try:
            status, answer = ask(door)[:2]
        except OSError:
            door.close()
            return None
        return answer if status == 200 else None
    return until(answered, "the door to be there again")


def alert_again(s):
    return _when_there(s, lambda door: door.alert(ALERT))["signal_id"]


def bought(s):
    return ledgers.of_brokers(s.plant).lots.get(("hedge", "EURUSD", "buy"))


def twice(s, first, then, between):
    """It comes, is forgotten, and comes again. The two signals that it was."""
    _into_window(*first)
    signal = alert(s)
    if then:
        _into_window(*then)
    s.start(*EVERYTHING)
    if between:
        _when_there(s, lambda door: door.price("EURUSD", "1.1000", "1.1001"))
        between(s)
    again = alert_again(s)
    s.plant.final(again)
    return signal, again
