/** Histograms and observers against counts, sorted data, exhaustive searches and definitions. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Random } from "../../../src/numbers/random.ts";
import {
  quantizationParametersFor,
  rangeOf,
  throughInt8,
} from "../../../src/compress/quantize/quantization_parameters.ts";
import { BINS, Histogram } from "../../../src/compress/histogram.ts";
import { type ObserverName, OBSERVERS } from "../../../src/compress/quantize/observers/mod.ts";
import { storedReport } from "../../../src/compress/quantize/report.ts";
import { joined, ValueStatistics } from "../../../src/compress/value_statistics.ts";

const ASYMMETRIC = { symmetric: false, percentile: 99.9 }, SYMMETRIC = { symmetric: true, percentile: 99.9 };

function countOf(data: readonly number[]): Histogram {
  const histogram = new Histogram();
  histogram.add(Float32Array.from(data), Math.min(...data), Math.max(...data));
  return histogram;
}

/** Values as SiLU makes them: most just below zero, a long tail above. */
function siluLike(count: number, seed: number, spread = 3): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => {
    const x = spread * random.normal();
    return x / (1 + Math.exp(-x));
  });
}

function statisticsOf(...samples: readonly Float32Array[]): ValueStatistics {
  const statistics = new ValueStatistics();
  for (const data of samples) assertEquals(statistics.add({ shape: [1, 1, 1, data.length], data }), undefined);
  return statistics;
}

/** Mean square error of int8 on the data themselves. */
function trueError(data: Float32Array, low: number, high: number, symmetric: boolean): number {
  const affine = quantizationParametersFor({ low, high }, symmetric);
  return data.reduce((sum, x) => sum + (x - throughInt8(x, affine)) ** 2, 0) / data.length;
}

Deno.test("a histogram counts what lies in each bin, whatever came first", () => {
  const random = new Random(1);
  const parts = [0.01, 3, 0.5, 100, 7].map((spread) =>
    Float32Array.from({ length: 1000 }, () => spread * random.normal())
  );
  const orders = [[0, 1, 2, 3, 4], [3, 0, 4, 1, 2], [4, 3, 2, 1, 0]].map((order) => {
    const histogram = new Histogram();
    for (const i of order) histogram.add(parts[i], Math.min(...parts[i]), Math.max(...parts[i]));
    return histogram;
  });
  const [{ width, low, counts, total }] = orders;
  const all = parts.flatMap((part) => [...part]);
  const expected = new Array<number>(counts.length).fill(0);
  for (const x of all) expected[Math.floor(x / width) - Math.round(low / width)]++;
  assertEquals([...counts], expected);
  assertEquals(total, all.length);
  assert(counts.length <= BINS && counts.length > BINS / 2 - 2, `${counts.length} bins`);
  for (const other of orders) assertEquals([other.low, other.width, [...other.counts]], [low, width, [...counts]]);
});

Deno.test("histograms of several tensors add up to that of all their values", () => {
  const [a, b, c] = [siluLike(999, 1), siluLike(500, 2, 40), siluLike(10, 3, 0.01)];
  const sum = Histogram.sum([a, b, c].map((data) => countOf([...data])));
  const whole = countOf([...c, ...a, ...b]);
  assertEquals([sum.low, sum.high, sum.width, sum.total], [whole.low, whole.high, whole.width, whole.total]);
  assertEquals([...sum.counts], [...whole.counts]);
});

Deno.test("histograms of nothing but zeros, of a far value and of tiny ones", () => {
  assertEquals([...countOf([0, 0, 0]).counts], [3]);
  const far = countOf([1e6]);
  assert(far.high > 1e6 && far.low <= 0 && far.counts.length <= BINS);
  const tiny = countOf([1e-12, -1e-12]);
  assert(tiny.high > 1e-12 && tiny.high < 1.01e-12, `${tiny.high}`);
  // A value on the edge behind the last bin that there can be: bins are doubled, nothing is lost.
  for (const edge of [1, 2 ** 20, BINS]) {
    const { counts, width } = countOf([edge, edge / 4, 0]);
    assertEquals([counts.length, counts.reduce((sum, count) => sum + count, 0)], [BINS / 2 + 1, 3], `${edge}`);
    assertEquals(counts[edge / 4 / width], 1);
  }
  const grown = countOf([0, 0]);
  grown.add(Float32Array.of(-5, 5), -5, 5);
  assertEquals([grown.total, grown.counts[Math.round(-grown.low / grown.width)]], [4, 2]);
});

