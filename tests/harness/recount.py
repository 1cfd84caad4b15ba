"""recount - everything that the archive counts up as it goes, counted again from trades, results and reconciliations, in plain Python with
Decimal: what differs is a fault. Of one moment: the archive may be at work."""
# SPDX-License-Identifier: MIT
import json
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from decimal import ROUND_HALF_EVEN, Decimal

KINDS = {"account": "account_id", "broker": "broker_id", "instance": "instance_id"}
# Peak and drawdown are of what was known at the time, the worst slippage is the worst that was ever told: what is corrected later, or told
# again after Redis has forgotten it, does not take them back.
OF_THE_TIME = ("peak_pnl", "max_drawdown", "slippage_worst")
E8, FOUR = Decimal("0.00000001"), Decimal("0.0001")
FAILED = ("rejected", "cancelled", "expired")


def dec(text):
    return Decimal(text) if text is not None else Decimal(0)


def plain(d):
    """As the archive prints it."""
    text = f"{d:.8f}".rstrip("0").rstrip(".") if d is not None else None
    return "0" if text == "-0" else text


def div(a, b, step=E8):
    """a / b to eight decimals and then to the step, half even both times; None by nothing."""
    return (a / b).quantize(E8, ROUND_HALF_EVEN).quantize(step, ROUND_HALF_EVEN) if b else None


