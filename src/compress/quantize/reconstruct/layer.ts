/**
 * One layer whose weights are rounded so that it makes what it made in float, behind layers that are rounded already: measured with given
 * weights, and learned.
 *
 * @module
 */

import { type Constant, type Graph, type Node, type Shape, sizeOf } from "../../../graph/mod.ts";
import type { Random } from "../../../numbers/random.ts";
import type { Fitter } from "../../runner.ts";
import type { Layer } from "../layers.ts";
import { copyWindow, inputWindow } from "./crops.ts";
import type { WeightGrid } from "./grid.ts";
import type { SampleValues, SideBySide } from "./side_by_side.ts";
import { shareOf, softlyRounded } from "./soft_rounding.ts";

/** A layer that is a convolution with constant weights, in a graph whose batch is a group of samples. */
export interface ReconstructedLayer {
  readonly layer: Layer;
  readonly conv: Node<"Conv">;
  readonly weight: Constant;
  /** `[O]`. */
  readonly bias: Float32Array;
}

/** How rounding is learned. */
export interface LearnOptions {
  /** Steps of Adam for each layer; 100 by default. */
  readonly steps: number;
  /** Windows of a step; 8 by default. */
  readonly batch: number;
  /** Length of a step, in units of v: the share goes from 0 to 1 within 4.8. By default 6 over the number of steps. */
  readonly learningRate: number;
}

/** What a layer makes with some weights. */
export interface Measured {
  /** Bias with which every channel has the mean that it has in float. */
  readonly bias: Float32Array<ArrayBuffer>;
  /** What the layer makes. */
  readonly made: SampleValues;
  /** Sum of the squares of the differences from what it makes in float. */
  readonly error: number;
}

/** Greatest side of a window of the output. */
const WINDOW = 16;

/** Weight of the rounding loss; the error is told in units of the error of nearest rounding, so that both are about 1. */
const ROUNDING_WEIGHT = 0.5;

/** Share of the steps before the rounding loss begins, and exponents of it from then to the end. */
const WARM_UP = 0.2, FIRST_BETA = 20, LAST_BETA = 2;

/** Sum of each channel of maps `[N, C, H, W]`, and elements that were added. */
function channelSums(values: SampleValues, [batch, channels, height, width]: Shape): Float64Array {
  const sums = new Float64Array(channels), area = height * width;
  for (const data of values) {
    for (let plane = 0; plane < batch * channels; plane++) {
      let sum = 0;
      for (let i = plane * area; i < (plane + 1) * area; i++) sum += data[i];
      sums[plane % channels] += sum;
    }
  }
  return sums;
}

function squareError(found: SampleValues, expected: SampleValues): number {
  let error = 0;
  found.forEach((data, sample) => {
    const other = expected[sample];
    for (let i = 0; i < data.length; i++) error += (data[i] - other[i]) ** 2;
  });
  return error;
}

/** The layer alone, with these numbers. */
function withNumbers(side: SideBySide, { layer, conv }: ReconstructedLayer, outputs: readonly string[], numbers: {
  readonly weight: Constant;
  readonly bias: Float32Array<ArrayBuffer> | Float32Array;
}, constants: Graph["constants"]): Graph {
  const [x] = conv.inputs, names = [`${conv.name}/reconstructed_weight`, `${conv.name}/reconstructed_bias`];
  const nodes = layer.nodes.map((node) => node === conv ? { ...conv, inputs: [x, ...names] } : node);
  const bias: Constant = { dtype: "f32", shape: [numbers.bias.length], data: Float32Array.from(numbers.bias) };
  return side.part(nodes, outputs, new Map([...constants, [names[0], numbers.weight], [names[1], bias]]));
}

/** A layer between the float and the rounded graph. */
export class LayerBetween {
  readonly #one: ReconstructedLayer;
  readonly #side: SideBySide;
  readonly #graph: Graph;
  readonly #shapes: { readonly x: Shape; readonly conv: Shape; readonly y: Shape };
  /** Sums of the convolution's channels and the layer's output, in float. */
  readonly #means: Float64Array;
  readonly target: SampleValues;

