"""What is on record of a signal from its first moment: how far it is, what came of it, and every refusal with its code,
wherever it happened; in Redis and in the archive, once."""
# SPDX-License-Identifier: MIT
import sqlite3
import time
from contextlib import closing
from urllib.request import urlopen

import pytest

from tests.harness.plant import Plant, configuration
from tests.harness.wait import until


def with_reasons():
    config = configuration(accounts=2, brokers=1, lot="multiplier")
    config["sources"] += [{"config_id": s} for s in ("nobody", "vote", "sized")]
    config["sources"] += [{"config_id": "both", "consensus": {"parts": [{"source": "vote"}, {"source": "nobody"}], "route_parts": False}}]
    config["accounts"][0]["subscriptions"] += [{"source": "sized", "sizing": "multiplier", "multiplier": "1"},
                                               {"source": "vote", "fixed_lot": "0.1"}]
    return config


@pytest.fixture(scope="module")
def plant():
    plant = Plant(config=with_reasons()).up()
    yield plant
    plant.down()


def post(plant, name, source="test", expected=200, **fields):
    door = plant.door(source)
    body = {"signal_id": name, "symbol": "EURUSD", "action": "buy", "lot_size": "0.1", "price": "1.1", **fields}
    status, answer, _ = door.alert({k: v for k, v in body.items() if v is not None})
    door.close()
    assert status == expected, answer
    return answer.get("signal_id", name)


def status_of(plant, signal_id):
    return plant.admin.hgetall(f"signal_execution_status:{signal_id}")


def ended(plant, signal_id, outcome):
    plant.final(signal_id)
    found = until(lambda: (s := status_of(plant, signal_id)).get("outcome") and s, "an outcome")
    assert found["outcome"] == outcome, found
    return found


def archived(plant, query, *values):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True)) as db:
        return db.execute(query, values).fetchall()


def failures(plant, signal_id, count):
    def look():
        """Also when there are none: once the archive has the end of it."""
        rows = archived(plant, "SELECT code, state, account_id FROM trade_failure_log WHERE signal_id = ?", signal_id)
        over = archived(plant, "SELECT 1 FROM signal_execution_status WHERE signal_id = ? AND outcome IS NOT NULL", signal_id)
        return (rows, over) if len(rows) >= count and (count or over) else None
    rows = until(look, f"{count} failures of {signal_id} in the archive")[0]
    assert len(rows) == count, rows
    return sorted(rows)


def test_a_signal_that_works_says_how_far_it_is(plant):
    signal_id = post(plant, "far-1", order_type="limit", price="1.0")
    found = until(lambda: (s := status_of(plant, signal_id)).get("trades") == "2" and s, "it to be routed")
    assert found["status"] == "processing" and found["fill_percentage"] == "0"
    assert plant.admin.ttl(f"signal_execution_status:{signal_id}") == -1
    row = until(lambda: archived(plant, "SELECT status, trades FROM signal_execution_status WHERE signal_id = ?", signal_id),
                "the archive to know it")
    assert row[0][0] == "processing"
    first = next(iter(plant.trades(signal_id).values()))
    until(lambda: plant.command("cancel", first["trade_id"])[0] == 0, "one to be cancelled")
    until(lambda: status_of(plant, signal_id).get("trades_final") == "1", "one of two to be final")
    assert status_of(plant, signal_id)["status"] == "processing"
    for trade in plant.trades(signal_id).values():
        plant.command("cancel", trade["trade_id"])
    found = ended(plant, signal_id, "failed")
    assert found["status"] == "failed" and "cancelled" in found["rejection_reason"]
    assert plant.admin.ttl(f"signal_execution_status:{signal_id}") > 0
    assert [r[:2] for r in failures(plant, signal_id, 2)] == [("cancelled", "cancelled")] * 2
    assert plant.admin.hget(f"signal_rejection:{signal_id}", "rejection_reason") == found["rejection_reason"]


def test_what_was_executed_says_how_much(plant):
    signal_id = post(plant, "done-1")
    found = ended(plant, signal_id, "executed")
    assert (found["executed_quantity"], found["requested_quantity"], found["trades_executed"]) == ("0.2", "0.2", "2")
    assert not plant.admin.exists(f"signal_rejection:{signal_id}")


