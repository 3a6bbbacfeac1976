/**
 * Convolutions whose weights masks may set to zero, and why others stay whole.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphIndex, traitOf } from "../../graph/mod.ts";
import { findTrainableHead } from "../../passes/mod.ts";
import { nodesLike } from "./keep.ts";

/** Which convolutions take part. */
export interface MaskLayerOptions {
  /** Names of nodes whose weights stay: patterns in which `*` stands for anything. */
  readonly keep?: readonly string[];
  /** Convolutions that make queries, keys and values of attention take part too; they stay by default. */
  readonly attention?: boolean;
}

/** A convolution of one group with a constant weight of floats. */
export interface MaskedLayer {
  /** Name of the node. */
  readonly node: string;
  /** Name of its weight. */
  readonly weight: string;
  /** `[O,C,kh,kw]`. */
  readonly shape: readonly [outputs: number, inputs: number, height: number, width: number];
  /** The weight's numbers, row-major. */
  readonly data: Float32Array;
}

/** Names of the layers with weights behind which a value comes, without another such layer between. */
function layersBehind(graph: Graph, values: readonly string[]): Set<string> {
  const index = GraphIndex.of(graph);
  const seen = new Set<string>(), found = new Set<string>();
  const walk = (value: string) => {
    const node = index.producerOf(value);
    if (node === undefined || seen.has(node.name)) return;
    seen.add(node.name);
    const hasWeights = traitOf(node, "layer") !== "no" && node.inputs.some((name) => index.isConstant(name));
    if (hasWeights) found.add(node.name);
    else node.inputs.forEach(walk);
  };
  values.forEach(walk);
  return found;
}

/** Layers that make factors of a product of two computed matrices: queries, keys and values. */
function attentionLayers(graph: Graph): Set<string> {
  const index = GraphIndex.of(graph);
  const factors = graph.nodes.flatMap(({ op, inputs }) =>
    op === "MatMul" && inputs.every((name) => !index.isConstant(name)) ? inputs : []
  );
  return layersBehind(graph, factors);
}

/** Names of nodes that stay whole, besides those of other kinds and groups. */
function wholeNodes(graph: Graph, { keep = [], attention = false }: MaskLayerOptions): Set<string> {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const first = graph.nodes.flatMap(({ name, inputs: [x] }) => inputs.has(x) ? [name] : []);
  const head = findTrainableHead(GraphIndex.of(graph));
  const maps = head?.maps ?? graph.outputs;
  return new Set([
    ...first,
    ...layersBehind(graph, maps),
    ...head?.tail.map(({ name }) => name) ?? [],
    ...attention ? [] : attentionLayers(graph),
    ...nodesLike(graph, keep),
  ]);
}

/**
 * The convolutions that masks may thin out, each weight once, in the order of the nodes. Left out are: those that read the input, the
 * last ones before the outputs of a network or the maps of a detection head, what decodes these (the distances of DFL), depthwise and
 * grouped ones, those that make queries, keys and values of attention (see the options), and what `keep` names.
 *
 * Throws FeatherdetError for a pattern that meets no node, and if no convolution is left.
 */
export function maskedLayers(graph: Graph, options: MaskLayerOptions = {}): MaskedLayer[] {
  const whole = wholeNodes(graph, options);
  const index = GraphIndex.of(graph);
  const found = new Map<string, MaskedLayer>();
  for (const node of graph.nodes) {
    if (node.op !== "Conv" || node.attributes.groups !== 1) continue;
    const weight = node.inputs[1], constant = graph.constants.get(weight);
    if (constant?.dtype !== "f32" || found.has(weight)) continue;
    if (index.readersOf(weight).some((one) => one.op !== "Conv" || whole.has(one.name))) continue;
    const shape = constant.shape as MaskedLayer["shape"];
    found.set(weight, { node: node.name, weight, shape, data: constant.data as Float32Array });
  }
  if (found.size > 0) return [...found.values()];
  throw new FeatherdetError("there is no convolution whose weights may become zero", { file: graph.name });
}
