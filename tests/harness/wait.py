"""wait - waiting for an event, always with a bound."""
# SPDX-License-Identifier: MIT
import time


class TooLate(AssertionError):
    pass


def until(true, what, within_s=20, pause_s=0.02):
    """Asks `true` until it says so; returns what it said. Fails with what was waited for and the last answer."""
    end = time.monotonic() + within_s
    while True:
        said = true()
        if said:
            return said
        if time.monotonic() > end:
            raise TooLate(f"waited {within_s} s in vain for {what}; last: {said!r}")
        time.sleep(pause_s)