def test_what_nobody_subscribes_is_skipped_and_no_failure(plant):
    before = metric(plant, 'tradecast_signals_total{state="failed"}')
    signal_id = post(plant, "none-1", source="nobody")
    # it votes: it is a part of a consensus that routes no parts
    found = ended(plant, signal_id, "skipped")
    assert found["status"] == "failed" and found["rejection_reason"].startswith("part_only")
    assert not plant.admin.exists(f"signal_rejection:{signal_id}") and failures(plant, signal_id, 0) == []
    consensus = post(plant, "none-2", source="vote")
    ended(plant, consensus, "skipped")
    until(lambda: metric(plant, 'tradecast_signals_total{state="skipped"}') >= 3, "skipped signals to be counted")
    assert metric(plant, 'tradecast_signals_total{state="failed"}') == before
    both = until(lambda: archived(plant, "SELECT signal_id FROM signals WHERE source = 'both'"), "the consensus to be archived")
    assert len(both) == 1 and "skipped" in plant.command("explain", signal_id)[1]
    ended(plant, both[0][0], "skipped")
    assert failures(plant, both[0][0], 1) == [("no_subscriber", "skipped", None)]
    assert plant.admin.hget(f"signal_rejection:{both[0][0]}", "rejection_reason").startswith("no_subscriber")


def metric(plant, name):
    with urlopen(plant.monitor_url + "/metrics", timeout=5) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return int(line.split()[-1])
    return 0


@pytest.mark.parametrize("fields, code, count", [
    ({"symbol": "USDJPY"}, "unknown_symbol", 2),
    ({"source": "sized", "lot_size": None}, "no_lot_size", 1),
])
def test_what_the_router_refuses_is_on_record_for_each_account(plant, fields, code, count):
    signal_id = post(plant, f"ref-{code}", **fields)
    assert ended(plant, signal_id, "failed")["status"] == "failed"
    assert {(c, s) for c, s, account in failures(plant, signal_id, count) if account} == {(code, "refused")}
    assert code in plant.admin.hget(f"signal_rejection:{signal_id}", "rejection_reason")


def test_what_the_door_refuses_has_its_code(plant):
    signal_id = f"bad-{time.time_ns()}"
    post(plant, signal_id, expected=422, lot_size="-1")
    assert failures(plant, signal_id, 1) == [("refused_at_door", "refused", None)]


def test_what_the_broker_rejects_has_its_code_and_its_result_has_metrics(plant):
    signal_id = post(plant, "rich-1", lot_size="900000")
    assert ended(plant, signal_id, "failed")
    assert {c for c, _, _ in failures(plant, signal_id, 2)} == {"broker_reject"}
    rows = until(lambda: archived(plant, """SELECT r.result_id, r.state, m.execution_latency_us, m.broker_latency_us FROM trade_result r
        JOIN trades t USING (trade_id) JOIN result_metrics m USING (result_id) WHERE t.signal_id = ?""", signal_id), "results with metrics")
    assert len(rows) == 2 and all(r[1] == "failed" and int(r[2]) > 0 and int(r[3]) > 0 for r in rows)
    assert plant.admin.hget(f"result_metrics:{rows[0][0]}", "execution_latency_us") == str(rows[0][2])


def test_what_the_broker_closes_at_a_stop_has_metrics_and_its_order(plant):
    """Every result has metrics, and the broker's own id of the order."""
    signal_id = post(plant, "stop-1", stop_loss="1.09", take_profit="1.2")
    ended(plant, signal_id, "executed")
    door = plant.door()
    door.price("EURUSD", "1.08", "1.0801")
    door.close()
    until(lambda: all(t["state"] == "closed" for t in plant.trades(signal_id).values()), "the stops to be reached")
    query = """SELECT r.result_id, r.broker_order_id, t.broker_order_id, m.result_id FROM trade_result r
        JOIN trades t USING (trade_id) LEFT JOIN result_metrics m USING (result_id) WHERE t.signal_id = ?"""
    rows = until(lambda: len(r := archived(plant, query, signal_id)) == 4 and r, "two fills and two closes")
    assert all(r[3] for r in rows), "a result without metrics"
    assert all(r[1] and r[1] == r[2] for r in rows)
    assert {plant.admin.hget(f"result:{r[0]}", "broker_order_id") for r in rows} == {r[1] for r in rows}
    assert f"the broker's order {rows[0][1]}" in plant.command("explain", signal_id)[1]
