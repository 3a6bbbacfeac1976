/**
 * Weights fitted after a cut: what reads fewer channels than before, or others, is to make of them what it made of all (He, Zhang and Sun 2017, "Channel
 * pruning for accelerating very deep neural networks", the reconstruction; Luo, Wu and Lin 2017, "ThiNet").
 *
 * @module
 */

import type { CouplingGroup } from "../../graph/channels/mod.ts";
import {
  type Constant,
  FeatherdetError,
  type Graph,
  GraphEditor,
  GraphIndex,
  type Node,
  type Operator,
  type Shape,
} from "../../graph/mod.ts";
import { constantSlices } from "../../passes/channel_slices.ts";
import { fitRows, RowSums } from "../../numbers/least_squares.ts";

/** A convolution that reads fewer channels than before, or others. */
export interface RefitLayer {
  /** As it stands in the whole graph; its input may be another one. */
  readonly node: Node<"Conv">;
  /** Channels of its input that are left, ascending. */
  readonly inputs: readonly number[];
  /** Channels of its output that are left, ascending. */
  readonly outputs: readonly number[];
  /** Height and width of its kernel. */
  readonly kernel: readonly [number, number];
  /**
   * What takes a constant that is fitted too: the bias, or a BatchNormalization behind it, whose mean is measured anew. Without either none
   * is fitted.
   */
  readonly offset: "bias" | "normalisation" | "none";
}

/** Where rows of a layer come from: its maps, row-major. */
export interface LayerMaps {
  /** `[N,C,H,W]`, what it reads. */
  readonly input: { readonly shape: Shape; readonly data: ArrayLike<number> };
  /** `[N,O,H',W']`, what it makes. */
  readonly output: { readonly shape: Shape; readonly data: ArrayLike<number> };
}

/** Operators behind which a value is no longer a score of the network's own. */
const WEIGHTED: ReadonlySet<Operator> = new Set<Operator>(["Conv", "ConvTranspose", "MatMul", "Gemm"]);

function offsetOf(node: Node<"Conv">, index: GraphIndex): RefitLayer["offset"] {
  const [value] = node.outputs, readers = index.readersOf(value);
  if (!index.isOutput(value) && readers.every(({ op }) => op === "BatchNormalization")) return "normalisation";
  const bias = node.inputs[2];
  return bias && index.constantOf(bias) && index.soleReader(bias) ? "bias" : "none";
}

/**
 * Whether a value becomes scores of the network with no further weights: logits of classes or of objectness. The squares of their errors
 * are nearly all of places without an object, and a fit to them gives up the few high ones.
 */
function becomesScores(value: string, index: GraphIndex): boolean {
  const reach = (name: string, isSquashed: boolean): boolean =>
    isSquashed && index.isOutput(name) ||
    index.readersOf(name).some(({ op, outputs }) =>
      !WEIGHTED.has(op) && outputs.some((next) => reach(next, isSquashed || op === "Sigmoid" || op === "Softmax"))
    );
  return reach(value, false);
}

/**
 * The convolutions of one group with a weight of their own that read channels which went with the groups, in the order of the nodes. Those
 * of several groups read what they make, channel by channel, and have nothing to make up for a channel with. Those that make logits of scores
 * are left out.
 */
export function refitLayers(whole: Graph, groups: readonly CouplingGroup[]): RefitLayer[] {
  const index = GraphIndex.of(whole), removed = constantSlices(whole, groups);
  return whole.nodes.flatMap((node): RefitLayer[] => {
    if (node.op !== "Conv" || node.attributes.groups !== 1) return [];
    const [, name] = node.inputs, weight = index.constantOf(name), gone = removed.get(name);
    if (weight?.dtype !== "f32" || !gone?.get(1)?.size || !index.soleReader(name)) return [];
    if (becomesScores(node.outputs[0], index)) return [];
    const left = (axis: number) =>
      Array.from({ length: weight.shape[axis] }, (_, channel) => channel).filter((k) => !gone.get(axis)?.has(k));
    const [, , height, width] = weight.shape;
    return [{ node, inputs: left(1), outputs: left(0), kernel: [height, width], offset: offsetOf(node, index) }];
  });
}

/** The values that a value puts together, if it is a Concat of channels, or the value itself. */
function parted(value: string, index: GraphIndex): readonly string[] {
  const maker = index.producerOf(value);
  return maker?.op === "Concat" && maker.attributes.axis === 1 ? maker.inputs : [value];
}

