/**
 * Where int8 begins and ends: which layers compute in int8, which values are stored in int8, and which of them share a scale.
 *
 * A value is stored in int8 where something that computes in int8 reads it. So a layer before a float part leaves its result in float,
 * and one kernel does everything between two stored values: DequantizeLinear, layer, activation, residual sum, QuantizeLinear.
 *
 * @module
 */

import { type Graph, GraphIndex, type Node, traitOf } from "../../graph/mod.ts";
import { type Layer, layersOf } from "./layers.ts";
import { QUANTIZATION_RULES } from "./rules.ts";

/** Why a node stays in float, in a few words; undefined for one that need not. */
export type FloatRule = (node: Node) => string | undefined;

/** How to place. */
export interface PlacementOptions {
  /** What stays in float. */
  readonly float: FloatRule;
  /** Whether parts of a Concat share the scale of the whole, so that it moves nothing (`shared`), or each has its own. */
  readonly joins: "shared" | "apart";
  /** Store what int8 layers make in int8 even where only float nodes read it. */
  readonly storeOutputs: boolean;
}

/** A layer and what becomes of it. */
export interface PlacedLayer extends Layer {
  /** Why it stays in float; undefined where it computes in int8. */
  readonly float: string | undefined;
}

/** Where int8 begins and ends in a graph. */
export interface Placement {
  /** All layers of the graph, in order. */
  readonly layers: readonly PlacedLayer[];
  /** Nodes that compute or move int8: those of int8 layers, sums, and `same` nodes. */
  readonly int8: ReadonlySet<Node>;
  /** Values that share a scale, each value stored in int8 in one of the lists, in the graph's order. */
  readonly sets: readonly (readonly string[])[];
  /** True where a reader of a stored value reads what int8 gives back, false where it reads the float value that is still there. */
  readonly readsInt8: (reader: Node, value: string) => boolean;
  /** Values that calibration has to look at; the others only move what these hold. */
  readonly observed: readonly string[];
  /** The observed values whose elements a stored value holds. */
  readonly sourcesOf: (value: string) => string[];
}

/** True where a node with the rule `same` moves bytes in the layout of images; others compute, or move along other axes. */
function movesBytes(node: Node, index: GraphIndex): boolean {
  const isMap = [...node.inputs, ...node.outputs].every((name) => index.shapeOf(name).length === 4);
  if (!isMap || node.inputs.some((name) => index.isConstant(name))) return false;
  switch (node.op) {
    case "Concat":
    case "Split":
      return node.attributes.axis === 1;
    case "Slice":
      return node.attributes.axes.every((axis) => axis === 1);
    case "Resize":
      return node.attributes.mode === "nearest";
    default:
      return QUANTIZATION_RULES[node.op] === "same";
  }
}

/** Lists that can be joined: each value knows the first of its list. */
class Sets {
  readonly #parents = new Map<string, string>();

  find(value: string): string {
    let root = value;
    for (let next = this.#parents.get(root); next !== undefined; next = this.#parents.get(root)) root = next;
    return root;
  }

  join(a: string, b: string): void {
    const [first, second] = [this.find(a), this.find(b)];
    if (first !== second) this.#parents.set(second, first);
  }
}

/** Why a layer cannot compute in int8, whoever wants it to. */
function obstacle({ node }: Layer, graph: Graph): string | undefined {
  if (graph.constants.has(node.inputs[0])) return "its first factor is constant";
  const [, , bias] = node.inputs;
  return bias === undefined || graph.constants.has(bias) ? undefined : "its bias is computed";
}

/** Decides for every node and value of a graph whose activations are recognised and whose BatchNormalizations are folded. */
export function placeInt8(graph: Graph, options: PlacementOptions): Placement {
  const index = GraphIndex.of(graph);
  const layers = layersOf(index).map((layer): PlacedLayer => ({
    ...layer,
    float: options.float(layer.node) ?? obstacle(layer, graph),
  }));
  const inLayers = new Set(layers.flatMap(({ nodes }) => nodes));
  const int8 = new Set(layers.filter(({ float }) => float === undefined).flatMap(({ nodes }) => nodes));

  // Forwards: what could be int8 without being quantized first.
  const ready = new Set(layers.filter(({ float }) => float === undefined).map(({ output }) => output));
  const candidates = graph.nodes.filter((node) => {
    const rule = QUANTIZATION_RULES[node.op];
    if (inLayers.has(node) || options.float(node) !== undefined) return false;
    const isReady = rule === "same"
      ? movesBytes(node, index) && node.inputs.some((name) => ready.has(name))
      : rule === "sum" && node.inputs.every((name) => ready.has(name));
    if (isReady) { for (const name of node.outputs) ready.add(name); }
    return isReady;
  });

  // Backwards: what somebody wants in int8.
  const wanted = new Set<string>();
  for (const { float, inputs } of layers) if (float === undefined) { for (const name of inputs) wanted.add(name); }
  for (const node of candidates.toReversed()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    int8.add(node);
    // A part of a map that stays behind in float would have to be converted by itself.
    if (QUANTIZATION_RULES[node.op] === "same") { for (const name of node.outputs) wanted.add(name); }
    for (const name of node.inputs) wanted.add(name);
  }
  if (options.storeOutputs) {
    for (const { float, output } of layers) if (float === undefined) wanted.add(output);
  }

  const order = [...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  const stored = order.filter((name) => wanted.has(name));
  const sets = new Sets();
  for (const node of int8) {
    const isShared = node.op === "Concat" ? options.joins === "shared" : QUANTIZATION_RULES[node.op] === "same";
    if (isShared && !inLayers.has(node)) {
      for (const name of [...node.inputs, ...node.outputs]) sets.join(node.inputs[0], name);
    }
  }
  const lists = new Map<string, string[]>();
  for (const name of stored) {
    const root = sets.find(name);
    lists.set(root, [...lists.get(root) ?? [], name]);
  }

  /** The int8 node that only moves what it reads, if such a one makes the value. */
  const moverOf = (value: string): Node | undefined => {
    const maker = index.producerOf(value);
    const isMover = maker !== undefined && int8.has(maker) && QUANTIZATION_RULES[maker.op] === "same";
    return isMover && traitOf(maker, "moves") === "place" ? maker : undefined;
  };
  const sourcesOf = (value: string): string[] => [
    ...new Set(moverOf(value)?.inputs.flatMap(sourcesOf) ?? [value]),
  ];
  return {
    layers,
    int8,
    sets: [...lists.values()],
    readsInt8: (reader, value) => {
      const maker = index.producerOf(value);
      return int8.has(reader) || maker !== undefined && int8.has(maker);
    },
    observed: stored.filter((value) => moverOf(value) === undefined),
    sourcesOf,
  };
}