Deno.test("statistics: range of each sample, channel means, and where a value is no number", () => {
  const statistics = new ValueStatistics();
  const first = Float32Array.of(1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6), second = first.map((x) => 3 * x);
  statistics.add({ shape: [2, 2, 1, 3], data: first });
  statistics.add({ shape: [2, 2, 1, 3], data: second });
  assertEquals([statistics.lows, statistics.highs], [[-6, -18], [6, 18]]);
  // Channel 0 holds 1 2 3 and -1 -2 -3.
  assertEquals([...statistics.means()], [0, 0]);
  const uneven = new ValueStatistics();
  uneven.add({ shape: [1, 2, 1, 5], data: Float32Array.of(1, 2, 3, 4, 5, 10, 20, 30, 40, 50) });
  assertEquals([...uneven.means()], [3, 30]);
  const broken = Float32Array.of(0, 1, NaN, 3);
  assertEquals(new ValueStatistics().add({ shape: [4], data: broken }), 2);
  assertEquals(new ValueStatistics().add({ shape: [4], data: Float32Array.of(0, -Infinity, 1, Infinity) }), 1);
});

Deno.test("min-max and moving average", () => {
  const statistics = statisticsOf(Float32Array.of(-1, 2), Float32Array.of(-3, 8), Float32Array.of(0, 4));
  assertEquals(OBSERVERS["min-max"](statistics, ASYMMETRIC), { low: -3, high: 8 });
  const average = OBSERVERS["moving-average"](statistics, ASYMMETRIC);
  assertAlmostEquals(average.low, ((-1 * 0.9 - 3 * 0.1) * 0.9) + 0, 1e-12);
  assertAlmostEquals(average.high, (2 * 0.9 + 8 * 0.1) * 0.9 + 4 * 0.1, 1e-12);
});

Deno.test("percentile: the sorted data's, to within a bin", () => {
  const data = siluLike(20_001, 4), { width } = countOf([...data]);
  const sorted = data.toSorted(), cut = 0.0005 * data.length;
  const range = OBSERVERS.percentile(statisticsOf(data), ASYMMETRIC);
  assertAlmostEquals(range.low, sorted[Math.floor(cut)], 2 * width);
  assertAlmostEquals(range.high, sorted[Math.floor(data.length - cut)], 2 * width);
  const magnitudes = data.map(Math.abs).toSorted();
  const symmetric = OBSERVERS.percentile(statisticsOf(data), SYMMETRIC);
  assertAlmostEquals(symmetric.high, magnitudes[Math.floor(0.999 * data.length)], 2 * width);
  assertEquals(symmetric.low, Math.min(...data));
});

Deno.test("percentile, symmetric: magnitudes of negative values fall into the bins that their own bins mirror", () => {
  // -0.5 is the lower edge of its bin, so that its magnitude is the greatest of the mirrored one.
  const data = Float32Array.from({ length: 100 }, (_, i) => i < 95 ? -0.5 : -1);
  const statistics = statisticsOf(data);
  const { low, high } = OBSERVERS.percentile(statistics, { symmetric: true, percentile: 90 });
  assert(low >= -0.5 && low < -0.5 + statistics.histogram.width, `${low}`);
  assertEquals(high, 0);
});

Deno.test("percentile 100 is the whole range", () => {
  const data = siluLike(5000, 5);
  const range = OBSERVERS.percentile(statisticsOf(data), { symmetric: false, percentile: 100 });
  assertEquals(range, { low: Math.min(...data), high: Math.max(...data) });
});