def two_digits(value):
    """The nearest number with two significant digits, ties away from zero."""
    size, unit = abs(value), 1
    while size // unit >= 100:
        unit *= 10
    size = (size + unit // 2) // unit * unit
    return size if value >= 0 else -size


def nearest_rank(values, percent):
    values = sorted(two_digits(v) for v in values)
    return values[max(0, -(-len(values) * percent // 100) - 1)] if values else None


def reason_key(text):
    out = ""
    for c in text or "unknown":
        if c.isascii() and c.isdigit():
            c = "#"
        if not (c == "#" and out.endswith("#")):
            out += c
    return out[:63]


def slippage_of(r):
    """In 10^-8 of the requested price; adverse is positive."""
    if r["slippage"] is None or r["execution_price"] is None or r["requested_price"] is None or dec(r["requested_price"]) <= 0:
        return None
    relative = ((dec(r["execution_price"]) - dec(r["requested_price"])) / dec(r["requested_price"])).quantize(E8, ROUND_HALF_EVEN)
    return int(relative * 10**8) * (-1 if r["direction"] == "sell" else 1)


class Sums:
    def __init__(self):
        self.n = Counter()
        self.reasons = Counter()
        self.sum = defaultdict(Decimal)
        self.values = defaultdict(list)
        self.peak = self.fall = Decimal(0)

    def order(self, t):
        self.n["orders"] += 1
        if dec(t["filled_lots"]) > 0:
            self.n["filled"] += 1
            self.n["partially_filled"] += t["lot_size"] is not None and dec(t["filled_lots"]) < dec(t["lot_size"])
        elif t["state"] in FAILED:
            self.n[t["state"]] += 1
            if t["state"] == "rejected":
                self.reasons[reason_key(t["reason"])] += 1

    def close(self, t):
        pnl = dec(t["pnl"])
        self.n["closed"] += 1
        self.n["wins"] += pnl > 0
        self.n["losses"] += pnl < 0
        self.sum["gross_profit" if pnl > 0 else "gross_loss"] += pnl

    def execution(self, r):
        self.n["executions"] += 1
        for field, column in (("lots", "lot_size"), ("pnl", "pnl"), ("commission", "commission"), ("fees", "fees")):
            self.sum[field] += dec(r[column])
        if (relative := slippage_of(r)) is not None:
            self.values["slippage"].append(relative)
        for name in ("execution", "broker", "network"):
            if r[f"{name}_latency_us"]:
                self.values[name].append(r[f"{name}_latency_us"])
        net = self.net()
        self.peak = max(self.peak, net)
        self.fall = max(self.fall, self.peak - net)

    def net(self):
        return self.sum["pnl"] - self.sum["commission"] - self.sum["fees"]

    def row(self):
        n, s = self.n, self.sum
        decided = n["filled"] + n["rejected"] + n["cancelled"] + n["expired"]
        out = {name: n[name] for name in ("orders", "filled", "partially_filled", "rejected", "cancelled", "expired", "closed", "wins",
                                          "losses", "executions")}
        out |= {name: plain(s[name]) for name in ("gross_profit", "gross_loss", "lots", "pnl", "commission", "fees")}
        out |= {"fill_rate": plain(div(Decimal(n["filled"]), decided, FOUR)), "rejection_rate": plain(div(Decimal(n["rejected"]), decided, FOUR)),
                "win_rate": plain(div(Decimal(n["wins"]), n["wins"] + n["losses"], FOUR)),
                "average_win": plain(div(s["gross_profit"], n["wins"])), "average_loss": plain(div(s["gross_loss"], n["losses"])),
                "profit_factor": plain(div(s["gross_profit"], -s["gross_loss"])),
                "net_pnl": plain(self.net()), "peak_pnl": plain(self.peak), "max_drawdown": plain(self.fall)}
        bps = [Decimal(v) / 10000 for v in self.values["slippage"]]
        percent = [nearest_rank(self.values["slippage"], p) for p in (50, 95)]
        out |= {"slippage_sum": plain(sum(bps, Decimal(0))), "slippage_mean": plain(div(sum(bps, Decimal(0)), len(bps))),
                "slippage_p50": plain(Decimal(percent[0]) / 10000) if bps else None,
                "slippage_p95": plain(Decimal(percent[1]) / 10000) if bps else None, "slippage_worst": plain(max(bps)) if bps else None}
        for name in ("execution", "broker", "network"):
            out |= {f"{name}_latency_us_p{p}": nearest_rank(self.values[name], p) for p in (50, 95, 99)}
        out["rejections"] = {reason: count for reason, count in self.reasons.items() if count}
        return out


def is_closed(t):
    return t["state"] == "closed" and dec(t["closed_lots"]) > 0


class Archive:
    def __init__(self, path):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            db.execute("BEGIN")  # one moment
            self.trades = [dict(r) for r in db.execute("SELECT * FROM trades")]
            self.results = [dict(r) for r in db.execute(
                "SELECT r.*, m.execution_latency_us, m.broker_latency_us, m.network_latency_us, coalesce(r.account_id, t.account_id) AS account,"
                " coalesce(r.broker_id, t.broker_id) AS broker, coalesce(r.instance_id, t.instance_id) AS instance"
                " FROM trade_result r LEFT JOIN result_metrics m USING (result_id) LEFT JOIN trades t ON t.trade_id = r.trade_id"
                " ORDER BY r.rowid")]
            self.currencies = dict(db.execute("SELECT account_id, coalesce(currency, 'USD') FROM account_config"))
            self.orders = [dict(r) for r in db.execute("SELECT trade_id, signal_id, direction FROM orders")]
            self.tables = {name: [dict(r) for r in db.execute(f"SELECT * FROM {name}")] for name in (
                "account_performance", "broker_performance", "instance_performance", "trade_performance", "commission_log",
                "trade_reconciliation", "trade_reconciliation_log", "signals")}
        self.faults = []

    def expect(self, what, found, wanted):
        if found != wanted:
            self.faults.append(f"{what}: {found!r} instead of {wanted!r}")

    # --- account_performance, broker_performance, instance_performance

    def sums(self):
        out = {kind: defaultdict(Sums) for kind in KINDS}

        def count(ids, day, how):
            currency = self.currencies.get(ids["account"], "unknown")
            for kind, value in ids.items():
                if value:
                    how(out[kind][value, day, currency])
                    how(out[kind][value, "total", currency])

        for t in self.trades:
            ids = {kind: t[column] for kind, column in KINDS.items()}
            count(ids, t["ordered_at"][:10], lambda s, t=t: s.order(t))
            if is_closed(t):
                count(ids, t["closed_at"][:10], lambda s, t=t: s.close(t))
        for r in self.results:
            if r["state"] != "failed":
                count({kind: r[kind] for kind in KINDS}, r["executed_at"][:10], lambda s, r=r: s.execution(r))
        return out

    def judge_performance(self, leave_out):
        for kind, wanted in self.sums().items():
            rows = {(r[KINDS[kind]], r["day"], r["currency"]): r for r in self.tables[f"{kind}_performance"]}
            self.expect(f"{kind}_performance: keys without anything counted", sorted(set(wanted) - set(rows)), [])
            for key, found in rows.items():
                expected = wanted[key].row()
                reasons = {r["reason"]: r["count"] for r in json.loads(found["rejections"] or "[]") if r["count"]}
                self.expect(f"{kind}_performance {key} rejections", reasons, expected.pop("rejections"))
                for column, value in expected.items():
                    if column not in leave_out:
                        self.expect(f"{kind}_performance {key} {column}", found[column], value)

    # --- one row for each

    def judge_trades(self):
        filled = {t["trade_id"]: t for t in self.trades if dec(t["filled_lots"]) > 0}
        rows = {r["trade_id"]: r for r in self.tables["trade_performance"]}
        self.expect("trade_performance: trades", sorted(rows), sorted(filled))
        for trade_id, t in filled.items():
            r = rows.get(trade_id, {})
            net = dec(t["pnl"]) - dec(t["commission"]) - dec(t["fees"])
            self.expect(f"trade_performance {trade_id}", [r.get(c) for c in ("state", "filled_lots", "pnl", "exit_price", "net_pnl", "closing")],
                        [t["state"], t["filled_lots"], t["pnl"], t["exit_price"], plain(net), int(t["direction"] not in ("buy", "sell"))])

    def judge_charges(self):
        wanted = {r["result_id"]: (r["account"], r["commission"], r["fees"]) for r in self.results if dec(r["commission"]) or dec(r["fees"])}
        found = {r["result_id"]: (r["account_id"], r["commission"], r["fees"]) for r in self.tables["commission_log"]
                 if dec(r["commission"]) or dec(r["fees"])}
        self.expect("commission_log", found, wanted)

    def judge_reconciliations(self):
        last = {}
        for r in sorted(self.tables["trade_reconciliation_log"], key=lambda r: r["reconciled_at"]):
            last[r["trade_id"]] = (r["reconciliation_status"], r["reconciled_at"])
        wanted = {r["trade_id"]: (r["reconciliation_status"], r["reconciled_at"]) for r in self.tables["trade_reconciliation"]}
        self.expect("trade_reconciliation_log", last, wanted)

    def outcome_of(self, trades):
        closed = [t for t in trades if t and is_closed(t)]
        if not closed or any(not t or t["state"] not in (*FAILED, "closed") for t in trades):
            return None, None, None
        pnl = sum((dec(t["pnl"]) for t in closed), Decimal(0))
        lots = sum((dec(t["closed_lots"]) for t in closed), Decimal(0))
        exit_price = gained = None
        if all(t["exit_price"] is not None and t["average_price"] is not None for t in closed):
            mean = [(sum((dec(t[c]) * dec(t["closed_lots"]) for t in closed), Decimal(0)) / lots).quantize(E8, "ROUND_HALF_UP")
                    for c in ("average_price", "exit_price")]
            exit_price = plain(mean[1])
            gained = ((mean[1] - mean[0]) * 100 / mean[0]).quantize(E8, ROUND_HALF_EVEN) * (-1 if closed[0]["side"] == "sell" else 1)
        by = gained if gained is not None else pnl
        return "win" if by > 0 else "loss" if by < 0 else "breakeven", exit_price, plain(gained)

    def judge_outcomes(self):
        by_id = {t["trade_id"]: t for t in self.trades}
        trades = defaultdict(list)
        for o in self.orders:
            if o["direction"] in ("buy", "sell"):
                trades[o["signal_id"]].append(by_id.get(o["trade_id"]))
        for s in self.tables["signals"]:
            self.expect(f"signals {s['signal_id']}", (s["outcome"], s["exit_price"], s["profit_loss_pct"]), self.outcome_of(trades[s["signal_id"]]))

    def judge(self, leave_out=()):
        self.judge_performance(leave_out)
        self.judge_trades()
        self.judge_charges()
        self.judge_reconciliations()
        self.judge_outcomes()
        return self.faults


def judge(path, leave_out=()):
    """What differs, one sentence each."""
    return Archive(path).judge(leave_out)