/** What is fitted where parts of a network are gone. */
export interface ShortenedRefit {
  /** The whole graph, which also makes what the layers read by now. */
  readonly graph: Graph;
  /** The layers, with what they read by now as their input. */
  readonly layers: readonly RefitLayer[];
}

/**
 * The convolutions of one group with a weight of their own that read other values since parts of the network are gone, by the values of the
 * whole graph. Those that make logits of scores are left out.
 */
export function refitShortened(whole: Graph, short: Graph): ShortenedRefit {
  const before = GraphIndex.of(whole), now = GraphIndex.of(short), editor = new GraphEditor(whole);
  const all = new Map(whole.nodes.map((node) => [node.name, node])), layers: RefitLayer[] = [];
  for (const { op, name, inputs: [value, weight], attributes } of short.nodes) {
    const node = all.get(name), shape = now.constantOf(weight)?.shape;
    if (op !== "Conv" || node?.op !== "Conv" || attributes.groups !== 1 || !shape || !now.soleReader(weight)) continue;
    const values = parted(value, now);
    if (values.join() === parted(node.inputs[0], before).join() || becomesScores(node.outputs[0], before)) continue;
    const input = values.length === 1 ? values[0] : editor.one("Concat", `${name}/left`, values, { axis: 1 });
    const [outputs, inputs] = shape.map((count) => Array.from({ length: count }, (_, channel) => channel));
    layers.push({
      ...{ inputs, outputs, kernel: [shape[2], shape[3]], offset: offsetOf(node, before) },
      node: { ...node, inputs: [input, ...node.inputs.slice(1)] },
    });
  }
  return { graph: editor.finish({ keepUnread: true }), layers };
}

/** Empty sums for the rows of a layer. */
export function refitSums({ inputs, outputs, kernel: [height, width] }: RefitLayer): RowSums {
  return new RowSums(inputs.length * height * width, outputs.length);
}

/**
 * Writes the row of one position of a layer's output: what its kernel sees there in the channels that are left, in the order of its
 * weight, and what it makes of all channels.
 */
export function writeRow(
  { node: { attributes: { strides, pads, dilations } }, inputs, outputs, kernel }: RefitLayer,
  { input, output }: LayerMaps,
  picture: number,
  position: number,
  rows: Float32Array,
  at: number,
): void {
  const [, channels, height, width] = input.shape, [, made, , across] = output.shape;
  const top = Math.floor(position / across) * strides[0] - pads[0], left = position % across * strides[1] - pads[1];
  for (const channel of inputs) {
    const plane = (picture * channels + channel) * height * width;
    for (let i = 0; i < kernel[0]; i++) {
      const y = top + i * dilations[0];
      for (let j = 0; j < kernel[1]; j++) {
        const x = left + j * dilations[1];
        rows[at++] = y < 0 || y >= height || x < 0 || x >= width ? 0 : input.data[plane + y * width + x];
      }
    }
  }
  const size = output.shape[2] * across;
  for (const channel of outputs) rows[at++] = output.data[(picture * made + channel) * size + position];
}

/**
 * The pruned graph with the weights, and biases where they have them, of the layers fitted to the sums of their rows. `ridge` is the share of
 * the inputs' mean square that a squared change of a weight costs.
 *
 * Throws FeatherdetError, with the node, where the rows have numbers that are not finite.
 */
export function withRefitted(
  pruned: Graph,
  fits: Iterable<readonly [layer: RefitLayer, sums: RowSums]>,
  ridge: number,
): Graph {
  const constants = new Map(pruned.constants);
  const put = (name: string, data: ArrayLike<number>) => {
    const constant: Constant = { dtype: "f32", shape: constants.get(name)!.shape, data: Float32Array.from(data) };
    constants.set(name, constant);
  };
  for (const [{ node: { name, op, inputs: [, weight, bias] }, offset }, sums] of fits) {
    if (!sums.isFinite) {
      throw new FeatherdetError("its values on the pictures are not finite", { node: name, operator: op });
    }
    const { weights, offsets } = fitRows(sums, constants.get(weight)!.data, { ridge, hasOffset: offset !== "none" });
    put(weight, weights);
    if (offset === "bias") put(bias!, offsets);
  }
  return { ...pruned, constants };
}