for (const symmetric of [false, true]) {
  Deno.test(`mse: as good as any range of an exhaustive search, ${symmetric ? "symmetric" : "asymmetric"}`, () => {
    const data = siluLike(4000, 6);
    const range = OBSERVERS.mse(statisticsOf(data), { symmetric, percentile: 100 });
    const [low, high] = [Math.min(...data), Math.max(...data)];
    let least = Infinity;
    for (let i = 1; i <= 60; i++) {
      for (let k = 1; k <= (symmetric ? 1 : 60); k++) {
        const [a, b] = symmetric ? [-high * i / 60, high * i / 60] : [low * k / 60, high * i / 60];
        least = Math.min(least, trueError(data, a, b, symmetric));
      }
    }
    const error = trueError(data, range.low, range.high, symmetric);
    assert(error < 1.02 * least, `${error} for ${range.low}..${range.high}, the search found ${least}`);
  });
}

Deno.test("mse leaves out one value in a million that lies far outside, where rounding all others costs more", () => {
  const data = siluLike(1_500_000, 6, 0.5);
  data[77] = 8;
  const { high } = OBSERVERS.mse(statisticsOf(data), ASYMMETRIC);
  assert(high < 4, `${high}`);
  assert(trueError(data, -0.3, high, false) < 0.6 * trueError(data, -0.3, 8, false));
});

/** Migacz's definition, spelt out: distributions over the bins within the threshold, before and after the levels. */
function literalDivergence(bins: readonly number[], from: number, to: number, levels: number): number {
  const p = bins.slice(from, to);
  const inside = [...p];
  p[0] += bins.slice(0, from).reduce((a, b) => a + b, 0);
  p[p.length - 1] += bins.slice(to).reduce((a, b) => a + b, 0);
  const edge = (level: number) => Math.floor(level * p.length / levels);
  const groups = Array.from(
    { length: levels },
    (_, level) => Array.from({ length: edge(level + 1) - edge(level) }, (_, i) => edge(level) + i),
  );
  const q = new Array<number>(p.length).fill(0);
  for (const group of groups) {
    const filled = group.filter((i) => inside[i] > 0);
    const mass = group.reduce((sum, i) => sum + inside[i], 0);
    for (const i of filled) q[i] = mass / filled.length;
  }
  const [sumP, sumQ] = [p, q].map((list) => list.reduce((a, b) => a + b, 0));
  return p.reduce((sum, value, i) => {
    if (value === 0) return sum;
    return sum + value / sumP * Math.log(value / sumP / (q[i] > 0 ? q[i] / sumQ : 1e-10));
  }, 0);
}

for (const symmetric of [false, true]) {
  Deno.test(`entropy: least divergence by definition, ${symmetric ? "symmetric" : "asymmetric"}`, () => {
    const data = siluLike(30_000, 7);
    data.set([24, 31, 20], 50);
    const statistics = statisticsOf(data);
    const { low, high } = OBSERVERS.entropy(statistics, { symmetric, percentile: 100 });
    const { counts, low: edge, width } = statistics.histogram;
    const zero = Math.round(-edge / width), most = Math.max(zero, counts.length - zero);
    const bins = symmetric ? [...new Array<number>(Math.max(0, most - zero)).fill(0), ...counts] : [...counts];
    const middle = symmetric ? most : zero;
    const divergenceAt = (reach: number) => {
      const from = Math.max(0, middle - reach), to = Math.min(bins.length, middle + reach);
      return to - from < 256 ? Infinity : literalDivergence(bins, from, to, symmetric ? 255 : 256);
    };
    const found = divergenceAt(Math.round(high / width));
    for (let step = 8; step <= 512; step += 8) {
      const other = divergenceAt(Math.ceil(most * step / 512));
      assert(found <= other + 1e-12, `${found} at ${high}, ${other} at ${step}/512 of the range`);
    }
    assert(high < 0.6 * Math.max(...data), `${high} keeps the outliers`);
    assertEquals(low, Math.max(Math.min(...data), -high));
  });
}

