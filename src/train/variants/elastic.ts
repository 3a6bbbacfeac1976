/**
 * Training of an elastic network: masks that a step feeds choose the sub-network that it trains, and the sub-network learns what the whole
 * one says of the same pictures (in-place distillation, BigNAS, Yu et al. 2020, https://arxiv.org/abs/2003.11142).
 *
 * @module
 */

import { distilPlaces, joinTeacher, type JointGraph } from "../../compress/distill/mod.ts";
import { type ElasticNet, maskShapes } from "../../compress/elastic/mod.ts";
import { FeatherdetError, GraphEditor, GraphIndex } from "../../graph/mod.ts";
import type { ParameterGroup } from "../autodiff/training_graph.ts";
import { PLAIN, type TrainableGraph, type TrainingVariant } from "../variant.ts";
import { type DistilTerm, withLosses } from "./distilled.ts";

/** What sub-networks learn where nobody says: class probabilities and distances of the whole network, as much as labels teach that one. */
export const IN_PLACE_LOSSES: readonly DistilTerm[] = [
  { loss: "logits", weight: 0.5 },
  { loss: "dfl", weight: 0.25 },
];

/** Names of the inputs of a step that bring masks, by the constants that they multiply. */
export function maskInputs(net: ElasticNet): Map<string, string> {
  return new Map([...maskShapes(net).keys()].map((constant) => [constant, `${constant}/elastic`]));
}

/** What steps say of the whole network, and the inputs by which sub-networks are told of it. */
export function inPlaceValues(net: ElasticNet): readonly (readonly [value: string, input: string])[] {
  const { logits, distributions } = distilPlaces(net.graph);
  return [logits, distributions].map((value) => [value, `teacher/${value}`] as const);
}

/** Multiplies each constant that has a mask by the input that brings it. */
function withMasks({ graph, frozen, trained }: TrainableGraph, net: ElasticNet): TrainableGraph {
  const editor = new GraphEditor(graph), index = GraphIndex.of(graph), inputs = maskInputs(net);
  const groups = new Map<string, ParameterGroup>(trained);
  for (const [constant, shape] of maskShapes(net)) {
    const [reader] = index.readersOf(constant);
    if (reader === undefined || !index.isConstant(constant)) {
      throw new FeatherdetError(`has no "${constant}" of the elastic network`, { file: graph.name });
    }
    const mask = editor.input(inputs.get(constant)!, shape);
    editor.insert(constant, () => editor.one("Mul", `${constant}/masked`, [constant, mask], {}));
    const isNorm = reader.op === "BatchNormalization";
    groups.set(constant, !isNorm ? "weight" : reader.inputs[1] === constant ? "norm" : "bias");
  }
  return { graph: editor.finish({ keepUnread: true }), frozen, trained: groups };
}

/** What checkpoints keep: what is elastic, and apart, since it is long, the order in which channels go. */
function settingsOf({ options: { order, ...options } }: ElasticNet, losses: readonly DistilTerm[]) {
  return { elastic: { ...options, losses }, ...(order && { elasticOrder: order }) };
}

/**
 * Training of an elastic network. A step is fed masks (`maskInputs`, `masksOf`) and what the whole network says of the pictures
 * (`inPlaceValues`). Its losses are those of the labels and `distil logits` and so on; whoever makes the steps says by their factors
 * which of them count. Gradients of what a mask takes away are zero. The exported model is the whole network.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { elasticNet } from "../../compress/elastic/mod.ts";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { trainableGraph } from "../variant.ts";
 * import { elastic, maskInputs } from "./elastic.ts";
 * const net = elasticNet(yolo11({ width: 0.0625, size: 64 }), { widths: [0.5, 1] });
 * const { graph } = elastic(net).trainable(trainableGraph(net.graph));
 * const names = graph.inputs.map(({ name }) => name);
 * assert.ok([...maskInputs(net).values()].every((name) => names.includes(name)));
 * ```
 *
 * `trainable` throws FeatherdetError for another model than the net's, for a model without a head of YOLO11, and for rounded weights.
 */
export function elastic(net: ElasticNet, losses: readonly DistilTerm[] = IN_PLACE_LOSSES): TrainingVariant {
  const apart = new Set(["logits", "distributions"] as const);
  return {
    ...PLAIN,
    name: "elastic",
    settings: settingsOf(net, losses),
    trainable(model) {
      // It is its own teacher: of it only the shapes of what it says are taken.
      const { graph }: JointGraph = joinTeacher(model.graph, model.graph, { compares: "head", apart });
      return withMasks({ ...model, graph }, net);
    },
    losses: (trained) => withLosses(trained, trained.graph, { losses }),
  };
}
