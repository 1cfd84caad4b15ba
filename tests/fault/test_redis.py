"""Redis away, read-only, full, hanging: the door says so, nothing is sent to a broker meanwhile, nothing acknowledged is lost."""
# SPDX-License-Identifier: MIT
import time
import urllib.error
import urllib.request

import pytest

from tests.harness.oracle import judge, ledger
from tests.harness.plant import MARKET
from tests.harness.wait import until

PLANT = {"mode": "chaos"}


def signal_body(signal_id):
    return MARKET.replace("{id}", signal_id)


def alert(plant, name):
    """One alert with an id of its own; its status. 503 comes within the 3 s that TradingView waits, and says why."""
    signal_id = f"{name}-{time.monotonic_ns()}"
    plant.sent[signal_id] = 0  # 503 may mean accepted
    door = plant.door()
    began = time.monotonic()
    try:
        status, answer, _ = door.alert(signal_body(signal_id))
    finally:
        door.close()
    assert time.monotonic() - began < 3
    assert status in (200, 503), answer
    if status == 200:
        plant.accepted[signal_id] = 0
    else:
        assert answer["error"]["code"]
    return status


def goes_on(plant):
    """A new alert is taken and everything is done."""
    until(lambda: alert(plant, "after") == 200, "the door to take alerts again", within_s=15, pause_s=0.1)
    plant.final(list(plant.accepted)[-1], within_s=60)


def through_trouble(plant, name, begin, end, seconds):
    """Load before, during and after the trouble; while it lasts the door refuses and no order goes out."""
    load = plant.load(name, 100_000, rate=100)
    until(lambda: plant.admin.exists(f"signal:{name}-30"), "the load to run")
    begin()
    until(lambda: alert(plant, f"{name}-probe") == 503, "the door to refuse", within_s=5)
    time.sleep(0.5)  # what was sent before the trouble is at the broker by now
    before = ledger(plant)
    time.sleep(seconds)  # the trouble itself, not a wait for something
    assert alert(plant, f"{name}-probe") == 503
    assert ledger(plant) == before, "an order went out while nothing could be recorded"
    end()
    goes_on(plant)
    load.stop()
    plant.remember(load)
    verdict = judge(plant, plant.accepted, plant.sent)
    assert verdict.good, verdict


def test_redis_away_for_ten_seconds(plant):
    through_trouble(plant, "away", plant.processes["redis"].kill, lambda: plant.restart("redis"), 10)


def test_a_door_that_starts_without_redis_is_there_says_503_and_loses_nobody_when_redis_comes(plant):
    for name in ("ingest", "monitor"):
        plant.processes[name].stop()
    plant.processes["redis"].stop()
    plant.restart("ingest")
    plant.restart("monitor")
    assert until(lambda: at_door(plant), "the door to be there") == 503
    health = until(lambda: asked(plant.monitor_url + "/healthz"), "the monitor to answer")
    assert health[0] == 503 and "Redis" in health[1]
    plant.restart("redis")
    # From now on somebody always answers: the listening socket is handed over, not opened anew.
    until(lambda: alert(plant, "starts") == 200, "the door to take alerts", pause_s=0)
    until(lambda: asked(plant.monitor_url + "/healthz")[0] == 200, "the monitor to be at work", pause_s=0)
    goes_on(plant)


def at_door(plant):
    try:
        return alert(plant, "starting")
    except ConnectionRefusedError:
        return None


def asked(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except urllib.error.URLError as e:
        assert isinstance(e.reason, ConnectionRefusedError), e
        return None


def test_redis_hanging(plant):
    through_trouble(plant, "hanging", lambda: plant.freeze("redis"), lambda: plant.thaw("redis"), 4)


def test_redis_read_only(plant):
    through_trouble(plant, "read-only", lambda: plant.admin.execute_command("REPLICAOF", "127.0.0.1", "1"),
                    lambda: plant.admin.execute_command("REPLICAOF", "NO", "ONE"), 3)


def test_redis_out_of_memory(plant):
    def fill():
        # What is finished would be evicted first and make room: without eviction it is full at once, and the oracle can see all.
        plant.admin.config_set("maxmemory-policy", "noeviction")
        plant.admin.config_set("maxmemory", "1mb")

    def empty():
        plant.admin.config_set("maxmemory", "2gb")
        plant.admin.config_set("maxmemory-policy", "volatile-lru")
    through_trouble(plant, "full", fill, empty, 3)


def test_input_is_held_back_before_redis_is_full(plant):
    used = int(plant.admin.info("memory")["used_memory"])
    plant.admin.config_set("maxmemory", str(int(used * 1.1)))
    until(lambda: alert(plant, "nearly-full") == 503, "the door to refuse at 80 %", within_s=5)
    plant.admin.config_set("maxmemory", "2gb")
    goes_on(plant)


@pytest.mark.parametrize("name", ["ingest", "router", "executor.0", "reconciler", "archiver", "monitor"])
def test_a_strict_service_refuses_a_redis_that_syncs_every_second(plant, name):
    p = plant.process(name, {"TRADECAST_PROFILE": "strict", "TRADECAST_LOCK_DIR": str(plant.layout.top / "strict")})
    p.log = plant.layout.log / f"strict-{name}.log"
    p.start()
    assert p.wait(10) == 1
    assert "TRADECAST_PROFILE is strict and Redis has appendfsync everysec" in p.last_words()
    assert plant.processes[name].alive()


@pytest.mark.parametrize("setting, value, word", [("maxmemory-policy", "allkeys-lru", "maxmemory-policy"), ("appendonly", "no", "appendonly")])
def test_a_service_refuses_to_start_with_a_redis_that_may_forget(plant, setting, value, word):
    was = plant.admin.config_get(setting)[setting]
    plant.processes["router"].stop()
    plant.admin.config_set(setting, value)
    try:
        p = plant.process("router")
        p.log = plant.layout.log / "refusal.log"
        p.start()
        assert p.wait(10) not in (None, 0)
        assert word in p.last_words()
    finally:
        plant.admin.config_set(setting, was)
        until(lambda: not plant.admin.info("persistence")["aof_rewrite_in_progress"], "Redis to write its file anew")
        plant.restart("router")
    goes_on(plant)