  private constructor(
    one: ReconstructedLayer,
    side: SideBySide,
    graph: Graph,
    shapes: { readonly x: Shape; readonly conv: Shape; readonly y: Shape },
    float: { readonly sums: Float64Array; readonly target: SampleValues },
  ) {
    [this.#one, this.#side, this.#graph, this.#shapes] = [one, side, graph, shapes];
    [this.#means, this.target] = [float.sums, float.target];
  }

  /** Runs the layer in float. */
  static async create(
    one: ReconstructedLayer,
    side: SideBySide,
    graph: Graph,
    shapeOf: (value: string) => Shape,
  ): Promise<LayerBetween> {
    const { conv, layer } = one;
    const made = conv.outputs[0];
    const found = await side.run(side.part(layer.nodes, [...new Set([made, layer.output])]), "float");
    const shapes = { x: shapeOf(conv.inputs[0]), conv: shapeOf(made), y: shapeOf(layer.output) };
    const sums = channelSums(found.get(made)!, shapes.conv);
    return new LayerBetween(one, side, graph, shapes, { sums, target: found.get(layer.output)! });
  }

  /** What the layer makes with other weights of what the rounded graph hands it, once the means of its channels are corrected. */
  async measure(data: Float32Array<ArrayBuffer>): Promise<Measured> {
    const { layer, conv, bias } = this.#one, made = conv.outputs[0];
    const weight: Constant = { dtype: "f32", shape: this.#one.weight.shape, data };
    const graphOf = (outputs: readonly string[], bias: Float32Array) =>
      withNumbers(this.#side, this.#one, outputs, { weight, bias }, this.#graph.constants);
    const first = (await this.#side.run(graphOf([made], bias), "rounded")).get(made)!;
    const [batch, channels, height, width] = this.#shapes.conv;
    const count = first.length * batch * height * width;
    const sums = channelSums(first, this.#shapes.conv);
    const corrected = new Float32Array(channels).map((_, i) => bias[i] + (this.#means[i] - sums[i]) / count);
    const found = (await this.#side.run(graphOf([layer.output], corrected), "rounded")).get(layer.output)!;
    return { bias: corrected, made: found, error: squareError(found, this.target) };
  }

  /** Elements of the layer's output on all samples. */
  get elements(): number {
    return this.target.length * sizeOf(this.#shapes.y);
  }

  /** Learns which weights are rounded up: true for each that is. `bias` is that of the float weights; `nearest` the error to compare with. */
  async learn(
    grid: WeightGrid,
    { bias, nearest, fitter, random, steps, batch, learningRate }: LearnOptions & {
      readonly bias: Float32Array<ArrayBuffer>;
      readonly nearest: number;
      readonly fitter: Fitter;
      readonly random: Random;
    },
  ): Promise<boolean[]> {
    const { layer, conv, weight } = this.#one, { x, y } = this.#shapes;
    const [group, , height, width] = y;
    const size = { height: Math.min(height, WINDOW), width: Math.min(width, WINDOW) };
    const kernel = weight.shape.slice(2);
    const extent = inputWindow({ top: 0, left: 0, ...size }, conv.attributes, kernel);
    const cut = withNumbers(this.#side, this.#one, [layer.output], { weight, bias }, this.#graph.constants);
    const input = conv.inputs[0];
    // Padding is in the windows already.
    const attributes = { ...conv.attributes, pads: [0, 0, 0, 0] as const };
    const windows: Graph = {
      ...cut,
      inputs: cut.inputs.map((one) => {
        const { height, width } = one.name === input ? extent : size;
        return { ...one, shape: [batch, one.shape[1], height, width] };
      }),
      nodes: cut.nodes.map((node) => node.op === "Conv" ? { ...node, attributes } : node),
    };
    const at = windows.nodes.find((node): node is Node<"Conv"> => node.name === conv.name && node.op === "Conv")!;
    const { graph, error, rounding, learned, target, ...names } = softlyRounded(windows, at, weight, grid);
    const residuals = windows.inputs.map(({ name }) => name).filter((name) => name !== input);

    const feed = (step: number): Record<string, Float32Array> => {
      const fed: Record<string, Float32Array> = Object.fromEntries(
        graph.inputs.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]),
      );
      const progress = Math.max(0, step / steps - WARM_UP) / (1 - WARM_UP);
      fed[names.bias] = bias;
      fed[names.beta][0] = FIRST_BETA + (LAST_BETA - FIRST_BETA) * progress;
      for (let i = 0; i < batch; i++) {
        const sample = random.integer(this.target.length), image = random.integer(group);
        const top = random.integer(height - size.height + 1), left = random.integer(width - size.width + 1);
        const window = { top, left, ...size };
        const copy = (values: SampleValues, shape: Shape, part: typeof window, name: string) => {
          const one = sizeOf(shape.slice(1));
          copyWindow(
            values[sample].subarray(image * one, (image + 1) * one),
            shape,
            part,
            fed[name],
            i * shape[1] * part.height * part.width,
          );
        };
        copy(this.#side.rounded(input), x, inputWindow(window, conv.attributes, kernel), input);
        copy(this.target, y, window, target);
        for (const name of residuals) copy(this.#side.rounded(name), y, window, name);
      }
      return fed;
    };
    const found = await fitter.fit({
      graph,
      losses: [
        { name: "error", value: error, weight: this.elements / nearest },
        { name: "rounding", value: rounding, weight: [[WARM_UP, 0], [WARM_UP, ROUNDING_WEIGHT]] },
      ],
      learned: [learned],
      ...{ steps, learningRate, feed },
    });
    return Array.from(found.get(learned)!, (v) => shareOf(v) >= 0.5);
  }
}
