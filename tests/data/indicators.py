#!/usr/bin/env python3
"""indicators - writes tests/data/indicators.tsv: what RSI 14, MACD 12/26/9 and Bollinger bands 20/2 of some series are, exactly and by two
libraries. Usage: npm install technicalindicators@3.1.0 trading-signals@8.3.0; tests/data/indicators.py DIRECTORY_WITH_NODE_MODULES
The exact columns are worked out here from the definitions, in fractions; the libraries' as they print them, in binary floating point."""
# SPDX-License-Identifier: MIT
import decimal
import json
import pathlib
import subprocess
import sys
from fractions import Fraction

HERE = pathlib.Path(__file__).parent
NAMES = ["rsi", "macd", "signal", "upper", "lower"]
decimal.getcontext().prec = 60


def random_walk(n, seed, start, step, digits):
    """Closes as text; a linear congruential generator, so that the series is the same everywhere."""
    price, out = start, []
    for _ in range(n):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        price = max(1, price + (seed >> 40) % (2 * step + 1) - step)
        out.append(f"{price / 10**digits:.{digits}f}")
    return out


SERIES = {
    "trending": [f"{100 + n * 0.25 + (n % 3) * 0.1:.2f}" for n in range(120)],
    "falling": [f"{1.30 - n * 0.0007 + (n % 5) * 0.0002:.5f}" for n in range(100)],
    "flat": ["1.10000"] * 60,
    "gap": random_walk(60, 7, 1_10000, 20, 5) + random_walk(60, 8, 1_45000, 20, 5),
    "large": random_walk(80, 11, 98_765_43, 50_00, 2),
    "random": random_walk(1000, 42, 1_08420, 35, 5),
}


def ema(values, n):
    """Begins with the mean of the first n."""
    out, last = [None] * len(values), None
    known = [i for i, v in enumerate(values) if v is not None]
    for count, i in enumerate(known, 1):
        if count == n:
            last = sum(values[k] for k in known[:n]) / Fraction(n)
        elif count > n:
            last = last + (values[i] - last) * Fraction(2, n + 1)
        out[i] = last if count >= n else None
    return out


def rsi(values, n=14):
    out, gain, loss = [None] * len(values), Fraction(0), Fraction(0)
    for i in range(1, len(values)):
        up, down = max(values[i] - values[i - 1], 0), max(values[i - 1] - values[i], 0)
        if i <= n:
            gain, loss = gain + Fraction(up) / n, loss + Fraction(down) / n
        else:
            gain, loss = (gain * (n - 1) + up) / n, (loss * (n - 1) + down) / n
        if i >= n:
            out[i] = Fraction(50) if gain + loss == 0 else 100 - 100 / (1 + gain / loss) if loss else Fraction(100)
    return out


def bands(values, n=20, wide=2):
    out = [(None, None)] * (n - 1)
    for i in range(n - 1, len(values)):
        window = values[i - n + 1:i + 1]
        mean = sum(window) / n
        variance = sum((v - mean) ** 2 for v in window) / n
        deviation = (decimal.Decimal(variance.numerator) / decimal.Decimal(variance.denominator)).sqrt()
        middle = decimal.Decimal(mean.numerator) / decimal.Decimal(mean.denominator)
        out.append((middle + wide * deviation, middle - wide * deviation))
    return out


def rounded(value):
    """12 decimals."""
    if value is None:
        return "-"
    if isinstance(value, Fraction):
        value = decimal.Decimal(value.numerator) / decimal.Decimal(value.denominator)
    return f"{value:.12f}"


def exact(closes):
    values = [Fraction(c) for c in closes]
    macd = [f - s if f is not None and s is not None else None for f, s in zip(ema(values, 12), ema(values, 26))]
    upper_lower = bands(values)
    columns = [rsi(values), macd, ema(macd, 9), [u for u, _ in upper_lower], [low for _, low in upper_lower]]
    return list(zip(*columns))


def main(modules):
    libraries = json.loads(subprocess.run(["node", HERE / "indicators.mjs", pathlib.Path(modules).resolve()], input=json.dumps(SERIES),
                                          capture_output=True, text=True, check=True).stdout)
    lines = ["# " + "\t".join(["series", "close"] + [f"{who}_{n}" for who in ("exact", "ti", "ts") for n in NAMES])]
    for name, closes in SERIES.items():
        for i, (close, row) in enumerate(zip(closes, exact(closes))):
            fields = [name, close] + [rounded(v) for v in row]
            for who in ("ti", "ts"):
                found = libraries[name][who][i]
                fields += ["-" if found.get(n) is None else f"{found[n]:.12f}" for n in NAMES]
            lines.append("\t".join(fields))
    (HERE / "indicators.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
