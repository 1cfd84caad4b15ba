// indicators - RSI, MACD and Bollinger bands of some series by two libraries that know nothing of tradecast.
// SPDX-License-Identifier: MIT
// Reads {name: [close, …]} (stdin), writes {name: [{…} by close]}. tests/data/indicators.py calls it.
import { createRequire } from 'node:module';
const require = createRequire(process.argv[2] + '/');
const ti = require('technicalindicators'), ts = require('trading-signals');
let text = '';
for await (const piece of process.stdin) text += piece;

// Their results begin later than the series: those are the last ones.
const atEnd = (n, results) => [...Array(n - results.length).fill(null), ...results];

function byTechnicalIndicators(values) {
  const n = values.length;
  const rsi = atEnd(n, ti.RSI.calculate({ period: 14, values }));
  const macd = atEnd(n, ti.MACD.calculate({ values, fastPeriod: 12, slowPeriod: 26, signalPeriod: 9, SimpleMAOscillator: false, SimpleMASignal: false }));
  const bands = atEnd(n, ti.BollingerBands.calculate({ period: 20, stdDev: 2, values }));
  return values.map((_, i) => ({ rsi: rsi[i], macd: macd[i]?.MACD, signal: macd[i]?.signal, upper: bands[i]?.upper, lower: bands[i]?.lower }));
}

function byTradingSignals(values) {
  const rsi = new ts.RSI(14), macd = new ts.MACD(new ts.EMA(12), new ts.EMA(26), new ts.EMA(9)), bands = new ts.BollingerBands(20, 2);
  return values.map(close => {
    const r = rsi.add(close), m = macd.add(close), b = bands.add(close);
    return { rsi: r, macd: m?.macd, signal: m?.signal, upper: b?.upper, lower: b?.lower };
  });
}

const out = {};
for (const [name, closes] of Object.entries(JSON.parse(text)))
  out[name] = { ti: byTechnicalIndicators(closes.map(Number)), ts: byTradingSignals(closes.map(Number)) };
console.log(JSON.stringify(out));
