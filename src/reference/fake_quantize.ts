/**
 * The operators of quantization-aware training: floats that have only the values which few bits can stand for.
 *
 * @module
 */

import type { Node } from "../graph/operators.ts";
import { quantizeValue, roundHalfEven } from "../graph/quantized_value.ts";
import { counterNormal } from "../numbers/counter_normal.ts";
import type { ReferenceTensor } from "./tensor.ts";

/** QuantizeLinear to i8 and DequantizeLinear behind it. */
export function fakeQuantize(
  { attributes: { scale, zeroPoint } }: Node<"FakeQuantize">,
  [x]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const step = Math.fround(scale);
  const data = x.data.map((value) => Math.fround((quantizeValue(value, step, zeroPoint, "i8") - zeroPoint) * step));
  return [{ shape: x.shape, data }];
}

/** What a converter gives of an analog number with noise on it. Places count through the tensor, row-major. */
export function noisyQuantize(
  { attributes: { scales, step, low, high, sigma, seed } }: Node<"NoisyQuantize">,
  [{ shape, data }]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const channels = shape[1] ?? 1, plane = shape.slice(2).reduce((size, extent) => size * extent, 1);
  const [width, spread] = [Math.fround(step), Math.fround(sigma)];
  const found = data.map((x, i) => {
    const scale = Math.fround(scales[scales.length === 1 ? 0 : Math.floor(i / plane) % channels]);
    const noise = spread === 0 ? 0 : spread * counterNormal(seed, i, x);
    return Math.min(high, Math.max(low, roundHalfEven((x / scale + noise) / width))) * width * scale;
  });
  return [{ shape, data: found }];
}

const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What the weights of one output channel become, by bits. Scales are f32, as they are stored; sums are not. */
const CHANNEL: Readonly<Record<Node<"FakeQuantizeWeights">["attributes"]["bits"], (w: Float64Array) => Float64Array>> =
  {
    8: (w) => {
      const scale = Math.fround(w.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127);
      if (scale === 0) return w.map(() => 0);
      return w.map((value) => Math.min(127, Math.max(-127, roundHalfEven(value / scale))) * scale);
    },
    4: (w) => {
      const whole = w.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 7;
      if (Math.fround(whole) === 0) return w.map(() => 0);
      const candidates = Array.from({ length: 32 }, (_, i) => {
        const scale = Math.fround(whole * (40 - i) / 40);
        const rounded = w.map((value) => Math.min(7, Math.max(-7, roundHalfEven(value / scale))) * scale);
        return { rounded, error: rounded.reduce((sum, value, at) => sum + (value - w[at]) ** 2, 0) };
      });
      return candidates.reduce((best, next) => next.error < best.error ? next : best).rounded;
    },
    2: (w) => {
      const sizes = w.map(Math.abs);
      const threshold = 0.7 * mean(sizes);
      const kept = sizes.filter((size) => size > threshold);
      const scale = kept.length === 0 ? 0 : Math.fround(mean(kept));
      return w.map((value) => Math.abs(value) > threshold ? Math.sign(value) * scale : 0);
    },
    1: (w) => {
      const scale = Math.fround(mean(w.map(Math.abs)));
      return w.map((value) => value < 0 ? -scale : scale);
    },
  };

/** Weights of few levels, each output channel (first axis) by itself. */
export function fakeQuantizeWeights(
  { attributes: { bits } }: Node<"FakeQuantizeWeights">,
  [weight]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const size = weight.data.length / weight.shape[0];
  const data = new Float64Array(weight.data.length);
  for (let first = 0; first < data.length; first += size) {
    data.set(CHANNEL[bits](Float64Array.from(weight.data.subarray(first, first + size))).map(Math.fround), first);
  }
  return [{ shape: weight.shape, data }];
}
