"""What Redis shows of the system says what is: counts, times, money, health, spreads."""
# SPDX-License-Identifier: MIT
import datetime
import itertools
import json

from tests.harness.wait import until

opened = set()  # trades
SYMBOLS = [{"symbol": "EURUSD", "lot_step": "0.01", "min_lot": "0.01", "typical_spread": "0.0002",
            "max_spread": "0.0005"},
           {"symbol": "GBPUSD", "lot_step": "0.01", "min_lot": "0.01"}]
ACCOUNTS = {"anna": "USD", "ben": "USD", "carl": "EUR"}
PLANT = {
    "options": {"TRADECAST_PAPER_COMMISSION": "5", "TRADECAST_PAPER_FEE": "0.5",
                "TRADECAST_PAPER_SNAPSHOT": "200ms", "TRADECAST_LOOK_FOR": "3s",
                "TRADECAST_EXECUTOR_GATEWAY_STRAINED": "500ms",
                "TRADECAST_EXECUTOR_GATEWAY_LOST": "60s"},
    "config": {
        "brokers": [{"broker_id": "a", "price_tolerance": "0.01", "symbols": SYMBOLS}],
        "accounts": [{"account_id": a, "broker_id": "a", "balance": "10000", "leverage": 500,
                      "currency": c, "max_signal_age_s": 3600,
                      "subscriptions": [{"source": "test", "fixed_lot": "0.1"}]}
                     for a, c in ACCOUNTS.items()],
        "instances": [{"instance_id": "gw-a", "broker_id": "a", "accounts": list(ACCOUNTS)}],
        "sources": [{"config_id": "test"}]},
}


def view(plant, key):
    return json.loads(plant.admin.get(key) or "{}")


def age_s(text):
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()


def trade(plant, signal_id, symbol="EURUSD", direction="buy"):
    door = plant.door()
    body = {"signal_id": signal_id, "symbol": symbol, "order_type": "market",
            "direction": direction, "price": "1.1"}
    assert door.alert(body)[0] == 200
    door.close()
    return plant.final(signal_id)


def prices(plant, bid, ask):
    door = plant.door()
    for symbol in ("EURUSD", "GBPUSD"):
        assert door.price(symbol, bid, ask)[0] == 200
    door.close()


def test_performance_has_every_field_before_the_first_trade(plant):
    def told():
        return view(plant, "metrics:performance")
    until(told, "metrics:performance")
    money = {"daily_pnl", "daily_pnl_pct", "win_count", "loss_count", "win_rate", "avg_win",
             "avg_loss", "largest_win", "largest_loss"}
    assert {k: told().get(k) for k in money} == dict.fromkeys(money, 0)


def test_a_position_is_counted_once_however_many_trades_made_it(plant):
    prices(plant, "1.1000", "1.1000")
    for n in range(3):
        trade(plant, f"count-{n}")
    opened.update(t["trade_id"] for t in plant.trades("count-2").values())
    trade(plant, "count-other", symbol="GBPUSD")
    until(lambda: view(plant, "system:state")["active_positions_count"] == 6,
          "three accounts to have two positions each")


def test_an_execution_is_looked_at_as_long_as_its_position_is_open(plant):
    until(lambda: not plant.admin.keys("result:*"), "what is only for looking to expire", 10)
    assert [plant.admin.ttl(f"execution_state:{t}") for t in opened] == [-1, -1, -1]


def test_performance_is_net_and_of_each_currency_apart(plant):
    prices(plant, "1.1010", "1.1010")
    trade(plant, "close-all", direction="close")
    trade(plant, "close-other", symbol="GBPUSD", direction="close")

    def told():
        whole = view(plant, "metrics:performance")
        others = {o["currency"]: o for o in whole.get("others", [])}
        return (whole["win_count"], others.get("EUR", {}).get("win_count", 0)) == (4, 2) and whole
    whole = until(told, "all closes to be counted")
    # Two accounts: 4 lots of 0.1 each, 10 of profit a lot of 0.1; 0.5 + 0.5 a fill in and out, where
    # EURUSD is closed by one order: 0.3 lots, 1.5 + 0.5.
    assert whole["currency"] == "USD"
    assert float(whole["daily_pnl"]) == 2 * (4 * 10 - 4 * 1 - 2 - 1)
    assert float(whole["largest_win"]) == 30 - 2
    assert float(whole["daily_pnl_pct"]) == round(66 / 20000 * 100, 2)
    euro = whole["others"][0]
    assert euro["currency"] == "EUR" and 0 < float(euro["daily_pnl"]) < 33


