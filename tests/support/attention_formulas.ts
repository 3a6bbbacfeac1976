/**
 * Attention blocks and channel shuffle written out from the papers' formulas as plain loops over float64, with nothing of the
 * program in them.
 *
 * @module
 */

/** `[N, C, H, W]`, row-major. */
export interface Map4 {
  readonly shape: readonly [number, number, number, number];
  readonly data: ArrayLike<number>;
}

/** A fully connected layer: `[outputs, inputs]` weights, row-major, and biases. */
export interface Dense {
  readonly weight: ArrayLike<number>;
  readonly bias?: ArrayLike<number>;
}

/** max(x, 0). */
export const relu = (x: number) => Math.max(x, 0);
/** The logistic function. */
export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** ReLU6(x + 3) / 6 (Howard et al. 2019). */
export const hardSigmoid = (x: number) => Math.min(Math.max(x + 3, 0), 6) / 6;
/** x ReLU6(x + 3) / 6 (Howard et al. 2019). */
export const hardSwish = (x: number) => x * hardSigmoid(x);
/** x sigmoid(x). */
export const silu = (x: number) => x * sigmoid(x);

/** The elements of channel c of image n. */
function plane({ shape: [, channels, height, width], data }: Map4, n: number, c: number): number[] {
  const start = (n * channels + c) * height * width;
  return Array.from({ length: height * width }, (_, i) => data[start + i]);
}

const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);

function dense({ weight, bias }: Dense, x: readonly number[]): number[] {
  return Array.from({ length: weight.length / x.length }, (_, o) => {
    return sum(x.map((value, i) => weight[o * x.length + i] * value)) + (bias?.[o] ?? 0);
  });
}

/** Every element with its image, channel and pixel, made anew. */
export function mapped(map: Map4, value: (x: number, n: number, c: number, pixel: number) => number): number[] {
  const [batch, channels, height, width] = map.shape;
  const result: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < height * width; i++) {
        result.push(value(map.data[(n * channels + c) * height * width + i], n, c, i));
      }
    }
  }
  return result;
}

/** Gates of squeeze-and-excitation, image by image: `gate(W2 act(W1 mean + b1) + b2)` (Hu et al. 2018). */
export function squeezeExciteGates(
  map: Map4,
  [first, second]: readonly [Dense, Dense],
  [act, gate]: readonly [(x: number) => number, (x: number) => number],
): number[][] {
  const [batch, channels, height, width] = map.shape;
  return Array.from({ length: batch }, (_, n) => {
    const means = Array.from({ length: channels }, (_, c) => sum(plane(map, n, c)) / (height * width));
    return dense(second, dense(first, means).map(act)).map(gate);
  });
}

/** Channel gates of CBAM: `sigmoid(MLP(mean) + MLP(max))` with a shared perceptron (Woo et al. 2018). */
export function cbamChannelGates(map: Map4, [first, second]: readonly [Dense, Dense]): number[][] {
  const [batch, channels, height, width] = map.shape;
  return Array.from({ length: batch }, (_, n) => {
    const planes = Array.from({ length: channels }, (_, c) => plane(map, n, c));
    const perceptron = (x: number[]) => dense(second, dense(first, x).map(relu));
    const a = perceptron(planes.map((values) => sum(values) / (height * width)));
    const b = perceptron(planes.map((values) => Math.max(...values)));
    return a.map((value, c) => sigmoid(value + b[c]));
  });
}

/** The gate of each pixel, image by image: `sigmoid(bias + K x K convolution of two channels)`, zeros around. */
export function pixelGates({ shape, data }: Map4, weight: ArrayLike<number>, bias = 0): number[][] {
  const [batch, channels, height, width] = shape;
  const kernel = Math.sqrt(weight.length / channels), half = (kernel - 1) / 2;
  return Array.from({ length: batch }, (_, n) =>
    Array.from({ length: height * width }, (_, pixel) => {
      const v = Math.floor(pixel / width), u = pixel % width;
      let total = bias;
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < kernel; i++) {
          for (let j = 0; j < kernel; j++) {
            const y = v + i - half, x = u + j - half;
            if (y < 0 || y >= height || x < 0 || x >= width) continue;
            total += weight[(c * kernel + i) * kernel + j] * data[((n * channels + c) * height + y) * width + x];
          }
        }
      }
      return sigmoid(total);
    }));
}

/** Mean and maximum of the channels of each pixel as `[N, 2, H, W]`. */
export function channelStatistics(map: Map4): Map4 & { readonly data: number[] } {
  const [batch, channels, height, width] = map.shape;
  const data = Array.from({ length: batch }, (_, n) => {
    const planes = Array.from({ length: channels }, (_, c) => plane(map, n, c));
    const pixels = planes[0].map((_, i) => planes.map((values) => values[i]));
    return [pixels.map((list) => sum(list) / channels), pixels.map((list) => Math.max(...list))];
  }).flat(2);
  return { shape: [batch, 2, height, width], data };
}

/**
 * SimAM (Yang et al. 2021): `x sigmoid(1 / e)`, where `e = 4 (v + lambda) / ((x - m)^2 + 2 v + 2 lambda)` is the minimal energy of a
 * neuron, m the mean and v the variance (over n - 1) of its channel.
 */
export function simamFormula(map: Map4, lambda: number): number[] {
  return mapped(map, (x, n, c) => {
    const values = plane(map, n, c);
    const mean = sum(values) / values.length;
    const variance = sum(values.map((value) => (value - mean) ** 2)) / Math.max(1, values.length - 1);
    const energy = 4 * (variance + lambda) / ((x - mean) ** 2 + 2 * variance + 2 * lambda);
    return x * sigmoid(1 / energy);
  });
}

/** Channel shuffle (Zhang et al. 2018): channel `g * C / groups + i` becomes channel `i * groups + g`. */
export function shuffleFormula(map: Map4, groups: number): number[] {
  const [batch, channels, height, width] = map.shape;
  const perGroup = channels / groups, pixels = height * width;
  const result = new Array<number>(batch * channels * pixels);
  for (let n = 0; n < batch; n++) {
    for (let g = 0; g < groups; g++) {
      for (let i = 0; i < perGroup; i++) {
        plane(map, n, g * perGroup + i).forEach((value, pixel) => {
          result[(n * channels + i * groups + g) * pixels + pixel] = value;
        });
      }
    }
  }
  return result;
}