Deno.test("entropy clips nothing of values that are fewer than levels: whatever is kept of them would seem to lose nothing", () => {
  // 0.5 lies in the last bin of a threshold, so that all the ones would be added to it and nothing diverge.
  const few = Float32Array.from({ length: 1600 }, (_, i) => i % 16 === 0 ? 0.5 : 1);
  for (const options of [ASYMMETRIC, SYMMETRIC]) {
    assertEquals(OBSERVERS.entropy(statisticsOf(few, few), options).high, 1);
  }
});

Deno.test("every observer gives a range with zero, within the data, also for data of one sign, of one value and all zero", () => {
  const sets = [[2, 3, 4, 5], [-7, -6], [4, 4, 4], [0, 0], [1e-30], [-1e5, 1e5]].map((list) => Float32Array.from(list));
  for (const name of Object.keys(OBSERVERS) as ObserverName[]) {
    for (const data of sets) {
      for (const options of [ASYMMETRIC, SYMMETRIC]) {
        const { low, high } = OBSERVERS[name](statisticsOf(data, data), options);
        const what = `${name} of ${data}: ${low}..${high}`;
        assert(low <= 0 && high >= 0 && Number.isFinite(low) && Number.isFinite(high), what);
        assert(low >= Math.min(0, ...data) && high <= Math.max(0, ...data), what);
        const { scale, zeroPoint } = quantizationParametersFor({ low, high }, options.symmetric);
        assert(scale > 0 && Number.isInteger(zeroPoint) && Math.abs(zeroPoint) <= 128, what);
      }
    }
  }
});

Deno.test("values that share a scale are observed as one", () => {
  const [a, b] = [siluLike(3000, 8), siluLike(1000, 9, 10)];
  const parts = joined([statisticsOf(a, b), statisticsOf(b, a)]);
  const whole = statisticsOf(Float32Array.of(...a, ...b), Float32Array.of(...b, ...a));
  for (const name of Object.keys(OBSERVERS) as ObserverName[]) {
    assertEquals(OBSERVERS[name](parts, ASYMMETRIC), OBSERVERS[name](whole, ASYMMETRIC), name);
  }
});

Deno.test("what is rounded into the range is not clipped, what lies further out is", () => {
  // int8 of scale 1 tells -128 to 127: everything up to half a step beyond is the last integer.
  const data = Float32Array.of(127.25, 127.375, 127.75, 130, -128.25, -129, 0, 64);
  const report = storedReport(["x"], "min-max", statisticsOf(data), { scale: 1, zeroPoint: 0 });
  assertEquals([report.clipped, report.range, report.seen], [3 / 8, [-128, 127], [-129, 130]]);
});

Deno.test("scales and zero points, worked by hand", () => {
  assertEquals(quantizationParametersFor({ low: -1, high: 3 }, false), { scale: Math.fround(4 / 255), zeroPoint: -64 });
  // -128 + 70.44 is -57.56.
  assertEquals(quantizationParametersFor({ low: -1, high: 2.62 }, false).zeroPoint, -58);
  assertEquals(quantizationParametersFor({ low: 0, high: 255 }, false), { scale: 1, zeroPoint: -128 });
  assertEquals(quantizationParametersFor({ low: -255, high: 0 }, false), { scale: 1, zeroPoint: 127 });
  assertEquals(quantizationParametersFor({ low: -1, high: 2.54 }, true), { scale: Math.fround(0.02), zeroPoint: 0 });
  assertEquals(quantizationParametersFor({ low: 0, high: 0 }, false), { scale: 1, zeroPoint: -128 });
  assertEquals(rangeOf({ scale: 0.5, zeroPoint: 28 }), { low: -78, high: 49.5 });
  const half = { scale: 0.5, zeroPoint: 0 };
  // Halves go to the even integer; what is outside is clipped.
  assertEquals([0.25, 0.75, -0.25, 1.3, 100, -100].map((x) => throughInt8(x, half)), [0, 1, 0, 1.5, 63.5, -64]);
  // Zero is exact in every map.
  for (const low of [-0.3, -7, 0]) {
    assertEquals(throughInt8(0, quantizationParametersFor({ low, high: 1.7 }, false)), 0);
  }
});