def test_an_entry_is_refused_while_the_spread_is_wider_than_the_symbol_may_have(plant):
    numbers = itertools.count()

    def decided(bid, ask, reason):
        """Prices reach the router on a way of their own: asked until the last one counts."""
        signal_id = f"spread-{next(numbers)}"
        prices(plant, bid, ask)
        trade(plant, signal_id)
        told = plant.decisions(signal_id)
        return {d["reason"] for d in told.values()} == {reason} and told
    wide = until(lambda: decided("1.1000", "1.1006", "wide_spread"), "the spread to be too wide")
    told = {n["name"]: n["value"] for n in wide["anna"]["numbers"]}
    assert (told["spread"], told["max_spread"]) == (0.0006, 0.0005)
    until(lambda: decided("1.1000", "1.1005", "ordered"), "the spread to be what it may be")
    prices(plant, "1.1000", "1.1009")
    assert trade(plant, "way-out", direction="close")["status"] == "completed"


def test_the_spreads_seen_are_the_broker_s(plant):
    def told():
        state = plant.admin.hgetall("broker_state:a")
        return {s["symbol"]: s for s in json.loads(state.get("spreads", "[]"))}
    until(lambda: told().get("EURUSD", {}).get("spread") == 0.0009, "the spread to be seen")
    euro = told()["EURUSD"]
    assert (euro["widest"], euro["typical"], euro["max"]) == (0.0009, 0.0002, 0.0005)
    assert "max" not in told()["GBPUSD"]
    assert plant.admin.hget("broker_state:a", "spread") == "0.0009"


def test_the_state_is_of_now_and_counts_the_watchlist(plant):
    was = view(plant, "system:state")
    until(lambda: view(plant, "system:state")["timestamp"] > was["timestamp"],
          "the state to be written though nothing happened")
    assert age_s(view(plant, "system:state")["timestamp"]) < 5
    assert view(plant, "system:state")["active_positions_count"] == 0
    plant.admin.set("watchlist:current", '["AAPL","MSFT","GOOGL"]')
    plant.admin.set("candidates:ranked", json.dumps([
        {"symbol": "AAPL", "timestamp": "2035-05-09T08:15:30.123Z"},
        {"symbol": "MSFT", "timestamp": "2035-05-09T08:15:29Z"}]))
    until(lambda: view(plant, "system:state")["watchlist_count"] == 3, "the watchlist to count")
    assert view(plant, "system:state")["last_scan_time"] == "2035-05-09T08:15:30.123Z"
    plant.admin.delete("watchlist:current", "candidates:ranked")


def test_a_market_whose_hours_are_over_is_closed_whatever_prices_come(plant):
    prices(plant, "1.1010", "1.1010")
    until(lambda: view(plant, "system:state")["market_status"] == "open", "an open market")
    day = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)).weekday()
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    hours = [{"days": [days[day]], "from": "10:00", "to": "11:00"}]
    config = plant.configured()
    closed = [{**s, "sessions": hours} for s in config["brokers"][0]["symbols"]]
    plant.apply({**config, "brokers": [{**config["brokers"][0], "symbols": closed}]})
    until(lambda: view(plant, "system:state")["market_status"] == "closed", "a closed market")
    plant.apply(config)
    until(lambda: view(plant, "system:state")["market_status"] == "open", "an open market")


def test_the_last_signal_outlives_the_monitor(plant):
    def told():
        return view(plant, "system:state")
    last = until(lambda: told()["last_scan_time"] < "2035" and told()["last_scan_time"], "it")
    plant.processes["monitor"].kill()
    killed = told()["timestamp"]
    plant.restart("monitor")
    until(lambda: told()["timestamp"] > killed, "the monitor to write again")
    assert told()["last_scan_time"] == last


def test_a_gateway_that_is_slow_to_answer_is_degraded_in_its_health_too(plant):
    until(lambda: plant.admin.hget("instance_health:gw-a", "health") == "healthy", "it to be well")
    plant.freeze("gw-a")
    try:
        until(lambda: plant.admin.hget("instance_state:gw-a", "state") == "degraded", "it to strain")
        assert plant.admin.hget("instance_health:gw-a", "health") == "degraded"
    finally:
        plant.thaw("gw-a")
    until(lambda: plant.admin.hget("instance_health:gw-a", "health") == "healthy", "it to be well")
