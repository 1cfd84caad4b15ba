"""replaying - recording, reading, and doing again: how fast, and in how much memory."""
# SPDX-License-Identifier: MIT
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from tests.harness.wait import until


def peak_mib(pid):
    """The most that it ever had (VmHWM); 0: it has ended."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


def measured(plant, *words):
    """A command's seconds, its largest memory in MiB, and what it printed."""
    env = {**os.environ, **plant.environment("tradecast")}
    peak = 0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.monotonic()
        child = subprocess.Popen([plant.bin / "tradecast", *words], env=env, stdout=out, stderr=err)
        while child.poll() is None:
            peak = max(peak, peak_mib(child.pid))
            time.sleep(0.02)
        took = time.monotonic() - began
        out.seek(0), err.seek(0)
        said = out.read() if "--json" in words else ""
        assert child.returncode == 0, said[-2000:] + err.read()[-2000:]
    return took, peak, said


def recorded(table, run, file, signals):
    """A load while it is recorded: signals a second. Little is open when it begins, for that is in the recording."""
    env = {**os.environ, **run.plant.environment("tradecast")}
    child = subprocess.Popen([run.plant.bin / "tradecast", "record", str(file), "--json"], env=env, stdout=subprocess.PIPE, text=True)
    until(lambda: file.exists() and file.stat().st_size > 500, "the recording to begin")
    _, _, heard = run.load("heard", signals)
    until(lambda: not run.plant.admin.hlen("reconciliation:open"), "all to be on its way", within_s=120)
    peak = peak_mib(child.pid)
    child.send_signal(signal.SIGINT)
    said = json.loads(child.communicate(timeout=120)[0])
    assert child.returncode == 0 and not said["holes"], said
    table.add("door to final, 1 account, recorded", heard, "signals/s")
    table.add("messages recorded", said["messages"], "messages")
    table.add("memory of the recorder, at most", peak, "MiB")
    table.add("bytes a message", file.stat().st_size / said["messages"], "bytes")
    return said["messages"]


def again(table, run, file, messages):
    plant = run.plant
    took, peak, _ = measured(plant, "recording", "cat", str(file))
    table.add("recording cat", messages / took, "messages/s")
    table.add("… its memory, at most", peak, "MiB")
    took, peak, said = measured(plant, "replay", str(file), "--offline", "--json")
    done = json.loads(said)
    compared = sum(s["as_recorded"] for s in done["services"])
    assert not done["different"] and not sum(s["not_recorded"] for s in done["services"]), done["services"]
    table.add("replay --offline, all services, as recorded to the byte", compared, "messages")
    table.add("… of the recording", messages / took, "messages/s")
    table.add("… its memory, at most", peak, "MiB")


def into_a_running_system(table, run, file):
    took, peak, said = measured(run.plant, "replay", str(file), "--json")
    table.add("replay into a running system, as fast as it goes", json.loads(said)["signals"] / took, "signals/s")
    table.add("… its memory, at most", peak, "MiB")


def bench(table, Run, count):
    signals = count(125000)  # about a million messages
    with Run(1) as run:
        run.load("warm", count(2000))
        _, _, alone = run.load("alone", signals)
        table.add("door to final, 1 account, nobody records", alone, "signals/s")
    with Run(1) as run:
        file = pathlib.Path(run.plant.temporary) / "bench.rec"
        run.load("warm", count(2000))
        messages = recorded(table, run, file, signals)
        again(table, run, file, messages)
        into_a_running_system(table, run, file)
