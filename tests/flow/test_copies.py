"""A whole system with its copies: what is archived arrives at the backend and in ClickHouse, the monitor shows it, and neither holds anything up."""
# SPDX-License-Identifier: MIT
import json
import sqlite3
import urllib.request
from contextlib import closing
from decimal import Decimal

import pytest

from tests.harness import engines
from tests.harness.backend import Backend
from tests.harness.wait import until


@pytest.fixture(scope="module")
def there(tmp_path_factory, plant_of):
    backend = Backend(tmp_path_factory.mktemp("backend")).up()
    server = engines.old(tmp_path_factory.mktemp("ch")).start().up()
    secret = server.top / "password"
    secret.write_text(server.password)
    secret.chmod(0o600)
    options = {"TRADECAST_BACKEND_URL": backend.url, "TRADECAST_CLICKHOUSE_URL": server.url, "TRADECAST_CLICKHOUSE_PASSWORD_FILE": str(secret),
               "TRADECAST_LOOK": "50ms", "TRADECAST_BACKEND_AWAY_MOST": "200ms"}

    def prepare(plant):
        assert plant.command("clickhouse", "init")[0] == 0

    with plant_of(prepare=prepare, options=options) as plant:
        yield plant, backend, server
    server.end()
    backend.kill()


def metrics(plant):
    with urllib.request.urlopen(plant.monitor_url + "/metrics", timeout=5) as answer:
        return dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#"))


def archived(plant, query):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True, timeout=10)) as db:
        return db.execute(query).fetchall()


def send(plant, prefix, count):
    load = plant.load(prefix, count)
    plant.remember(load)
    for signal_id in load.accepted:
        plant.final(signal_id)
    return set(load.accepted)


def told(backend):
    return {t["body"]["signal_id"] for t in backend.taken()}


def test_what_comes_in_at_the_door_is_told_to_the_backend_and_stands_in_clickhouse_to_the_last_digit(there):
    plant, backend, server = there
    ids = send(plant, "copy", 30)
    until(lambda: ids <= told(backend), "the backend to have the signals")

    def sums(rows):
        def number(text):
            return Decimal(0 if text in (None, "", "\\N") else text)  # the sum of no rows

        return [tuple(map(number, row)) for row in rows]

    def here():
        rows = archived(plant, "SELECT filled_lots, average_price FROM trades")
        total = [sum((Decimal(r[i] or 0) for r in rows), Decimal(0)) for i in (0, 1)]
        return [(Decimal(len(rows)), *total)]

    def in_clickhouse():
        line = server.ask("SELECT count(), sum(filled_lots), sum(average_price) FROM tradecast.trades")
        return sums([line.strip().split("\t")])

    until(lambda: here() == in_clickhouse() and here()[0][0] == 90, "counts and sums to agree")
    states = dict(line.split("\t") for line in server.ask("SELECT state, toString(count()) FROM tradecast.trades GROUP BY state").splitlines())
    assert {s: int(n) for s, n in states.items()} == dict(archived(plant, "SELECT state, count(*) FROM trades GROUP BY state"))


def test_the_monitor_shows_how_the_copies_are(there):
    plant, _, _ = there
    for name in ("sync-backend", "sync-clickhouse"):
        key = f'{{copy="{name}"}}'
        until(lambda: metrics(plant).get(f"tradecast_sync_up{key}") == "1", f"{name} to be heard")
        until(lambda: float(metrics(plant)[f"tradecast_sync_delivered_total{key}"]) > 0, f"{name} to deliver")
        until(lambda: metrics(plant)[f"tradecast_sync_lag_seconds{key}"] == "0.000", f"{name} to be even")
    with urllib.request.urlopen(plant.monitor_url + "/api/v1/status", timeout=5) as answer:
        assert {c["state"]["name"] for c in json.load(answer)["copies"]} == {"sync-backend", "sync-clickhouse"}


def test_a_dead_backend_and_a_dead_server_hold_nothing_up_and_are_caught_up(there):
    plant, backend, server = there
    backend.kill()
    server.kill()
    ids = send(plant, "away", 30)
    until(lambda: {r[0] for r in archived(plant, "SELECT signal_id FROM signals")} >= ids, "the archive to have all")
    until(lambda: float(metrics(plant)['tradecast_sync_lag_seconds{copy="sync-backend"}']) > 0, "the lag to show")
    until(lambda: float(metrics(plant)['tradecast_sync_lag_seconds{copy="sync-clickhouse"}']) > 0, "its lag, too")
    until(lambda: float(metrics(plant)['tradecast_sync_failed_total{copy="sync-clickhouse"}']) > 0, "failed tries to show")
    backend.up()
    server.start().up()
    until(lambda: ids <= told(backend), "the backend to be caught up")
    until(lambda: int(server.ask("SELECT count() FROM tradecast.signals")) == len(archived(plant, "SELECT 1 FROM signals")), "the server to be caught up", 40)
