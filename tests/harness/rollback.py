"""rollback - what Redis may forget of what it has answered: its append-only file is cut back to an
earlier moment while it is down.

With appendfsync everysec Redis postpones a write for up to 2 s while a background fsync runs, and
answers all the same: a kill then loses a suffix of the file. Redis 7 keeps a base and increments,
named by a manifest; only the last increment grows, and only that one is cut.
"""
# SPDX-License-Identifier: MIT
import dataclasses
import os
import pathlib
import threading
import time
from collections import deque

EXEC = b"\r\n$4\r\nEXEC\r\n"  # as the last command of a transaction stands in the file
TAIL_MOST = 64 * 1024 * 1024  # of the file, looked through for the end of a transaction


@dataclasses.dataclass(frozen=True)
class Mark:
    """So much of the file stood at this moment."""
    file: str
    size: int
    at: float


def log_file(plant):
    """The increment that Redis appends to, by its manifest."""
    directory = pathlib.Path(plant.layout.redis) / "appendonlydir"
    lines = next(directory.glob("*.manifest")).read_text().split("\n")
    increments = [line.split()[1] for line in lines if line.split()[4:] == ["type", "i"]]
    return directory / increments[-1]


def mark(plant):
    """Everything that Redis has answered so far is in the file, as long as the kernel lives."""
    file = log_file(plant)
    return Mark(file.name, file.stat().st_size, time.monotonic())


def transaction_end(data, most):
    """Where the last transaction that is whole in the first `most` bytes ends; 0: there is none."""
    at = data.rfind(EXEC, 0, most)
    return at + len(EXEC) if at >= 0 else 0


def cut(plant, to, anywhere=False):
    """Redis is down. Cuts its file back to a mark: to the end of a transaction, or to just that
    byte. Returns how many bytes it forgets."""
    file = log_file(plant)
    size = file.stat().st_size
    keep = to.size if file.name == to.file else 0  # an increment begun since: all of it
    keep = min(keep, size)
    if not anywhere:
        with open(file, "rb") as f:
            begin = max(0, keep - TAIL_MOST)
            f.seek(begin)
            end = transaction_end(f.read(keep - begin), keep - begin)
        keep = begin + end if end or not begin else keep
    os.truncate(file, keep)
    return size - keep


class Marks:
    """Marks of the last seconds, taken all the while: afterwards one can go back by any time."""

    EVERY_S, KEPT_S = 0.02, 4.0
    GIVEN_BACK_S = 1.2  # after a start of Redis: every service has looked by then

    def __init__(self, plant):
        self._plant, self._marks = plant, deque(maxlen=int(self.KEPT_S / self.EVERY_S))
        self._from = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(self.EVERY_S):
            try:
                if time.monotonic() >= self._from:
                    self._marks.append(mark(self._plant))
            except (OSError, StopIteration, IndexError):
                continue  # being rewritten, or not there yet

    def stop(self):
        self._stop.set()
        self._thread.join()

    def before(self, moment):
        """The last mark from before a moment of time.monotonic(); None: none is so old."""
        older = [m for m in list(self._marks) if m.at <= moment]
        return older[-1] if older else None

    def pause(self):
        """Redis is down: what was cut off is no place to go back to."""
        self._from = float("inf")
        self._marks.clear()

    def resume(self):
        """Redis is up. Marks are taken again once it has been given back what it lost: nothing is
        promised of a Redis that dies before that, together with whoever was giving back."""
        self._from = time.monotonic() + self.GIVEN_BACK_S
