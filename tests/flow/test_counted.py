"""What the archive counts up while it works, on a live system: prices move, orders are filled in pieces, refused, closed, and the archiver is
killed at its work. At the end everything is counted again from its rows."""
# SPDX-License-Identifier: MIT
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

from tests.harness import recount
from tests.harness.plant import configuration
from tests.harness.wait import until

CONFIG = configuration(accounts=3)
CONFIG["accounts"][0]["currency"] = "EUR"
PLANT = {"config": CONFIG, "options": {"TRADECAST_PAPER_SLIPPAGE": "0.0004", "TRADECAST_PAPER_COMMISSION": "3.5",
                                       "TRADECAST_PAPER_PARTIAL_PROBABILITY": "0.3", "TRADECAST_PAPER_REJECT_PROBABILITY": "0.1",
                                       "TRADECAST_PAPER_SEED": "11"}}
SELL = '{"signal_id":"{id}","symbol":"GBPUSD","order_type":"market","direction":"sell","lot_size":"0.1","price":"1.26"}'
CLOSE = '{"signal_id":"{id}","symbol":"%s","order_type":"market","direction":"close","price":"%s"}'


def look(plant, query, *values):
    with closing(sqlite3.connect(plant.archive_uri(), uri=True, timeout=10)) as db:
        return db.execute(query, values).fetchall()


UNDONE = """SELECT count(*) FROM signals s WHERE signal_id LIKE ? AND (status NOT IN ('completed', 'failed')
            OR NOT EXISTS (SELECT 1 FROM routings r WHERE r.signal_id = s.signal_id)
            OR EXISTS (SELECT 1 FROM orders o LEFT JOIN trades t USING (trade_id) LEFT JOIN trade_reconciliation_log l USING (trade_id)
                       WHERE o.signal_id = s.signal_id
                         AND (l.trade_id IS NULL OR t.state IS NULL OR t.state NOT IN ('filled', 'closed', 'rejected'))))"""


def over(plant, prefix, count):
    """Until the signals of a load, and everything about their trades, are in the archive: topics have no order between them."""
    until(lambda: look(plant, "SELECT count(*) FROM signals WHERE signal_id LIKE ?", prefix + "-%") == [(count,)]
          and look(plant, UNDONE, prefix + "-%") == [(0,)], f"{count} signals {prefix} to be archived", within_s=60)


def run(plant, prefix, count, body=None, kills=0):
    load = plant.load(prefix, count, body=body, rate=60 if kills else 0)
    for n in range(kills):
        before = look(plant, "SELECT coalesce(max(batch), 0) FROM chain")
        until(lambda: look(plant, "SELECT max(batch) FROM chain") > before, "the archiver to be at work")
        plant.processes["archiver"].kill()
        plant.restart("archiver")
    plant.remember(load)
    over(plant, prefix, count)


def still_open(plant, symbol):
    return look(plant, "SELECT count(*) FROM trades WHERE symbol = ? AND direction <> 'close' AND filled_lots IS NOT NULL AND state <> 'closed'",
                symbol) != [(0,)]


@pytest.fixture(scope="module")
def traded(plant):
    run(plant, "long", 60, kills=2)
    door = plant.door()  # what converts for the account that counts in euros
    assert door.price("EURUSD", "1.0851", "1.0851")[0] == 200
    assert door.price("GBPUSD", "1.2600", "1.2600")[0] == 200
    run(plant, "short", 30, body=SELL)
    assert door.price("GBPUSD", "1.2655", "1.2655")[0] == 200
    door.close()
    for n in range(20):  # a close may be refused as well
        for symbol, price in (("EURUSD", "1.0851"), ("GBPUSD", "1.2655")):
            if still_open(plant, symbol):
                run(plant, f"close{n}-{symbol}", 1, body=CLOSE % (symbol, price), kills=n == 0)
    assert not still_open(plant, "EURUSD") and not still_open(plant, "GBPUSD")
    return plant


def test_everything_counted_up_is_what_is_counted_again(traded):
    archive = recount.Archive(traded.archive)
    assert archive.judge()[:10] == []
    total = {r["account_id"]: r for r in archive.tables["account_performance"] if r["day"] == "total"}
    assert set(total) == {"acc000", "acc001", "acc002"}
    assert {(r["broker_id"], r["currency"]) for r in archive.tables["broker_performance"]} == {("a", "EUR"), ("a", "USD"), ("b", "USD")}
    for row in total.values():
        assert row["closed"] > 10 and row["wins"] > 0 and row["losses"] > 0 and row["rejected"] > 0 and Decimal(row["commission"]) > 0
        assert Decimal(row["max_drawdown"]) > 0 and Decimal(row["slippage_worst"]) > 0 and row["execution_latency_us_p50"] > 0


def test_what_an_account_won_and_paid_is_what_its_broker_booked(traded):
    for instance in traded.gateways:
        with closing(sqlite3.connect(f"file:{traded.books(instance)}?mode=ro", uri=True)) as books:
            booked = {a: (Decimal(pnl), Decimal(paid)) for a, pnl, paid in books.execute("SELECT account_id, realised, commission FROM accounts")}
        for account, wanted in booked.items():
            pnl, paid = look(traded, "SELECT pnl, commission FROM account_performance WHERE account_id = ? AND day = 'total'", account)[0]
            assert (Decimal(pnl), Decimal(paid)) == wanted


def test_a_signal_has_its_outcome_at_the_prices_of_its_trades(traded):
    outcomes = {o for (o,) in look(traded, "SELECT outcome FROM signals WHERE signal_id LIKE 'long-%' OR signal_id LIKE 'short-%'")}
    assert {"win", "loss"} <= outcomes
    for outcome, gained, exit_price, symbol in look(traded, "SELECT outcome, profit_loss_pct, exit_price, symbol FROM signals WHERE outcome IS NOT NULL"):
        assert (Decimal(gained) > 0) == (outcome == "win")
        assert abs(Decimal(exit_price) - Decimal("1.0851" if symbol == "EURUSD" else "1.2655")) <= Decimal("0.0004")
