/**
 * A graph as an analog array computes it: inputs of layers as their converters make them, weights of few bits, noise on the sums, and sums
 * as converters read them.
 *
 * Noise of a sum has two parts. Shot noise of the light grows with the light of all products: its variance is `shot` squared for each of
 * them at full light. Thermal noise of the receiver comes with every reading: a sum that is longer than the array has `rows` is read in
 * parts. Roundings of these parts count as one of the whole: parts of random signs reach the square root of their number less far, so that
 * together they round as coarsely.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphEditor, sizeOf } from "../../graph/mod.ts";
import { analogLayers } from "./layers.ts";
import { type AnalogBits, type AnalogRange, type AnalogRanges, checkBits } from "./ranges.ts";

/** What an array does to a product. */
export interface AnalogNoise {
  /** Standard deviation of the shot noise of one product at full light; a product is 1 there at most. */
  readonly shot: number;
  /** Standard deviation of the thermal noise of a reading, in the same unit. */
  readonly thermal: number;
  /** Products that are summed before a reading. */
  readonly rows: number;
}

/** How a graph runs on an array. */
export interface AnalogOptions {
  /** Bits of converters and weights. */
  readonly bits: AnalogBits;
  /** What the array adds to sums. */
  readonly noise: AnalogNoise;
  /** Of the noise; equal seeds give equal results on the same pictures. 0 by default. */
  readonly seed?: number;
  /**
   * What becomes of weights: `rounded` numbers in the graph, by default, or `trained`, which are rounded in the loop where there are 8 or 4
   * bits and stay as they are else.
   */
  readonly weights?: "rounded" | "trained";
}

/** Standard deviation of the noise of a sum of so many products, where a product is 1 at most. */
export function sumNoise({ shot, thermal, rows }: AnalogNoise, window: number, light: number): number {
  return Math.sqrt(window * light * shot ** 2 + Math.ceil(window / rows) * thermal ** 2);
}

/** Weights as an array holds them: whole steps of the greatest weight of each output channel. */
function roundedWeights(data: ArrayLike<number>, shape: readonly number[], scales: Float32Array, bits: number) {
  const size = sizeOf(shape.slice(1)), most = 2 ** (bits - 1) - 1;
  return Float32Array.from(data, (value, i) => {
    const step = scales[Math.floor(i / size)] / most;
    return Math.round(value / step) * step;
  });
}

/** Attributes of the converter that makes light of inputs. */
function inputConverter({ low, high }: AnalogRange, bits: number) {
  const steps = 2 ** bits - 1, step = (high - low) / steps, first = Math.round(low / step);
  return { scales: [1], step, low: first, high: first + steps, sigma: 0, seed: 0 };
}

/**
 * The graph on an analog array. `ranges` say what the converters span (`analogRanges`). BatchNormalization may be folded or not. The result
 * is computed by the device and by the reference, and has no ONNX form.
 *
 * Throws FeatherdetError for bits that no converter has, and for a graph with a layer whose ranges are not known.
 */
export function analogGraph(graph: Graph, ranges: AnalogRanges, options: AnalogOptions): Graph {
  const { noise, seed = 0, weights = "rounded" } = options, bits = checkBits(options.bits);
  const editor = new GraphEditor(graph), made = new Map<string, string>(), given = new Map<string, string>();
  analogLayers(graph).forEach(({ node, window, scales }, i) => {
    const [x, weight, bias] = node.inputs, base = `${node.name}/analog`, range = ranges[node.name];
    if (range === undefined) {
      throw new FeatherdetError("the ranges of this layer were not seen: they are of another model", {
        file: graph.name,
        node: node.name,
      });
    }
    const { shape, data } = graph.constants.get(weight)! as { shape: readonly number[]; data: Float32Array };
    const light = made.get(x) ??
      editor.before(node, () => editor.one("NoisyQuantize", `${x}/light`, [x], inputConverter(range, bits.inputs)));
    made.set(x, light);
    let held = weight;
    if (weights === "rounded") {
      held = editor.constant(
        editor.uniqueName(`${base}/weight`),
        shape,
        roundedWeights(data, shape, scales, bits.weights),
      );
    } else if (bits.weights === 8 || bits.weights === 4) {
      const attributes = { bits: bits.weights } as const;
      held = editor.before(node, () => editor.one("FakeQuantizeWeights", `${base}/weight`, [weight], attributes));
    }
    const [y] = node.outputs, channels = scales.length, most = 2 ** (bits.outputs - 1) - 1;
    const full = Math.max(-range.low, range.high);
    const reader = {
      ...{ scales: [...scales], step: range.reach / most, low: -most, high: most },
      ...{ sigma: full * sumNoise(noise, window, range.light), seed: 1000 * seed + i },
    };
    editor.setInputs(node, [light, held]);
    const last = editor.insert(y, () => {
      const read = editor.one("NoisyQuantize", `${base}/read`, [y], reader);
      if (bias === undefined) return read;
      if (weights === "trained") {
        // A normalisation would be trained as one, with statistics of the batch.
        const row = editor.one("Reshape", `${base}/row`, [bias], { shape: [1, channels, 1, 1] });
        return editor.one("Add", `${base}/bias`, [read, row], {});
      }
      // A normalisation by nothing adds the bias, and takes the activation along.
      const row = (what: string, value: number) =>
        editor.constant(editor.uniqueName(`${base}/${what}`), [channels], new Float32Array(channels).fill(value));
      const vectors = [row("one", 1), bias, row("mean", 0), row("variance", 1)];
      return editor.one("BatchNormalization", `${base}/bias`, [read, ...vectors], { epsilon: 0 });
    });
    given.set(y, last);
  });
  // What leaves the graph is read by converters too.
  return editor.finish({ outputs: graph.outputs.map((value) => given.get(value) ?? value) });
}
