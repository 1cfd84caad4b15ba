"""report - what the user sees: a row for every order, and where everything is."""
# SPDX-License-Identifier: MIT
import datetime
import sys

COLUMNS = [("account", 8, "<"), ("symbol", 9, "<"), ("order", 16, "<"), ("asked", 9, ">"), ("fill", 9, ">"), ("slippage", 9, ">"),
           ("reconciled", 10, "<"), ("state", 9, "<"), ("to broker", 10, ">"), ("to final", 10, ">")]


def nanoseconds(text):
    """UTC ns of a time as the services write it, 2025-03-22T10:15:30.123456Z."""
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1_000_000) * 1000


def _since(sent, then):
    if then is None:
        return "-"
    return f"{(then - sent) / 1e6:.1f} ms"


class Report:
    def __init__(self, out=sys.stdout):
        self._out = out
        self._colours = out.isatty()
        self._last = None
        self.rows = []

    def _paint(self, text, code):
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text

    def say(self, text=""):
        print(text, file=self._out, flush=True)

    def bold(self, text):
        self.say(self._paint(text, "1"))

    def head(self):
        self.say()
        self.say("  " + self._paint(self._cells([name for name, _, _ in COLUMNS]), "2"))

    def line(self, what, became, answer=None):
        """An alert that became no order."""
        self._title(what, answer)
        self.say(f"  {became}")

    def trade(self, what, trade, compared, at_broker_ns, sent_ns):
        """One order of one account. sent_ns: when the alert's HTTP request began."""
        self._title(what, trade)
        final = compared.get("reconciled_at")
        reconciled = compared.get("reconciliation_status", "-")
        order = " ".join(filter(None, [trade.get("side", trade["direction"]), trade.get("filled_lots") or trade.get("lot_size"),
                                       "" if trade["order_type"] == "market" else trade["order_type"]]))
        cells = [trade["account_id"], trade["broker_symbol"], order, trade.get("requested_price", "-"), trade.get("average_price", "-"),
                 compared.get("discrepancy", "-"), reconciled, trade["state"], _since(sent_ns, at_broker_ns),
                 _since(sent_ns, nanoseconds(final) if final else None)]
        self.rows.append(cells)
        good = reconciled == "success" and trade["state"] in ("filled", "closed")
        self.say("  " + self._paint(self._cells(cells), "32" if good else "31"))

    def _title(self, what, item):
        key = (what, (item or {}).get("signal_id"))
        if key != self._last:
            self.say(self._paint(what, "1") + self._paint(f"  {key[1]}" if key[1] else "", "2"))
        self._last = key

    @staticmethod
    def _cells(values):
        return "  ".join(f"{value:{align}{width}}" for value, (_, width, align) in zip(values, COLUMNS)).rstrip()
