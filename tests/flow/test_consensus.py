"""Sources that agree: one signal, with everything that it came from; and what simulate says of it beforehand."""
# SPDX-License-Identifier: MIT
import json
import urllib.request

from tests.harness.wait import until

TRADED = {"symbol": "EURUSD", "lot_step": "0.01", "min_lot": "0.01", "max_lot": "2"}
PLANT = {
    "config": {
        "sources": [
            {"config_id": "tv"}, {"config_id": "bot"}, {"config_id": "plain"},
            {"config_id": "both", "consensus": {"parts": [{"source": "tv", "weight": "2"}, {"source": "bot"}], "window_s": 600,
                                                "take": "weighted_mean", "route_parts": False}},
        ],
        "brokers": [{"broker_id": "a", "price_tolerance": "0.01", "symbols": [TRADED]}],
        "accounts": [
            {"account_id": "agreed", "broker_id": "a", "balance": "1000000", "subscriptions": [{"source": "both", "multiplier": "1"}]},
            {"account_id": "alone", "broker_id": "a", "balance": "1000000", "subscriptions": [{"source": "tv", "multiplier": "1"}]},
            {"account_id": "double", "broker_id": "a", "balance": "1000000", "max_open_trades": 2,
             "subscriptions": [{"source": "plain", "multiplier": "2", "strategies": ["trend"]}]},
            {"account_id": "third", "broker_id": "a", "balance": "1000000", "subscriptions": [{"source": "plain", "multiplier": "0.333"}]},
            {"account_id": "off", "broker_id": "a", "balance": "1000000", "enabled": False, "subscriptions": [{"source": "plain", "fixed_lot": "1"}]},
        ],
        "instances": [{"instance_id": "gw-a", "broker_id": "a", "accounts": ["agreed", "alone", "double", "third", "off"]}],
    },
}


def say(plant, source, expected=200, **fields):
    door = plant.door(source)
    status, answer, _ = door.alert({"symbol": "EURUSD", "direction": "buy", **fields})
    door.close()
    assert status == expected, answer
    return answer["signal_id"]


def is_open(plant):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{plant.http_port}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def consensus_of(plant, part):
    """The consensus that a part was counted in, by what explain says of the part."""
    def look():
        _, out, _ = plant.command("explain", part, "--json")
        found = [c["consensus"] for c in json.loads(out)["contributions"] if c["consensus"]]
        return found and found[0]
    return until(look, f"a consensus of {part}")


def test_two_that_agree_become_one_order_and_their_own_subscribers_get_none(plant):
    say(plant, "tv", signal_id="tv-1", lot_size="1", price="1.0840", confidence="90")
    say(plant, "bot", signal_id="bot-1", lot_size="0.4", price="1.0846", confidence="60")
    both = consensus_of(plant, "bot-1")
    assert plant.final(both)["status"] == "completed"
    hash_ = plant.signal(both)
    assert (hash_["source"], hash_["data_source"], hash_["sources"], hash_["agreement"]) == ("both", "weighted_consensus", "2", "1")
    assert (hash_["price"], hash_["lot_size"], hash_["confidence"]) == ("1.0842", "0.8", "80")
    assert json.loads(hash_["parts"]) == ["tv:tv-1", "bot:bot-1"]
    assert {a: t["filled_lots"] for a, t in plant.trades(both).items()} == {"agreed": "0.8"}
    assert plant.final("tv:tv-1")["status"] == "failed"
    assert plant.decisions("tv:tv-1")["alone"]["reason"] == "part_only"
    assert not plant.trades("tv:tv-1")


def test_explain_tells_the_votes_of_a_consensus_and_what_a_part_came_to(plant):
    both = consensus_of(plant, "tv-1")
    _, out, _ = plant.command("explain", both)
    assert "consensus" in out and "tv buy, weight 2, confidence 90, signal tv:tv-1" in out and "bot buy, weight 1" in out

    def told():
        _, part, _ = plant.command("explain", "bot-1")
        return f"for signal {both} of both, weight 1" in part
    until(told, "the archive to have it")


def test_a_vote_outlives_the_door(plant):
    say(plant, "tv", signal_id="tv-2", direction="sell", lot_size="0.2", price="1.0840")
    _, out, _ = plant.command("explain", "tv-2")
    assert "in both, which lacks agreement: agreement 0.66666667" in out
    plant.processes["ingest"].kill()
    plant.restart("ingest")
    until(lambda: is_open(plant), "the door to open again")
    say(plant, "bot", signal_id="bot-2", direction="sell", lot_size="0.2", price="1.0840")
    both = consensus_of(plant, "bot-2")
    assert plant.final(both)["status"] == "completed"
    assert {t["direction"] for t in plant.trades(both).values()} == {"sell"}


def test_a_resend_is_no_second_vote(plant):
    both = consensus_of(plant, "tv-1")
    say(plant, "tv", signal_id="tv-1", lot_size="1", price="1.0840", confidence="90")
    say(plant, "bot", signal_id="bot-1", lot_size="0.4", price="1.0846", confidence="60")
    assert consensus_of(plant, "tv-1") == both
    assert plant.admin.hlen("signal:state:votes") == 1


def test_simulate_says_what_the_router_then_decides(plant, tmp_path):
    signals = [{"signal_id": f"p-{n}", "symbol": "EURUSD", "direction": "buy", "price": "1.0840", **s} for n, s in enumerate([
        {"lot_size": "0.5", "strategy": "trend"}, {"lot_size": "0.02", "strategy": "trend"}, {"lot_size": "1.01", "strategy": "trend"},
        {"lot_size": "7", "strategy": "scalp"}, {"strategy": "trend"}, {"lot_size": "0.3", "strategy": "trend"},
        {"lot_size": "0.3", "symbol": "GBPUSD"}])]
    _, config, _ = plant.command("config", "export")
    (tmp_path / "config").write_text(config)
    (tmp_path / "signals").write_text("".join(json.dumps(s) + "\n" for s in signals))
    status, out, wrong = plant.command("simulate", "--config", tmp_path / "config", "--lines", "--json", f"plain={tmp_path / 'signals'}")
    assert status == 0, wrong
    for signal, said in zip(signals, json.loads(out), strict=True):
        signal_id = said["signal"]["signal_id"]
        assert say(plant, "plain", **signal) == signal_id == "plain:" + signal["signal_id"]
        plant.final(signal_id)
        decided = {a: (d["reason"], d.get("detail"), d.get("numbers")) for a, d in plant.decisions(signal_id).items()}
        assert decided == {d["account_id"]: (d["reason"], d.get("detail"), d.get("numbers")) for d in said["routing"]["decisions"]}
        lots = {a: t["lot_size"] for a, t in plant.trades(signal_id).items()}
        assert lots == {o["account_id"]: str(o["lot_size"]) for o in said["orders"]}
    reasons = {d["reason"] for said in json.loads(out) for d in said["routing"]["decisions"]}
    assert reasons >= {"ordered", "filtered_strategy", "account_disabled", "unknown_symbol", "below_min_lot", "above_max_lot", "max_open_trades"}
