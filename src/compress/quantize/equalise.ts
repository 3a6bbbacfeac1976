/**
 * Cross-layer equalisation (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction"): between two
 * convolutions the channels are scaled so that the weights of both use their range alike, which matters most where a layer's weights
 * share one scale.
 *
 * Exact where what lies between is positively homogeneous, f(s x) = s f(x) for s > 0, channel by channel: nothing, Relu, LeakyRelu,
 * pooling, resizing. Other activations (SiLU, a Clip at 6) would change what the model computes, so that such pairs are left alone.
 *
 * A channel that hardly looks at its input and only has a bias, as trained models have some, is enlarged no further than others reach:
 * its weights would fill their range, but its bias would leave all other channels a few of the activations' integers.
 *
 * @module
 */

import { type Constant, type Graph, GraphIndex, type Node, traitOf } from "../../graph/mod.ts";

/** True for what commutes with positive factors of its channels. */
const isHomogeneous = (node: Node) =>
  node.inputs.length === 1 && traitOf(node, "homogeneous") && traitOf(node, "reads") !== "any";

/** Rounds over all pairs, each of which disturbs its neighbours, and the factor next to 1 that counts as settled. */
const ROUNDS = 40, SETTLED = 1e-3;

/** Two convolutions whose channels can be scaled against each other. */
export interface EqualisedPair {
  /** Makes the channels. */
  readonly first: Node<"Conv">;
  /** Reads them. */
  readonly second: Node<"Conv">;
}

/** Every pair of convolutions with constant weights of their own between which factors of channels cancel. */
export function equalisablePairs(graph: Graph): EqualisedPair[] {
  const index = GraphIndex.of(graph);
  const hasOwnWeights = (node: Node): node is Node<"Conv"> =>
    node.op === "Conv" && node.inputs.slice(1).every((name) => index.isConstant(name)) &&
    node.inputs.slice(1).every((name) => index.readersOf(name).length === 1);
  return graph.nodes.filter(hasOwnWeights).flatMap((first) => {
    let last: Node = first;
    for (;;) {
      const value: string = last.outputs[0];
      const next = index.soleReader(value);
      if (next === undefined) return [];
      if (next.inputs[0] === value && hasOwnWeights(next)) return [{ first, second: next }];
      if (!isHomogeneous(next)) return [];
      last = next;
    }
  });
}

/** Calls `visit` for each index of the weights that read input channel `channel`. */
function forEachOfInput(
  { shape: [outputs, perGroup, height, width] }: Constant,
  groups: number,
  channel: number,
  visit: (index: number) => void,
): void {
  const area = height * width, outputsPerGroup = outputs / groups;
  const group = Math.floor(channel / perGroup), column = channel % perGroup;
  for (let o = group * outputsPerGroup; o < (group + 1) * outputsPerGroup; o++) {
    const start = (o * perGroup + column) * area;
    for (let i = start; i < start + area; i++) visit(i);
  }
}

/** How far a convolution's channels reach: the greatest bias, or what weights make of inputs about 1 that are independent. */
function reachOf(rows: Float32Array, bias: Float32Array): number {
  const perRow = rows.length / bias.length;
  let reach = 0;
  for (let channel = 0; channel < bias.length; channel++) {
    let power = 0;
    for (let i = channel * perRow; i < (channel + 1) * perRow; i++) power += rows[i] ** 2;
    reach = Math.max(reach, Math.abs(bias[channel]), Math.sqrt(power));
  }
  return reach;
}

/** The graph with such pairs equalised, and how many there are; what it computes stays the same up to rounding. */
export function equalise(graph: Graph): { graph: Graph; pairs: number } {
  const pairs = equalisablePairs(graph);
  if (pairs.length === 0) return { graph, pairs: 0 };
  const constants = new Map(graph.constants);
  const own = (name: string): Float32Array => {
    const constant = constants.get(name)!;
    if (constant === graph.constants.get(name)) {
      constants.set(name, { ...constant, data: Float32Array.from(constant.data) } as Constant);
    }
    return constants.get(name)!.data as Float32Array;
  };
  const reaches = pairs.map(({ first }) => {
    return first.inputs.length > 2 ? reachOf(own(first.inputs[1]), own(first.inputs[2])) : 0;
  });
  for (let round = 0, settled = false; round < ROUNDS && !settled; round++) {
    settled = true;
    for (const [index, { first, second }] of pairs.entries()) {
      const rows = own(first.inputs[1]), columns = own(second.inputs[1]);
      const bias = first.inputs.length > 2 ? own(first.inputs[2]) : undefined;
      const channels = constants.get(first.inputs[1])!.shape[0], perRow = rows.length / channels;
      for (let channel = 0; channel < channels; channel++) {
        let out = 0, into = 0;
        for (let i = channel * perRow; i < (channel + 1) * perRow; i++) out = Math.max(out, Math.abs(rows[i]));
        const reading = constants.get(second.inputs[1])!;
        forEachOfInput(reading, second.attributes.groups, channel, (i) => into = Math.max(into, Math.abs(columns[i])));
        if (out === 0 || into === 0) continue;
        const wanted = Math.sqrt(out / into);
        const factor = bias && wanted < 1 ? Math.max(wanted, Math.abs(bias[channel]) / reaches[index]) : wanted;
        if (Math.abs(factor - 1) < SETTLED) continue;
        settled = false;
        for (let i = channel * perRow; i < (channel + 1) * perRow; i++) rows[i] /= factor;
        if (bias) bias[channel] /= factor;
        forEachOfInput(reading, second.attributes.groups, channel, (i) => columns[i] *= factor);
      }
    }
  }
  return { graph: { ...graph, constants }, pairs: pairs.length };
}
