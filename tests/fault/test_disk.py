"""The disk full under SQLite and under Redis: said, input stopped, gone on when there is room; nothing acknowledged is lost."""
# SPDX-License-Identifier: MIT
import contextlib
import os
import pathlib
import shlex

from tests.harness.oracle import judge
from tests.harness.plant import MARKET
from tests.harness.wait import until


class SmallDisk:
    """A directory of one process of the plant is a tmpfs in a namespace of its own; a ballast file fills it up."""

    def __init__(self, plant, name, directory, size_mib):
        self._plant, self._name, self._directory = plant, name, pathlib.Path(directory)
        plant.layout.make()
        self._directory.mkdir()
        mount = f"mount -t tmpfs -o size={size_mib}m,mode=700 tmpfs {shlex.quote(str(directory))} && exec \"$@\""
        plant.prefix[name] = ["unshare", "-Urm", "sh", "-c", mount, "sh"]

    @property
    def inside(self):
        """The directory as the process sees it."""
        return pathlib.Path(f"/proc/{self._plant.processes[self._name].pid}/root") / self._directory.relative_to("/")

    def fill(self):
        with contextlib.suppress(OSError), open(self.inside / "ballast", "wb", buffering=0) as f:
            while True:
                f.write(b"x" * 65536)
        with contextlib.suppress(OSError), open(self.inside / "ballast2", "wb", buffering=0) as f:
            while True:
                f.write(b"x")

    def copy_of(self, name):
        """A URI of an SQLite file in there, copied while its process stands still. (SQLite itself cannot open a path through /proc.)"""
        out = self._directory / name
        self._plant.freeze(self._name)
        for suffix in ("", "-wal"):
            if (self.inside / (name + suffix)).exists():
                pathlib.Path(str(out) + suffix).write_bytes((self.inside / (name + suffix)).read_bytes())
        self._plant.thaw(self._name)
        return f"file:{out}"

    def free(self):
        for name in ("ballast", "ballast2"):
            os.unlink(self.inside / name)


def said(plant, name, word):
    return word in (plant.layout.log / f"{name}.log").read_text(errors="replace")


def test_sqlite_on_a_full_disk_loses_nothing_and_trading_goes_on(plant_of):
    disks = []

    def prepare(plant):
        plant.archive = plant.layout.data / "sqlite/archive.db"
        disks.append(SmallDisk(plant, "archiver", plant.archive.parent, 16))

    with plant_of(mode="chaos", prepare=prepare) as plant:
        plant.archive_uri = lambda: disks[0].copy_of("archive.db")
        load = plant.load("disk", 100_000, rate=200)
        until(lambda: plant.signal("disk-100"), "the load to run")
        disks[0].fill()
        until(lambda: said(plant, "archiver", "event=stalled"), "the archiver to say that its disk is full")
        written = plant.admin.xinfo_stream("journal:outcomes")["entries-added"]
        until(lambda: plant.admin.xinfo_stream("journal:outcomes")["entries-added"] > written + 200, "trading to go on")
        disks[0].free()
        load.stop()
        plant.remember(load)
        verdict = judge(plant, plant.accepted, plant.sent)
        assert verdict.good, verdict


def test_redis_on_a_full_disk_takes_nothing_and_goes_on_when_there_is_room(plant_of):
    disks = []

    def prepare(plant):
        disks.append(SmallDisk(plant, "redis", plant.layout.redis / "small", 24))
        plant.redis_more = ["--dir", str(plant.layout.redis / "small")]

    with plant_of(mode="chaos", prepare=prepare) as plant:
        load = plant.load("aof", 100_000, rate=200)
        until(lambda: plant.signal("aof-100"), "the load to run")
        disks[0].fill()
        until(lambda: _refused(plant), "the door to refuse")
        disks[0].free()
        until(lambda: not _refused(plant), "the door to take alerts again", within_s=30)
        load.stop()
        plant.sent["aof-probe"] = 0
        plant.remember(load)
        verdict = judge(plant, plant.accepted, plant.sent)
        assert verdict.good, verdict


def _refused(plant):
    door = plant.door()
    try:
        return door.alert(MARKET.replace("{id}", "aof-probe"))[0] == 503
    finally:
        door.close()
